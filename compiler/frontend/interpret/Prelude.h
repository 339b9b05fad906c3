// What the compiler adds to programs in their own language.
#ifndef MPY_FRONTEND_PRELUDE_H
#define MPY_FRONTEND_PRELUDE_H

#include "frontend/interpret/Specializer.h"

namespace mpy {

/// Whether a number, a text, or one in a tuple, is run-time data.
bool isRunTimeKey(Specializer &, const Value &key);
/// Fails: a dict gets, or is asked for, a key that is run-time data. If nothing else helps, the
/// program is specialised once more, and the dict is one that can.
[[noreturn]] void needRunTimeKeys(Specializer &, const DictState *dict, const Value &key);
/// The same of a dict or set that is made of what is known at run time only.
[[noreturn]] void needRunTimeKeys(Specializer &, Span origin, llvm::StringRef what);
/// An empty dict or set of run-time keys; nothing where those made here have known keys only.
std::optional<Value> newRunTimeDict(Specializer &, Span origin, bool isSet);
/// `dict` or `set` if the value is one of run-time keys, `dict_keys` and so on for its views.
llvm::StringRef runTimeDictKind(Specializer &, const Value &value);
/// What such a value gives when it is walked, as a list; the order of a set is asked for only where
/// it does not matter.
Value listedByPrelude(Specializer &, const Value &value, bool isAnyOrder);

/// The items of a set of known items in the order that CPython walks them, if that is known: small
/// integers lie in their own slots of the smallest table. Fails for others, unless any order does.
ValueList itemsOfSet(Specializer &, const Value &set, bool isAnyOrder);

/// Whether the value is a set whose items CPython walks in an order that is not known.
bool isSetOfAnyOrder(Specializer &, const Value &value);
/// A function of lang/library/_sets.mpy.
Value ofSet(Specializer &, llvm::StringRef function, ValueList arguments);

/// A value that an expression is making. It has a name meanwhile, so that all that it is made of
/// stays where paths meet: else a dict that is filled in `try` would lose its table.
class InProgress {
public:
  InProgress(Specializer &s, const Value &value)
      : frame(s.frame()), name("%made" + std::to_string(s.nextNumber())) {
    frame.locals[name] = value;
  }
  InProgress(const InProgress &) = delete;
  InProgress &operator=(const InProgress &) = delete;
  ~InProgress() { frame.locals.erase(name); }
  Value get() const {
    auto it = frame.locals.find(name);
    return it == frame.locals.end() ? Value(NoneValue{}) : it->second;
  }

private:
  Frame &frame;
  std::string name;
};

} // namespace mpy

#endif // MPY_FRONTEND_PRELUDE_H
