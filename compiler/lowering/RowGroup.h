// Operations, one after the other, that work on the same rows.
#ifndef MPY_LOWERING_ROWGROUP_H
#define MPY_LOWERING_ROWGROUP_H
#include "lowering/CollapseLoops.h"
#include "lowering/Combiners.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SetVector.h"

namespace mpy {

/// How an operation accesses a buffer: all elements of a row, the one value of a row, or neither.
enum class RowAccess { Elements, Value, Other };

/// One operation of a group.
struct RowMember {
  explicit RowMember(mlir::linalg::GenericOp op) : op(op), space(op) {}

  mlir::linalg::GenericOp op;
  LoopSpace space;
  /// The values that outputs are filled with right before; null for the others.
  llvm::SmallVector<mlir::Value> fills;
  /// Outputs that gather the elements of a row.
  llvm::SmallVector<unsigned> gathered;
  Combiners combiners;
  /// Whether it computes one value for each row, from such values.
  bool isPerRow = false;
  /// Members of one phase walk a row together; those of the next know what these gathered.
  unsigned phase = 0;
  /// For each operand: its access, where the member really reads or writes it.
  llvm::SmallVector<std::optional<RowAccess>> accesses;

  /// The same where the member is constant: operations have no constant functions.
  mlir::linalg::GenericOp generic() const { return op; }
  bool isOutput(unsigned operand) const { return operand >= generic().getNumDpsInputs(); }
  /// Whether the member looks at what is in the operand before.
  bool reads(unsigned operand) const;
};

/// Members that one kernel can do row by row, each row by one team of threads.
class RowGroup {
public:
  /// Takes in an operation, where all it needs of the group is in its own row.
  bool add(mlir::linalg::GenericOp op, llvm::ArrayRef<mlir::Value> fills);
  /// Whether the group saves a launch or a way through memory.
  bool isWorthwhile() const { return members.size() > 1; }

  std::vector<RowMember> members;
  unsigned rowDims = 0, allDims = 0;

private:
  /// What is known of a buffer that members access.
  struct Buffer {
    mlir::Value view;
    RowAccess access;
    bool isOfRows = true, isWritten = false, isReadBefore = false;
  };
  using Buffers = llvm::MapVector<mlir::Value, Buffer>;
  /// What names an extent: a constant, a value, or a dimension of a buffer.
  using Extent = std::pair<const void *, int64_t>;

  bool classify(RowMember &member);
  bool hasExtentsOfGroup(const RowMember &member);
  static bool isInRows(const RowMember &member, Buffers &known);
  void placeInPhase(RowMember &member);

  Buffers buffers;
  llvm::SmallVector<llvm::SmallSetVector<Extent, 4>> extents;
  /// Values of rows that the current phase computes, and all that is used behind its walk.
  llvm::SmallSetVector<mlir::Value, 8> pending, behind;
};

} // namespace mpy
#endif
