// Linear forms over run-time integers, kept in one normal form so that equal integers have equal
// expressions:
//
//   (n + 1) - 1  =>  n        max(0, n - 2) with n >= 2 unknown  =>  an atom, shared by every slice
//   that computes it
//
// Atoms (symbols and non-linear operations) are shared through one table, so equality of forms is
// equality of pointers.
#include "frontend/values/IntExpr.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/BuiltinTypes.h"
#include <cmath>
#include <limits>

namespace mpy {

using AtomPointer = std::shared_ptr<const IntAtom>;

namespace {

/// A key by which equal atoms find each other.
using AtomKey = std::vector<uint64_t>;

void appendKey(AtomKey &key, const IntExpr &expr) {
  key.push_back(expr.terms.size());
  key.push_back(expr.constant);
  for (auto &[atom, coefficient] : expr.terms) {
    key.push_back(atom->number);
    key.push_back(coefficient);
  }
}

// One table for a compilation; a compiler process compiles one program.
std::map<AtomKey, AtomPointer> sharedAtoms;

// What an atom computes has one number, whatever is known of it: `n - n` is 0 also where one path
// knows that n is an extent and another does not.
std::map<AtomKey, uint64_t> atomNumbers;

AtomPointer shareAtom(IntAtom atom) {
  AtomKey key{uint64_t(atom.kind), reinterpret_cast<uintptr_t>(atom.symbol.getAsOpaquePointer())};
  appendKey(key, atom.a);
  appendKey(key, atom.b);
  atom.number = atomNumbers.try_emplace(key, atomNumbers.size()).first->second;
  key.push_back(uint64_t(atom.nonNegative));
  key.push_back(uint64_t(atom.size));
  AtomPointer &entry = sharedAtoms[key];
  if (!entry)
    entry = std::make_shared<const IntAtom>(std::move(atom));
  return entry;
}

IntExpr atomExpr(IntAtom atom) {
  IntExpr result;
  result.terms.push_back({shareAtom(std::move(atom)), 1});
  return result;
}

/// An operation on two expressions.
IntExpr atomExpr(IntAtom::Kind kind, bool nonNegative, const IntExpr &a, const IntExpr &b) {
  IntAtom atom;
  atom.kind = kind;
  atom.nonNegative = nonNegative;
  atom.a = a;
  atom.b = b;
  return atomExpr(std::move(atom));
}

bool addOverflows(int64_t a, int64_t b, int64_t &sum) { return __builtin_add_overflow(a, b, &sum); }

/// a + factor * b
IntExpr combine(const IntExpr &a, const IntExpr &b, int64_t factor) {
  IntExpr result;
  int64_t scaled;
  if (__builtin_mul_overflow(b.constant, factor, &scaled) ||
      addOverflows(a.constant, scaled, result.constant))
    result.constant = a.constant; // Callers check constants for overflow first.
  auto left = a.terms.begin(), right = b.terms.begin();
  while (left != a.terms.end() || right != b.terms.end()) {
    if (right == b.terms.end() ||
        (left != a.terms.end() && left->first->number < right->first->number)) {
      result.terms.push_back(*left++);
    } else if (left == a.terms.end() || right->first->number < left->first->number) {
      result.terms.push_back({right->first, right->second * factor});
      ++right;
    } else {
      int64_t coefficient = left->second + right->second * factor;
      if (coefficient != 0)
        result.terms.push_back({left->first, coefficient});
      ++left, ++right;
    }
  }
  return result;
}

int64_t floorDivideConstants(int64_t a, int64_t b) {
  int64_t quotient = a / b;
  return (a % b != 0 && ((a < 0) != (b < 0))) ? quotient - 1 : quotient;
}

} // namespace

bool IntExpr::isNonNegative() const {
  if (constant < 0)
    return false;
  for (auto &[atom, coefficient] : terms)
    if (coefficient < 0 || !atom->nonNegative)
      return false;
  return true;
}

IntExpr IntExpr::operator+(const IntExpr &other) const { return combine(*this, other, 1); }
IntExpr IntExpr::operator-(const IntExpr &other) const { return combine(*this, other, -1); }

IntExpr IntExpr::operator*(const IntExpr &other) const {
  if (auto factor = other.known()) {
    if (*factor == 0)
      return IntExpr(0);
    return combine(IntExpr(0), *this, *factor);
  }
  if (known())
    return other * *this;
  bool ordered = terms.front().first->number <= other.terms.front().first->number;
  const IntExpr &first = ordered ? *this : other, &second = ordered ? other : *this;
  return atomExpr(IntAtom::Kind::Product, isNonNegative() && other.isNonNegative(), first, second);
}

void forgetAtoms() {
  sharedAtoms.clear();
  atomNumbers.clear();
}

static double magnitudeOf(const IntAtom &atom) {
  switch (atom.kind) {
  case IntAtom::Kind::Symbol:
    return atom.size == IntSize::Extent ? static_cast<double>(IntExpr::largestExtent)
                                        : std::numeric_limits<double>::infinity();
  case IntAtom::Kind::Maximum:
  case IntAtom::Kind::Minimum:
    return std::max(atom.a.magnitude(), atom.b.magnitude());
  case IntAtom::Kind::FloorDivide:
    return atom.a.magnitude();
  case IntAtom::Kind::Modulo:
    return atom.b.magnitude();
  case IntAtom::Kind::Product:
    return atom.a.magnitude() * atom.b.magnitude();
  }
  llvm_unreachable("an atom");
}

double IntExpr::magnitude() const {
  double bound = std::abs(static_cast<double>(constant));
  for (auto &[atom, coefficient] : terms)
    bound += std::abs(static_cast<double>(coefficient)) * magnitudeOf(*atom);
  return bound;
}

bool IntExpr::isCounted() const {
  if (terms.empty())
    return std::abs(static_cast<double>(constant)) < largestExtent;
  return terms.size() == 1 && terms[0].second == 1 &&
         terms[0].first->kind == IntAtom::Kind::Symbol &&
         terms[0].first->size == IntSize::Counted && constant > -longestStep &&
         constant < longestStep;
}

IntSize IntExpr::size() const {
  if (magnitude() <= static_cast<double>(largestExtent))
    return IntSize::Extent;
  return isCounted() ? IntSize::Counted : IntSize::Any;
}

bool IntExpr::isInRange() const { return magnitude() < 0x1p62 || isCounted(); }

IntExpr symbolExpr(mlir::Value value, bool isExtent) {
  return symbolExpr(value, isExtent, isExtent ? IntSize::Extent : IntSize::Any);
}

IntExpr symbolExpr(mlir::Value value, bool nonNegative, IntSize size) {
  if (auto constant = value.getDefiningOp<mlir::arith::ConstantOp>())
    if (auto attribute = mlir::dyn_cast<mlir::IntegerAttr>(constant.getValue()))
      return IntExpr(attribute.getInt());
  IntAtom symbol;
  symbol.symbol = value;
  symbol.nonNegative = nonNegative;
  symbol.size = size;
  return atomExpr(std::move(symbol));
}

IntExpr symbolLike(mlir::Value value, const IntExpr &expr) {
  return symbolExpr(value, expr.isNonNegative(), expr.size());
}

IntExpr maximum(const IntExpr &a, const IntExpr &b) {
  IntExpr difference = a - b;
  if (difference.isNonNegative())
    return a;
  if ((b - a).isNonNegative())
    return b;
  return atomExpr(IntAtom::Kind::Maximum, a.isNonNegative() || b.isNonNegative(), a, b);
}

IntExpr minimum(const IntExpr &a, const IntExpr &b) {
  IntExpr difference = a - b;
  if (difference.isNonNegative())
    return b;
  if ((b - a).isNonNegative())
    return a;
  return atomExpr(IntAtom::Kind::Minimum, a.isNonNegative() && b.isNonNegative(), a, b);
}

IntExpr floorDivide(const IntExpr &a, const IntExpr &b) {
  if (b.isKnown(1))
    return a;
  auto dividend = a.known(), divisor = b.known();
  if (dividend && divisor && *divisor != 0)
    return IntExpr(floorDivideConstants(*dividend, *divisor));
  return atomExpr(IntAtom::Kind::FloorDivide, a.isNonNegative() && b.isNonNegative(), a, b);
}

IntExpr modulo(const IntExpr &a, const IntExpr &b) {
  auto dividend = a.known(), divisor = b.known();
  if (dividend && divisor && *divisor != 0)
    return IntExpr(*dividend - *divisor * floorDivideConstants(*dividend, *divisor));
  return atomExpr(IntAtom::Kind::Modulo, b.isNonNegative(), a, b);
}

IntExpr IntExpr::substitute(llvm::function_ref<std::optional<IntExpr>(mlir::Value)> map) const {
  IntExpr result(constant);
  for (auto &[atom, coefficient] : terms) {
    IntExpr term;
    switch (atom->kind) {
    case IntAtom::Kind::Symbol:
      if (auto replacement = map(atom->symbol)) {
        term = *replacement;
        // What was known of the old symbol holds for its replacement.
        if (term.terms.size() == 1 && term.constant == 0 && term.terms[0].second == 1 &&
            term.terms[0].first->kind == IntAtom::Kind::Symbol) {
          const IntAtom &given = *term.terms[0].first;
          term = symbolExpr(given.symbol, atom->nonNegative || given.nonNegative,
                            std::max(atom->size, given.size));
        }
      } else {
        term.terms.push_back({atom, 1});
      }
      break;
    case IntAtom::Kind::Maximum:
      term = maximum(atom->a.substitute(map), atom->b.substitute(map));
      break;
    case IntAtom::Kind::Minimum:
      term = minimum(atom->a.substitute(map), atom->b.substitute(map));
      break;
    case IntAtom::Kind::FloorDivide:
      term = floorDivide(atom->a.substitute(map), atom->b.substitute(map));
      break;
    case IntAtom::Kind::Modulo:
      term = modulo(atom->a.substitute(map), atom->b.substitute(map));
      break;
    case IntAtom::Kind::Product:
      term = atom->a.substitute(map) * atom->b.substitute(map);
      break;
    }
    result = combine(result, term, coefficient);
  }
  return result;
}

void IntExpr::forEachSymbol(llvm::function_ref<void(mlir::Value)> visit) const {
  for (auto &[atom, coefficient] : terms) {
    if (atom->kind == IntAtom::Kind::Symbol) {
      visit(atom->symbol);
      continue;
    }
    atom->a.forEachSymbol(visit);
    atom->b.forEachSymbol(visit);
  }
}

/// Takes the number of operations from a budget; false where it does not suffice.
static bool spend(const IntExpr &expr, unsigned &budget) {
  for (auto &term : expr.terms) {
    if (budget == 0)
      return false;
    --budget;
    if (term.first->kind != IntAtom::Kind::Symbol &&
        (!spend(term.first->a, budget) || !spend(term.first->b, budget)))
      return false;
  }
  return true;
}

bool IntExpr::isLarge() const {
  unsigned budget = 32;
  return !spend(*this, budget);
}

static mlir::Value emitAtom(const IntAtom &atom, mlir::OpBuilder &builder, mlir::Location loc) {
  using namespace mlir;
  if (atom.kind == IntAtom::Kind::Symbol)
    return atom.symbol.getType().isIndex()
               ? atom.symbol
               : arith::IndexCastOp::create(builder, loc, builder.getIndexType(), atom.symbol)
                     .getResult();
  mlir::Value a = atom.a.emit(builder, loc), b = atom.b.emit(builder, loc);
  switch (atom.kind) {
  case IntAtom::Kind::Maximum:
    return arith::MaxSIOp::create(builder, loc, a, b);
  case IntAtom::Kind::Minimum:
    return arith::MinSIOp::create(builder, loc, a, b);
  case IntAtom::Kind::Product:
    return arith::MulIOp::create(builder, loc, a, b);
  case IntAtom::Kind::FloorDivide:
    return arith::FloorDivSIOp::create(builder, loc, a, b);
  default: {
    mlir::Value quotient = arith::FloorDivSIOp::create(builder, loc, a, b);
    return arith::SubIOp::create(builder, loc, a, arith::MulIOp::create(builder, loc, quotient, b));
  }
  }
}

mlir::Value IntExpr::emit(mlir::OpBuilder &builder, mlir::Location loc) const {
  using namespace mlir;
  mlir::Value sum;
  for (auto &[atom, coefficient] : terms) {
    mlir::Value term = emitAtom(*atom, builder, loc);
    if (coefficient != 1 && !(coefficient == -1 && sum))
      term = arith::MulIOp::create(builder, loc, term,
                                   arith::ConstantIndexOp::create(builder, loc, coefficient));
    if (!sum)
      sum = term;
    else if (coefficient == -1)
      sum = arith::SubIOp::create(builder, loc, sum, term);
    else
      sum = arith::AddIOp::create(builder, loc, sum, term);
  }
  if (!sum)
    return arith::ConstantIndexOp::create(builder, loc, constant);
  if (constant != 0)
    sum = arith::AddIOp::create(builder, loc, sum,
                                arith::ConstantIndexOp::create(builder, loc, constant));
  return sum;
}

} // namespace mpy
