// What one path alone leaves behind: where the other path ended in an exception (its whole state
// goes on), or never set the name (the value becomes optional). Run-time values made inside the
// path flow out beside poison; all others are used as they are.
#include "frontend/containers/RunTimeLists.h"
#include "frontend/paths/Joiner.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/UB/IR/UBOps.h"

using namespace mlir;

namespace mpy {

mlir::Value Joiner::oneSidedLeaf(mlir::Value value, bool isFirst) {
  if (!value || s.isAvailable(value))
    return value;
  mlir::Value nothing =
      onPath(!isFirst, [&]() -> mlir::Value { return s.create<ub::PoisonOp>(value.getType()); });
  return phi(isFirst ? value : nothing, isFirst ? nothing : value, value.getType());
}

IntExpr Joiner::oneSidedExpr(const IntExpr &expr, bool isFirst) {
  if (s.isAvailable(expr))
    return expr;
  // Extents of what does not exist are 0, so that nothing of it is ever read.
  mlir::Value value = onPath(isFirst, [&] { return s.index(expr); });
  mlir::Value zero =
      onPath(!isFirst, [&]() -> mlir::Value { return s.create<arith::ConstantIndexOp>(0); });
  return symbolLike(phi(isFirst ? value : zero, isFirst ? zero : value, s.builder.getIndexType()),
                    expr);
}

LeafMapper Joiner::oneSidedMapper(bool isFirst, bool keepObjects) {
  LeafMapper mapper;
  mapper.leaf = [this, isFirst](mlir::Value value) { return oneSidedLeaf(value, isFirst); };
  mapper.expr = [this, isFirst](const IntExpr &expr) { return oneSidedExpr(expr, isFirst); };
  mapper.keepsKnown = [this](mlir::Value value) { return s.isAvailable(value); };
  mapper.computed = [this, isFirst](const Scalar &scalar) {
    if (s.isAvailable(*scalar.expr))
      return scalar;
    mlir::Type type = typeOf(scalar.kind, s.context());
    mlir::Value value = onPath(isFirst, [&] { return s.ssa(scalar); });
    mlir::Value nothing =
        onPath(!isFirst, [&]() -> mlir::Value { return s.create<ub::PoisonOp>(type); });
    Scalar result =
        s.makeScalar(scalar.kind, phi(isFirst ? value : nothing, isFirst ? nothing : value, type));
    result.expr = symbolLike(result.value, *scalar.expr);
    return result;
  };
  mapper.flag = [this, isFirst](mlir::Value flag) {
    if (s.isAvailable(flag))
      return flag;
    mlir::Value no = onPath(!isFirst, [&]() -> mlir::Value {
      return s.create<arith::ConstantOp>(s.builder.getBoolAttr(false));
    });
    return phi(isFirst ? flag : no, isFirst ? no : flag, flag.getType());
  };
  if (!keepObjects)
    mapper.object = [this, isFirst](ObjectId id) {
      auto it = ids.find(isFirst ? Pair{id, std::nullopt} : Pair{std::nullopt, id});
      return it == ids.end() ? id : it->second;
    };
  return mapper;
}

Value Joiner::oneSided(const Value &value, bool isFirst, bool keepObjects) {
  return oneSidedMapper(isFirst, keepObjects).map(value);
}

ObjectState Joiner::oneSidedState(const ObjectState &state, bool isFirst, bool keepObjects) {
  return oneSidedMapper(isFirst, keepObjects).map(state);
}

/// An item of a list is one outside too. It is read again where its values stay inside.
ObjectState Joiner::transferredPlace(const ObjectState &state, ObjectState result, bool isFirst) {
  SharedPlace place = placeOf(state);
  if (!place || !place->view)
    return result;
  ItemPlace outer = *place;
  ItemView view = *place->view;
  bool isKnown = s.isAvailable(view.position) &&
                 llvm::all_of(view.leaves, [&](mlir::Value leaf) { return s.isAvailable(leaf); });
  if (isKnown) {
    setPlace(result, place);
    return result;
  }
  view.position = oneSidedExpr(view.position, isFirst);
  view.leaves.clear();
  outer.view = std::make_shared<const ItemView>(std::move(view));
  auto shared = std::make_shared<const ItemPlace>(std::move(outer));
  if (auto *broken = std::get_if<BrokenState>(&state))
    return BrokenState{broken->error, shared, broken->generation};
  auto *list = std::get_if<RunTimeListState>(&state);
  return BrokenState{staleError(s, state), shared, list ? list->generation : 0};
}

/// Whether what an object is made of can be used at the end of a path. Where branches inside of the
/// path met, an object that nothing reaches any more is still made of values of one of them: of
/// tensors, or, as a view is, of extents and bounds. What the callers of a function being made have
/// becomes its parameters.
static bool isThereAtEnd(Specializer &s, const ObjectState &state, Block *end) {
  OpBuilder::InsertionGuard guard(s.builder);
  s.builder.setInsertionPointToEnd(end);
  bool isThere = true;
  LeafMapper visit;
  visit.leaf = [&](mlir::Value value) {
    isThere &= s.isAvailable(value);
    return value;
  };
  visit.expr = [&](const IntExpr &expr) {
    isThere &= s.isAvailable(expr);
    return expr;
  };
  visit.map(state);
  return isThere;
}

State Joiner::transferred(const State &state, bool isFirst) {
  State result = state;
  const State &other = isFirst ? second : first;
  Block *end = isFirst ? firstEnd : secondEnd;
  for (auto &local : result.locals)
    local.second = oneSided(local.second, isFirst, true);
  for (ObjectId id = 0; id < state.heap.size(); ++id) {
    bool unchanged = id < mark && state.heap.pointer(id) == other.heap.pointer(id);
    auto *array = state.heap.get<ArrayState>(id);
    if (array && array->base && !result.heap.pointer(*array->base))
      result.heap.setPointer(id, nullptr);
    else if (id >= mark && state.heap.pointer(id) && !isThereAtEnd(s, state.heap.at(id), end))
      result.heap.setPointer(id, nullptr);
    else if (!unchanged && state.heap.pointer(id))
      result.heap.set(id,
                      transferredPlace(state.heap.at(id),
                                       oneSidedState(state.heap.at(id), isFirst, true), isFirst));
  }
  return result;
}

} // namespace mpy
