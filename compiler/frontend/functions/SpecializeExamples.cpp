// One function for many examples. for_examples(n, f) runs f in a function of its own, of the number
// of one example, and asks for all of them:
//
//   for_examples(n, lambda i: loss(w, X[i]))   =>   %losses = mpy.batched @lambda of %n (%w, %X)
//
// The result has the form of f's, with arrays that have one row for each example.
#include "frontend/arrays/ComplexNumbers.h"
#include "frontend/functions/Transforms.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;

namespace mpy {

namespace {
/// One call of for_examples.
class ExamplesCall {
public:
  ExamplesCall(Specializer &s, IntExpr count, Value function)
      : s(s), count(std::move(count)), function(std::move(function)) {}
  Value run();

private:
  using Visit = llvm::function_ref<Value(const Value &)>;
  Value forEachLeaf(const Value &value, Visit visit);
  void callForOne(mlir::Value number);
  llvm::SmallVector<mlir::Value> collect();
  mlir::ValueRange request(func::FuncOp callee, mlir::ValueRange operands, mlir::TypeRange types);
  mlir::Type stackedType(mlir::Type one);
  mlir::Value first(mlir::Value stacked, mlir::Type type);
  Value stacked(const Value &leaf, mlir::Value tensor);
  [[noreturn]] void refuse(llvm::StringRef what) { s.fail(ErrorId::Unsupported, {what.str()}); }

  Specializer &s;
  IntExpr count;
  Value function;
  size_t leaves = 0;
  /// The results of all examples, and what the state after the call reads of the first.
  llvm::SmallVector<mlir::Value> all, firsts;
};
} // namespace

/// The value with other numbers and arrays.
Value ExamplesCall::forEachLeaf(const Value &value, Visit visit) {
  auto all = [&](const ValueList &items) {
    ValueList result;
    for (auto &item : items)
      result.push_back(forEachLeaf(item, visit));
    return result;
  };
  if (value.get<Scalar>() || s.arrayObject(value))
    return visit(value);
  if (value.get<NoneValue>())
    return value;
  if (auto *tuple = value.as<TupleValue>())
    return std::make_shared<const TupleValue>(TupleValue{all(tuple->items), tuple->fields});
  if (auto *list = s.object<ListState>(value))
    return s.newList(all(ValueList(list->items)));
  if (auto *dict = s.object<DictState>(value); dict && !dict->isSet) {
    DictState result = *dict;
    for (auto &entry : result.entries)
      entry.second = forEachLeaf(s.present(entry.second, "the entry"), visit);
    return ObjectRef{s.heap.add(std::move(result))};
  }
  refuse("such a result of many examples at once");
}

/// Emits the function's body. What it changes outside would have to pass from example to example.
void ExamplesCall::callForOne(mlir::Value number) {
  State before = s.snapshot();
  size_t mark = s.heap.size();
  CallArguments call{{s.makeInt(symbolExpr(number, true))}, {}, s.span};
  Value result = s.call(function, call);
  if (s.dead)
    refuse("a function that raises");
  for (ObjectId id = 0; id < mark; ++id)
    if (s.heap.pointer(id) != before.heap.pointer(id))
      refuse("a function that changes what is outside of it");
  s.frame().locals["%kept.result"] = s.present(result, "the result");
}

llvm::SmallVector<mlir::Value> ExamplesCall::collect() {
  llvm::SmallVector<mlir::Value> values;
  forEachLeaf(s.frame().locals["%kept.result"], [&](const Value &leaf) {
    if (auto *scalar = leaf.get<Scalar>()) {
      if (scalar->isMixed())
        refuse("numbers of several kinds");
      values.push_back(s.ssaAs(*scalar, dtypeOf(scalar->kind)));
    } else {
      values.push_back(s.read(*s.arrayObject(leaf)).tensor);
    }
    return leaf;
  });
  leaves = values.size();
  return values;
}

mlir::Type ExamplesCall::stackedType(mlir::Type one) {
  mlir::Type element = getElementTypeOrSelf(one);
  if (!isa<IntegerType, IndexType, FloatType>(element))
    refuse("text of many examples at once");
  llvm::SmallVector<int64_t> shape{count.known().value_or(ShapedType::kDynamic)};
  if (auto tensor = dyn_cast<RankedTensorType>(one))
    llvm::append_range(shape, tensor.getShape());
  return RankedTensorType::get(shape, element.isIndex() ? s.builder.getI64Type() : element);
}

/// What one result is for the first example.
mlir::Value ExamplesCall::first(mlir::Value stacked, mlir::Type type) {
  mlir::Value zero = s.create<arith::ConstantIndexOp>(0), one = s.create<arith::ConstantIndexOp>(1);
  auto tensor = dyn_cast<RankedTensorType>(type);
  if (!tensor) {
    mlir::Value number = s.create<ExtractOp>(stacked, mlir::ValueRange(zero));
    return type.isIndex() ? s.create<arith::IndexCastOp>(type, number).getResult() : number;
  }
  llvm::SmallVector<mlir::Value> offsets(tensor.getRank() + 1, zero), sizes{one},
      strides(tensor.getRank() + 1, one);
  for (int64_t dim = 0; dim < tensor.getRank(); ++dim)
    sizes.push_back(tensor.isDynamicDim(dim)
                        ? s.create<tensor::DimOp>(stacked, dim + 1).getResult()
                        : s.create<arith::ConstantIndexOp>(tensor.getDimSize(dim)).getResult());
  llvm::SmallVector<int64_t> dropped{0};
  return s.castTensor(s.create<SliceOp>(slicedType(stacked, sizes, dropped), stacked, offsets,
                                        sizes, strides, dropped),
                      type);
}

mlir::ValueRange ExamplesCall::request(func::FuncOp callee, mlir::ValueRange operands,
                                       mlir::TypeRange types) {
  // Each value is returned once.
  Operation *end = callee.getBody().front().getTerminator();
  llvm::SetVector<mlir::Value> returned(end->operand_begin(), end->operand_end());
  llvm::SmallVector<size_t> places;
  for (mlir::Value value : end->getOperands())
    places.push_back(llvm::find(returned, value) - returned.begin());
  end->setOperands(returned.getArrayRef());
  callee.setFunctionType(
      s.builder.getFunctionType(callee.getArgumentTypes(), end->getOperandTypes()));
  llvm::SmallVector<mlir::Type> stackedTypes;
  for (mlir::Value value : returned)
    stackedTypes.push_back(stackedType(value.getType()));
  auto op = s.create<BatchedOp>(mlir::TypeRange(stackedTypes),
                                mlir::FlatSymbolRefAttr::get(callee.getSymNameAttr()),
                                operands.front(), operands.drop_front());
  for (size_t index = 0; index < leaves; ++index)
    all.push_back(op.getResult(places[index]));
  for (auto [place, type] : llvm::zip(places, types))
    firsts.push_back(first(op.getResult(place), type));
  return firsts;
}

Value ExamplesCall::stacked(const Value &leaf, mlir::Value tensor) {
  ArrayValue content{DType::Float64, {count}, tensor};
  if (auto *scalar = leaf.get<Scalar>()) {
    content.dtype = dtypeOf(scalar->kind);
  } else {
    ArrayValue one = s.read(*s.arrayObject(leaf));
    content.dtype = one.dtype;
    llvm::append_range(content.shape, one.shape);
  }
  content.tensor = s.castTensor(tensor, s.tensorType(content.dtype, content.shape));
  return s.newArray(content);
}

Value ExamplesCall::run() {
  auto body = [&](mlir::ValueRange parameters) { callForOne(parameters[0]); };
  mlir::Value number = s.index(count);
  s.outline(
      nameOfFunction(function), number, body, [&] { return collect(); },
      [&](func::FuncOp callee, mlir::ValueRange operands, mlir::TypeRange types) {
        return request(callee, operands, types);
      });
  Value result = s.frame().locals["%kept.result"];
  s.frame().locals.erase("%kept.result");
  size_t next = 0;
  return forEachLeaf(result, [&](const Value &leaf) { return stacked(leaf, all[next++]); });
}

Value callForExamples(Specializer &s, CallArguments &arguments) {
  ValueList given = s.bind(arguments, "count, function", "for_examples");
  auto *count = given[0].get<Scalar>();
  if (!count || !count->expr || s.isInTry())
    return NoneValue{};
  std::vector<Diagnostic> errors;
  Value result = NoneValue{};
  s.attempt([&] { result = ExamplesCall(s, *count->expr, given[1]).run(); }, errors);
  return result;
}

} // namespace mpy
