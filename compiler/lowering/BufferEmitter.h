// Rewrites function bodies in linalg form into the same programs on owned buffers. See
// OwnBuffers.cpp for the rules.
#ifndef MPY_LOWERING_BUFFEREMITTER_H
#define MPY_LOWERING_BUFFEREMITTER_H
#include "dialect/Dialect.h"
#include "lowering/Ownership.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"

namespace mpy {

/// Whether a buffer is known to have one owner, and on which loops' promises that rests.
struct Uniqueness {
  bool known = false;
  /// Loop and carried position whose buffer is assumed unique at the start of each iteration.
  llvm::SmallVector<std::pair<mlir::Operation *, unsigned>, 2> promises;

  static Uniqueness fresh() { return {true, {}}; }
};

/// A reference that somebody took over.
struct Taken {
  mlir::Value buffer;
  Uniqueness unique;
};

/// Emits one module's functions; shared across them because results of callees may be known to be
/// unique.
class BufferEmitter {
public:
  BufferEmitter(mlir::ModuleOp module, Ownership &ownership)
      : module(module), ownership(ownership), builder(module.getContext()) {}

  /// Replaces the function by its form on buffers.
  llvm::LogicalResult emitFunction(mlir::func::FuncOp function);

private:
  /// What the function knows of a root that it must release or hand on.
  struct Owner {
    bool alive = true;
    Uniqueness unique;
  };
  /// The block being rewritten: which roots die at which operation.
  struct Frame {
    explicit Frame(mlir::Block *block) : block(block) {}
    mlir::Block *block;
    llvm::DenseMap<mlir::Operation *, llvm::SmallVector<mlir::Value>> dying;
    /// What the terminator handed on.
    llvm::SmallVector<Taken> results;
  };
  /// Which carried buffers of a loop are promised unique, and which promises were relied upon.
  struct LoopPromises {
    llvm::SmallVector<bool> assumed, used;
  };

  // Blocks and operations.
  llvm::LogicalResult emitBlock(mlir::Block &block, llvm::ArrayRef<mlir::Value> inherited,
                                Frame &frame);
  llvm::LogicalResult emit(mlir::Operation &op);
  llvm::LogicalResult emitDefault(mlir::Operation &op);
  void addOwner(mlir::Value root, Uniqueness unique);
  void releaseDying(mlir::Operation *op);
  void release(mlir::Value root);

  // References.
  bool diesAt(mlir::Value root, mlir::Operation *op);
  mlir::Value get(mlir::Value value) { return map.lookupOrDefault(value); }
  Taken consume(mlir::OpOperand &operand);
  Taken takeUnique(mlir::OpOperand &operand, mlir::Operation *op);
  mlir::Value makeUnique(mlir::Location loc, mlir::Value buffer);
  bool relyOn(const Uniqueness &unique);
  mlir::Value contiguous(mlir::Location loc, mlir::Value value);
  mlir::Value rowMajor(mlir::Location loc, mlir::Value value);
  mlir::Value reinterpret(mlir::Location loc, mlir::Value buffer, mlir::MemRefType type,
                          llvm::ArrayRef<mlir::OpFoldResult> sizes);
  mlir::Value reinterpret(mlir::Location loc, mlir::Value buffer, mlir::OpFoldResult offset,
                          llvm::ArrayRef<mlir::OpFoldResult> strides, mlir::MemRefType type,
                          llvm::ArrayRef<mlir::ReassociationIndices> groups,
                          llvm::ArrayRef<mlir::OpFoldResult> sizes);
  mlir::Value expand(mlir::Location loc, mlir::Value buffer, mlir::MemRefType type,
                     llvm::ArrayRef<mlir::ReassociationIndices> groups,
                     llvm::ArrayRef<mlir::OpFoldResult> sizes);
  llvm::SmallVector<mlir::Value> sizesOf(mlir::Location loc, mlir::Value value);
  mlir::Value allocateLike(mlir::Location loc, mlir::Value value);
  mlir::Value remake(mlir::Location loc, mlir::Value value);
  void fillLike(mlir::Location loc, mlir::Value value, mlir::Value buffer);
  mlir::Value copyOf(mlir::Location loc, mlir::Value buffer);
  void define(mlir::Value result, mlir::Value buffer, Uniqueness unique);

  // Control flow.
  llvm::LogicalResult emitIf(mlir::scf::IfOp op);
  llvm::LogicalResult emitFor(mlir::scf::ForOp op);
  llvm::LogicalResult emitWhile(mlir::scf::WhileOp op);
  llvm::LogicalResult emitCall(mlir::func::CallOp op);
  llvm::LogicalResult emitTerminator(mlir::Operation &op);
  bool keepPromises(mlir::Operation *loop, llvm::ArrayRef<Taken> yielded);
  /// The initial values of a loop, given when its body is known, and what is known of its results.
  llvm::SmallVector<Uniqueness> giveInits(mlir::Operation *loop,
                                          llvm::MutableArrayRef<mlir::OpOperand> inits,
                                          llvm::MutableArrayRef<mlir::OpOperand> created);
  llvm::SmallVector<mlir::Value> placeholders(mlir::ValueRange inits);
  LoopPromises &startPromises(mlir::Operation *loop, mlir::ValueRange carried);
  void addCarried(mlir::Operation *loop, mlir::ValueRange arguments, mlir::ValueRange buffers,
                  llvm::SmallVectorImpl<mlir::Value> &owned);
  void addResults(mlir::ResultRange results, mlir::ValueRange buffers,
                  llvm::ArrayRef<Uniqueness> unique);

  // Array operations.
  llvm::LogicalResult emitView(mlir::Operation &op);
  llvm::LogicalResult emitInsert(mlir::tensor::InsertOp op);
  mlir::Value growInto(mlir::tensor::InsertSliceOp op);
  llvm::LogicalResult emitInsertSlice(mlir::tensor::InsertSliceOp op);
  llvm::LogicalResult emitFromElements(mlir::tensor::FromElementsOp op);
  mlir::LogicalResult emitElement(mlir::Operation &op);
  mlir::LogicalResult emitGeneric(mlir::linalg::GenericOp op);
  llvm::LogicalResult emitFill(mlir::linalg::FillOp op);
  llvm::LogicalResult emitMatmul(MatmulOp op);
  llvm::LogicalResult emitRuntimeCall(mlir::Operation &op, llvm::StringRef callee, bool raises,
                                      mlir::StringAttr catches = {});

  // Where results are computed.
  mlir::tensor::InsertSliceOp destinationOf(mlir::Value result, mlir::AffineMap map);
  bool maySeeDestination(mlir::Operation *producer, mlir::Value root,
                         mlir::tensor::InsertSliceOp insert, mlir::AffineMap map);
  mlir::Value place(mlir::Value result, mlir::tensor::InsertSliceOp insert);
  mlir::Value reusableInput(mlir::linalg::GenericOp op, unsigned result,
                            llvm::ArrayRef<mlir::Value> taken);
  mlir::Value sliceOf(mlir::Value buffer, mlir::tensor::InsertSliceOp insert);

  mlir::ModuleOp module;
  Ownership &ownership;
  mlir::OpBuilder builder;
  mlir::IRMapping map;
  llvm::DenseMap<mlir::Value, Owner> owners;
  llvm::SmallVector<Frame *> frames;
  llvm::DenseMap<mlir::Operation *, LoopPromises> promises;
  /// Slices whose value was computed in place: the whole destination.
  llvm::DenseMap<mlir::Operation *, Taken> placed;
  /// Copies that live until the end of the operation being emitted.
  llvm::SmallVector<mlir::Value> temporaries;
  llvm::StringMap<llvm::SmallVector<bool>> uniqueResults;
};

} // namespace mpy
#endif
