// Entry points for memory: allocation, pinned memory, copies and fills.
#include "Api.h"
#include <cstdlib>
#include <cstring>

using namespace standin;

STANDIN_API CUresult cuMemAlloc_v2(CUdeviceptr *address, size_t bytes) {
  std::lock_guard lock(state().mutex);
  if (CUresult error = ready())
    return error;
  if (!bytes)
    return CUDA_ERROR_INVALID_VALUE;
  trace("allocate " + std::to_string(bytes));
  if (++counts().allocations == options().failingAllocation)
    return CUDA_ERROR_OUT_OF_MEMORY;
  *address = memory().allocate(bytes);
  return *address ? CUDA_SUCCESS : CUDA_ERROR_OUT_OF_MEMORY;
}

STANDIN_API CUresult cuMemFree_v2(CUdeviceptr address) {
  std::lock_guard lock(state().mutex);
  if (!address)
    return CUDA_SUCCESS;
  if (CUresult error = ready())
    return error;
  CUresult error = drainAll();
  trace("free");
  if (!memory().release(address)) {
    finding("free of what is no live allocation: " + memory().describe(address));
    return CUDA_ERROR_INVALID_VALUE;
  }
  ++counts().frees;
  return error;
}

STANDIN_API CUresult cuMemGetInfo_v2(size_t *left, size_t *total) {
  std::lock_guard lock(state().mutex);
  if (CUresult error = ready())
    return error;
  *total = options().memory;
  *left = options().memory - memory().live;
  return CUDA_SUCCESS;
}

STANDIN_API CUresult cuMemHostAlloc(void **host, size_t bytes, unsigned) {
  std::lock_guard lock(state().mutex);
  if (CUresult error = ready())
    return error;
  if (!bytes)
    return CUDA_ERROR_INVALID_VALUE;
  char *made = static_cast<char *>(aligned_alloc(4096, (bytes + 4095) / 4096 * 4096));
  if (!made)
    return CUDA_ERROR_OUT_OF_MEMORY;
  state().pinned[made] = bytes;
  *host = made;
  return CUDA_SUCCESS;
}

STANDIN_API CUresult cuMemFreeHost(void *host) {
  std::lock_guard lock(state().mutex);
  if (CUresult error = ready())
    return error;
  CUresult error = drainAll();
  if (!state().pinned.erase(static_cast<char *>(host)))
    return CUDA_ERROR_INVALID_VALUE;
  free(host);
  return error;
}

static bool isPinned(const void *host, size_t bytes) {
  auto *from = static_cast<char *>(const_cast<void *>(host));
  auto it = state().pinned.upper_bound(from);
  if (it == state().pinned.begin())
    return false;
  --it;
  return from + bytes <= it->first + it->second;
}

/// The allocation that holds all of a stretch, or none, which is a finding.
static Allocation *stretch(CUdeviceptr address, size_t bytes, const char *what) {
  Allocation *found = memory().find(address);
  if (found && !found->isFreed && address - found->base <= found->usable &&
      bytes <= found->usable - (address - found->base))
    return found;
  finding(std::string(what) + " of " + std::to_string(bytes) + " bytes " +
          (found && found->isFreed ? "of freed memory" : "out of bounds") + ": " +
          memory().describe(address));
  return nullptr;
}

static void count(Transfer kind, size_t bytes) {
  static constexpr const char *names[] = {"copy host to device ", "copy device to host ",
                                          "copy device to device ", "set "};
  ++counts().transfers[kind];
  counts().transferBytes[kind] += bytes;
  trace(names[kind] + std::to_string(bytes));
}

static CUresult toDevice(CUdeviceptr to, const void *from, size_t bytes) {
  Allocation *target = stretch(to, bytes, "copy to the device");
  if (!target)
    return CUDA_ERROR_INVALID_VALUE;
  memcpy(target->data + (to - target->base), from, bytes);
  target->markInitialised(to - target->base, bytes);
  return CUDA_SUCCESS;
}

static CUresult toHost(void *to, CUdeviceptr from, size_t bytes) {
  Allocation *source = stretch(from, bytes, "copy from the device");
  if (!source)
    return CUDA_ERROR_INVALID_VALUE;
  uint64_t offset = from - source->base, unknown = source->firstUnknown(offset, bytes);
  if (unknown < bytes && options().uninitialised)
    finding("copy from the device of uninitialised memory: byte " +
            std::to_string(offset + unknown) + " of " + memory().describe(from));
  memcpy(to, source->data + offset, bytes);
  return CUDA_SUCCESS;
}

static CUresult onDevice(CUdeviceptr to, CUdeviceptr from, size_t bytes) {
  Allocation *target = stretch(to, bytes, "copy to the device"),
             *source = stretch(from, bytes, "copy from the device");
  if (!target || !source)
    return CUDA_ERROR_INVALID_VALUE;
  uint64_t source0 = from - source->base, target0 = to - target->base;
  memmove(target->data + target0, source->data + source0, bytes);
  // What nobody wrote stays unknown in the copy.
  for (uint64_t done = 0; done < bytes;) {
    uint64_t known = source->firstUnknown(source0 + done, bytes - done);
    target->markInitialised(target0 + done, known);
    done += known;
    uint64_t unknown = 0;
    while (done + unknown < bytes && source->firstUnknown(source0 + done + unknown, 1) == 0)
      ++unknown;
    target->markStale(target0 + done, unknown);
    done += unknown;
  }
  return CUDA_SUCCESS;
}

static CUresult fill(CUdeviceptr to, uint32_t value, unsigned width, size_t number) {
  Allocation *target = stretch(to, number * width, "fill");
  if (!target)
    return CUDA_ERROR_INVALID_VALUE;
  char *at = target->data + (to - target->base);
  for (size_t k = 0; k < number; ++k)
    memcpy(at + k * width, &value, width);
  target->markInitialised(to - target->base, number * width);
  return CUDA_SUCCESS;
}

/// A copy that the caller waits for.
template <class F> static CUresult now(Transfer kind, size_t bytes, F work) {
  std::lock_guard lock(state().mutex);
  if (CUresult error = ready())
    return error;
  count(kind, bytes);
  if (CUresult error = drainBlocking())
    return error;
  return bytes ? work() : CUDA_SUCCESS;
}

/// One that waits in its stream.
template <class F> static CUresult later(Transfer kind, size_t bytes, CUstream handle, F work) {
  std::lock_guard lock(state().mutex);
  if (CUresult error = ready())
    return error;
  Stream *stream = streamOf(handle);
  if (!stream)
    return CUDA_ERROR_INVALID_HANDLE;
  count(kind, bytes);
  if (bytes)
    enqueue(*stream, work);
  return CUDA_SUCCESS;
}

STANDIN_API CUresult cuMemcpyHtoD_v2(CUdeviceptr to, const void *from, size_t bytes) {
  return now(hostToDevice, bytes, [=] { return toDevice(to, from, bytes); });
}
STANDIN_API CUresult cuMemcpyDtoH_v2(void *to, CUdeviceptr from, size_t bytes) {
  return now(deviceToHost, bytes, [=] { return toHost(to, from, bytes); });
}
STANDIN_API CUresult cuMemcpyDtoD_v2(CUdeviceptr to, CUdeviceptr from, size_t bytes) {
  return now(deviceToDevice, bytes, [=] { return onDevice(to, from, bytes); });
}

STANDIN_API CUresult cuMemcpyHtoDAsync_v2(CUdeviceptr to, const void *from, size_t bytes,
                                          CUstream stream) {
  std::lock_guard lock(state().mutex);
  if (isPinned(from, bytes))
    return later(hostToDevice, bytes, stream, [=] { return toDevice(to, from, bytes); });
  // Bytes of ordinary memory are taken before the call returns.
  auto *begin = static_cast<const char *>(from);
  auto staged = std::make_shared<std::vector<char>>(begin, begin + bytes);
  return later(hostToDevice, bytes, stream, [=] { return toDevice(to, staged->data(), bytes); });
}
STANDIN_API CUresult cuMemcpyDtoHAsync_v2(void *to, CUdeviceptr from, size_t bytes,
                                          CUstream stream) {
  std::lock_guard lock(state().mutex);
  bool waits = !isPinned(to, bytes);
  if (CUresult error = later(deviceToHost, bytes, stream, [=] { return toHost(to, from, bytes); }))
    return error;
  return waits ? drain(*streamOf(stream)) : CUDA_SUCCESS;
}
STANDIN_API CUresult cuMemcpyDtoDAsync_v2(CUdeviceptr to, CUdeviceptr from, size_t bytes,
                                          CUstream stream) {
  return later(deviceToDevice, bytes, stream, [=] { return onDevice(to, from, bytes); });
}
STANDIN_API CUresult cuMemsetD8Async(CUdeviceptr to, unsigned char value, size_t number,
                                     CUstream stream) {
  return later(set, number, stream, [=] { return fill(to, value, 1, number); });
}
STANDIN_API CUresult cuMemsetD32Async(CUdeviceptr to, unsigned value, size_t number,
                                      CUstream stream) {
  return later(set, number * 4, stream, [=] { return fill(to, value, 4, number); });
}

/// Not NVIDIA's, for allocators that keep blocks: what comes later in the stream finds `bytes` of
/// the block, which nobody has written; 0 when it is given back. So its uses are checked like
/// allocations.
STANDIN_API CUresult standInReuse(CUdeviceptr address, size_t bytes, CUstream handle) {
  std::lock_guard lock(state().mutex);
  Stream *stream = streamOf(handle);
  Allocation *found = memory().find(address);
  if (!stream || !found || found->base != address || found->isFreed || bytes > found->bytes) {
    finding("reuse of what is no live block: " + memory().describe(address));
    return CUDA_ERROR_INVALID_VALUE;
  }
  enqueue(*stream, [=] {
    found->usable = bytes;
    found->markStale(0, found->bytes);
    return CUDA_SUCCESS;
  });
  return CUDA_SUCCESS;
}
