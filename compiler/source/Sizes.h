// Extents and numbers of iterations as a person writes them: `8 * n * x.shape[1]`.
#ifndef MPY_SOURCE_SIZES_H
#define MPY_SOURCE_SIZES_H

#include "mlir/IR/Value.h"
#include "llvm/ADT/StringMap.h"
#include <optional>
#include <string>

namespace mpy {

/// A number that may be known, and how it is written.
struct Size {
  std::string text;
  std::optional<int64_t> number;
  bool isSum = false;
  static Size of(int64_t number) { return {std::to_string(number), number}; }
};
Size operator*(const Size &x, const Size &y);
Size operator+(const Size &x, const Size &y);

/// The name that the program gives a value, or nothing.
std::string nameInProgram(mlir::Value value);
/// The line of the program that a location stands for; 0 if there is none.
unsigned lineOf(mlir::Location location);

/// Writes sizes; `given` are numbers for names in them.
class SizeWriter {
public:
  explicit SizeWriter(const llvm::StringMap<int64_t> &given) : given(given) {}
  /// An integer of the program.
  Size write(mlir::Value value) const;
  /// The bytes that a value takes where it is kept.
  Size bytesOf(mlir::Value value) const;
  /// A number that has only a name.
  Size named(const std::string &name) const;

private:
  Size write(mlir::Value value, unsigned depth) const;
  const llvm::StringMap<int64_t> &given;
};

} // namespace mpy

#endif // MPY_SOURCE_SIZES_H
