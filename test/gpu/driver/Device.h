// The simulated device: its options, findings and counts.
#pragma once

#include "Execute.h"
#include <map>
#include <string>

namespace standin {

/// From the environment variable MPY_STANDIN, as in `driver=12020,memory=1000000,stats=/tmp/f`.
struct Options {
  int devices = 1;
  int driver = 13000;
  unsigned chip = 90, multiprocessors = 132;
  uint64_t memory = uint64_t(16) << 30;
  /// The allocation that fails, counted from 1.
  uint64_t failingAllocation = 0;
  /// Lane instructions that one launch may take.
  uint64_t instructionLimit = uint64_t(100) << 30;
  /// Where counts go at exit: a file, or `-` for stderr.
  std::string stats;
  /// Writes each call that the program makes, as it is made.
  std::string trace;
  bool leaks = true, races = true, uninitialised = true;
};
const Options &options();

enum Transfer { hostToDevice, deviceToHost, deviceToDevice, set, transferKinds };

struct Counts {
  std::map<std::string, KernelCounts> kernels;
  uint64_t transfers[transferKinds] = {}, transferBytes[transferKinds] = {};
  uint64_t allocations = 0, frees = 0, synchronisations = 0;
};
Counts &counts();

/// Says what a correct program would not do. The process then ends with `findingCode`.
void finding(const std::string &what);
constexpr int findingCode = 97;
/// Says it and ends the process at once.
[[noreturn]] void stop(const std::string &what);
/// The version of PTX text that a driver version takes, such as 90 for 13.0.
unsigned newestPtx(int driver);

} // namespace standin
