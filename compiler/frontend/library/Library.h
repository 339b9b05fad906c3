// Functions of NumPy, math, time and sys: how they are bound, and one declaration for each line of
// Library.def.
#ifndef MPY_FRONTEND_LIBRARY_H
#define MPY_FRONTEND_LIBRARY_H

#include "frontend/arrays/ArrayElementwise.h"

namespace mpy {

/// The arguments of a call of a library function, by parameter name.
class Arguments {
public:
  Arguments(Specializer &specializer, const CallArguments &call, const char *name,
            const char *parameters);

  /// The value of a parameter; None if the function has no such parameter.
  const Value &operator[](llvm::StringRef parameter) const;
  /// Whether a value other than None was given.
  bool has(llvm::StringRef parameter) const { return !(*this)[parameter].isNone(); }
  /// All values in the order of the parameters.
  llvm::ArrayRef<Value> all() const { return values; }
  /// The qualified name of the function.
  const char *name;

private:
  std::vector<std::string> parameters;
  ValueList values;
};

/// Whether a module of the library has a name; nothing is bound.
bool hasLibraryAttribute(llvm::StringRef module, llvm::StringRef name);
/// What a function of NumPy does with the elements that a mask chooses, `where=mask`: in the
/// library.
std::optional<Value> callWithMask(Specializer &specializer, const LibraryValue &function,
                                  const CallArguments &call);
/// The known name of a module that is closest to one that does not exist, or empty.
std::string closestLibraryName(llvm::StringRef module, llvm::StringRef name);

namespace library {

/// A known bool of a flag parameter.
bool flag(Specializer &specializer, const Arguments &arguments, llvm::StringRef parameter,
          bool otherwise = false);
/// Stores a result in `out` if it was given; the result as the program sees it.
Value finish(Specializer &specializer, const Arguments &arguments, Value result);
/// Refuses a parameter that has another value than its default.
void refuse(Specializer &specializer, const Arguments &arguments, llvm::StringRef parameter);
/// A float argument as an SSA value of type f64; ints and NumPy scalars convert.
mlir::Value toDouble(Specializer &specializer, const Value &value);
/// A text argument as an SSA value.
mlir::Value toText(Specializer &specializer, const Value &value, llvm::StringRef parameter,
                   llvm::StringRef function);

/// A call of a function of the runtime whose parameters are texts, ints and bools, in the order of
/// the program.
enum class RuntimeResult { None, Bool, Int, Text };
Value callRuntime(Specializer &specializer, const Arguments &arguments, const char *callee,
                  RuntimeResult result, bool raises);

/// Elementwise functions of one and two operands.
Value unary(Specializer &specializer, const Arguments &arguments, UnaryRule rule,
            UnaryEmitter emitter);
Value binary(Specializer &specializer, const Arguments &arguments, BinaryFunction function);
Value comparison(Specializer &specializer, const Arguments &arguments, ComparePredicate predicate);

#define MPY_FUNCTION(name, parameters, function)                                                   \
  Value function(Specializer &specializer, const Arguments &arguments);
#define MPY_EMITTER(emitter)                                                                       \
  mlir::Value emitter(Specializer &specializer, mlir::Value x, DType dtype);
#include "frontend/library/Library.def"

} // namespace library
} // namespace mpy

#endif // MPY_FRONTEND_LIBRARY_H
