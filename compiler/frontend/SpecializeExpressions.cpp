// Expressions: names, constants, containers, conditionals, comprehensions, subscripts of
// containers.
#include "frontend/RunTimeLists.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;

namespace mpy {

//===----------------------------------------------------------------------===//
// Names
//===----------------------------------------------------------------------===//

std::optional<ObjectId> Specializer::findCell(llvm::StringRef name, bool forStore) {
  Frame &current = frame();
  bool isModule = current.scope->kind == ast::ScopeKind::Module;
  if (!isModule && !current.scope->globals.contains(name)) {
    if (auto it = current.cells.find(name.str()); it != current.cells.end())
      return it->second;
    if (current.scope->locals.contains(name) &&
        (forStore || current.scope->kind != ast::ScopeKind::Class))
      return std::nullopt;
    if (forStore && !current.scope->globals.contains(name))
      return std::nullopt;
  }
  auto *names = heap.get<NamespaceState>(current.globals);
  if (auto it = names->cells.find(name.str()); it != names->cells.end())
    return it->second;
  if (!forStore)
    return std::nullopt;
  ObjectId cell = heap.add(CellState{Unbound{}});
  NamespaceState grown = *heap.get<NamespaceState>(current.globals);
  grown.cells[name.str()] = cell;
  heap.set(current.globals, std::move(grown));
  return cell;
}

/// The closest name to a misspelt one, or empty.
static std::string closest(llvm::StringRef name, const std::set<std::string> &candidates) {
  unsigned best = name.size() / 3 + 1;
  std::string result;
  for (auto &candidate : candidates) {
    unsigned distance = name.edit_distance(candidate, true, best + 1);
    if (distance <= best && distance < name.size())
      best = distance ? distance - 1 : 0, result = candidate;
  }
  return result;
}

Value Specializer::lookup(llvm::StringRef name) {
  Frame &current = frame();
  if (current.scope->kind != ast::ScopeKind::Module) {
    auto local = current.locals.find(name.str());
    if (local != current.locals.end() && !current.scope->globals.contains(name))
      return local->second;
  }
  if (auto cell = findCell(name, false)) {
    const Value &value = heap.get<CellState>(*cell)->value;
    if (!value.isUnbound())
      return value;
  }
  bool isLocal = current.scope->kind == ast::ScopeKind::Function &&
                 current.scope->locals.contains(name) && !current.scope->globals.contains(name);
  if (!isLocal) {
    if (auto *builtin = findBuiltin(name))
      return builtin;
    if (auto it = builtinClasses.find(name.str()); it != builtinClasses.end())
      return ObjectRef{it->second};
    if (name == "NotImplemented")
      return NotImplementedValue{};
    if (name == "Ellipsis")
      return EllipsisValue{};
    if (name == "__name__")
      return makeText(current.name);
  }
  std::set<std::string> candidates;
  for (auto &local : current.locals)
    candidates.insert(local.first);
  for (auto &cell : heap.get<NamespaceState>(current.globals)->cells)
    candidates.insert(cell.first);
  std::string similar = closest(name, candidates);
  if (isLocal || candidates.count(name.str()))
    fail(ErrorId::UnsetName, {name.str()}, {.help = "assign it before this use"});
  fail(ErrorId::UnknownName, {name.str()},
       {.help = similar.empty() ? "" : "did you mean '" + similar + "'?"});
}

void Specializer::assignName(llvm::StringRef name, const Value &value) {
  label(value, name);
  if (auto cell = findCell(name, true))
    heap.set(*cell, CellState{value});
  else
    frame().locals[name.str()] = value;
}

//===----------------------------------------------------------------------===//
// Expressions
//===----------------------------------------------------------------------===//

static Value constantValue(Specializer &s, const ast::Constant &node) {
  switch (node.type) {
  case ast::ConstantKind::None:
    return NoneValue{};
  case ast::ConstantKind::True:
    return s.makeBool(true);
  case ast::ConstantKind::False:
    return s.makeBool(false);
  case ast::ConstantKind::Ellipsis:
    return EllipsisValue{};
  case ast::ConstantKind::Int:
    if (node.isBigInt)
      s.fail(ErrorId::IntegerTooLarge, {}, {.help = "write it as a float: 1e20"});
    return s.makeInt(IntExpr(node.intValue));
  case ast::ConstantKind::Float:
    return s.makeFloat(node.floatValue);
  case ast::ConstantKind::Str:
    return s.makeText(node.text);
  case ast::ConstantKind::Complex:
    s.fail(ErrorId::Unsupported, {"complex numbers"});
  case ast::ConstantKind::Bytes:
    s.fail(ErrorId::Unsupported, {"bytes"});
  }
  llvm_unreachable("a constant");
}

Value Specializer::evaluateBoolean(const ast::BoolOp &node, size_t from) {
  bool isAnd = node.op == ast::BoolOperator::And;
  Value value = evaluate(node.values[from]);
  if (from + 1 == node.values.size())
    return value;
  Scalar condition = truth(value);
  if (condition.knownBool)
    return *condition.knownBool == isAnd ? evaluateBoolean(node, from + 1) : value;
  // The value itself is the result where it decides.
  auto mine = [&] {
    auto *scalar = value.get<Scalar>();
    return scalar && scalar->kind == ScalarKind::PyBool ? Value(makeBool(!isAnd)) : value;
  };
  auto rest = [&] {
    narrow(*node.values[from], isAnd);
    return evaluateBoolean(node, from + 1);
  };
  return isAnd ? branchValue(ssa(condition), rest, mine) : branchValue(ssa(condition), mine, rest);
}

Value Specializer::evaluate(const ast::Expr *expr) {
  using namespace ast;
  struct Place {
    Specializer &s;
    Span saved;
    ~Place() { s.span = saved; }
  };
  if (dead)
    return NoneValue{};
  Place place{*this, span};
  span = expr->span;
  switch (expr->kind) {
  case Kind::Constant:
    return constantValue(*this, cast<Constant>(*expr));
  case Kind::Name: {
    auto &node = cast<Name>(*expr);
    Value value = lookup(node.id);
    auto *optional = value.as<OptionalValue>();
    // None or a value may be passed on; an unset name may not even be read.
    return optional && optional->orNone ? value : present(value, node.id);
  }
  case Kind::BoolOp:
    return evaluateBoolean(cast<BoolOp>(*expr), 0);
  case Kind::NamedExpr: {
    auto &node = cast<NamedExpr>(*expr);
    Value value = evaluate(node.value);
    assign(*node.target, value);
    return value;
  }
  case Kind::BinOp: {
    auto &node = cast<BinOp>(*expr);
    Value left = evaluate(node.left), right = evaluate(node.right);
    span = expr->span;
    return binary(node.op, left, right);
  }
  case Kind::UnaryOp: {
    auto &node = cast<UnaryOp>(*expr);
    Value operand = evaluate(node.operand);
    return unary(node.op, operand);
  }
  case Kind::Lambda: {
    auto &node = cast<Lambda>(*expr);
    return makeClosure(node, node.args, node.scope, "<lambda>");
  }
  case Kind::IfExp: {
    auto &node = cast<IfExp>(*expr);
    Scalar condition = truth(evaluate(node.test));
    if (condition.knownBool)
      return evaluate(*condition.knownBool ? node.body : node.orelse);
    return branchValue(
        ssa(condition),
        [&] {
          narrow(*node.test, true);
          return evaluate(node.body);
        },
        [&] {
          narrow(*node.test, false);
          return evaluate(node.orelse);
        });
  }
  case Kind::Compare: {
    auto &node = cast<Compare>(*expr);
    return evaluateCompare(node, 0, evaluate(node.left));
  }
  case Kind::Call: {
    auto &node = cast<Call>(*expr);
    return evaluateCall(node);
  }
  case Kind::JoinedStr: {
    std::vector<Text> parts;
    for (auto *part : cast<JoinedStr>(*expr).values)
      parts.push_back(*evaluate(part).get<Text>());
    return concat(parts);
  }
  case Kind::FormattedValue: {
    auto &node = cast<FormattedValue>(*expr);
    Value value = present(evaluate(node.value), "the value");
    if (node.conversion == 'r' || node.conversion == 'a')
      value = repr(value);
    else if (node.conversion == 's')
      value = str(value);
    return format(value, node.formatSpec ? *evaluate(node.formatSpec).get<Text>() : makeText(""));
  }
  case Kind::Attribute: {
    auto &node = cast<Attribute>(*expr);
    Value object = present(evaluate(node.value), "the object");
    return bound(attribute(object, node.attr), node.attr);
  }
  case Kind::Subscript: {
    auto &node = cast<Subscript>(*expr);
    Value container = present(evaluate(node.value), "the container"), key = evaluate(node.slice);
    return bound(subscript(container, key), "the item");
  }
  case Kind::List:
  case Kind::Tuple:
  case Kind::Set: {
    auto &elements = expr->kind == Kind::List    ? cast<List>(*expr).elts
                     : expr->kind == Kind::Tuple ? cast<Tuple>(*expr).elts
                                                 : cast<Set>(*expr).elts;
    ValueList items;
    std::vector<DisplayPart> parts;
    bool isKnown = true;
    for (auto *element : elements) {
      auto *star = dyn_cast<Starred>(element);
      Value value = present(evaluate(star ? star->value : element), "the item");
      auto more = star ? knownItems(value) : ValueList{value};
      if (!more) {
        // What it holds is taken before the next element is evaluated.
        value = call(findBuiltin("list"), CallArguments{{value}, {}, span});
        more = knownItems(value);
      }
      if (!more) {
        isKnown = false;
        parts.push_back({value, true});
        continue;
      }
      items.insert(items.end(), more->begin(), more->end());
      for (const Value &item : *more)
        parts.push_back({item, false});
    }
    if (!isKnown && expr->kind == Kind::Set)
      fail(ErrorId::UnknownLength, {"a starred value"});
    if (!isKnown) {
      Value list = displayOf(*this, parts);
      return expr->kind == Kind::Tuple ? asTuple(*this, list) : list;
    }
    if (expr->kind == Kind::Tuple)
      return newTuple(std::move(items));
    if (expr->kind == Kind::List)
      return newList(std::move(items));
    return makeSet(items);
  }
  case Kind::Dict: {
    auto &node = cast<Dict>(*expr);
    DictState dict;
    for (size_t i = 0; i < node.keys.size(); ++i) {
      if (!node.keys[i]) {
        auto *more = object<DictState>(evaluate(node.values[i]));
        if (!more)
          fail(ErrorId::NotIterable, {"the value after **"});
        for (auto &entry : more->entries)
          setEntry(dict, entry.first, entry.second);
        continue;
      }
      Value key = evaluate(node.keys[i]);
      setEntry(dict, key, present(evaluate(node.values[i]), "the value"));
    }
    return ObjectRef{heap.add(std::move(dict))};
  }
  case Kind::ListComp:
  case Kind::SetComp:
  case Kind::DictComp:
  case Kind::GeneratorExp:
    return comprehension(*expr);
  case Kind::Slice: {
    auto &node = cast<Slice>(*expr);
    auto part = [&](const Expr *bound) { return bound ? evaluate(bound) : Value(NoneValue{}); };
    Value start = part(node.lower), stop = part(node.upper), step = part(node.step);
    return std::make_shared<const SliceValue>(SliceValue{start, stop, step});
  }
  case Kind::Starred:
    fail(ErrorId::MisplacedStar);
  default:
    fail(ErrorId::Unsupported, {"'" + kindName(expr->kind).lower() + "'"});
  }
}

Value Specializer::evaluateCompare(const ast::Compare &node, size_t index, const Value &left) {
  Value right = evaluate(node.comparators[index]);
  Value result = compare(node.ops[index], left, right);
  if (index + 1 == node.ops.size())
    return result;
  Scalar condition = truth(result);
  if (condition.knownBool)
    return *condition.knownBool ? evaluateCompare(node, index + 1, right) : result;
  return branchValue(
      ssa(condition), [&] { return evaluateCompare(node, index + 1, right); },
      [&] { return result; });
}

void Specializer::checkKeyOrder(const DictState &dict, size_t position) {
  auto *optional = dict.entries[position].second.as<OptionalValue>();
  if (!optional || optional->orNone)
    return;
  // A key that is missing now comes last in Python; here it has its place. They agree unless a
  // later key is there already.
  if (position + 1 == dict.entries.size())
    return;
  mlir::Value noneLater = create<arith::ConstantOp>(builder.getBoolAttr(true));
  for (auto &later : llvm::drop_begin(dict.entries, position + 1)) {
    auto *other = later.second.as<OptionalValue>();
    mlir::Value absent = other && !other->orNone
                             ? ssa(negate(makeScalar(ScalarKind::PyBool, other->present)))
                             : create<arith::ConstantOp>(builder.getBoolAttr(false)).getResult();
    noneLater = create<arith::AndIOp>(noneLater, absent);
  }
  mlir::Value inOrder = create<arith::OrIOp>(optional->present, noneLater);
  check(inOrder, "RuntimeError",
        "the order of the keys of this dict depends on the path; set every key before");
}

void Specializer::setEntry(DictState &dict, const Value &key, const Value &value) {
  if (auto *scalar = key.get<Scalar>(); (scalar && !knownInt(key) && !scalar->knownFloat) ||
                                        (key.get<Text>() && key.get<Text>()->value))
    fail(ErrorId::RunTimeKey, {describe(key)},
         {.help = "index an array or a list by a number instead"});
  bool isCounted = runTimeListOf(*this, key) && !isRunTimeTuple(*this, key);
  if (object<ListState>(key) || isCounted || object<DictState>(key) || isArray(key)) {
    raiseHere("TypeError", "unhashable type: '" + typeName(key) + "'");
    return;
  }
  for (size_t i = 0; i < dict.entries.size(); ++i) {
    auto &entry = dict.entries[i];
    if (!sameKey(entry.first, key))
      continue;
    checkKeyOrder(dict, i);
    entry.second = value;
    return;
  }
  dict.entries.push_back({key, value});
}

bool Specializer::sameKey(const Value &a, const Value &b) {
  // 1, 1.0 and True are one key.
  auto number = [&](const Value &value) -> std::optional<double> {
    auto *scalar = value.get<Scalar>();
    if (!scalar)
      return std::nullopt;
    if (auto known = knownInt(value))
      return static_cast<double>(*known);
    return scalar->knownFloat;
  };
  if (auto x = number(a), y = number(b); x && y)
    return *x == *y;
  for (const Value *key : {&a, &b})
    if (runTimeListOf(*this, *key))
      fail(ErrorId::RunTimeKey, {"a " + typeName(*key) + " whose length is"});
  refuseIdentity(*this, a, b);
  return sameObject(a, b).value_or(false);
}

Value Specializer::makeSet(const ValueList &items) {
  DictState set;
  set.isSet = true;
  for (auto &item : items)
    setEntry(set, item, NoneValue{});
  return ObjectRef{heap.add(std::move(set))};
}

Value Specializer::comprehension(const ast::Expr &expr) {
  const std::vector<ast::Comprehension> *generators;
  const ast::Scope *scope = ast::scopeOf(&expr);
  const ast::Expr *element, *second = nullptr;
  if (auto *node = dyn_cast<ast::ListComp>(&expr))
    generators = &node->generators, element = node->elt;
  else if (auto *node = dyn_cast<ast::SetComp>(&expr))
    generators = &node->generators, element = node->elt;
  else if (auto *node = dyn_cast<ast::GeneratorExp>(&expr))
    generators = &node->generators, element = node->elt;
  else
    generators = &cast<ast::DictComp>(expr).generators, element = cast<ast::DictComp>(expr).key,
    second = cast<ast::DictComp>(expr).value;
  // The first iterable belongs to the scope outside.
  Value first = evaluate((*generators)[0].iter);
  Frame inner;
  inner.scope = scope;
  inner.globals = frame().globals;
  inner.name = frame().name;
  inner.callSpan = span;
  inner.closure = nullptr;
  for (auto &name : scope->freeNames)
    if (auto it = frame().cells.find(name); it != frame().cells.end())
      inner.cells[name] = it->second;
  // A class body's names are not visible inside, but for the iterable.
  for (auto &name : scope->captured)
    inner.cells[name] = heap.add(CellState{Unbound{}});
  frames.push_back(&inner);
  struct Pop {
    Specializer &s;
    size_t depth;
    ~Pop() { s.frames.resize(depth); }
  } pop{*this, frames.size() - 1};
  // Where iterations or conditions are run-time data, what is made is joined like any other name.
  const char *made = "%made";
  frame().locals[made] = second ? Value(ObjectRef{heap.add(DictState{})}) : newList({});
  std::function<void(const std::vector<ast::Expr *> &, size_t, llvm::function_ref<void()>)> filter =
      [&](const std::vector<ast::Expr *> &conditions, size_t from,
          llvm::function_ref<void()> keep) {
        if (dead)
          return;
        if (from == conditions.size())
          return keep();
        Scalar holds = truth(evaluate(conditions[from]));
        auto next = [&] { filter(conditions, from + 1, keep); };
        if (!holds.knownBool)
          branch(ssa(holds), next, [] {});
        else if (*holds.knownBool)
          next();
      };
  std::function<void(size_t)> walk = [&](size_t level) {
    auto &generator = (*generators)[level];
    if (generator.isAsync)
      fail(ErrorId::Unsupported, {"'async for'"});
    Value iterable = level == 0 ? first : evaluate(generator.iter);
    span = generator.span;
    forEachItem(iterable, [&](const Value &item) {
      assign(*generator.target, item);
      filter(generator.ifs, 0, [&] {
        if (level + 1 < generators->size())
          return walk(level + 1);
        Value value = present(evaluate(element), "the item");
        if (dead)
          return;
        if (!second)
          return appendTo(frame().locals[made], value);
        DictState dict = *heap.get<DictState>(frame().locals[made].get<ObjectRef>()->id);
        setEntry(dict, value, present(evaluate(second), "the value"));
        heap.set(frame().locals[made].get<ObjectRef>()->id, std::move(dict));
      });
    });
  };
  walk(0);
  Value result = frame().locals[made];
  if (!isa<ast::SetComp>(expr))
    return result;
  auto items = knownItems(result);
  if (!items)
    fail(ErrorId::UnknownLength, {"a set"}, {.help = "make it a list"});
  return makeSet(*items);
}

//===----------------------------------------------------------------------===//
// Subscripts of containers
//===----------------------------------------------------------------------===//

static ValueList slicedItems(Specializer &s, const ValueList &items, const SliceValue &slice) {
  auto bound = [&](const Value &value) -> std::optional<int64_t> {
    if (value.isNone())
      return std::nullopt;
    auto known = s.knownInt(value);
    if (!known)
      s.fail(ErrorId::RunTimeIndex, {"a slice of a list or tuple"},
             {.help = "make it an array: np.array(..)"});
    return known;
  };
  int64_t size = items.size(), step = bound(slice.step).value_or(1);
  if (step == 0) {
    s.raiseHere("ValueError", "slice step cannot be zero");
    return {};
  }
  auto clamp = [&](std::optional<int64_t> given, int64_t otherwise, int64_t low, int64_t high) {
    if (!given)
      return otherwise;
    int64_t value = *given < 0 ? *given + size : *given;
    return std::max(low, std::min(value, high));
  };
  int64_t start = step > 0 ? clamp(bound(slice.start), 0, 0, size)
                           : clamp(bound(slice.start), size - 1, -1, size - 1);
  int64_t stop = step > 0 ? clamp(bound(slice.stop), size, 0, size)
                          : clamp(bound(slice.stop), -1, -1, size - 1);
  ValueList result;
  for (int64_t i = start; step > 0 ? i < stop : i > stop; i += step)
    result.push_back(items[i]);
  return result;
}

std::vector<int64_t> slicePositions(Specializer &s, size_t size, const SliceValue &slice) {
  ValueList all;
  for (size_t i = 0; i < size; ++i)
    all.push_back(s.makeInt(IntExpr(int64_t(i))));
  std::vector<int64_t> positions;
  for (const Value &position : slicedItems(s, all, slice))
    positions.push_back(*s.knownInt(position));
  return positions;
}

std::optional<int64_t> Specializer::sequencePosition(const Value &key, size_t size,
                                                     const char *message) {
  auto known = knownInt(key);
  if (!known) {
    if (!key.get<Scalar>())
      fail(ErrorId::IndexType, {describe(key)});
    return std::nullopt;
  }
  int64_t position = *known < 0 ? *known + int64_t(size) : *known;
  if (position < 0 || position >= int64_t(size)) {
    raiseHere("IndexError", message);
    return -1;
  }
  return position;
}

/// items[k] with k known at run time: a chain of branches over like items.
static Value runTimeItem(Specializer &s, const ValueList &items, const IntExpr &position,
                         size_t from) {
  if (from + 1 == items.size())
    return items[from];
  mlir::Value here = s.create<arith::CmpIOp>(arith::CmpIPredicate::eq, s.index(position),
                                             s.index(IntExpr(int64_t(from))));
  return s.branchValue(
      here, [&] { return items[from]; }, [&] { return runTimeItem(s, items, position, from + 1); });
}

/// A slice of a range of known numbers is a range.
static std::optional<RangeValue> slicedRange(Specializer &s, const RangeValue &range,
                                             const SliceValue &slice) {
  auto start = range.start.known(), step = range.step.known();
  auto items = s.knownItems(std::make_shared<const RangeValue>(range));
  if (!start || !step || !items)
    return std::nullopt;
  int64_t size = items->size();
  auto part = [&](const Value &value, int64_t otherwise) -> std::optional<int64_t> {
    return value.isNone() ? otherwise : s.knownInt(value);
  };
  auto stride = part(slice.step, 1);
  if (!stride || *stride == 0)
    return std::nullopt;
  int64_t low = *stride < 0 ? -1 : 0, high = *stride < 0 ? size - 1 : size;
  auto position = [&](const Value &value, int64_t otherwise) -> std::optional<int64_t> {
    auto given = part(value, otherwise);
    if (!given || value.isNone())
      return given;
    return std::clamp(*given < 0 ? *given + size : *given, low, high);
  };
  auto from = position(slice.start, *stride < 0 ? high : low),
       to = position(slice.stop, *stride < 0 ? low : high);
  if (!from || !to)
    return std::nullopt;
  return RangeValue{IntExpr(*start + *from * *step), IntExpr(*start + *to * *step),
                    IntExpr(*step * *stride)};
}

Value Specializer::subscript(const Value &container, const Value &key) {
  if (dead)
    return NoneValue{};
  if (auto id = arrayObject(container))
    return arraySubscript(*this, *id, key);
  auto sequence = [&](const ValueList &items, bool isTuple) -> Value {
    if (auto *slice = key.as<SliceValue>()) {
      ValueList part = slicedItems(*this, items, *slice);
      return isTuple ? newTuple(std::move(part)) : newList(std::move(part));
    }
    auto position = sequencePosition(
        key, items.size(), isTuple ? "tuple index out of range" : "list index out of range");
    if (position)
      return *position < 0 ? Value(NoneValue{}) : items[*position];
    // The position is known at run time only.
    IntExpr index = intExpr(*key.get<Scalar>());
    IntExpr size(int64_t(items.size()));
    mlir::Value i = this->index(index), n = this->index(size);
    mlir::Value low =
        create<arith::CmpIOp>(arith::CmpIPredicate::sge, i, this->index(IntExpr(0) - size));
    mlir::Value high = create<arith::CmpIOp>(arith::CmpIPredicate::slt, i, n);
    check(create<arith::AndIOp>(low, high), "IndexError",
          isTuple ? "tuple index out of range" : "list index out of range");
    if (items.empty())
      fail(ErrorId::RunTimeIndex, {"an empty list"});
    if (!index.isNonNegative()) {
      mlir::Value negative =
          create<arith::CmpIOp>(arith::CmpIPredicate::slt, i, this->index(IntExpr(0)));
      index = symbolExpr(create<arith::SelectOp>(negative, create<arith::AddIOp>(i, n), i), true);
    }
    return runTimeItem(*this, items, index, 0);
  };
  if (runTimeListOf(*this, container))
    return runTimeListSubscript(*this, container, key);
  if (auto *list = object<ListState>(container)) {
    // Bounds that are run-time data give a list whose length is.
    auto *slice = key.as<SliceValue>();
    auto isRunTime = [&](const Value &bound) { return bound.get<Scalar>() && !knownInt(bound); };
    if (slice && !list->items.empty() && (isRunTime(slice->start) || isRunTime(slice->stop))) {
      Value counted = ObjectRef{heap.add(*list)};
      makeRunTimeList(*this, counted.get<ObjectRef>()->id);
      return runTimeListSubscript(*this, counted, key);
    }
    return sequence(ValueList(list->items), false);
  }
  if (auto *tuple = container.as<TupleValue>())
    return sequence(tuple->items, true);
  if (auto *dict = object<DictState>(container); dict && !dict->isSet) {
    for (auto &entry : dict->entries)
      if (sameKey(entry.first, key)) {
        if (auto *optional = entry.second.as<OptionalValue>(); optional && !optional->orNone) {
          check(optional->present, "KeyError", repr(key).known);
          return optional->value;
        }
        return entry.second;
      }
    if (auto *scalar = key.get<Scalar>();
        (scalar && !knownInt(key)) || (key.get<Text>() && key.get<Text>()->value))
      fail(ErrorId::RunTimeKey, {describe(key)},
           {.help = "index an array or a list by a number instead"});
    return raiseHere("KeyError", repr(key).known);
  }
  if (auto *text = container.get<Text>())
    return textSubscript(*text, key);
  if (auto *range = container.as<RangeValue>()) {
    if (auto *slice = key.as<SliceValue>()) {
      if (auto part = slicedRange(*this, *range, *slice))
        return std::make_shared<const RangeValue>(*part);
      fail(ErrorId::RunTimeIndex, {"a slice of a range"});
    }
    if (auto items = knownItems(container))
      return sequence(*items, false);
    if (auto *scalar = key.get<Scalar>())
      return makeInt(range->start + intExpr(*scalar) * range->step);
  }
  if (auto *module = container.as<ModuleValue>(); module && module->name == "sys.argv") {
    if (key.as<SliceValue>())
      fail(ErrorId::Unsupported, {"a slice of sys.argv"},
           {.help = "take the arguments one by one: sys.argv[1] if len(sys.argv) > 1"});
    CallArguments one;
    one.positional = {key};
    return findLibraryFunction("sys.argv.__getitem__")->call(*this, one);
  }
  if (auto result = callMethod(container, "__getitem__", {key}))
    return *result;
  fail(ErrorId::NotSubscriptable, {describe(container)});
}

void Specializer::assignSubscript(const Value &container, const Value &key, const Value &value) {
  if (dead)
    return;
  if (auto id = arrayObject(container))
    return arrayAssign(*this, *id, key, value);
  if (runTimeListOf(*this, container))
    return assignRunTimeList(*this, container, key, value);
  if (auto *list = object<ListState>(container)) {
    beginChange(*this, container.get<ObjectRef>()->id);
    ListState changed = *list;
    ObjectId id = container.get<ObjectRef>()->id;
    if (auto *slice = key.as<SliceValue>()) {
      auto items = knownItems(value);
      bool hasStep = !slice->step.isNone() && knownInt(slice->step) != 1;
      auto isKnown = [&](const Value &bound) { return bound.isNone() || knownInt(bound); };
      bool isCounted = !items || !isKnown(slice->start) || !isKnown(slice->stop);
      if (isCounted && !changed.items.empty()) {
        makeRunTimeList(*this, id);
        return assignRunTimeList(*this, container, key, value);
      }
      if (hasStep && items) {
        std::vector<int64_t> positions = slicePositions(*this, changed.items.size(), *slice);
        if (positions.size() != items->size()) {
          raiseHere("ValueError",
                    "attempt to assign sequence of size " + std::to_string(items->size()) +
                        " to extended slice of size " + std::to_string(positions.size()));
          return;
        }
        for (auto [position, item] : llvm::zip(positions, *items))
          changed.items[position] = item;
        heap.set(id, std::move(changed));
        return;
      }
      auto start = slice->start.isNone() ? std::optional<int64_t>(0) : knownInt(slice->start);
      auto stop = slice->stop.isNone() ? std::optional<int64_t>(changed.items.size())
                                       : knownInt(slice->stop);
      if (!items || !start || !stop || hasStep)
        fail(ErrorId::RunTimeIndex, {"assignment to this slice of a list"});
      int64_t size = changed.items.size();
      int64_t from = std::max<int64_t>(0, std::min(size, *start < 0 ? *start + size : *start));
      int64_t to = std::max(from, std::min(size, *stop < 0 ? *stop + size : *stop));
      changed.items.erase(changed.items.begin() + from, changed.items.begin() + to);
      changed.items.insert(changed.items.begin() + from, items->begin(), items->end());
      heap.set(id, std::move(changed));
      return;
    }
    auto position =
        sequencePosition(key, changed.items.size(), "list assignment index out of range");
    if (position) {
      if (*position >= 0) {
        changed.items[*position] = value;
        heap.set(id, std::move(changed));
      }
      return;
    }
    // Each item is replaced where the position is its own.
    IntExpr index = intExpr(*key.get<Scalar>());
    int64_t size = changed.items.size();
    mlir::Value i = this->index(index);
    mlir::Value low =
        create<arith::CmpIOp>(arith::CmpIPredicate::sge, i, this->index(IntExpr(-size)));
    mlir::Value high =
        create<arith::CmpIOp>(arith::CmpIPredicate::slt, i, this->index(IntExpr(size)));
    check(create<arith::AndIOp>(low, high), "IndexError", "list assignment index out of range");
    for (int64_t k = 0; k < size; ++k) {
      mlir::Value plain =
          create<arith::CmpIOp>(arith::CmpIPredicate::eq, i, this->index(IntExpr(k)));
      mlir::Value negative =
          create<arith::CmpIOp>(arith::CmpIPredicate::eq, i, this->index(IntExpr(k - size)));
      branch(
          create<arith::OrIOp>(plain, negative),
          [&] {
            ListState here = *heap.get<ListState>(id);
            here.items[k] = value;
            heap.set(id, std::move(here));
          },
          [] {});
    }
    return;
  }
  if (auto *dict = object<DictState>(container); dict && !dict->isSet) {
    beginChange(*this, container.get<ObjectRef>()->id);
    DictState changed = *dict;
    setEntry(changed, key, value);
    heap.set(container.get<ObjectRef>()->id, std::move(changed));
    return;
  }
  if (callMethod(container, "__setitem__", {key, value}))
    return;
  if (container.as<TupleValue>() || container.get<Text>()) {
    raiseHere("TypeError", "'" + typeName(container) + "' object does not support item assignment");
    return;
  }
  fail(ErrorId::NotSubscriptable, {describe(container)});
}

} // namespace mpy
