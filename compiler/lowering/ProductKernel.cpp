// Products of matrices as kernels: a block computes a tile of the result, each thread 4 rows of 4
// columns of it.
//
//   for k0 = 0, 16, ..:  tile of x, tile of y -> shared memory;  16 x (4 + 4 reads, 16 fma)
//
// Operands are read as they lie, in the direction of their rows, and turned on the way into shared
// memory: a transposed operand needs no copy. What lies outside the matrices is 0. A result is
// summed in the order of k, with fused multiply-adds, as the libraries of the host do.
#include "lowering/ProductKernel.h"
#include "lowering/GroupKernel.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;

namespace mpy {

static constexpr int64_t tile = 64, depth = 16, perThread = 4, threads = 256, padding = 4;

bool hasProductKernel(GemmOp op) {
  Type element = cast<MemRefType>(op.getOut().getType()).getElementType();
  return (element.isF32() || element.isF64()) && isOfKernels(op.getX()) && isOfKernels(op.getY()) &&
         isOfKernels(op.getOut());
}

namespace {
class ProductKernel {
public:
  ProductKernel(GemmOp op) : op(op), loc(op.getLoc()), host(op), arguments(host) {
    element = cast<MemRefType>(op.getOut().getType()).getElementType();
    isMany = rankOf(op.getX()) == 3 || rankOf(op.getY()) == 3;
  }
  KernelOp emit(gpu::GPUModuleOp kernels, StringRef name);

private:
  static int64_t rankOf(Value buffer) { return cast<MemRefType>(buffer.getType()).getRank(); }
  Value extent(Value buffer, int64_t fromEnd) {
    return host.createOrFold<memref::DimOp>(loc, buffer, rankOf(buffer) - fromEnd);
  }
  void emitTiles(KernelBuilder &kernel);
  void readTile(KernelBuilder &kernel, unsigned operand, bool alongDepth, Value matrix, Value first,
                Value depthStart);
  SmallVector<Value> multiply(KernelBuilder &kernel, ValueRange sums);
  void storeTile(KernelBuilder &kernel, Value matrix, ValueRange sums);

  GemmOp op;
  Location loc;
  OpBuilder host;
  KernelArguments arguments;
  Type element;
  bool isMany;
  std::array<unsigned, 2> operands;
  unsigned result = 0;
  OpFoldResult rows, columns, inner, matrices;
  Value firstRow, firstColumn;
};
} // namespace

KernelOp ProductKernel::emit(gpu::GPUModuleOp kernels, StringRef name) {
  Value one = arith::ConstantIndexOp::create(host, loc, 1);
  Value stack = rankOf(op.getX()) == 3 ? op.getX() : op.getY();
  Value count = isMany ? extent(stack, 3) : one;
  Value blocksOf = op.getSummed() ? one : count;
  Value height = extent(op.getOut(), 2), width = extent(op.getOut(), 1),
        length = extent(op.getX(), op.getTransposeX() ? 2 : 1);
  // What the run time launches by: matrices of the result, rows, columns, and the length of sums.
  arguments.words = {blocksOf, height, width, length};
  matrices = arguments.extent(count);
  rows = arguments.extent(height);
  columns = arguments.extent(width);
  inner = arguments.extent(length);
  // A product of a matrix with itself has one buffer for both.
  operands = {arguments.buffer(op.getX(), kernelReads), arguments.buffer(op.getY(), kernelReads)};
  bool isWhole = op.getOut() == rootOf(op.getOut());
  result = arguments.buffer(op.getOut(), kernelWrites | (isWhole ? kernelOverwrites : 0));
  auto workgroup = gpu::AddressSpaceAttr::get(host.getContext(), gpu::AddressSpace::Workgroup);
  Type shared = MemRefType::get({depth, tile + padding}, element, AffineMap(), workgroup);
  KernelBuilder kernel(kernels, name, loc, arguments, {}, {shared, shared});
  emitTiles(kernel);
  kernel.finish();
  return KernelOp::create(host, loc, host.getI1Type(), host.getStringAttr(name), arguments.buffers,
                          arguments.words,
                          host.getI64IntegerAttr(static_cast<int64_t>(KernelForm::Product)),
                          host.getDenseI64ArrayAttr(arguments.access),
                          host.getDenseI64ArrayAttr({}), host.getBoolAttr(false));
}

static Value toIndex(KernelBuilder &kernel, Value value) {
  return arith::IndexCastOp::create(kernel.builder, kernel.loc, kernel.builder.getIndexType(),
                                    value);
}

static Value zeroOf(KernelBuilder &kernel, Type type) {
  return arith::ConstantOp::create(kernel.builder, kernel.loc, kernel.builder.getZeroAttr(type));
}

void ProductKernel::emitTiles(KernelBuilder &kernel) {
  OpBuilder &builder = kernel.builder;
  OpBuilder::InsertionGuard guard(builder);
  auto tilesOf = [&](OpFoldResult extent) {
    return kernel.divide(kernel.add(kernel.small(extent), kernel.constant(tile - 1)),
                         kernel.constant(tile));
  };
  Value across = tilesOf(columns), down = tilesOf(rows), block = kernel.block();
  firstColumn = kernel.mul(kernel.remainder(block, across), kernel.constant(tile));
  Value rest = kernel.divide(block, across);
  firstRow = kernel.mul(kernel.remainder(rest, down), kernel.constant(tile));
  Value matrix = kernel.divide(rest, down);
  // A sum of products of matrices goes on from one to the next.
  Value last = op.getSummed() ? kernel.small(matrices) : kernel.add(matrix, kernel.constant(1));
  SmallVector<Value> sums(perThread * perThread, zeroOf(kernel, element));
  auto over = scf::ForOp::create(builder, loc, matrix, last, kernel.constant(1), sums);
  builder.setInsertionPointToStart(over.getBody());
  auto along = scf::ForOp::create(builder, loc, kernel.constant(0), kernel.small(inner),
                                  kernel.constant(depth), ValueRange(over.getRegionIterArgs()));
  scf::YieldOp::create(builder, loc, along.getResults());
  builder.setInsertionPointToStart(along.getBody());
  Value start = along.getInductionVar(), number = over.getInductionVar();
  readTile(kernel, 0, !op.getTransposeX(), number, firstRow, start);
  readTile(kernel, 1, op.getTransposeY(), number, firstColumn, start);
  gpu::BarrierOp::create(builder, loc);
  SmallVector<Value> next = multiply(kernel, ValueRange(along.getRegionIterArgs()));
  gpu::BarrierOp::create(builder, loc);
  scf::YieldOp::create(builder, loc, next);
  builder.setInsertionPointAfter(over);
  storeTile(kernel, matrix, over.getResults());
}

/// Reads 64 rows (of x) or columns (of y) of 16 elements of the sums into shared memory.
/// `alongDepth` says that these 16 lie side by side.
void ProductKernel::readTile(KernelBuilder &kernel, unsigned operand, bool alongDepth, Value matrix,
                             Value first, Value depthStart) {
  OpBuilder &builder = kernel.builder;
  Value thread = kernel.thread();
  Value buffer = operand == 0 ? op.getX() : op.getY();
  OpFoldResult bound = operand == 0 ? rows : columns;
  for (int64_t round = 0; round < tile * depth / threads; ++round) {
    Value number = kernel.add(thread, kernel.constant(round * threads));
    Value wide = kernel.constant(alongDepth ? depth : tile);
    Value fast = kernel.remainder(number, wide), slow = kernel.divide(number, wide);
    Value at = alongDepth ? slow : fast, deep = alongDepth ? fast : slow;
    Value outer = kernel.add(first, at), position = kernel.add(depthStart, deep);
    Value inside = arith::AndIOp::create(builder, loc, kernel.less(outer, kernel.small(bound)),
                                         kernel.less(position, kernel.small(inner)));
    auto branch = scf::IfOp::create(builder, loc, element, inside, /*withElseRegion=*/true);
    {
      OpBuilder::InsertionGuard guard(builder);
      builder.setInsertionPointToStart(branch.thenBlock());
      SmallVector<Value> positions;
      if (rankOf(buffer) == 3)
        positions.push_back(kernel.widen(matrix));
      positions.push_back(kernel.widen(alongDepth ? outer : position));
      positions.push_back(kernel.widen(alongDepth ? position : outer));
      scf::YieldOp::create(builder, loc, kernel.load(operands[operand], positions));
      builder.setInsertionPointToStart(branch.elseBlock());
      scf::YieldOp::create(builder, loc, zeroOf(kernel, element));
    }
    memref::StoreOp::create(builder, loc, branch.getResult(0), kernel.sharedMemory(operand),
                            ValueRange{toIndex(kernel, deep), toIndex(kernel, at)});
  }
}

/// The columns of a thread are not side by side: those of its neighbours are, so that they store
/// whole sectors.
static int64_t columnOf(int64_t number) { return number * (tile / perThread); }

SmallVector<Value> ProductKernel::multiply(KernelBuilder &kernel, ValueRange sums) {
  OpBuilder &builder = kernel.builder;
  Value thread = kernel.thread(), side = kernel.constant(tile / perThread);
  Value column = kernel.remainder(thread, side),
        row = kernel.mul(kernel.divide(thread, side), kernel.constant(perThread));
  auto loop = scf::ForOp::create(builder, loc, kernel.constant(0), kernel.constant(depth),
                                 kernel.constant(1), sums);
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(loop.getBody());
  auto read = [&](unsigned operand, Value first, int64_t number) -> Value {
    Value at = kernel.add(first, kernel.constant(number));
    return memref::LoadOp::create(
        builder, loc, kernel.sharedMemory(operand),
        ValueRange{toIndex(kernel, loop.getInductionVar()), toIndex(kernel, at)});
  };
  SmallVector<Value> left, right, next;
  for (int64_t number = 0; number < perThread; ++number) {
    left.push_back(read(0, row, number));
    right.push_back(read(1, column, columnOf(number)));
  }
  for (int64_t i = 0; i < perThread; ++i)
    for (int64_t j = 0; j < perThread; ++j)
      next.push_back(math::FmaOp::create(builder, loc, left[i], right[j],
                                         loop.getRegionIterArg(i * perThread + j)));
  scf::YieldOp::create(builder, loc, next);
  return SmallVector<Value>(loop.getResults());
}

void ProductKernel::storeTile(KernelBuilder &kernel, Value matrix, ValueRange sums) {
  OpBuilder &builder = kernel.builder;
  Value thread = kernel.thread(), side = kernel.constant(tile / perThread);
  Value column = kernel.add(firstColumn, kernel.remainder(thread, side)),
        row = kernel.add(firstRow,
                         kernel.mul(kernel.divide(thread, side), kernel.constant(perThread)));
  for (int64_t i = 0; i < perThread; ++i)
    for (int64_t j = 0; j < perThread; ++j) {
      Value y = kernel.add(row, kernel.constant(i)),
            x = kernel.add(column, kernel.constant(columnOf(j)));
      Value inside = arith::AndIOp::create(builder, loc, kernel.less(y, kernel.small(rows)),
                                           kernel.less(x, kernel.small(columns)));
      auto branch = scf::IfOp::create(builder, loc, inside, /*withElseRegion=*/false);
      OpBuilder::InsertionGuard guard(builder);
      builder.setInsertionPointToStart(branch.thenBlock());
      SmallVector<Value> positions;
      if (rankOf(op.getOut()) == 3)
        positions.push_back(kernel.widen(matrix));
      positions.push_back(kernel.widen(y));
      positions.push_back(kernel.widen(x));
      kernel.store(sums[i * perThread + j], result, positions);
    }
}

KernelOp emitProductKernel(GemmOp op, gpu::GPUModuleOp kernels, StringRef name) {
  return ProductKernel(op).emit(kernels, name);
}

} // namespace mpy
