// Equality as Python's containers ask for it: one object, or equal; and equality by value of what
// is made anew whenever it is asked for: views of dicts, slices, ranges, bound methods.
#ifndef MPY_FRONTEND_EQUALITY_H
#define MPY_FRONTEND_EQUALITY_H

#include "frontend/interpret/Specializer.h"

namespace mpy {

/// Whether an item of a container is this one: the same object, or equal. A nan is itself only.
Scalar sameItem(Specializer &, const Value &item, const Value &wanted);
/// `==` of sequences of known length: item by item.
Value compareItems(Specializer &, const ValueList &x, const ValueList &y);
/// `==` where it follows from what the operands are made of; nothing for all others.
std::optional<Scalar> equalByValue(Specializer &, const Value &lhs, const Value &rhs);
/// A set of known items, or a view of keys or items as such a set; null otherwise.
const DictState *setIn(Specializer &, const Value &value, DictState &storage);
/// `<`, `<=`, `>`, `>=` of sets; nothing for all others.
std::optional<Value> orderSets(Specializer &, ast::CompareOperator, const Value &lhs,
                               const Value &rhs);
/// Whether a set of known items has a key.
bool hasKey(Specializer &, const DictState &set, const Value &key);
/// Python's `hash`. That of texts and None is another one in each run of CPython.
Value hashValue(Specializer &, const Value &value);
/// The name of the type that makes a key unhashable, or empty.
std::string unhashableType(Specializer &, const Value &key);
/// The text of KeyError for a key that is not there; of an object without `__repr__` that is its
/// address in CPython.
Text missingText(Specializer &, const Value &key);
/// KeyError of a key that is not there.
Value raiseMissing(Specializer &, const Value &key);
/// Whether its class says which objects are equal to an instance.
bool hasOwnEquality(Specializer &, const Value &value);
/// `==` of instances as keys: by hash, where that is known, and by `__eq__`.
Scalar sameInstanceKey(Specializer &, const Value &key, const Value &wanted);

} // namespace mpy

#endif // MPY_FRONTEND_EQUALITY_H
