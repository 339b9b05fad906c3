// Joins the states of two paths, for a branch or for the head of a loop:
//
//   if c: x = 1.0; d['k'] = a     else: x = y; d['k'] = b
//   =>  x: float from 1.0 or %y   d['k']: one array object, its tensor from %a or %b
//
// First the objects that the same name or slot reaches on the two paths are paired, from all names
// at once. A pair (o, o) keeps its identity. A pair of different objects that nothing else reaches
// becomes one object. Where an object is in two pairs, a name may be one of several objects by
// run-time data: an array can then be read, not mutated (ArrayState::maybeAliases). Loops use the
// same rule, so `a, b = b, a` is a permutation of carried tensors. What cannot be joined is an
// error for who reads it, not here: names that nobody reads again need no type.
#include "frontend/paths/Joiner.h"
#include "frontend/containers/RunTimeLists.h"
#include "frontend/interpret/MixedNumbers.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/UB/IR/UBOps.h"
#include <cmath>

using namespace mlir;

namespace mpy {

Joiner::Joiner(Specializer &s, const State &first, const State &second, size_t mark,
               Block *firstEnd, Block *secondEnd, bool isLoop)
    : s(s), first(first), second(second), mark(mark), firstEnd(firstEnd), secondEnd(secondEnd),
      isLoop(isLoop) {}

std::vector<JoinedLeaf> Joiner::collect() {
  building = false;
  listItems.clear();
  refusedLists.clear();
  scratch = s.emitted.newBlockBeside();
  leaves.clear();
  run();
  return leaves;
}

State Joiner::build(ValueRange values) {
  building = true;
  nextLeaf = 0;
  given.assign(values.begin(), values.end());
  return run();
}

State Joiner::run() {
  pairs.clear(), ids.clear(), partnersOfFirst.clear(), partnersOfSecond.clear();
  isWeakened = false;
  views.clear(), generations.clear(), knownItems.clear();
  hasKnownItems = false;
  merged = State();
  if (first.dead && second.dead) {
    merged = first;
    return merged;
  }
  if (first.dead || second.dead)
    return transferred(first.dead ? second : first, second.dead);
  // Objects of the first path, then those the second path made behind them.
  merged.heap = second.heap;
  for (ObjectId id = mark; id < first.heap.size(); ++id)
    merged.heap.setPointer(id, first.heap.pointer(id));
  findPairs();
  chooseIds();
  std::set<std::string> names;
  for (auto &local : first.locals)
    names.insert(local.first);
  for (auto &local : second.locals)
    names.insert(local.first);
  auto find = [](const Locals &locals, const std::string &name) {
    auto it = locals.find(name);
    return it == locals.end() ? Value() : it->second;
  };
  for (auto &name : names) {
    variable = name;
    Value value = joinValue(find(first.locals, name), find(second.locals, name), name);
    if (!value.isUnbound())
      merged.locals[name] = value;
  }
  // Index, not iterator: joining an object never adds pairs, but the list is long lived.
  std::vector<ObjectId> fromKnownLists;
  for (size_t i = 0; i < pairs.size(); ++i) {
    Pair pair = pairs[i];
    variable.clear();
    if (pair.first == pair.second &&
        first.heap.pointer(*pair.first) == second.heap.pointer(*pair.second))
      continue;
    SharedPlace place = joinedPlace(pair);
    if (place && !place->view->known) {
      merged.heap.set(ids.at(pair), toReadAgain(pair, place));
      continue;
    }
    ObjectState state = joinObject(pair);
    addSharing(pair, state);
    joinPlaces(pair, state);
    if (place) {
      setPlace(state, place);
      fromKnownLists.push_back(ids.at(pair));
    }
    merged.heap.set(ids.at(pair), std::move(state));
  }
  // What became another object, or is no longer reached: its state on one path means nothing here.
  for (ObjectId id = 0; id < mark; ++id)
    if (first.heap.pointer(id) != second.heap.pointer(id) && !ids.count({id, id}))
      merged.heap.setPointer(id, nullptr);
  markListItems();
  renewKnownItems(fromKnownLists);
  return merged;
}

//===----------------------------------------------------------------------===//
// Leaves
//===----------------------------------------------------------------------===//

mlir::Value Joiner::onPath(bool isFirst, llvm::function_ref<mlir::Value()> emit) {
  if (building)
    return {};
  OpBuilder::InsertionGuard guard(s.builder);
  Block *end = isFirst ? firstEnd : secondEnd;
  if (end->mightHaveTerminator())
    s.builder.setInsertionPoint(end->getTerminator());
  else
    s.builder.setInsertionPointToEnd(end);
  return emit();
}

mlir::Value Joiner::phi(mlir::Value a, mlir::Value b, mlir::Type type) {
  if (building)
    return given[nextLeaf++];
  leaves.push_back({a, b, type, variable});
  return scratch->addArgument(type, s.loc());
}

IntExpr Joiner::joinExpr(const IntExpr &a, const IntExpr &b) {
  if (a == b && s.isAvailable(a))
    return a;
  mlir::Value x = onPath(true, [&] { return s.index(a); }),
              y = onPath(false, [&] { return s.index(b); });
  return symbolExpr(phi(x, y, s.builder.getIndexType()), a.isNonNegative() && b.isNonNegative());
}

/// What is known of an integer that is one of two. At the head of a loop it must hold again at the
/// end of the body, so little is promised there, and what was promised in vain is taken back.
IntExpr Joiner::joinedSymbol(mlir::Value value, const IntExpr &a, const IntExpr &b) {
  auto step = (b - a).known();
  bool isStep = step && std::abs(*step) < IntExpr::longestStep;
  bool nonNegative = a.isNonNegative() && b.isNonNegative() && !(isLoop && step && *step < 0);
  IntSize size = std::min(a.size(), b.size());
  if (size != IntSize::Any && isLoop)
    size = isStep || b.isCounted() ? IntSize::Counted : IntSize::Any;
  bool wasNonNegative = a.terms.size() == 1 && a.isNonNegative();
  isWeakened |= (wasNonNegative && !nonNegative) || (a.terms.size() == 1 && size < a.size());
  return symbolExpr(value, nonNegative, size);
}

Scalar Joiner::joinScalar(const Scalar &a, const Scalar &b) {
  if (a.kind == b.kind && !a.isMixed() && !b.isMixed()) {
    bool sameKnown = (a.knownBool && a.knownBool == b.knownBool) ||
                     (a.expr && b.expr && *a.expr == *b.expr && s.isAvailable(*a.expr)) ||
                     (a.knownFloat && b.knownFloat && *a.knownFloat == *b.knownFloat &&
                      std::signbit(*a.knownFloat) == std::signbit(*b.knownFloat));
    bool sameValue = a.value && a.value == b.value && s.isAvailable(a.value);
    if (sameKnown || sameValue) {
      Scalar result = a;
      if (!sameValue && !(a.value && s.isAvailable(a.value) && a.value == b.value))
        result.value = nullptr;
      if (!sameKnown)
        result.knownBool = {}, result.knownFloat = {},
        result.expr = a.expr && s.isAvailable(*a.expr) ? a.expr : std::nullopt;
      if (result.value || sameKnown)
        return result;
    }
    mlir::Value x = onPath(true, [&] { return s.ssa(a); }),
                y = onPath(false, [&] { return s.ssa(b); });
    Scalar result = s.makeScalar(a.kind, phi(x, y, typeOf(a.kind, s.context())));
    if (result.expr && a.expr && b.expr && !promisesNothing)
      result.expr = joinedSymbol(result.value, *a.expr, *b.expr);
    return result;
  }
  uint16_t kinds = kindsOf(a) | kindsOf(b);
  isWeakened |= kinds != kindsOf(a);
  bool isSame = a.isMixed() && kindsOf(a) == kindsOf(b) && a.value == b.value && a.tag == b.tag &&
                a.integer == b.integer;
  if (isSame && s.isAvailable(a.value) && s.isAvailable(a.tag) &&
      (!a.integer || s.isAvailable(a.integer)))
    return a;
  llvm::SmallVector<mlir::Value> x, y;
  auto emit = [&](bool isFirst, const Scalar &scalar, llvm::SmallVectorImpl<mlir::Value> &to) {
    onPath(isFirst, [&]() -> mlir::Value {
      appendLeaves(s, widened(s, scalar, kinds), to);
      return {};
    });
  };
  emit(true, a, x);
  emit(false, b, y);
  llvm::SmallVector<mlir::Type> types;
  appendTypes(kinds, s.context(), types);
  size_t next = 0;
  return numberOf(s, kinds, [&] {
    size_t leaf = next++;
    return building ? phi({}, {}, types[leaf]) : phi(x[leaf], y[leaf], types[leaf]);
  });
}

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

Value Joiner::conflict(const Value &a, const Value &b, const std::string &name) {
  std::string shown = name.empty() || name[0] == '%' ? "a value" : "'" + name + "'";
  auto describe = [&](const Value &value, const State &state) {
    std::swap(s.heap, const_cast<Heap &>(state.heap));
    std::string text = s.describe(value);
    std::swap(s.heap, const_cast<Heap &>(state.heap));
    if (auto *tuple = value.as<TupleValue>())
      text += " of length " + std::to_string(tuple->items.size());
    return text;
  };
  std::string atFirst = describe(a, first), atSecond = describe(b, second);
  std::string found = atFirst + (isLoop ? " before the loop, " : " on one path, ") +
                      (atFirst == atSecond ? "another " : "") + atSecond +
                      (isLoop ? " at the end of its body" : " on the other");
  Diagnostic error =
      s.diagnostic(isLoop ? ErrorId::LoopChangesType : ErrorId::BranchesDiffer, {shown},
                   {.found = found,
                    .expected = "one type where the paths meet",
                    .help = isLoop ? "give " + shown + " its final type before the loop"
                                   : "give " + shown + " the same type on both paths"});
  return ConflictValue{std::make_shared<const Diagnostic>(std::move(error))};
}

Value Joiner::joinOptional(const Value &a, const Value &b, const std::string &name) {
  auto *x = a.as<OptionalValue>(), *y = b.as<OptionalValue>();
  bool orNone = x ? x->orNone : y ? y->orNone : (a.isNone() || b.isNone());
  if (!x && !y && (a.isUnbound() || b.isUnbound()))
    orNone = false;
  auto isAbsent = [&](const Value &value) { return orNone ? value.isNone() : value.isUnbound(); };
  if ((x && y && x->orNone != y->orNone) || (orNone && (a.isUnbound() || b.isUnbound())) ||
      a.get<ConflictValue>() || b.get<ConflictValue>())
    return conflict(a, b, name);
  auto flag = [&](const Value &value, const OptionalValue *optional) -> mlir::Value {
    return optional
               ? optional->present
               : s.create<arith::ConstantOp>(s.builder.getBoolAttr(!isAbsent(value))).getResult();
  };
  OptionalValue result;
  result.orNone = orNone;
  if (x && y && x->present == y->present && s.isAvailable(x->present)) {
    result.present = x->present;
  } else {
    mlir::Value flagX = onPath(true, [&] { return flag(a, x); }),
                flagY = onPath(false, [&] { return flag(b, y); });
    result.present = phi(flagX, flagY, s.builder.getI1Type());
  }
  if (isAbsent(a))
    result.value = oneSided(y ? y->value : b, false, false);
  else if (isAbsent(b))
    result.value = oneSided(x ? x->value : a, true, false);
  else
    result.value = joinValue(x ? x->value : a, y ? y->value : b, name);
  if (result.value.get<ConflictValue>())
    return result.value;
  return std::make_shared<const OptionalValue>(std::move(result));
}

Value Joiner::joinValue(const Value &a, const Value &b, const std::string &name) {
  if (a.get<ConflictValue>() || b.get<ConflictValue>())
    return a.get<ConflictValue>() ? a : b;
  bool absentA = a.isUnbound() || a.isNone(), absentB = b.isUnbound() || b.isNone();
  if (absentA && absentB && a.data.index() == b.data.index())
    return a;
  if (absentA || absentB || a.as<OptionalValue>() || b.as<OptionalValue>())
    return joinOptional(a, b, name);
  if (isFunction(a) && isFunction(b) && !isIdentical(a, b)) {
    if (auto choice = joinFunctions(a, b))
      return *choice;
    if (a.data.index() == b.data.index() && !a.as<ChoiceValue>())
      return joinParts(a, b, name);
  }
  if (a.data.index() != b.data.index())
    return conflict(a, b, name);
  return a.as<RowValue>() ? joinRows(a, b, name) : joinParts(a, b, name);
}

Value Joiner::joinRows(const Value &a, const Value &b, const std::string &name) {
  auto *x = a.as<RowValue>(), *y = b.as<RowValue>();
  if (x->cls != y->cls)
    return conflict(a, b, name);
  return std::make_shared<const RowValue>(RowValue{x->cls, joinExpr(x->row, y->row)});
}

Value Joiner::joinParts(const Value &a, const Value &b, const std::string &name) {
  // An int of the program may be larger than any extent. It flows with the type of what one path
  // alone has (oneSidedExpr): with another, a loop would never settle.
  auto joinInt = [&](const IntExpr &x, const IntExpr &y) {
    if (x == y && s.isAvailable(x))
      return x;
    mlir::Value atFirst = onPath(true, [&] { return s.index(x); }),
                atSecond = onPath(false, [&] { return s.index(y); });
    mlir::Value value = phi(atFirst, atSecond, s.builder.getIndexType());
    return promisesNothing ? symbolExpr(value, false, IntSize::Any) : joinedSymbol(value, x, y);
  };
  if (auto *x = a.get<Scalar>())
    return joinScalar(*x, *b.get<Scalar>());
  if (auto *x = a.get<Text>()) {
    auto *y = b.get<Text>();
    if (!x->value && !y->value && x->known == y->known)
      return a;
    if (x->value && x->value == y->value && s.isAvailable(x->value))
      return a;
    mlir::Value left = onPath(true, [&] { return s.ssa(*x); }),
                right = onPath(false, [&] { return s.ssa(*y); });
    return Text{"", phi(left, right, StringType::get(s.context()))};
  }
  if (auto *x = a.get<ObjectRef>()) {
    Pair pair{x->id, b.get<ObjectRef>()->id};
    return ObjectRef{ids.at(pair)};
  }
  if (auto *x = a.as<TupleValue>()) {
    auto *y = b.as<TupleValue>();
    if (x->items.size() != y->items.size() || x->fields != y->fields)
      return conflict(a, b, name);
    TupleValue result{{}, x->fields};
    for (size_t i = 0; i < x->items.size(); ++i) {
      result.items.push_back(joinValue(x->items[i], y->items[i], name));
      if (result.items.back().get<ConflictValue>())
        return result.items.back();
    }
    return std::make_shared<const TupleValue>(std::move(result));
  }
  if (auto *x = a.as<RangeValue>()) {
    auto *y = b.as<RangeValue>();
    return std::make_shared<const RangeValue>(RangeValue{
        joinInt(x->start, y->start), joinInt(x->stop, y->stop), joinInt(x->step, y->step)});
  }
  if (auto *x = a.as<ClosureValue>()) {
    auto *y = b.as<ClosureValue>();
    if (x == y)
      return a;
    if (x->node != y->node || x->defaults.size() != y->defaults.size())
      return conflict(a, b, name);
    ClosureValue result = *x;
    for (auto &[cellName, cell] : result.cells)
      cell = ids.at({cell, y->cells.at(cellName)});
    for (auto &[parameter, value] : result.defaults)
      value = joinValue(value, y->defaults.at(parameter), parameter);
    return std::make_shared<const ClosureValue>(std::move(result));
  }
  if (auto *x = a.as<BoundMethodValue>()) {
    auto *y = b.as<BoundMethodValue>();
    Value self = joinValue(x->self, y->self, name),
          function = joinValue(x->function, y->function, name);
    if (self.get<ConflictValue>() || function.get<ConflictValue>())
      return conflict(a, b, name);
    return std::make_shared<const BoundMethodValue>(BoundMethodValue{self, function});
  }
  if (auto *x = a.as<TransformValue>()) {
    auto *y = b.as<TransformValue>();
    Value function = joinValue(x->function, y->function, name);
    if (x->kind != y->kind || x->argnums != y->argnums || x->single != y->single ||
        x->convention != y->convention || function.get<ConflictValue>())
      return conflict(a, b, name);
    TransformValue result = *x;
    result.function = function;
    return std::make_shared<const TransformValue>(std::move(result));
  }
  if (auto *x = a.as<IterableValue>()) {
    auto *y = b.as<IterableValue>();
    if (x == y)
      return a;
    if (x->kind != y->kind || x->parts.size() != y->parts.size())
      return conflict(a, b, name);
    IterableValue result{x->kind, {}, joinInt(x->start, y->start)};
    for (size_t i = 0; i < x->parts.size(); ++i)
      result.parts.push_back(joinValue(x->parts[i], y->parts[i], name));
    return std::make_shared<const IterableValue>(std::move(result));
  }
  if (auto *x = a.as<ExceptionValue>()) {
    auto *y = b.as<ExceptionValue>();
    if (x->kind != y->kind || x->isRendered != y->isRendered ||
        x->arguments.size() != y->arguments.size())
      return conflict(a, b, name);
    ExceptionValue result{x->kind, {}, x->isRendered};
    for (size_t i = 0; i < x->arguments.size(); ++i) {
      result.arguments.push_back(joinValue(x->arguments[i], y->arguments[i], name));
      if (result.arguments.back().get<ConflictValue>())
        return result.arguments.back();
    }
    return std::make_shared<const ExceptionValue>(std::move(result));
  }
  if (isIdentical(a, b) || s.sameObject(a, b).value_or(false))
    return a;
  return conflict(a, b, name);
}

//===----------------------------------------------------------------------===//
// Objects
//===----------------------------------------------------------------------===//

ObjectState Joiner::broken(const std::string &what) {
  Diagnostic error =
      s.diagnostic(isLoop ? ErrorId::LoopChangesType : ErrorId::BranchesDiffer, {"a " + what},
                   {.found = std::string("a different structure ") +
                             (isLoop ? "after each iteration" : "on each path"),
                    .help = "give it the same keys or length on every path"});
  return BrokenState{std::make_shared<const Diagnostic>(std::move(error))};
}

std::vector<ObjectId> Joiner::joinedAliases(ObjectId id, bool isFirst) {
  std::vector<ObjectId> result;
  for (auto &pair : pairs)
    if ((isFirst ? pair.first : pair.second) == id)
      result.push_back(ids.at(pair));
  return result;
}

ObjectId rootOf(const Heap &heap, ObjectId id) {
  while (auto *array = heap.get<ArrayState>(id)) {
    if (!array->base)
      break;
    id = *array->base;
  }
  return id;
}

ArrayState Joiner::joinArray(const Pair &pair) {
  // Copies: reading below replaces states for a moment.
  const ArrayState x = *first.heap.get<ArrayState>(*pair.first),
                   y = *second.heap.get<ArrayState>(*pair.second);
  bool sameObject = pair.first == pair.second;
  ArrayState result = x;
  for (size_t i = 0; i < x.shape.size(); ++i)
    result.shape[i] = joinExpr(x.shape[i], y.shape[i]);
  result.contiguous = x.contiguous && y.contiguous;
  result.stale = x.stale || y.stale;
  auto addAlias = [&](ObjectId id) {
    if (!llvm::is_contained(result.maybeAliases, id))
      result.maybeAliases.push_back(id);
  };
  result.maybeAliases.clear();
  for (ObjectId id : x.maybeAliases)
    llvm::for_each(joinedAliases(id, true), addAlias);
  for (ObjectId id : y.maybeAliases)
    llvm::for_each(joinedAliases(id, false), addAlias);
  bool bothViews =
      x.base && y.base && x.step->kind == y.step->kind &&
      x.step->offsets.size() == y.step->offsets.size() && x.step->dropped == y.step->dropped &&
      x.step->permutation == y.step->permutation && x.step->isReadOnly == y.step->isReadOnly;
  bool ambiguous = isAmbiguous(pair) || (!bothViews && (x.base || y.base));
  if (bothViews && !ambiguous) {
    ViewStep step = *x.step;
    for (size_t i = 0; i < step.offsets.size(); ++i) {
      step.offsets[i] = joinExpr(x.step->offsets[i], y.step->offsets[i]);
      step.sizes[i] = joinExpr(x.step->sizes[i], y.step->sizes[i]);
      step.strides[i] = joinExpr(x.step->strides[i], y.step->strides[i]);
    }
    result.base = ids.at({*x.base, *y.base});
    result.step = std::make_shared<const ViewStep>(std::move(step));
    return result;
  }
  // NumPy refuses writes on one path: among its own aliases it is refused on both.
  if (isReadOnlyView(first.heap, *pair.first) || isReadOnlyView(second.heap, *pair.second))
    addAlias(ids.at(pair));
  if (ambiguous) {
    // A snapshot that may share memory with whatever else reaches either array.
    ObjectId rootX = rootOf(first.heap, *pair.first), rootY = rootOf(second.heap, *pair.second);
    for (auto &other : pairs)
      if (other != pair && (other.first == rootX || other.second == rootY ||
                            other.first == pair.first || other.second == pair.second))
        addAlias(ids.at(other));
  }
  auto current = [&](bool isFirst, const ArrayState &array, ObjectId id) {
    return onPath(isFirst, [&]() -> mlir::Value {
      // A copy: reading may read items of lists again.
      Heap saved = std::exchange(s.heap, isFirst ? first.heap : second.heap);
      ArrayState readable = array;
      readable.stale = false; // Kept in the result, an error for who reads that.
      s.heap.set(id, readable);
      mlir::Value tensor =
          s.castTensor(s.read(id).tensor, s.tensorType(result.dtype, result.shape));
      s.heap = std::move(saved);
      return tensor;
    });
  };
  result.base = {};
  result.step = {};
  if (sameObject && x.tensor && x.tensor == y.tensor && s.isAvailable(x.tensor)) {
    result.tensor = x.tensor;
    return result;
  }
  mlir::Value left = current(true, x, *pair.first), right = current(false, y, *pair.second);
  result.tensor = phi(left, right, s.tensorType(result.dtype, result.shape));
  return result;
}

/// A container that may be one of several is a snapshot: it may be read, and not even that where
/// one of the several has changed since.
void Joiner::addSharing(const Pair &pair, ObjectState &state) {
  auto sharing = [&](const Heap &heap, std::optional<ObjectId> id, bool isFirst,
                     std::set<ObjectId> &found) {
    if (!id)
      return;
    std::visit(
        [&](const auto &object) {
          if constexpr (requires { object.sharesWith; })
            for (ObjectId other : object.sharesWith)
              for (ObjectId joined : joinedAliases(other, isFirst))
                found.insert(joined);
        },
        heap.at(*id));
  };
  std::set<ObjectId> found;
  sharing(first.heap, pair.first, true, found);
  sharing(second.heap, pair.second, false, found);
  bool ambiguous = isAmbiguous(pair);
  if (ambiguous)
    for (auto &other : pairs)
      if (other != pair && ((pair.first && other.first == pair.first) ||
                            (pair.second && other.second == pair.second)))
        found.insert(ids.at(other));
  std::visit(
      [&](auto &object) {
        if constexpr (requires { object.sharesWith; }) {
          object.isItem |= ambiguous;
          object.sharesWith.assign(found.begin(), found.end());
        }
      },
      state);
}

} // namespace mpy
