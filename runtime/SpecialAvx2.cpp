// Special functions of 4 doubles at once, for AVX2.
#include "SpecialTables.h"
#include "mpyrt.h"

#include <stddef.h>
#include <stdint.h>

#ifdef __x86_64__
#pragma clang fp contract(fast)
#define LANES 4
#define VECTOR_NAME(name) _ZGVdN4v_##name
#define VECTOR_NAME2(name) _ZGVdN4vv_##name

typedef double Numbers __attribute__((vector_size(8 * LANES)));
extern "C" {
// Of the C library (libmvec).
Numbers VECTOR_NAME(exp)(Numbers);
Numbers VECTOR_NAME(log)(Numbers);
Numbers VECTOR_NAME(log1p)(Numbers);
Numbers VECTOR_NAME(sin)(Numbers);
Numbers VECTOR_NAME(cos)(Numbers);
Numbers VECTOR_NAME(erf)(Numbers);
Numbers VECTOR_NAME(erfc)(Numbers);
Numbers VECTOR_NAME2(pow)(Numbers, Numbers);
}
#include "SpecialKernel.inc"
#endif
