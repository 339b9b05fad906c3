// A tensor and a dimension -> the value that holds the extent, found without reading the tensor.
#include "dialect/Dialect.h"
#include "dialect/Fence.h"

using namespace mlir;
using namespace mpy;

namespace {
using Place = std::pair<Value, unsigned>;

/// A search that goes through loops assuming that their carried extents do not change, then checks
/// the assumption.
struct ExtentSearch {
  /// Loop arguments whose extent is assumed to be that of their initial value.
  llvm::SmallDenseMap<Place, Value> assumed;
  /// Answers so far; an extent being looked for counts as unknown.
  llvm::SmallDenseMap<Place, Value> known;

  Value find(Value tensor, unsigned dimension, unsigned depth = 0);
  Value findThrough(Value tensor, unsigned dimension, unsigned depth);
  Value findCarried(scf::ForOp loop, unsigned position, unsigned dimension, unsigned depth);
};
} // namespace

/// The size operand for an open extent of an operation that lists them in order.
static Value listedSize(ValueRange sizes, Value tensor, unsigned dimension) {
  auto type = cast<RankedTensorType>(tensor.getType());
  unsigned position = llvm::count_if(type.getShape().take_front(dimension), ShapedType::isDynamic);
  return position < sizes.size() ? sizes[position] : Value();
}

Value ExtentSearch::findCarried(scf::ForOp loop, unsigned position, unsigned dimension,
                                unsigned depth) {
  Place place{loop.getRegionIterArg(position), dimension};
  if (auto assumption = assumed.find(place); assumption != assumed.end())
    return assumption->second;
  Value initial = find(loop.getInitArgs()[position], dimension, depth + 1);
  if (!initial)
    return {};
  auto savedAssumptions = assumed;
  auto savedAnswers = known;
  assumed[place] = initial;
  known.erase(place);
  if (find(loop.getYieldedValues()[position], dimension, depth + 1) == initial)
    return initial;
  assumed = savedAssumptions;
  known = savedAnswers;
  return {};
}

Value ExtentSearch::find(Value tensor, unsigned dimension, unsigned depth) {
  // A program of any size costs a bounded search.
  constexpr unsigned deepest = 64, mostPlaces = 512;
  auto type = dyn_cast<RankedTensorType>(tensor.getType());
  if (!type || !type.isDynamicDim(dimension) || depth > deepest || known.size() > mostPlaces)
    return {};
  auto [answer, isNew] = known.try_emplace({tensor, dimension});
  if (!isNew)
    return answer->second;
  Value extent = findThrough(tensor, dimension, depth);
  if (extent)
    known[{tensor, dimension}] = extent;
  return extent;
}

Value ExtentSearch::findThrough(Value tensor, unsigned dimension, unsigned depth) {
  if (auto argument = dyn_cast<BlockArgument>(tensor)) {
    auto loop = dyn_cast<scf::ForOp>(argument.getOwner()->getParentOp());
    return loop ? findCarried(loop, argument.getArgNumber() - 1, dimension, depth) : Value();
  }
  Operation *op = tensor.getDefiningOp();
  auto same = [&](Value operand) { return find(operand, dimension, depth + 1); };
  if (auto fence = dyn_cast<FenceOp>(op))
    return same(fence.getValues()[cast<OpResult>(tensor).getResultNumber()]);
  if (isa<ElementwiseOpInterface>(op)) {
    for (Value operand : op->getOperands())
      if (Value extent = same(operand))
        return extent;
    return {};
  }
  return TypeSwitch<Operation *, Value>(op)
      .Case<BroadcastOp, StretchOp, UnstretchOp, ReshapeOp, IotaOp>(
          [&](auto shaped) { return listedSize(shaped.getSizes(), tensor, dimension); })
      .Case<UpdateSliceOp, InsertOp, ScatterOp, CumsumOp>(
          [&](auto update) { return same(update.getX()); })
      .Case([&](FourierOp transform) { return same(transform.getX()); })
      .Case<FirstRowsOp, PadRowsOp>(
          [&](auto rows) { return dimension == 0 ? Value(rows.getCount()) : same(rows.getX()); })
      .Case([&](ConcatOp join) {
        return dimension == join.getAxis() ? Value() : same(join.getParts().front());
      })
      .Case([&](tensor::CastOp cast) { return same(cast.getSource()); })
      .Case([&](TransposeOp transpose) {
        return find(transpose.getX(), transpose.getPermutation()[dimension], depth + 1);
      })
      .Case([&](MatmulOp product) {
        auto [source, axis] = product.extentSource(dimension);
        return find(source, axis, depth + 1);
      })
      .Case([&](SliceOp slice) -> Value {
        unsigned position = 0;
        for (auto [source, size] : llvm::enumerate(slice.getSizes()))
          if (!llvm::is_contained(slice.getDropped(), int64_t(source)) && position++ == dimension)
            return size;
        return {};
      })
      .Case<SumOp, ProdOp, MaxOp, MinOp, AnyOp, AllOp>([&](auto reduction) -> Value {
        unsigned position = 0;
        for (int64_t source = 0; source < reduction.getX().getType().getRank(); ++source)
          if (!llvm::is_contained(reduction.getAxes(), source) && position++ == dimension)
            return find(reduction.getX(), source, depth + 1);
        return {};
      })
      .Case([&](scf::ForOp loop) {
        return findCarried(loop, cast<OpResult>(tensor).getResultNumber(), dimension, depth);
      })
      .Case([&](scf::IfOp branch) -> Value {
        unsigned position = cast<OpResult>(tensor).getResultNumber();
        Value yes = find(branch.thenYield().getOperand(position), dimension, depth + 1);
        Value no = find(branch.elseYield().getOperand(position), dimension, depth + 1);
        return yes == no && yes && !branch->isProperAncestor(yes.getParentBlock()->getParentOp()) &&
                       yes.getParentBlock()->getParentOp() != branch
                   ? yes
                   : Value();
      })
      .Default([](Operation *) { return Value(); });
}

Value mpy::findExtent(Value tensor, unsigned dimension) {
  return ExtentSearch().find(tensor, dimension);
}
