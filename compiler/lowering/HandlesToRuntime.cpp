// handles-to-runtime: reference counts, checks, text, tapes and calls become the runtime's
// functions, or its data in line.
//
//   mpy.retain %b                 ->   the count at owner - 64 goes up
//   mpy.release %b                ->   it goes down; mpy_free at zero, on a cold path, or a call
//   mpy.check %c else "K" "m"     ->   scf.if not %c { mpy_raise_message(file, line, K, m) }
//   mpy.tape_push %t, %v          ->   stores at the cursor; mpy_tape_push_bytes where the chunk is
//   full
//
// Entry: loops over buffers. Exit: no operation or type of the mpy dialect, no memref.alloc or
// dealloc. Pointers to what lies in a buffer come from its descriptor, through casts that the
// conversion to LLVM resolves.
#include "lowering/Passes.h"
#include "lowering/RuntimeEmitter.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Interfaces/ViewLikeInterface.h"
#include "mpyrt.h"
#include "llvm/ADT/MapVector.h"
#include <limits>

using namespace mlir;

namespace mpy {
#define GEN_PASS_DEF_HANDLESTORUNTIME
#include "lowering/Passes.h.inc"

struct HandlesToRuntimePass : impl::HandlesToRuntimeBase<HandlesToRuntimePass> {
  using HandlesToRuntimeBase::HandlesToRuntimeBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    // Text, handles and tapes are pointers from here on.
    Type pointer = LLVM::LLVMPointerType::get(&getContext());
    AttrTypeReplacer replacer;
    replacer.addReplacement([&](Type type) -> std::optional<Type> {
      if (isa<StringType, HandleType, TapeType>(type))
        return pointer;
      return std::nullopt;
    });
    replacer.recursivelyReplaceElementsIn(module, /*replaceAttrs=*/true, /*replaceLocs=*/false,
                                          /*replaceTypes=*/true);

    dropCountsOfConstants(module);
    RuntimeEmitter emitter(module);
    emitter.chooseReleases();
    SmallVector<Operation *> left;
    module.walk([&](Operation *op) {
      if (isa<MpyDialect>(op->getDialect()) || isa<memref::AllocOp, memref::DeallocOp>(op))
        left.push_back(op);
    });
    for (Operation *op : left)
      if (failed(emitter.emit(op)))
        return signalPassFailure();
    hidePromisedExtents(module);
  }

  /// Constants live for ever, so nobody counts where one is named. Where one arrives by another way
  /// it is counted, from a number so large that what is missing here never matters.
  static void dropCountsOfConstants(ModuleOp module) {
    SmallVector<Operation *> needless;
    module.walk([&](Operation *op) {
      if (!isa<RetainOp, ReleaseOp>(op))
        return;
      Value buffer = op->getOperand(0);
      while (auto view = buffer.getDefiningOp<ViewLikeOpInterface>())
        buffer = view.getViewSource();
      if (isa_and_nonnull<ConstantBufferOp, StringConstantOp, AbsentOp>(buffer.getDefiningOp()))
        needless.push_back(op);
    });
    for (Operation *op : needless)
      op->erase();
  }

  /// A cast to extents that a check promises, of an array that later turns out to have others: MLIR
  /// folds it without a look at them. To the processor both are the same.
  static void hidePromisedExtents(ModuleOp module) {
    SmallVector<memref::CastOp> casts;
    module.walk([&](memref::CastOp cast) {
      auto from = dyn_cast<MemRefType>(cast.getSource().getType());
      auto to = dyn_cast<MemRefType>(cast.getType());
      if (from && to && from.getNumDynamicDims() > to.getNumDynamicDims())
        casts.push_back(cast);
    });
    for (memref::CastOp cast : casts) {
      OpBuilder builder(cast);
      cast.replaceAllUsesWith(UnrealizedConversionCastOp::create(builder, cast.getLoc(),
                                                                 cast.getType(), cast.getSource())
                                  .getResult(0));
      cast.erase();
    }
  }
};

LogicalResult RuntimeEmitter::emit(Operation *op) {
  builder.setInsertionPoint(op);
  loc = op->getLoc();
  LogicalResult result =
      TypeSwitch<Operation *, LogicalResult>(op)
          .Case([&](RetainOp op) { return emitRetain(op), success(); })
          .Case([&](ReleaseOp op) { return emitRelease(op), success(); })
          .Case([&](IsUniqueOp op) {
            Value count = load(builder.getI64Type(), offset(ownerOf(op.getBuffer()), -64));
            op.replaceAllUsesWith(
                arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq, count, constant(1))
                    .getResult());
            return success();
          })
          .Case([&](memref::AllocOp op) { return emitAlloc(op), success(); })
          .Case([&](GrowOp op) { return emitGrow(op), success(); })
          .Case([&](memref::DeallocOp op) {
            call("mpy_free", {}, dataOf(op.getMemref()));
            return success();
          })
          .Case([&](AbsentOp op) { return emitAbsent(op), success(); })
          .Case([&](ConstantBufferOp op) { return emitConstantBuffer(op), success(); })
          .Case([&](StringConstantOp op) { return emitStringConstant(op), success(); })
          .Case([&](CheckOp op) { return emitCheck(op), success(); })
          .Case([&](RaiseOp op) { return emitRaise(op), success(); })
          .Case([&](FenceOp op) { return emitFence(op), success(); })
          .Case([&](CheckedIntOp op) { return emitCheckedInt(op), success(); })
          .Case([&](ScalarCallOp op) {
            op.replaceAllUsesWith(call(op.getCallee(), op.getOutput().getType(), op.getInputs()));
            return success();
          })
          .Case([&](TapeNewOp op) {
            op.replaceAllUsesWith(call("mpy_tape_new", pointer, {}));
            return success();
          })
          .Case([&](TapeFreeOp op) {
            call("mpy_release", {}, op.getTape());
            return success();
          })
          .Case([&](TapePushOp op) { return emitPush(op), success(); })
          .Case([&](TapePopOp op) { return emitPop(op), success(); })
          .Case([&](BufferCallOp op) { return emitCall(op); })
          .Case([&](GemmOp op) { return emitGemm(op); })
          .Case([&](ArgsortRowsOp op) { return emitArgsort(op); })
          .Case([&](FourierRowsOp op) { return emitFourier(op); })
          .Case([&](KernelOp op) { return emitKernel(op), success(); })
          .Case([&](HostReadOp op) {
            return emitHostUse(op.getBuffer(), "mpy_device_fetch", {}), success();
          })
          .Case([&](HostWriteOp op) {
            return emitHostUse(op.getBuffer(), "mpy_device_change", constant(op.getAll(), 8)),
                   success();
          })
          .Default([](Operation *op) {
            return op->emitError("handles-to-runtime: '")
                   << op->getName() << "' has no form in the runtime";
          });
  if (failed(result) || failedCall)
    return failure();
  op->erase();
  return success();
}

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

void RuntimeEmitter::emitRetain(RetainOp op) {
  Value counter = offset(ownerOf(op.getBuffer()), -64);
  Value count = load(builder.getI64Type(), counter);
  store(LLVM::AddOp::create(builder, loc, count, constant(1)), counter);
}

/// The loop around an operation, or its function.
static Operation *bodyOf(Operation *op) {
  do
    op = op->getParentOp();
  while (!isa<LoopLikeOpInterface, FunctionOpInterface>(op));
  return op;
}

/// A release in line is twice as fast as a call, and six times as long to compile. Where a body has
/// many, or runs once, that is nothing beside the rest of it.
void RuntimeEmitter::chooseReleases() {
  static constexpr unsigned many = 24;
  llvm::MapVector<Operation *, SmallVector<Operation *>> releases;
  module.walk([&](ReleaseOp op) { releases[bodyOf(op)].push_back(op); });
  for (auto &[body, ops] : releases) {
    auto function = dyn_cast<func::FuncOp>(body);
    bool runsOnce = function && function.getName() == "main";
    if (runsOnce || ops.size() > many)
      calledReleases.insert(ops.begin(), ops.end());
  }
}

void RuntimeEmitter::emitRelease(ReleaseOp op) {
  Value owner = ownerOf(op.getBuffer());
  if (calledReleases.contains(op)) {
    call("mpy_release", {}, owner);
    return;
  }
  Value counter = offset(owner, -64);
  Value left = LLVM::SubOp::create(builder, loc, load(builder.getI64Type(), counter), constant(1));
  Value isLast = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq, left, constant(0));
  auto branch = scf::IfOp::create(builder, loc, isLast, /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(branch.thenBlock());
  call("mpy_free", {}, owner);
  builder.setInsertionPointToStart(branch.elseBlock());
  store(left, counter);
}

/// The bytes of a row-major buffer of a type; `dynamic` are the extents that it leaves open.
Value RuntimeEmitter::bytesOf(MemRefType type, ArrayRef<Value> dynamic) {
  int64_t fixed =
      type.getElementType().isIndex() ? 8 : llvm::divideCeil(type.getElementTypeBitWidth(), 8);
  for (int64_t size : type.getShape())
    if (!ShapedType::isDynamic(size))
      if (llvm::MulOverflow(fixed, size, fixed))
        fixed = std::numeric_limits<int64_t>::max();
  Value bytes = constant(fixed);
  for (Value size : dynamic)
    bytes = saturatedProduct(bytes, size);
  return bytes;
}

void RuntimeEmitter::emitAlloc(memref::AllocOp op) {
  SmallVector<Value> sizes;
  for (Value size : op.getDynamicSizes())
    sizes.push_back(toInteger(size));
  allocate(op.getType(), bytesOf(op.getType(), sizes), sizes, op, "mpy_alloc_for", {});
}

/// Calls an allocation with the place, bytes and extents that its error says.
void RuntimeEmitter::allocate(MemRefType type, Value bytes, ArrayRef<Value> sizes, Operation *op,
                              StringRef callee, ArrayRef<Value> more) {
  SmallVector<Value> operands(more);
  operands.push_back(site(type, loc));
  operands.push_back(bytes);
  llvm::append_range(operands, sizes.take_front(MPY_SITE_EXTENTS));
  while (operands.size() < more.size() + 2 + MPY_SITE_EXTENTS)
    operands.push_back(LLVM::UndefOp::create(builder, loc, builder.getI64Type()));
  op->getResult(0).replaceAllUsesWith(bufferAt(type, call(callee, pointer, operands), sizes));
}

void RuntimeEmitter::emitGrow(GrowOp op) {
  auto from = cast<MemRefType>(op.getBuffer().getType()),
       to = cast<MemRefType>(op.getResult().getType());
  SmallVector<Value> used, sizes;
  for (int64_t dim = 0; dim < from.getRank(); ++dim)
    if (from.isDynamicDim(dim))
      used.push_back(sizeOf(op.getBuffer(), dim));
  for (Value size : op.getSizes())
    sizes.push_back(toInteger(size));
  allocate(to, bytesOf(to, sizes), sizes, op, "mpy_grow",
           {ownerOf(op.getBuffer()), dataOf(op.getBuffer()), bytesOf(from, used)});
}

/// The product, or the largest integer, which no allocation grants, where it is larger.
Value RuntimeEmitter::saturatedProduct(Value x, Value y) {
  auto type = LLVM::LLVMStructType::getLiteral(builder.getContext(),
                                               {builder.getI64Type(), builder.getI1Type()});
  Value pair = LLVM::SMulWithOverflowOp::create(builder, loc, type, x, y);
  return LLVM::SelectOp::create(builder, loc, LLVM::ExtractValueOp::create(builder, loc, pair, 1),
                                constant(std::numeric_limits<int64_t>::max()),
                                LLVM::ExtractValueOp::create(builder, loc, pair, 0));
}

//===----------------------------------------------------------------------===//
// Errors
//===----------------------------------------------------------------------===//

void RuntimeEmitter::emitCheck(CheckOp op) {
  Value fails = arith::XOrIOp::create(builder, loc, op.getCondition(), constant(1, 1));
  auto branch = scf::IfOp::create(builder, loc, fails, /*withElseRegion=*/false);
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(branch.thenBlock());
  SmallVector<Value> operands = place(loc);
  operands.push_back(text(op.getKind()));
  operands.push_back(text(op.getMessage()));
  if (op.getValues().empty()) {
    call("mpy_raise_message", {}, operands);
    return;
  }
  Value values = reserve(LLVM::LLVMArrayType::get(builder.getI64Type(), op.getValues().size()));
  for (auto [position, value] : llvm::enumerate(op.getValues()))
    store(toInteger(value), offset(values, 8 * static_cast<int64_t>(position)));
  operands.push_back(constant(op.getValues().size()));
  operands.push_back(values);
  call("mpy_raise_format", {}, operands);
}

void RuntimeEmitter::emitRaise(RaiseOp op) {
  if (Value raisedAt = op.getPlace()) {
    call("mpy_raise_at", {}, {raisedAt, text(op.getKind()), op.getMessage()});
    return;
  }
  SmallVector<Value> operands = place(loc);
  operands.push_back(text(op.getKind()));
  operands.push_back(op.getMessage());
  call("mpy_raise", {}, operands);
}

void RuntimeEmitter::emitCheckedInt(CheckedIntOp op) {
  SmallVector<Value> operands{op.getX(), op.getY()};
  if (op.getKind() == IntegerKind::pow) {
    SmallVector<Value> all = place(loc);
    llvm::append_range(all, operands);
    op.replaceAllUsesWith(call("mpy_int_pow", builder.getI64Type(), all));
    return;
  }
  auto type = LLVM::LLVMStructType::getLiteral(builder.getContext(),
                                               {builder.getI64Type(), builder.getI1Type()});
  Value pair;
  if (op.getKind() == IntegerKind::add)
    pair = LLVM::SAddWithOverflowOp::create(builder, loc, type, operands[0], operands[1]);
  else if (op.getKind() == IntegerKind::sub)
    pair = LLVM::SSubWithOverflowOp::create(builder, loc, type, operands[0], operands[1]);
  else
    pair = LLVM::SMulWithOverflowOp::create(builder, loc, type, operands[0], operands[1]);
  Value overflows = LLVM::ExtractValueOp::create(builder, loc, pair, 1);
  auto branch = scf::IfOp::create(builder, loc, overflows, /*withElseRegion=*/false);
  {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(branch.thenBlock());
    SmallVector<Value> error = place(loc);
    error.push_back(text("OverflowError"));
    error.push_back(text("integer overflow: the result does not fit in 64 bits"));
    call("mpy_raise_message", {}, error);
  }
  op.replaceAllUsesWith(LLVM::ExtractValueOp::create(builder, loc, pair, 0).getResult());
}

//===----------------------------------------------------------------------===//
// Tape
//===----------------------------------------------------------------------===//

/// What a value takes on the tape: 8 bytes; a buffer owner and data, and 8 bytes for each extent
/// that its type leaves open.
int64_t RuntimeEmitter::slotBytes(Type type) {
  if (auto buffer = dyn_cast<MemRefType>(type))
    return 16 + 8 * buffer.getNumDynamicDims();
  return 8;
}

/// No instruction, but the optimiser does not see that: a number goes through a register, and what
/// is kept is read.
void RuntimeEmitter::emitFence(FenceOp op) {
  auto pass = [&](Type type, Value operand, StringRef constraints) {
    return LLVM::InlineAsmOp::create(builder, loc, type ? TypeRange(type) : TypeRange(), operand,
                                     /*asm_string=*/"", constraints, /*has_side_effects=*/true,
                                     /*is_align_stack=*/false, LLVM::TailCallKind::None,
                                     /*asm_dialect=*/LLVM::AsmDialectAttr(),
                                     /*operand_attrs=*/ArrayAttr());
  };
  for (auto [value, result] : llvm::zip(op.getValues(), op.getResults())) {
    Type type = value.getType();
    Value bits = toInteger(value);
    unsigned width = isa<LLVM::LLVMPointerType>(type) ? 64 : bits.getType().getIntOrFloatBitWidth();
    Type integer = builder.getIntegerType(std::max(width, 8u));
    bool isFloat = isa<FloatType>(type), isSmall = width < 8;
    if (isFloat)
      bits = arith::BitcastOp::create(builder, loc, integer, bits);
    if (isSmall)
      bits = arith::ExtUIOp::create(builder, loc, integer, bits);
    Value passed =
        pass(isa<LLVM::LLVMPointerType>(type) ? type : integer, bits, "=r,0").getResult(0);
    if (isFloat)
      passed = arith::BitcastOp::create(builder, loc, type, passed);
    if (isSmall)
      passed = arith::TruncIOp::create(builder, loc, type, passed);
    result.replaceAllUsesWith(type.isIndex() ? toIndex(passed) : passed);
  }
  for (Value kept : op.getKept())
    if (isa<MemRefType, LLVM::LLVMPointerType>(kept.getType()))
      pass({}, dataOf(kept), "r,~{memory}");
    else
      pass({}, toInteger(kept), isa<FloatType>(kept.getType()) ? "x" : "r");
}

/// Moves the cursor and returns where the values lie.
Value RuntimeEmitter::topOfTape(Value tape, int64_t bytes, bool push) {
  Value cursor = load(pointer, tape);
  Value moved = offset(cursor, push ? bytes : -bytes);
  Value bound = load(pointer, offset(tape, push ? 16 : 8));
  Value inside = LLVM::ICmpOp::create(
      builder, loc, push ? LLVM::ICmpPredicate::ule : LLVM::ICmpPredicate::uge, moved, bound);
  auto branch = scf::IfOp::create(builder, loc, pointer, inside, /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(branch.thenBlock());
  store(moved, tape);
  scf::YieldOp::create(builder, loc, push ? cursor : moved);
  builder.setInsertionPointToStart(branch.elseBlock());
  SmallVector<Value> operands = push ? place(loc) : SmallVector<Value>();
  operands.append({tape, constant(bytes)});
  scf::YieldOp::create(
      builder, loc, call(push ? "mpy_tape_push_bytes" : "mpy_tape_pop_bytes", pointer, operands));
  return branch.getResult(0);
}

void RuntimeEmitter::emitPush(TapePushOp op) {
  int64_t bytes = 0;
  for (Type type : op.getValues().getTypes())
    bytes += slotBytes(type);
  if (!bytes)
    return;
  Value top = topOfTape(op.getTape(), bytes, /*push=*/true);
  int64_t at = 0;
  for (Value value : op.getValues()) {
    auto type = dyn_cast<MemRefType>(value.getType());
    store(type ? dataOf(value) : toInteger(value), offset(top, at));
    at += 8;
    if (!type)
      continue;
    store(ownerOf(value), offset(top, at));
    at += 8;
    for (int64_t dim = 0; dim < type.getRank(); ++dim)
      if (type.isDynamicDim(dim)) {
        store(sizeOf(value, dim), offset(top, at));
        at += 8;
      }
  }
}

void RuntimeEmitter::emitPop(TapePopOp op) {
  int64_t bytes = 0;
  for (Type type : op.getValues().getTypes())
    bytes += slotBytes(type);
  if (!bytes)
    return;
  Value top = topOfTape(op.getTape(), bytes, /*push=*/false);
  int64_t at = 0;
  for (Value value : op.getValues()) {
    auto type = dyn_cast<MemRefType>(value.getType());
    if (!type) {
      bool isIndex = value.getType().isIndex();
      Value loaded = load(isIndex ? builder.getI64Type() : value.getType(), offset(top, at));
      value.replaceAllUsesWith(isIndex ? toIndex(loaded) : loaded);
      at += 8;
      continue;
    }
    Value data = load(pointer, offset(top, at)), owner = load(pointer, offset(top, at + 8));
    at += 16;
    SmallVector<Value> sizes;
    for (unsigned dim = 0; dim < type.getNumDynamicDims(); ++dim, at += 8)
      sizes.push_back(load(builder.getI64Type(), offset(top, at)));
    value.replaceAllUsesWith(bufferAt(type, data, sizes, owner));
  }
}

} // namespace mpy
