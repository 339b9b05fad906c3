// What a context of a library has beside the rest, and what its parts ask of each other.
#ifndef MPY_RUNTIME_ENTRY_H
#define MPY_RUNTIME_ENTRY_H

#include "Context.h"

#include <csetjmp>

namespace mpy {

/// The last error of a context. Room for the texts is there before there is an error: memory may
/// have run out.
struct LibraryError {
  int status;
  int64_t line;
  char kind[64];
  char file[512];
  char text[2048];
  char message[2688];
};

/// What the statements of a module have left for its functions.
struct ModuleState {
  const mpy_module *module;
  mpy_slot *slots;
  ModuleState *next;
};

struct LibraryState {
  int64_t abiVersion; ///< of the caller
  int busy;           ///< changed by atomic operations alone
  jmp_buf *place;     ///< where an error goes back to
  int64_t call;       ///< The number of the call that runs; buffers know in which they were made.
  mpy_header *newest;
  ModuleState *modules;
  /// What lies before the data of an array of the caller: a count that never says that it may be
  /// written or freed.
  mpy_header borrowed[1];
  void (*write)(void *data, const char *bytes, size_t count);
  void *writeData;
  LibraryError error;
};

/// Ends the running call; null texts are left out.
[[noreturn]] void leaveCall(int status, Place place, const char *kind, const char *message);
/// leaveCall for an argument, with a message in printf's form.
[[noreturn]] void refuse(const mpy_export *function, const char *kind, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/// Takes a buffer out of those that a failed call frees.
void keepBuffer(void *data);
/// Frees what the running call has made.
void freeBuffersOfCall();
/// Takes a buffer with one reference out of its context; null where it cannot be freed on its own.
void *detachBuffer(void *data);
void freeDetached(void *header);
/// Frees all that the context has.
void freeAllMemory();

/// The shape of an array of the caller, whose type must be that of the leaf.
void measureArray(const mpy_export *function, const mpy_leaf &leaf, const mpy_array *array,
                  mpy_slot &slot);
/// An array of the caller as compiled code reads it: in place, or a copy (Borrow.cpp).
void borrowArray(const mpy_export *function, const mpy_leaf &leaf, const mpy_array *array,
                 mpy_slot &slot);
/// Refuses an array that cannot take a result, as far as that is known before the call.
void checkOutput(const mpy_export *function, const mpy_leaf &leaf, const mpy_array *array);
/// Whether two arrays of the caller share memory.
bool overlap(const mpy_array *a, const mpy_array *b);
/// Copies elements in row-major order into an array of the caller.
void copyOut(const mpy_leaf &leaf, const mpy_slot &slot, const mpy_array *array);
int64_t elementBytesOf(int32_t dtype);
mpy_dtype dtypeOf(int32_t dtype);

} // namespace mpy

#endif
