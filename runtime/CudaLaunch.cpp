// Runs kernels: decides whether a group of operations is worth a kernel, brings what it reads to
// the device, and launches it. How many threads, teams and parts there are follows from the extents
// alone, so that the same input gives the same bits in every run.
#include "Cuda.h"

#include <cstdlib>

namespace mpy {

/// Points and threads are counted in 32 bits; what is beyond is left to the host.
constexpr int64_t mostPoints = (int64_t(1) << 31) - (int64_t(1) << 24);
constexpr int64_t threadsOfBlock = 256, lanesOfWarp = 32;
/// So many blocks fill the largest device several times; more work is done in rounds.
constexpr int64_t mostBlocks = 4096;
/// So many threads are wanted for a reduction, of so many elements each at least.
constexpr int64_t threadsWanted = int64_t(1) << 17, elementsOfThread = 16, mostParts = 1024;
constexpr int64_t tileOfProduct = 64;
/// A loop of one thread is worth as long as a transfer.
constexpr int64_t mostRounds = 4096;
constexpr int mostParameters = 256;
/// What the host is about to branch on it finds out itself from so many elements, where it has
/// them: a kernel would have to be waited for.
constexpr int64_t pointsOfDecision = 65536;
/// Shared memory of a block, less what kernels use for themselves.
constexpr int64_t mostShared = 46 * 1024;
/// Rows are worked on by a block each where they are long and few, and by several kernels where
/// they are too few to fill a device.
constexpr int64_t longRow = 4096, manyRows = 1024, fewRows = 32;

namespace {
/// How a kernel is launched.
struct Launch {
  int64_t points = 0; ///< how much work it is
  int64_t blocks = 0;
  int32_t team = 0, parts = 1; ///< of a reduction
  int64_t partBlocks = 0;      ///< of the kernel that joins parts
  int32_t partTeam = 0;
  int64_t shared = 0; ///< bytes of shared memory
};
} // namespace

static int64_t blocksFor(int64_t threads) {
  int64_t blocks = (threads + threadsOfBlock - 1) / threadsOfBlock;
  return blocks < mostBlocks ? blocks : mostBlocks;
}

/// The smallest power of two that is not less, up to a warp.
static int32_t teamFor(int64_t elements) {
  int32_t team = 1;
  while (team < lanesOfWarp && team < elements)
    team *= 2;
  return team;
}

/// So many parts that a device is full, of so many elements for each thread at least.
static int32_t partsFor(int64_t threads, int64_t elementsOfLane) {
  int64_t wanted = threadsWanted / threads, possible = elementsOfLane / elementsOfThread;
  int64_t parts = wanted < possible ? wanted : possible;
  return static_cast<int32_t>(parts < 1 ? 1 : parts < mostParts ? parts : mostParts);
}

/// A block has neighbouring results side by side, so that it reads along rows: 32 of them, fewer
/// where there are not so many, more where each has few elements.
static void planColumns(Launch &launch, int64_t results, int64_t elements) {
  int64_t width = lanesOfWarp;
  while (width < threadsOfBlock && threadsOfBlock / width > elements)
    width *= 2;
  while (width / 2 >= results)
    width /= 2;
  int64_t groups = (results + width - 1) / width;
  launch.team = static_cast<int32_t>(width);
  launch.parts = partsFor(groups * threadsOfBlock, elements * width / threadsOfBlock);
  launch.blocks = blocksFor(groups * launch.parts * threadsOfBlock);
  if (launch.parts > 1) {
    launch.partTeam = launch.team;
    launch.partBlocks = blocksFor(groups * threadsOfBlock);
  }
}

static void planReduction(Launch &launch, const mpy_kernel *kernel, int64_t results,
                          int64_t elements) {
  launch.team = 1;
  if (kernel->partial_count > 0 && !kernel->inner)
    return planColumns(launch, results, elements);
  if (kernel->partial_count > 0) {
    launch.team = teamFor((elements + 1) / 2);
    if (launch.team == lanesOfWarp && elements >= 16 * threadsOfBlock && results < 1024)
      launch.team = threadsOfBlock;
    launch.parts = partsFor(results * launch.team, elements / launch.team);
  }
  launch.blocks = blocksFor(results * launch.parts * launch.team);
  if (launch.parts > 1) {
    launch.partTeam = results >= 1024 ? 1 : teamFor(launch.parts);
    launch.partBlocks = blocksFor(results * launch.partTeam);
  }
}

/// False where the rows are better done by one kernel for each step.
static bool planRows(Launch &launch, const mpy_kernel *kernel, int64_t rows, int64_t columns) {
  if (rows < fewRows && columns > longRow)
    return false;
  int64_t bytes = kernel->partial_count ? kernel->details[kernel->buffer_count] : 0;
  // A walk may begin up to a team before its row.
  auto shared = [&](int64_t team) {
    return threadsOfBlock / team * ((columns + team + 7) / 8 * 8) * bytes;
  };
  launch.team = teamFor((columns + 1) / 2);
  bool isLong = columns >= longRow && rows < manyRows;
  if (launch.team == lanesOfWarp && (isLong || shared(launch.team) > mostShared))
    launch.team = threadsOfBlock;
  launch.shared = shared(launch.team);
  launch.blocks = blocksFor(rows * launch.team);
  return launch.shared <= mostShared && rows * launch.team < mostPoints;
}

/// False where the host must do it: there is nothing to do, or too much to count.
static bool plan(Launch &launch, const mpy_kernel *kernel, const int64_t *words) {
  bool fits = true;
  int64_t points = 1;
  int64_t counts = kernel->form == MPY_POINTS || kernel->form == MPY_SERIAL ? 1
                   : kernel->form == MPY_PRODUCT                            ? 4
                                                                            : 2;
  for (int64_t i = 0; i < counts; ++i) {
    fits = fits && words[i] < mostPoints;
    if (__builtin_mul_overflow(points, words[i], &points))
      return false;
  }
  if (!fits || points <= 0)
    return false;
  launch.points = points;
  switch (kernel->form) {
  case MPY_POINTS:
    launch.blocks = blocksFor(points);
    return true;
  case MPY_REDUCTION:
    planReduction(launch, kernel, words[0], words[1]);
    return words[0] * launch.parts * (launch.team < lanesOfWarp ? lanesOfWarp : threadsOfBlock) <
           mostPoints;
  case MPY_ROWS:
    return planRows(launch, kernel, words[0], words[1]);
  case MPY_PRODUCT: {
    int64_t down = (words[1] + tileOfProduct - 1) / tileOfProduct,
            across = (words[2] + tileOfProduct - 1) / tileOfProduct;
    launch.blocks = words[0] * down * across;
    launch.points = points / elementsOfThread + 1;
    return launch.blocks < mostPoints;
  }
  default:
    launch.blocks = 1;
    return true;
  }
}

/// Whether something that the kernel uses is on the device alone.
static bool isAwaited(DeviceState &state, const mpy_kernel *kernel,
                      const mpy_kernel_buffer *buffers) {
  for (int64_t i = 0; i < kernel->buffer_count; ++i) {
    if (kernel->details[i] & MPY_KERNEL_OVERWRITES && !(kernel->details[i] & MPY_KERNEL_READS))
      continue;
    DeviceCopy *copy = existingCopy(state, buffers[i].owner);
    if (copy && !copy->hostIsRight)
      return true;
  }
  return false;
}

/// Whether the host is about to branch on the result.
static bool decides(const mpy_kernel *kernel) {
  for (int64_t i = 0; i < kernel->buffer_count; ++i)
    if (kernel->details[i] & MPY_KERNEL_DECIDES)
      return true;
  return false;
}

/// Room for partial results that is used by one kernel after the other.
static CudaAddress scratchOf(DeviceState &state, int64_t bytes, Place place) {
  if (state.scratchBytes < bytes) {
    if (state.scratchBytes)
      keepDevice(state, state.scratch, state.scratchBytes);
    state.scratchBytes = 0;
    int64_t room = 0;
    state.scratch = allocateDevice(state, bytes, room, place);
    state.scratchBytes = room;
    noteDeviceUse(state, state.scratch, room);
  }
  return state.scratch;
}

namespace {
/// The parameters of a launch, 8 bytes each.
struct Parameters {
  int64_t values[mostParameters];
  void *pointers[mostParameters];
  int count = 0;
  void add(int64_t value) {
    values[count] = value;
    pointers[count] = &values[count];
    ++count;
  }
};
} // namespace

static void launchKernel(DeviceState &state, const mpy_kernel *kernel, bool isParts, int64_t blocks,
                         int64_t shared, Parameters &parameters, KernelProfile *profile) {
  Place place = {kernel->file, kernel->line};
  CudaDriver &driver = state.driver;
  CudaFunction *function = functionOf(state, kernel, isParts);
  if (profile) {
    if (!state.start) {
      checkCuda(state, driver.cuEventCreate(&state.start, 0), "cuEventCreate", place);
      checkCuda(state, driver.cuEventCreate(&state.end, 0), "cuEventCreate", place);
    }
    checkCuda(state, driver.cuEventRecord(state.start, state.stream), "cuEventRecord", place);
  }
  checkCuda(state,
            driver.cuLaunchKernel(function, static_cast<unsigned>(blocks), 1, 1, threadsOfBlock, 1,
                                  1, static_cast<unsigned>(shared), state.stream,
                                  parameters.pointers, nullptr),
            "cuLaunchKernel", place);
  if (!profile)
    return;
  float milliseconds = 0;
  checkCuda(state, driver.cuEventRecord(state.end, state.stream), "cuEventRecord", place);
  checkCuda(state, driver.cuEventSynchronize(state.end), "cuEventSynchronize", place);
  checkCuda(state, driver.cuEventElapsedTime(&milliseconds, state.start, state.end),
            "cuEventElapsedTime", place);
  profile->launches += 1;
  profile->milliseconds += static_cast<double>(milliseconds);
}

/// What a kernel asks for on the device; false where a buffer cannot be there.
static bool bringBuffers(DeviceState &state, const mpy_kernel *kernel,
                         const mpy_kernel_buffer *buffers, Parameters &parameters) {
  Place place = {kernel->file, kernel->line};
  DeviceCopy *copies[mostParameters];
  for (int64_t i = 0; i < kernel->buffer_count; ++i) {
    copies[i] = copyOf(state, buffers[i]);
    if (!copies[i])
      return false;
  }
  for (int64_t i = 0; i < kernel->buffer_count; ++i)
    copies[i]->isPinned = true;
  for (int64_t i = 0; i < kernel->buffer_count; ++i) {
    int64_t access = kernel->details[i];
    // What is written in part keeps the rest.
    bool isRead = access & MPY_KERNEL_READS ||
                  (access & MPY_KERNEL_WRITES && !(access & MPY_KERNEL_OVERWRITES));
    prepareCopy(state, *copies[i], buffers[i], isRead, place);
  }
  for (int64_t i = 0; i < kernel->buffer_count; ++i) {
    copies[i]->isPinned = false;
    parameters.add(static_cast<int64_t>(copies[i]->address) +
                   (static_cast<char *>(buffers[i].data) - static_cast<char *>(buffers[i].owner)));
  }
  for (int64_t i = 0; i < kernel->buffer_count; ++i)
    if (kernel->details[i] & MPY_KERNEL_WRITES) {
      copies[i]->deviceIsRight = true;
      copies[i]->hostIsRight = false;
    }
  return true;
}

static bool run(DeviceState &state, const mpy_kernel *kernel, const mpy_kernel_buffer *buffers,
                const int64_t *words, KernelProfile *profile) {
  Launch launch;
  if (!state.runs || !plan(launch, kernel, words) ||
      kernel->buffer_count + kernel->word_count + kernel->partial_count + 2 > mostParameters)
    return false;
  // `with cpu():` brings home what it needs.
  if (int64_t chosen = context().chosenDevice; chosen >= 0 && chosen % 2 == 0)
    return false;
  // One thread is slower than the host, but not than the way home and back.
  if (kernel->form == MPY_SERIAL) {
    if (launch.points > mostRounds || !isAwaited(state, kernel, buffers))
      return false;
  } else if ((launch.points < state.minimum ||
              (launch.points < pointsOfDecision && decides(kernel))) &&
             !isAwaited(state, kernel, buffers)) {
    return false;
  }
  Place place = {kernel->file, kernel->line};
  if (context().library)
    checkCuda(state, state.driver.cuCtxSetCurrent(state.primary), "cuCtxSetCurrent", place);
  // Before anything is moved: a module may turn out not to run here.
  if (!functionOf(state, kernel, false))
    return false;
  Parameters parameters;
  if (!bringBuffers(state, kernel, buffers, parameters))
    return false;
  for (int64_t i = 0; i < kernel->word_count; ++i)
    parameters.add(words[i]);
  int extras = parameters.count;
  if (kernel->form == MPY_ROWS)
    parameters.add(launch.team);
  if (kernel->form == MPY_REDUCTION) {
    parameters.add(launch.team);
    parameters.add(launch.parts);
    int64_t values = words[0] * launch.parts, offset = 0, bytes = 0;
    const int64_t *partials = kernel->details + kernel->buffer_count;
    for (int64_t i = 0; i < kernel->partial_count; ++i)
      bytes += (values * partials[i] + 255) / 256 * 256;
    CudaAddress scratch = launch.parts > 1 ? scratchOf(state, bytes, place) : 0;
    for (int64_t i = 0; i < kernel->partial_count; ++i) {
      parameters.add(static_cast<int64_t>(scratch) + offset);
      offset += (values * partials[i] + 255) / 256 * 256;
    }
  }
  launchKernel(state, kernel, false, launch.blocks, launch.shared, parameters, profile);
  if (launch.parts > 1) {
    parameters.values[extras] = launch.partTeam;
    launchKernel(state, kernel, true, launch.partBlocks, 0, parameters, profile);
  }
  return true;
}

} // namespace mpy

using namespace mpy;

int8_t mpy_device_run(const mpy_kernel *kernel, const mpy_kernel_buffer *buffers,
                      const int64_t *words) {
  DeviceState &state = deviceOf({kernel->file, kernel->line});
  if (!state.profiles)
    return run(state, kernel, buffers, words, nullptr);
  KernelProfile &profile = profileOf(state, kernel);
  bool ran = run(state, kernel, buffers, words, &profile);
  if (!ran)
    profile.hostRuns += 1;
  else
    for (int64_t i = 0; i < kernel->buffer_count; ++i)
      profile.bytes += buffers[i].bytes * (__builtin_popcountll(kernel->details[i] & 3));
  return ran;
}
