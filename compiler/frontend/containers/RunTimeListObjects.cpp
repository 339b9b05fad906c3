// Lists of run-time length as objects of the program: who may change them and what they hold,
// positions, and Python's operations on them.
#include "frontend/arrays/ArrayOperands.h"
#include "frontend/containers/RunTimeLists.h"
#include "frontend/functions/LeafMapper.h"
#include "frontend/interpret/Equality.h"
#include "frontend/interpret/MixedNumbers.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;

namespace mpy {

using Kind = ResultPattern::Kind;

const RunTimeListState *runTimeListOf(Specializer &s, const Value &value) {
  return s.object<RunTimeListState>(value);
}

bool isRunTimeTuple(Specializer &s, const Value &value) {
  auto *list = runTimeListOf(s, value);
  return list && list->isTuple;
}

Value asTuple(Specializer &s, const Value &list) {
  if (auto *known = s.object<ListState>(list))
    return s.newTuple(ValueList(known->items));
  RunTimeListState state = *runTimeListOf(s, list);
  state.isTuple = true;
  s.heap.set(list.get<ObjectRef>()->id, std::move(state));
  return list;
}

Value displayOf(Specializer &s, const std::vector<DisplayPart> &parts) {
  std::string name = "%display" + std::to_string(s.frame().locals.size());
  s.frame().locals[name] = s.newList({});
  for (auto &[value, isStarred] : parts) {
    Value &list = s.frame().locals[name];
    auto *known = s.object<ListState>(list);
    if (!isStarred)
      s.appendTo(list, value);
    else if (known && known->items.empty())
      list = s.call(findBuiltin("list"), CallArguments{{value}, {}, s.span});
    else
      s.call(findBuiltin("list.extend"), CallArguments{{list, value}, {}, s.span});
  }
  Value list = s.frame().locals[name];
  s.frame().locals.erase(name);
  return list;
}

void failForItems(Specializer &s, const CannotCross &refused) {
  s.fail(ErrorId::ItemsDiffer, {},
         {.found = refused.what,
          .help = "give all items one type, or make the length of the list known: a loop over a "
                  "known range"});
}

RunTimeListState asRunTimeList(Specializer &s, const Value &list) {
  if (auto *counted = runTimeListOf(s, list))
    return *counted;
  ObjectState state = s.heap.at(list.get<ObjectRef>()->id);
  return orItemsDiffer(s, [&] {
    auto item = describeItems(s, state);
    if (!item)
      throw CannotCross{"an empty list"};
    return runTimeList(s, state, *item);
  });
}

/// Whether a list that also has this item holds objects that can be items of one of run-time
/// length.
static bool holdsAlikeObjects(Specializer &s, ListState list, const Value &item) {
  list.items.push_back(item);
  if (llvm::any_of(ValueList(list.items),
                   [](const Value &one) { return one.get<ObjectRef>() == nullptr; }))
    return false;
  try {
    auto pattern = describeItems(s, list);
    return pattern && holdsObjects(*pattern);
  } catch (const CannotCross &) {
    return false;
  }
}

bool countForItem(Specializer &s, ObjectId list, const Value &item) {
  // One that is to be read again makes its list one of run-time length.
  makeUsable(s, item);
  if (s.heap.get<RunTimeListState>(list))
    return true;
  auto *ref = item.get<ObjectRef>();
  SharedPlace place = ref ? placeOf(s.heap, ref->id) : nullptr;
  bool isHere = place && place->view && place->view->list == list;
  if (!holdsAlikeObjects(s, *s.heap.get<ListState>(list), item) ||
      !(isHere || areOwnable(s, item, nullptr, std::nullopt)))
    return false;
  Heap before = s.heap;
  if (countItems(s, list))
    return true;
  s.heap = std::move(before);
  return false;
}

void makeRunTimeList(Specializer &s, ObjectId id) {
  if (!s.heap.get<RunTimeListState>(id))
    countItems(s, id);
}

void convertList(Specializer &s, ObjectId id, const ResultPattern *item) {
  ListState known = *s.heap.get<ListState>(id);
  RunTimeListState list =
      item ? runTimeList(s, s.heap.at(id), *item) : asRunTimeList(s, ObjectRef{id});
  bool areObjects = holdsObjects(*list.item);
  list.itemsOf = {id};
  if (areObjects && areOwnable(s, known.items, known.place, std::nullopt))
    list.generation = s.nextNumber();
  else if (areObjects)
    addHolders(list.itemsOf, otherHolders(s, known.items));
  if (areObjects)
    list.innerItemsOf = innerHolders(s, known.items);
  bool isOwn = list.generation != 0;
  s.heap.set(id, std::move(list));
  for (const auto &[position, item] : llvm::enumerate(known.items))
    if (areObjects && isOwn)
      placeItem(s, id, item, IntExpr(int64_t(position)));
    else if (areObjects)
      freeze(s, item, id);
}

IntExpr listLength(Specializer &s, ObjectId id) {
  s.checkUsable(id);
  if (auto *counted = s.heap.get<RunTimeListState>(id))
    return counted->length;
  return IntExpr(int64_t(s.heap.get<ListState>(id)->items.size()));
}

void checkWithText(Specializer &s, mlir::Value condition, llvm::StringRef kind,
                   llvm::function_ref<Text()> message) {
  if (s.isInTry())
    return s.checkInTry(condition, kind, message);
  auto op = s.create<scf::IfOp>(TypeRange(), condition, /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(s.builder);
  s.builder.setInsertionPoint(op.elseBlock()->getTerminator());
  s.create<RaiseOp>(s.builder.getStringAttr(kind), s.ssa(message()), mlir::Value());
}

IntExpr commonExtent(Specializer &s, const ItemColumn &extents, llvm::StringRef words) {
  mlir::Value first = s.create<ExtractOp>(extents.values, mlir::ValueRange(s.index(IntExpr(0))));
  mlir::Value spread =
      s.create<BroadcastOp>(cast<RankedTensorType>(extents.values.getType()), first,
                            mlir::ValueRange(s.create<tensor::DimOp>(extents.values, int64_t(0))));
  mlir::Value same = s.create<CompareOp>(ComparePredicate::eq, extents.values, spread);
  s.check(s.create<AllOp>(same, llvm::ArrayRef<int64_t>{0}), "ValueError", words);
  return symbolExpr(s.create<arith::IndexCastOp>(s.builder.getIndexType(), first), true);
}

IntExpr checkedPosition(Specializer &s, const Value &key, const IntExpr &length,
                        llvm::StringRef message) {
  auto *scalar = key.get<Scalar>();
  if (!scalar || isAlwaysFloat(*scalar)) {
    s.raiseHere("TypeError", message.take_until([](char c) { return c == ' '; }).str() +
                                 " indices must be integers or slices, not " + s.typeName(key));
    throw PathEnds();
  }
  IntExpr position = s.intExpr(*scalar);
  mlir::Value i = s.index(position), n = s.index(length), zero = s.index(IntExpr(0));
  mlir::Value high = s.create<arith::CmpIOp>(arith::CmpIPredicate::slt, i, n);
  if (position.isNonNegative()) {
    s.check(high, "IndexError", message);
    return position;
  }
  mlir::Value negated = s.create<arith::SubIOp>(zero, n);
  mlir::Value low = s.create<arith::CmpIOp>(arith::CmpIPredicate::sge, i, negated);
  s.check(s.create<arith::AndIOp>(low, high), "IndexError", message);
  if (auto known = position.known())
    return length + IntExpr(*known);
  mlir::Value isNegative = s.create<arith::CmpIOp>(arith::CmpIPredicate::slt, i, zero);
  return symbolExpr(s.create<arith::SelectOp>(isNegative, s.create<arith::AddIOp>(i, n), i), true);
}

//===----------------------------------------------------------------------===//
// Subscripts
//===----------------------------------------------------------------------===//

namespace {
struct Span1D {
  IntExpr start, count, step;
};
} // namespace

/// The positions of a slice, clamped as Python does.
static Span1D sliceSpan(Specializer &s, const SliceValue &slice, const IntExpr &length) {
  auto bound = [&](const Value &value) -> std::optional<IntExpr> {
    if (value.isNone())
      return std::nullopt;
    auto *scalar = value.get<Scalar>();
    if (!scalar || isAlwaysFloat(*scalar))
      s.fail(ErrorId::NotAnInteger, {s.describe(value)}, {.expected = "an int"});
    return s.intExpr(*scalar);
  };
  auto step = bound(slice.step);
  auto knownStep = step ? step->known() : std::optional<int64_t>(1);
  if (!knownStep)
    s.fail(ErrorId::RunTimeIndex, {"a slice of a list with a step that is known at run time only"},
           {.help = "loop over positions"});
  if (*knownStep == 0) {
    s.raiseHere("ValueError", "slice step cannot be zero");
    throw PathEnds();
  }
  bool forward = *knownStep > 0;
  auto clamp = [&](const IntExpr &value, const IntExpr &low, const IntExpr &high) {
    IntExpr wrapped = value;
    if (auto known = value.known(); known && *known < 0) {
      wrapped = length + value;
    } else if (!value.isNonNegative() && !known) {
      mlir::Value i = s.index(value), zero = s.index(IntExpr(0));
      mlir::Value isNegative = s.create<arith::CmpIOp>(arith::CmpIPredicate::slt, i, zero);
      wrapped = symbolExpr(
          s.create<arith::SelectOp>(isNegative, s.create<arith::AddIOp>(i, s.index(length)), i));
    }
    return maximum(low, minimum(wrapped, high));
  };
  auto start = bound(slice.start), stop = bound(slice.stop);
  IntExpr last = length - IntExpr(1);
  IntExpr from = forward ? (start ? clamp(*start, IntExpr(0), length) : IntExpr(0))
                         : (start ? clamp(*start, IntExpr(-1), last) : last);
  IntExpr to = forward ? (stop ? clamp(*stop, IntExpr(0), length) : length)
                       : (stop ? clamp(*stop, IntExpr(-1), last) : IntExpr(-1));
  int64_t size = std::abs(*knownStep);
  IntExpr distance = forward ? to - from : from - to;
  IntExpr count = maximum(
      IntExpr(0), size == 1 ? distance : floorDivide(distance + IntExpr(size - 1), IntExpr(size)));
  // Nothing is read where nothing is selected.
  return {s.compact(maximum(from, IntExpr(0))), s.compact(count), IntExpr(*knownStep)};
}

Value runTimeListSubscript(Specializer &s, const Value &value, const Value &key) {
  RunTimeListState list = *runTimeListOf(s, value);
  if (auto *slice = key.as<SliceValue>()) {
    Span1D span = sliceSpan(s, *slice, list.length);
    RunTimeListState part = selectItems(s, list, span.start, span.count, span.step);
    part.isItem = false;
    part.sharesWith.clear();
    return ObjectRef{s.heap.add(std::move(part))};
  }
  IntExpr position = checkedPosition(
      s, key, list.length, list.isTuple ? "tuple index out of range" : "list index out of range");
  return itemAt(s, value.get<ObjectRef>()->id, position, s.intExpr(*key.get<Scalar>()));
}

/// What a value gives when it is walked is held by a list, at positions that are not known.
static void holdEach(Specializer &s, ObjectId list, const Value &items) {
  if (auto known = s.object<ListState>(items))
    for (const Value &item : ValueList(known->items))
      holdItem(s, list, item, std::nullopt);
}

/// The items from `start` up to `end` are replaced; by nothing where nothing is given.
static void replaceItems(Specializer &s, ObjectId id, const IntExpr &start, const IntExpr &end,
                         const std::optional<Value> &items) {
  RunTimeListState list = *s.heap.get<RunTimeListState>(id);
  Value given;
  RunTimeListState result = orItemsDiffer(s, [&] {
    RunTimeListState before = firstItems(s, list, start);
    if (items) {
      given = s.call(findBuiltin("list"), CallArguments{{*items}, {}, s.span});
      const ObjectState &state = s.heap.at(given.get<ObjectRef>()->id);
      auto structure = describeItems(s, state);
      before = concatenate(s, before, runTimeList(s, state, structure ? *structure : *list.item));
    }
    // What is taken from the end costs nothing.
    if (end == list.length)
      return before;
    return concatenate(s, before, selectItems(s, list, end, list.length - end, IntExpr(1)));
  });
  auto *counted = items ? runTimeListOf(s, given) : nullptr;
  bool areApart =
      !counted || (counted->generation && llvm::none_of(counted->itemsOf, [&](ObjectId one) {
                     return llvm::is_contained(list.itemsOf, one);
                   }));
  result.generation = areApart ? list.generation : 0;
  setList(s, id, std::move(result), true);
  if (items)
    holdEach(s, id, given);
}

/// The positions of a slice in rising order.
static Span1D rising(const Span1D &span) {
  int64_t step = *span.step.known();
  if (step > 0)
    return span;
  return {span.start + (span.count - IntExpr(1)) * span.step, span.count, IntExpr(-step)};
}

/// `list[start::step] = items`, step not 1: each item of the slice is replaced by the one given for
/// it.
static void replaceEach(Specializer &s, ObjectId id, const Span1D &slice, const Value &items) {
  RunTimeListState list = *s.heap.get<RunTimeListState>(id);
  Value given = s.call(findBuiltin("list"), CallArguments{{items}, {}, s.span});
  IntExpr size = listLength(s, given.get<ObjectRef>()->id);
  mlir::Value wanted = s.index(slice.count), got = s.index(size);
  s.check(s.create<arith::CmpIOp>(arith::CmpIPredicate::eq, wanted, got), "ValueError",
          "attempt to assign sequence of size {} to extended slice of size {}", {got, wanted});
  const ObjectState &state = s.heap.at(given.get<ObjectRef>()->id);
  auto *known = std::get_if<ListState>(&state);
  if (known && known->items.empty())
    return;
  Span1D span = rising(slice);
  RunTimeListState result = orItemsDiffer(s, [&] {
    RunTimeListState both = concatenate(s, list, runTimeList(s, state, *describeItems(s, state)));
    mlir::Value start = s.index(span.start), step = s.index(span.step), zero = s.index(IntExpr(0));
    return pickItems(s, both, list.length, [&](const IntExpr &position) {
      // Position start + k * step, k < count, comes from what is given.
      mlir::Value at = s.index(position), distance = s.create<arith::SubIOp>(at, start),
                  k = s.create<arith::DivSIOp>(distance, step),
                  rest = s.create<arith::RemSIOp>(distance, step);
      auto holds = [&](arith::CmpIPredicate predicate, mlir::Value a, mlir::Value b) {
        return s.create<arith::CmpIOp>(predicate, a, b).getResult();
      };
      mlir::Value isInside = s.create<arith::AndIOp>(
          holds(arith::CmpIPredicate::sge, distance, zero),
          s.create<arith::AndIOp>(holds(arith::CmpIPredicate::eq, rest, zero),
                                  holds(arith::CmpIPredicate::slt, k, wanted)));
      if (*slice.step.known() < 0)
        k = s.create<arith::SubIOp>(s.index(slice.count - IntExpr(1)), k);
      mlir::Value from = s.create<arith::AddIOp>(s.index(list.length), k);
      return symbolExpr(s.create<arith::SelectOp>(isInside, from, at), true);
    });
  });
  setList(s, id, std::move(result), true);
  holdEach(s, id, given);
}

/// `del list[start::step]`, step not 1.
static void deleteEach(Specializer &s, ObjectId id, const Span1D &slice) {
  RunTimeListState list = *s.heap.get<RunTimeListState>(id);
  Span1D span = rising(slice);
  int64_t kept = *span.step.known() - 1;
  RunTimeListState rest =
      pickItems(s, list, list.length - span.count, [&](const IntExpr &position) {
        // So many of the slice lie before: one, and one more for each `step` - 1 items that
        // are kept between them.
        IntExpr distance = position - span.start;
        mlir::Value isBehind = s.create<arith::CmpIOp>(arith::CmpIPredicate::sge, s.index(distance),
                                                       s.index(IntExpr(0)));
        IntExpr before = span.count;
        if (kept > 0)
          before = minimum(before, floorDivide(distance, IntExpr(kept)) + IntExpr(1));
        mlir::Value skipped =
            s.create<arith::SelectOp>(isBehind, s.index(before), s.index(IntExpr(0)));
        return symbolExpr(s.create<arith::AddIOp>(s.index(position), skipped), true);
      });
  rest.generation = list.generation;
  setList(s, id, std::move(rest), true);
}

/// The part of a list that a slice names is replaced; by nothing for `del`.
static void replaceSlice(Specializer &s, ObjectId id, const SliceValue &slice,
                         const std::optional<Value> &items) {
  Span1D span = sliceSpan(s, slice, listLength(s, id));
  if (!span.step.isKnown(1) && !items)
    return deleteEach(s, id, span);
  if (!span.step.isKnown(1))
    return replaceEach(s, id, span, *items);
  replaceItems(s, id, span.start, span.start + span.count, items);
}

void assignRunTimeList(Specializer &s, const Value &value, const Value &key, const Value &item) {
  ObjectId id = value.get<ObjectRef>()->id;
  if (isRunTimeTuple(s, value)) {
    s.raiseHere("TypeError", "'tuple' object does not support item assignment");
    return;
  }
  beginChange(s, id);
  if (auto *slice = key.as<SliceValue>())
    return replaceSlice(s, id, *slice, item);
  RunTimeListState list = *runTimeListOf(s, value);
  IntExpr position = checkedPosition(s, key, list.length, "list assignment index out of range");
  // `items[i] += ..` puts back what was changed in place.
  IntExpr given = s.intExpr(*key.get<Scalar>());
  if (isItemAt(s, item, id, given))
    return;
  setList(s, id, orItemsDiffer(s, [&] { return replaceItem(s, list, position, item); }), true);
  if (!moveItem(s, id, list, item, given))
    holdItem(s, id, item, position);
}

void deleteFromRunTimeList(Specializer &s, const Value &value, const Value &key) {
  ObjectId id = value.get<ObjectRef>()->id;
  if (isRunTimeTuple(s, value)) {
    s.raiseHere("TypeError", "'tuple' object doesn't support item deletion");
    return;
  }
  beginChange(s, id);
  if (auto *slice = key.as<SliceValue>())
    return replaceSlice(s, id, *slice, std::nullopt);
  IntExpr position =
      checkedPosition(s, key, listLength(s, id), "list assignment index out of range");
  replaceItems(s, id, position, position + IntExpr(1), std::nullopt);
}

//===----------------------------------------------------------------------===//
// Methods
//===----------------------------------------------------------------------===//

void appendItem(Specializer &s, ObjectId id, const Value &item,
                const std::optional<IntExpr> &walked) {
  RunTimeListState list = *s.heap.get<RunTimeListState>(id);
  setList(s, id, orItemsDiffer(s, [&] { return withItem(s, list, item); }), false);
  holdItem(s, id, item, list.length, walked);
}

Value popItem(Specializer &s, ObjectId id, const Value &key) {
  RunTimeListState list = *s.heap.get<RunTimeListState>(id);
  mlir::Value isFull =
      s.create<arith::CmpIOp>(arith::CmpIPredicate::sgt, s.index(list.length), s.index(IntExpr(0)));
  s.check(isFull, "IndexError", "pop from empty list");
  IntExpr position = checkedPosition(s, key, list.length, "pop index out of range");
  Value item = itemAt(s, id, position, position);
  replaceItems(s, id, position, position + IntExpr(1), std::nullopt);
  return released(s, item);
}

static Value insertItem(Specializer &s, ObjectId id, const Value &key, const Value &item) {
  RunTimeListState list = *s.heap.get<RunTimeListState>(id);
  Span1D span = sliceSpan(s, SliceValue{key, NoneValue{}, NoneValue{}}, list.length);
  RunTimeListState result = orItemsDiffer(s, [&] {
    RunTimeListState before = withItem(s, firstItems(s, list, span.start), item);
    return concatenate(s, before,
                       selectItems(s, list, span.start, list.length - span.start, IntExpr(1)));
  });
  result.generation = list.generation;
  setList(s, id, std::move(result), true);
  holdItem(s, id, item, std::nullopt);
  return NoneValue{};
}

static Value extendList(Specializer &s, ObjectId id, const Value &iterable) {
  if (auto *other = runTimeListOf(s, iterable)) {
    RunTimeListState more = *other;
    if (!s.heap.get<RunTimeListState>(id)) // It is empty.
      convertList(s, id, &*more.item);
    RunTimeListState list = *s.heap.get<RunTimeListState>(id);
    setList(s, id, orItemsDiffer(s, [&] { return concatenate(s, list, more); }), false);
    return NoneValue{};
  }
  Value self = ObjectRef{id};
  s.forEachItem(iterable, [&](const Value &item) {
    CallArguments one{{self, item}, {}, s.span};
    findBuiltin("list.append")->call(s, one);
  });
  return NoneValue{};
}

/// What an error says that a value is; an object without a text of its own has an address in
/// Python's.
static Text shownIn(Specializer &s, const Value &value, const char *words) {
  bool hasText = !s.isOfClass(value) || !s.findAttribute(value, "__repr__").isUnbound();
  return s.concat(
      {hasText ? s.repr(value) : s.makeText("<__main__." + s.typeName(value) + " object>"),
       s.makeText(words)});
}

Value searchItem(Specializer &s, const Value &list, const Value &wanted, Search search) {
  bool count = search == Search::Count;
  Locals &locals = s.frame().locals;
  std::string found = "%found" + std::to_string(locals.size()), at = found + "at";
  locals[found] = count ? Value(s.makeInt(IntExpr(0))) : Value(s.makeBool(false));
  locals[at] = s.makeInt(IntExpr(0));
  auto isEqual = [&](const Value &item) { return Value(sameItem(s, item, wanted)); };
  Value pairs = s.call(findBuiltin("enumerate"), CallArguments{{list}, {}, s.span});
  s.forEachItem(pairs, [&](const Value &pair) {
    const ValueList parts = pair.as<TupleValue>()->items;
    if (count) {
      Value same = isEqual(parts[1]);
      Locals &here = s.frame().locals;
      here[found] = s.binary(ast::BinaryOperator::Add, here[found], same);
      return;
    }
    Scalar before = s.truth(s.frame().locals[found]);
    if (before.knownBool == true)
      return;
    // A method of the program is not called behind the first that is equal.
    bool mayCall = !before.knownBool && s.isOfClass(parts[1]);
    Scalar same = s.truth(mayCall ? s.branchValue(
                                        s.ssa(s.negate(before)), [&] { return isEqual(parts[1]); },
                                        [&] { return Value(s.makeBool(false)); })
                                  : isEqual(parts[1]));
    Locals &here = s.frame().locals;
    Value position = parts[0], old = here[at];
    here[at] = before.knownBool
                   ? position
                   : s.branchValue(s.ssa(before), [&] { return old; }, [&] { return position; });
    here[found] = s.scalarBinary(ast::BinaryOperator::BitOr, before, same);
  });
  if (s.dead)
    return NoneValue{};
  Value result = s.frame().locals[count ? found : at];
  Scalar isThere = count ? s.makeBool(true) : s.truth(s.frame().locals[found]);
  s.frame().locals.erase(found);
  s.frame().locals.erase(at);
  if (isThere.knownBool == true)
    return result;
  auto text = [&] {
    return search == Search::Remove ? s.makeText("list.remove(x): x not in list")
           : list.as<TupleValue>() || isRunTimeTuple(s, list)
               ? s.makeText("tuple.index(x): x not in tuple")
               : shownIn(s, wanted, " is not in list");
  };
  if (isThere.knownBool)
    if (Text known = text(); !known.value)
      return s.raiseHere("ValueError", known.known);
  checkWithText(s, s.ssa(isThere), "ValueError", text);
  return result;
}

std::optional<Value> runTimeListMethod(Specializer &s, llvm::StringRef method,
                                       CallArguments &arguments) {
  Value self = arguments.positional[0];
  ObjectId id = self.get<ObjectRef>()->id;
  bool changes = method != "copy" && method != "index" && method != "count" && method != "sorted";
  if (changes)
    beginChange(s, id);
  bool isKnown = !runTimeListOf(s, self);
  auto argument = [&](const char *parameters) { return s.bind(arguments, parameters, method); };
  if ((method == "pop" || method == "insert") && arguments.positional.size() > 1)
    arguments.positional[1] =
        s.present(arguments.positional[1], "the position",
                  Specializer::typeError("'NoneType' object cannot be interpreted as an integer"));
  if (isKnown) {
    // What needs no known position or search stays as it is.
    bool needsPosition = (method == "pop" || method == "insert") &&
                         arguments.positional.size() > 1 && !s.knownInt(arguments.positional[1]) &&
                         arguments.positional[1].get<Scalar>();
    bool needsLength = method == "extend" && arguments.positional.size() == 2 &&
                       !arguments.positional[1].as<IterableValue>() &&
                       !s.isIterator(arguments.positional[1]) &&
                       !s.knownItems(arguments.positional[1]);
    if (needsLength && s.object<ListState>(self)->items.empty()) {
      extendList(s, id, argument("self, iterable")[1]);
      return Value(NoneValue{});
    }
    if (!needsPosition && !needsLength)
      return std::nullopt;
    makeRunTimeList(s, id);
  }
  if (method == "append") {
    appendItem(s, id, argument("self, item?")[1]);
    return Value(NoneValue{});
  }
  if (method == "pop")
    return popItem(s, id, argument("self, index=-1")[1]);
  if (method == "insert") {
    ValueList given = argument("self, index, item?");
    return insertItem(s, id, given[1], given[2]);
  }
  if (method == "extend")
    return extendList(s, id, argument("self, iterable")[1]);
  if (method == "clear") {
    s.change(id, ListState{});
    return Value(NoneValue{});
  }
  if (method == "index" || method == "count")
    return searchItem(s, self, argument("self, value")[1],
                      method == "count" ? Search::Count : Search::Index);
  if (method == "remove") {
    Value position = searchItem(s, self, argument("self, value")[1], Search::Remove);
    popItem(s, id, position);
    return Value(NoneValue{});
  }
  RunTimeListState list = *runTimeListOf(s, self);
  if (method == "reverse") {
    setList(s, id,
            selectItems(s, list, maximum(list.length - IntExpr(1), IntExpr(0)), list.length,
                        IntExpr(-1)),
            true);
    return Value(NoneValue{});
  }
  if (method == "sort" || method == "sorted") {
    ValueList given = argument("self, *, key=None, reverse=False");
    auto reverse = s.knownBool(given[2]);
    if (!reverse)
      s.fail(ErrorId::RunTimeIndex, {"'reverse'"});
    RunTimeListState sorted = sortedItems(s, list, given[1], *reverse);
    sorted.isTuple = false;
    if (method == "sort") {
      setList(s, id, std::move(sorted), true);
      return Value(NoneValue{});
    }
    sorted.isItem = false;
    sorted.sharesWith.clear();
    return Value(ObjectRef{s.heap.add(std::move(sorted))});
  }
  list.isItem = false;
  list.sharesWith.clear();
  return Value(ObjectRef{s.heap.add(std::move(list))}); // copy
}

//===----------------------------------------------------------------------===//
// Arrays
//===----------------------------------------------------------------------===//

/// Rows of numbers, which are lists of run-time length, as an array of rank 2.
static ArrayValue arrayOfRows(Specializer &s, const RunTimeListState &loose) {
  RunTimeListState list = packed(s, loose);
  const ResultPattern &number = list.item->parts[0];
  // The numbers of each row, and all of them one after the other.
  const ItemColumn &sizes = list.columns[0], &numbers = list.columns[1];
  mlir::Value zero = s.index(IntExpr(0)), length = s.index(list.length);
  mlir::Value first = s.create<ExtractOp>(sizes.values, mlir::ValueRange(zero));
  mlir::Value spread =
      s.create<BroadcastOp>(cast<RankedTensorType>(sizes.values.getType()), first, length);
  mlir::Value same = s.create<CompareOp>(ComparePredicate::eq, sizes.values, spread);
  s.check(s.create<AllOp>(same, llvm::ArrayRef<int64_t>{0}), "ValueError",
          "setting an array element with a sequence. The requested array has an inhomogeneous "
          "shape after 1 dimensions. The detected shape was ({},) + inhomogeneous part.",
          {length});
  DType dtype = dtypeOf(number.number);
  IntExpr width = symbolExpr(s.create<arith::IndexCastOp>(s.builder.getIndexType(), first), true);
  if (dtype != DType::Float64)
    s.create<CheckOp>(
        s.create<arith::CmpIOp>(arith::CmpIPredicate::sgt, s.index(width), zero).getResult(),
        "ValueError", "an array of empty lists would be of another type; give floats",
        ValueRange());
  Shape shape{list.length, width};
  return {dtype, shape, reshapeTo(s, numbers.values, dtype, shape)};
}

/// Each item as an array of its own.
static Value arraysOfItems(Specializer &s, const Value &list) {
  std::string name = "%arrays" + std::to_string(s.frame().locals.size());
  s.frame().locals[name] = s.newList({});
  s.forEachItem(list, [&](const Value &item) {
    Value array = s.call(findLibraryFunction("numpy.array"), CallArguments{{item}, {}, s.span});
    Value arrays = s.frame().locals[name];
    s.appendTo(arrays, array);
  });
  Value arrays = s.frame().locals[name];
  s.frame().locals.erase(name);
  return arrays;
}

/// Whether the items are sequences of sequences or of arrays.
static bool isDeep(const ResultPattern &item) {
  bool isSequence =
      item.kind == Kind::RunTimeList || item.kind == Kind::List || item.kind == Kind::Tuple;
  return isSequence && llvm::any_of(item.parts, [](const ResultPattern &part) {
           return part.kind == Kind::RunTimeList || part.kind == Kind::List ||
                  part.kind == Kind::Tuple || part.kind == Kind::Array;
         });
}

ArrayValue arrayOfRunTimeList(Specializer &s, const Value &value, std::optional<DType> wanted) {
  if (isDeep(*runTimeListOf(s, value)->item)) {
    if (s.isInTry())
      s.fail(ErrorId::Unsupported, {"inside 'try', an array of nested lists"},
             {.help = "make it before"});
    Value arrays = arraysOfItems(s, value);
    if (runTimeListOf(s, arrays))
      return arrayOfRunTimeList(s, arrays, wanted);
  }
  RunTimeListState list = *runTimeListOf(s, value);
  auto isFilled = [&] {
    return s.create<arith::CmpIOp>(arith::CmpIPredicate::sgt, s.index(list.length),
                                   s.index(IntExpr(0)));
  };
  const ResultPattern &item = *list.item;
  ArrayValue result;
  if (item.kind == Kind::Number) {
    // Python's floats and NumPy's are elements of one type.
    if (llvm::any_of(kindsIn(item.kinds),
                     [&](ScalarKind kind) { return dtypeOf(kind) != dtypeOf(item.number); }))
      s.fail(ErrorId::DTypeDependsOnPath, {},
             {.help = "convert the numbers with float() before they are put in a list"});
    result = {dtypeOf(item.number), {list.length}, list.columns[0].values};
    // An empty list is an array of floats for NumPy.
    if (result.dtype != DType::Float64 && !wanted)
      s.create<CheckOp>(isFilled(), "ValueError",
                        "an array of an empty list would be of another type; give dtype",
                        ValueRange());
  } else if (item.kind == Kind::Array) {
    s.create<CheckOp>(isFilled(), "ValueError", "an array of an empty list would have another rank",
                      ValueRange());
    Shape shape{list.length};
    bool isUniform = !list.columns.back().ends;
    if (isUniform) {
      for (auto &extent : item.shape)
        shape.push_back(*extent);
      result = {item.dtype, shape, list.columns[0].values};
    } else {
      // All items must have the extents of the first.
      size_t column = 0;
      for (auto &extent : item.shape) {
        if (extent) {
          shape.push_back(*extent);
          continue;
        }
        shape.push_back(
            commonExtent(s, list.columns[column++], "all input arrays must have the same shape"));
      }
      mlir::Value values = list.columns.back().values;
      result = {item.dtype, shape, reshapeTo(s, values, item.dtype, shape)};
    }
  } else if (item.kind == Kind::RunTimeList && item.parts[0].kind == Kind::Number &&
             list.columns.size() == 2) {
    s.create<CheckOp>(isFilled(), "ValueError", "an array of an empty list would have another rank",
                      ValueRange());
    result = arrayOfRows(s, list);
  } else if (item.kind == Kind::Tuple || item.kind == Kind::List) {
    // Rows of numbers of one type.
    ResultPattern first = item.parts.empty() ? ResultPattern() : item.parts[0];
    std::vector<mlir::Value> columns;
    Shape shape{list.length, IntExpr(1)};
    DType dtype = dtypeOf(first.number);
    for (auto &part : item.parts) {
      if (part.kind != Kind::Number || (part.kinds & (part.kinds - 1)))
        s.fail(ErrorId::NotNumeric, {s.describe(value)});
      dtype = promote(dtype, dtypeOf(part.number));
    }
    s.create<CheckOp>(isFilled(), "ValueError", "an array of an empty list would have another rank",
                      ValueRange());
    for (auto [part, column] : llvm::zip(item.parts, list.columns))
      columns.push_back(
          reshapeTo(s, castTo(s, column.values, dtypeOf(part.number), dtype), dtype, shape));
    shape[1] = IntExpr(int64_t(columns.size()));
    result = {dtype, shape,
              s.create<ConcatOp>(s.tensorType(dtype, shape), columns, int64_t(1)).getResult()};
  } else {
    s.fail(ErrorId::NotNumeric, {s.describe(value)});
  }
  return wanted ? castArray(s, result, *wanted) : result;
}

} // namespace mpy
