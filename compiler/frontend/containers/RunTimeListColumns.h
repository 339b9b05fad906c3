// Columns of lists of run-time length: how the items' run-time values lie in tensors.
#ifndef MPY_FRONTEND_RUNTIMELISTCOLUMNS_H
#define MPY_FRONTEND_RUNTIMELISTCOLUMNS_H

#include "frontend/containers/RunTimeLists.h"

namespace mpy {

/// A run-time value of an item, as flattening gives it.
struct ItemLeaf {
  mlir::Type type;
  bool isArray = false;
  /// Arrays: extents that all items share; others differ.
  std::vector<std::optional<IntExpr>> shape;
  /// Arrays: which leaves hold the extents that differ; none where the size says it.
  std::vector<unsigned> extents;
  /// A column of a list in the item: its rows have room behind them, and lie in any order.
  bool hasRoom = false;

  bool isText() const { return mlir::isa<StringType>(type); }
  bool hasEnds() const {
    return isText() ||
           llvm::any_of(shape, [](const std::optional<IntExpr> &extent) { return !extent; });
  }
};

std::vector<ItemLeaf> itemLeaves(Specializer &, const ResultPattern &item);
mlir::Type columnType(Specializer &, const ItemLeaf &);
mlir::Type endsType(Specializer &, const ItemLeaf &);

ItemColumn emptyColumn(Specializer &, const ItemLeaf &);
/// A column of these rows.
ItemColumn columnOf(Specializer &, const ItemLeaf &, llvm::ArrayRef<mlir::Value> rows);
/// A column of numbers that are all known, of one kind; of no values where they are not.
ItemColumn columnOfNumbers(Specializer &, const ResultPattern &number, const ValueList &items);
/// So many equal rows.
ItemColumn columnOfOne(Specializer &, const ItemLeaf &, mlir::Value row, const IntExpr &count);
/// One row more.
ItemColumn withRow(Specializer &, const ItemLeaf &, const ItemColumn &, mlir::Value row);
/// The row at a position that is in range; `before`: the leaves of the item before this one.
mlir::Value rowAt(Specializer &, const ItemLeaf &, const ItemColumn &, const IntExpr &position,
                  llvm::ArrayRef<mlir::Value> before);
/// The rows before the last one.
ItemColumn withoutLastRow(Specializer &, const ItemLeaf &, const ItemColumn &,
                          const IntExpr &count);
/// The first rows of a column without room between them.
ItemColumn firstRowsOf(Specializer &, const ItemColumn &, const IntExpr &count);
/// start, start + step, .. of which `count` exist, of a column without ends.
mlir::Value rowsOfTensor(Specializer &, mlir::Value tensor, mlir::Value start, mlir::Value count,
                         mlir::Value step = {});
ItemColumn joinColumns(Specializer &, const ItemColumn &, const ItemColumn &);
/// Another row at a position. `before`: what is there, if that is known; `isSameSize`: it is as
/// long as before.
ItemColumn withOtherRow(Specializer &, const ItemLeaf &, ItemColumn, const IntExpr &position,
                        mlir::Value row, mlir::Value before, bool isSameSize);
mlir::Value rowsOf(Specializer &, mlir::Value tensor);

} // namespace mpy

#endif // MPY_FRONTEND_RUNTIMELISTCOLUMNS_H
