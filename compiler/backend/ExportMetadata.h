// What a library exports, as text for programs.
#ifndef MPY_BACKEND_EXPORTMETADATA_H
#define MPY_BACKEND_EXPORTMETADATA_H

#include "support/Exports.h"
#include <string>

namespace mpy {

/// What an element type of the runtime is called by others.
struct ElementNames {
  const char *numpy, *c, *python;
};
const ElementNames &elementNames(int32_t element);

/// A description in JSON, what `model_metadata()` returns.
std::string exportMetadata(const Exports &exports);
/// The number of arrays whose shapes a function `_shapes` tells; 0 where there is no such function.
size_t shapedResults(const Export &made);

/// A word for the C signatures of all functions: callers and objects with the same one fit.
std::string exportSignature(const Exports &exports);
/// The name of the constant that an object with these signatures defines.
std::string signatureSymbol(const Exports &exports);

} // namespace mpy

#endif // MPY_BACKEND_EXPORTMETADATA_H
