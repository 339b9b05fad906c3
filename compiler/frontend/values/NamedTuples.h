// Tuples of a class, as namedtuple() makes them: tuples whose last field name says the class.
#ifndef MPY_FRONTEND_NAMEDTUPLES_H
#define MPY_FRONTEND_NAMEDTUPLES_H

#include "frontend/values/Value.h"

namespace mpy {

inline constexpr const char *classOfTupleMark = "%class:";

/// The class of a tuple, if it has one.
inline std::optional<ObjectId> classOfTuple(const TupleValue &tuple) {
  ObjectId id;
  if (tuple.fields.size() != tuple.items.size() + 1)
    return std::nullopt;
  llvm::StringRef mark = tuple.fields.back();
  return mark.consume_front(classOfTupleMark) && !mark.getAsInteger(10, id) ? std::optional(id)
                                                                            : std::nullopt;
}

} // namespace mpy

#endif // MPY_FRONTEND_NAMEDTUPLES_H
