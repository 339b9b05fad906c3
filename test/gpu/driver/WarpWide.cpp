// What the lanes of a warp do together: shfl, vote, redux, match, activemask, bar.warp.sync.
//
// Lanes that the instruction's mask names and that are not there, and values taken from lanes that
// are not there, are findings: a device would wait or give anything.
#include "Device.h"
#include "Lanes.h"
#include "Parser.h"

using namespace standin;

namespace {

/// The members that take part.
uint32_t members(const Instruction &i, Warp &w, uint32_t mask, uint32_t place_) {
  uint32_t wanted = at<uint32_t>(w, place_)[__builtin_ctz(mask)];
  uint32_t absent = wanted & w.present & ~w.exited & ~mask;
  if (absent)
    fault(w, i, __builtin_ctz(mask), 719,
          "lane " + std::to_string(__builtin_ctz(absent)) + " of the mask is in another branch");
  if (mask & ~wanted)
    fault(w, i, __builtin_ctz(mask & ~wanted), 719, "a lane outside the mask");
  return mask;
}

enum class Mode { Up, Down, Butterfly, Index };

template <Mode M> void shuffle(const Instruction &i, Warp &w, uint32_t mask) {
  members(i, w, mask, i.vector[1]);
  auto *a = at<uint32_t>(w, i.a), *b = at<uint32_t>(w, i.b), *c = at<uint32_t>(w, i.c);
  alignas(64) uint32_t made[lanes];
  uint32_t inside = 0;
  for (uint32_t rest = mask; rest; rest &= rest - 1) {
    int l = __builtin_ctz(rest), by = b[l] & 31, clamp = c[l] & 31, segment = c[l] >> 8 & 31;
    int most = (l & segment) | (clamp & ~segment), from;
    bool isInside;
    if (M == Mode::Up)
      from = l - by, isInside = from >= most;
    else if (M == Mode::Down)
      from = l + by, isInside = from <= most;
    else if (M == Mode::Butterfly)
      from = l ^ by, isInside = from <= most;
    else
      from = (l & segment) | (by & ~segment), isInside = from <= most;
    if (!isInside)
      from = l;
    if (!(mask >> from & 1))
      fault(w, i, l, 719,
            "a shuffle takes from lane " + std::to_string(from) + ", which is not there");
    inside |= uint32_t(isInside) << l;
    made[l] = a[from];
  }
  store(at<uint32_t>(w, i.d), mask, [&](unsigned l) { return made[l]; });
  if (i.count == 2) {
    uint32_t &p = predicate(w, i.vector[0]);
    p = (p & ~mask) | (inside & mask);
  }
}

/// `immediate`: 0 all, 1 any, 2 uni.
void votePredicate(const Instruction &i, Warp &w, uint32_t mask) {
  members(i, w, mask, i.b);
  uint32_t p = (predicate(w, i.a) ^ (i.count == 2 ? allLanes : 0)) & mask;
  bool made = i.immediate == 0 ? p == mask : i.immediate == 1 ? p != 0 : p == 0 || p == mask;
  uint32_t &d = predicate(w, i.d);
  d = (d & ~mask) | (made ? mask : 0);
}
void voteBallot(const Instruction &i, Warp &w, uint32_t mask) {
  members(i, w, mask, i.b);
  uint32_t p = (predicate(w, i.a) ^ (i.count == 2 ? allLanes : 0)) & mask;
  store(at<uint32_t>(w, i.d), mask, [&](unsigned) { return p; });
}
void activeMask(const Instruction &i, Warp &w, uint32_t mask) {
  store(at<uint32_t>(w, i.d), mask, [&](unsigned) { return mask; });
}
void warpBarrier(const Instruction &i, Warp &w, uint32_t mask) {
  members(i, w, mask, i.a);
  ++w.phase;
}

template <class T> void reduce(const Instruction &i, Warp &w, uint32_t mask) {
  members(i, w, mask, i.b);
  T *a = at<T>(w, i.a), made = a[__builtin_ctz(mask)];
  for (uint32_t rest = mask & (mask - 1); rest; rest &= rest - 1) {
    T value = a[__builtin_ctz(rest)];
    switch (i.immediate) {
    case 0:
      made = T(uint32_t(made) + uint32_t(value));
      break;
    case 1:
      made = made < value ? made : value;
      break;
    case 2:
      made = made > value ? made : value;
      break;
    case 3:
      made &= value;
      break;
    case 4:
      made |= value;
      break;
    default:
      made ^= value;
    }
  }
  store(at<T>(w, i.d), mask, [&](unsigned) { return made; });
}

template <class T> void matchAny(const Instruction &i, Warp &w, uint32_t mask) {
  members(i, w, mask, i.b);
  T *a = at<T>(w, i.a);
  alignas(64) uint32_t made[lanes] = {};
  for (unsigned l = 0; l < lanes; ++l)
    for (unsigned k = 0; k < lanes; ++k)
      made[l] |= uint32_t((mask >> k & 1) && a[k] == a[l]) << k;
  store(at<uint32_t>(w, i.d), mask, [&](unsigned l) { return made[l]; });
}

constexpr Type word = {Kind::Bits, 32}, truth = {Kind::Predicate, 1};

} // namespace

static void decodeShuffle(Statement &s, Instruction &i) {
  if (!s.has("sync"))
    s.unknown();
  s.expect(5);
  i.d = s.builder.destination(s, s.operands[0], word);
  if (!s.operands[0].second.empty()) {
    i.count = 2;
    i.vector[0] = s.builder.destination(s, {Operand::Name, s.operands[0].second}, truth);
  }
  i.a = s.builder.source(s, s.operands[1], word);
  i.b = s.builder.source(s, s.operands[2], word);
  i.c = s.builder.source(s, s.operands[3], word);
  i.vector[1] = s.builder.source(s, s.operands[4], word);
  i.run = s.has("up")     ? shuffle<Mode::Up>
          : s.has("down") ? shuffle<Mode::Down>
          : s.has("bfly") ? shuffle<Mode::Butterfly>
          : s.has("idx")  ? shuffle<Mode::Index>
                          : (s.unknown(), nullptr);
}

static void decodeVote(Statement &s, Instruction &i) {
  if (!s.has("sync"))
    s.unknown();
  s.expect(3);
  bool isBallot = s.has("ballot");
  i.d = s.builder.destination(s, s.operands[0], isBallot ? word : truth);
  i.a = s.builder.source(s, s.operands[1], truth);
  i.count = s.operands[1].negated ? 2 : 1;
  i.b = s.builder.source(s, s.operands[2], word);
  i.immediate = s.has("all") ? 0 : s.has("any") ? 1 : 2;
  i.run = isBallot ? voteBallot : votePredicate;
}

static void decodeReduction(Statement &s, Instruction &i) {
  static constexpr std::string_view names[] = {"add", "min", "max", "and", "or", "xor"};
  Type type = s.type();
  s.expect(3);
  i.immediate = -1;
  for (unsigned k = 0; k < 6; ++k)
    if (s.has(names[k]))
      i.immediate = k;
  if (i.immediate < 0 || type.bits != 32)
    s.unknown();
  i.d = s.builder.destination(s, s.operands[0], type);
  i.a = s.builder.source(s, s.operands[1], type);
  i.b = s.builder.source(s, s.operands[2], word);
  i.run = type.kind == Kind::Signed ? reduce<int32_t> : reduce<uint32_t>;
}

bool standin::decodeWarp(Statement &s, Instruction &i) {
  std::string_view name = s.operation();
  if (name == "shfl")
    decodeShuffle(s, i);
  else if (name == "vote")
    decodeVote(s, i);
  else if (name == "redux")
    decodeReduction(s, i);
  else if (name == "activemask") {
    s.expect(1);
    i.d = s.builder.destination(s, s.operands[0], word);
    i.run = activeMask;
  } else if (name == "match" && s.has("any")) {
    Type type = s.type();
    s.expect(3);
    i.d = s.builder.destination(s, s.operands[0], word);
    i.a = s.builder.source(s, s.operands[1], type);
    i.b = s.builder.source(s, s.operands[2], word);
    i.run = type.bits == 64 ? matchAny<uint64_t> : matchAny<uint32_t>;
  } else if (name == "bar" && s.has("warp")) {
    s.expect(1);
    i.a = s.builder.source(s, s.operands[0], word);
    i.run = warpBarrier;
  } else
    return false;
  return true;
}
