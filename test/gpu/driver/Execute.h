// Execution of a launch: blocks in turn, the warps of a block in turn between barriers.
#pragma once

#include "Memory.h"
#include "Program.h"
#include <string>
#include <unordered_map>
#include <vector>

namespace standin {

/// Ends a launch as the hardware would, with a driver's error code.
struct Fault {
  int code;
  std::string message;
};

/// What a kernel did, over all its launches.
struct KernelCounts {
  uint64_t launches = 0, blocks = 0, threads = 0;
  /// Of lanes, and of warps.
  uint64_t instructions = 0, warpInstructions = 0;
  uint64_t barriers = 0;
  /// Of global memory: bytes that lanes asked for, sectors of 32 bytes that each warp's access
  /// touched, and sectors that a launch touched at all.
  uint64_t readBytes = 0, writtenBytes = 0;
  uint64_t readSectors = 0, writtenSectors = 0;
  uint64_t distinctReadSectors = 0, distinctWrittenSectors = 0;
  uint64_t atomics = 0;
  uint64_t sharedBytes = 0;
  /// Accesses of shared memory, and how many turns the banks needed for them.
  uint64_t sharedAccesses = 0, sharedTurns = 0;
};

struct Dimensions {
  unsigned x = 1, y = 1, z = 1;
};

struct Launch {
  Module &module;
  const Function &kernel;
  Dimensions grid, block;
  uint64_t dynamicShared = 0;
  std::vector<char> parameters;
  KernelCounts &counts;
  uint32_t number = 0, firstSegment = 0;
  uint64_t limit = 0;
  /// Shared variables that the kernel may use, and where each lies in a block's memory.
  struct SharedRange {
    uint64_t first, last, place;
    const SharedVariable *variable;
  };
  std::vector<SharedRange> shared;
  uint64_t sharedBytes = 0;
};

struct Entry {
  uint32_t pc, join, mask;
};

struct Frame {
  const Function *function;
  const Instruction *callSite;
  size_t frameOffset, stackBase;
  uint64_t depot;
};

struct Block;

struct Warp {
  char *frame = nullptr;
  Block *block = nullptr;
  Launch *launch = nullptr;
  const Function *function = nullptr;
  unsigned firstThread = 0;
  uint16_t phase = 0;
  /// The carry flag of extended arithmetic.
  uint32_t carry = 0;
  uint32_t present = 0, exited = 0;
  std::vector<Entry> stack;
  std::vector<Frame> frames;
  /// Registers of all frames, 64 bytes aligned.
  char *registers = nullptr;
  size_t registerBytes = 0;
  /// Local memory, one lane's after the other's, and which of its bytes have a value.
  std::vector<char> local, localKnown;
  uint64_t localBytes = 0, localUsed = 0;
  /// The barrier at which the warp waits, and for how many threads (0: all).
  bool waits = false, isDone = false;
  unsigned barrier = 0, barrierThreads = 0;

  enum class Status { Waits, Done };
  Status run();
  void begin(Block &owner, unsigned thread, unsigned threads);
  void enter(const Function &callee, const Instruction *site, uint32_t mask);
  void leave();
  void exit(uint32_t mask);
  void reserveRegisters(size_t bytes);
  ~Warp();
  Warp() = default;
  Warp(const Warp &) = delete;
};

struct Block {
  Launch *launch = nullptr;
  unsigned x = 0, y = 0, z = 0;
  uint32_t firstSegment = 0, segment = 0;
  /// The shared memory of the block, at the offsets of the module.
  Allocation *shared = nullptr;
};

/// The segment that comes next, over all launches.
extern uint32_t segments;

void execute(Launch &launch);
/// Bytes of shared memory that a kernel has of its own.
uint64_t staticShared(const Function &kernel);
/// Where an instruction stands, for messages.
std::string place(const Warp &warp, const Instruction &i, uint32_t mask);
[[noreturn]] void fault(const Warp &warp, const Instruction &i, unsigned lane, int code,
                        const std::string &what);

/// The instruction that a warp executes, for messages of those that do not know it.
extern thread_local const Instruction *current;

} // namespace standin
