// Entry points for devices, contexts, streams, events and errors.
#include "Api.h"
#include <chrono>
#include <cstring>

using namespace standin;

State &standin::state() {
  static State *state = new State;
  return *state;
}

static thread_local bool hasContext = false;
static char contextHandle;

static constexpr std::pair<CUresult, std::pair<const char *, const char *>> errors[] = {
    {CUDA_SUCCESS, {"CUDA_SUCCESS", "no error"}},
    {CUDA_ERROR_INVALID_VALUE, {"CUDA_ERROR_INVALID_VALUE", "invalid argument"}},
    {CUDA_ERROR_OUT_OF_MEMORY, {"CUDA_ERROR_OUT_OF_MEMORY", "out of memory"}},
    {CUDA_ERROR_NOT_INITIALIZED, {"CUDA_ERROR_NOT_INITIALIZED", "initialization error"}},
    {CUDA_ERROR_NO_DEVICE, {"CUDA_ERROR_NO_DEVICE", "no CUDA-capable device is detected"}},
    {CUDA_ERROR_INVALID_DEVICE, {"CUDA_ERROR_INVALID_DEVICE", "invalid device ordinal"}},
    {CUDA_ERROR_INVALID_IMAGE, {"CUDA_ERROR_INVALID_IMAGE", "device kernel image is invalid"}},
    {CUDA_ERROR_INVALID_CONTEXT, {"CUDA_ERROR_INVALID_CONTEXT", "invalid device context"}},
    {CUDA_ERROR_NO_BINARY_FOR_GPU,
     {"CUDA_ERROR_NO_BINARY_FOR_GPU", "no kernel image is available for execution on the device"}},
    {CUDA_ERROR_INVALID_PTX, {"CUDA_ERROR_INVALID_PTX", "a PTX JIT compilation failed"}},
    {CUDA_ERROR_UNSUPPORTED_PTX_VERSION,
     {"CUDA_ERROR_UNSUPPORTED_PTX_VERSION",
      "the provided PTX was compiled with an unsupported toolchain."}},
    {CUDA_ERROR_INVALID_HANDLE, {"CUDA_ERROR_INVALID_HANDLE", "invalid resource handle"}},
    {CUDA_ERROR_NOT_FOUND, {"CUDA_ERROR_NOT_FOUND", "named symbol not found"}},
    {CUDA_ERROR_ILLEGAL_ADDRESS,
     {"CUDA_ERROR_ILLEGAL_ADDRESS", "an illegal memory access was encountered"}},
    {CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES,
     {"CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES", "too many resources requested for launch"}},
    {CUDA_ERROR_LAUNCH_TIMEOUT,
     {"CUDA_ERROR_LAUNCH_TIMEOUT", "the launch timed out and was terminated"}},
    {CUDA_ERROR_MISALIGNED_ADDRESS, {"CUDA_ERROR_MISALIGNED_ADDRESS", "misaligned address"}},
    {CUDA_ERROR_LAUNCH_FAILED, {"CUDA_ERROR_LAUNCH_FAILED", "unspecified launch failure"}},
};

CUresult standin::ready() {
  if (!state().isInitialised)
    return CUDA_ERROR_NOT_INITIALIZED;
  if (!hasContext || !state().contextUses)
    return CUDA_ERROR_INVALID_CONTEXT;
  return state().lost;
}

CUresult standin::drain(Stream &stream) {
  while (!stream.work.empty()) {
    auto work = std::move(stream.work.front());
    stream.work.pop_front();
    if (state().lost == CUDA_SUCCESS)
      state().lost = work();
  }
  return state().lost;
}

CUresult standin::drainBlocking() {
  for (Stream *stream : state().streams)
    if (stream->blocks)
      drain(*stream);
  return drain(state().defaultStream);
}

CUresult standin::drainAll() {
  for (Stream *stream : state().streams)
    drain(*stream);
  return drain(state().defaultStream);
}

Stream *standin::streamOf(CUstream handle) {
  // 1 and 2 name the default stream, as the legacy one and as one for each thread.
  if (reinterpret_cast<uintptr_t>(handle) <= 2)
    return &state().defaultStream;
  auto *stream = reinterpret_cast<Stream *>(handle);
  return state().streams.count(stream) ? stream : nullptr;
}

void standin::enqueue(Stream &stream, std::function<CUresult()> work) {
  // The default stream and the blocking ones wait for each other.
  if (&stream == &state().defaultStream) {
    for (Stream *other : state().streams)
      if (other->blocks)
        drain(*other);
  } else if (stream.blocks)
    drain(state().defaultStream);
  stream.work.push_back(std::move(work));
}

STANDIN_API CUresult cuInit(unsigned flags) {
  if (flags)
    return CUDA_ERROR_INVALID_VALUE;
  if (options().devices == 0)
    return CUDA_ERROR_NO_DEVICE;
  state().isInitialised = true;
  return CUDA_SUCCESS;
}

STANDIN_API CUresult cuDriverGetVersion(int *version) {
  *version = options().driver;
  return CUDA_SUCCESS;
}

STANDIN_API CUresult cuDeviceGetCount(int *count) {
  if (!state().isInitialised)
    return CUDA_ERROR_NOT_INITIALIZED;
  *count = options().devices;
  return CUDA_SUCCESS;
}

static CUresult checkDevice(CUdevice device) {
  if (!state().isInitialised)
    return CUDA_ERROR_NOT_INITIALIZED;
  return device >= 0 && device < options().devices ? CUDA_SUCCESS : CUDA_ERROR_INVALID_DEVICE;
}

STANDIN_API CUresult cuDeviceGet(CUdevice *device, int ordinal) {
  if (CUresult error = checkDevice(ordinal))
    return error;
  *device = ordinal;
  return CUDA_SUCCESS;
}

STANDIN_API CUresult cuDeviceGetName(char *name, int length, CUdevice device) {
  if (CUresult error = checkDevice(device))
    return error;
  snprintf(name, length, "stand-in sm_%u", options().chip);
  return CUDA_SUCCESS;
}

STANDIN_API CUresult cuDeviceTotalMem_v2(size_t *bytes, CUdevice device) {
  if (CUresult error = checkDevice(device))
    return error;
  *bytes = options().memory;
  return CUDA_SUCCESS;
}

STANDIN_API CUresult cuDeviceGetAttribute(int *value, int attribute, CUdevice device) {
  if (CUresult error = checkDevice(device))
    return error;
  // An H100's figures, but for what the options change.
  static constexpr std::pair<int, int> attributes[] = {
      {1, 1024},  {2, 1024},   {3, 1024}, {4, 64},      {5, 2147483647}, {6, 65535}, {7, 65535},
      {8, 49152}, {9, 65536},  {10, 32},  {12, 65536},  {13, 1980000},   {14, 512},  {18, 0},
      {19, 1},    {20, 0},     {31, 1},   {32, 1},      {36, 2619000},   {37, 5120}, {38, 52428800},
      {39, 2048}, {40, 3},     {41, 1},   {81, 233472}, {82, 65536},     {83, 1},    {97, 232448},
      {106, 32},  {111, 1024}, {115, 1}};
  if (attribute == 16) {
    *value = options().multiprocessors;
    return CUDA_SUCCESS;
  }
  if (attribute == 75 || attribute == 76) {
    *value = attribute == 75 ? options().chip / 10 : options().chip % 10;
    return CUDA_SUCCESS;
  }
  for (auto [which, figure] : attributes)
    if (which == attribute) {
      *value = figure;
      return CUDA_SUCCESS;
    }
  return CUDA_ERROR_INVALID_VALUE;
}

STANDIN_API CUresult cuDevicePrimaryCtxRetain(CUcontext *context, CUdevice device) {
  if (CUresult error = checkDevice(device))
    return error;
  std::lock_guard lock(state().mutex);
  ++state().contextUses;
  *context = reinterpret_cast<CUcontext>(&contextHandle);
  return CUDA_SUCCESS;
}

STANDIN_API CUresult cuDevicePrimaryCtxRelease_v2(CUdevice device) {
  if (CUresult error = checkDevice(device))
    return error;
  std::lock_guard lock(state().mutex);
  if (!state().contextUses)
    return CUDA_ERROR_INVALID_CONTEXT;
  if (state().contextUses == 1)
    drainAll();
  --state().contextUses;
  return CUDA_SUCCESS;
}

STANDIN_API CUresult cuCtxSetCurrent(CUcontext context) {
  if (!state().isInitialised)
    return CUDA_ERROR_NOT_INITIALIZED;
  if (context && context != reinterpret_cast<CUcontext>(&contextHandle))
    return CUDA_ERROR_INVALID_CONTEXT;
  hasContext = context != nullptr;
  return CUDA_SUCCESS;
}

STANDIN_API CUresult cuCtxGetCurrent(CUcontext *context) {
  if (!state().isInitialised)
    return CUDA_ERROR_NOT_INITIALIZED;
  *context = hasContext ? reinterpret_cast<CUcontext>(&contextHandle) : nullptr;
  return CUDA_SUCCESS;
}

STANDIN_API CUresult cuCtxSynchronize() {
  std::lock_guard lock(state().mutex);
  if (CUresult error = ready())
    return error;
  ++counts().synchronisations;
  trace("synchronise");
  return drainAll();
}

STANDIN_API CUresult cuStreamCreate(CUstream *stream, unsigned flags) {
  std::lock_guard lock(state().mutex);
  if (CUresult error = ready())
    return error;
  auto *made = new Stream;
  made->blocks = !(flags & 1);
  state().streams.insert(made);
  *stream = reinterpret_cast<CUstream>(made);
  return CUDA_SUCCESS;
}

STANDIN_API CUresult cuStreamSynchronize(CUstream handle) {
  std::lock_guard lock(state().mutex);
  if (CUresult error = ready())
    return error;
  Stream *stream = streamOf(handle);
  if (!stream)
    return CUDA_ERROR_INVALID_HANDLE;
  ++counts().synchronisations;
  trace("synchronise");
  return stream == &state().defaultStream ? drainBlocking() : drain(*stream);
}

STANDIN_API CUresult cuStreamDestroy_v2(CUstream handle) {
  std::lock_guard lock(state().mutex);
  Stream *stream = streamOf(handle);
  if (!stream || stream == &state().defaultStream)
    return CUDA_ERROR_INVALID_HANDLE;
  drain(*stream);
  state().streams.erase(stream);
  delete stream;
  return CUDA_SUCCESS;
}

static Event *eventOf(CUevent handle) {
  auto *event = reinterpret_cast<Event *>(handle);
  return state().events.count(event) ? event : nullptr;
}

STANDIN_API CUresult cuEventCreate(CUevent *event, unsigned) {
  std::lock_guard lock(state().mutex);
  if (CUresult error = ready())
    return error;
  auto *made = new Event;
  state().events.insert(made);
  *event = reinterpret_cast<CUevent>(made);
  return CUDA_SUCCESS;
}

STANDIN_API CUresult cuEventRecord(CUevent handle, CUstream streamHandle) {
  std::lock_guard lock(state().mutex);
  if (CUresult error = ready())
    return error;
  Event *event = eventOf(handle);
  Stream *stream = streamOf(streamHandle);
  if (!event || !stream)
    return CUDA_ERROR_INVALID_HANDLE;
  event->stream = stream;
  event->isRecorded = false;
  enqueue(*stream, [event] {
    event->time = std::chrono::duration<double, std::milli>(
                      std::chrono::steady_clock::now().time_since_epoch())
                      .count();
    event->isRecorded = true;
    return CUDA_SUCCESS;
  });
  return CUDA_SUCCESS;
}

STANDIN_API CUresult cuEventSynchronize(CUevent handle) {
  std::lock_guard lock(state().mutex);
  if (CUresult error = ready())
    return error;
  Event *event = eventOf(handle);
  if (!event)
    return CUDA_ERROR_INVALID_HANDLE;
  ++counts().synchronisations;
  return event->stream ? drain(*event->stream) : CUDA_SUCCESS;
}

STANDIN_API CUresult cuEventElapsedTime(float *milliseconds, CUevent from, CUevent to) {
  std::lock_guard lock(state().mutex);
  Event *begin = eventOf(from), *end = eventOf(to);
  if (!begin || !end || !begin->stream || !end->stream)
    return CUDA_ERROR_INVALID_HANDLE;
  if (!begin->isRecorded || !end->isRecorded)
    return 600;
  *milliseconds = float(end->time - begin->time);
  return CUDA_SUCCESS;
}

STANDIN_API CUresult cuEventElapsedTime_v2(float *milliseconds, CUevent from, CUevent to) {
  return cuEventElapsedTime(milliseconds, from, to);
}

STANDIN_API CUresult cuEventDestroy_v2(CUevent handle) {
  std::lock_guard lock(state().mutex);
  Event *event = eventOf(handle);
  if (!event)
    return CUDA_ERROR_INVALID_HANDLE;
  if (event->stream)
    drain(*event->stream);
  state().events.erase(event);
  delete event;
  return CUDA_SUCCESS;
}

STANDIN_API CUresult cuGetErrorName(CUresult error, const char **name) {
  for (auto &[code, texts] : errors)
    if (code == error) {
      *name = texts.first;
      return CUDA_SUCCESS;
    }
  *name = nullptr;
  return CUDA_ERROR_INVALID_VALUE;
}

STANDIN_API CUresult cuGetErrorString(CUresult error, const char **text) {
  for (auto &[code, texts] : errors)
    if (code == error) {
      *text = texts.second;
      return CUDA_SUCCESS;
    }
  *text = nullptr;
  return CUDA_ERROR_INVALID_VALUE;
}
