// What an exported function says of its result.
#ifndef MPY_FRONTEND_EXPORTRETURNS_H
#define MPY_FRONTEND_EXPORTRETURNS_H

#include "frontend/interpret/Specializer.h"
#include "support/Exports.h"

namespace mpy {

/// The annotation of a result. One that is no type, such as `np.ndarray`, says nothing.
class ExportReturns {
public:
  /// Reads it; `made` has its parameters.
  ExportReturns(Specializer &s, const ast::FunctionDef &node, Export &made);

  /// Refuses a result of another form, element type or rank.
  void checkResult();
  /// Gives the leaves of a result the extents that the annotation says. The types of arguments do
  /// not prove all of them: those are compared when the function has returned. An extent that the
  /// body is known to have otherwise is refused.
  void nameExtents(llvm::MutableArrayRef<ExportLeaf> leaves);

private:
  void learnNames(const ExportLeaf &leaf, const ExportLeaf &wanted);
  ExportExtent extentOf(const ExportExtent &wanted);
  bool isOwnName(const ExportExtent &extent) const;
  [[noreturn]] void refuse(const std::string &is, const std::string &wanted);

  Specializer &s;
  const ast::FunctionDef &node;
  Export &made;
  /// The same function with the result that the annotation says.
  Export said;
  bool isType = false;
  /// What names that no parameter has stand for, by their number in `said`.
  std::map<int64_t, ExportExtent> ownNames;
};

} // namespace mpy

#endif // MPY_FRONTEND_EXPORTRETURNS_H
