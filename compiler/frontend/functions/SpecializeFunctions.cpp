// Functions that call themselves. A recursion that run-time values end becomes a function of its
// own, one for each signature:
//
//   def total(x):                   ->   func @total(%n, %x) -> (%sum, %tag) {
//     if len(x) == 0: return 0.0           if %n == 0 { .. }
//     return x[0] + total(x[1:])           else { .. call @total(%n - 1, slice of %x) .. }
//                                        }
//
// What a call of itself returns is found by running the body: first such a path counts as one that
// does not end, so that the others give the structure of the result; then the body runs with that,
// until nothing is new. Where no structure fits all depths (`tree(d)` builds lists in lists), the
// calls are executed in place, which ends where the structure does.
#include "frontend/functions/CallIdentity.h"
#include "frontend/functions/Recursion.h"
#include "frontend/paths/UnrollBudget.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/Support/SaveAndRestore.h"

using namespace mlir;

namespace mpy {

//===----------------------------------------------------------------------===//
// Calls of a function of its own
//===----------------------------------------------------------------------===//

/// Refuses calls in which a mutated array or list is reached in two ways.
static void checkAliases(Specializer &s, const Specialization &spec, const ArgumentWalk &walk) {
  const std::vector<ObjectId> &arrays = walk.arrays;
  auto shares = [&](ObjectId array, ObjectId owner) {
    return memoryOwner(s.heap, array) == owner ||
           llvm::is_contained(s.heap.get<ArrayState>(array)->maybeAliases, owner);
  };
  auto refuse = [&] {
    s.fail(ErrorId::AmbiguousMutation, {},
           {.found = "a recursive function that mutates what it reaches in two ways",
            .help = "pass a copy: f(x, y.copy())"});
  };
  for (unsigned number : spec.changedLists)
    if (llvm::is_contained(spec.state, walk.lists[number]) ||
        llvm::any_of(spec.context,
                     [&](auto &object) { return object.first == walk.lists[number]; }))
      refuse();
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
                    ssa(makeText("maximum recursion depth exceeded")), mlir::Value());
    if (isInside)
      throw PathEnds();
    dead = true;
    return NoneValue{};
  }
  if (!spec.result)
    throw PathEnds();
  checkAliases(*this, spec, walk);
  llvm::SmallVector<mlir::Value> operands(walk.operands);
  if (stateOperands(*this, spec, operands) != spec.stateKey)
    throw CannotCross{"a change of the kind of a number from outside"};
  llvm::SmallVector<mlir::Type> types;
  leafTypes(*this, *spec.result, types);
  size_t first = types.size();
  for (unsigned number : spec.changed)
    types.push_back(spec.function.getArgument(walk.arrayOperands[number]).getType());
  for (unsigned number : spec.changedLists) {
    types.push_back(builder.getIndexType());
    columnTypes(*this, spec.plan.at(number), types);
  }
  for (size_t i = walk.operands.size(); i < operands.size(); ++i)
    types.push_back(operands[i].getType());
  if (!isInside)
    operands.append(spec.captured.begin(), spec.captured.end());
  auto call = create<func::CallOp>(spec.function.getSymName(), types, operands);
  // What leaves the function may be held by more lists than before.
  bool leaves = hasShared(*spec.result) || llvm::any_of(spec.stateValues, [](auto &value) {
                  return holdsObjects(value.second);
                });
  if (leaves || spec.sharesItems)
    revokeAll(*this);
  size_t next = first;
  for (unsigned number : spec.changed) {
    ObjectId array = walk.arrays[number];
    mlir::Type type =
        tensorType(heap.get<ArrayState>(array)->dtype, heap.get<ArrayState>(array)->shape);
    write(array, castTensor(call.getResult(next++), type));
  }
  for (unsigned number : spec.changedLists) {
    ObjectId id = walk.lists[number];
    beginChange(*this, id);
    auto outcome = spec.listOutcomes.find(number);
    setOutcome(*this, id,
               withOperands(*this, *heap.get<RunTimeListState>(id), call.getResults(), next),
               outcome == spec.listOutcomes.end() ? ListOutcome() : outcome->second);
  }
  setState(*this, spec, call.getResults().drop_front(next), true);
  for (unsigned number : spec.sharedArguments)
    markItems(*this, ObjectRef{number < walk.arrays.size()
                                   ? walk.arrays[number]
                                   : walk.containers[number - walk.arrays.size()]});
  auto inward = [&](const IntExpr &expr) {
    return expr.substitute([&](mlir::Value symbol) -> std::optional<IntExpr> {
      auto argument = dyn_cast<BlockArgument>(symbol);
      if (!argument || argument.getOwner() != spec.symbols)
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
  return newTuple({raised, exception.kind, exception.message, exception.place, result});
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
    certainRaise = std::make_shared<RaisedPath>(capture({parts[1], parts[2], values, parts[3]}));
    dead = true;
    return NoneValue{};
  }
  openCheck(ssa(negate(raised)), [&] { return Raised{parts[1], parts[2], values, parts[3]}; });
  auto *optional = parts[4].as<OptionalValue>();
  return optional && spec.returnsSomething ? optional->value : parts[4];
}

//===----------------------------------------------------------------------===//
// Building
//===----------------------------------------------------------------------===//

std::shared_ptr<Specialization>
Specializer::buildSpecialization(const ClosureValue &closure, const Locals &parameters,
                                 llvm::function_ref<ArgumentWalk &(bool, const ListPlan &)> walk) {
  auto spec = std::make_shared<Specialization>();
  spec->closure = closure;
  spec->parameters = parameters;
  spec->firstFrame = frames.size();
  spec->isCatching = isInTry();
  spec->openKey = walk(false, {}).openKey;
  for (ObjectId id : walk(false, {}).lists)
    spec->lists.push_back(describeList(*this, id));
  building.push_back(spec);
  llvm::scope_exit leave([&, size = building.size()] { building.resize(size - 1); });
  spec->context = reachable(*this, closure, parameters);
  auto begin = [&](bool isLoose) {
    spec->isLoose = spec->wantsLoose = isLoose;
    spec->plan = spec->wantedPlan;
    spec->key = walk(isLoose, spec->plan).key;
    spec->looseKey = walk(isLoose, spec->plan).looseKey;
    spec->mark = heap.size();
    spec->symbols = emitted.newBlockBeside();
    for (auto operand : walk(isLoose, spec->plan).operands)
      spec->symbols->addArgument(operand.getType(), operand.getLoc());
    spec->result = {};
    spec->neverReturns = false;
    spec->changed.clear();
    spec->changedLists.clear();
    spec->sharedArguments.clear();
  };
  begin(false);
  for (unsigned pass = 0;
       !runSpecialization(*spec, closure, parameters, walk(spec->isLoose, spec->plan)); ++pass) {
    if (pass > 16)
      throw CannotCross{"a result that changes with the depth"};
    if (spec->wantsLoose != spec->isLoose || spec->wantedPlan != spec->plan)
      begin(spec->wantsLoose);
  }
  llvm::erase_if(spec->context,
                 [&](auto &object) { return llvm::is_contained(spec->state, object.first); });
  specializations.push_back(spec);
  return spec;
}

/// A call of a recursion: by a function that is there, or one that is being made, or a new one.
class RecursiveCall {
public:
  RecursiveCall(Specializer &s, const ClosureValue &closure, Locals &parameters, bool mayBuild)
      : s(s), closure(closure), parameters(parameters), mayBuild(mayBuild) {}
  /// The result. Throws Abort where there is to be no such function, PathEnds where it is not known
  /// yet.
  Value run();

  /// What the call looks like, once that is known, for those that did not come about.
  std::string signature;
  /// There was to be none.
  bool isOutside = false;

private:
  struct Walk {
    bool isLoose;
    ListPlan plan;
    std::optional<ArgumentWalk> arguments;
  };
  ArgumentWalk &walk(bool isLoose, const ListPlan &plan);
  bool isSimilar(const Specialization &spec);
  bool matches(const Specialization &spec);
  bool isUsable(Specialization &spec);
  void growPlan(Specialization &spec);
  /// Nothing where a function that is being made is another one.
  std::optional<Value> callBuilding(Specialization &spec);
  std::optional<Value> call();

  Specializer &s;
  const ClosureValue &closure;
  Locals &parameters;
  const bool mayBuild;
  std::vector<std::unique_ptr<Walk>> walks;
  /// The arguments as they are before a plan makes some of the lists others.
  const ArgumentWalk *plain = nullptr;
  std::vector<ListArgument> lists;
};

ArgumentWalk &RecursiveCall::walk(bool isLoose, const ListPlan &plan) {
  for (auto &one : walks)
    if (one->isLoose == isLoose && one->plan == plan)
      return *one->arguments;
  auto one = std::make_unique<Walk>(Walk{isLoose, plan, {}});
  one->arguments.emplace(s, isLoose, one->plan);
  for (auto &entry : parameters)
    one->arguments->collect(entry.second);
  walks.push_back(std::move(one));
  return *walks.back()->arguments;
}

bool RecursiveCall::isSimilar(const Specialization &spec) {
  return isSameFunction(s.heap, spec.closure, closure) && spec.isCatching == s.isInTry() &&
         spec.openKey == plain->openKey;
}

bool RecursiveCall::matches(const Specialization &spec) {
  for (auto &[number, item] : spec.plan)
    if (!hasItems(s, plain->lists[number], item))
      return false;
  return spec.key == walk(spec.isLoose, spec.plan).key;
}

/// Of a complete function: whether what it captured and read is there, unchanged.
bool RecursiveCall::isUsable(Specialization &spec) {
  return isSimilar(spec) &&
         llvm::all_of(spec.captured, [&](mlir::Value value) { return s.isAvailable(value); }) &&
         llvm::all_of(spec.context,
                      [&](auto &object) {
                        return object.first < s.heap.size() &&
                               isUnchanged(object.second, s.heap.pointer(object.first));
                      }) &&
         fitsState(s, spec) && matches(spec) && ownsLists(s, spec, plain->lists, /*note=*/false);
}

/// Lists that this call gives another length than the first one.
void RecursiveCall::growPlan(Specialization &spec) {
  for (const auto &[number, list] : llvm::enumerate(lists)) {
    ListArgument first = spec.lists[number];
    if (auto planned = spec.plan.find(number); planned != spec.plan.end())
      first = {planned->second, {}, {}};
    if (auto item = commonItem(s, first, list))
      spec.wantedPlan.insert_or_assign(number, *item);
  }
}

std::optional<Value> RecursiveCall::callBuilding(Specialization &spec) {
  growPlan(spec);
  bool outgrows = spec.wantedPlan != spec.plan;
  bool differsInExtents = !outgrows && !spec.isLoose && spec.key != walk(false, spec.plan).key &&
                          spec.looseKey == walk(false, spec.plan).looseKey;
  if (!outgrows && !differsInExtents && !matches(spec))
    return std::nullopt;
  if (spec.outliningDepth != s.outliningBlocks.size())
    throw CannotCross{"a call of itself from another function of its own"};
  if (outgrows)
    throw PathEnds();
  if (differsInExtents) {
    spec.wantsLoose = true;
    throw PathEnds();
  }
  auto changed = changedOutside(s, spec);
  if (!changed.empty()) {
    spec.newState.insert(changed.begin(), changed.end());
    throw PathEnds();
  }
  for (ObjectId id : std::vector<ObjectId>(spec.state))
    spec.isOutgrown |= passState(s, spec, id);
  spec.isOutgrown |= !ownsLists(s, spec, plain->lists, /*note=*/true);
  if (spec.isOutgrown)
    throw PathEnds();
  return s.callSpecialization(spec, walk(spec.isLoose, spec.plan), true);
}

/// By a function that is there already.
std::optional<Value> RecursiveCall::call() {
  for (auto &spec : llvm::reverse(s.building))
    if (isSimilar(*spec))
      if (auto result = callBuilding(*spec))
        return result;
  for (auto &spec : s.specializations)
    if (isUsable(*spec))
      return s.callSpecialization(*spec, walk(spec->isLoose, spec->plan), false);
  return std::nullopt;
}

Value RecursiveCall::run() {
  // What an item of a list is inside is not the item outside.
  for (auto &entry : parameters)
    for (ObjectId list : otherHolders(s, entry.second))
      revoke(s, list);
  plain = &walk(false, {});
  for (ObjectId id : plain->lists)
    lists.push_back(describeList(s, id));
  if (auto result = call())
    return *result;
  signature = std::to_string(reinterpret_cast<uintptr_t>(closure.node)) + plain->key + "@" +
              std::to_string(s.building.size()) + (s.isInTry() ? "try" : "");
  isOutside = !mayBuild || s.failedSignatures.count(signature);
  if (isOutside)
    throw Abort();
  auto spec = s.buildSpecialization(
      closure, parameters,
      [&](bool isLoose, const ListPlan &plan) -> ArgumentWalk & { return walk(isLoose, plan); });
  return s.callSpecialization(*spec, walk(spec->isLoose, spec->plan), false);
}

/// A call in a function of its own; nothing where that did not come about.
std::optional<Value> Specializer::callInFunction(const ClosureValue &closure, Locals &parameters,
                                                 bool mayBuild, bool isConditional) {
  std::optional<Value> result;
  std::vector<Diagnostic> errors;
  RecursiveCall call(*this, closure, parameters, mayBuild);
  // A function that does not come about says nothing about the calls in place.
  unsigned outerInPlace = recursionsInPlace;
  if (building.empty())
    recursionsInPlace = 0;
  auto run = [&] {
    try {
      result = call.run();
    } catch (const CannotCross &reason) {
      fail(ErrorId::RecursionStructure, {closure.name, reason.what});
    }
  };
  bool done = attempt(run, errors);
  recursionsInPlace = outerInPlace;
  if (done || call.isOutside)
    return done ? result : std::nullopt;
  ++failedBuilds[closure.node];
  if (!errors.empty() && errors.front().id == ErrorId::RecursesTooDeeply &&
      ++endlessBuilds[closure.node] >= 4 && isConditional)
    failRecursion(closure);
  failedSignatures.insert(call.signature);
  if (!errors.empty() && errors.front().id != ErrorId::RecursesTooDeeply) {
    whyOrigin = errors.front().details.origin;
    whyInPlace = errors.front().id == ErrorId::RecursionStructure
                     ? llvm::StringRef(errors.front().message).split("function: ").second.str()
                     : errors.front().message;
  }
  return std::nullopt;
}

/// Whether a definition is active more than once.
static bool isAnyRepeated(llvm::ArrayRef<Frame *> frames) {
  llvm::SmallPtrSet<const ast::Node *, 16> seen;
  return llvm::any_of(frames, [&](const Frame *frame) {
    return frame->closure && !seen.insert(frame->closure->node).second;
  });
}

std::optional<Value> Specializer::callRecursive(const ClosureValue &closure, Locals &parameters) {
  if (closure.scope().hasYield)
    return std::nullopt;
  auto isThis = [&](const ClosureValue &other, const Locals &given) {
    return isSameFunction(heap, other, closure) && getSameFunctions(heap, given, parameters);
  };
  // What stands around the function that is being made is not called again by its calls of these.
  unsigned active = 0, ofDefinition = 0;
  Frame *last = nullptr;
  for (Frame *frame :
       llvm::drop_begin(frames, building.empty() ? 0 : building.back()->firstFrame)) {
    if (!frame->closure || frame->closure->node != closure.node || frame->ruleDepth != ruleDepth)
      continue;
    ++ofDefinition;
    if (isThis(*frame->closure, frame->parameters)) {
      ++active;
      last = frame;
    }
  }
  // Closures of one definition may call each other in a chain, each more than once: deep in it,
  // each is a function of its own.
  if (active == 0 && ofDefinition < maximumNested) {
    // What recursions cost that have ended says nothing about the next one.
    if (recursionsInPlace > 0 && building.empty() && !isAnyRepeated(frames))
      recursionsInPlace = 0;
    return std::nullopt;
  }
  // A recursion whose end is known at compile time starts in place.
  bool isConditional = last && last->entryBlock != builder.getInsertionBlock();
  auto isOfThis = [&](auto &spec) { return isThis(spec->closure, spec->parameters); };
  unsigned inBuild = llvm::count_if(building, isOfThis);
  bool isBuilt = llvm::any_of(specializations, isOfThis);
  // What did not come about twice ends in place, where run-time values do not decide.
  bool isHopeless = !isConditional && failedBuilds[closure.node] >= 2;
  bool mayBuild =
      inBuild < 3 && !isHopeless && (isConditional || active != 1 || inBuild || isBuilt);
  if (mayBuild || inBuild)
    if (auto result = callInFunction(closure, parameters, mayBuild, isConditional))
      return result;
  if (recursionsInPlace++ == 0)
    keptBefore = keptObjects;
  bool isCostly = keptObjects - keptBefore > maximumStates;
  if (isCostly ||
      recursionsInPlace > (building.empty() ? maximumRecursions : maximumRecursionsInside))
    failRecursion(closure);
  return std::nullopt;
}

/// Whether the last two active calls of a definition got different functions.
static bool getsAnotherFunction(Specializer &s, const ClosureValue &closure) {
  const Frame *last = nullptr;
  for (const Frame *frame : llvm::reverse(s.frames)) {
    if (!frame->closure || frame->closure->node != closure.node)
      continue;
    if (last)
      return !isSameFunction(s.heap, *frame->closure, *last->closure) ||
             !getSameFunctions(s.heap, frame->parameters, last->parameters);
    last = frame;
  }
  return false;
}

void Specializer::failRecursion(const ClosureValue &closure) {
  if (getsAnotherFunction(*this, closure))
    fail(ErrorId::RecursesTooDeeply, {closure.name},
         {.found = "another function, or another object of a class, in each call",
          .help = "pass the same one to all calls, and what changes as numbers, arrays or lists"});
  if (!whyInPlace.empty())
    fail(ErrorId::RecursionStructure, {closure.name, whyInPlace},
         {.help = "let each call take and return the same types, or write a loop",
          .origin = whyOrigin});
  fail(ErrorId::RecursesTooDeeply, {closure.name},
       {.help = "let the recursion end by run-time values, or write a loop"});
}

} // namespace mpy
