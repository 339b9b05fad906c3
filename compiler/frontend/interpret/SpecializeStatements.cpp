// Statements. Control that leaves early is a flag: `return v` under a run-time condition sets
// `%return` and `%value`, and what follows runs only where no flag is set:
//
//   if c: return a        =>     %ret, %value = scf.if %c { yield true, %a } else { rest ; yield
//   true, %b } rest; return b
//
// Where one branch always leaves, the rest of the list moves into the other, so no flag is needed.
#include "frontend/containers/Builtins.h"
#include "frontend/containers/Rows.h"
#include "frontend/containers/RunTimeLists.h"
#include "frontend/interpret/Equality.h"
#include "frontend/interpret/SpecialMethods.h"
#include "frontend/paths/Loops.h"
#include "frontend/syntax/AstWalk.h"
#include "frontend/values/Generators.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/Support/SaveAndRestore.h"

using namespace mlir;
using llvm::SaveAndRestore;

namespace mpy {

/// Whether a statement that leaves what it is in occurs in another.
static bool mayLeave(const ast::Node *node) {
  bool found = isa<ast::Return, ast::Break, ast::Continue>(node);
  forEachChild(node, [&](ast::Node *child) { found = found || mayLeave(child); });
  return found;
}

/// Whether a list of statements never runs to its end.
static bool alwaysLeaves(const ast::Body &body) {
  for (auto *stmt : body) {
    if (isa<ast::Return, ast::Raise, ast::Break, ast::Continue>(stmt))
      return true;
    if (auto *branch = dyn_cast<ast::If>(stmt))
      if (!branch->orelse.empty() && alwaysLeaves(branch->body) && alwaysLeaves(branch->orelse))
        return true;
  }
  return false;
}

Scalar Specializer::leftFlag() {
  Scalar left = makeBool(false);
  for (const char *name : {"%return", "%break", "%continue"}) {
    auto it = frame().locals.find(name);
    if (it == frame().locals.end())
      continue;
    Scalar flag = truth(it->second);
    if (flag.knownBool == true)
      return flag;
    if (!flag.knownBool)
      left = scalarBinary(ast::BinaryOperator::BitOr, left, flag);
  }
  return left;
}

void Specializer::clearFlags() {
  for (const char *name : {"%return", "%break", "%continue"})
    if (frame().locals.count(name))
      frame().locals[name] = makeBool(false);
  // Who has not returned has returned nothing.
  if (frame().locals.count("%value"))
    frame().locals["%value"] = NoneValue{};
}

void Specializer::execute(const ast::Body &body, size_t from) {
  for (size_t i = from; i < body.size(); ++i) {
    if (dead)
      return;
    span = body[i]->span;
    if (!rowsInConstructors.empty())
      showRow(*this, *body[i]);
    if (auto *node = dyn_cast<ast::If>(body[i])) {
      if (executeIf(*node, body, i))
        return;
    } else {
      execute(*body[i]);
    }
    if (dead)
      return;
    Scalar left = leftFlag();
    if (left.knownBool == true)
      return;
    if (left.knownBool)
      continue;
    if (i + 1 < body.size())
      branch(
          ssa(negate(left)),
          [&] {
            clearFlags();
            execute(body, i + 1);
          },
          [] {});
    return;
  }
}

bool Specializer::executeIf(const ast::If &node, const ast::Body &body, size_t index) {
  Scalar condition = evaluateTruth(*node.test);
  if (condition.knownBool) {
    execute(*condition.knownBool ? node.body : node.orelse);
    return false;
  }
  bool thenLeaves = alwaysLeaves(node.body), elseLeaves = alwaysLeaves(node.orelse);
  bool takesRest = thenLeaves != elseLeaves && index + 1 < body.size();
  auto run = [&](const ast::Body &chosen, bool withRest) {
    execute(chosen);
    if (!withRest || dead)
      return;
    Scalar left = leftFlag();
    if (left.knownBool == false)
      execute(body, index + 1);
    else if (!left.knownBool)
      branch(
          ssa(negate(left)),
          [&] {
            clearFlags();
            execute(body, index + 1);
          },
          [] {});
  };
  // A loop on one path forgets what nobody reads behind it: so do both. Who leaves goes elsewhere.
  bool forgets = !takesRest && !mayLeave(&node);
  auto path = [&](const ast::Body &chosen, bool withRest) {
    run(chosen, withRest);
    if (forgets && !dead)
      dropNamesAfter(node);
  };
  branch(
      ssa(condition),
      [&] {
        narrow(*node.test, true);
        path(node.body, takesRest && elseLeaves);
      },
      [&] {
        narrow(*node.test, false);
        path(node.orelse, takesRest && thenLeaves);
      });
  return takesRest;
}

void Specializer::execute(const ast::Stmt &statement) {
  using namespace ast;
  span = statement.span;
  SaveAndRestore<ObjectId> objects(frame().firstOfStatement, heap.size());
  auto unsupported = [&](const char *what, const char *help = "") {
    fail(ErrorId::Unsupported, {what}, {.help = help});
  };
  if (isa<Try, With>(statement) && frame().suspended && hasPlaces(statement))
    checkWaitsIn(statement);
  switch (statement.kind) {
  case Kind::FunctionDef: {
    auto &node = cast<FunctionDef>(statement);
    if (node.isAsync)
      unsupported("'async def'");
    // Decorators are evaluated from top to bottom, and applied from bottom to top.
    ValueList decorators;
    for (auto *decorator : node.decorators)
      decorators.push_back(evaluate(decorator));
    Value value = makeClosure(node, node.args, node.scope, node.name);
    for (auto [decorator, at] : llvm::reverse(llvm::zip_equal(decorators, node.decorators)))
      value = call(decorator, CallArguments{{value}, {}, at->span});
    assignName(node.name, value);
    return;
  }
  case Kind::ClassDef:
    return executeClass(cast<ClassDef>(statement));
  case Kind::Return: {
    auto &node = cast<Return>(statement);
    frame().locals["%value"] = node.value ? evaluate(node.value) : Value(NoneValue{});
    frame().locals["%return"] = makeBool(true);
    return;
  }
  case Kind::Delete:
    for (auto *target : cast<Delete>(statement).targets)
      executeDelete(*target);
    return;
  case Kind::Assign: {
    auto &node = cast<Assign>(statement);
    if (yieldOf(statement))
      return executeYield(statement);
    Value value = evaluate(node.value);
    for (auto *target : node.targets)
      assign(*target, value);
    return;
  }
  case Kind::AugAssign:
    return executeAugmented(cast<AugAssign>(statement));
  case Kind::AnnAssign:
    if (auto &node = cast<AnnAssign>(statement); node.value)
      assign(*node.target, evaluate(node.value));
    return;
  case Kind::For:
    return executeFor(cast<For>(statement));
  case Kind::While:
    return executeWhile(cast<While>(statement));
  case Kind::If: {
    Body single{const_cast<Stmt *>(&statement)};
    executeIf(cast<If>(statement), single, 0);
    return;
  }
  case Kind::With:
    return executeWith(cast<With>(statement));
  case Kind::Raise:
    return executeRaise(cast<Raise>(statement));
  case Kind::Assert:
    return executeAssert(cast<Assert>(statement));
  case Kind::Import:
    return executeImport(cast<Import>(statement));
  case Kind::ImportFrom:
    return executeImportFrom(cast<ImportFrom>(statement));
  case Kind::Global:
  case Kind::Nonlocal:
  case Kind::Pass:
    return;
  case Kind::ExprStmt:
    if (auto *constant = dyn_cast<Constant>(cast<ExprStmt>(statement).value); constant)
      return; // A docstring.
    if (yieldOf(statement))
      executeYield(statement);
    else
      evaluate(cast<ExprStmt>(statement).value);
    return;
  case Kind::Break:
    frame().locals["%break"] = makeBool(true);
    return;
  case Kind::Continue:
    frame().locals["%continue"] = makeBool(true);
    return;
  case Kind::Match:
    return executeMatch(cast<Match>(statement));
  case Kind::Try:
    return executeTry(cast<Try>(statement));
  default:
    unsupported("this statement");
  }
}

//===----------------------------------------------------------------------===//
// Assignment
//===----------------------------------------------------------------------===//

void Specializer::assign(const ast::Expr &target, const Value &value) {
  if (dead)
    return;
  using namespace ast;
  switch (target.kind) {
  case Kind::Name:
    assignName(cast<Name>(target).id, value);
    return;
  case Kind::Attribute: {
    auto &node = cast<Attribute>(target);
    Value object = evaluate(node.value);
    span = target.span;
    setAttribute(object, node.attr, bound(value, "the value"));
    return;
  }
  case Kind::Subscript: {
    auto &node = cast<Subscript>(target);
    Value container = evaluate(node.value);
    Value key = evaluate(node.slice);
    span = target.span;
    container = present(container, "the container",
                        typeError("'NoneType' object does not support item assignment"));
    assignSubscript(container, key, bound(value, "the value"));
    return;
  }
  case Kind::Tuple:
    return unpack(cast<Tuple>(target).elts, value);
  case Kind::List:
    return unpack(cast<List>(target).elts, value);
  default:
    fail(ErrorId::Unsupported, {"this assignment target"});
  }
}

/// `first, *rest, last = list`, where the length of the list is run-time data.
static void unpackCounted(Specializer &s, llvm::ArrayRef<ast::Expr *> targets, size_t star,
                          const Value &list) {
  size_t after = targets.size() - star - 1;
  IntExpr length = runTimeListOf(s, list)->length;
  mlir::Value least = s.index(IntExpr(int64_t(star + after))), given = s.index(length);
  s.check(s.create<arith::CmpIOp>(arith::CmpIPredicate::sge, given, least), "ValueError",
          "not enough values to unpack (expected at least {}, got {})", {least, given});
  auto at = [&](const IntExpr &position) {
    return runTimeListSubscript(s, list, s.makeInt(position));
  };
  IntExpr end = length - IntExpr(int64_t(after));
  Value first = s.makeInt(IntExpr(int64_t(star))), last = s.makeInt(end);
  ValueList items;
  for (size_t i = 0; i < star; ++i)
    items.push_back(at(IntExpr(int64_t(i))));
  Value rest = std::make_shared<const SliceValue>(SliceValue{first, last, NoneValue{}});
  items.push_back(runTimeListSubscript(s, list, rest));
  for (size_t i = 0; i < after; ++i)
    items.push_back(at(end + IntExpr(int64_t(i))));
  for (size_t i = 0; i < targets.size(); ++i)
    s.assign(i == star ? *cast<ast::Starred>(targets[i])->value : *targets[i], items[i]);
}

/// Takes an item for each target, and asks for one more.
static void unpackIterator(Specializer &s, llvm::ArrayRef<ast::Expr *> targets,
                           const Value &value) {
  Value iterator = s.iteratorOf(value);
  std::string name = "%unpacked" + std::to_string(s.nextNumber());
  s.frame().locals[name] = iterator;
  ValueList items;
  std::string wanted = std::to_string(targets.size());
  for (size_t i = 0; i < targets.size() && !s.dead; ++i) {
    Specializer::Taken taken = s.takeNext(s.frame().locals[name]);
    std::string message =
        "not enough values to unpack (expected " + wanted + ", got " + std::to_string(i) + ")";
    if (!s.dead && taken.has.knownBool == false)
      s.raiseHere("ValueError", message);
    else if (!s.dead && !taken.has.knownBool)
      s.check(s.ssa(taken.has), "ValueError", message);
    items.push_back(taken.item);
  }
  if (s.dead)
    return;
  Specializer::Taken more = s.takeNext(s.frame().locals[name]);
  s.frame().locals.erase(name);
  std::string message = "too many values to unpack (expected " + wanted + ")";
  if (!s.dead && more.has.knownBool == true)
    s.raiseHere("ValueError", message);
  else if (!s.dead && !more.has.knownBool)
    s.check(s.ssa(s.negate(more.has)), "ValueError", message);
  for (size_t i = 0; i < targets.size() && !s.dead; ++i)
    s.assign(*targets[i], items[i]);
}

void Specializer::unpack(llvm::ArrayRef<ast::Expr *> targets, const Value &given) {
  Value value =
      present(given, "the value", typeError("cannot unpack non-iterable NoneType object"));
  value = inItsOrder(value);
  auto items = knownItems(value);
  size_t star = targets.size();
  for (size_t i = 0; i < targets.size(); ++i)
    if (isa<ast::Starred>(targets[i]))
      star = i;
  bool isTaken = !items && (value.as<IterableValue>() || isOfClass(value));
  if (isTaken && star == targets.size())
    return unpackIterator(*this, targets, value);
  if (!items && star < targets.size()) {
    Value list = call(findBuiltin("list"), CallArguments{{value}, {}, span});
    items = knownItems(list);
    if (!items)
      return unpackCounted(*this, targets, star, list);
  }
  auto walk = items ? std::nullopt : runTimeWalk(value);
  if (walk && star == targets.size()) {
    // The length is known at run time only: it must be the number of targets.
    mlir::Value wanted = index(IntExpr(int64_t(targets.size())));
    mlir::Value given = index(walk->length);
    check(create<arith::CmpIOp>(arith::CmpIPredicate::sle, given, wanted), "ValueError",
          "too many values to unpack (expected {})", {wanted});
    check(create<arith::CmpIOp>(arith::CmpIPredicate::sge, given, wanted), "ValueError",
          "not enough values to unpack (expected {}, got {})", {wanted, given});
    items.emplace();
    for (size_t i = 0; i < targets.size(); ++i)
      items->push_back(walk->item(IntExpr(int64_t(i))));
  }
  if (!items)
    fail(ErrorId::NotIterable, {describe(value)});
  if (star == targets.size()) {
    if (items->size() > targets.size()) {
      raiseHere("ValueError",
                "too many values to unpack (expected " + std::to_string(targets.size()) + ")");
      return;
    }
    if (items->size() < targets.size()) {
      raiseHere("ValueError", "not enough values to unpack (expected " +
                                  std::to_string(targets.size()) + ", got " +
                                  std::to_string(items->size()) + ")");
      return;
    }
    for (size_t i = 0; i < targets.size(); ++i)
      assign(*targets[i], (*items)[i]);
    return;
  }
  size_t after = targets.size() - star - 1;
  if (items->size() < star + after) {
    raiseHere("ValueError", "not enough values to unpack (expected at least " +
                                std::to_string(star + after) + ", got " +
                                std::to_string(items->size()) + ")");
    return;
  }
  for (size_t i = 0; i < star; ++i)
    assign(*targets[i], (*items)[i]);
  assign(*cast<ast::Starred>(targets[star])->value,
         newList(ValueList(items->begin() + star, items->end() - after)));
  for (size_t i = 0; i < after; ++i)
    assign(*targets[star + 1 + i], (*items)[items->size() - after + i]);
}

void Specializer::executeAugmented(const ast::AugAssign &node) {
  Value current, container, key;
  if (auto *name = dyn_cast<ast::Name>(node.target)) {
    current = bound(lookup(name->id), name->id);
  } else if (auto *attributeNode = dyn_cast<ast::Attribute>(node.target)) {
    container = owner(evaluate(attributeNode->value), attributeNode->attr);
    current = attribute(container, attributeNode->attr);
  } else if (auto *subscriptNode = dyn_cast<ast::Subscript>(node.target)) {
    container = present(evaluate(subscriptNode->value), "the container",
                        typeError("'NoneType' object is not subscriptable"));
    key = evaluate(subscriptNode->slice);
    span = node.target->span;
    current = subscript(container, key);
  } else {
    fail(ErrorId::Unsupported, {"this assignment target"});
  }
  Value operand = bound(evaluate(node.value), "the operand");
  if (dead)
    return;
  span = node.span;
  presentOperands(ast::operatorText(node.op).str() + "=", current, operand);
  Value result;
  if (auto id = arrayObject(current)) {
    arrayInPlace(*this, node.op, *id, operand);
    result = current;
  } else if (node.op == ast::BinaryOperator::Add &&
             (object<ListState>(current) ||
              (runTimeListOf(*this, current) && !isRunTimeTuple(*this, current)))) {
    call(findBuiltin("list.extend"), CallArguments{{current, operand}, {}, span});
    result = current;
  } else {
    static const char *const methods[] = {"__iadd__",     "__isub__", "__imul__", "__imatmul__",
                                          "__itruediv__", "__imod__", "__ipow__", "__ilshift__",
                                          "__irshift__",  "__ior__",  "__ixor__", "__iand__",
                                          "__ifloordiv__"};
    std::optional<Value> inPlace;
    if (isOfClass(current))
      inPlace = callMethod(current, methods[static_cast<int>(node.op)], {operand});
    if (inPlace && inPlace->get<NotImplementedValue>())
      inPlace.reset();
    result = inPlace ? *inPlace : binaryInPlace(*this, node.op, current, operand);
    // Lists, dicts and sets stay the objects that they are.
    bool isList = object<ListState>(current) ||
                  (runTimeListOf(*this, current) && !isRunTimeTuple(*this, current));
    if (!dead && (isList || object<DictState>(current)) && result.get<ObjectRef>()) {
      ObjectId id = current.get<ObjectRef>()->id;
      beginChange(*this, id);
      change(id, heap.at(result.get<ObjectRef>()->id));
      result = current;
    }
  }
  if (auto *name = dyn_cast<ast::Name>(node.target))
    assignName(name->id, result);
  else if (auto *attributeNode = dyn_cast<ast::Attribute>(node.target))
    setAttribute(container, attributeNode->attr, result);
  else if (isArray(container) && isArray(current) && arrayObject(result) == arrayObject(current) &&
           heap.get<ArrayState>(*arrayObject(current))->base)
    return; // The view has written through already.
  else
    assignSubscript(container, key, result);
}

void Specializer::executeDelete(const ast::Expr &target) {
  if (auto *name = dyn_cast<ast::Name>(&target)) {
    bound(lookup(name->id), name->id);
    if (auto cell = findCell(name->id, true))
      heap.set(*cell, CellState{Unbound{}});
    else
      frame().locals.erase(name->id);
    return;
  }
  if (auto *node = dyn_cast<ast::Subscript>(&target)) {
    Value container = present(evaluate(node->value), "the container",
                              typeError("'NoneType' object does not support item deletion"));
    Value key = presentKey(container, evaluate(node->slice));
    if (object<DictState>(container)) {
      beginChange(*this, container.get<ObjectRef>()->id);
      DictState smaller = *object<DictState>(container);
      auto it = llvm::find_if(smaller.entries,
                              [&](auto &entry) { return sameKey(entry.first, key, &smaller); });
      if (it == smaller.entries.end()) {
        raiseMissing(*this, key);
        return;
      }
      smaller.entries.erase(it);
      change(container.get<ObjectRef>()->id, std::move(smaller));
      return;
    }
    if (object<ListState>(container))
      beginChange(*this, container.get<ObjectRef>()->id);
    auto *list = object<ListState>(container);
    auto position = knownInt(key);
    auto *slice = key.as<SliceValue>();
    auto isKnown = [&](const Value &bound) { return bound.isNone() || knownInt(bound); };
    bool isKnownSlice = slice && isKnown(slice->start) && isKnown(slice->stop);
    if (list && !list->items.empty() && (slice ? !isKnownSlice : !position && key.get<Scalar>()))
      makeRunTimeList(*this, container.get<ObjectRef>()->id);
    if (runTimeListOf(*this, container))
      return deleteFromRunTimeList(*this, container, key);
    if (list && slice) {
      ListState shorter = *list;
      std::vector<int64_t> gone = slicePositions(*this, shorter.items.size(), *slice);
      llvm::sort(gone);
      for (int64_t at : llvm::reverse(gone))
        shorter.items.erase(shorter.items.begin() + at);
      change(container.get<ObjectRef>()->id, std::move(shorter));
      return;
    }
    if (list && position) {
      ListState shorter = *list;
      int64_t at = *position < 0 ? *position + int64_t(shorter.items.size()) : *position;
      if (at < 0 || at >= int64_t(shorter.items.size())) {
        raiseHere("IndexError", "list assignment index out of range");
        return;
      }
      shorter.items.erase(shorter.items.begin() + at);
      change(container.get<ObjectRef>()->id, std::move(shorter));
      return;
    }
    if (callMethod(container, "__delitem__", {key}))
      return;
  }
  if (auto *node = dyn_cast<ast::Attribute>(&target))
    return deleteAttribute(*this, owner(evaluate(node->value), node->attr), node->attr);
  fail(ErrorId::Unsupported, {"'del' of this target"});
}

void Specializer::executeRaise(const ast::Raise &node) {
  if (!node.exc)
    return raiseAgain();
  Value value = evaluate(node.exc);
  span = node.span;
  if (auto *ref = value.get<ObjectRef>(); ref && heap.get<ClassState>(ref->id))
    value = call(value, CallArguments{{}, {}, span});
  std::string kind;
  Text message = makeText("");
  if (auto *exception = value.as<ExceptionValue>()) {
    kind = exception->kind;
    message = exceptionText(*exception);
  } else if (object<InstanceState>(value) && isSubclass(*classOf(value), "BaseException")) {
    kind = typeName(value);
    message = str(value);
  } else {
    fail(ErrorId::NotAnException, {describe(value)});
  }
  raise(kind, message, value);
}

void Specializer::executeAssert(const ast::Assert &node) {
  Scalar condition = evaluateTruth(*node.test);
  span = node.span;
  if (condition.knownBool == true)
    return;
  auto failed = [&] {
    Text message = node.msg ? str(evaluate(node.msg)) : makeText("");
    span = node.span;
    raise("AssertionError", message);
  };
  if (condition.knownBool == false)
    return failed();
  branch(ssa(condition), [] {}, failed);
}

} // namespace mpy
