// The parser's view of one statement, which the decoders turn into an instruction.
#pragma once

#include "Lexer.h"
#include "Program.h"
#include <string>
#include <unordered_map>
#include <vector>

namespace standin {

struct Register {
  uint32_t offset = 0;
  Type type;
};

struct Operand {
  enum Form { Name, Number, Address, Vector, Sink, List } form = Name;
  std::string name;
  /// The second name of `%r1|%p1`.
  std::string second;
  bool negated = false;
  uint64_t bits = 0;
  /// A number that was written as a float's bits: 32 or 64.
  uint8_t floatBits = 0;
  std::vector<Operand> parts;
};

class Builder;

/// `@%p1 add.s32 %r1, %r2, 3;` as words and operands.
struct Statement {
  std::string_view opcode;
  std::vector<std::string_view> words;
  std::vector<Operand> operands;
  Builder &builder;
  unsigned line;

  std::string_view operation() const { return words[0]; }
  bool has(std::string_view word) const;
  /// Fails unless the statement has so many operands.
  void expect(size_t count) const;
  [[noreturn]] void unknown() const;
  [[noreturn]] void malformed(const std::string &what) const;
  /// The type that a word ends with, as the last of them or the one before.
  Type type(unsigned fromEnd = 0) const;
};

/// Makes one function: gives registers and constants their places.
class Builder {
public:
  Builder(Module &module, Function &function) : module(module), function(function) {
    scopes.emplace_back();
  }
  void openScope() { scopes.emplace_back(); }
  void closeScope() { scopes.pop_back(); }
  void declare(const std::string &name, Type type);
  void declareRange(const std::string &prefix, unsigned count, Type type);
  /// A `.param` inside a body: bytes for each lane.
  Variable &declareParameter(const Variable &variable);
  const Variable *parameter(const std::string &name) const;
  const Variable *kernelParameter(const std::string &name) const;
  void declareDepot(const Variable &variable);
  const Register *find(const std::string &name) const;

  /// The place of a register that is written.
  uint32_t destination(const Statement &s, const Operand &operand, Type type);
  /// The place of a value of a type, whatever it is.
  uint32_t source(const Statement &s, const Operand &operand, Type type);
  /// The same where registers may be wider than the type; tells their width.
  uint32_t wideSource(const Statement &s, const Operand &operand, Type type, uint8_t &bits);
  uint32_t wideDestination(const Statement &s, const Operand &operand, uint8_t &bits);
  /// The place of an address without its constant part.
  uint32_t address(const Statement &s, const Operand &operand, Instruction &instruction);
  uint32_t constant(uint64_t value, uint8_t bits);
  uint32_t label(const std::string &name);

  Module &module;
  Function &function;
  std::unordered_map<std::string, uint32_t> labels;
  /// Targets are names until the whole function is read.
  std::vector<std::string> labelNames;
  std::unordered_map<std::string, std::vector<std::string>> branchTargets;
  std::unordered_map<std::string, const SharedVariable *> sharedNames;

private:
  struct Range {
    uint32_t first, count;
    Type type;
  };
  struct Scope {
    std::unordered_map<std::string, Register> registers;
    std::unordered_map<std::string, Range> ranges;
    std::unordered_map<std::string, Variable> parameters;
  };
  uint32_t place(uint32_t bytes);
  bool symbol(const std::string &name, uint64_t &value);
  mutable Register found;
  std::vector<Scope> scopes;
  std::unordered_map<std::string, Variable> depotNames;
  std::unordered_map<std::string, uint32_t> specialPlaces, depotPlaces;
  std::map<std::pair<uint64_t, uint8_t>, uint32_t> constants;
};

/// Each takes the statements whose operation it knows and says so.
bool decodeArithmetic(Statement &s, Instruction &i);
bool decodeFloat(Statement &s, Instruction &i);
bool decodeBits(Statement &s, Instruction &i);
bool decodeComparison(Statement &s, Instruction &i);
bool decodeConversion(Statement &s, Instruction &i);
bool decodeMove(Statement &s, Instruction &i);
bool decodeMemory(Statement &s, Instruction &i);
bool decodeAtomic(Statement &s, Instruction &i);
bool decodeWarp(Statement &s, Instruction &i);
bool decodeFlow(Statement &s, Instruction &i);

bool parseType(std::string_view word, Type &type);
inline uint32_t placeBytes(uint8_t bits) { return bits == 64 ? 256 : bits == 32 ? 128 : 64; }

} // namespace standin
