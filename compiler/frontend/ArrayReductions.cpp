// Reductions: mpy.sum and its relatives for the work, compositions of them for mean and variance.
//
//   np.mean(x, axis=0) -> mpy.sum over 0, mpy.div by the extent
//   np.max(x)          -> a check that x is not empty where that is not known, mpy.max
#include "frontend/ArrayReductions.h"
#include "frontend/ArrayShapes.h"

namespace mpy {

std::vector<int64_t> toAxes(Specializer &s, const Value &axis, int64_t rank) {
  std::vector<int64_t> axes;
  if (axis.isNone() || axis.isUnbound()) {
    axes.assign(llvm::seq<int64_t>(0, rank).begin(), llvm::seq<int64_t>(0, rank).end());
    return axes;
  }
  if (std::optional<ValueList> items = axis.get<Scalar>() ? std::nullopt : s.knownItems(axis)) {
    for (const Value &item : *items)
      axes.push_back(normalizeAxis(s, item, rank));
  } else {
    axes.push_back(normalizeAxis(s, axis, rank));
  }
  llvm::sort(axes);
  if (std::adjacent_find(axes.begin(), axes.end()) != axes.end())
    failCertain(s, "ValueError", "duplicate value in 'axis'");
  return axes;
}

IntExpr countOver(const ArrayValue &x, llvm::ArrayRef<int64_t> axes) {
  IntExpr count = 1;
  for (int64_t axis : axes)
    count = count * x.shape[axis];
  return count;
}

mlir::Value element(Specializer &s, const ArrayValue &x) {
  return x.shape.empty() ? elementOf(s, x).value : x.tensor;
}

ArrayValue arrayOf(Specializer &s, DType dtype, Shape shape, mlir::Value value) {
  if (!llvm::isa<mlir::RankedTensorType>(value.getType()))
    value = fill(s, value, dtype, shape);
  return {dtype, std::move(shape), value};
}

/// Max and min of nothing is an error, unless the result has no elements either.
static void checkNotEmpty(Specializer &s, Reduction reduction, const ArrayValue &x, llvm::ArrayRef<int64_t> axes) {
  using Predicate = mlir::arith::CmpIPredicate;
  mlir::Value fits, isEmptyResult;
  for (auto [axis, extent] : llvm::enumerate(x.shape)) {
    bool isReduced = llvm::is_contained(axes, int64_t(axis));
    std::optional<int64_t> known = extent.known();
    if (known && *known != 0)
      continue;
    if (!isReduced) {
      mlir::Value empty = compareInts(s, Predicate::eq, extent, 0);
      isEmptyResult = isEmptyResult ? s.create<mlir::arith::OrIOp>(isEmptyResult, empty).getResult() : empty;
      continue;
    }
    mlir::Value some = compareInts(s, Predicate::ne, extent, 0);
    fits = fits ? s.create<mlir::arith::AndIOp>(fits, some).getResult() : some;
  }
  if (!fits)
    return;
  if (isEmptyResult)
    fits = s.create<mlir::arith::OrIOp>(fits, isEmptyResult);
  CheckText text;
  text << "zero-size array to reduction operation " << (reduction == Reduction::Max ? "maximum" : "minimum")
       << " which has no identity";
  check(s, fits, "ValueError", text);
}

static mlir::Value emitReduction(Specializer &s, Reduction reduction, mlir::Value x, llvm::ArrayRef<int64_t> axes) {
  switch (reduction) {
  case Reduction::Sum:
    return s.create<SumOp>(x, axes).getResult();
  case Reduction::Prod:
    return s.create<ProdOp>(x, axes).getResult();
  case Reduction::Max:
    return s.create<MaxOp>(x, axes).getResult();
  case Reduction::Min:
    return s.create<MinOp>(x, axes).getResult();
  case Reduction::Any:
    return s.create<AnyOp>(x, axes).getResult();
  case Reduction::All:
    return s.create<AllOp>(x, axes).getResult();
  }
  llvm_unreachable("every reduction is above");
}

ArrayValue reduce(Specializer &s, Reduction reduction, ArrayValue x, llvm::ArrayRef<int64_t> axes,
                  bool keepDimensions) {
  bool isExtreme = reduction == Reduction::Max || reduction == Reduction::Min;
  if (isExtreme)
    checkNotEmpty(s, reduction, x, axes);
  // The larger of truth values is their disjunction.
  if (isExtreme && x.dtype == DType::Bool)
    reduction = reduction == Reduction::Max ? Reduction::Any : Reduction::All;
  Shape shape, kept;
  for (auto [axis, extent] : llvm::enumerate(x.shape)) {
    bool isReduced = llvm::is_contained(axes, int64_t(axis));
    if (!isReduced)
      shape.push_back(extent);
    kept.push_back(isReduced ? IntExpr(1) : extent);
  }
  if (!axes.empty())
    x = arrayOf(s, x.dtype, shape, emitReduction(s, reduction, x.tensor, axes));
  return keepDimensions ? reshaped(s, x, kept) : x;
}

/// A count as a number of a float type.
static mlir::Value countAs(Specializer &s, const IntExpr &count, DType dtype) {
  return s.ssaAs(s.makeInt(count), dtype);
}

ArrayValue meanOver(Specializer &s, ArrayValue x, llvm::ArrayRef<int64_t> axes, bool keepDimensions) {
  if (!isFloat(x.dtype))
    x = castArray(s, x, DType::Float64);
  IntExpr count = countOver(x, axes);
  ArrayValue sum = reduce(s, Reduction::Sum, x, axes, keepDimensions);
  mlir::Value mean = s.create<DivOp>(element(s, sum), countAs(s, count, x.dtype)).getResult();
  return arrayOf(s, x.dtype, sum.shape, mean);
}

ArrayValue varianceOver(Specializer &s, ArrayValue x, llvm::ArrayRef<int64_t> axes, double ddof, bool keepDimensions) {
  if (!isFloat(x.dtype))
    x = castArray(s, x, DType::Float64);
  IntExpr count = countOver(x, axes);
  ArrayValue mean = meanOver(s, x, axes, /*keepDimensions=*/!x.shape.empty());
  mlir::Value center = x.shape.empty()
                           ? element(s, mean)
                           : expand(s, mean.tensor, x.dtype, mean.shape, x.shape);
  mlir::Value distance = s.create<SubOp>(element(s, x), center).getResult();
  mlir::Value squares = s.create<SquareOp>(distance).getResult();
  ArrayValue sum = reduce(s, Reduction::Sum, arrayOf(s, x.dtype, x.shape, squares), axes, keepDimensions);
  mlir::Value divisor;
  if (ddof == 0) {
    divisor = countAs(s, count, x.dtype);
  } else if (ddof == double(int64_t(ddof))) {
    divisor = countAs(s, maximum(count - IntExpr(int64_t(ddof)), 0), x.dtype);
  } else {
    mlir::Value reduced = s.create<SubOp>(countAs(s, count, x.dtype), s.constant(x.dtype, ddof)).getResult();
    divisor = s.create<MaximumOp>(reduced, s.constant(x.dtype, 0)).getResult();
  }
  return arrayOf(s, x.dtype, sum.shape, s.create<DivOp>(element(s, sum), divisor).getResult());
}

mlir::Value rootOfSum(Specializer &s, mlir::Value x, DType dtype) {
  mlir::Value zero = s.constant(dtype, 0);
  mlir::Value isZero = s.create<CompareOp>(ComparePredicate::eq, x, zero).getResult();
  mlir::Value positive = s.create<SelectOp>(isZero, s.constant(dtype, 1), x).getResult();
  mlir::Value root = s.create<SqrtOp>(positive).getResult();
  return s.create<SelectOp>(isZero, zero, root).getResult();
}

} // namespace mpy
