// Attributes of arrays and NumPy scalars: their shape and type, the transpose, and methods bound to them.
#include "frontend/ArrayShapes.h"

namespace mpy {

Value arrayAttribute(Specializer &s, const Value &array, llvm::StringRef name) {
  Shape shape;
  DType dtype;
  std::optional<ObjectId> object = s.arrayObject(array);
  if (object) {
    const ArrayState *state = s.heap.get<ArrayState>(*object);
    shape = state->shape;
    dtype = state->dtype;
  } else if (const Scalar *scalar = array.get<Scalar>()) {
    dtype = dtypeOf(scalar->kind);
  } else {
    return {};
  }
  if (name == "shape") {
    ValueList extents;
    for (const IntExpr &extent : shape)
      extents.push_back(s.makeInt(extent));
    return s.newTuple(extents);
  }
  if (name == "ndim")
    return s.makeInt(IntExpr(int64_t(shape.size())));
  if (name == "size")
    return s.makeInt(product(shape));
  if (name == "dtype")
    return dtype;
  if (name == "itemsize" || name == "nbytes") {
    int64_t bytes = dtype == DType::Bool ? 1 : dtype == DType::Int32 || dtype == DType::Float32 ? 4 : 8;
    return s.makeInt(name == "itemsize" ? IntExpr(bytes) : product(shape) * IntExpr(bytes));
  }
  if (name == "T")
    return object ? reverseAxes(s, array) : array;
  if (name == "real")
    return array;
  if (name == "flat")
    s.fail(ErrorId::UnsupportedName, {"ndarray.flat"}, {.help = "use ravel()"});
  if (const LibraryValue *method = findLibraryFunction("ndarray." + name.str()))
    return std::make_shared<const BoundMethodValue>(BoundMethodValue{array, method});
  return {};
}

} // namespace mpy
