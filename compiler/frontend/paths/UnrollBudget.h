// How much work the iterations of a nest of loops may become that run while compiling, before its
// loops stay loops of the program and its lists become lists of run-time length.
#ifndef MPY_FRONTEND_UNROLLBUDGET_H
#define MPY_FRONTEND_UNROLLBUDGET_H

#include "frontend/interpret/Specializer.h"

namespace mpy {

/// Counts expressions that are evaluated and operations that are made: it listens to the builder,
/// and tells who listened before.
class UnrollBudget : public mlir::OpBuilder::Listener {
public:
  explicit UnrollBudget(mlir::OpBuilder::Listener *next) : next(next) {}
  void notifyOperationInserted(mlir::Operation *op, mlir::OpBuilder::InsertPoint point) override {
    ++work;
    if (next)
      next->notifyOperationInserted(op, point);
  }
  void countExpression() { ++work; }
  void countCopies(size_t items) { work += items / 16; }
  uint64_t now() const { return work; }

  /// A nest whose iterations are run while compiling begins and ends here.
  void begin();
  void end();
  /// Whether iterations of such a nest are being run.
  bool isUnrolling() const { return limit != 0; }
  /// Gives up the nest if `total` iterations are too much, of which `done` were run since `begun`.
  void check(uint64_t begun, uint64_t done, uint64_t total);
  /// It was found to be too much: it is undone as a whole.
  bool isExceeded = false;

  /// Loops whose nests were too much, and those around them.
  std::set<const ast::Node *> keptLoops;
  /// The loops around the current place.
  std::vector<const ast::Node *> activeLoops;
  /// How many of them are around the current place.
  unsigned keptDepth = 0;
  /// Generators whose items are being used: they are active, but call nobody.
  std::vector<const Frame *> waiting;
  /// Lists with smaller numbers are those that Specializer::keepsLists is about: what the body of a
  /// loop makes anew in each iteration may be what it will.
  size_t listsBefore = 0;

private:
  friend class UnlimitedUnrolling;
  mlir::OpBuilder::Listener *next;
  uint64_t work = 0, limit = 0, started = 0, spent = 0;
};

inline UnrollBudget &unrollBudget(Specializer &s) {
  return *static_cast<UnrollBudget *>(s.builder.getListener());
}

/// Whether a loop rather is unrolled than makes lists of run-time length.
bool isShortLoop(const UnrollBudget &budget, const ast::Node &loop, int64_t count);
/// Runs the iterations of a loop while compiling, if they and the nest that they are in are not too
/// much; `attempt` undoes all of it after an error.
bool unrollInBudget(UnrollBudget &budget, const ast::Node &loop,
                    std::set<const ast::Node *> &unrolledLoops, llvm::function_ref<bool()> attempt);

/// What is made inside is no part of the nest around it.
class UnlimitedUnrolling {
public:
  explicit UnlimitedUnrolling(UnrollBudget &budget);
  ~UnlimitedUnrolling();

private:
  UnrollBudget &budget;
  uint64_t before, limit, started;
};

} // namespace mpy

#endif // MPY_FRONTEND_UNROLLBUDGET_H
