// Checks each access to memory as a memory and race sanitizer does, and counts what it moves.
//
// Outside, misaligned and freed addresses end the launch as on the device; bytes that nobody wrote
// and races are findings, after which the launch goes on.
#include "Access.h"
#include "Device.h"
#include "Lanes.h"
#include <set>

using namespace standin;

namespace {

/// What one access of a warp needs to judge cells.
struct Judge {
  const Instruction &i;
  Warp &w;
  Use use;
  uint32_t launchFirst, blockFirst, segment;
  uint16_t launch, phase;
  bool isShared;

  Judge(const Instruction &i, Warp &w, Use use, bool isShared)
      : i(i), w(w), use(use), launchFirst(w.launch->firstSegment),
        blockFirst(w.block->firstSegment), segment(w.block->segment),
        launch(uint16_t(w.launch->number % 65535 + 1)), phase(w.phase), isShared(isShared) {}

  /// Whether an earlier access comes before this one on every device.
  bool isOrdered(uint32_t other, uint16_t who, uint16_t otherPhase, bool otherStrong,
                 uint16_t thread) const {
    if (other < launchFirst || (strong() && otherStrong))
      return true;
    if (other < blockFirst)
      return isShared;
    if (other < segment || who == thread)
      return true;
    return who != severalThreads && who / lanes == thread / lanes && otherPhase < phase;
  }
  bool strong() const { return use == Use::Atomic || i.strong; }
  void touch(Cell &cell, uint16_t thread, unsigned lane);
  void race(const Cell &cell, unsigned lane, bool withWrite);
};

} // namespace

/// Each kind of finding at an instruction is said once.
static bool isFirst(const Instruction &i, int kind) {
  static std::set<std::pair<const void *, int>> seen;
  return seen.insert({&i, kind}).second;
}

void Judge::race(const Cell &cell, unsigned lane, bool withWrite) {
  if (!options().races || !isFirst(i, 1))
    return;
  uint32_t other = withWrite ? cell.writeSegment : cell.readSegment;
  uint16_t who = withWrite ? cell.writeThread : cell.readThread;
  std::string thread = who == severalThreads ? "another thread" : "thread " + std::to_string(who);
  finding(std::string("race on ") + (isShared ? "shared" : "global") + " memory: a " +
          (use == Use::Read    ? "read"
           : use == Use::Write ? "write"
                               : "change") +
          " of what " + thread + (other < blockFirst ? " of another block" : "") +
          (withWrite ? " writes" : " reads") +
          (isShared ? " between the same barriers" : " in the same launch") + ", " +
          place(w, i, 1u << lane));
}

inline void Judge::touch(Cell &cell, uint16_t thread, unsigned lane) {
  if (use != Use::Write) {
    bool isKnown = isShared ? cell.writeSegment >= blockFirst : cell.initialised != 0;
    if (!isKnown && options().uninitialised && isFirst(i, 0))
      finding(std::string("uninitialised ") + (isShared ? "shared" : "global") +
              " memory is read, " + place(w, i, 1u << lane));
  }
  if (!isOrdered(cell.writeSegment, cell.writeThread, cell.writePhase, cell.strongWrite, thread))
    race(cell, lane, true);
  if (use == Use::Read) {
    if (cell.readSegment >= launchFirst && cell.readSegment < blockFirst)
      cell.foreignLaunch = launch;
    bool isSame = cell.readSegment == segment;
    cell.strongRead = strong() && (!isSame || cell.strongRead);
    cell.readThread = isSame && cell.readThread != thread ? severalThreads : thread;
    cell.readSegment = segment;
    cell.readPhase = phase;
    return;
  }
  if (!isOrdered(cell.readSegment, cell.readThread, cell.readPhase, cell.strongRead, thread))
    race(cell, lane, false);
  else if (!isShared && cell.foreignLaunch == launch && !strong())
    race(cell, lane, false);
  cell.foreignLaunch = 0;
  cell.writeSegment = segment;
  cell.writeThread = thread;
  cell.writePhase = phase;
  cell.strongWrite = strong();
  cell.initialised = 0xff;
}

void standin::addressesOf(const Instruction &i, const Warp &w, uint64_t *addresses) {
  uint64_t by = uint64_t(i.immediate);
  if (i.addressBits == 64) {
    auto *a = at<uint64_t>(w, i.a);
    for (unsigned l = 0; l < lanes; ++l)
      addresses[l] = a[l] + by;
  } else {
    auto *a = at<uint32_t>(w, i.a);
    for (unsigned l = 0; l < lanes; ++l)
      addresses[l] = uint32_t(a[l] + by);
  }
}

/// Adds the sectors of 32 bytes that an access touches.
static void countSectors(const Warp &w, Allocation &allocation, uint32_t mask,
                         const uint64_t *addresses, unsigned bytes, Use use) {
  KernelCounts &counts = w.launch->counts;
  uint64_t seen[lanes];
  unsigned count = 0;
  uint32_t launch = w.launch->number + 1;
  bool reads = use != Use::Write, writes = use != Use::Read;
  unsigned asked = bytes * __builtin_popcount(mask);
  counts.readBytes += reads ? asked : 0;
  counts.writtenBytes += writes ? asked : 0;
  for (uint32_t rest = mask; rest; rest &= rest - 1) {
    uint64_t sector = (addresses[__builtin_ctz(rest)] - allocation.base) / 32;
    bool isKnown = false;
    for (unsigned k = count; k-- > 0 && !isKnown;)
      isKnown = seen[k] == sector;
    if (isKnown)
      continue;
    seen[count++] = sector;
    if (reads && allocation.readBy[sector] != launch) {
      allocation.readBy[sector] = launch;
      ++counts.distinctReadSectors;
    }
    if (writes && allocation.writtenBy[sector] != launch) {
      allocation.writtenBy[sector] = launch;
      ++counts.distinctWrittenSectors;
    }
  }
  counts.readSectors += reads ? count : 0;
  counts.writtenSectors += writes ? count : 0;
}

static void checkAlignment(const Instruction &i, Warp &w, uint32_t mask, const uint64_t *addresses,
                           unsigned bytes) {
  uint64_t low = bytes - 1, odd = 0;
  for (unsigned l = 0; l < lanes; ++l)
    odd |= (mask >> l) & 1 ? addresses[l] & low : 0;
  if (!odd)
    return;
  unsigned l = __builtin_ctz(mask);
  while (!((mask >> l) & 1 && addresses[l] & low))
    ++l;
  bool isGlobal = i.space != Space::Shared && i.space != Space::Local;
  fault(w, i, l, 716,
        "misaligned access of " + std::to_string(bytes) + " bytes: " +
            (isGlobal ? memory().describe(addresses[l]) : "place " + std::to_string(addresses[l])));
}

static void globalAccess(const Instruction &i, Warp &w, uint32_t mask, const uint64_t *addresses,
                         unsigned bytes, Use use, char **found) {
  Judge judge(i, w, use, false);
  for (uint32_t rest = mask; rest;) {
    unsigned first = __builtin_ctz(rest);
    Allocation *allocation = i.last;
    if (!allocation || addresses[first] - allocation->base >= allocation->bytes)
      allocation = i.last = memory().find(addresses[first]);
    uint32_t inside = 0;
    if (allocation && !allocation->isFreed && allocation->usable >= bytes)
      for (uint32_t k = rest; k; k &= k - 1) {
        unsigned l = __builtin_ctz(k);
        inside |= uint32_t(addresses[l] - allocation->base <= allocation->usable - bytes) << l;
      }
    if (!(inside >> first & 1))
      fault(w, i, first, 700,
            std::string(allocation && allocation->isFreed ? "freed" : "out of bounds") +
                " global " + (use == Use::Read ? "read" : "write") + " of " +
                std::to_string(bytes) + " bytes: " + memory().describe(addresses[first]));
    unsigned width = bytes / i.count;
    if (width < allocation->granule)
      allocation->refine(width);
    unsigned cells = bytes / allocation->granule, shift = __builtin_ctz(allocation->granule);
    for (uint32_t k = inside; k; k &= k - 1) {
      unsigned l = __builtin_ctz(k);
      uint64_t offset = addresses[l] - allocation->base;
      found[l] = allocation->data + offset;
      for (unsigned c = 0; c < cells; ++c)
        judge.touch(allocation->cells[(offset >> shift) + c], uint16_t(w.firstThread + l), l);
    }
    countSectors(w, *allocation, inside, addresses, bytes, use);
    rest &= ~inside;
  }
}

/// Turns that the 32 banks need: the most different words that one bank must give.
static unsigned bankTurns(uint32_t mask, const uint64_t *addresses, unsigned bytes) {
  // Wider accesses are served to half or a quarter of the warp at a time.
  unsigned groups = bytes > 4 ? bytes / 4 : 1, size = lanes / groups, turns = 0;
  for (unsigned g = 0; g < groups; ++g) {
    uint64_t words[32][8];
    uint8_t counts[32] = {}, most = 0;
    for (unsigned l = g * size; l < (g + 1) * size; ++l) {
      if (!(mask >> l & 1))
        continue;
      for (uint64_t word = addresses[l] / 4; word < (addresses[l] + bytes + 3) / 4; ++word) {
        unsigned bank = word % 32, k = 0;
        while (k < counts[bank] && k < 8 && words[bank][k] != word)
          ++k;
        if (k < counts[bank] && k < 8)
          continue;
        if (counts[bank] < 8)
          words[bank][counts[bank]] = word;
        most = std::max(most, ++counts[bank]);
      }
    }
    turns += most;
  }
  return turns;
}

static void sharedAccess(const Instruction &i, Warp &w, uint32_t mask, const uint64_t *addresses,
                         unsigned bytes, Use use, char **found) {
  Judge judge(i, w, use, true);
  Allocation &shared = *w.block->shared;
  const Launch::SharedRange *range = nullptr;
  unsigned width = bytes / i.count;
  if (width < shared.granule)
    shared.refine(width);
  unsigned cells = bytes / shared.granule, shift = __builtin_ctz(shared.granule);
  for (uint32_t k = mask; k; k &= k - 1) {
    unsigned l = __builtin_ctz(k);
    if (!range || addresses[l] < range->first || addresses[l] + bytes > range->last) {
      range = nullptr;
      for (const auto &candidate : w.launch->shared)
        if (addresses[l] >= candidate.first && addresses[l] + bytes <= candidate.last)
          range = &candidate;
      if (!range) {
        std::string where;
        for (const auto &candidate : w.launch->shared)
          if (addresses[l] >= candidate.first && addresses[l] < candidate.last + 64)
            where = ", " + std::to_string(int64_t(addresses[l] - candidate.last)) +
                    " bytes past the end of " + candidate.variable->name;
        fault(
            w, i, l, 700,
            std::string("out of bounds shared ") + (use == Use::Read ? "read" : "write") + " of " +
                std::to_string(bytes) + " bytes at 0x" +
                [&] {
                  char text[20];
                  snprintf(text, sizeof text, "%llx", (unsigned long long)addresses[l]);
                  return std::string(text);
                }() +
                where);
      }
    }
    uint64_t offset = range->place + (addresses[l] - range->first);
    found[l] = shared.data + offset;
    for (unsigned c = 0; c < cells; ++c)
      judge.touch(shared.cells[(offset >> shift) + c], uint16_t(w.firstThread + l), l);
  }
  ++w.launch->counts.sharedAccesses;
  w.launch->counts.sharedTurns += bankTurns(mask, addresses, bytes);
}

static void localAccess(const Instruction &i, Warp &w, uint32_t mask, const uint64_t *addresses,
                        unsigned bytes, Use use, char **found) {
  for (uint32_t k = mask; k; k &= k - 1) {
    unsigned l = __builtin_ctz(k);
    if (addresses[l] >= w.localUsed || addresses[l] + bytes > w.localUsed)
      fault(w, i, l, 700,
            "out of bounds local access of " + std::to_string(bytes) + " bytes at " +
                std::to_string(int64_t(addresses[l])) + " of " + std::to_string(w.localUsed));
    char *known = &w.localKnown[l * w.localBytes + addresses[l]];
    if (use == Use::Read) {
      for (unsigned b = 0; b < bytes; ++b)
        if (!known[b] && options().uninitialised && isFirst(i, 0))
          finding("uninitialised local memory is read, " + place(w, i, 1u << l));
    } else
      memset(known, 1, bytes);
    found[l] = &w.local[l * w.localBytes + addresses[l]];
  }
}

void standin::checkedAccess(const Instruction &i, Warp &w, uint32_t mask, const uint64_t *addresses,
                            unsigned bytes, Use use, char **found) {
  Space space = i.space;
  current = &i;
  if (space == Space::Generic) {
    // Lanes may mean different spaces.
    uint32_t parts[3] = {};
    alignas(64) uint64_t inside[lanes];
    for (uint32_t k = mask; k; k &= k - 1) {
      unsigned l = __builtin_ctz(k);
      unsigned which = addresses[l] - sharedBase < windowSize  ? 1
                       : addresses[l] - localBase < windowSize ? 2
                                                               : 0;
      inside[l] = addresses[l] - (which == 1 ? sharedBase : which == 2 ? localBase : 0);
      parts[which] |= 1u << l;
    }
    checkAlignment(i, w, mask, addresses, bytes);
    if (parts[0])
      globalAccess(i, w, parts[0], inside, bytes, use, found);
    if (parts[1])
      sharedAccess(i, w, parts[1], inside, bytes, use, found);
    if (parts[2])
      localAccess(i, w, parts[2], inside, bytes, use, found);
    return;
  }
  checkAlignment(i, w, mask, addresses, bytes);
  if (space == Space::Shared)
    sharedAccess(i, w, mask, addresses, bytes, use, found);
  else if (space == Space::Local)
    localAccess(i, w, mask, addresses, bytes, use, found);
  else
    globalAccess(i, w, mask, addresses, bytes, use, found);
}
