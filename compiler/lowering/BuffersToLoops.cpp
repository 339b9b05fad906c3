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
  int64_t inner = x.getDimSize(op.getTransposeX() ? 0 : 1);
  return out.hasStaticShape() && !ShapedType::isDynamic(inner) && inner <= 8 &&
         out.getDimSize(0) <= 8 && out.getDimSize(1) <= 8;
}

static void expandProduct(OpBuilder &builder, GemmOp op) {
  Location loc = op.getLoc();
  Type element = cast<MemRefType>(op.getOut().getType()).getElementType();
  Value zero = arith::ConstantOp::create(builder, loc, builder.getZeroAttr(element));
  assignAll(builder, loc, zero, op.getOut());
  AffineExpr row, column, inner;
  bindDims(builder.getContext(), row, column, inner);
  auto map = [&](AffineExpr first, AffineExpr second) {
    return AffineMap::get(3, 0, {first, second}, builder.getContext());
  };
  SmallVector<AffineMap> maps{op.getTransposeX() ? map(inner, row) : map(row, inner),
                              op.getTransposeY() ? map(column, inner) : map(inner, column),
                              map(row, column)};
  SmallVector<utils::IteratorType> iterators{
      utils::IteratorType::parallel, utils::IteratorType::parallel, utils::IteratorType::reduction};
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
