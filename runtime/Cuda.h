// Devices: which one a context uses, what lies there, and what its parts ask of each other.
#ifndef MPY_RUNTIME_CUDA_H
#define MPY_RUNTIME_CUDA_H

#include "Context.h"
#include "CudaDriver.h"

namespace mpy {

/// The device's copy of a buffer. The header of the buffer refers to it; that of constant data,
/// which all contexts share, does not.
struct DeviceCopy {
  CudaAddress address;
  int64_t bytes; ///< that a kernel may reach
  int64_t room;  ///< that were allocated
  void *owner;
  bool hostIsRight, deviceIsRight;
  bool isPinned; ///< of the kernel that is about to run
  DeviceCopy *newer, *older;
};

/// A block of device memory that is kept for reuse.
struct DeviceBlock {
  CudaAddress address;
  DeviceBlock *next;
};

/// A module of kernels that was loaded, and its functions by number.
struct LoadedModule {
  const mpy_gpu_module *source;
  CudaModule *module;
  CudaFunction **functions;
  LoadedModule *next;
};

/// What MPY_PROFILE tells of one kernel, or of one direction of transfers.
struct KernelProfile {
  const mpy_kernel *kernel;
  int64_t launches, hostRuns, bytes;
  double milliseconds;
  KernelProfile *next;
};
struct TransferProfile {
  int64_t count, bytes;
};

struct DeviceState {
  CudaDriver driver;
  int device;
  int64_t chip; ///< 90 for sm_90
  CudaContext *primary;
  CudaStream *stream;
  /// Points of a group from which on a kernel is worth its launch and transfers.
  int64_t minimum;
  /// Whether kernels may run: not where there is no device, or none that runs them.
  bool runs;
  DeviceCopy *newest;
  DeviceCopy *constants;
  DeviceBlock *kept[sizeClassCount];
  LoadedModule *modules;
  CudaAddress scratch;
  int64_t scratchBytes;
  bool profiles;
  KernelProfile *kernels;
  TransferProfile toDevice, toHost;
  CudaEvent *start, *end;
};

/// The device of this context, which the first call chooses; its `runs` says whether there is one.
DeviceState &deviceOf(Place place);
/// Waits until the device has done what it was asked for; for clocks.
void synchronizeDevice();
/// Gives back all that the context has on the device, and tells the profile.
void closeDevice(Context &context);

/// Raises RuntimeError where the driver reports an error.
void checkCuda(DeviceState &state, CudaResult result, const char *function, Place place);
/// The name of an error, as the driver has it.
const char *cudaErrorName(DeviceState &state, CudaResult result);
/// The function of a kernel; null where the device cannot run its module.
CudaFunction *functionOf(DeviceState &state, const mpy_kernel *kernel, bool isParts);

/// The copy of a buffer, made where there is none; null for memory that has none.
DeviceCopy *copyOf(DeviceState &state, const mpy_kernel_buffer &buffer);
/// The copy that there is.
DeviceCopy *existingCopy(DeviceState &state, void *owner);
/// Gives the copy memory for `bytes`, and what the host has where it `isRead`.
void prepareCopy(DeviceState &state, DeviceCopy &copy, const mpy_kernel_buffer &buffer, bool isRead,
                 Place place);
CudaAddress allocateDevice(DeviceState &state, int64_t bytes, int64_t &room, Place place);
/// Tells a driver that checks memory what a block holds from here on.
void noteDeviceUse(DeviceState &state, CudaAddress address, int64_t bytes);
void keepDevice(DeviceState &state, CudaAddress address, int64_t room);
/// The `drop` of buffers that have a copy.
void dropDeviceCopy(void *owner);
/// Brings a buffer home for good: another program gets it.
void leaveDevice(void *owner);
void freeDeviceMemory(DeviceState &state);

KernelProfile &profileOf(DeviceState &state, const mpy_kernel *kernel);
void printProfile(DeviceState &state);

} // namespace mpy

#endif
