// The device's memory, with what is known of each of its bytes.
#pragma once

#include "Program.h"
#include <string>
#include <vector>

namespace standin {

/// What happened to a few bytes. Segments number the stretches between barriers of all blocks of
/// all launches, so one comparison tells whether an access is of this launch, this block, this
/// stretch.
struct Cell {
  uint32_t writeSegment = 0, readSegment = 0;
  /// The thread of the block; `severalThreads` when more than one read in the segment.
  uint16_t writeThread = 0, readThread = 0;
  /// How many warp-wide barriers the warp had passed.
  uint16_t writePhase = 0, readPhase = 0;
  /// The launch in which another block than that of `readSegment` has read, as its low 16 bits.
  uint16_t foreignLaunch = 0;
  /// One bit for each byte that has a value.
  uint8_t initialised = 0;
  bool strongWrite = false, strongRead = false;
};
constexpr uint16_t severalThreads = 0xffff;

struct Allocation {
  uint64_t base = 0, bytes = 0;
  /// The bytes that may be used: fewer where an allocator gave out a part of its block.
  uint64_t usable = 0;
  char *data = nullptr;
  std::vector<Cell> cells;
  /// Bytes of a cell. It begins at 8 and is made smaller where a narrower access comes.
  unsigned granule = 8;
  bool isFreed = false, isVariable = false, isShared = false;
  std::string name;
  /// The launch that last read or wrote each sector of 32 bytes.
  std::vector<uint32_t> readBy, writtenBy;

  /// Makes cells small enough for accesses of so many bytes.
  void refine(unsigned bytes);
  void markInitialised(uint64_t offset, uint64_t count);
  void markStale(uint64_t offset, uint64_t count);
  /// The first byte without a value, or `count`.
  uint64_t firstUnknown(uint64_t offset, uint64_t count) const;
};

class Memory {
public:
  /// 0 when so much is not left.
  uint64_t allocate(uint64_t bytes, const std::string &name = {});
  uint64_t allocateVariable(const std::string &name, const std::vector<uint8_t> &values);
  /// False unless the address is that of a live allocation.
  bool release(uint64_t address);
  /// The allocation that an address lies in or just behind, freed ones too.
  Allocation *find(uint64_t address);
  uint64_t live = 0, peak = 0;
  uint64_t liveCount() const;
  /// Describes an address for a message.
  std::string describe(uint64_t address);

private:
  std::vector<std::unique_ptr<Allocation>> allocations;
  uint64_t end = globalBase + (1 << 20);
};

Memory &memory();

} // namespace standin
