// Whether two objects are one, where run-time data say which items of lists they are: items of one
// list that holds each of its items once are one where their positions are.
//
//   p is ps[%i], q is ps[%j]:   p is q   =>   %i == %j
#include "frontend/containers/RunTimeLists.h"

using namespace mlir;

namespace mpy {

/// Whether an object may be another one, or one of several, by run-time data.
static bool isUncertain(const ObjectState &state) {
  return std::visit(
      [](const auto &object) {
        if constexpr (requires { object.maybeAliases; })
          return !object.maybeAliases.empty() || object.place;
        else if constexpr (requires { object.isItem; })
          return object.isItem || object.place;
        else
          return false;
      },
      state);
}

/// Where an object certainly is in a list of known length that holds each object once.
static std::optional<std::pair<int64_t, std::vector<std::string>>>
findOnce(Specializer &s, const ListState &list, ObjectId object, bool &isUnique) {
  std::set<ObjectId> seen;
  std::optional<std::pair<int64_t, std::vector<std::string>>> found;
  for (const auto &[position, item] : llvm::enumerate(ValueList(list.items)))
    for (const ItemPart &part : partsOf(s, item)) {
      isUnique &= seen.insert(part.id).second;
      if (part.id == object)
        found = {int64_t(position), part.path};
    }
  return found;
}

static Scalar areEqual(Specializer &s, const IntExpr &a, const IntExpr &b) {
  return s.scalarCompare(ast::CompareOperator::Eq, s.makeInt(a), s.makeInt(b));
}

/// An item of a list of known length, which run-time data choose, and any other object.
static std::optional<Scalar> isKnownItem(Specializer &s, const ItemPlace &item, ObjectId other) {
  const ItemView &view = *item.view;
  SharedPlace place = placeOf(s.heap, other);
  bool isUnique = true;
  auto found = findOnce(s, *s.heap.get<ListState>(view.list), other, isUnique);
  if (!isUnique)
    return std::nullopt;
  if (place && place->view && place->view->known && place->view->list == view.list &&
      isUnmoved(s, *place->view))
    return place->path == item.path ? areEqual(s, view.position, place->view->position)
                                    : s.makeBool(false);
  if (found)
    return found->second == item.path ? areEqual(s, view.position, IntExpr(found->first))
                                      : s.makeBool(false);
  return isUncertain(s.heap.at(other)) ? std::nullopt : std::optional(s.makeBool(false));
}

static std::optional<Scalar> areOne(Specializer &s, ObjectId a, ObjectId b) {
  if (a == b)
    return s.makeBool(true);
  SharedPlace x = placeOf(s.heap, a), y = placeOf(s.heap, b);
  auto isReadable = [&](const SharedPlace &place, bool isKnown) {
    return place && place->view && (place->view->known != nullptr) == isKnown &&
           isUnmoved(s, *place->view) && s.isAvailable(place->view->position);
  };
  if (isReadable(x, true))
    return isKnownItem(s, *x, b);
  if (isReadable(y, true))
    return isKnownItem(s, *y, a);
  if (isReadable(x, false) && isReadable(y, false)) {
    auto lists = areOne(s, x->view->list, y->view->list);
    if (!lists || lists->knownBool == false)
      return lists;
    if (x->path != y->path)
      return s.makeBool(false);
    return s.scalarBinary(ast::BinaryOperator::BitAnd, *lists,
                          areEqual(s, x->view->position, y->view->position));
  }
  // No list of run-time length holds an object that has no place.
  bool isOther = (isReadable(x, false) && !isUncertain(s.heap.at(b))) ||
                 (isReadable(y, false) && !isUncertain(s.heap.at(a)));
  return isOther ? std::optional(s.makeBool(false)) : std::nullopt;
}

std::optional<Scalar> itemIdentity(Specializer &s, const Value &lhs, const Value &rhs) {
  auto *x = lhs.get<ObjectRef>(), *y = rhs.get<ObjectRef>();
  if (!x || !y || x->id == y->id || !s.heap.pointer(x->id) || !s.heap.pointer(y->id))
    return std::nullopt;
  s.checkUsable(x->id);
  s.checkUsable(y->id);
  const ObjectState &a = s.heap.at(x->id), &b = s.heap.at(y->id);
  auto *first = std::get_if<InstanceState>(&a), *second = std::get_if<InstanceState>(&b);
  bool isList = s.typeName(lhs) == "list" && s.typeName(rhs) == "list";
  if ((a.index() != b.index() && !isList) || (first && second && first->cls != second->cls) ||
      (!isUncertain(a) && !isUncertain(b)))
    return std::nullopt;
  // A view of an array is an object of its own.
  if (auto same = memoryOwner(s.heap, x->id) == x->id && memoryOwner(s.heap, y->id) == y->id
                      ? areOne(s, x->id, y->id)
                      : std::nullopt)
    return same;
  s.fail(ErrorId::Unsupported,
         {"comparing an object that is one of several, or an item of a list, by run-time data"},
         {.help = "compare what tells the objects apart, such as a number in each of them"});
}

} // namespace mpy
