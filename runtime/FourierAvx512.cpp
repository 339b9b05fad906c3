// The transforms of columns for AVX-512.
#include "FourierKernels.h"

#ifdef __x86_64__
#pragma clang attribute push(__attribute__((target("avx512f,avx512vl,avx512dq,avx512bw,fma"))),    \
                             apply_to = function)
#define FOURIER_NAME fourierKernelsAvx512
#include "FourierKernel.inc"
#pragma clang attribute pop
#endif
