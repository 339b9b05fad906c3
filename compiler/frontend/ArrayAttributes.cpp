// Attributes of arrays and NumPy scalars: their shape and type, the transpose, and methods bound to
// them.
#include "frontend/ArrayShapes.h"

namespace mpy {

Value arrayAttribute(Specializer &specializer, const Value &array, llvm::StringRef name) {
  Shape shape;
  DType dtype;
  std::optional<ObjectId> object = specializer.arrayObject(array);
  if (object) {
    const ArrayState *state = specializer.heap.get<ArrayState>(*object);
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
      extents.push_back(specializer.makeInt(extent));
    return specializer.newTuple(extents);
  }
  if (name == "ndim")
    return specializer.makeInt(IntExpr(int64_t(shape.size())));
  if (name == "size")
    return specializer.makeInt(product(shape));
  if (name == "dtype")
    return dtype;
  if (name == "itemsize" || name == "nbytes") {
    int64_t bytes = dtype == DType::Bool                               ? 1
                    : dtype == DType::Int32 || dtype == DType::Float32 ? 4
                                                                       : 8;
    return specializer.makeInt(name == "itemsize" ? IntExpr(bytes)
                                                  : product(shape) * IntExpr(bytes));
  }
  if (name == "T")
    return object ? reverseAxes(specializer, array) : array;
  if (name == "real")
    return array;
  if (name == "flat")
    specializer.fail(ErrorId::UnsupportedName, {"ndarray.flat"}, {.help = "use ravel()"});
  if (const LibraryValue *method = findLibraryFunction("ndarray." + name.str()))
    return std::make_shared<const BoundMethodValue>(BoundMethodValue{array, method});
  return {};
}

} // namespace mpy
