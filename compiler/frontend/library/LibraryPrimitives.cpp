// What files of the library reach of the compiler: the module `mpy._primitives`. They see structure
// that the language does not say: copies of whole objects, annotated names, classes of tuples.
//
//   deepcopy([a, a])    =>    a new list with one new array, twice
#include "frontend/arrays/ArrayOperands.h"
#include "frontend/containers/Rows.h"
#include "frontend/containers/RunTimeLists.h"
#include "frontend/functions/LeafMapper.h"
#include "frontend/library/Library.h"
#include "frontend/values/NamedTuples.h"

namespace mpy::library {

/// A copy of a row is another row.
[[noreturn]] static void refuseCopy(Specializer &s) {
  s.fail(ErrorId::Unsupported, {"a copy of an object that run-time data choose"},
         {.help = "make a new object of its class"});
}

namespace {
class Copier {
public:
  explicit Copier(Specializer &specializer) : s(specializer) {
    mapper.object = [this](ObjectId id) { return copyOf(id); };
  }
  Value copy(const Value &value) { return mapper.map(value); }

private:
  ObjectId copyOf(ObjectId id) {
    if (auto it = made.find(id); it != made.end())
      return it->second;
    s.checkUsable(id);
    ObjectState state = s.heap.at(id);
    ObjectId result = id;
    // Rows refer to their class.
    if (std::holds_alternative<ClassState>(state) && hasRows(s, id))
      refuseCopy(s);
    if (std::holds_alternative<ArrayState>(state)) {
      ArrayValue array = s.read(id);
      result = s.newArray(array).get<ObjectRef>()->id;
    } else if (std::holds_alternative<RandomState>(state)) {
      s.fail(ErrorId::Unsupported, {"a copy of a random generator"}, {.help = "seed another one"});
    } else if (!std::holds_alternative<ClassState>(state) &&
               !std::holds_alternative<CellState>(state) &&
               !std::holds_alternative<NamespaceState>(state)) {
      if (!open.insert(id).second)
        s.fail(ErrorId::Unsupported, {"a copy of an object that holds itself"});
      ObjectState copy = mapper.map(state);
      free(copy);
      result = s.heap.add(std::move(copy));
      open.erase(id);
    }
    made[id] = result;
    return result;
  }
  /// No list holds the copy, and it is no object but itself.
  void free(ObjectState &state) {
    std::visit(
        [](auto &object) {
          if constexpr (requires { object.sharesWith; }) {
            object.sharesWith.clear();
            object.isItem = false;
          }
        },
        state);
    if (auto *list = std::get_if<RunTimeListState>(&state)) {
      list->itemsOf.clear();
      list->innerItemsOf.clear();
      if (list->generation)
        list->generation = s.nextNumber();
    }
  }

  Specializer &s;
  LeafMapper mapper;
  std::map<ObjectId, ObjectId> made;
  std::set<ObjectId> open;
};
} // namespace

Value primitiveDeepcopy(Specializer &specializer, const Arguments &arguments) {
  return Copier(specializer).copy(arguments["x"]);
}

/// An object of the same class that holds the same values.
Value primitiveCopy(Specializer &specializer, const Arguments &arguments) {
  const Value &x = arguments["x"];
  if (x.as<RowValue>())
    refuseCopy(specializer);
  auto *instance = specializer.object<InstanceState>(x);
  if (!instance)
    return x;
  return ObjectRef{specializer.heap.add(InstanceState{instance->cls, instance->attributes})};
}

/// The method of an object's class, for objects of several classes (Rows.h).
Value primitiveMethodOf(Specializer &specializer, const Arguments &arguments) {
  return methodOfClass(specializer, arguments["x"], *specializer.knownText(arguments["name"]));
}

/// The names that the body of a class annotates, but those of the class alone.
Value primitiveAnnotations(Specializer &specializer, const Arguments &arguments) {
  auto *cls = specializer.object<ClassState>(arguments["cls"]);
  ValueList names;
  if (!cls || !cls->node)
    return specializer.newTuple(names);
  for (const ast::Stmt *statement : cls->node->body) {
    auto *node = llvm::dyn_cast<ast::AnnAssign>(statement);
    auto *name = node ? llvm::dyn_cast<ast::Name>(node->target) : nullptr;
    if (!name)
      continue;
    llvm::StringRef annotation = specializer.sources.text(node->annotation->span);
    if (!annotation.starts_with("ClassVar") && !annotation.starts_with("typing.ClassVar"))
      names.push_back(specializer.makeText(name->id));
  }
  return specializer.newTuple(names);
}

/// The names that a class itself defines, not its bases.
Value primitiveOwnNames(Specializer &specializer, const Arguments &arguments) {
  ValueList names;
  if (auto *cls = specializer.object<ClassState>(arguments["cls"]))
    for (auto &attribute : cls->attributes)
      if (!llvm::StringRef(attribute.first).starts_with("%"))
        names.push_back(specializer.makeText(attribute.first));
  return specializer.newTuple(names);
}

/// The names that a class itself defines as values, not functions, properties or classes.
Value primitiveOwnValues(Specializer &specializer, const Arguments &arguments) {
  ValueList names;
  if (auto *cls = specializer.object<ClassState>(arguments["cls"]))
    for (auto &[name, value] : cls->attributes)
      if (!isFunction(value) && !value.as<PropertyValue>() &&
          !specializer.object<ClassState>(value) && !llvm::StringRef(name).starts_with("_"))
        names.push_back(specializer.makeText(name));
  return specializer.newTuple(names);
}

/// An object of a class without attributes: `object.__new__(cls)`.
Value primitiveNewObject(Specializer &specializer, const Arguments &arguments) {
  return ObjectRef{specializer.heap.add(InstanceState{arguments["cls"].get<ObjectRef>()->id, {}})};
}

/// Ends the compilation at the call that the program wrote: what a library function leaves out.
Value primitiveUnsupported(Specializer &specializer, const Arguments &arguments) {
  specializer.fail(ErrorId::Unsupported, {*specializer.knownText(arguments["what"])},
                   {.help = *specializer.knownText(arguments["help"])});
}

/// Gives a class or a function another name; a function also the docstring of one that it is like.
Value primitiveRename(Specializer &specializer, const Arguments &arguments) {
  if (auto *closure = arguments["cls"].as<ClosureValue>()) {
    ClosureValue renamed = *closure;
    renamed.name = *specializer.knownText(arguments["name"]);
    if (auto *like = arguments["like"].as<ClosureValue>())
      renamed.wrapped = like->wrapped ? like->wrapped : like->node;
    return std::make_shared<const ClosureValue>(std::move(renamed));
  }
  ObjectId id = arguments["cls"].get<ObjectRef>()->id;
  ClassState renamed = *specializer.heap.get<ClassState>(id);
  renamed.name = *specializer.knownText(arguments["name"]);
  specializer.heap.set(id, std::move(renamed));
  return arguments["cls"];
}

/// The function of a family of special functions that an order names, for each element.
Value primitiveSpecial(Specializer &specializer, const Arguments &arguments) {
  std::optional<std::string> family = specializer.knownText(arguments["family"]);
  std::optional<int64_t> order = specializer.knownInt(arguments["order"]);
  if (!order)
    specializer.fail(ErrorId::NotKnownHere, {"the order of a special function"});
  ElementOperand x = makeOperand(specializer, arguments["x"]);
  DType dtype = x.dtype == DType::Float32 ? DType::Float32 : DType::Float64;
  mlir::Value value = convert(specializer, x, dtype);
  return wrap(specializer, dtype, x.shape,
              specializer.create<SpecialOp>(value, *family, *order).getResult());
}

namespace {
/// A routine of LAPACK: what it is called in the runtime, and the extents of its results behind the
/// leading ones: m rows, n columns, k the smaller of them; w and h are k, or m and n where flags
/// ask for all; 1 is one number a matrix. The types of the results are f64 or i64.
struct Routine {
  const char *name;
  bool hasFlags;
  std::vector<std::pair<DType, const char *>> results;
};
} // namespace

static const Routine *findRoutine(llvm::StringRef name) {
  static const DType F = DType::Float64, I = DType::Int64;
  static const Routine table[] = {
      {"cholesky", false, {{F, "mn"}, {I, "1"}}},
      {"complex_eig", false, {{F, "n"}, {F, "n"}, {F, "mn"}, {F, "mn"}, {I, "1"}}},
      {"complex_lu", false, {{F, "mn"}, {F, "mn"}, {I, "k"}, {I, "m"}}},
      {"eig", false, {{F, "n"}, {F, "n"}, {F, "mn"}, {I, "1"}}},
      {"eigh", true, {{F, "n"}, {F, "mn"}, {I, "1"}}},
      {"lu", false, {{F, "mn"}, {I, "k"}, {I, "m"}}},
      {"qr", true, {{F, "mw"}, {F, "wn"}}},
      {"svd", true, {{F, "mw"}, {F, "k"}, {F, "hn"}, {I, "1"}}},
      {"triangular", true, {{F, ""}}},
  };
  for (const Routine &routine : table)
    if (name == routine.name)
      return &routine;
  return nullptr;
}

/// The factors of the matrices of a (.., m, n), by a routine of LAPACK: a tuple of new arrays. They
/// have no derivatives; the library has rules for them.
Value primitiveFactors(Specializer &specializer, const Arguments &arguments) {
  std::string name = *specializer.knownText(arguments["routine"]);
  const Routine &routine = *findRoutine(name);
  int64_t flags = *specializer.knownInt(arguments["flags"]);
  ArrayValue a = toArray(specializer, arguments["a"]);
  llvm::SmallVector<mlir::Value> inputs = {a.tensor};
  Shape wanted = a.shape;
  if (arguments.has("b")) {
    ArrayValue b = toArray(specializer, arguments["b"]);
    inputs.push_back(b.tensor);
    wanted = b.shape;
  }
  if (routine.hasFlags)
    inputs.push_back(specializer.ssaAs(specializer.makeInt(IntExpr(flags)), DType::Int64));
  IntExpr m = a.shape[a.rank() - 2], n = a.shape[a.rank() - 1], k = minimum(m, n);
  Shape leading(a.shape.begin(), a.shape.end() - 2);
  std::vector<Shape> shapes;
  llvm::SmallVector<mlir::Type> types;
  for (auto [dtype, letters] : routine.results) {
    Shape shape = leading;
    for (char letter : llvm::StringRef(letters))
      shape.push_back(letter == 'm'                 ? m
                      : letter == 'n'               ? n
                      : letter == '1'               ? IntExpr(1)
                      : letter == 'k' || flags == 0 ? k
                      : letter == 'w'               ? m
                                                    : n);
    shapes.push_back(*letters ? shape : wanted);
    types.push_back(specializer.tensorType(dtype, shapes.back()));
  }
  auto call =
      specializer.create<RuntimeCallOp>(mlir::TypeRange(types), "mpy_" + name, inputs, false);
  ValueList results;
  for (auto [position, result] : llvm::enumerate(routine.results))
    results.push_back(
        specializer.newArray({result.first, shapes[position], call.getResult(position)}));
  return specializer.newTuple(results);
}

/// Sets of numbers by numbers of their own (runtime/Sets.cpp): `set_singletons` of so many numbers,
/// the `set_sizes` of some sets, and their `set_members`, one after the other.
Value primitiveSets(Specializer &specializer, const Arguments &arguments) {
  std::string name = *specializer.knownText(arguments["routine"]);
  bool isNew = name == "set_singletons";
  DType dtype = isNew ? DType::Float64 : DType::Int64;
  mlir::Value given = isNew ? specializer.ssaAs(*arguments["x"].get<Scalar>(), DType::Int64)
                            : toArray(specializer, arguments["x"]).tensor;
  if (!isNew && !mlir::getElementTypeOrSelf(given).isF64())
    given = specializer.create<CastOp>(given, specializer.builder.getF64Type());
  auto type = mlir::RankedTensorType::get({mlir::ShapedType::kDynamic},
                                          isNew ? mlir::Type(specializer.builder.getF64Type())
                                                : specializer.builder.getI64Type());
  mlir::Value numbers = specializer
                            .create<RuntimeCallOp>(mlir::TypeRange(type), "mpy_" + name,
                                                   mlir::ValueRange(given), false)
                            .getResult(0);
  Shape shape{symbolExpr(specializer.create<mlir::tensor::DimOp>(numbers, int64_t(0)), true)};
  return specializer.newArray({dtype, shape, numbers});
}

/// A tuple of a class with named fields.
Value primitiveNamedTuple(Specializer &specializer, const Arguments &arguments) {
  TupleValue tuple{*specializer.knownItems(arguments["items"]), {}};
  ValueList names = *specializer.knownItems(arguments["fields"]);
  for (const Value &name : names)
    tuple.fields.push_back(*specializer.knownText(name));
  tuple.fields.push_back(classOfTupleMark + std::to_string(arguments["cls"].get<ObjectRef>()->id));
  return std::make_shared<const TupleValue>(std::move(tuple));
}

} // namespace mpy::library
