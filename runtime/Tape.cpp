// A tape: a stack of bytes in chunks that are linked both ways. Push moves the cursor up, to the
// next chunk where the present one is full; pop moves it down, to the chunk before where the
// present one is at its begin. No piece spans two chunks, and pieces leave in the order in which
// they came, so a chunk that is left on pop is exactly at its begin. Chunks stay for the next
// sweep.
#include "Context.h"

#include <cstdlib>
#include <cstring>

namespace {

struct Chunk {
  Chunk *previous;
  Chunk *next;
  char *used; // the cursor when the tape went on to the next chunk
  char *end;
  char bytes[];
};

} // namespace

struct mpy_tape {
  mpy_tape_fields fields;
  Chunk *chunk;
  Chunk *first;
};

namespace mpy {

constexpr int64_t firstChunkBytes = 64 << 10;
constexpr int64_t largestChunkBytes = 16 << 20;

static int64_t roundUp(int64_t bytes) { return (bytes + 7) & ~int64_t(7); }

static Chunk *newChunk(Place place, int64_t bytes) {
  // Through the buffer allocator: huge pages, and a MemoryError with its size.
  int64_t total = bytes + static_cast<int64_t>(sizeof(Chunk));
  Chunk *chunk = static_cast<Chunk *>(mpy_alloc_at(place.file, place.line, total));
  chunk->previous = chunk->next = nullptr;
  chunk->used = chunk->bytes;
  chunk->end = chunk->bytes + bytes;
  return chunk;
}

static void freeChunks(Chunk *chunk) {
  while (chunk) {
    Chunk *next = chunk->next;
    mpy_release(chunk);
    chunk = next;
  }
}

static void enter(mpy_tape *tape, Chunk *chunk, char *cursor) {
  tape->chunk = chunk;
  tape->fields = {cursor, chunk->bytes, chunk->end};
}

static void dropTape(void *data) {
  if (context().tape == data)
    context().tape = nullptr;
  freeChunks(static_cast<mpy_tape *>(data)->first);
}

static void advance(Place place, mpy_tape *tape, int64_t bytes) {
  Chunk *current = tape->chunk;
  if (current && current->next && current->next->end - current->next->bytes < bytes) {
    // The kept chunk is too small for this piece; so may be those behind it.
    freeChunks(current->next);
    current->next = nullptr;
  }
  if (!current || !current->next) {
    // The one that grows last is the one that fills memory.
    context().tape = tape;
    context().tapePlace = place;
    int64_t size = current ? (current->end - current->bytes) * 2 : firstChunkBytes;
    size = size > largestChunkBytes ? largestChunkBytes : size;
    Chunk *chunk = newChunk(place, size < bytes ? bytes : size);
    chunk->previous = current;
    if (current)
      current->next = chunk;
    else
      tape->first = chunk;
  }
  Chunk *next = current ? current->next : tape->first;
  if (current)
    current->used = tape->fields.cursor;
  enter(tape, next, next->bytes);
}

} // namespace mpy

using namespace mpy;

mpy_tape *mpy_tape_new(void) {
  mpy_tape *tape = static_cast<mpy_tape *>(mpy_alloc(static_cast<int64_t>(sizeof(mpy_tape))));
  memset(static_cast<void *>(tape), 0, sizeof *tape);
  reinterpret_cast<mpy_header *>(reinterpret_cast<char *>(tape) - sizeof(mpy_header))->drop =
      dropTape;
  return tape;
}

void *mpy_tape_push_bytes(const char *file, int64_t line, mpy_tape *tape, int64_t bytes) {
  bytes = roundUp(bytes);
  if (!tape->chunk || tape->fields.end - tape->fields.cursor < bytes)
    advance({file, line}, tape, bytes);
  void *room = tape->fields.cursor;
  tape->fields.cursor += bytes;
  return room;
}

void *mpy_tape_pop_bytes(mpy_tape *tape, int64_t bytes) {
  bytes = roundUp(bytes);
  while (tape->fields.cursor - tape->fields.begin < bytes && tape->chunk && tape->chunk->previous)
    enter(tape, tape->chunk->previous, tape->chunk->previous->used);
  tape->fields.cursor -= bytes;
  return tape->fields.cursor;
}

void mpy_tape_clear(mpy_tape *tape) {
  if (context().tape == tape)
    context().tape = nullptr;
  if (tape->first)
    enter(tape, tape->first, tape->first->bytes);
}

int64_t mpy_tape_size(const mpy_tape *tape) {
  if (!tape->chunk)
    return 0;
  int64_t size = tape->fields.cursor - tape->fields.begin;
  for (const Chunk *chunk = tape->chunk->previous; chunk; chunk = chunk->previous)
    size += chunk->used - chunk->bytes;
  return size;
}

int64_t mpy_snapshot_count(const char *file, int64_t line, int64_t bytes, int64_t stateBytes) {
  if (bytes < stateBytes)
    raise({file, line}, "ValueError",
          "checkpointed: the memory does not hold one state of the loop");
  // The step that is reversed needs room beside the states that are kept.
  int64_t count = (bytes - bytes / 16) / (stateBytes > 0 ? stateBytes : 1);
  return count > 0 ? count : 1;
}

// Griewank and Walther's revolve (ACM TOMS 26, 2000): with `count` states, the first included, and
// at most r forward runs of each step, up to C(count + r, count) steps can be reversed.
int64_t mpy_snapshot_distance(int64_t steps, int64_t count) {
  if (steps <= 1)
    return 1;
  if (count <= 1)
    return steps - 1;
  // reach = C(count + runs, count), and before: with one run less.
  __int128 reach = 1, before = 1;
  int64_t runs = 0;
  while (reach < steps) {
    ++runs;
    before = reach;
    reach = reach * (count + runs) / runs;
  }
  // C(count - 1 + runs - 1, count - 1): the fewest steps that the states behind are worth.
  __int128 behind = before * count / (count + runs - 1);
  __int128 distance = steps - behind < before ? steps - behind : before;
  return static_cast<int64_t>(distance < 1 ? 1 : distance);
}
