// Reference counted buffers: a request of bytes becomes a 64-byte aligned pointer with its header
// before it. Sizes are rounded up to one of four steps per power of two, and a freed buffer goes to
// the list of its step, so a loop that allocates the same shapes touches the system once. Small
// buffers are cut from slabs; large ones are mapped at 2 MiB boundaries and ask for huge pages,
// because fresh 4 KiB pages fill eight times slower.
#include "Elements.h"
#include "Entry.h"

#include "TextBuilder.h"

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <sys/mman.h>
#include <unistd.h>

namespace mpy {

constexpr int64_t headerBytes = 64;
/// The reserved word of a header that says whether the buffer came from a smaller one.
constexpr int grownBefore = 1;
constexpr int64_t slabBytes = 256 << 10;
constexpr int64_t slabObjectLimit = 8 << 10;
constexpr int64_t largeLimit = 1 << 20;
constexpr int64_t hugePage = 2 << 20;

static_assert(sizeof(mpy_header) == headerBytes);

/// The total size of a buffer of this class: 128, 160, 192, 224, 256, 320, ...
struct SizeClass {
  int64_t index;
  int64_t bytes;
};

static SizeClass classOf(int64_t total) {
  if (total <= 128)
    return {0, 128};
  int power = 63 - __builtin_clzll(static_cast<unsigned long long>(total - 1));
  // At least 64: every size stays a multiple of the alignment.
  int shift = power - 2 < 6 ? 6 : power - 2;
  int64_t steps = (total + (int64_t(1) << shift) - 1) >> shift;
  int64_t bytes = steps << shift;
  return {shift * 8 + steps - 48, bytes};
}

static mpy_header *headerOf(void *data) {
  return reinterpret_cast<mpy_header *>(static_cast<char *>(data) - headerBytes);
}

// The list goes through the reserved words of the headers.
static mpy_header *nextOf(const mpy_header *header) {
  return reinterpret_cast<mpy_header *>(header->reserved[0]);
}

static void setNext(mpy_header *header, mpy_header *next) {
  header->reserved[0] = reinterpret_cast<int64_t>(next);
}

static int64_t totalOf(const mpy_header *header) { return header->capacity + headerBytes; }

static int64_t findKeptLimit() {
  int64_t pages = sysconf(_SC_PHYS_PAGES), pageSize = sysconf(_SC_PAGESIZE);
  int64_t quarter = pages > 0 && pageSize > 0 ? pages * pageSize / 4 : int64_t(1) << 28;
  return quarter < int64_t(1) << 30 ? quarter : int64_t(1) << 30;
}

static void *mapLarge(int64_t bytes) {
  int64_t reserved = bytes + hugePage;
  void *area = mmap(nullptr, reserved, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (area == MAP_FAILED)
    return nullptr;
  uintptr_t start = reinterpret_cast<uintptr_t>(area);
  uintptr_t aligned = (start + hugePage - 1) & ~uintptr_t(hugePage - 1);
  if (aligned != start)
    munmap(area, aligned - start);
  uintptr_t end = start + reserved, used = aligned + bytes;
  if (end != used)
    munmap(reinterpret_cast<void *>(used), end - used);
  madvise(reinterpret_cast<void *>(aligned), bytes, MADV_HUGEPAGE);
  return reinterpret_cast<void *>(aligned);
}

static void *takeFromSlab(int64_t bytes) {
  MemoryState &memory = context().memory;
  if (memory.slabEnd - memory.slabCursor < bytes) {
    char *slab = static_cast<char *>(aligned_alloc(64, slabBytes));
    if (!slab)
      return nullptr;
    *reinterpret_cast<char **>(slab) = memory.slabs;
    memory.slabs = slab;
    memory.slabCursor = slab + headerBytes;
    memory.slabEnd = slab + slabBytes;
  }
  void *result = memory.slabCursor;
  memory.slabCursor += bytes;
  return result;
}

static void *takeFromSystem(int64_t bytes) {
  if (bytes <= slabObjectLimit)
    return takeFromSlab(bytes);
  if (bytes < largeLimit)
    return aligned_alloc(64, bytes);
  return mapLarge(bytes);
}

static void giveToSystem(mpy_header *header) {
  int64_t total = totalOf(header);
  if (total >= largeLimit)
    munmap(header, total);
  else
    free(header);
}

// A size in NumPy's words: 7.11 PiB.
static void appendSize(TextBuilder &text, int64_t bytes) {
  static const char *const units[] = {"bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  double size = static_cast<double>(bytes);
  int unit = 0;
  while (std::nearbyint(size) >= 1024 && unit < 6) {
    size /= 1024;
    ++unit;
  }
  if (unit == 0)
    text.appendFormat("%.0f", size);
  else if (std::nearbyint(size) < 1000)
    appendConversion(text, size, 'g', 3, true);
  else
    appendConversion(text, size, 'f', 0, true);
  text.append(' ');
  text.append(units[unit]);
}

/// What an allocation is for; rank -1 where it is no array.
struct Purpose {
  Place place;
  int64_t rank = -1;
  const int64_t *sizes = nullptr;
  int64_t dtype = 0;
};

[[noreturn]] static void failTooBig(Place place) {
  raise(place, "ValueError",
        "array is too big; `arr.size * arr.dtype.itemsize` is larger than the maximum possible "
        "size.");
}

[[noreturn]] static void failAllocation(const Purpose &purpose, int64_t bytes) {
  TextBuilder text;
  text.append("Unable to allocate ");
  if (bytes < 0)
    text.append("more than 2**63 bytes");
  else
    appendSize(text, bytes);
  if (purpose.rank >= 0) {
    text.append(" for an array with shape (");
    for (int64_t i = 0; i < purpose.rank; ++i) {
      if (i > 0)
        text.append(", ");
      text.appendInt(purpose.sizes[i]);
    }
    text.append(purpose.rank == 1 ? ",) and data type " : ") and data type ");
    text.append(elementTypes[purpose.dtype].name);
  }
  if (context().tape) {
    text.append("; the tape of a gradient keeps what the loop in line ");
    text.appendInt(context().tapePlace.line);
    text.append(" computes: for i in mpy.checkpointed(range(n), memory='1GiB') keeps less");
  }
  mpy_raise_message(purpose.place.file, purpose.place.line, "MemoryError", text.cString());
}

static bool isPossible(int64_t bytes) { return bytes >= 0 && bytes <= int64_t(1) << 56; }

//===----------------------------------------------------------------------===//
// Buffers of a library's context: a list from the newest to the oldest, through the headers
//===----------------------------------------------------------------------===//

constexpr int newerLink = 2, olderLink = 3, callNumber = 4;

static mpy_header *linkOf(const mpy_header *header, int which) {
  return reinterpret_cast<mpy_header *>(header->reserved[which]);
}

static void setLink(mpy_header *header, int which, mpy_header *other) {
  header->reserved[which] = reinterpret_cast<int64_t>(other);
}

static void enlist(mpy_header *header) {
  LibraryState &library = *context().library;
  setLink(header, newerLink, nullptr);
  setLink(header, olderLink, library.newest);
  header->reserved[callNumber] = library.call;
  if (library.newest)
    setLink(library.newest, newerLink, header);
  library.newest = header;
}

static void delist(mpy_header *header) {
  mpy_header *newer = linkOf(header, newerLink), *older = linkOf(header, olderLink);
  if (newer)
    setLink(newer, olderLink, older);
  else
    context().library->newest = older;
  if (older)
    setLink(older, newerLink, newer);
}

/// Keeps a buffer whose last reference is gone for reuse, or gives it back.
static void recycle(mpy_header *header) {
  MemoryState &memory = context().memory;
  int64_t total = totalOf(header);
  memory.frees += 1;
  memory.liveBytes -= total;
  if (memory.keptLimit == 0)
    memory.keptLimit = findKeptLimit();
  if (total > slabObjectLimit && memory.keptBytes + total > memory.keptLimit) {
    giveToSystem(header);
    return;
  }
  SizeClass size = classOf(total);
  setNext(header, memory.freeLists[size.index]);
  memory.freeLists[size.index] = header;
  memory.keptBytes += total;
}

void keepBuffer(void *data) { headerOf(data)->reserved[callNumber] = 0; }

void freeBuffersOfCall() {
  LibraryState &library = *context().library;
  mpy_header *header = library.newest;
  while (header) {
    int64_t call = header->reserved[callNumber];
    if (call && call < library.call)
      return;
    mpy_header *older = linkOf(header, olderLink);
    if (call) {
      // What it refers to is in the list itself, but for a copy on a device.
      const DeviceHooks *hooks = context().deviceHooks;
      if (hooks && header->drop == hooks->dropCopy)
        hooks->dropCopy(header + 1);
      delist(header);
      recycle(header);
    }
    header = older;
  }
}

void *detachBuffer(void *data) {
  mpy_header *header = headerOf(data);
  if (header->references != 1 || totalOf(header) <= slabObjectLimit)
    return nullptr;
  delist(header);
  context().memory.frees += 1;
  context().memory.liveBytes -= totalOf(header);
  return header;
}

void freeDetached(void *header) { giveToSystem(static_cast<mpy_header *>(header)); }

void freeAllMemory() {
  LibraryState &library = *context().library;
  while (mpy_header *header = library.newest) {
    delist(header);
    recycle(header);
  }
  mpy_trim();
  MemoryState &memory = context().memory;
  while (char *slab = memory.slabs) {
    memory.slabs = *reinterpret_cast<char **>(slab);
    free(slab);
  }
}

static void *handOut(mpy_header *header, SizeClass size) {
  MemoryState &memory = context().memory;
  header->references = 1;
  header->capacity = size.bytes - headerBytes;
  header->drop = nullptr;
  header->reserved[0] = 0;
  header->reserved[grownBefore] = 0;
  memory.allocations += 1;
  memory.liveBytes += size.bytes;
  if (memory.liveBytes > memory.peakBytes)
    memory.peakBytes = memory.liveBytes;
  if (context().catching)
    noteAllocated(header);
  if (context().library)
    enlist(header);
  return reinterpret_cast<char *>(header) + headerBytes;
}

/// A buffer that was kept, or null: the way of nearly all allocations.
static inline void *takeKept(int64_t bytes) {
  if (!isPossible(bytes))
    return nullptr;
  MemoryState &memory = context().memory;
  SizeClass size = classOf(bytes + headerBytes);
  mpy_header *header = memory.freeLists[size.index];
  if (!header)
    return nullptr;
  memory.freeLists[size.index] = nextOf(header);
  memory.keptBytes -= size.bytes;
  return handOut(header, size);
}

/// A new buffer, or null where there is no memory.
static void *takeNew(int64_t bytes) {
  if (!isPossible(bytes))
    return nullptr;
  SizeClass size = classOf(bytes + headerBytes);
  void *area = takeFromSystem(size.bytes);
  if (!area) {
    mpy_trim();
    area = takeFromSystem(size.bytes);
  }
  return area ? handOut(static_cast<mpy_header *>(area), size) : nullptr;
}

static void *allocate(const Purpose &purpose, int64_t bytes) {
  void *data = takeKept(bytes);
  if (!data)
    data = takeNew(bytes);
  if (!data)
    failAllocation(purpose, bytes);
  return data;
}

[[noreturn]] static void failAtSite(const mpy_site *site, int64_t bytes, const int64_t *open) {
  Purpose purpose = {{site->file, site->line}};
  int64_t sizes[MPY_MAX_RANK], known = 0, product = 1;
  bool overflow = false;
  if (site->dtype >= 0 && site->rank <= MPY_MAX_RANK) {
    product = elementTypes[site->dtype].bytes;
    for (int64_t i = 0; i < site->rank; ++i) {
      if (site->sizes[i] < 0 && known == MPY_SITE_EXTENTS)
        failAllocation(purpose, bytes);
      sizes[i] = site->sizes[i] < 0 ? open[known++] : site->sizes[i];
      overflow |= __builtin_mul_overflow(product, sizes[i], &product);
    }
    purpose = {{site->file, site->line}, site->rank, sizes, site->dtype};
  }
  if (overflow)
    failTooBig(purpose.place);
  failAllocation(purpose, bytes);
}

// Apart, so that the short way keeps nothing for it.
__attribute__((noinline)) static void *allocateAtSite(const mpy_site *site, int64_t bytes,
                                                      int64_t size0, int64_t size1, int64_t size2,
                                                      int64_t size3) {
  if (void *data = takeNew(bytes))
    return data;
  const int64_t open[MPY_SITE_EXTENTS] = {size0, size1, size2, size3};
  failAtSite(site, bytes, open);
}

void raiseNoMemory(int64_t bytes) { failAllocation({{nullptr, 0}}, bytes); }

} // namespace mpy

using namespace mpy;

void *mpy_alloc(int64_t bytes) { return allocate({{nullptr, 0}}, bytes); }

void *mpy_alloc_at(const char *file, int64_t line, int64_t bytes) {
  return allocate({{file, line}}, bytes);
}

void *mpy_alloc_for(const mpy_site *site, int64_t bytes, int64_t size0, int64_t size1,
                    int64_t size2, int64_t size3) {
  if (void *data = takeKept(bytes))
    return data;
  return allocateAtSite(site, bytes, size0, size1, size2, size3);
}

void *mpy_alloc_array(const char *file, int64_t line, int64_t dtype, int64_t rank,
                      const int64_t *sizes) {
  int64_t bytes = elementTypes[dtype].bytes;
  bool overflow = false, empty = false;
  for (int64_t i = 0; i < rank; ++i) {
    if (sizes[i] < 0)
      raise({file, line}, "ValueError", "negative dimensions are not allowed");
    empty |= sizes[i] == 0;
    overflow |= __builtin_mul_overflow(bytes, sizes[i], &bytes);
  }
  if (overflow && !empty)
    failTooBig({file, line});
  return allocate({{file, line}, rank, sizes, dtype}, empty ? 0 : bytes);
}

void *mpy_alloc_zero(int64_t bytes) {
  void *data = mpy_alloc(bytes);
  // To the end of the allocation: mpy_drop_pointers reads that far.
  memset(data, 0, headerOf(data)->capacity);
  return data;
}

void *mpy_grow(void *owner, const void *data, int64_t used, const mpy_site *site, int64_t bytes,
               int64_t size0, int64_t size1, int64_t size2, int64_t size3) {
  mpy_header *header = headerOf(owner);
  bool isOnly = header->references == 1;
  if (isOnly && bytes <= header->capacity)
    return owner;
  // What grew before will grow again.
  bool growsAgain = isOnly && header->reserved[grownBefore];
  bool doubles = growsAgain && bytes < 2 * header->capacity;
  void *moved =
      mpy_alloc_for(site, doubles ? 2 * header->capacity : bytes, size0, size1, size2, size3);
  memcpy(moved, data, used);
  headerOf(moved)->reserved[grownBefore] = 1;
  mpy_release(owner);
  return moved;
}

void mpy_retain(void *data) {
  if (data)
    ++headerOf(data)->references;
}

void mpy_release(void *data) {
  if (data && --headerOf(data)->references == 0)
    mpy_free(data);
}

void mpy_free(void *data) {
  mpy_header *header = headerOf(data);
  if (context().catching)
    noteFreed(header);
  if (header->drop)
    header->drop(data);
  if (context().library)
    delist(header);
  recycle(header);
}

void mpy_drop_pointers(void *data) {
  void **pointers = static_cast<void **>(data);
  for (int64_t i = 0, count = headerOf(data)->capacity / 8; i < count; ++i)
    mpy_release(pointers[i]);
}

int64_t mpy_live_buffers(void) { return context().memory.allocations - context().memory.frees; }

int64_t mpy_allocation_count(void) { return context().memory.allocations; }

void mpy_trim(void) {
  MemoryState &memory = context().memory;
  for (mpy_header *&list : memory.freeLists) {
    // Buffers cut from slabs stay: they cannot be given back one by one.
    if (!list || totalOf(list) <= slabObjectLimit)
      continue;
    while (mpy_header *header = list) {
      list = nextOf(header);
      memory.keptBytes -= totalOf(header);
      giveToSystem(header);
    }
  }
}
