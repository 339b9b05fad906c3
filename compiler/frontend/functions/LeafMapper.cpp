// Walks values and objects once, for every purpose that replaces the run-time values in them:
// leaving a branch, leaving a function.
#include "frontend/functions/LeafMapper.h"
#include "frontend/containers/RunTimeLists.h"

using namespace mlir;

namespace mpy {

ValueList LeafMapper::map(const ValueList &list) const {
  ValueList result;
  for (auto &item : list)
    result.push_back(map(item));
  return result;
}

Scalar LeafMapper::map(const Scalar &scalar) const {
  Scalar result = scalar;
  bool known = scalar.knownBool || scalar.knownFloat || scalar.knownInt();
  if (known && !scalar.isMixed()) {
    if (result.value && keepsKnown && !keepsKnown(result.value))
      result.value = nullptr;
    else if (result.value)
      result.value = leaf(result.value);
    return result;
  }
  if (!scalar.value && scalar.expr) {
    if (computed)
      return computed(scalar);
    result.expr = expr(*scalar.expr);
    return result;
  }
  result.value = leaf(scalar.value);
  if (scalar.tag)
    result.tag = leaf(scalar.tag);
  if (scalar.integer)
    result.integer = leaf(scalar.integer);
  if (scalar.expr && result.value != scalar.value)
    result.expr = symbolLike(result.value, *scalar.expr);
  return result;
}

Value LeafMapper::map(const Value &value) const {
  if (auto *scalar = value.get<Scalar>())
    return map(*scalar);
  if (auto *text = value.get<Text>())
    return text->value ? Text{"", leaf(text->value)} : *text;
  if (auto *ref = value.get<ObjectRef>())
    return ObjectRef{object(ref->id)};
  if (auto *tuple = value.as<TupleValue>())
    return std::make_shared<const TupleValue>(TupleValue{map(tuple->items), tuple->fields});
  if (auto *range = value.as<RangeValue>())
    return std::make_shared<const RangeValue>(
        RangeValue{expr(range->start), expr(range->stop), expr(range->step)});
  if (auto *row = value.as<RowValue>())
    return std::make_shared<const RowValue>(RowValue{object(row->cls), expr(row->row)});
  if (auto *slice = value.as<SliceValue>())
    return std::make_shared<const SliceValue>(
        SliceValue{map(slice->start), map(slice->stop), map(slice->step)});
  if (auto *optional = value.as<OptionalValue>())
    return std::make_shared<const OptionalValue>(
        OptionalValue{flag ? flag(optional->present) : leaf(optional->present),
                      map(optional->value), optional->orNone});
  if (auto *closure = value.as<ClosureValue>()) {
    ClosureValue result = *closure;
    for (auto &entry : result.cells)
      entry.second = object(entry.second);
    for (auto &entry : result.defaults)
      entry.second = map(entry.second);
    return std::make_shared<const ClosureValue>(std::move(result));
  }
  if (auto *method = value.as<BoundMethodValue>())
    return std::make_shared<const BoundMethodValue>(
        BoundMethodValue{map(method->self), map(method->function)});
  if (auto *iterable = value.as<IterableValue>())
    return std::make_shared<const IterableValue>(
        IterableValue{iterable->kind, map(iterable->parts), expr(iterable->start)});
  if (auto *transform = value.as<TransformValue>()) {
    TransformValue result = *transform;
    result.function = map(transform->function);
    return std::make_shared<const TransformValue>(std::move(result));
  }
  if (auto *choice = value.as<ChoiceValue>())
    return std::make_shared<const ChoiceValue>(
        ChoiceValue{leaf(choice->which), map(choice->options)});
  if (auto *exception = value.as<ExceptionValue>())
    return std::make_shared<const ExceptionValue>(
        ExceptionValue{exception->kind, map(exception->arguments), exception->isRendered});
  if (auto *property = value.as<PropertyValue>())
    return std::make_shared<const PropertyValue>(
        PropertyValue{property->kind, map(property->getter), map(property->setter)});
  if (auto *super = value.as<SuperValue>())
    return std::make_shared<const SuperValue>(SuperValue{map(super->self), super->ownerClass});
  return value;
}

void LeafMapper::mapPattern(ResultPattern &pattern) const {
  pattern.fixed = map(pattern.fixed);
  for (auto &extent : pattern.shape)
    if (extent)
      extent = expr(*extent);
  for (ResultPattern &part : pattern.parts)
    mapPattern(part);
}

ObjectState LeafMapper::map(const ObjectState &state) const {
  ObjectState result = mapContent(state);
  if (SharedPlace place = placeOf(state); place && place->view)
    setPlace(result, withoutView(place));
  return result;
}

ObjectState LeafMapper::mapContent(const ObjectState &state) const {
  if (auto *array = std::get_if<ArrayState>(&state)) {
    ArrayState result = *array;
    for (auto &extent : result.shape)
      extent = expr(extent);
    if (array->step) {
      ViewStep step = *array->step;
      for (auto *list : {&step.offsets, &step.sizes, &step.strides})
        for (auto &bound : *list)
          bound = expr(bound);
      result.step = std::make_shared<const ViewStep>(std::move(step));
    }
    if (array->base)
      result.base = object(*array->base);
    if (array->tensor)
      result.tensor = leaf(array->tensor);
    return result;
  }
  if (auto *list = std::get_if<ListState>(&state))
    return ListState{map(list->items), list->isItem, list->sharesWith, list->place};
  if (auto *list = std::get_if<RunTimeListState>(&state)) {
    RunTimeListState result = *list;
    result.moved = nullptr;
    result.length = expr(list->length);
    auto item = std::make_shared<ResultPattern>(*list->item);
    mapPattern(*item);
    result.item = std::move(item);
    for (ItemColumn &column : result.columns) {
      column.values = leaf(column.values);
      if (column.ends)
        column.ends = leaf(column.ends);
    }
    return result;
  }
  if (auto *dict = std::get_if<DictState>(&state)) {
    DictState result{{}, dict->isSet, dict->isItem, dict->sharesWith, dict->place, dict->origin};
    for (auto &entry : dict->entries)
      result.entries.push_back({entry.first, map(entry.second)});
    return result;
  }
  if (auto *instance = std::get_if<InstanceState>(&state)) {
    InstanceState result{
        instance->cls, {}, instance->isItem, instance->sharesWith, instance->place};
    for (auto &entry : instance->attributes)
      result.attributes.push_back({entry.first, map(entry.second)});
    return result;
  }
  if (auto *cls = std::get_if<ClassState>(&state)) {
    ClassState result = *cls;
    for (auto &entry : result.attributes)
      entry.second = map(entry.second);
    return result;
  }
  if (auto *cell = std::get_if<CellState>(&state))
    return CellState{map(cell->value)};
  if (auto *random = std::get_if<RandomState>(&state))
    return RandomState{leaf(random->handle)};
  return state;
}

} // namespace mpy
