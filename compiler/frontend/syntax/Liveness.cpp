// Turns a function or module body into the sets of names that may still be read, by one backward
// walk; a loop is walked until its set stops growing.
//
//   t = f(x)      after: t          (x is not read again)
//   x = t * 2     after: x
//   return x      after: nothing
//
// What may run later is live: names that a function, lambda or generator expression inside the
// body captures are live everywhere; a comprehension and a class body run at once and only read.
// Inside `try`, all that a handler or `finally` reads is live after every statement.
#include "frontend/syntax/Liveness.h"
#include "frontend/syntax/AstWalk.h"
#include "llvm/ADT/STLExtras.h"

namespace mpy {

using namespace ast;
using llvm::BitVector;
using llvm::cast;
using llvm::dyn_cast;
using llvm::isa;

class Liveness::Analysis {
public:
  Analysis(Liveness &result, const NameSet &locals) : result(result) {
    for (const std::string &name : locals)
      result.table.try_emplace(name, result.table.size());
    exceptional = always = empty();
  }

  void run(const Body &body, bool keepAll);

private:
  BitVector empty() const { return BitVector(result.table.size()); }
  void add(BitVector &set, llvm::StringRef name) const {
    auto found = result.table.find(name);
    if (found != result.table.end())
      set.set(found->second);
  }
  void remove(BitVector &set, llvm::StringRef name) const {
    auto found = result.table.find(name);
    if (found != result.table.end())
      set.reset(found->second);
  }
  LiveNames names(BitVector set) const {
    set |= always;
    return LiveNames(&result.table, std::move(set));
  }

  void collectCaptures(const Node *node, bool runsLater = false);
  void capture(const Scope &scope);
  void addReads(BitVector &set, const Node *node) const;
  void removeTargets(BitVector &set, const Expr *target) const;

  BitVector block(const Body &body, BitVector live);
  BitVector statement(const Stmt *node, const BitVector &live);
  BitVector transfer(const Stmt *node, const BitVector &live);
  BitVector forLoop(const For *node, const BitVector &live);
  BitVector whileLoop(const While *node, const BitVector &live);
  BitVector tryStatement(const Try *node, const BitVector &live);
  BitVector withStatement(const With *node, const BitVector &live);

  Liveness &result;
  BitVector always;
  BitVector exceptional; // read by the handlers and `finally` parts around this place
  BitVector atExit;
  BitVector atBreak;
  BitVector atContinue;
};

void Liveness::Analysis::run(const Body &body, bool keepAll) {
  for (const Stmt *node : body)
    collectCaptures(node);
  if (keepAll)
    always.set();
  result.always = names(empty());
  atExit = atBreak = atContinue = empty();
  block(body, atExit);
}

void Liveness::Analysis::capture(const Scope &scope) {
  for (const std::string &name : scope.freeNames)
    add(always, name);
  for (const std::string &name : scope.globalUses)
    add(always, name);
}

/// Finds what runs later. The table only has this body's names, so that a module finds the globals
/// that functions read, and a function finds what is free in the functions inside it.
void Liveness::Analysis::collectCaptures(const Node *node, bool runsLater) {
  if (isa<FunctionDef, Lambda, GeneratorExp>(node)) {
    runsLater = true;
    capture(*scopeOf(node));
  } else if (const Scope *scope = scopeOf(node); scope && runsLater) {
    // What is free in it is free in the function around it.
    for (const std::string &name : scope->globalUses)
      add(always, name);
  }
  forEachChild(node, [&](Node *child) { collectCaptures(child, runsLater); });
}

/// Adds the names that evaluating a node reads at once.
void Liveness::Analysis::addReads(BitVector &set, const Node *node) const {
  if (!node)
    return;
  if (auto *name = dyn_cast<Name>(node)) {
    // `del x` needs a value, as a read does.
    if (name->ctx != ExprContext::Store)
      add(set, name->id);
    return;
  }
  auto read = [&](Node *child) { addReads(set, child); };
  // Bodies run later; what they capture is in `always`.
  if (auto *lambda = dyn_cast<Lambda>(node))
    return forEachParameterPart(lambda->args, read);
  if (auto *function = dyn_cast<FunctionDef>(node)) {
    for (Expr *decorator : function->decorators)
      addReads(set, decorator);
    addReads(set, function->returns);
    return forEachParameterPart(function->args, read);
  }
  const std::vector<Comprehension> *generators = generatorsOf(node);
  if (!generators)
    return forEachChild(node, read);
  // A name that a comprehension binds itself hides ours, but in the first iterable.
  BitVector inside = empty();
  forEachChild(node, [&](Node *child) { addReads(inside, child); });
  for (const std::string &name : scopeOf(node)->locals)
    remove(inside, name);
  set |= inside;
  addReads(set, generators->front().iter);
}

void Liveness::Analysis::removeTargets(BitVector &set, const Expr *target) const {
  if (auto *name = dyn_cast<Name>(target))
    return remove(set, name->id);
  if (auto *starred = dyn_cast<Starred>(target))
    return removeTargets(set, starred->value);
  if (isa<Tuple, List>(target))
    forEachChild(target, [&](Node *child) { removeTargets(set, cast<Expr>(child)); });
}

BitVector Liveness::Analysis::block(const Body &body, BitVector live) {
  for (const Stmt *node : llvm::reverse(body))
    live = statement(node, live);
  return live;
}

BitVector Liveness::Analysis::statement(const Stmt *node, const BitVector &live) {
  BitVector after = live;
  if (isa<Return, Raise>(node))
    after = atExit;
  else if (isa<Break>(node))
    after = atBreak;
  else if (isa<Continue>(node))
    after = atContinue;
  after |= exceptional;
  result.after[node] = names(after);
  BitVector before = transfer(node, after);
  before |= exceptional;
  return before;
}

BitVector Liveness::Analysis::transfer(const Stmt *node, const BitVector &live) {
  BitVector before = live;
  switch (node->kind) {
  case Kind::For:
    return forLoop(cast<For>(node), live);
  case Kind::While:
    return whileLoop(cast<While>(node), live);
  case Kind::Try:
    return tryStatement(cast<Try>(node), live);
  case Kind::With:
    return withStatement(cast<With>(node), live);
  case Kind::If:
    before = block(cast<If>(node)->body, live);
    before |= block(cast<If>(node)->orelse, live);
    addReads(before, cast<If>(node)->test);
    return before;
  case Kind::Match:
    for (const MatchCase &part : cast<Match>(node)->cases) {
      before |= block(part.body, live);
      addReads(before, part.pattern);
      addReads(before, part.guard);
    }
    addReads(before, cast<Match>(node)->subject);
    return before;
  case Kind::Assign:
    for (const Expr *target : cast<Assign>(node)->targets)
      removeTargets(before, target);
    break;
  case Kind::AugAssign:
    if (auto *name = dyn_cast<Name>(cast<AugAssign>(node)->target))
      add(before, name->id);
    break;
  case Kind::AnnAssign:
    if (cast<AnnAssign>(node)->value)
      removeTargets(before, cast<AnnAssign>(node)->target);
    break;
  case Kind::FunctionDef:
    remove(before, cast<FunctionDef>(node)->name);
    break;
  case Kind::ClassDef:
    remove(before, cast<ClassDef>(node)->name);
    break;
  case Kind::Import:
    for (const Alias &alias : cast<Import>(node)->names)
      remove(before, boundName(alias, /*isFrom=*/false));
    break;
  case Kind::ImportFrom:
    for (const Alias &alias : cast<ImportFrom>(node)->names)
      remove(before, boundName(alias, /*isFrom=*/true));
    break;
  default:
    break;
  }
  addReads(before, node);
  return before;
}

BitVector Liveness::Analysis::forLoop(const For *node, const BitVector &live) {
  BitVector afterElse = block(node->orelse, live);
  BitVector outerBreak = atBreak;
  BitVector outerContinue = atContinue;
  BitVector head = afterElse;
  while (true) {
    atBreak = live;
    atContinue = head;
    BitVector grown = block(node->body, head);
    removeTargets(grown, node->target);
    addReads(grown, node->target);
    grown |= head;
    if (grown == head)
      break;
    head = grown;
  }
  atBreak = outerBreak;
  atContinue = outerContinue;
  // Whoever breaks leaves by the end of the body, where the names of the next iteration are joined.
  result.heads[node] = names(BitVector(head) |= live);
  addReads(head, node->iter);
  return head;
}

BitVector Liveness::Analysis::whileLoop(const While *node, const BitVector &live) {
  BitVector outerBreak = atBreak;
  BitVector outerContinue = atContinue;
  BitVector head = block(node->orelse, live);
  addReads(head, node->test);
  while (true) {
    atBreak = live;
    atContinue = head;
    BitVector grown = block(node->body, head);
    grown |= head;
    if (grown == head)
      break;
    head = grown;
  }
  atBreak = outerBreak;
  atContinue = outerContinue;
  result.heads[node] = names(BitVector(head) |= live);
  return head;
}

/// Any statement of the body may jump to any handler, and every way out leads through `finally`.
BitVector Liveness::Analysis::tryStatement(const Try *node, const BitVector &live) {
  BitVector outer = exceptional;
  BitVector afterParts = block(node->finalbody, live);
  exceptional |= afterParts;
  if (node->finalbody.empty())
    exceptional = outer;
  BitVector atHandlers = empty();
  for (const ExceptHandler &handler : node->handlers) {
    BitVector handlerLive = block(handler.body, afterParts);
    if (!handler.name.empty())
      remove(handlerLive, handler.name);
    addReads(handlerLive, handler.type);
    atHandlers |= handlerLive;
  }
  BitVector afterBody = block(node->orelse, afterParts);
  exceptional |= atHandlers;
  BitVector before = block(node->body, afterBody);
  before |= exceptional;
  exceptional = outer;
  return before;
}

/// A context manager may end an exception, so all that follows is live throughout the body.
BitVector Liveness::Analysis::withStatement(const With *node, const BitVector &live) {
  BitVector outer = exceptional;
  exceptional |= live;
  BitVector before = block(node->body, live);
  exceptional = outer;
  for (const WithItem &item : llvm::reverse(node->items)) {
    if (item.optionalVars)
      addReads(before, item.optionalVars);
    addReads(before, item.contextExpr);
  }
  return before;
}

Liveness::Liveness(const FunctionDef &function) {
  Analysis(*this, function.scope.locals).run(function.body, /*keepAll=*/false);
}

Liveness::Liveness(const Module &module, bool isImported) {
  Analysis(*this, module.scope.locals).run(module.body, isImported);
}

const LiveNames &Liveness::liveAfter(const Stmt *statement) const {
  auto found = after.find(statement);
  return found == after.end() ? everything : found->second;
}

const LiveNames &Liveness::liveAtHead(const Stmt *loop) const {
  auto found = heads.find(loop);
  return found == heads.end() ? everything : found->second;
}

std::vector<std::string> LiveNames::names() const {
  std::vector<std::string> result;
  if (!table)
    return result;
  for (const auto &entry : *table)
    if (members.test(entry.second))
      result.push_back(entry.first().str());
  llvm::sort(result);
  return result;
}

} // namespace mpy
