// Expressions: names, constants, containers, conditionals, comprehensions.
#include "frontend/arrays/ComplexNumbers.h"
#include "frontend/containers/RunTimeLists.h"
#include "frontend/interpret/Equality.h"
#include "frontend/interpret/Prelude.h"
#include "frontend/library/PythonNames.h"
#include "frontend/paths/Loops.h"
#include "frontend/paths/Temporaries.h"
#include "frontend/paths/UnrollBudget.h"
#include "frontend/syntax/AstWalk.h"
#include "frontend/syntax/LiteralIntegers.h"
#include "frontend/values/Generators.h"
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
    checkUsable(*cell);
    const Value &value = heap.get<CellState>(*cell)->value;
    if (!value.isUnbound())
      return value;
  }
  bool isLocal = current.scope->kind == ast::ScopeKind::Function &&
                 current.scope->locals.contains(name) && !current.scope->globals.contains(name);
  if (!isLocal) {
    if (current.library)
      if (Value value = nameInLibrary(*current.library, name); !value.isUnbound())
        return value;
    if (auto it = starImports.find(current.globals); it != starImports.end())
      for (const std::string &module : llvm::reverse(it->second))
        if (Value value = findLibraryAttribute(*this, module, name); !value.isUnbound())
          return value;
    if (auto *builtin = findBuiltin(name))
      return builtin;
    if (auto it = builtinClasses.find(name.str()); it != builtinClasses.end())
      return ObjectRef{it->second};
    if (Value complex = complexName(*this, "builtins", name); !complex.isUnbound())
      return complex;
    if (const LibraryEntry *entry = findLibraryEntry("builtins", name))
      return libraryValue(*entry, name);
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
  if (isPythonBuiltin(name))
    fail(ErrorId::UnsupportedName, {name.str()}, {.found = "a builtin of Python"});
  fail(ErrorId::UnknownName, {name.str()},
       {.help = similar.empty() ? "" : "did you mean '" + similar + "'?"});
}

void Specializer::assignName(llvm::StringRef name, const Value &value) {
  label(value, name);
  bool isOfLibrary = frame().library && frame().scope->kind == ast::ScopeKind::Module;
  if (auto cell = isOfLibrary ? std::nullopt : findCell(name, true))
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
    return complexOf(s, s.makeFloat(0), s.makeFloat(node.floatValue));
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

Scalar Specializer::evaluateTruth(const ast::BoolOp &node, size_t from) {
  bool isAnd = node.op == ast::BoolOperator::And;
  Scalar condition = evaluateTruth(*node.values[from]);
  if (from + 1 == node.values.size())
    return condition;
  if (condition.knownBool)
    return *condition.knownBool == isAnd ? evaluateTruth(node, from + 1) : condition;
  auto decided = [&] { return Value(makeBool(!isAnd)); };
  auto rest = [&] {
    narrow(*node.values[from], isAnd);
    return Value(evaluateTruth(node, from + 1));
  };
  return truth(isAnd ? branchValue(ssa(condition), rest, decided)
                     : branchValue(ssa(condition), decided, rest));
}

Scalar Specializer::evaluateTruth(const ast::Expr &test) {
  if (auto *several = dyn_cast<ast::BoolOp>(&test); several && !dead) {
    Span saved = span;
    span = test.span;
    Scalar result = evaluateTruth(*several, 0);
    span = saved;
    return result;
  }
  auto *negation = dyn_cast<ast::UnaryOp>(&test);
  if (negation && negation->op == ast::UnaryOperator::Not)
    return negate(evaluateTruth(*negation->operand));
  return truth(evaluate(&test));
}

/// Whether both are numbers of one kind, texts, or tuples of these.
static bool areAlike(const Value &a, const Value &b) {
  auto *x = a.as<TupleValue>(), *y = b.as<TupleValue>();
  if (x && y)
    return x->items.size() == y->items.size() && llvm::equal(x->items, y->items, areAlike);
  auto *number = a.get<Scalar>(), *other = b.get<Scalar>();
  if (number && other)
    return number->kind == other->kind && !number->isMixed() && !other->isMixed();
  return a.get<Text>() && b.get<Text>();
}

/// Fills a dict or set whose keys are run-time data by a loop over a list, so that the program does
/// not grow with the number of entries.
static bool fillInLoop(Specializer &s, const Value &made, llvm::StringRef method,
                       const ValueList &items) {
  static constexpr size_t fewEntries = 4;
  if (items.size() <= fewEntries ||
      !llvm::all_of(items, [&](const Value &item) { return areAlike(item, items.front()); }))
    return false;
  Value list = s.newList(items);
  makeRunTimeList(s, list.get<ObjectRef>()->id);
  s.callMethod(made, method, {list});
  return true;
}

/// The same for a display without `**` whose entries are constants: nothing happens between them.
static bool fillInLoop(Specializer &s, const ast::Dict &node, const Value &made) {
  std::function<bool(const ast::Expr *)> isConstant = [&](const ast::Expr *part) {
    auto *minus = part ? dyn_cast<ast::UnaryOp>(part) : nullptr;
    auto *tuple = part ? dyn_cast<ast::Tuple>(part) : nullptr;
    return minus   ? isConstant(minus->operand)
           : tuple ? llvm::all_of(tuple->elts, isConstant)
                   : part && isa<ast::Constant>(part);
  };
  if (!llvm::all_of(node.keys, isConstant) || !llvm::all_of(node.values, isConstant))
    return false;
  ValueList pairs;
  for (auto [key, value] : llvm::zip(node.keys, node.values))
    pairs.push_back(s.newTuple({s.evaluate(key), s.evaluate(value)}));
  return fillInLoop(s, made, "_pairs", pairs);
}

static Value nameValue(Specializer &s, const ast::Name &node) {
  Value value = s.lookup(node.id);
  auto *optional = value.as<OptionalValue>();
  // An item whose list was changed is read here, where it may meet other objects.
  const Value &inside = optional ? optional->value : value;
  if (auto *ref = inside.get<ObjectRef>(); ref && s.heap.get<BrokenState>(ref->id))
    readAgain(s, ref->id);
  // None or a value may be passed on; an unset name may not even be read.
  return optional && optional->orNone ? value : s.present(value, node.id);
}

static Value formattedValue(Specializer &s, const ast::FormattedValue &node) {
  Value value = s.evaluate(node.value);
  if (node.conversion == 'r' || node.conversion == 'a')
    value = s.repr(value);
  else if (node.conversion == 's')
    value = s.str(value);
  return s.format(value,
                  node.formatSpec ? *s.evaluate(node.formatSpec).get<Text>() : s.makeText(""));
}

static Value joinedText(Specializer &s, const ast::JoinedStr &node) {
  std::vector<Text> parts;
  for (auto *part : node.values)
    parts.push_back(*s.evaluate(part).get<Text>());
  return s.concat(parts);
}

static Value sliceOf(Specializer &s, const ast::Slice &node) {
  auto part = [&](const ast::Expr *bound) {
    return bound ? s.evaluate(bound) : Value(NoneValue{});
  };
  // An imaginary step, `np.mgrid[0:1:5j]`, is the text that stands there.
  auto *number = dyn_cast_if_present<ast::Constant>(node.step);
  bool isImaginary = number && number->type == ast::ConstantKind::Complex;
  Value start = part(node.lower), stop = part(node.upper);
  Value step =
      isImaginary ? Value(s.makeText(s.sources.text(number->span).str())) : part(node.step);
  return std::make_shared<const SliceValue>(SliceValue{start, stop, step});
}

/// What a starred element of a list, tuple or set display stands for: its items where they are
/// known, else the list of them in `value`.
static std::optional<ValueList> starredItems(Specializer &s, Value &value, bool isOfSet) {
  value = s.present(value, "the value",
                    Specializer::typeError("Value after * must be an iterable, not NoneType"));
  value = s.inItsOrder(value, /*isAnyOrder=*/isOfSet);
  if (auto items = s.knownItems(value))
    return items;
  // What it holds is taken before the next element is evaluated.
  value = s.call(findBuiltin("list"), CallArguments{{value}, {}, s.span});
  return s.knownItems(value);
}

/// A list, tuple or set as it is written, `[a, *b]`.
static Value displayValue(Specializer &s, const ast::Expr &expr, const ast::ExprList &elements) {
  bool isSet = expr.kind == ast::Kind::Set, isTuple = expr.kind == ast::Kind::Tuple;
  ValueList items;
  std::vector<DisplayPart> parts;
  bool isKnown = true;
  Temporaries temporaries(s);
  bool holds = elements.size() > 1 && llvm::any_of(llvm::drop_begin(elements), mayMeetPaths);
  for (auto *element : elements) {
    auto *star = dyn_cast<ast::Starred>(element);
    Value value = s.evaluate(star ? star->value : element);
    auto more = star ? starredItems(s, value, isSet) : ValueList{value};
    if (!more) {
      isKnown = false;
      parts.push_back({value, true});
      continue;
    }
    for (const Value &item : *more) {
      if (holds && isKnown)
        temporaries.hold(items.size(), item);
      items.push_back(item);
      parts.push_back({item, false});
    }
  }
  if (isKnown)
    temporaries.settle([&](size_t place) -> Value & { return items[place]; });
  else if (isSet)
    s.fail(ErrorId::UnknownLength, {"a starred value"});
  else {
    Value list = displayOf(s, parts);
    return isTuple ? asTuple(s, list) : list;
  }
  if (isSet)
    return s.makeSet(items, expr.span);
  return isTuple ? s.newTuple(std::move(items)) : s.newList(std::move(items));
}

/// Displays of dicts among the values of a dict whose keys are run-time data: where their keys
/// differ, which of them is there is run-time data, and so are its keys. Such a display has no
/// values of several types for its keys.
static void shareKeys(const ast::Dict &node, std::vector<Span> &runTimeKeyed) {
  std::set<std::string> layouts;
  std::vector<Span> displays;
  for (const ast::Expr *value : node.values) {
    auto *inner = dyn_cast<ast::Dict>(value);
    if (!inner)
      return;
    std::string layout;
    for (const ast::Expr *key : inner->keys) {
      auto *constant = dyn_cast_or_null<ast::Constant>(key);
      if (!constant)
        return;
      layout += constant->text + ", ";
    }
    layouts.insert(std::move(layout));
    displays.push_back(inner->span);
  }
  if (layouts.size() < 2)
    return;
  for (Span display : displays)
    if (!llvm::is_contained(runTimeKeyed, display))
      runTimeKeyed.push_back(display);
}

/// A dict display whose dict has keys that are run-time data.
static Value runTimeDictDisplay(Specializer &s, const ast::Dict &node, const Value &dict) {
  InProgress made(s, dict);
  if (fillInLoop(s, node, made.get()))
    return made.get();
  for (size_t i = 0; i < node.keys.size() && !s.dead; ++i) {
    if (!node.keys[i]) {
      Value more = s.evaluate(node.values[i]);
      s.callMethod(made.get(), "update", {more});
      continue;
    }
    Value key = s.evaluate(node.keys[i]), value = s.evaluate(node.values[i]);
    s.callMethod(made.get(), "__setitem__", {key, value});
  }
  return made.get();
}

static Value dictDisplay(Specializer &s, const ast::Dict &node) {
  if (auto dict = newRunTimeDict(s, node.span, /*isSet=*/false))
    return runTimeDictDisplay(s, node, *dict);
  DictState dict;
  dict.origin = node.span;
  for (size_t i = 0; i < node.keys.size(); ++i) {
    if (!node.keys[i]) {
      auto *more = s.object<DictState>(
          s.present(s.evaluate(node.values[i]), "the value",
                    Specializer::typeError("'NoneType' object is not a mapping")));
      if (!more)
        s.fail(ErrorId::NotIterable, {"the value after **"});
      for (auto &entry : more->entries)
        s.setEntry(dict, entry.first, entry.second);
      continue;
    }
    Value key = s.evaluate(node.keys[i]);
    s.setEntry(dict, key, s.evaluate(node.values[i]));
  }
  return ObjectRef{s.heap.add(std::move(dict))};
}

Value Specializer::evaluateConditional(const ast::IfExp &node) {
  Scalar condition = evaluateTruth(*node.test);
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

Value Specializer::evaluateOperator(const ast::BinOp &node) {
  if (auto known = literalInteger(node))
    return makeInt(IntExpr(*known));
  auto [left, right] = evaluateBoth(*this, node.left, node.right);
  span = node.span;
  return binary(node.op, left, right);
}

Value Specializer::evaluateOperator(const ast::UnaryOp &node) {
  if (node.op == ast::UnaryOperator::Not)
    return evaluateTruth(node);
  if (auto known = literalInteger(node))
    return makeInt(IntExpr(*known));
  Value operand = evaluate(node.operand);
  return unary(node.op, operand);
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
  unrollBudget(*this).countExpression();
  switch (expr->kind) {
  case Kind::Constant:
    return constantValue(*this, cast<Constant>(*expr));
  case Kind::Name:
    return nameValue(*this, cast<Name>(*expr));
  case Kind::BoolOp:
    return evaluateBoolean(cast<BoolOp>(*expr), 0);
  case Kind::NamedExpr: {
    auto &node = cast<NamedExpr>(*expr);
    Value value = evaluate(node.value);
    assign(*node.target, value);
    return value;
  }
  case Kind::BinOp:
    return evaluateOperator(cast<BinOp>(*expr));
  case Kind::UnaryOp:
    return evaluateOperator(cast<UnaryOp>(*expr));
  case Kind::Lambda: {
    auto &node = cast<Lambda>(*expr);
    return makeClosure(node, node.args, node.scope, "<lambda>");
  }
  case Kind::IfExp:
    return evaluateConditional(cast<IfExp>(*expr));
  case Kind::Compare: {
    auto &node = cast<Compare>(*expr);
    return evaluateCompare(node, 0, evaluate(node.left));
  }
  case Kind::Call:
    return evaluateCall(cast<Call>(*expr));
  case Kind::JoinedStr:
    return joinedText(*this, cast<JoinedStr>(*expr));
  case Kind::FormattedValue:
    return formattedValue(*this, cast<FormattedValue>(*expr));
  case Kind::Attribute: {
    auto &node = cast<Attribute>(*expr);
    Value object = owner(evaluate(node.value), node.attr);
    return bound(attribute(object, node.attr), node.attr);
  }
  case Kind::Subscript: {
    auto &node = cast<Subscript>(*expr);
    auto [given, key] = evaluateBoth(*this, node.value, node.slice);
    Value container =
        present(given, "the container", typeError("'NoneType' object is not subscriptable"));
    return bound(subscript(container, key), "the item");
  }
  case Kind::List:
    return displayValue(*this, *expr, cast<List>(*expr).elts);
  case Kind::Tuple:
    return displayValue(*this, *expr, cast<Tuple>(*expr).elts);
  case Kind::Set:
    return displayValue(*this, *expr, cast<Set>(*expr).elts);
  case Kind::Dict:
    if (hasRunTimeKeys(expr->span))
      shareKeys(cast<Dict>(*expr), attempts.runTimeKeyed);
    return dictDisplay(*this, cast<Dict>(*expr));
  case Kind::ListComp:
  case Kind::SetComp:
  case Kind::DictComp:
  case Kind::GeneratorExp:
    return comprehension(*expr);
  case Kind::Slice:
    return sliceOf(*this, cast<Slice>(*expr));
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
  require(inOrder, "RuntimeError",
          "the order of the keys of this dict depends on the path; set every key before");
}

void Specializer::setEntry(DictState &dict, const Value &key, const Value &value) {
  if (isRunTimeKey(*this, key))
    needRunTimeKeys(*this, &dict, key);
  if (std::string type = unhashableType(*this, key); !type.empty()) {
    raiseHere("TypeError", "unhashable type: '" + type + "'");
    return;
  }
  for (size_t i = 0; i < dict.entries.size(); ++i) {
    auto &entry = dict.entries[i];
    if (!sameKey(entry.first, key, &dict))
      continue;
    checkKeyOrder(dict, i);
    entry.second = value;
    return;
  }
  dict.entries.push_back({key, value});
}

bool Specializer::sameKey(const Value &a, const Value &b, const DictState *dict) {
  if (std::string type = unhashableType(*this, b); !type.empty()) {
    raiseHere("TypeError", "unhashable type: '" + type + "'");
    throw PathEnds();
  }
  // Whether a key of one kind is the other one may be run-time data.
  bool isPlain = (a.get<Scalar>() && b.get<Scalar>()) || (a.get<Text>() && b.get<Text>());
  if (isPlain && isRunTimeKey(*this, a))
    needRunTimeKeys(*this, dict, a);
  if (isPlain && isRunTimeKey(*this, b))
    needRunTimeKeys(*this, dict, b);
  // 1, 1.0 and True are one key.
  auto number = [&](const Value &value) -> std::optional<double> {
    auto *scalar = value.get<Scalar>();
    if (!scalar)
      return std::nullopt;
    if (auto known = knownInt(value))
      return static_cast<double>(*known);
    return scalar->knownFloat;
  };
  if (auto x = number(a), y = number(b); x && y && !std::isnan(*x))
    return *x == *y;
  if (hasOwnEquality(*this, a) || hasOwnEquality(*this, b)) {
    Scalar same = sameInstanceKey(*this, a, b);
    if (!same.knownBool)
      needRunTimeKeys(*this, dict, b);
    return *same.knownBool;
  }
  auto *tupleA = a.as<TupleValue>(), *tupleB = b.as<TupleValue>();
  if (tupleA && tupleB && tupleA->items.size() == tupleB->items.size())
    return llvm::all_of(llvm::zip(tupleA->items, tupleB->items), [&](auto both) {
      return sameKey(std::get<0>(both), std::get<1>(both), dict);
    });
  for (const Value *key : {&a, &b})
    if (runTimeListOf(*this, *key))
      fail(ErrorId::RunTimeKey, {"a " + typeName(*key) + " whose length is"});
  if (auto one = itemIdentity(*this, a, b)) {
    if (!one->knownBool)
      fail(ErrorId::RunTimeKey, {"an object that is"});
    return *one->knownBool;
  }
  if (isPlain && a.get<Scalar>())
    return sameItem(*this, a, b).knownBool.value_or(false);
  if (auto equal = equalByValue(*this, a, b)) {
    if (!equal->knownBool)
      needRunTimeKeys(*this, dict, b);
    return *equal->knownBool;
  }
  return sameObject(a, b).value_or(false);
}

Value Specializer::makeSet(const ValueList &items, Span origin) {
  if (auto set = newRunTimeDict(*this, origin, /*isSet=*/true)) {
    InProgress made(*this, *set);
    if (!fillInLoop(*this, made.get(), "update", items))
      for (auto &item : items)
        callMethod(made.get(), "add", {item});
    return made.get();
  }
  DictState set;
  set.origin = origin;
  set.isSet = true;
  for (auto &item : items)
    setEntry(set, item, NoneValue{});
  return ObjectRef{heap.add(std::move(set))};
}

/// The clauses of a comprehension from one on; `keep` runs for what they let through. The first
/// iterable is given.
void Specializer::walkClauses(const std::vector<ast::Comprehension> &clauses, size_t level,
                              const Value &first, llvm::function_ref<void()> keep, bool mayStop) {
  if (dead)
    return;
  if (level == clauses.size())
    return keep();
  auto &clause = clauses[level];
  if (clause.isAsync)
    fail(ErrorId::Unsupported, {"'async for'"});
  std::function<void(size_t)> filter = [&](size_t from) {
    if (dead)
      return;
    if (from == clause.ifs.size())
      return walkClauses(clauses, level + 1, first, keep, mayStop);
    Scalar holds = evaluateTruth(*clause.ifs[from]);
    if (!holds.knownBool)
      branch(ssa(holds), [&] { filter(from + 1); }, [] {});
    else if (*holds.knownBool)
      filter(from + 1);
  };
  Value iterable = level == 0 ? first : evaluate(clause.iter);
  span = clause.span;
  forEachItem(
      iterable,
      [&](const Value &item) {
        assign(*clause.target, item);
        filter(0);
      },
      mayStop);
}

Value Specializer::comprehension(const ast::Expr &expr) {
  if (auto *node = dyn_cast<ast::GeneratorExp>(&expr))
    return makeGeneratorExpression(*node);
  // The first iterable belongs to the scope outside.
  Value first = evaluate((*generatorsOf(&expr))[0].iter);
  Frame inner;
  inner.scope = ast::scopeOf(&expr);
  inner.globals = frame().globals;
  inner.library = frame().library;
  inner.name = frame().name;
  inner.callSpan = span;
  inner.closure = nullptr;
  // A class body's names are not visible inside, but for the iterable.
  for (auto &name : inner.scope->freeNames)
    if (auto it = frame().cells.find(name); it != frame().cells.end())
      inner.cells[name] = it->second;
  return collect(expr, inner, first);
}

std::optional<Value> Specializer::listOfExpression(const Value &generator) {
  auto *made = generator.as<IterableValue>();
  auto *closure = made && made->kind == IterableValue::Kind::Generator
                      ? made->parts[0].as<ClosureValue>()
                      : nullptr;
  auto *expr = closure ? dyn_cast<ast::GeneratorExp>(closure->node) : nullptr;
  if (!expr || !unshared(generator))
    return std::nullopt;
  Frame inner;
  inner.scope = &expr->scope;
  inner.globals = closure->globals;
  inner.library = closure->library;
  inner.name = frame().name;
  inner.callSpan = span;
  inner.cells = closure->cells;
  for (auto &name : expr->scope.locals)
    inner.cells.erase(std::string(name));
  Value first = heap.get<CellState>(inner.cells.at(firstIterable))->value;
  inner.cells.erase(firstIterable);
  return collect(*expr, inner, first);
}

/// What a comprehension makes, in its frame.
Value Specializer::collect(const ast::Expr &expr, Frame &inner, const Value &first) {
  const std::vector<ast::Comprehension> &clauses = *generatorsOf(&expr);
  const ast::Expr *element, *second = nullptr;
  if (auto *node = dyn_cast<ast::ListComp>(&expr))
    element = node->elt;
  else if (auto *node = dyn_cast<ast::SetComp>(&expr))
    element = node->elt;
  else if (auto *node = dyn_cast<ast::GeneratorExp>(&expr))
    element = node->elt;
  else
    element = cast<ast::DictComp>(expr).key, second = cast<ast::DictComp>(expr).value;
  for (auto &name : inner.scope->captured)
    inner.cells[name] = heap.add(CellState{Unbound{}});
  inner.walksOnce = clauses.size() == 1 && isa<ast::ListComp, ast::GeneratorExp>(expr);
  enter(inner);
  struct Pop {
    Specializer &s;
    size_t depth;
    ~Pop() { s.frames.resize(depth); }
  } pop{*this, frames.size() - 1};
  // Where iterations or conditions are run-time data, what is made is joined like any other name.
  const char *made = "%made";
  Span origin = expr.span;
  auto runTime = isa<ast::SetComp, ast::DictComp>(expr)
                     ? newRunTimeDict(*this, origin, isa<ast::SetComp>(expr))
                     : std::nullopt;
  DictState empty;
  empty.origin = origin;
  frame().locals[made] = runTime  ? *runTime
                         : second ? Value(ObjectRef{heap.add(std::move(empty))})
                                  : newList({});
  auto keep = [&] {
    Value value = evaluate(element);
    if (dead)
      return;
    Value list = frame().locals[made];
    if (runTime && second)
      return void(callMethod(list, "__setitem__", {value, evaluate(second)}));
    if (runTime)
      return void(callMethod(list, "add", {value}));
    if (!second && runTimeListOf(*this, list))
      return appendItem(*this, list.get<ObjectRef>()->id, value, frame().walked);
    if (!second)
      return appendTo(list, value);
    Value of = evaluate(second);
    if (dead)
      return;
    DictState dict = *heap.get<DictState>(frame().locals[made].get<ObjectRef>()->id);
    setEntry(dict, value, of);
    heap.set(frame().locals[made].get<ObjectRef>()->id, std::move(dict));
  };
  walkClauses(clauses, 0, first, keep, /*mayStop=*/false);
  if (dead)
    return NoneValue{};
  Value result = frame().locals[made];
  // One item for each that was walked.
  if (auto *list = runTimeListOf(*this, result);
      list && inner.walksOnce && !runTime && clauses.front().ifs.empty())
    if (auto *walked = runTimeListOf(*this, first); walked || countOfWalk(*this, first)) {
      RunTimeListState counted = *list;
      counted.length = walked ? walked->length : IntExpr(int64_t(*countOfWalk(*this, first)));
      heap.set(result.get<ObjectRef>()->id, std::move(counted));
    }
  if (!isa<ast::SetComp>(expr) || runTime)
    return result;
  auto items = knownItems(result);
  if (!items)
    needRunTimeKeys(*this, origin, "a set");
  return makeSet(*items, origin);
}

} // namespace mpy
