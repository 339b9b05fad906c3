// Calls of the runtime library, pointers and constant data, in the LLVM dialect among structured
// control flow.
#ifndef MPY_LOWERING_RUNTIMEEMITTER_H
#define MPY_LOWERING_RUNTIMEEMITTER_H
#include "dialect/Device.h"
#include "dialect/Dialect.h"
#include "dialect/Fence.h"
#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/SymbolTable.h"

namespace mpy {

/// Rewrites the operations that are left once loops are emitted; one object for a module.
class RuntimeEmitter {
public:
  explicit RuntimeEmitter(mlir::ModuleOp module);
  /// Replaces the operation; fails after reporting where there is no form for it.
  llvm::LogicalResult emit(mlir::Operation *op);
  /// Says which releases are calls. Before any is replaced.
  void chooseReleases();

private:
  // Values.
  mlir::Value constant(int64_t value, unsigned bits = 64);
  mlir::Value offset(mlir::Value pointer, int64_t bytes);
  mlir::Value load(mlir::Type type, mlir::Value pointer);
  void store(mlir::Value value, mlir::Value pointer);
  /// Room on the stack of the function, reserved once.
  mlir::Value reserve(mlir::Type type);
  mlir::Value toInteger(mlir::Value index);
  mlir::Value toIndex(mlir::Value integer);
  mlir::Value descriptor(mlir::Value buffer);
  /// The first element of a buffer or view; text and handles are pointers already.
  mlir::Value dataOf(mlir::Value buffer);
  /// The data behind the header that counts references: that of its root, which an array of another
  /// program does not have before its own.
  mlir::Value ownerOf(mlir::Value buffer);
  mlir::Value sizeOf(mlir::Value buffer, unsigned dim);
  mlir::Value strideOf(mlir::Value buffer, unsigned dim);
  /// A contiguous buffer around data; `dynamic` are the extents that the type leaves open. Without
  /// an owner the data have their own header.
  mlir::Value bufferAt(mlir::MemRefType type, mlir::Value data, llvm::ArrayRef<mlir::Value> dynamic,
                       mlir::Value owner = {});

  // Symbols.
  mlir::Value call(llvm::StringRef callee, mlir::Type result, mlir::ValueRange operands);
  mlir::Value text(llvm::StringRef bytes);
  llvm::SmallVector<mlir::Value> place(mlir::Location loc);
  /// The address of a constant mpy_site.
  mlir::Value site(mlir::MemRefType type, mlir::Location loc);
  mlir::Value immortal(llvm::StringRef key, llvm::ArrayRef<mlir::Attribute> fields,
                       llvm::ArrayRef<mlir::Type> types);

  // Operations.
  void emitRetain(RetainOp op);
  void emitRelease(ReleaseOp op);
  void emitAlloc(mlir::memref::AllocOp op);
  void emitGrow(GrowOp op);
  void allocate(mlir::MemRefType type, mlir::Value bytes, llvm::ArrayRef<mlir::Value> sizes,
                mlir::Operation *op, llvm::StringRef callee, llvm::ArrayRef<mlir::Value> more);
  mlir::Value bytesOf(mlir::MemRefType type, llvm::ArrayRef<mlir::Value> dynamic);
  void emitAbsent(AbsentOp op);
  void emitConstantBuffer(ConstantBufferOp op);
  void emitStringConstant(StringConstantOp op);
  void emitCheck(CheckOp op);
  void emitRaise(RaiseOp op);
  void emitCheckedInt(CheckedIntOp op);
  void emitFence(FenceOp op);
  void emitPush(TapePushOp op);
  void emitPop(TapePopOp op);
  llvm::LogicalResult emitCall(BufferCallOp op);
  /// Makes the function that stands for one of another program among those of the runtime.
  void makeExtern(llvm::StringRef callee);
  std::pair<mlir::Value, mlir::Value> emitCatch(BufferCallOp op, mlir::Type result,
                                                mlir::ValueRange operands,
                                                llvm::ArrayRef<mlir::Value> sizes);
  /// The data of what does not exist: of no bytes, never freed.
  mlir::Value absentData();
  llvm::LogicalResult emitGemm(GemmOp op);
  llvm::LogicalResult emitArgsort(ArgsortRowsOp op);
  llvm::LogicalResult emitFourier(FourierRowsOp op);
  void emitKernel(KernelOp op);
  void emitHostUse(mlir::Value buffer, llvm::StringRef callee, llvm::ArrayRef<mlir::Value> more);
  /// The address of a constant mpy_kernel.
  mlir::Value kernelOf(KernelOp op);
  std::string describeKernel(KernelOp op);
  /// Room for the buffers and words of any kernel that the function runs.
  std::pair<mlir::Value, mlir::Value> roomForKernels(mlir::func::FuncOp function);
  mlir::Value describe(mlir::Value buffer);
  mlir::Value saturatedProduct(mlir::Value x, mlir::Value y);
  int64_t slotBytes(mlir::Type type);
  mlir::Value topOfTape(mlir::Value tape, int64_t bytes, bool push);

  mlir::ModuleOp module;
  mlir::OpBuilder builder;
  mlir::Location loc;
  mlir::LLVMTypeConverter types;
  mlir::LLVM::LLVMPointerType pointer;
  mlir::SymbolTable symbols;
  llvm::StringMap<std::string> constants;
  llvm::DenseSet<mlir::Operation *> calledReleases;
  unsigned kernelNumbers = 0;
  llvm::DenseMap<mlir::Operation *, std::pair<mlir::Value, mlir::Value>> kernelRooms;
  bool failedCall = false;
};

/// The number that the runtime gives an element type; none where arrays of it cannot be passed.
std::optional<int32_t> elementKind(mlir::Type type);

} // namespace mpy
#endif
