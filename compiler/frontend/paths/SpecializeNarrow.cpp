// What a test says about names and attributes that may be None:
//
//   if m is not None: s += np.sum(m)     =>     inside, m is the value; its flag is known to be
//   true
//
// Only a place that can be read without running code is narrowed, and only where nothing between
// the test and the path can have set it.
#include "frontend/interpret/Specializer.h"
#include "frontend/syntax/AstWalk.h"

using namespace mlir;

namespace mpy {

static std::optional<Value> inner(const Value &value) {
  auto *optional = value.as<OptionalValue>();
  if (!optional || !optional->orNone)
    return std::nullopt;
  return optional->value;
}

static bool assignsName(const ast::Node *node) {
  bool found = isa<ast::NamedExpr>(node);
  forEachChild(node, [&](ast::Node *child) { found |= assignsName(child); });
  return found;
}

/// Whether a test asks for a name that no other function can set.
static bool asksLocal(Specializer &s, const ast::Expr &test) {
  if (auto *negation = dyn_cast<ast::UnaryOp>(&test))
    return asksLocal(s, *negation->operand);
  if (auto *compare = dyn_cast<ast::Compare>(&test))
    return asksLocal(s, *compare->left);
  auto *name = dyn_cast<ast::Name>(&test);
  return name && s.frame().scope->kind != ast::ScopeKind::Module &&
         !s.frame().scope->globals.contains(name->id) && s.frame().locals.count(name->id);
}

void Specializer::narrowToPresent(const ast::Expr &place) {
  if (auto *name = dyn_cast<ast::Name>(&place)) {
    if (frame().scope->kind != ast::ScopeKind::Module &&
        !frame().scope->globals.contains(name->id)) {
      auto local = frame().locals.find(name->id);
      if (local != frame().locals.end()) {
        if (auto value = inner(local->second))
          local->second = *value;
        return;
      }
    }
    if (auto cell = findCell(name->id, false))
      if (auto value = inner(heap.get<CellState>(*cell)->value))
        heap.set(*cell, CellState{*value});
    return;
  }
  auto *attribute = dyn_cast<ast::Attribute>(&place);
  auto *owner = attribute ? dyn_cast<ast::Name>(attribute->value) : nullptr;
  if (!owner)
    return;
  Value object = lookup(owner->id);
  auto *instance = this->object<InstanceState>(object);
  if (!instance || !classAttribute(instance->cls, attribute->attr).isUnbound())
    return;
  InstanceState changed = *instance;
  for (auto &entry : changed.attributes)
    if (auto value = entry.first == attribute->attr ? inner(entry.second) : std::nullopt) {
      entry.second = *value;
      heap.set(object.get<ObjectRef>()->id, std::move(changed));
      return;
    }
}

void Specializer::narrow(const ast::Expr &test, bool holds) {
  if (dead)
    return;
  if (auto *negation = dyn_cast<ast::UnaryOp>(&test);
      negation && negation->op == ast::UnaryOperator::Not)
    return narrow(*negation->operand, !holds);
  if (auto *several = dyn_cast<ast::BoolOp>(&test)) {
    if ((several->op != ast::BoolOperator::And) == holds)
      return;
    // Each part was decided, but what the later ones run may have set a cell or an attribute that
    // the earlier ones asked. A local name can be set by ':=' alone.
    auto &parts = several->values;
    for (size_t i = 0; i < parts.size(); ++i)
      if (i + 1 == parts.size() || (asksLocal(*this, *parts[i]) &&
                                    llvm::none_of(llvm::drop_begin(parts, i + 1), assignsName)))
        narrow(*parts[i], holds);
    return;
  }
  if (auto *compare = dyn_cast<ast::Compare>(&test)) {
    auto *none =
        compare->ops.size() == 1 ? dyn_cast<ast::Constant>(compare->comparators[0]) : nullptr;
    if (none && none->type == ast::ConstantKind::None &&
        ((compare->ops[0] == ast::CompareOperator::IsNot && holds) ||
         (compare->ops[0] == ast::CompareOperator::Is && !holds)))
      narrowToPresent(*compare->left);
    return;
  }
  if (holds && isa<ast::Name, ast::Attribute>(test))
    narrowToPresent(test);
}

} // namespace mpy
