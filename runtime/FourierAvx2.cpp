// The transforms of columns for AVX2.
#include "FourierKernels.h"

#ifdef __x86_64__
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#define FOURIER_NAME fourierKernelsAvx2
#include "FourierKernel.inc"
#pragma clang attribute pop
#endif
