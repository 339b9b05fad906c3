// Values that cross the boundary between the program and its callers.
#ifndef MPY_FRONTEND_EXPORTBOUNDARY_H
#define MPY_FRONTEND_EXPORTBOUNDARY_H

#include "frontend/interpret/Specializer.h"
#include "support/Exports.h"

namespace mpy {

/// Values of the program made of parameters, and results taken apart.
class ExportBoundary {
public:
  /// `extents` are the named ones; results are added to `made`.
  ExportBoundary(Specializer &s, Export &made, llvm::ArrayRef<IntExpr> extents)
      : s(s), made(made), extents(extents) {}

  mlir::Type typeOfLeaf(const ExportLeaf &leaf);
  /// The value of a form whose leaves these are.
  Value build(const ExportForm &form, llvm::ArrayRef<ExportLeaf> leaves, mlir::ValueRange given);
  /// Takes a result apart.
  ExportForm collect(const Value &given, const std::string &name,
                     llvm::SmallVectorImpl<mlir::Value> &values);

private:
  [[noreturn]] void refuse(const std::string &what);
  ExportForm addLeaf(ExportLeaf leaf);
  std::vector<IntExpr> shapeOf(const ExportLeaf &leaf);
  ExportExtent outward(const IntExpr &extent);

  Specializer &s;
  Export &made;
  llvm::ArrayRef<IntExpr> extents;
};

} // namespace mpy

#endif // MPY_FRONTEND_EXPORTBOUNDARY_H
