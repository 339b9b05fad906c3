// Turns the operands of a function's statements into places of its frame: registers, immediates,
// special registers, addresses of variables.
#include "Parser.h"
#include <cstring>

using namespace standin;

bool standin::parseType(std::string_view word, Type &type) {
  if (word == "pred") {
    type = {Kind::Predicate, 1};
    return true;
  }
  if (word.size() < 2 || word.size() > 4)
    return false;
  Kind kind;
  switch (word[0]) {
  case 'b':
    kind = Kind::Bits;
    break;
  case 'u':
    kind = Kind::Unsigned;
    break;
  case 's':
    kind = Kind::Signed;
    break;
  case 'f':
    kind = Kind::Float;
    break;
  default:
    return false;
  }
  std::string_view bits = word.substr(1);
  unsigned width = bits == "8" ? 8 : bits == "16" ? 16 : bits == "32" ? 32 : bits == "64" ? 64 : 0;
  if (!width)
    return false;
  type = {kind, uint8_t(width)};
  return true;
}

bool Statement::has(std::string_view word) const {
  for (std::string_view candidate : words)
    if (candidate == word)
      return true;
  return false;
}

void Statement::expect(size_t count) const {
  if (operands.size() != count)
    malformed(std::string(opcode) + " takes " + std::to_string(count) + " operands, not " +
              std::to_string(operands.size()));
}

void Statement::unknown() const {
  throw UnknownInstruction{{"unknown instruction " + std::string(opcode), line}};
}

void Statement::malformed(const std::string &what) const { throw ParseError{what, line}; }

Type Statement::type(unsigned fromEnd) const {
  Type found;
  unsigned seen = 0;
  for (size_t k = words.size(); k-- > 1;)
    if (parseType(words[k], found) && seen++ == fromEnd)
      return found;
  unknown();
}

uint32_t Builder::place(uint32_t bytes) {
  uint32_t offset = function.frame.size();
  function.frame.resize(offset + bytes);
  return offset;
}

void Builder::declare(const std::string &name, Type type) {
  scopes.back().registers[name] = {place(placeBytes(type.bits)), type};
}

void Builder::declareRange(const std::string &prefix, unsigned count, Type type) {
  scopes.back().ranges[prefix] = {place(placeBytes(type.bits) * count), count, type};
}

Variable &Builder::declareParameter(const Variable &variable) {
  Variable &made = scopes.back().parameters[variable.name] = variable;
  made.offset = place((variable.bytes * lanes + 63) / 64 * 64);
  return made;
}

const Variable *Builder::parameter(const std::string &name) const {
  for (size_t k = scopes.size(); k-- > 0;)
    if (auto it = scopes[k].parameters.find(name); it != scopes[k].parameters.end())
      return &it->second;
  return nullptr;
}

const Variable *Builder::kernelParameter(const std::string &name) const {
  if (function.isKernel)
    for (const Variable &variable : function.parameters)
      if (variable.name == name)
        return &variable;
  return nullptr;
}

void Builder::declareDepot(const Variable &variable) {
  Variable made = variable;
  made.offset = (function.depotBytes + made.alignment - 1) / made.alignment * made.alignment;
  function.depotBytes = made.offset + made.bytes;
  depotNames[variable.name] = made;
}

const Register *Builder::find(const std::string &name) const {
  size_t digits = name.size();
  while (digits > 0 && isdigit(static_cast<unsigned char>(name[digits - 1])))
    --digits;
  for (size_t k = scopes.size(); k-- > 0;) {
    if (auto it = scopes[k].registers.find(name); it != scopes[k].registers.end())
      return &it->second;
    if (digits == name.size())
      continue;
    auto it = scopes[k].ranges.find(name.substr(0, digits));
    if (it == scopes[k].ranges.end())
      continue;
    uint32_t index = std::stoul(name.substr(digits));
    if (index >= it->second.count)
      return nullptr;
    found = {it->second.first + index * placeBytes(it->second.type.bits), it->second.type};
    return &found;
  }
  return nullptr;
}

uint32_t Builder::constant(uint64_t value, uint8_t bits) {
  auto [it, isNew] = constants.try_emplace({value, bits}, 0);
  if (!isNew)
    return it->second;
  uint32_t offset = it->second = place(placeBytes(bits));
  char *at = function.frame.data() + offset;
  if (bits == 1) {
    uint32_t mask = value ? allLanes : 0;
    memcpy(at, &mask, 4);
  }
  for (unsigned l = 0; bits > 1 && l < lanes; ++l)
    memcpy(at + l * (bits / 8), &value, bits / 8);
  return offset;
}

static const std::unordered_map<std::string, Special> specialRegisters = {
    {"%tid.x", Special::TidX},
    {"%tid.y", Special::TidY},
    {"%tid.z", Special::TidZ},
    {"%ntid.x", Special::NtidX},
    {"%ntid.y", Special::NtidY},
    {"%ntid.z", Special::NtidZ},
    {"%ctaid.x", Special::CtaidX},
    {"%ctaid.y", Special::CtaidY},
    {"%ctaid.z", Special::CtaidZ},
    {"%nctaid.x", Special::NctaidX},
    {"%nctaid.y", Special::NctaidY},
    {"%nctaid.z", Special::NctaidZ},
    {"%laneid", Special::LaneId},
    {"%warpid", Special::WarpId},
    {"%lanemask_eq", Special::LaneMaskEq},
    {"%lanemask_lt", Special::LaneMaskLt},
    {"%lanemask_le", Special::LaneMaskLe},
    {"%lanemask_gt", Special::LaneMaskGt},
    {"%lanemask_ge", Special::LaneMaskGe},
    {"%clock", Special::Clock},
    {"%clock64", Special::Clock},
    {"%globaltimer", Special::Clock},
    {"%gridid", Special::GridId},
    {"%dynamic_smem_size", Special::SharedDynamicSize},
    {"%total_smem_size", Special::SharedTotalSize},
};

/// The value of a variable's name: its address in its own space.
bool Builder::symbol(const std::string &name, uint64_t &value) {
  if (auto it = module.globals.find(name); it != module.globals.end()) {
    value = it->second;
    return true;
  }
  if (auto it = sharedNames.find(name); it != sharedNames.end()) {
    value = it->second->offset;
    for (const SharedVariable *used : function.shared)
      if (used == it->second)
        return true;
    function.shared.push_back(it->second);
    return true;
  }
  if (const Variable *variable = kernelParameter(name)) {
    value = variable->offset;
    return true;
  }
  return false;
}

uint32_t Builder::wideSource(const Statement &s, const Operand &operand, Type type, uint8_t &bits) {
  bits = type.bits;
  if (operand.form == Operand::Number) {
    uint64_t value = operand.bits;
    if (operand.floatBits == 64 && type.bits == 32) {
      double wide;
      memcpy(&wide, &value, 8);
      float narrow = wide;
      value = 0;
      memcpy(&value, &narrow, 4);
    } else if (operand.floatBits == 32 && type.bits == 64) {
      float narrow;
      memcpy(&narrow, &value, 4);
      double wide = narrow;
      memcpy(&value, &wide, 8);
    } else if (type.kind == Kind::Float && !operand.floatBits)
      s.malformed("an integer where a float is wanted");
    if (bits == 8)
      bits = 16;
    return constant(bits < 64 && bits > 1 ? value & ((1ull << bits) - 1) : value, bits);
  }
  if (operand.form != Operand::Name)
    s.malformed("an operand of " + std::string(s.opcode) + " is no value");
  if (const Register *reg = find(operand.name)) {
    bits = reg->type.bits;
    if ((bits == 1) != (type.bits == 1))
      s.malformed(operand.name + (bits == 1 ? " is a predicate" : " is no predicate"));
    return reg->offset;
  }
  if (auto it = specialRegisters.find(operand.name); it != specialRegisters.end()) {
    std::string key = operand.name + std::to_string(type.bits);
    auto [use, isNew] = specialPlaces.try_emplace(key, 0);
    if (isNew) {
      use->second = place(placeBytes(type.bits));
      function.specials.push_back({it->second, use->second, type.bits});
    }
    return use->second;
  }
  if (auto it = depotNames.find(operand.name); it != depotNames.end()) {
    auto [use, isNew] = depotPlaces.try_emplace(operand.name, 0);
    if (isNew) {
      use->second = place(placeBytes(64));
      function.depots.push_back({use->second, it->second.offset});
    }
    if (type.bits != 64)
      s.malformed("an address of 64 bits in " + std::to_string(type.bits));
    return use->second;
  }
  uint64_t value;
  if (!symbol(operand.name, value))
    s.malformed("undeclared name " + operand.name);
  return constant(value, bits);
}

uint32_t Builder::source(const Statement &s, const Operand &operand, Type type) {
  uint8_t bits;
  uint32_t offset = wideSource(s, operand, type, bits);
  if (bits != type.bits)
    s.malformed(operand.name + " has " + std::to_string(bits) + " bits, " + std::string(s.opcode) +
                " takes " + std::to_string(type.bits));
  return offset;
}

uint32_t Builder::wideDestination(const Statement &s, const Operand &operand, uint8_t &bits) {
  if (operand.form == Operand::Sink) {
    bits = 64;
    return place(placeBytes(64));
  }
  const Register *reg = operand.form == Operand::Name ? find(operand.name) : nullptr;
  if (!reg)
    s.malformed("the result of " + std::string(s.opcode) + " is no register");
  bits = reg->type.bits;
  return reg->offset;
}

uint32_t Builder::destination(const Statement &s, const Operand &operand, Type type) {
  uint8_t bits;
  uint32_t offset = wideDestination(s, operand, bits);
  if (operand.form != Operand::Sink && bits != type.bits)
    s.malformed(operand.name + " has " + std::to_string(bits) + " bits, " + std::string(s.opcode) +
                " writes " + std::to_string(type.bits));
  return offset;
}

uint32_t Builder::address(const Statement &s, const Operand &operand, Instruction &instruction) {
  if (operand.form != Operand::Address)
    s.malformed("an address in brackets is wanted");
  instruction.immediate = int64_t(operand.bits);
  if (operand.name.empty())
    return constant(0, 64);
  if (const Register *reg = find(operand.name)) {
    if (reg->type.bits != 64 && reg->type.bits != 32)
      s.malformed(operand.name + " is no address");
    instruction.addressBits = reg->type.bits;
    return reg->offset;
  }
  return source(s, {Operand::Name, operand.name}, {Kind::Bits, 64});
}

uint32_t Builder::label(const std::string &name) {
  labelNames.push_back(name);
  return labelNames.size() - 1;
}
