// MPY_PROFILE: what ran on the device and what did not, with times and bytes, at the end of the
// program on standard error. While it is on, each kernel is waited for.
#include "Cuda.h"

#include "TextBuilder.h"

#include <cstdlib>

namespace mpy {

KernelProfile &profileOf(DeviceState &state, const mpy_kernel *kernel) {
  KernelProfile **end = &state.kernels;
  for (; *end; end = &(*end)->next)
    if ((*end)->kernel == kernel)
      return **end;
  *end = static_cast<KernelProfile *>(calloc(1, sizeof(KernelProfile)));
  if (!*end)
    raiseNoMemory(sizeof(KernelProfile));
  (*end)->kernel = kernel;
  return **end;
}

static void appendTransfers(TextBuilder &text, const char *name, const TransferProfile &transfers) {
  text.appendFormat("mpy: %lld transfers %s, ", static_cast<long long>(transfers.count), name);
  text.appendFormat("%lld bytes\n", static_cast<long long>(transfers.bytes));
}

void printProfile(DeviceState &state) {
  TextBuilder text;
  text.append(
      "mpy: kernel             launches   on the CPU        ms           bytes     GB/s  line\n");
  int64_t launches = 0, hostRuns = 0;
  while (KernelProfile *entry = state.kernels) {
    state.kernels = entry->next;
    launches += entry->launches;
    hostRuns += entry->hostRuns;
    double rate =
        entry->milliseconds > 0 ? static_cast<double>(entry->bytes) / entry->milliseconds / 1e6 : 0;
    char line[512];
    snprintf(line, sizeof line, "mpy: %-18s %9lld %12lld %9.3f %15lld %8.1f  %s:%lld\n",
             entry->kernel->name, static_cast<long long>(entry->launches),
             static_cast<long long>(entry->hostRuns), entry->milliseconds,
             static_cast<long long>(entry->bytes), rate,
             entry->kernel->file ? entry->kernel->file : "?",
             static_cast<long long>(entry->kernel->line));
    text.append(line);
    free(entry);
  }
  char line[256];
  snprintf(line, sizeof line, "mpy: %lld launches, %lld groups on the CPU\n",
           static_cast<long long>(launches), static_cast<long long>(hostRuns));
  text.append(line);
  appendTransfers(text, "to the device", state.toDevice);
  appendTransfers(text, "to the CPU", state.toHost);
  mpy_write_bytes(2, text.data(), text.size());
}

} // namespace mpy
