// `try`: exceptions become branches.
//
//   try:                         %ok = i < len(x)
//     y = x[i]            =>     scf.if %ok { y = x[i]; print(y) } else { raised = IndexError }
//     print(y)                   scf.if raised { print('caught') }
//   except IndexError:
//     print('caught')
//
// A check inside `try` opens an scf.if: everything after it, up to the end of the path, the loop's
// body or the body of `try` that it stands in, is emitted in its first block; the other one is the
// path that raised, with the state as it was. At the end of such a region the paths are joined, and
// `%raised`, `%kind` and `%message` among the names say what happened; after the region only where
// nothing was raised the program goes on. What was raised is known by its number among the kinds
// that this program can raise, so that handlers are chosen by a compare.
#include "frontend/interpret/Specializer.h"
#include "frontend/paths/Joiner.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;

namespace mpy {

/// The value of an exception of one kind, among the names.
static constexpr llvm::StringLiteral exceptionPrefix = "%exception";

/// Names that are no variables and outlive an exception: of the consumer of a generator, of a
/// `finally` that is to come, of what a function returns.
static bool isKept(llvm::StringRef name) {
  return name.starts_with("%<") || name.starts_with("%finally") || name.starts_with("%kept.");
}

static constexpr const char *raisedNames[] = {"%raised", "%kind", "%message", "%place", "%goOn"};

/// Names that say what was raised.
static bool isRaisedName(const std::string &name) {
  return llvm::is_contained(raisedNames, name) ||
         llvm::StringRef(name).starts_with(exceptionPrefix);
}

int64_t Specializer::kindNumber(llvm::StringRef kind) {
  auto known = llvm::find(exceptionKinds, kind);
  if (known == exceptionKinds.end())
    known = exceptionKinds.insert(known, kind.str());
  return known - exceptionKinds.begin();
}

Specializer::RaisedPath Specializer::capture(Raised raised) {
  RaisedPath path;
  for (Frame *frame : frames)
    path.locals.push_back(frame->locals);
  path.heap = heap;
  path.raised = std::move(raised);
  if (path.raised.place.isUnbound())
    path.raised.place = makeText((sources.name(span.file) + ":" +
                                  llvm::Twine(sources.lineColumn(span.file, span.begin).line))
                                     .str());
  return path;
}

Value Specializer::checkedException(llvm::StringRef kind, const Value &message) {
  auto *text = message.get<Text>();
  bool isBare = kind == "StopIteration" && text && !text->value && text->known.empty();
  return std::make_shared<const ExceptionValue>(
      ExceptionValue{kind.str(), isBare ? ValueList() : ValueList{message},
                     kind == "KeyError" || kind.starts_with("numpy")});
}

void Specializer::raise(llvm::StringRef kind, const Text &message, Value value,
                        const Value &place) {
  if (dead)
    return;
  if (isInTry()) {
    int64_t number = kindNumber(kind);
    possibleKinds.back().insert(number);
    if (value.isUnbound())
      value = checkedException(kind, message);
    certainRaise = std::make_shared<RaisedPath>(
        capture({makeInt(IntExpr(number)), message, {{number, value}}, place}));
  } else if (kind == "SystemExit") {
    auto *exception = value.as<ExceptionValue>();
    if (!exception || exception->isRendered || exception->arguments.size() > 1)
      fail(ErrorId::Unsupported, {"SystemExit with codes of several kinds"},
           {.help = "leave the program by one call of sys.exit"});
    exitProgram(exception->arguments.empty() ? NoneValue{} : exception->arguments[0]);
  } else {
    auto *raisedAt = place.get<Text>();
    create<RaiseOp>(builder.getStringAttr(kind), ssa(message),
                    raisedAt ? ssa(*raisedAt) : mlir::Value());
  }
  dead = true;
}

void Specializer::raiseAgain() {
  if (handling.empty())
    fail(ErrorId::Unsupported, {"'raise' without an exception"}, {.help = "name the exception"});
  Raised raised = handling.back();
  int64_t kind = *knownInt(raised.kind);
  raise(exceptionKinds[kind], *raised.message.get<Text>(), raised.values[kind], raised.place);
}

void Specializer::openCheck(mlir::Value condition, llvm::function_ref<Raised()> raised) {
  auto op = create<scf::IfOp>(mlir::TypeRange(), condition, /*withElseRegion=*/true);
  {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPoint(op.elseBlock()->getTerminator());
    Raised exception = raised();
    openChecks.push_back({op, capture(std::move(exception))});
  }
  builder.setInsertionPoint(op.thenBlock()->getTerminator());
}

void Specializer::checkInTry(mlir::Value condition, llvm::StringRef kind,
                             llvm::function_ref<Text()> message) {
  if (dead)
    return;
  int64_t number = kindNumber(kind);
  possibleKinds.back().insert(number);
  openCheck(condition, [&] {
    Text text = message();
    return Raised{makeInt(IntExpr(number)), text, {{number, checkedException(kind, text)}}};
  });
}

//===----------------------------------------------------------------------===//
// Regions
//===----------------------------------------------------------------------===//

Specializer::TryRegion Specializer::openRegion() {
  // How control could leave from there, and what expressions around it have made so far.
  TryRegion region{openChecks.size(), certainRaise, {}};
  for (auto &local : frame().locals)
    if (local.first[0] == '%' && !isRaisedName(local.first))
      region.flags.push_back(local.first);
  certainRaise = nullptr;
  return region;
}

/// Nothing was raised on this path.
void Specializer::setUnraised() {
  frame().locals["%raised"] = makeBool(false);
  frame().locals["%kind"] = makeInt(IntExpr(0));
  frame().locals["%message"] = frame().locals["%place"] = makeText("");
}

static void forgetRaised(Locals &locals) {
  for (const char *name : raisedNames)
    locals.erase(name);
  for (auto it = locals.begin(); it != locals.end();)
    it = llvm::StringRef(it->first).starts_with(exceptionPrefix) ? locals.erase(it) : std::next(it);
}

Locals Specializer::takeRaisedNames(Locals &locals) {
  Locals names;
  for (auto it = locals.begin(); it != locals.end();) {
    bool saysIt = isRaisedName(it->first);
    if (saysIt)
      names.insert(*it);
    it = saysIt ? locals.erase(it) : std::next(it);
  }
  return names;
}

void Specializer::setRaised(Locals &locals, const Raised &raised) {
  locals["%raised"] = makeBool(true);
  locals["%kind"] = raised.kind;
  locals["%message"] = raised.message;
  locals["%place"] = raised.place;
  for (auto &[kind, value] : raised.values)
    locals[exceptionPrefix.str() + std::to_string(kind)] = value;
}

Specializer::Raised Specializer::takeRaised(Locals &locals) {
  // What is there on the paths that raised it.
  auto certain = [](const Value &value) {
    auto *optional = value.as<OptionalValue>();
    return optional ? optional->value : value;
  };
  Raised raised{
      certain(locals["%kind"]), certain(locals["%message"]), {}, certain(locals["%place"])};
  for (auto &local : locals)
    if (llvm::StringRef name = local.first; name.consume_front(exceptionPrefix))
      raised.values[std::stoll(name.str())] = certain(local.second);
  forgetRaised(locals);
  return raised;
}

std::shared_ptr<State> Specializer::closeRegion(TryRegion &region) {
  if (!isInTry())
    return nullptr;
  std::shared_ptr<State> unraised = dead ? nullptr : std::make_shared<State>(snapshot());
  size_t depth = frames.size() - 1;
  auto raisedState = [&](const RaisedPath &path) {
    State state{path.heap, path.locals[depth], false};
    // What stands for control ends with the exception, and so does what the expressions in the
    // region have made; what is made around it goes on.
    for (auto it = state.locals.begin(); it != state.locals.end();)
      it = it->first[0] == '%' && !isKept(it->first) && it->first != "%value" &&
                   !llvm::is_contained(region.flags, it->first)
               ? state.locals.erase(it)
               : std::next(it);
    for (const char *flag : {"%return", "%break", "%continue"})
      if (llvm::is_contained(region.flags, flag))
        state.locals[flag] = makeBool(false);
    setRaised(state.locals, path.raised);
    state.locals["%goOn"] = makeBool(false);
    return state;
  };
  if (dead && certainRaise) {
    // The objects that the region made keep their numbers.
    size_t size = heap.size();
    restore(raisedState(*certainRaise));
    heap.resize(std::max(size, heap.size()));
  } else if (!dead) {
    setUnraised();
  }
  while (openChecks.size() > region.checks) {
    OpenCheck check = openChecks.back();
    openChecks.pop_back();
    State passed = snapshot(), raised = raisedState(check.raised);
    State entry{check.raised.heap, check.raised.locals[depth], false};
    raised.heap.resize(passed.heap.size());
    builder.setInsertionPointAfter(check.op);
    joinPaths(check.op, passed, raised, entry, check.raised.heap.size());
  }
  certainRaise = region.certain;
  return unraised;
}

std::shared_ptr<State> Specializer::runRegion(llvm::function_ref<void()> body) {
  size_t depth = frames.size();
  TryRegion region = openRegion();
  try {
    body();
  } catch (const PathEnds &) {
    frames.resize(depth);
    dead = true;
  }
  return closeRegion(region);
}

/// Makes names what they were on the paths that raised nothing: certainly set, and how control
/// leaves known again.
static void refineUnraised(Locals &locals, llvm::ArrayRef<std::shared_ptr<State>> unraised) {
  if (unraised.empty())
    return;
  for (auto &local : locals) {
    bool isSet = true, isKnown = local.first[0] == '%';
    std::optional<bool> flag;
    for (auto &state : unraised) {
      auto it = state->locals.find(local.first);
      if (it == state->locals.end()) {
        isSet = isKnown = false;
        break;
      }
      isSet &= !it->second.as<OptionalValue>() && !it->second.isNone() && !it->second.isUnbound();
      auto *scalar = it->second.get<Scalar>();
      isKnown &= scalar && scalar->knownBool && (!flag || flag == scalar->knownBool);
      if (isKnown)
        flag = scalar->knownBool;
    }
    if (isKnown)
      local.second = unraised[0]->locals.find(local.first)->second;
    else if (auto *optional = local.second.as<OptionalValue>(); optional && isSet)
      local.second = Value(optional->value);
  }
}

void Specializer::continueUnraised(llvm::ArrayRef<std::shared_ptr<State>> unraised) {
  auto found = frame().locals.find("%raised");
  if (dead || found == frame().locals.end())
    return;
  auto *optional = found->second.as<OptionalValue>();
  Scalar flag = truth(optional ? optional->value : found->second);
  Raised raised = takeRaised(frame().locals);
  if (flag.knownBool == false)
    return;
  if (flag.knownBool == true) {
    certainRaise = std::make_shared<RaisedPath>(capture(std::move(raised)));
    dead = true;
    return;
  }
  auto op = create<scf::IfOp>(mlir::TypeRange(), ssa(negate(flag)), /*withElseRegion=*/true);
  openChecks.push_back({op, capture(std::move(raised))});
  builder.setInsertionPoint(op.thenBlock()->getTerminator());
  refineUnraised(frame().locals, unraised);
}

//===----------------------------------------------------------------------===//
// The statement
//===----------------------------------------------------------------------===//

std::optional<ObjectId> Specializer::exceptionClass(llvm::StringRef kind) {
  std::string name = kind.str();
  for (auto [part, known] :
       {std::pair("AxisError", "numpy.AxisError"), std::pair("UFunc", "numpy.UFuncTypeError"),
        std::pair("LinAlgError", "numpy.LinAlgError")})
    if (kind.starts_with("numpy") && kind.contains(part))
      name = known;
  if (auto known = builtinClasses.find(name); known != builtinClasses.end())
    return known->second;
  for (ObjectId id = 0; id < heap.size(); ++id)
    if (auto *cls = heap.pointer(id) ? heap.get<ClassState>(id) : nullptr; cls && cls->name == kind)
      return id;
  return std::nullopt;
}

bool Specializer::catches(const Value &type, llvm::StringRef kind) {
  if (auto *tuple = type.as<TupleValue>())
    return llvm::any_of(tuple->items, [&](const Value &item) { return catches(item, kind); });
  auto *ref = type.get<ObjectRef>();
  auto *cls = ref ? heap.get<ClassState>(ref->id) : nullptr;
  if (!cls || !isSubclass(ref->id, "BaseException"))
    fail(ErrorId::NotAnException, {describe(type)});
  std::optional<ObjectId> raised = exceptionClass(kind);
  return raised && llvm::is_contained(heap.get<ClassState>(*raised)->resolution, ref->id);
}

Value Specializer::exceptionOf(const Raised &raised, int64_t kind) {
  auto it = raised.values.find(kind);
  if (it != raised.values.end() && !it->second.isUnbound() && !it->second.get<ConflictValue>())
    return it->second;
  return std::make_shared<const ExceptionValue>(
      ExceptionValue{exceptionKinds[kind], {raised.message}, /*isRendered=*/true});
}

/// Runs the handler for one kind of exception.
void Specializer::handleKind(const ast::Try &node, llvm::ArrayRef<Value> types, int64_t kind,
                             const Raised &raised) {
  std::string name = exceptionKinds[kind];
  Value value = exceptionOf(raised, kind);
  for (auto [handler, type] : llvm::zip(node.handlers, types)) {
    if (!type.isUnbound() && !catches(type, name))
      continue;
    handling.push_back({makeInt(IntExpr(kind)), raised.message, {{kind, value}}, raised.place});
    if (!handler.name.empty())
      assignName(handler.name, value);
    execute(handler.body);
    handling.pop_back();
    if (!handler.name.empty() && !dead) {
      if (auto cell = findCell(handler.name, true))
        heap.set(*cell, CellState{Unbound{}});
      else
        frame().locals.erase(handler.name);
    }
    return;
  }
  raise(name, *raised.message.get<Text>(), value, raised.place);
}

void Specializer::forRaised(const Raised &raised, const std::set<int64_t> &kinds,
                            llvm::function_ref<void(int64_t)> action) {
  if (auto known = knownInt(raised.kind))
    return action(*known);
  mlir::Value number = index(intExpr(*raised.kind.get<Scalar>()));
  std::function<void(std::set<int64_t>::const_iterator)> from = [&](auto at) {
    int64_t candidate = *at;
    if (++at == kinds.end())
      return action(candidate);
    mlir::Value isThis = create<arith::CmpIOp>(
        arith::CmpIPredicate::eq, number, create<arith::ConstantIndexOp>(candidate).getResult());
    branch(isThis, [&] { action(candidate); }, [&] { from(at); });
  };
  from(kinds.begin());
}

void Specializer::handle(const ast::Try &node, const std::set<int64_t> &kinds) {
  Raised raised = takeRaised(frame().locals);
  llvm::SmallVector<Value> types;
  for (auto &handler : node.handlers)
    types.push_back(handler.type ? evaluate(handler.type) : Value());
  forRaised(raised, kinds, [&](int64_t kind) { handleKind(node, types, kind, raised); });
}

/// An exception of the runtime that nothing here can catch ends the program: it must not stand
/// where the program would catch it.
void Specializer::refuseUncatchable(Operation *first, Span place) {
  auto refuse = [&](Operation *op) {
    auto effect = dyn_cast<RuntimeEffectOp>(op);
    bool raises = effect && effect.getRaises() && !effect.getCatches() &&
                  effect.getCallee() != "mpy_int_from_float" &&
                  !effect.getCallee().starts_with("mpy_percent_") &&
                  !effect.getCallee().starts_with("mpy_format");
    auto check = dyn_cast<CheckOp>(op);
    if ((!isa<RaiseOp>(op) && !check && !raises) ||
        (check && check.getMessage() == mixedNumberTooLarge))
      return;
    std::string what = raises ? ("'" + effect.getCallee() + "' inside 'try'").str()
                              : "an exception of the runtime library inside 'try'";
    span = place;
    fail(ErrorId::Unsupported, {what}, {.help = "do it before or after"});
  };
  for (Operation *op = first; op; op = op->getNextNode())
    op->walk(refuse);
}

/// The operation after another, or the first of the block; nothing where none was made.
static Operation *operationAfter(Operation *op, Block *block) {
  if (op)
    return op->getNextNode();
  return block->empty() ? nullptr : &block->front();
}

std::shared_ptr<State> Specializer::runGuarded(llvm::function_ref<void()> body,
                                               std::set<int64_t> &kinds) {
  Span place = span;
  Block *block = builder.getInsertionBlock();
  auto point = builder.getInsertionPoint();
  Operation *last = point == block->begin() ? nullptr : &*std::prev(point);
  ++tryDepth;
  possibleKinds.push_back({});
  std::shared_ptr<State> unraised = runRegion(body);
  --tryDepth;
  kinds = possibleKinds.back();
  possibleKinds.pop_back();
  refuseUncatchable(operationAfter(last, block), place);
  return unraised;
}

Scalar Specializer::raisedFlag(const std::string &prefix) {
  auto it = frame().locals.find(prefix + "%raised");
  if (it == frame().locals.end())
    return makeBool(false);
  auto *optional = it->second.as<OptionalValue>();
  return truth(optional ? optional->value : it->second);
}

void Specializer::runFinally(
    llvm::function_ref<void()> body,
    llvm::function_ref<void(const std::set<int64_t> &, const std::string &)> last) {
  size_t depth = frames.size();
  std::set<int64_t> kinds;
  runGuarded(body, kinds);
  if (dead)
    return;
  // How control left waits until the last part has run.
  std::string prefix = "%finally" + std::to_string(depth);
  while (frame().locals.count(prefix + "%return") || frame().locals.count(prefix + "%raised"))
    prefix += "+";
  std::vector<std::string> left;
  for (auto &local : frame().locals)
    if (local.first[0] == '%' && !isKept(local.first))
      left.push_back(local.first);
  for (const std::string &name : left) {
    frame().locals[prefix + name] = frame().locals[name];
    frame().locals.erase(name);
  }
  for (const char *name : {"%return", "%break", "%continue"})
    if (llvm::is_contained(left, name))
      frame().locals[name] = makeBool(false);
  last(kinds, prefix);
  if (dead)
    return;
  if (leftFlag().knownBool != false)
    fail(ErrorId::Unsupported, {"leaving a 'finally' by return, break or continue"});
  for (const std::string &name : left) {
    frame().locals[name] = frame().locals[prefix + name];
    frame().locals.erase(prefix + name);
  }
  if (isInTry()) {
    possibleKinds.back().insert(kinds.begin(), kinds.end());
    return continueUnraised({});
  }
  Scalar raised = raisedFlag();
  if (raised.knownBool == false) {
    forgetRaised(frame().locals);
    return;
  }
  ast::Try again;
  auto uncaught = [&] { handle(again, kinds); };
  if (raised.knownBool == true)
    return uncaught();
  branch(ssa(raised), uncaught, [&] { forgetRaised(frame().locals); });
}

void Specializer::executeTry(const ast::Try &node, llvm::function_ref<void()> body) {
  if (node.isStar)
    fail(ErrorId::Unsupported, {"'except*'"});
  auto handled = [&] {
    std::set<int64_t> kinds;
    std::shared_ptr<State> unraised =
        runGuarded([&] { body ? body() : execute(node.body); }, kinds);
    if (dead)
      return;
    auto orElse = [&] {
      forgetRaised(frame().locals);
      if (unraised)
        refineUnraised(frame().locals, unraised);
      Scalar left = leftFlag();
      if (left.knownBool == false)
        execute(node.orelse);
      else if (!left.knownBool && !node.orelse.empty())
        branch(ssa(negate(left)), [&] { execute(node.orelse); }, [] {});
    };
    Scalar raised = raisedFlag();
    if (raised.knownBool == false)
      return orElse();
    if (raised.knownBool == true)
      return handle(node, kinds);
    branch(ssa(raised), [&] { handle(node, kinds); }, orElse);
  };
  if (node.finalbody.empty())
    handled();
  else
    runFinally(handled, [&](auto &, auto &) { execute(node.finalbody); });
}

} // namespace mpy
