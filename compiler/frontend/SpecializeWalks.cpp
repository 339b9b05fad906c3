// How values are walked: the items that are known while compiling, or a number of items and the
// item at a position for a loop at run time.
#include "frontend/Loops.h"
#include "frontend/RunTimeLists.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;

namespace mpy {

std::optional<RunTimeWalk> Specializer::runTimeWalk(const Value &value) {
  Specializer &s = *this;
  if (auto *range = value.as<RangeValue>()) {
    RangeValue r = *range;
    auto step = r.step.known();
    IntExpr length;
    if (step) {
      if (*step == 0)
        s.fail(ErrorId::ArgumentValue, {"range() arg 3 must not be zero"});
      IntExpr distance = *step > 0 ? r.stop - r.start : r.start - r.stop;
      int64_t size = std::abs(*step);
      length =
          maximum(IntExpr(0),
                  size == 1 ? distance : floorDivide(distance + IntExpr(size - 1), IntExpr(size)));
    } else {
      // ceil((stop - start) / step), whatever the sign of the step.
      Location loc = s.loc();
      mlir::Value stepValue = s.index(r.step), zero = s.create<arith::ConstantIndexOp>(0);
      s.check(s.create<arith::CmpIOp>(arith::CmpIPredicate::ne, stepValue, zero), "ValueError",
              "range() arg 3 must not be zero");
      mlir::Value count =
          arith::CeilDivSIOp::create(s.builder, loc, s.index(r.stop - r.start), stepValue);
      length = symbolExpr(s.create<arith::MaxSIOp>(count, zero), true);
    }
    return RunTimeWalk{
        length, [&s, r](const IntExpr &k) { return Value(s.makeInt(r.start + k * r.step)); }};
  }
  if (auto id = s.arrayObject(value)) {
    auto *array = s.heap.get<ArrayState>(*id);
    if (array->shape.empty())
      s.fail(ErrorId::NotIterable, {"an array of rank 0"});
    ObjectId object = *id;
    return RunTimeWalk{array->shape[0], [&s, object](const IntExpr &k) {
                         return arraySubscript(s, object, Value(s.makeInt(k)));
                       }};
  }
  if (auto *list = runTimeListOf(s, value)) {
    ObjectId object = value.get<ObjectRef>()->id;
    return RunTimeWalk{list->length, [&s, object](const IntExpr &k) {
                         return itemAt(s, *s.heap.get<RunTimeListState>(object), object, k);
                       }};
  }
  auto *iterable = value.as<IterableValue>();
  if (!iterable)
    return std::nullopt;
  using Kind = IterableValue::Kind;
  if (iterable->kind != Kind::Enumerate && iterable->kind != Kind::Zip &&
      iterable->kind != Kind::Reversed)
    return std::nullopt;
  std::vector<RunTimeWalk> parts;
  for (auto &part : iterable->parts) {
    auto walk = runTimeWalk(part);
    if (!walk)
      return std::nullopt;
    parts.push_back(*walk);
  }
  if (parts.empty())
    return std::nullopt;
  IntExpr length = parts[0].length;
  for (auto &part : parts)
    length = minimum(length, part.length);
  if (iterable->kind == Kind::Reversed)
    return RunTimeWalk{length, [parts, length](const IntExpr &k) {
                         return parts[0].item(length - IntExpr(1) - k);
                       }};
  if (iterable->kind == Kind::Enumerate) {
    IntExpr start = iterable->start;
    return RunTimeWalk{length, [&s, parts, start](const IntExpr &k) {
                         return s.newTuple({s.makeInt(start + k), parts[0].item(k)});
                       }};
  }
  return RunTimeWalk{length, [&s, parts](const IntExpr &k) {
                       ValueList row;
                       for (auto &part : parts)
                         row.push_back(part.item(k));
                       return s.newTuple(std::move(row));
                     }};
}

void failToIterate(Specializer &s, const Value &value) {
  if (value.get<Text>())
    s.fail(ErrorId::UnknownLength, {"text that is not known here"},
           {.help = "loop over positions: for i in range(len(text)): text[i]"});
  bool hasMethods =
      s.classOf(value) && (!s.classAttribute(*s.classOf(value), "__iter__").isUnbound() ||
                           !s.classAttribute(*s.classOf(value), "__getitem__").isUnbound());
  s.fail(ErrorId::NotIterable, {s.describe(value)},
         {.help = hasMethods ? "give the class a method that returns a list, or loop with 'while' "
                               "and call __next__'s work as a method"
                             : ""});
}

void Specializer::forEachItem(const Value &iterable, llvm::function_ref<void(const Value &)> body) {
  if (dead)
    return;
  auto items = knownItems(iterable);
  if (!items) {
    auto walk = runTimeWalk(iterable);
    if (!walk)
      failToIterate(*this, iterable);
    LoopShape shape;
    shape.trip = walk->length;
    Value item;
    Span place = span;
    shape.begin = [&](const IntExpr &k) {
      span = place;
      item = walk->item(k);
    };
    auto once = [&] { body(item); };
    shape.body = once;
    return runTimeLoop(nullptr, shape);
  }
  for (auto &item : *items) {
    if (++unrolled > maximumUnrolled)
      fail(ErrorId::UnrollsTooFar, {"this loop"});
    body(item);
  }
}

} // namespace mpy
