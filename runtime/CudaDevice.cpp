// Opens the driver and the device when a program first wants to run a kernel, and loads modules of
// kernels: machine code for the device's chip where there is some, else the text, which the driver
// compiles. MPY_DEVICE says what is wanted: `cpu` never asks for a device, `cuda` is an error where
// there is none, `auto` (and no word) says on one line why the program runs without.
#include "Cuda.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <new>

namespace mpy {

/// Below so many points a loop on the host is done before a kernel has begun.
constexpr int64_t pointsOfKernel = 32768;

/// Keeps a sentence for the message that says why there is no device.
static void explain(char (&reason)[256], const char *format, const char *first,
                    const char *second = "") {
  snprintf(reason, sizeof reason, format, first, second);
}

static bool openDriver(CudaDriver &driver, char (&reason)[256]) {
  void *library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    explain(reason, "the driver libcuda.so.1 cannot be opened%s", "");
    return false;
  }
#define MPY_CUDA_OPEN(name, parameters)                                                            \
  driver.name = reinterpret_cast<CudaResult(*) parameters>(dlsym(library, #name));                 \
  if (!driver.name) {                                                                              \
    explain(reason, "the driver has no function %s", #name);                                       \
    return false;                                                                                  \
  }
  MPY_CUDA_FUNCTIONS(MPY_CUDA_OPEN)
#undef MPY_CUDA_OPEN
  driver.standInReuse = reinterpret_cast<CudaResult (*)(CudaAddress, size_t, CudaStream *)>(
      dlsym(library, "standInReuse"));
  return true;
}

const char *cudaErrorName(DeviceState &state, CudaResult result) {
  const char *name = nullptr;
  if (state.driver.cuGetErrorName(result, &name) != cudaSuccess || !name)
    return "an unknown error";
  return name;
}

/// Makes the device's context current; false with the reason where that is impossible.
static bool openDevice(DeviceState &state, char (&reason)[256]) {
  if (!openDriver(state.driver, reason))
    return false;
  CudaDriver &driver = state.driver;
  const char *step = "cuInit";
  int count = 0, major = 0, minor = 0;
  CudaResult result = driver.cuInit(0);
  if (result == cudaSuccess)
    result = driver.cuDeviceGetCount(&count);
  if (result == cudaSuccess && count == 0) {
    explain(reason, "there is no device%s", "");
    return false;
  }
  auto next = [&](const char *name, auto call) {
    if (result != cudaSuccess)
      return;
    step = name;
    result = call();
  };
  next("cuDeviceGet", [&] { return driver.cuDeviceGet(&state.device, 0); });
  next("cuDeviceGetAttribute",
       [&] { return driver.cuDeviceGetAttribute(&major, cudaMajorVersion, state.device); });
  next("cuDeviceGetAttribute",
       [&] { return driver.cuDeviceGetAttribute(&minor, cudaMinorVersion, state.device); });
  next("cuDevicePrimaryCtxRetain",
       [&] { return driver.cuDevicePrimaryCtxRetain(&state.primary, state.device); });
  next("cuCtxSetCurrent", [&] { return driver.cuCtxSetCurrent(state.primary); });
  next("cuStreamCreate", [&] { return driver.cuStreamCreate(&state.stream, cudaNonBlocking); });
  if (result != cudaSuccess) {
    explain(reason, "%s failed: %s", step, cudaErrorName(state, result));
    return false;
  }
  state.chip = major * 10 + minor;
  return true;
}

/// There is no device, or none that runs the kernels: an error where one was asked for.
static void goWithout(DeviceState &state, const char *reason, Place place) {
  state.runs = false;
  const char *wanted = getenv("MPY_DEVICE");
  if (wanted && strcmp(wanted, "cuda") == 0)
    raise(place, "RuntimeError", "MPY_DEVICE=cuda, but %s", reason);
  char message[400];
  int length = snprintf(message, sizeof message,
                        "mpy: runs on the CPU: %s (MPY_DEVICE=cpu asks for that)\n", reason);
  mpy_write_bytes(2, message, length);
}

static int64_t minimumOf(Place place) {
  const char *text = getenv("MPY_GPU_MIN");
  if (!text || !*text)
    return pointsOfKernel;
  char *end = nullptr;
  errno = 0;
  long long value = strtoll(text, &end, 10);
  if (*end || errno || value < 0)
    raise(place, "ValueError", "MPY_GPU_MIN is '%s': it is a number of elements", text);
  return value;
}

static constexpr DeviceHooks hooks = {closeDevice, synchronizeDevice, leaveDevice, dropDeviceCopy};

DeviceState &deviceOf(Place place) {
  if (DeviceState *known = context().device)
    return *known;
  void *memory = calloc(1, sizeof(DeviceState));
  if (!memory)
    raiseNoMemory(sizeof(DeviceState));
  auto &state = *static_cast<DeviceState *>(memory);
  context().device = &state;
  context().deviceHooks = &hooks;
  const char *wanted = getenv("MPY_DEVICE");
  bool isAuto = !wanted || !*wanted || strcmp(wanted, "auto") == 0;
  if (!isAuto && strcmp(wanted, "cpu") != 0 && strcmp(wanted, "cuda") != 0)
    raise(place, "ValueError", "MPY_DEVICE is '%s': it is auto, cpu or cuda", wanted);
  state.minimum = minimumOf(place);
  const char *profile = getenv("MPY_PROFILE");
  state.profiles = profile && *profile && strcmp(profile, "0") != 0;
  if (wanted && strcmp(wanted, "cpu") == 0)
    return state;
  char reason[256];
  state.runs = openDevice(state, reason);
  if (!state.runs)
    goWithout(state, reason, place);
  return state;
}

void checkCuda(DeviceState &state, CudaResult result, const char *function, Place place) {
  if (result == cudaSuccess)
    return;
  const char *text = nullptr;
  state.driver.cuGetErrorString(result, &text);
  // What the device holds is lost; nothing is asked of it again.
  state.runs = false;
  raise(place, "RuntimeError", "%s failed: %s (%s)", function, cudaErrorName(state, result),
        text ? text : "no description");
}

void synchronizeDevice() {
  DeviceState &state = *context().device;
  if (state.stream && state.runs)
    checkCuda(state, state.driver.cuStreamSynchronize(state.stream), "cuStreamSynchronize",
              {nullptr, 0});
}

//===----------------------------------------------------------------------===//
// Modules
//===----------------------------------------------------------------------===//

static LoadedModule *loadModule(DeviceState &state, const mpy_gpu_module *source, Place place) {
  CudaResult result = cudaNoBinaryForGpu;
  CudaModule *module = nullptr;
  for (int64_t i = 0; i < source->image_count && result != cudaSuccess; ++i) {
    const mpy_gpu_image &image = source->images[i];
    if (image.chip == 0 || image.chip == state.chip)
      result = state.driver.cuModuleLoadData(&module, image.data);
  }
  if (result != cudaSuccess) {
    int version = 0;
    state.driver.cuDriverGetVersion(&version);
    char reason[256];
    if (result == cudaUnsupportedPtxVersion)
      snprintf(reason, sizeof reason,
               "the driver (CUDA %d.%d) is too old for the program's kernels: %s", version / 1000,
               version % 1000 / 10, cudaErrorName(state, result));
    else
      snprintf(reason, sizeof reason, "the device (sm_%d) cannot load the program's kernels: %s",
               static_cast<int>(state.chip), cudaErrorName(state, result));
    goWithout(state, reason, place);
    return nullptr;
  }
  auto *loaded = static_cast<LoadedModule *>(calloc(1, sizeof(LoadedModule)));
  // Two functions for each kernel: itself, and what joins its parts.
  auto **functions = static_cast<CudaFunction **>(
      calloc(static_cast<size_t>(2 * source->kernel_count + 1), sizeof(CudaFunction *)));
  if (!loaded || !functions)
    raiseNoMemory(16 * source->kernel_count);
  *loaded = {source, module, functions, state.modules};
  state.modules = loaded;
  return loaded;
}

CudaFunction *functionOf(DeviceState &state, const mpy_kernel *kernel, bool isParts) {
  Place place = {kernel->file, kernel->line};
  LoadedModule *loaded = state.modules;
  while (loaded && loaded->source != kernel->module)
    loaded = loaded->next;
  if (!loaded)
    loaded = loadModule(state, kernel->module, place);
  if (!loaded)
    return nullptr;
  CudaFunction *&function = loaded->functions[2 * kernel->index + isParts];
  if (!function) {
    char name[128];
    snprintf(name, sizeof name, "%s%s", kernel->name, isParts ? "_parts" : "");
    checkCuda(state, state.driver.cuModuleGetFunction(&function, loaded->module, name),
              "cuModuleGetFunction", place);
  }
  return function;
}

void closeDevice(Context &context) {
  DeviceState *state = context.device;
  if (!state)
    return;
  context.device = nullptr;
  if (state->stream)
    state->driver.cuStreamSynchronize(state->stream);
  if (state->profiles)
    printProfile(*state);
  if (state->primary) {
    freeDeviceMemory(*state);
    while (LoadedModule *loaded = state->modules) {
      state->modules = loaded->next;
      state->driver.cuModuleUnload(loaded->module);
      free(loaded->functions);
      free(loaded);
    }
    if (state->stream)
      state->driver.cuStreamDestroy_v2(state->stream);
    state->driver.cuDevicePrimaryCtxRelease_v2(state->device);
  }
  free(state);
}

} // namespace mpy
