// What is known of a generator that is asked for one item after the other.
#ifndef MPY_FRONTEND_GENERATORS_H
#define MPY_FRONTEND_GENERATORS_H

#include "frontend/syntax/Ast.h"
#include "frontend/values/Value.h"

namespace mpy {

class Specializer;

/// The body of a generator function, or of a generator expression as statements, and where it can
/// wait.
struct GeneratorPlan {
  ast::Body body;
  /// A generator at position k > 0 waits behind `places[k - 1]`; at 0 it has not begun.
  std::vector<const ast::Stmt *> places;
  /// Loops and `yield from` with places in them, and the names of the cells with their iterators.
  std::map<const ast::Stmt *, std::string> walks;
  /// Whether it returns a value, and whether names get what is sent to it.
  bool hasResult = false, takesValues = false;
  /// Statements that a generator expression stands for.
  std::vector<std::unique_ptr<ast::Node>> made;
};

/// A generator that runs up to its next item.
struct SuspendedGenerator {
  const GeneratorPlan *plan;
  ObjectId position, hasEnded;
};

/// The `yield` that a statement is, or whose value it assigns; null if it is neither.
const ast::Expr *yieldOf(const ast::Node &statement);
/// Whether a generator can wait inside a statement.
bool hasPlaces(const ast::Stmt &statement);
/// Whether an exception that is raised here leaves a generator, if it has no `try`.
bool endsGenerator(Specializer &);

/// The name under which a generator expression finds its first iterable, which is evaluated where
/// the expression stands.
inline constexpr const char *firstIterable = "%first";
/// The cells with what a generator has returned, and with what was sent to it.
inline constexpr const char *generatorResult = "%result", *sentValue = "%sent";

} // namespace mpy

#endif // MPY_FRONTEND_GENERATORS_H
