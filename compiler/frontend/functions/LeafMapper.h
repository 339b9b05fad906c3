// Rewrites the run-time values inside compile-time values: `(x, [a, b])` with %x, %a, %b replaced
// by others.
#ifndef MPY_FRONTEND_LEAFMAPPER_H
#define MPY_FRONTEND_LEAFMAPPER_H

#include "frontend/values/Heap.h"
#include <functional>

namespace mpy {

struct LeafMapper {
  /// What a run-time value becomes; itself, for who only visits.
  std::function<mlir::Value(mlir::Value)> leaf = [](mlir::Value value) { return value; };
  /// What an integer expression becomes.
  std::function<IntExpr(const IntExpr &)> expr = [](const IntExpr &expr) { return expr; };
  /// What a reference to an object becomes.
  std::function<ObjectId(ObjectId)> object = [](ObjectId id) { return id; };
  /// What the presence flag of an optional value becomes; `leaf` unless given.
  std::function<mlir::Value(mlir::Value)> flag;
  /// What a number that is only an expression so far becomes; `expr` unless given.
  std::function<Scalar(const Scalar &)> computed;
  /// A known number needs no run-time value: it is dropped where this says no.
  std::function<bool(mlir::Value)> keepsKnown;

  Value map(const Value &value) const;
  Scalar map(const Scalar &scalar) const;
  /// The state for others: where the object lies in a list is not said any more.
  ObjectState map(const ObjectState &state) const;

private:
  ObjectState mapContent(const ObjectState &state) const;
  void mapPattern(ResultPattern &pattern) const;
  ValueList map(const ValueList &list) const;
};

} // namespace mpy

#endif // MPY_FRONTEND_LEAFMAPPER_H
