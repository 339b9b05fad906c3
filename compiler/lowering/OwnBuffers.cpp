// own-buffers: tensors become reference counted buffers, written in place where nobody else reads
// them.
//
//   %b = tensor.insert %v into %a[%i]   ->   memref.store %v, %a[%i]     (%a dies here, is unique)
//                                       ->   memref.copy, memref.store   (%a is read later)
//   scf.for iter_args(%a = %x)          ->   one test of %x before the loop, stores inside
//
// Entry: linalg form, private functions with one block. Exit: no tensor is left.
//
// Rules. Every buffer has a count of owners. A value is an owner; its last use takes the reference
// over if it consumes (a yield, a return, a call argument that the callee keeps, a push, the
// destination of a write), else the value is released after it. A use that consumes but is not the
// last one retains first. A branch in which an inherited value is not used releases it at its
// start. A function that only reads an argument borrows it. A view lives as long as its root; where
// it is handed on, it is copied.
//
// Writing needs the only reference. It is known statically for what was made here; loops assume it
// of their carried buffers, and where the body relied on that, the yielded buffers must be unique
// again (else the loop is emitted anew without the assumption) and the initial ones are made unique
// once before the loop. Otherwise the program asks at run time and copies on a cold path. So no
// array is copied unless somebody else may look at it.
//
// Results are computed where they belong: in the slice they will be inserted in, in the buffer of
// an input that dies there and is read at the same position, else in a new buffer.
#include "dialect/Canonical.h"
#include "dialect/Dialect.h"
#include "dialect/Fence.h"
#include "lowering/BufferEmitter.h"
#include "lowering/PartWrites.h"
#include "lowering/Passes.h"
#include "lowering/PlaceProducers.h"
#include "mlir/Dialect/UB/IR/UBOps.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;

namespace mpy {
#define GEN_PASS_DEF_OWNBUFFERS
#include "lowering/Passes.h.inc"

/// Callees before callers, so that what their results are is known; recursion in any order.
static SmallVector<func::FuncOp> calleesFirst(ModuleOp module) {
  SmallVector<func::FuncOp> order;
  llvm::SmallPtrSet<Operation *, 16> seen;
  // A stack of our own: chains of calls may be long.
  struct Visit {
    func::FuncOp function;
    SmallVector<func::FuncOp> callees;
  };
  auto begin = [&](func::FuncOp function) {
    Visit visit{function, {}};
    function.walk([&](func::CallOp call) {
      if (auto callee = module.lookupSymbol<func::FuncOp>(call.getCallee()))
        visit.callees.push_back(callee);
    });
    return visit;
  };
  for (auto start : module.getOps<func::FuncOp>()) {
    if (!seen.insert(start).second)
      continue;
    SmallVector<Visit> stack{begin(start)};
    while (!stack.empty()) {
      if (stack.back().callees.empty()) {
        order.push_back(stack.pop_back_val().function);
        continue;
      }
      func::FuncOp callee = stack.back().callees.pop_back_val();
      if (seen.insert(callee).second)
        stack.push_back(begin(callee));
    }
  }
  return order;
}

/// Carried buffers that a loop body hands on unchanged are no longer carried.
static LogicalResult dropInvariantBuffers(ModuleOp module) {
  RewritePatternSet patterns(module.getContext());
  scf::ForOp::getCanonicalizationPatterns(patterns, module.getContext());
  scf::IfOp::getCanonicalizationPatterns(patterns, module.getContext());
  scf::WhileOp::getCanonicalizationPatterns(patterns, module.getContext());
  memref::DimOp::getCanonicalizationPatterns(patterns, module.getContext());
  memref::SubViewOp::getCanonicalizationPatterns(patterns, module.getContext());
  memref::CastOp::getCanonicalizationPatterns(patterns, module.getContext());
  return applyPatternsGreedily(module, std::move(patterns));
}

struct OwnBuffersPass : impl::OwnBuffersBase<OwnBuffersPass> {
  using OwnBuffersBase::OwnBuffersBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    prepareForBuffers(module);
    copyOvertakenParts(module);
    Ownership ownership(module);
    BufferEmitter emitter(module, ownership);
    SmallVector<func::FuncOp> order = calleesFirst(module);
    for (func::FuncOp function : order)
      if (failed(emitter.emitFunction(function)))
        return signalPassFailure();
    for (func::FuncOp function : order)
      function.erase();
    if (failed(dropInvariantBuffers(module)))
      signalPassFailure();
    hideImpossibleBounds(module);
  }
};

LogicalResult BufferEmitter::emitFunction(func::FuncOp function) {
  SmallVector<Type> inputs, results;
  for (Type type : function.getArgumentTypes())
    inputs.push_back(Ownership::bufferType(type));
  for (Type type : function.getResultTypes())
    results.push_back(Ownership::bufferType(type));
  builder.setInsertionPoint(function);
  auto created = func::FuncOp::create(builder, function.getLoc(), function.getSymName(),
                                      builder.getFunctionType(inputs, results));
  SmallVector<NamedAttribute> attributes(function->getDiscardableAttrs());
  created->setDiscardableAttrs(attributes);
  created.setVisibility(function.getVisibility());
  if (function.isDeclaration())
    return success();
  if (!function.getBody().hasOneBlock())
    return function.emitError("own-buffers: a function body has more than one block");

  Block *entry = created.addEntryBlock();
  builder.setInsertionPointToStart(entry);
  SmallVector<Value> owned;
  for (auto [argument, buffer] : llvm::zip(function.getArguments(), entry->getArguments())) {
    map.map(argument, buffer);
    if (!Ownership::isCounted(argument.getType()))
      continue;
    if (ownership.borrows(function.getSymName(), argument.getArgNumber()))
      created.setArgAttr(argument.getArgNumber(), "mpy.borrowed", builder.getUnitAttr());
    else
      owned.push_back(argument);
  }
  for (Value argument : owned)
    addOwner(argument, {});
  Frame frame(&function.getBody().front());
  if (failed(emitBlock(function.getBody().front(), owned, frame)))
    return failure();
  auto &unique = uniqueResults[function.getSymName()];
  for (Taken &result : frame.results)
    unique.push_back(result.unique.known);
  return success();
}

//===----------------------------------------------------------------------===//
// Blocks
//===----------------------------------------------------------------------===//

LogicalResult BufferEmitter::emitBlock(Block &block, ArrayRef<Value> inherited, Frame &frame) {
  frames.push_back(&frame);
  for (Value root : inherited) {
    if (Operation *last = ownership.lastUse(root, &block))
      frame.dying[last].push_back(root);
    else
      release(root);
  }
  for (Operation &op : block)
    if (failed(emit(op)))
      return failure();
  frames.pop_back();
  return success();
}

void BufferEmitter::addOwner(Value root, Uniqueness unique) {
  owners[root] = Owner{true, std::move(unique)};
}

void BufferEmitter::release(Value root) {
  Owner &owner = owners[root];
  owner.alive = false;
  Value buffer = get(root);
  // What rests on no promise and was never shared is freed without a look at its count.
  if (isa<MemRefType>(buffer.getType()) && owner.unique.known && owner.unique.promises.empty())
    memref::DeallocOp::create(builder, buffer.getLoc(), buffer);
  else
    ReleaseOp::create(builder, buffer.getLoc(), buffer);
}

void BufferEmitter::releaseDying(Operation *op) {
  for (Value buffer : temporaries)
    memref::DeallocOp::create(builder, op->getLoc(), buffer);
  temporaries.clear();
  auto dying = frames.back()->dying.find(op);
  if (dying == frames.back()->dying.end())
    return;
  for (Value root : dying->second)
    if (owners[root].alive)
      release(root);
}

LogicalResult BufferEmitter::emit(Operation &op) {
  bool isTerminator = op.hasTrait<OpTrait::IsTerminator>();
  LogicalResult result =
      TypeSwitch<Operation *, LogicalResult>(&op)
          .Case([&](scf::IfOp op) { return emitIf(op); })
          .Case([&](scf::ForOp op) { return emitFor(op); })
          .Case([&](scf::WhileOp op) { return emitWhile(op); })
          .Case([&](func::CallOp op) { return emitCall(op); })
          .Case([&](tensor::InsertOp op) { return emitInsert(op); })
          .Case([&](tensor::InsertSliceOp op) { return emitInsertSlice(op); })
          .Case([&](tensor::FromElementsOp op) { return emitFromElements(op); })
          .Case<tensor::ExtractSliceOp, tensor::CastOp, tensor::ExpandShapeOp,
                tensor::CollapseShapeOp, tensor::ReshapeOp>(
              [&](Operation *op) { return emitView(*op); })
          .Case([&](linalg::GenericOp op) { return emitGeneric(op); })
          .Case([&](linalg::FillOp op) { return emitFill(op); })
          .Case([&](MatmulOp op) { return emitMatmul(op); })
          .Case([&](RuntimeCallOp op) {
            return emitRuntimeCall(*op, op.getCallee(), op.getRaises());
          })
          .Case([&](RuntimeEffectOp op) {
            return emitRuntimeCall(*op, op.getCallee(), op.getRaises(), op.getCatchesAttr());
          })
          .Case([&](NonzeroOp op) { return emitRuntimeCall(*op, "mpy_nonzero", false); })
          .Default([&](Operation *op) { return emitDefault(*op); });
  if (failed(result))
    return failure();
  if (isTerminator)
    return success();
  // Owners among the results, and when they die.
  for (Value value : op.getResults()) {
    if (!Ownership::isCounted(value.getType()) || ownership.isUnowned(value) ||
        ownership.root(value) != value)
      continue;
    Operation *last = ownership.lastUse(value, op.getBlock());
    frames.back()->dying[last ? last : &op].push_back(value);
  }
  releaseDying(&op);
  return success();
}

/// Records a computed value; its owner is registered by `emit`.
void BufferEmitter::define(Value result, Value buffer, Uniqueness unique) {
  map.map(result, buffer);
  addOwner(result, std::move(unique));
}

/// Operations on scalars, and the few on buffers that need no decision.
LogicalResult BufferEmitter::emitDefault(Operation &op) {
  Location loc = op.getLoc();
  if (auto extract = dyn_cast<tensor::ExtractOp>(op)) {
    SmallVector<Value> indices;
    for (Value index : extract.getIndices())
      indices.push_back(get(index));
    map.map(extract.getResult(),
            memref::LoadOp::create(builder, loc, get(extract.getTensor()), indices).getResult());
    return success();
  }
  if (auto dim = dyn_cast<tensor::DimOp>(op)) {
    if (auto index = dim.getConstantIndex()) {
      auto type = cast<RankedTensorType>(dim.getSource().getType());
      if (!type.isDynamicDim(*index)) {
        map.map(dim.getResult(),
                arith::ConstantIndexOp::create(builder, loc, type.getDimSize(*index)).getResult());
        return success();
      }
      unsigned dynamic = type.getDynamicDimIndex(*index);
      if (ownership.isRemade(dim.getSource())) {
        map.map(dim.getResult(), sizesOf(loc, dim.getSource())[dynamic]);
        return success();
      }
    }
    map.map(
        dim.getResult(),
        memref::DimOp::create(builder, loc, get(dim.getSource()), get(dim.getIndex())).getResult());
    return success();
  }
  if (isa<tensor::EmptyOp>(op) ||
      (isa<arith::ConstantOp>(op) && isa<RankedTensorType>(op.getResult(0).getType()))) {
    Value result = op.getResult(0);
    if (ownership.isRemade(result))
      return success();
    if (ownership.isUnowned(result)) {
      auto elements = cast<ElementsAttr>(cast<arith::ConstantOp>(op).getValue());
      map.map(result, ConstantBufferOp::create(builder, loc,
                                               Ownership::bufferType(result.getType()), elements)
                          .getResult());
      return success();
    }
    define(result, remake(loc, result), Uniqueness::fresh());
    return success();
  }
  if (isa<ub::PoisonOp>(op) && (Ownership::isCounted(op.getResult(0).getType()) ||
                                isa<TapeType>(op.getResult(0).getType()))) {
    Type type = Ownership::bufferType(op.getResult(0).getType());
    map.map(op.getResult(0), AbsentOp::create(builder, loc, type).getResult());
    return success();
  }
  if (auto splat = dyn_cast<tensor::SplatOp>(op)) {
    SmallVector<Value> sizes;
    for (Value size : splat.getDynamicSizes())
      sizes.push_back(get(size));
    auto type = cast<MemRefType>(Ownership::bufferType(splat.getType()));
    Value buffer = memref::AllocOp::create(builder, loc, type, sizes);
    linalg::FillOp::create(builder, loc, get(splat.getInput()), buffer);
    define(splat.getResult(), buffer, Uniqueness::fresh());
    return success();
  }
  if (auto push = dyn_cast<PushOp>(op)) {
    SmallVector<Value> values;
    for (OpOperand &operand : push.getValuesMutable())
      values.push_back(consume(operand).buffer);
    TapePushOp::create(builder, loc, get(push.getTape()), values);
    map.map(push.getResult(), get(push.getTape()));
    return success();
  }
  if (auto pop = dyn_cast<PopOp>(op)) {
    SmallVector<Type> types;
    for (Value value : pop.getValues())
      types.push_back(Ownership::bufferType(value.getType()));
    auto created = TapePopOp::create(builder, loc, types, get(pop.getTape()));
    map.map(pop.getRest(), get(pop.getTape()));
    for (auto [value, buffer] : llvm::zip(pop.getValues(), created.getValues())) {
      map.map(value, buffer);
      if (Ownership::isCounted(value.getType()))
        addOwner(value, {});
    }
    return success();
  }
  if (isa<ArgsortOp, FourierOp>(op)) {
    Value input = contiguous(loc, op.getOperand(0));
    auto type = cast<MemRefType>(Ownership::bufferType(op.getResult(0).getType()));
    SmallVector<Value> sizes;
    for (auto [dim, size] : llvm::enumerate(type.getShape()))
      if (ShapedType::isDynamic(size))
        sizes.push_back(memref::DimOp::create(builder, loc, input, dim));
    Value out = memref::AllocOp::create(builder, loc, type, sizes);
    if (auto wave = dyn_cast<FourierOp>(op))
      FourierRowsOp::create(builder, loc, input, out, wave.getInverse(), wave.getBehind());
    else
      ArgsortRowsOp::create(builder, loc, input, out);
    define(op.getResult(0), out, Uniqueness::fresh());
    return success();
  }
  if (auto fence = dyn_cast<FenceOp>(op)) {
    auto buffers = [&](ValueRange values) {
      return llvm::map_to_vector(values, [&](Value value) { return get(value); });
    };
    auto created =
        FenceOp::create(builder, loc, buffers(fence.getValues()), buffers(fence.getKept()));
    map.map(fence.getResults(), created.getResults());
    return success();
  }
  if (isa<func::ReturnOp, scf::YieldOp, scf::ConditionOp>(op))
    return emitTerminator(op);
  bool hasTensor =
      llvm::any_of(op.getOperandTypes(), [](Type type) { return isa<RankedTensorType>(type); }) ||
      llvm::any_of(op.getResultTypes(), [](Type type) { return isa<RankedTensorType>(type); });
  if (hasTensor || op.getNumRegions())
    return op.emitError("own-buffers: '") << op.getName() << "' has no form on buffers";
  builder.clone(op, map);
  for (Value result : op.getResults())
    if (Ownership::isCounted(result.getType()))
      addOwner(result, {});
  return success();
}

} // namespace mpy
