// Objects that run-time data choose: lists of nodes, trees, graphs. An object is a row of the table
// of its class, and what refers to it is the number of the row:
//
//   head = Node(3.0, head)   =>   value.append(3.0); next.append(%head); %row
//   p.value, p.next = v, q   =>   value[%p] = %v; next[%p] = %q
//   p is q, p is None        =>   %p == %q; the flag of a value that may be None
//
// The table is an object with a list for each attribute, which the class holds as an attribute of
// its own: so loops, branches, recursion and gradients carry it as they carry any list. Which
// classes need one is not known where they are made. A program that does not compile without is
// specialised again with rows (Specialize.cpp); what compiles keeps its objects as they are.
#include "frontend/containers/Rows.h"
#include "frontend/containers/Builtins.h"
#include "frontend/containers/RunTimeLists.h"
#include "frontend/interpret/SpecialMethods.h"
#include "llvm/ADT/ScopeExit.h"

using namespace mlir;

namespace mpy {

/// The attribute of a class that is its table, and the one of the first class of a family, which
/// share one, with all of them.
static constexpr const char *tableName = "%rows", *familyName = "%family";

//===----------------------------------------------------------------------===//
// Tables
//===----------------------------------------------------------------------===//

/// The table of a class; nothing if its objects are no rows.
static std::optional<ObjectId> tableOf(const ClassState &cls) {
  for (auto &attribute : cls.attributes)
    if (attribute.first == tableName)
      return attribute.second.get<ObjectRef>()->id;
  return std::nullopt;
}

static std::optional<ObjectId> tableOf(Specializer &s, ObjectId cls) {
  return tableOf(*s.heap.get<ClassState>(cls));
}

bool hasRows(Specializer &s, ObjectId cls) { return tableOf(s, cls).has_value(); }

/// The first class of a family: the last in the order of attributes.
static std::optional<ObjectId> firstOfFamily(Specializer &s, const ClassState &cls) {
  for (ObjectId id : llvm::reverse(llvm::drop_begin(cls.resolution)))
    if (auto *base = s.heap.get<ClassState>(id); base && tableOf(*base))
      return id;
  return std::nullopt;
}

/// The classes of a family, by number; those of a class alone are it.
static std::vector<ObjectId> familyOf(Specializer &s, ObjectId first) {
  std::vector<ObjectId> classes;
  for (auto &attribute : s.heap.get<ClassState>(first)->attributes)
    if (attribute.first == familyName)
      for (const Value &cls : attribute.second.as<TupleValue>()->items)
        classes.push_back(cls.get<ObjectRef>()->id);
  return classes;
}

/// What would have to be looked for in each class of a family: asked for where only one class is
/// known.
static void refuseSpecialNames(Specializer &s, const ClassState &cls) {
  for (auto &attribute : cls.attributes) {
    llvm::StringRef name = attribute.first;
    bool isSpecial = name.starts_with("__") && name.ends_with("__");
    bool isTreated = name == "__init__" || name == "__repr__" || name == "__str__" ||
                     name == "__call__" || name == "__doc__" || name == "__module__" ||
                     name == "__qualname__";
    if (isSpecial && !isTreated)
      s.fail(ErrorId::Unsupported,
             {"'" + name.str() + "' of a class that is one of several by run-time data"},
             {.help = "define it in their base alone"});
  }
}

/// Where run-time data choose the class, methods of a name are one function, which calls that of the
/// class: so a recursion through several of them is one of this function alone.
static constexpr llvm::StringRef dispatcherPrefix = "%call:";

static void addDispatchers(Specializer &s, const ClassState &of, ClassState &first) {
  for (auto &[name, method] : of.attributes) {
    std::string hidden = (dispatcherPrefix + name).str();
    if (!method.as<ClosureValue>() ||
        llvm::any_of(first.attributes, [&](auto &known) { return known.first == hidden; }))
      continue;
    const LibraryEntry &entry = findLibraryFile("_rows")->entries.at("dispatcher");
    Value made =
        s.call(s.libraryValue(entry, "dispatcher"), CallArguments{{s.makeText(name)}, {}, s.span});
    first.attributes.push_back({hidden, made});
  }
}

/// Rows that are there have no value in a column that is new.
static Value newColumn(Specializer &s, int64_t rows) { return s.newList(ValueList(rows)); }

/// A class whose base has a table takes part in it.
static void joinFamily(Specializer &s, ObjectId first, ObjectId id, ClassState &cls,
                       const std::vector<std::string> &names) {
  refuseSpecialNames(s, cls);
  if (cls.node->bases.size() > 1)
    s.fail(ErrorId::Unsupported,
           {"several bases of a class that is one of several by run-time data"},
           {.help = "give it one base"});
  ObjectId tableId = *tableOf(s, first);
  InstanceState table = *s.heap.get<InstanceState>(tableId);
  auto rows = listLength(s, table.attributes[0].second.get<ObjectRef>()->id).known();
  for (const std::string &name : names) {
    if (llvm::any_of(table.attributes, [&](auto &column) { return column.first == name; }))
      continue;
    if (!rows)
      s.fail(ErrorId::Unsupported, {"a class behind objects of its base that run-time data choose"},
             {.help = "define it before"});
    table.attributes.push_back({name, newColumn(s, *rows)});
  }
  s.heap.set(tableId, std::move(table));
  cls.attributes.push_back({tableName, ObjectRef{tableId}});
  ClassState base = *s.heap.get<ClassState>(first);
  addDispatchers(s, cls, base);
  for (auto &attribute : base.attributes)
    if (attribute.first == familyName) {
      ValueList classes = attribute.second.as<TupleValue>()->items;
      classes.push_back(ObjectRef{id});
      attribute.second = s.newTuple(std::move(classes));
    }
  s.heap.set(first, std::move(base));
}

void addTable(Specializer &s, ObjectId id, ClassState &cls) {
  std::vector<std::string> names;
  // Those of bases first, as constructors mostly set them.
  for (ObjectId base : llvm::reverse(llvm::drop_begin(cls.resolution)))
    if (auto *state = s.heap.get<ClassState>(base); state && state->node)
      collectAttributes(*state->node, names);
  collectAttributes(*cls.node, names);
  for (const std::string &name : s.learned().rowClasses.at(cls.node))
    if (!llvm::is_contained(names, name))
      names.push_back(name);
  if (auto first = firstOfFamily(s, cls))
    return joinFamily(s, *first, id, cls, names);
  // There is one list at least, which says how many rows there are.
  if (names.empty())
    names.push_back("%row");
  InstanceState table{cls.resolution.back(), {}};
  for (const std::string &name : names)
    table.attributes.push_back({name, newColumn(s, 0)});
  cls.attributes.push_back({tableName, ObjectRef{s.heap.add(std::move(table))}});
  if (!llvm::is_contained(names, classColumn))
    return;
  cls.attributes.push_back({familyName, s.newTuple({ObjectRef{id}})});
  addDispatchers(s, ClassState(cls), cls);
}

/// The list of an attribute; unbound if there is none.
static Value columnOf(Specializer &s, ObjectId cls, llvm::StringRef name) {
  auto *table = s.object<InstanceState>(ObjectRef{*tableOf(s, cls)});
  for (auto &column : table->attributes)
    if (column.first == name)
      return column.second;
  return Unbound{};
}

/// The list of an attribute, which an object of the class gets elsewhere than in its methods: the
/// program is specialised again with one.
static Value neededColumn(Specializer &s, ObjectId cls, llvm::StringRef name) {
  Value column = columnOf(s, cls, name);
  if (!column.isUnbound())
    return column;
  const ClassState &state = *s.heap.get<ClassState>(cls);
  s.learned().hasNewAttribute |= s.learned().rowClasses[state.node].insert(name.str()).second;
  s.fail(ErrorId::UnknownAttribute, {state.name, name.str()});
}

/// A list that is asked at a position which is run-time data has a length that is run-time data.
static void countColumn(Specializer &s, const Value &column, const IntExpr &row) {
  auto *known = s.object<ListState>(column);
  if (known && !known->items.empty() && !row.known())
    makeRunTimeList(s, column.get<ObjectRef>()->id);
}

static Value readColumn(Specializer &s, const Value &column, const IntExpr &row) {
  countColumn(s, column, row);
  if (runTimeListOf(s, column))
    return itemAt(s, column.get<ObjectRef>()->id, row, row);
  return s.subscript(column, s.makeInt(row));
}

//===----------------------------------------------------------------------===//
// Objects
//===----------------------------------------------------------------------===//

/// A row with the attributes of an object that the constructor has made, and that nothing else
/// refers to.
static Value addRow(Specializer &s, ObjectId cls, const InstanceState &made) {
  ObjectId first = firstOfFamily(s, *s.heap.get<ClassState>(cls)).value_or(cls);
  for (auto &attribute : made.attributes)
    neededColumn(s, cls, attribute.first);
  auto columns = s.object<InstanceState>(ObjectRef{*tableOf(s, cls)})->attributes;
  IntExpr row = listLength(s, columns[0].second.get<ObjectRef>()->id);
  std::vector<ObjectId> family = familyOf(s, first);
  for (auto &[name, column] : columns) {
    auto own =
        llvm::find_if(made.attributes, [&, name = name](auto &one) { return one.first == name; });
    Value value = own == made.attributes.end() ? Value() : own->second;
    if (name == classColumn)
      value = s.makeInt(IntExpr(llvm::find(family, cls) - family.begin()));
    if (runTimeListOf(s, column))
      appendItem(s, column.get<ObjectRef>()->id, value);
    else
      s.appendTo(column, value);
  }
  return std::make_shared<const RowValue>(RowValue{first, row});
}

/// An object that has no row yet.
struct RowInConstructor {
  ObjectId cls, object;
  size_t depth; // of the frames around its constructor
  std::set<const ast::Stmt *> escapes;
  Value row = {};
};

/// The object is a row from now on, for every name of it.
static void giveRow(Specializer &s, RowInConstructor &made) {
  InstanceState state = *s.object<InstanceState>(ObjectRef{made.object});
  Diagnostic error = s.diagnostic(ErrorId::ItemMutation, {},
                                  {.found = "an object that was kept while its constructor ran",
                                   .help = "keep it after it is made"});
  s.heap.set(made.object, BrokenState{std::make_shared<const Diagnostic>(std::move(error))});
  made.row = addRow(s, made.cls, state);
  auto replace = [&](Value &value) {
    if (auto *ref = value.get<ObjectRef>(); ref && ref->id == made.object)
      value = made.row;
  };
  for (Frame *frame : llvm::drop_begin(s.frames, made.depth)) {
    for (auto &local : frame->locals)
      replace(local.second);
    for (auto &parameter : frame->parameters)
      replace(parameter.second);
    for (auto &cell : frame->cells) {
      auto *state = s.heap.get<CellState>(cell.second);
      Value value = state ? state->value : Value();
      replace(value);
      if (state && value.as<RowValue>())
        s.heap.set(cell.second, CellState{value});
    }
  }
}

void showRow(Specializer &s, const ast::Stmt &statement) {
  RowInConstructor &made = *s.rowsInConstructors.back();
  if (!made.row.isUnbound() || !made.escapes.count(&statement))
    return;
  // Where a constructor may have ended before, it would be a row on some paths.
  if (s.frames[made.depth]->entryBlock != s.builder.getInsertionBlock())
    s.fail(ErrorId::ItemMutation, {},
           {.found = "an object that its constructor keeps elsewhere on some paths",
            .help = "keep it after it is made"});
  giveRow(s, made);
}

Value makeRow(Specializer &s, ObjectId cls, CallArguments arguments) {
  Value initialiser = s.classAttribute(cls, "__init__");
  Value self = ObjectRef{s.heap.add(InstanceState{cls, {}})};
  RowInConstructor made{cls, self.get<ObjectRef>()->id, s.frames.size(),
                        statementsThatShow(s, cls)};
  s.rowsInConstructors.push_back(&made);
  llvm::scope_exit leave([&] { s.rowsInConstructors.pop_back(); });
  if (!initialiser.isUnbound())
    s.call(boundAttribute(s, self, initialiser, cls), std::move(arguments));
  else if (!arguments.positional.empty() || !arguments.keywords.empty())
    failCall(s, s.heap.get<ClassState>(cls)->name + "()", "takes no arguments");
  if (s.dead)
    return NoneValue{};
  if (made.row.isUnbound())
    giveRow(s, made);
  return made.row;
}

//===----------------------------------------------------------------------===//
// Families
//===----------------------------------------------------------------------===//

namespace {
/// The classes that an object may be of: which number says so, and all that it may be.
struct PossibleClasses {
  Scalar number;
  /// By number; nothing for those that no object was made of.
  std::vector<std::optional<ObjectId>> classes;
  std::vector<ObjectId> made;
};
} // namespace

static PossibleClasses possibleClasses(Specializer &s, const RowValue &row) {
  std::vector<ObjectId> family = familyOf(s, row.cls);
  if (family.empty())
    return {s.makeInt(IntExpr(0)), {row.cls}, {row.cls}};
  PossibleClasses result{
      *readColumn(s, columnOf(s, row.cls, classColumn), row.row).get<Scalar>(), {}, {}};
  auto known = s.knownInt(result.number);
  for (const auto &[number, cls] : llvm::enumerate(family)) {
    bool isMade = s.learned().made.count(s.heap.get<ClassState>(cls)->node) &&
                  (!known || *known == int64_t(number));
    result.classes.push_back(isMade ? std::optional(cls) : std::nullopt);
    if (isMade)
      result.made.push_back(cls);
  }
  return result;
}

/// What `of` gives for the class of an object: once for each class that it may be.
static Value forClass(Specializer &s, const PossibleClasses &possible, size_t from,
                      llvm::function_ref<Value(ObjectId)> of) {
  if (from + 1 == possible.made.size())
    return of(possible.made[from]);
  int64_t number =
      llvm::find(possible.classes, std::optional(possible.made[from])) - possible.classes.begin();
  Scalar isThis =
      s.scalarCompare(ast::CompareOperator::Eq, possible.number, s.makeInt(IntExpr(number)));
  return s.branchValue(
      s.ssa(isThis), [&] { return of(possible.made[from]); },
      [&] { return forClass(s, possible, from + 1, of); });
}

/// What the classes say under a name, if that is one thing: unbound where none has it.
static std::optional<Value> sharedAttribute(Specializer &s, const PossibleClasses &possible,
                                            llvm::StringRef name) {
  Value common = s.classAttribute(possible.made[0], name);
  for (ObjectId cls : possible.made)
    if (Value own = s.classAttribute(cls, name); !isIdentical(common, own))
      return std::nullopt;
  return common;
}

/// Functions of classes as one that calls that of the class; nothing where one of them has another
/// thing, or nothing.
static std::optional<Value> chosenFunction(Specializer &s, const RowValue &row,
                                           const PossibleClasses &possible, llvm::StringRef name) {
  Value dispatcher = s.classAttribute(row.cls, (dispatcherPrefix + name).str());
  bool areFunctions = llvm::all_of(possible.made, [&](ObjectId cls) {
    return s.classAttribute(cls, name).as<ClosureValue>() != nullptr;
  });
  return areFunctions && !dispatcher.isUnbound() ? std::optional(dispatcher) : std::nullopt;
}

Value methodOfClass(Specializer &s, const Value &object, llvm::StringRef name) {
  PossibleClasses possible = possibleClasses(s, *object.as<RowValue>());
  ChoiceValue choice{s.ssa(possible.number), {}};
  for (auto &cls : possible.classes)
    choice.options.push_back(s.classAttribute(cls.value_or(possible.made[0]), name));
  if (choice.options.size() == 1)
    return choice.options[0];
  return std::make_shared<const ChoiceValue>(std::move(choice));
}

Value rowMethod(Specializer &s, const RowValue &row, llvm::StringRef name) {
  PossibleClasses possible = possibleClasses(s, row);
  if (auto one = sharedAttribute(s, possible, name))
    return *one;
  if (auto chosen = chosenFunction(s, row, possible, name))
    return *chosen;
  s.fail(ErrorId::Unsupported,
         {"'" + name.str() + "' of objects of several classes, of which some have none"},
         {.help = "define it in their base"});
}

std::optional<ObjectId> knownClass(Specializer &s, const RowValue &row) {
  PossibleClasses possible = possibleClasses(s, row);
  return possible.made.size() == 1 ? std::optional(possible.made[0]) : std::nullopt;
}

Scalar isRowOf(Specializer &s, const RowValue &row, const Value &type) {
  PossibleClasses possible = possibleClasses(s, row);
  Scalar result = s.makeBool(false);
  unsigned count = 0;
  for (const auto &[number, cls] : llvm::enumerate(possible.classes)) {
    if (!cls || !s.isInstance(ObjectRef{s.heap.add(InstanceState{*cls, {}})}, type))
      continue;
    ++count;
    Scalar isThis = s.scalarCompare(ast::CompareOperator::Eq, possible.number,
                                    s.makeInt(IntExpr(int64_t(number))));
    result = s.scalarBinary(ast::BinaryOperator::BitOr, result, isThis);
  }
  bool isKnown = count == 0 || count == possible.made.size();
  return isKnown ? s.makeBool(count > 0) : result;
}

//===----------------------------------------------------------------------===//
// Attributes
//===----------------------------------------------------------------------===//

/// An exception says the class of its object.
static void checkPresent(Specializer &s, const Value &object, mlir::Value present,
                         llvm::StringRef name) {
  auto cls = knownClass(s, *object.as<RowValue>());
  if (!cls && s.isInTry())
    s.fail(ErrorId::Unsupported, {"an attribute that some classes alone set, inside 'try'"},
           {.help = "set it in their base"});
  std::string type = cls ? s.heap.get<ClassState>(*cls)->name : s.typeName(object);
  s.check(present, "AttributeError",
          ("'" + type + "' object has no attribute '" + name + "'").str());
}

static bool isProperty(const Value &attribute) {
  auto *property = attribute.as<PropertyValue>();
  return property && property->kind == PropertyValue::Kind::Property;
}

/// An attribute of an object whose class is known: its own before that of the class, but for
/// properties. Unbound if there is none.
static Value attributeAs(Specializer &s, const Value &object, const Value &own, ObjectId cls,
                         llvm::StringRef name) {
  Value fromClass = s.classAttribute(cls, name);
  if (own.isUnbound() || isProperty(fromClass))
    return fromClass.isUnbound() ? fromClass : boundAttribute(s, object, fromClass, cls);
  auto *optional = own.as<OptionalValue>();
  if (!optional || optional->orNone)
    return own;
  Value there = optional->value;
  if (!fromClass.isUnbound())
    return s.branchValue(
        optional->present, [&] { return there; },
        [&] { return boundAttribute(s, object, fromClass, cls); });
  checkPresent(s, object, optional->present, name);
  return there;
}

Value rowAttribute(Specializer &s, const Value &object, llvm::StringRef name) {
  RowValue row = *object.as<RowValue>();
  PossibleClasses possible = possibleClasses(s, row);
  auto shared = sharedAttribute(s, possible, name);
  Value column = shared && isProperty(*shared) ? Value() : columnOf(s, row.cls, name);
  Value own = column.isUnbound() ? column : readColumn(s, column, row.row);
  if (shared && (!own.isUnbound() || !shared->isUnbound()))
    return attributeAs(s, object, own, possible.made[0], name);
  if (!shared) {
    if (auto chosen = own.isUnbound() ? chosenFunction(s, row, possible, name) : std::nullopt)
      return std::make_shared<const BoundMethodValue>(BoundMethodValue{object, *chosen});
    return forClass(s, possible, 0, [&](ObjectId cls) {
      Value value = attributeAs(s, object, own, cls, name);
      if (!value.isUnbound())
        return value;
      if (s.isInTry())
        s.fail(ErrorId::Unsupported, {"an attribute that some classes alone have, inside 'try'"},
               {.help = "give one to their base"});
      return s.raiseHere("AttributeError", "'" + s.heap.get<ClassState>(cls)->name +
                                               "' object has no attribute '" + name.str() + "'");
    });
  }
  if (name == "__class__" && possible.made.size() == 1)
    return ObjectRef{possible.made[0]};
  if (name == "__dict__" || name == "__class__")
    s.fail(ErrorId::Unsupported, {"'" + name.str() + "' of an object that run-time data choose"},
           {.help = name == "__class__" ? "ask isinstance()" : "name its attributes"});
  if (name == "__doc__")
    return s.findAttribute(ObjectRef{row.cls}, name);
  if (Value ofObject = objectAttribute(name); !ofObject.isUnbound())
    return boundAttribute(s, object, ofObject, row.cls);
  return Unbound{};
}

void setRowAttribute(Specializer &s, const Value &object, llvm::StringRef name,
                     const Value &value) {
  RowValue row = *object.as<RowValue>();
  PossibleClasses possible = possibleClasses(s, row);
  auto shared = sharedAttribute(s, possible, name);
  bool hasProperty = llvm::any_of(
      possible.made, [&](ObjectId cls) { return isProperty(s.classAttribute(cls, name)); });
  if (hasProperty && !shared)
    s.fail(ErrorId::Unsupported, {"a property of one of several classes by run-time data"},
           {.help = "define it in their base"});
  if (hasProperty) {
    const Value &fromClass = *shared;
    const Value &setter = fromClass.as<PropertyValue>()->setter;
    if (setter.isUnbound() || setter.isNone())
      s.raiseHere(
          "AttributeError",
          ("property '" + name + "' of '" + s.typeName(object) + "' object has no setter").str());
    else
      s.call(setter, CallArguments{{object, value}, {}, s.span});
    return;
  }
  Value column = neededColumn(s, row.cls, name);
  countColumn(s, column, row.row);
  s.assignSubscript(column, s.makeInt(row.row), value);
}

std::optional<Scalar> hasRowAttribute(Specializer &s, const Value &object, llvm::StringRef name) {
  RowValue row = *object.as<RowValue>();
  Value column = columnOf(s, row.cls, name);
  PossibleClasses possible = possibleClasses(s, row);
  auto shared = sharedAttribute(s, possible, name);
  if (!shared)
    s.fail(ErrorId::Unsupported,
           {"asking for an attribute of objects of several classes, of which some have it"},
           {.help = "ask isinstance()"});
  if (column.isUnbound() || !shared->isUnbound())
    return std::nullopt;
  Value own = readColumn(s, column, row.row);
  if (own.isUnbound())
    return s.makeBool(false);
  auto *optional = own.as<OptionalValue>();
  if (!optional || optional->orNone)
    return std::nullopt;
  return s.makeScalar(ScalarKind::PyBool, optional->present);
}

Scalar isSameRow(Specializer &s, const RowValue &x, const RowValue &y) {
  if (x.cls != y.cls)
    return s.makeBool(false);
  return s.scalarCompare(ast::CompareOperator::Eq, s.makeInt(x.row), s.makeInt(y.row));
}
} // namespace mpy
