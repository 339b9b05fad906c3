// Formatting: format(value, spec), f-strings, and the methods of text. Each piece becomes one call
// of the runtime.
#include "frontend/arrays/ArrayOperands.h"
#include "frontend/arrays/IntegerTypes.h"
#include "frontend/containers/Builtins.h"
#include "frontend/containers/RunTimeLists.h"
#include "frontend/interpret/MixedNumbers.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;

namespace mpy {

Text runtimeFormat(Specializer &s, const char *function, mlir::ValueRange operands) {
  return Text{"", s.callRaising(StringType::get(s.context()), function, operands)[0]};
}

Text Specializer::format(const Value &given, const Text &specification) {
  bool plain = !specification.value && specification.known.empty();
  // A float32 is formatted as the Python float of its value, whose digits are others than str()
  // gives.
  auto *number = given.get<Scalar>();
  auto array = arrayObject(given);
  bool isSingle = (number && (kindsOf(*number) & bitOf(ScalarKind::Float32))) ||
                  (array && heap.get<ArrayState>(*array)->shape.empty() &&
                   heap.get<ArrayState>(*array)->dtype == DType::Float32);
  if (plain && !isSingle && !classOf(given))
    return str(given);
  Value value = present(given, "the value");
  mlir::Value spec = ssa(specification);
  if (auto *text = value.get<Text>())
    return runtimeFormat(*this, "mpy_format_string", {ssa(*text), spec});
  if (auto id = arrayObject(value)) {
    if (!heap.get<ArrayState>(*id)->shape.empty()) {
      raiseHere("TypeError", "unsupported format string passed to numpy.ndarray.__format__");
      return makeText("");
    }
    ArrayValue array = read(*id);
    return format(
        makeScalar(scalarKindOf(array.dtype), create<ExtractOp>(array.tensor, mlir::ValueRange())),
        specification);
  }
  if (auto *scalar = value.get<Scalar>()) {
    if (scalar->isMixed()) {
      Value text = eachKind(*this, *scalar,
                            [&](const Scalar &one) { return Value(format(one, specification)); });
      return text.get<Text>() ? *text.get<Text>() : makeText("");
    }
    switch (dtypeOf(scalar->kind)) {
    case DType::Bool:
      return runtimeFormat(*this, "mpy_format_bool", {ssa(*scalar), spec});
    case DType::Float32:
      return runtimeFormat(*this, "mpy_format_float32", {ssa(*scalar), spec});
    case DType::Float64:
      return runtimeFormat(*this, "mpy_format_float", {ssaAs(*scalar, DType::Float64), spec});
    default:
      checkFitsInt64(*this, *scalar);
      return runtimeFormat(*this, "mpy_format_int", {ssaAs(*scalar, DType::Int64), spec});
    }
  }
  if (auto result = callMethod(value, "__format__", {specification})) {
    if (auto *text = result->get<Text>())
      return *text;
    failCertain(*this, "TypeError", "__format__ must return a str, not " + typeName(*result));
  }
  if (plain)
    return str(value);
  raiseHere("TypeError", "unsupported format string passed to " + typeName(value) + ".__format__");
  return makeText("");
}

Value Specializer::textSubscript(const Text &text, const Value &key) {
  if (auto *slice = key.as<SliceValue>()) {
    auto characters = knownItems(text);
    auto start = slice->start.isNone() || knownInt(slice->start),
         stop = slice->stop.isNone() || knownInt(slice->stop),
         step = slice->step.isNone() || knownInt(slice->step);
    if (characters && start && stop && step) {
      Value part = subscript(newList(*characters), key);
      std::string result;
      ValueList letters = *knownItems(part);
      for (auto &item : letters)
        result += item.get<Text>()->known;
      return makeText(result);
    }
    auto bound = [&](const Value &value, int64_t absent) -> mlir::Value {
      if (value.isNone())
        return create<arith::ConstantOp>(builder.getI64IntegerAttr(absent));
      auto *scalar = value.get<Scalar>();
      if (!scalar)
        fail(ErrorId::IndexType, {describe(value)});
      return ssaAs(*scalar, DType::Int64);
    };
    return runtimeFormat(*this, "mpy_string_slice",
                         {ssa(text), bound(slice->start, INT64_MIN), bound(slice->stop, INT64_MIN),
                          bound(slice->step, 1)});
  }
  auto *scalar = key.get<Scalar>();
  if (!scalar)
    fail(ErrorId::IndexType, {describe(key)});
  auto characters = knownItems(text);
  if (characters && knownInt(key))
    return subscript(newTuple(*characters), key);
  return runtimeFormat(*this, "mpy_string_index", {ssa(text), ssaAs(*scalar, DType::Int64)});
}

} // namespace mpy
