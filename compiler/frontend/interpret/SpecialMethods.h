// The names between double underscores that classes define: what the compiler calls as Python does,
// what Python never calls here, and what is refused; and the attributes of `object` itself.
#ifndef MPY_FRONTEND_SPECIALMETHODS_H
#define MPY_FRONTEND_SPECIALMETHODS_H

#include "frontend/interpret/Specializer.h"

namespace mpy {

/// Fails for a special name that is not treated as Python does.
void checkSpecialName(Specializer &, llvm::StringRef name);
/// `object.__setattr__`: sets the attribute itself, whatever the class of the object says.
void setOwnAttribute(Specializer &, const Value &object, llvm::StringRef name, const Value &value);
/// `del object.name`, by `__delattr__` if the class has it.
void deleteAttribute(Specializer &, const Value &object, llvm::StringRef name);
/// The attributes that every class has from `object`; unbound for others.
Value objectAttribute(llvm::StringRef name);
/// The text that a function, class or module begins with, or None.
Value docstringOf(Specializer &, const ast::Body &body);
/// What an attribute of a class becomes when it is read through an instance.
Value boundAttribute(Specializer &, const Value &self, const Value &attribute, ObjectId cls);

// As library values (Builtins.cpp).
Value setObjectAttribute(Specializer &, CallArguments &);
Value deleteObjectAttribute(Specializer &, CallArguments &);
Value getObjectAttribute(Specializer &, CallArguments &);
Value deleteAttributeOf(Specializer &, CallArguments &);

} // namespace mpy

#endif // MPY_FRONTEND_SPECIALMETHODS_H
