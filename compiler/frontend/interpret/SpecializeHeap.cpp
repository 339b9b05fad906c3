// Arrays and containers in the abstract heap. An array object owns a tensor, or is a view: base
// plus the bounds of the moment it was made. Reading a view reads its base again; writing to it
// writes through:
//
//   row = A[1]; row += 1     =>   part = slice A; new = part + 1; A = update_slice new into A
#include "frontend/containers/RunTimeLists.h"
#include "frontend/functions/LeafMapper.h"
#include "frontend/paths/UnrollBudget.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;

namespace mpy {

mlir::RankedTensorType Specializer::tensorType(DType dtype, llvm::ArrayRef<IntExpr> shape) {
  llvm::SmallVector<int64_t> sizes;
  for (auto &extent : shape)
    sizes.push_back(extent.known().value_or(ShapedType::kDynamic));
  return RankedTensorType::get(sizes, typeOf(dtype, context()));
}

llvm::SmallVector<mlir::Value> Specializer::dynamicSizes(llvm::ArrayRef<IntExpr> shape) {
  llvm::SmallVector<mlir::Value> sizes;
  for (auto &extent : shape)
    if (!extent.known())
      sizes.push_back(index(extent));
  return sizes;
}

mlir::Value Specializer::castTensor(mlir::Value tensor, mlir::Type type) {
  return tensor.getType() == type ? tensor : create<tensor::CastOp>(type, tensor).getResult();
}

Value Specializer::newArray(ArrayValue array) {
  ArrayState state{array.dtype, std::move(array.shape), array.tensor, {}, {}, true, {}, false, {}};
  state.tensor = castTensor(state.tensor, tensorType(state.dtype, state.shape));
  return ObjectRef{heap.add(std::move(state))};
}

Value Specializer::newView(ObjectId base, ViewStep step, std::vector<IntExpr> shape,
                           bool contiguous) {
  const ArrayState &of = *heap.get<ArrayState>(base);
  ArrayState state{of.dtype,
                   std::move(shape),
                   {},
                   base,
                   std::make_shared<const ViewStep>(std::move(step)),
                   contiguous,
                   of.maybeAliases,
                   of.stale,
                   {}};
  return ObjectRef{heap.add(std::move(state))};
}

void Specializer::checkUsable(ObjectId id) {
  if (auto *broken = heap.get<BrokenState>(id)) {
    if (readAgain(*this, id))
      return;
    broken = heap.get<BrokenState>(id);
    Diagnostic error = *broken->error;
    error.span = span;
    diagnostics.report(error);
    throw Abort();
  }
}

std::optional<ObjectId> Specializer::arrayObject(const Value &value) {
  auto *ref = value.get<ObjectRef>();
  if (ref && heap.get<BrokenState>(ref->id))
    readAgain(*this, ref->id);
  if (ref && heap.get<ArrayState>(ref->id))
    return ref->id;
  return std::nullopt;
}

ArrayValue Specializer::read(ObjectId id) {
  checkUsable(id);
  if (heap.get<ArrayState>(id)->stale)
    readAgain(*this, id);
  const ArrayState &array = *heap.get<ArrayState>(id);
  if (array.stale)
    fail(ErrorId::StaleAlias, {},
         {.found = "an array that may share memory with one that was changed since",
          .help = "copy it when it is bound: x = y.copy()"});
  if (!array.base)
    return {array.dtype, array.shape, array.tensor};
  ArrayValue base = read(*array.base);
  mlir::Value tensor = applyView(*this, base, *array.step, array.shape);
  return {array.dtype, array.shape, tensor};
}

bool isReadOnlyView(const Heap &heap, ObjectId id) {
  const ArrayState *array = heap.get<ArrayState>(id);
  while (array->base && !array->step->isReadOnly)
    array = heap.get<ArrayState>(*array->base);
  return array->base.has_value();
}

void Specializer::write(ObjectId id, mlir::Value tensor, llvm::StringRef refusal) {
  checkUsable(id);
  if (isReadOnlyView(heap, id)) {
    raiseHere("ValueError", refusal);
    return;
  }
  beginChange(*this, memoryOwner(heap, id));
  const ArrayState array = *heap.get<ArrayState>(id);
  if (llvm::is_contained(array.maybeAliases, id))
    refuseChange(*this);
  if (!array.maybeAliases.empty())
    fail(ErrorId::AmbiguousMutation, {},
         {.found = "an array that is one of several, by run-time data",
          .help = "copy it first: x = x.copy()"});
  if (array.base) {
    ObjectId base = *array.base;
    auto step = array.step;
    write(base, updateView(*this, read(base).tensor, tensor, *step));
    return;
  }
  ArrayState changed = array;
  changed.tensor = castTensor(tensor, tensorType(array.dtype, array.shape));
  change(id, std::move(changed));
  // Whoever may share this memory by run-time data no longer knows its content.
  for (ObjectId other = 0; other < heap.size(); ++other) {
    auto *state = heap.get<ArrayState>(other);
    if (!state || state->stale || !llvm::is_contained(state->maybeAliases, id))
      continue;
    // What a path left behind that has ended is out of everyone's reach.
    const ArrayState *owner = state;
    while (owner && owner->base)
      owner = heap.get<ArrayState>(*owner->base);
    if (!owner || !owner->tensor || !isAvailable(owner->tensor))
      continue;
    ArrayState stale = *state;
    stale.stale = true;
    heap.set(other, std::move(stale));
  }
}

std::vector<bool> Specializer::reachableObjects() {
  std::vector<bool> seen(heap.size());
  std::vector<ObjectId> work;
  LeafMapper visit;
  visit.object = [&](ObjectId id) {
    if (!seen[id]) {
      seen[id] = true;
      work.push_back(id);
    }
    return id;
  };
  for (Frame *frame : frames) {
    for (auto &local : frame->locals)
      visit.map(local.second);
    for (auto &cell : frame->cells)
      visit.object(cell.second);
    visit.object(frame->globals);
  }
  for (const Value &value : walkedValues)
    visit.map(value);
  for (auto &module : modules)
    visit.object(module.second);
  while (!work.empty()) {
    ObjectId id = work.back();
    work.pop_back();
    if (!heap.pointer(id))
      continue;
    visit.map(heap.at(id));
    if (SharedPlace place = placeOf(heap.at(id)); place && place->view)
      visit.object(place->view->list);
    if (auto *names = heap.get<NamespaceState>(id))
      for (auto &cell : names->cells)
        visit.object(cell.second);
    if (auto *instance = heap.get<InstanceState>(id))
      visit.object(instance->cls);
    if (auto *cls = heap.get<ClassState>(id))
      for (ObjectId base : cls->resolution)
        visit.object(base);
  }
  return seen;
}

void Specializer::forgetUnreachable(size_t from) {
  std::vector<bool> isReachable = reachableObjects();
  for (ObjectId id = from; id < heap.size(); ++id)
    if (!isReachable[id])
      heap.setPointer(id, nullptr);
}

bool Specializer::isHeld(ObjectId id) {
  for (size_t i = 0; i < frames.size(); ++i) {
    ObjectId end = i + 1 < frames.size() ? frames[i + 1]->firstObject : heap.size();
    if (id >= frames[i]->firstOfStatement && id < end)
      return true;
  }
  return false;
}

Value Specializer::newList(ValueList items) {
  return ObjectRef{heap.add(ListState{std::move(items)})};
}

void Specializer::countCopies(size_t items) {
  unrolled += items / 64;
  unrollBudget(*this).countCopies(items);
  if (unrolled > maximumUnrolled)
    fail(ErrorId::UnrollsTooFar, {"this sequence"}, {.help = "use an array"});
}

Value Specializer::newTuple(ValueList items) {
  return std::make_shared<const TupleValue>(TupleValue{std::move(items), {}});
}

/// Who walks a dict must know which keys it has; a key that some paths alone set cannot be walked
/// past.
static const DictState &withCertainKeys(Specializer &s, const DictState &dict) {
  for (auto &entry : dict.entries)
    if (auto *optional = entry.second.as<OptionalValue>(); optional && !optional->orNone)
      s.fail(ErrorId::UnknownLength,
             {"a dict whose key " + s.repr(entry.first).known + " is set on some paths only"},
             {.help = "set the key before the loop or branch; reading one key, 'in' and get() work "
                      "as it is"});
  return dict;
}

std::optional<ValueList> Specializer::knownItems(const Value &value) {
  if (dead)
    return ValueList{};
  if (auto *tuple = value.as<TupleValue>())
    return tuple->items;
  if (auto *list = object<ListState>(value))
    return list->items;
  if (auto items = askClass(value, "_walked"))
    return knownItems(*items);
  if (auto *dict = object<DictState>(value)) {
    ValueList keys;
    for (auto &entry : withCertainKeys(*this, *dict).entries)
      keys.push_back(entry.first);
    return keys;
  }
  if (auto *text = value.get<Text>(); text && !text->value) {
    ValueList characters;
    for (size_t i = 0; i < text->known.size();) {
      size_t length = 1;
      while (i + length < text->known.size() && (text->known[i + length] & 0xC0) == 0x80)
        ++length;
      characters.push_back(makeText(text->known.substr(i, length)));
      i += length;
    }
    return characters;
  }
  if (auto *range = value.as<RangeValue>()) {
    auto start = range->start.known(), stop = range->stop.known(), step = range->step.known();
    if (!start || !stop || !step || *step == 0)
      return std::nullopt;
    int64_t count =
        *step > 0 ? (*stop - *start + *step - 1) / *step : (*start - *stop - *step - 1) / -*step;
    if (count > int64_t(maximumUnrolled))
      return std::nullopt;
    ValueList items;
    for (int64_t i = 0; i < count; ++i)
      items.push_back(makeInt(IntExpr(*start + i * *step)));
    return items;
  }
  if (auto id = arrayObject(value)) {
    auto *array = heap.get<ArrayState>(*id);
    if (array->shape.empty() || !array->shape[0].known() || *array->shape[0].known() > 4096)
      return std::nullopt;
    ValueList items;
    for (int64_t i = 0; i < *array->shape[0].known(); ++i)
      items.push_back(arraySubscript(*this, *id, makeInt(IntExpr(i))));
    return items;
  }
  // What is shared, or has effects between its items, is walked by who wants them.
  using Kind = IterableValue::Kind;
  auto *given = value.as<IterableValue>();
  if (!given || given->kind == Kind::Generator || given->kind == Kind::Map ||
      given->kind == Kind::Filter)
    return std::nullopt;
  auto plain = unshared(value);
  if (plain && !plain->as<IterableValue>())
    return knownItems(*plain);
  auto *iterable = plain ? plain->as<IterableValue>() : nullptr;
  if (!iterable)
    return std::nullopt;
  if (iterable->kind == Kind::Keys || iterable->kind == Kind::Values ||
      iterable->kind == Kind::Items) {
    ValueList items;
    for (auto &entry : withCertainKeys(*this, *object<DictState>(iterable->parts[0])).entries)
      items.push_back(iterable->kind == Kind::Keys     ? entry.first
                      : iterable->kind == Kind::Values ? entry.second
                                                       : newTuple({entry.first, entry.second}));
    return items;
  }
  std::vector<ValueList> parts;
  for (const Value &part : iterable->parts) {
    auto known = knownItems(part);
    if (!known)
      return std::nullopt;
    parts.push_back(std::move(*known));
  }
  ValueList items;
  if (iterable->kind == Kind::Reversed)
    return ValueList(parts[0].rbegin(), parts[0].rend());
  if (iterable->kind == Kind::Enumerate) {
    for (size_t i = 0; i < parts[0].size(); ++i)
      items.push_back(newTuple({makeInt(iterable->start + IntExpr(int64_t(i))), parts[0][i]}));
    return items;
  }
  size_t length = parts.empty() ? 0 : parts[0].size();
  for (auto &part : parts)
    length = std::min(length, part.size());
  for (size_t i = 0; i < length; ++i) {
    ValueList row;
    for (auto &part : parts)
      row.push_back(part[i]);
    items.push_back(newTuple(std::move(row)));
  }
  return items;
}

} // namespace mpy
