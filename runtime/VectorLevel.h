// Which kernels a program may run.
#ifndef MPY_RUNTIME_VECTOR_LEVEL_H
#define MPY_RUNTIME_VECTOR_LEVEL_H

namespace mpy {

/// What processor and system both support: 512 for AVX-512, 2 for AVX2, or 0.
int vectorLevel();

} // namespace mpy

#endif
