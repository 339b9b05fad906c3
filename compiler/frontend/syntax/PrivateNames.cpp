// Names that begin with two underscores belong to the class they stand in, so that a class derived
// from it may use the same name for something else:
//
//   class Account:                        class Account:
//       def add(self, x):           =>        def add(self, x):
//           self.__total += x                     self._Account__total += x
//
// Entry: the AST of a module without scopes. Only the tree that is compiled is changed;
// `--emit=ast` shows the names as they are written, as Python's `ast` does.
#include "frontend/syntax/PrivateNames.h"
#include "frontend/syntax/AstWalk.h"

namespace mpy {

using namespace ast;
using llvm::dyn_cast;

namespace {

class Renamer {
public:
  /// `cls`: the innermost class without leading underscores; empty outside of classes.
  Renamer(llvm::StringRef cls) : cls(cls) {}

  void rename(std::string &name) const {
    llvm::StringRef text = name;
    if (!cls.empty() && text.starts_with("__") && !text.ends_with("__") && !text.contains('.'))
      name = ("_" + cls + "__" + text.drop_front(2)).str();
  }

  void walk(Node *node) const {
    if (auto *inner = dyn_cast<ClassDef>(node))
      return walkClass(*inner);
    if (auto *name = dyn_cast<Name>(node))
      rename(name->id);
    else if (auto *attribute = dyn_cast<Attribute>(node))
      rename(attribute->attr);
    else if (auto *function = dyn_cast<FunctionDef>(node))
      renameFunction(*function);
    else if (auto *lambda = dyn_cast<Lambda>(node))
      renameParameters(lambda->args);
    else if (auto *call = dyn_cast<Call>(node))
      for (Keyword &keyword : call->keywords)
        rename(keyword.name);
    else if (auto *global = dyn_cast<Global>(node))
      renameAll(global->names);
    else if (auto *nonlocal = dyn_cast<Nonlocal>(node))
      renameAll(nonlocal->names);
    else if (auto *guarded = dyn_cast<Try>(node))
      for (ExceptHandler &handler : guarded->handlers)
        rename(handler.name);
    forEachChild(node, [&](Node *child) { walk(child); });
  }

private:
  void walkClass(ClassDef &inner) const {
    for (Expr *decorator : inner.decorators)
      walk(decorator);
    for (Expr *base : inner.bases)
      walk(base);
    for (Keyword &keyword : inner.keywords)
      walk(keyword.value);
    Renamer inside(llvm::StringRef(inner.name).ltrim('_'));
    for (Stmt *statement : inner.body)
      inside.walk(statement);
    rename(inner.name);
  }

  void renameFunction(FunctionDef &function) const {
    rename(function.name);
    renameParameters(function.args);
  }

  void renameParameters(Arguments &arguments) const {
    for (auto *group : {&arguments.posonlyargs, &arguments.args, &arguments.kwonlyargs})
      for (Parameter &parameter : *group)
        rename(parameter.name);
    for (auto *single : {arguments.vararg.get(), arguments.kwarg.get()})
      if (single)
        rename(single->name);
  }

  void renameAll(std::vector<std::string> &names) const {
    for (std::string &name : names)
      rename(name);
  }

  std::string cls;
};

} // namespace

void renamePrivateNames(Module &module) {
  Renamer outside("");
  for (Stmt *statement : module.body)
    outside.walk(statement);
}

} // namespace mpy
