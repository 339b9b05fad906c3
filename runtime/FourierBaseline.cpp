// The transforms of columns for every processor.
#include "FourierKernels.h"

#define FOURIER_NAME fourierKernelsBaseline
#include "FourierKernel.inc"
