// A call of an exported function: words of the caller -> numbers and arrays of compiled code ->
// results of the caller. Results are handed over when all of them are there. What the code raises
// goes back to here over frames of compiled code and of this library alone, and all that the call
// has made is freed: buffers are listed by the call that made them.
#include "Entry.h"

#include <alloca.h>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <pthread.h>

namespace mpy {

/// The stack of this thread, as far as it is known.
struct ThreadStack {
  char *end, *begin, *limit;
};
static thread_local constinit ThreadStack threadStack = {};

static ThreadStack findStack() {
  ThreadStack stack = {};
  pthread_attr_t attributes;
  void *end;
  size_t size;
  if (pthread_getattr_np(pthread_self(), &attributes) != 0)
    return stack;
  if (pthread_attr_getstack(&attributes, &end, &size) == 0) {
    size_t margin = size / 8 < (512 << 10) ? size / 8 : (512 << 10);
    char *last = static_cast<char *>(end);
    stack = {last, last + size, last + margin};
  }
  pthread_attr_destroy(&attributes);
  return stack;
}

/// Recursion ends before the stack does. On a stack of the caller's own making nothing is known.
static inline void watchStack(Context &ctx) {
  if (__builtin_expect(!threadStack.begin, 0))
    threadStack = findStack();
  char *here = static_cast<char *>(__builtin_frame_address(0));
  bool isKnown = here > threadStack.end && here <= threadStack.begin;
  ctx.stackLimit = isKnown ? threadStack.limit : nullptr;
}

void leaveCall(int status, Place place, const char *kind, const char *message) {
  LibraryState &library = *context().library;
  LibraryError &error = library.error;
  auto copy = [](char *to, size_t size, const char *from) {
    snprintf(to, size, "%s", from ? from : "");
  };
  error.status = status;
  error.line = place.line;
  copy(error.kind, sizeof error.kind, kind);
  copy(error.file, sizeof error.file, place.file ? place.file : context().module);
  copy(error.text, sizeof error.text, message);
  longjmp(*library.place, 1);
}

void refuse(const mpy_export *function, const char *kind, const char *format, ...) {
  char message[1024];
  int length = snprintf(message, sizeof message, "%s(): ", function->name);
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(message + length, sizeof message - static_cast<size_t>(length), format, arguments);
  va_end(arguments);
  leaveCall(MPY_ERROR_ARGUMENT, {function->module->file, function->line}, kind, message);
}

//===----------------------------------------------------------------------===//
// Modules
//===----------------------------------------------------------------------===//

static const mpy_slot *stateOf(const mpy_module *module) {
  if (!module->init)
    return nullptr;
  LibraryState &library = *context().library;
  for (ModuleState *state = library.modules; state; state = state->next)
    if (state->module == module)
      return state->slots;
  // One more, so that there is one.
  int64_t bytes = (module->slot_count + 1) * static_cast<int64_t>(sizeof(mpy_slot));
  mpy_slot *slots = static_cast<mpy_slot *>(mpy_alloc(bytes));
  module->init(slots);
  auto *state = static_cast<ModuleState *>(mpy_alloc(static_cast<int64_t>(sizeof(ModuleState))));
  *state = {module, slots, library.modules};
  library.modules = state;
  // From here on it is not of this call any more.
  ++library.call;
  return slots;
}

//===----------------------------------------------------------------------===//
// Arguments
//===----------------------------------------------------------------------===//

static void readNumber(const mpy_leaf &leaf, int64_t word, mpy_slot &slot) {
  // The first bytes of a word are those of a smaller number.
  slot.i64 = leaf.dtype == MPY_BOOL ? static_cast<int32_t>(word) != 0 : word;
}

/// Room for the extents, and behind them which parameter or result has given each.
static size_t extentBytes(const mpy_export *function) {
  return 16 * static_cast<size_t>(function->extent_count + 1);
}
static int64_t *givers(const mpy_export *function, int64_t *extents) {
  return extents + function->extent_count;
}

/// Checks the extents of an array, and learns those of names that it is the first to have.
static void matchExtents(const mpy_export *function, int number, const mpy_slot *arguments,
                         int64_t *extents) {
  const mpy_leaf &leaf = function->parameters[number];
  int64_t *givenBy = givers(function, extents);
  for (int dim = 0; dim < leaf.rank; ++dim) {
    int64_t size = arguments[number].array.sizes[dim], wanted = leaf.extents[dim];
    if (wanted >= 0) {
      if (size != wanted)
        refuse(function, "ValueError", "%s has extent %lld at axis %d, where its type says %lld",
               leaf.name, static_cast<long long>(size), dim, static_cast<long long>(wanted));
      continue;
    }
    int64_t name = -1 - wanted;
    if (extents[name] < 0) {
      extents[name] = size;
      givenBy[name] = number;
    } else if (extents[name] != size) {
      refuse(function, "ValueError", "extent %s of %s is %lld, but %lld in %s",
             function->extents[name], leaf.name, static_cast<long long>(size),
             static_cast<long long>(extents[name]), function->parameters[givenBy[name]].name);
    }
  }
}

static void *pointerAt(int64_t word) { return reinterpret_cast<void *>(word); }

static void checkOutputs(const mpy_export *function, const int64_t *words, const int64_t *extents) {
  const int64_t *results = words + function->parameter_count;
  for (int i = 0; i < function->result_count; ++i) {
    const mpy_leaf &leaf = function->results[i];
    if (!results[i])
      refuse(function, "TypeError", "there is no place for %s (a null pointer)", leaf.name);
    if (leaf.rank < 0)
      continue;
    auto *array = static_cast<const mpy_array *>(pointerAt(results[i]));
    if (!array->data)
      continue;
    checkOutput(function, leaf, array);
    for (int dim = 0; dim < leaf.rank; ++dim) {
      int64_t wanted = leaf.extents[dim];
      if (wanted < 0 && wanted != INT64_MIN)
        wanted = extents[-1 - wanted];
      if (wanted >= 0 && wanted != array->shape[dim])
        refuse(function, "ValueError", "%s has extent %lld at axis %d, where the result has %lld",
               leaf.name, static_cast<long long>(array->shape[dim]), dim,
               static_cast<long long>(wanted));
    }
    for (int k = 0; k < function->parameter_count; ++k)
      if (function->parameters[k].rank >= 0 &&
          overlap(array, static_cast<const mpy_array *>(pointerAt(words[k]))))
        refuse(function, "ValueError", "%s overlaps %s", leaf.name, function->parameters[k].name);
    for (int k = 0; k < i; ++k) {
      auto *other = static_cast<const mpy_array *>(pointerAt(results[k]));
      if (function->results[k].rank >= 0 && other->data && overlap(array, other))
        refuse(function, "ValueError", "%s overlaps %s", leaf.name, function->results[k].name);
    }
  }
}

//===----------------------------------------------------------------------===//
// Results
//===----------------------------------------------------------------------===//

namespace {
/// Behind the shape of an array that a call has allocated.
struct ResultBlock {
  void *detached; ///< a buffer of its own, or null: the data lie behind this block
  int64_t shape[MPY_MAX_RANK];
};
} // namespace

static int64_t bytesOf(const mpy_leaf &leaf, const mpy_slot &slot) {
  int64_t bytes = elementBytesOf(leaf.dtype);
  for (int dim = 0; dim < leaf.rank; ++dim)
    bytes *= slot.array.sizes[dim];
  return bytes;
}

constexpr int64_t dataOffset = (sizeof(ResultBlock) + 63) / 64 * 64;

/// The memory of a result that the caller frees; null where there is none.
static ResultBlock *newResult(const mpy_leaf &leaf, const mpy_slot &slot) {
  int64_t bytes = bytesOf(leaf, slot);
  bool isOwn = slot.array.owner == slot.array.data;
  void *detached = isOwn ? detachBuffer(slot.array.owner) : nullptr;
  int64_t total = detached ? dataOffset : dataOffset + (bytes + 63) / 64 * 64;
  auto *block = static_cast<ResultBlock *>(aligned_alloc(64, static_cast<size_t>(total)));
  if (!block) {
    if (detached)
      freeDetached(detached);
    return nullptr;
  }
  block->detached = detached;
  for (int dim = 0; dim < leaf.rank; ++dim)
    block->shape[dim] = slot.array.sizes[dim];
  if (!detached)
    memcpy(reinterpret_cast<char *>(block) + dataOffset, slot.array.data,
           static_cast<size_t>(bytes));
  return block;
}

static void freeResult(ResultBlock *block) {
  if (!block)
    return;
  if (block->detached)
    freeDetached(block->detached);
  free(block);
}

static void giveNumber(const mpy_leaf &leaf, const mpy_slot &slot, void *to) {
  int64_t bytes = elementBytesOf(leaf.dtype);
  if (bytes == 8)
    memcpy(to, &slot, 8);
  else
    memcpy(to, &slot, static_cast<size_t>(bytes));
}

/// Whether a result has the extents that its type says, as far as the types of the arguments do not
/// prove it: those that the program has annotated.
[[gnu::noinline]] static void checkExtents(const mpy_export *function, int number,
                                           const mpy_slot &slot, int64_t *extents) {
  const mpy_leaf &leaf = function->results[number];
  int64_t *givenBy = givers(function, extents);
  int parameters = function->parameter_count;
  for (int dim = 0; dim < leaf.rank; ++dim) {
    int64_t wanted = leaf.extents[dim], size = slot.array.sizes[dim], name = -1 - wanted;
    if (wanted == INT64_MIN || wanted == size)
      continue;
    Place place = {function->module->file, function->line};
    if (wanted >= 0)
      raise(place, "ValueError", "%s(): %s has extent %lld at axis %d, where its type says %lld",
            function->name, leaf.name, static_cast<long long>(size), dim,
            static_cast<long long>(wanted));
    if (extents[name] < 0) {
      // The first result that has it.
      extents[name] = size;
      givenBy[name] = parameters + number;
    } else if (extents[name] != size) {
      int64_t by = givenBy[name];
      raise(place, "ValueError", "%s(): extent %s of %s is %lld, but %lld in %s", function->name,
            function->extents[name], leaf.name, static_cast<long long>(size),
            static_cast<long long>(extents[name]),
            by < parameters ? function->parameters[by].name
                            : function->results[by - parameters].name);
    }
  }
}

/// Whether a result fits where the caller wants it; what is not known before the call.
static void checkShape(const mpy_export *function, const mpy_leaf &leaf, const mpy_slot &slot,
                       const mpy_array *array) {
  for (int dim = 0; dim < leaf.rank; ++dim)
    if (array->shape[dim] != slot.array.sizes[dim])
      refuse(function, "ValueError", "%s has extent %lld at axis %d, where the result has %lld",
             leaf.name, static_cast<long long>(array->shape[dim]), dim,
             static_cast<long long>(slot.array.sizes[dim]));
}

static void giveResults(const mpy_export *function, const int64_t *words, const mpy_slot *slots,
                        int64_t *extents) {
  int count = function->result_count;
  auto **blocks = static_cast<ResultBlock **>(alloca(sizeof(void *) * static_cast<size_t>(count)));
  for (int i = 0; i < count; ++i) {
    auto *array = static_cast<const mpy_array *>(pointerAt(words[i]));
    if (function->results[i].rank < 0)
      continue;
    checkExtents(function, i, slots[i], extents);
    if (array->data)
      checkShape(function, function->results[i], slots[i], array);
    if (const DeviceHooks *hooks = context().deviceHooks)
      hooks->leave(slots[i].array.owner);
  }
  for (int i = 0; i < count; ++i) {
    const mpy_leaf &leaf = function->results[i];
    auto *array = static_cast<const mpy_array *>(pointerAt(words[i]));
    blocks[i] = nullptr;
    if (leaf.rank < 0 || array->data)
      continue;
    blocks[i] = newResult(leaf, slots[i]);
    if (blocks[i])
      continue;
    while (i-- > 0)
      freeResult(blocks[i]);
    raiseNoMemory(bytesOf(leaf, slots[i]));
  }
  // From here on nothing fails.
  for (int i = 0; i < count; ++i) {
    const mpy_leaf &leaf = function->results[i];
    if (leaf.rank < 0) {
      giveNumber(leaf, slots[i], pointerAt(words[i]));
      continue;
    }
    auto *array = static_cast<mpy_array *>(pointerAt(words[i]));
    if (ResultBlock *block = blocks[i]) {
      void *data =
          block->detached ? slots[i].array.data : reinterpret_cast<char *>(block) + dataOffset;
      *array = {data, {MPY_DEVICE_CPU, 0}, leaf.rank, dtypeOf(leaf.dtype), block->shape, nullptr,
                0};
    } else {
      copyOut(leaf, slots[i], array);
    }
    if (!blocks[i] || !blocks[i]->detached)
      mpy_release(slots[i].array.owner);
  }
}

//===----------------------------------------------------------------------===//
// Calls
//===----------------------------------------------------------------------===//

static size_t slotBytes(int count) { return sizeof(mpy_slot) * static_cast<size_t>(count + 1); }
typedef void (*Take)(const mpy_export *, const mpy_leaf &, const mpy_array *, mpy_slot &);

/// All arguments as the body gets them, and the extents that they have in common.
[[gnu::always_inline]] static inline void takeArguments(const mpy_export *function,
                                                        const int64_t *words, Take take,
                                                        mpy_slot *arguments, int64_t *extents) {
  for (int i = 0; i < function->extent_count; ++i)
    extents[i] = -1;
  for (int i = 0; i < function->parameter_count; ++i) {
    const mpy_leaf &leaf = function->parameters[i];
    if (leaf.rank < 0) {
      readNumber(leaf, words[i], arguments[i]);
      continue;
    }
    take(function, leaf, static_cast<const mpy_array *>(pointerAt(words[i])), arguments[i]);
    matchExtents(function, i, arguments, extents);
  }
}

static void callFunction(const mpy_export *function, const int64_t *words) {
  const mpy_slot *state = stateOf(function->module);
  auto *arguments = static_cast<mpy_slot *>(alloca(slotBytes(function->parameter_count)));
  auto *results = static_cast<mpy_slot *>(alloca(slotBytes(function->result_count)));
  auto *extents = static_cast<int64_t *>(alloca(extentBytes(function)));
  takeArguments(function, words, borrowArray, arguments, extents);
  checkOutputs(function, words, extents);
  function->body(arguments, extents, results, state);
  giveResults(function, words + function->parameter_count, results, extents);
}

/// The shapes of the results, as far as they follow from those of the arguments; -1 otherwise.
static void tellShapes(const mpy_export *function, const int64_t *words) {
  auto *arguments = static_cast<mpy_slot *>(alloca(slotBytes(function->parameter_count)));
  auto *extents = static_cast<int64_t *>(alloca(extentBytes(function)));
  takeArguments(function, words, measureArray, arguments, extents);
  const int64_t *next = words + function->parameter_count;
  for (int i = 0; i < function->result_count; ++i) {
    const mpy_leaf &leaf = function->results[i];
    if (leaf.rank < 0)
      continue;
    auto *shape = static_cast<int64_t *>(pointerAt(*next++));
    for (int dim = 0; dim < leaf.rank && shape; ++dim) {
      int64_t extent = leaf.extents[dim];
      shape[dim] = extent >= 0 ? extent : extent == INT64_MIN ? -1 : extents[-1 - extent];
    }
  }
}

/// Runs `call` in the context and says how it ended.
template <typename Call> static int enter(mpy_ctx *handle, const mpy_module *module, Call call) {
  if (!handle)
    return MPY_ERROR_ARGUMENT;
  Context &ctx = *reinterpret_cast<Context *>(handle);
  LibraryState &library = *ctx.library;
  // Looked at first: who asks again and again would keep the one who is done from saying so.
  if (__atomic_load_n(&library.busy, __ATOMIC_RELAXED) ||
      __atomic_exchange_n(&library.busy, 1, __ATOMIC_ACQUIRE))
    return MPY_ERROR_BUSY;
  Context *outer = currentContext;
  currentContext = &ctx;
  ctx.module = module->file;
  ++library.call;
  library.error.status = MPY_OK;
  jmp_buf place;
  library.place = &place;
  if (setjmp(place) == 0) {
    if (library.abiVersion != MPY_ABI_VERSION || module->abi_version != MPY_ABI_VERSION) {
      char text[128];
      snprintf(text, sizeof text, "caller, object and runtime have ABI versions %lld, %lld and %d",
               static_cast<long long>(library.abiVersion),
               static_cast<long long>(module->abi_version), MPY_ABI_VERSION);
      leaveCall(MPY_ERROR_VERSION, {module->file, 0}, "RuntimeError", text);
    }
    watchStack(ctx);
    call();
    if (ctx.output->size)
      mpy_flush(1);
  } else {
    ctx.catching = nullptr;
    freeRawSince(nullptr);
    freeBuffersOfCall();
    // What was printed before the error is printed.
    if (setjmp(place) == 0)
      mpy_flush(1);
  }
  currentContext = outer;
  int status = library.error.status;
  __atomic_store_n(&library.busy, 0, __ATOMIC_RELEASE);
  return status;
}

} // namespace mpy

using namespace mpy;

int mpy_enter(mpy_ctx *ctx, const mpy_export *function, const int64_t *words) {
  return enter(ctx, function->module, [&] { callFunction(function, words); });
}

int mpy_enter_shapes(mpy_ctx *ctx, const mpy_export *function, const int64_t *words) {
  return enter(ctx, function->module, [&] { tellShapes(function, words); });
}

int mpy_enter_module(mpy_ctx *ctx, const mpy_module *module) {
  return enter(ctx, module, [&] { stateOf(module); });
}

void mpy_array_free(mpy_array *array) {
  if (!array || !array->data)
    return;
  char *shape = reinterpret_cast<char *>(array->shape);
  freeResult(reinterpret_cast<ResultBlock *>(shape - offsetof(ResultBlock, shape)));
  array->data = nullptr;
  array->shape = nullptr;
}
