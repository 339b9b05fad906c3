// Functions that call themselves. A recursion that run-time values end becomes a function of its
// own, one for each signature:
//
//   def total(x): if len(x) == 0: return 0.0; return x[0] + total(x[1:])
//   =>  func @total(%n, %x) -> (%sum, %tag) { if %n == 0 .. else { .. call @total(%n - 1, slice of
//   x) .. } }
//
// What a call of itself returns is found by running the body: first such a path counts as one that
// does not end, so that the others give the structure of the result; then the body runs with that,
// until nothing is new. Where no structure fits all depths
// (`tree(d)` builds lists in lists), the calls are executed in place, which ends where the
// structure does.
#include "frontend/AstWalk.h"
#include "frontend/LeafMapper.h"
#include "frontend/RunTimeLists.h"

using namespace mlir;

namespace mpy {

/// The result of a function whose exceptions may be caught, among the names of its caller.
static constexpr const char *returnedName = "%kept.returned";

struct Specialization {
  const ast::Node *node = nullptr;
  std::map<std::string, ObjectId> cells;
  std::string key, looseKey;
  /// An exception leaves it as a result: called where it may be caught. What it may raise, and
  /// whether any path raises nothing, and every such path returns something that is not None.
  bool isCatching = false, returns = false, returnsSomething = false;
  std::set<int64_t> kinds;
  /// How the arguments were collected; `wantsLoose`: a call of itself needs that.
  bool isLoose = false, wantsLoose = false;
  func::FuncOp function;
  /// Stand for the parameters in the extents of results.
  std::unique_ptr<Block> symbols;
  /// What calls return; nothing before a first path is known that ends.
  std::optional<ResultPattern> result;
  /// Every path calls the function again: it returns nothing and ends when the stack does.
  bool neverReturns = false;
  /// Argument arrays that the function mutates, by number.
  std::set<unsigned> changed;
  /// Objects from outside that it mutates: their content passes in and out.
  std::vector<ObjectId> state;
  std::string stateKey;
  /// Met while running the body: more objects that belong to `state`.
  std::set<ObjectId> newState;
  /// What the body may read from outside, as it was.
  std::vector<std::pair<ObjectId, std::shared_ptr<const ObjectState>>> context;
  llvm::SmallVector<mlir::Value> captured;
  Heap entry;
  size_t mark = 0, outliningDepth = 0;
};

/// Runs an action when a scope ends, however it ends.
template <typename Action> struct AtEnd {
  Action action;
  ~AtEnd() { action(); }
};
template <typename Action> AtEnd(Action) -> AtEnd<Action>;

//===----------------------------------------------------------------------===//
// What a function can read from outside
//===----------------------------------------------------------------------===//

/// The names below a node that may be the module's: not those that the function binds itself,
/// unless a function inside it says `global`.
static void collectNames(const ast::Node *node, const ast::NameSet &locals,
                         std::set<std::string> &names) {
  if (auto *name = dyn_cast<ast::Name>(node); name && !locals.contains(name->id))
    names.insert(name->id);
  else if (auto *global = dyn_cast<ast::Global>(node))
    names.insert(global->names.begin(), global->names.end());
  forEachChild(node, [&](ast::Node *child) { collectNames(child, locals, names); });
}

/// The objects that a closure reaches by the names in its body, and what these reach.
static std::vector<std::pair<ObjectId, std::shared_ptr<const ObjectState>>>
reachable(Specializer &s, const ClosureValue &start) {
  std::vector<std::pair<ObjectId, std::shared_ptr<const ObjectState>>> found;
  std::set<ObjectId> seen;
  std::set<const ast::Node *> closures;
  std::vector<ObjectId> pending;
  auto add = [&](ObjectId id) {
    if (s.heap.pointer(id) && seen.insert(id).second)
      pending.push_back(id);
    return id;
  };
  LeafMapper mapper;
  mapper.leaf = [](mlir::Value value) { return value; };
  mapper.expr = [](const IntExpr &expr) { return expr; };
  mapper.object = add;
  std::function<void(const Value &)> visit;
  auto visitClosure = [&](const ClosureValue &closure) {
    for (auto &cell : closure.cells)
      add(cell.second);
    for (auto &entry : closure.defaults)
      visit(entry.second);
    if (!closures.insert(closure.node).second)
      return;
    std::set<std::string> names;
    collectNames(closure.node, closure.scope().locals, names);
    auto *globals = s.heap.get<NamespaceState>(closure.globals);
    for (auto &cell : globals->cells)
      if (names.count(cell.first))
        add(cell.second);
  };
  visit = [&](const Value &value) {
    mapper.map(value);
    if (auto *closure = value.as<ClosureValue>())
      visitClosure(*closure);
    else if (auto *method = value.as<BoundMethodValue>())
      visit(method->self), visit(method->function);
    else if (auto *property = value.as<PropertyValue>())
      visit(property->getter), visit(property->setter);
    else if (auto *transform = value.as<TransformValue>())
      visit(transform->function);
    else if (auto *tuple = value.as<TupleValue>())
      llvm::for_each(tuple->items, visit);
    else if (auto *module = value.as<ModuleValue>(); module && module->globals)
      add(*module->globals);
  };
  visitClosure(start);
  while (!pending.empty()) {
    ObjectId id = pending.back();
    pending.pop_back();
    found.push_back({id, s.heap.pointer(id)});
    const ObjectState &state = *s.heap.pointer(id);
    if (auto *array = std::get_if<ArrayState>(&state)) {
      if (array->base)
        add(*array->base);
      llvm::for_each(array->maybeAliases, add);
    } else if (auto *list = std::get_if<ListState>(&state)) {
      llvm::for_each(list->items, visit);
    } else if (auto *dict = std::get_if<DictState>(&state)) {
      for (auto &entry : dict->entries)
        visit(entry.second);
    } else if (auto *instance = std::get_if<InstanceState>(&state)) {
      add(instance->cls);
      for (auto &entry : instance->attributes)
        visit(entry.second);
    } else if (auto *cls = std::get_if<ClassState>(&state)) {
      llvm::for_each(cls->resolution, add);
      for (auto &entry : cls->attributes)
        visit(entry.second);
    } else if (auto *cell = std::get_if<CellState>(&state)) {
      visit(cell->value);
    } else if (auto *names = std::get_if<NamespaceState>(&state)) {
      for (auto &entry : names->cells)
        add(entry.second);
    }
  }
  return found;
}

//===----------------------------------------------------------------------===//
// Objects from outside that the function mutates
//===----------------------------------------------------------------------===//

/// The values in an object from outside that is no array, one after the other; each may be
/// replaced.
static void forEachPart(ObjectState &state, llvm::function_ref<void(Value &)> visit) {
  if (auto *cell = std::get_if<CellState>(&state))
    visit(cell->value);
  else if (auto *instance = std::get_if<InstanceState>(&state))
    for (auto &entry : instance->attributes)
      visit(entry.second);
  else if (auto *list = std::get_if<ListState>(&state))
    llvm::for_each(list->items, visit);
  else if (auto *dict = std::get_if<DictState>(&state))
    for (auto &entry : dict->entries)
      visit(entry.second);
}

/// The numbers and texts in an object from outside; what else it refers to stays the same.
static void forEachLeaf(ObjectState &state, llvm::function_ref<void(Value &)> visit) {
  forEachPart(state, [&](Value &value) {
    if (auto *scalar = value.get<Scalar>(); scalar && scalar->isMixed())
      throw CannotCross{"a change of a number of several kinds from outside"};
    if (value.get<Scalar>() || value.get<Text>())
      visit(value);
  });
}

/// Whether an object differs from what it was in its numbers and texts only.
static bool canPassState(const ObjectState &before, const ObjectState &after) {
  auto isPlain = [](const ObjectState &state) {
    auto *array = std::get_if<ArrayState>(&state);
    return array && !array->base && array->maybeAliases.empty() && !array->stale;
  };
  if (std::get_if<ArrayState>(&after))
    return isPlain(before) && isPlain(after);
  bool isKnown = std::get_if<CellState>(&after) || std::get_if<InstanceState>(&after) ||
                 std::get_if<ListState>(&after) || std::get_if<DictState>(&after);
  if (!isKnown || before.index() != after.index())
    return false;
  auto namesOf = [](const ObjectState &state) {
    std::vector<std::string> names;
    if (auto *instance = std::get_if<InstanceState>(&state))
      for (auto &entry : instance->attributes)
        names.push_back(entry.first);
    return names;
  };
  auto isSameKey = [](const Value &a, const Value &b) {
    auto *x = a.get<Text>(), *y = b.get<Text>();
    return x && y ? !x->value && !y->value && x->known == y->known : isIdentical(a, b);
  };
  auto *dict = std::get_if<DictState>(&before), *dictAfter = std::get_if<DictState>(&after);
  if (dict && (dict->entries.size() != dictAfter->entries.size() ||
               !llvm::equal(dict->entries, dictAfter->entries,
                            [&](auto &a, auto &b) { return isSameKey(a.first, b.first); })))
    return false;
  ObjectState from = before, to = after;
  ValueList was, is;
  forEachPart(from, [&](Value &value) { was.push_back(value); });
  forEachPart(to, [&](Value &value) { is.push_back(value); });
  return namesOf(before) == namesOf(after) &&
         llvm::equal(was, is, [](const Value &a, const Value &b) {
           return (a.get<Scalar>() && b.get<Scalar>()) || (a.get<Text>() && b.get<Text>()) ||
                  isIdentical(a, b);
         });
}

/// The run-time values in the mutated objects from outside, and a key of their kinds.
static std::string stateOperands(Specializer &s, const std::vector<ObjectId> &state,
                                 llvm::SmallVectorImpl<mlir::Value> &operands) {
  std::string key;
  for (ObjectId id : state) {
    ObjectState copy = s.heap.at(id);
    if (auto *array = std::get_if<ArrayState>(&copy))
      operands.push_back(array->tensor);
    forEachLeaf(copy, [&](Value &value) {
      if (auto *scalar = value.get<Scalar>()) {
        key += std::to_string(static_cast<int>(scalar->kind));
        operands.push_back(s.ssa(*scalar));
      } else {
        key += "t";
        operands.push_back(s.ssa(*value.get<Text>()));
      }
    });
    key += ";";
  }
  return key;
}

/// Gives the mutated objects from outside new content.
static void setState(Specializer &s, const std::vector<ObjectId> &state, mlir::ValueRange values,
                     bool notify) {
  size_t next = 0;
  for (ObjectId id : state) {
    if (auto *array = s.heap.get<ArrayState>(id)) {
      ArrayState changed = *array;
      changed.tensor = values[next++];
      if (notify)
        s.write(id, changed.tensor);
      else
        s.heap.set(id, std::move(changed));
      continue;
    }
    if (notify)
      beginChange(s, id);
    ObjectState changed = s.heap.at(id);
    forEachLeaf(changed, [&](Value &value) {
      if (auto *scalar = value.get<Scalar>())
        value = Value(s.makeScalar(scalar->kind, values[next++]));
      else
        value = Value(Text{"", values[next++]});
    });
    s.heap.set(id, std::move(changed));
  }
}

//===----------------------------------------------------------------------===//
// Calls of a function of its own
//===----------------------------------------------------------------------===//

/// Refuses calls in which a mutated array is reached in two ways.
static void checkAliases(Specializer &s, const Specialization &spec,
                         const std::vector<ObjectId> &arrays) {
  auto shares = [&](ObjectId array, ObjectId owner) {
    return memoryOwner(s.heap, array) == owner ||
           llvm::is_contained(s.heap.get<ArrayState>(array)->maybeAliases, owner);
  };
  auto refuse = [&] {
    s.fail(ErrorId::AmbiguousMutation, {},
           {.found = "a recursive function that mutates an array which it reaches in two ways",
            .help = "pass a copy: f(x, y.copy())"});
  };
  for (unsigned number : spec.changed) {
    ObjectId owner = memoryOwner(s.heap, arrays[number]);
    for (size_t i = 0; i < arrays.size(); ++i)
      if (i != number && shares(arrays[i], owner))
        refuse();
    for (auto &object : spec.context)
      if (s.heap.get<ArrayState>(object.first) && shares(object.first, owner))
        refuse();
  }
  for (ObjectId id : spec.state)
    if (s.heap.get<ArrayState>(id))
      for (ObjectId array : arrays)
        if (shares(array, id))
          refuse();
}

Value Specializer::callSpecialization(Specialization &spec, const ArgumentWalk &walk,
                                      bool isInside) {
  if (spec.neverReturns) {
    llvm::SmallVector<mlir::Value> operands(walk.operands);
    if (!isInside)
      operands.append(spec.captured.begin(), spec.captured.end());
    create<func::CallOp>(spec.function.getSymName(), mlir::TypeRange(), operands);
    create<RaiseOp>(builder.getStringAttr("RecursionError"),
                    ssa(makeText("maximum recursion depth exceeded")));
    if (isInside)
      throw PathEnds();
    dead = true;
    return NoneValue{};
  }
  if (!spec.result)
    throw PathEnds();
  checkAliases(*this, spec, walk.arrays);
  llvm::SmallVector<mlir::Value> operands(walk.operands);
  if (stateOperands(*this, spec.state, operands) != spec.stateKey)
    throw CannotCross{"a change of the kind of a number from outside"};
  llvm::SmallVector<mlir::Type> types;
  leafTypes(*this, *spec.result, types);
  size_t first = types.size();
  for (unsigned number : spec.changed)
    types.push_back(spec.function.getArgument(walk.arrayOperands[number]).getType());
  for (size_t i = walk.operands.size(); i < operands.size(); ++i)
    types.push_back(operands[i].getType());
  if (!isInside)
    operands.append(spec.captured.begin(), spec.captured.end());
  auto call = create<func::CallOp>(spec.function.getSymName(), types, operands);
  size_t next = first;
  for (unsigned number : spec.changed) {
    ObjectId array = walk.arrays[number];
    mlir::Type type =
        tensorType(heap.get<ArrayState>(array)->dtype, heap.get<ArrayState>(array)->shape);
    write(array, castTensor(call.getResult(next++), type));
  }
  setState(*this, spec.state, call.getResults().drop_front(next), true);
  auto inward = [&](const IntExpr &expr) {
    return expr.substitute([&](mlir::Value symbol) -> std::optional<IntExpr> {
      auto argument = dyn_cast<BlockArgument>(symbol);
      if (!argument || argument.getOwner() != spec.symbols.get())
        return std::nullopt;
      return walk.exprs[argument.getArgNumber()];
    });
  };
  Value result = ResultBuilder(*this, walk.arrays, call.getResults().take_front(first), inward)
                     .build(*spec.result);
  if (hasShared(*spec.result))
    for (auto *arguments : {&walk.containers, &walk.arrays})
      for (ObjectId id : *arguments)
        markItems(*this, ObjectRef{id});
  return spec.isCatching ? catchResult(spec, result) : result;
}

//===----------------------------------------------------------------------===//
// Exceptions that may be caught
//===----------------------------------------------------------------------===//

/// What the function returns where its call may be caught, made where all paths of its body have
/// ended: whether it raised, the kind and text of that, and the result.
Value Specializer::packResult(Specialization &spec, const State *unraised) {
  Locals &locals = frame().locals;
  Value result = locals[returnedName];
  spec.returns = unraised;
  spec.returnsSomething = false;
  if (unraised) {
    const Value &certain = unraised->locals.at(returnedName);
    spec.returnsSomething = !certain.isNone() && !certain.as<OptionalValue>();
  }
  Scalar raised = raisedFlag();
  Raised exception = takeRaised(locals);
  locals.erase(returnedName);
  return newTuple({raised, exception.kind, exception.message, result});
}

/// Raises in the caller what the function raised; its result elsewhere.
Value Specializer::catchResult(const Specialization &spec, const Value &packed) {
  ValueList parts = packed.as<TupleValue>()->items;
  possibleKinds.back().insert(spec.kinds.begin(), spec.kinds.end());
  Scalar raised = truth(parts[0]);
  // Of what was raised the text is known; every kind has a value, as on the other paths.
  std::map<int64_t, Value> values;
  for (int64_t kind : spec.kinds)
    values[kind] = std::make_shared<const ExceptionValue>(
        ExceptionValue{exceptionKinds[kind], {parts[2]}, /*isRendered=*/true});
  if (!spec.returns) {
    certainRaise = std::make_shared<RaisedPath>(capture({parts[1], parts[2], values}));
    dead = true;
    return NoneValue{};
  }
  openCheck(ssa(negate(raised)), [&] { return Raised{parts[1], parts[2], values}; });
  auto *optional = parts[3].as<OptionalValue>();
  return optional && spec.returnsSomething ? optional->value : parts[3];
}

//===----------------------------------------------------------------------===//
// Building
//===----------------------------------------------------------------------===//

/// Objects from outside that differ from what they were when the body began.
static std::vector<ObjectId> changedOutside(Specializer &s, const Specialization &spec) {
  std::vector<ObjectId> changed;
  for (ObjectId id = 0; id < spec.mark; ++id)
    if (s.heap.pointer(id) != spec.entry.pointer(id) && !llvm::is_contained(spec.state, id))
      changed.push_back(id);
  return changed;
}

static std::string outsideName(Specializer &s, ObjectId id) {
  for (Frame *frame : llvm::reverse(s.frames)) {
    for (auto &cell : frame->cells)
      if (cell.second == id)
        return "'" + cell.first + "'";
    for (auto &cell : s.heap.get<NamespaceState>(frame->globals)->cells)
      if (cell.second == id ||
          (s.heap.get<CellState>(cell.second) &&
           isIdentical(s.heap.get<CellState>(cell.second)->value, ObjectRef{id})))
        return "'" + cell.first + "'";
  }
  return s.describe(ObjectRef{id});
}

bool Specializer::runSpecialization(Specialization &spec, const ClosureValue &closure,
                                    const Locals &parameters, ArgumentWalk &walk) {
  State before = snapshot();
  OpBuilder::InsertPoint caller = builder.saveInsertionPoint();
  Span place = span;
  size_t depth = frames.size();
  llvm::SmallVector<mlir::Value> leading(walk.operands);
  spec.stateKey = stateOperands(*this, spec.state, leading);
  outliningBlocks.push_back(builder.getInsertionBlock());
  spec.outliningDepth = outliningBlocks.size();
  func::FuncOp function = spec.function = newFunction(closure.name);
  bool keep = false;
  unsigned outerTries = tryDepth;
  size_t outerChecks = openChecks.size();
  AtEnd leave{[&] {
    outliningBlocks.resize(spec.outliningDepth - 1);
    builder.restoreInsertionPoint(caller);
    span = place;
    frames.resize(depth);
    restore(before);
    tryDepth = outerTries;
    possibleKinds.resize(outerTries);
    openChecks.erase(openChecks.begin() + outerChecks, openChecks.end());
    if (!keep)
      eraseUsed(function);
  }};
  Block *block = function.addEntryBlock();
  for (auto operand : leading)
    block->addArgument(operand.getType(), operand.getLoc());
  builder.setInsertionPointToStart(block);
  if (!spec.isCatching)
    create<RuntimeEffectOp>(mlir::TypeRange(), "mpy_check_stack", mlir::ValueRange(), true);
  auto given = block->getArguments();
  Locals inner;
  walk.builtArrays.clear(), walk.builtContainers.clear();
  walk.restart();
  for (auto &[name, value] : parameters)
    inner[name] = walk.build(value, given.take_front(walk.operands.size()));
  setState(*this, spec.state, given.drop_front(walk.operands.size()), false);
  spec.entry = heap;
  spec.newState.clear();
  Value result;
  bool returns = true;
  std::shared_ptr<State> unraised;
  bool sameKinds = true;
  if (spec.isCatching) {
    ++tryDepth;
    possibleKinds.push_back({});
    frame().locals[returnedName] = NoneValue{};
  }
  TryRegion paths = openRegion();
  try {
    if (spec.isCatching) {
      mlir::Value isLow = create<RuntimeEffectOp>(mlir::TypeRange(builder.getI1Type()),
                                                  "mpy_stack_is_low", mlir::ValueRange(), false)
                              .getResult(0);
      checkInTry(ssa(negate(makeScalar(ScalarKind::PyBool, isLow))), "RecursionError",
                 [&] { return makeText("maximum recursion depth exceeded"); });
    }
    // What the arguments are is known wherever the body joins them with other objects.
    ValueList pinned;
    for (ObjectId id : walk.builtContainers)
      pinned.push_back(ObjectRef{id});
    frame().locals["%arguments"] = newTuple(std::move(pinned));
    result = callInline(closure, inner);
    returns = !dead;
    if (spec.isCatching)
      frame().locals[returnedName] = result;
  } catch (const PathEnds &) {
    frames.resize(depth);
    returns = false;
    heap = spec.entry;
  }
  if (spec.isCatching) {
    dead = !returns;
    unraised = closeRegion(paths);
    returns = !dead;
    sameKinds = spec.kinds == possibleKinds.back();
    spec.kinds = possibleKinds.back();
    if (returns)
      result = packResult(spec, unraised.get());
  }
  for (ObjectId id : changedOutside(*this, spec))
    spec.newState.insert(id);
  if (spec.wantsLoose != spec.isLoose)
    return false;
  if (!spec.newState.empty()) {
    for (ObjectId id : spec.newState) {
      if (!canPassState(spec.entry.at(id), heap.at(id)) || llvm::is_contained(spec.state, id))
        throw CannotCross{"a change of " + outsideName(*this, id) + " from outside"};
      spec.state.push_back(id);
    }
    spec.result = {};
    return false;
  }
  for (ObjectId id : spec.state)
    if (!canPassState(spec.entry.at(id), heap.at(id)))
      throw CannotCross{"a change of " + outsideName(*this, id) + " from outside"};
  if (!returns && !spec.neverReturns) {
    // Once more, now with calls that end their paths.
    if (spec.result || !spec.state.empty())
      throw CannotCross{"a function that calls itself on every path"};
    spec.neverReturns = true;
    return false;
  }
  for (ObjectId id : walk.builtContainers)
    if (heap.pointer(id) != spec.entry.pointer(id))
      throw CannotCross{"a change of a list or dict that is an argument"};

  auto finish = [&](mlir::ValueRange results) {
    func::ReturnOp::create(builder, loc(), results);
    spec.captured.clear();
    captureFromOutside(function, spec.captured);
    llvm::SmallVector<func::CallOp> own;
    function.walk([&](func::CallOp call) {
      if (call.getCallee() == function.getSymName())
        own.push_back(call);
    });
    for (auto call : own)
      call->insertOperands(call.getNumOperands(),
                           mlir::ValueRange(block->getArguments()).drop_front(leading.size()));
    return keep = true;
  };
  if (spec.neverReturns) {
    builder.setInsertionPointToEnd(block);
    return finish({});
  }
  Region &region = function.getBody();
  ResultContext context{walk.builtArrays, spec.mark, walk.builtContainers,
                        [&](const IntExpr &expr) -> std::optional<IntExpr> {
                          bool isOutward = true;
                          auto number = [&](mlir::Value symbol) -> std::optional<unsigned> {
                            auto argument = dyn_cast<BlockArgument>(symbol);
                            if (argument && argument.getOwner() == block &&
                                argument.getArgNumber() < walk.operands.size())
                              return argument.getArgNumber();
                            return std::nullopt;
                          };
                          expr.forEachSymbol([&](mlir::Value symbol) {
                            isOutward &= number(symbol) || !symbol.getParentRegion() ||
                                         !region.isAncestor(symbol.getParentRegion());
                          });
                          if (!isOutward)
                            return std::nullopt;
                          return expr.substitute([&](mlir::Value symbol) -> std::optional<IntExpr> {
                            auto position = number(symbol);
                            if (!position)
                              return std::nullopt;
                            mlir::Value stand = spec.symbols->getArgument(*position);
                            return symbolExpr(stand, stand.getType().isIndex());
                          });
                        }};
  ResultWalk resultWalk(*this, context);
  ResultPattern pattern = resultWalk.describe(result);
  if (spec.result)
    pattern = widen(*this, *spec.result, pattern);
  std::set<unsigned> changed = spec.changed;
  for (unsigned i = 0; i < walk.builtArrays.size(); ++i)
    if (heap.get<ArrayState>(walk.builtArrays[i])->tensor !=
        spec.entry.get<ArrayState>(walk.builtArrays[i])->tensor)
      changed.insert(i);
  bool settled = spec.result && pattern == *spec.result && changed == spec.changed && sameKinds;
  spec.result = pattern;
  spec.changed = changed;
  if (!settled)
    return false;

  llvm::SmallVector<mlir::Value> results;
  resultWalk.flatten(pattern, result, results);
  for (unsigned number : changed)
    results.push_back(castTensor(read(walk.builtArrays[number]).tensor,
                                 block->getArgument(walk.arrayOperands[number]).getType()));
  if (stateOperands(*this, spec.state, results) != spec.stateKey)
    throw CannotCross{"a change of the kind of a number from outside"};
  return finish(results);
}

std::shared_ptr<Specialization>
Specializer::buildSpecialization(const ClosureValue &closure, const Locals &parameters,
                                 llvm::function_ref<ArgumentWalk &(bool)> walk) {
  auto spec = std::make_shared<Specialization>();
  spec->node = closure.node;
  spec->isCatching = isInTry();
  spec->cells = closure.cells;
  spec->looseKey = walk(false).looseKey;
  building.push_back(spec);
  AtEnd leave{[&, size = building.size()] { building.resize(size - 1); }};
  spec->context = reachable(*this, closure);
  auto begin = [&](bool isLoose) {
    spec->isLoose = spec->wantsLoose = isLoose;
    spec->key = walk(isLoose).key;
    spec->mark = heap.size();
    spec->symbols = std::make_unique<Block>();
    for (auto operand : walk(isLoose).operands)
      spec->symbols->addArgument(operand.getType(), operand.getLoc());
    spec->result = {};
    spec->neverReturns = false;
    spec->changed.clear();
  };
  begin(false);
  for (unsigned pass = 0; !runSpecialization(*spec, closure, parameters, walk(spec->isLoose));
       ++pass) {
    if (pass > 8)
      throw CannotCross{"a result that changes with the depth"};
    if (spec->wantsLoose != spec->isLoose)
      begin(true);
  }
  llvm::erase_if(spec->context,
                 [&](auto &object) { return llvm::is_contained(spec->state, object.first); });
  specializations.push_back(spec);
  return spec;
}

std::optional<Value> Specializer::callRecursive(const ClosureValue &closure, Locals &parameters) {
  unsigned active = 0;
  Frame *last = nullptr;
  for (Frame *frame : frames)
    if (frame->closure && frame->closure->node == closure.node) {
      ++active;
      last = frame;
    }
  if (active == 0 || closure.scope().hasYield)
    return std::nullopt;
  // A recursion whose end is known at compile time starts in place.
  bool isConditional = last->entryBlock != builder.getInsertionBlock();
  unsigned inBuild =
      llvm::count_if(building, [&](auto &spec) { return spec->node == closure.node; });
  bool isBuilt =
      llvm::any_of(specializations, [&](auto &spec) { return spec->node == closure.node; });
  bool mayBuild = inBuild < 3 && (isConditional || active >= 2 || inBuild || isBuilt);
  std::optional<Value> result;
  if (mayBuild || inBuild) {
    std::string signature;
    std::vector<Diagnostic> errors;
    bool isOutside = false;
    bool done = attempt(
        [&] {
          try {
            std::optional<ArgumentWalk> walks[2];
            auto walk = [&](bool isLoose) -> ArgumentWalk & {
              auto &one = walks[isLoose];
              if (!one) {
                one.emplace(*this, isLoose);
                for (auto &entry : parameters)
                  one->collect(entry.second);
              }
              return *one;
            };
            auto matches = [&](const Specialization &spec) {
              return spec.node == closure.node && spec.cells == closure.cells &&
                     spec.isCatching == isInTry() && spec.key == walk(spec.isLoose).key;
            };
            for (auto &spec : llvm::reverse(building)) {
              bool differsInExtents = spec->node == closure.node && spec->cells == closure.cells &&
                                      spec->isCatching == isInTry() && !spec->isLoose &&
                                      spec->key != walk(false).key &&
                                      spec->looseKey == walk(false).looseKey;
              if (!differsInExtents && !matches(*spec))
                continue;
              if (spec->outliningDepth != outliningBlocks.size())
                throw CannotCross{"a call of itself from another function of its own"};
              if (differsInExtents) {
                spec->wantsLoose = true;
                throw PathEnds();
              }
              auto changed = changedOutside(*this, *spec);
              if (!changed.empty()) {
                spec->newState.insert(changed.begin(), changed.end());
                throw PathEnds();
              }
              result = callSpecialization(*spec, walk(spec->isLoose), true);
              return;
            }
            for (auto &spec : specializations) {
              bool isSame = matches(*spec) && llvm::all_of(spec->context, [&](auto &object) {
                              return object.first < heap.size() &&
                                     heap.pointer(object.first) == object.second;
                            });
              if (!isSame)
                continue;
              result = callSpecialization(*spec, walk(spec->isLoose), false);
              return;
            }
            signature = std::to_string(reinterpret_cast<uintptr_t>(closure.node)) +
                        walk(false).key + "@" + std::to_string(building.size()) +
                        (isInTry() ? "try" : "");
            isOutside = !mayBuild || failedSignatures.count(signature);
            if (isOutside)
              throw Abort();
            result = callSpecialization(*buildSpecialization(closure, parameters, walk),
                                        walk(specializations.back()->isLoose), false);
          } catch (const CannotCross &reason) {
            fail(ErrorId::RecursionStructure, {closure.name, reason.what});
          }
        },
        errors);
    if (done)
      return result;
    if (!isOutside) {
      failedSignatures.insert(signature);
      if (!errors.empty() && errors.front().id != ErrorId::RecursesTooDeeply)
        whyInPlace = errors.front().id == ErrorId::RecursionStructure
                         ? llvm::StringRef(errors.front().message).split("function: ").second.str()
                         : errors.front().message;
    }
  }
  if (++recursionsInPlace > maximumRecursions)
    failRecursion(closure);
  return std::nullopt;
}

void Specializer::failRecursion(const ClosureValue &closure) {
  if (!whyInPlace.empty())
    fail(ErrorId::RecursionStructure, {closure.name, whyInPlace},
         {.help = "let each call take and return the same types, or write a loop"});
  fail(ErrorId::RecursesTooDeeply, {closure.name},
       {.help = "let the recursion end by run-time values, or write a loop"});
}

} // namespace mpy
