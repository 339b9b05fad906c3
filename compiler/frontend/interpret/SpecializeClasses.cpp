// Classes and attributes. A class is an object of the heap with its attributes and its method
// resolution order; an instance holds its own attributes. Finding a method, a property or an
// operator happens at compile time.
#include "frontend/arrays/ComplexNumbers.h"
#include "frontend/arrays/IntegerTypes.h"
#include "frontend/containers/Builtins.h"
#include "frontend/containers/Ranges.h"
#include "frontend/containers/RunTimeLists.h"
#include "frontend/interpret/MixedNumbers.h"
#include "frontend/interpret/Prelude.h"
#include "frontend/interpret/SpecialMethods.h"
#include "frontend/library/PythonNames.h"
#include "frontend/values/NamedTuples.h"

#include "llvm/ADT/StringSet.h"

using namespace mlir;

namespace mpy {

void Specializer::executeClass(const ast::ClassDef &node) {
  // Decorators are evaluated from top to bottom, and applied from bottom to top.
  ValueList decorators;
  for (auto *decorator : node.decorators)
    decorators.push_back(evaluate(decorator));
  ClassState cls;
  cls.name = node.name;
  cls.node = &node;
  std::vector<std::vector<ObjectId>> orders;
  std::vector<ObjectId> bases;
  for (auto *base : node.bases) {
    Value value = evaluate(base);
    auto *ref = value.get<ObjectRef>();
    if (!ref || !heap.get<ClassState>(ref->id))
      fail(ErrorId::NotAClass, {describe(value)});
    bases.push_back(ref->id);
    orders.push_back(heap.get<ClassState>(ref->id)->resolution);
  }
  if (!node.keywords.empty())
    fail(ErrorId::Unsupported, {"a metaclass or class keyword"});
  if (bases.empty()) {
    bases.push_back(builtinClasses.at("object"));
    orders.push_back({bases[0]});
  }
  orders.push_back(bases);
  // Those of the library are there already.
  bool isOfLibrary = frame().library && frame().scope->kind == ast::ScopeKind::Module;
  ObjectId id = isOfLibrary ? libraryClass(frame().library->entries.at(node.name))
                            : heap.add(CellState{Unbound{}});
  cls.resolution.push_back(id);
  // C3: the first candidate that stands in the tail of no other list.
  while (llvm::any_of(orders, [](auto &order) { return !order.empty(); })) {
    std::optional<ObjectId> chosen;
    for (auto &order : orders) {
      if (order.empty())
        continue;
      ObjectId candidate = order[0];
      bool inTail = llvm::any_of(orders, [&](auto &other) {
        return !other.empty() && llvm::is_contained(llvm::drop_begin(other), candidate);
      });
      if (!inTail) {
        chosen = candidate;
        break;
      }
    }
    if (!chosen)
      fail(ErrorId::NotAClass, {"the bases of '" + node.name + "'"},
           {.found = "no consistent method resolution order"});
    cls.resolution.push_back(*chosen);
    for (auto &order : orders)
      if (!order.empty() && order[0] == *chosen)
        order.erase(order.begin());
  }
  Frame body;
  body.scope = &node.scope;
  body.globals = frame().globals;
  body.library = frame().library;
  body.name = node.name;
  body.callSpan = node.span;
  body.cells = {};
  for (auto &name : node.scope.freeNames)
    if (auto it = frame().cells.find(name); it != frame().cells.end())
      body.cells[name] = it->second;
  enter(body);
  struct Pop {
    Specializer &s;
    size_t depth;
    ~Pop() { s.frames.resize(depth); }
  } pop{*this, frames.size() - 1};
  execute(node.body);
  if (dead)
    return;
  // Attributes in the order of their first assignment; a method knows its class, for super().
  for (auto &name : node.scope.locals) {
    auto it = body.locals.find(name);
    if (it == body.locals.end())
      continue;
    for (const ast::Stmt *statement : node.body)
      if (auto *method = dyn_cast<ast::FunctionDef>(statement); method && method->name == name)
        span = method->nameSpan;
    checkSpecialName(*this, name);
    Value value = it->second;
    auto own = [&](Value function) -> Value {
      auto *closure = function.as<ClosureValue>();
      if (!closure || closure->ownerClass)
        return function;
      ClosureValue method = *closure;
      method.ownerClass = id;
      return std::make_shared<const ClosureValue>(std::move(method));
    };
    if (auto *property = value.as<PropertyValue>())
      value = std::make_shared<const PropertyValue>(
          PropertyValue{property->kind, own(property->getter), own(property->setter)});
    cls.attributes.push_back({name, own(value)});
  }
  if (isOfLibrary)
    *libraryClasses[id - firstLibraryClass] = std::move(cls);
  else
    heap.set(id, std::move(cls));
  frames.resize(frames.size() - 1);
  Value result = ObjectRef{id};
  if (Value hook = classAttribute(id, "_subclassed", id);
      hook.as<ClosureValue>() && hook.as<ClosureValue>()->library)
    call(hook, CallArguments{{result}, {}, span});
  for (auto [decorator, at] : llvm::reverse(llvm::zip_equal(decorators, node.decorators)))
    result = call(decorator, CallArguments{{result}, {}, at->span});
  assignName(node.name, result);
}

std::optional<ObjectId> Specializer::classOf(const Value &value) {
  if (auto *instance = object<InstanceState>(value))
    return instance->cls;
  if (auto *tuple = value.as<TupleValue>())
    return classOfTuple(*tuple);
  return std::nullopt;
}

Value Specializer::classAttribute(ObjectId cls, llvm::StringRef name,
                                  std::optional<ObjectId> after) {
  bool found = !after;
  for (ObjectId candidate : heap.get<ClassState>(cls)->resolution) {
    if (!found) {
      found = candidate == *after;
      continue;
    }
    for (auto &attribute : heap.get<ClassState>(candidate)->attributes)
      if (attribute.first == name)
        return attribute.second;
  }
  return Unbound{};
}

bool Specializer::isSubclass(ObjectId cls, llvm::StringRef builtinName) {
  auto it = builtinClasses.find(builtinName.str());
  return it != builtinClasses.end() &&
         llvm::is_contained(heap.get<ClassState>(cls)->resolution, it->second);
}

/// What a class attribute becomes when it is read through an instance.
static Value boundAttribute(Specializer &s, const Value &self, const Value &attribute,
                            ObjectId cls) {
  if (attribute.as<ClosureValue>() || attribute.get<const LibraryValue *>())
    return std::make_shared<const BoundMethodValue>(BoundMethodValue{self, attribute});
  if (auto *property = attribute.as<PropertyValue>()) {
    Shared<PropertyValue> keep = *attribute.get<Shared<PropertyValue>>();
    if (property->kind == PropertyValue::Kind::Property)
      return s.call(property->getter, CallArguments{{self}, {}, s.span});
    if (property->kind == PropertyValue::Kind::Static)
      return property->getter;
    return std::make_shared<const BoundMethodValue>(
        BoundMethodValue{ObjectRef{cls}, property->getter});
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

Value Specializer::findAttribute(const Value &object, llvm::StringRef name) {
  if (auto *ref = object.get<ObjectRef>())
    checkUsable(ref->id);
  if (auto *made = object.as<IterableValue>(); made && isIterator(object)) {
    if (name == "__next__" || name == "__iter__")
      return std::make_shared<const BoundMethodValue>(
          BoundMethodValue{object, findBuiltin(name == "__next__" ? "next" : "iter")});
    bool isGenerator = made->kind == IterableValue::Kind::Generator;
    if (isGenerator && (name == "send" || name == "close"))
      return std::make_shared<const BoundMethodValue>(
          BoundMethodValue{object, findBuiltin(("generator." + name).str())});
    if (isGenerator && name == "throw")
      fail(ErrorId::Unsupported, {("'" + name + "' of a generator").str()},
           {.help = "write a class with the method '__next__'"});
  }
  if (auto *instance = this->object<InstanceState>(object)) {
    ObjectId cls = instance->cls;
    Value fromClass = classAttribute(cls, name);
    // A property goes before what the instance holds.
    auto *property = fromClass.as<PropertyValue>();
    if (!property || property->kind != PropertyValue::Kind::Property)
      for (auto &attribute : instance->attributes)
        if (attribute.first == name) {
          auto *optional = attribute.second.as<OptionalValue>();
          if (optional && !optional->orNone) {
            Value own = optional->value;
            if (!fromClass.isUnbound()) // On the other paths the class has it.
              return branchValue(
                  optional->present, [&] { return own; },
                  [&] { return boundAttribute(*this, object, fromClass, cls); });
            check(optional->present, "AttributeError",
                  ("'" + typeName(object) + "' object has no attribute '" + name + "'").str());
            return optional->value;
          }
          return attribute.second;
        }
    if (!fromClass.isUnbound())
      return boundAttribute(*this, object, fromClass, cls);
    if (name == "__class__")
      return ObjectRef{cls};
    if (name == "__dict__") {
      DictState dict;
      for (auto &attribute : this->object<InstanceState>(object)->attributes)
        if (attribute.first != exceptionArguments)
          dict.entries.push_back({makeText(attribute.first), attribute.second});
      dict.isItem = true; // A change of it would be one of the object.
      return ObjectRef{heap.add(std::move(dict))};
    }
    if (name == "__doc__")
      return findAttribute(ObjectRef{cls}, name);
    if (Value ofObject = objectAttribute(name); !ofObject.isUnbound())
      return boundAttribute(*this, object, ofObject, cls);
    if (auto exception = name == "args" ? exceptionIn(object) : std::nullopt)
      return newTuple(exception->arguments);
    return Unbound{};
  }
  if (auto *cls = this->object<ClassState>(object)) {
    if (name == "__name__" || name == "__qualname__")
      return makeText(cls->name);
    if (name == "__doc__") {
      for (auto &attribute : cls->attributes)
        if (attribute.first == name)
          return attribute.second;
      return cls->node ? docstringOf(*this, cls->node->body) : Value(NoneValue{});
    }
    ObjectId id = object.get<ObjectRef>()->id;
    Value value = classAttribute(id, name);
    if (value.isUnbound() && name == "__init__" && isSubclass(id, "BaseException"))
      return findBuiltin("exception.__init__");
    if (value.isUnbound())
      return objectAttribute(name);
    if (auto *property = value.as<PropertyValue>()) {
      if (property->kind == PropertyValue::Kind::Static)
        return property->getter;
      if (property->kind == PropertyValue::Kind::Class)
        return std::make_shared<const BoundMethodValue>(BoundMethodValue{object, property->getter});
    }
    return value;
  }
  if (auto *super = object.as<SuperValue>()) {
    auto cls = classOf(super->self);
    bool onClass = false;
    if (!cls)
      if (auto *ref = super->self.get<ObjectRef>(); ref && heap.get<ClassState>(ref->id))
        cls = ref->id, onClass = true;
    if (!cls)
      return Unbound{};
    Value value = classAttribute(*cls, name, super->ownerClass);
    if (value.isUnbound() && name == "__init__" && !onClass)
      return std::make_shared<const BoundMethodValue>(BoundMethodValue{
          super->self, findBuiltin(isSubclass(*cls, "BaseException") ? "exception.__init__"
                                                                     : "object.__init__")});
    if (value.isUnbound() && !onClass)
      value = objectAttribute(name);
    if (value.isUnbound())
      return value;
    return onClass && value.as<ClosureValue>() ? value
                                               : boundAttribute(*this, super->self, value, *cls);
  }
  if (auto *dtype = object.get<DType>(); dtype && name == "__name__")
    return makeText(nameOf(*dtype).str());
  if (auto *dtype = object.get<DTypeObject>())
    return dtypeAttribute(*this, dtype->type, name);
  if (isArray(object))
    return arrayAttribute(*this, object, name);
  if (auto *scalar = object.get<Scalar>(); scalar) {
    if (scalar->isMixed())
      return eachKind(*this, *scalar, [&](const Scalar &one) { return findAttribute(one, name); });
    if (!isPython(scalar->kind))
      return arrayAttribute(*this, object, name);
    return builtins::attributeOfNumber(*this, object, name);
  }
  if (auto *module = object.as<ModuleValue>())
    return moduleAttribute(*module, name);
  if (auto *tuple = object.as<TupleValue>())
    for (size_t i = 0; i < tuple->items.size() && i < tuple->fields.size(); ++i)
      if (tuple->fields[i] == name)
        return tuple->items[i];
  if (auto cls = object.as<TupleValue>() ? classOf(object) : std::nullopt)
    if (Value found = classAttribute(*cls, name); !found.isUnbound())
      return boundAttribute(*this, object, found, *cls);
  if (auto *closure = object.as<ClosureValue>()) {
    // `chain.from_iterable` of the library is its function `_chain_from_iterable`.
    if (closure->library)
      if (Value value = nameInLibrary(*closure->library, ("_" + closure->name + "_" + name).str());
          !value.isUnbound())
        return value;
    if (name == "__name__")
      return makeText(closure->name);
    if (name == "__qualname__" && !closure->ownerClass)
      return makeText(closure->name);
    const ast::Node *documented = closure->wrapped ? closure->wrapped : closure->node;
    if (auto *function = dyn_cast<ast::FunctionDef>(documented); name == "__doc__")
      return function ? docstringOf(*this, function->body) : Value(NoneValue{});
  }
  if (auto *method = object.as<BoundMethodValue>()) {
    if (name == "__self__")
      return method->self;
    if (name == "__func__")
      return method->function;
    if (name == "__name__" || name == "__doc__")
      return findAttribute(method->function, name);
  }
  if (object.as<RangeValue>())
    return rangeAttribute(*this, object, name);
  if (auto *slice = object.as<SliceValue>()) {
    if (name == "start" || name == "stop" || name == "step")
      return name == "start" ? slice->start : name == "stop" ? slice->stop : slice->step;
    if (name == "indices")
      return std::make_shared<const BoundMethodValue>(
          BoundMethodValue{object, findBuiltin("slice.indices")});
  }
  if (auto *exception = object.as<ExceptionValue>();
      exception && exception->kind == "SystemExit" && name == "code" && !exception->isRendered)
    return exception->arguments.empty()       ? Value(NoneValue{})
           : exception->arguments.size() == 1 ? exception->arguments[0]
                                              : newTuple(exception->arguments);
  if (auto *exception = object.as<ExceptionValue>();
      exception && exception->kind == "StopIteration" && name == "value")
    return exception->isRendered || exception->arguments.empty() ? Value(NoneValue{})
                                                                 : exception->arguments[0];
  if (auto *exception = object.as<ExceptionValue>(); exception && name == "args") {
    if (exception->isRendered)
      fail(ErrorId::Unsupported, {"'args' of this exception"}, {.help = "take its text: str(e)"});
    return newTuple(exception->arguments);
  }
  if (auto *property = object.as<PropertyValue>();
      property && property->kind == PropertyValue::Kind::Property && name == "setter") {
    static const LibraryValue *setter = findBuiltin("property.setter");
    return std::make_shared<const BoundMethodValue>(BoundMethodValue{object, setter});
  }
  if (this->object<RandomState>(object)) {
    if (auto *method = findLibraryFunction(("randomstate." + name).str()))
      return std::make_shared<const BoundMethodValue>(BoundMethodValue{object, method});
    return methodInLibrary(object, "RandomState", name);
  }
  if (name == "__iter__" && (!containerType(*this, object).empty() || object.as<IterableValue>()))
    return std::make_shared<const BoundMethodValue>(BoundMethodValue{object, findBuiltin("iter")});
  if (llvm::StringRef type = containerType(*this, object); !type.empty()) {
    if (auto *method = findBuiltin((type + "." + name).str()))
      return std::make_shared<const BoundMethodValue>(BoundMethodValue{object, method});
    return methodInLibrary(object, type, name);
  }
  if (auto *library = object.get<const LibraryValue *>()) {
    if (name == "__name__")
      return makeText(llvm::StringRef((*library)->name).rsplit('.').second.str());
    if (auto *method = findLibraryFunction((llvm::Twine((*library)->name) + "." + name).str()))
      return Value(method);
    if (llvm::StringRef((*library)->name).starts_with("numpy."))
      return methodInLibrary(object, "ufunc", name);
    // `str.upper` is a method without its object, `str.maketrans` belongs to the type.
    if (llvm::StringRef type = (*library)->name; type.consume_front("builtins.")) {
      if (auto *method = findBuiltin((type + "." + name).str()))
        return Value(method);
      if (type == "int" || type == "float") {
        Scalar number = type == "int" ? makeInt(IntExpr(0)) : makeFloat(0);
        Value found = builtins::attributeOfNumber(*this, number, name);
        if (auto *method = found.as<BoundMethodValue>())
          return method->function;
      }
      for (const std::string &place :
           {"_methods." + type.str() + "_type", "_methods." + type.str()})
        if (const LibraryEntry *entry = findLibraryEntry(place, name))
          return libraryValue(*entry, name);
    }
  }
  return Unbound{};
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
  if (!runTimeDictKind(s, object).empty() || isTypeAttribute(type, name))
    s.fail(ErrorId::UnsupportedName, {type + "." + name.str()},
           {.found = "an attribute of Python's " + type});
  auto *scalar = object.get<Scalar>();
  bool isKnown = instance || (isKnownType(type) && !(scalar && scalar->isMixed()));
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
  if (this->object<InstanceState>(object) && !frames.empty())
    if (auto result = callMethod(object, "__getattr__", {makeText(name.str())}))
      return *result;
  failAttribute(*this, object, name);
  return NoneValue{};
}

void Specializer::setAttribute(const Value &given, llvm::StringRef name, const Value &value) {
  if (dead)
    return;
  Value object = owner(given, name);
  label(value, name);
  auto put = [&](std::vector<std::pair<std::string, Value>> &attributes) {
    for (auto &attribute : attributes)
      if (attribute.first == name) {
        attribute.second = value;
        return;
      }
    attributes.push_back({name.str(), value});
  };
  if (auto *instance = this->object<InstanceState>(object)) {
    Value own = name.starts_with("%") ? Value() : classAttribute(instance->cls, "__setattr__");
    if (own.isUnbound())
      setOwnAttribute(*this, object, name, value);
    else
      callMethod(object, "__setattr__", {makeText(name.str()), value});
    return;
  }
  if (auto *cls = this->object<ClassState>(object)) {
    checkSpecialName(*this, name);
    ClassState changed = *cls;
    put(changed.attributes);
    heap.set(object.get<ObjectRef>()->id, std::move(changed));
    return;
  }
  if (auto *module = object.as<ModuleValue>(); module && module->globals) {
    NamespaceState names = *heap.get<NamespaceState>(*module->globals);
    auto it = names.cells.find(name.str());
    if (it != names.cells.end()) {
      heap.set(it->second, CellState{value});
      return;
    }
    names.cells[name.str()] = heap.add(CellState{value});
    heap.set(*module->globals, std::move(names));
    return;
  }
  if (auto id = arrayObject(object); id && name == "shape")
    fail(ErrorId::Unsupported, {"assignment to 'shape'"}, {.help = "write a = a.reshape(..)"});
  fail(ErrorId::CannotSetAttribute, {typeName(object), name.str()});
}

std::optional<Value> Specializer::callMethod(const Value &object, llvm::StringRef method,
                                             ValueList arguments) {
  auto cls = classOf(object);
  if (!cls)
    return std::nullopt;
  Value function = classAttribute(*cls, method);
  if (function.isUnbound())
    return std::nullopt;
  return call(boundAttribute(*this, object, function, *cls),
              CallArguments{std::move(arguments), {}, span});
}

/// What an exception of the class is called where nobody catches it: with its module, if that is
/// not Python's own.
static std::string raisedName(const ClassState &cls) {
  return !cls.node && cls.name == "LinAlgError" ? "numpy.linalg.LinAlgError" : cls.name;
}

Value Specializer::instantiate(ObjectId cls, CallArguments arguments) {
  const ClassState &state = *heap.get<ClassState>(cls);
  if (state.node && isSubclass(cls, "BaseException"))
    for (ObjectId id = 0; id < heap.size(); ++id)
      if (auto *other = heap.pointer(id) ? heap.get<ClassState>(id) : nullptr;
          other && id != cls && other->name == state.name)
        fail(ErrorId::Unsupported, {"a second exception class named '" + state.name + "'"},
             {.help = "give it a name of its own"});
  Value initialiser = classAttribute(cls, "__init__");
  bool isException = isSubclass(cls, "BaseException");
  // What its class says of it, a method such as __str__, belongs to an instance.
  bool isPlain = llvm::none_of(
      state.resolution, [&](ObjectId id) { return !heap.get<ClassState>(id)->attributes.empty(); });
  if (isException && isPlain)
    return std::make_shared<const ExceptionValue>(
        ExceptionValue{raisedName(state), arguments.positional, false});
  // Classes of tuples and complex numbers are the library's, which makes their objects itself.
  for (const char *name : {"_tuple", "_made"})
    if (Value maker = classAttribute(cls, name);
        maker.as<ClosureValue>() && maker.as<ClosureValue>()->library) {
      arguments.positional.insert(arguments.positional.begin(), ObjectRef{cls});
      return call(maker, std::move(arguments));
    }
  askClass(ObjectRef{cls}, "_constructed");
  std::string name = state.name;
  Value self = ObjectRef{heap.add(InstanceState{cls, {}})};
  if (isException)
    setAttribute(self, exceptionArguments, newTuple(arguments.positional));
  if (initialiser.isUnbound()) {
    if (isException && arguments.keywords.empty())
      return self;
    if (!arguments.positional.empty() || !arguments.keywords.empty())
      failCall(*this, name + "()", "takes no arguments");
    return self;
  }
  call(boundAttribute(*this, self, initialiser, cls), std::move(arguments));
  return self;
}

bool Specializer::isInstance(const Value &given, const Value &type) {
  if (auto *tuple = type.as<TupleValue>())
    return llvm::any_of(tuple->items, [&](const Value &item) { return isInstance(given, item); });
  if (auto *ref = type.get<ObjectRef>()) {
    auto *cls = heap.get<ClassState>(ref->id);
    if (!cls)
      fail(ErrorId::NotAClass, {describe(type)});
    if (cls->name == "object" && !cls->node)
      return true;
    if (auto *exception = given.as<ExceptionValue>()) {
      auto own = exceptionClass(exception->kind);
      return own && llvm::is_contained(heap.get<ClassState>(*own)->resolution, ref->id);
    }
    auto own = classOf(given);
    return own && llvm::is_contained(heap.get<ClassState>(*own)->resolution, ref->id);
  }
  auto *scalar = given.get<Scalar>();
  if (auto *dtype = type.get<DType>())
    return scalar && !isPython(scalar->kind) && dtypeOf(scalar->kind) == *dtype;
  auto *library = type.get<const LibraryValue *>();
  if (!library)
    fail(ErrorId::NotAClass, {describe(type)});
  llvm::StringRef name = (*library)->name;
  if (isComplexInstance(complexKindOf(*this, given), name))
    return true;
  if (llvm::StringRef kind = runTimeDictKind(*this, given); !kind.empty())
    return name == ("builtins." + kind).str();
  if (scalar && scalar->isMixed())
    fail(ErrorId::RunTimeType, {},
         {.found = describe(given), .help = "make it one type: float(x)"});
  if (name == "builtins.float") // np.float64 is a float, np.int64 is no int.
    return scalar && (scalar->kind == ScalarKind::PyFloat || scalar->kind == ScalarKind::Float64);
  if (name == "builtins.int")
    return scalar && (scalar->kind == ScalarKind::PyInt || scalar->kind == ScalarKind::PyBool);
  if (name == "builtins.bool")
    return scalar && scalar->kind == ScalarKind::PyBool;
  if (name == "numpy.ndarray")
    return isArray(given);
  if (name == "numpy.generic")
    return scalar && !isPython(scalar->kind);
  if (name == "numpy.number")
    return scalar && !isPython(scalar->kind) && scalar->kind != ScalarKind::Bool;
  if (name == "numpy.floating" || name == "numpy.inexact")
    return scalar && !isPython(scalar->kind) && isFloat(scalar->kind);
  bool isNumpyInteger = scalar && !isPython(scalar->kind) && isInteger(dtypeOf(scalar->kind));
  if (name == "numpy.integer")
    return isNumpyInteger;
  if (name == "numpy.signedinteger" || name == "numpy.unsignedinteger")
    return isNumpyInteger && isUnsigned(dtypeOf(scalar->kind)) == (name == "numpy.unsignedinteger");
  if (given.as<TupleValue>())
    return name == "builtins.tuple";
  return "builtins." + typeName(given) == name.str();
}

} // namespace mpy
