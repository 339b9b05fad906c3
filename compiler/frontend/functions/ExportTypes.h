// Annotations of exported functions as the types of what other programs give them.
#ifndef MPY_FRONTEND_EXPORTTYPES_H
#define MPY_FRONTEND_EXPORTTYPES_H

#include "frontend/interpret/Specializer.h"
#include "support/Exports.h"

namespace mpy {

/// Reads annotations: `float`, `f64['n d']`, `Float64[Array, 'n d']`, and tuples, lists and dicts
/// of these, each also in quotes.
class AnnotationReader {
public:
  AnnotationReader(Specializer &s, Export &made) : s(s), made(made) {}

  /// Adds the leaves of an annotation under names that begin with `name`, and gives their form;
  /// nothing if it is no type.
  std::optional<ExportForm> read(const ast::Expr &annotation, const std::string &name,
                                 std::vector<ExportLeaf> &leaves);
  /// Whether what was read had an array with extents that are none.
  bool hasBadExtents() const { return badExtents; }

private:
  const ast::Expr *unquoted(const ast::Constant &text);
  bool readExtents(llvm::StringRef text, ExportLeaf &leaf);
  bool readSubscript(const ast::Subscript &node, ExportLeaf &leaf);
  std::optional<ExportForm> readParts(ExportForm::Kind kind, const ast::ExprList &parts,
                                      const std::string &name, std::vector<ExportLeaf> &leaves);

  Specializer &s;
  Export &made;
  bool badExtents = false;
  /// Holds what was written in quotes.
  ast::Module quoted;
};

/// A name of a part: `w_0`, `w_bias`; empty where there is none.
std::string exportedName(llvm::StringRef whole, llvm::StringRef part);

} // namespace mpy

#endif // MPY_FRONTEND_EXPORTTYPES_H
