// A group of fused operations as a kernel.
#ifndef MPY_LOWERING_GROUPKERNEL_H
#define MPY_LOWERING_GROUPKERNEL_H
#include "dialect/Device.h"
#include "lowering/CollapseLoops.h"
#include "lowering/Combiners.h"
#include "lowering/KernelBuilder.h"

namespace mpy {

/// One linalg.generic on buffers, which becomes a kernel where it can.
class GroupKernel {
public:
  /// `fills` are the values that outputs are filled with right before; null for the others.
  GroupKernel(mlir::linalg::GenericOp op, llvm::ArrayRef<mlir::Value> fills)
      : op(op), loc(op.getLoc()), host(op), fills(fills), space(op) {}

  /// Whether there is a kernel for it.
  bool exists();
  /// Emits the kernel, and before the group the operation that runs it.
  KernelOp emit(mlir::gpu::GPUModuleOp kernels, llvm::StringRef name);

private:
  bool classifyOutputs();
  void collectArguments();
  mlir::Value countOf(llvm::ArrayRef<unsigned> dims);
  llvm::SmallVector<mlir::OpFoldResult> extentsOf(llvm::ArrayRef<unsigned> dims) const;
  llvm::SmallVector<mlir::Value> positionsIn(unsigned operand, mlir::ValueRange positions) const;
  mlir::Value loadOperand(KernelBuilder &kernel, unsigned operand, mlir::ValueRange positions);
  mlir::Value initOf(KernelBuilder &kernel, unsigned output, mlir::ValueRange positions);
  /// The body at one point: stores what belongs to the point, returns the next accumulators.
  llvm::SmallVector<mlir::Value> emitPoint(KernelBuilder &kernel, mlir::ValueRange positions,
                                           mlir::ValueRange accumulators);
  void emitPoints(KernelBuilder &kernel);
  /// Finds inputs that are turned against the outputs: `slow` is the dimension along which they
  /// lie, `fast` that of the outputs.
  void findTurned();
  void emitTiles(KernelBuilder &kernel);
  void readTile(KernelBuilder &kernel, mlir::Value inside, mlir::ValueRange positions,
                mlir::Value down, mlir::Value across);
  void emitTeams(KernelBuilder &kernel);
  void emitParts(KernelBuilder &kernel);
  llvm::SmallVector<mlir::Value> sharedRooms(KernelBuilder &kernel);
  llvm::SmallVector<mlir::Value> positionsOfResult(KernelBuilder &kernel, mlir::Value result,
                                                   llvm::SmallVector<mlir::Value> &positions);
  llvm::SmallVector<mlir::Value> startsOf(KernelBuilder &kernel, mlir::ValueRange positions);
  llvm::SmallVector<mlir::Value> gather(KernelBuilder &kernel, mlir::Value lanes,
                                        mlir::ValueRange values);
  /// Whether what is gathered lies along the last dimension.
  bool isInner() const;
  void storeResults(KernelBuilder &kernel, mlir::Value isFirst, mlir::ValueRange kept,
                    mlir::ValueRange totals);

  mlir::linalg::GenericOp op;
  mlir::Location loc;
  mlir::OpBuilder host;
  llvm::ArrayRef<mlir::Value> fills;
  LoopSpace space;
  Combiners combiners;
  /// Outputs that gather elements, and whether their parts may be gathered in any order.
  llvm::SmallVector<unsigned> gathered;
  bool anyOrder = true;
  llvm::SmallVector<unsigned> keptDims, reducedDims;
  /// Inputs that go through shared memory, the two dimensions that they have turned, and their
  /// elements at the point of the moment.
  llvm::SmallVector<unsigned> turned;
  unsigned slow = 0, fast = 0;
  llvm::DenseMap<unsigned, mlir::Value> turnedElements;
  llvm::SmallVector<mlir::Value> hostExtents;
  llvm::SmallVector<mlir::OpFoldResult> extents;
  std::optional<KernelArguments> arguments;
  /// The number of each operand's buffer.
  llvm::SmallVector<unsigned> buffers;
};

/// Whether a kernel can work on the buffer: on the heap, of elements that kernels have.
bool isOfKernels(mlir::Value buffer);

} // namespace mpy
#endif
