// Which buffer a tensor value lies in, who reads it, and when it is read for the last time.
#ifndef MPY_LOWERING_OWNERSHIP_H
#define MPY_LOWERING_OWNERSHIP_H
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Interfaces/ViewLikeInterface.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/DenseSet.h"

namespace mpy {

/// What an operation does with an operand.
enum class Use {
  View,    ///< the result is a part of the operand's buffer
  Shape,   ///< reads extents only
  Borrow,  ///< reads elements
  Consume, ///< takes over the reference
};

/// Questions about the tensors, texts and handles of a module in linalg form, before any of it
/// changes.
class Ownership {
public:
  explicit Ownership(mlir::ModuleOp module);

  /// Whether values of this type have owners.
  static bool isCounted(mlir::Type type);
  /// The buffer type of a tensor type: row-major and contiguous; other types stay.
  static mlir::Type bufferType(mlir::Type type);

  /// What the operation that owns the operand does with it.
  Use useOf(mlir::OpOperand &operand) const;
  /// The value whose buffer this one is a part of.
  mlir::Value root(mlir::Value value);
  /// The layout of the value inside its root's buffer.
  mlir::MemRefType viewType(mlir::Value value);
  /// Whether the value is all of its root's buffer, under this or another shape.
  bool isWhole(mlir::Value value);
  /// Whether the value is the first rows of its root's buffer, or all of it.
  bool isFirstRows(mlir::Value value);
  /// Whether the value is made anew at each use (undefined contents, or one scalar everywhere).
  bool isRemade(mlir::Value value);
  /// Whether nobody releases the value: it is remade, constant or absent.
  bool isUnowned(mlir::Value value);

  /// Every operand that reads or takes the root's buffer, through views too.
  llvm::ArrayRef<mlir::OpOperand *> uses(mlir::Value root);
  /// The last operation of the block that uses the root, itself or inside; null if none does.
  mlir::Operation *lastUse(mlir::Value root, mlir::Block *block);
  /// The operands through which `op`, or an operation inside it, uses the root.
  llvm::SmallVector<mlir::OpOperand *> usesAt(mlir::Value root, mlir::Operation *op);

  /// Whether the function only reads this argument, so that its caller keeps the reference.
  bool borrows(mlir::StringRef function, unsigned argument) const;

private:
  mlir::Value viewSource(mlir::Value value);
  void collectUses(mlir::Value value, llvm::SmallVectorImpl<mlir::OpOperand *> &found);
  void inferBorrowedArguments(mlir::ModuleOp module);

  llvm::DenseMap<mlir::Value, mlir::Value> sources;
  llvm::DenseMap<mlir::Value, std::unique_ptr<llvm::SmallVector<mlir::OpOperand *>>> useLists;
  llvm::DenseMap<mlir::Value, bool> remade;
  llvm::StringMap<llvm::SmallVector<bool>> borrowedArguments;
};

/// Whether a slice of, or an insertion into, an array of type `whole` is about its first rows.
bool isRowsBox(mlir::Operation *op, mlir::RankedTensorType whole,
               mlir::OffsetSizeAndStrideOpInterface box);

/// Whether an `outs` operand of a linalg operation is only there for its shape.
bool ignoresInit(mlir::OpOperand &operand);

} // namespace mpy
#endif
