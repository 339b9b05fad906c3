// atom and red. Lanes of a warp take their turns in order.
#include "Access.h"
#include "Lanes.h"
#include "Parser.h"
#include <type_traits>

using namespace standin;

namespace {

enum class Op { Add, Inc, Dec, Min, Max, And, Or, Xor, Exchange, Compare };

template <class T, Op O> T updated(T old, T value, T other) {
  if constexpr (O == Op::Add)
    return T(old + value);
  else if constexpr (O == Op::Min)
    return old < value ? old : value;
  else if constexpr (O == Op::Max)
    return old > value ? old : value;
  else if constexpr (O == Op::Exchange)
    return value;
  else if constexpr (O == Op::Compare)
    return old == value ? other : old;
  else if constexpr (O == Op::Inc)
    return old >= value ? T(0) : T(old + 1);
  else if constexpr (O == Op::Dec)
    return old == 0 || old > value ? value : T(old - 1);
  else if constexpr (std::is_integral_v<T>)
    return O == Op::And ? T(old & value) : O == Op::Or ? T(old | value) : T(old ^ value);
  return old;
}

template <class T, Op O> void atomic(const Instruction &i, Warp &w, uint32_t mask) {
  alignas(64) uint64_t addresses[lanes];
  char *found[lanes];
  addressesOf(i, w, addresses);
  checkedAccess(i, w, mask, addresses, sizeof(T), Use::Atomic, found);
  w.launch->counts.atomics += __builtin_popcount(mask);
  T *b = at<T>(w, i.b), *c = at<T>(w, i.c), *d = at<T>(w, i.d);
  for (uint32_t rest = mask; rest; rest &= rest - 1) {
    unsigned l = __builtin_ctz(rest);
    T old;
    memcpy(&old, found[l], sizeof old);
    T made = updated<T, O>(old, b[l], c[l]);
    memcpy(found[l], &made, sizeof made);
    if (i.registerBits)
      d[l] = old;
  }
}

template <class T> Handler integerHandler(std::string_view op) {
  return op == "add"    ? atomic<T, Op::Add>
         : op == "min"  ? atomic<T, Op::Min>
         : op == "max"  ? atomic<T, Op::Max>
         : op == "and"  ? atomic<T, Op::And>
         : op == "or"   ? atomic<T, Op::Or>
         : op == "xor"  ? atomic<T, Op::Xor>
         : op == "exch" ? atomic<T, Op::Exchange>
         : op == "cas"  ? atomic<T, Op::Compare>
         : op == "inc"  ? atomic<T, Op::Inc>
         : op == "dec"  ? atomic<T, Op::Dec>
                        : nullptr;
}

Handler handlerFor(std::string_view op, Type type) {
  if (type.kind == Kind::Float)
    return op != "add"       ? nullptr
           : type.bits == 64 ? atomic<double, Op::Add>
           : type.bits == 32 ? atomic<float, Op::Add>
                             : nullptr;
  bool isSigned = type.kind == Kind::Signed;
  if (type.bits == 32)
    return isSigned ? integerHandler<int32_t>(op) : integerHandler<uint32_t>(op);
  if (type.bits == 64)
    return isSigned ? integerHandler<int64_t>(op) : integerHandler<uint64_t>(op);
  return type.bits == 16 && op == "cas" ? atomic<uint16_t, Op::Compare> : nullptr;
}

} // namespace

bool standin::decodeAtomic(Statement &s, Instruction &i) {
  bool returns = s.operation() == "atom";
  if (!returns && s.operation() != "red")
    return false;
  i.type = s.type();
  std::string_view op;
  for (size_t k = 1; k + 1 < s.words.size(); ++k) {
    std::string_view word = s.words[k];
    if (word == "global")
      i.space = Space::Global;
    else if (word.substr(0, 6) == "shared")
      i.space = Space::Shared;
    else if (word == "relaxed" || word == "acquire" || word == "release" || word == "acq_rel" ||
             word == "sys" || word == "gpu" || word == "cta")
      continue;
    else
      op = op.empty() ? word : (s.unknown(), word);
  }
  i.run = handlerFor(op, i.type);
  if (!i.run)
    s.unknown();
  size_t first = returns ? 1 : 0, count = op == "cas" ? 3 : 2;
  s.expect(first + count);
  if (returns) {
    i.d = s.builder.destination(s, s.operands[0], i.type);
    i.registerBits = i.type.bits;
  }
  i.a = s.builder.address(s, s.operands[first], i);
  i.b = s.builder.source(s, s.operands[first + 1], i.type);
  i.c = op == "cas" ? s.builder.source(s, s.operands[first + 2], i.type) : i.b;
  return true;
}
