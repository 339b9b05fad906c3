// Joins the states of two paths into one, and lists the run-time values that must flow into it.
#ifndef MPY_FRONTEND_JOINER_H
#define MPY_FRONTEND_JOINER_H

#include "frontend/functions/LeafMapper.h"
#include "frontend/functions/Signatures.h"

namespace mpy {

/// A run-time value that differs between the paths; null stands for "none on this path".
struct JoinedLeaf {
  mlir::Value first, second;
  mlir::Type type;
  std::string name; // of the variable, where it is one's own
};

/// Whether two values are functions of one definition, made at different times: what they capture
/// is joined.
bool isOneDefinition(const Value &a, const Value &b);

class Joiner {
public:
  /// `first` and `second` share the objects before `mark`; where each path's conversions are
  /// emitted is given by the end of a block.
  Joiner(Specializer &s, const State &first, const State &second, size_t mark,
         mlir::Block *firstEnd, mlir::Block *secondEnd, bool isLoop);

  /// Promises nothing of integers, so that a loop settles.
  bool promisesNothing = false;
  /// The values that must flow, in order; emits conversions at the ends of the paths.
  std::vector<JoinedLeaf> collect();
  /// Stand-ins for the leaves, valid while this joiner lives.
  llvm::SmallVector<mlir::Value> placeholders() const {
    return llvm::SmallVector<mlir::Value>(scratch->args_begin(), scratch->args_end());
  }
  /// Whether less is known of a number than on the first path, the head of a loop.
  bool weakens() const { return isWeakened; }
  /// The joined state, in which leaf i is `values[i]`.
  State build(mlir::ValueRange values);

private:
  using Pair = std::pair<std::optional<ObjectId>, std::optional<ObjectId>>;

  /// Longer lists of known length are not searched for objects.
  static constexpr size_t maximumKnownItems = 256;

  State run();
  void findPairs();
  void pairValues(const Value &a, const Value &b);
  void pairObjects(Pair pair);
  void chooseIds();
  bool isAmbiguous(const Pair &pair) const;

  Value joinParts(const Value &a, const Value &b, const std::string &name);
  std::optional<Value> joinFunctions(const Value &a, const Value &b);
  Value joinValue(const Value &a, const Value &b, const std::string &name);
  Value joinRows(const Value &a, const Value &b, const std::string &name);
  Value joinOptional(const Value &a, const Value &b, const std::string &name);
  Scalar joinScalar(const Scalar &a, const Scalar &b);
  ObjectState joinObject(const Pair &pair);
  ObjectState joinOneSided(const Pair &pair);
  ObjectState snapshotOfArray(const Pair &pair, bool isFirst, ArrayState result);
  ObjectState joinArrays(const Pair &pair, const ArrayState &x, const ArrayState &y);
  ObjectState joinStates(const ListState &x, const ListState &y);
  ObjectState joinStates(const DictState &x, const DictState &y);
  ObjectState joinStates(const InstanceState &x, const InstanceState &y);
  ObjectState joinStates(const ClassState &x, const ClassState &y);
  ObjectState joinStates(const NamespaceState &x, const NamespaceState &y);
  static bool needsRunTimeList(const ObjectState &a, const ObjectState &b);
  ObjectState joinLists(const Pair &pair);
  void addSharing(const Pair &pair, ObjectState &state);
  void joinPlaces(const Pair &pair, ObjectState &state);
  bool isSameView(const Pair &pair) const;
  bool isOneList(ObjectId a, ObjectId b) const;
  std::optional<Pair> pairOfLists(const ItemView *x, const ItemView *y) const;
  void findKnownItems();
  SharedPlace placeOn(const Pair &pair, bool isFirst);
  std::shared_ptr<const ItemView> joinViews(const ItemView *x, const ItemView *y);
  SharedPlace joinedPlace(const Pair &pair);
  void renewKnownItems(llvm::ArrayRef<ObjectId> objects);
  ObjectState toReadAgain(const Pair &pair, SharedPlace place);
  unsigned joinedGeneration(const Pair &pair);
  void markListItems();
  ArrayState joinArray(const Pair &pair);
  void addJoinedLists(const ItemPlace &place, bool isFirst, std::set<ObjectId> &lists);
  /// What an object of one path may have become.
  std::vector<ObjectId> joinedAliases(ObjectId id, bool isFirst);
  ObjectState broken(const std::string &what);
  Value conflict(const Value &a, const Value &b, const std::string &name);
  IntExpr joinExpr(const IntExpr &a, const IntExpr &b);
  IntExpr joinedSymbol(mlir::Value value, const IntExpr &a, const IntExpr &b);
  mlir::Value phi(mlir::Value first, mlir::Value second, mlir::Type type);
  mlir::Value onPath(bool isFirst, llvm::function_ref<mlir::Value()> emit);

  /// A value that exists on one path only: its unavailable leaves flow, beside poison on the other
  /// path.
  Value oneSided(const Value &value, bool isFirst, bool keepObjects);
  ObjectState oneSidedState(const ObjectState &state, bool isFirst, bool keepObjects);
  LeafMapper oneSidedMapper(bool isFirst, bool keepObjects);
  mlir::Value oneSidedLeaf(mlir::Value value, bool isFirst);
  IntExpr oneSidedExpr(const IntExpr &expr, bool isFirst);
  State transferred(const State &state, bool isFirst);
  ObjectState transferredPlace(const ObjectState &state, ObjectState result, bool isFirst);

  Specializer &s;
  const State &first, &second;
  size_t mark;
  mlir::Block *firstEnd, *secondEnd;
  bool isLoop, isWeakened = false;

  std::vector<JoinedLeaf> leaves;
  std::vector<mlir::Value> given;
  bool building = false;
  size_t nextLeaf = 0;
  mlir::Block *scratch = nullptr;

  /// The structure of the items of lists that become lists of run-time length, as `collect` found
  /// it.
  std::map<Pair, ResultPattern> listItems;
  /// Lists that `collect` could not convert, and why.
  std::map<Pair, std::string> refusedLists;
  /// Items of a list that become one, by the numbers of their views; 0 for none.
  std::map<std::pair<unsigned, unsigned>, std::shared_ptr<const ItemView>> views;
  /// Of lists that are joined: whether, and where, their items may be changed.
  std::map<Pair, unsigned> generations;
  /// Where objects of each path (the first: true) lie in lists of known length.
  std::map<std::pair<ObjectId, bool>, SharedPlace> knownItems;
  bool hasKnownItems = false; // They were looked for.
  std::vector<Pair> pairs;
  std::map<Pair, ObjectId> ids;
  /// The variable whose value is being joined.
  std::string variable;
  std::map<ObjectId, std::set<std::optional<ObjectId>>> partnersOfFirst, partnersOfSecond;
  State merged;
};

/// The array that views look at last.
ObjectId rootOf(const Heap &heap, ObjectId id);

} // namespace mpy

#endif // MPY_FRONTEND_JOINER_H
