// Attributes of arrays and NumPy scalars: their shape and type, the transpose, and methods bound to
// them.
#include "frontend/ArrayShapes.h"

namespace mpy {

static int64_t bytesOf(DType dtype) {
  return dtype == DType::Bool ? 1 : dtype == DType::Int32 || dtype == DType::Float32 ? 4 : 8;
}

Value dtypeAttribute(Specializer &specializer, DType dtype, llvm::StringRef name) {
  if (name == "name")
    return specializer.makeText(nameOf(dtype).str());
  if (name == "type")
    return dtype;
  if (name == "itemsize")
    return specializer.makeInt(IntExpr(bytesOf(dtype)));
  bool isReal = isFloat(dtype), isBool = dtype == DType::Bool;
  if (name == "kind")
    return specializer.makeText(isBool ? "b" : isReal ? "f" : "i");
  if (name == "char") {
    bool isWide = bytesOf(dtype) == 8;
    return specializer.makeText(isBool ? "?" : isReal ? (isWide ? "d" : "f") : isWide ? "l" : "i");
  }
  if (name == "str")
    return specializer.makeText(isBool ? "|b1"
                                       : (isReal ? "<f" : "<i") + std::to_string(bytesOf(dtype)));
  return {};
}

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
    return DTypeObject{dtype};
  if (name == "itemsize" || name == "nbytes") {
    IntExpr bytes(bytesOf(dtype));
    return specializer.makeInt(name == "itemsize" ? bytes : product(shape) * bytes);
  }
  if (name == "T")
    return object ? reverseAxes(specializer, array) : array;
  if (name == "real")
    return array;
  if (name == "flat")
    specializer.fail(ErrorId::UnsupportedName, {"ndarray.flat"}, {.help = "use ravel()"});
  if (const LibraryValue *method = findLibraryFunction("ndarray." + name.str()))
    return std::make_shared<const BoundMethodValue>(BoundMethodValue{array, method});
  return specializer.methodInLibrary(array, "ndarray", name);
}

} // namespace mpy
