// Functions, control flow, the tape, and elementwise operations by their meaning on scalars.
#include "Interpreter.h"
#include "dialect/Fence.h"

using namespace mlir;
using namespace mpy;
using namespace mpy::check;

int64_t Data::count() const {
  int64_t product = 1;
  for (int64_t extent : shape)
    product *= extent;
  return product;
}

int64_t Data::offset(ArrayRef<int64_t> index) const {
  int64_t position = 0;
  for (auto [extent, place] : llvm::zip_equal(shape, index)) {
    if (place < 0 || place >= extent)
      llvm::report_fatal_error("index out of bounds in the interpreter");
    position = position * extent + place;
  }
  return position;
}

bool check::step(std::vector<int64_t> &index, const std::vector<int64_t> &shape) {
  for (size_t dimension = shape.size(); dimension-- > 0;) {
    if (++index[dimension] < shape[dimension])
      return true;
    index[dimension] = 0;
  }
  return false;
}

void Interpreter::set(Value value, Data data) {
  if (getElementTypeOrSelf(value).isF32())
    for (double &element : data.elements)
      element = float(element);
  values[value.getAsOpaquePointer()] = std::move(data);
}

std::vector<Data> Interpreter::call(StringRef function, ArrayRef<Data> arguments) {
  auto callee = module.lookupSymbol<func::FuncOp>(function);
  return run(callee.getBody().front(), arguments);
}

std::vector<Data> Interpreter::run(Block &block, ArrayRef<Data> arguments) {
  for (auto [argument, data] : llvm::zip_equal(block.getArguments(), arguments))
    set(argument, data);
  for (Operation &op : block.without_terminator())
    execute(&op);
  std::vector<Data> results;
  for (Value operand : block.getTerminator()->getOperands())
    results.push_back(get(operand));
  return results;
}

void Interpreter::executeElementwise(Operation *op) {
  auto elementwise = cast<ElementwiseOpInterface>(op);
  std::unique_ptr<Block> &meaning = meanings[op];
  if (!meaning) {
    meaning = std::make_unique<Block>();
    OpBuilder builder(op->getContext());
    builder.setInsertionPointToEnd(meaning.get());
    for (Value operand : op->getOperands())
      meaning->addArgument(getElementTypeOrSelf(operand), op->getLoc());
    Value result = elementwise.buildScalar(builder, op->getLoc(), meaning->getArguments());
    scf::YieldOp::create(builder, op->getLoc(), result);
  }
  Data result;
  for (Value operand : op->getOperands())
    if (isa<RankedTensorType>(operand.getType()))
      result = Data(get(operand).shape);
  if (result.elements.empty() && !isa<RankedTensorType>(op->getResult(0).getType()))
    result.elements.resize(1);
  for (size_t position = 0; position < result.elements.size(); ++position) {
    std::vector<Data> scalars;
    for (Value operand : op->getOperands()) {
      const Data &data = get(operand);
      bool isTensor = isa<RankedTensorType>(operand.getType());
      if (isTensor && data.shape != result.shape)
        llvm::report_fatal_error("operands of different shape");
      scalars.push_back(data.elements[isTensor ? position : 0]);
    }
    result.elements[position] = run(*meaning, scalars)[0].scalar();
  }
  set(op->getResult(0), std::move(result));
}

/// The stack behind a tape, which must be its newest version.
static Tape &useTape(const Data &data) {
  if (data.version != data.tape->version)
    llvm::report_fatal_error("a version of a tape is used twice");
  return *data.tape;
}

bool Interpreter::executeTape(Operation *op) {
  if (isa<TapeNewOp>(op)) {
    Data data;
    data.tape = std::make_shared<Tape>();
    set(op->getResult(0), data);
    return true;
  }
  if (!isa<PushOp, PopOp, TapeFreeOp>(op))
    return false;
  Data data = get(op->getOperand(0));
  Tape &tape = useTape(data);
  data.version = ++tape.version;
  if (auto push = dyn_cast<PushOp>(op)) {
    tape.elements.emplace_back();
    for (Value value : push.getValues())
      tape.elements.back().push_back(get(value));
    set(push.getResult(), data);
    return true;
  }
  auto pop = dyn_cast<PopOp>(op);
  if (!pop) {
    if (!tape.elements.empty())
      llvm::report_fatal_error("a tape ends with elements on it");
    return true;
  }
  if (tape.elements.empty() || tape.elements.back().size() != pop.getValues().size())
    llvm::report_fatal_error("pop does not match the push");
  for (auto [value, element] : llvm::zip_equal(pop.getValues(), tape.elements.back())) {
    auto type = dyn_cast<RankedTensorType>(value.getType());
    if (int64_t(element.shape.size()) != (type ? type.getRank() : 0))
      llvm::report_fatal_error("pop has another rank than the push");
    set(value, element);
  }
  tape.elements.pop_back();
  set(pop.getRest(), data);
  return true;
}

void Interpreter::execute(Operation *op) {
  auto setAll = [&](ArrayRef<Data> results) {
    for (auto [result, data] : llvm::zip_equal(op->getResults(), results))
      set(result, data);
  };
  auto read = [&](ValueRange operands) {
    std::vector<Data> result;
    for (Value operand : operands)
      result.push_back(get(operand));
    return result;
  };
  if (isa<ElementwiseOpInterface>(op))
    return executeElementwise(op);
  if (auto invocation = dyn_cast<func::CallOp>(op)) {
    auto saved = values;
    std::vector<Data> results = call(invocation.getCallee(), read(op->getOperands()));
    values = std::move(saved);
    return setAll(results);
  }
  if (auto fence = dyn_cast<FenceOp>(op)) {
    return setAll(read(fence.getValues()));
  }
  if (auto branch = dyn_cast<scf::IfOp>(op)) {
    Region &region =
        get(branch.getCondition()).scalar() != 0 ? branch.getThenRegion() : branch.getElseRegion();
    return setAll(region.empty() ? std::vector<Data>() : run(region.front(), {}));
  }
  if (auto loop = dyn_cast<scf::ForOp>(op)) {
    std::vector<Data> state = read(loop.getInitArgs());
    int64_t upper = get(loop.getUpperBound()).integer(), stride = get(loop.getStep()).integer();
    for (int64_t i = get(loop.getLowerBound()).integer(); i < upper; i += stride) {
      state.insert(state.begin(), Data(double(i)));
      state = run(*loop.getBody(), state);
    }
    return setAll(state);
  }
  if (auto loop = dyn_cast<scf::WhileOp>(op)) {
    std::vector<Data> state = read(loop.getInits());
    while (true) {
      std::vector<Data> passed = run(*loop.getBeforeBody(), state);
      bool more = passed.front().scalar() != 0;
      passed.erase(passed.begin());
      if (!more)
        return setAll(passed);
      state = run(*loop.getAfterBody(), passed);
    }
  }
  if (executeTape(op))
    return;
  if (evaluateArrays(op, *this))
    return;
  std::vector<double> operands;
  for (Value operand : op->getOperands())
    operands.push_back(get(operand).scalar());
  std::optional<double> result = evaluateScalar(op, operands);
  if (!result) {
    op->emitError("is unknown to the interpreter");
    llvm::report_fatal_error("unknown operation");
  }
  set(op->getResult(0), *result);
}
