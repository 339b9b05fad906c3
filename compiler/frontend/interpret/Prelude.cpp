// Dicts and sets whose keys are run-time data. They are objects of classes that are written in the
// language (lang/library/_dicts.mpy), so that joins, loops, recursion and gradients treat them as
// any other. A dict begins as one of known keys; where one gets another key the program is
// specialised again, with an object of the library in the place where that dict was made:
//
//   counts = {}                          counts = dict()      of _dicts.mpy
//   counts[word] = ..   =>   again:      counts.__setitem__(word, ..)
#include "frontend/interpret/Prelude.h"
#include "frontend/containers/Builtins.h"
#include "frontend/interpret/Equality.h"

using namespace mlir;

namespace mpy {

bool isRunTimeKey(Specializer &s, const Value &key) {
  if (auto *tuple = key.as<TupleValue>())
    return llvm::any_of(tuple->items, [&](const Value &item) { return isRunTimeKey(s, item); });
  if (auto *row = key.as<RowValue>())
    return !row->row.known() || hasOwnEquality(s, key);
  if (hasOwnEquality(s, key))
    return llvm::any_of(s.object<InstanceState>(key)->attributes,
                        [&](auto &attribute) { return isRunTimeKey(s, attribute.second); });
  auto *scalar = key.get<Scalar>();
  auto *text = key.get<Text>();
  return (scalar && !s.knownInt(key) && !scalar->knownFloat) || (text && text->value);
}

void needRunTimeKeys(Specializer &s, const DictState *dict, const Value &key) {
  std::optional<Span> origin;
  if (dict && dict->origin != Span())
    origin = dict->origin;
  s.fail(ErrorId::RunTimeKey, {s.describe(key)},
         {.help = "index an array or a list by a number instead", .origin = origin});
}

void needRunTimeKeys(Specializer &s, Span origin, llvm::StringRef what) {
  s.fail(ErrorId::UnknownLength, {what.str()}, {.help = "make it a list", .origin = origin});
}

bool Specializer::hasRunTimeKeys(Span origin) const {
  return llvm::is_contained(attempts.runTimeKeyed, origin);
}

static const LibraryEntry &classEntry(llvm::StringRef name) {
  return findLibraryFile("_dicts")->entries.at(name);
}

std::optional<Value> newRunTimeDict(Specializer &s, Span origin, bool isSet) {
  if (!s.hasRunTimeKeys(origin))
    return std::nullopt;
  llvm::StringRef name = isSet ? "set" : "dict";
  return s.call(s.libraryValue(classEntry(name), name), CallArguments{{}, {}, s.span});
}

llvm::StringRef runTimeDictKind(Specializer &s, const Value &value) {
  auto cls = s.classOf(value);
  if (!cls)
    return "";
  for (const char *name : {"dict", "set", "dict_keys", "dict_values", "dict_items"})
    if (s.libraryClass(classEntry(name)) == *cls)
      return name;
  return "";
}

/// Whether the items lie in their own slots of the smallest table of CPython.
static bool areSmallInts(Specializer &s, const ValueList &items) {
  return llvm::all_of(items, [&](const Value &item) {
    auto known = s.knownInt(item);
    return known && *known >= 0 && *known < 8;
  });
}

bool isSetOfAnyOrder(Specializer &s, const Value &value) {
  if (runTimeDictKind(s, value) == "set")
    return true;
  auto *dict = s.object<DictState>(value);
  if (!dict || !dict->isSet || dict->entries.size() <= 1)
    return false;
  auto items = s.knownItems(value);
  return items && !areSmallInts(s, *items);
}

Value ofSet(Specializer &s, llvm::StringRef function, ValueList arguments) {
  const LibraryEntry &entry = findLibraryFile("_sets")->entries.at(function);
  return s.call(s.libraryValue(entry, function), CallArguments{std::move(arguments), {}, s.span});
}

ValueList itemsOfSet(Specializer &s, const Value &set, bool isAnyOrder) {
  ValueList items = *s.knownItems(set);
  if (items.size() > 1 && areSmallInts(s, items))
    llvm::sort(items,
               [&](const Value &a, const Value &b) { return *s.knownInt(a) < *s.knownInt(b); });
  else if (items.size() > 1 && !isAnyOrder)
    s.fail(ErrorId::Unsupported, {"the order of a set"},
           {.help = "walk its items in order: sorted(items)"});
  return items;
}

Value listedByPrelude(Specializer &s, const Value &value, bool isAnyOrder) {
  if (runTimeDictKind(s, value) == "set" && !isAnyOrder)
    s.fail(ErrorId::Unsupported, {"the order of a set whose items are run-time data"},
           {.help = "walk its items in order: sorted(items)"});
  return *s.callMethod(value, "_listed", {});
}

} // namespace mpy
