// Entry points for modules, kernels and launches.
#include "Api.h"
#include <cstring>

using namespace standin;

/// Puts a message where the caller's options for loading want it.
static void writeLog(unsigned count, int *names, void **values, const std::string &message) {
  constexpr int errorLog = 5, errorLogSize = 6;
  char *buffer = nullptr;
  size_t size = 0;
  for (unsigned k = 0; k < count; ++k) {
    if (names[k] == errorLog)
      buffer = static_cast<char *>(values[k]);
    if (names[k] == errorLogSize)
      size = reinterpret_cast<size_t>(values[k]);
  }
  if (buffer && size)
    snprintf(buffer, size, "%s", message.c_str());
}

static CUresult load(CUmodule *handle, const void *image, unsigned count, int *names,
                     void **values) {
  std::lock_guard lock(state().mutex);
  if (CUresult error = ready())
    return error;
  if (!image)
    return CUDA_ERROR_INVALID_VALUE;
  const char *text = static_cast<const char *>(image);
  constexpr char elfOf64Bits = 2;
  bool isElf = !memcmp(text, "\177ELF", 4);
  if ((isElf && text[4] == elfOf64Bits) || !memcmp(text, "\x50\xed\x55\xba", 4))
    return CUDA_ERROR_NO_BINARY_FOR_GPU;
  // A module's text begins with a directive or a comment; nothing else is an image.
  const char *first = text + strspn(text, " \t\n");
  if (isElf || (*first != '.' && *first != '/'))
    return CUDA_ERROR_INVALID_IMAGE;
  auto made = std::make_unique<LoadedModule>();
  try {
    made->module = parseModule(text);
  } catch (const UnknownInstruction &error) {
    stop("PTX line " + std::to_string(error.line) + ": " + error.message);
  } catch (const ParseError &error) {
    std::string message = "PTX line " + std::to_string(error.line) + ": " + error.message;
    writeLog(count, names, values, message);
    finding(message);
    return CUDA_ERROR_INVALID_PTX;
  }
  if (made->module->version > newestPtx(options().driver)) {
    writeLog(count, names, values,
             "PTX " + std::to_string(made->module->version / 10) + "." +
                 std::to_string(made->module->version % 10) + " is newer than the driver");
    return CUDA_ERROR_UNSUPPORTED_PTX_VERSION;
  }
  if (made->module->target > options().chip)
    return CUDA_ERROR_NO_BINARY_FOR_GPU;
  trace("module");
  state().modules.insert(made.get());
  *handle = reinterpret_cast<CUmodule>(made.release());
  return CUDA_SUCCESS;
}

STANDIN_API CUresult cuModuleLoadData(CUmodule *module, const void *image) {
  return load(module, image, 0, nullptr, nullptr);
}

STANDIN_API CUresult cuModuleLoadDataEx(CUmodule *module, const void *image, unsigned count,
                                        int *names, void **values) {
  return load(module, image, count, names, values);
}

STANDIN_API CUresult cuModuleUnload(CUmodule handle) {
  std::lock_guard lock(state().mutex);
  auto *module = reinterpret_cast<LoadedModule *>(handle);
  if (!state().modules.count(module))
    return CUDA_ERROR_INVALID_HANDLE;
  CUresult error = drainAll();
  for (auto &[name, address] : module->module->globals)
    memory().release(address);
  state().modules.erase(module);
  delete module;
  return error;
}

STANDIN_API CUresult cuModuleGetFunction(CUfunction *function, CUmodule handle, const char *name) {
  std::lock_guard lock(state().mutex);
  if (CUresult error = ready())
    return error;
  auto *module = reinterpret_cast<LoadedModule *>(handle);
  if (!state().modules.count(module))
    return CUDA_ERROR_INVALID_HANDLE;
  auto it = module->module->functions.find(name);
  if (it == module->module->functions.end() || !it->second->isKernel)
    return CUDA_ERROR_NOT_FOUND;
  LoadedFunction &loaded = module->functions[name];
  loaded = {it->second.get(), module};
  *function = reinterpret_cast<CUfunction>(&loaded);
  return CUDA_SUCCESS;
}

constexpr uint64_t sharedByDefault = 49152, sharedAtMost = 232448;

STANDIN_API CUresult cuFuncSetAttribute(CUfunction handle, int attribute, int value) {
  std::lock_guard lock(state().mutex);
  if (CUresult error = ready())
    return error;
  Function *function = reinterpret_cast<LoadedFunction *>(handle)->function;
  constexpr int maximumDynamicShared = 8, carveout = 9;
  if (attribute == carveout)
    return CUDA_SUCCESS;
  if (attribute != maximumDynamicShared || value < 0 ||
      staticShared(*function) + value > sharedAtMost)
    return CUDA_ERROR_INVALID_VALUE;
  function->dynamicShared = value;
  return CUDA_SUCCESS;
}

STANDIN_API CUresult cuFuncGetAttribute(int *value, int attribute, CUfunction handle) {
  std::lock_guard lock(state().mutex);
  if (CUresult error = ready())
    return error;
  auto *loaded = reinterpret_cast<LoadedFunction *>(handle);
  const Function *function = loaded->function;
  switch (attribute) {
  case 0:
    *value = function->maximumThreads ? function->maximumThreads : 1024;
    break;
  case 1:
    *value = int(staticShared(*function));
    break;
  case 2:
    *value = 0;
    break;
  case 3:
    *value = int(function->depotBytes);
    break;
  case 4:
    *value = 32;
    break;
  case 5:
    *value = loaded->owner->module->version;
    break;
  case 6:
    *value = options().chip;
    break;
  case 7:
    *value = 0;
    break;
  case 8:
    *value = int(function->dynamicShared ? function->dynamicShared
                                         : sharedByDefault - staticShared(*function));
    break;
  default:
    return CUDA_ERROR_INVALID_VALUE;
  }
  return CUDA_SUCCESS;
}

/// The bytes of a launch's parameters, from pointers or from one buffer.
static CUresult takeParameters(const Function &kernel, void **pointers, void **extra,
                               std::vector<char> &bytes) {
  bytes.resize(kernel.parameterBytes);
  auto wrong = [&](const std::string &what) {
    finding("launch of " + kernel.name + ": " + what);
    return CUDA_ERROR_INVALID_VALUE;
  };
  if (extra) {
    const char *buffer = nullptr;
    size_t size = 0;
    for (; *extra; extra += 2) {
      if (*extra == reinterpret_cast<void *>(1))
        buffer = static_cast<const char *>(extra[1]);
      else if (*extra == reinterpret_cast<void *>(2))
        size = *static_cast<size_t *>(extra[1]);
    }
    if (size != kernel.parameterBytes)
      return wrong("parameters of " + std::to_string(size) + " bytes, not " +
                   std::to_string(kernel.parameterBytes));
    memcpy(bytes.data(), buffer, size);
    return CUDA_SUCCESS;
  }
  if (!pointers && !kernel.parameters.empty())
    return wrong("no parameters, of " + std::to_string(kernel.parameters.size()));
  for (size_t k = 0; k < kernel.parameters.size(); ++k) {
    if (!pointers[k])
      return wrong("parameter " + std::to_string(k) + " of " +
                   std::to_string(kernel.parameters.size()) + " is missing");
    memcpy(&bytes[kernel.parameters[k].offset], pointers[k], kernel.parameters[k].bytes);
  }
  return CUDA_SUCCESS;
}

static std::string dimensions(Dimensions d) {
  return std::to_string(d.x) + "x" + std::to_string(d.y) + "x" + std::to_string(d.z);
}

/// What a launch asks for and the device has not.
static std::string refusal(const Function &kernel, Dimensions grid, Dimensions block,
                           uint64_t dynamicShared) {
  uint64_t threads = uint64_t(block.x) * block.y * block.z;
  if (!grid.x || !grid.y || !grid.z || grid.x > 0x7fffffff || grid.y > 65535 || grid.z > 65535)
    return dimensions(grid) + " blocks";
  if (!threads || threads > 1024 || block.z > 64)
    return dimensions(block) + " threads";
  if (kernel.maximumThreads && threads > kernel.maximumThreads)
    return std::to_string(threads) + " threads, of at most " +
           std::to_string(kernel.maximumThreads);
  if (kernel.requiredThreads[0] &&
      (block.x != kernel.requiredThreads[0] || block.y != kernel.requiredThreads[1] ||
       block.z != kernel.requiredThreads[2]))
    return dimensions(block) + " threads, which are not those that it requires";
  uint64_t fixed = staticShared(kernel),
           most = kernel.dynamicShared ? fixed + kernel.dynamicShared : sharedByDefault;
  if (fixed + dynamicShared > most)
    return std::to_string(fixed + dynamicShared) + " bytes of shared memory, of at most " +
           std::to_string(most);
  return {};
}

STANDIN_API CUresult cuLaunchKernel(CUfunction handle, unsigned gridX, unsigned gridY,
                                    unsigned gridZ, unsigned blockX, unsigned blockY,
                                    unsigned blockZ, unsigned sharedBytes, CUstream streamHandle,
                                    void **parameters, void **extra) {
  std::lock_guard lock(state().mutex);
  if (CUresult error = ready())
    return error;
  Stream *stream = streamOf(streamHandle);
  if (!handle || !stream)
    return CUDA_ERROR_INVALID_HANDLE;
  auto *loaded = reinterpret_cast<LoadedFunction *>(handle);
  const Function &kernel = *loaded->function;
  Dimensions grid{gridX, gridY, gridZ}, block{blockX, blockY, blockZ};
  trace("launch " + kernel.name + " " + dimensions(grid) + " " + dimensions(block) + " " +
        std::to_string(sharedBytes));
  if (std::string what = refusal(kernel, grid, block, sharedBytes); !what.empty()) {
    finding("launch of " + kernel.name + " with " + what);
    return CUDA_ERROR_INVALID_VALUE;
  }
  auto launch = std::make_shared<Launch>(*loaded->owner->module, kernel, grid, block, sharedBytes,
                                         std::vector<char>(), counts().kernels[kernel.name]);
  if (CUresult error = takeParameters(kernel, parameters, extra, launch->parameters))
    return error;
  launch->number = state().launches++;
  enqueue(*stream, [launch]() -> CUresult {
    try {
      execute(*launch);
    } catch (const Fault &fault) {
      finding(fault.message);
      return fault.code;
    }
    return CUDA_SUCCESS;
  });
  return CUDA_SUCCESS;
}
