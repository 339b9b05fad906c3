// The kernels of the matrix product for AVX-512: vectors of 64 bytes, 32 registers.
#include "GemmKernels.h"

#pragma clang fp contract(fast)
#ifdef __x86_64__
#pragma clang attribute push(__attribute__((target("avx512f,avx512vl,avx512dq,avx512bw,fma"))),    \
                             apply_to = function)
#define GEMM_NAME gemmKernelsAvx512
#define GEMM_VECTOR_BYTES 64
#define GEMM_ROWS 8
#define GEMM_VECTORS 3
#include "GemmKernel.inc"
#pragma clang attribute pop
#endif
