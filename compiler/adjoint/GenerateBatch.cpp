// A function of one example -> the same function of all examples, along a new first dimension.
//
//   func @f(%i: index, %x) -> f64              func @f_batched(%count, %x) -> tensor<?xf64>
//     %row = mpy.slice %x[%i, 0] ..       =>     %0 = mpy.slice %x[0, 0] ..
//     %0 = mpy.sin %row                          %1 = mpy.sin %0
//     %1 = mpy.sum %0 over [0]                   %2 = mpy.sum %1 over [1]
//
// What does not depend on the example is computed once. An operation without a rule runs in a loop
// over the examples, and so do branches and loops whose ways differ. Where an effect, a call or an
// extent depends on the example, the whole function is called in a loop.
#include "adjoint/GenerateBatch.h"

#include "adjoint/Batch.h"

using namespace mlir;
using namespace mpy;

//===------------------------------------------------------------------------------------------===//
// Values
//===------------------------------------------------------------------------------------------===//
static bool isTape(Value value) { return isa<TapeType>(value.getType()); }

OpFoldResult Batch::number() const {
  if (std::optional<int64_t> known = getConstantIntValue(count))
    return OpFoldResult(builder.getIndexAttr(*known));
  return count;
}

RankedTensorType Batch::stackedType(Type type) const {
  Type element = getElementTypeOrSelf(type);
  if (element.isIndex())
    element = builder.getI64Type();
  SmallVector<int64_t> shape{getConstantIntValue(count).value_or(ShapedType::kDynamic)};
  if (auto tensor = dyn_cast<RankedTensorType>(type))
    llvm::append_range(shape, tensor.getShape());
  return RankedTensorType::get(shape, element);
}

Value Batch::materialize(OpFoldResult extent) {
  if (auto value = dyn_cast<Value>(extent))
    return value;
  return arith::ConstantIndexOp::create(builder, location, *getConstantIntValue(extent));
}

Value Batch::integer(Value index) {
  if (!index.getType().isIndex())
    return index;
  return arith::IndexCastOp::create(builder, location, builder.getI64Type(), index);
}

Extents Batch::extentsOf(Value original) {
  Extents extents;
  auto type = dyn_cast<RankedTensorType>(original.getType());
  for (int64_t dimension = 0; type && dimension < type.getRank(); ++dimension) {
    if (!type.isDynamicDim(dimension)) {
      extents.push_back(builder.getIndexAttr(type.getDimSize(dimension)));
      continue;
    }
    Value known = findExtent(original, dimension);
    if (known && !isVaried(known) && plain.contains(known))
      extents.push_back(shared(known));
    else if (isVaried(original))
      extents.push_back(
          tensor::DimOp::create(builder, location, all.lookup(original), dimension + 1)
              .getResult());
    else
      extents.push_back(
          tensor::DimOp::create(builder, location, shared(original), dimension).getResult());
  }
  return extents;
}

Extents Batch::stackedExtents(Value original) {
  Extents extents = extentsOf(original);
  extents.insert(extents.begin(), number());
  return extents;
}

static std::pair<RankedTensorType, SmallVector<Value>> typed(Type element,
                                                             ArrayRef<OpFoldResult> extents) {
  SmallVector<int64_t> shape;
  SmallVector<Value> sizes;
  for (OpFoldResult extent : extents) {
    shape.push_back(getConstantIntValue(extent).value_or(ShapedType::kDynamic));
    if (ShapedType::isDynamic(shape.back()))
      sizes.push_back(cast<Value>(extent));
  }
  return {RankedTensorType::get(shape, element), sizes};
}

Value Batch::reshape(Value x, ArrayRef<OpFoldResult> extents) {
  auto [type, sizes] = typed(getElementTypeOrSelf(x), extents);
  return x.getType() == type && type.hasStaticShape()
             ? x
             : ReshapeOp::create(builder, location, type, x, sizes);
}

Value Batch::broadcast(Value x, ArrayRef<OpFoldResult> extents) {
  auto [type, sizes] = typed(getElementTypeOrSelf(x), extents);
  return x.getType() == type && type.hasStaticShape()
             ? x
             : BroadcastOp::create(builder, location, type, x, sizes);
}

Value Batch::transpose(Value x, ArrayRef<int64_t> permutation) {
  return TransposeOp::create(builder, location, x, permutation);
}

Value Batch::slice(Value x, ArrayRef<OpFoldResult> offsets, ArrayRef<OpFoldResult> sizes,
                   ArrayRef<OpFoldResult> strides, ArrayRef<int64_t> dropped) {
  auto values = [&](ArrayRef<OpFoldResult> given) {
    return llvm::map_to_vector(given, [&](OpFoldResult one) { return materialize(one); });
  };
  SmallVector<Value> from = values(offsets), extents = values(sizes), steps = values(strides);
  return SliceOp::create(builder, location, slicedType(x, extents, dropped), x, from, extents,
                         steps, dropped);
}

Value Batch::update(Value x, Value value, ArrayRef<OpFoldResult> offsets,
                    ArrayRef<OpFoldResult> sizes, ArrayRef<OpFoldResult> strides,
                    ArrayRef<int64_t> dropped) {
  auto values = [&](ArrayRef<OpFoldResult> given) {
    return llvm::map_to_vector(given, [&](OpFoldResult one) { return materialize(one); });
  };
  SmallVector<Value> from = values(offsets), extents = values(sizes), steps = values(strides);
  if (isa<RankedTensorType>(value.getType()))
    value = fit(value, slicedType(x, extents, dropped));
  return UpdateSliceOp::create(builder, location, x.getType(), x, value, from, extents, steps,
                               dropped);
}

OpFoldResult Batch::product(OpFoldResult x, OpFoldResult y) {
  std::optional<int64_t> left = getConstantIntValue(x), right = getConstantIntValue(y);
  if (left && right)
    return builder.getIndexAttr(*left * *right);
  if (left == 1)
    return y;
  if (right == 1)
    return x;
  return arith::MulIOp::create(builder, location, materialize(x), materialize(y)).getResult();
}

Value Batch::numbers(ArrayRef<OpFoldResult> extents) {
  auto [type, sizes] = typed(builder.getI64Type(), {number()});
  Value line = IotaOp::create(builder, location, type, sizes);
  Extents column(extents.size(), builder.getIndexAttr(1));
  column[0] = number();
  return extents.size() == 1 ? line : broadcast(reshape(line, column), extents);
}

Value Batch::fit(Value value, Type type) {
  return value.getType() == type
             ? value
             : tensor::CastOp::create(builder, location, type, value).getResult();
}

void Batch::set(Value original, Value stacked) {
  all[original] = fit(stacked, stackedType(original.getType()));
}

Multiple Batch::multipleOf(Value original) {
  auto known = multiples.find(original);
  return known == multiples.end() ? Multiple{stacked(original), Value()} : known->second;
}

Value Batch::stacked(Value original) {
  if (Value known = all.lookup(original))
    return known;
  if (isVaried(original)) {
    if (!isNumber(original))
      llvm::report_fatal_error("a value of each example was not written");
    Value numbers = this->numbers({number()});
    return fit(numbers, stackedType(original.getType()));
  }
  return fit(broadcast(integer(shared(original)), stackedExtents(original)),
             stackedType(original.getType()));
}

Value Batch::spread(Value original, ArrayRef<OpFoldResult> extents) {
  Value value = stacked(original);
  if (extents.size() == 1)
    return value;
  Extents column(extents.size(), builder.getIndexAttr(1));
  column[0] = number();
  return broadcast(reshape(value, column), extents);
}

Value Batch::element(Value original, Value like) {
  bool isScalar = !isa<RankedTensorType>(original.getType());
  if (isScalar && !isVaried(original))
    return integer(shared(original));
  if (!isScalar || !isa<RankedTensorType>(like.getType()))
    return stacked(original);
  // Of the shape of the operands that are arrays.
  Value array = like;
  if (Operation *op = like.getDefiningOp())
    for (Value operand : op->getOperands())
      if (isa<RankedTensorType>(operand.getType()))
        array = operand;
  return spread(original, stackedExtents(array));
}

Value Batch::again(Operation *op, ValueRange operands, Type type) {
  Operation *copy = op->clone();
  copy->setOperands(operands);
  copy->getResult(0).setType(type);
  builder.insert(copy);
  return copy->getResult(0);
}

//===------------------------------------------------------------------------------------------===//
// Control flow and tapes
//===------------------------------------------------------------------------------------------===//
/// What takes a slot of a region: stacked where any value there is.
Value Batch::passed(Value original, Value slot) {
  return isVaried(slot) && !isTape(slot) ? stacked(original) : shared(original);
}

Type Batch::passedType(Value slot) {
  return isVaried(slot) && !isTape(slot) ? Type(stackedType(slot.getType())) : slot.getType();
}

void Batch::receive(ValueRange slots, ValueRange values) {
  for (auto [slot, value] : llvm::zip(slots, values))
    if (isVaried(slot) && !isTape(slot))
      all[slot] = value;
    else
      plain.map(slot, value);
}

void Batch::writeBranches(scf::IfOp branch) {
  SmallVector<Type> types;
  for (Value result : branch.getResults())
    types.push_back(passedType(result));
  bool hasElse = !branch.getElseRegion().empty();
  auto copy = scf::IfOp::create(builder, location, types, shared(branch.getCondition()),
                                /*addThenBlock=*/true, hasElse);
  copy->setDiscardableAttrs(branch->getDiscardableAttrDictionary());
  for (auto [from, to] : llvm::zip(branch->getRegions(), copy->getRegions())) {
    if (from.empty())
      continue;
    OpBuilder::InsertionGuard guard(builder);
    Block &block = to.front();
    block.clear();
    builder.setInsertionPointToEnd(&block);
    write(from.front());
    SmallVector<Value> yielded;
    for (auto [value, result] :
         llvm::zip(from.front().getTerminator()->getOperands(), branch.getResults()))
      yielded.push_back(passed(value, result));
    scf::YieldOp::create(builder, location, yielded);
  }
  receive(branch.getResults(), copy.getResults());
}

void Batch::writeLoop(scf::ForOp loop) {
  SmallVector<Value> inits;
  for (auto [initial, argument] : llvm::zip(loop.getInitArgs(), loop.getRegionIterArgs()))
    inits.push_back(passed(initial, argument));
  auto copy = scf::ForOp::create(builder, location, shared(loop.getLowerBound()),
                                 shared(loop.getUpperBound()), shared(loop.getStep()), inits);
  copy->setDiscardableAttrs(loop->getDiscardableAttrDictionary());
  OpBuilder::InsertionGuard guard(builder);
  copy.getBody()->clear();
  builder.setInsertionPointToEnd(copy.getBody());
  plain.map(loop.getInductionVar(), copy.getInductionVar());
  receive(loop.getRegionIterArgs(), copy.getRegionIterArgs());
  write(*loop.getBody());
  SmallVector<Value> yielded;
  for (auto [value, argument] : llvm::zip(loop.getYieldedValues(), loop.getRegionIterArgs()))
    yielded.push_back(passed(value, argument));
  scf::YieldOp::create(builder, location, yielded);
  receive(loop.getResults(), copy.getResults());
}

void Batch::writeLoop(scf::WhileOp loop) {
  SmallVector<Value> inits;
  for (auto [initial, argument] : llvm::zip(loop.getInits(), loop.getBeforeArguments()))
    inits.push_back(passed(initial, argument));
  SmallVector<Type> types;
  for (Value result : loop.getResults())
    types.push_back(passedType(result));
  auto copy = scf::WhileOp::create(builder, location, types, inits);
  copy->setDiscardableAttrs(loop->getDiscardableAttrDictionary());
  OpBuilder::InsertionGuard guard(builder);
  SmallVector<Location> places(inits.size(), location);
  Block *before = builder.createBlock(&copy.getBefore(), {}, ValueRange(inits).getTypes(), places);
  receive(loop.getBeforeArguments(), before->getArguments());
  write(*loop.getBeforeBody());
  SmallVector<Value> given;
  for (auto [value, result] : llvm::zip(loop.getConditionOp().getArgs(), loop.getResults()))
    given.push_back(passed(value, result));
  scf::ConditionOp::create(builder, location, shared(loop.getConditionOp().getCondition()), given);
  places.assign(types.size(), location);
  Block *after = builder.createBlock(&copy.getAfter(), {}, types, places);
  receive(loop.getAfterArguments(), after->getArguments());
  write(*loop.getAfterBody());
  SmallVector<Value> yielded;
  for (auto [value, argument] :
       llvm::zip(loop.getYieldOp().getOperands(), loop.getBeforeArguments()))
    yielded.push_back(passed(value, argument));
  scf::YieldOp::create(builder, location, yielded);
  receive(loop.getResults(), copy.getResults());
}

/// A tape of a value of each example keeps all floats so, and everything else once.
void Batch::writeTape(Operation *op) {
  auto isForEach = [&](Value value) {
    return isa<FloatType>(getElementTypeOrSelf(value.getType()));
  };
  if (auto push = dyn_cast<PushOp>(op)) {
    SmallVector<Value> values;
    for (Value value : push.getValues())
      values.push_back(isForEach(value) ? stacked(value) : shared(value));
    plain.map(push.getResult(),
              PushOp::create(builder, location, shared(push.getTape()), values).getResult());
    return;
  }
  auto pop = cast<PopOp>(op);
  SmallVector<Type> types{pop.getRest().getType()};
  for (Value value : pop.getValues())
    types.push_back(isForEach(value) ? stackedType(value.getType()) : value.getType());
  auto copy = PopOp::create(builder, location, types, shared(pop.getTape()));
  receive(pop->getResults(), copy->getResults());
}

//===------------------------------------------------------------------------------------------===//
// The function
//===------------------------------------------------------------------------------------------===//
void Batch::write(Operation *op) {
  location = op->getLoc();
  if (!varied.reads(op)) {
    builder.clone(*op, plain);
    return;
  }
  if (varied.isDivided(op))
    return writeEach(op);
  llvm::TypeSwitch<Operation *>(op)
      .Case([&](scf::IfOp branch) { writeBranches(branch); })
      .Case<scf::ForOp, scf::WhileOp>([&](auto loop) { writeLoop(loop); })
      .Case<PushOp, PopOp>([&](auto) { writeTape(op); })
      .Case<TapeNewOp, TapeFreeOp>([&](auto) { builder.clone(*op, plain); })
      .Case([&](NormalizeIndexOp check) {
        // The largest number of an example stands for all.
        Value one = arith::ConstantIndexOp::create(builder, location, 1);
        Value last = arith::SubIOp::create(builder, location, count, one);
        if (!check.getIndex().getType().isIndex())
          last = integer(last);
        NormalizeIndexOp::create(builder, location, last, shared(check.getExtent()),
                                 check.getAxis());
      })
      .Case([&](tensor::DimOp dim) {
        std::optional<int64_t> dimension = dim.getConstantIndex();
        Value extent = materialize(extentsOf(dim.getSource())[*dimension]);
        plain.map(dim.getResult(), extent);
      })
      .Default([&](Operation *) {
        if (!hasBatchRule(varied, op) || failed(applyBatchRule(*this, op)))
          writeEach(op);
      });
}

void Batch::write(Block &block) {
  for (Operation &op : block.without_terminator())
    write(&op);
}

void mpy::generateBatch(func::FuncOp function, func::FuncOp batched) {
  Block *entry = batched.addEntryBlock();
  OpBuilder builder = OpBuilder::atBlockEnd(entry);
  VariedValues varied(function);
  if (!varied.canStack(function.getBody().front()))
    return generateExampleLoop(function, batched, builder);
  Value count = entry->getArgument(0);
  // Where the types know the number of examples, so do the operations.
  for (Type type : batched.getResultTypes())
    if (auto tensor = cast<RankedTensorType>(type); !tensor.isDynamicDim(0))
      count = arith::ConstantIndexOp::create(builder, function.getLoc(), tensor.getDimSize(0));
  Batch batch(varied, builder, count);
  Block &body = function.getBody().front();
  for (auto [argument, given] :
       llvm::zip(body.getArguments().drop_front(), entry->getArguments().drop_front()))
    batch.plain.map(argument, given);
  batch.write(body);
  SmallVector<Value> results;
  for (auto [value, type] :
       llvm::zip(body.getTerminator()->getOperands(), batched.getResultTypes()))
    results.push_back(batch.fit(batch.stacked(value), type));
  func::ReturnOp::create(builder, function.getLoc(), results);
}
