// Emitted operations -> the same, or the end of the compilation with an internal error: an
// operation reads what its own function defines around it, or what stands where a function that is
// being made will be called; never what another function defines, nor what was undone with an
// attempt.
#include "frontend/interpret/EmissionCheck.h"
#include "llvm/Support/ErrorHandling.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;

namespace mpy {

[[noreturn]] static void failOn(Operation *user, const char *what) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  stream << "'" << user->getName() << "' reads " << what << " at " << user->getLoc();
  llvm::report_fatal_error(llvm::StringRef(text), /*gen_crash_diag=*/false);
}

/// Whether an operation is part of the program, not of what was undone or stands beside it.
static bool isInProgram(Operation *op) {
  while (Operation *around = op->getParentOp())
    op = around;
  return op->hasTrait<OpTrait::SymbolTable>();
}

/// The function of the program that a block is in; null in what was undone or stands beside it.
static Operation *functionAround(Block *block) {
  Operation *function = nullptr, *outermost = block->getParentOp();
  while (outermost && outermost->getParentOp()) {
    function = outermost;
    outermost = outermost->getParentOp();
  }
  return outermost && outermost->hasTrait<OpTrait::SymbolTable>() ? function : nullptr;
}

bool EmissionCheck::isReadable(mlir::Value value, Block *place) const {
  Block *owner = value.getParentBlock();
  if (owner == place)
    return true;
  // What stands beside the program is undone, and so must be what reads a stand-in; verify() sees
  // to that.
  Operation *user = functionAround(place);
  if (!user || (owner && !owner->getParent()))
    return true;
  Operation *function = owner ? functionAround(owner) : nullptr;
  return function && (function == user || llvm::any_of(callers, [&](Block *caller) {
                        return function == functionAround(caller);
                      }));
}

void EmissionCheck::notifyOperationInserted(Operation *op, OpBuilder::InsertPoint) {
  for (mlir::Value operand : op->getOperands())
    if (!operand || !isReadable(operand, op->getBlock()))
      failOn(op, "a value of another function or of a frame that is gone");
}

void EmissionCheck::undo(Operation *op) {
  op->remove();
  op->dropAllReferences();
  operations.push_back(op);
}

Block *EmissionCheck::newBlockBeside() {
  blocks.push_back(std::make_unique<Block>());
  return blocks.back().get();
}

void EmissionCheck::forEachUndone(llvm::function_ref<void(mlir::Value)> visit) const {
  auto visitBlock = [&](Block &block) {
    llvm::for_each(block.getArguments(), visit);
    for (Operation &op : block)
      llvm::for_each(op.getResults(), visit);
  };
  auto visitInside = [&](Operation *op) {
    for (Region &region : op->getRegions())
      llvm::for_each(region, visitBlock);
  };
  for (Operation *op : operations) {
    llvm::for_each(op->getResults(), visit);
    op->walk(visitInside);
  }
  for (auto &block : blocks) {
    visitBlock(*block);
    block->walk(visitInside);
  }
}

void EmissionCheck::verify() const {
  forEachUndone([](mlir::Value value) {
    for (Operation *user : value.getUsers())
      if (isInProgram(user))
        failOn(user, "a value that was undone");
  });
}

void EmissionCheck::release() {
  for (auto &block : blocks)
    block->dropAllReferences();
  forEachUndone([](mlir::Value value) { value.dropAllUses(); });
  for (Operation *op : operations)
    op->erase();
  operations.clear();
  blocks.clear();
}

} // namespace mpy
