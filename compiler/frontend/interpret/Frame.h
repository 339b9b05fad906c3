// Activations of functions, and all that a path of the program can change.
#ifndef MPY_FRONTEND_FRAME_H
#define MPY_FRONTEND_FRAME_H

#include "frontend/library/LibraryText.h"
#include "frontend/values/Heap.h"
#include "mlir/IR/Block.h"

namespace mpy {

using Locals = std::map<std::string, Value>;
struct GeneratorPlan;
struct SuspendedGenerator;

/// One activation of a function, class body, comprehension or module.
struct Frame {
  const ast::Scope *scope = nullptr;
  const ClosureValue *closure = nullptr; // null for modules and class bodies
  Locals parameters;                     // what a function was called with
  const ast::Module *moduleNode = nullptr;
  /// Names that no inner scope captures; also `%return`, `%value`, `%break`, `%continue`: how
  /// control leaves.
  Locals locals;
  std::map<std::string, ObjectId> cells; // names captured here or from outside
  ObjectId globals = 0;                  // NamespaceState of the module
  std::string name;
  Span callSpan;
  mlir::Block *entryBlock =
      nullptr; // where the call stands; elsewhere inside, control depends on run-time values
  /// Of a generator that runs: what is done with each item.
  std::function<void(const Value &)> onYield;
  /// The file of the library whose code it runs; null in the program.
  const LibraryFile *library = nullptr;
  /// Of a comprehension that makes a list of one item for each that it walks: the position.
  bool walksOnce = false;
  std::optional<IntExpr> walked;
  /// The first objects that were made in it, and in its current statement.
  ObjectId firstObject = 0, firstOfStatement = 0;
  /// Of a generator that runs: whether who takes its items may want no more.
  bool mayStop = true;
  /// Of a generator that runs up to its next item.
  const SuspendedGenerator *suspended = nullptr;
  /// How many rules of derivatives are being made around it: in each, a function is another one.
  unsigned ruleDepth = 0;
};

/// Everything a path can change: copied where paths part, joined where they meet.
struct State {
  Heap heap;
  Locals locals;
  bool dead = false;
};

} // namespace mpy

#endif // MPY_FRONTEND_FRAME_H
