// A function of its own for a piece of the program, as differentiation needs. The body is emitted
// as if it stood in place; then what it reads from outside becomes parameters, and what the state
// after it still refers to becomes results:
//
//   { y = x * w; net.h = y; return sum(y) }   =>   func @f(%x, %w) -> (%sum, %y)     net.h = result
//   1 of the call
#include "frontend/functions/LeafMapper.h"
#include "frontend/interpret/Specializer.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;

namespace mpy {

func::FuncOp Specializer::newFunction(llvm::StringRef name) {
  builder.setInsertionPointToEnd(module.getBody());
  std::string symbol;
  for (char c : name)
    symbol += isalnum(static_cast<unsigned char>(c)) ? c : '_';
  symbol += "_" + std::to_string(functionNumber++);
  auto function = func::FuncOp::create(builder, loc(), symbol, builder.getFunctionType({}, {}));
  function.setPrivate();
  return function;
}

void Specializer::captureFromOutside(func::FuncOp function,
                                     llvm::SmallVectorImpl<mlir::Value> &operands) {
  Region &region = function.getBody();
  Block *block = &region.front();
  // Constants are made again, the rest is passed.
  llvm::SetVector<mlir::Value> captured;
  function.walk([&](Operation *op) {
    for (mlir::Value operand : op->getOperands())
      if (!region.isAncestor(operand.getParentRegion()))
        captured.insert(operand);
  });
  for (mlir::Value value : captured) {
    mlir::Value inner;
    if (auto constant = value.getDefiningOp<arith::ConstantOp>()) {
      OpBuilder::InsertionGuard guard(builder);
      builder.setInsertionPointToStart(block);
      inner = builder.clone(*constant)->getResult(0);
    } else {
      inner = block->addArgument(value.getType(), value.getLoc());
      operands.push_back(value);
    }
    // What stands beside the program, until a join is settled, is in no region.
    value.replaceUsesWithIf(inner, [&](OpOperand &use) {
      Region *user = use.getOwner()->getParentRegion();
      return user && region.isAncestor(user);
    });
  }
  function.setFunctionType(builder.getFunctionType(block->getArgumentTypes(),
                                                   block->getTerminator()->getOperandTypes()));
}

void Specializer::outline(llvm::StringRef name, mlir::ValueRange leading,
                          llvm::function_ref<void(mlir::ValueRange)> body,
                          llvm::function_ref<llvm::SmallVector<mlir::Value>()> makeResults,
                          OutlineCall makeCall) {
  Location location = loc();
  size_t mark = heap.size();
  State entry = snapshot();
  OpBuilder::InsertPoint caller = builder.saveInsertionPoint();
  outliningBlocks.push_back(builder.getInsertionBlock());
  func::FuncOp function = newFunction(name);
  Block *block = function.addEntryBlock();
  for (auto operand : leading)
    block->addArgument(operand.getType(), operand.getLoc());
  builder.setInsertionPointToStart(block);
  llvm::SmallVector<mlir::Value> results;
  llvm::SmallVector<std::shared_ptr<State>> unraised;
  try {
    size_t depth = frames.size();
    TryRegion paths = openRegion();
    try {
      body(block->getArguments());
    } catch (const PathEnds &) {
      // Thrown on, it would take the exception away with the function: the caller would go on to
      // nothing, without a word.
      frames.resize(depth);
      dead = true;
      if (!isInTry())
        fail(ErrorId::NotDifferentiableResult, {"nothing: it always raises an exception"});
    }
    if (auto state = closeRegion(paths))
      unraised.push_back(state);
    results = makeResults();
  } catch (...) {
    outliningBlocks.pop_back();
    builder.restoreInsertionPoint(caller);
    emitted.undo(function);
    throw;
  }
  forgetUnreachable(mark);
  Region &region = function.getBody();
  auto isInside = [&](mlir::Value value) {
    return value && value.getParentRegion() && region.isAncestor(value.getParentRegion()) &&
           !llvm::is_contained(block->getArguments(), value);
  };

  // What the state after the body refers to inside it.
  llvm::MapVector<mlir::Value, unsigned> exported;
  auto exportLeaf = [&](mlir::Value value) {
    if (isInside(value) && exported.insert({value, results.size()}).second)
      results.push_back(value);
    return value;
  };
  LeafMapper collect;
  collect.leaf = exportLeaf;
  collect.expr = [&](const IntExpr &expr) {
    expr.forEachSymbol([&](mlir::Value symbol) { exportLeaf(symbol); });
    return expr;
  };
  collect.keepsKnown = [&](mlir::Value value) { return !isInside(value); };
  auto changed = [&](ObjectId id) {
    return id >= mark || heap.pointer(id) != entry.heap.pointer(id);
  };
  for (auto &local : frame().locals)
    local.second = collect.map(local.second);
  for (ObjectId id = 0; id < heap.size(); ++id)
    if (heap.pointer(id) && changed(id))
      heap.set(id, collect.map(heap.at(id)));
  func::ReturnOp::create(builder, location, results);

  llvm::SmallVector<mlir::Value> operands(leading.begin(), leading.end());
  captureFromOutside(function, operands);
  llvm::SmallVector<mlir::Type> resultTypes(function.getResultTypes());
  outliningBlocks.pop_back();
  builder.restoreInsertionPoint(caller);
  mlir::ValueRange given = makeCall(function, operands, resultTypes);

  // The state speaks of the caller's values from here on.
  auto outer = [&](mlir::Value value) -> mlir::Value {
    if (auto it = exported.find(value); it != exported.end())
      return given[it->second];
    if (auto argument = dyn_cast<BlockArgument>(value); argument && argument.getOwner() == block)
      return operands[argument.getArgNumber()];
    return value;
  };
  LeafMapper substitute;
  substitute.leaf = outer;
  substitute.expr = [&](const IntExpr &expr) {
    return expr.substitute([&](mlir::Value symbol) -> std::optional<IntExpr> {
      mlir::Value replacement = outer(symbol);
      return replacement == symbol ? std::nullopt : std::optional<IntExpr>(symbolExpr(replacement));
    });
  };
  for (auto &local : frame().locals)
    local.second = substitute.map(local.second);
  for (ObjectId id = 0; id < heap.size(); ++id)
    if (heap.pointer(id) && changed(id))
      heap.set(id, substitute.map(heap.at(id)));
  if (isInTry())
    continueUnraised(unraised);
}

} // namespace mpy
