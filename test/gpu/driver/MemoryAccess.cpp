// ld and st, of every space, scalars and vectors.
#include "Access.h"
#include "Lanes.h"
#include "Parser.h"

using namespace standin;

namespace {

template <class T>
void storeExtended(const Instruction &i, Warp &w, uint32_t offset, uint32_t mask, const T *values) {
  bool isSigned = i.type.kind == Kind::Signed;
  using S = std::make_signed_t<T>;
  auto value = [&](unsigned l) {
    return isSigned ? uint64_t(int64_t(S(values[l]))) : uint64_t(values[l]);
  };
  if (i.registerBits == 64)
    store(at<uint64_t>(w, offset), mask, value);
  else if (i.registerBits == 32)
    store(at<uint32_t>(w, offset), mask, [&](unsigned l) { return uint32_t(value(l)); });
  else
    store(at<uint16_t>(w, offset), mask, [&](unsigned l) { return uint16_t(value(l)); });
}

template <class T> void load(const Instruction &i, Warp &w, uint32_t mask) {
  alignas(64) uint64_t addresses[lanes];
  char *found[lanes];
  alignas(64) T values[4][lanes];
  addressesOf(i, w, addresses);
  checkedAccess(i, w, mask, addresses, sizeof(T) * i.count, Use::Read, found);
  for (uint32_t rest = mask; rest; rest &= rest - 1) {
    unsigned l = __builtin_ctz(rest);
    for (unsigned k = 0; k < i.count; ++k)
      memcpy(&values[k][l], found[l] + k * sizeof(T), sizeof(T));
  }
  for (unsigned k = 0; k < i.count; ++k)
    storeExtended(i, w, i.vector[k], mask, values[k]);
}

template <class T> void save(const Instruction &i, Warp &w, uint32_t mask) {
  alignas(64) uint64_t addresses[lanes];
  char *found[lanes];
  addressesOf(i, w, addresses);
  checkedAccess(i, w, mask, addresses, sizeof(T) * i.count, Use::Write, found);
  unsigned stride = i.registerBits / 8;
  for (unsigned k = 0; k < i.count; ++k) {
    char *from = at<char>(w, i.vector[k]);
    for (uint32_t rest = mask; rest; rest &= rest - 1) {
      unsigned l = __builtin_ctz(rest);
      memcpy(found[l] + k * sizeof(T), from + l * stride, sizeof(T));
    }
  }
}

/// A kernel's parameter: one value for all threads.
template <class T> void loadKernelParameter(const Instruction &i, Warp &w, uint32_t mask) {
  alignas(64) uint64_t addresses[lanes];
  addressesOf(i, w, addresses);
  const std::vector<char> &bytes = w.launch->parameters;
  for (unsigned k = 0; k < i.count; ++k) {
    alignas(64) T values[lanes] = {};
    for (uint32_t rest = mask; rest; rest &= rest - 1) {
      unsigned l = __builtin_ctz(rest);
      uint64_t offset = addresses[l] + k * sizeof(T);
      if (offset + sizeof(T) > bytes.size())
        fault(w, i, l, 700, "a read past the parameters");
      memcpy(&values[l], &bytes[offset], sizeof(T));
    }
    storeExtended(i, w, i.vector[k], mask, values);
  }
}

/// A parameter or result of a call: `immediate` is its place in the frame and `b` the bytes of each
/// lane.
template <class T> void loadCallParameter(const Instruction &i, Warp &w, uint32_t mask) {
  for (unsigned k = 0; k < i.count; ++k) {
    alignas(64) T values[lanes];
    for (unsigned l = 0; l < lanes; ++l)
      memcpy(&values[l], w.frame + i.a + l * i.b + i.c + k * sizeof(T), sizeof(T));
    storeExtended(i, w, i.vector[k], mask, values);
  }
}
template <class T> void saveCallParameter(const Instruction &i, Warp &w, uint32_t mask) {
  unsigned stride = i.registerBits / 8;
  for (unsigned k = 0; k < i.count; ++k) {
    char *from = at<char>(w, i.vector[k]);
    for (uint32_t rest = mask; rest; rest &= rest - 1) {
      unsigned l = __builtin_ctz(rest);
      memcpy(w.frame + i.a + l * i.b + i.c + k * sizeof(T), from + l * stride, sizeof(T));
    }
  }
}

void nothing(const Instruction &, Warp &, uint32_t) {}

#define OF_WIDTH(form, bits)                                                                       \
  ((bits) == 8    ? form<uint8_t>                                                                  \
   : (bits) == 16 ? form<uint16_t>                                                                 \
   : (bits) == 32 ? form<uint32_t>                                                                 \
                  : form<uint64_t>)

} // namespace

/// A parameter of a call, here or of this function; false for a kernel's.
static bool decodeCallParameter(Statement &s, Instruction &i, const Operand &address, bool isLoad) {
  const Variable *variable = s.builder.parameter(address.name);
  if (!variable)
    return false;
  if (address.bits + i.type.bits / 8 * i.count > variable->bytes)
    s.malformed("outside the parameter " + address.name);
  i.a = uint32_t(variable->offset);
  i.b = uint32_t(variable->bytes);
  i.c = uint32_t(address.bits);
  i.run =
      isLoad ? OF_WIDTH(loadCallParameter, i.type.bits) : OF_WIDTH(saveCallParameter, i.type.bits);
  return true;
}

static void decodeSpace(Statement &s, Instruction &i) {
  i.space = Space::Generic;
  for (size_t k = 1; k + 1 < s.words.size(); ++k) {
    std::string_view word = s.words[k];
    if (word == "global" || word == "const")
      i.space = Space::Global;
    else if (word.substr(0, 6) == "shared")
      i.space = Space::Shared;
    else if (word == "local")
      i.space = Space::Local;
    else if (word.substr(0, 5) == "param")
      i.space = Space::Parameter;
    else if (word == "volatile" || word == "relaxed" || word == "acquire" || word == "release")
      i.strong = true;
    else if (word == "v2" || word == "v4")
      i.count = word[1] - '0';
    else if (word == "nc" || word == "weak" || word == "sys" || word == "gpu" || word == "cta" ||
             word == "ca" || word == "cg" || word == "cs" || word == "lu" || word == "cv" ||
             word == "wb" || word == "wt" || word.substr(0, 4) == "L1::" ||
             word.substr(0, 4) == "L2::")
      continue;
    else
      s.unknown();
  }
}

bool standin::decodeMemory(Statement &s, Instruction &i) {
  std::string_view name = s.operation();
  bool isLoad = name == "ld" || name == "ldu";
  if (name == "prefetch" || name == "prefetchu" || name == "applypriority" || name == "discard") {
    i.run = nothing;
    return true;
  }
  if (!isLoad && name != "st")
    return false;
  i.type = s.type();
  decodeSpace(s, i);
  s.expect(2);
  const Operand &address = s.operands[isLoad ? 1 : 0], &value = s.operands[isLoad ? 0 : 1];
  bool isVector = value.form == Operand::Vector;
  if ((isVector ? value.parts.size() : 1) != i.count)
    s.malformed("a vector of another length");
  for (unsigned k = 0; k < i.count; ++k) {
    const Operand &part = isVector ? value.parts[k] : value;
    uint8_t bits;
    i.vector[k] = isLoad ? s.builder.wideDestination(s, part, bits)
                         : s.builder.wideSource(s, part, i.type, bits);
    if (part.form == Operand::Sink) {
      i.registerBits = i.registerBits ? i.registerBits : std::max<uint8_t>(i.type.bits, 16);
      continue;
    }
    if (bits < i.type.bits)
      s.malformed("a register of " + std::to_string(bits) + " bits for " + std::string(s.opcode));
    if (i.registerBits && bits != i.registerBits)
      s.malformed("a vector of registers of different widths");
    i.registerBits = bits;
  }
  if (i.space == Space::Parameter) {
    if (address.form != Operand::Address)
      s.malformed("an address in brackets is wanted");
    if (decodeCallParameter(s, i, address, isLoad))
      return true;
    if (!isLoad || !s.builder.function.isKernel)
      s.malformed("undeclared parameter " + address.name);
    i.a = s.builder.address(s, address, i);
    i.run = OF_WIDTH(loadKernelParameter, i.type.bits);
    return true;
  }
  i.a = s.builder.address(s, address, i);
  i.run = isLoad ? OF_WIDTH(load, i.type.bits) : OF_WIDTH(save, i.type.bits);
  return true;
}
