// Results of functions of their own: the structure that all paths of the function agree on, its
// run-time values as results of the function, and the same structure made again from the results of
// a call:
//
//   return x, np.zeros(k), None or 1   ->   structure (argument 0, float64[k], optional int)
//                                           results (k, zeros, present, 1)
#include "frontend/containers/RunTimeLists.h"
#include "frontend/functions/Signatures.h"
#include "frontend/interpret/MixedNumbers.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/UB/IR/UBOps.h"

using namespace mlir;

namespace mpy {

using Kind = ResultPattern::Kind;

bool ResultPattern::operator==(const ResultPattern &other) const {
  // Of an object, `fixed` is its class.
  bool hasFixed = kind == Kind::Fixed || kind == Kind::Instance || kind == Kind::Row;
  return kind == other.kind &&
         (!hasFixed || isIdentical(fixed, other.fixed) || fixed.get<DType>() ||
          fixed.get<DTypeObject>()) &&
         number == other.number && kinds == other.kinds && dtype == other.dtype &&
         shape == other.shape && contiguous == other.contiguous && aliases == other.aliases &&
         outerAliases == other.outerAliases && object == other.object && parts == other.parts &&
         fields == other.fields && orNone == other.orNone && isTuple == other.isTuple &&
         isShared == other.isShared;
}

bool holdsArrays(const ResultPattern &pattern) {
  return pattern.kind == Kind::Array || llvm::any_of(pattern.parts, holdsArrays);
}

bool hasShared(const ResultPattern &pattern) {
  // The items of a list of run-time length do not say what they are.
  return pattern.isShared ||
         (pattern.kind == Kind::RunTimeList && holdsObjects(pattern.parts[0])) ||
         llvm::any_of(pattern.parts, hasShared);
}

/// The items, entries or attributes of a container.
std::vector<Value> ResultWalk::partsOf(const Value &value) {
  ObjectId id = value.get<ObjectRef>()->id;
  if (auto *list = s.heap.get<ListState>(id))
    return list->items;
  ValueList parts;
  if (auto *dict = s.heap.get<DictState>(id))
    for (auto &entry : dict->entries)
      parts.push_back(entry.second);
  if (auto *instance = s.heap.get<InstanceState>(id))
    for (auto &attribute : instance->attributes)
      parts.push_back(attribute.second);
  return parts;
}

ResultPattern
outwardPattern(ResultPattern pattern,
               const std::function<std::optional<IntExpr>(const IntExpr &)> &outward) {
  for (auto &extent : pattern.shape)
    if (extent)
      extent = outward(*extent);
  for (ResultPattern &part : pattern.parts)
    part = outwardPattern(std::move(part), outward);
  return pattern;
}

/// The same structure, its objects numbered from 0.
static void renumber(ResultPattern &pattern, std::map<unsigned, unsigned> &numbers) {
  if (pattern.kind == Kind::Array || pattern.kind == Kind::List ||
      pattern.kind == Kind::RunTimeList || pattern.kind == Kind::Dict ||
      pattern.kind == Kind::Instance)
    pattern.object = numbers.try_emplace(pattern.object, numbers.size()).first->second;
  // The items of a run-time list are numbered by themselves.
  if (pattern.kind != Kind::RunTimeList)
    for (ResultPattern &part : pattern.parts)
      renumber(part, numbers);
}

/// Whether an array is an argument of the function or shows a part of one: a column cannot say so.
static bool sharesArguments(const ResultPattern &pattern) {
  return pattern.kind == Kind::Argument || !pattern.aliases.empty() ||
         llvm::any_of(pattern.parts, sharesArguments);
}

ResultPattern itemOfList(Specializer &s, const ResultPattern &list) {
  std::optional<ResultPattern> item;
  for (ResultPattern part : list.parts) {
    std::map<unsigned, unsigned> numbers;
    renumber(part, numbers);
    item = item ? widen(s, *item, part) : std::move(part);
  }
  if (!item)
    throw CannotCross{"an empty list"};
  if (sharesArguments(*item))
    throw CannotCross{"a list of run-time length that holds an argument, or a part of one"};
  return *item;
}

static ResultPattern patternOf(const RowValue &row, size_t mark) {
  // A table from inside is not known outside.
  if (mark > 0 && row.cls >= mark)
    throw CannotCross{"an object of a class that the function makes"};
  ResultPattern pattern;
  pattern.kind = Kind::Row;
  pattern.fixed = ObjectRef{row.cls};
  return pattern;
}

static ResultPattern patternOf(ResultWalk &walk, const OptionalValue &optional) {
  ResultPattern pattern;
  pattern.kind = Kind::Optional;
  pattern.orNone = optional.orNone;
  pattern.parts.push_back(walk.describe(optional.value));
  return pattern;
}

ResultPattern ResultWalk::describe(const Value &value) {
  ResultPattern pattern;
  auto all = [&](const ValueList &items) {
    for (auto &item : items)
      pattern.parts.push_back(describe(item));
  };
  if (auto *scalar = value.get<Scalar>()) {
    pattern.kind = Kind::Number;
    pattern.kinds = kindsOf(*scalar);
    pattern.number = scalar->kind;
    return pattern;
  }
  if (value.get<Text>()) {
    pattern.kind = Kind::Text;
    return pattern;
  }
  if (auto *tuple = value.as<TupleValue>()) {
    pattern.kind = Kind::Tuple;
    pattern.fields = tuple->fields;
    all(tuple->items);
    return pattern;
  }
  if (auto *row = value.as<RowValue>())
    return patternOf(*row, context.mark);
  if (auto *optional = value.as<OptionalValue>())
    return patternOf(*this, *optional);
  if (value.get<ConflictValue>())
    s.present(value, "the result");
  if (auto *ref = value.get<ObjectRef>()) {
    ObjectId id = ref->id;
    s.checkUsable(id);
    // An argument takes a number too: on another path there may be a new object in its place.
    bool isNew = numbers.try_emplace(id, numbers.size()).second;
    auto argument = llvm::find(context.arguments, id);
    if (argument != context.arguments.end()) {
      pattern.kind = Kind::Argument;
      pattern.object = argument - context.arguments.begin();
      return pattern;
    }
    if (id < context.mark) {
      pattern.fixed = value;
      return pattern;
    }
    pattern.object = numbers[id];
    // Items of lists are read only in any case.
    pattern.isShared = context.mark > 0 &&
                       (isReadOnly(s.heap.at(id)) || llvm::is_contained(context.containers, id));
    if (auto *array = s.heap.get<ArrayState>(id)) {
      pattern.kind = Kind::Array;
      pattern.dtype = array->dtype;
      pattern.contiguous = true;
      for (auto &extent : array->shape)
        pattern.shape.push_back(context.outward(extent));
      auto alias = [&](ObjectId owner) {
        auto number = llvm::find(context.arguments, owner);
        if (number != context.arguments.end())
          pattern.aliases.insert(number - context.arguments.begin());
        else if (owner < context.mark)
          pattern.outerAliases.insert(owner);
        else if (auto [entry, inserted] = roots.try_emplace(owner, id);
                 !inserted && entry->second != id)
          throw CannotCross{"two arrays that share memory"};
      };
      if (array->base)
        pattern.contiguous = array->contiguous;
      alias(memoryOwner(s.heap, id));
      for (ObjectId other : array->maybeAliases)
        alias(memoryOwner(s.heap, other));
      pattern.isShared = context.mark > 0 && isItemArray(s.heap, id);
      return pattern;
    }
    if (auto *list = s.heap.get<ListState>(id); list && isNew) {
      pattern.kind = Kind::List;
      all(list->items);
      return pattern;
    }
    if (auto *list = s.heap.get<RunTimeListState>(id); list && isNew) {
      pattern.kind = Kind::RunTimeList;
      pattern.isTuple = list->isTuple;
      pattern.parts.push_back(outwardPattern(*list->item, context.outward));
      return pattern;
    }
    if (auto *dict = s.heap.get<DictState>(id); dict && isNew && !dict->isSet) {
      pattern.kind = Kind::Dict;
      for (auto &entry : dict->entries) {
        auto key = s.knownText(entry.first);
        if (!key)
          throw CannotCross{"a dict with keys that are no text"};
        pattern.fields.push_back(*key);
      }
      all(partsOf(value));
      return pattern;
    }
    if (auto *instance = s.heap.get<InstanceState>(id); instance && isNew) {
      pattern.kind = Kind::Instance;
      pattern.fixed = ObjectRef{instance->cls};
      for (auto &attribute : instance->attributes)
        pattern.fields.push_back(attribute.first);
      all(partsOf(value));
      return pattern;
    }
    throw CannotCross{"a value of type " + s.typeName(value)};
  }
  if (value.isNone() || value.isUnbound() || value.get<DType>() || value.get<DTypeObject>() ||
      value.get<const LibraryValue *>() || value.as<ClosureValue>()) {
    pattern.fixed = value;
    return pattern;
  }
  throw CannotCross{"a value of type " + s.typeName(value)};
}

static bool isNoneOrUnbound(const ResultPattern &pattern) {
  return pattern.kind == Kind::Fixed && (pattern.fixed.isNone() || pattern.fixed.isUnbound());
}

ResultPattern widen(Specializer &s, const ResultPattern &a, const ResultPattern &b) {
  if (a == b)
    return a;
  if (isNoneOrUnbound(a) || isNoneOrUnbound(b) || a.kind == Kind::Optional ||
      b.kind == Kind::Optional) {
    ResultPattern result;
    result.kind = Kind::Optional;
    auto flavour = [](const ResultPattern &one) -> std::optional<bool> {
      if (one.kind == Kind::Optional)
        return one.orNone;
      if (isNoneOrUnbound(one))
        return one.fixed.isNone();
      return std::nullopt;
    };
    auto x = flavour(a), y = flavour(b);
    if (x && y && *x != *y)
      throw CannotCross{"a value that may be None or missing"};
    result.orNone = x ? *x : *y;
    auto inner = [](const ResultPattern &one) -> const ResultPattern & {
      return one.kind == Kind::Optional ? one.parts[0] : one;
    };
    if (isNoneOrUnbound(a))
      result.parts.push_back(inner(b));
    else if (isNoneOrUnbound(b))
      result.parts.push_back(inner(a));
    else
      result.parts.push_back(widen(s, inner(a), inner(b)));
    return result;
  }
  ResultPattern result = a;
  result.isShared |= b.isShared;
  auto isArray = [&](const ResultPattern &one) {
    return one.kind == Kind::Array || one.kind == Kind::Argument;
  };
  if (a.kind == Kind::Number && b.kind == Kind::Number) {
    if (a.kinds == b.kinds)
      return a;
    result.kinds = a.kinds | b.kinds;
    result.number = representationOf(result.kinds);
    return result;
  }
  if (a.kind == Kind::Argument && b.kind == Kind::Array)
    return widen(s, b, a);
  if (a.kind == Kind::Array && b.kind == Kind::Argument) {
    result.aliases.insert(b.object);
    return result;
  }
  if (a.kind == Kind::Array && b.kind == Kind::Array) {
    if (a.dtype != b.dtype || a.shape.size() != b.shape.size() || a.object != b.object)
      throw CannotCross{"arrays of several dtypes or ranks"};
    for (size_t i = 0; i < a.shape.size(); ++i)
      if (!(a.shape[i] && b.shape[i] && *a.shape[i] == *b.shape[i]))
        result.shape[i] = std::nullopt;
    result.contiguous &= b.contiguous;
    result.aliases.insert(b.aliases.begin(), b.aliases.end());
    result.outerAliases.insert(b.outerAliases.begin(), b.outerAliases.end());
    return result;
  }
  auto isList = [](const ResultPattern &one) {
    return one.kind == Kind::List || one.kind == Kind::RunTimeList;
  };
  bool isCounted = a.kind == Kind::RunTimeList || b.kind == Kind::RunTimeList ||
                   a.parts.size() != b.parts.size();
  if (isList(a) && isList(b) && isCounted && a.object == b.object && a.isTuple == b.isTuple) {
    auto itemOf = [&](const ResultPattern &one) {
      return one.kind == Kind::RunTimeList ? one.parts[0] : itemOfList(s, one);
    };
    bool isEmptyA = a.kind == Kind::List && a.parts.empty(),
         isEmptyB = b.kind == Kind::List && b.parts.empty();
    result.kind = Kind::RunTimeList;
    result.parts = {isEmptyA ? itemOf(b) : isEmptyB ? itemOf(a) : widen(s, itemOf(a), itemOf(b))};
    return result;
  }
  bool isSameClass = isIdentical(a.fixed, b.fixed);
  if (a.kind == b.kind && isSameClass &&
      (a.kind == Kind::Tuple || a.kind == Kind::List || a.kind == Kind::Dict ||
       a.kind == Kind::Instance || a.kind == Kind::Row) &&
      a.parts.size() == b.parts.size() && a.object == b.object && a.fields == b.fields) {
    for (size_t i = 0; i < a.parts.size(); ++i)
      result.parts[i] = widen(s, a.parts[i], b.parts[i]);
    return result;
  }
  if (a.kind == Kind::Text && b.kind == Kind::Text)
    return a;
  throw CannotCross{isArray(a) || isArray(b) ? "arrays in some places, something else in others"
                                             : "values of several structures"};
}

static RankedTensorType arrayType(Specializer &s, const ResultPattern &pattern) {
  llvm::SmallVector<int64_t> sizes;
  for (auto &extent : pattern.shape)
    sizes.push_back(extent && extent->known() ? *extent->known() : ShapedType::kDynamic);
  return RankedTensorType::get(sizes, typeOf(pattern.dtype, s.context()));
}

void leafTypes(Specializer &s, const ResultPattern &pattern,
               llvm::SmallVectorImpl<mlir::Type> &types) {
  switch (pattern.kind) {
  case Kind::Number:
    appendTypes(pattern.kinds, s.context(), types);
    break;
  case Kind::Text:
    types.push_back(StringType::get(s.context()));
    break;
  case Kind::Row:
    types.push_back(s.builder.getIndexType());
    break;
  case Kind::Array:
    for (auto &extent : pattern.shape)
      if (!extent)
        types.push_back(s.builder.getIndexType());
    types.push_back(arrayType(s, pattern));
    break;
  case Kind::Optional:
    types.push_back(s.builder.getI1Type());
    break;
  default:
    break;
  }
  if (pattern.kind == Kind::RunTimeList) {
    types.push_back(s.builder.getIndexType());
    return columnTypes(s, pattern.parts[0], types);
  }
  for (auto &part : pattern.parts)
    leafTypes(s, part, types);
}

void absentLeaves(Specializer &s, const ResultPattern &pattern,
                  llvm::SmallVectorImpl<mlir::Value> &leaves) {
  llvm::SmallVector<mlir::Type> types;
  leafTypes(s, pattern, types);
  for (mlir::Type type : types) {
    // Extents and flags of what does not exist are 0, so that nothing of it is ever read.
    if (type.isIntOrIndexOrFloat())
      leaves.push_back(s.create<arith::ConstantOp>(cast<TypedAttr>(s.builder.getZeroAttr(type))));
    else if (isa<StringType>(type))
      leaves.push_back(s.ssa(s.makeText("")));
    else
      leaves.push_back(s.create<ub::PoisonOp>(type));
  }
}

void ResultWalk::flatten(const ResultPattern &pattern, const Value &value,
                         llvm::SmallVectorImpl<mlir::Value> &leaves) {
  if (auto *ref = value.get<ObjectRef>())
    s.checkUsable(ref->id);
  switch (pattern.kind) {
  case Kind::Fixed:
  case Kind::Argument:
    return;
  case Kind::Number:
    return appendLeaves(s, widened(s, *value.get<Scalar>(), pattern.kinds), leaves);
  case Kind::Text:
    leaves.push_back(s.ssa(*value.get<Text>()));
    return;
  case Kind::Row:
    leaves.push_back(s.index(value.as<RowValue>()->row));
    return;
  case Kind::Array: {
    ArrayValue array = s.read(value.get<ObjectRef>()->id);
    for (size_t i = 0; i < array.rank(); ++i)
      if (!pattern.shape[i])
        leaves.push_back(s.index(array.shape[i]));
    leaves.push_back(s.castTensor(array.tensor, arrayType(s, pattern)));
    return;
  }
  case Kind::Tuple:
    for (size_t i = 0; i < pattern.parts.size(); ++i)
      flatten(pattern.parts[i], value.as<TupleValue>()->items[i], leaves);
    return;
  case Kind::List:
  case Kind::Dict:
  case Kind::Instance: {
    ValueList parts = partsOf(value);
    for (size_t i = 0; i < pattern.parts.size(); ++i)
      flatten(pattern.parts[i], parts[i], leaves);
    return;
  }
  case Kind::RunTimeList: {
    RunTimeListState list = runTimeList(s, s.heap.at(value.get<ObjectRef>()->id), pattern.parts[0]);
    leaves.push_back(s.index(list.length));
    for (ItemColumn &column : list.columns) {
      leaves.push_back(column.values);
      if (column.ends)
        leaves.push_back(column.ends);
    }
    return;
  }
  case Kind::Optional: {
    auto *optional = value.as<OptionalValue>();
    bool absent = value.isNone() || value.isUnbound();
    leaves.push_back(optional
                         ? optional->present
                         : s.create<arith::ConstantOp>(s.builder.getBoolAttr(!absent)).getResult());
    if (absent)
      absentLeaves(s, pattern.parts[0], leaves);
    else
      flatten(pattern.parts[0], optional ? optional->value : value, leaves);
    return;
  }
  }
}

static Value dictOf(Specializer &s, const ResultPattern &pattern, const ValueList &items) {
  DictState dict;
  dict.isItem = pattern.isShared;
  for (size_t i = 0; i < items.size(); ++i)
    dict.entries.push_back({s.makeText(pattern.fields[i]), items[i]});
  return ObjectRef{s.heap.add(std::move(dict))};
}

Value ResultBuilder::build(const ResultPattern &pattern) {
  auto all = [&] {
    ValueList items;
    for (auto &part : pattern.parts)
      items.push_back(build(part));
    return items;
  };
  switch (pattern.kind) {
  case Kind::Fixed:
    return pattern.fixed;
  case Kind::Argument:
    return ObjectRef{arguments[pattern.object]};
  case Kind::Number:
    return numberOf(s, pattern.kinds, [&] { return leaves[next++]; });
  case Kind::Text:
    return Text{"", leaves[next++]};
  case Kind::Row:
    return std::make_shared<const RowValue>(
        RowValue{pattern.fixed.get<ObjectRef>()->id, symbolExpr(leaves[next++], true)});
  case Kind::Array: {
    std::vector<IntExpr> shape;
    for (auto &extent : pattern.shape)
      shape.push_back(extent ? inward(*extent) : symbolExpr(leaves[next++], true));
    mlir::Value tensor = leaves[next++];
    if (auto it = objects.find(pattern.object); it != objects.end())
      return ObjectRef{it->second};
    Value result = s.newArray({pattern.dtype, std::move(shape), tensor});
    ObjectId id = result.get<ObjectRef>()->id;
    objects[pattern.object] = id;
    ArrayState state = *s.heap.get<ArrayState>(id);
    state.contiguous = pattern.contiguous;
    auto alias = [&](ObjectId other) {
      if (!llvm::is_contained(state.maybeAliases, other))
        state.maybeAliases.push_back(other);
    };
    for (ObjectId other : pattern.outerAliases)
      alias(other);
    if (pattern.isShared)
      alias(id);
    for (unsigned number : pattern.aliases) {
      ObjectId argument = arguments[number];
      alias(memoryOwner(s.heap, argument));
      for (ObjectId other : s.heap.get<ArrayState>(argument)->maybeAliases)
        alias(memoryOwner(s.heap, other));
    }
    s.heap.set(id, std::move(state));
    return result;
  }
  case Kind::Tuple:
    return std::make_shared<const TupleValue>(TupleValue{all(), pattern.fields});
  case Kind::List:
    return ObjectRef{s.heap.add(ListState{all(), pattern.isShared})};
  case Kind::Dict:
    return dictOf(s, pattern, all());
  case Kind::Instance: {
    InstanceState instance{pattern.fixed.get<ObjectRef>()->id, {}, pattern.isShared};
    ValueList items = all();
    for (size_t i = 0; i < items.size(); ++i)
      instance.attributes.push_back({pattern.fields[i], items[i]});
    return ObjectRef{s.heap.add(std::move(instance))};
  }
  case Kind::RunTimeList: {
    RunTimeListState list;
    list.isItem = pattern.isShared;
    list.isTuple = pattern.isTuple;
    list.length = symbolExpr(leaves[next++], true);
    list.item = std::make_shared<const ResultPattern>(
        outwardPattern(pattern.parts[0],
                       [&](const IntExpr &expr) { return std::optional<IntExpr>(inward(expr)); }));
    for (bool hasEnds : columnsWithEnds(s, pattern.parts[0])) {
      list.columns.push_back({leaves[next++], {}});
      if (hasEnds)
        list.columns.back().ends = leaves[next++];
    }
    return ObjectRef{s.heap.add(std::move(list))};
  }
  case Kind::Optional: {
    mlir::Value present = leaves[next++];
    return std::make_shared<const OptionalValue>(
        OptionalValue{present, build(pattern.parts[0]), pattern.orNone});
  }
  }
  llvm_unreachable("a result pattern");
}

} // namespace mpy
