// Gives out device memory. Addresses are never given out twice, so that one that was freed stays
// known.
#include "Memory.h"
#include "Device.h"
#include <algorithm>
#include <cstdlib>
#include <cstring>

using namespace standin;

Memory &standin::memory() {
  static Memory *memory = new Memory;
  return *memory;
}

void Allocation::refine(unsigned width) {
  if (width >= granule)
    return;
  unsigned parts = granule / width;
  std::vector<Cell> fine(cells.size() * parts);
  for (size_t k = 0; k < fine.size(); ++k) {
    fine[k] = cells[k / parts];
    fine[k].initialised =
        (cells[k / parts].initialised >> (k % parts * width)) & ((1 << width) - 1);
  }
  cells = std::move(fine);
  granule = width;
}

/// A granule that a stretch of bytes consists of whole ones of.
static unsigned granuleFor(uint64_t offset, uint64_t count) {
  uint64_t both = offset | count | 8;
  return both & -both;
}

void Allocation::markInitialised(uint64_t offset, uint64_t count) {
  if (!count)
    return;
  refine(granuleFor(offset, offset + count == bytes ? 8 : count));
  for (uint64_t k = offset / granule; k < (offset + count + granule - 1) / granule; ++k)
    cells[k].initialised = 0xff;
}

void Allocation::markStale(uint64_t offset, uint64_t count) {
  if (!count)
    return;
  refine(granuleFor(offset, offset + count == bytes ? 8 : count));
  for (uint64_t k = offset / granule; k < (offset + count + granule - 1) / granule; ++k)
    cells[k].initialised = 0;
}

uint64_t Allocation::firstUnknown(uint64_t offset, uint64_t count) const {
  for (uint64_t k = 0; k < count; ++k) {
    uint64_t byte = offset + k;
    if (!((cells[byte / granule].initialised >> (byte % granule)) & 1))
      return k;
  }
  return count;
}

uint64_t Memory::allocate(uint64_t bytes, const std::string &name) {
  if (live + bytes > options().memory || live + bytes < live)
    return 0;
  auto made = std::make_unique<Allocation>();
  made->base = end;
  made->bytes = made->usable = bytes;
  made->name = name;
  made->data = static_cast<char *>(aligned_alloc(256, (bytes + 511) / 256 * 256));
  if (!made->data)
    return 0;
  // A pattern that is a quiet NaN at either width, for those who read what nobody wrote.
  memset(made->data, 0x7f, bytes);
  made->cells.resize((bytes + 7) / 8);
  made->readBy.resize((bytes + 31) / 32);
  made->writtenBy.resize((bytes + 31) / 32);
  live += bytes;
  peak = std::max(peak, live);
  end = (end + bytes + 4096 + 511) / 512 * 512;
  allocations.push_back(std::move(made));
  return allocations.back()->base;
}

uint64_t Memory::allocateVariable(const std::string &name, const std::vector<uint8_t> &values) {
  uint64_t address = allocate(std::max<uint64_t>(values.size(), 1), name);
  if (!address)
    return 0;
  Allocation *made = find(address);
  made->isVariable = true;
  memcpy(made->data, values.data(), values.size());
  made->markInitialised(0, values.size());
  return address;
}

bool Memory::release(uint64_t address) {
  Allocation *found = find(address);
  if (!found || found->base != address || found->isFreed)
    return false;
  found->isFreed = true;
  live -= found->bytes;
  free(found->data);
  found->data = nullptr;
  found->cells = {};
  found->readBy = {};
  found->writtenBy = {};
  return true;
}

Allocation *Memory::find(uint64_t address) {
  auto it =
      std::upper_bound(allocations.begin(), allocations.end(), address,
                       [](uint64_t a, const auto &allocation) { return a < allocation->base; });
  return it == allocations.begin() ? nullptr : std::prev(it)->get();
}

uint64_t Memory::liveCount() const {
  return std::count_if(allocations.begin(), allocations.end(),
                       [](const auto &a) { return !a->isFreed && !a->isVariable; });
}

std::string Memory::describe(uint64_t address) {
  char text[200];
  Allocation *near = find(address);
  if (!near) {
    snprintf(text, sizeof text, "address 0x%llx is no device memory", (unsigned long long)address);
    return text;
  }
  uint64_t offset = address - near->base;
  bool isInside = offset < near->usable;
  snprintf(text, sizeof text, "address 0x%llx is %llu bytes %s %s%s of %llu bytes",
           (unsigned long long)address,
           (unsigned long long)(isInside ? offset : offset - near->usable),
           isInside ? "into" : "past",
           near->isFreed || !near->usable ? "a freed allocation"
           : near->isVariable             ? "variable "
                                          : "an allocation",
           near->isVariable ? near->name.c_str() : "", (unsigned long long)near->usable);
  return text;
}
