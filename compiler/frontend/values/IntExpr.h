// Integers that the compiler can reason about: constants, values known at run time only, and
// arithmetic on them. Extents of arrays and Python's ints carry one; two extents are the same when
// their expressions are.
#ifndef MPY_FRONTEND_INTEXPR_H
#define MPY_FRONTEND_INTEXPR_H

#include "mlir/IR/Builders.h"
#include "mlir/IR/Value.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <vector>

namespace mpy {

struct IntAtom;

/// How large a run-time integer can be. Python's ints are exact, so arithmetic on them is checked
/// unless this says that it cannot pass 64 bits.
enum class IntSize : uint8_t {
  Any,     ///< Any integer of 64 bits.
  Counted, ///< Reached by steps of less than `IntExpr::longestStep`: no program runs long enough.
  Extent,  ///< Of memory, or a number of iterations: below `IntExpr::largestExtent`.
};

/// A linear form: constant + sum of coefficient * atom, atoms in the order of their numbers.
class IntExpr {
public:
  IntExpr(int64_t constant = 0) : constant(constant) {}

  /// The value, where it is known at compile time.
  std::optional<int64_t> known() const {
    return terms.empty() ? std::optional<int64_t>(constant) : std::nullopt;
  }
  bool isKnown(int64_t value) const { return terms.empty() && constant == value; }
  /// Certainly >= 0; false means that it is not known to be.
  bool isNonNegative() const;
  /// No value is further from 0; infinity where nothing is known.
  double magnitude() const;
  /// What a value that this expression gives is known to be, and whether that was reached by
  /// counting.
  IntSize size() const;
  bool isCounted() const;
  /// Certainly far from passing 64 bits, as all that the arithmetic makes on the way to it.
  bool isInRange() const;
  bool operator==(const IntExpr &other) const {
    return constant == other.constant && terms == other.terms;
  }

  IntExpr operator+(const IntExpr &other) const;
  IntExpr operator-(const IntExpr &other) const;
  IntExpr operator*(const IntExpr &other) const;

  /// A new expression with each symbol replaced; null from `map` keeps the symbol.
  IntExpr substitute(llvm::function_ref<std::optional<IntExpr>(mlir::Value)> map) const;
  /// Calls `visit` for each run-time value that the expression reads.
  void forEachSymbol(llvm::function_ref<void(mlir::Value)> visit) const;
  /// Whether emitting it takes many operations: what is made of it again and again would double
  /// with each time.
  bool isLarge() const;
  /// Emits the arithmetic; the result has type index.
  mlir::Value emit(mlir::OpBuilder &builder, mlir::Location loc) const;

  static constexpr int64_t largestExtent = int64_t(1) << 47, longestStep = 1 << 15;

  int64_t constant;
  std::vector<std::pair<std::shared_ptr<const IntAtom>, int64_t>> terms;
};

/// What a linear form is made of: a symbol, or a non-linear operation on linear forms.
struct IntAtom {
  enum class Kind { Symbol, Maximum, Minimum, FloorDivide, Modulo, Product };
  Kind kind = Kind::Symbol;
  mlir::Value symbol; // Symbol: of type index or i64
  bool nonNegative = false;
  IntSize size = IntSize::Any; // of a symbol
  IntExpr a, b;
  /// Orders terms; equal atoms share one.
  uint64_t number = 0;
};

/// Forgets which atoms are equal: called before another program is specialised, whose values may
/// have the addresses of earlier ones.
void forgetAtoms();
/// A run-time integer (type index or i64) as an expression; equal values give equal expressions.
IntExpr symbolExpr(mlir::Value value, bool isExtent = false);
IntExpr symbolExpr(mlir::Value value, bool nonNegative, IntSize size);
/// The same number as a value of its own.
IntExpr symbolLike(mlir::Value value, const IntExpr &expr);
IntExpr maximum(const IntExpr &a, const IntExpr &b);
IntExpr minimum(const IntExpr &a, const IntExpr &b);
/// Python's // and %, divisor a positive constant or unknown (checked elsewhere to be non-zero).
IntExpr floorDivide(const IntExpr &a, const IntExpr &b);
IntExpr modulo(const IntExpr &a, const IntExpr &b);

} // namespace mpy

#endif // MPY_FRONTEND_INTEXPR_H
