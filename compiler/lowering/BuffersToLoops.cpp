// buffers-to-loops: linalg on buffers becomes loops in the order of memory.
//
//   linalg.fill, memref.copy of strided buffers, linalg.generic   ->   scf.for, memref.load,
//   memref.store
//
// Entry: generic and fill on buffers. Exit: no linalg is left; memref.copy only between contiguous
// buffers.
#include "dialect/Dialect.h"
#include "lowering/LoopNest.h"
#include "lowering/Passes.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;

namespace mpy {
#define GEN_PASS_DEF_BUFFERSTOLOOPS
#include "lowering/Passes.h.inc"

/// out[i..] = input, a scalar or an element per position.
static linalg::GenericOp assignAll(OpBuilder &builder, Location loc, Value input, Value out) {
  auto type = cast<MemRefType>(out.getType());
  AffineMap identity = builder.getMultiDimIdentityMap(type.getRank());
  AffineMap inputMap = isa<MemRefType>(input.getType())
                           ? identity
                           : AffineMap::get(type.getRank(), 0, builder.getContext());
  SmallVector<utils::IteratorType> iterators(type.getRank(), utils::IteratorType::parallel);
  return linalg::GenericOp::create(builder, loc, TypeRange(), ValueRange(input), ValueRange(out),
                                   ArrayRef<AffineMap>{inputMap, identity}, iterators,
                                   [](OpBuilder &builder, Location loc, ValueRange arguments) {
                                     linalg::YieldOp::create(builder, loc, arguments[0]);
                                   });
}

/// Products of at most 8 x 8 x 8 of known size are faster in line than a call; those of integers
/// have no call.
static bool isInline(GemmOp op) {
  auto out = cast<MemRefType>(op.getOut().getType()), x = cast<MemRefType>(op.getX().getType());
  if (!isa<FloatType>(out.getElementType()))
    return true;
  auto isSmall = [](MemRefType type) {
    return llvm::all_of(type.getShape().take_back(2), [](int64_t extent) {
      return !ShapedType::isDynamic(extent) && extent <= 8;
    });
  };
  return isSmall(out) && isSmall(x);
}

static void expandProduct(OpBuilder &builder, GemmOp op) {
  Location loc = op.getLoc();
  Type element = cast<MemRefType>(op.getOut().getType()).getElementType();
  Value zero = arith::ConstantOp::create(builder, loc, builder.getZeroAttr(element));
  assignAll(builder, loc, zero, op.getOut());
  // The number of the product in a stack comes first.
  auto isStack = [](Value buffer) { return cast<MemRefType>(buffer.getType()).getRank() == 3; };
  bool isMany = isStack(op.getX()) || isStack(op.getY());
  AffineExpr number = builder.getAffineDimExpr(0), row = builder.getAffineDimExpr(isMany),
             column = builder.getAffineDimExpr(isMany + 1),
             inner = builder.getAffineDimExpr(isMany + 2);
  auto map = [&](Value buffer, AffineExpr first, AffineExpr second) {
    SmallVector<AffineExpr> position{first, second};
    if (isStack(buffer))
      position.insert(position.begin(), number);
    return AffineMap::get(isMany + 3, 0, position, builder.getContext());
  };
  SmallVector<AffineMap> maps{
      op.getTransposeX() ? map(op.getX(), inner, row) : map(op.getX(), row, inner),
      op.getTransposeY() ? map(op.getY(), column, inner) : map(op.getY(), inner, column),
      map(op.getOut(), row, column)};
  SmallVector<utils::IteratorType> iterators{
      utils::IteratorType::parallel, utils::IteratorType::parallel, utils::IteratorType::reduction};
  if (isMany)
    iterators.insert(iterators.begin(), op.getSummed() ? utils::IteratorType::reduction
                                                       : utils::IteratorType::parallel);
  linalg::GenericOp::create(
      builder, loc, TypeRange(), ValueRange{op.getX(), op.getY()}, ValueRange(op.getOut()), maps,
      iterators, [](OpBuilder &builder, Location loc, ValueRange arguments) {
        Value sum;
        if (isa<FloatType>(arguments[0].getType())) {
          Value product = arith::MulFOp::create(builder, loc, arguments[0], arguments[1]);
          sum = arith::AddFOp::create(builder, loc, arguments[2], product);
        } else {
          Value product = arith::MulIOp::create(builder, loc, arguments[0], arguments[1]);
          sum = arith::AddIOp::create(builder, loc, arguments[2], product);
        }
        linalg::YieldOp::create(builder, loc, sum);
      });
}

struct BuffersToLoopsPass : impl::BuffersToLoopsBase<BuffersToLoopsPass> {
  using BuffersToLoopsBase::BuffersToLoopsBase;

  void runOnOperation() override {
    OpBuilder builder(&getContext());
    SmallVector<Operation *> assignments;
    getOperation().walk([&](Operation *op) {
      auto copy = dyn_cast<memref::CopyOp>(op);
      bool isStrided =
          copy && (!cast<MemRefType>(copy.getSource().getType()).getLayout().isIdentity() ||
                   !cast<MemRefType>(copy.getTarget().getType()).getLayout().isIdentity());
      auto product = dyn_cast<GemmOp>(op);
      if (isStrided || isa<linalg::FillOp>(op) || (product && isInline(product)))
        assignments.push_back(op);
    });
    for (Operation *op : assignments) {
      builder.setInsertionPoint(op);
      if (auto fill = dyn_cast<linalg::FillOp>(op))
        assignAll(builder, op->getLoc(), fill.getInputs()[0], fill.getOutputs()[0]);
      else if (auto product = dyn_cast<GemmOp>(op))
        expandProduct(builder, product);
      else
        assignAll(builder, op->getLoc(), cast<memref::CopyOp>(op).getSource(),
                  cast<memref::CopyOp>(op).getTarget());
      op->erase();
    }
    SmallVector<linalg::GenericOp> generics;
    getOperation().walk([&](linalg::GenericOp op) { generics.push_back(op); });
    for (linalg::GenericOp op : generics) {
      LoopNest(op, builder).emit();
      op.erase();
    }
  }
};

} // namespace mpy
