// setp, set, selp, slct, testp.
#include "Lanes.h"
#include "Parser.h"
#include <cmath>
#include <type_traits>

using namespace standin;

namespace {

enum class Test { Eq, Ne, Lt, Le, Gt, Ge, Equ, Neu, Ltu, Leu, Gtu, Geu, Num, Nan };

template <Test C, class T> bool compare(T a, T b) {
  bool unordered = a != a || b != b;
  switch (C) {
  case Test::Eq:
    return a == b;
  case Test::Ne:
    return a != b && !unordered;
  case Test::Lt:
    return a < b;
  case Test::Le:
    return a <= b;
  case Test::Gt:
    return a > b;
  case Test::Ge:
    return a >= b;
  case Test::Equ:
    return a == b || unordered;
  case Test::Neu:
    return a != b;
  case Test::Ltu:
    return !(a >= b);
  case Test::Leu:
    return !(a > b);
  case Test::Gtu:
    return !(a <= b);
  case Test::Geu:
    return !(a < b);
  case Test::Num:
    return !unordered;
  case Test::Nan:
    return unordered;
  }
}

template <class T, Test C, bool Flushes> uint32_t compared(const Instruction &i, Warp &w) {
  T *a = at<T>(w, i.a), *b = at<T>(w, i.b);
  uint32_t found = 0;
  for (unsigned l = 0; l < lanes; ++l) {
    T x = a[l], y = b[l];
    if constexpr (Flushes)
      x = flush(x), y = flush(y);
    found |= uint32_t(compare<C>(x, y)) << l;
  }
  return found;
}

/// The second result of `setp p|q` is the opposite; `.and.` and the like join a third predicate.
template <class T, Test C, bool Flushes>
void setPredicate(const Instruction &i, Warp &w, uint32_t mask) {
  uint32_t found = compared<T, C, Flushes>(i, w);
  uint32_t &d = predicate(w, i.d);
  if (i.count == 1) {
    d = (d & ~mask) | (found & mask);
    return;
  }
  uint32_t opposite = ~found;
  if (i.immediate) {
    uint32_t third = predicate(w, i.c) ^ (i.vector[1] ? allLanes : 0);
    auto join = [&](uint32_t x) {
      return i.immediate == 1 ? x & third : i.immediate == 2 ? x | third : x ^ third;
    };
    found = join(found);
    opposite = join(opposite);
  }
  d = (d & ~mask) | (found & mask);
  if (i.count == 2) {
    uint32_t &q = predicate(w, i.vector[0]);
    q = (q & ~mask) | (opposite & mask);
  }
}

/// `set`: all bits, or 1.0 for floats.
template <class T, Test C, bool Flushes>
void setValue(const Instruction &i, Warp &w, uint32_t mask) {
  uint32_t found = compared<T, C, Flushes>(i, w),
           yes = i.type.kind == Kind::Float ? bitsOf<uint32_t>(1.0f) : ~0u;
  store(at<uint32_t>(w, i.d), mask, [&](unsigned l) { return found >> l & 1 ? yes : 0u; });
}

template <class T> void select(const Instruction &i, Warp &w, uint32_t mask) {
  T *d = at<T>(w, i.d), *a = at<T>(w, i.a), *b = at<T>(w, i.b);
  uint32_t p = predicate(w, i.c);
  store(d, mask, [&](unsigned l) { return p >> l & 1 ? a[l] : b[l]; });
}
template <class T, class By> void selectBySign(const Instruction &i, Warp &w, uint32_t mask) {
  T *d = at<T>(w, i.d), *a = at<T>(w, i.a), *b = at<T>(w, i.b);
  auto *c = at<By>(w, i.c);
  storeActive(d, mask, [&](unsigned l) { return c[l] >= 0 ? a[l] : b[l]; });
}

template <class T> void testNumber(const Instruction &i, Warp &w, uint32_t mask) {
  T *a = at<T>(w, i.a);
  storePredicate(predicate(w, i.d), mask, [&](unsigned l) {
    switch (i.immediate) {
    case 0:
      return bool(std::isfinite(a[l]));
    case 1:
      return bool(std::isinf(a[l]));
    case 2:
      return !std::isnan(a[l]);
    case 3:
      return bool(std::isnan(a[l]));
    case 4:
      return bool(std::isnormal(a[l]));
    default:
      return std::fpclassify(a[l]) == FP_SUBNORMAL;
    }
  });
}

#define WITH_TEST(form, T, flushes)                                                                \
  switch (test) {                                                                                  \
  case Test::Eq:                                                                                   \
    return form<T, Test::Eq, flushes>;                                                             \
  case Test::Ne:                                                                                   \
    return form<T, Test::Ne, flushes>;                                                             \
  case Test::Lt:                                                                                   \
    return form<T, Test::Lt, flushes>;                                                             \
  case Test::Le:                                                                                   \
    return form<T, Test::Le, flushes>;                                                             \
  case Test::Gt:                                                                                   \
    return form<T, Test::Gt, flushes>;                                                             \
  case Test::Ge:                                                                                   \
    return form<T, Test::Ge, flushes>;                                                             \
  case Test::Equ:                                                                                  \
    return form<T, Test::Equ, flushes>;                                                            \
  case Test::Neu:                                                                                  \
    return form<T, Test::Neu, flushes>;                                                            \
  case Test::Ltu:                                                                                  \
    return form<T, Test::Ltu, flushes>;                                                            \
  case Test::Leu:                                                                                  \
    return form<T, Test::Leu, flushes>;                                                            \
  case Test::Gtu:                                                                                  \
    return form<T, Test::Gtu, flushes>;                                                            \
  case Test::Geu:                                                                                  \
    return form<T, Test::Geu, flushes>;                                                            \
  case Test::Num:                                                                                  \
    return form<T, Test::Num, flushes>;                                                            \
  case Test::Nan:                                                                                  \
    return form<T, Test::Nan, flushes>;                                                            \
  }                                                                                                \
  return nullptr

#define WITH_TYPE(form)                                                                            \
  if (type.kind == Kind::Float) {                                                                  \
    if (type.bits == 64) {                                                                         \
      WITH_TEST(form, double, false);                                                              \
    }                                                                                              \
    if (flushes) {                                                                                 \
      WITH_TEST(form, float, true);                                                                \
    }                                                                                              \
    WITH_TEST(form, float, false);                                                                 \
  }                                                                                                \
  if (type.kind == Kind::Signed) {                                                                 \
    if (type.bits == 16) {                                                                         \
      WITH_TEST(form, int16_t, false);                                                             \
    }                                                                                              \
    if (type.bits == 32) {                                                                         \
      WITH_TEST(form, int32_t, false);                                                             \
    }                                                                                              \
    WITH_TEST(form, int64_t, false);                                                               \
  }                                                                                                \
  if (type.bits == 16) {                                                                           \
    WITH_TEST(form, uint16_t, false);                                                              \
  }                                                                                                \
  if (type.bits == 32) {                                                                           \
    WITH_TEST(form, uint32_t, false);                                                              \
  }                                                                                                \
  WITH_TEST(form, uint64_t, false)

Handler predicateHandler(Test test, Type type, bool flushes) { WITH_TYPE(setPredicate); }
Handler valueHandler(Test test, Type type, bool flushes) { WITH_TYPE(setValue); }

bool findTest(std::string_view word, Type type, Test &test) {
  static constexpr std::pair<std::string_view, Test> names[] = {
      {"eq", Test::Eq},   {"ne", Test::Ne},   {"lt", Test::Lt},   {"le", Test::Le},
      {"gt", Test::Gt},   {"ge", Test::Ge},   {"lo", Test::Lt},   {"ls", Test::Le},
      {"hi", Test::Gt},   {"hs", Test::Ge},   {"equ", Test::Equ}, {"neu", Test::Neu},
      {"ltu", Test::Ltu}, {"leu", Test::Leu}, {"gtu", Test::Gtu}, {"geu", Test::Geu},
      {"num", Test::Num}, {"nan", Test::Nan}};
  for (auto [name, found] : names)
    if (name == word) {
      test = found;
      return type.kind == Kind::Float ? name != "lo" && name != "ls" && name != "hi" && name != "hs"
                                      : found <= Test::Ge;
    }
  return false;
}

} // namespace

static void decodeSet(Statement &s, Instruction &i) {
  Type type = s.type();
  bool isValue = s.operation() == "set";
  Test test;
  if (!findTest(s.words[1], type, test) || type.bits < 16)
    s.unknown();
  bool joins = s.has("and") || s.has("or") || s.has("xor");
  s.expect(joins ? 4 : 3);
  i.a = s.builder.source(s, s.operands[1], type);
  i.b = s.builder.source(s, s.operands[2], type);
  if (isValue) {
    i.type = s.type(1);
    if (joins || i.type.bits != 32)
      s.unknown();
    i.d = s.builder.destination(s, s.operands[0], i.type);
    i.run = valueHandler(test, type, s.has("ftz"));
    return;
  }
  i.d = s.operands[0].form == Operand::Sink
            ? s.builder.constant(2, 1)
            : s.builder.destination(s, s.operands[0], {Kind::Predicate, 1});
  if (!s.operands[0].second.empty()) {
    i.count = 2;
    i.vector[0] =
        s.builder.destination(s, {Operand::Name, s.operands[0].second}, {Kind::Predicate, 1});
  }
  if (joins) {
    i.count = i.count == 2 ? 2 : 3;
    i.immediate = s.has("and") ? 1 : s.has("or") ? 2 : 3;
    i.c = s.builder.source(s, s.operands[3], {Kind::Predicate, 1});
    i.vector[1] = s.operands[3].negated;
  }
  i.run = predicateHandler(test, type, s.has("ftz"));
}

bool standin::decodeComparison(Statement &s, Instruction &i) {
  std::string_view name = s.operation();
  if (name == "setp" || name == "set") {
    decodeSet(s, i);
    return true;
  }
  if (name == "selp") {
    Type type = s.type();
    s.expect(4);
    i.a = s.builder.source(s, s.operands[1], type);
    i.b = s.builder.source(s, s.operands[2], type);
    i.c = s.builder.source(s, s.operands[3], {Kind::Predicate, 1});
    i.d = s.builder.destination(s, s.operands[0], type);
    i.run = type.bits == 16   ? select<uint16_t>
            : type.bits == 32 ? select<uint32_t>
                              : select<uint64_t>;
    return true;
  }
  if (name == "slct") {
    Type type = s.type(1), by = s.type();
    s.expect(4);
    i.a = s.builder.source(s, s.operands[1], type);
    i.b = s.builder.source(s, s.operands[2], type);
    i.c = s.builder.source(s, s.operands[3], by);
    i.d = s.builder.destination(s, s.operands[0], type);
    bool isFloat = by.kind == Kind::Float;
    i.run = type.bits == 32
                ? (isFloat ? selectBySign<uint32_t, float> : selectBySign<uint32_t, int32_t>)
                : (isFloat ? selectBySign<uint64_t, float> : selectBySign<uint64_t, int32_t>);
    return true;
  }
  if (name != "testp")
    return false;
  static constexpr std::string_view properties[] = {"finite",     "infinite", "number",
                                                    "notanumber", "normal",   "subnormal"};
  Type type = s.type();
  s.expect(2);
  for (unsigned k = 0; k < 6; ++k)
    if (s.words[1] == properties[k])
      i.immediate = k;
  i.a = s.builder.source(s, s.operands[1], type);
  i.d = s.builder.destination(s, s.operands[0], {Kind::Predicate, 1});
  i.run = type.bits == 64 ? testNumber<double> : testNumber<float>;
  return true;
}
