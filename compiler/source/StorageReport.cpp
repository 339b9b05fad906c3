// A module of derivatives, each with a fence between its two sweeps -> a text that says of each what
// is kept from the first for the second:
//
//   the gradient of loss, line 5, keeps 8 * n + 8 * n bytes
//     line 7   h    8 * n bytes, for the slope of tanh
//     line 9   s    8 bytes in each of n rounds, for the slope of sin
//
// Values of the outermost block are kept where something behind the fence reads them; those inside
// of loops and branches where they are pushed.
#include "source/StorageReport.h"

#include "dialect/Dialect.h"
#include "dialect/Fence.h"
#include "source/GradientSource.h"
#include "support/Places.h"

#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;

namespace mpy {

namespace {
/// One value that is kept.
struct Kept {
  unsigned line = 0, order = 0;
  std::string name, reason;
  Size bytes, rounds = Size::of(1);
  /// How often, in words; empty for once.
  std::string frequency;
};

/// What one line of the program is in the two sweeps.
struct Work {
  unsigned forward = 0, backward = 0;
  llvm::SetVector<StringRef> again;
};

/// One derivative.
class Report {
public:
  Report(func::FuncOp function, Operation *fence, const StorageReportOptions &options)
      : function(function), fence(fence), options(options), sizes(options.sizes) {}

  void find();
  void print(llvm::raw_ostream &out) const;
  void printLines(llvm::raw_ostream &out) const;
  std::string title() const;

private:
  bool isBehind(Operation *op) const;
  void findValue(mlir::Value value);
  void findPush(PushOp push);
  void count(Operation *op);
  void takeRounds(Operation *op, Kept &kept) const;
  std::string reasonFor(Operation *reader) const;
  std::string sizeText(const Kept &kept) const;
  Size total() const;

  func::FuncOp function;
  Operation *fence;
  const StorageReportOptions &options;
  SizeWriter sizes;
  std::vector<Kept> kept;
  llvm::MapVector<unsigned, Work> work;
  /// Forward operations by place: what a reverse one at the same place belongs to.
  llvm::DenseMap<Location, Operation *> forwardAt;
  llvm::DenseMap<Location, llvm::SmallVector<Operation *, 2>> allAt;
};
} // namespace

/// `mpy.tanh` -> `tanh`.
static StringRef shortName(Operation *op) { return op->getName().stripDialect(); }

static Location unnamed(Location location) {
  while (auto named = dyn_cast<NameLoc>(location))
    location = named.getChildLoc();
  return location;
}

static bool holdsFloats(Type type) { return isa<FloatType>(getElementTypeOrSelf(type)); }

/// Operations whose result is made where it is read.
static bool isView(Operation *op) {
  return isa<BroadcastOp, ReshapeOp, TransposeOp, StretchOp, tensor::CastOp>(op);
}

static bool isWork(Operation *op) {
  if (op->getNumRegions() || op->hasTrait<OpTrait::ConstantLike>() || isView(op) ||
      isa<FenceOp, PushOp, PopOp, TapeNewOp, TapeFreeOp, tensor::DimOp, ExtractOp, InsertOp,
          SliceOp, UpdateSliceOp, FromElementsOp, CastOp, func::CallOp>(op) ||
      op->hasTrait<OpTrait::IsTerminator>())
    return false;
  return llvm::any_of(op->getResultTypes(), holdsFloats);
}

bool Report::isBehind(Operation *op) const {
  Operation *outermost = fence->getBlock()->findAncestorOpInBlock(*op);
  return outermost && fence->isBeforeInBlock(outermost);
}

/// What the reader is the derivative of.
std::string Report::reasonFor(Operation *reader) const {
  unsigned line = lineOf(reader->getLoc());
  Operation *primal = forwardAt.lookup(unnamed(reader->getLoc()));
  std::string text =
      primal ? ("for the slope of " + shortName(primal)).str() : "for the reverse sweep";
  return line ? text + " in line " + std::to_string(line) : text;
}

void Report::findValue(mlir::Value value) {
  Operation *reader = nullptr;
  for (Operation *user : value.getUsers())
    if (isBehind(user) && !user->hasTrait<OpTrait::IsTerminator>() && !isa<tensor::DimOp>(user))
      reader = user;
  if (!reader)
    return;
  Kept one;
  one.line = lineOf(value.getLoc());
  one.name = nameInProgram(value);
  if (one.name.empty())
    one.name = value.getDefiningOp() ? shortName(value.getDefiningOp()).str() : "an argument";
  one.bytes = sizes.bytesOf(value);
  one.reason = reasonFor(reader);
  kept.push_back(one);
}

void Report::takeRounds(Operation *op, Kept &one) const {
  for (Operation *around = op->getParentOp(); around != function; around = around->getParentOp()) {
    std::string where = " of the loop in line " + std::to_string(lineOf(around->getLoc()));
    if (auto loop = dyn_cast<scf::ForOp>(around)) {
      Size trip = sizes.write(loop.getUpperBound());
      one.rounds = trip * one.rounds;
      one.frequency = " in each of " + trip.text + " rounds" + where + one.frequency;
    } else if (isa<scf::WhileOp>(around)) {
      Size trip = sizes.named("rounds_of_line_" + std::to_string(lineOf(around->getLoc())));
      one.rounds = trip * one.rounds;
      one.frequency = " in each round" + where + one.frequency;
    } else if (isa<scf::IfOp>(around)) {
      one.frequency = " on a branch" + one.frequency;
    }
  }
}

/// Of a loop that keeps some of its states: what they may take together.
static std::optional<mlir::Value> roomOfStates(PushOp push) {
  auto choice = dyn_cast<scf::IfOp>(push->getParentOp());
  auto loop = choice ? dyn_cast<scf::ForOp>(choice->getParentOp()) : nullptr;
  std::optional<mlir::Value> room;
  if (!loop)
    return room;
  loop.getBody()->walk([&](RuntimeCallOp call) {
    if (call.getCallee() != "mpy_snapshot_distance")
      return;
    auto left = call.getInputs()[1].getDefiningOp<arith::SubIOp>();
    auto limit = left ? left.getLhs().getDefiningOp<RuntimeEffectOp>() : nullptr;
    if (limit && limit.getCallee() == "mpy_snapshot_count")
      room = limit.getInputs()[0];
  });
  return room;
}

void Report::findPush(PushOp push) {
  if (isBehind(push))
    return;
  if (std::optional<mlir::Value> room = roomOfStates(push)) {
    Kept one;
    auto loop = push->getParentOfType<scf::ForOp>();
    one.line = lineOf(loop.getLoc());
    one.name = "states";
    one.bytes = sizes.write(*room);
    one.reason =
        "at most, of " + sizes.write(loop.getUpperBound()).text + " rounds; the others run again";
    kept.push_back(one);
    return;
  }
  for (mlir::Value value : push.getValues()) {
    Kept one;
    one.line = lineOf(value.getLoc());
    one.name = nameInProgram(value);
    if (one.name.empty())
      one.name =
          value.getDefiningOp() ? shortName(value.getDefiningOp()).str() : "what the loop carries";
    one.bytes = sizes.bytesOf(value);
    takeRounds(push, one);
    one.reason = "for the reverse sweep";
    for (Operation *user : value.getUsers())
      if (user != push && isWork(user) && holdsFloats(user->getResult(0).getType()))
        one.reason =
            ("for the slope of " + shortName(user) + " in line " + Twine(lineOf(user->getLoc())))
                .str();
    kept.push_back(one);
  }
}

void Report::count(Operation *op) {
  unsigned line = lineOf(op->getLoc());
  if (!line || !isWork(op))
    return;
  Work &of = work[line];
  if (!isBehind(op)) {
    ++of.forward;
    return;
  }
  ++of.backward;
  for (Operation *other : allAt.lookup(op->getLoc()))
    if (other->getName() == op->getName())
      of.again.insert(shortName(op));
}

void Report::find() {
  Block &body = function.getBody().front();
  function.walk([&](Operation *op) {
    if (op != function && !isBehind(op) && isWork(op)) {
      forwardAt[unnamed(op->getLoc())] = op;
      allAt[op->getLoc()].push_back(op);
    }
  });
  for (Operation &op : body) {
    if (&op == fence)
      break;
    if (op.hasTrait<OpTrait::ConstantLike>() || isView(&op))
      continue;
    for (mlir::Value result : op.getResults())
      if (holdsFloats(result.getType()))
        findValue(result);
  }
  function.walk([&](PushOp push) { findPush(push); });
  function.walk([&](Operation *op) { count(op); });
  // In the order in which they were found, within a line.
  for (auto [index, one] : llvm::enumerate(kept))
    one.order = index;
  llvm::sort(kept, [](const Kept &x, const Kept &y) {
    return std::pair(x.line, x.order) < std::pair(y.line, y.order);
  });
}

Size Report::total() const {
  // Equal terms are one.
  llvm::MapVector<StringRef, std::pair<Size, int64_t>> terms;
  std::vector<Size> products;
  for (const Kept &one : kept)
    products.push_back(one.bytes * one.rounds);
  Size known = Size::of(0), sum = Size::of(0);
  for (const Size &product : products) {
    if (product.number && product.text == std::to_string(*product.number)) {
      known = known + product;
      continue;
    }
    auto &[size, times] = terms[product.text];
    size = product;
    ++times;
  }
  for (auto &[text, term] : terms)
    sum = sum + Size::of(term.second) * term.first;
  return sum + known;
}

/// `8 * n bytes`, and `= 8000 bytes` where n is given.
static std::string bytesText(const Size &size) {
  std::string text = size.text + " bytes";
  if (size.number && size.text != std::to_string(*size.number))
    text += " = " + std::to_string(*size.number) + " bytes";
  return text;
}

std::string Report::sizeText(const Kept &one) const {
  std::string text = bytesText(one.bytes) + one.frequency;
  return one.reason.empty() ? text : text + ", " + one.reason;
}

std::string Report::title() const {
  func::FuncOp derivative = function;
  auto [base, kind] = splitName(derivative.getName());
  std::string name = base.str();
  for (auto &[symbol, shown] : options.shownNames)
    if (derivative.getName().starts_with(symbol))
      name = shown;
  std::string what = kind.ends_with("_rerun") ? "what runs again"
                     : kind == "_grad"        ? "the gradient"
                     : kind == "_grad_grad"   ? "the second gradient"
                                              : "the derivative";
  unsigned line = lineOf(derivative.getLoc());
  bool isAsked = !kind.ends_with("_rerun");
  return what + " of " + name +
         (line ? (isAsked ? ", asked for in line " : ", of line ") + std::to_string(line) : "");
}

void Report::print(llvm::raw_ostream &out) const {
  out << title() << ", keeps " << (kept.empty() ? "nothing" : bytesText(total())) << "\n";
  for (const Kept &one : kept)
    out << llvm::formatv("  line {0,-5} {1,-12} {2}\n", one.line, one.name, sizeText(one));
}

void Report::printLines(llvm::raw_ostream &out) const {
  unsigned forward = 0, backward = 0;
  for (auto &[line, of] : work) {
    forward += of.forward;
    backward += of.backward;
  }
  out << title() << ": " << forward << " operations forward, " << backward << " backward";
  if (forward)
    out << llvm::formatv(", together {0:f1} times the function",
                         double(forward + backward) / forward);
  out << "; keeps " << (kept.empty() ? "nothing" : bytesText(total())) << "\n";
  llvm::SmallVector<unsigned> lines;
  for (auto &[line, of] : work)
    lines.push_back(line);
  for (const Kept &one : kept)
    lines.push_back(one.line);
  llvm::sort(lines);
  lines.erase(llvm::unique(lines), lines.end());
  for (unsigned line : lines) {
    const Work of = work.lookup(line);
    out << llvm::formatv("  line {0,-5} {1}\n", line, options.lineOf(line).trim());
    out << "             " << of.forward << " forward, " << of.backward << " backward\n";
    for (const Kept &one : kept)
      if (one.line == line)
        out << "             keeps " << one.name << ": " << sizeText(one) << "\n";
    if (!of.again.empty())
      out << "             computes again: " << llvm::join(of.again, ", ") << "\n";
  }
}

/// The fence between the two sweeps of a derivative.
static Operation *fenceOf(func::FuncOp function) {
  Operation *found = nullptr;
  if (!function.isExternal())
    for (auto fence : function.getBody().front().getOps<FenceOp>())
      if (fence.getValues().empty() && fence.getKept().empty())
        found = fence;
  return found;
}

static bool isShown(StringRef symbol, const StorageReportOptions &options) {
  if (options.shownNames.empty())
    return options.function.empty() || splitName(symbol).first == options.function;
  return llvm::any_of(options.shownNames,
                      [&](const auto &shown) { return symbol.starts_with(shown.first()); });
}

std::string reportStorage(ModuleOp module, const StorageReportOptions &options) {
  std::string text;
  llvm::raw_string_ostream out(text);
  llvm::SetVector<Operation *> reached;
  if (auto main = module.lookupSymbol<func::FuncOp>("main"))
    reached.insert(main);
  for (size_t index = 0; index < reached.size(); ++index) {
    auto function = cast<func::FuncOp>(reached[index]);
    function.walk([&](func::CallOp call) {
      if (auto callee = module.lookupSymbol<func::FuncOp>(call.getCallee());
          callee && !callee.isExternal())
        reached.insert(callee);
    });
    Operation *fence = fenceOf(function);
    if (!fence || !isShown(function.getName(), options))
      continue;
    Report report(function, fence, options);
    report.find();
    if (options.explainsLines)
      report.printLines(out);
    else
      report.print(out);
  }
  return text;
}

} // namespace mpy
