// Requests for gradients. grad(f)(x, y) specialises f in a function of its own and asks for its
// derivative:
//
//   g = grad(f)(x, y)   =>   %loss, %x_bar = mpy.gradient @f of [0] wrt [0] (%x, %y)
//
// The gradient has the form of its argument: a Python number gives a float, an array an array, a
// container a container.
#include "dialect/RuntimeFunctions.h"
#include "frontend/arrays/ArrayOperands.h"
#include "frontend/arrays/ComplexNumbers.h"
#include "frontend/containers/RunTimeLists.h"
#include "frontend/functions/Transforms.h"
#include "frontend/interpret/MixedNumbers.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;

namespace mpy {

namespace {

/// One number or array inside a differentiated argument.
struct Leaf {
  mlir::Value value;             // float scalar or tensor
  std::optional<Scalar> scalar;  // as given
  std::optional<ObjectId> array; // as given
  ArrayValue content;            // of an array, converted to float
};

/// What a differentiated number, and its gradient, is: a float.
static ScalarKind gradientKind(const Scalar &scalar) {
  bool isPythons = llvm::all_of(kindsIn(kindsOf(scalar)), isPython);
  return isPythons || !isFloat(scalar.kind) ? ScalarKind::PyFloat : scalar.kind;
}

/// Takes differentiated arguments apart and puts gradients together.
class Arguments {
public:
  Arguments(Specializer &s, TransformValue::Convention convention) : s(s), convention(convention) {}
  std::vector<Leaf> leaves;
  /// Arrays that stand for others while the function runs: what it writes to them, the others get
  /// at its end.
  struct Copy {
    ObjectId original;
    Value copy;
    bool isWritable;
  };
  std::vector<Copy> copies;
  /// Whether a list of run-time length may hold a differentiated array, as it was: nobody may read
  /// one that holds arrays while the function runs.
  bool hidesLists = false;
  /// What says where the rows of lists of run-time length are.
  llvm::SmallVector<mlir::Value> structure;

  void collect(const Value &value) {
    if (auto *scalar = value.get<Scalar>()) {
      DType dtype = isFloat(scalar->kind) ? dtypeOf(scalar->kind) : DType::Float64;
      leaves.push_back({s.ssaAs(*scalar, dtype), *scalar, {}, {}});
    } else if (auto id = s.arrayObject(value)) {
      ArrayValue content = s.read(*id);
      if (!isFloat(content.dtype)) {
        content.tensor = s.create<CastOp>(content.tensor, s.builder.getF64Type());
        content.dtype = DType::Float64;
      }
      leaves.push_back({content.tensor, {}, *id, content});
    } else if (runTimeListOf(s, value)) {
      RunTimeListState list = numbersOf(value);
      for (mlir::Value *column : floatsOf(list))
        leaves.push_back({*column, {}, {}, {}});
      for (ItemColumn &column : list.columns) {
        if (!isa<FloatType>(getElementTypeOrSelf(column.values.getType())))
          structure.push_back(column.values);
        if (column.ends)
          structure.push_back(column.ends);
      }
    } else {
      forEachPart(value, [&](const Value &part) {
        collect(part);
        return part;
      });
    }
  }

  /// The argument as the function sees it: leaves replaced by the parameters.
  Value parameter(const Value &value, mlir::ValueRange parameters, size_t &next) {
    if (auto *scalar = value.get<Scalar>()) {
      ScalarKind kind = gradientKind(*scalar);
      return s.makeScalar(kind, parameters[next++]);
    }
    if (auto id = s.arrayObject(value)) {
      const Leaf &leaf = leaves[next];
      ArrayValue content = leaf.content;
      content.tensor = parameters[next++];
      auto *state = s.heap.get<ArrayState>(*id);
      bool sameObject = convention == TransformValue::Convention::MinPy && isFloat(state->dtype);
      hidesLists |= sameObject && isItemArray(s.heap, *id);
      if (!sameObject) {
        Value copy = s.newArray(content);
        copies.push_back({*id, copy, isFloat(state->dtype)});
        return copy;
      }
      // Wherever the function reaches this object, it is differentiated too.
      if (state->base) {
        s.write(*id, content.tensor);
      } else {
        ArrayState changed = *state;
        changed.tensor = content.tensor;
        s.heap.set(*id, std::move(changed));
      }
      return value;
    }
    if (runTimeListOf(s, value))
      return withNumbers(value, parameters, next);
    return forEachPart(value, [&](const Value &part) { return parameter(part, parameters, next); });
  }

  Value gradient(const Value &value, mlir::ValueRange bars, size_t &next) {
    if (auto *scalar = value.get<Scalar>()) {
      ScalarKind kind = gradientKind(*scalar);
      return s.makeScalar(kind, bars[next++]);
    }
    if (s.arrayObject(value)) {
      ArrayValue content = leaves[next].content;
      content.tensor = bars[next++];
      return s.newArray(content);
    }
    if (runTimeListOf(s, value))
      return withNumbers(value, bars, next);
    if (complexKindOf(s, value) != ComplexKind::None) {
      // autograd's convention: d/dx - i d/dy.
      auto [real, imaginary] = complexParts(s, value);
      Value x = gradient(real, bars, next), y = gradient(imaginary, bars, next);
      return complexOf(s, x, s.binary(ast::BinaryOperator::Sub, s.makeFloat(0), y));
    }
    return forEachPart(value, [&](const Value &part) { return gradient(part, bars, next); });
  }

  /// The structure of items whose numbers are floats; those of lists in items must be.
  ResultPattern withFloats(ResultPattern item, bool isInner) {
    using Kind = ResultPattern::Kind;
    bool isContainer = item.kind == Kind::Tuple || item.kind == Kind::List ||
                       item.kind == Kind::Dict || item.kind == Kind::RunTimeList;
    bool isNumber = item.kind == Kind::Number && !(item.kinds & (item.kinds - 1)) &&
                    (!isInner || isFloat(dtypeOf(item.number)));
    if (!isContainer && !isNumber && !(item.kind == Kind::Array && isFloat(item.dtype)))
      s.fail(ErrorId::NotDifferentiableArgument, {"a list whose length is run-time data"},
             {.expected = "a list of floats, of arrays of floats, or of tuples, lists or dicts of "
                          "these"});
    if (isNumber && !isFloat(dtypeOf(item.number))) {
      item.number = ScalarKind::PyFloat;
      item.kinds = 1 << static_cast<int>(ScalarKind::PyFloat);
    }
    for (ResultPattern &part : item.parts)
      part = withFloats(part, isInner || item.kind == Kind::RunTimeList);
    return item;
  }

  /// A list of run-time length with floats for numbers. Two lists of one form have equal columns.
  RunTimeListState numbersOf(const Value &value) {
    ObjectId id = value.get<ObjectRef>()->id;
    if (auto it = made.find(id); it != made.end())
      return it->second;
    return made[id] = makeNumbers(packed(s, *runTimeListOf(s, value)));
  }

  RunTimeListState makeNumbers(RunTimeListState list) {
    ResultPattern item = withFloats(*list.item, false);
    llvm::SmallVector<mlir::Type> types;
    columnTypes(s, item, types);
    size_t next = 0;
    for (ItemColumn &column : list.columns) {
      mlir::Type wanted = types[next];
      next += column.ends ? 2 : 1;
      if (column.values.getType() != wanted)
        column.values = s.create<CastOp>(column.values, getElementTypeOrSelf(wanted));
    }
    list.item = std::make_shared<const ResultPattern>(std::move(item));
    return list;
  }

  /// The columns of a list that are differentiated: what else there is says where rows are.
  static llvm::SmallVector<mlir::Value *> floatsOf(RunTimeListState &list) {
    llvm::SmallVector<mlir::Value *> floats;
    for (ItemColumn &column : list.columns)
      if (isa<FloatType>(getElementTypeOrSelf(column.values.getType())))
        floats.push_back(&column.values);
    return floats;
  }

  /// The list with other numbers, in new objects.
  Value withNumbers(const Value &value, mlir::ValueRange columns, size_t &next) {
    RunTimeListState list = numbersOf(value);
    for (mlir::Value *column : floatsOf(list))
      *column = s.castTensor(columns[next++], column->getType());
    list.isItem = false;
    list.sharesWith.clear();
    list.itemsOf.clear();
    list.innerItemsOf.clear();
    list.moved = nullptr;
    list.generation = holdsObjects(*list.item) ? s.nextNumber() : 0;
    return ObjectRef{s.heap.add(std::move(list))};
  }

  Value forEachPart(const Value &value, llvm::function_ref<Value(const Value &)> visit) {
    auto all = [&](const ValueList &items) {
      ValueList result;
      for (auto &item : items)
        result.push_back(visit(item));
      return result;
    };
    if (auto *tuple = value.as<TupleValue>())
      return std::make_shared<const TupleValue>(TupleValue{all(tuple->items), tuple->fields});
    if (auto *list = s.object<ListState>(value))
      return s.newList(all(ValueList(list->items)));
    if (auto *dict = s.object<DictState>(value); dict && !dict->isSet) {
      DictState result = *dict;
      for (auto &entry : result.entries)
        entry.second = visit(s.present(entry.second, "the entry"));
      return ObjectRef{s.heap.add(std::move(result))};
    }
    if (complexKindOf(s, value) != ComplexKind::None) {
      auto [real, imaginary] = complexParts(s, value);
      Value x = visit(real), y = visit(imaginary);
      return complexOf(s, x, y);
    }
    s.fail(ErrorId::NotDifferentiableArgument, {s.describe(value)},
           {.expected = "a float, an array of floats, or a list, tuple or dict of these"});
  }

private:
  Specializer &s;
  TransformValue::Convention convention;
  std::map<ObjectId, RunTimeListState> made;
};

} // namespace

static constexpr llvm::StringRef passResult = "do it outside, and pass the result to the function";

std::string nameOfFunction(const Value &function) {
  Value innermost = function;
  while (auto *method = innermost.as<BoundMethodValue>())
    innermost = Value(method->function);
  auto *closure = innermost.as<ClosureValue>();
  return !closure ? "function" : closure->name == "<lambda>" ? "lambda" : closure->name;
}

void refuseEffects(Specializer &s, func::FuncOp function, ErrorId error, llvm::StringRef help) {
  llvm::SmallVector<func::FuncOp> pending{function};
  llvm::SmallPtrSet<mlir::Operation *, 8> seen{function};
  while (!pending.empty())
    pending.pop_back_val().walk([&](mlir::Operation *op) {
      auto call = dyn_cast<func::CallOp>(op);
      auto rerun = dyn_cast<CheckpointOp>(op);
      if (call || rerun) {
        auto callee =
            s.module.lookupSymbol<func::FuncOp>(call ? call.getCallee() : rerun.getCallee());
        if (callee && seen.insert(callee).second)
          pending.push_back(callee);
      }
      auto effect = dyn_cast<RuntimeEffectOp>(op);
      if (!effect || stateOf(effect.getCallee()) == RuntimeState::Nothing ||
          stateOf(effect.getCallee()) == RuntimeState::Options ||
          effect.getCallee() == "mpy_check_stack" ||
          // What C does is taken to follow from the arguments.
          effect.getCallee().starts_with("extern:"))
        return;
      s.fail(error, {},
             {.found = "a function that prints, draws random numbers, or reads files or a clock",
              .help = help.str()});
    });
}

Value Specializer::callTransform(const TransformValue &transform, CallArguments arguments) {
  using Kind = TransformValue::Kind;
  std::string name = nameOfFunction(transform.function);
  Arguments wrt(*this, transform.convention);
  std::vector<int64_t> positions;
  for (int64_t argnum : transform.argnums) {
    int64_t position = argnum < 0 ? argnum + int64_t(arguments.positional.size()) : argnum;
    if (position < 0 || position >= int64_t(arguments.positional.size()))
      fail(ErrorId::ArgumentNumber, {std::to_string(argnum)},
           {.found = std::to_string(arguments.positional.size()) + " positional arguments",
            .help = "pass the arguments to differentiate by position"});
    positions.push_back(position);
    arguments.positional[position] = present(arguments.positional[position], "the argument");
    wrt.collect(arguments.positional[position]);
  }
  ValueList given = arguments.positional;
  llvm::SmallVector<mlir::Value> leading;
  llvm::SmallVector<int64_t> wrtNumbers;
  for (auto &leaf : wrt.leaves) {
    wrtNumbers.push_back(leading.size());
    leading.push_back(leaf.value);
  }
  llvm::SmallVector<mlir::Value> bars;
  auto body = [&](mlir::ValueRange parameters) {
    size_t next = 0;
    for (int64_t position : positions)
      arguments.positional[position] = wrt.parameter(given[position], parameters, next);
    std::vector<std::pair<ObjectId, std::shared_ptr<const ObjectState>>> lists;
    for (ObjectId id = 0; id < heap.size() && wrt.hidesLists; ++id) {
      auto *list = heap.pointer(id) ? heap.get<RunTimeListState>(id) : nullptr;
      if (!list || !holdsArrays(*list->item))
        continue;
      lists.push_back({id, heap.pointer(id)});
      Diagnostic error =
          diagnostic(ErrorId::StaleAlias, {},
                     {.found = "a list that may hold an array that is being differentiated",
                      .help = "append a copy of the array: items.append(x.copy())"});
      heap.set(id, BrokenState{std::make_shared<const Diagnostic>(std::move(error))});
    }
    Value result = call(transform.function, arguments);
    for (auto &[list, state] : llvm::reverse(lists))
      heap.setPointer(list, state);
    if (dead && !isInTry())
      fail(ErrorId::NotDifferentiableResult, {"nothing: it always raises an exception"});
    if (dead)
      return;
    result = present(result, "the result");
    frame().locals["%kept.result"] = result;
    ValueList copies;
    for (size_t i = 0; i < wrt.copies.size(); ++i) {
      auto *state = heap.get<ArrayState>(*arrayObject(wrt.copies[i].copy));
      bool written = !llvm::is_contained(parameters, state->tensor);
      copies.push_back(written ? wrt.copies[i].copy : Value());
    }
    frame().locals["%kept.copies"] = newTuple(copies);
    mlir::Value total;
    if (auto *scalar = result.get<Scalar>()) {
      total = ssaAs(*scalar, scalar->kind == ScalarKind::Float32 ? DType::Float32 : DType::Float64);
    } else if (auto id = arrayObject(result)) {
      // The gradient of an array is that of its sum.
      ArrayValue array = read(*id);
      mlir::Value tensor = array.tensor;
      if (!isFloat(array.dtype))
        tensor = create<CastOp>(tensor, builder.getF64Type());
      llvm::SmallVector<int64_t> axes;
      for (size_t i = 0; i < array.rank(); ++i)
        axes.push_back(i);
      total = axes.empty() ? create<ExtractOp>(tensor, mlir::ValueRange()).getResult()
                           : create<SumOp>(tensor, axes).getResult();
    } else {
      bool isComplex = complexKindOf(*this, result) != ComplexKind::None;
      fail(ErrorId::NotDifferentiableResult, {describe(result)},
           {.expected = "a float or an array of floats",
            .help = isComplex ? "take its real part, np.real(..), or holomorphic_grad" : ""});
    }
    frame().locals["%kept.total"] =
        makeScalar(total.getType().isF32() ? ScalarKind::Float32 : ScalarKind::PyFloat, total);
  };
  // Where the function raised, nobody reads it.
  auto results = [&] {
    Value total = frame().locals["%kept.total"];
    frame().locals.erase("%kept.total");
    if (auto *optional = total.as<OptionalValue>())
      total = Value(optional->value);
    return llvm::SmallVector<mlir::Value>{
        ssa(total.get<Scalar>() ? *total.get<Scalar>() : makeFloat(0))};
  };
  auto makeCall = [&](func::FuncOp callee, mlir::ValueRange operands,
                      mlir::TypeRange types) -> mlir::ValueRange {
    // What runs again and again would have its effects each time; in Python it has them once.
    if (transform.isRepeated)
      refuseEffects(*this, callee, ErrorId::RepeatedEffect, passResult);
    llvm::SmallVector<mlir::Type> all(types.begin(), types.end());
    for (auto &leaf : wrt.leaves)
      all.push_back(leaf.value.getType());
    auto op = create<GradientOp>(
        mlir::TypeRange(all), mlir::FlatSymbolRefAttr::get(callee.getSymNameAttr()),
        builder.getDenseI64ArrayAttr({0}), builder.getDenseI64ArrayAttr(wrtNumbers), operands,
        mlir::ValueRange());
    bars.assign(op.getResults().begin() + types.size(), op.getResults().end());
    return op.getResults().take_front(types.size());
  };
  outline(name, leading, body, results, makeCall);
  if (dead)
    return NoneValue{};
  Value result = frame().locals["%kept.result"], copies = frame().locals["%kept.copies"];
  frame().locals.erase("%kept.result");
  frame().locals.erase("%kept.copies");
  for (size_t i = 0; i < wrt.copies.size(); ++i)
    if (auto id = arrayObject(copies.as<TupleValue>()->items[i]); id && wrt.copies[i].isWritable)
      write(wrt.copies[i].original, read(*id).tensor);
  ValueList gradients;
  size_t next = 0;
  for (int64_t position : positions)
    gradients.push_back(wrt.gradient(given[position], bars, next));
  bool isMinPy = transform.convention == TransformValue::Convention::MinPy;
  Value gradient = transform.single || (isMinPy && gradients.size() == 1) ? gradients[0]
                   : isMinPy                                              ? newList(gradients)
                                                                          : newTuple(gradients);
  if (transform.kind == Kind::GradAndValue)
    return newTuple({gradient, result});
  if (transform.kind == Kind::ValueAndGrad)
    return newTuple({result, gradient});
  return gradient;
}

//===----------------------------------------------------------------------===//
// Forward mode
//===----------------------------------------------------------------------===//

/// The tangent of an argument, of its type; shapes that are not known must agree at run time.
static mlir::Value tangentOf(Specializer &s, const Leaf &primal, const Leaf &tangent) {
  mlir::Type type = primal.value.getType();
  bool fits = bool(primal.array) == bool(tangent.array) &&
              (!primal.array || primal.content.rank() == tangent.content.rank());
  if (!fits)
    s.fail(ErrorId::ShapeFailure,
           {"ValueError", "a tangent must have the form and shape of its primal"});
  mlir::Value value = tangent.value;
  if (!primal.array) {
    if (value.getType() != type)
      value = s.create<CastOp>(value, getElementTypeOrSelf(type));
    return isa<RankedTensorType>(type) ? s.castTensor(value, type) : value;
  }
  for (auto [extent, given] : llvm::zip(primal.content.shape, tangent.content.shape))
    if (extent != given)
      check(s, compareInts(s, arith::CmpIPredicate::eq, extent, given), "ValueError",
            CheckText{"a tangent must have the shape of its primal", {}});
  if (getElementTypeOrSelf(value) != getElementTypeOrSelf(type))
    value = s.create<CastOp>(value, getElementTypeOrSelf(type));
  return s.castTensor(value, type);
}

/// Whether a leaf is a column of a list of run-time length.
static bool isList(const Leaf &leaf) {
  return !leaf.array && isa<RankedTensorType>(leaf.value.getType());
}

/// Raises unless two columns have as many rows of one shape, and hold the same.
static void checkSameForm(Specializer &s, mlir::Value primal, mlir::Value tangent,
                          bool comparesElements) {
  auto type = cast<RankedTensorType>(primal.getType());
  auto require = [&](mlir::Value condition) {
    check(s, condition, "ValueError",
          CheckText{"a tangent must have the form and shape of its primal", {}});
  };
  for (int64_t dim = 0; dim < type.getRank(); ++dim)
    require(s.create<arith::CmpIOp>(arith::CmpIPredicate::eq, s.create<tensor::DimOp>(primal, dim),
                                    s.create<tensor::DimOp>(tangent, dim)));
  if (!comparesElements)
    return;
  llvm::SmallVector<int64_t> axes;
  for (int64_t dim = 0; dim < type.getRank(); ++dim)
    axes.push_back(dim);
  require(s.create<AllOp>(s.create<CompareOp>(ComparePredicate::eq, primal, tangent), axes));
}

/// The leaves of the tangents of some primals, each of its primal's type.
static void collectTangents(Specializer &s, const Arguments &wrt, size_t primals,
                            const Value &given, llvm::SmallVectorImpl<mlir::Value> &tangents) {
  auto direction = s.knownItems(given);
  if (!direction || primals != direction->size())
    s.fail(ErrorId::ArgumentType, {"tangents", s.describe(given)},
           {.expected = "a tuple with one tangent for each of the primals"});
  Arguments pushed(s, TransformValue::Convention::Mpy);
  for (auto &tangent : *direction)
    pushed.collect(s.present(tangent, "the tangent"));
  if (wrt.leaves.size() != pushed.leaves.size() || wrt.structure.size() != pushed.structure.size())
    s.fail(ErrorId::ArgumentType, {"tangents", s.describe(given)},
           {.expected = "the form of the primals"});
  for (auto [primal, tangent] : llvm::zip(wrt.structure, pushed.structure))
    checkSameForm(s, primal, tangent, /*comparesElements=*/true);
  for (auto [primal, tangent] : llvm::zip(wrt.leaves, pushed.leaves))
    if (isList(primal) && isList(tangent))
      checkSameForm(s, primal.value, tangent.value, /*comparesElements=*/false);
  for (auto [primal, tangent] : llvm::zip(wrt.leaves, pushed.leaves))
    tangents.push_back(tangentOf(s, primal, tangent));
}

/// jvp(f, primals, tangents): the value of f and its derivative in the direction of the tangents,
/// in the form of the value. With sets, what elements may depend on passes in the place of tangents.
template <bool isRepeated, bool hasSets = false>
static Value pushForward(Specializer &s, CallArguments &arguments) {
  ValueList given = s.bind(arguments, "fun, primals, tangents", "jvp");
  auto primals = s.knownItems(given[1]);
  if (!primals)
    s.fail(ErrorId::ArgumentType, {"primals", s.describe(given[1])}, {.expected = "a tuple"});
  Arguments wrt(s, TransformValue::Convention::Mpy);
  for (auto &primal : *primals)
    wrt.collect(s.present(primal, "the primal"));
  llvm::SmallVector<mlir::Value> leading, tangents;
  collectTangents(s, wrt, primals->size(), given[2], tangents);
  llvm::SmallVector<int64_t> wrtNumbers;
  for (auto &primal : wrt.leaves) {
    wrtNumbers.push_back(leading.size());
    leading.push_back(primal.value);
  }
  Arguments results(s, TransformValue::Convention::Mpy);
  llvm::SmallVector<mlir::Value> pushedResults;
  auto body = [&](mlir::ValueRange parameters) {
    size_t next = 0;
    CallArguments call{{}, {}, arguments.span};
    for (auto &primal : *primals)
      call.positional.push_back(wrt.parameter(primal, parameters, next));
    Value result = s.call(given[0], call);
    if (s.dead && !s.isInTry())
      s.fail(ErrorId::NotDifferentiableResult, {"nothing: it always raises an exception"});
    if (s.dead)
      return;
    result = s.present(result, "the result");
    s.frame().locals["%kept.result"] = result;
    ValueList copies;
    for (auto &copy : wrt.copies) {
      auto *state = s.heap.get<ArrayState>(*s.arrayObject(copy.copy));
      copies.push_back(llvm::is_contained(parameters, state->tensor) ? Value() : copy.copy);
    }
    s.frame().locals["%kept.copies"] = s.newTuple(copies);
  };
  auto makeResults = [&] {
    Value result = s.frame().locals["%kept.result"];
    if (auto *optional = result.as<OptionalValue>())
      result = Value(optional->value);
    llvm::SmallVector<mlir::Value> values;
    if (result.isUnbound())
      return values;
    results.collect(result);
    for (auto &leaf : results.leaves)
      values.push_back(leaf.value);
    return values;
  };
  auto makeCall = [&](func::FuncOp callee, mlir::ValueRange operands,
                      mlir::TypeRange types) -> mlir::ValueRange {
    if (isRepeated)
      refuseEffects(s, callee, ErrorId::RepeatedEffect, passResult);
    llvm::SmallVector<mlir::Type> all(types.begin(), types.end());
    llvm::SmallVector<int64_t> of;
    for (size_t i = 0; i < results.leaves.size(); ++i)
      of.push_back(i);
    all.append(types.begin(), types.begin() + results.leaves.size());
    auto op = s.create<TangentOp>(
        mlir::TypeRange(all), mlir::FlatSymbolRefAttr::get(callee.getSymNameAttr()),
        s.builder.getDenseI64ArrayAttr(of), s.builder.getDenseI64ArrayAttr(wrtNumbers), operands,
        mlir::ValueRange(tangents));
    op.setDependences(hasSets);
    pushedResults.assign(op.getResults().begin() + types.size(), op.getResults().end());
    return op.getResults().take_front(types.size());
  };
  s.outline(nameOfFunction(given[0]), leading, body, makeResults, makeCall);
  if (s.dead)
    return NoneValue{};
  Value result = s.frame().locals["%kept.result"], copies = s.frame().locals["%kept.copies"];
  s.frame().locals.erase("%kept.result");
  s.frame().locals.erase("%kept.copies");
  for (size_t i = 0; i < wrt.copies.size(); ++i)
    if (auto id = s.arrayObject(copies.as<TupleValue>()->items[i]); id && wrt.copies[i].isWritable)
      s.write(wrt.copies[i].original, s.read(*id).tensor);
  // The tangents in the form of the value; what extents the results have is known of the value.
  size_t next = 0;
  std::function<Value(const Value &)> form = [&](const Value &value) -> Value {
    if (auto *scalar = value.get<Scalar>()) {
      Scalar tangent = s.makeScalar(ScalarKind::Float64, pushedResults[next++]);
      if (!scalar->isMixed())
        return s.makeScalar(gradientKind(*scalar), tangent.value);
      return eachKind(s, *scalar, [&](const Scalar &one) {
        ScalarKind kind = gradientKind(one);
        return Value(s.makeScalar(kind, s.ssaAs(tangent, dtypeOf(kind))));
      });
    }
    if (auto id = s.arrayObject(value)) {
      ArrayValue content = s.read(*id);
      if (!isFloat(content.dtype))
        content.dtype = DType::Float64;
      content.tensor =
          s.castTensor(pushedResults[next++], s.tensorType(content.dtype, content.shape));
      return s.newArray(content);
    }
    return results.forEachPart(value, form);
  };
  Value derivative = form(result);
  return s.newTuple({result, derivative});
}

//===----------------------------------------------------------------------===//
// The functions that make transforms
//===----------------------------------------------------------------------===//

/// The names of the parameters of a function that can be given by position.
static std::vector<std::string> namesOfParameters(Specializer &s, Value function) {
  bool isMethod = function.as<BoundMethodValue>();
  if (auto *method = function.as<BoundMethodValue>())
    function = Value(method->function);
  auto *closure = function.as<ClosureValue>();
  if (!closure)
    s.fail(ErrorId::ArgumentType, {"function", s.describe(function)},
           {.expected = "a function of the program"});
  std::vector<std::string> names;
  for (const auto *parameters : {&closure->arguments().posonlyargs, &closure->arguments().args})
    for (const ast::Parameter &parameter : *parameters)
      names.push_back(parameter.name);
  if (isMethod)
    names.erase(names.begin());
  return names;
}

/// The position that an argnum means: a number, or the name of a parameter.
static int64_t positionOf(Specializer &s, const Value &argnum, const Value &function) {
  if (auto number = s.knownInt(argnum))
    return *number;
  auto text = argnum.get<Text>() ? s.knownText(argnum) : std::nullopt;
  if (!text)
    s.fail(ErrorId::ArgumentType, {"argnum", s.describe(argnum)});
  std::vector<std::string> names = namesOfParameters(s, function);
  auto it = llvm::find(names, *text);
  if (it == names.end())
    s.fail(ErrorId::ArgumentType, {"argnum", "'" + *text + "'"},
           {.expected = "the name of a parameter: " + llvm::join(names, ", ")});
  return it - names.begin();
}

template <TransformValue::Kind kind, TransformValue::Convention convention, bool isRepeated = false>
static Value makeTransform(Specializer &s, CallArguments &arguments) {
  constexpr bool isMpy = convention == TransformValue::Convention::Mpy;
  ValueList given = s.bind(
      arguments,
      isMpy ? "function, argnum=0, has_aux=False, *, argnums=None" : "function, argnum=0", "grad");
  Value argnum = isMpy && !given[3].get<NoneValue>() ? given[3] : given[1];
  TransformValue transform{kind, given[0], {}, true, convention, isRepeated};
  auto items = argnum.get<Text>() ? std::nullopt : s.knownItems(argnum);
  transform.single = !items;
  for (const Value &item : items ? *items : ValueList{argnum})
    transform.argnums.push_back(positionOf(s, item, given[0]));
  auto hasAux = isMpy ? s.knownBool(given[2]) : false;
  if (!hasAux)
    s.fail(ErrorId::ArgumentType, {"has_aux", s.describe(given[2])});
  Value derivative = std::make_shared<const TransformValue>(std::move(transform));
  if (!*hasAux)
    return derivative;
  // The function returns (value, more): the library takes them apart.
  constexpr llvm::StringRef helper = "_with_aux";
  bool hasValue = kind == TransformValue::Kind::ValueAndGrad;
  if (!hasValue && kind != TransformValue::Kind::Grad)
    s.fail(ErrorId::Unsupported, {"has_aux here"}, {.help = "use grad or value_and_grad"});
  return s.call(s.libraryValue(*findLibraryEntry("mpy._derivatives", helper), helper),
                CallArguments{{given[0], argnum, s.makeBool(hasValue)}, {}, s.span});
}

/// run_again(f, args, keywords): the call f(*args, **keywords), in a function of its own.
static Value runAgain(Specializer &s, CallArguments &arguments) {
  ValueList given = s.bind(arguments, "fun, args, keywords", "run_again");
  CallArguments passed{*s.knownItems(given[1]), {}, arguments.span};
  for (auto &[key, value] : s.object<DictState>(given[2])->entries)
    passed.keywords.push_back({*s.knownText(key), value});
  auto body = [&](mlir::ValueRange) {
    Value result = s.call(given[0], passed);
    if (!s.dead)
      s.frame().locals["%kept.result"] = result;
  };
  auto makeCall = [&](func::FuncOp callee, mlir::ValueRange operands,
                      mlir::TypeRange types) -> mlir::ValueRange {
    return s
        .create<CheckpointOp>(types, mlir::FlatSymbolRefAttr::get(callee.getSymNameAttr()),
                              operands)
        .getOutputs();
  };
  s.outline(
      nameOfFunction(given[0]), {}, body, [] { return llvm::SmallVector<mlir::Value>(); },
      makeCall);
  if (s.dead)
    return NoneValue{};
  Value result = s.frame().locals["%kept.result"];
  s.frame().locals.erase("%kept.result");
  return result;
}

/// checkpointed_range(r, bytes): a range over which a loop is differentiated in so much memory.
static Value checkpointedRange(Specializer &s, CallArguments &arguments) {
  ValueList given = s.bind(arguments, "r, bytes", "checkpointed_range");
  auto *range = given[0].as<RangeValue>();
  if (!range)
    s.fail(ErrorId::ArgumentType, {"argument", s.describe(given[0])},
           {.expected = "range(..): checkpointed(range(n), memory='1GiB')"});
  RangeValue result = *range;
  result.snapshotBytes = s.intExpr(*given[1].get<Scalar>());
  return std::make_shared<const RangeValue>(std::move(result));
}

/// Whether a rule of a derivative may be asked for here.
static Value mayBeDifferentiated(Specializer &s, CallArguments &) {
  return s.makeBool(s.mayBeDifferentiated());
}

static Value withRules(Specializer &s, CallArguments &arguments) {
  ValueList given =
      s.bind(arguments, "function, arguments, plain, run, reverse, forward", "with_rules");
  return s.callWithRules(
      {nameOfFunction(given[0]), given[1], given[2], given[3], given[4], given[5]});
}

static Value parameterNames(Specializer &s, CallArguments &arguments) {
  ValueList names;
  for (const std::string &name : namesOfParameters(s, arguments.positional[0]))
    names.push_back(s.makeText(name));
  return s.newList(names);
}

/// The number if it is known while compiling, else None.
static Value knownNumber(Specializer &s, CallArguments &arguments) {
  auto known = s.knownInt(arguments.positional[0]);
  return known ? Value(s.makeInt(*known)) : Value(NoneValue{});
}

const LibraryValue *findTransform(llvm::StringRef module, llvm::StringRef name) {
  using Kind = TransformValue::Kind;
  using Convention = TransformValue::Convention;
  static const LibraryValue table[] = {
      {"minpy.core.grad", makeTransform<Kind::Grad, Convention::MinPy>, ""},
      {"minpy.core.grad_and_loss", makeTransform<Kind::GradAndValue, Convention::MinPy>, ""},
      {"autograd.grad", makeTransform<Kind::Grad, Convention::Autograd>, ""},
      {"autograd.value_and_grad", makeTransform<Kind::ValueAndGrad, Convention::Autograd>, ""},
      {"autograd.elementwise_grad", makeTransform<Kind::ElementwiseGrad, Convention::Autograd>, ""},
      {"mpy.grad", makeTransform<Kind::Grad, Convention::Mpy>, ""},
      {"mpy.value_and_grad", makeTransform<Kind::ValueAndGrad, Convention::Mpy>, ""},
      {"mpy.grad_and_loss", makeTransform<Kind::GradAndValue, Convention::Mpy>, ""},
      {"mpy.elementwise_grad", makeTransform<Kind::ElementwiseGrad, Convention::Mpy>, ""},
      {"mpy.jvp", pushForward<false>, ""},
      {"mpy._primitives.grad", makeTransform<Kind::Grad, Convention::Mpy, true>, ""},
      {"mpy._primitives.grad_once", makeTransform<Kind::Grad, Convention::Mpy>, ""},
      {"mpy._primitives.jvp", pushForward<true>, ""},
      {"mpy._primitives.jvp_once", pushForward<false>, ""},
      {"mpy._primitives.for_examples", callForExamples, ""},
      {"mpy._primitives.jvp_sets", pushForward<true, true>, ""},
      {"mpy._primitives.may_be_differentiated", mayBeDifferentiated, ""},
      {"mpy._primitives.run_again", runAgain, ""},
      {"mpy._primitives.checkpointed_range", checkpointedRange, ""},
      {"mpy._primitives.known_number", knownNumber, ""},
      {"mpy._primitives.parameter_names", parameterNames, ""},
      {"mpy._primitives.with_rules", withRules, ""},
  };
  std::string full = (module + "." + name).str();
  for (auto &entry : table)
    if (full == entry.name)
      return &entry;
  return nullptr;
}

} // namespace mpy
