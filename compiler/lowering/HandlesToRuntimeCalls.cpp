// Calls that pass arrays to the runtime: descriptions of arrays on the stack, results through
// out-parameters, gemm by pointers.
#include "lowering/RuntimeEmitter.h"
#include "support/Externs.h"

using namespace mlir;

namespace mpy {

/// The address of an `mpy_view` that describes the buffer, any strides.
Value RuntimeEmitter::describe(Value buffer) {
  auto type = cast<MemRefType>(buffer.getType());
  Type integer = builder.getI64Type(), small = builder.getI32Type();
  auto extents = LLVM::LLVMArrayType::get(integer, std::max<int64_t>(type.getRank(), 1));
  Value sizes = reserve(extents), strides = reserve(extents);
  for (int64_t dim = 0; dim < type.getRank(); ++dim) {
    store(sizeOf(buffer, dim), offset(sizes, 8 * dim));
    store(strideOf(buffer, dim), offset(strides, 8 * dim));
  }
  auto layout = LLVM::LLVMStructType::getLiteral(builder.getContext(),
                                                 {pointer, small, small, pointer, pointer});
  Value array = reserve(layout);
  store(dataOf(buffer), array);
  store(constant(*elementKind(type.getElementType()), 32), offset(array, 8));
  store(constant(type.getRank(), 32), offset(array, 12));
  store(sizes, offset(array, 16));
  store(strides, offset(array, 24));
  return array;
}

LogicalResult RuntimeEmitter::emitCall(BufferCallOp op) {
  if (externOf(op.getCallee()))
    makeExtern(op.getCallee());
  SmallVector<Value> operands;
  if (op.getRaises())
    operands = place(loc);
  for (Value input : op.getInputs()) {
    if (auto type = dyn_cast<MemRefType>(input.getType())) {
      if (!elementKind(type.getElementType()))
        return op.emitError("the runtime takes no arrays of ") << type.getElementType();
      operands.push_back(describe(input));
    } else if (input.getType().isInteger(1)) {
      operands.push_back(LLVM::ZExtOp::create(builder, loc, builder.getI8Type(), input));
    } else {
      operands.push_back(toInteger(input));
    }
  }
  Value scalar;
  Type scalarType;
  struct Out {
    Value result, data, sizes;
  };
  SmallVector<Out> outs;
  ResultRange outputs = op.getOutputs();
  if (op.getCatches())
    outputs = outputs.drop_back(2);
  for (Value result : outputs) {
    auto type = dyn_cast<MemRefType>(result.getType());
    if (!type) {
      if (scalar)
        return op.emitError("the runtime returns at most one value that is no array");
      scalar = result;
      scalarType = result.getType().isInteger(1) ? builder.getI8Type()
                   : result.getType().isIndex()  ? builder.getI64Type()
                                                 : result.getType();
      continue;
    }
    Value data = reserve(pointer);
    Value sizes = reserve(
        LLVM::LLVMArrayType::get(builder.getI64Type(), std::max<int64_t>(type.getRank(), 1)));
    operands.push_back(data);
    operands.push_back(sizes);
    outs.push_back({result, data, sizes});
  }
  Value returned, raised;
  if (op.getCatches()) {
    SmallVector<Value> sizes;
    for (Out &out : outs)
      sizes.push_back(out.sizes);
    std::tie(returned, raised) = emitCatch(op, scalarType, operands, sizes);
  } else {
    returned = call(op.getCallee(), scalarType, operands);
  }
  if (scalar) {
    if (scalar.getType().isInteger(1))
      returned =
          arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::ne, returned, constant(0, 8));
    else if (scalar.getType().isIndex())
      returned = toIndex(returned);
    scalar.replaceAllUsesWith(returned);
  }
  for (Out &out : outs) {
    auto type = cast<MemRefType>(out.result.getType());
    SmallVector<Value> sizes;
    for (int64_t dim = 0; dim < type.getRank(); ++dim)
      if (type.isDynamicDim(dim))
        sizes.push_back(load(builder.getI64Type(), offset(out.sizes, 8 * dim)));
    Value data = load(pointer, out.data);
    if (raised)
      data = LLVM::SelectOp::create(builder, loc, raised, absentData(), data);
    out.result.replaceAllUsesWith(bufferAt(type, data, sizes));
  }
  return success();
}

/// Calls through mpy_catch, which takes a function of one pointer: one is made for each function of
/// the runtime that is called so.
///
///   { struct frame = {operands.., result}; kind = mpy_catch(kinds, thunk, &frame, &message); }
///
/// What the call returns and whether it raised something.
std::pair<Value, Value> RuntimeEmitter::emitCatch(BufferCallOp op, Type result, ValueRange operands,
                                                  ArrayRef<Value> sizes) {
  SmallVector<Type> fields(operands.getTypes());
  if (result)
    fields.push_back(result);
  auto layout = LLVM::LLVMStructType::getLiteral(builder.getContext(), fields);
  auto field = [&](Value frame, size_t number) -> Value {
    return LLVM::GEPOp::create(builder, loc, pointer, layout, frame,
                               ArrayRef<LLVM::GEPArg>{0, static_cast<int32_t>(number)});
  };
  std::string name = "catching_" + op.getCallee().str();
  if (!symbols.lookup(name)) {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(module.getBody());
    auto type = LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(builder.getContext()), pointer);
    auto thunk =
        LLVM::LLVMFuncOp::create(builder, module.getLoc(), name, type, LLVM::Linkage::Internal);
    symbols.insert(thunk);
    Block *body = thunk.addEntryBlock(builder);
    builder.setInsertionPointToStart(body);
    SmallVector<Value> given;
    for (auto [number, operand] : llvm::enumerate(operands))
      given.push_back(load(operand.getType(), field(body->getArgument(0), number)));
    Value returned = call(op.getCallee(), result, given);
    if (result)
      store(returned, field(body->getArgument(0), operands.size()));
    LLVM::ReturnOp::create(builder, loc, ValueRange());
  }
  Value frame = reserve(layout), message = reserve(pointer), absent = absentData();
  for (auto [number, operand] : llvm::enumerate(operands))
    store(operand, field(frame, number));
  // What is there after an exception: nothing, in a form that can be released.
  store(absent, message);
  for (auto [size, type] :
       llvm::zip(sizes, llvm::make_filter_range(op.getOutputs().drop_back(2).getTypes(),
                                                [](Type type) { return isa<MemRefType>(type); })))
    for (int64_t dim = 0; dim < cast<MemRefType>(type).getRank(); ++dim)
      store(constant(0), offset(size, 8 * dim));
  if (result)
    store(isa<LLVM::LLVMPointerType>(result)
              ? absent
              : LLVM::ZeroOp::create(builder, loc, result).getResult(),
          field(frame, operands.size()));
  Value thunk = LLVM::AddressOfOp::create(builder, loc, pointer, name);
  Value kind =
      call("mpy_catch", builder.getI64Type(), {text(*op.getCatches()), thunk, frame, message});
  op.getOutputs().drop_front(op.getNumResults() - 2)[0].replaceAllUsesWith(kind);
  op.getOutputs().back().replaceAllUsesWith(load(pointer, message));
  Value raised = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::sge, kind, constant(0));
  return {result ? load(result, field(frame, operands.size())) : Value(), raised};
}

LogicalResult RuntimeEmitter::emitGemm(GemmOp op) {
  auto type = cast<MemRefType>(op.getOut().getType());
  Type element = type.getElementType();
  if (!element.isF64() && !element.isF32())
    return op.emitError("gemm on ") << element << " has no form in the runtime";
  auto real = [&](double value) -> Value {
    return LLVM::ConstantOp::create(builder, loc, builder.getFloatAttr(element, value));
  };
  Value x = op.getX(), y = op.getY(), out = op.getOut();
  auto rankOf = [](Value buffer) { return cast<MemRefType>(buffer.getType()).getRank(); };
  auto axis = [&](Value buffer, int64_t fromEnd) { return rankOf(buffer) - fromEnd; };
  SmallVector<Value> operands{constant(op.getTransposeX()),
                              constant(op.getTransposeY()),
                              sizeOf(out, axis(out, 2)),
                              sizeOf(out, axis(out, 1)),
                              sizeOf(x, axis(x, op.getTransposeX() ? 2 : 1)),
                              real(1),
                              dataOf(x),
                              strideOf(x, axis(x, 2)),
                              dataOf(y),
                              strideOf(y, axis(y, 2)),
                              real(0),
                              dataOf(out),
                              strideOf(out, axis(out, 2))};
  if (rankOf(x) == 2 && rankOf(y) == 2) {
    call(element.isF64() ? "mpy_gemm_f64" : "mpy_gemm_f32", {}, operands);
    return success();
  }
  // How far it is from one matrix of a stack to the next; a matrix alone is read each time.
  auto step = [&](Value buffer) { return rankOf(buffer) == 3 ? strideOf(buffer, 0) : constant(0); };
  operands.append({sizeOf(rankOf(x) == 3 ? x : y, 0), step(x), step(y), step(out)});
  call(element.isF64() ? "mpy_gemm_stack_f64" : "mpy_gemm_stack_f32", {}, operands);
  return success();
}

LogicalResult RuntimeEmitter::emitArgsort(ArgsortRowsOp op) {
  auto type = cast<MemRefType>(op.getX().getType());
  if (!elementKind(type.getElementType()) || type.getRank() == 0)
    return op.emitError("argsort of ") << type << " has no form in the runtime";
  Value rows = constant(1);
  for (int64_t dim = 0; dim + 1 < type.getRank(); ++dim)
    rows = LLVM::MulOp::create(builder, loc, rows, sizeOf(op.getX(), dim));
  call("mpy_argsort_rows", {},
       {constant(*elementKind(type.getElementType())), dataOf(op.getX()), rows,
        sizeOf(op.getX(), type.getRank() - 1), dataOf(op.getOut())});
  return success();
}

LogicalResult RuntimeEmitter::emitFourier(FourierRowsOp op) {
  auto type = cast<MemRefType>(op.getX().getType());
  int64_t axis = type.getRank() - 2 - static_cast<int64_t>(op.getBehind());
  Value rows = constant(1), width = constant(1);
  for (int64_t dim = 0; dim + 1 < type.getRank(); ++dim)
    if (dim != axis) {
      Value &count = dim < axis ? rows : width;
      count = LLVM::MulOp::create(builder, loc, count, sizeOf(op.getX(), dim));
    }
  call(type.getElementType().isF64() ? "mpy_fourier_f64" : "mpy_fourier_f32", {},
       {dataOf(op.getX()), dataOf(op.getOut()), rows, sizeOf(op.getX(), axis), width,
        constant(op.getInverse())});
  return success();
}

} // namespace mpy
