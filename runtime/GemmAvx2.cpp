// The kernels of the matrix product for AVX2 with fused multiply-add: vectors of 32 bytes, 16
// registers. 12 of them hold the block of C, 2 a row of B; 4 x 3 would keep none free for the
// elements of A and write an accumulator to memory in each step, at half the speed.
#include "GemmKernels.h"

#pragma clang fp contract(fast)
#ifdef __x86_64__
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#define GEMM_NAME gemmKernelsAvx2
#define GEMM_VECTOR_BYTES 32
#define GEMM_ROWS 6
#define GEMM_VECTORS 2
#include "GemmKernel.inc"
#pragma clang attribute pop
#endif
