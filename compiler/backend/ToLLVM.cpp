// Turns loops over buffers into the LLVM dialect.
//
//   %r = math.tanh %x : f64        ->   %r = llvm.call @tanh(%x)
//   memref.load %a[%i] {groups}    ->   llvm.load {access_groups}
//
// Elementary functions become calls of the C library by name, free of side effects: the backend
// tells LLVM's loop vectoriser which vector functions stand beside them (see VectorMath.cpp). Loads
// and stores keep the marks that say which loops have independent iterations.
//
// Entry: func, scf, arith, math, memref and LLVM operations. Exit: the LLVM dialect alone.
#include "backend/ToLLVM.h"
#include "backend/LoopsToBranches.h"

#include "mlir/Conversion/AffineToStandard/AffineToStandard.h"
#include "mlir/Conversion/ArithToLLVM/ArithToLLVM.h"
#include "mlir/Conversion/ControlFlowToLLVM/ControlFlowToLLVM.h"
#include "mlir/Conversion/FuncToLLVM/ConvertFuncToLLVM.h"
#include "mlir/Conversion/IndexToLLVM/IndexToLLVM.h"
#include "mlir/Conversion/LLVMCommon/ConversionTarget.h"
#include "mlir/Conversion/LLVMCommon/Pattern.h"
#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/Conversion/MathToLLVM/MathToLLVM.h"
#include "mlir/Conversion/MemRefToLLVM/MemRefToLLVM.h"
#include "mlir/Conversion/ReconcileUnrealizedCasts/ReconcileUnrealizedCasts.h"
#include "mlir/Conversion/UBToLLVM/UBToLLVM.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/Transforms/Passes.h"
#include "mlir/Dialect/MemRef/Transforms/Transforms.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;

namespace {

/// Calls `name` of the C library, in double or single precision.
template <typename Op> struct CallOfLibrary : ConvertOpToLLVMPattern<Op> {
  CallOfLibrary(const LLVMTypeConverter &converter, StringRef name)
      : ConvertOpToLLVMPattern<Op>(converter, /*benefit=*/10), name(name) {}

  LogicalResult matchAndRewrite(Op op, typename Op::Adaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Type type = op.getType();
    if (!type.isF64() && !type.isF32())
      return failure();
    std::string symbol = (name + (type.isF32() ? "f" : "")).str();
    auto module = op->template getParentOfType<ModuleOp>();
    auto function = module.template lookupSymbol<LLVM::LLVMFuncOp>(symbol);
    if (!function) {
      OpBuilder::InsertionGuard guard(rewriter);
      rewriter.setInsertionPointToStart(module.getBody());
      SmallVector<Type> inputs(adaptor.getOperands().size(), type);
      function = LLVM::LLVMFuncOp::create(rewriter, module.getLoc(), symbol,
                                          LLVM::LLVMFunctionType::get(type, inputs));
      // errno is not part of the language.
      auto none = LLVM::ModRefInfo::NoModRef;
      function.setMemoryEffectsAttr(
          LLVM::MemoryEffectsAttr::get(rewriter.getContext(), none, none, none, none, none, none));
      function.setNoUnwind(true);
      function.setWillReturn(true);
    }
    rewriter.replaceOpWithNewOp<LLVM::CallOp>(op, function, adaptor.getOperands());
    return success();
  }

  StringRef name;
};

/// Loads and stores that keep their access groups. A truth value in memory is a byte of 0 or 1, and is
/// loaded and stored as one: LLVM makes no vectors of numbers of one bit in memory.
struct MarkedLoad : ConvertOpToLLVMPattern<memref::LoadOp> {
  using ConvertOpToLLVMPattern::ConvertOpToLLVMPattern;
  LogicalResult matchAndRewrite(memref::LoadOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    auto groups = op->getAttrOfType<ArrayAttr>("llvm.access_groups");
    MemRefType type = op.getMemRefType();
    bool truth = type.getElementType().isInteger(1);
    if (!groups && !truth)
      return failure();
    Value address = getStridedElementPtr(rewriter, op.getLoc(), type, adaptor.getMemref(),
                                         adaptor.getIndices());
    Type element = truth ? rewriter.getI8Type() : typeConverter->convertType(type.getElementType());
    auto load = LLVM::LoadOp::create(rewriter, op.getLoc(), element, address);
    if (groups)
      load.setAccessGroupsAttr(groups);
    if (truth)
      rewriter.replaceOpWithNewOp<LLVM::TruncOp>(op, rewriter.getI1Type(), load);
    else
      rewriter.replaceOp(op, load);
    return success();
  }
};
struct MarkedStore : ConvertOpToLLVMPattern<memref::StoreOp> {
  using ConvertOpToLLVMPattern::ConvertOpToLLVMPattern;
  LogicalResult matchAndRewrite(memref::StoreOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    auto groups = op->getAttrOfType<ArrayAttr>("llvm.access_groups");
    bool truth = op.getMemRefType().getElementType().isInteger(1);
    if (!groups && !truth)
      return failure();
    Value address = getStridedElementPtr(rewriter, op.getLoc(), op.getMemRefType(),
                                         adaptor.getMemref(), adaptor.getIndices());
    Value value = adaptor.getValue();
    if (truth)
      value = LLVM::ZExtOp::create(rewriter, op.getLoc(), rewriter.getI8Type(), value);
    auto store = LLVM::StoreOp::create(rewriter, op.getLoc(), value, address);
    if (groups)
      store.setAccessGroupsAttr(groups);
    rewriter.replaceOp(op, store);
    return success();
  }
};

template <typename... Ops>
void addLibraryCalls(RewritePatternSet &patterns, const LLVMTypeConverter &converter,
                     std::pair<const char *, Ops *>... names) {
  (patterns.add(std::make_unique<CallOfLibrary<Ops>>(converter, names.first)), ...);
}
template <typename Op> std::pair<const char *, Op *> named(const char *name) {
  return {name, nullptr};
}

/// The marks of loops came along as attributes of another name on the branch back to the head.
void nameLoopMarks(ModuleOp module) {
  module.walk([](LLVM::CondBrOp back) {
    if (auto mark = back->getAttrOfType<LLVM::LoopAnnotationAttr>("llvm.loop_annotation")) {
      back->removeAttr("llvm.loop_annotation");
      back.setLoopAnnotationAttr(mark);
    }
  });
}

/// Slices and shapes become arithmetic on offsets and strides, affine expressions and divisions
/// that round become plain arithmetic. Only operations that have such a form are looked at.
struct ExpandParts : PassWrapper<ExpandParts, OperationPass<ModuleOp>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(ExpandParts)
  StringRef getArgument() const override { return "expand-parts"; }
  StringRef getDescription() const override {
    return "Slices become arithmetic on offsets and strides.";
  }
  void getDependentDialects(DialectRegistry &registry) const override {
    registry.insert<affine::AffineDialect, arith::ArithDialect, memref::MemRefDialect>();
  }
  LogicalResult initialize(MLIRContext *context) override {
    RewritePatternSet all(context);
    memref::populateExpandStridedMetadataPatterns(all);
    populateAffineToStdConversionPatterns(all);
    arith::populateArithExpandOpsPatterns(all);
    patterns = FrozenRewritePatternSet(std::move(all));
    return success();
  }
  void runOnOperation() override {
    SmallVector<Operation *> parts;
    getOperation().walk([&](Operation *op) {
      bool isAccess = isa<memref::LoadOp, memref::StoreOp>(op);
      if ((isa<memref::MemRefDialect, affine::AffineDialect>(op->getDialect()) && !isAccess) ||
          isa<arith::CeilDivSIOp, arith::CeilDivUIOp, arith::FloorDivSIOp, arith::MaximumFOp,
              arith::MinimumFOp, arith::MaxNumFOp, arith::MinNumFOp>(op))
        parts.push_back(op);
    });
    GreedyRewriteConfig config;
    config.setStrictness(GreedyRewriteStrictness::ExistingAndNewOps);
    if (failed(applyOpPatternsGreedily(parts, patterns, config)))
      signalPassFailure();
  }

  FrozenRewritePatternSet patterns;
};

/// Everything that is left, in one conversion: no casts between memrefs and descriptors remain.
struct ToLLVMPass : PassWrapper<ToLLVMPass, OperationPass<ModuleOp>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(ToLLVMPass)
  StringRef getArgument() const override { return "to-llvm"; }
  StringRef getDescription() const override {
    return "Loops over buffers become the LLVM dialect.";
  }
  void getDependentDialects(DialectRegistry &registry) const override {
    registry.insert<LLVM::LLVMDialect>();
  }

  void runOnOperation() override {
    MLIRContext *context = &getContext();
    LLVMTypeConverter converter(context);
    RewritePatternSet patterns(context);
    patterns.add<MarkedLoad, MarkedStore>(converter, /*benefit=*/10);
    addLibraryCalls(
        patterns, converter, named<math::ExpOp>("exp"), named<math::Exp2Op>("exp2"),
        named<math::ExpM1Op>("expm1"), named<math::LogOp>("log"), named<math::Log2Op>("log2"),
        named<math::Log10Op>("log10"), named<math::Log1pOp>("log1p"), named<math::SinOp>("sin"),
        named<math::CosOp>("cos"), named<math::TanOp>("tan"), named<math::SinhOp>("sinh"),
        named<math::CoshOp>("cosh"), named<math::TanhOp>("tanh"), named<math::AsinOp>("asin"),
        named<math::AcosOp>("acos"), named<math::AtanOp>("atan"), named<math::AsinhOp>("asinh"),
        named<math::AcoshOp>("acosh"), named<math::AtanhOp>("atanh"), named<math::Atan2Op>("atan2"),
        named<math::PowFOp>("pow"), named<math::CbrtOp>("cbrt"), named<math::ErfOp>("erf"),
        named<math::ErfcOp>("erfc"));
    populateFuncToLLVMConversionPatterns(converter, patterns);
    cf::populateControlFlowToLLVMConversionPatterns(converter, patterns);
    arith::populateArithToLLVMConversionPatterns(converter, patterns);
    index::populateIndexToLLVMConversionPatterns(converter, patterns);
    populateMathToLLVMConversionPatterns(converter, patterns);
    populateFinalizeMemRefToLLVMConversionPatterns(converter, patterns);
    ub::populateUBToLLVMConversionPatterns(converter, patterns);
    LLVMConversionTarget target(*context);
    target.addLegalOp<ModuleOp>();
    if (failed(applyPartialConversion(getOperation(), target, std::move(patterns))))
      return signalPassFailure();
    nameLoopMarks(getOperation());
  }
};

} // namespace

void mpy::buildToLLVMPipeline(OpPassManager &passes) {
  // Slices simplify before they are spread over descriptors.
  passes.addPass(std::make_unique<ExpandParts>());
  passes.addPass(createCanonicalizerPass());
  passes.addPass(createCSEPass());
  passes.addPass(createLoopsToBranches());
  passes.addPass(std::make_unique<ToLLVMPass>());
  passes.addPass(createReconcileUnrealizedCastsPass());
  passes.addPass(createCanonicalizerPass());
}
