// Contexts of programs that call compiled functions: made, freed, asked for their last error.
#include "Entry.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>

namespace mpy {

namespace {
/// One piece of memory; what a caller holds points to its beginning.
struct LibraryContext {
  Context context;
  LibraryState library;
  OutputState output;
};
} // namespace

/// So much may each context keep for its next calls.
constexpr int64_t keptByLibrary = int64_t(64) << 20;

static void writeToStdout(void *, const char *bytes, size_t count) {
  fwrite(bytes, 1, count, stdout);
}

static const LibraryError *errorOf(const mpy_ctx *ctx) {
  return ctx ? &reinterpret_cast<const Context *>(ctx)->library->error : nullptr;
}

} // namespace mpy

using namespace mpy;

mpy_ctx *mpy_ctx_new_for(int64_t abi_version) {
  void *memory = malloc(sizeof(LibraryContext));
  if (!memory)
    return nullptr;
  auto *made = static_cast<LibraryContext *>(memory);
  // Not the buffer of the output: no page of it is touched before something is printed.
  new (&made->context) Context(&made->output);
  memset(static_cast<void *>(&made->library), 0, sizeof made->library);
  made->output.size = 0;
  made->output.terminal = false;
  made->context.library = &made->library;
  made->context.memory.keptLimit = keptByLibrary;
  made->library.abiVersion = abi_version;
  made->library.borrowed[0].references = MPY_IMMORTAL;
  made->library.write = writeToStdout;
  return reinterpret_cast<mpy_ctx *>(made);
}

/// Whether nobody uses the context, and from here on nobody but the caller.
static bool take(mpy_ctx *ctx) {
  return ctx && !__atomic_exchange_n(&reinterpret_cast<Context *>(ctx)->library->busy, 1,
                                     __ATOMIC_ACQUIRE);
}

void mpy_ctx_free(mpy_ctx *ctx) {
  // Better lost than freed under a call that is running.
  if (!take(ctx))
    return;
  Context *outer = currentContext;
  currentContext = reinterpret_cast<Context *>(ctx);
  closeFiles(*currentContext);
  if (const DeviceHooks *hooks = currentContext->deviceHooks)
    hooks->close(*currentContext);
  free(currentContext->plots.values);
  freeAllMemory();
  currentContext = outer;
  free(ctx);
}

void mpy_ctx_trim(mpy_ctx *ctx) {
  if (!take(ctx))
    return;
  Context *outer = currentContext;
  currentContext = reinterpret_cast<Context *>(ctx);
  mpy_trim();
  currentContext = outer;
  __atomic_store_n(&reinterpret_cast<Context *>(ctx)->library->busy, 0, __ATOMIC_RELEASE);
}

void mpy_ctx_set_output(mpy_ctx *ctx, void (*write)(void *, const char *, size_t), void *data) {
  if (!ctx)
    return;
  LibraryState &library = *reinterpret_cast<Context *>(ctx)->library;
  library.write = write ? write : writeToStdout;
  library.writeData = data;
}

const char *mpy_error_message(const mpy_ctx *ctx) {
  if (!ctx)
    return "the context is null";
  LibraryError &error = reinterpret_cast<const Context *>(ctx)->library->error;
  if (error.status == MPY_OK)
    return "";
  char place[32] = "";
  if (error.line > 0)
    snprintf(place, sizeof place, "%lld:", static_cast<long long>(error.line));
  snprintf(error.message, sizeof error.message, "%s:%s %s%s%s", error.file, place, error.kind,
           *error.text ? ": " : "", error.text);
  return error.message;
}

const char *mpy_error_kind(const mpy_ctx *ctx) { return ctx ? errorOf(ctx)->kind : ""; }
const char *mpy_error_text(const mpy_ctx *ctx) { return ctx ? errorOf(ctx)->text : ""; }
const char *mpy_error_file(const mpy_ctx *ctx) { return ctx ? errorOf(ctx)->file : ""; }
int64_t mpy_error_line(const mpy_ctx *ctx) { return ctx ? errorOf(ctx)->line : 0; }

const char *mpy_status_text(int status) {
  switch (status) {
  case MPY_OK:
    return "no error";
  case MPY_ERROR_EXCEPTION:
    return "an exception of the program";
  case MPY_ERROR_ARGUMENT:
    return "an argument cannot be used";
  case MPY_ERROR_MEMORY:
    return "no memory";
  case MPY_ERROR_BUSY:
    return "the context is being used by another call";
  case MPY_ERROR_VERSION:
    return "caller, object and runtime are not of one ABI version";
  default:
    return "no status of this library";
  }
}
