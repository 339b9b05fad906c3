// Exceptions of the runtime that the program may catch: a call runs under setjmp, and the place
// where the exception is raised jumps back to it. Only functions of the runtime lie between the
// two, never compiled code; what they had allocated is known here and freed.
#include "Context.h"

#include <csetjmp>
#include <cstdlib>
#include <cstring>

namespace mpy {

static constexpr int64_t maximumBuffers = 64;

struct Catching {
  jmp_buf place;
  const char *kinds;
  int64_t kind;
  mpy_text *message;
  /// What is allocated since the call began; more than fit are not freed after an exception.
  mpy_header *buffers[maximumBuffers];
  int64_t bufferCount;
};

/// A block of allocateRaw, linked to the others, so that those of a call that raised are found.
struct alignas(16) RawBlock {
  RawBlock *before, *after;
};

static void link(RawBlock *block) {
  RawBlock *&newest = context().newestRaw;
  block->before = newest;
  block->after = nullptr;
  if (newest)
    newest->after = block;
  newest = block;
}

static void unlink(RawBlock *block) {
  if (block->before)
    block->before->after = block->after;
  if (block->after)
    block->after->before = block->before;
  else
    context().newestRaw = block->before;
}

void *allocateRaw(size_t bytes) {
  RawBlock *block = static_cast<RawBlock *>(malloc(sizeof(RawBlock) + bytes));
  if (!block)
    raiseNoMemory(static_cast<int64_t>(bytes));
  link(block);
  return block + 1;
}

void *reallocateRaw(void *data, size_t bytes) {
  if (!data)
    return allocateRaw(bytes);
  RawBlock *block = static_cast<RawBlock *>(data) - 1;
  unlink(block);
  block = static_cast<RawBlock *>(realloc(static_cast<void *>(block), sizeof(RawBlock) + bytes));
  if (!block)
    raiseNoMemory(static_cast<int64_t>(bytes));
  link(block);
  return block + 1;
}

void freeRaw(void *data) {
  if (!data)
    return;
  RawBlock *block = static_cast<RawBlock *>(data) - 1;
  unlink(block);
  free(block);
}

void freeRawSince(RawBlock *before) {
  while (context().newestRaw != before)
    freeRaw(context().newestRaw + 1);
}

void noteAllocated(mpy_header *header) {
  Catching &catching = *context().catching;
  if (catching.bufferCount < maximumBuffers)
    catching.buffers[catching.bufferCount++] = header;
}

void noteFreed(mpy_header *header) {
  Catching &catching = *context().catching;
  for (int64_t i = 0; i < catching.bufferCount; ++i)
    if (catching.buffers[i] == header) {
      catching.buffers[i] = catching.buffers[--catching.bufferCount];
      return;
    }
}

void throwCaught(const char *kind, const char *message) {
  Catching *catching = context().catching;
  if (!catching)
    return;
  int64_t number = 0;
  size_t length = strlen(kind);
  for (const char *at = catching->kinds; *at; at = strchr(at, ' ') + 1, ++number) {
    if (strncmp(at, kind, length) != 0 || at[length] != ' ')
      continue;
    context().catching = nullptr;
    catching->kind = number;
    catching->message = mpy_string_from(message, static_cast<int64_t>(strlen(message)));
    longjmp(catching->place, 1);
  }
}

} // namespace mpy

using namespace mpy;

int64_t mpy_catch(const char *kinds, void (*call)(void *frame), void *frame, mpy_text **message) {
  Catching catching;
  catching.kinds = kinds;
  catching.bufferCount = 0;
  RawBlock *before = context().newestRaw;
  context().catching = &catching;
  if (setjmp(catching.place) == 0) {
    call(frame);
    context().catching = nullptr;
    return -1;
  }
  freeRawSince(before);
  for (int64_t i = 0; i < catching.bufferCount; ++i)
    mpy_free(reinterpret_cast<char *>(catching.buffers[i]) + sizeof(mpy_header));
  *message = catching.message;
  return catching.kind;
}
