// Complex numbers and arrays: objects of classes that are written in the language.
#ifndef MPY_FRONTEND_COMPLEXNUMBERS_H
#define MPY_FRONTEND_COMPLEXNUMBERS_H

#include "frontend/interpret/Specializer.h"

namespace mpy {

/// Python's complex, NumPy's two numbers, an array.
enum class ComplexKind { None, Python, Complex128, Complex64, Array };
ComplexKind complexKindOf(Specializer &, const Value &value);
/// The real and the imaginary part of a complex number or array, which share memory with it.
std::pair<Value, Value> complexParts(Specializer &, const Value &value);
/// The number or array with these parts: two numbers, or arrays of one shape and type.
Value complexOf(Specializer &, const Value &real, const Value &imaginary);
/// The same for numbers and arrays that are spread and converted to agree.
Value complexOfAny(Specializer &, const Value &real, const Value &imaginary);
/// Whether the program has made or named any: until then nothing is looked for.
bool usesComplex(Specializer &);
/// Whether a value is complex, names the type, or is a list with such values in it.
bool isAboutComplex(Specializer &, const Value &value);
/// Whether the class is one of complex numbers or arrays, or of their element types.
bool isComplexClass(Specializer &, ObjectId cls);
/// What a name of NumPy or Python that speaks of complex numbers alone means: `np.complex128`,
/// `complex`; unbound for others.
Value complexName(Specializer &, llvm::StringRef module, llvm::StringRef name);
/// Whether a complex number or array is of a type of NumPy or Python that is no class of the
/// library: `np.ndarray`, `np.number`.
bool isComplexInstance(ComplexKind kind, llvm::StringRef type);
/// A call of a function of NumPy or SciPy with complex numbers among its arguments, or their type:
/// the function of its name in the library's files of complex numbers. Nothing if there are none.
std::optional<Value> callWithComplex(Specializer &, llvm::StringRef module, llvm::StringRef name,
                                     const CallArguments &call, const ClosureValue *itself);

} // namespace mpy

#endif // MPY_FRONTEND_COMPLEXNUMBERS_H
