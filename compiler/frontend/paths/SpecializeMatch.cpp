// `match`: the first case whose pattern fits, as a chain of conditions.
//
//   match command:                    if command == 'add':
//     case 'add': ..            =>      ..
//     case (x, y) if x > y: ..        elif command is a pair, x > y: ..
//     case _: ..                      else: ..
//
// What a pattern asks of structure is known while compiling; what it asks of numbers and text is a
// condition of the program.
#include "frontend/containers/RunTimeLists.h"
#include "frontend/interpret/Prelude.h"

namespace mpy {

using Op = ast::BinaryOperator;

/// The attributes that positions of a class pattern stand for.
static std::vector<std::string> matchedNames(Specializer &s, const Value &type, size_t count) {
  std::vector<std::string> names;
  if (count == 0)
    return names;
  Value said = s.object<ClassState>(type) ? s.findAttribute(type, "__match_args__") : Value();
  auto *tuple = said.as<TupleValue>();
  for (size_t i = 0; tuple && i < count && i < tuple->items.size(); ++i)
    if (auto name = s.knownText(tuple->items[i]))
      names.push_back(*name);
  if (names.size() != count)
    s.fail(ErrorId::Unsupported, {"a class pattern with these positions"},
           {.help = "name the attributes: Point(x=0)"});
  return names;
}

/// Whether a key is in the dict must be known.
static void refuseUncertain(Specializer &s, const Value &value) {
  if (auto *optional = value.as<OptionalValue>(); optional && !optional->orNone)
    s.fail(ErrorId::Unsupported, {"a pattern of a dict that may lack the key"},
           {.help = "ask before: if key in items"});
}

/// Asks a pattern of a subject, and notes the names that it binds.
class PatternFit {
public:
  PatternFit(Specializer &s, std::vector<std::pair<std::string, Value>> &names)
      : s(s), names(names) {}
  Scalar fits(const ast::Pattern &pattern, const Value &given);

private:
  // Of a subject that is there.
  Scalar fitsPresent(const ast::Pattern &pattern, const Value &subject);
  Scalar fitsConstant(const ast::MatchSingleton &pattern, const Value &subject);
  Scalar fitsValue(const ast::MatchValue &pattern, const Value &subject);
  Scalar fitsSequence(const ast::MatchSequence &pattern, const Value &subject);
  Scalar fitsClass(const ast::MatchClass &pattern, const Value &subject);
  Scalar fitsMapping(const ast::MatchMapping &pattern, const Value &subject);
  Scalar fitsAny(const ast::MatchOr &pattern, const Value &given);
  std::optional<ValueList> itemsOf(const Value &subject);
  Scalar both(const Scalar &a, const Scalar &b) { return s.scalarBinary(Op::BitAnd, a, b); }

  Specializer &s;
  std::vector<std::pair<std::string, Value>> &names;
};

Scalar PatternFit::fitsAny(const ast::MatchOr &pattern, const Value &given) {
  Scalar result = s.makeBool(false);
  for (auto *part : pattern.patterns) {
    size_t before = names.size();
    result = s.scalarBinary(Op::BitOr, result, fits(*part, given));
    if (names.size() != before)
      s.fail(ErrorId::Unsupported, {"a name inside one of several patterns"},
             {.help = "write one case for each"});
  }
  return result;
}

Scalar PatternFit::fits(const ast::Pattern &pattern, const Value &given) {
  if (auto *as = llvm::dyn_cast<ast::MatchAs>(&pattern)) {
    Scalar inner = as->pattern ? fits(*as->pattern, given) : s.makeBool(true);
    if (!as->name.empty())
      names.push_back({as->name, given});
    return inner;
  }
  auto *optional = given.as<OptionalValue>();
  bool mayBeNone = optional && optional->orNone;
  if (auto *singleton = llvm::dyn_cast<ast::MatchSingleton>(&pattern);
      singleton && singleton->value == ast::ConstantKind::None)
    return mayBeNone ? s.negate(s.makeScalar(ScalarKind::PyBool, optional->present))
                     : s.makeBool(given.isNone());
  if (auto *any = llvm::dyn_cast<ast::MatchOr>(&pattern))
    return fitsAny(*any, given);
  if (!mayBeNone)
    return fitsPresent(pattern, s.present(given, "the subject"));
  return both(s.makeScalar(ScalarKind::PyBool, optional->present),
              fitsPresent(pattern, optional->value));
}

Scalar PatternFit::fitsPresent(const ast::Pattern &pattern, const Value &subject) {
  if (auto *singleton = llvm::dyn_cast<ast::MatchSingleton>(&pattern))
    return fitsConstant(*singleton, subject);
  if (auto *value = llvm::dyn_cast<ast::MatchValue>(&pattern))
    return fitsValue(*value, subject);
  if (auto *sequence = llvm::dyn_cast<ast::MatchSequence>(&pattern))
    return fitsSequence(*sequence, subject);
  if (auto *cls = llvm::dyn_cast<ast::MatchClass>(&pattern))
    return fitsClass(*cls, subject);
  if (auto *mapping = llvm::dyn_cast<ast::MatchMapping>(&pattern))
    return fitsMapping(*mapping, subject);
  s.fail(ErrorId::Unsupported, {"this pattern"}, {.help = "write if and elif"});
}

Scalar PatternFit::fitsConstant(const ast::MatchSingleton &pattern, const Value &subject) {
  auto *scalar = subject.get<Scalar>();
  if (!scalar || scalar->kind != ScalarKind::PyBool)
    return s.makeBool(false);
  return pattern.value == ast::ConstantKind::True ? *scalar : s.negate(*scalar);
}

Scalar PatternFit::fitsValue(const ast::MatchValue &pattern, const Value &subject) {
  if (s.arrayObject(subject))
    s.fail(ErrorId::Unsupported, {"'match' of an array"}, {.help = "match its shape or a number"});
  return s.truth(s.compare(ast::CompareOperator::Eq, subject, s.evaluate(pattern.value)));
}

/// The items of a list or tuple; nothing of what no sequence pattern fits.
std::optional<ValueList> PatternFit::itemsOf(const Value &subject) {
  if (runTimeListOf(s, subject))
    s.fail(ErrorId::UnknownLength, {"what a pattern is matched with"},
           {.help = "match its length, and take the items by position"});
  if (subject.as<RangeValue>())
    s.fail(ErrorId::Unsupported, {"'match' of a range"}, {.help = "match list(..) of it"});
  if (auto *tuple = subject.as<TupleValue>())
    return tuple->items;
  if (auto *list = s.object<ListState>(subject))
    return list->items;
  return std::nullopt;
}

Scalar PatternFit::fitsSequence(const ast::MatchSequence &pattern, const Value &subject) {
  auto items = itemsOf(subject);
  if (!items)
    return s.makeBool(false);
  size_t count = pattern.patterns.size();
  bool hasStar = llvm::any_of(pattern.patterns,
                              [](ast::Pattern *part) { return llvm::isa<ast::MatchStar>(part); });
  if (hasStar ? items->size() + 1 < count : items->size() != count)
    return s.makeBool(false);
  Scalar result = s.makeBool(true);
  auto next = items->begin();
  for (auto *part : pattern.patterns) {
    if (auto *rest = llvm::dyn_cast<ast::MatchStar>(part)) {
      auto end = next + (items->size() + 1 - count);
      if (!rest->name.empty())
        names.push_back({rest->name, s.newList(ValueList(next, end))});
      next = end;
      continue;
    }
    result = both(result, fits(*part, *next++));
    if (result.knownBool == false)
      return result;
  }
  return result;
}

Scalar PatternFit::fitsClass(const ast::MatchClass &pattern, const Value &subject) {
  Value type = s.evaluate(pattern.cls);
  if (!s.isInstance(subject, type))
    return s.makeBool(false);
  Scalar result = s.makeBool(true);
  std::vector<std::pair<std::string, ast::Pattern *>> attributes;
  if (type.get<const LibraryValue *>() && pattern.patterns.size() == 1)
    result = fits(*pattern.patterns[0], subject);
  else
    for (auto [name, part] :
         llvm::zip_first(matchedNames(s, type, pattern.patterns.size()), pattern.patterns))
      attributes.push_back({name, part});
  for (auto [name, part] : llvm::zip(pattern.kwdAttrs, pattern.kwdPatterns))
    attributes.push_back({name, part});
  for (auto &[name, part] : attributes) {
    Value attribute = s.findAttribute(subject, name);
    if (attribute.isUnbound())
      return s.makeBool(false);
    result = both(result, fits(*part, attribute));
  }
  return result;
}

Scalar PatternFit::fitsMapping(const ast::MatchMapping &pattern, const Value &subject) {
  if (!runTimeDictKind(s, subject).empty())
    s.fail(ErrorId::Unsupported, {"a pattern of a dict whose keys are run-time data"},
           {.help = "write if and elif"});
  auto *dict = s.object<DictState>(subject);
  if (!dict || dict->isSet)
    return s.makeBool(false);
  DictState rest;
  rest.entries = dict->entries;
  Scalar result = s.makeBool(true);
  for (auto [key, part] : llvm::zip(pattern.keys, pattern.patterns)) {
    Value wanted = s.evaluate(key);
    // A key that is run-time data makes the dict one of such keys, or is refused.
    auto entry =
        llvm::find_if(rest.entries, [&](auto &one) { return s.sameKey(one.first, wanted, dict); });
    if (entry == rest.entries.end())
      return s.makeBool(false);
    Value value = entry->second;
    rest.entries.erase(entry);
    refuseUncertain(s, value);
    result = both(result, fits(*part, value));
    if (result.knownBool == false)
      return result;
  }
  if (pattern.rest.empty())
    return result;
  for (auto &entry : rest.entries)
    refuseUncertain(s, entry.second);
  names.push_back({pattern.rest, ObjectRef{s.heap.add(std::move(rest))}});
  return result;
}

void Specializer::matchFrom(const ast::Match &node, size_t from, const Value &subject) {
  if (from == node.cases.size() || dead)
    return;
  const ast::MatchCase &part = node.cases[from];
  std::vector<std::pair<std::string, Value>> names;
  span = part.pattern->span;
  Scalar condition = PatternFit(*this, names).fits(*part.pattern, subject);
  auto next = [&] { matchFrom(node, from + 1, subject); };
  auto chosen = [&] {
    for (auto &[name, value] : names)
      assignName(name, value);
    Scalar guard = part.guard ? evaluateTruth(*part.guard) : makeBool(true);
    if (dead)
      return;
    if (guard.knownBool == true)
      execute(part.body);
    else if (guard.knownBool == false)
      next();
    else
      branch(ssa(guard), [&] { execute(part.body); }, next);
  };
  if (condition.knownBool == true)
    chosen();
  else if (condition.knownBool == false)
    next();
  else
    branch(ssa(condition), chosen, next);
}

void Specializer::executeMatch(const ast::Match &node) {
  Value subject = evaluate(node.subject);
  if (!dead)
    matchFrom(node, 0, subject);
}

} // namespace mpy
