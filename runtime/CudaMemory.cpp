// Where buffers are: each may have a copy on the device, made when a kernel first uses it, and two
// marks say which of the two is right. Both are right after a transfer; a kernel that writes leaves
// the device's, a change by the host its own.
//
// Memory of freed copies is kept for the next ones in the classes of Memory.cpp: work is done in
// the order of one stream, so what was asked for before is done before. Where memory runs out, kept
// blocks go back to the driver, then copies whose host's is right are dropped, the oldest first.
#include "Cuda.h"

#include <cstdlib>

namespace mpy {

static mpy_header *headerOf(void *owner) { return static_cast<mpy_header *>(owner) - 1; }

static bool isConstant(const mpy_header *header) { return header->references >= MPY_IMMORTAL / 2; }

//===----------------------------------------------------------------------===//
// Memory of the device
//===----------------------------------------------------------------------===//

/// Room in four steps per power of two, and the number of the step.
static int64_t roomFor(int64_t bytes, int64_t &index) {
  if (bytes <= 256) {
    index = 0;
    return 256;
  }
  int power = 63 - __builtin_clzll(static_cast<unsigned long long>(bytes - 1));
  int shift = power - 2;
  int64_t steps = (bytes + (int64_t(1) << shift) - 1) >> shift;
  index = (shift - 6) * 8 + steps;
  return steps << shift;
}

static bool freeKept(DeviceState &state) {
  bool any = false;
  for (DeviceBlock *&list : state.kept)
    while (DeviceBlock *block = list) {
      list = block->next;
      state.driver.cuMemFree_v2(block->address);
      free(block);
      any = true;
    }
  return any;
}

static void unlink(DeviceState &state, DeviceCopy &copy) {
  if (copy.newer)
    copy.newer->older = copy.older;
  else
    state.newest = copy.older;
  if (copy.older)
    copy.older->newer = copy.newer;
}

/// Frees the memory of the oldest copy that the host does not need; false where there is none.
static bool evictOne(DeviceState &state) {
  DeviceCopy *found = nullptr;
  for (DeviceCopy *copy = state.newest; copy; copy = copy->older)
    if (copy->room && copy->hostIsRight && !copy->isPinned)
      found = copy;
  if (!found)
    return false;
  state.driver.cuMemFree_v2(found->address);
  found->room = 0;
  found->deviceIsRight = false;
  return true;
}

[[noreturn]] static void failNoDeviceMemory(DeviceState &state, int64_t bytes, Place place) {
  size_t left = 0, total = 0;
  state.driver.cuMemGetInfo_v2(&left, &total);
  raise(place, "MemoryError",
        "Unable to allocate %lld bytes on the device, which has %lld bytes left of %lld",
        static_cast<long long>(bytes), static_cast<long long>(left), static_cast<long long>(total));
}

void noteDeviceUse(DeviceState &state, CudaAddress address, int64_t bytes) {
  if (state.driver.standInReuse)
    state.driver.standInReuse(address, static_cast<size_t>(bytes), state.stream);
}

CudaAddress allocateDevice(DeviceState &state, int64_t bytes, int64_t &room, Place place) {
  int64_t index = 0;
  room = roomFor(bytes, index);
  if (DeviceBlock *block = state.kept[index]) {
    state.kept[index] = block->next;
    CudaAddress address = block->address;
    free(block);
    noteDeviceUse(state, address, bytes);
    return address;
  }
  CudaAddress address = 0;
  while (true) {
    CudaResult result = state.driver.cuMemAlloc_v2(&address, static_cast<size_t>(room));
    if (result == cudaSuccess) {
      noteDeviceUse(state, address, bytes);
      return address;
    }
    if (result != cudaOutOfMemory)
      checkCuda(state, result, "cuMemAlloc", place);
    if (!freeKept(state) && !evictOne(state))
      failNoDeviceMemory(state, bytes, place);
  }
}

void keepDevice(DeviceState &state, CudaAddress address, int64_t room) {
  int64_t index = 0;
  roomFor(room, index);
  auto *block = static_cast<DeviceBlock *>(malloc(sizeof(DeviceBlock)));
  if (!block) {
    state.driver.cuMemFree_v2(address);
    return;
  }
  noteDeviceUse(state, address, 0);
  *block = {address, state.kept[index]};
  state.kept[index] = block;
}

void freeDeviceMemory(DeviceState &state) {
  DeviceCopy **lists[] = {&state.newest, &state.constants};
  for (DeviceCopy **list : lists)
    while (DeviceCopy *copy = *list) {
      *list = copy->older;
      if (copy->room)
        state.driver.cuMemFree_v2(copy->address);
      // The buffer may live on, without a copy.
      if (list == &state.newest) {
        headerOf(copy->owner)->drop = nullptr;
        headerOf(copy->owner)->reserved[0] = 0;
      }
      free(copy);
    }
  if (state.scratchBytes)
    state.driver.cuMemFree_v2(state.scratch);
  freeKept(state);
}

//===----------------------------------------------------------------------===//
// Copies
//===----------------------------------------------------------------------===//

DeviceCopy *existingCopy(DeviceState &state, void *owner) {
  mpy_header *header = headerOf(owner);
  if (!isConstant(header))
    return reinterpret_cast<DeviceCopy *>(header->reserved[0]);
  for (DeviceCopy *copy = state.constants; copy; copy = copy->older)
    if (copy->owner == owner)
      return copy;
  return nullptr;
}

DeviceCopy *copyOf(DeviceState &state, const mpy_kernel_buffer &buffer) {
  if (DeviceCopy *known = existingCopy(state, buffer.owner))
    return known;
  mpy_header *header = headerOf(buffer.owner);
  // What refers to other buffers is never an array; an array of a caller has no header of its own.
  if (header->drop || (context().library && isConstant(header) && buffer.data != buffer.owner))
    return nullptr;
  auto *copy = static_cast<DeviceCopy *>(calloc(1, sizeof(DeviceCopy)));
  if (!copy)
    raiseNoMemory(sizeof(DeviceCopy));
  copy->owner = buffer.owner;
  copy->hostIsRight = true;
  if (isConstant(header)) {
    copy->older = state.constants;
    state.constants = copy;
    return copy;
  }
  copy->older = state.newest;
  if (state.newest)
    state.newest->newer = copy;
  state.newest = copy;
  header->drop = dropDeviceCopy;
  header->reserved[0] = reinterpret_cast<int64_t>(copy);
  return copy;
}

void dropDeviceCopy(void *owner) {
  mpy_header *header = headerOf(owner);
  auto *copy = reinterpret_cast<DeviceCopy *>(header->reserved[0]);
  DeviceState &state = *context().device;
  if (copy->room)
    keepDevice(state, copy->address, copy->room);
  unlink(state, *copy);
  free(copy);
  header->drop = nullptr;
  header->reserved[0] = 0;
}

static void fetch(DeviceState &state, DeviceCopy &copy) {
  state.toHost.count += 1;
  state.toHost.bytes += copy.bytes;
  checkCuda(state,
            state.driver.cuMemcpyDtoHAsync_v2(copy.owner, copy.address,
                                              static_cast<size_t>(copy.bytes), state.stream),
            "cuMemcpyDtoHAsync", {nullptr, 0});
  checkCuda(state, state.driver.cuStreamSynchronize(state.stream), "cuStreamSynchronize",
            {nullptr, 0});
  copy.hostIsRight = true;
}

void leaveDevice(void *owner) {
  if (!context().device || headerOf(owner)->drop != dropDeviceCopy)
    return;
  mpy_device_fetch(owner);
  dropDeviceCopy(owner);
}

void prepareCopy(DeviceState &state, DeviceCopy &copy, const mpy_kernel_buffer &buffer, bool isRead,
                 Place place) {
  if (copy.room < buffer.bytes) {
    // It has grown since: what the device has is moved by way of the host.
    if (!copy.hostIsRight)
      fetch(state, copy);
    if (copy.room)
      keepDevice(state, copy.address, copy.room);
    copy.room = 0;
    copy.deviceIsRight = false;
    int64_t room = 0;
    copy.address = allocateDevice(state, buffer.bytes, room, place);
    copy.room = room;
  }
  if (copy.bytes < buffer.bytes) {
    if (!copy.hostIsRight)
      fetch(state, copy);
    copy.bytes = buffer.bytes;
    copy.deviceIsRight = false;
    noteDeviceUse(state, copy.address, copy.bytes);
  }
  if (!isRead || copy.deviceIsRight)
    return;
  state.toDevice.count += 1;
  state.toDevice.bytes += copy.bytes;
  checkCuda(state,
            state.driver.cuMemcpyHtoDAsync_v2(copy.address, copy.owner,
                                              static_cast<size_t>(copy.bytes), state.stream),
            "cuMemcpyHtoDAsync", place);
  copy.deviceIsRight = true;
}

} // namespace mpy

using namespace mpy;

void mpy_device_fetch(void *owner) {
  DeviceState &state = *context().device;
  DeviceCopy *copy = existingCopy(state, owner);
  if (copy && !copy->hostIsRight)
    fetch(state, *copy);
}

void mpy_device_change(void *owner, int8_t all) {
  DeviceState &state = *context().device;
  DeviceCopy *copy = existingCopy(state, owner);
  if (!copy)
    return;
  if (!copy->hostIsRight && !all)
    fetch(state, *copy);
  copy->hostIsRight = true;
  copy->deviceIsRight = false;
  // A kernel that reads it all the same reads what is out of date.
  if (copy->room)
    noteDeviceUse(state, copy->address, copy->bytes);
}
