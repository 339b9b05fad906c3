// What crosses the boundary of a function of its own: arguments taken apart into run-time values,
// and results put together again.
#ifndef MPY_FRONTEND_SIGNATURES_H
#define MPY_FRONTEND_SIGNATURES_H

#include "frontend/interpret/Specializer.h"

namespace mpy {

/// Thrown where a value cannot cross the boundary; the text says which.
struct CannotCross {
  std::string what;
};

struct ResultPattern;
/// Lists among arguments, by number, that cross as lists of run-time length: the structure of their
/// items.
using ListPlan = std::map<unsigned, ResultPattern>;

/// Takes arguments apart: numbers, texts, extents and array contents become operands, all else is
/// part of the signature.
class ArgumentWalk {
public:
  /// `isLoose`: known texts are parameters too and every extent is one of its own, so that more
  /// calls can share the function. The lists of the plan become lists of run-time length, in the
  /// caller too.
  ArgumentWalk(Specializer &s, bool isLoose, const ListPlan &plan)
      : s(s), isLoose(isLoose), plan(plan) {}
  /// Adds one argument to the operands and to the key.
  void collect(const Value &value);
  /// Before the first `build`, and before building all arguments again.
  void restart();
  /// The argument as the function sees it; arguments in the order of `collect`.
  Value build(const Value &value, mlir::ValueRange parameters);

  std::string key;                         ///< Calls with equal keys can share a function.
  std::string looseKey;                    ///< The key if the arguments were collected loosely.
  std::string openKey;                     ///< The same, but for what is in lists.
  llvm::SmallVector<mlir::Value> operands; ///< In the order of the parameters.
  std::vector<IntExpr> exprs;              ///< The operands as integers, where they are.
  std::vector<ObjectId> arrays;            ///< The distinct arrays of the caller, in order.
  std::vector<unsigned> arrayOperands;     ///< Which operands are their contents.
  std::vector<ObjectId> builtArrays;       ///< The same in the function.
  std::vector<ObjectId> containers;        ///< Lists and dicts of the caller.
  /// Lists, by number, whose items the function must not change; `build` adds those that others
  /// hold too.
  std::set<unsigned> disowned;
  std::vector<ObjectId> builtContainers;   ///< The same in the function.
  std::vector<ObjectId> lists, builtLists; ///< Lists that are not in lists, here and there.

private:
  Value visit(const Value &value);
  Scalar visit(const Scalar &scalar);
  Value visitObject(ObjectId id);
  Value visitArray(ObjectId id);
  Value visitRunTimeList(ObjectId id);
  ValueList visit(const ValueList &list);
  mlir::Value leaf(llvm::function_ref<mlir::Value()> emit, std::optional<IntExpr> expr = {});
  IntExpr extent(const IntExpr &expr);
  void note(const std::string &text);

  Specializer &s;
  bool isLoose;
  const ListPlan &plan;
  bool building = false;
  mlir::ValueRange given;
  unsigned listCount = 0, listDepth = 0;
  size_t next = 0;
  std::map<ObjectId, ObjectId> objects;
  /// Extents met so far: equal ones share a parameter.
  std::vector<std::pair<IntExpr, IntExpr>> extents;
};

/// The structure of a function's result, or of the items of a run-time list; run-time values are
/// its leaves.
struct ResultPattern {
  enum class Kind {
    Fixed,
    Number,
    Text,
    Array,
    Argument,
    Tuple,
    List,
    RunTimeList,
    Dict,
    Instance,
    Row,
    Optional
  };
  Kind kind = Kind::Fixed;
  Value fixed;                           // Fixed: the value itself; Instance, Row: its class
  ScalarKind number = ScalarKind::PyInt; // Number
  uint16_t kinds = 0;                    // Number: more than one bit is a mixed number
  DType dtype = DType::Float64;          // Array
  std::vector<std::optional<IntExpr>>
      shape;                       // Array: an extent is known from the arguments, or a leaf
  bool contiguous = true;          // Array
  std::set<unsigned> aliases;      // Array: arguments that it may share memory with
  std::set<ObjectId> outerAliases; // Array: objects from outside that it may share memory with
  unsigned object = 0; // Argument: its number; else the number of the object in the result
  std::vector<ResultPattern> parts;
  std::vector<std::string> fields; // Tuple; Dict: its keys; Instance: its attributes
  bool orNone = false;             // Optional
  bool isTuple = false;            // RunTimeList
  /// Array, List, RunTimeList, Dict, Instance: may be an argument, an item of one, or one of
  /// several; it may only be read.
  bool isShared = false;
  bool operator==(const ResultPattern &other) const;
};

/// What a function's result refers to.
struct ResultContext {
  const std::vector<ObjectId> &arguments;  ///< The argument arrays, by number.
  size_t mark;                             ///< Objects from outside have smaller numbers.
  const std::vector<ObjectId> &containers; ///< The argument lists and dicts.
  /// An integer of the function as one of its parameters' symbols; nothing if it is computed
  /// inside.
  std::function<std::optional<IntExpr>(const IntExpr &)> outward;
};

class ResultWalk {
public:
  ResultWalk(Specializer &s, const ResultContext &context) : s(s), context(context) {}
  /// The structure of a value.
  ResultPattern describe(const Value &value);
  /// The run-time values of a value under a pattern that covers it.
  void flatten(const ResultPattern &pattern, const Value &value,
               llvm::SmallVectorImpl<mlir::Value> &leaves);

private:
  std::vector<Value> partsOf(const Value &value);
  Specializer &s;
  const ResultContext &context;
  std::map<ObjectId, unsigned> numbers;
  std::map<ObjectId, ObjectId> roots; // of views in the result
};

/// Whether an array is anywhere in the structure.
bool holdsArrays(const ResultPattern &pattern);
/// Whether something in the result may be an argument, or hold what an argument holds.
bool hasShared(const ResultPattern &pattern);
/// The least structure that covers both.
ResultPattern widen(Specializer &s, const ResultPattern &a, const ResultPattern &b);
/// A pattern whose extents are those that are known outside; the rest are leaves.
ResultPattern outwardPattern(ResultPattern pattern,
                             const std::function<std::optional<IntExpr>(const IntExpr &)> &outward);
/// The structure of the items of a run-time list that covers those of a list of known length.
ResultPattern itemOfList(Specializer &s, const ResultPattern &list);
/// Leaves for a value that does not exist: nothing of it is ever read.
void absentLeaves(Specializer &, const ResultPattern &pattern,
                  llvm::SmallVectorImpl<mlir::Value> &leaves);
/// The types of the leaves, in order.
void leafTypes(Specializer &s, const ResultPattern &pattern,
               llvm::SmallVectorImpl<mlir::Type> &types);
/// The result as the caller sees it; `inward` turns parameters' symbols into the caller's integers.
class ResultBuilder {
public:
  ResultBuilder(Specializer &s, const std::vector<ObjectId> &arguments, mlir::ValueRange leaves,
                std::function<IntExpr(const IntExpr &)> inward)
      : s(s), arguments(arguments), leaves(leaves), inward(std::move(inward)) {}
  Value build(const ResultPattern &pattern);

private:
  Specializer &s;
  const std::vector<ObjectId> &arguments;
  mlir::ValueRange leaves;
  std::function<IntExpr(const IntExpr &)> inward;
  size_t next = 0;
  std::map<unsigned, ObjectId> objects;
};

/// The array that owns the memory that an array looks at.
ObjectId memoryOwner(const Heap &heap, ObjectId array);

} // namespace mpy

#endif // MPY_FRONTEND_SIGNATURES_H
