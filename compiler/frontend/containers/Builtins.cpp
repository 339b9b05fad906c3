// Python's builtin functions and types: `len`, `range`, `float` .. by name, as values that can be
// called.
#include "frontend/containers/Builtins.h"
#include "frontend/arrays/ComplexNumbers.h"
#include "frontend/containers/Ranges.h"
#include "frontend/containers/Rows.h"
#include "frontend/containers/RunTimeLists.h"
#include "frontend/interpret/Equality.h"
#include "frontend/interpret/MixedNumbers.h"
#include "frontend/interpret/Prelude.h"
#include "frontend/interpret/SpecialMethods.h"
#include "frontend/library/PythonNames.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include <cmath>

using namespace mlir;

namespace mpy {

static mlir::Value raising(Specializer &s, const char *function, mlir::Type type,
                           mlir::ValueRange operands) {
  return s.callRaising(type, function, operands)[0];
}

static mlir::Value pure(Specializer &s, const char *function, mlir::Type type,
                        mlir::ValueRange operands) {
  return s.create<RuntimeCallOp>(mlir::TypeRange(type), function, operands, false).getResult(0);
}

/// What a method `__len__` returned, which must be an int that is not negative.
static Value ownLength(Specializer &s, const Value &result) {
  Scalar length = indexIn(s, result);
  Scalar isLength = s.scalarCompare(ast::CompareOperator::GtE, length, s.makeInt(IntExpr(0)));
  if (isLength.knownBool == false)
    return s.raiseHere("ValueError", "__len__() should return >= 0");
  if (!isLength.knownBool)
    s.check(s.ssa(isLength), "ValueError", "__len__() should return >= 0");
  return s.makeInt(s.intExpr(length));
}

static Value lengthOf(Specializer &s, CallArguments &arguments) {
  Value value = s.bind(arguments, "obj?", "len")[0];
  value = s.present(value, "the object",
                    Specializer::typeError("object of type 'NoneType' has no len()"));
  if (auto id = s.arrayObject(value)) {
    auto *array = s.heap.get<ArrayState>(*id);
    if (array->shape.empty())
      return s.raiseHere("TypeError", "len() of unsized object");
    return s.makeInt(array->shape[0]);
  }
  if (auto *text = value.get<Text>(); text && text->value)
    return s.makeInt(
        symbolExpr(pure(s, "mpy_string_length", s.builder.getI64Type(), text->value), true));
  if (auto *range = value.as<RangeValue>())
    return s.makeInt(rangeLength(s, *range));
  if (auto *module = value.as<ModuleValue>(); module && module->name == "sys.argv") {
    CallArguments none;
    return findLibraryFunction("sys.argv.__len__")->call(s, none);
  }
  if (auto *list = runTimeListOf(s, value))
    return s.makeInt(list->length);
  if (auto result = s.callMethod(value, "__len__", {}))
    return ownLength(s, *result);
  auto *iterable = value.as<IterableValue>();
  bool isView = iterable && (iterable->kind == IterableValue::Kind::Keys ||
                             iterable->kind == IterableValue::Kind::Values ||
                             iterable->kind == IterableValue::Kind::Items);
  if (value.get<ObjectRef>() || value.as<TupleValue>() || value.get<Text>() ||
      value.as<RangeValue>() || isView)
    if (auto items = s.knownItems(value))
      return s.makeInt(IntExpr(int64_t(items->size())));
  return s.raiseHere("TypeError", "object of type '" + s.typeName(value) + "' has no len()");
}

static Value rangeOf(Specializer &s, CallArguments &arguments) {
  auto &given = arguments.positional;
  if (given.empty() || given.size() > 3 || !arguments.keywords.empty())
    s.fail(ErrorId::CallArguments, {"range()", "takes 1 to 3 positional arguments"});
  std::vector<IntExpr> parts;
  for (auto &argument : given) {
    Value value =
        s.present(argument, "the argument",
                  Specializer::typeError("'NoneType' object cannot be interpreted as an integer"));
    parts.push_back(s.intExpr(indexIn(s, value)));
  }
  RangeValue range{IntExpr(0), parts[0], IntExpr(1)};
  if (parts.size() > 1)
    range.start = parts[0], range.stop = parts[1];
  if (parts.size() > 2) {
    range.step = parts[2];
    if (range.step.isKnown(0))
      return s.raiseHere("ValueError", "range() arg 3 must not be zero");
    if (!range.step.known())
      s.check(s.create<CompareOp>(ComparePredicate::ne, s.ssa(s.makeInt(range.step)),
                                  s.ssa(s.makeInt(IntExpr(0)))),
              "ValueError", "range() arg 3 must not be zero");
  }
  return std::make_shared<const RangeValue>(std::move(range));
}

static Value toBool(Specializer &s, CallArguments &arguments) {
  return s.truth(s.bind(arguments, "x?=False", "bool")[0]);
}
static Value toText(Specializer &s, CallArguments &arguments) {
  return s.str(s.bind(arguments, "object?=''", "str")[0]);
}
static Value reprOf(Specializer &s, CallArguments &arguments) {
  return s.repr(s.bind(arguments, "obj?", "repr")[0]);
}
static Value formatOf(Specializer &s, CallArguments &arguments) {
  ValueList given = s.bind(arguments, "value?, spec=''", "format");
  return s.format(given[0], *given[1].get<Text>());
}
static Value printOf(Specializer &s, CallArguments &arguments) {
  s.print(arguments);
  return NoneValue{};
}

static Value enumerateOf(Specializer &s, CallArguments &arguments) {
  ValueList given = s.bind(arguments, "iterable, start=0", "enumerate");
  auto *start = given[1].get<Scalar>();
  if (!start)
    s.fail(ErrorId::NotAnInteger, {s.describe(given[1])}, {.expected = "an int"});
  return s.newIterator(IterableValue::Kind::Enumerate, {given[0]}, s.intExpr(*start));
}
/// Refuses keywords, and numbers of arguments that Python refuses.
static void wantArguments(Specializer &s, const CallArguments &arguments, const char *function,
                          size_t least, size_t most, const char *refused) {
  size_t count = arguments.positional.size();
  if (!arguments.keywords.empty())
    s.fail(ErrorId::CallArguments,
           {function, "got the keyword argument '" + arguments.keywords[0].first +
                          "', which is not supported"});
  if (count < least || count > most)
    s.fail(ErrorId::CallArguments, {function, refused},
           {.found = std::to_string(count) + (count == 1 ? " argument" : " arguments")});
}
static Value zipOf(Specializer &s, CallArguments &arguments) {
  wantArguments(s, arguments, "zip()", 0, SIZE_MAX, "");
  if (arguments.positional.size() == 1)
    if (auto *rows = arguments.positional[0].as<IterableValue>();
        rows && rows->kind == IterableValue::Kind::Columns && rows->start.isKnown(1))
      return std::make_shared<const IterableValue>(
          IterableValue{IterableValue::Kind::Columns, rows->parts, 0});
  return s.newIterator(IterableValue::Kind::Zip, arguments.positional);
}
static Value reversedOf(Specializer &s, CallArguments &arguments) {
  Value given = s.present(s.bind(arguments, "sequence?", "reversed")[0], "the sequence",
                          Specializer::typeError("'NoneType' object is not reversible"));
  if (auto result = s.callMethod(given, "__reversed__", {}))
    return *result;
  auto *view = given.as<IterableValue>();
  bool isView = view && !s.isIterator(given);
  auto *dict = s.object<DictState>(given);
  bool isSet = dict && dict->isSet;
  if (s.isIterator(given) || isSet || given.get<Scalar>())
    return s.raiseHere("TypeError", "'" + s.typeName(given) + "' object is not reversible");
  // What has keys is reversed as it is now.
  Value sequence = isView || dict ? s.newList(*s.knownItems(given)) : given;
  if (!s.isOfClass(given))
    sequence = s.iterated(sequence);
  Value length = s.call(findBuiltin("len"), CallArguments{{sequence}, {}, s.span});
  if (s.dead)
    return NoneValue{};
  return s.newIterator(IterableValue::Kind::Reversed, {sequence}, s.intExpr(*length.get<Scalar>()));
}
static Value mapOf(Specializer &s, CallArguments &arguments) {
  wantArguments(s, arguments, "map()", 2, SIZE_MAX, "must have at least two arguments");
  return s.newIterator(IterableValue::Kind::Map, arguments.positional);
}
static Value filterOf(Specializer &s, CallArguments &arguments) {
  wantArguments(s, arguments, "filter()", 2, 2, "expected 2 arguments");
  return s.newIterator(IterableValue::Kind::Filter, arguments.positional);
}

static ValueList knownItemsOf(Specializer &s, const Value &value, const char *function) {
  auto items = s.knownItems(value);
  if (!items)
    s.fail(ErrorId::UnknownLength, {function}, {.help = "keep it a list or an array"});
  return *items;
}

static Value listOf(Specializer &s, CallArguments &arguments) {
  Value value = s.bind(arguments, "iterable", "list")[0];
  Value list = s.newList({});
  if (auto *counted = runTimeListOf(s, value)) {
    RunTimeListState copy = *counted;
    copy.isItem = copy.isTuple = false;
    copy.sharesWith.clear();
    return ObjectRef{s.heap.add(std::move(copy))};
  }
  if (auto items = value.isUnbound() ? ValueList() : s.knownItems(value))
    return s.newList(std::move(*items));
  if (auto made = s.listOfExpression(value))
    return *made;
  std::string name = "%list" + std::to_string(s.nextNumber());
  s.frame().locals[name] = list;
  s.forEachItem(value, [&](const Value &item) { s.appendTo(s.frame().locals[name], item); });
  if (s.dead)
    return NoneValue{};
  list = s.frame().locals[name];
  s.frame().locals.erase(name);
  return list;
}
static Value tupleOf(Specializer &s, CallArguments &arguments) {
  Value value = s.bind(arguments, "iterable", "tuple")[0];
  if (isRunTimeTuple(s, value))
    return value;
  auto items = value.isUnbound() ? ValueList() : s.knownItems(value);
  if (items)
    return s.newTuple(std::move(*items));
  Value list = s.call(findBuiltin("list"), CallArguments{{value}, {}, s.span});
  return s.dead ? Value(NoneValue{}) : asTuple(s, list);
}
static Value setOf(Specializer &s, CallArguments &arguments) {
  Span origin = s.span;
  Value value = s.bind(arguments, "iterable", "set")[0];
  if (value.isUnbound())
    return s.makeSet({}, origin);
  value = s.listed(s.iterated(value, /*isAnyOrder=*/true));
  if (s.dead)
    return NoneValue{};
  if (auto set = newRunTimeDict(s, origin, /*isSet=*/true)) {
    InProgress made(s, *set);
    s.callMethod(made.get(), "update", {value});
    return made.get();
  }
  auto items = s.knownItems(value);
  bool isWalked = runTimeListOf(s, value) || value.as<RangeValue>() || value.as<IterableValue>() ||
                  s.isArray(value);
  if (!items && isWalked)
    needRunTimeKeys(s, origin, "a set");
  return s.makeSet(items ? *items : knownItemsOf(s, value, "set()"), origin);
}
/// `dict(items)` with keys that are run-time data: of a dict, or of pairs.
static Value runTimeDictOf(Specializer &s, const Value &dict, const CallArguments &arguments) {
  InProgress made(s, dict);
  if (!arguments.positional.empty()) {
    Value given = arguments.positional[0];
    bool isDict = s.object<DictState>(given) || runTimeDictKind(s, given) == "dict";
    s.callMethod(made.get(), isDict ? "update" : "_pairs", {given});
  }
  for (auto &[name, value] : arguments.keywords)
    s.callMethod(made.get(), "__setitem__", {s.makeText(name), value});
  return made.get();
}
static Value dictOf(Specializer &s, CallArguments &arguments) {
  Span origin = s.span;
  if (!arguments.positional.empty()) {
    // What has keys is a dict of them.
    const Value given = arguments.positional[0];
    bool isMapping = s.object<InstanceState>(given) && runTimeDictKind(s, given).empty() &&
                     !s.findAttribute(given, "keys").isUnbound();
    auto pairs = isMapping ? s.callMethod(given, "items", {}) : std::nullopt;
    arguments.positional[0] = s.listed(pairs ? *pairs : given);
  }
  if (s.dead)
    return NoneValue{};
  if (auto made = newRunTimeDict(s, origin, /*isSet=*/false))
    return runTimeDictOf(s, *made, arguments);
  if (!arguments.positional.empty()) {
    const Value &given = arguments.positional[0];
    if (!runTimeDictKind(s, given).empty() || runTimeListOf(s, given) ||
        (given.as<IterableValue>() && !s.knownItems(given)))
      needRunTimeKeys(s, origin, "a dict");
  }
  DictState dict;
  if (!arguments.positional.empty()) {
    arguments.positional[0] = s.iterated(arguments.positional[0]);
    if (auto *other = s.object<DictState>(arguments.positional[0])) {
      dict = *other;
      dict.isItem = false;
      dict.sharesWith.clear();
    } else {
      dict.origin = origin;
      for (auto &item : knownItemsOf(s, arguments.positional[0], "dict()")) {
        auto pair = s.knownItems(item);
        if (!pair || pair->size() != 2)
          return s.raiseHere("TypeError",
                             "cannot convert dictionary update sequence element to a sequence");
        s.setEntry(dict, (*pair)[0], (*pair)[1]);
      }
    }
  }
  dict.origin = origin;
  for (auto &[name, value] : arguments.keywords)
    s.setEntry(dict, s.makeText(name), value);
  return ObjectRef{s.heap.add(std::move(dict))};
}

static Value isInstanceOf(Specializer &s, CallArguments &arguments) {
  ValueList given = s.bind(arguments, "object?, type", "isinstance");
  return s.eitherWay(given[0], [&](const Value &value) -> Value {
    if (auto *scalar = value.get<Scalar>(); scalar && scalar->isMixed())
      return eachKind(s, *scalar, [&](const Scalar &one) {
        return Value(s.makeBool(s.isInstance(one, given[1])));
      });
    if (auto *row = value.as<RowValue>())
      return isRowOf(s, *row, given[1]);
    return s.makeBool(s.isInstance(value, given[1]));
  });
}
static Value isSubclassOf(Specializer &s, CallArguments &arguments) {
  ValueList given = s.bind(arguments, "cls, class_or_tuple", "issubclass");
  auto *cls = s.object<ClassState>(given[0]);
  if (!cls)
    s.fail(ErrorId::NotAClass, {s.describe(given[0])});
  ValueList candidates = {given[1]};
  if (auto *tuple = given[1].as<TupleValue>())
    candidates = tuple->items;
  bool isSubclass = false;
  for (auto &candidate : candidates) {
    auto *base = s.object<ClassState>(candidate);
    if (!base)
      s.fail(ErrorId::NotAClass, {s.describe(candidate)});
    bool isRoot = base->name == "object" && !base->node;
    isSubclass |= isRoot || llvm::is_contained(cls->resolution, candidate.get<ObjectRef>()->id);
  }
  return s.makeBool(isSubclass);
}
static Value callableOf(Specializer &s, CallArguments &arguments) {
  return s.eitherWay(s.bind(arguments, "object?", "callable")[0], [&](const Value &value) -> Value {
    bool isClass = s.object<ClassState>(value);
    return s.makeBool(
        isFunction(value) || isClass ||
        (s.classOf(value) && !s.classAttribute(*s.classOf(value), "__call__").isUnbound()));
  });
}
/// An attribute that some paths alone set: whether it is there is known at run time.
static const OptionalValue *uncertainAttribute(Specializer &s, const Value &object,
                                               const std::string &name) {
  auto *instance = s.object<InstanceState>(object);
  if (instance && s.classAttribute(instance->cls, name).isUnbound())
    for (auto &attribute : instance->attributes)
      if (attribute.first == name)
        if (auto *optional = attribute.second.as<OptionalValue>(); optional && !optional->orNone)
          return optional;
  return nullptr;
}
/// Whether an attribute is missing says `__getattr__`, if a class has it, by an exception.
static void refuseOwnLookup(Specializer &s, const Value &object, llvm::StringRef name,
                            const char *function) {
  auto cls = s.classOf(object);
  if (cls && !s.classAttribute(*cls, "__getattr__").isUnbound() &&
      s.findAttribute(object, name).isUnbound())
    s.fail(ErrorId::Unsupported,
           {std::string(function) + " of an object whose class has '__getattr__'"},
           {.help = "read the attribute in 'try'"});
}
/// Whether an object has an attribute in Python.
static bool hasAttribute(Specializer &s, const Value &object, const std::string &name) {
  if (auto *module = object.as<ModuleValue>(); module && !module->globals) {
    if (isLibraryName(module->name, name))
      return true;
    return findLibraryFunction(module->name + "." + name) != nullptr;
  }
  std::string type = s.typeName(object);
  if (!s.findAttribute(object, name).isUnbound())
    return true;
  if (!runTimeDictKind(s, object).empty() ||
      (isKnownType(type) && llvm::StringRef(name).starts_with("__")))
    s.fail(ErrorId::Unsupported, {"asking whether " + type + " has '" + name + "'"});
  return isTypeAttribute(type, name);
}
static Value hasAttributeOf(Specializer &s, CallArguments &arguments) {
  ValueList given = s.bind(arguments, "object, name", "hasattr");
  auto name = s.knownText(given[1]);
  if (!name)
    s.fail(ErrorId::RunTimeKey, {"an attribute name"});
  refuseOwnLookup(s, given[0], *name, "hasattr()");
  if (auto *uncertain = uncertainAttribute(s, given[0], *name))
    return s.makeScalar(ScalarKind::PyBool, uncertain->present);
  if (auto has = given[0].as<RowValue>() ? hasRowAttribute(s, given[0], *name) : std::nullopt)
    return *has;
  return s.makeBool(hasAttribute(s, given[0], *name));
}
static Value getAttributeOf(Specializer &s, CallArguments &arguments) {
  ValueList given = s.bind(arguments, "object, name, default?", "getattr");
  auto name = s.knownText(given[1]);
  if (!name)
    s.fail(ErrorId::RunTimeKey, {"an attribute name"});
  if (!given[2].isUnbound())
    refuseOwnLookup(s, given[0], *name, "getattr() with a default");
  if (auto *uncertain = uncertainAttribute(s, given[0], *name);
      uncertain && !given[2].isUnbound()) {
    Value value = uncertain->value, otherwise = given[2];
    return s.branchValue(uncertain->present, [&] { return value; }, [&] { return otherwise; });
  }
  auto has = given[0].as<RowValue>() && !given[2].isUnbound() ? hasRowAttribute(s, given[0], *name)
                                                              : std::nullopt;
  if (has && !has->knownBool) {
    Value otherwise = given[2];
    return s.branchValue(
        has->value, [&] { return s.attribute(given[0], *name); }, [&] { return otherwise; });
  }
  return !given[2].isUnbound() && !hasAttribute(s, given[0], *name) ? given[2]
                                                                    : s.attribute(given[0], *name);
}
static Value setAttributeOf(Specializer &s, CallArguments &arguments) {
  ValueList given = s.bind(arguments, "object, name, value?", "setattr");
  auto name = s.knownText(given[1]);
  if (!name)
    s.fail(ErrorId::RunTimeKey, {"an attribute name"});
  s.setAttribute(given[0], *name, given[2]);
  return NoneValue{};
}
static Value typeOfValue(Specializer &s, CallArguments &arguments) {
  Value value = s.bind(arguments, "object", "type")[0];
  if (complexKindOf(s, value) == ComplexKind::Array)
    return libraryAttribute(s, "numpy", "ndarray");
  if (value.as<RowValue>())
    return s.findAttribute(value, "__class__");
  if (auto cls = s.classOf(value))
    return ObjectRef{*cls};
  if (auto *exception = value.as<ExceptionValue>())
    if (auto cls = s.exceptionClass(exception->kind))
      return ObjectRef{*cls};
  if (auto *scalar = value.get<Scalar>(); scalar && !isPython(scalar->kind) && !scalar->isMixed())
    return dtypeOf(scalar->kind);
  if (auto *scalar = value.get<Scalar>(); scalar && scalar->isMixed())
    s.fail(ErrorId::RunTimeType, {},
           {.found = s.describe(value), .help = "make it one type: float(x)"});
  if (s.isArray(value))
    return libraryAttribute(s, "numpy", "ndarray");
  if (auto *type = findBuiltin(s.typeName(value)))
    return type;
  s.fail(ErrorId::Unsupported, {"type() of " + s.describe(value)}, {.help = "use isinstance"});
}
static Value chrOf(Specializer &s, CallArguments &arguments) {
  Value value = s.bind(arguments, "i", "chr")[0];
  return Text{"", raising(s, "mpy_string_chr", StringType::get(s.context()),
                          s.ssaAs(indexIn(s, value), DType::Int64))};
}
static Value ordOf(Specializer &s, CallArguments &arguments) {
  Value value = s.bind(arguments, "c", "ord")[0];
  auto *text = value.get<Text>();
  if (!text)
    return s.raiseHere("TypeError",
                       "ord() expected string of length 1, but " + s.typeName(value) + " found");
  if (!text->value && text->known.size() == 1)
    return s.makeInt(IntExpr(static_cast<unsigned char>(text->known[0])));
  return s.makeInt(raising(s, "mpy_string_ord", s.builder.getI64Type(), s.ssa(*text)));
}
static Value sliceOf(Specializer &s, CallArguments &arguments) {
  auto &given = arguments.positional;
  wantArguments(s, arguments, "slice()", 1, 3, "takes 1 to 3 positional arguments");
  SliceValue slice{NoneValue{}, NoneValue{}, NoneValue{}};
  if (given.size() == 1)
    slice.stop = given[0];
  if (given.size() > 1)
    slice.start = given[0], slice.stop = given[1];
  if (given.size() > 2)
    slice.step = given[2];
  return std::make_shared<const SliceValue>(std::move(slice));
}
static Value propertyOf(Specializer &s, CallArguments &arguments) {
  ValueList given = s.bind(arguments, "fget, fset=None", "property");
  return std::make_shared<const PropertyValue>(
      PropertyValue{PropertyValue::Kind::Property, given[0], given[1]});
}
static Value setterOf(Specializer &s, CallArguments &arguments) {
  ValueList given = s.bind(arguments, "property, fset", "setter");
  return std::make_shared<const PropertyValue>(
      PropertyValue{PropertyValue::Kind::Property, given[0].as<PropertyValue>()->getter, given[1]});
}
static Value staticMethodOf(Specializer &s, CallArguments &arguments) {
  return std::make_shared<const PropertyValue>(
      PropertyValue{PropertyValue::Kind::Static, s.bind(arguments, "f", "staticmethod")[0], {}});
}
static Value classMethodOf(Specializer &s, CallArguments &arguments) {
  return std::make_shared<const PropertyValue>(
      PropertyValue{PropertyValue::Kind::Class, s.bind(arguments, "f", "classmethod")[0], {}});
}
static Value superOf(Specializer &s, CallArguments &arguments) {
  ValueList given = s.bind(arguments, "type, object", "super");
  auto *cls = given[0].get<ObjectRef>();
  if (!cls)
    s.fail(ErrorId::NotAClass, {s.describe(given[0])});
  return std::make_shared<const SuperValue>(SuperValue{given[1], cls->id});
}

/// `super().__init__(..)` in an exception: what it is given is what the exception says.
static Value initialiseException(Specializer &s, CallArguments &arguments) {
  if (arguments.positional.empty() || !arguments.keywords.empty())
    s.fail(ErrorId::CallArguments, {"__init__()", "takes the exception and positional arguments"});
  s.setAttribute(arguments.positional[0], exceptionArguments,
                 s.newTuple(ValueList(llvm::drop_begin(arguments.positional).begin(),
                                      arguments.positional.end())));
  return NoneValue{};
}
static Value initialiseObject(Specializer &s, CallArguments &arguments) {
  s.bind(arguments, "self", "__init__");
  return NoneValue{};
}

/// `super().__str__()`: the text of an exception, else what `repr` gives.
static Value textOfObject(Specializer &s, CallArguments &arguments) {
  Value self = s.bind(arguments, "self", "__str__")[0];
  if (auto exception = s.exceptionIn(self))
    return s.exceptionText(*exception);
  return s.repr(self);
}

static Value hashOfObject(Specializer &s, CallArguments &arguments) {
  return hashValue(s, s.bind(arguments, "obj?", "hash")[0]);
}

/// The hash of a key, not negative; equal keys have equal ones.
static mlir::Value hashOf(Specializer &s, const Value &given) {
  Value key = s.present(given, "the key");
  mlir::Type i64 = s.builder.getI64Type();
  auto constant = [&](uint64_t value) {
    return s.create<arith::ConstantOp>(s.builder.getI64IntegerAttr(int64_t(value))).getResult();
  };
  mlir::Value hash;
  auto *scalar = key.get<Scalar>();
  if (scalar && scalar->integer) {
    mlir::Value ofFloat = pure(s, "mpy_float_hash", i64, s.ssaAs(*scalar, DType::Float64));
    hash = s.create<arith::SelectOp>(hasKind(s, *scalar, wholeKinds), scalar->integer, ofFloat);
  } else if (scalar && isFloat(scalar->kind)) {
    hash = pure(s, "mpy_float_hash", i64, s.ssaAs(*scalar, DType::Float64));
  } else if (scalar) {
    hash = s.ssaAs(*scalar, DType::Int64);
  } else if (auto *text = key.get<Text>()) {
    hash = pure(s, "mpy_string_hash", i64, s.ssa(*text));
  } else if (key.isNone()) {
    hash = constant(1);
  } else if (auto *tuple = key.as<TupleValue>()) {
    hash = constant(tuple->items.size());
    for (auto &item : ValueList(tuple->items)) {
      mlir::Value scaled = s.create<arith::MulIOp>(hash, constant(1000003));
      hash = s.create<arith::XOrIOp>(scaled, hashOf(s, item));
    }
  } else if (auto *row = key.as<RowValue>(); row && !hasOwnEquality(s, key)) {
    hash = s.ssa(s.makeInt(row->row));
  } else if (std::string type = unhashableType(s, key); !type.empty()) {
    s.raiseHere("TypeError", "unhashable type: '" + type + "'");
    return constant(0);
  } else if (complexKindOf(s, key) != ComplexKind::None) {
    auto [real, imaginary] = complexParts(s, key);
    auto part = [&](const Value &value) {
      return pure(s, "mpy_float_hash", i64, s.ssaAs(*value.get<Scalar>(), DType::Float64));
    };
    mlir::Value scaled = s.create<arith::MulIOp>(part(imaginary), constant(1000003));
    hash = s.create<arith::AddIOp>(part(real), scaled);
  } else if (hasOwnEquality(s, key) || key.as<RangeValue>()) {
    hash = s.ssaAs(*hashValue(s, key).get<Scalar>(), DType::Int64);
  } else {
    s.fail(ErrorId::RunTimeKey, {s.describe(key)});
  }
  // Neighbours lie apart.
  hash = s.create<arith::MulIOp>(hash, constant(0x9E3779B97F4A7C15u));
  hash = s.create<arith::XOrIOp>(hash, s.create<arith::ShRUIOp>(hash, constant(32)));
  return s.create<arith::AndIOp>(hash, constant(0x3FFFFFFFFFFFFFFFu));
}
static Value hashOfKey(Specializer &s, CallArguments &arguments) {
  return s.makeScalar(ScalarKind::PyInt, hashOf(s, arguments.positional[0]));
}
static Value isDict(Specializer &s, CallArguments &arguments) {
  return s.makeBool(s.isInstance(arguments.positional[0], findBuiltin("dict")));
}
static Value isSet(Specializer &s, CallArguments &arguments) {
  return s.makeBool(s.isInstance(arguments.positional[0], findBuiltin("set")));
}
static Value inAnyOrder(Specializer &s, CallArguments &arguments) {
  return s.iterated(arguments.positional[0], /*isAnyOrder=*/true);
}

const LibraryValue *findBuiltin(llvm::StringRef name) {
  static const LibraryValue table[] = {
      {"builtins.abs", builtins::absolute, ""},
      {"builtins.all", builtins::allOf, ""},
      {"builtins.any", builtins::anyOf, ""},
      {"builtins.bin", builtins::binaryText, ""},
      {"builtins.bool", toBool, ""},
      {"builtins.callable", callableOf, ""},
      {"builtins.chr", chrOf, ""},
      {"builtins.classmethod", classMethodOf, ""},
      {"builtins.delattr", deleteAttributeOf, ""},
      {"builtins.dict", dictOf, ""},
      {"builtins.divmod", builtins::divmodOf, ""},
      {"builtins.enumerate", enumerateOf, ""},
      {"builtins.filter", filterOf, ""},
      {"builtins.float", builtins::toFloat, ""},
      {"builtins.format", formatOf, ""},
      {"builtins.generator.close", builtins::closeGenerator, ""},
      {"builtins.generator.send", builtins::sendTo, ""},
      {"builtins.getattr", getAttributeOf, ""},
      {"builtins.hasattr", hasAttributeOf, ""},
      {"builtins.hash", hashOfObject, ""},
      {"builtins.hex", builtins::hexText, ""},
      {"builtins.int", builtins::toInt, ""},
      {"builtins.isinstance", isInstanceOf, ""},
      {"builtins.issubclass", isSubclassOf, ""},
      {"builtins.iter", builtins::iterOf, ""},
      {"builtins.len", lengthOf, ""},
      {"builtins.list", listOf, ""},
      {"builtins.map", mapOf, ""},
      {"builtins.max", builtins::maximumOf, ""},
      {"builtins.min", builtins::minimumOf, ""},
      {"builtins.next", builtins::nextOf, ""},
      {"builtins.number.bit_count", builtins::bitCount, ""},
      {"builtins.number.bit_length", builtins::bitLength, ""},
      {"builtins.number.conjugate", builtins::conjugateOf, ""},
      {"builtins.number.is_integer", builtins::isWhole, ""},
      {"builtins.oct", builtins::octalText, ""},
      {"builtins.ord", ordOf, ""},
      {"builtins.pow", builtins::powOf, ""},
      {"builtins.print", printOf, ""},
      {"builtins.property", propertyOf, ""},
      {"builtins.primitives.first", builtins::firstOf, ""},
      {"builtins.primitives.hash_of", hashOfKey, ""},
      {"builtins.primitives.in_any_order", inAnyOrder, ""},
      {"builtins.primitives.is_dict", isDict, ""},
      {"builtins.primitives.is_set", isSet, ""},
      {"builtins.property.setter", setterOf, ""},
      {"builtins.exception.__init__", initialiseException, ""},
      {"builtins.object.__delattr__", deleteObjectAttribute, ""},
      {"builtins.object.__getattribute__", getObjectAttribute, ""},
      {"builtins.object.__init__", initialiseObject, ""},
      {"builtins.object.__setattr__", setObjectAttribute, ""},
      {"builtins.object.__str__", textOfObject, ""},
      {"builtins.range", rangeOf, ""},
      {"builtins.range.count", rangeCount, ""},
      {"builtins.range.index", rangeIndex, ""},
      {"builtins.repr", reprOf, ""},
      {"builtins.reversed", reversedOf, ""},
      {"builtins.round", builtins::roundOf, ""},
      {"builtins.set", setOf, ""},
      {"builtins.setattr", setAttributeOf, ""},
      {"builtins.slice", sliceOf, ""},
      {"builtins.slice.indices", sliceIndices, ""},
      {"builtins.sorted", builtins::sortedOf, ""},
      {"builtins.staticmethod", staticMethodOf, ""},
      {"builtins.str", toText, ""},
      {"builtins.sum", builtins::sumOf, ""},
      {"builtins.super", superOf, ""},
      {"builtins.tuple", tupleOf, ""},
      {"builtins.type", typeOfValue, ""},
      {"builtins.zip", zipOf, ""},
  };
  std::string full = ("builtins." + name).str();
  for (auto &entry : table)
    if (full == entry.name)
      return &entry;
  return findContainerMethod(name);
}

} // namespace mpy
