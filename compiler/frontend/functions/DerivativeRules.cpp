// Functions with derivative rules of their own. The value passes an operation that says which rules
// are there; each rule is a function of its own, whatever it reads is passed:
//
//   y, kept = forward(x)            =>   %y1 = mpy.ruled "f" reverse @f_rule(%kept) of %x values %y
//   x_bar, = backward(kept, g)           func @f_rule(%g, %kept) -> %x_bar
//
// Numbers and arrays of floats in the arguments are what it is differentiated by; all else in them
// is passed over. The steps that made the value are not differentiated.
#include "frontend/arrays/ArrayOperands.h"
#include "frontend/functions/Transforms.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/Support/SaveAndRestore.h"

using namespace mlir;

namespace mpy {

/// A function that is applied in its own rule, or in what computes its value for the rule, has
/// rules there, which the next order uses: so many orders are there.
static constexpr unsigned deepestRule = 3;

namespace {
/// Takes structures of numbers and arrays apart, and puts them together again.
class Structure {
public:
  Structure(Specializer &s, llvm::StringRef function) : s(s), function(function) {}

  /// The same structure with each float and array of floats replaced.
  Value mapFloats(const Value &value, llvm::function_ref<Value(const Value &)> visit);
  /// Refuses a value with parts whose derivative would not be the rule's.
  void refuseOpaque(const Value &value);
  /// All floats and arrays of floats.
  ValueList floatsOf(const Value &value);
  /// The structure with these numbers and tensors in their place.
  Value rebuild(const Value &value, mlir::ValueRange leaves);
  /// The derivatives that belong to the floats of a value, in a structure of its form; None stands
  /// for zeros.
  void match(const Value &value, const Value &derivative, llvm::SmallVectorImpl<mlir::Value> &into);
  mlir::Value tensorOf(const Value &leaf);

private:
  bool isFloatArray(const Value &value) {
    auto id = s.arrayObject(value);
    return id && isFloat(s.read(*id).dtype);
  }
  bool isFloatNumber(const Value &value) {
    auto *scalar = value.get<Scalar>();
    return scalar && isFloat(scalar->kind);
  }
  std::optional<ValueList> partsOf(const Value &value);
  void matchLeaf(const Value &value, const Value &derivative,
                 llvm::SmallVectorImpl<mlir::Value> &into);
  mlir::Value zerosOf(const Value &value);
  [[noreturn]] void failForm(const Value &value, const Value &derivative);

  Specializer &s;
  llvm::StringRef function;
};
} // namespace

/// The parts of a container whose form is known.
std::optional<ValueList> Structure::partsOf(const Value &value) {
  if (auto *tuple = value.as<TupleValue>())
    return tuple->items;
  if (auto *list = s.object<ListState>(value))
    return ValueList(list->items);
  auto *dict = s.object<DictState>(value);
  if (!dict || dict->isSet)
    return std::nullopt;
  ValueList parts;
  for (auto &entry : dict->entries)
    parts.push_back(s.present(entry.second, "the entry"));
  return parts;
}

Value Structure::mapFloats(const Value &value, llvm::function_ref<Value(const Value &)> visit) {
  if (isFloatNumber(value) || isFloatArray(value))
    return visit(value);
  if (auto *tuple = value.as<TupleValue>()) {
    ValueList items;
    for (const Value &item : tuple->items)
      items.push_back(mapFloats(item, visit));
    return std::make_shared<const TupleValue>(TupleValue{items, tuple->fields});
  }
  if (s.object<ListState>(value)) {
    ValueList items = *partsOf(value);
    for (Value &item : items)
      item = mapFloats(item, visit);
    return s.newList(items);
  }
  if (auto *dict = s.object<DictState>(value); dict && !dict->isSet) {
    DictState result = *dict;
    for (auto &entry : result.entries)
      entry.second = mapFloats(s.present(entry.second, "the entry"), visit);
    return ObjectRef{s.heap.add(std::move(result))};
  }
  return value;
}

void Structure::refuseOpaque(const Value &value) {
  if (std::optional<ValueList> parts = partsOf(value)) {
    for (const Value &part : *parts)
      refuseOpaque(part);
    return;
  }
  bool holdsNothing = value.isNone() || value.get<Scalar>() || value.get<Text>() ||
                      value.get<DType>() || value.as<ClosureValue>() || s.isArray(value);
  if (!holdsNothing)
    s.fail(ErrorId::NotDifferentiableResult, {s.describe(value)},
           {.expected = "numbers, arrays, and lists, tuples or dicts of these from '" +
                        function.str() + "', which has its own derivative rule"});
}

ValueList Structure::floatsOf(const Value &value) {
  ValueList floats;
  mapFloats(value, [&](const Value &leaf) {
    floats.push_back(leaf);
    return leaf;
  });
  return floats;
}

mlir::Value Structure::tensorOf(const Value &leaf) {
  if (auto *scalar = leaf.get<Scalar>())
    return s.ssaAs(*scalar, dtypeOf(scalar->kind));
  return s.read(*s.arrayObject(leaf)).tensor;
}

Value Structure::rebuild(const Value &value, mlir::ValueRange leaves) {
  return mapFloats(value, [&](const Value &leaf) -> Value {
    mlir::Value next = leaves.front();
    leaves = leaves.drop_front();
    if (auto *scalar = leaf.get<Scalar>())
      return s.makeScalar(scalar->isMixed() ? ScalarKind::PyFloat : scalar->kind, next);
    ArrayValue content = s.read(*s.arrayObject(leaf));
    content.tensor = next;
    return s.newArray(content);
  });
}

void Structure::failForm(const Value &value, const Value &derivative) {
  auto form = [&](const Value &whole) {
    std::optional<ValueList> parts = partsOf(whole);
    return s.describe(whole) + (parts ? " of " + std::to_string(parts->size()) : "");
  };
  failCertain(s, "TypeError",
              "a rule of " + function + "() gives " + form(derivative) + " for " + form(value));
}

mlir::Value Structure::zerosOf(const Value &value) {
  mlir::Value like = tensorOf(value);
  DType dtype = DType::Float64;
  if (auto *scalar = value.get<Scalar>())
    dtype = dtypeOf(scalar->kind);
  mlir::Value zero = s.ssaAs(s.makeFloat(0), dtype);
  if (!isa<RankedTensorType>(like.getType()))
    return zero;
  ArrayValue content = s.read(*s.arrayObject(value));
  return s.castTensor(fill(s, s.ssaAs(s.makeFloat(0), content.dtype), content.dtype, content.shape),
                      like.getType());
}

void Structure::matchLeaf(const Value &value, const Value &derivative,
                          llvm::SmallVectorImpl<mlir::Value> &into) {
  ElementOperand given = makeOperand(s, derivative);
  if (auto *scalar = value.get<Scalar>()) {
    if (!given.shape.empty())
      failForm(value, derivative);
    into.push_back(convert(s, given, dtypeOf(scalar->kind)));
    return;
  }
  ArrayValue content = s.read(*s.arrayObject(value));
  if (given.shape.size() != content.shape.size())
    failForm(value, derivative);
  for (auto [wanted, extent] : llvm::zip(content.shape, given.shape))
    if (wanted != extent)
      checkEqual(s, wanted, extent, "ValueError",
                 CheckText{"a rule of " + function.str() +
                               "() gives a derivative whose shape is not that of its value",
                           {}});
  mlir::Value tensor = convert(s, given, content.dtype);
  // An array without dimensions may be given as a number.
  if (!isa<RankedTensorType>(tensor.getType()))
    tensor = fill(s, tensor, content.dtype, content.shape);
  into.push_back(s.castTensor(tensor, content.tensor.getType()));
}

void Structure::match(const Value &value, const Value &derivative,
                      llvm::SmallVectorImpl<mlir::Value> &into) {
  if (derivative.isNone()) {
    for (const Value &leaf : floatsOf(value))
      into.push_back(zerosOf(leaf));
    return;
  }
  if (isFloatNumber(value) || isFloatArray(value))
    return matchLeaf(value, derivative, into);
  std::optional<ValueList> parts = partsOf(value);
  if (!parts)
    return;
  std::optional<ValueList> given = partsOf(derivative);
  if (!given || given->size() != parts->size())
    failForm(value, derivative);
  for (auto [part, each] : llvm::zip(*parts, *given))
    match(part, each, into);
}

namespace {
/// A rule as a function of its own, and what it reads beside the derivatives that it is given.
struct Rule {
  FlatSymbolRefAttr symbol;
  llvm::SmallVector<mlir::Value> kept;
};
} // namespace

Value Specializer::callWithRules(const RuledCall &ruled) {
  Structure structure(*this, ruled.name);
  llvm::SmallVector<mlir::Value> inputs, values;
  for (const Value &leaf : structure.floatsOf(ruled.arguments))
    inputs.push_back(structure.tensorOf(leaf));
  llvm::SaveAndRestore<unsigned> deeper(ruleDepth, ruleDepth + 1);
  bool hasRules = ruleDepth <= deepestRule;
  Value result = call(hasRules ? ruled.run : ruled.plain, {{}, {}, span});
  if (dead)
    return NoneValue{};
  Value value = result, kept = NoneValue{};
  if (hasRules) {
    std::optional<ValueList> run = knownItems(result);
    if (!run || run->size() != 2)
      failCertain(*this, "TypeError",
                  "the forward rule of " + ruled.name +
                      "() must return a pair: the value, and what is kept");
    value = present(run->front(), "the value");
    kept = run->back();
  }
  structure.refuseOpaque(value);
  for (const Value &leaf : structure.floatsOf(value))
    values.push_back(structure.tensorOf(leaf));
  if (values.empty())
    return value;

  // The rule is not run here: what it changes is forgotten.
  auto make = [&](const Value &rule, const Value &given, mlir::ValueRange leading,
                  const Value &wanted) {
    Rule made;
    if (rule.isNone() || !hasRules)
      return made;
    State entry = snapshot();
    llvm::SaveAndRestore<unsigned> noTry(tryDepth, 0);
    llvm::SmallVector<mlir::Value> derivatives;
    auto body = [&](mlir::ValueRange parameters) {
      Value result = call(rule, {{kept, structure.rebuild(given, parameters)}, {}, span});
      if (dead)
        fail(ErrorId::NotDifferentiableResult,
             {"'" + ruled.name + "': its rule always raises an exception"});
      structure.match(wanted, result, derivatives);
      restore(entry);
    };
    auto makeCall = [&](func::FuncOp function, mlir::ValueRange operands, mlir::TypeRange) {
      refuseEffects(*this, function, ErrorId::RuleEffect, "do it in the function itself");
      made.symbol = FlatSymbolRefAttr::get(function.getSymNameAttr());
      made.kept.assign(operands.begin() + leading.size(), operands.end());
      return mlir::ValueRange();
    };
    outline(ruled.name + "_rule", leading, body, [&] { return derivatives; }, makeCall);
    return made;
  };
  Rule reverse = make(ruled.reverse, value, values, ruled.arguments);
  Rule forward = make(ruled.forward, ruled.arguments, inputs, value);
  auto op = create<RuledOp>(mlir::ValueRange(values).getTypes(), ruled.name, reverse.symbol,
                            forward.symbol, /*settled=*/false, inputs, values, reverse.kept,
                            forward.kept);
  return structure.rebuild(value, op.getOutputs());
}

} // namespace mpy
