// Imports: library modules under their many names are one thing each; a module of the program is
// executed once, at its first import.
#include "frontend/functions/FunctionWatch.h"
#include "frontend/functions/Transforms.h"
#include "frontend/library/PythonNames.h"
#include "frontend/syntax/Parse.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

using namespace mlir;

namespace mpy {

/// The library module that an imported name means, or empty. `autograd.numpy`, `minpy.numpy` and
/// `autograd.scipy` are the libraries themselves.
std::string libraryModule(llvm::StringRef name) {
  static const llvm::StringSet<> known = {
      "numpy",      "numpy.random", "numpy.linalg",      "minpy", "math",
      "minpy.core", "autograd",     "autograd.builtins", "mpy",   "time",
      "sys",        "__future__",   "mpy._primitives"};
  for (llvm::StringRef prefix : {"autograd.", "minpy."}) {
    llvm::StringRef rest = name;
    if (rest.consume_front(prefix) && llvm::is_contained({"numpy", "scipy"}, rest.split('.').first))
      name = rest;
  }
  return known.contains(name) || isLibraryModule(name) ? name.str() : "";
}

/// Modules that Python programs import and that are not compiled.
static const char *unsupportedModule(llvm::StringRef name) {
  llvm::StringRef top = name.split('.').first;
  if (top == "matplotlib" || top == "mpl_toolkits")
    return "this part of matplotlib";
  if (top == "mpi4py")
    return "MPI";
  if (isStandardModule(top) && libraryModule(top).empty())
    return "this module of Python's standard library";
  static const llvm::StringSet<> packages = {
      "autograd", "minpy",  "numpy",      "math",  "time",    "sys",        "scipy", "pandas",
      "sklearn",  "torch",  "tensorflow", "jax",   "sympy",   "numba",      "cupy",  "theano",
      "seaborn",  "plotly", "networkx",   "h5py",  "tqdm",    "pytest",     "PIL",   "cv2",
      "skimage",  "nltk",   "requests",   "mxnet", "astropy", "statsmodels"};
  if (packages.contains(top))
    return "this module";
  return nullptr;
}

static Value moduleValue(const std::string &name, std::optional<ObjectId> globals = {}) {
  return std::make_shared<const ModuleValue>(ModuleValue{name, globals});
}

ObjectId Specializer::newModule(const ast::Module &, llvm::StringRef name) {
  ObjectId id = heap.add(NamespaceState{});
  modules[name.str()] = id;
  return id;
}

void Specializer::executeModule(const ast::Module &node, ObjectId globals, llvm::StringRef name) {
  Frame top;
  top.scope = &node.scope;
  top.globals = globals;
  top.moduleNode = &node;
  top.name = name.str();
  top.callSpan = node.span;
  enter(top);
  struct Pop {
    Specializer &s;
    size_t depth;
    ~Pop() { s.frames.resize(depth); }
  } pop{*this, frames.size() - 1};
  top.locals["%return"] = makeBool(false);
  // Every name of the module has its cell from the start: none appears inside a loop.
  NamespaceState names = *heap.get<NamespaceState>(globals);
  for (auto &local : node.scope.locals)
    if (!names.cells.count(local))
      names.cells[local] = heap.add(CellState{Unbound{}});
  heap.set(globals, std::move(names));
  if (!attempts.isScouting || frames.size() > 1)
    return execute(node.body);
  for (const ast::Stmt *statement : node.body) {
    std::vector<Diagnostic> errors;
    if (!dead && !attempt([&] { execute(*statement); }, errors) && !errors.empty())
      diagnostics.report(std::move(errors.back()));
  }
}

ObjectId Specializer::loadModule(llvm::StringRef name, llvm::StringRef path) {
  if (auto it = modules.find(name.str()); it != modules.end())
    return it->second;
  std::unique_ptr<ast::Module> &parsed = attempts.modules[path.str()];
  if (!parsed) {
    std::string reason;
    auto file = sources.load(path, &reason);
    if (!file)
      fail(ErrorId::CannotReadModule, {name.str(), reason});
    parsed = parseModule(sources, *file, diagnostics);
    if (!parsed)
      throw Abort();
  }
  ObjectId globals = newModule(*parsed, name);
  Span place = span;
  executeModule(*parsed, globals, name);
  span = place;
  return globals;
}

/// The module a dotted name means: of a library, or a file beside the program.
Value Specializer::importModule(llvm::StringRef name) {
  bool mayBeSeen = !isPrivateModule(name) || frame().library;
  if (std::string library = libraryModule(name); mayBeSeen && !library.empty())
    return moduleValue(library);
  std::string relative = name.str();
  std::replace(relative.begin(), relative.end(), '.', '/');
  for (auto &folder : importPaths) {
    for (const char *suffix : {".mpy", "/__init__.mpy"}) {
      llvm::SmallString<256> path(folder);
      llvm::sys::path::append(path, relative + suffix);
      if (llvm::sys::fs::exists(path))
        return moduleValue(name.str(), loadModule(name, path));
    }
  }
  // autograd has a module for each distribution: `import autograd.scipy.stats.norm as norm`.
  auto [parent, last] = name.rsplit('.');
  if (std::string library = libraryModule(parent); mayBeSeen && !library.empty())
    if (const LibraryEntry *entry = findLibraryEntry(library, last))
      return libraryValue(*entry, last);
  if (const char *what = unsupportedModule(name))
    fail(ErrorId::UnsupportedModule, {name.str(), what});
  fail(ErrorId::UnknownModule, {name.str()},
       {.help = "put " + relative + ".mpy beside the program, or name its folder with -I"});
}

void Specializer::executeImport(const ast::Import &node) {
  for (auto &alias : node.names) {
    span = alias.span;
    Value module = importModule(alias.name);
    if (!alias.asname.empty()) {
      assignName(alias.asname, module);
      continue;
    }
    // `import a.b` binds a.
    llvm::StringRef top = llvm::StringRef(alias.name).split('.').first;
    if (top != alias.name)
      module = importModule(top);
    assignName(top, module);
  }
}

void Specializer::executeImportFrom(const ast::ImportFrom &node) {
  if (node.module == "__future__")
    return;
  if (node.level > 1)
    fail(ErrorId::Unsupported, {"an import from a parent package"});
  for (auto &alias : node.names) {
    span = alias.span;
    std::string bound = alias.asname.empty() ? alias.name : alias.asname;
    std::string full = node.module.empty() ? alias.name : node.module + "." + alias.name;
    if (alias.name == "*") {
      Value module = importModule(node.module);
      auto *target = module.as<ModuleValue>();
      if (!target->globals) {
        starImports[frame().globals].push_back(target->name);
        continue;
      }
      for (auto &cell : NamespaceState(*heap.get<NamespaceState>(*target->globals)).cells)
        if (cell.first[0] != '_')
          assignName(cell.first, heap.get<CellState>(cell.second)->value);
      continue;
    }
    // A function of a module's name wins: `from autograd.misc import flatten`.
    bool isFunction = findLibraryEntry(libraryModule(node.module), alias.name);
    if (!isFunction && !libraryModule(full).empty()) {
      assignName(bound, moduleValue(libraryModule(full)));
      continue;
    }
    Value module = importModule(node.module.empty() ? alias.name : node.module);
    assignName(bound, node.module.empty() ? module
                                          : moduleAttribute(*module.as<ModuleValue>(), alias.name));
  }
}

Value Specializer::moduleAttribute(const ModuleValue &target, llvm::StringRef name) {
  if (target.globals) {
    auto *names = heap.get<NamespaceState>(*target.globals);
    auto it = names->cells.find(name.str());
    if (it != names->cells.end())
      checkUsable(it->second);
    if (it != names->cells.end() && !heap.get<CellState>(it->second)->value.isUnbound())
      return bound(heap.get<CellState>(it->second)->value, name);
    if (name == "__name__")
      return makeText(target.name);
    fail(ErrorId::UnknownAttribute, {"module '" + target.name + "'", name.str()});
  }
  if (name == "__name__")
    return makeText(target.name);
  if (Value watched = watchedOperator(*this, target.name, name); !watched.isUnbound())
    return watched;
  if (auto *transform = findTransform(target.name, name))
    return transform;
  std::string inner = libraryModule(target.name + "." + name.str());
  if (!inner.empty() && !findLibraryEntry(target.name, name))
    return moduleValue(inner);
  if (target.name == "minpy.core" || target.name == "minpy") {
    if (target.name == "minpy.core" && (name == "minpy_to_numpy" || name == "numpy_to_minpy"))
      if (auto *function = findLibraryFunction("numpy.asarray"))
        return function;
    fail(ErrorId::UnsupportedModule, {(target.name + "." + name).str(), "this function"});
  }
  if (target.name == "mpy._primitives") {
    std::string full = ("primitives." + name).str();
    if (auto *function = findLibraryFunction(full))
      return function;
    return findBuiltin(full);
  }
  if (target.name == "autograd.builtins")
    if (auto *builtin = findBuiltin(name))
      return builtin;
  if (target.name == "autograd" || target.name == "mpy") {
    Value found = findLibraryAttribute(*this, target.name, name);
    if (found.isUnbound())
      fail(ErrorId::UnsupportedModule, {(target.name + "." + name).str(), "this function"});
    return found;
  }
  return libraryAttribute(*this, target.name, name);
}

} // namespace mpy
