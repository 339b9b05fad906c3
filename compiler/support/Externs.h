// Functions of other programs that a program calls: their signatures, and what C sees of them.
#ifndef MPY_SUPPORT_EXTERNS_H
#define MPY_SUPPORT_EXTERNS_H

#include "llvm/ADT/StringRef.h"
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace mpy {

/// A parameter or a result: `f64`, or `f64[n 3]`.
struct ExternPart {
  /// The number of its element type in the runtime, as that of an ExportLeaf.
  int32_t element = 0;
  bool isNumber = true;
  /// Names and numbers.
  std::vector<std::string> extents;
};

struct ExternSignature {
  std::vector<ExternPart> parameters, results;
};

/// Where a name of an extent stands first: which parameter, which dimension.
using ExtentPlace = std::pair<size_t, size_t>;
std::optional<ExtentPlace> placeOfExtent(const ExternSignature &signature, llvm::StringRef name);

/// Reads `f64[n], f64 -> f64[n]`; nothing, with a sentence in `reason`, where it is none.
std::optional<ExternSignature> parseExtern(llvm::StringRef text, std::string &reason);
/// `int smooth(const mpy_array *x0, double x1, mpy_array *r0);`
std::string externPrototype(llvm::StringRef name, llvm::StringRef signature);

/// What a call of an extern function calls, among the functions of the runtime: both texts.
std::string externCallee(llvm::StringRef name, llvm::StringRef signature);
/// The name and the signature again; nothing for a function of the runtime.
std::optional<std::pair<llvm::StringRef, llvm::StringRef>> externOf(llvm::StringRef callee);

/// The attribute of a module that lists what is declared: pairs of a callee and a location.
inline constexpr const char *externsAttribute = "mpy.externs";

} // namespace mpy

#endif // MPY_SUPPORT_EXTERNS_H
