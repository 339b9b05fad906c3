// Methods of lists, dicts, sets, tuples and text. Containers have a structure known at compile
// time; text may be known at run time only, then its methods are calls of the runtime.
#include "frontend/containers/Builtins.h"
#include "frontend/containers/RunTimeLists.h"
#include "frontend/interpret/Equality.h"
#include "frontend/interpret/Prelude.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;

namespace mpy {

/// The methods of lists: of known length here, of run-time length in RunTimeListObjects.cpp.
template <const char *name, Value (*known)(Specializer &, CallArguments &)>
static Value listMethod(Specializer &s, CallArguments &arguments) {
  if (auto result = runTimeListMethod(s, name, arguments))
    return *result;
  return known(s, arguments);
}

/// The methods of tuples, which are those of lists that change nothing.
template <const char *name, Value (*known)(Specializer &, CallArguments &)>
static Value tupleMethod(Specializer &s, CallArguments &arguments) {
  if (runTimeListOf(s, arguments.positional[0]))
    return *runTimeListMethod(s, name, arguments);
  return known(s, arguments);
}

/// The list behind `self`, to be changed and stored back.
static std::pair<ObjectId, ListState> listSelf(Specializer &s, CallArguments &arguments) {
  return {arguments.positional[0].get<ObjectRef>()->id,
          *s.object<ListState>(arguments.positional[0])};
}

void Specializer::appendTo(const Value &self, const Value &item) {
  if (runTimeListOf(*this, self)) {
    CallArguments arguments{{self, item}, {}, span};
    runTimeListMethod(*this, "append", arguments);
    return;
  }
  ObjectId id = self.get<ObjectRef>()->id;
  ListState list = *object<ListState>(self);
  list.items.push_back(item);
  countCopies(list.items.size());
  change(id, std::move(list));
}

static Value append(Specializer &s, CallArguments &arguments) {
  Value item = s.bind(arguments, "self, item?", "append")[1];
  s.appendTo(arguments.positional[0], item);
  return NoneValue{};
}
static Value extend(Specializer &s, CallArguments &arguments) {
  Value iterable = s.bind(arguments, "self, iterable", "extend")[1];
  auto items = s.knownItems(iterable);
  if (!items) { // Each item is there before the next is taken.
    Value self = arguments.positional[0];
    s.forEachItem(iterable, [&](const Value &item) { s.appendTo(self, item); });
    return NoneValue{};
  }
  auto [id, list] = listSelf(s, arguments);
  list.items.insert(list.items.end(), items->begin(), items->end());
  s.change(id, std::move(list));
  return NoneValue{};
}
static Value pop(Specializer &s, CallArguments &arguments) {
  ValueList given = s.bind(arguments, "self, index=-1", "pop");
  auto [id, list] = listSelf(s, arguments);
  if (list.items.empty())
    return s.raiseHere("IndexError", "pop from empty list");
  auto position = s.sequencePosition(given[1], list.items.size(), "pop index out of range");
  if (!position)
    s.fail(ErrorId::RunTimeIndex, {"pop()"}, {.help = "use an array"});
  if (*position < 0)
    return NoneValue{};
  Value item = list.items[*position];
  list.items.erase(list.items.begin() + *position);
  s.change(id, std::move(list));
  return item;
}
static Value insert(Specializer &s, CallArguments &arguments) {
  ValueList given = s.bind(arguments, "self, index, item?", "insert");
  auto [id, list] = listSelf(s, arguments);
  auto known = s.knownInt(given[1]);
  if (!known)
    s.fail(ErrorId::RunTimeIndex, {"insert()"}, {.help = "use an array"});
  int64_t size = list.items.size(),
          at = std::max<int64_t>(0, std::min(size, *known < 0 ? *known + size : *known));
  list.items.insert(list.items.begin() + at, given[2]);
  s.change(id, std::move(list));
  return NoneValue{};
}
static Value reverse(Specializer &s, CallArguments &arguments) {
  auto [id, list] = listSelf(s, arguments);
  std::reverse(list.items.begin(), list.items.end());
  s.change(id, std::move(list));
  return NoneValue{};
}
static Value clearList(Specializer &s, CallArguments &arguments) {
  s.change(listSelf(s, arguments).first, ListState{});
  return NoneValue{};
}
static Value sortList(Specializer &s, CallArguments &arguments) {
  Value sorted = s.call(findBuiltin("sorted"), arguments);
  s.change(arguments.positional[0].get<ObjectRef>()->id, s.heap.at(sorted.get<ObjectRef>()->id));
  return NoneValue{};
}
static Value copyList(Specializer &s, CallArguments &arguments) {
  return s.newList(listSelf(s, arguments).second.items);
}

static Value indexOf(Specializer &s, CallArguments &arguments) {
  ValueList given = s.bind(arguments, "self, value?", "index");
  return searchItem(s, given[0], given[1], Search::Index);
}
static Value countOf(Specializer &s, CallArguments &arguments) {
  ValueList given = s.bind(arguments, "self, value?", "count");
  return searchItem(s, given[0], given[1], Search::Count);
}
static Value removeItem(Specializer &s, CallArguments &arguments) {
  ValueList given = s.bind(arguments, "self, value?", "remove");
  ObjectId id = listSelf(s, arguments).first;
  Value at = searchItem(s, given[0], given[1], Search::Remove);
  if (s.dead)
    return NoneValue{};
  auto position = s.knownInt(at);
  if (!position) {
    makeRunTimeList(s, id);
    popItem(s, id, at);
    return NoneValue{};
  }
  ListState list = *s.heap.get<ListState>(id);
  list.items.erase(list.items.begin() + *position);
  s.change(id, std::move(list));
  return NoneValue{};
}

static std::pair<ObjectId, DictState> dictSelf(Specializer &s, CallArguments &arguments) {
  ObjectId id = arguments.positional[0].get<ObjectRef>()->id;
  beginChange(s, id);
  return {id, *s.object<DictState>(arguments.positional[0])};
}
static Value viewOf(Specializer &s, CallArguments &arguments, IterableValue::Kind kind) {
  s.bind(arguments, "self", "a view of a dict");
  return std::make_shared<const IterableValue>(IterableValue{kind, {arguments.positional[0]}, 0});
}
static Value keys(Specializer &s, CallArguments &arguments) {
  return viewOf(s, arguments, IterableValue::Kind::Keys);
}
static Value values(Specializer &s, CallArguments &arguments) {
  return viewOf(s, arguments, IterableValue::Kind::Values);
}
static Value items(Specializer &s, CallArguments &arguments) {
  return viewOf(s, arguments, IterableValue::Kind::Items);
}

static Value getEntry(Specializer &s, CallArguments &arguments) {
  ValueList given = s.bind(arguments, "self, key, default?=None", "get");
  for (auto &entry : s.object<DictState>(given[0])->entries) {
    if (!s.sameKey(entry.first, given[1], s.object<DictState>(given[0])))
      continue;
    auto *optional = entry.second.as<OptionalValue>();
    if (!optional || optional->orNone)
      return entry.second;
    Value value = optional->value, otherwise = given[2];
    return s.branchValue(optional->present, [&] { return value; }, [&] { return otherwise; });
  }
  return given[2];
}
static Value setDefault(Specializer &s, CallArguments &arguments) {
  ValueList given = s.bind(arguments, "self, key, default?=None", "setdefault");
  for (auto &entry : s.object<DictState>(given[0])->entries)
    if (s.sameKey(entry.first, given[1], s.object<DictState>(given[0]))) {
      auto *optional = entry.second.as<OptionalValue>();
      if (!optional || optional->orNone)
        return entry.second;
      Value value = optional->value, otherwise = given[2];
      value = s.branchValue(optional->present, [&] { return value; }, [&] { return otherwise; });
      s.assignSubscript(given[0], given[1], value);
      return value;
    }
  s.assignSubscript(given[0], given[1], given[2]);
  return given[2];
}
static Value popEntry(Specializer &s, CallArguments &arguments) {
  ValueList given = s.bind(arguments, "self, key, default?", "pop");
  auto [id, dict] = dictSelf(s, arguments);
  for (size_t i = 0; i < dict.entries.size(); ++i)
    if (s.sameKey(dict.entries[i].first, given[1], &dict)) {
      Value value = dict.entries[i].second;
      if (auto *optional = value.as<OptionalValue>(); optional && !optional->orNone) {
        Value inside = optional->value, otherwise = given[2];
        if (otherwise.isUnbound()) {
          s.check(optional->present, "KeyError", s.repr(given[1]).known);
          value = inside;
        } else {
          value =
              s.branchValue(optional->present, [&] { return inside; }, [&] { return otherwise; });
        }
      }
      dict.entries.erase(dict.entries.begin() + i);
      s.change(id, std::move(dict));
      return value;
    }
  return given[2].isUnbound() ? raiseMissing(s, given[1]) : given[2];
}
static Value update(Specializer &s, CallArguments &arguments) {
  if (arguments.positional.size() > 1)
    arguments.positional[1] = s.iterated(arguments.positional[1]);
  if (arguments.positional.size() > 1 && arguments.positional[1].get<Scalar>())
    s.fail(ErrorId::ArgumentType, {"update()", s.describe(arguments.positional[1])});
  if (arguments.positional.size() > 1 && !s.object<DictState>(arguments.positional[1])) // Pairs
    arguments.positional[1] =
        s.call(findBuiltin("dict"), CallArguments{{arguments.positional[1]}, {}, s.span});
  if (s.dead)
    return NoneValue{};
  auto [id, dict] = dictSelf(s, arguments);
  if (arguments.positional.size() > 1) {
    auto *other = s.object<DictState>(arguments.positional[1]);
    s.knownItems(arguments.positional[1]); // Fails where the keys are not certain.
    for (auto &entry : DictState(*other).entries)
      s.setEntry(dict, entry.first, entry.second);
  }
  for (auto &[name, value] : arguments.keywords)
    s.setEntry(dict, s.makeText(name), value);
  s.change(id, std::move(dict));
  return NoneValue{};
}
static Value copyDict(Specializer &s, CallArguments &arguments) {
  s.bind(arguments, "self", "copy");
  DictState copy = *s.object<DictState>(arguments.positional[0]);
  copy.isItem = false;
  copy.sharesWith.clear();
  return ObjectRef{s.heap.add(std::move(copy))};
}
static Value clearDict(Specializer &s, CallArguments &arguments) {
  s.bind(arguments, "self", "clear");
  auto [id, dict] = dictSelf(s, arguments);
  dict.entries.clear();
  s.change(id, std::move(dict));
  return NoneValue{};
}
template <bool mustExist> static Value takeFromSet(Specializer &s, CallArguments &arguments) {
  ValueList given = s.bind(arguments, "self, item", mustExist ? "remove" : "discard");
  auto [id, dict] = dictSelf(s, arguments);
  for (size_t i = 0; i < dict.entries.size(); ++i)
    if (s.sameKey(dict.entries[i].first, given[1], &dict)) {
      dict.entries.erase(dict.entries.begin() + i);
      s.change(id, std::move(dict));
      return NoneValue{};
    }
  if (mustExist)
    return raiseMissing(s, given[1]);
  return NoneValue{};
}
static Value addToSet(Specializer &s, CallArguments &arguments) {
  ValueList given = s.bind(arguments, "self, item", "add");
  auto [id, set] = dictSelf(s, arguments);
  s.setEntry(set, given[1], NoneValue{});
  s.change(id, std::move(set));
  return NoneValue{};
}
/// What a set is joined or compared with, as a set of known items.
static Value otherSet(Specializer &s, const Value &self, const Value &other) {
  DictState set = *s.object<DictState>(self);
  if (auto *given = s.object<DictState>(other); given && given->isSet)
    return other;
  auto items = s.knownItems(s.listed(other));
  if (!items)
    needRunTimeKeys(s, &set, other);
  return s.makeSet(*items, Span());
}
/// `a.union(b)` is `a | set(b)`, and so on.
template <ast::BinaryOperator op> static Value joinSets(Specializer &s, CallArguments &arguments) {
  ValueList given = s.bind(arguments, "self, iterable", "set");
  return s.binary(op, given[0], otherSet(s, given[0], given[1]));
}
static Value updateSet(Specializer &s, CallArguments &arguments) {
  ValueList given = s.bind(arguments, "self, iterable", "set");
  Value more = otherSet(s, given[0], given[1]);
  auto [id, set] = dictSelf(s, arguments);
  for (auto &entry : DictState(*s.object<DictState>(more)).entries)
    s.setEntry(set, entry.first, NoneValue{});
  s.change(id, std::move(set));
  return NoneValue{};
}
/// How many items of a set are in another one.
static size_t countCommon(Specializer &s, const Value &set, const Value &other) {
  Value common = s.binary(ast::BinaryOperator::BitAnd, set, other);
  return s.object<DictState>(common)->entries.size();
}
static Value isSubset(Specializer &s, CallArguments &arguments) {
  ValueList given = s.bind(arguments, "self, iterable", "set");
  Value other = otherSet(s, given[0], given[1]);
  return s.makeBool(countCommon(s, given[0], other) ==
                    s.object<DictState>(given[0])->entries.size());
}
static Value isSuperset(Specializer &s, CallArguments &arguments) {
  ValueList given = s.bind(arguments, "self, iterable", "set");
  Value other = otherSet(s, given[0], given[1]);
  return s.makeBool(countCommon(s, given[0], other) == s.object<DictState>(other)->entries.size());
}
static Value isDisjoint(Specializer &s, CallArguments &arguments) {
  ValueList given = s.bind(arguments, "self, iterable", "set");
  return s.makeBool(countCommon(s, given[0], otherSet(s, given[0], given[1])) == 0);
}

//===----------------------------------------------------------------------===//
// Text
//===----------------------------------------------------------------------===//

static const Text &textArgument(Specializer &s, const Value &value, const char *method) {
  auto *text = value.get<Text>();
  if (!text)
    s.fail(ErrorId::ArgumentType, {std::string("str.") + method + "()", s.describe(value)});
  return *text;
}

static Value textCall(Specializer &s, const char *function, mlir::ValueRange operands) {
  return Text{"", s.create<RuntimeCallOp>(mlir::TypeRange(StringType::get(s.context())), function,
                                          operands, false)
                      .getResult(0)};
}

/// What a method does with more arguments than most calls have, or with several texts: in the
/// library, under its name behind an underscore.
static std::optional<Value> moreInLibrary(Specializer &s, CallArguments &arguments,
                                          llvm::StringRef name, size_t usual) {
  auto &given = arguments.positional;
  bool isTuple = given.size() > 1 && given[1].as<TupleValue>();
  if (given.size() <= usual && arguments.keywords.empty() && !isTuple)
    return std::nullopt;
  CallArguments rest{ValueList(given.begin() + 1, given.end()), arguments.keywords, s.span};
  return s.call(s.methodInLibrary(given[0], "str", ("_" + name).str()), std::move(rest));
}

template <const char *const &function>
static Value textUnary(Specializer &s, CallArguments &arguments) {
  s.bind(arguments, "self", "this method of str");
  return textCall(s, function, s.ssa(*arguments.positional[0].get<Text>()));
}
template <const char *const &function>
static Value textTest(Specializer &s, CallArguments &arguments) {
  llvm::StringRef name = llvm::StringRef(function).rsplit('_').second;
  if (name.ends_with("with"))
    if (auto result = moreInLibrary(s, arguments, name, 2))
      return *result;
  ValueList given = s.bind(arguments, "self, part=None", function);
  llvm::SmallVector<mlir::Value> operands{s.ssa(*given[0].get<Text>())};
  if (!given[1].isNone())
    operands.push_back(s.ssa(textArgument(s, given[1], function)));
  return s.makeScalar(
      ScalarKind::PyBool,
      s.create<RuntimeCallOp>(mlir::TypeRange(s.builder.getI1Type()), function, operands, false)
          .getResult(0));
}
template <const char *const &function>
static Value textSearch(Specializer &s, CallArguments &arguments) {
  if (auto result = moreInLibrary(s, arguments, llvm::StringRef(function).rsplit('_').second, 2))
    return *result;
  ValueList given = s.bind(arguments, "self, part", function);
  mlir::Value operands[] = {s.ssa(*given[0].get<Text>()),
                            s.ssa(textArgument(s, given[1], function))};
  return s.makeInt(
      s.create<RuntimeCallOp>(mlir::TypeRange(s.builder.getI64Type()), function, operands, false)
          .getResult(0));
}
/// find() that raises where there is nothing.
template <const char *const &function>
static Value textIndex(Specializer &s, CallArguments &arguments) {
  Value found = textSearch<function>(s, arguments);
  Scalar isThere =
      s.scalarCompare(ast::CompareOperator::GtE, *found.get<Scalar>(), s.makeInt(IntExpr(0)));
  s.check(s.ssa(isThere), "ValueError", "substring not found");
  return found;
}
template <const char *const &function>
static Value textPad(Specializer &s, CallArguments &arguments) {
  ValueList given = s.bind(arguments, "self, width, fill=' '", function);
  auto *width = given[1].get<Scalar>();
  if (!width)
    s.fail(ErrorId::ArgumentType, {function, s.describe(given[1])});
  return textCall(s, function,
                  {s.ssa(*given[0].get<Text>()), s.ssaAs(*width, DType::Int64),
                   s.ssa(textArgument(s, given[2], function))});
}
template <const char *const &function>
static Value textStrip(Specializer &s, CallArguments &arguments) {
  ValueList given = s.bind(arguments, "self, characters=' \t\n\r\v\f'", function);
  return textCall(s, function,
                  {s.ssa(*given[0].get<Text>()), s.ssa(textArgument(s, given[1], function))});
}

static const char
    *const upperName = "mpy_string_upper",
           *const lowerName = "mpy_string_lower", *const capitalizeName = "mpy_string_capitalize",
           *const titleName = "mpy_string_title", *const startsName = "mpy_string_startswith",
           *const endsName = "mpy_string_endswith", *const digitName = "mpy_string_isdigit",
           *const alphaName = "mpy_string_isalpha", *const findName = "mpy_string_find",
           *const rfindName = "mpy_string_rfind", *const countName = "mpy_string_count",
           *const ljustName = "mpy_string_ljust", *const rjustName = "mpy_string_rjust",
           *const centerName = "mpy_string_center", *const stripName = "mpy_string_strip",
           *const lstripName = "mpy_string_lstrip", *const rstripName = "mpy_string_rstrip";

static Value zeroFill(Specializer &s, CallArguments &arguments) {
  ValueList given = s.bind(arguments, "self, width", "zfill");
  auto *width = given[1].get<Scalar>();
  if (!width)
    s.fail(ErrorId::NotAnInteger, {s.describe(given[1])}, {.expected = "an int"});
  return textCall(s, "mpy_string_zfill",
                  {s.ssa(*given[0].get<Text>()), s.ssaAs(*width, DType::Int64)});
}
static Value replaceText(Specializer &s, CallArguments &arguments) {
  if (auto result = moreInLibrary(s, arguments, "replace", 3))
    return *result;
  ValueList given = s.bind(arguments, "self, old, new", "replace");
  return textCall(s, "mpy_string_replace",
                  {s.ssa(*given[0].get<Text>()), s.ssa(textArgument(s, given[1], "replace")),
                   s.ssa(textArgument(s, given[2], "replace"))});
}
static Value joinText(Specializer &s, CallArguments &arguments) {
  ValueList given = s.bind(arguments, "self, iterable", "join");
  auto items = s.knownItems(given[1]);
  Value list = items ? s.newList(*items)
                     : s.call(findBuiltin("list"), CallArguments{{given[1]}, {}, s.span});
  if (s.dead)
    return s.makeText("");
  return joinTexts(s, *given[0].get<Text>(), list);
}
static Value formatText(Specializer &s, CallArguments &arguments) {
  auto pattern = s.knownText(arguments.positional[0]);
  if (!pattern)
    s.fail(ErrorId::RunTimePattern, {}, {.help = "write the pattern as a constant"});
  CallArguments rest{ValueList(arguments.positional.begin() + 1, arguments.positional.end()),
                     arguments.keywords, arguments.span};
  return s.braceFormat(*pattern, rest);
}
static Value splitText(Specializer &s, CallArguments &arguments) {
  ValueList given = s.bind(arguments, "self, sep=None, maxsplit=-1", "split");
  auto most = s.knownInt(given[2]);
  auto text = s.knownText(given[0]);
  bool isKnown = text && (given[1].isNone() || s.knownText(given[1]));
  if (!most || (*most >= 0 && (given[1].isNone() || !isKnown)))
    return s.call(s.methodInLibrary(given[0], "str", "_split"),
                  CallArguments{{given[1], given[2]}, {}, s.span});
  if (!isKnown)
    return splitTexts(s, *given[0].get<Text>(), given[1]);
  ValueList parts;
  if (given[1].isNone()) {
    llvm::SmallVector<llvm::StringRef> pieces;
    llvm::SplitString(*text, pieces);
    for (auto piece : pieces)
      parts.push_back(s.makeText(piece.str()));
  } else {
    llvm::SmallVector<llvm::StringRef> pieces;
    llvm::StringRef(*text).split(pieces, *s.knownText(given[1]), int(std::max<int64_t>(*most, -1)));
    for (auto piece : pieces)
      parts.push_back(s.makeText(piece.str()));
  }
  return s.newList(std::move(parts));
}

static constexpr char appendOfList[] = "append";
static constexpr char extendOfList[] = "extend";
static constexpr char popOfList[] = "pop";
static constexpr char insertOfList[] = "insert";
static constexpr char reverseOfList[] = "reverse";
static constexpr char clearOfList[] = "clear";
static constexpr char sortOfList[] = "sort";
static constexpr char copyOfList[] = "copy";
static constexpr char indexOfList[] = "index";
static constexpr char countOfList[] = "count";
static constexpr char removeOfList[] = "remove";

const LibraryValue *findContainerMethod(llvm::StringRef name) {
  static const LibraryValue table[] = {
      {"list.append", listMethod<appendOfList, append>, ""},
      {"list.extend", listMethod<extendOfList, extend>, ""},
      {"list.pop", listMethod<popOfList, pop>, ""},
      {"list.insert", listMethod<insertOfList, insert>, ""},
      {"list.reverse", listMethod<reverseOfList, reverse>, ""},
      {"list.clear", listMethod<clearOfList, clearList>, ""},
      {"list.sort", listMethod<sortOfList, sortList>, ""},
      {"list.copy", listMethod<copyOfList, copyList>, ""},
      {"list.index", listMethod<indexOfList, indexOf>, ""},
      {"list.count", listMethod<countOfList, countOf>, ""},
      {"list.remove", listMethod<removeOfList, removeItem>, ""},
      {"tuple.index", tupleMethod<indexOfList, indexOf>, ""},
      {"tuple.count", tupleMethod<countOfList, countOf>, ""},
      {"dict.keys", keys, ""},
      {"dict.values", values, ""},
      {"dict.items", items, ""},
      {"dict.get", getEntry, ""},
      {"dict.setdefault", setDefault, ""},
      {"dict.pop", popEntry, ""},
      {"dict.update", update, ""},
      {"dict.copy", copyDict, ""},
      {"dict.clear", clearDict, ""},
      {"set.add", addToSet, ""},
      {"set.discard", takeFromSet<false>, ""},
      {"set.remove", takeFromSet<true>, ""},
      {"set.copy", copyDict, ""},
      {"set.update", updateSet, ""},
      {"set.union", joinSets<ast::BinaryOperator::BitOr>, ""},
      {"set.intersection", joinSets<ast::BinaryOperator::BitAnd>, ""},
      {"set.difference", joinSets<ast::BinaryOperator::Sub>, ""},
      {"set.symmetric_difference", joinSets<ast::BinaryOperator::BitXor>, ""},
      {"set.issubset", isSubset, ""},
      {"set.issuperset", isSuperset, ""},
      {"set.isdisjoint", isDisjoint, ""},
      {"set.clear", clearDict, ""},
      {"str.upper", textUnary<upperName>, ""},
      {"str.lower", textUnary<lowerName>, ""},
      {"str.capitalize", textUnary<capitalizeName>, ""},
      {"str.title", textUnary<titleName>, ""},
      {"str.startswith", textTest<startsName>, ""},
      {"str.endswith", textTest<endsName>, ""},
      {"str.isdigit", textTest<digitName>, ""},
      {"str.isalpha", textTest<alphaName>, ""},
      {"str.find", textSearch<findName>, ""},
      {"str.rfind", textSearch<rfindName>, ""},
      {"str.index", textIndex<findName>, ""},
      {"str.rindex", textIndex<rfindName>, ""},
      {"str.count", textSearch<countName>, ""},
      {"str.ljust", textPad<ljustName>, ""},
      {"str.rjust", textPad<rjustName>, ""},
      {"str.center", textPad<centerName>, ""},
      {"str.strip", textStrip<stripName>, ""},
      {"str.lstrip", textStrip<lstripName>, ""},
      {"str.rstrip", textStrip<rstripName>, ""},
      {"str.zfill", zeroFill, ""},
      {"str.replace", replaceText, ""},
      {"str.join", joinText, ""},
      {"str.format", formatText, ""},
      {"str.split", splitText, ""},
  };
  for (auto &entry : table)
    if (name == entry.name)
      return &entry;
  return nullptr;
}

} // namespace mpy
