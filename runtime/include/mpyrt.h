/* The C interface of the mpy runtime: what a compiled program calls. Programs that call compiled
 * functions include mpy.h instead.
 *
 * Ownership. Every array, text, random state and tape is one reference counted buffer. The pointer
 * that programs hold is the data pointer; a 64-byte `mpy_header` lies right before it, at a fixed
 * offset, so compiled code may count inline. A function borrows its arguments and gives its caller
 * one reference to each result. Counts at or above MPY_IMMORTAL / 2 belong to constant data, which
 * is never freed. Null is a valid argument of retain and release alone.
 *
 * Calling convention. Scalars pass by value (a truth value as int8_t 0 or 1), text and handles as
 * pointers, arrays as `const mpy_view *` with any strides. A scalar, text or handle result is
 * returned; an array result goes to the trailing parameters `void **data, int64_t *sizes` and is
 * contiguous in row-major order. Functions that can fail take the source file's name and the line
 * first. Sizes, counts and strides are in elements unless a name says bytes.
 *
 * Errors. A failure is a Python exception: in a program the runtime flushes standard output, writes
 * `file:LINE: Kind: message` to standard error and exits with code 1, unless an error hook takes
 * over; in a call of an exported function it goes back to mpy_enter, which frees what the call has
 * made. Functions that raise do not return.
 *
 * Threads. All state belongs to the context of the call, which the thread that runs it knows. What
 * one context has made, no other sees, but for constant data; reference counts are not atomic.
 *
 * Versions. MPY_ABI_VERSION, of mpy.h, grows with every incompatible change here too.
 */
#ifndef MPYRT_H
#define MPYRT_H

#include "mpy.h"

#ifdef __cplusplus
extern "C" {
#define MPY_NORETURN [[noreturn]]
#else
#define MPY_NORETURN _Noreturn
#endif

#define MPY_SITE_EXTENTS 4
#define MPY_IMMORTAL ((int64_t)1 << 62)

/* The element types. */
enum mpy_element {
  MPY_BOOL = 0,
  MPY_INT32 = 1,
  MPY_INT64 = 2,
  MPY_FLOAT32 = 3,
  MPY_FLOAT64 = 4,
  MPY_INT8 = 5,
  MPY_INT16 = 6,
  MPY_UINT8 = 7,
  MPY_UINT16 = 8,
  MPY_UINT32 = 9,
  MPY_UINT64 = 10
};

/* What lies before the data of every buffer; 64 bytes. */
typedef struct mpy_header {
  int64_t references; /* at data - 64 */
  int64_t capacity;   /* at data - 56: bytes that the allocation can hold */
  void (*drop)(
      void *data); /* at data - 48: called before the buffer is freed; null for plain data */
  int64_t
      reserved[5]; /* at data - 40: the copy on a device, or 0; the others are of the allocator */
} mpy_header;

/* A borrowed view of an array. */
typedef struct mpy_view {
  void *data;
  int32_t dtype;
  int32_t rank;
  const int64_t *sizes;
  const int64_t *strides; /* in elements; null means contiguous row-major */
} mpy_view;

/* A text: UTF-8, `length` bytes, no terminating zero promised. Never changed once it is shared. */
typedef struct mpy_text {
  int64_t length;
  char bytes[];
} mpy_text;

/* Where compiled code makes a buffer, and what is known of it before the program runs. */
typedef struct mpy_site {
  const char *file;
  int64_t line;
  int64_t dtype; /* below 0 where the buffer is no array */
  int64_t rank;
  int64_t sizes[]; /* below 0 where the program alone knows */
} mpy_site;

/* ---- Calls from other programs ---- */

/* A number or array among the parameters or results of an exported function. */
typedef struct mpy_leaf {
  const char *name;
  int32_t dtype;
  int32_t rank;                  /* below 0: a number, passed by value */
  int64_t extents[MPY_MAX_RANK]; /* a number; -1 - k for the named extent k; INT64_MIN: any */
} mpy_leaf;

/* A number or array on its way in or out of compiled code: numbers in the first bytes; arrays as
 * the owner of a reference, the data, and a shape. Results are in row-major order. */
typedef union mpy_slot {
  double f64;
  float f32;
  int64_t i64;
  int32_t i32;
  int8_t b1;
  struct {
    void *owner;
    void *data;
    int64_t sizes[MPY_MAX_RANK];
  } array;
} mpy_slot;

typedef struct mpy_module {
  int64_t abi_version;
  const char *file;
  int64_t slot_count;            /* what the statements leave for the functions */
  void (*init)(mpy_slot *state); /* null: no statements */
} mpy_module;

typedef struct mpy_export {
  const mpy_module *module;
  const char *name;
  int64_t line;
  int32_t parameter_count, result_count, extent_count, reserved;
  const mpy_leaf *parameters, *results;
  const char *const *extents; /* the names */
  void (*body)(mpy_slot *arguments, const int64_t *extents, mpy_slot *results,
               const mpy_slot *state);
} mpy_export;

/* What each exported function does: checks the words of its arguments (numbers by value, arrays and
 * results as pointers), runs the body, and turns what it raises into a status. */
int mpy_enter(mpy_ctx *ctx, const mpy_export *function, const int64_t *words);
/* The extents of its results, put where the words behind the arguments point; -1: not known. */
int mpy_enter_shapes(mpy_ctx *ctx, const mpy_export *function, const int64_t *words);
/* Runs the statements of a module, unless the context has done so. */
int mpy_enter_module(mpy_ctx *ctx, const mpy_module *module);

typedef struct mpy_random mpy_random; /* the state of a RandomState */
typedef struct mpy_tape mpy_tape;     /* a stack of bytes */

/* ---- Process ---- */

/* Starts the runtime, where a program has a main; an overflow of the stack is a RecursionError from
 * here on. `module` is the file name that stands in messages without a place. */
void mpy_begin(int argc, char **argv, const char *module);
/* Flushes the output and writes the memory report if MPY_MEMORY_REPORT asks for it. */
void mpy_end(void);
/* Ends the process after mpy_end. */
MPY_NORETURN void mpy_exit(int64_t code);
/* The number of command-line arguments, the program's name included. */
int64_t mpy_argc(void);
/* The argument with this index; IndexError outside the list. Negative indices count from the end.
 */
mpy_text *mpy_argv(const char *file, int64_t line, int64_t index);
/* Whether file descriptor `fd` is a terminal. */
int8_t mpy_isatty(int64_t fd);
/* Writes a text to descriptor 1 (buffered) or 2 (at once, after flushing 1). */
void mpy_write(int64_t fd, const mpy_text *text);
/* Writes bytes as mpy_write does. */
void mpy_write_bytes(int64_t fd, const char *bytes, int64_t count);
/* Hands what is buffered for `fd` to the system. */
void mpy_flush(int64_t fd);
/* Seconds of a monotonic clock. */
double mpy_perf_counter(void);
/* Seconds of this process on processors, without what it slept. */
double mpy_process_time(void);
/* Seconds since 1970. */
double mpy_time(void);
/* The same clocks in nanoseconds. */
int64_t mpy_perf_counter_ns(void);
int64_t mpy_process_time_ns(void);
int64_t mpy_time_ns(void);
/* Flushes the output, then sleeps. */
void mpy_sleep(const char *file, int64_t line, double seconds);

/* The bytes of a text as int32 of rank 1, a text from such, and texts one after the other with a
 * separator between: the bytes of all, and where each ends (int64). */
void mpy_string_codes(const mpy_text *text, void **data, int64_t *sizes);
/* Where each character ends among the codes, as int64. */
void mpy_string_ends(const mpy_text *text, void **data, int64_t *sizes);
mpy_text *mpy_string_from_codes(const mpy_view *codes);
void mpy_string_words(const char *file, int64_t line, const mpy_text *text, void **codes,
                      int64_t *size, void **ends, int64_t *count);
/* ValueError for an empty separator. */
void mpy_string_split(const char *file, int64_t line, const mpy_text *text,
                      const mpy_text *separator, void **codes, int64_t *size, void **ends,
                      int64_t *count);
mpy_text *mpy_string_join_list(const mpy_text *separator, const mpy_view *codes,
                               const mpy_view *ends);
/* For each text how many texts are less, as int64. */
void mpy_string_ranks(const mpy_view *codes, const mpy_view *ends, void **data, int64_t *sizes);

/* ---- Memory ---- */

/* A new buffer with one reference, 64-byte aligned, contents undefined; or MemoryError. */
void *mpy_alloc(int64_t bytes);
/* mpy_alloc with a place for the error. */
void *mpy_alloc_at(const char *file, int64_t line, int64_t bytes);
/* mpy_alloc for compiled code. The first MPY_SITE_EXTENTS extents that the site leaves open follow;
 * like the site they are read by errors alone, and those that there are not may be anything. A
 * product that does not fit in 64 bits comes as INT64_MAX bytes. */
void *mpy_alloc_for(const mpy_site *site, int64_t bytes, int64_t size0, int64_t size1,
                    int64_t size2, int64_t size3);
/* Takes over a reference to a buffer whose first `used` bytes, at `data`, are defined, and gives
 * one to a buffer of at least `bytes` that begins with them: the same where this is the only
 * reference and it has room. Growing again and again costs a constant time for each byte. */
void *mpy_grow(void *owner, const void *data, int64_t used, const mpy_site *site, int64_t bytes,
               int64_t size0, int64_t size1, int64_t size2, int64_t size3);
/* Room for an array; errors in NumPy's words for negative extents and for what does not fit. */
void *mpy_alloc_array(const char *file, int64_t line, int64_t dtype, int64_t rank,
                      const int64_t *sizes);
/* A new buffer filled with zero bytes. */
void *mpy_alloc_zero(int64_t bytes);
/* Adds one reference; null is ignored. */
void mpy_retain(void *data);
/* Removes one reference and frees the buffer with the last one; null is ignored. */
void mpy_release(void *data);
/* Drops and frees a buffer whose last reference is gone; what inline code calls at count 0. */
void mpy_free(void *data);
/* A `drop` function for buffers that hold `capacity / 8` pointers, null or owned. */
void mpy_drop_pointers(void *data);
/* The number of live buffers. */
int64_t mpy_live_buffers(void);
/* The number of allocations so far, reused buffers included. */
int64_t mpy_allocation_count(void);
/* Gives all buffers kept for reuse back to the system. */
void mpy_trim(void);

/* ---- Devices: programs that are compiled with --device=cuda ---- */

/* The mpy_gpu_module of a program. */
#define MPY_KERNELS_SYMBOL "mpy_kernels"
/* What a kernel does with a buffer, in bits; of DECIDES the host is about to branch on it. */
#define MPY_KERNEL_READS 1
#define MPY_KERNEL_WRITES 2
#define MPY_KERNEL_OVERWRITES 4
#define MPY_KERNEL_DECIDES 8
/* What the first words of a kernel are. Points: their number. Reduction: results, and elements of
 * each. Product: matrices, rows, columns, and the length of sums. Rows: their number, and elements
 * of each; a partial result is what shared memory keeps of an element. */
enum mpy_kernel_form {
  MPY_POINTS = 0,
  MPY_REDUCTION = 1,
  MPY_PRODUCT = 2,
  MPY_SERIAL = 3,
  MPY_ROWS = 4
};

/* Kernels in one form: machine code for a chip (90 is sm_90), or text (0), which a driver compiles.
 */
typedef struct mpy_gpu_image {
  int64_t chip;
  const void *data;
} mpy_gpu_image;
typedef struct mpy_gpu_module {
  int64_t kernel_count;
  int64_t image_count; /* the text is the last one */
  const mpy_gpu_image *images;
} mpy_gpu_module;
typedef struct mpy_kernel {
  const mpy_gpu_module *module;
  const char *name;
  const char *file;
  int64_t line;
  int64_t index; /* among the kernels of the module */
  int64_t form;
  int64_t buffer_count, word_count, partial_count;
  int64_t inner;     /* of a reduction: whether it goes along the last axis */
  int64_t details[]; /* the access of each buffer; the bytes of each partial result */
} mpy_kernel;
/* An argument: a view that begins at `data`, of an array of so many `bytes`. */
typedef struct mpy_kernel_buffer {
  void *owner;
  void *data;
  int64_t bytes;
} mpy_kernel_buffer;

/* Runs a kernel, or says (0) that the host has to do its work. */
int8_t mpy_device_run(const mpy_kernel *kernel, const mpy_kernel_buffer *buffers,
                      const int64_t *words);
/* The host reads a buffer that has a copy on a device: it gets what is right. */
void mpy_device_fetch(void *owner);
/* The host changes a buffer that has a copy on a device, or overwrites all of it. */
void mpy_device_change(void *owner, int8_t all);

/* ---- Errors ---- */

/* Raises the exception `kind` with a message; a null or empty message is left out with its colon.
 */
MPY_NORETURN void mpy_raise(const char *file, int64_t line, const char *kind,
                            const mpy_text *message);
/* The same at a place "file:line". */
MPY_NORETURN void mpy_raise_at(const mpy_text *place, const char *kind, const mpy_text *message);
/* Raises with a C string as the message. */
MPY_NORETURN void mpy_raise_message(const char *file, int64_t line, const char *kind,
                                    const char *message);
/* Raises with `{}` in the format replaced by the integers, one after the other. */
MPY_NORETURN void mpy_raise_format(const char *file, int64_t line, const char *kind,
                                   const char *format, int64_t count, const int64_t *values);
/* ValueError: operands could not be broadcast together with shapes (3,) (4,) */
MPY_NORETURN void mpy_raise_broadcast(const char *file, int64_t line, int64_t rankA,
                                      const int64_t *sizesA, int64_t rankB, const int64_t *sizesB);
/* ValueError: could not broadcast input array from shape (3,) into shape (2,) */
MPY_NORETURN void mpy_raise_assign(const char *file, int64_t line, int64_t rankFrom,
                                   const int64_t *sizesFrom, int64_t rankInto,
                                   const int64_t *sizesInto);
/* ValueError: matmul: Input operand 1 has a mismatch in its core dimension 0, ... */
MPY_NORETURN void mpy_raise_matmul(const char *file, int64_t line, int64_t rankA,
                                   const int64_t *sizesA, int64_t rankB, const int64_t *sizesB);
/* ValueError: shapes (2,3) and (4,5) not aligned: 3 (dim 1) != 4 (dim 0) */
MPY_NORETURN void mpy_raise_dot(const char *file, int64_t line, int64_t rankA,
                                const int64_t *sizesA, int64_t rankB, const int64_t *sizesB);
/* ValueError: cannot reshape array of size 6 into shape (4,) */
MPY_NORETURN void mpy_raise_reshape(const char *file, int64_t line, int64_t size, int64_t rank,
                                    const int64_t *sizes);
/* Replaces the end of the process on an error: the hook must not return (it may longjmp). */
void mpy_set_error_hook(void (*hook)(void *data, const char *file, int64_t line, const char *kind,
                                     const char *message),
                        void *data);
/* Raises RecursionError when the stack is nearly used up; for the entry of recursive functions. */
void mpy_check_stack(const char *file, int64_t line);
/* The same as a question. */
int8_t mpy_stack_is_low(void);
/* Runs `call(frame)`, which calls functions of the runtime. An exception whose name is among the
 * `kinds`, each followed by a blank, ends the call: the position of the kind is returned and
 * `message` becomes its text; -1 and no change of `message` otherwise. */
int64_t mpy_catch(const char *kinds, void (*call)(void *frame), void *frame, mpy_text **message);

/* ---- Text ---- */

/* A new text of `length` bytes of UTF-8. */
mpy_text *mpy_string_from(const char *bytes, int64_t length);
/* a + b */
mpy_text *mpy_string_concat(const mpy_text *a, const mpy_text *b);
/* All `count` texts one after the other. */
mpy_text *mpy_string_concat_all(const mpy_text *const *texts, int64_t count);
/* separator.join(texts) */
mpy_text *mpy_string_join(const mpy_text *separator, const mpy_text *const *texts, int64_t count);
/* text * count; empty when count <= 0 */
mpy_text *mpy_string_repeat(const char *file, int64_t line, const mpy_text *text, int64_t count);
/* a == b */
int8_t mpy_string_eq(const mpy_text *a, const mpy_text *b);
/* a < b by code points */
int8_t mpy_string_lt(const mpy_text *a, const mpy_text *b);
/* -1, 0 or 1 for a <, ==, > b */
int64_t mpy_string_compare(const mpy_text *a, const mpy_text *b);
/* len(text): its code points */
int64_t mpy_string_length(const mpy_text *text);
/* The hash of a key; that of a float that equals an integer is the integer. */
int64_t mpy_float_hash(double value);
/* hash(x) of an int and of a float, as CPython's. */
int64_t mpy_hash_int(int64_t value);
int64_t mpy_hash_float(double value);
/* text[index]; IndexError outside */
mpy_text *mpy_string_index(const char *file, int64_t line, const mpy_text *text, int64_t index);
/* text[start:stop:step]; a bound of INT64_MIN means it was left out; ValueError for step 0 */
mpy_text *mpy_string_slice(const char *file, int64_t line, const mpy_text *text, int64_t start,
                           int64_t stop, int64_t step);
/* hash that equal texts share */
int64_t mpy_string_hash(const mpy_text *text);
/* chr(code) */
mpy_text *mpy_string_chr(const char *file, int64_t line, int64_t code);
/* ord(text); TypeError unless it is one code point */
int64_t mpy_string_ord(const char *file, int64_t line, const mpy_text *text);
/* a in b, that is `text.find(part) >= 0` */
int8_t mpy_string_contains(const mpy_text *text, const mpy_text *part);
int64_t mpy_string_find(const mpy_text *text, const mpy_text *part);
int64_t mpy_string_rfind(const mpy_text *text, const mpy_text *part);
int64_t mpy_string_count(const mpy_text *text, const mpy_text *part);
int8_t mpy_string_startswith(const mpy_text *text, const mpy_text *prefix);
int8_t mpy_string_endswith(const mpy_text *text, const mpy_text *suffix);
mpy_text *mpy_string_replace(const mpy_text *text, const mpy_text *from, const mpy_text *to);
/* Case changes: ASCII, Latin-1, Greek and Cyrillic letters. */
mpy_text *mpy_string_upper(const mpy_text *text);
mpy_text *mpy_string_lower(const mpy_text *text);
mpy_text *mpy_string_capitalize(const mpy_text *text);
mpy_text *mpy_string_title(const mpy_text *text);
/* Removes the given code points from the ends; null means white space. */
mpy_text *mpy_string_strip(const mpy_text *text, const mpy_text *characters);
mpy_text *mpy_string_lstrip(const mpy_text *text, const mpy_text *characters);
mpy_text *mpy_string_rstrip(const mpy_text *text, const mpy_text *characters);
/* Padding to a width in code points; null fill means a space. */
mpy_text *mpy_string_ljust(const mpy_text *text, int64_t width, const mpy_text *fill);
mpy_text *mpy_string_rjust(const mpy_text *text, int64_t width, const mpy_text *fill);
mpy_text *mpy_string_center(const mpy_text *text, int64_t width, const mpy_text *fill);
mpy_text *mpy_string_zfill(const mpy_text *text, int64_t width);
int8_t mpy_string_isdigit(const mpy_text *text);
int8_t mpy_string_isalpha(const mpy_text *text);
int8_t mpy_string_isspace(const mpy_text *text);
/* The number of pieces of text.split(separator); null separates at white space. */
int64_t mpy_string_split_count(const char *file, int64_t line, const mpy_text *text,
                               const mpy_text *separator);
/* The piece with this index of text.split(separator). */
mpy_text *mpy_string_split_piece(const mpy_text *text, const mpy_text *separator, int64_t index);

/* str() and repr() of scalars. For Python's own scalars str and repr agree. */
mpy_text *mpy_str_int(int64_t value);
mpy_text *mpy_str_uint64(int64_t bits);
mpy_text *mpy_str_float(double value);
mpy_text *mpy_str_bool(int8_t value);
/* str() of complex numbers; the parts of single ones have the digits of float32. */
mpy_text *mpy_str_complex(double real, double imaginary, int8_t single);
/* str() of NumPy scalars; float64 and float32 differ in the digits. */
mpy_text *mpy_str_float64(double value);
mpy_text *mpy_str_float32(float value);
/* repr() of a text, and of NumPy scalars as containers show them: np.float64(1.5), np.True_ */
mpy_text *mpy_repr_string(const mpy_text *text);
mpy_text *mpy_repr_float64(double value);
mpy_text *mpy_repr_float32(float value);
mpy_text *mpy_repr_int64(int64_t value);
mpy_text *mpy_repr_int32(int32_t value);
/* A number of another integer type: np.uint8(5). */
mpy_text *mpy_repr_integer(int64_t bits, int64_t dtype);
mpy_text *mpy_repr_bool_(int8_t value);

/* format(value, spec) with Python's format specification; ValueError with Python's words. */
mpy_text *mpy_format_int(const char *file, int64_t line, int64_t value, const mpy_text *spec);
mpy_text *mpy_format_float(const char *file, int64_t line, double value, const mpy_text *spec);
/* A float32 scalar: formatted as its float64 value, as NumPy does. */
mpy_text *mpy_format_float32(const char *file, int64_t line, float value, const mpy_text *spec);
mpy_text *mpy_format_bool(const char *file, int64_t line, int8_t value, const mpy_text *spec);
mpy_text *mpy_format_string(const char *file, int64_t line, const mpy_text *value,
                            const mpy_text *spec);
/* One conversion of Python's % operator; `spec` is what follows the %, for example `-8.2f`. */
mpy_text *mpy_percent_int(const char *file, int64_t line, int64_t value, const mpy_text *spec);
mpy_text *mpy_percent_float(const char *file, int64_t line, double value, const mpy_text *spec);
mpy_text *mpy_percent_string(const char *file, int64_t line, const mpy_text *value,
                             const mpy_text *spec);
/* int(text, base) and float(text); ValueError with Python's words. */
int64_t mpy_parse_int(const char *file, int64_t line, const mpy_text *text, int64_t base);
double mpy_parse_float(const char *file, int64_t line, const mpy_text *text);
/* A part of complex(text). */
double mpy_parse_complex(const char *file, int64_t line, const mpy_text *text, int8_t isImaginary);
/* round(value, digits), correctly rounded as Python's; OverflowError when the result has none. */
double mpy_round_float(const char *file, int64_t line, double value, int64_t digits);
/* round(value, digits) of an int: changes it for negative digits only; half to even. */
int64_t mpy_round_int(const char *file, int64_t line, int64_t value, int64_t digits);

/* ---- Text of arrays, as NumPy 2.4 prints them ---- */

mpy_text *mpy_array_str(const mpy_view *array);
/* The same of unsigned elements: compiled code knows their bits alone. */
mpy_text *mpy_unsigned_str(const mpy_view *array, int64_t dtype);
mpy_text *mpy_unsigned_repr(const mpy_view *array, int64_t dtype);
mpy_text *mpy_array_repr(const mpy_view *array);
/* The same of complex arrays, by their parts. */
mpy_text *mpy_complex_array_text(const mpy_view *real, const mpy_view *imaginary, int8_t repr);
/* Keeps how arrays are printed, and goes back to it. */
void mpy_push_print_options(void);
void mpy_pop_print_options(void);
/* The printing options, at first precision 8, threshold 1000, edge items 3, line width 75, suppress
   0; a negative number leaves one as it is. */
void mpy_set_print_options(int64_t precision, int64_t threshold, int64_t edgeItems,
                           int64_t lineWidth, int64_t suppress);
/* np.array2string(array, precision=.., suppress_small=..); a negative precision is the option's. */
mpy_text *mpy_array_string(const mpy_view *array, int64_t precision, int8_t suppress);

/* ---- The device that a program chooses: 2 * its number, + 1 for a GPU; at first -1 ---- */

void mpy_choose_device(int64_t device);
int64_t mpy_chosen_device(void);
/// Whether this is the first call with a number from 0 to 63.
int8_t mpy_first_time(int64_t which);

/* ---- Files that a program opens, by number; 0 is standard input ---- */

/* Opens a file as fopen does, or raises what Python's open raises. */
int64_t mpy_file_open(const char *file, int64_t line, const mpy_text *path, const mpy_text *mode);
void mpy_file_close(int64_t number);
void mpy_file_flush(int64_t number);
/* The next line with its end, or a number of characters (all, if negative); empty at the end of the
 * file. `translates`: every end of a line is read as a newline. */
mpy_text *mpy_file_line(const char *file, int64_t line, int64_t number, int8_t translates);
mpy_text *mpy_file_read(const char *file, int64_t line, int64_t number, int64_t count,
                        int8_t translates);
void mpy_file_write(const char *file, int64_t line, int64_t number, const mpy_text *text);
int64_t mpy_file_tell(int64_t number);
int64_t mpy_file_seek(int64_t number, int64_t offset, int64_t whence);
/* What a path is: 0 nothing, 1 a file, 2 a folder, 3 something else. */
int64_t mpy_path_kind(const char *file, int64_t line, const mpy_text *path);
int64_t mpy_path_size(const char *file, int64_t line, const mpy_text *path);
void mpy_path_make(const char *file, int64_t line, const mpy_text *path);
void mpy_path_remove(const char *file, int64_t line, const mpy_text *path, int8_t isFolder);
void mpy_path_rename(const char *file, int64_t line, const mpy_text *from, const mpy_text *to);
/* The names in a folder, with slashes between them. */
mpy_text *mpy_path_list(const char *file, int64_t line, const mpy_text *path);
mpy_text *mpy_path_here(void);
/* Variables of the environment. */
int8_t mpy_environment_has(const char *file, int64_t line, const mpy_text *name);
mpy_text *mpy_environment(const char *file, int64_t line, const mpy_text *name);

/* ---- Plots: records of what matplotlib.pyplot is asked for ---- */

/* Begins a record; where it begins among all. */
int64_t mpy_plots_begin(int64_t kind);
/* What belongs to the record: a number, a list (float64, rank 1), a text. */
void mpy_plots_number(double value);
void mpy_plots_list(const mpy_view *values);
void mpy_plots_text(const mpy_text *text);
/* Does what the last record asks for; of libmpyplots.a. */
void mpy_plots_draw(const char *file, int64_t line);

/* ---- Random numbers: NumPy's legacy RandomState and its Generator, bit for bit ---- */

/* A new state seeded with an integer in [0, 2**32), else ValueError. */
mpy_random *mpy_random_new(const char *file, int64_t line, int64_t seed);
/* A new state seeded by the system. */
mpy_random *mpy_random_new_entropy(void);
/* A state of a Generator: its draws are those of numpy.random.default_rng(seeds), with `seeds` of
 * rank 1 and type int64; a negative one is a ValueError. Or seeded by the system. */
mpy_random *mpy_random_new_generator(const char *file, int64_t line, const mpy_view *seeds);
mpy_random *mpy_random_new_generator_entropy(void);
/* The state behind np.random.*, or the one behind Python's random.*; a new reference. */
mpy_random *mpy_random_global(int8_t ofNumpy);
/* Seeds a state again: with an integer in [0, 2**32), else ValueError; with several of these. */
void mpy_random_seed(const char *file, int64_t line, mpy_random *random, int64_t seed);
void mpy_random_seed_words(const char *file, int64_t line, mpy_random *random,
                           const mpy_view *words);
void mpy_random_seed_entropy(mpy_random *random);
/* A copy of the state with a life of its own, and the way back. */
mpy_random *mpy_random_save(const mpy_random *random);
void mpy_random_restore(mpy_random *random, const mpy_random *saved);
/* One draw. */
double mpy_random_double(mpy_random *random);
double mpy_random_gauss(mpy_random *random);
/* Python's random.gauss(0, 1). */
double mpy_random_pair(mpy_random *random);
double mpy_random_uniform(const char *file, int64_t line, mpy_random *random, double low,
                          double high);
double mpy_random_normal(const char *file, int64_t line, mpy_random *random, double loc,
                         double scale);
double mpy_random_exponential(const char *file, int64_t line, mpy_random *random, double scale);
int64_t mpy_random_int(const char *file, int64_t line, mpy_random *random, int64_t low,
                       int64_t high);
/* `count` draws in a new float64 array of rank 1; a negative count is a ValueError. */
void mpy_random_double_array(const char *file, int64_t line, mpy_random *random, int64_t count,
                             void **data, int64_t *sizes);
void mpy_random_gauss_array(const char *file, int64_t line, mpy_random *random, int64_t count,
                            void **data, int64_t *sizes);
void mpy_random_uniform_array(const char *file, int64_t line, mpy_random *random, double low,
                              double high, int64_t count, void **data, int64_t *sizes);
void mpy_random_normal_array(const char *file, int64_t line, mpy_random *random, double loc,
                             double scale, int64_t count, void **data, int64_t *sizes);
void mpy_random_exponential_array(const char *file, int64_t line, mpy_random *random, double scale,
                                  int64_t count, void **data, int64_t *sizes);
/* randint: a new int64 array of rank 1 with values in [low, high). */
void mpy_random_int_array(const char *file, int64_t line, mpy_random *random, int64_t low,
                          int64_t high, int64_t count, void **data, int64_t *sizes);
/* permutation(n) as int64; also of rows: the new row i is the old row result[i]. */
void mpy_random_permutation(const char *file, int64_t line, mpy_random *random, int64_t n,
                            void **data, int64_t *sizes);
/* choice(n, count, replace): int64 indices. */
void mpy_random_choice(const char *file, int64_t line, mpy_random *random, int64_t n, int64_t count,
                       int8_t replace, void **data, int64_t *sizes);
/* choice(n, count, replace, p) with `p` of rank 1 and type float64. */
void mpy_random_choice_weighted(const char *file, int64_t line, mpy_random *random, int64_t n,
                                int64_t count, int8_t replace, const mpy_view *p, void **data,
                                int64_t *sizes);

/* ---- Files ---- */

/* np.loadtxt as a float64 array of rank 2; returns the rank that NumPy's result has (0, 1 or 2).
 * `delimiter` null or empty is white space; `comments` null or empty is none; `columns` null or
 * empty is all, else int32 or int64; `maxRows` negative is all. */
int64_t mpy_loadtxt(const char *file, int64_t line, const mpy_text *path, const mpy_text *delimiter,
                    const mpy_text *comments, int64_t skipRows, int64_t maxRows,
                    const mpy_view *columns, void **data, int64_t *sizes);
/* np.genfromtxt in the same form; a missing or malformed value is nan. */
int64_t mpy_genfromtxt(const char *file, int64_t line, const mpy_text *path,
                       const mpy_text *delimiter, const mpy_text *comments, int64_t skipHeader,
                       int64_t skipFooter, const mpy_view *columns, void **data, int64_t *sizes);
/* np.savetxt of a rank 0, 1 or 2 array; `format` is one conversion or one per column. */
void mpy_savetxt(const char *file, int64_t line, const mpy_text *path, const mpy_view *array,
                 const mpy_text *format, const mpy_text *delimiter, const mpy_text *newline,
                 const mpy_text *header, const mpy_text *footer, const mpy_text *comments);
/* np.load of a .npy file; dtype and rank must be the given ones, else ValueError. */
void mpy_load_npy(const char *file, int64_t line, const mpy_text *path, int64_t dtype, int64_t rank,
                  void **data, int64_t *sizes);
/* np.save; adds `.npy` to a path without it. */
void mpy_save_npy(const char *file, int64_t line, const mpy_text *path, const mpy_view *array);
/* One array `name` of a .npz file, and all names at once. */
void mpy_load_npz(const char *file, int64_t line, const mpy_text *path, const mpy_text *name,
                  int64_t dtype, int64_t rank, void **data, int64_t *sizes);
void mpy_save_npz(const char *file, int64_t line, const mpy_text *path,
                  const mpy_text *const *names, const mpy_view *const *arrays, int64_t count);
/* Whole files: the text of one, and the bytes to write to one. */
mpy_text *mpy_read_file(const char *file, int64_t line, const mpy_text *path);
void mpy_write_file(const char *file, int64_t line, const mpy_text *path, const mpy_text *text);
/* os.path.exists */
int8_t mpy_path_exists(const mpy_text *path);

/* ---- Linear algebra; row-major, leading dimensions in elements ---- */

/* C = alpha * op(A) * op(B) + beta * C, op transposes if asked; C is m x n; beta 0 reads no C. */
void mpy_gemm_f64(int64_t transA, int64_t transB, int64_t m, int64_t n, int64_t k, double alpha,
                  const double *a, int64_t lda, const double *b, int64_t ldb, double beta,
                  double *c, int64_t ldc);
void mpy_gemm_f32(int64_t transA, int64_t transB, int64_t m, int64_t n, int64_t k, float alpha,
                  const float *a, int64_t lda, const float *b, int64_t ldb, float beta, float *c,
                  int64_t ldc);
/* The same for `count` products, `step` elements from one matrix to the next; a step of 0 reads the
 * same matrix each time, and with a stepC of 0 C is the sum of the products. */
void mpy_gemm_stack_f64(int64_t transA, int64_t transB, int64_t m, int64_t n, int64_t k,
                        double alpha, const double *a, int64_t lda, const double *b, int64_t ldb,
                        double beta, double *c, int64_t ldc, int64_t count, int64_t stepA,
                        int64_t stepB, int64_t stepC);
void mpy_gemm_stack_f32(int64_t transA, int64_t transB, int64_t m, int64_t n, int64_t k,
                        float alpha, const float *a, int64_t lda, const float *b, int64_t ldb,
                        float beta, float *c, int64_t ldc, int64_t count, int64_t stepA,
                        int64_t stepB, int64_t stepC);

/* ---- Sorting ---- */

/* np.sort along the last axis of a contiguous (rows, length) buffer, in place; nan goes last. */
void mpy_sort_rows(int64_t dtype, void *data, int64_t rows, int64_t length);
/* Fourier transforms along the middle axis of (rows, length, width), parts side by side; not scaled. */
void mpy_fourier_f64(const double *data, double *out, int64_t rows, int64_t length, int64_t width,
                     int64_t isInverse);
void mpy_fourier_f32(const float *data, float *out, int64_t rows, int64_t length, int64_t width,
                     int64_t isInverse);
/* np.argsort(kind='stable') along the last axis, into int64 indices. */
void mpy_argsort_rows(int64_t dtype, const void *data, int64_t rows, int64_t length,
                      int64_t *indices);

/* ---- Whole arrays ---- */

/* A contiguous copy. */
void mpy_array_copy(const mpy_view *array, void **data, int64_t *sizes);
/* np.sort and np.argsort(kind='stable') along the last axis. */
void mpy_sort(const mpy_view *array, void **data, int64_t *sizes);
void mpy_argsort(const mpy_view *array, void **data, int64_t *sizes);

/* ---- Functions of other programs ---- */

struct mpy_array; /* of mpy.h: the data of a view or a copy, which release frees; a new result */
void mpy_extern_argument(const mpy_view *view, struct mpy_array *array);
void mpy_extern_release(const mpy_view *view, struct mpy_array *array);
void mpy_extern_result(struct mpy_array *array, int64_t dtype, int64_t bytes, int64_t rank,
                       const int64_t *sizes, void **data);
void mpy_extern_check(const char *file, int64_t line, const char *name, int32_t status);

/* ---- Factors of matrices ---- */

/* Arrays (.., m, n) of float64; results have the same leading extents. `failures` (.., 1) holds 0,
 * or 1 where LAPACK found no result, 2 where there is no LAPACK. */
/* L and U in one matrix; the row that each step changed places with, and the order of the rows. */
void mpy_lu(const mpy_view *a, void **lu, int64_t *lu_sizes, void **pivots, int64_t *pivot_sizes,
            void **order, int64_t *order_sizes);
/* t^-1 b, one triangle or one for each b; flags: 1 lower, 2 transposed, 4 ones on the diagonal. */
void mpy_triangular(const mpy_view *t, const mpy_view *b, int64_t flags, void **x, int64_t *sizes);
/* L with a = L L^T, by the lower triangle; a failure is a matrix that is not positive definite. */
void mpy_cholesky(const mpy_view *a, void **lower, int64_t *sizes, void **failures,
                  int64_t *failure_sizes);
void mpy_qr(const mpy_view *a, int64_t complete, void **q, int64_t *q_sizes, void **r,
            int64_t *r_sizes);
/* Of symmetric matrices; flags: 1 by the upper triangle, 2 by LAPACK's dsyevr. */
void mpy_eigh(const mpy_view *a, int64_t flags, void **values, int64_t *value_sizes, void **vectors,
              int64_t *vector_sizes, void **failures, int64_t *failure_sizes);
void mpy_svd(const mpy_view *a, int64_t full, void **u, int64_t *u_sizes, void **s,
             int64_t *s_sizes, void **vt, int64_t *vt_sizes, void **failures,
             int64_t *failure_sizes);
void mpy_eig(const mpy_view *a, void **real, int64_t *real_sizes, void **imaginary,
             int64_t *imaginary_sizes, void **vectors, int64_t *vector_sizes, void **failures,
             int64_t *failure_sizes);
/* Complex matrices by their parts. */
void mpy_complex_lu(const mpy_view *re, const mpy_view *im, void **lu_re, int64_t *re_sizes,
                    void **lu_im, int64_t *im_sizes, void **pivots, int64_t *pivot_sizes,
                    void **order, int64_t *order_sizes);
void mpy_complex_eig(const mpy_view *re, const mpy_view *im, void **real, int64_t *real_sizes,
                     void **imaginary, int64_t *imaginary_sizes, void **vectors_re,
                     int64_t *vectors_re_sizes, void **vectors_im, int64_t *vectors_im_sizes,
                     void **failures, int64_t *failure_sizes);
/* np.flatnonzero: the row-major positions of what is not zero, as int64 of rank 1. */
void mpy_nonzero(const mpy_view *mask, void **data, int64_t *sizes);

/* ---- Numbers as Python's ---- */

/* x ** y of ints with y >= 0; OverflowError beyond 64 bits. */
int64_t mpy_int_pow(const char *file, int64_t line, int64_t x, int64_t y);
/* x ** y of NumPy integers: wraps. */
int64_t mpy_int_pow_wrap(int64_t x, int64_t y);
/* pow(x, y, modulus); ValueError where it is 0, or y negative and x without an inverse. */
int64_t mpy_int_pow_modulo(const char *file, int64_t line, int64_t x, int64_t y, int64_t modulus);
/* The number of bits of |x|, and how many of them are 1. */
int64_t mpy_int_bit_length(int64_t x);
int64_t mpy_int_bit_count(int64_t x);
/* x // y and x % y of ints; ZeroDivisionError, OverflowError. */
int64_t mpy_int_floordiv(const char *file, int64_t line, int64_t x, int64_t y);
int64_t mpy_int_mod(const char *file, int64_t line, int64_t x, int64_t y);
/* x << y and x >> y of ints. */
int64_t mpy_int_shl(const char *file, int64_t line, int64_t x, int64_t y);
int64_t mpy_int_shr(const char *file, int64_t line, int64_t x, int64_t y);
/* x - y of an int and a float, of the sign that it has exactly; nan for nan. */
double mpy_int_order(int64_t x, double y);
/* x / y of ints, correctly rounded. */
double mpy_int_truediv(const char *file, int64_t line, int64_t x, int64_t y);
/* x / y, x // y, x % y and x ** y of floats. */
double mpy_py_float_div(const char *file, int64_t line, double x, double y);
double mpy_py_float_floordiv(const char *file, int64_t line, double x, double y);
double mpy_py_float_mod(const char *file, int64_t line, double x, double y);
double mpy_py_float_pow(const char *file, int64_t line, double x, double y);
/* x // y and x % y of NumPy floats. */
double mpy_float_floordiv(double x, double y);
double mpy_float_mod(double x, double y);
/* int(x), round(x), math.floor(x), math.ceil(x); OverflowError and ValueError for inf and nan. */
int64_t mpy_int_from_float(const char *file, int64_t line, double x);
int64_t mpy_round_to_int(const char *file, int64_t line, double x);
int64_t mpy_floor_to_int(const char *file, int64_t line, double x);
int64_t mpy_ceil_to_int(const char *file, int64_t line, double x);
/* The functions of `math`: ValueError `math domain error`, OverflowError `math range error`. */
double mpy_math_exp(const char *file, int64_t line, double x);
double mpy_math_expm1(const char *file, int64_t line, double x);
double mpy_math_log(const char *file, int64_t line, double x);
double mpy_math_log_base(const char *file, int64_t line, double x, double base);
double mpy_math_log2(const char *file, int64_t line, double x);
double mpy_math_log10(const char *file, int64_t line, double x);
double mpy_math_log1p(const char *file, int64_t line, double x);
double mpy_math_sqrt(const char *file, int64_t line, double x);
double mpy_math_pow(const char *file, int64_t line, double x, double y);
double mpy_math_sin(const char *file, int64_t line, double x);
double mpy_math_cos(const char *file, int64_t line, double x);
double mpy_math_tan(const char *file, int64_t line, double x);
double mpy_math_asin(const char *file, int64_t line, double x);
double mpy_math_acos(const char *file, int64_t line, double x);
double mpy_math_atanh(const char *file, int64_t line, double x);
double mpy_math_acosh(const char *file, int64_t line, double x);
double mpy_math_sinh(const char *file, int64_t line, double x);
double mpy_math_cosh(const char *file, int64_t line, double x);
double mpy_math_fmod(const char *file, int64_t line, double x, double y);
double mpy_math_gamma(const char *file, int64_t line, double x);
double mpy_math_lgamma(const char *file, int64_t line, double x);
int64_t mpy_math_factorial(const char *file, int64_t line, int64_t n);
int64_t mpy_math_gcd(int64_t x, int64_t y);
int64_t mpy_math_lcm(const char *file, int64_t line, int64_t x, int64_t y);
int64_t mpy_math_isqrt(const char *file, int64_t line, int64_t n);
int64_t mpy_math_comb(const char *file, int64_t line, int64_t n, int64_t k);
int64_t mpy_math_perm(const char *file, int64_t line, int64_t n, int64_t k);

/* ---- Special functions; NaN outside of their domains ---- */

double mpy_special_erfinv(double x);
double mpy_special_erfcinv(double x);
double mpy_special_ndtr(double x);
double mpy_special_log_ndtr(double x);
double mpy_special_ndtri(double p);
double mpy_special_gamma(double x);
/* The order -1 is the logarithm of |gamma(x)|, 0 digamma, n its n-th derivative. */
double mpy_special_polygamma(double order, double x);
double mpy_special_bessel_j(double order, double x);
double mpy_special_bessel_y(double order, double x);
double mpy_special_bessel_i(double order, double x);
/* bessel_i(order, x) * exp(-|x|) */
double mpy_special_bessel_ie(double order, double x);

/* ---- Tape: a stack of bytes in chunks ---- */

/* The first fields of a tape, which inline code may use: push takes `cursor` if
 * `cursor + bytes <= end`, pop gives back `cursor - bytes` if that is >= `begin`; else it calls.
 * Sizes are rounded up to a multiple of 8 by the caller of the inline form and by the functions;
 * what is popped must have the sizes of what was pushed. */
typedef struct mpy_tape_fields {
  char *cursor; /* at 0 */
  char *begin;  /* at 8 */
  char *end;    /* at 16 */
} mpy_tape_fields;

/* A new empty tape with one reference. */
mpy_tape *mpy_tape_new(void);
/* Room for `bytes` more bytes on top. */
void *mpy_tape_push_bytes(const char *file, int64_t line, mpy_tape *tape, int64_t bytes);
/* Removes the last `bytes` bytes; they stay readable until the next push. */
void *mpy_tape_pop_bytes(mpy_tape *tape, int64_t bytes);
/* Removes everything; chunks are kept. */
void mpy_tape_clear(mpy_tape *tape);
/* The bytes on the tape. */
int64_t mpy_tape_size(const mpy_tape *tape);
/* How many states of a loop fit into so many bytes; ValueError if not one. */
int64_t mpy_snapshot_count(const char *file, int64_t line, int64_t bytes, int64_t stateBytes);
/* From a state that is kept, steps behind it that are to be reversed, and how many states may be
   kept, that one included: after how many steps the next is kept. */
int64_t mpy_snapshot_distance(int64_t steps, int64_t count);

/* Sets of numbers by numbers of their own, 0 for none (Sets.cpp): the union of two; those of one
 * number each; unions of the rows of a matrix; rows of a matrix united with others by index; how
 * many numbers are in sets, and these. */
double mpy_set_union(double a, double b);
void mpy_set_singletons(int64_t count, void **data, int64_t *sizes);
void mpy_set_union_rows(const mpy_view *x, void **data, int64_t *sizes);
void mpy_set_union_scatter(const mpy_view *x, const mpy_view *value, const mpy_view *index,
                           void **data, int64_t *sizes);
void mpy_set_sizes(const mpy_view *x, void **data, int64_t *sizes);
void mpy_set_members(const mpy_view *x, void **data, int64_t *sizes);

#ifdef __cplusplus
}
#endif
#endif
