// How OwnBuffers rewrites operations on arrays, and where their results are computed: in the slice
// they will be inserted in, in an input's buffer, or in a new one.
#include "lowering/BufferEmitter.h"

using namespace mlir;

namespace mpy {

static SmallVector<OpFoldResult> mapped(ArrayRef<OpFoldResult> values, IRMapping &map) {
  SmallVector<OpFoldResult> result;
  for (OpFoldResult value : values) {
    if (auto dynamic = dyn_cast<Value>(value))
      result.push_back(map.lookupOrDefault(dynamic));
    else
      result.push_back(value);
  }
  return result;
}

//===----------------------------------------------------------------------===//
// Views and single elements
//===----------------------------------------------------------------------===//

/// The elements in order under another shape, of which more may be unknown than operations that
/// group dimensions can express.
Value BufferEmitter::reinterpret(Location loc, Value buffer, MemRefType type,
                                 ArrayRef<OpFoldResult> sizes) {
  ReassociationIndices all = llvm::to_vector<2>(llvm::seq<int64_t>(type.getRank()));
  return reinterpret(loc, buffer, builder.getIndexAttr(0), {builder.getIndexAttr(1)}, type, all,
                     sizes);
}

/// The same where each group of dimensions is one of the buffer, whose offset and strides these
/// are.
Value BufferEmitter::reinterpret(Location loc, Value buffer, OpFoldResult offset,
                                 ArrayRef<OpFoldResult> given, MemRefType type,
                                 ArrayRef<ReassociationIndices> groups,
                                 ArrayRef<OpFoldResult> sizes) {
  SmallVector<OpFoldResult> strides(type.getRank());
  for (auto [group, first] : llvm::zip(groups, given)) {
    OpFoldResult stride = first;
    for (int64_t dim : llvm::reverse(group)) {
      strides[dim] = stride;
      auto constant = getConstantIntValue(stride), size = getConstantIntValue(sizes[dim]);
      if (constant && size)
        stride = builder.getIndexAttr(*constant * *size);
      else
        stride = arith::MulIOp::create(builder, loc,
                                       getValueOrCreateConstantIndexOp(builder, loc, stride),
                                       getValueOrCreateConstantIndexOp(builder, loc, sizes[dim]))
                     .getResult();
    }
  }
  SmallVector<int64_t> known;
  for (OpFoldResult each : strides)
    known.push_back(getConstantIntValue(each).value_or(ShapedType::kDynamic));
  int64_t start = getConstantIntValue(offset).value_or(ShapedType::kDynamic);
  auto strided = MemRefType::get(type.getShape(), type.getElementType(),
                                 StridedLayoutAttr::get(builder.getContext(), start, known));
  Value view =
      memref::ReinterpretCastOp::create(builder, loc, strided, buffer, offset, sizes, strides);
  return memref::CastOp::create(builder, loc, type, view);
}

/// A view whose dimensions are split into several of unknown extent each.
Value BufferEmitter::expand(Location loc, Value buffer, MemRefType type,
                            ArrayRef<ReassociationIndices> groups, ArrayRef<OpFoldResult> sizes) {
  auto metadata = memref::ExtractStridedMetadataOp::create(builder, loc, buffer);
  return reinterpret(loc, metadata.getBaseBuffer(), metadata.getConstifiedMixedOffset(),
                     metadata.getConstifiedMixedStrides(), type, groups, sizes);
}

LogicalResult BufferEmitter::emitView(Operation &op) {
  Location loc = op.getLoc();
  Value result = op.getResult(0), source = op.getOperand(0);
  bool isView = ownership.root(result) != result;
  // A shape that no strides can express: the elements in order, under the new shape.
  Value buffer = isView ? get(source) : copyOf(loc, get(source));
  auto type = isView ? ownership.viewType(result)
                     : cast<MemRefType>(Ownership::bufferType(result.getType()));
  Value view;
  // MLIR divides the extent of a group by what is known of its parts: not where several are
  // unknown, nor where one of them is 0.
  auto cannotDivide = [](RankedTensorType type, ArrayRef<ReassociationIndices> groups) {
    return llvm::any_of(groups, [&](const ReassociationIndices &group) {
      auto unknown = llvm::count_if(group, [&](int64_t dim) { return type.isDynamicDim(dim); });
      bool isEmpty = llvm::any_of(group, [&](int64_t dim) { return type.getDimSize(dim) == 0; });
      return unknown > 1 || (unknown == 1 && isEmpty);
    });
  };
  if (auto slice = dyn_cast<tensor::ExtractSliceOp>(op)) {
    view = memref::SubViewOp::create(
        builder, loc, type, buffer, mapped(slice.getMixedOffsets(), map),
        mapped(slice.getMixedSizes(), map), mapped(slice.getMixedStrides(), map));
  } else if (isa<tensor::CastOp>(op)) {
    view = memref::CastOp::create(builder, loc, type, buffer);
  } else if (auto expand = dyn_cast<tensor::ExpandShapeOp>(op);
             expand && cannotDivide(expand.getResultType(), expand.getReassociationIndices())) {
    SmallVector<OpFoldResult> sizes = mapped(expand.getMixedOutputShape(), map);
    view = type.getLayout().isIdentity()
               ? reinterpret(loc, buffer, type, sizes)
               : this->expand(loc, buffer, type, expand.getReassociationIndices(), sizes);
  } else if (expand) {
    view =
        memref::ExpandShapeOp::create(builder, loc, type, buffer, expand.getReassociationIndices(),
                                      mapped(expand.getMixedOutputShape(), map));
  } else if (auto collapse = dyn_cast<tensor::CollapseShapeOp>(op)) {
    view = memref::CollapseShapeOp::create(builder, loc, type, buffer,
                                           collapse.getReassociationIndices());
  } else {
    auto reshape = cast<tensor::ReshapeOp>(op);
    SmallVector<OpFoldResult> sizes;
    auto elements = reshape.getShape().getDefiningOp<tensor::FromElementsOp>();
    for (auto [dim, size] : llvm::enumerate(type.getShape())) {
      if (!ShapedType::isDynamic(size)) {
        sizes.push_back(builder.getIndexAttr(size));
        continue;
      }
      Value extent;
      if (elements) {
        extent = get(elements.getElements()[dim]);
      } else {
        Value position = arith::ConstantIndexOp::create(builder, loc, dim);
        extent = memref::LoadOp::create(builder, loc, get(reshape.getShape()), position);
      }
      if (!extent.getType().isIndex())
        extent = arith::IndexCastOp::create(builder, loc, builder.getIndexType(), extent);
      sizes.push_back(extent);
    }
    view = reinterpret(loc, buffer, type, sizes);
  }
  if (isView)
    map.map(result, view);
  else
    define(result, view, Uniqueness::fresh());
  return success();
}

LogicalResult BufferEmitter::emitInsert(tensor::InsertOp op) {
  Taken dest = takeUnique(op.getDestMutable(), op);
  SmallVector<Value> indices;
  for (Value index : op.getIndices())
    indices.push_back(get(index));
  memref::StoreOp::create(builder, op.getLoc(), get(op.getScalar()), dest.buffer, indices);
  define(op.getResult(), dest.buffer, dest.unique);
  return success();
}

Value BufferEmitter::sliceOf(Value buffer, tensor::InsertSliceOp insert) {
  auto offsets = mapped(insert.getMixedOffsets(), map), sizes = mapped(insert.getMixedSizes(), map),
       strides = mapped(insert.getMixedStrides(), map);
  auto type = memref::SubViewOp::inferRankReducedResultType(insert.getSourceType().getShape(),
                                                            cast<MemRefType>(buffer.getType()),
                                                            offsets, sizes, strides);
  return memref::SubViewOp::create(builder, insert.getLoc(), type, buffer, offsets, sizes, strides);
}

/// Whether the slice is exactly what the insertion would replace.
static bool isSameSlice(tensor::ExtractSliceOp slice, tensor::InsertSliceOp insert) {
  return slice && slice.getType() == insert.getSourceType() &&
         slice.getMixedOffsets() == insert.getMixedOffsets() &&
         slice.getMixedSizes() == insert.getMixedSizes() &&
         slice.getMixedStrides() == insert.getMixedStrides();
}

/// A new array that begins with one that dies here takes over its buffer; null if that is not what
/// is done.
Value BufferEmitter::growInto(tensor::InsertSliceOp op) {
  Value source = op.getSource(), dest = op.getDest();
  Location loc = op.getLoc();
  if (!ownership.isRemade(dest) || dest.getDefiningOp<arith::ConstantOp>() ||
      op.getSourceType().getRank() != op.getDestType().getRank() ||
      !isRowsBox(op, op.getDestType(), op))
    return {};
  Value root = ownership.root(source);
  if (ownership.isUnowned(root) || !ownership.isFirstRows(source) || !diesAt(root, op) ||
      ownership.usesAt(root, op).size() != 1)
    return {};
  owners[root].alive = false;
  Value old = rowMajor(loc, source);
  auto type = cast<MemRefType>(Ownership::bufferType(op.getDestType()));
  Value grown = GrowOp::create(builder, loc, type, old, sizesOf(loc, dest));
  if (dest.getDefiningOp<linalg::FillOp>()) {
    // The rest gets what a new array would hold.
    SmallVector<OpFoldResult> offsets(type.getRank(), builder.getIndexAttr(0)), sizes,
        strides(type.getRank(), builder.getIndexAttr(1));
    for (int64_t dim = 0; dim < type.getRank(); ++dim)
      sizes.push_back(memref::getMixedSize(builder, loc, grown, dim));
    OpFoldResult used = memref::getMixedSize(builder, loc, old, 0);
    offsets[0] = used;
    sizes[0] =
        arith::SubIOp::create(builder, loc, getValueOrCreateConstantIndexOp(builder, loc, sizes[0]),
                              getValueOrCreateConstantIndexOp(builder, loc, used))
            .getResult();
    Value rest = memref::SubViewOp::create(builder, loc, grown, offsets, sizes, strides);
    fillLike(loc, dest, rest);
  }
  return grown;
}

LogicalResult BufferEmitter::emitInsertSlice(tensor::InsertSliceOp op) {
  Location loc = op.getLoc();
  if (auto known = placed.find(op); known != placed.end()) {
    define(op.getResult(), known->second.buffer, known->second.unique);
    // A loop that is emitted again decides anew.
    placed.erase(known);
    return success();
  }
  if (Value grown = growInto(op)) {
    define(op.getResult(), grown, Uniqueness::fresh());
    return success();
  }
  Value source = get(op.getSource());
  bool isSame = false;
  if (!ownership.isRemade(op.getDest()) &&
      ownership.root(op.getSource()) == ownership.root(op.getDest())) {
    isSame = op.getDest() == ownership.root(op.getDest()) &&
             isSameSlice(op.getSource().getDefiningOp<tensor::ExtractSliceOp>(), op);
    // Overlapping parts of one buffer: the source is read as it was before.
    if (!isSame) {
      source = copyOf(loc, source);
      temporaries.push_back(source);
    }
  }
  Taken dest = takeUnique(op.getDestMutable(), op);
  if (!isSame)
    memref::CopyOp::create(builder, loc, source, sliceOf(dest.buffer, op));
  define(op.getResult(), dest.buffer, dest.unique);
  return success();
}

LogicalResult BufferEmitter::emitFromElements(tensor::FromElementsOp op) {
  Location loc = op.getLoc();
  // Shapes of reshapes are read as scalars.
  if (op.getType().getElementType().isIndex() &&
      llvm::all_of(op->getUsers(), [](Operation *user) { return isa<tensor::ReshapeOp>(user); }) &&
      ownership.uses(op.getResult()).empty())
    return success();
  auto type = cast<MemRefType>(Ownership::bufferType(op.getType()));
  Value buffer = memref::AllocOp::create(builder, loc, type);
  SmallVector<int64_t> position(type.getRank(), 0);
  for (Value element : op.getElements()) {
    SmallVector<Value> indices;
    for (int64_t index : position)
      indices.push_back(arith::ConstantIndexOp::create(builder, loc, index));
    memref::StoreOp::create(builder, loc, get(element), buffer, indices);
    for (int64_t dim = type.getRank() - 1; dim >= 0; --dim) {
      if (++position[dim] < type.getDimSize(dim))
        break;
      position[dim] = 0;
    }
  }
  define(op.getResult(), buffer, Uniqueness::fresh());
  return success();
}

//===----------------------------------------------------------------------===//
// Where results are computed
//===----------------------------------------------------------------------===//

/// Whether the producer reads the root's buffer otherwise than each element right before it is
/// overwritten.
bool BufferEmitter::maySeeDestination(Operation *producer, Value root, tensor::InsertSliceOp insert,
                                      AffineMap resultMap) {
  for (OpOperand *use : ownership.usesAt(root, producer)) {
    auto generic = dyn_cast<linalg::GenericOp>(producer);
    if (!generic || use->getOwner() != producer || !resultMap.isPermutation() ||
        generic.isDpsInit(use) || generic.getMatchingIndexingMap(use) != resultMap)
      return true;
    auto slice = use->get().getDefiningOp<tensor::ExtractSliceOp>();
    if (!isSameSlice(slice, insert) || slice.getSource() != root)
      return true;
  }
  return false;
}

/// The insertion whose slice can hold the result while it is computed; null if there is none.
tensor::InsertSliceOp BufferEmitter::destinationOf(Value result, AffineMap resultMap) {
  Operation *producer = result.getDefiningOp();
  if (!result.hasOneUse())
    return {};
  auto insert = dyn_cast<tensor::InsertSliceOp>(*result.user_begin());
  if (!insert || insert.getSource() != result || insert->getBlock() != producer->getBlock() ||
      placed.contains(insert))
    return {};
  auto isThere = [&](Value operand) {
    Operation *definition = operand.getDefiningOp();
    return !definition || definition->getBlock() != producer->getBlock() ||
           definition->isBeforeInBlock(producer);
  };
  // Extents and offsets must be there already, and what a destination is made of.
  if (!llvm::all_of(insert->getOperands().drop_front(2), isThere))
    return {};
  Value dest = insert.getDest();
  if (ownership.isRemade(dest)) {
    for (Value made = dest; Operation *definition = made.getDefiningOp();) {
      if (!llvm::all_of(definition->getOperands(), [&](Value operand) {
            return operand.getDefiningOp<tensor::EmptyOp>() || isThere(operand);
          }))
        return {};
      auto fill = dyn_cast<linalg::FillOp>(definition);
      if (!fill)
        break;
      made = fill.getOutputs()[0];
    }
    return insert;
  }
  if (!isThere(dest))
    return {};
  if (ownership.root(dest) != dest || !diesAt(dest, insert))
    return {};
  for (OpOperand *use : ownership.uses(dest)) {
    Operation *user = producer->getBlock()->findAncestorOpInBlock(*use->getOwner());
    if (!user || (user == insert && use != &insert.getDestMutable()))
      return {};
    if (user != insert && producer->isBeforeInBlock(user))
      return {};
  }
  if (maySeeDestination(producer, dest, insert, resultMap))
    return {};
  return insert;
}

/// Takes the destination now, and returns the slice to compute into.
Value BufferEmitter::place(Value result, tensor::InsertSliceOp insert) {
  Taken dest = takeUnique(insert.getDestMutable(), insert);
  placed[insert] = dest;
  Value slice = sliceOf(dest.buffer, insert);
  map.map(result, slice);
  // The slice has no owner of its own.
  owners[result] = Owner{false, {}};
  return slice;
}

/// An input that dies here, is read where the result is written, and has the result's type; null if
/// there is none.
Value BufferEmitter::reusableInput(linalg::GenericOp op, unsigned result, ArrayRef<Value> taken) {
  OpOperand *init = op.getDpsInitOperand(result);
  AffineMap resultMap = op.getMatchingIndexingMap(init);
  if (!resultMap.isPermutation())
    return {};
  for (OpOperand *input : op.getDpsInputOperands()) {
    Value value = input->get();
    if (value.getType() != op->getResult(result).getType() ||
        op.getMatchingIndexingMap(input) != resultMap ||
        ownership.isUnowned(ownership.root(value)) || !ownership.isWhole(value))
      continue;
    Value root = ownership.root(value);
    if (!diesAt(root, op) || !owners[root].unique.known || llvm::is_contained(taken, root))
      continue;
    bool onlyHere = llvm::all_of(ownership.usesAt(root, op), [&](OpOperand *use) {
      return use->getOwner() == op && !op.isDpsInit(use) && use->get() == value &&
             op.getMatchingIndexingMap(use) == resultMap;
    });
    if (onlyHere)
      return value;
  }
  return {};
}

//===----------------------------------------------------------------------===//
// Operations that compute arrays
//===----------------------------------------------------------------------===//

LogicalResult BufferEmitter::emitGeneric(linalg::GenericOp op) {
  Location loc = op.getLoc();
  SmallVector<Value> inputs, outputs, taken;
  SmallVector<Uniqueness> unique;
  SmallVector<bool> inPlace;
  for (OpOperand *input : op.getDpsInputOperands())
    inputs.push_back(get(input->get()));
  SmallVector<std::pair<Value, tensor::InsertSliceOp>> destinations;
  for (OpOperand &init : op.getDpsInitsMutable()) {
    unsigned index = op.getTiedOpResult(&init).getResultNumber();
    Value result = op->getResult(index);
    bool ignored = ignoresInit(init);
    bool remade = ownership.isRemade(init.get());
    unique.push_back(Uniqueness::fresh());
    inPlace.push_back(false);
    auto insert = ignored || remade ? destinationOf(result, op.getMatchingIndexingMap(&init))
                                    : tensor::InsertSliceOp();
    // Two results in one buffer could overlap.
    if (insert && llvm::any_of(destinations, [&](auto &other) {
          return ownership.root(other.first) == ownership.root(insert.getDest()) ||
                 other.second.getResult() == insert.getDest();
        }))
      insert = {};
    if (insert) {
      destinations.push_back({insert.getDest(), insert});
      inPlace.back() = true;
      Value slice = place(result, insert);
      outputs.push_back(slice);
      if (!ignored)
        fillLike(loc, init.get(), slice);
      continue;
    }
    if (!ignored) {
      Taken dest = takeUnique(init, op);
      outputs.push_back(dest.buffer);
      continue;
    }
    if (Value value = reusableInput(op, index, taken)) {
      Value root = ownership.root(value);
      taken.push_back(root);
      relyOn(owners[root].unique);
      owners[root].alive = false;
      outputs.push_back(get(value));
      continue;
    }
    outputs.push_back(allocateLike(loc, init.get()));
  }

  auto created = linalg::GenericOp::create(builder, loc, TypeRange(), inputs, outputs,
                                           op.getIndexingMapsArray(), op.getIteratorTypesArray());
  Block &body = op.getRegion().front();
  {
    OpBuilder::InsertionGuard guard(builder);
    Block *block = builder.createBlock(&created.getRegion(), {}, body.getArgumentTypes(),
                                       SmallVector<Location>(body.getNumArguments(), loc));
    map.map(body.getArguments(), block->getArguments());
    for (Operation &inner : body)
      if (failed(emitElement(inner)))
        return failure();
  }
  for (auto [index, result] : llvm::enumerate(op->getResults()))
    if (!inPlace[index])
      define(result, outputs[index], unique[index]);
  return success();
}

/// One operation on the elements of arrays, with the branches and loops inside it.
LogicalResult BufferEmitter::emitElement(Operation &op) {
  if (isa<tensor::ExtractOp, tensor::DimOp>(op))
    return emitDefault(op);
  if (llvm::any_of(op.getOperandTypes(), [](Type type) { return isa<RankedTensorType>(type); }))
    return op.emitError("own-buffers: an array operation inside linalg.generic");
  Operation *created = builder.insert(op.cloneWithoutRegions(map));
  OpBuilder::InsertionGuard guard(builder);
  for (auto [region, copy] : llvm::zip(op.getRegions(), created->getRegions()))
    for (Block &block : region) {
      SmallVector<Location> places;
      for (BlockArgument argument : block.getArguments())
        places.push_back(argument.getLoc());
      Block *into = builder.createBlock(&copy, copy.end(), block.getArgumentTypes(), places);
      map.map(block.getArguments(), into->getArguments());
      for (Operation &inner : block)
        if (failed(emitElement(inner)))
          return failure();
    }
  return success();
}

LogicalResult BufferEmitter::emitFill(linalg::FillOp op) {
  Value result = op->getResult(0);
  if (ownership.isRemade(result))
    return success();
  AffineMap identity =
      builder.getMultiDimIdentityMap(cast<RankedTensorType>(result.getType()).getRank());
  if (auto insert = destinationOf(result, identity)) {
    linalg::FillOp::create(builder, op.getLoc(), get(op.getInputs()[0]), place(result, insert));
    return success();
  }
  Value buffer = allocateLike(op.getLoc(), op.getOutputs()[0]);
  linalg::FillOp::create(builder, op.getLoc(), get(op.getInputs()[0]), buffer);
  define(result, buffer, Uniqueness::fresh());
  return success();
}

/// Whether gemm can read or write the buffer as it is.
static bool hasRows(Value buffer) {
  SmallVector<int64_t> strides;
  int64_t offset;
  return succeeded(cast<MemRefType>(buffer.getType()).getStridesAndOffset(strides, offset)) &&
         strides.back() == 1;
}

LogicalResult BufferEmitter::emitMatmul(MatmulOp op) {
  Location loc = op.getLoc();
  Value x = get(op.getX()), y = get(op.getY());
  for (Value *operand : {&x, &y})
    if (!hasRows(*operand)) {
      *operand = copyOf(loc, *operand);
      temporaries.push_back(*operand);
    }
  Value result = op.getResult(), out;
  if (auto insert = destinationOf(result, AffineMap());
      insert &&
      llvm::all_of(ArrayRef(insert.getMixedStrides()).take_back(),
                   [](OpFoldResult stride) { return isConstantIntValue(stride, 1); }) &&
      insert.getSourceType().getRank() == insert.getDestType().getRank()) {
    out = place(result, insert);
  } else {
    auto type = cast<MemRefType>(Ownership::bufferType(result.getType()));
    SmallVector<Value> sizes;
    for (int64_t dimension = 0; dimension < type.getRank(); ++dimension)
      if (type.isDynamicDim(dimension)) {
        auto [source, axis] = op.extentSource(dimension);
        sizes.push_back(memref::DimOp::create(builder, loc, source == op.getX() ? x : y, axis));
      }
    out = memref::AllocOp::create(builder, loc, type, sizes);
    define(result, out, Uniqueness::fresh());
  }
  GemmOp::create(builder, loc, x, y, out, op.getTransposeX(), op.getTransposeY(), op.getSummed());
  return success();
}

LogicalResult BufferEmitter::emitRuntimeCall(Operation &op, StringRef callee, bool raises,
                                             StringAttr catches) {
  SmallVector<Value> operands;
  SmallVector<Type> types;
  for (Value operand : op.getOperands())
    operands.push_back(get(operand));
  for (Type type : op.getResultTypes())
    types.push_back(Ownership::bufferType(type));
  auto created =
      BufferCallOp::create(builder, op.getLoc(), types, builder.getStringAttr(callee), operands,
                           raises ? builder.getUnitAttr() : UnitAttr(), catches);
  for (auto [result, buffer] : llvm::zip(op.getResults(), created.getOutputs())) {
    map.map(result, buffer);
    if (Ownership::isCounted(result.getType()))
      addOwner(result, isa<RankedTensorType>(result.getType()) && !catches ? Uniqueness::fresh()
                                                                           : Uniqueness());
  }
  return success();
}

} // namespace mpy
