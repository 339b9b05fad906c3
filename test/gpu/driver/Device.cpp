// Options from the environment, findings, and the counts that are written at exit.
#include "Api.h"
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <unistd.h>

using namespace standin;

static int findings = 0;

static void setOption(Options &o, const std::string &name, const std::string &value) {
  uint64_t number = strtoull(value.c_str(), nullptr, 0);
  if (name == "devices")
    o.devices = number;
  else if (name == "driver")
    o.driver = number;
  else if (name == "chip")
    o.chip = number;
  else if (name == "memory")
    o.memory = number;
  else if (name == "failing-allocation")
    o.failingAllocation = number;
  else if (name == "instructions")
    o.instructionLimit = number;
  else if (name == "multiprocessors")
    o.multiprocessors = number;
  else if (name == "stats")
    o.stats = value;
  else if (name == "trace")
    o.trace = value;
  else if (name == "leaks")
    o.leaks = number;
  else if (name == "races")
    o.races = number;
  else if (name == "uninitialised")
    o.uninitialised = number;
  else
    stop("MPY_STANDIN has no option " + name);
}

const Options &standin::options() {
  static const Options *made = [] {
    auto *o = new Options;
    const char *text = getenv("MPY_STANDIN");
    for (std::string rest = text ? text : ""; !rest.empty();) {
      size_t comma = rest.find(',');
      std::string part = rest.substr(0, comma);
      rest = comma == rest.npos ? "" : rest.substr(comma + 1);
      size_t equals = part.find('=');
      if (!part.empty())
        setOption(*o, part.substr(0, equals), equals == part.npos ? "1" : part.substr(equals + 1));
    }
    return o;
  }();
  return *made;
}

Counts &standin::counts() {
  static Counts *counts = new Counts;
  return *counts;
}

void standin::finding(const std::string &what) {
  if (++findings <= 20)
    fprintf(stderr, "stand-in: %s\n", what.c_str());
}

void standin::stop(const std::string &what) {
  fflush(nullptr);
  fprintf(stderr, "stand-in: %s\n", what.c_str());
  _exit(findingCode);
}

unsigned standin::newestPtx(int driver) {
  static constexpr std::pair<int, unsigned> versions[] = {
      {13000, 90}, {12090, 88}, {12080, 87}, {12070, 86}, {12060, 85}, {12050, 85}, {12040, 84},
      {12030, 83}, {12020, 82}, {12010, 81}, {12000, 80}, {11080, 78}, {11070, 77}, {11060, 76},
      {11050, 75}, {11040, 74}, {11030, 73}, {11020, 72}, {11010, 71}, {11000, 70}};
  for (auto [from, newest] : versions)
    if (driver >= from)
      return newest;
  return 65;
}

void standin::trace(const std::string &line) {
  if (options().trace.empty())
    return;
  static FILE *file = options().trace == "-" ? stderr : fopen(options().trace.c_str(), "w");
  if (!file)
    stop("cannot write " + options().trace);
  fprintf(file, "%s\n", line.c_str());
  fflush(file);
}

static void writeCounts(FILE *file) {
  static constexpr const char *names[] = {"hostToDevice", "deviceToHost", "deviceToDevice", "set"};
  Counts &c = counts();
  fprintf(file, "{\n  \"kernels\": [");
  const char *comma = "";
  for (auto &[name, k] : c.kernels) {
    auto n = [](uint64_t value) { return (unsigned long long)value; };
    fprintf(file,
            "%s\n    {\"name\": \"%s\", \"launches\": %llu, \"blocks\": %llu, \"threads\": %llu, "
            "\"instructions\": %llu, "
            "\"warpInstructions\": %llu, \"barriers\": %llu, \"atomics\": %llu,\n     "
            "\"readBytes\": %llu, \"writtenBytes\": %llu, "
            "\"readSectors\": %llu, \"writtenSectors\": %llu, \"distinctReadSectors\": %llu, "
            "\"distinctWrittenSectors\": %llu,\n"
            "     \"sharedBytes\": %llu, \"sharedAccesses\": %llu, \"sharedTurns\": %llu}",
            comma, name.c_str(), n(k.launches), n(k.blocks), n(k.threads), n(k.instructions),
            n(k.warpInstructions), n(k.barriers), n(k.atomics), n(k.readBytes), n(k.writtenBytes),
            n(k.readSectors), n(k.writtenSectors), n(k.distinctReadSectors),
            n(k.distinctWrittenSectors), n(k.sharedBytes), n(k.sharedAccesses), n(k.sharedTurns));
    comma = ",";
  }
  fprintf(file, "\n  ],\n  \"transfers\": {");
  for (int k = 0; k < transferKinds; ++k)
    fprintf(file, "%s\"%s\": {\"count\": %llu, \"bytes\": %llu}", k ? ", " : "", names[k],
            (unsigned long long)c.transfers[k], (unsigned long long)c.transferBytes[k]);
  fprintf(file,
          "},\n  \"allocations\": %llu, \"frees\": %llu, \"peakBytes\": %llu, "
          "\"synchronisations\": %llu\n}\n",
          (unsigned long long)c.allocations, (unsigned long long)c.frees,
          (unsigned long long)memory().peak, (unsigned long long)c.synchronisations);
}

void standin::atExit() {
  if (options().leaks && !state().lost && memory().liveCount())
    finding(std::to_string(memory().liveCount()) +
            " allocations of device memory are left at exit");
  if (!options().stats.empty()) {
    FILE *file = options().stats == "-" ? stderr : fopen(options().stats.c_str(), "w");
    if (file) {
      writeCounts(file);
      fflush(file);
    }
  }
  if (!findings)
    return;
  if (findings > 20)
    fprintf(stderr, "stand-in: %d findings more\n", findings - 20);
  fflush(nullptr);
  _exit(findingCode);
}

__attribute__((destructor)) static void atUnload() { atExit(); }
