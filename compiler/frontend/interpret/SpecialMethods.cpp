// Special names of classes. One table says of each what becomes of it, so that none is ignored
// without a word:
//
//   def __add__(self, other)     called by `+`
//   def __sizeof__(self)         Python calls it in functions that are not supported only
//   def __del__(self)            error: the special method '__del__' is not supported yet
#include "frontend/interpret/SpecialMethods.h"
#include "frontend/containers/Builtins.h"
#include "frontend/containers/Rows.h"
#include "frontend/containers/RunTimeLists.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;

namespace mpy {

/// Called as Python does; of binary operators also with `r` and `i` before the name.
static const llvm::StringSet<> called = {
    "__init__",    "__str__",      "__repr__",    "__format__",    "__hash__",     "__bool__",
    "__eq__",      "__ne__",       "__lt__",      "__le__",        "__gt__",       "__ge__",
    "__len__",     "__getitem__",  "__setitem__", "__delitem__",   "__contains__", "__iter__",
    "__next__",    "__reversed__", "__call__",    "__enter__",     "__exit__",     "__getattr__",
    "__setattr__", "__delattr__",  "__index__",   "__int__",       "__float__",    "__round__",
    "__trunc__",   "__floor__",    "__ceil__",    "__abs__",       "__neg__",      "__pos__",
    "__invert__",  "__slots__",    "__doc__",     "__match_args__"};
static const llvm::StringSet<> operators = {"add", "sub", "mul",      "matmul", "truediv",
                                            "mod", "pow", "lshift",   "rshift", "or",
                                            "xor", "and", "floordiv", "divmod"};
/// Only what is not supported asks for these: copy, pickle, async, complex(), bytes(), dir() ..
static const llvm::StringSet<> unused = {
    "__module__",        "__qualname__",    "__annotations__",
    "__dir__",           "__sizeof__",      "__copy__",
    "__deepcopy__",      "__reduce__",      "__reduce_ex__",
    "__getstate__",      "__setstate__",    "__getnewargs__",
    "__getnewargs_ex__", "__complex__",     "__bytes__",
    "__fspath__",        "__await__",       "__aiter__",
    "__anext__",         "__aenter__",      "__aexit__",
    "__missing__",       "__length_hint__", "__post_init__",
    "__weakref__",       "__firstlineno__", "__static_attributes__"};

static std::string cureOf(llvm::StringRef name) {
  if (name == "__del__")
    return "write a method and call it, or use 'with'";
  if (name == "__getattribute__")
    return "write __getattr__, which is asked for what is missing";
  if (name == "__new__")
    return "write __init__, or a function that makes the object";
  if (name == "__get__" || name == "__set__" || name == "__delete__" || name == "__set_name__")
    return "write a property";
  if (name == "__init_subclass__" || name == "__class_getitem__")
    return "call a function with the class";
  return "";
}

void checkSpecialName(Specializer &s, llvm::StringRef name) {
  if (!name.starts_with("__") || !name.ends_with("__") || name.size() < 5)
    return;
  if (called.contains(name) || unused.contains(name))
    return;
  llvm::StringRef inner = name.drop_front(2).drop_back(2);
  if (operators.contains(inner))
    return;
  if ((inner.starts_with("r") || inner.starts_with("i")) &&
      operators.contains(inner.drop_front(1)) && inner != "idivmod")
    return;
  s.fail(ErrorId::Unsupported, {"the special name '" + name.str() + "' in a class"},
         {.help = cureOf(name)});
}

Value docstringOf(Specializer &s, const ast::Body &body) {
  auto *first = body.empty() ? nullptr : dyn_cast<ast::ExprStmt>(body.front());
  auto *text = first ? dyn_cast<ast::Constant>(first->value) : nullptr;
  return text && text->isString() ? Value(s.makeText(text->text)) : Value(NoneValue{});
}

//===----------------------------------------------------------------------===//
// Attributes of objects
//===----------------------------------------------------------------------===//

/// Whether `__slots__` of its classes leave an instance no room for an attribute.
static bool isWithoutSlot(Specializer &s, ObjectId cls, llvm::StringRef name) {
  bool hasSlot = false;
  for (ObjectId id : s.heap.get<ClassState>(cls)->resolution) {
    const ClassState &state = *s.heap.get<ClassState>(id);
    if (!state.node && state.name == "object")
      continue;
    auto slots = llvm::find_if(state.attributes,
                               [](auto &attribute) { return attribute.first == "__slots__"; });
    if (slots == state.attributes.end())
      return false;
    ValueList names = slots->second.get<Text>() ? ValueList{slots->second}
                                                : s.knownItems(slots->second).value_or(ValueList());
    for (const Value &slot : names) {
      auto known = s.knownText(slot);
      if (!known)
        s.fail(ErrorId::NotKnownHere, {"each name in '__slots__'"});
      hasSlot |= *known == name || *known == "__dict__";
    }
  }
  return !hasSlot;
}

static void raiseAttributeError(Specializer &s, const Value &object, llvm::StringRef name) {
  s.raiseHere("AttributeError",
              ("'" + s.typeName(object) + "' object has no attribute '" + name + "'").str());
}

static const PropertyValue *propertyIn(const Value &attribute) {
  auto *property = attribute.as<PropertyValue>();
  return property && property->kind == PropertyValue::Kind::Property ? property : nullptr;
}

void setOwnAttribute(Specializer &s, const Value &object, llvm::StringRef name,
                     const Value &value) {
  if (object.as<RowValue>()) {
    ObjectId cls = *s.classOf(object);
    if (s.classAttribute(cls, name).isUnbound() && isWithoutSlot(s, cls, name))
      return raiseAttributeError(s, object, name);
    return setRowAttribute(s, object, name, value);
  }
  ObjectId id = object.get<ObjectRef>()->id, cls = s.object<InstanceState>(object)->cls;
  Value fromClass = s.classAttribute(cls, name);
  if (auto *property = propertyIn(fromClass)) {
    if (property->setter.isUnbound() || property->setter.isNone())
      s.raiseHere(
          "AttributeError",
          ("property '" + name + "' of '" + s.typeName(object) + "' object has no setter").str());
    else
      s.call(property->setter, CallArguments{{object, value}, {}, s.span});
    return;
  }
  if (!name.starts_with("%") && isWithoutSlot(s, cls, name))
    return raiseAttributeError(s, object, name);
  noteHeld(s, cls, value);
  InstanceState changed = *s.object<InstanceState>(object);
  beginChange(s, id);
  changed = *s.object<InstanceState>(object);
  auto own =
      llvm::find_if(changed.attributes, [&](auto &attribute) { return attribute.first == name; });
  if (own != changed.attributes.end())
    own->second = value;
  else
    changed.attributes.push_back({name.str(), value});
  s.change(id, std::move(changed));
}

static void deleteOwnAttribute(Specializer &s, const Value &object, llvm::StringRef name) {
  ObjectId id = object.get<ObjectRef>()->id;
  if (propertyIn(s.classAttribute(s.object<InstanceState>(object)->cls, name)))
    s.fail(ErrorId::Unsupported, {"'del' of a property"});
  beginChange(s, id);
  InstanceState changed = *s.object<InstanceState>(object);
  auto own =
      llvm::find_if(changed.attributes, [&](auto &attribute) { return attribute.first == name; });
  if (own == changed.attributes.end())
    return raiseAttributeError(s, object, name);
  if (auto *optional = own->second.as<OptionalValue>(); optional && !optional->orNone)
    s.check(optional->present, "AttributeError",
            ("'" + s.typeName(object) + "' object has no attribute '" + name + "'").str());
  changed.attributes.erase(own);
  s.change(id, std::move(changed));
}

void deleteAttribute(Specializer &s, const Value &object, llvm::StringRef name) {
  if (!s.object<InstanceState>(object))
    s.fail(ErrorId::Unsupported, {"'del' of an attribute of " + s.describe(object)},
           {.help = "set it to None"});
  if (!s.callMethod(object, "__delattr__", {s.makeText(name.str())}))
    deleteOwnAttribute(s, object, name);
}

Value objectAttribute(llvm::StringRef name) {
  if (name == "__setattr__" || name == "__delattr__" || name == "__getattribute__")
    return findBuiltin(("object." + name).str());
  return {};
}

/// The arguments of one of these, and the name among them.
static std::pair<ValueList, std::string> named(Specializer &s, CallArguments &arguments,
                                               const char *parameters, const char *function) {
  ValueList given = s.bind(arguments, parameters, function);
  auto name = s.knownText(given[1]);
  if (!name)
    s.fail(ErrorId::RunTimeKey, {"an attribute name"});
  return {given, *name};
}

Value setObjectAttribute(Specializer &s, CallArguments &arguments) {
  auto [given, name] = named(s, arguments, "self, name, value?", "__setattr__");
  if (!s.isOfClass(given[0]))
    s.fail(ErrorId::CannotSetAttribute, {s.typeName(given[0]), name});
  setOwnAttribute(s, given[0], name, given[2]);
  return NoneValue{};
}
Value deleteObjectAttribute(Specializer &s, CallArguments &arguments) {
  auto [given, name] = named(s, arguments, "self, name", "__delattr__");
  if (!s.object<InstanceState>(given[0]))
    s.fail(ErrorId::CannotSetAttribute, {s.typeName(given[0]), name});
  deleteOwnAttribute(s, given[0], name);
  return NoneValue{};
}
Value getObjectAttribute(Specializer &s, CallArguments &arguments) {
  auto [given, name] = named(s, arguments, "self, name", "__getattribute__");
  Value value = s.findAttribute(given[0], name);
  if (value.isUnbound())
    raiseAttributeError(s, given[0], name);
  return value.isUnbound() ? Value(NoneValue{}) : value;
}
Value deleteAttributeOf(Specializer &s, CallArguments &arguments) {
  auto [given, name] = named(s, arguments, "object, name", "delattr");
  deleteAttribute(s, given[0], name);
  return NoneValue{};
}

} // namespace mpy
