// Classes, and setting attributes. A class is an object of the heap with its attributes and its
// method resolution order; an instance holds its own attributes. Finding a method, a property or an
// operator happens at compile time.
#include "frontend/arrays/ComplexNumbers.h"
#include "frontend/arrays/IntegerTypes.h"
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

/// Python's C3: the first candidate that stands in the tail of no other list, again and again;
/// nothing where there is none.
static std::optional<std::vector<ObjectId>>
mergedOrders(std::vector<std::vector<ObjectId>> orders) {
  std::vector<ObjectId> merged;
  auto isFree = [&](const std::vector<ObjectId> &order) {
    return !order.empty() && llvm::none_of(orders, [&](auto &other) {
      return !other.empty() && llvm::is_contained(llvm::drop_begin(other), order[0]);
    });
  };
  while (llvm::any_of(orders, [](auto &order) { return !order.empty(); })) {
    auto chosen = llvm::find_if(orders, isFree);
    if (chosen == orders.end())
      return std::nullopt;
    merged.push_back((*chosen)[0]);
    for (auto &order : orders)
      if (!order.empty() && order[0] == merged.back())
        order.erase(order.begin());
  }
  return merged;
}

/// The order in which attributes are looked up, behind the class itself.
static std::vector<ObjectId> orderOfBases(Specializer &s, const ast::ClassDef &node,
                                          ObjectId object) {
  std::vector<std::vector<ObjectId>> orders;
  std::vector<ObjectId> bases;
  for (auto *base : node.bases) {
    Value value = s.evaluate(base);
    auto *ref = value.get<ObjectRef>();
    if (!ref || !s.heap.get<ClassState>(ref->id))
      s.fail(ErrorId::NotAClass, {s.describe(value)});
    bases.push_back(ref->id);
    orders.push_back(s.heap.get<ClassState>(ref->id)->resolution);
  }
  if (!node.keywords.empty())
    s.fail(ErrorId::Unsupported, {"a metaclass or class keyword"});
  if (bases.empty()) {
    bases.push_back(object);
    orders.push_back({object});
  }
  orders.push_back(bases);
  auto merged = mergedOrders(std::move(orders));
  if (!merged)
    s.fail(ErrorId::NotAClass, {"the bases of '" + node.name + "'"},
           {.found = "no consistent method resolution order"});
  return *merged;
}

/// A method knows its class, for super().
static Value ownedBy(ObjectId cls, const Value &value) {
  if (auto *property = value.as<PropertyValue>())
    return std::make_shared<const PropertyValue>(PropertyValue{
        property->kind, ownedBy(cls, property->getter), ownedBy(cls, property->setter)});
  auto *closure = value.as<ClosureValue>();
  if (!closure || closure->ownerClass)
    return value;
  ClosureValue method = *closure;
  method.ownerClass = cls;
  return std::make_shared<const ClosureValue>(std::move(method));
}

/// Attributes in the order of their first assignment.
static void addAttributes(Specializer &s, const ast::ClassDef &node, const Locals &locals,
                          ObjectId id, ClassState &cls) {
  for (auto &name : node.scope.locals) {
    auto it = locals.find(name);
    if (it == locals.end())
      continue;
    for (const ast::Stmt *statement : node.body)
      if (auto *method = dyn_cast<ast::FunctionDef>(statement); method && method->name == name)
        s.span = method->nameSpan;
    checkSpecialName(s, name);
    cls.attributes.push_back({name, ownedBy(id, it->second)});
  }
}

void Specializer::executeClass(const ast::ClassDef &node) {
  // Decorators are evaluated from top to bottom, and applied from bottom to top.
  ValueList decorators;
  for (auto *decorator : node.decorators)
    decorators.push_back(evaluate(decorator));
  std::vector<ObjectId> order = orderOfBases(*this, node, builtinClasses.at("object"));
  // Those of the library are there already.
  bool isOfLibrary = frame().library && frame().scope->kind == ast::ScopeKind::Module;
  ObjectId id = isOfLibrary ? libraryClass(frame().library->entries.at(node.name))
                            : heap.add(CellState{Unbound{}});
  ClassState cls;
  cls.name = node.name;
  cls.node = &node;
  cls.resolution.push_back(id);
  llvm::append_range(cls.resolution, order);
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
  addAttributes(*this, node, body.locals, id, cls);
  if (!isOfLibrary && attempts.rowClasses.count(&node))
    addTable(*this, id, cls);
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
  if (auto *row = value.as<RowValue>())
    return row->cls;
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
  if (isOfClass(object)) {
    Value own = name.starts_with("%") ? Value() : classAttribute(*classOf(object), "__setattr__");
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
  auto *row = object.as<RowValue>();
  Value function = row ? rowMethod(*this, *row, method) : classAttribute(*cls, method);
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
  if (!isOfLibrary(cls) && !isException && state.node) {
    noteMade(*this, cls);
    if (hasRows(*this, cls))
      return makeRow(*this, cls, std::move(arguments));
  }
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
    if (auto *row = given.as<RowValue>()) {
      Scalar isOne = isRowOf(*this, *row, type);
      if (!isOne.knownBool)
        fail(ErrorId::Unsupported, {"the class of an object that run-time data choose"},
             {.help = "ask isinstance()"});
      return *isOne.knownBool;
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
