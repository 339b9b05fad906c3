// Functions where paths meet: one of several, which run-time data say.
//
//   if c: f = np.sin                 %which = scf.if %c { 0 } else { 1 }
//   else: f = square           =>    f: one of (np.sin, square)
//
// A function that its path made, with captures that are new there, cannot be one of them: what it
// refers to is not there on the other path.
#include "frontend/paths/Joiner.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;

namespace mpy {

bool isOneDefinition(const Value &a, const Value &b) {
  if (isIdentical(a, b))
    return true;
  auto *x = a.as<ClosureValue>(), *y = b.as<ClosureValue>();
  if (x && y)
    return x->node == y->node;
  auto *method = a.as<BoundMethodValue>(), *other = b.as<BoundMethodValue>();
  if (method && other)
    return isIdentical(method->self, other->self) &&
           isOneDefinition(method->function, other->function);
  auto *transform = a.as<TransformValue>(), *second = b.as<TransformValue>();
  return transform && second && transform->kind == second->kind &&
         transform->argnums == second->argnums && transform->single == second->single &&
         transform->convention == second->convention &&
         isOneDefinition(transform->function, second->function);
}

/// Whether two values do the same when they are called: one definition, with the same captures.
static bool isSameFunction(const Value &a, const Value &b) {
  if (isIdentical(a, b))
    return true;
  auto *x = a.as<ClosureValue>(), *y = b.as<ClosureValue>();
  if (x && y)
    return x->node == y->node && x->cells == y->cells &&
           llvm::equal(x->defaults, y->defaults, [](const auto &left, const auto &right) {
             auto *one = left.second.template get<Scalar>(),
                  *other = right.second.template get<Scalar>();
             bool isSameNumber = one && other && one->kind == other->kind &&
                                 one->value == other->value && one->tag == other->tag &&
                                 one->knownBool == other->knownBool &&
                                 one->knownFloat == other->knownFloat && one->expr == other->expr;
             return left.first == right.first &&
                    (isSameNumber || isIdentical(left.second, right.second));
           });
  auto *method = a.as<BoundMethodValue>(), *other = b.as<BoundMethodValue>();
  if (method && other)
    return isIdentical(method->self, other->self) &&
           isSameFunction(method->function, other->function);
  auto *transform = a.as<TransformValue>(), *second = b.as<TransformValue>();
  return transform && second && isOneDefinition(a, b) &&
         isSameFunction(transform->function, second->function);
}

bool isFunction(const Value &value) {
  return value.as<ClosureValue>() || value.as<BoundMethodValue>() || value.as<TransformValue>() ||
         value.get<const LibraryValue *>() || value.as<ChoiceValue>();
}

/// One of the functions of both paths; nothing where one of them refers to what only its path made.
std::optional<Value> Joiner::joinFunctions(const Value &a, const Value &b) {
  if (isOneDefinition(a, b))
    return std::nullopt;
  auto isLasting = [&](const Value &value) {
    bool lasts = true;
    LeafMapper mapper;
    mapper.leaf = [&](mlir::Value leaf) {
      lasts &= s.isAvailable(leaf);
      return leaf;
    };
    mapper.expr = [&](const IntExpr &expr) {
      lasts &= s.isAvailable(expr);
      return expr;
    };
    mapper.object = [&](ObjectId id) {
      lasts &= id < mark;
      return id;
    };
    mapper.map(value);
    return lasts;
  };
  ChoiceValue result;
  auto numberOf = [&](const Value &value) -> int64_t {
    for (auto [number, option] : llvm::enumerate(result.options))
      if (isSameFunction(option, value))
        return number;
    result.options.push_back(value);
    return result.options.size() - 1;
  };
  auto number = [&](const Value &value, bool isFirst) -> mlir::Value {
    auto *choice = value.as<ChoiceValue>();
    llvm::SmallVector<int64_t> numbers;
    for (const Value &option : choice ? choice->options : ValueList{value})
      numbers.push_back(numberOf(option));
    bool isSame = choice && llvm::equal(numbers, llvm::seq<int64_t>(0, numbers.size()));
    return onPath(isFirst, [&]() -> mlir::Value {
      if (isSame)
        return choice->which;
      auto constant = [&](int64_t number) -> mlir::Value {
        return s.create<arith::ConstantOp>(s.builder.getI64IntegerAttr(number));
      };
      mlir::Value which = constant(numbers.back());
      for (size_t i = numbers.size() - 1; i-- > 0;)
        which = s.create<arith::SelectOp>(
            s.create<arith::CmpIOp>(arith::CmpIPredicate::eq, choice->which, constant(i)),
            constant(numbers[i]), which);
      return which;
    });
  };
  for (const Value &value : {a, b}) {
    auto *choice = value.as<ChoiceValue>();
    for (const Value &option : choice ? choice->options : ValueList{value})
      if (!isLasting(option))
        return std::nullopt;
  }
  mlir::Value left = number(a, true), right = number(b, false);
  if (result.options.size() == 1)
    return result.options[0];
  result.which = phi(left, right, s.builder.getI64Type());
  return std::make_shared<const ChoiceValue>(std::move(result));
}

} // namespace mpy
