// Python's builtin functions and the methods of its containers, as library values.
#ifndef MPY_FRONTEND_BUILTINS_H
#define MPY_FRONTEND_BUILTINS_H

#include "frontend/interpret/Specializer.h"

namespace mpy {

/// A method of list, dict, set, tuple or str by its full name ("list.append"), or null.
const LibraryValue *findContainerMethod(llvm::StringRef name);

/// What NumPy says of arrays with dimensions where a number is asked for.
inline constexpr const char *onlyRankZero =
    "only 0-dimensional arrays can be converted to Python scalars";
/// The number that a value is: a scalar, or what an array of rank 0 holds (BuiltinNumbers.cpp).
std::optional<Scalar> numberIn(Specializer &, const Value &);
/// The integer that a value is as an index, by `__index__` too; TypeError for all others.
Scalar indexIn(Specializer &, const Value &);

/// A call that does not fit its function: an error where the program certainly gets here, else
/// Python's TypeError.
[[noreturn]] void failCall(Specializer &, const std::string &function, const std::string &message);

/// `lhs op= rhs` of what has no method of its own for it: as `lhs op rhs`.
Value binaryInPlace(Specializer &, ast::BinaryOperator op, const Value &lhs, const Value &rhs);

/// The result of a method of str where all is known (KnownText.cpp).
std::optional<Value> foldTextMethod(Specializer &, llvm::StringRef function,
                                    const CallArguments &arguments);
/// What int() makes of a known text, if that is plain.
std::optional<int64_t> knownIntOfText(const Text &text);

/// sum, min, max, any, all, sorted: what goes through all items (BuiltinFolds.cpp).
namespace builtins {
Value sumOf(Specializer &, CallArguments &);
Value minimumOf(Specializer &, CallArguments &);
Value maximumOf(Specializer &, CallArguments &);
Value anyOf(Specializer &, CallArguments &);
Value allOf(Specializer &, CallArguments &);
Value sortedOf(Specializer &, CallArguments &);
Value iterOf(Specializer &, CallArguments &);
Value nextOf(Specializer &, CallArguments &);
Value firstOf(Specializer &, CallArguments &);
Value sendTo(Specializer &, CallArguments &);
Value closeGenerator(Specializer &, CallArguments &);
/// math.prod.
Value productOf(Specializer &, const Value &iterable, const Value &start);

// Of numbers (BuiltinNumbers.cpp).
Value toFloat(Specializer &, CallArguments &);
Value toInt(Specializer &, CallArguments &);
Value absolute(Specializer &, CallArguments &);
Value roundOf(Specializer &, CallArguments &);
Value divmodOf(Specializer &, CallArguments &);
Value powOf(Specializer &, CallArguments &);
Value binaryText(Specializer &, CallArguments &);
Value octalText(Specializer &, CallArguments &);
Value hexText(Specializer &, CallArguments &);
Value bitLength(Specializer &, CallArguments &);
Value bitCount(Specializer &, CallArguments &);
Value conjugateOf(Specializer &, CallArguments &);
Value isWhole(Specializer &, CallArguments &);
/// An attribute of Python's own number; Unbound if it has none of that name.
Value attributeOfNumber(Specializer &, const Value &number, llvm::StringRef name);
} // namespace builtins

/// Whether the test holds for one of the items; nothing is taken behind the first of these.
Scalar anyItem(Specializer &, const Value &iterable,
               llvm::function_ref<Scalar(const Value &)> test);

} // namespace mpy

#endif // MPY_FRONTEND_BUILTINS_H
