// Which place of the program an operation comes from.
#ifndef MPY_SUPPORT_PLACES_H
#define MPY_SUPPORT_PLACES_H

#include "mlir/IR/Location.h"

namespace mpy {

/// The innermost place of inlined code, under all names; null where there is none.
mlir::FileLineColLoc placeOf(mlir::Location location);

} // namespace mpy

#endif // MPY_SUPPORT_PLACES_H
