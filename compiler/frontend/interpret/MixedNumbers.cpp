// Numbers whose kind depends on the path that was taken:
//
//   x = 1 if c else 0.5     =>   value: float 1.0 or 0.5, int: 1 or 0, tag: int or float
//   k = 0 if c else a[0]    =>   value: int64, tag: int or np.int64
//
// What is done with such a number is done with each kind that it may have, on the path of that
// kind: so it is computed, raises and prints as what it is.
#include "frontend/interpret/MixedNumbers.h"
#include "frontend/arrays/IntegerTypes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;

namespace mpy {

static constexpr uint16_t truthBits =
    1 << static_cast<int>(ScalarKind::PyBool) | 1 << static_cast<int>(ScalarKind::Bool);
uint16_t kindsOf(const Scalar &scalar) {
  return scalar.isMixed() ? scalar.kinds : bitOf(scalar.kind);
}

std::vector<ScalarKind> kindsIn(uint16_t kinds) {
  std::vector<ScalarKind> result;
  for (int i = 0; i <= static_cast<int>(lastScalarKind); ++i)
    if (kinds >> i & 1)
      result.push_back(static_cast<ScalarKind>(i));
  return result;
}

bool mixesIntsAndFloats(uint16_t kinds) { return (kinds & wholeKinds) && (kinds & ~wholeKinds); }

bool isAlwaysFloat(const Scalar &scalar) { return !(kindsOf(scalar) & wholeKinds); }

ScalarKind representationOf(uint16_t kinds) {
  if (!isMixed(kinds))
    return kindsIn(kinds).front();
  if (!(kinds & ~truthBits))
    return ScalarKind::Bool;
  return kinds & ~wholeKinds ? ScalarKind::Float64 : ScalarKind::Int64;
}

unsigned countLeaves(uint16_t kinds) { return 1 + isMixed(kinds) + mixesIntsAndFloats(kinds); }

void appendTypes(uint16_t kinds, MLIRContext *context, llvm::SmallVectorImpl<mlir::Type> &types) {
  types.push_back(typeOf(representationOf(kinds), context));
  types.append(countLeaves(kinds) - 1, IntegerType::get(context, 64));
}

void appendLeaves(Specializer &s, const Scalar &scalar,
                  llvm::SmallVectorImpl<mlir::Value> &leaves) {
  leaves.push_back(s.ssa(scalar));
  if (scalar.integer)
    leaves.push_back(scalar.integer);
  if (scalar.isMixed())
    leaves.push_back(scalar.tag);
}

Scalar numberOf(Specializer &s, uint16_t kinds, llvm::function_ref<mlir::Value()> nextLeaf) {
  Scalar scalar = s.makeScalar(representationOf(kinds), nextLeaf());
  if (!isMixed(kinds))
    return scalar;
  scalar.expr = {};
  scalar.kinds = kinds;
  if (mixesIntsAndFloats(kinds))
    scalar.integer = nextLeaf();
  scalar.tag = nextLeaf();
  return scalar;
}

static mlir::Value constantInt(Specializer &s, int64_t value) {
  return s.create<arith::ConstantOp>(s.builder.getI64IntegerAttr(value));
}

Scalar widened(Specializer &s, const Scalar &scalar, uint16_t kinds) {
  if (!isMixed(kinds) || kindsOf(scalar) == kinds)
    return scalar;
  checkFitsInt64(s, scalar);
  Scalar result;
  result.kind = representationOf(kinds);
  result.kinds = kinds;
  result.value = s.ssaAs(scalar, dtypeOf(result.kind));
  if (mixesIntsAndFloats(kinds))
    result.integer = scalar.integer          ? scalar.integer
                     : isAlwaysFloat(scalar) ? constantInt(s, 0)
                                             : s.ssaAs(scalar, DType::Int64);
  result.tag = scalar.isMixed() ? scalar.tag : constantInt(s, static_cast<int64_t>(scalar.kind));
  return result;
}

Scalar asKind(Specializer &s, const Scalar &scalar, ScalarKind kind) {
  if (!scalar.isMixed())
    return scalar;
  bool isInt = bitOf(kind) & wholeKinds;
  mlir::Value value = isInt && scalar.integer ? scalar.integer : scalar.value;
  DType from = isInt && scalar.integer ? DType::Int64 : dtypeOf(scalar.kind);
  return s.makeScalar(kind, castTo(s, value, from, dtypeOf(kind)));
}

Scalar narrowed(Specializer &s, const Scalar &scalar, uint16_t kinds) {
  if (!isMixed(kinds))
    return asKind(s, scalar, representationOf(kinds));
  Scalar result;
  result.kind = representationOf(kinds);
  result.kinds = kinds;
  result.tag = scalar.tag;
  bool mixes = mixesIntsAndFloats(kinds);
  bool isInt = scalar.integer && !(kinds & ~wholeKinds);
  result.value = castTo(s, isInt ? scalar.integer : scalar.value,
                        isInt ? DType::Int64 : dtypeOf(scalar.kind), dtypeOf(result.kind));
  if (mixes)
    result.integer = scalar.integer;
  return result;
}

mlir::Value hasKind(Specializer &s, const Scalar &scalar, uint16_t kinds) {
  uint16_t possible = kindsOf(scalar);
  if (!scalar.isMixed() || !(possible & kinds) || !(possible & ~kinds))
    return s.create<arith::ConstantOp>(s.builder.getBoolAttr(possible & kinds));
  mlir::Value result;
  for (ScalarKind kind : kindsIn(possible & kinds)) {
    mlir::Value here = s.create<arith::CmpIOp>(arith::CmpIPredicate::eq, scalar.tag,
                                               constantInt(s, static_cast<int64_t>(kind)));
    result = result ? s.create<arith::OrIOp>(result, here).getResult() : here;
  }
  return result;
}

static Value eachKindFrom(Specializer &s, const Scalar &scalar, llvm::ArrayRef<ScalarKind> kinds,
                          llvm::function_ref<Value(const Scalar &)> of) {
  auto mine = [&] { return of(asKind(s, scalar, kinds.front())); };
  if (kinds.size() == 1)
    return mine();
  return s.branchValue(hasKind(s, scalar, bitOf(kinds.front())), mine,
                       [&] { return eachKindFrom(s, scalar, kinds.drop_front(), of); });
}

Value eachKind(Specializer &s, const Scalar &scalar, llvm::function_ref<Value(const Scalar &)> of) {
  return eachKindFrom(s, scalar, kindsIn(kindsOf(scalar)), of);
}

} // namespace mpy
