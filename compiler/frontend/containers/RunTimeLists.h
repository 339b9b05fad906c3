// Lists whose length is run-time data, as columns: one tensor for each run-time value of an item.
#ifndef MPY_FRONTEND_RUNTIMELISTS_H
#define MPY_FRONTEND_RUNTIMELISTS_H

#include "frontend/containers/RunTimeListItems.h"
#include "frontend/functions/Signatures.h"

namespace mpy {

//===--- Structure ---===//

/// The structure of a value as an item; `outward` says an extent as it is known where the list
/// lives. Throws CannotCross.
ResultPattern
describeItem(Specializer &, const Value &value,
             const std::function<std::optional<IntExpr>(const IntExpr &)> &outward = nullptr);
/// The least structure that covers the items of a list of either kind; nothing for an empty list.
std::optional<ResultPattern>
describeItems(Specializer &, const ObjectState &list,
              const std::function<std::optional<IntExpr>(const IntExpr &)> &outward = nullptr);
/// The types of the columns of items of this structure.
void columnTypes(Specializer &, const ResultPattern &item, llvm::SmallVectorImpl<mlir::Type> &);
/// For each column whether it has ends.
std::vector<bool> columnsWithEnds(Specializer &, const ResultPattern &item);

//===--- Lists as values ---===//

/// A list of either kind with items of this structure, which covers theirs.
RunTimeListState runTimeList(Specializer &, const ObjectState &list, const ResultPattern &item);
/// The item at a position that is in range, made of new objects, and its run-time values.
Value buildItem(Specializer &, const RunTimeListState &list, const IntExpr &position,
                llvm::SmallVectorImpl<mlir::Value> &leaves);
/// The same from its run-time values.
Value itemOfLeaves(Specializer &, const ResultPattern &item, mlir::ValueRange leaves);
/// One item more; its structure may be wider than that of the others.
RunTimeListState withItem(Specializer &, RunTimeListState list, const Value &item);
/// The item at a position replaced; `before`: its run-time values so far, if they are known. What
/// did not change is not written.
RunTimeListState replaceItem(Specializer &, RunTimeListState list, const IntExpr &position,
                             const Value &item, llvm::ArrayRef<mlir::Value> before = {});
RunTimeListState firstItems(Specializer &, RunTimeListState list, const IntExpr &count);
/// The same items, and nothing between the rows of their columns.
RunTimeListState packed(Specializer &, const RunTimeListState &list);
/// start, start + step, .. of which `count` exist.
RunTimeListState selectItems(Specializer &, const RunTimeListState &list, const IntExpr &start,
                             const IntExpr &count, const IntExpr &step);
/// `count` items, each the one at the position that `source` says for it.
RunTimeListState pickItems(Specializer &, const RunTimeListState &list, const IntExpr &count,
                           llvm::function_ref<IntExpr(const IntExpr &)> source);
/// The items at the positions in a tensor (i64), which has as many.
RunTimeListState reorderItems(Specializer &, const RunTimeListState &list, mlir::Value order);
/// `count` items: the list again and again.
RunTimeListState repeatItems(Specializer &, const RunTimeListState &list, const IntExpr &count);
RunTimeListState concatenate(Specializer &, RunTimeListState a, RunTimeListState b);

//===--- Lists as objects ---===//

/// The value's state if it is a list, or a tuple, of run-time length.
const RunTimeListState *runTimeListOf(Specializer &, const Value &value);
/// Whether the value is a tuple of run-time length.
bool isRunTimeTuple(Specializer &, const Value &value);
/// A list of run-time length as a tuple, for good; nobody else may hold the list.
Value asTuple(Specializer &, const Value &list);
/// A display with stars whose lengths are run-time data, as a new list: parts that are no items of
/// their own are iterables.
struct DisplayPart {
  Value value;
  bool isStarred;
};
Value displayOf(Specializer &, const std::vector<DisplayPart> &parts);
/// The characters of a text that is run-time data, as a list of texts.
Value charactersOf(Specializer &, const Text &text);
/// Any list as one of run-time length, for this use; fails where its items have no common
/// structure.
RunTimeListState asRunTimeList(Specializer &, const Value &list);
/// Makes a list of known length one of run-time length where it holds objects, each of them once,
/// and goes on to when it takes an item; says whether it did.
bool countForItem(Specializer &, ObjectId list, const Value &item);
/// Makes the list one of run-time length for good.
void makeRunTimeList(Specializer &, ObjectId list);
[[noreturn]] void failForItems(Specializer &, const CannotCross &);
/// Runs what may find that items have no common structure; fails with what differs.
template <typename Action> auto orItemsDiffer(Specializer &s, Action action) {
  try {
    return action();
  } catch (const CannotCross &refused) {
    failForItems(s, refused);
  }
}

/// The positions of a slice of so many items; fails where its bounds are run-time data.
std::vector<int64_t> slicePositions(Specializer &, size_t size, const SliceValue &slice);
/// The number of items of a list of either kind.
IntExpr listLength(Specializer &, ObjectId list);
/// Raises unless a condition (i1) holds, with a text that may be run-time data.
void checkWithText(Specializer &, mlir::Value condition, llvm::StringRef kind,
                   llvm::function_ref<Text()> message);
/// The extent that all items share, of those that a column holds; ValueError with these words where
/// they differ.
IntExpr commonExtent(Specializer &, const ItemColumn &extents, llvm::StringRef words);
/// A position as Python means it: within [-length, length), made non-negative; IndexError with the
/// message otherwise.
IntExpr checkedPosition(Specializer &, const Value &key, const IntExpr &length,
                        llvm::StringRef message);
/// The items in the order of their keys.
RunTimeListState sortedItems(Specializer &, const RunTimeListState &list, const Value &key,
                             bool reverse);
/// The same with the keys as a list; both are of one length.
RunTimeListState sortedByKeys(Specializer &, const RunTimeListState &list,
                              const RunTimeListState &keys, bool reverse);
enum class Search { Index, Count, Remove };
/// The first position of a value in a list or tuple, or how often it is there; raises Python's
/// error, which Index and Remove say differently, where it is not.
Value searchItem(Specializer &, const Value &list, const Value &wanted, Search);
/// Takes the item at a position, which counts from the end if negative, out of a list of run-time
/// length; IndexError.
Value popItem(Specializer &, ObjectId list, const Value &position);
/// The method of a list of run-time length; nothing if the list is of the other kind and the method
/// can work on it.
std::optional<Value> runTimeListMethod(Specializer &, llvm::StringRef method,
                                       CallArguments &arguments);
/// One item more at the end of a list of run-time length that may be changed. `walked`: see
/// areOwnable.
void appendItem(Specializer &, ObjectId list, const Value &item,
                const std::optional<IntExpr> &walked = std::nullopt);
/// `list[key]`, `list[key] = value`, `del list[key]`.
Value runTimeListSubscript(Specializer &, const Value &list, const Value &key);
void assignRunTimeList(Specializer &, const Value &list, const Value &key, const Value &value);
void deleteFromRunTimeList(Specializer &, const Value &list, const Value &key);
/// `a + b` and `a * n` where the result is a list of run-time length; nothing if it is not.
std::optional<Value> runTimeListBinary(Specializer &, ast::BinaryOperator op, const Value &lhs,
                                       const Value &rhs);
/// Whether two lists, or two tuples, of which one at least is of run-time length, have equal items.
Value sameRunTimeLists(Specializer &, const Value &lhs, const Value &rhs);
/// `<`, `<=`, `>` or `>=` of such: the first items that are not equal decide, or the lengths.
Value orderRunTimeLists(Specializer &, ast::CompareOperator, const Value &lhs, const Value &rhs);
/// The texts of a list one after the other; TypeError for other items.
Text joinTexts(Specializer &, const Text &separator, const Value &list);
/// The parts of a text between separators, or between white space (None).
Value splitTexts(Specializer &, const Text &text, const Value &separator);
/// Joins of the items, which are arrays or numbers: np.concatenate, the same with axis=None,
/// np.stack, np.vstack, np.hstack.
enum class ItemJoin { Rows, Flat, Stack, Vertical, Horizontal };
ArrayValue joinItems(Specializer &, const Value &list, ItemJoin join, int64_t axis);
/// The items as an array of one more dimension, as np.array makes it.
ArrayValue arrayOfRunTimeList(Specializer &, const Value &list, std::optional<DType> dtype);

} // namespace mpy

#endif // MPY_FRONTEND_RUNTIMELISTS_H
