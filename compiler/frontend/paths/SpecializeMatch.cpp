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

Scalar Specializer::fits(const ast::Pattern &pattern, const Value &given,
                         std::vector<std::pair<std::string, Value>> &names) {
  using namespace ast;
  auto *optional = given.as<OptionalValue>();
  bool mayBeNone = optional && optional->orNone;
  if (auto *as = llvm::dyn_cast<MatchAs>(&pattern)) {
    Scalar inner = as->pattern ? fits(*as->pattern, given, names) : makeBool(true);
    if (!as->name.empty())
      names.push_back({as->name, given});
    return inner;
  }
  if (auto *singleton = llvm::dyn_cast<MatchSingleton>(&pattern);
      singleton && singleton->value == ConstantKind::None)
    return mayBeNone ? negate(makeScalar(ScalarKind::PyBool, optional->present))
                     : makeBool(given.isNone());
  // What follows is asked of a value that is there.
  Value subject = mayBeNone ? optional->value : present(given, "the subject");
  auto whenPresent = [&](Scalar condition) {
    if (!mayBeNone)
      return condition;
    return scalarBinary(Op::BitAnd, makeScalar(ScalarKind::PyBool, optional->present), condition);
  };
  if (auto *singleton = llvm::dyn_cast<MatchSingleton>(&pattern)) {
    auto *scalar = subject.get<Scalar>();
    if (!scalar || scalar->kind != ScalarKind::PyBool)
      return makeBool(false);
    return whenPresent(singleton->value == ConstantKind::True ? *scalar : negate(*scalar));
  }
  if (auto *value = llvm::dyn_cast<MatchValue>(&pattern)) {
    if (arrayObject(subject))
      fail(ErrorId::Unsupported, {"'match' of an array"}, {.help = "match its shape or a number"});
    return whenPresent(truth(compare(CompareOperator::Eq, subject, evaluate(value->value))));
  }
  if (auto *any = llvm::dyn_cast<MatchOr>(&pattern)) {
    Scalar result = makeBool(false);
    for (auto *part : any->patterns) {
      size_t before = names.size();
      result = scalarBinary(Op::BitOr, result, fits(*part, given, names));
      if (names.size() != before)
        fail(ErrorId::Unsupported, {"a name inside one of several patterns"},
             {.help = "write one case for each"});
    }
    return result;
  }
  if (auto *sequence = llvm::dyn_cast<MatchSequence>(&pattern)) {
    const ValueList *items = nullptr;
    if (auto *tuple = subject.as<TupleValue>())
      items = &tuple->items;
    else if (auto *list = object<ListState>(subject))
      items = &list->items;
    if (runTimeListOf(*this, subject))
      fail(ErrorId::UnknownLength, {"what a pattern is matched with"},
           {.help = "match its length, and take the items by position"});
    if (subject.as<RangeValue>())
      fail(ErrorId::Unsupported, {"'match' of a range"}, {.help = "match list(..) of it"});
    if (!items)
      return makeBool(false);
    ValueList parts = *items;
    size_t count = sequence->patterns.size();
    auto star =
        llvm::find_if(sequence->patterns, [](Pattern *part) { return llvm::isa<MatchStar>(part); });
    bool hasStar = star != sequence->patterns.end();
    if (hasStar ? parts.size() + 1 < count : parts.size() != count)
      return makeBool(false);
    Scalar result = makeBool(true);
    size_t at = 0;
    for (auto *part : sequence->patterns) {
      if (auto *rest = llvm::dyn_cast<MatchStar>(part)) {
        size_t length = parts.size() - (count - 1);
        if (!rest->name.empty())
          names.push_back(
              {rest->name, newList(ValueList(parts.begin() + at, parts.begin() + at + length))});
        at += length;
        continue;
      }
      result = scalarBinary(Op::BitAnd, result, fits(*part, parts[at++], names));
      if (result.knownBool == false)
        return result;
    }
    return whenPresent(result);
  }
  if (auto *cls = llvm::dyn_cast<MatchClass>(&pattern)) {
    Value type = evaluate(cls->cls);
    if (!isInstance(subject, type))
      return makeBool(false);
    Scalar result = makeBool(true);
    auto *builtin = type.get<const LibraryValue *>();
    std::vector<std::pair<std::string, Pattern *>> attributes;
    if (builtin && cls->patterns.size() == 1)
      result = fits(*cls->patterns[0], subject, names);
    else
      for (auto [name, part] :
           llvm::zip_first(matchedNames(*this, type, cls->patterns.size()), cls->patterns))
        attributes.push_back({name, part});
    for (auto [name, part] : llvm::zip(cls->kwdAttrs, cls->kwdPatterns))
      attributes.push_back({name, part});
    for (auto &[name, part] : attributes) {
      Value attribute = findAttribute(subject, name);
      if (attribute.isUnbound())
        return makeBool(false);
      result = scalarBinary(Op::BitAnd, result, fits(*part, attribute, names));
    }
    return whenPresent(result);
  }
  if (auto *mapping = llvm::dyn_cast<MatchMapping>(&pattern)) {
    if (!runTimeDictKind(*this, subject).empty())
      fail(ErrorId::Unsupported, {"a pattern of a dict whose keys are run-time data"},
           {.help = "write if and elif"});
    auto *dict = object<DictState>(subject);
    if (!dict || dict->isSet)
      return makeBool(false);
    std::vector<std::pair<Value, Value>> others = dict->entries;
    Scalar result = makeBool(true);
    for (auto [key, part] : llvm::zip(mapping->keys, mapping->patterns)) {
      Value wanted = evaluate(key);
      auto entry = llvm::find_if(
          others, [&](auto &one) { return sameObject(one.first, wanted).value_or(false); });
      if (entry == others.end())
        return makeBool(false);
      Value value = entry->second;
      others.erase(entry);
      refuseUncertain(*this, value);
      result = scalarBinary(Op::BitAnd, result, fits(*part, value, names));
      if (result.knownBool == false)
        return result;
    }
    if (!mapping->rest.empty()) {
      for (auto &entry : others)
        refuseUncertain(*this, entry.second);
      DictState rest;
      rest.entries = std::move(others);
      names.push_back({mapping->rest, ObjectRef{heap.add(std::move(rest))}});
    }
    return whenPresent(result);
  }
  fail(ErrorId::Unsupported, {"this pattern"}, {.help = "write if and elif"});
}

void Specializer::matchFrom(const ast::Match &node, size_t from, const Value &subject) {
  if (from == node.cases.size() || dead)
    return;
  const ast::MatchCase &part = node.cases[from];
  std::vector<std::pair<std::string, Value>> names;
  span = part.pattern->span;
  Scalar condition = fits(*part.pattern, subject, names);
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
