// All names of libraries that a program uses and that are not there, at once. Once the specialiser
// has met one of them, the program is read as text: aliases of modules are followed as scopes say,
// and what is asked of modules is looked up without being bound.
//
//   import numpy as np             =>    E0405 'numpy.fromregex', E0405 'numpy.ma' ..
//   x = np.fromregex(f, r, t)
//   def later(): return np.ma.array(x)
#include "frontend/library/MissingNames.h"
#include "frontend/containers/Builtins.h"
#include "frontend/interpret/Specializer.h"
#include "frontend/library/Library.h"
#include "frontend/library/PythonNames.h"
#include "frontend/syntax/AstWalk.h"
#include "llvm/ADT/StringExtras.h"

namespace mpy {

/// Whether an error says that a name of a library or of Python is not there.
static bool isMissingName(ErrorId id) {
  return id == ErrorId::UnsupportedName || id == ErrorId::UnknownLibraryName ||
         id == ErrorId::UnsupportedModule;
}

namespace {
class Finder {
public:
  explicit Finder(Diagnostics &diagnostics) : diagnostics(diagnostics) {}
  void collect(const ast::Node *node, const ast::Scope *scope);
  void check(const ast::Node *node, const ast::Scope *scope);

private:
  const ast::Scope *scopeOf(const ast::Node *node, const ast::Scope *outer) const;
  const ast::Scope *bindingScope(llvm::StringRef name, const ast::Scope *scope) const;
  std::optional<std::string> moduleOf(const ast::Expr *expr, const ast::Scope *scope) const;
  void checkImport(const ast::Alias &alias, llvm::StringRef module);
  void checkMember(llvm::StringRef module, llvm::StringRef name, Span span);
  void checkBuiltin(const ast::Name &name, const ast::Scope *scope);
  void add(ErrorId id, Span span, std::vector<std::string> arguments, std::string help = {});

  std::map<std::pair<const ast::Scope *, std::string>, std::string> modules;
  std::set<std::string> names; // reported
  Diagnostics &diagnostics;
};
} // namespace

void Finder::add(ErrorId id, Span span, std::vector<std::string> arguments, std::string help) {
  if (names.insert(llvm::join(arguments, ".")).second)
    diagnostics.report(id, span, arguments, {.help = std::move(help)});
}

/// The scope of what is inside a node.
const ast::Scope *Finder::scopeOf(const ast::Node *node, const ast::Scope *outer) const {
  if (auto *function = llvm::dyn_cast<ast::FunctionDef>(node))
    return &function->scope;
  if (auto *lambda = llvm::dyn_cast<ast::Lambda>(node))
    return &lambda->scope;
  if (auto *cls = llvm::dyn_cast<ast::ClassDef>(node))
    return &cls->scope;
  if (auto *comprehension = llvm::dyn_cast<ast::ListComp>(node))
    return &comprehension->scope;
  if (auto *comprehension = llvm::dyn_cast<ast::SetComp>(node))
    return &comprehension->scope;
  if (auto *comprehension = llvm::dyn_cast<ast::DictComp>(node))
    return &comprehension->scope;
  if (auto *comprehension = llvm::dyn_cast<ast::GeneratorExp>(node))
    return &comprehension->scope;
  return outer;
}

/// Where a name that is read in a scope is bound; null for names of Python.
const ast::Scope *Finder::bindingScope(llvm::StringRef name, const ast::Scope *scope) const {
  for (const ast::Scope *here = scope; here; here = here->parent) {
    bool isVisible = here == scope || here->kind != ast::ScopeKind::Class;
    if (isVisible && here->locals.contains(name) && !here->globals.contains(name))
      return here;
  }
  return nullptr;
}

void Finder::collect(const ast::Node *node, const ast::Scope *scope) {
  auto bind = [&](llvm::StringRef name, const std::string &module) {
    if (!module.empty())
      modules[{scope, name.str()}] = module;
  };
  if (auto *import = llvm::dyn_cast<ast::Import>(node)) {
    for (const ast::Alias &alias : import->names)
      bind(boundName(alias, /*isFrom=*/false),
           libraryModule(alias.asname.empty() ? llvm::StringRef(alias.name).split('.').first
                                              : llvm::StringRef(alias.name)));
  } else if (auto *import = llvm::dyn_cast<ast::ImportFrom>(node)) {
    for (const ast::Alias &alias : import->names)
      bind(boundName(alias, /*isFrom=*/true), libraryModule(import->module + "." + alias.name));
  }
  const ast::Scope *inner = scopeOf(node, scope);
  forEachChild(node, [&](const ast::Node *child) { collect(child, inner); });
}

/// The library module that an expression means: `np`, `np.random`.
std::optional<std::string> Finder::moduleOf(const ast::Expr *expr, const ast::Scope *scope) const {
  if (auto *name = llvm::dyn_cast<ast::Name>(expr)) {
    auto it = modules.find({bindingScope(name->id, scope), name->id});
    return it == modules.end() ? std::nullopt : std::optional(it->second);
  }
  auto *attribute = llvm::dyn_cast<ast::Attribute>(expr);
  std::optional<std::string> outer = attribute ? moduleOf(attribute->value, scope) : std::nullopt;
  std::string module = outer ? libraryModule(*outer + "." + attribute->attr) : "";
  return module.empty() ? std::nullopt : std::optional(module);
}

void Finder::checkImport(const ast::Alias &alias, llvm::StringRef module) {
  if (isStandardModule(module.split('.').first) && libraryModule(module).empty())
    add(ErrorId::UnsupportedModule, alias.span,
        {module.str(), "this module of Python's standard library"});
}

void Finder::checkMember(llvm::StringRef module, llvm::StringRef name, Span span) {
  if (hasLibraryAttribute(module, name) || name.starts_with("__"))
    return;
  if (isLibraryName(module, name))
    return add(ErrorId::UnsupportedName, span, {(module + "." + name).str()});
  std::string best = closestLibraryName(module, name);
  std::string help = best.empty() ? "" : "did you mean '" + best + "'?";
  if (isListedModule(module))
    add(ErrorId::UnknownLibraryName, span, {module.str(), name.str()}, help);
  else if (isLibraryModule(module))
    add(ErrorId::UnsupportedName, span, {(module + "." + name).str()}, help);
}

void Finder::checkBuiltin(const ast::Name &name, const ast::Scope *scope) {
  llvm::StringRef id = name.id;
  if (name.ctx != ast::ExprContext::Load || bindingScope(id, scope) || !isPythonBuiltin(id))
    return;
  bool isException = id.ends_with("Error") || id.ends_with("Exception") || id.ends_with("Warning");
  bool isWord = llvm::StringRef("None True False Ellipsis NotImplemented object StopIteration "
                                "KeyboardInterrupt SystemExit")
                    .contains(id);
  if (!isException && !isWord && !findBuiltin(id) && !findLibraryEntry("builtins", id) &&
      id != "complex")
    add(ErrorId::UnsupportedName, name.span, {id.str()});
}

void Finder::check(const ast::Node *node, const ast::Scope *scope) {
  if (auto *import = llvm::dyn_cast<ast::Import>(node)) {
    for (const ast::Alias &alias : import->names)
      checkImport(alias, alias.name);
  } else if (auto *import = llvm::dyn_cast<ast::ImportFrom>(node)) {
    std::string module = libraryModule(import->module);
    for (const ast::Alias &alias : import->names)
      if (module.empty())
        checkImport(alias, import->module);
      else if (alias.name != "*" && libraryModule(import->module + "." + alias.name).empty())
        checkMember(module, alias.name, alias.span);
  } else if (auto *attribute = llvm::dyn_cast<ast::Attribute>(node)) {
    if (std::optional<std::string> module = moduleOf(attribute->value, scope))
      checkMember(*module, attribute->attr, attribute->span);
  } else if (auto *name = llvm::dyn_cast<ast::Name>(node)) {
    checkBuiltin(*name, scope);
  }
  const ast::Scope *inner = scopeOf(node, scope);
  forEachChild(node, [&](const ast::Node *child) { check(child, inner); });
}

void addMissingNames(const ast::Module &program, Diagnostics &diagnostics,
                     std::vector<Diagnostic> &errors) {
  if (llvm::none_of(errors, [](auto &error) { return isMissingName(error.id); }))
    return;
  Diagnostics::Capture capture(diagnostics);
  Finder finder(diagnostics);
  for (const ast::Stmt *statement : program.body)
    finder.collect(statement, &program.scope);
  for (const ast::Stmt *statement : program.body)
    finder.check(statement, &program.scope);
  for (Diagnostic &name : capture.errors)
    if (llvm::none_of(errors, [&](auto &error) { return error.message == name.message; }))
      errors.push_back(std::move(name));
  llvm::sort(errors, [](auto &a, auto &b) {
    auto place = [](const Diagnostic &error) {
      return error.span ? std::pair(error.span->file, error.span->begin)
                        : std::pair(FileId(), uint32_t(0));
    };
    return place(a) < place(b);
  });
}

} // namespace mpy
