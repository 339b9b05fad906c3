// Values that an expression holds while it evaluates its other parts get names, as a program would
// give them:
//
//   print(get(k), get(j))    =>    the first result is a local while get(j) runs
//
// Where paths meet, objects that no name reaches are forgotten, and objects may get other numbers.
#include "frontend/paths/Temporaries.h"
#include "frontend/syntax/AstWalk.h"

namespace mpy {

bool mayMeetPaths(const ast::Expr *expr) {
  using ast::Kind;
  switch (expr->kind) {
  case Kind::Call:
  case Kind::IfExp:
  case Kind::BoolOp:
  case Kind::ListComp:
  case Kind::SetComp:
  case Kind::DictComp:
  case Kind::GeneratorExp:
    return true;
  case Kind::Lambda:
    return false;
  default:
    break;
  }
  bool found = false;
  forEachChild(expr, [&](ast::Node *child) {
    if (auto *part = llvm::dyn_cast<ast::Expr>(child))
      found = found || mayMeetPaths(part);
  });
  return found;
}

bool refersToObjects(const Value &value) {
  return !value.get<Scalar>() && !value.get<Text>() && !value.isNone() && !value.isUnbound() &&
         !value.get<DType>() && !value.get<DTypeObject>() && !value.get<const LibraryValue *>() &&
         !value.as<ModuleValue>();
}

std::pair<Value, Value> evaluateBoth(Specializer &s, const ast::Expr *first,
                                     const ast::Expr *second) {
  Value left = s.evaluate(first);
  std::optional<InProgress> held;
  if (refersToObjects(left) && mayMeetPaths(second))
    held.emplace(s, left);
  Value right = s.evaluate(second);
  return {held ? held->get() : left, right};
}

} // namespace mpy
