// Orders the loops of each linalg.generic after the memory they walk: the innermost one is the last
// dimension of most operands.
#include "lowering/Fusion.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"

using namespace mlir;

namespace mpy {

// How many operands have one dimension before the other, less how many have it after.
static int64_t votesForOrder(ArrayRef<AffineMap> maps, unsigned first, unsigned second) {
  int64_t votes = 0;
  for (AffineMap map : maps) {
    int64_t firstAt = -1, secondAt = -1;
    for (auto [index, result] : llvm::enumerate(map.getResults())) {
      if (result.isFunctionOfDim(first))
        firstAt = index;
      if (result.isFunctionOfDim(second))
        secondAt = index;
    }
    if (firstAt >= 0 && secondAt >= 0)
      votes += firstAt < secondAt ? 1 : -1;
  }
  return votes;
}

void orderLoops(IRRewriter &rewriter, func::FuncOp function) {
  SmallVector<linalg::GenericOp> generics;
  function.walk([&](linalg::GenericOp generic) { generics.push_back(generic); });
  for (linalg::GenericOp generic : generics) {
    SmallVector<AffineMap> maps = generic.getIndexingMapsArray();
    auto order = llvm::to_vector(llvm::seq<unsigned>(generic.getNumLoops()));
    // Insertion keeps the order where operands do not agree.
    for (size_t index = 1; index < order.size(); ++index)
      for (size_t at = index; at > 0 && votesForOrder(maps, order[at - 1], order[at]) < 0; --at)
        std::swap(order[at - 1], order[at]);
    if (llvm::is_sorted(order))
      continue;
    rewriter.setInsertionPoint(generic);
    (void)linalg::interchangeGenericOp(rewriter, generic, order);
  }
}
} // namespace mpy
