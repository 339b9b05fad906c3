// Numbers at compile time and at run time: kinds and their types, constants, conversions. A known
// number gets an operation only when something at run time reads it:  makeInt(3) emits nothing,
// ssa() of it `arith.constant 3 : i64`.
#include "frontend/arrays/IntegerTypes.h"
#include "frontend/containers/Ranges.h"
#include "frontend/interpret/MixedNumbers.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include <cmath>

using namespace mlir;

namespace mpy {

bool isPython(ScalarKind kind) { return kind <= ScalarKind::PyFloat; }
bool isFloat(DType dtype) { return dtype == DType::Float32 || dtype == DType::Float64; }
bool isFloat(ScalarKind kind) {
  return kind == ScalarKind::PyFloat || (!isPython(kind) && isFloat(dtypeOf(kind)));
}

DType dtypeOf(ScalarKind kind) {
  switch (kind) {
  case ScalarKind::PyBool:
    return DType::Bool;
  case ScalarKind::PyInt:
    return DType::Int64;
  case ScalarKind::PyFloat:
    return DType::Float64;
  default:
    return static_cast<DType>(static_cast<int>(kind) - static_cast<int>(ScalarKind::Bool));
  }
}

ScalarKind scalarKindOf(DType dtype) {
  return static_cast<ScalarKind>(static_cast<int>(ScalarKind::Bool) + static_cast<int>(dtype));
}

mlir::Type typeOf(DType dtype, MLIRContext *context) {
  if (dtype == DType::Float32)
    return Float32Type::get(context);
  if (dtype == DType::Float64)
    return Float64Type::get(context);
  return IntegerType::get(context, bitsOf(dtype));
}

mlir::Type typeOf(ScalarKind kind, MLIRContext *context) { return typeOf(dtypeOf(kind), context); }

llvm::StringRef nameOf(DType dtype) {
  static const char *const names[] = {"bool",  "int32", "int64",  "float32", "float64", "int8",
                                      "int16", "uint8", "uint16", "uint32",  "uint64"};
  return names[static_cast<int>(dtype)];
}

llvm::StringRef nameOf(ScalarKind kind) {
  static const char *const names[] = {
      "bool",          "int",          "float",          "bool scalar",
      "int32 scalar",  "int64 scalar", "float32 scalar", "float64 scalar",
      "int8 scalar",   "int16 scalar", "uint8 scalar",   "uint16 scalar",
      "uint32 scalar", "uint64 scalar"};
  return names[static_cast<int>(kind)];
}

mlir::Value Specializer::constant(DType dtype, double value) {
  mlir::Type type = typeOf(dtype, context());
  TypedAttr attribute = isFloat(dtype)
                            ? TypedAttr(builder.getFloatAttr(type, value))
                            : integerAttribute(dtype, static_cast<int64_t>(value), context());
  return create<arith::ConstantOp>(attribute);
}

Scalar Specializer::makeInt(const IntExpr &expr) {
  Scalar scalar;
  scalar.kind = ScalarKind::PyInt;
  scalar.expr = expr;
  return scalar;
}

Scalar Specializer::makeInt(mlir::Value value) {
  Scalar scalar;
  scalar.kind = ScalarKind::PyInt;
  scalar.value = value;
  scalar.expr = symbolExpr(value);
  return scalar;
}

Scalar Specializer::makeFloat(double value) {
  Scalar scalar;
  scalar.kind = ScalarKind::PyFloat;
  scalar.knownFloat = value;
  return scalar;
}

Scalar Specializer::makeBool(bool value) {
  Scalar scalar;
  scalar.kind = ScalarKind::PyBool;
  scalar.knownBool = value;
  return scalar;
}

Scalar Specializer::makeScalar(ScalarKind kind, mlir::Value value) {
  Scalar scalar;
  scalar.kind = kind;
  scalar.value = value;
  if (kind == ScalarKind::PyInt || kind == ScalarKind::Int64)
    scalar.expr = symbolExpr(value);
  return scalar;
}

mlir::Value Specializer::ssa(const Scalar &scalar) {
  if (scalar.value)
    return scalar.value;
  if (scalar.knownBool)
    return create<arith::ConstantOp>(builder.getBoolAttr(*scalar.knownBool));
  if (scalar.knownFloat)
    return create<arith::ConstantOp>(
        builder.getFloatAttr(typeOf(scalar.kind, context()), *scalar.knownFloat));
  if (auto known = scalar.expr->known())
    return create<arith::ConstantOp>(integerAttribute(dtypeOf(scalar.kind), *known, context()));
  return create<arith::IndexCastOp>(typeOf(scalar.kind, context()), index(*scalar.expr));
}

mlir::Value Specializer::ssaAs(const Scalar &scalar, DType dtype) {
  // A known number becomes a constant of the wanted type at once.
  if (scalar.knownFloat && isFloat(dtype) && !scalar.value)
    return constant(dtype, *scalar.knownFloat);
  if (auto known = scalar.knownInt(); known && !scalar.isMixed() && !scalar.value) {
    if (isFloat(dtype))
      return constant(dtype, static_cast<double>(*known));
    if (dtype != DType::Bool)
      return create<arith::ConstantOp>(integerAttribute(dtype, *known, context()));
  }
  mlir::Value value = castTo(*this, ssa(scalar), dtypeOf(scalar.kind), dtype);
  if (!scalar.integer || dtype == DType::Float64)
    return value;
  // The float that stands beside an int may be rounded.
  mlir::Value whole = castTo(*this, scalar.integer, DType::Int64, dtype);
  return create<arith::SelectOp>(hasKind(*this, scalar, wholeKinds), whole, value);
}

IntExpr Specializer::intExpr(const Scalar &scalar) {
  if (scalar.expr && !scalar.isMixed())
    return *scalar.expr;
  if (scalar.knownBool)
    return IntExpr(*scalar.knownBool);
  if (isAlwaysFloat(scalar))
    fail(ErrorId::NotAnInteger, {describe(scalar)},
         {.expected = "an int", .help = "convert it: int(x)"});
  if (scalar.integer)
    check(hasKind(*this, scalar, wholeKinds), "TypeError",
          "'float' object cannot be interpreted as an integer");
  checkFitsInt64(*this, scalar);
  bool isNatural = scalar.kind == ScalarKind::PyBool ||
                   (!isPython(scalar.kind) && isUnsigned(dtypeOf(scalar.kind)));
  return symbolExpr(ssaAs(scalar, DType::Int64), isNatural);
}

std::optional<int64_t> Specializer::knownInt(const Value &value) {
  auto *scalar = value.get<Scalar>();
  if (!scalar || scalar->isMixed())
    return std::nullopt;
  if (scalar->knownBool)
    return *scalar->knownBool;
  return scalar->knownInt();
}

std::optional<bool> Specializer::knownBool(const Value &value) {
  if (auto *scalar = value.get<Scalar>()) {
    if (scalar->isMixed())
      return std::nullopt;
    if (scalar->knownBool)
      return scalar->knownBool;
    if (auto known = scalar->knownInt())
      return *known != 0;
    if (scalar->knownFloat)
      return *scalar->knownFloat != 0;
    return std::nullopt;
  }
  if (value.isNone())
    return false;
  return std::nullopt;
}

std::optional<std::string> Specializer::knownText(const Value &value) {
  auto *text = value.get<Text>();
  if (!text || text->value)
    return std::nullopt;
  return text->known;
}

Scalar Specializer::negate(const Scalar &scalar) {
  if (scalar.knownBool)
    return makeBool(!*scalar.knownBool);
  mlir::Value one = create<arith::ConstantOp>(builder.getBoolAttr(true));
  return makeScalar(ScalarKind::PyBool, create<arith::XOrIOp>(ssa(scalar), one));
}

Scalar Specializer::truth(const Value &value) {
  if (auto known = knownBool(value))
    return makeBool(*known);
  if (auto *scalar = value.get<Scalar>())
    return makeScalar(ScalarKind::PyBool, ssaAs(*scalar, DType::Bool));
  if (auto *text = value.get<Text>()) {
    if (!text->value)
      return makeBool(!text->known.empty());
    mlir::Value length =
        create<RuntimeCallOp>(mlir::TypeRange(builder.getI64Type()), "mpy_string_length",
                              mlir::ValueRange(text->value), false)
            .getResult(0);
    return makeScalar(ScalarKind::PyBool, create<CastOp>(length, builder.getI1Type()));
  }
  if (auto id = arrayObject(value)) {
    ArrayValue array = read(*id);
    IntExpr size(1);
    for (auto &extent : array.shape)
      size = size * extent;
    if (!size.isKnown(1)) {
      if (size.known() && isCertain())
        fail(ErrorId::AmbiguousTruth, {describe(value)}, {.help = "write a.any() or a.all()"});
      mlir::Value one = create<arith::ConstantIndexOp>(1);
      check(create<arith::CmpIOp>(arith::CmpIPredicate::eq, index(size), one), "ValueError",
            "The truth value of an array with more than one element is ambiguous. Use a.any() or "
            "a.all()");
    }
    llvm::SmallVector<mlir::Value> zeros(array.rank(), create<arith::ConstantIndexOp>(0));
    return truth(makeScalar(scalarKindOf(array.dtype), create<ExtractOp>(array.tensor, zeros)));
  }
  if (auto *optional = value.as<OptionalValue>()) {
    if (!optional->orNone)
      return truth(present(value, "a name"));
    Value result = branchValue(
        optional->present, [&] { return Value(truth(optional->value)); },
        [&] { return Value(makeBool(false)); });
    return *result.get<Scalar>();
  }
  if (auto *list = object<ListState>(value))
    return makeBool(!list->items.empty());
  if (auto *list = object<RunTimeListState>(value))
    return scalarCompare(ast::CompareOperator::Gt, makeInt(list->length), makeInt(IntExpr(0)));
  if (auto *dict = object<DictState>(value))
    return makeBool(!dict->entries.empty());
  if (auto *tuple = value.as<TupleValue>())
    return makeBool(!tuple->items.empty());
  auto isFilled = [&](const IntExpr &length) {
    return scalarCompare(ast::CompareOperator::Gt, makeInt(length), makeInt(IntExpr(0)));
  };
  if (auto *range = value.as<RangeValue>())
    return isFilled(rangeLength(*this, *range));
  if (auto *view = value.as<IterableValue>(); view && (view->kind == IterableValue::Kind::Keys ||
                                                       view->kind == IterableValue::Kind::Values ||
                                                       view->kind == IterableValue::Kind::Items))
    return truth(view->parts[0]);
  if (isOfClass(value)) {
    if (auto result = callMethod(value, "__bool__", {})) {
      auto *scalar = result->get<Scalar>();
      if (scalar && scalar->kind == ScalarKind::PyBool)
        return *scalar;
      raiseHere("TypeError", "__bool__ should return bool, returned " + typeName(*result));
      throw PathEnds();
    }
    if (!classAttribute(*classOf(value), "__len__").isUnbound()) {
      Value length = call(findBuiltin("len"), CallArguments{{value}, {}, span});
      return isFilled(intExpr(*length.get<Scalar>()));
    }
  }
  if (value.get<ConflictValue>() || value.isUnbound())
    present(value, "a name");
  return makeBool(true);
}

} // namespace mpy
