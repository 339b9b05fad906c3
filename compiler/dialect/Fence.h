// What orders pure operations. Apart from Ops.h, as few passes know of it.
#ifndef MPY_DIALECT_FENCE_H
#define MPY_DIALECT_FENCE_H

#include "dialect/Dialect.h"

#define GET_OP_CLASSES
#include "dialect/Fence.h.inc"

#endif // MPY_DIALECT_FENCE_H
