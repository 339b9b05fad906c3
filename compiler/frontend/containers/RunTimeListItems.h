// Objects that lists of run-time length hold: where they lie, and what a change of one means for
// the list and for other objects.
#ifndef MPY_FRONTEND_RUNTIMELISTITEMS_H
#define MPY_FRONTEND_RUNTIMELISTITEMS_H

#include "frontend/functions/LeafMapper.h"
#include "frontend/interpret/Specializer.h"

namespace mpy {

//===--- Where they lie ---===//

/// Whether an item refers to something that can be changed.
bool holdsObjects(const ResultPattern &item);
SharedPlace placeOf(const ObjectState &);
void setPlace(ObjectState &, SharedPlace);
/// The place without where it is: what is there may only be read.
SharedPlace withoutView(const SharedPlace &);
/// Whether a container is an item of a list, or one of several.
bool isReadOnly(const ObjectState &);
/// An object may only be read, or may be changed as well.
void setReadOnly(ObjectState &, ObjectId id, bool isReadOnly);
/// Whether an object is what it was; whether a list's items may be changed is no part of that.
bool isUnchanged(const std::shared_ptr<const ObjectState> &before,
                 const std::shared_ptr<const ObjectState> &now);
/// Was an item of a list that nobody else held, and is out of it: may be changed.
bool isReleased(const ObjectState &);

//===--- Who holds them ---===//

/// Whether a list may hold these so that they can be changed: nothing but names refers to them, and
/// each is there once. Parts of what `holder` is a part of may stay that, and items at the position
/// `walked`, which is another in each iteration of the loop that fills the list.
bool areOwnable(Specializer &, llvm::ArrayRef<Value> items, const SharedPlace &holder,
                const std::optional<IntExpr> &walked);
/// The lists that hold what these refer to.
std::vector<ObjectId> otherHolders(Specializer &, llvm::ArrayRef<Value> items);
/// The lists that may hold what lists in these hold, if others than those do.
std::vector<ObjectId> innerHolders(Specializer &, llvm::ArrayRef<Value> items);
/// Adds to a list what `innerHolders` says, each once.
void addHolders(std::vector<ObjectId> &lists, llvm::ArrayRef<ObjectId> more);
/// Forgets lists that are not there any more, where those that got their items are known to share
/// them by another list, or are alone. What is as it was before stays so.
void forgetHolders(Specializer &, const Heap &before);
/// Something else may hold the items of a list too, or of any: nobody changes them any more.
/// `reads`: what was not read since the list was changed is read before, where code is emitted.
void revoke(Specializer &, ObjectId list, bool reads = true);
void revokeAll(Specializer &);
/// Everything that a value refers to may only be read from now on. `list`: the one that holds it.
void freeze(Specializer &, const Value &value, std::optional<ObjectId> list);
void markItems(Specializer &, const Value &value);
/// Whether an array may be held by a list of run-time length. One that may only be read stands
/// among its own maybeAliases, for good.
bool isItemArray(const Heap &, ObjectId array);

//===--- Reading ---===//

/// The item at a position of a list that is in range. `key`: the subscript that says so.
Value itemAt(Specializer &, ObjectId list, const IntExpr &position, const IntExpr &key);
/// An object that may have changed, read again from the list that holds it, if that is possible.
bool readAgain(Specializer &, ObjectId object);
/// Reads what was not read since a list was changed, before its items lie elsewhere.
void readPending(Specializer &, ObjectId list);
/// A list of known length becomes one of run-time length, and what was read from it at positions
/// that are run-time data is an item of it from now on. False if the items may not be changed.
/// `item`: the structure that it gets, which covers that of its items.
bool countItems(Specializer &, ObjectId list, const ResultPattern *item = nullptr);
/// The list alone; what was read from it is not known any more.
void convertList(Specializer &, ObjectId list, const ResultPattern *item);
/// Whether nobody but the list holds what is in it, each of it once.
bool mayChangeItems(Specializer &, ObjectId list);
/// The same of a list that is itself no item.
bool ownsItems(Specializer &, ObjectId list);
/// Replaces the state of a list whose items may all be others than before. `moves`: or lie
/// elsewhere.
void replaceList(Specializer &, ObjectId list, RunTimeListState state, bool moves);
/// What is an item of a list is read again when it is needed.
void outdateItems(Specializer &, ObjectId list);
/// An object that is one item of a list of known length, by run-time data, is one of a list of
/// run-time length from now on, if that is possible.
bool countKnownList(Specializer &, ObjectId object);
/// What a list that owns its items holds at a position is a view of it.
void placeItem(Specializer &, ObjectId list, const Value &item, const IntExpr &position);
/// Whether a value certainly is what the list has where a subscript says.
bool isItemAt(Specializer &, const Value &value, ObjectId list, const IntExpr &key);
/// Whether two positions are one: the same expression, or computed in one way from the same values.
bool isSamePosition(const IntExpr &, const IntExpr &);
/// Whether the subscript that read an item still means the same place of a list of this length.
bool isSameKey(const ItemView &, const IntExpr &length);
/// An item that a list does not hold any more.
Value released(Specializer &, const Value &item);
/// An item of a list of known length that may be any of them. `mark`: it was made behind this
/// object.
void viewKnownList(Specializer &, const Value &item, ObjectId list, const IntExpr &position,
                   const IntExpr &key, size_t mark);

//===--- Changes ---===//

/// Says that a list holds an item, after it does; at a position, if that stays so.
void holdItem(Specializer &, ObjectId list, const Value &item,
              const std::optional<IntExpr> &position,
              const std::optional<IntExpr> &walked = std::nullopt);
/// After an item was put in another place of its list: says so, and whether that was done with any
/// other.
bool moveItem(Specializer &, ObjectId list, const RunTimeListState &before, const Value &item,
              const IntExpr &to);
/// Replaces the state of a list; `moves`: items lie elsewhere than before.
void setList(Specializer &, ObjectId list, RunTimeListState state, bool moves);
/// After an object was changed: the list that holds it gets what it is now.
void storeItem(Specializer &, ObjectId object, bool moves);
/// Before an object is changed: fails where it may be one of several, and makes useless what may be
/// it.
void beginChange(Specializer &, ObjectId object);
[[noreturn]] void refuseChange(Specializer &);
/// The error of who reads what may have changed.
std::shared_ptr<const Diagnostic> staleError(Specializer &, const ObjectState &);

/// Whether two objects are one, where one at least may be one of several by run-time data; fails
/// where that is not known.
std::optional<Scalar> itemIdentity(Specializer &, const Value &lhs, const Value &rhs);

//===--- For RunTimeListItems.cpp and RunTimeListChanges.cpp ---===//

/// An object of an item, and which part of it that is.
struct ItemPart {
  ObjectId id;
  std::vector<std::string> path;
};
/// The objects of an item, each behind the one that it is in.
std::vector<ItemPart> partsOf(Specializer &, const Value &item,
                              const std::vector<std::string> &path = {});
SharedPlace placeOf(const Heap &, ObjectId);
/// A place that does not say where it is.
SharedPlace frozenPlace(std::vector<ObjectId> lists);
/// Whether the items of the list of a view lie where they lay.
bool isUnmoved(Specializer &, const ItemView &);
/// What the first items of a list of known length are made of.
KnownItems knownItemsOf(Specializer &, ObjectId list, size_t count);
/// Whether what a view says still is where it says.
bool isCurrent(Specializer &, const ItemView &);
/// Whether a list that the program can still read, other than `but`, has items of these lists.
bool isHeldElsewhere(Specializer &, llvm::ArrayRef<ObjectId> lists, llvm::ArrayRef<ObjectId> but);
/// Whether an object can be read that may be one of these by run-time data.
bool mayBeOneOf(const ObjectState &, llvm::function_ref<bool(ObjectId)> isOne);
/// Lists that may hold the items of a list.
std::vector<ObjectId> holders(const RunTimeListState &, ObjectId id);
/// The objects of an item are views of where it lies.
void setView(Specializer &, const std::vector<ItemPart> &parts, ItemView view,
             const RunTimeListState &list);
/// The objects that the program knows for parts of an item that were made now, by their numbers;
/// and what refers to the latter made to refer to the former, while `known` lives.
std::map<ObjectId, ObjectId> knownParts(Specializer &, llvm::ArrayRef<ItemPart> parts,
                                        unsigned number);
LeafMapper toKnown(const std::map<ObjectId, ObjectId> &known);
/// Reads again what a value refers to.
void makeUsable(Specializer &, const Value &);

} // namespace mpy

#endif // MPY_FRONTEND_RUNTIMELISTITEMS_H
