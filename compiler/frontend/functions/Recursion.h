// Functions of their own for recursion: what is known of one, and how objects from outside and
// lists among its arguments pass in and out.
#ifndef MPY_FRONTEND_RECURSION_H
#define MPY_FRONTEND_RECURSION_H

#include "frontend/containers/RunTimeLists.h"

namespace mpy {

/// The result of a function whose exceptions may be caught, among the names of its caller.
inline constexpr const char *returnedName = "%kept.returned";

/// A list among the arguments as a call gave it.
struct ListArgument {
  std::optional<ResultPattern> item; // nothing: an empty list, of whatever
  std::optional<int64_t> length;     // nothing: run-time data
  std::string refused;               // why its items have no common structure
};
ListArgument describeList(Specializer &, ObjectId list);
/// The structure that covers the items of lists that each call gives another length; nothing where
/// the length is always the same or nothing is known of the items. Throws CannotCross.
std::optional<ResultPattern> commonItem(Specializer &, const ListArgument &a,
                                        const ListArgument &b);
/// Whether a list's items have the structure already.
bool hasItems(Specializer &, ObjectId list, const ResultPattern &item);
/// Makes a list one of run-time length with items of this structure, which covers theirs, for good.
void makeRunTimeListOf(Specializer &, ObjectId list, const ResultPattern &item);
/// Length and columns as operands, and a list with such ones.
void listOperands(Specializer &, const RunTimeListState &list,
                  llvm::SmallVectorImpl<mlir::Value> &operands);
RunTimeListState withOperands(Specializer &, RunTimeListState list, mlir::ValueRange values,
                              size_t &next);

/// What a function does with the items of a list from outside: they lie elsewhere afterwards, or
/// are changed themselves.
struct ListOutcome {
  bool moves = false, writes = false;
};

struct Specialization {
  ClosureValue closure;
  /// What the call that it was first made for passes.
  Locals parameters;
  std::string key, looseKey, openKey;
  /// An exception leaves it as a result: called where it may be caught. What it may raise, and
  /// whether any path raises nothing, and every such path returns something that is not None.
  bool isCatching = false, returns = false, returnsSomething = false;
  std::set<int64_t> kinds;
  /// How the arguments were collected; `wants..`: what a call of itself needs.
  bool isLoose = false, wantsLoose = false;
  ListPlan plan, wantedPlan;
  /// The lists among the arguments of the first call, by number.
  std::vector<ListArgument> lists;
  mlir::func::FuncOp function;
  /// Stand for the parameters in the extents of results.
  mlir::Block *symbols = nullptr;
  /// What calls return; nothing before a first path is known that ends.
  std::optional<ResultPattern> result;
  /// Every path calls the function again: it returns nothing and ends when the stack does.
  bool neverReturns = false;
  /// Argument arrays that the function mutates, by number.
  std::set<unsigned> changed;
  /// Lists among the arguments that it changes, by number; all are in the plan.
  std::set<unsigned> changedLists;
  /// Objects from outside that it mutates: their content passes in and out.
  std::vector<ObjectId> state;
  std::string stateKey;
  /// Those that are lists whose length may change: the structure of their items.
  std::map<ObjectId, ResultPattern> stateLists;
  /// Names, attributes and items from outside, by object and position in it, that may be other
  /// values afterwards: their structure.
  std::map<std::pair<ObjectId, unsigned>, ResultPattern> stateValues;
  /// A call of itself found that `stateLists` or `stateValues` must be wider.
  bool isOutgrown = false;
  /// Met while running the body: more objects that belong to `state`.
  std::set<ObjectId> newState;
  /// What the body may read from outside, as it was.
  std::vector<std::pair<ObjectId, std::shared_ptr<const ObjectState>>> context;
  llvm::SmallVector<mlir::Value> captured;
  Heap entry;
  /// The argument arrays, lists and dicts as the body sees them: arrays by number, then the others
  /// by the number behind these.
  std::map<ObjectId, unsigned> argumentObjects;
  /// Of `stateLists` and `changedLists`: whose items the function must not change, what it does
  /// with the others, and whether anything else may hold items of these afterwards.
  std::set<ObjectId> disowned;
  std::set<unsigned> disownedLists;
  std::map<ObjectId, ListOutcome> stateOutcomes;
  std::map<unsigned, ListOutcome> listOutcomes;
  bool sharesItems = false;
  /// Those that a name from outside may refer to afterwards.
  std::set<unsigned> sharedArguments;
  /// The first frame of its body.
  size_t firstFrame = 0;
  size_t mark = 0, outliningDepth = 0;
};

/// The objects that a closure reaches by the names in its body and by the functions and objects of
/// classes that a call gives it, and what these reach.
std::vector<std::pair<ObjectId, std::shared_ptr<const ObjectState>>>
reachable(Specializer &, const ClosureValue &start, const Locals &parameters);
/// Objects from outside that differ from what they were when the body began.
std::vector<ObjectId> changedOutside(Specializer &, const Specialization &);
/// Whether nobody would see what the function changes in lists in its state and among these
/// arguments. `note`: who holds one of them is noted, and the function must be made anew.
bool ownsLists(Specializer &, Specialization &, llvm::ArrayRef<ObjectId> arguments, bool note);
/// Notes what happened to the items of a list at the end of the body, and who holds them; false if
/// that is more than known.
bool noteOutcome(Specializer &, Specialization &, ObjectId list, ListOutcome &known);
/// Gives a list the content that it has after a call.
void setOutcome(Specializer &, ObjectId list, RunTimeListState state, const ListOutcome &);
/// Takes an object that the body changed into the state of the function. Returns whether the body
/// must run again for it; throws CannotCross.
bool passState(Specializer &, Specialization &, ObjectId object);
/// The run-time values in the mutated objects from outside, and a key of their kinds. Lists must
/// have the items that `stateLists` says.
std::string stateOperands(Specializer &, const Specialization &,
                          llvm::SmallVectorImpl<mlir::Value> &operands);
/// Whether the mutated objects from outside have the structure that the function was made for.
bool fitsState(Specializer &, const Specialization &);
/// Gives the mutated objects from outside new content.
void setState(Specializer &, const Specialization &, mlir::ValueRange values, bool notify);

} // namespace mpy

#endif // MPY_FRONTEND_RECURSION_H
