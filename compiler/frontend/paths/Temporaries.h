// Values that an expression holds while it evaluates its other parts.
#ifndef MPY_FRONTEND_TEMPORARIES_H
#define MPY_FRONTEND_TEMPORARIES_H

#include "frontend/interpret/Prelude.h"
#include <memory>
#include <optional>

namespace mpy {

/// Whether paths may meet while the expression is evaluated: it calls or chooses.
bool mayMeetPaths(const ast::Expr *expr);
/// Whether a value is, or is made of, objects of the heap, which others may change.
bool refersToObjects(const Value &value);

/// The values of two expressions, the first evaluated first. It has a name meanwhile: where paths
/// meet, what no name refers to is forgotten.
std::pair<Value, Value> evaluateBoth(Specializer &s, const ast::Expr *first,
                                     const ast::Expr *second);

/// The same for a list of values, while the rest of them is evaluated.
class Temporaries {
public:
  explicit Temporaries(Specializer &s) : s(s) {}
  /// The value at this place of the list is held from here on.
  void hold(size_t place, const Value &value) {
    if (refersToObjects(value))
      held.push_back({place, std::make_unique<InProgress>(s, value)});
  }
  /// Puts what became of them into their places.
  template <typename Place> void settle(Place placeOf) {
    for (auto &[place, value] : held)
      placeOf(place) = value->get();
    held.clear();
  }

private:
  Specializer &s;
  std::vector<std::pair<size_t, std::unique_ptr<InProgress>>> held;
};

} // namespace mpy

#endif // MPY_FRONTEND_TEMPORARIES_H
