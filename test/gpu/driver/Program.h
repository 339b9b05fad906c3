// What PTX text becomes: functions of pre-decoded instructions over registers of 32 lanes.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace standin {

constexpr unsigned lanes = 32;
constexpr uint32_t allLanes = ~0u;

/// Windows of the generic address space. Global addresses are numbers of their own: no host memory
/// lies there, so that a host that follows one dies.
constexpr uint64_t globalBase = 0x0a0000000000, sharedBase = 0x0b0000000000,
                   localBase = 0x0c0000000000, windowSize = 0x010000000000;

enum class Kind : uint8_t { Bits, Unsigned, Signed, Float, Predicate };

/// A PTX type such as `.s32`.
struct Type {
  Kind kind = Kind::Bits;
  uint8_t bits = 0;
  bool operator==(const Type &) const = default;
};

enum class Space : uint8_t { Generic, Global, Shared, Local, Parameter, Constant };

/// How an instruction changes what runs next.
enum class Flow : uint8_t { Next, Branch, Table, Call, Return, Exit, Barrier, Trap };

struct Warp;
struct Instruction;
struct Function;
struct Allocation;
using Handler = void (*)(const Instruction &, Warp &, uint32_t mask);

/// Where a call's bytes go: from a `.param` of the caller to one of the callee, or back.
struct ParameterCopy {
  uint32_t caller, callee, bytes;
};

struct CallSite {
  const Function *callee = nullptr;
  std::string name;
  std::vector<uint32_t> argumentOffsets, resultOffsets;
  std::vector<uint32_t> argumentSizes, resultSizes;
  std::vector<ParameterCopy> arguments, results;
};

/// Operands are offsets into the frame, where immediates and special registers have places too.
struct Instruction {
  Handler run = nullptr;
  Flow flow = Flow::Next;
  /// 0: always, 1: `@p`, 2: `@!p`.
  uint8_t guard = 0;
  /// Branches that parted may meet again here.
  bool joins = false;
  uint32_t guardOffset = 0;
  uint32_t d = 0, a = 0, b = 0, c = 0;
  uint32_t vector[4] = {};
  uint8_t count = 1;
  /// Bits of the registers that memory instructions and conversions read and write.
  uint8_t registerBits = 0, addressBits = 64, sourceBits = 0;
  Type type, sourceType;
  Space space = Space::Generic;
  /// Accesses that are atomic or volatile do not race with each other.
  bool strong = false;
  int64_t immediate = 0;
  uint32_t target = 0, join = 0;
  uint32_t line = 0;
  uint32_t text = 0;
  /// The line of the source program, from `.loc`.
  uint32_t file = 0, sourceLine = 0;
  std::vector<uint32_t> *table = nullptr;
  CallSite *call = nullptr;
  mutable Allocation *last = nullptr;
};

enum class Special : uint8_t {
  TidX,
  TidY,
  TidZ,
  NtidX,
  NtidY,
  NtidZ,
  CtaidX,
  CtaidY,
  CtaidZ,
  NctaidX,
  NctaidY,
  NctaidZ,
  LaneId,
  WarpId,
  LaneMaskEq,
  LaneMaskLt,
  LaneMaskLe,
  LaneMaskGt,
  LaneMaskGe,
  Clock,
  GridId,
  SharedDynamicSize,
  SharedTotalSize,
};

struct SpecialUse {
  Special which;
  uint32_t offset;
  uint8_t bits;
};

/// A `.param` of a function, or a depot in local memory.
struct Variable {
  std::string name;
  uint64_t bytes = 0, alignment = 1, offset = 0;
};

/// A variable of a module in shared memory. Offsets are those of the whole module: a kernel pays
/// only for what it and its callees name, and what it does not name is out of bounds.
struct SharedVariable {
  std::string name;
  uint64_t bytes = 0, alignment = 1, offset = 0;
  bool dynamic = false;
};

struct Function {
  std::string name;
  bool isKernel = false, isDefined = false;
  std::vector<Variable> parameters, results;
  std::vector<Instruction> code;
  std::vector<std::string> texts;
  /// The first values of the frame: immediates at their places, zeros elsewhere.
  std::vector<char> frame;
  std::vector<SpecialUse> specials;
  /// Frame places that hold an address in the depot: (place, offset in the depot, generic).
  struct DepotUse {
    uint32_t place;
    uint64_t offset;
  };
  std::vector<DepotUse> depots;
  uint64_t depotBytes = 0;
  std::vector<const SharedVariable *> shared;
  std::vector<Function *> callees;
  std::vector<std::unique_ptr<std::vector<uint32_t>>> tables;
  std::vector<std::unique_ptr<CallSite>> calls;
  uint32_t maximumThreads = 0;
  uint32_t requiredThreads[3] = {};
  // As the owner of a kernel's function handle sees it.
  uint64_t dynamicShared = 0;
  uint64_t parameterBytes = 0;
};

struct Module {
  std::string text;
  unsigned version = 0, target = 0;
  std::map<std::string, std::unique_ptr<Function>> functions;
  std::vector<std::unique_ptr<SharedVariable>> shared;
  /// Device addresses of the module's global and constant variables.
  std::map<std::string, uint64_t> globals;
  std::map<uint32_t, std::string> files;
};

/// What the text says that it must not, with its line.
struct ParseError {
  std::string message;
  unsigned line;
};

/// An instruction that no handler is known for.
struct UnknownInstruction : ParseError {};

std::unique_ptr<Module> parseModule(const char *text);
void findJoins(Function &function);

} // namespace standin
