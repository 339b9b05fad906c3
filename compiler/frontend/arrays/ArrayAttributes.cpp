// Attributes of arrays and NumPy scalars: their shape and type, the transpose, and methods bound to
// them.
#include "frontend/arrays/ArrayShapes.h"
#include "frontend/arrays/IntegerTypes.h"

namespace mpy {

static int64_t bytesOf(DType dtype) { return (bitsOf(dtype) + 7) / 8; }

Value dtypeAttribute(Specializer &specializer, DType dtype, llvm::StringRef name) {
  if (name == "name")
    return specializer.makeText(nameOf(dtype).str());
  if (name == "type")
    return dtype;
  if (name == "itemsize")
    return specializer.makeInt(IntExpr(bytesOf(dtype)));
  if (name == "kind")
    return specializer.makeText(layoutOf(dtype).substr(1, 1));
  if (name == "char") {
    static const char *const letters[] = {"?", "i", "l", "f", "d", "b", "h", "B", "H", "I", "L"};
    return specializer.makeText(letters[static_cast<int>(dtype)]);
  }
  if (name == "str")
    return specializer.makeText(layoutOf(dtype));
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
  if (name == "imag" && !object)
    return specializer.makeScalar(scalarKindOf(dtype), specializer.constant(dtype, 0));
  if (name == "imag")
    return specializer.call(findLibraryFunction("numpy.zeros_like"),
                            CallArguments{{array}, {}, specializer.span});
  if (name == "flat")
    specializer.fail(ErrorId::UnsupportedName, {"ndarray.flat"}, {.help = "use ravel()"});
  if (const LibraryValue *method = findLibraryFunction("ndarray." + name.str()))
    return std::make_shared<const BoundMethodValue>(BoundMethodValue{array, method});
  return specializer.methodInLibrary(array, "ndarray", name);
}

} // namespace mpy
