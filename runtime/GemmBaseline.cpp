// The kernels of the matrix product for every 64-bit processor: vectors of 16 bytes, 16 registers.
#include "GemmKernels.h"

#pragma clang fp contract(fast)

#define GEMM_NAME gemmKernelsBaseline
#define GEMM_VECTOR_BYTES 16
#define GEMM_ROWS 4
#define GEMM_VECTORS 3
#include "GemmKernel.inc"
