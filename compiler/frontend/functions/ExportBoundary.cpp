// Parameters of an exported function -> values of the program, and its result -> numbers and arrays
// with their types.
//
//   {'w': %w, 'b': %b}   <=>   leaves p_w float64[d], p_b float64
#include "frontend/functions/ExportBoundary.h"
#include "frontend/functions/ExportTypes.h"

using namespace mlir;

namespace mpy {

mlir::Type ExportBoundary::typeOfLeaf(const ExportLeaf &leaf) {
  DType dtype = static_cast<DType>(leaf.element);
  if (leaf.isNumber)
    return typeOf(dtype, s.context());
  return s.tensorType(dtype, shapeOf(leaf));
}

Value ExportBoundary::build(const ExportForm &form, llvm::ArrayRef<ExportLeaf> leaves,
                            mlir::ValueRange given) {
  using Kind = ExportForm::Kind;
  ValueList parts;
  for (const ExportForm &part : form.parts)
    parts.push_back(build(part, leaves, given));
  if (form.kind == Kind::Tuple)
    return s.newTuple(std::move(parts));
  if (form.kind == Kind::List)
    return s.newList(std::move(parts));
  if (form.kind == Kind::Dict) {
    DictState dict;
    for (auto [key, part] : llvm::zip(form.keys, parts))
      dict.entries.push_back({s.makeText(key), part});
    return ObjectRef{s.heap.add(std::move(dict))};
  }
  if (form.kind == Kind::None)
    return NoneValue{};
  const ExportLeaf &leaf = leaves[form.leaf];
  DType dtype = static_cast<DType>(leaf.element);
  if (!leaf.isNumber)
    return s.newArray({dtype, shapeOf(leaf), given[form.leaf]});
  ScalarKind kind = dtype == DType::Float64 ? ScalarKind::PyFloat
                    : dtype == DType::Int64 ? ScalarKind::PyInt
                    : dtype == DType::Bool  ? ScalarKind::PyBool
                                            : scalarKindOf(dtype);
  return s.makeScalar(kind, given[form.leaf]);
}

ExportForm ExportBoundary::collect(const Value &given, const std::string &name,
                                   llvm::SmallVectorImpl<mlir::Value> &values) {
  using Kind = ExportForm::Kind;
  // Whether it is there may be run-time data, also where each path sets it.
  Value value = s.present(given, "the result",
                          Specializer::typeError("the result is None here, and a number or array "
                                                 "elsewhere: it has no form for other programs"));
  if (value.isNone())
    return {Kind::None, 0, {}, {}};
  if (auto *scalar = value.get<Scalar>()) {
    DType dtype = dtypeOf(scalar->kind);
    values.push_back(s.ssaAs(*scalar, dtype));
    return addLeaf({name, static_cast<int32_t>(dtype), true, {}});
  }
  if (auto id = s.arrayObject(value)) {
    ArrayValue array = s.read(*id);
    values.push_back(s.castTensor(array.tensor, s.tensorType(array.dtype, array.shape)));
    ExportLeaf leaf{name, static_cast<int32_t>(array.dtype), false, {}};
    for (const IntExpr &extent : array.shape)
      leaf.shape.push_back(outward(extent));
    return addLeaf(std::move(leaf));
  }
  ExportForm form{Kind::Tuple, 0, {}, {}};
  if (auto *dict = s.object<DictState>(value); dict && !dict->isSet) {
    form.kind = Kind::Dict;
    for (auto &[key, part] : DictState(*dict).entries) {
      std::optional<std::string> text = s.knownText(key);
      if (!text)
        refuse("a dict with other keys than texts");
      form.keys.push_back(*text);
      form.parts.push_back(collect(part, exportedName(name, *text), values));
    }
    return form;
  }
  auto *tuple = value.as<TupleValue>();
  auto *list = s.object<ListState>(value);
  if (!tuple && !list)
    refuse(s.describe(value));
  form.kind = tuple ? Kind::Tuple : Kind::List;
  for (auto [number, part] : llvm::enumerate(tuple ? tuple->items : ValueList(list->items)))
    form.parts.push_back(collect(part, exportedName(name, std::to_string(number)), values));
  return form;
}

void ExportBoundary::refuse(const std::string &what) {
  s.fail(ErrorId::ExportedResult, {what, made.function},
         {.expected = "a number or an array, or a tuple, list or dict of these"});
}

ExportForm ExportBoundary::addLeaf(ExportLeaf leaf) {
  made.results.push_back(std::move(leaf));
  return {ExportForm::Kind::Leaf, static_cast<unsigned>(made.results.size() - 1), {}, {}};
}

std::vector<IntExpr> ExportBoundary::shapeOf(const ExportLeaf &leaf) {
  std::vector<IntExpr> shape;
  for (const ExportExtent &extent : leaf.shape)
    shape.push_back(extent.kind == ExportExtent::Kind::Number ? IntExpr(extent.number)
                                                              : extents[extent.number]);
  return shape;
}

/// An extent of a result as its callers know it.
ExportExtent ExportBoundary::outward(const IntExpr &extent) {
  if (auto known = extent.known())
    return {ExportExtent::Kind::Number, *known};
  for (auto [number, expr] : llvm::enumerate(extents))
    if (extent == expr)
      return {ExportExtent::Kind::Name, static_cast<int64_t>(number)};
  return {};
}

} // namespace mpy
