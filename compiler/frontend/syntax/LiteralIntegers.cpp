// Arithmetic of literal ints, done with as many bits as it takes:
//
//   2**63 - 1      =>  9223372036854775807, though 2**63 has no int of 64 bits
//   10**30 % 7     =>  1
#include "frontend/syntax/LiteralIntegers.h"
#include "llvm/ADT/APInt.h"
#include "llvm/Support/Casting.h"

using llvm::APInt;

namespace mpy {

static constexpr unsigned mostBits = 1 << 14, deepest = 8;

/// The same number with that many bits more than it needs.
static APInt withRoom(const APInt &x, unsigned more) {
  return x.sextOrTrunc(x.getSignificantBits() + more);
}

static std::optional<APInt> literal(const ast::Constant &node) {
  if (node.type != ast::ConstantKind::Int)
    return std::nullopt;
  if (!node.isBigInt)
    return APInt(64, node.intValue, /*isSigned=*/true);
  llvm::StringRef digits = node.text;
  unsigned radix = llvm::getAutoSenseRadix(digits);
  if (digits.size() * 4 > mostBits)
    return std::nullopt;
  return APInt(digits.size() * 4 + 1, digits, radix);
}

static std::optional<APInt> power(const APInt &base, const APInt &exponent) {
  if (exponent.isNegative() || exponent.getActiveBits() > 14)
    return std::nullopt;
  unsigned count = exponent.getZExtValue();
  if (base.getSignificantBits() * count > mostBits)
    return std::nullopt;
  APInt x = withRoom(base, base.getSignificantBits() * count + 1), result(x.getBitWidth(), 1);
  for (unsigned i = 0; i < count; ++i)
    result *= x;
  return result;
}

static std::optional<APInt> divide(const APInt &x, const APInt &y, bool wantsRest) {
  if (y.isZero())
    return std::nullopt;
  APInt quotient, rest;
  APInt::sdivrem(x, y, quotient, rest);
  bool isRounded = !rest.isZero() && rest.isNegative() != y.isNegative();
  if (wantsRest)
    return isRounded ? rest + y : rest;
  return isRounded ? quotient - 1 : quotient;
}

static std::optional<APInt> combine(ast::BinaryOperator op, APInt x, APInt y) {
  using Op = ast::BinaryOperator;
  if (op == Op::Pow)
    return power(x, y);
  if (op == Op::LShift || op == Op::RShift) {
    if (y.isNegative() || y.getActiveBits() > 14)
      return std::nullopt;
    unsigned count = y.getZExtValue();
    return op == Op::LShift ? withRoom(x, count + 1).shl(count)
                            : withRoom(x, count + 1).ashr(count);
  }
  unsigned width = x.getSignificantBits() + y.getSignificantBits() + 2;
  if (width > mostBits)
    return std::nullopt;
  x = x.sextOrTrunc(width);
  y = y.sextOrTrunc(width);
  switch (op) {
  case Op::Add:
    return x + y;
  case Op::Sub:
    return x - y;
  case Op::Mult:
    return x * y;
  case Op::FloorDiv:
  case Op::Mod:
    return divide(x, y, op == Op::Mod);
  case Op::BitAnd:
    return x & y;
  case Op::BitOr:
    return x | y;
  case Op::BitXor:
    return x ^ y;
  default:
    return std::nullopt;
  }
}

static std::optional<APInt> evaluate(const ast::Expr &expr, unsigned depth) {
  if (auto *node = llvm::dyn_cast<ast::Constant>(&expr))
    return literal(*node);
  if (depth == deepest)
    return std::nullopt;
  if (auto *node = llvm::dyn_cast<ast::UnaryOp>(&expr)) {
    auto operand = evaluate(*node->operand, depth + 1);
    if (!operand || node->op == ast::UnaryOperator::Not)
      return std::nullopt;
    APInt x = withRoom(*operand, 1);
    return node->op == ast::UnaryOperator::USub   ? -x
           : node->op == ast::UnaryOperator::UAdd ? x
                                                  : ~x;
  }
  auto *node = llvm::dyn_cast<ast::BinOp>(&expr);
  if (!node)
    return std::nullopt;
  // The right operand of a long chain is short.
  auto right = evaluate(*node->right, depth + 1);
  auto left = right ? evaluate(*node->left, depth + 1) : std::nullopt;
  return left ? combine(node->op, *left, *right) : std::nullopt;
}

std::optional<int64_t> literalInteger(const ast::Expr &expr) {
  auto value = evaluate(expr, 0);
  if (!value || value->getSignificantBits() > 64)
    return std::nullopt;
  return value->getSExtValue();
}

} // namespace mpy
