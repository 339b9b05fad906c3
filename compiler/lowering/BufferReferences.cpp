// How OwnBuffers takes, retains, copies and makes buffers: the rules for single references.
#include "lowering/BufferEmitter.h"

using namespace mlir;

namespace mpy {

bool BufferEmitter::diesAt(Value root, Operation *op) {
  if (frames.back()->block != op->getBlock())
    return false;
  auto dying = frames.back()->dying.find(op);
  return dying != frames.back()->dying.end() && llvm::is_contained(dying->second, root) &&
         owners[root].alive;
}

/// Whether the buffer has one owner; from here on the loops whose promises that rests on must keep
/// them.
bool BufferEmitter::relyOn(const Uniqueness &unique) {
  if (!unique.known)
    return false;
  for (auto [loop, position] : unique.promises)
    promises[loop].used[position] = true;
  return true;
}

/// One reference to the operand's value for whoever its operation hands it to.
Taken BufferEmitter::consume(OpOperand &operand) {
  Value value = operand.get();
  Operation *op = operand.getOwner();
  Location loc = op->getLoc();
  if (!Ownership::isCounted(value.getType()))
    return {get(value), {}};
  if (ownership.isRemade(value))
    return {remake(loc, value), Uniqueness::fresh()};
  Value root = ownership.root(value);
  if (isa<RankedTensorType>(value.getType()) && !ownership.isWhole(value)) {
    // Who needs no more than the first rows may have all.
    if (ownership.isFirstRows(value) && diesAt(root, op) &&
        ownership.usesAt(root, op).size() == 1) {
      owners[root].alive = false;
      return {rowMajor(loc, value), owners[root].unique};
    }
    return {copyOf(loc, get(value)), Uniqueness::fresh()};
  }
  if (diesAt(root, op) && ownership.usesAt(root, op).size() == 1) {
    owners[root].alive = false;
    return {get(value), owners[root].unique};
  }
  RetainOp::create(builder, loc, get(value));
  if (auto owner = owners.find(root); owner != owners.end())
    owner->second.unique = {};
  return {get(value), {}};
}

/// The only reference to a buffer with the operand's elements. `op` is the operation at which it
/// may die.
Taken BufferEmitter::takeUnique(OpOperand &operand, Operation *op) {
  Value value = operand.get();
  Location loc = op->getLoc();
  if (ownership.isRemade(value))
    return {remake(loc, value), Uniqueness::fresh()};
  Value root = ownership.root(value);
  bool isLast = ownership.isFirstRows(value) && diesAt(root, op);
  // The other reader may be the slice that is written back: its caller copied or computed it
  // before.
  for (OpOperand *use : ownership.usesAt(root, op))
    if (use != &operand && !(isa<tensor::InsertSliceOp>(op) && use->getOwner() == op))
      isLast = false;
  if (!isLast)
    return {copyOf(loc, get(value)), Uniqueness::fresh()};
  Owner &owner = owners[root];
  owner.alive = false;
  if (relyOn(owner.unique))
    return {rowMajor(loc, value), Uniqueness::fresh()};
  return {makeUnique(loc, rowMajor(loc, value)), Uniqueness::fresh()};
}

/// The buffer of a value that begins where its root does and is in row-major order, as its type
/// says it.
Value BufferEmitter::rowMajor(Location loc, Value value) {
  Value buffer = get(value);
  auto from = cast<MemRefType>(buffer.getType());
  auto plain = MemRefType::get(from.getShape(), from.getElementType());
  if (from == plain)
    return buffer;
  SmallVector<OpFoldResult> sizes, strides(from.getRank());
  for (auto [dim, size] : llvm::enumerate(from.getShape()))
    sizes.push_back(ShapedType::isDynamic(size)
                        ? OpFoldResult(memref::DimOp::create(builder, loc, buffer, dim).getResult())
                        : OpFoldResult(builder.getIndexAttr(size)));
  return reinterpret(loc, buffer, plain, sizes);
}

/// Asks at run time; copies where somebody else holds the buffer.
Value BufferEmitter::makeUnique(Location loc, Value buffer) {
  Value unique = IsUniqueOp::create(builder, loc, builder.getI1Type(), buffer);
  auto choice = scf::IfOp::create(builder, loc, buffer.getType(), unique, /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(choice.thenBlock());
  scf::YieldOp::create(builder, loc, buffer);
  builder.setInsertionPointToStart(choice.elseBlock());
  Value copy = copyOf(loc, buffer);
  ReleaseOp::create(builder, loc, buffer);
  scf::YieldOp::create(builder, loc, copy);
  return choice.getResult(0);
}

/// The extents of a value that its type leaves open.
SmallVector<Value> BufferEmitter::sizesOf(Location loc, Value value) {
  SmallVector<Value> sizes;
  if (auto empty = value.getDefiningOp<tensor::EmptyOp>()) {
    for (Value size : empty.getDynamicSizes())
      sizes.push_back(get(size));
    return sizes;
  }
  if (auto fill = value.getDefiningOp<linalg::FillOp>(); fill && ownership.isRemade(value))
    return sizesOf(loc, fill.getOutputs()[0]);
  auto type = cast<RankedTensorType>(value.getType());
  for (auto [dim, size] : llvm::enumerate(type.getShape()))
    if (ShapedType::isDynamic(size))
      sizes.push_back(memref::DimOp::create(builder, loc, get(value), dim));
  return sizes;
}

Value BufferEmitter::allocateLike(Location loc, Value value) {
  SmallVector<Value> sizes = sizesOf(loc, value);
  return memref::AllocOp::create(builder, loc,
                                 cast<MemRefType>(Ownership::bufferType(value.getType())), sizes);
}

/// A new buffer for a value that is made anew at each use.
Value BufferEmitter::remake(Location loc, Value value) {
  Value buffer = allocateLike(loc, value);
  fillLike(loc, value, buffer);
  return buffer;
}

/// Writes the one scalar that such a value holds, if its contents are defined.
void BufferEmitter::fillLike(Location loc, Value value, Value buffer) {
  Value scalar;
  if (auto fill = value.getDefiningOp<linalg::FillOp>())
    scalar = get(fill.getInputs()[0]);
  else if (auto constant = value.getDefiningOp<arith::ConstantOp>())
    scalar = arith::ConstantOp::create(
        builder, loc, cast<SplatElementsAttr>(constant.getValue()).getSplatValue<TypedAttr>());
  if (scalar)
    linalg::FillOp::create(builder, loc, scalar, buffer);
}

Value BufferEmitter::copyOf(Location loc, Value buffer) {
  auto from = cast<MemRefType>(buffer.getType());
  auto type = MemRefType::get(from.getShape(), from.getElementType());
  SmallVector<Value> sizes;
  for (auto [dim, size] : llvm::enumerate(type.getShape()))
    if (ShapedType::isDynamic(size))
      sizes.push_back(memref::DimOp::create(builder, loc, buffer, dim));
  Value copy = memref::AllocOp::create(builder, loc, type, sizes);
  memref::CopyOp::create(builder, loc, buffer, copy);
  return copy;
}

/// The value in row-major order; a copy of a strided view lives until the end of the operation.
Value BufferEmitter::contiguous(Location loc, Value value) {
  Value buffer = get(value);
  auto type = dyn_cast<MemRefType>(buffer.getType());
  if (!type)
    return buffer;
  auto plain = MemRefType::get(type.getShape(), type.getElementType());
  if (type == plain)
    return buffer;
  // A slice from the start on is in order too, under a type that says so in other words.
  if (type.getLayout().isIdentity())
    return memref::CastOp::create(builder, loc, plain, buffer);
  temporaries.push_back(copyOf(loc, buffer));
  return temporaries.back();
}

} // namespace mpy
