// The C header of a library.
#ifndef MPY_DRIVER_EXPORTHEADER_H
#define MPY_DRIVER_EXPORTHEADER_H

#include "driver/Externs.h"
#include "support/Exports.h"
#include <string>

namespace mpy {

/// The text of the header that programs include which call what a module exports,
/// and of what the program calls of others.
std::string exportHeader(const Exports &exports, llvm::ArrayRef<ExternDeclaration> externs);
/// The type of a number or array as the language writes it: `float64[n, 3]`, `float`.
std::string exportedType(const ExportLeaf &leaf, const std::vector<std::string> &extents);

/// What stands before the name of the function in a description of the exported one; empty for the
/// function itself.
const char *sentenceOf(ExportKind kind);

} // namespace mpy

#endif // MPY_DRIVER_EXPORTHEADER_H
