// The functions of NVIDIA's driver that programs use, opened when a program first needs them: where
// there is no driver, a program runs without. Types and numbers are those of its documentation.
#ifndef MPY_RUNTIME_CUDADRIVER_H
#define MPY_RUNTIME_CUDADRIVER_H

#include <cstddef>
#include <cstdint>

namespace mpy {

using CudaResult = int;
using CudaAddress = unsigned long long;
struct CudaContext;
struct CudaModule;
struct CudaFunction;
struct CudaStream;
struct CudaEvent;

constexpr CudaResult cudaSuccess = 0, cudaOutOfMemory = 2, cudaInvalidImage = 200,
                     cudaNoBinaryForGpu = 209, cudaUnsupportedPtxVersion = 222;
constexpr int cudaMajorVersion = 75, cudaMinorVersion = 76;
constexpr unsigned cudaNonBlocking = 1;

/// name, parameters; all return a CudaResult.
#define MPY_CUDA_FUNCTIONS(FUNCTION)                                                               \
  FUNCTION(cuInit, (unsigned))                                                                     \
  FUNCTION(cuDriverGetVersion, (int *))                                                            \
  FUNCTION(cuDeviceGetCount, (int *))                                                              \
  FUNCTION(cuDeviceGet, (int *, int))                                                              \
  FUNCTION(cuDeviceGetName, (char *, int, int))                                                    \
  FUNCTION(cuDeviceGetAttribute, (int *, int, int))                                                \
  FUNCTION(cuDevicePrimaryCtxRetain, (CudaContext **, int))                                        \
  FUNCTION(cuDevicePrimaryCtxRelease_v2, (int))                                                    \
  FUNCTION(cuCtxSetCurrent, (CudaContext *))                                                       \
  FUNCTION(cuModuleLoadData, (CudaModule **, const void *))                                        \
  FUNCTION(cuModuleUnload, (CudaModule *))                                                         \
  FUNCTION(cuModuleGetFunction, (CudaFunction **, CudaModule *, const char *))                     \
  FUNCTION(cuLaunchKernel, (CudaFunction *, unsigned, unsigned, unsigned, unsigned, unsigned,      \
                            unsigned, unsigned, CudaStream *, void **, void **))                   \
  FUNCTION(cuMemAlloc_v2, (CudaAddress *, size_t))                                                 \
  FUNCTION(cuMemFree_v2, (CudaAddress))                                                            \
  FUNCTION(cuMemGetInfo_v2, (size_t *, size_t *))                                                  \
  FUNCTION(cuMemcpyHtoDAsync_v2, (CudaAddress, const void *, size_t, CudaStream *))                \
  FUNCTION(cuMemcpyDtoHAsync_v2, (void *, CudaAddress, size_t, CudaStream *))                      \
  FUNCTION(cuMemcpyDtoDAsync_v2, (CudaAddress, CudaAddress, size_t, CudaStream *))                 \
  FUNCTION(cuStreamCreate, (CudaStream **, unsigned))                                              \
  FUNCTION(cuStreamSynchronize, (CudaStream *))                                                    \
  FUNCTION(cuStreamDestroy_v2, (CudaStream *))                                                     \
  FUNCTION(cuEventCreate, (CudaEvent **, unsigned))                                                \
  FUNCTION(cuEventRecord, (CudaEvent *, CudaStream *))                                             \
  FUNCTION(cuEventSynchronize, (CudaEvent *))                                                      \
  FUNCTION(cuEventElapsedTime, (float *, CudaEvent *, CudaEvent *))                                \
  FUNCTION(cuEventDestroy_v2, (CudaEvent *))                                                       \
  FUNCTION(cuGetErrorName, (CudaResult, const char **))                                            \
  FUNCTION(cuGetErrorString, (CudaResult, const char **))

struct CudaDriver {
#define MPY_CUDA_POINTER(name, parameters) CudaResult(*name) parameters;
  MPY_CUDA_FUNCTIONS(MPY_CUDA_POINTER)
#undef MPY_CUDA_POINTER
  /// Of the stand-in driver alone, null elsewhere: from here on in the stream a block has `bytes`
  /// bytes, of which none is known, or is free (0). So uses of kept blocks can be checked.
  CudaResult (*standInReuse)(CudaAddress, size_t bytes, CudaStream *);
};

} // namespace mpy

#endif
