/* What a program includes that calls functions compiled by mpyc. C99 and C++.
 *
 *   mpy_ctx *ctx = mpy_ctx_new();
 *   double loss;
 *   if (model_loss(ctx, &x, &y, &loss) != MPY_OK)
 *     fprintf(stderr, "%s\n", mpy_error_message(ctx));
 *   mpy_ctx_free(ctx);
 *
 * Contexts. All state of compiled code belongs to a context: memory, random streams, print options,
 * what the statements of a module have computed, and the last error. One thread at a time may use a
 * context; a second one gets MPY_ERROR_BUSY. Threads with contexts of their own never wait for each
 * other.
 *
 * Errors. A function returns MPY_OK or another status; then its results are as they were before,
 * and the context has the text and the line of the .mpy file. Nothing ends the process.
 *
 * Arrays have the layout of DLPack's DLTensor. Inputs are borrowed until the call returns, with any
 * strides; they are copied only where compiled code cannot read them in place (see docs/abi.md). A
 * result whose `data` is null is allocated, and is freed by mpy_array_free; one whose `data` is not
 * null is written, and must have the shape of the result.
 */
#ifndef MPY_H
#define MPY_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Grows with every incompatible change. */
#define MPY_ABI_VERSION 3
#define MPY_MAX_RANK 8

#define MPY_API __attribute__((visibility("default")))

/* What nobody reads and no linker leaves out. */
#if defined(__has_attribute)
#if __has_attribute(retain)
#define MPY_KEPT __attribute__((used, retain))
#endif
#endif
#ifndef MPY_KEPT
#define MPY_KEPT __attribute__((used))
#endif

enum mpy_status {
  MPY_OK = 0,
  MPY_ERROR_EXCEPTION = 1, /* an exception of the program: mpy_error_kind says which */
  MPY_ERROR_ARGUMENT = 2,  /* rank, element type, extents or memory of an argument */
  MPY_ERROR_MEMORY = 3,    /* no memory */
  MPY_ERROR_BUSY = 4,      /* another thread, or a call further up, is using the context */
  MPY_ERROR_VERSION = 5    /* caller, object and runtime are not of one ABI version */
};

/* Values of mpy_array.dtype.code and mpy_array.device.type, as in DLPack. */
enum { MPY_CODE_INT = 0, MPY_CODE_UINT = 1, MPY_CODE_FLOAT = 2, MPY_CODE_BOOL = 6 };
enum { MPY_DEVICE_CPU = 1 };

typedef struct mpy_device {
  int32_t type; /* MPY_DEVICE_CPU */
  int32_t id;
} mpy_device;

typedef struct mpy_dtype {
  uint8_t code;   /* MPY_CODE_FLOAT, .. */
  uint8_t bits;   /* of one element */
  uint16_t lanes; /* 1 */
} mpy_dtype;

/* An array: DLPack's DLTensor, field by field. */
typedef struct mpy_array {
  void *data;
  mpy_device device;
  int32_t ndim;
  mpy_dtype dtype;
  int64_t *shape;
  int64_t *strides;     /* in elements; null: row-major and contiguous */
  uint64_t byte_offset; /* from `data` to the first element */
} mpy_array;

/* The state of compiled code. */
typedef struct mpy_ctx mpy_ctx;

/* A new context for a caller of this version; null where there is no memory. */
MPY_API mpy_ctx *mpy_ctx_new_for(int64_t abi_version);
/* Frees the context and all that it holds, but for arrays that calls have returned. While a call is
 * running with it, this does nothing; nor does mpy_ctx_trim. */
MPY_API void mpy_ctx_free(mpy_ctx *ctx);
/* Gives memory that the context keeps for its next calls back to the system. */
MPY_API void mpy_ctx_trim(mpy_ctx *ctx);
/* Where printed text goes, in place of C's stdout. */
MPY_API void mpy_ctx_set_output(mpy_ctx *ctx,
                                void (*write)(void *data, const char *bytes, size_t n), void *data);

/* The last error of the context; valid until its next call. */
MPY_API const char *mpy_error_message(const mpy_ctx *ctx); /* model.mpy:12: ValueError: text */
MPY_API const char *mpy_error_kind(const mpy_ctx *ctx);    /* ValueError */
MPY_API const char *mpy_error_text(const mpy_ctx *ctx);    /* text */
MPY_API const char *mpy_error_file(const mpy_ctx *ctx);    /* model.mpy */
MPY_API int64_t mpy_error_line(const mpy_ctx *ctx);        /* 12; 0 where there is none */
/* What a status means, where there is no context to ask. */
MPY_API const char *mpy_status_text(int status);

/* Frees an array that a call has allocated, in any thread, before or after its context, and makes
 * `data` null. */
MPY_API void mpy_array_free(mpy_array *array);

/* The version of the runtime that is linked. */
MPY_API int64_t mpy_abi_version(void);

static inline mpy_ctx *mpy_ctx_new(void) { return mpy_ctx_new_for(MPY_ABI_VERSION); }

/* An array of the caller's. `shape` is not copied; strides are row-major. */
static inline mpy_array mpy_array_of(void *data, int code, int bits, int ndim, int64_t *shape) {
  mpy_array array;
  array.data = data;
  array.device.type = MPY_DEVICE_CPU;
  array.device.id = 0;
  array.ndim = ndim;
  array.dtype.code = (uint8_t)code;
  array.dtype.bits = (uint8_t)bits;
  array.dtype.lanes = 1;
  array.shape = shape;
  array.strides = NULL;
  array.byte_offset = 0;
  return array;
}
static inline mpy_array mpy_f64(double *data, int ndim, int64_t *shape) {
  return mpy_array_of(data, MPY_CODE_FLOAT, 64, ndim, shape);
}
static inline mpy_array mpy_f32(float *data, int ndim, int64_t *shape) {
  return mpy_array_of(data, MPY_CODE_FLOAT, 32, ndim, shape);
}
static inline mpy_array mpy_i64(int64_t *data, int ndim, int64_t *shape) {
  return mpy_array_of(data, MPY_CODE_INT, 64, ndim, shape);
}
static inline mpy_array mpy_i32(int32_t *data, int ndim, int64_t *shape) {
  return mpy_array_of(data, MPY_CODE_INT, 32, ndim, shape);
}
/* One byte for each truth value, 0 or 1. */
static inline mpy_array mpy_bool(uint8_t *data, int ndim, int64_t *shape) {
  return mpy_array_of(data, MPY_CODE_BOOL, 8, ndim, shape);
}

#ifdef __cplusplus
}
#endif
#endif
