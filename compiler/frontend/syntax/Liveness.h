// Which local names may still be read, at every statement of one function or module body.
#ifndef MPY_FRONTEND_LIVENESS_H
#define MPY_FRONTEND_LIVENESS_H

#include "frontend/syntax/Ast.h"
#include "llvm/ADT/BitVector.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/StringMap.h"
#include <string>
#include <vector>

namespace mpy {

/// A set of names of one body. Names that are not local to the body (globals, names of enclosing
/// functions) are members always, because someone else may read them.
class LiveNames {
public:
  LiveNames() = default;
  LiveNames(const llvm::StringMap<unsigned> *table, llvm::BitVector members)
      : table(table), members(std::move(members)) {}

  /// Whether the name may still be read.
  bool contains(llvm::StringRef name) const {
    auto found = table ? table->find(name) : llvm::StringMap<unsigned>::const_iterator();
    return !table || found == table->end() || members.test(found->second);
  }
  /// The local names in the set, sorted.
  std::vector<std::string> names() const;

private:
  const llvm::StringMap<unsigned> *table = nullptr;
  llvm::BitVector members;
};

/// The result of the analysis; the AST must outlive it.
class Liveness {
public:
  /// Analyses the body of a function.
  explicit Liveness(const ast::FunctionDef &function);
  /// Analyses the top level of a module; `isImported` says that others read its names.
  Liveness(const ast::Module &module, bool isImported);
  Liveness(const Liveness &) = delete;
  Liveness &operator=(const Liveness &) = delete;

  /// The names that may be read after a statement of this body (not of a function inside it). A
  /// statement that is not in the body has all names live.
  const LiveNames &liveAfter(const ast::Stmt *statement) const;
  /// For a For or While: the names that the next iteration, the `else` part or what follows the
  /// loop may read, at the moment before the next element is taken or the condition is evaluated.
  const LiveNames &liveAtHead(const ast::Stmt *loop) const;
  /// The names that are live at all times, because a function inside the body captures them.
  const LiveNames &alwaysLive() const { return always; }

private:
  class Analysis;

  llvm::StringMap<unsigned> table;
  llvm::DenseMap<const ast::Stmt *, LiveNames> after;
  llvm::DenseMap<const ast::Stmt *, LiveNames> heads;
  LiveNames always;
  LiveNames everything;
};

} // namespace mpy

#endif // MPY_FRONTEND_LIVENESS_H
