// Turns an AST without scopes into one where every module, function, class and comprehension knows
// its names, by Python's rules: what is assigned in a function is local to all of it; a name that
// is not local belongs to the nearest enclosing function that binds it, else to the module; class
// bodies are skipped on the way out.
//
//   def f(x):            f: locals x g, captured x
//     def g():           g: free x
//       return x + y     g: globalUses y
//
// The first walk collects bindings and uses; the second, when all bindings are known, resolves.
#include "frontend/syntax/Scopes.h"
#include "frontend/syntax/AstWalk.h"
#include <deque>

namespace mpy {

using namespace ast;
using llvm::cast;
using llvm::dyn_cast;

namespace {

/// A scope while names are collected.
struct ScopeUses {
  Scope *scope;
  ScopeUses *parent;
  NameSet uses;
  NameSet parameters;
};

/// A `nonlocal` statement's name, checked when all bindings are known.
struct Declaration {
  ScopeUses *scope;
  std::string name;
  Span span;
};

class Resolver {
public:
  Resolver(Diagnostics &diagnostics) : diagnostics(diagnostics) {}

  void collectModule(Module &module);
  void resolveAll();

private:
  void visit(Node *node);
  void visitName(Name *name);
  void visitFunction(FunctionDef *function);
  void visitLambda(Lambda *lambda);
  void visitClass(ClassDef *definition);
  void visitComprehension(Expr *node, Scope &scope, const std::vector<Comprehension> &generators);
  void visitWalrus(NamedExpr *node);
  void declareGlobal(Global *node);
  void declareNonlocal(Nonlocal *node);
  bool checkDeclaration(const std::string &name, Span span, llvm::StringRef word);
  void bindParameters(const Arguments &arguments);
  void bind(llvm::StringRef name);
  void use(llvm::StringRef name) { current->uses.insert(name); }
  void enter(Scope &scope, ScopeKind kind);
  void leave() { current = current->parent; }
  void resolve(ScopeUses &scope, llvm::StringRef name);
  ScopeUses *functionScope();
  void fail(Span span, llvm::StringRef name, llvm::StringRef problem) {
    diagnostics.report(ErrorId::NameDeclaration, span, {name.str(), problem.str()});
  }

  Diagnostics &diagnostics;
  std::deque<ScopeUses> scopes;
  std::vector<Declaration> nonlocals;
  ScopeUses *current = nullptr;
};

void Resolver::enter(Scope &scope, ScopeKind kind) {
  scope.kind = kind;
  scope.parent = current ? current->scope : nullptr;
  scopes.push_back({&scope, current, {}, {}});
  current = &scopes.back();
}

void Resolver::collectModule(Module &module) {
  enter(module.scope, ScopeKind::Module);
  forEachChild(&module, [&](Node *child) { visit(child); });
  leave();
}

/// The function, lambda, class or module around the comprehensions that are open.
ScopeUses *Resolver::functionScope() {
  ScopeUses *scope = current;
  while (scope->scope->kind == ScopeKind::Comprehension)
    scope = scope->parent;
  return scope;
}

void Resolver::bind(llvm::StringRef name) {
  Scope &scope = *current->scope;
  if (scope.globals.contains(name) || scope.nonlocals.contains(name))
    use(name);
  else
    scope.locals.insert(name);
}

void Resolver::visit(Node *node) {
  auto visitChildren = [&] { forEachChild(node, [&](Node *child) { visit(child); }); };
  switch (node->kind) {
  case Kind::Name:
    return visitName(cast<Name>(node));
  case Kind::FunctionDef:
    return visitFunction(cast<FunctionDef>(node));
  case Kind::Lambda:
    return visitLambda(cast<Lambda>(node));
  case Kind::ClassDef:
    return visitClass(cast<ClassDef>(node));
  case Kind::ListComp:
  case Kind::SetComp:
  case Kind::DictComp:
  case Kind::GeneratorExp:
    return visitComprehension(cast<Expr>(node), *const_cast<Scope *>(scopeOf(node)),
                              *generatorsOf(node));
  case Kind::NamedExpr:
    return visitWalrus(cast<NamedExpr>(node));
  case Kind::Global:
    return declareGlobal(cast<Global>(node));
  case Kind::Nonlocal:
    return declareNonlocal(cast<Nonlocal>(node));
  case Kind::Import:
    for (const Alias &alias : cast<Import>(node)->names)
      bind(boundName(alias, /*isFrom=*/false));
    return;
  case Kind::ImportFrom:
    for (const Alias &alias : cast<ImportFrom>(node)->names)
      if (alias.name != "*")
        bind(boundName(alias, /*isFrom=*/true));
    return;
  case Kind::Try:
    for (const ExceptHandler &handler : cast<Try>(node)->handlers)
      if (!handler.name.empty())
        bind(handler.name);
    return visitChildren();
  case Kind::MatchAs:
    if (!cast<MatchAs>(node)->name.empty())
      bind(cast<MatchAs>(node)->name);
    return visitChildren();
  case Kind::MatchStar:
    if (!cast<MatchStar>(node)->name.empty())
      bind(cast<MatchStar>(node)->name);
    return;
  case Kind::MatchMapping:
    if (!cast<MatchMapping>(node)->rest.empty())
      bind(cast<MatchMapping>(node)->rest);
    return visitChildren();
  case Kind::Yield:
  case Kind::YieldFrom:
    if (current->scope->kind == ScopeKind::Comprehension)
      diagnostics.report(ErrorId::OutsideFunction, node->span, {"yield"},
                         {.found = "a comprehension"});
    current->scope->hasYield = true;
    return visitChildren();
  case Kind::Await:
    functionScope()->scope->hasAwait = true;
    return visitChildren();
  case Kind::Return:
    current->scope->hasReturnValue |= cast<Return>(node)->value != nullptr;
    return visitChildren();
  default:
    return visitChildren();
  }
}

void Resolver::visitName(Name *name) {
  if (name->ctx == ExprContext::Load) {
    use(name->id);
    Scope &scope = *functionScope()->scope;
    if (scope.kind == ScopeKind::Function && (name->id == "super" || name->id == "__class__"))
      scope.usesClassCell = true;
    return;
  }
  bind(name->id);
}

void Resolver::bindParameters(const Arguments &arguments) {
  forEachParameter(arguments, [&](const Parameter &parameter) {
    current->parameters.insert(parameter.name);
    current->scope->locals.insert(parameter.name);
  });
}

void Resolver::visitFunction(FunctionDef *function) {
  auto visitOutside = [&](Node *child) { visit(child); };
  for (Expr *decorator : function->decorators)
    visit(decorator);
  forEachParameterPart(function->args, visitOutside);
  if (function->returns)
    visit(function->returns);
  bind(function->name);
  enter(function->scope, ScopeKind::Function);
  bindParameters(function->args);
  for (Stmt *statement : function->body)
    visit(statement);
  leave();
}

void Resolver::visitLambda(Lambda *lambda) {
  forEachParameterPart(lambda->args, [&](Node *child) { visit(child); });
  enter(lambda->scope, ScopeKind::Lambda);
  bindParameters(lambda->args);
  visit(lambda->body);
  leave();
}

void Resolver::visitClass(ClassDef *definition) {
  for (Expr *decorator : definition->decorators)
    visit(decorator);
  for (Expr *base : definition->bases)
    visit(base);
  for (Keyword &keyword : definition->keywords)
    visit(keyword.value);
  bind(definition->name);
  enter(definition->scope, ScopeKind::Class);
  for (Stmt *statement : definition->body)
    visit(statement);
  leave();
}

void Resolver::visitComprehension(Expr *node, Scope &scope,
                                  const std::vector<Comprehension> &generators) {
  // The first iterable is evaluated outside.
  Expr *first = generators.front().iter;
  visit(first);
  enter(scope, ScopeKind::Comprehension);
  for (const Comprehension &part : generators)
    visit(part.target);
  forEachChild(node, [&](Node *child) {
    bool isTarget = false;
    for (const Comprehension &part : generators)
      isTarget |= child == part.target;
    if (child != first && !isTarget)
      visit(child);
  });
  leave();
}

/// In a comprehension, `:=` binds the name in the scope around it.
void Resolver::visitWalrus(NamedExpr *node) {
  visit(node->value);
  ScopeUses *inner = current;
  const std::string &name = cast<Name>(node->target)->id;
  ScopeUses *owner = functionScope();
  for (ScopeUses *scope = inner; scope != owner; scope = scope->parent) {
    if (scope->scope->locals.contains(name))
      fail(node->span, name, "is a loop variable of this comprehension and cannot be assigned");
    scope->uses.insert(name);
    if (owner->scope->kind == ScopeKind::Module || owner->scope->globals.contains(name))
      scope->scope->globals.insert(name);
  }
  if (inner != owner && owner->scope->kind == ScopeKind::Class)
    fail(node->span, name, "cannot be assigned in a comprehension in a class body");
  current = owner;
  bind(name);
  current = inner;
}

bool Resolver::checkDeclaration(const std::string &name, Span span, llvm::StringRef word) {
  Scope &scope = *current->scope;
  if (current->parameters.contains(name))
    fail(span, name, ("is a parameter and cannot be " + word).str());
  else if (scope.locals.contains(name))
    fail(span, name, ("is assigned before it is declared " + word).str());
  else if (current->uses.contains(name) && !scope.globals.contains(name) &&
           !scope.nonlocals.contains(name))
    fail(span, name, ("is used before it is declared " + word).str());
  else
    return true;
  return false;
}

void Resolver::declareGlobal(Global *node) {
  for (const std::string &name : node->names) {
    if (current->scope->nonlocals.contains(name))
      fail(node->span, name, "is declared both global and nonlocal");
    else if (checkDeclaration(name, node->span, "global"))
      current->scope->globals.insert(name);
  }
}

void Resolver::declareNonlocal(Nonlocal *node) {
  for (const std::string &name : node->names) {
    if (current->scope->kind == ScopeKind::Module) {
      fail(node->span, name, "cannot be nonlocal at the top level of a module");
      continue;
    }
    if (current->scope->globals.contains(name)) {
      fail(node->span, name, "is declared both global and nonlocal");
      continue;
    }
    if (!checkDeclaration(name, node->span, "nonlocal"))
      continue;
    current->scope->nonlocals.insert(name);
    for (ScopeUses *scope = current; scope; scope = scope->parent)
      scope->scope->setOutside.insert(name);
    nonlocals.push_back({current, name, node->span});
  }
}

/// Finds the owner of a name that a scope uses; the scopes between take it from the owner, too.
void Resolver::resolve(ScopeUses &user, llvm::StringRef name) {
  Scope &scope = *user.scope;
  if (scope.locals.contains(name))
    return;
  if (scope.kind == ScopeKind::Module || scope.globals.contains(name)) {
    scope.globalUses.insert(name);
    return;
  }
  for (ScopeUses *outer = user.parent; outer; outer = outer->parent) {
    Scope &candidate = *outer->scope;
    if (candidate.kind == ScopeKind::Class && name != "__class__")
      continue;
    if (candidate.kind == ScopeKind::Module || candidate.globals.contains(name))
      break;
    if (!candidate.locals.contains(name))
      continue;
    candidate.captured.insert(name);
    for (ScopeUses *between = &user; between != outer; between = between->parent)
      between->scope->freeNames.insert(name);
    return;
  }
  scope.globalUses.insert(name);
}

void Resolver::resolveAll() {
  for (ScopeUses &scope : scopes)
    for (const std::string &name : scope.uses)
      resolve(scope, name);
  for (const Declaration &declaration : nonlocals) {
    resolve(*declaration.scope, declaration.name);
    if (!declaration.scope->scope->freeNames.contains(declaration.name))
      fail(declaration.span, declaration.name, "is nonlocal, but no enclosing function binds it");
  }
}

} // namespace

void resolveScopes(Module &module, Diagnostics &diagnostics) {
  Resolver resolver(diagnostics);
  resolver.collectModule(module);
  resolver.resolveAll();
}

} // namespace mpy
