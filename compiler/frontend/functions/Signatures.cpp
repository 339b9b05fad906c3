// Arguments taken apart into run-time values and a key:
//
//   f(x, [1, y])  with x: float64[n, 1], y: float64[n]   ->   operands (n, x, 1, y)
//                                                             key A4.e0,1. L2 i A4.e0.
//
// Known numbers become parameters: one function serves the whole recursion. Equal extents share a
// parameter; an extent of 1 stays.
#include "frontend/functions/CallIdentity.h"
#include "frontend/functions/Recursion.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;

namespace mpy {

ObjectId memoryOwner(const Heap &heap, ObjectId id) {
  while (auto *array = heap.get<ArrayState>(id)) {
    if (!array->base)
      break;
    id = *array->base;
  }
  return id;
}

void ArgumentWalk::collect(const Value &value) {
  visit(value);
  note(";");
}

void ArgumentWalk::restart() {
  building = true;
  next = listCount = 0;
  objects.clear(), extents.clear();
}

Value ArgumentWalk::build(const Value &value, ValueRange parameters) {
  given = parameters;
  return visit(value);
}

void ArgumentWalk::note(const std::string &text) {
  if (building)
    return;
  key += text;
  looseKey += text;
  if (listDepth == 0)
    openKey += text;
}

mlir::Value ArgumentWalk::leaf(llvm::function_ref<mlir::Value()> emit,
                               std::optional<IntExpr> expr) {
  if (building)
    return given[next++];
  mlir::Value value = emit();
  operands.push_back(value);
  if (!expr && (value.getType().isIndex() || value.getType().isInteger(64)))
    expr = symbolExpr(value);
  exprs.push_back(expr.value_or(IntExpr(0)));
  return value;
}

IntExpr ArgumentWalk::extent(const IntExpr &expr) {
  auto noteExtent = [&](const std::string &text) {
    if (!building)
      key += text;
  };
  if (expr.isKnown(1) && !isLoose) {
    noteExtent("1.");
    return expr;
  }
  for (size_t i = 0; i < extents.size() && !isLoose; ++i)
    if (extents[i].first == expr) {
      noteExtent("e" + std::to_string(i) + ".");
      return extents[i].second;
    }
  noteExtent("e" + std::to_string(extents.size()) + ".");
  mlir::Value value = leaf([&] { return s.index(expr); }, expr);
  extents.push_back({expr, building ? symbolExpr(value, true) : expr});
  return extents.back().second;
}

Scalar ArgumentWalk::visit(const Scalar &scalar) {
  if (scalar.isMixed()) {
    note("m" + std::to_string(scalar.kinds));
    Scalar result = scalar;
    result.value = leaf([&] { return scalar.value; });
    if (scalar.integer)
      result.integer = leaf([&] { return scalar.integer; });
    result.tag = leaf([&] { return scalar.tag; });
    return result;
  }
  note("s" + std::to_string(static_cast<int>(scalar.kind)));
  return s.makeScalar(scalar.kind, leaf([&] { return s.ssa(scalar); }, scalar.expr));
}

ValueList ArgumentWalk::visit(const ValueList &list) {
  note(std::to_string(list.size()) + "(");
  ValueList result;
  for (auto &item : list)
    result.push_back(visit(item));
  note(")");
  return result;
}

Value ArgumentWalk::visitArray(ObjectId id) {
  ArrayState array = *s.heap.get<ArrayState>(id);
  note("A" + std::to_string(static_cast<int>(array.dtype)) + "r" +
       std::to_string(array.shape.size()) + (array.contiguous ? "c" : "v"));
  ArrayState inner{array.dtype, {}, {}, {}, {}, array.contiguous, {}, false};
  for (auto &one : array.shape)
    inner.shape.push_back(extent(one));
  note("/");
  // The parameter's type has no constants but 1.
  llvm::SmallVector<int64_t> sizes;
  for (auto &one : array.shape)
    sizes.push_back(one.isKnown(1) && !isLoose ? 1 : ShapedType::kDynamic);
  auto type = RankedTensorType::get(sizes, typeOf(array.dtype, s.context()));
  inner.tensor = leaf([&] { return s.castTensor(s.read(id).tensor, type); });
  if (!building) {
    arrays.push_back(id);
    arrayOperands.push_back(operands.size() - 1);
    return ObjectRef{id};
  }
  ObjectId result = s.heap.add(std::move(inner));
  builtArrays.push_back(result);
  return ObjectRef{result};
}

/// The structure of items as text.
static std::string textOf(Specializer &s, const ResultPattern &pattern) {
  std::string text =
      std::to_string(static_cast<int>(pattern.kind)) + "." +
      std::to_string(static_cast<int>(pattern.number)) + "." + std::to_string(pattern.kinds) + "." +
      std::to_string(static_cast<int>(pattern.dtype)) + "." + std::to_string(pattern.object);
  for (auto &extent : pattern.shape)
    text += extent ? "," + std::to_string(*extent->known()) : ",?";
  if (pattern.kind == ResultPattern::Kind::Fixed && !pattern.fixed.isNone() &&
      !pattern.fixed.isUnbound())
    throw CannotCross{"a list of " + s.typeName(pattern.fixed)};
  if (auto *cls = pattern.fixed.get<ObjectRef>())
    text += "#" + std::to_string(cls->id);
  for (auto &field : pattern.fields)
    text += "'" + field + "'";
  text += "(";
  for (auto &part : pattern.parts)
    text += textOf(s, part);
  return text + ")";
}

Value ArgumentWalk::visitRunTimeList(ObjectId id) {
  RunTimeListState list = *s.heap.get<RunTimeListState>(id);
  ResultPattern item = outwardPattern(*list.item, [](const IntExpr &extent) {
    return extent.known() ? std::optional<IntExpr>(extent) : std::nullopt;
  });
  note((list.isTuple ? "U" : "R") + textOf(s, item));
  if (!building) {
    list = runTimeList(s, list, item);
  } else {
    // The function sees nothing else that holds what it may change.
    bool isOwn = listDepth == 1 && !disowned.count(listCount - 1) && ownsItems(s, id);
    if (isOwn)
      list.itemsOf.clear();
    else
      list.generation = 0;
    if (!isOwn && listDepth == 1)
      disowned.insert(listCount - 1);
  }
  list.item = std::make_shared<const ResultPattern>(item);
  list.length = symbolExpr(leaf([&] { return s.index(list.length); }, list.length), true);
  auto withEnds = columnsWithEnds(s, item);
  list.columns.resize(withEnds.size());
  for (auto [column, hasEnds] : llvm::zip(list.columns, withEnds)) {
    column.values = leaf([&] { return column.values; });
    if (hasEnds)
      column.ends = leaf([&] { return column.ends; });
  }
  return building ? ObjectRef{s.heap.add(std::move(list))} : ObjectRef{id};
}

Value ArgumentWalk::visitObject(ObjectId id) {
  if (auto it = objects.find(id); it != objects.end()) {
    note("=" + std::to_string(std::distance(objects.begin(), it)));
    return ObjectRef{it->second};
  }
  s.checkUsable(id);
  Value result = ObjectRef{id};
  auto *counted = s.heap.get<RunTimeListState>(id);
  bool isList = listDepth == 0 && (s.heap.get<ListState>(id) || (counted && !counted->isTuple));
  if (isList) {
    unsigned number = listCount++;
    if (auto planned = plan.find(number); planned != plan.end() && !building) {
      if (!hasItems(s, id, planned->second))
        throw CannotCross{"a list whose items have another structure than those of other calls"};
      makeRunTimeListOf(s, id, planned->second);
    }
    if (!building)
      openKey += "[]";
    ++listDepth;
  }
  if (s.heap.get<ArrayState>(id)) {
    result = visitArray(id);
  } else if (auto *list = s.heap.get<ListState>(id)) {
    note("L");
    ValueList items = visit(ValueList(list->items));
    if (building)
      result = s.newList(std::move(items));
  } else if (s.heap.get<RunTimeListState>(id)) {
    result = visitRunTimeList(id);
  } else if (auto *dict = s.heap.get<DictState>(id)) {
    DictState copy = *dict;
    note("D");
    for (auto &entry : copy.entries) {
      if (auto text = s.knownText(entry.first))
        note("'" + *text + "'");
      else if (auto number = s.knownInt(entry.first))
        note(std::to_string(*number) + ":");
      else
        throw CannotCross{"a dict with keys that are no text"};
      entry.second = visit(entry.second);
    }
    if (building)
      result = ObjectRef{s.heap.add(std::move(copy))};
  } else {
    // Instances, classes, generators of random numbers: the same object on both sides.
    note("#" + std::to_string(id));
  }
  if (isList) {
    --listDepth;
    if (building)
      builtLists.push_back(result.get<ObjectRef>()->id);
    else
      lists.push_back(id);
  }
  bool isCopied =
      s.heap.get<ListState>(id) || s.heap.get<RunTimeListState>(id) || s.heap.get<DictState>(id);
  if (!building && isCopied)
    containers.push_back(id);
  if (building && !s.heap.get<ArrayState>(id) && result.get<ObjectRef>()->id != id)
    builtContainers.push_back(result.get<ObjectRef>()->id);
  objects[id] = result.get<ObjectRef>()->id;
  return result;
}

Value ArgumentWalk::visit(const Value &value) {
  if (auto *scalar = value.get<Scalar>())
    return visit(*scalar);
  if (auto *text = value.get<Text>()) {
    if (!building) {
      looseKey += "T";
      if (listDepth == 0)
        openKey += "T";
      key += text->value || isLoose ? "T"
                                    : "t" + std::to_string(text->known.size()) + ":" + text->known;
    }
    if (!text->value && !isLoose)
      return *text;
    return Text{"", leaf([&] { return s.ssa(*text); })};
  }
  if (auto *ref = value.get<ObjectRef>())
    return visitObject(ref->id);
  if (auto *tuple = value.as<TupleValue>()) {
    note("U");
    return std::make_shared<const TupleValue>(TupleValue{visit(tuple->items), tuple->fields});
  }
  if (auto *optional = value.as<OptionalValue>()) {
    note(optional->orNone ? "O" : "o");
    mlir::Value present = leaf([&] { return optional->present; });
    return std::make_shared<const OptionalValue>(
        OptionalValue{present, visit(optional->value), optional->orNone});
  }
  if (auto *row = value.as<RowValue>()) {
    note("w" + std::to_string(row->cls));
    mlir::Value number = leaf([&] { return s.index(row->row); }, row->row);
    return std::make_shared<const RowValue>(RowValue{row->cls, symbolExpr(number, true)});
  }
  if (auto *dtype = value.get<DType>()) {
    note("d" + std::to_string(static_cast<int>(*dtype)));
    return value;
  }
  if (auto *object = value.get<DTypeObject>()) {
    note("D" + std::to_string(static_cast<int>(object->type)));
    return value;
  }
  if (auto *closure = value.as<ClosureValue>()) {
    note(keyOf(s.heap, *closure));
    return value;
  }
  if (auto *transform = value.as<TransformValue>()) {
    note("g" + std::to_string(static_cast<int>(transform->kind)) +
         std::to_string(static_cast<int>(transform->convention)) + (transform->single ? "1" : "n"));
    for (int64_t argument : transform->argnums)
      note("," + std::to_string(argument));
    visit(transform->function);
    return value;
  }
  if (auto *method = value.as<BoundMethodValue>()) {
    note("b");
    Value self = visit(method->self);
    return std::make_shared<const BoundMethodValue>(
        BoundMethodValue{self, visit(method->function)});
  }
  if (auto *library = value.get<const LibraryValue *>()) {
    note("l" + std::string((*library)->name));
    return value;
  }
  if (value.isNone() || value.isUnbound() || value.get<EllipsisValue>()) {
    note("c" + std::to_string(value.data.index()));
    return value;
  }
  throw CannotCross{"an argument of type " + s.typeName(value)};
}

} // namespace mpy
