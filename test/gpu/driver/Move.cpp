// mov, cvta and isspacep: copies of values, halves of values, addresses between spaces.
#include "Lanes.h"
#include "Parser.h"

using namespace standin;

namespace {

template <class T> void move(const Instruction &i, Warp &w, uint32_t mask) {
  T *d = at<T>(w, i.d), *a = at<T>(w, i.a);
  store(d, mask, [&](unsigned l) { return a[l]; });
}
void movePredicate(const Instruction &i, Warp &w, uint32_t mask) {
  predicate(w, i.d) = (predicate(w, i.d) & ~mask) | (predicate(w, i.a) & mask);
}

/// `mov.b64 {%r1, %r2}, %rd1`. Places of 0 are not wanted.
template <class Whole, class Part, unsigned Count>
void unpack(const Instruction &i, Warp &w, uint32_t mask) {
  alignas(64) Whole a[lanes];
  memcpy(a, at<Whole>(w, i.a), sizeof a);
  for (unsigned k = 0; k < Count; ++k)
    store(at<Part>(w, i.vector[k]), mask,
          [&](unsigned l) { return Part(a[l] >> (k * sizeof(Part) * 8)); });
}
template <class Whole, class Part, unsigned Count>
void pack(const Instruction &i, Warp &w, uint32_t mask) {
  alignas(64) Whole made[lanes] = {};
  for (unsigned k = 0; k < Count; ++k) {
    Part *part = at<Part>(w, i.vector[k]);
    for (unsigned l = 0; l < lanes; ++l)
      made[l] |= Whole(part[l]) << (k * sizeof(Part) * 8);
  }
  store(at<Whole>(w, i.d), mask, [&](unsigned l) { return made[l]; });
}

/// `immediate` is added to an address, or taken from it.
void shiftAddress(const Instruction &i, Warp &w, uint32_t mask) {
  auto *d = at<uint64_t>(w, i.d), *a = at<uint64_t>(w, i.a);
  uint64_t by = uint64_t(i.immediate);
  store(d, mask, [&](unsigned l) { return a[l] + by; });
}

void isInSpace(const Instruction &i, Warp &w, uint32_t mask) {
  auto *a = at<uint64_t>(w, i.a);
  uint64_t base = uint64_t(i.immediate);
  storePredicate(predicate(w, i.d), mask, [&](unsigned l) { return a[l] - base < windowSize; });
}

uint64_t baseOf(Statement &s) {
  return s.has("shared")                                       ? sharedBase
         : s.has("local")                                      ? localBase
         : s.has("global") || s.has("const") || s.has("param") ? 0
                                                               : (s.unknown(), 0);
}

} // namespace

static bool decodeHalves(Statement &s, Instruction &i, Type type) {
  bool splits = s.operands[0].form == Operand::Vector;
  if (!splits && s.operands[1].form != Operand::Vector)
    return false;
  const std::vector<Operand> &parts = s.operands[splits ? 0 : 1].parts;
  unsigned count = parts.size(), bits = count ? type.bits / count : 0;
  if ((count != 2 && count != 4) || bits < 16)
    s.unknown();
  Type part = {Kind::Bits, uint8_t(bits)};
  for (unsigned k = 0; k < count; ++k)
    i.vector[k] =
        splits ? s.builder.destination(s, parts[k], part) : s.builder.source(s, parts[k], part);
  if (splits) {
    i.a = s.builder.source(s, s.operands[1], type);
    i.run = type.bits == 32 ? unpack<uint32_t, uint16_t, 2>
            : count == 2    ? unpack<uint64_t, uint32_t, 2>
                            : unpack<uint64_t, uint16_t, 4>;
  } else {
    i.d = s.builder.destination(s, s.operands[0], type);
    i.run = type.bits == 32 ? pack<uint32_t, uint16_t, 2>
            : count == 2    ? pack<uint64_t, uint32_t, 2>
                            : pack<uint64_t, uint16_t, 4>;
  }
  return true;
}

bool standin::decodeMove(Statement &s, Instruction &i) {
  std::string_view name = s.operation();
  if (name == "mov") {
    if (s.words.size() != 2)
      s.unknown();
    Type type = s.type();
    s.expect(2);
    if (decodeHalves(s, i, type))
      return true;
    i.a = s.builder.source(s, s.operands[1], type);
    i.d = s.builder.destination(s, s.operands[0], type);
    i.run = type.bits == 1    ? movePredicate
            : type.bits == 16 ? move<uint16_t>
            : type.bits == 32 ? move<uint32_t>
                              : move<uint64_t>;
    return true;
  }
  if (name == "cvta") {
    s.expect(2);
    Type address = {Kind::Bits, 64};
    if (s.type().bits != 64)
      s.unknown();
    i.a = s.builder.source(s, s.operands[1], address);
    i.d = s.builder.destination(s, s.operands[0], address);
    i.immediate = s.has("to") ? -int64_t(baseOf(s)) : int64_t(baseOf(s));
    i.run = i.immediate ? shiftAddress : move<uint64_t>;
    return true;
  }
  if (name != "isspacep")
    return false;
  s.expect(2);
  i.a = s.builder.source(s, s.operands[1], {Kind::Bits, 64});
  i.d = s.builder.destination(s, s.operands[0], {Kind::Predicate, 1});
  i.immediate = int64_t(s.has("global") ? globalBase : baseOf(s));
  i.run = isInSpace;
  return true;
}
