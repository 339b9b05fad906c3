// What loops of the program and of the library have in common.
#ifndef MPY_FRONTEND_LOOPS_H
#define MPY_FRONTEND_LOOPS_H

#include "frontend/interpret/Specializer.h"

namespace mpy {

/// How a value is walked at run time: the number of items, and the item at a position.
struct RunTimeWalk {
  IntExpr length;
  std::function<Value(const IntExpr &)> item;
};

/// What makes a loop that runs at run time.
struct RunTimeLoop {
  std::optional<IntExpr> trip;                // for: the number of iterations
  std::function<void(const IntExpr &)> begin; // for: binds the target for an iteration
  llvm::function_ref<void()> body;
  std::function<Scalar()> test;              // while: asked before each iteration but the first
  Scalar firstTest;                          // while: asked before the loop
  bool jumps = false;                        // break or return inside
  std::optional<IntExpr> snapshotBytes = {}; // the reverse sweep keeps so much, else all
  unsigned rounds = 0;                       // how many heads were tried for it
};

/// The flags of the loop around an inner one; a flag that was not there is not there afterwards, so
/// that a loop on one path alone leaves nothing to join.
struct OuterFlags {
  explicit OuterFlags(const Locals &locals) {
    for (const char *name : {"%break", "%continue"})
      if (auto it = locals.find(name); it != locals.end())
        flags.insert(*it);
  }
  void restore(Locals &locals) const {
    for (const char *name : {"%break", "%continue"}) {
      locals.erase(name);
      if (auto it = flags.find(name); it != flags.end())
        locals.insert(*it);
    }
  }
  Locals flags;
};

/// Ends a loop: the flags are those outside again, and `else` runs unless the loop was left.
void finishLoop(Specializer &s, const ast::Body &otherwise, const OuterFlags &outer);
/// Whether a loop body can leave its loop before the end. `mayStop`: who takes the items of a
/// generator may want no more.
bool canJump(const ast::Body &body, bool mayStop, bool insideInner = false);
/// Nothing is left of an iterator: all that it gives was taken.
void endIterator(Specializer &s, const Value &iterator);
/// What of a state cannot be used, or not in every way. Each kind counts for itself: an object that
/// may not even be read any more is also one less that may not be changed.
struct Unusable {
  size_t conflicts = 0;    // values without a type
  size_t broken = 0;       // objects
  size_t arrays = 0;       // that may be others
  size_t unchangeable = 0; // lists whose items may not be changed
  size_t holders = 0;      // of items
  size_t readOnly = 0;     // objects
  /// Whether nothing more is lost than elsewhere.
  bool isWithin(const Unusable &other) const;
};
/// A loop's head has settled when the end of the body adds nothing to this.
Unusable countUnusable(const State &state);
/// The lists that a walk reads as it goes.
std::vector<ObjectId> walkedLists(Specializer &s, const Value &iterable);
/// Whether a walk can be made anew, at the position where it is: it has no effects, and the
/// position counts from the start.
bool canWalkAgain(const Value &iterable);
/// How many items a walk has, if their number is known and they can be walked by position.
std::optional<size_t> countOfWalk(Specializer &s, const Value &iterable);
/// The same walk in which lists, tuples and texts of known length are lists of run-time length;
/// nothing where their items have no common structure.
std::optional<Value> countedWalk(Specializer &s, const Value &iterable);
/// Makes a list of known length one of run-time length, for what a subscript that is run-time data
/// chooses from, or a loop walks: where its items are alike and stay what they are. Says whether it
/// is one.
bool countAlike(Specializer &s, ObjectId list);
/// Whether a list or tuple is too long for a branch for each of its items.
bool isLongSequence(Specializer &s, const Value &sequence);
/// Fails for a list that its walk cannot follow.
[[noreturn]] void failToFollow(Specializer &s);
/// Fails for a value that cannot be walked.
[[noreturn]] void failToIterate(Specializer &s, const Value &value);

} // namespace mpy

#endif // MPY_FRONTEND_LOOPS_H
