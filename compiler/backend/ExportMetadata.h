// What a library exports, as text for programs.
#ifndef MPY_BACKEND_EXPORTMETADATA_H
#define MPY_BACKEND_EXPORTMETADATA_H

#include "support/Exports.h"
#include <string>

namespace mpy {

/// A description in JSON, what `model_metadata()` returns.
std::string exportMetadata(const Exports &exports);
/// The number of arrays whose shapes a function `_shapes` tells; 0 where there is no such function.
size_t shapedResults(const Export &made);

} // namespace mpy

#endif // MPY_BACKEND_EXPORTMETADATA_H
