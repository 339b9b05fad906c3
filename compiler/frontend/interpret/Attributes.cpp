// What `object.name` is: found in the object, in its class, or among the methods that Python's and
// NumPy's types have.
//
//   p.x      of an instance: a property of its class, then its own attribute, then the class's
//   a.sum    of an array: a method bound to it
//   xs.sort  of a list: a builtin, or a def of the library
#include "frontend/containers/Builtins.h"
#include "frontend/containers/Ranges.h"
#include "frontend/containers/Rows.h"
#include "frontend/containers/RunTimeLists.h"
#include "frontend/interpret/MixedNumbers.h"
#include "frontend/interpret/Prelude.h"
#include "frontend/interpret/SpecialMethods.h"
#include "frontend/library/PythonNames.h"
#include "frontend/values/NamedTuples.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;

namespace mpy {

static Value methodOf(const Value &self, const Value &function) {
  return std::make_shared<const BoundMethodValue>(BoundMethodValue{self, function});
}

Value boundAttribute(Specializer &s, const Value &self, const Value &attribute, ObjectId cls) {
  if (attribute.as<ClosureValue>() || attribute.get<const LibraryValue *>())
    return methodOf(self, attribute);
  if (auto *property = attribute.as<PropertyValue>()) {
    Shared<PropertyValue> keep = *attribute.get<Shared<PropertyValue>>();
    if (property->kind == PropertyValue::Kind::Property)
      return s.call(property->getter, CallArguments{{self}, {}, s.span});
    if (property->kind == PropertyValue::Kind::Static)
      return property->getter;
    return methodOf(ObjectRef{cls}, property->getter);
  }
  return attribute;
}

/// The type of a container or text by its name, or empty.
static llvm::StringRef containerType(Specializer &s, const Value &value) {
  if (isRunTimeTuple(s, value))
    return "tuple";
  if (s.object<ListState>(value) || runTimeListOf(s, value))
    return "list";
  if (auto *dict = s.object<DictState>(value))
    return dict->isSet ? "set" : "dict";
  if (value.as<TupleValue>())
    return "tuple";
  if (value.get<Text>())
    return "str";
  return "";
}

static Value iteratorAttribute(Specializer &s, const Value &iterator, llvm::StringRef name) {
  if (name == "__next__" || name == "__iter__")
    return methodOf(iterator, findBuiltin(name == "__next__" ? "next" : "iter"));
  bool isGenerator = iterator.as<IterableValue>()->kind == IterableValue::Kind::Generator;
  if (isGenerator && (name == "send" || name == "close"))
    return methodOf(iterator, findBuiltin(("generator." + name).str()));
  if (isGenerator && name == "throw")
    s.fail(ErrorId::Unsupported, {("'" + name + "' of a generator").str()},
           {.help = "write a class with the method '__next__'"});
  return Unbound{};
}

/// An attribute that an instance holds itself; on paths where it does not, the class's.
static Value ownAttribute(Specializer &s, const Value &object, const InstanceState &instance,
                          llvm::StringRef name, const Value &fromClass) {
  auto found = llvm::find_if(instance.attributes, [&](auto &own) { return own.first == name; });
  if (found == instance.attributes.end())
    return Unbound{};
  auto *optional = found->second.as<OptionalValue>();
  if (!optional || optional->orNone)
    return found->second;
  Value own = optional->value;
  if (!fromClass.isUnbound())
    return s.branchValue(
        optional->present, [&] { return own; },
        [&, cls = instance.cls] { return boundAttribute(s, object, fromClass, cls); });
  s.check(optional->present, "AttributeError",
          ("'" + s.typeName(object) + "' object has no attribute '" + name + "'").str());
  return own;
}

static Value instanceAttribute(Specializer &s, const Value &object, llvm::StringRef name) {
  // Reading a property may change the object.
  auto keep = s.heap.pointer(object.get<ObjectRef>()->id);
  auto &instance = *s.object<InstanceState>(object);
  ObjectId cls = instance.cls;
  Value fromClass = s.classAttribute(cls, name);
  // A property goes before what the instance holds.
  auto *property = fromClass.as<PropertyValue>();
  if (!property || property->kind != PropertyValue::Kind::Property)
    if (Value own = ownAttribute(s, object, instance, name, fromClass); !own.isUnbound())
      return own;
  if (!fromClass.isUnbound())
    return boundAttribute(s, object, fromClass, cls);
  if (name == "__class__")
    return ObjectRef{cls};
  if (name == "__dict__") {
    DictState dict;
    for (auto &attribute : instance.attributes)
      if (attribute.first != exceptionArguments)
        dict.entries.push_back({s.makeText(attribute.first), attribute.second});
    dict.isItem = true; // A change of it would be one of the object.
    return ObjectRef{s.heap.add(std::move(dict))};
  }
  if (name == "__doc__")
    return s.findAttribute(ObjectRef{cls}, name);
  if (Value ofObject = objectAttribute(name); !ofObject.isUnbound())
    return boundAttribute(s, object, ofObject, cls);
  if (auto exception = name == "args" ? s.exceptionIn(object) : std::nullopt)
    return s.newTuple(exception->arguments);
  return Unbound{};
}

/// Of a class itself.
static Value attributeOfClass(Specializer &s, const Value &object, const ClassState &cls,
                              llvm::StringRef name) {
  if (name == "__name__" || name == "__qualname__")
    return s.makeText(cls.name);
  if (name == "__mro__") {
    ValueList classes;
    for (ObjectId one : cls.resolution)
      classes.push_back(ObjectRef{one});
    return s.newTuple(std::move(classes));
  }
  if (name == "__doc__") {
    for (auto &attribute : cls.attributes)
      if (attribute.first == name)
        return attribute.second;
    return cls.node ? docstringOf(s, cls.node->body) : Value(NoneValue{});
  }
  ObjectId id = object.get<ObjectRef>()->id;
  Value value = s.classAttribute(id, name);
  if (value.isUnbound() && name == "__init__" && s.isSubclass(id, "BaseException"))
    return findBuiltin("exception.__init__");
  if (value.isUnbound())
    return objectAttribute(name);
  auto *property = value.as<PropertyValue>();
  if (property && property->kind == PropertyValue::Kind::Static)
    return property->getter;
  if (property && property->kind == PropertyValue::Kind::Class)
    return methodOf(object, property->getter);
  return value;
}

static Value superAttribute(Specializer &s, const SuperValue &super, llvm::StringRef name) {
  // The classes of a family have one base each.
  auto *row = super.self.as<RowValue>();
  auto cls = row && !knownClass(s, *row) ? std::optional(super.ownerClass) : s.classOf(super.self);
  if (row)
    if (auto known = knownClass(s, *row))
      cls = known;
  bool onClass = false;
  if (!cls)
    if (auto *ref = super.self.get<ObjectRef>(); ref && s.heap.get<ClassState>(ref->id))
      cls = ref->id, onClass = true;
  if (!cls)
    return Unbound{};
  Value value = s.classAttribute(*cls, name, super.ownerClass);
  if (value.isUnbound() && name == "__init__" && !onClass)
    return methodOf(super.self,
                    findBuiltin(s.isSubclass(*cls, "BaseException") ? "exception.__init__"
                                                                    : "object.__init__"));
  if (value.isUnbound() && name == "__str__" && !onClass)
    return methodOf(super.self, findBuiltin("object.__str__"));
  if (value.isUnbound() && !onClass)
    value = objectAttribute(name);
  if (value.isUnbound() || (onClass && value.as<ClosureValue>()))
    return value;
  return boundAttribute(s, super.self, value, *cls);
}

static Value functionAttribute(Specializer &s, const ClosureValue &closure, llvm::StringRef name) {
  // `chain.from_iterable` of the library is its function `_chain_from_iterable`.
  if (closure.library)
    if (Value value = s.nameInLibrary(*closure.library, ("_" + closure.name + "_" + name).str());
        !value.isUnbound())
      return value;
  if (name == "__name__" || (name == "__qualname__" && !closure.ownerClass))
    return s.makeText(closure.name);
  const ast::Node *documented = closure.wrapped ? closure.wrapped : closure.node;
  if (auto *function = dyn_cast<ast::FunctionDef>(documented); name == "__doc__")
    return function ? docstringOf(s, function->body) : Value(NoneValue{});
  return Unbound{};
}

static Value methodAttribute(Specializer &s, const BoundMethodValue &method, llvm::StringRef name) {
  if (name == "__self__")
    return method.self;
  if (name == "__func__")
    return method.function;
  if (name == "__name__" || name == "__doc__")
    return s.findAttribute(method.function, name);
  return Unbound{};
}

static Value tupleAttribute(Specializer &s, const Value &object, const TupleValue &tuple,
                            llvm::StringRef name) {
  for (size_t i = 0; i < tuple.items.size() && i < tuple.fields.size(); ++i)
    if (tuple.fields[i] == name)
      return tuple.items[i];
  auto cls = s.classOf(object);
  Value found = cls ? s.classAttribute(*cls, name) : Value(Unbound{});
  return found.isUnbound() ? found : boundAttribute(s, object, found, *cls);
}

static Value sliceAttribute(const Value &object, const SliceValue &slice, llvm::StringRef name) {
  if (name == "start" || name == "stop" || name == "step")
    return name == "start" ? slice.start : name == "stop" ? slice.stop : slice.step;
  return name == "indices" ? methodOf(object, findBuiltin("slice.indices")) : Value(Unbound{});
}

static Value exceptionAttribute(Specializer &s, const ExceptionValue &exception,
                                llvm::StringRef name) {
  const ValueList &arguments = exception.arguments;
  if (exception.kind == "SystemExit" && name == "code" && !exception.isRendered)
    return arguments.empty()       ? Value(NoneValue{})
           : arguments.size() == 1 ? arguments[0]
                                   : s.newTuple(arguments);
  if (exception.kind == "StopIteration" && name == "value")
    return exception.isRendered || arguments.empty() ? Value(NoneValue{}) : arguments[0];
  if (name == "args" && exception.isRendered)
    s.fail(ErrorId::Unsupported, {"'args' of this exception"}, {.help = "take its text: str(e)"});
  return name == "args" ? s.newTuple(arguments) : Value(Unbound{});
}

/// Of a function of the library, or of a builtin type: `str.upper` is a method without its object,
/// `str.maketrans` belongs to the type.
static Value libraryFunctionAttribute(Specializer &s, const Value &object,
                                      const LibraryValue &library, llvm::StringRef name) {
  llvm::StringRef qualified = library.name;
  if (name == "__name__")
    return s.makeText(qualified.rsplit('.').second.str());
  if (auto *method = findLibraryFunction((qualified + "." + name).str()))
    return Value(method);
  if (qualified.starts_with("numpy."))
    return s.methodInLibrary(object, "ufunc", name);
  if (!qualified.consume_front("builtins."))
    return Unbound{};
  if (auto *method = findBuiltin((qualified + "." + name).str()))
    return Value(method);
  if (qualified == "int" || qualified == "float") {
    Scalar number = qualified == "int" ? s.makeInt(IntExpr(0)) : s.makeFloat(0);
    Value found = builtins::attributeOfNumber(s, number, name);
    if (auto *method = found.as<BoundMethodValue>())
      return method->function;
  }
  for (const std::string &place :
       {"_methods." + qualified.str() + "_type", "_methods." + qualified.str()})
    if (const LibraryEntry *entry = findLibraryEntry(place, name))
      return s.libraryValue(*entry, name);
  return Unbound{};
}

static Value numberAttribute(Specializer &s, const Value &object, const Scalar &scalar,
                             llvm::StringRef name) {
  if (scalar.isMixed())
    return eachKind(s, scalar, [&](const Scalar &one) { return s.findAttribute(one, name); });
  if (!isPython(scalar.kind))
    return arrayAttribute(s, object, name);
  return builtins::attributeOfNumber(s, object, name);
}

/// The methods of containers, texts and random states, which builtins and the library have.
static Value typeAttribute(Specializer &s, const Value &object, llvm::StringRef name) {
  if (s.object<RandomState>(object)) {
    if (auto *method = findLibraryFunction(("randomstate." + name).str()))
      return methodOf(object, method);
    return s.methodInLibrary(object, "RandomState", name);
  }
  llvm::StringRef type = containerType(s, object);
  if (name == "__iter__" && (!type.empty() || object.as<IterableValue>()))
    return methodOf(object, findBuiltin("iter"));
  if (type.empty())
    return Unbound{};
  if (auto *method = findBuiltin((type + "." + name).str()))
    return methodOf(object, method);
  return s.methodInLibrary(object, type, name);
}

/// Of what is no object of the heap. Unbound also where others have it.
static Value structureAttribute(Specializer &s, const Value &object, llvm::StringRef name) {
  if (auto *tuple = object.as<TupleValue>())
    return tupleAttribute(s, object, *tuple, name);
  if (auto *closure = object.as<ClosureValue>())
    return functionAttribute(s, *closure, name);
  if (auto *method = object.as<BoundMethodValue>())
    return methodAttribute(s, *method, name);
  if (auto *slice = object.as<SliceValue>())
    return sliceAttribute(object, *slice, name);
  if (auto *exception = object.as<ExceptionValue>())
    return exceptionAttribute(s, *exception, name);
  if (auto *property = object.as<PropertyValue>();
      property && property->kind == PropertyValue::Kind::Property && name == "setter")
    return methodOf(object, findBuiltin("property.setter"));
  if (auto *library = object.get<const LibraryValue *>())
    return libraryFunctionAttribute(s, object, **library, name);
  return Unbound{};
}

Value Specializer::findAttribute(const Value &object, llvm::StringRef name) {
  if (auto *ref = object.get<ObjectRef>())
    checkUsable(ref->id);
  if (object.as<IterableValue>() && isIterator(object))
    if (Value found = iteratorAttribute(*this, object, name); !found.isUnbound())
      return found;
  if (this->object<InstanceState>(object))
    return instanceAttribute(*this, object, name);
  if (object.as<RowValue>())
    return rowAttribute(*this, object, name);
  if (auto *cls = this->object<ClassState>(object))
    return attributeOfClass(*this, object, *cls, name);
  if (auto *super = object.as<SuperValue>())
    return superAttribute(*this, *super, name);
  if (auto *dtype = object.get<DType>(); dtype && name == "__name__")
    return makeText(nameOf(*dtype).str());
  if (auto *dtype = object.get<DTypeObject>())
    return dtypeAttribute(*this, dtype->type, name);
  if (isArray(object))
    return arrayAttribute(*this, object, name);
  if (auto *scalar = object.get<Scalar>())
    return numberAttribute(*this, object, *scalar, name);
  if (auto *module = object.as<ModuleValue>())
    return moduleAttribute(*module, name);
  if (object.as<RangeValue>())
    return rangeAttribute(*this, object, name);
  if (Value found = structureAttribute(*this, object, name); !found.isUnbound())
    return found;
  return typeAttribute(*this, object, name);
}

/// What every exception, class or function has in Python.
static bool isPythonsOwn(Specializer &s, const Value &object, llvm::StringRef name) {
  static const llvm::StringSet<> ofExceptions = {"__cause__", "__context__", "__traceback__",
                                                 "__notes__", "add_note",    "with_traceback"};
  static const llvm::StringSet<> ofClasses = {"__bases__", "__base__",       "__subclasses__",
                                              "mro",       "__dictoffset__", "__basicsize__",
                                              "__dict__",  "__module__"};
  static const llvm::StringSet<> ofFunctions = {
      "__defaults__",    "__kwdefaults__", "__code__",    "__closure__", "__globals__",
      "__annotations__", "__dict__",       "__wrapped__", "__module__",  "__get__"};
  if (object.as<ExceptionValue>() || s.exceptionIn(object))
    return ofExceptions.contains(name);
  if (auto *property = object.as<PropertyValue>())
    return property->kind == PropertyValue::Kind::Property && name == "deleter";
  if (s.object<ClassState>(object))
    return ofClasses.contains(name);
  return (object.as<ClosureValue>() || object.as<BoundMethodValue>()) && ofFunctions.contains(name);
}

/// There is no such attribute: what Python has is not supported; where it has none either that is
/// the exception of a path that data choose, and else an error.
static void failAttribute(Specializer &s, const Value &object, llvm::StringRef name) {
  std::string help, type = s.typeName(object);
  auto *instance = s.object<InstanceState>(object);
  if (instance)
    for (auto &attribute : instance->attributes)
      if (llvm::StringRef(attribute.first).edit_distance(name) == 1)
        help = "did you mean '" + attribute.first + "'?";
  bool isSpecial = name.starts_with("__");
  if (isPythonsOwn(s, object, name))
    s.fail(ErrorId::Unsupported, {"the attribute '" + name.str() + "'"});
  if (!runTimeDictKind(s, object).empty() || isTypeAttribute(type, name))
    s.fail(ErrorId::UnsupportedName, {type + "." + name.str()},
           {.found = "an attribute of Python's " + type});
  auto *scalar = object.get<Scalar>();
  bool isKnown = s.isOfClass(object) || (isKnownType(type) && !(scalar && scalar->isMixed()));
  if (isKnown && !isSpecial && !s.isCertain()) {
    s.raiseHere("AttributeError", "'" + type + "' object has no attribute '" + name.str() + "'");
    return;
  }
  s.fail(ErrorId::UnknownAttribute, {type, name.str()}, {.help = help});
}

Value Specializer::attribute(const Value &object, llvm::StringRef name) {
  if (dead)
    return NoneValue{};
  Value value = findAttribute(object, name);
  if (!value.isUnbound())
    return value;
  if (isOfClass(object) && !frames.empty())
    if (auto result = callMethod(object, "__getattr__", {makeText(name.str())}))
      return *result;
  failAttribute(*this, object, name);
  return NoneValue{};
}

} // namespace mpy
