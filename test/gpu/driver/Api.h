// What the entry points share: the lock, the state of the context, streams.
#pragma once

#include "Cuda.h"
#include "Device.h"
#include <deque>
#include <functional>
#include <mutex>
#include <set>

namespace standin {

/// Work waits in its stream until somebody synchronises, as a device may let it: a host that does
/// not wait sees nothing of it.
struct Stream {
  bool blocks = true;
  std::deque<std::function<CUresult()>> work;
};

struct Event {
  bool isRecorded = false;
  double time = 0;
  Stream *stream = nullptr;
};

struct LoadedModule;
struct LoadedFunction {
  Function *function;
  LoadedModule *owner;
};
struct LoadedModule {
  std::unique_ptr<Module> module;
  std::map<std::string, LoadedFunction> functions;
};

struct State {
  std::recursive_mutex mutex;
  bool isInitialised = false;
  int contextUses = 0;
  /// After a fault every call gives its code.
  CUresult lost = CUDA_SUCCESS;
  Stream defaultStream;
  std::set<Stream *> streams;
  std::set<Event *> events;
  std::set<LoadedModule *> modules;
  /// Pinned memory of the host: begin and bytes.
  std::map<char *, size_t> pinned;
  uint32_t launches = 0;
};
State &state();

/// Runs what waits in a stream, in all that the default stream waits for, or in all.
CUresult drain(Stream &stream);
CUresult drainBlocking();
CUresult drainAll();
Stream *streamOf(CUstream handle);
void enqueue(Stream &stream, std::function<CUresult()> work);
/// The error of a call that needs a context, or success.
CUresult ready();
/// Writes a line of the trace.
void trace(const std::string &line);
void atExit();

} // namespace standin
