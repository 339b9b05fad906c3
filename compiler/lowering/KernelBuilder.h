// A kernel under construction: what it gets, and the code that every kernel has.
#ifndef MPY_LOWERING_KERNELBUILDER_H
#define MPY_LOWERING_KERNELBUILDER_H
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/IRMapping.h"

namespace mpy {

/// How a kernel uses a buffer; bits, as runtime/Cuda.h has them.
enum KernelAccess : int64_t {
  kernelReads = 1,
  kernelWrites = 2,
  kernelOverwrites = 4,
  kernelDecides = 8
};

/// What the first words of a kernel mean and how the run time launches it, as runtime/Cuda.h has
/// it.
enum class KernelForm : int64_t { Points = 0, Reduction = 1, Product = 2, Serial = 3, Rows = 4 };

/// What a kernel is called with: buffers, whose addresses come first, and numbers.
class KernelArguments {
public:
  explicit KernelArguments(mlir::OpBuilder &host) : host(host) {}

  /// The number of a buffer; the same for the same view of one.
  unsigned buffer(mlir::Value view, int64_t access);
  /// The number of a word that the host computes; none for constants, which kernels know.
  unsigned word(mlir::Value value);
  /// An extent or stride: a constant, or a word.
  mlir::OpFoldResult extent(mlir::Value index);
  llvm::ArrayRef<mlir::OpFoldResult> stridesOf(unsigned buffer) const { return strides[buffer]; }

  llvm::SmallVector<mlir::Value> buffers, words;
  llvm::SmallVector<int64_t> access;

private:
  mlir::OpBuilder &host;
  llvm::SmallVector<llvm::SmallVector<mlir::OpFoldResult>> strides;
};

/// A function of the module of kernels. Threads are in one dimension.
class KernelBuilder {
public:
  /// `extras` are the types of parameters that the run time adds behind the words.
  KernelBuilder(mlir::gpu::GPUModuleOp kernels, llvm::StringRef name, mlir::Location loc,
                const KernelArguments &arguments, llvm::ArrayRef<mlir::Type> extras,
                llvm::ArrayRef<mlir::Type> shared = {});

  /// What stands for a value of the host: a constant again, or the parameter of its word.
  mlir::Value valueOf(mlir::Value hostValue);
  mlir::Value extra(unsigned number);
  mlir::Value sharedMemory(unsigned number);
  /// Shared memory whose size the run time chooses at the launch.
  mlir::Value dynamicMemory();

  // 32-bit integers, which count points; 64-bit ones, which are addresses.
  mlir::Value constant(int64_t value, unsigned bits = 32);
  mlir::Value small(mlir::OpFoldResult extent);
  mlir::Value wide(mlir::OpFoldResult extent);
  mlir::Value thread();
  mlir::Value block();
  mlir::Value threadsOfGrid();
  mlir::Value add(mlir::Value x, mlir::Value y);
  mlir::Value sub(mlir::Value x, mlir::Value y);
  mlir::Value mul(mlir::Value x, mlir::Value y);
  mlir::Value divide(mlir::Value x, mlir::Value y);
  mlir::Value remainder(mlir::Value x, mlir::Value y);
  mlir::Value less(mlir::Value x, mlir::Value y);
  mlir::Value widen(mlir::Value x);

  /// The position in each dimension of point `point` of a row-major space.
  llvm::SmallVector<mlir::Value> positionsOf(mlir::Value point,
                                             llvm::ArrayRef<mlir::OpFoldResult> extents);
  /// An element of a buffer at 64-bit positions.
  mlir::Value load(unsigned buffer, mlir::ValueRange positions);
  void store(mlir::Value value, unsigned buffer, mlir::ValueRange positions);
  /// An element behind a pointer; truth values are bytes.
  mlir::Value loadAt(mlir::Type element, mlir::Value pointer, mlir::Value index);
  void storeAt(mlir::Value value, mlir::Value pointer, mlir::Value index);

  /// Copies an operation on elements into the kernel, with the regions inside it.
  void clone(mlir::Operation &op, mlir::IRMapping &map, mlir::ValueRange positions);
  void finish();

  mlir::OpBuilder builder;
  mlir::Location loc;

private:
  mlir::Value cloneMath(mlir::Operation &op, mlir::IRMapping &map);
  mlir::Value offsetOf(unsigned buffer, mlir::ValueRange positions);

  const KernelArguments &arguments;
  mlir::gpu::GPUFuncOp function;
  unsigned extraStart;
  llvm::DenseMap<mlir::Value, mlir::Value> known;
};

/// Whether a kernel may do what the operation does to elements, its regions left out.
bool hasOwnKernelForm(mlir::Operation &op);
/// The same with the regions inside it.
bool hasKernelForm(mlir::Operation &op);
/// The bytes of an element in memory.
int64_t bytesOfElement(mlir::Type type);
/// Whether kernels have elements of this type.
bool isKernelElement(mlir::Type type);

} // namespace mpy
#endif
