// Reductions: mpy.sum and its relatives for the work, compositions of them for mean and variance.
//
//   np.mean(x, axis=0) -> mpy.sum over 0, mpy.div by the extent
//   np.max(x)          -> a check that x is not empty where that is not known, mpy.max
#include "frontend/arrays/ArrayReductions.h"
#include "frontend/arrays/ArrayShapes.h"
#include "frontend/arrays/IntegerTypes.h"

namespace mpy {

std::vector<int64_t> toAxes(Specializer &specializer, const Value &axis, int64_t rank) {
  std::vector<int64_t> axes;
  if (axis.isNone() || axis.isUnbound()) {
    llvm::append_range(axes, llvm::seq<int64_t>(0, rank));
    return axes;
  }
  if (std::optional<ValueList> items =
          axis.get<Scalar>() ? std::nullopt : specializer.knownItems(axis)) {
    for (const Value &item : *items)
      axes.push_back(normalizeAxis(specializer, item, rank));
  } else {
    axes.push_back(normalizeAxis(specializer, axis, rank));
  }
  llvm::sort(axes);
  if (std::adjacent_find(axes.begin(), axes.end()) != axes.end())
    failCertain(specializer, "ValueError", "duplicate value in 'axis'");
  return axes;
}

IntExpr countOver(const ArrayValue &x, llvm::ArrayRef<int64_t> axes) {
  IntExpr count = 1;
  for (int64_t axis : axes)
    count = count * x.shape[axis];
  return count;
}

mlir::Value element(Specializer &specializer, const ArrayValue &x) {
  return x.shape.empty() ? elementOf(specializer, x).value : x.tensor;
}

ArrayValue arrayOf(Specializer &specializer, DType dtype, Shape shape, mlir::Value value) {
  if (!shape.empty() && !llvm::isa<mlir::RankedTensorType>(value.getType()))
    value = fill(specializer, value, dtype, shape);
  return {dtype, std::move(shape), value};
}

/// Max and min of nothing is an error, unless the result has no elements either.
static void checkNotEmpty(Specializer &specializer, Reduction reduction, const ArrayValue &x,
                          llvm::ArrayRef<int64_t> axes) {
  using Predicate = mlir::arith::CmpIPredicate;
  mlir::Value fits, isEmptyResult;
  for (auto [axis, extent] : llvm::enumerate(x.shape)) {
    bool isReduced = llvm::is_contained(axes, int64_t(axis));
    std::optional<int64_t> known = extent.known();
    if (known && *known != 0)
      continue;
    if (!isReduced) {
      mlir::Value empty = compareInts(specializer, Predicate::eq, extent, 0);
      isEmptyResult = isEmptyResult
                          ? specializer.create<mlir::arith::OrIOp>(isEmptyResult, empty).getResult()
                          : empty;
      continue;
    }
    mlir::Value some = compareInts(specializer, Predicate::ne, extent, 0);
    fits = fits ? specializer.create<mlir::arith::AndIOp>(fits, some).getResult() : some;
  }
  if (!fits)
    return;
  if (isEmptyResult)
    fits = specializer.create<mlir::arith::OrIOp>(fits, isEmptyResult);
  CheckText text;
  text << "zero-size array to reduction operation "
       << (reduction == Reduction::Max ? "maximum" : "minimum") << " which has no identity";
  check(specializer, fits, "ValueError", text);
}

static mlir::Value emitReduction(Specializer &specializer, Reduction reduction, mlir::Value x,
                                 llvm::ArrayRef<int64_t> axes) {
  switch (reduction) {
  case Reduction::Sum:
    return specializer.create<SumOp>(x, axes).getResult();
  case Reduction::Prod:
    return specializer.create<ProdOp>(x, axes).getResult();
  case Reduction::Max:
    return specializer.create<MaxOp>(x, axes).getResult();
  case Reduction::Min:
    return specializer.create<MinOp>(x, axes).getResult();
  case Reduction::Any:
    return specializer.create<AnyOp>(x, axes).getResult();
  case Reduction::All:
    return specializer.create<AllOp>(x, axes).getResult();
  }
  llvm_unreachable("every reduction is above");
}

ArrayValue reduce(Specializer &specializer, Reduction reduction, ArrayValue x,
                  llvm::ArrayRef<int64_t> axes, bool keepDimensions) {
  bool isExtreme = reduction == Reduction::Max || reduction == Reduction::Min;
  if (isExtreme)
    checkNotEmpty(specializer, reduction, x, axes);
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
  if (!axes.empty()) {
    mlir::Value ordered = isExtreme ? inOrder(specializer, x.tensor, x.dtype) : x.tensor;
    mlir::Value result = emitReduction(specializer, reduction, ordered, axes);
    x = arrayOf(specializer, x.dtype, shape,
                isExtreme ? fromOrder(specializer, result, x.dtype) : result);
  }
  return keepDimensions ? reshaped(specializer, x, kept) : x;
}

/// A count as a number of a float type.
static mlir::Value countAs(Specializer &specializer, const IntExpr &count, DType dtype) {
  return specializer.ssaAs(specializer.makeInt(count), dtype);
}

ArrayValue meanOver(Specializer &specializer, ArrayValue x, llvm::ArrayRef<int64_t> axes,
                    bool keepDimensions) {
  if (!isFloat(x.dtype))
    x = castArray(specializer, x, DType::Float64);
  IntExpr count = countOver(x, axes);
  ArrayValue sum = reduce(specializer, Reduction::Sum, x, axes, keepDimensions);
  mlir::Value mean =
      specializer.create<DivOp>(element(specializer, sum), countAs(specializer, count, x.dtype))
          .getResult();
  return arrayOf(specializer, x.dtype, sum.shape, mean);
}

ArrayValue varianceOver(Specializer &specializer, ArrayValue x, llvm::ArrayRef<int64_t> axes,
                        double ddof, bool keepDimensions) {
  if (!isFloat(x.dtype))
    x = castArray(specializer, x, DType::Float64);
  IntExpr count = countOver(x, axes);
  ArrayValue mean = meanOver(specializer, x, axes, /*keepDimensions=*/!x.shape.empty());
  mlir::Value center = x.shape.empty()
                           ? element(specializer, mean)
                           : expand(specializer, mean.tensor, x.dtype, mean.shape, x.shape);
  mlir::Value distance = specializer.create<SubOp>(element(specializer, x), center).getResult();
  mlir::Value squares = specializer.create<SquareOp>(distance).getResult();
  ArrayValue sum = reduce(specializer, Reduction::Sum,
                          arrayOf(specializer, x.dtype, x.shape, squares), axes, keepDimensions);
  mlir::Value divisor;
  if (ddof == 0) {
    divisor = countAs(specializer, count, x.dtype);
  } else if (ddof == double(int64_t(ddof))) {
    divisor = countAs(specializer, maximum(count - IntExpr(int64_t(ddof)), 0), x.dtype);
  } else {
    mlir::Value reduced = specializer
                              .create<SubOp>(countAs(specializer, count, x.dtype),
                                             specializer.constant(x.dtype, ddof))
                              .getResult();
    divisor = specializer.create<MaximumOp>(reduced, specializer.constant(x.dtype, 0)).getResult();
  }
  return arrayOf(specializer, x.dtype, sum.shape,
                 specializer.create<DivOp>(element(specializer, sum), divisor).getResult());
}

mlir::Value rootOfSum(Specializer &specializer, mlir::Value x, DType dtype) {
  mlir::Value zero = specializer.constant(dtype, 0);
  mlir::Value isZero = specializer.create<CompareOp>(ComparePredicate::eq, x, zero).getResult();
  mlir::Value positive =
      specializer.create<SelectOp>(isZero, specializer.constant(dtype, 1), x).getResult();
  mlir::Value root = specializer.create<SqrtOp>(positive).getResult();
  return specializer.create<SelectOp>(isZero, zero, root).getResult();
}

mlir::Value lengthOf(Specializer &specializer, llvm::ArrayRef<mlir::Value> coordinates,
                     DType dtype) {
  mlir::Value zero = specializer.constant(dtype, 0), one = specializer.constant(dtype, 1);
  auto compare = [&](ComparePredicate predicate, mlir::Value x, mlir::Value y) {
    return specializer.create<CompareOp>(predicate, x, y).getResult();
  };
  auto choose = [&](mlir::Value condition, mlir::Value x, mlir::Value y) {
    return specializer.create<SelectOp>(condition, x, y).getResult();
  };
  // The largest, NaN aside, is the scale.
  mlir::Value larger, isZero, sum;
  for (mlir::Value coordinate : coordinates) {
    mlir::Value size = specializer.create<AbsOp>(coordinate).getResult();
    mlir::Value isNone = compare(ComparePredicate::eq, size, zero);
    isZero = isZero ? specializer.create<AndOp>(isZero, isNone).getResult() : isNone;
    size = choose(compare(ComparePredicate::ne, size, size), zero, size);
    larger = larger ? specializer.create<MaximumOp>(larger, size).getResult() : size;
  }
  mlir::Value isInfinite =
      compare(ComparePredicate::eq, larger,
              specializer.constant(dtype, std::numeric_limits<double>::infinity()));
  mlir::Value isPlain = specializer.create<OrOp>(isZero, isInfinite).getResult();
  mlir::Value scale = choose(isPlain, one, larger);
  for (mlir::Value coordinate : coordinates) {
    mlir::Value part = specializer.create<DivOp>(coordinate, scale).getResult();
    part = specializer.create<SquareOp>(part).getResult();
    sum = sum ? specializer.create<AddOp>(sum, part).getResult() : part;
  }
  mlir::Value root = specializer.create<SqrtOp>(choose(isZero, one, sum)).getResult();
  return choose(isPlain, larger, specializer.create<MulOp>(scale, root).getResult());
}

} // namespace mpy
