// One function of mpy operations -> a Python function over NumPy.
//
//   %3 = scf.for %i = %c0 to %n iter_args(%s = %zero) {      s = 0.0
//     %x = mpy.extract %a[%i]                                 for i in range(n):
//     %t = mpy.add %s, %x                            =>           s = s + a[i]
//     scf.yield %t }                                          return s
//   return %3
//
// Names are the program's, of adjoints with `_bar`. A comment above a statement shows the line of
// the program that it comes from. A tape is a list.
#include "source/FunctionPrinter.h"

#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace mpy;

/// How long an expression may grow before it gets a name.
static constexpr size_t longExpression = 72;

static bool isTensor(Value value) { return isa<RankedTensorType>(value.getType()); }

LogicalResult FunctionPrinter::refuse(Operation *op) {
  op->emitError("E0811: ") << "this gradient cannot be written as source: '" << op->getName()
                           << "'";
  return failure();
}

//===----------------------------------------------------------------------===//
// Lines and names
//===----------------------------------------------------------------------===//

/// The line of the program's file that an operation comes from; 0 for what the library does.
static unsigned lineOf(Location location, StringRef program) {
  if (auto named = dyn_cast<NameLoc>(location))
    return lineOf(named.getChildLoc(), program);
  if (auto call = dyn_cast<CallSiteLoc>(location)) {
    unsigned line = lineOf(call.getCallee(), program);
    return line ? line : lineOf(call.getCaller(), program);
  }
  auto file = dyn_cast<FileLineColLoc>(location);
  return file && file.getFilename().getValue() == program ? file.getLine() : 0;
}

void FunctionPrinter::comment(Operation *from) {
  unsigned number = from ? lineOf(from->getLoc(), options.program) : 0;
  if (!number || number == commented)
    return;
  commented = number;
  // What the program says above the line, once.
  unsigned first = number;
  while (first > 1 && options.lineOf(first - 1).trim().starts_with("#"))
    --first;
  if (first < number && shownComments.insert(number).second)
    for (unsigned above = first; above < number; ++above)
      out += std::string(4 * depth, ' ') + options.lineOf(above).trim().str() + "\n";
  out.append(4 * depth, ' ');
  out += "# line " + std::to_string(number) + ": " + options.lineOf(number).trim().str() + "\n";
}

void FunctionPrinter::line(const Twine &text, Operation *from) {
  comment(from);
  out.append(4 * depth, ' ');
  out += text.str() + "\n";
}

std::string FunctionPrinter::newName(StringRef wanted) {
  std::string name;
  for (char c : wanted)
    name += llvm::isAlnum(c) || c == '_' ? c : '_';
  if (name.empty() || llvm::isDigit(name[0]))
    name = "t" + name;
  static const llvm::StringSet<> words = {"lambda", "in",   "is",   "if",    "for",  "def",
                                          "np",     "math", "del",  "len",   "max",  "min",
                                          "float",  "int",  "bool", "range", "list", "sum"};
  std::string unique = words.contains(name) ? name + "_" : name;
  for (unsigned number = 2; !taken.insert(unique).second; ++number)
    unique = name + "_" + std::to_string(number);
  return unique;
}

static StringRef givenName(Value value) {
  auto named = dyn_cast<NameLoc>(value.getLoc());
  return named ? named.getName().getValue() : "";
}

std::string FunctionPrinter::nameOf(Value value) {
  if (auto it = preferred.find(value); it != preferred.end())
    return it->second;
  StringRef given = givenName(value);
  return newName(given.empty() ? "t" : given);
}

Expression FunctionPrinter::expression(Value value) { return expressions.lookup(value); }

std::string FunctionPrinter::kept(Value value) {
  Expression text = expression(value);
  bool isShared = isTensor(value) && storage.isChanged(value) &&
                  (isView(value.getDefiningOp()) || text.precedence == Precedence::Atom);
  bool isLook = isView(value.getDefiningOp());
  return isShared && isLook ? text.in(Precedence::Atom) + ".copy()" : text.text;
}

static bool mentions(StringRef text, StringRef name) {
  auto isPart = [](char c) { return llvm::isAlnum(c) || c == '_'; };
  for (size_t at = text.find(name); at != StringRef::npos; at = text.find(name, at + 1)) {
    bool begins = at == 0 || !isPart(text[at - 1]);
    bool ends = at + name.size() == text.size() || !isPart(text[at + name.size()]);
    if (begins && ends)
      return true;
  }
  return false;
}

void FunctionPrinter::assign(ArrayRef<std::string> names, ArrayRef<Value> values) {
  std::vector<std::pair<std::string, std::string>> pairs;
  for (auto [name, value] : llvm::zip(names, values))
    if (std::string text = kept(value); text != name && !isa<TapeType>(value.getType()))
      pairs.push_back({name, text});
  bool together = false;
  for (size_t first = 0; first < pairs.size(); ++first)
    for (size_t second = first + 1; second < pairs.size(); ++second)
      together |= mentions(pairs[second].second, pairs[first].first);
  if (!together) {
    for (auto &[name, text] : pairs)
      line(Twine(name) + " = " + text);
    return;
  }
  std::vector<std::string> left, right;
  for (auto &[name, text] : pairs) {
    left.push_back(name);
    right.push_back(text);
  }
  line(llvm::join(left, ", ") + " = " + llvm::join(right, ", "));
}

void FunctionPrinter::assign(StringRef name, Value value, Operation *from) {
  line(Twine(name) + " = " + kept(value), from);
  expressions[value] = {name.str(), Precedence::Atom, isTensor(value)};
}

//===----------------------------------------------------------------------===//
// Operations
//===----------------------------------------------------------------------===//

/// Whether the expression of the first operation means something else where the second stands:
/// arrays that it reads are changed in place between them, or a name gets another value.
bool FunctionPrinter::changesBetween(Operation *first, Operation *second, const Expression &text) {
  for (Operation *op = first->getNextNode(); op && op != second; op = op->getNextNode()) {
    WalkResult found = op->walk([&](Operation *inner) {
      bool isRenamed = llvm::any_of(inner->getResults(), [&](Value result) {
        auto known = preferred.find(result);
        return known != preferred.end() && mentions(text.text, known->second);
      });
      return isRenamed || (text.reads && storage.isInPlace(inner)) ? WalkResult::interrupt()
                                                                   : WalkResult::advance();
    });
    if (found.wasInterrupted())
      return true;
  }
  return false;
}

bool FunctionPrinter::standsInUser(Operation &op, const Expression &text) {
  Value result = op.getResult(0);
  if (auto constant = dyn_cast<arith::ConstantOp>(op))
    return !isTensor(result) || result.hasOneUse();
  // Positions and extents.
  if (isa<IndexType>(result.getType()) && text.text.size() < 24 && !text.reads)
    return true;
  if (isa<tensor::DimOp, NormalizeIndexOp, tensor::CastOp>(op) && text.text.size() < 24)
    return true;
  if (!result.hasOneUse())
    return false;
  Operation *user = *result.getUsers().begin();
  if (user->getBlock() != op.getBlock() || text.text.size() > longExpression)
    return false;
  if (user->getNumRegions() && !isa<scf::IfOp>(user))
    return false;
  // Parts of one adjoint's sum are written as one sum.
  bool isPart = user->getNumResults() == 1 && givenName(user->getResult(0)) == givenName(result);
  if (!user->hasTrait<OpTrait::IsTerminator>() && !givenName(result).empty() && !isPart)
    return false;
  if (isUpdate(user) && user->getOperand(0) == result)
    return false;
  return !changesBetween(&op, user, text);
}

LogicalResult FunctionPrinter::printPure(Operation &op) {
  Value result = op.getResult(0);
  if (result.use_empty() || expressions.count(result))
    return success();
  auto text = expressionOf(&op, [&](Value value) { return expression(value); }, features);
  if (!text)
    return refuse(&op);
  expressions[result] = *text;
  if (!standsInUser(op, *text))
    assign(nameOf(result), result, &op);
  return success();
}

void FunctionPrinter::printUpdate(Operation &op) {
  Value array = op.getOperand(0), result = op.getResult(0);
  std::string name = expression(array).text;
  auto operand = [&](Value value) { return expression(value); };
  if (!storage.isInPlace(&op)) {
    name = nameOf(result);
    line(name + " = " + expression(array).in(Precedence::Atom) + ".copy()", &op);
  }
  std::string place = name + "[" + subscriptOf(&op, operand) + "]";
  std::string value = expression(op.getOperand(1)).text;
  auto scatter = dyn_cast<ScatterOp>(op);
  if (scatter && scatter.getAccumulate()) {
    std::string indices = subscriptOf(&op, operand);
    bool isSingle = scatter.getIndices().size() == 1;
    line("np.add.at(" + name + ", " + (isSingle ? indices : "(" + indices + ")") + ", " + value +
             ")",
         &op);
  } else if (StringRef rest = value; expression(op.getOperand(1)).precedence == Precedence::Sum &&
                                     rest.consume_front(place + " + ")) {
    line(place + " += " + rest, &op);
  } else {
    line(place + " = " + value, &op);
  }
  expressions[result] = {name, Precedence::Atom, true};
}

void FunctionPrinter::printPush(PushOp push) {
  std::vector<std::string> texts;
  for (Value value : push.getValues())
    texts.push_back(kept(value));
  pushed.push_back(texts);
  std::string list = llvm::join(texts, ", ");
  Expression tape = expression(push.getTape());
  line(tape.text + ".append(" + (texts.size() == 1 ? list : "(" + list + ")") + ")", push);
  expressions[push.getResult()] = tape;
}

void FunctionPrinter::printPop(PopOp pop) {
  // The sweeps mirror each other: what was pushed last is popped first.
  std::vector<std::string> names, sources;
  if (!pushed.empty())
    sources = pushed.pop_back_val();
  for (auto [index, value] : llvm::enumerate(pop.getValues())) {
    StringRef source = index < sources.size() ? StringRef(sources[index]) : "";
    bool isName = !source.empty() &&
                  llvm::all_of(source, [](char c) { return llvm::isAlnum(c) || c == '_'; }) &&
                  !llvm::isDigit(source[0]);
    StringRef base = source.rtrim("0123456789");
    bool isNumbered = base.size() != source.size() && base.consume_back("_") && !base.empty();
    names.push_back(newName(!isName ? StringRef("kept") : isNumbered ? base : source));
    expressions[value] = {names.back(), Precedence::Atom, isTensor(value)};
  }
  Expression tape = expression(pop.getTape());
  line(llvm::join(names, ", ") + " = " + tape.text + ".pop()", pop);
  expressions[pop.getRest()] = tape;
}

LogicalResult FunctionPrinter::printCall(func::CallOp call) {
  auto known = functionNames.find(call.getCallee());
  if (known == functionNames.end())
    return refuse(call);
  std::vector<std::string> arguments, names;
  for (Value value : call.getOperands())
    arguments.push_back(kept(value));
  for (Value result : call.getResults()) {
    names.push_back(nameOf(result));
    expressions[result] = {names.back(), Precedence::Atom, isTensor(result)};
  }
  std::string text = known->second + "(" + llvm::join(arguments, ", ") + ")";
  line(names.empty() ? text : llvm::join(names, ", ") + " = " + text, call);
  return success();
}

LogicalResult FunctionPrinter::printOperation(Operation &op) {
  if (auto loop = dyn_cast<scf::ForOp>(op))
    return printLoop(loop);
  if (auto loop = dyn_cast<scf::WhileOp>(op))
    return printLoop(loop);
  if (auto branch = dyn_cast<scf::IfOp>(op))
    return printBranch(branch);
  if (auto call = dyn_cast<func::CallOp>(op))
    return printCall(call);
  if (isUpdate(&op)) {
    if (isa<UpdateSliceOp>(op) &&
        subscriptOf(&op, [&](Value value) { return expression(value); }).empty())
      return refuse(&op);
    printUpdate(op);
    return success();
  }
  if (auto made = dyn_cast<TapeNewOp>(op)) {
    std::string name = newName("tape");
    line(name + " = []", &op);
    expressions[made.getResult()] = {name};
    return success();
  }
  if (auto push = dyn_cast<PushOp>(op))
    printPush(push);
  else if (auto pop = dyn_cast<PopOp>(op))
    printPop(pop);
  else if (isa<PushOp, PopOp, TapeFreeOp, CheckOp>(op))
    return success(); // Python makes the same checks itself.
  else if (auto effect = dyn_cast<RuntimeEffectOp>(op);
           effect && effect.getCallee() == "mpy_check_stack")
    return success();
  else if (op.getNumResults() != 1 || isa<RuntimeEffectOp, RaiseOp>(op))
    return refuse(&op);
  else
    return printPure(op);
  return success();
}

LogicalResult FunctionPrinter::printBlock(Block &block) {
  for (Operation &op : block.without_terminator())
    if (failed(printOperation(op)))
      return failure();
  return success();
}

//===----------------------------------------------------------------------===//
// Control flow
//===----------------------------------------------------------------------===//

/// What each round computes for the next may go straight to the name of what is carried, where
/// nobody asks for the old one any more.
void FunctionPrinter::preferNames(Block &body, ValueRange carried, ValueRange yielded,
                                  ArrayRef<std::string> names) {
  for (auto [argument, value, name] : llvm::zip(carried, yielded, names)) {
    Operation *made = value.getDefiningOp();
    if (!made || made->getBlock() != &body || llvm::count(yielded, value) != 1 ||
        preferred.contains(value))
      continue;
    bool isAsked = llvm::any_of(argument.getUsers(), [&](Operation *user) {
      return user != made && runsAfter(user, made);
    });
    // The name may be that of the argument changed in place.
    for (Operation *next = made; isTensor(argument) && next && !isAsked; next = next->getNextNode())
      next->walk([&](Operation *inner) {
        for (Value other : inner->getOperands())
          isAsked |= inner != made && other != value && storage.shareMemory(other, argument);
      });
    if (!isAsked)
      preferred[value] = name;
  }
}

std::vector<std::string> FunctionPrinter::enterLoop(Operation *loop, ValueRange initial,
                                                    ValueRange carried, ValueRange yielded) {
  std::vector<std::string> names;
  for (auto [index, first] : llvm::enumerate(initial)) {
    Value argument = carried[index];
    if (isa<TapeType>(first.getType())) {
      names.push_back(expression(first).text);
      continue;
    }
    StringRef wanted = givenName(argument);
    for (Value other :
         {yielded[index],
          Value(loop->getResult(std::min<unsigned>(index, loop->getNumResults() - 1))), first})
      if (wanted.empty())
        wanted = givenName(other);
    Expression text = expression(first);
    bool isVariable = text.precedence == Precedence::Atom && taken.contains(text.text) &&
                      !isa<BlockArgument>(first) && first.hasOneUse();
    if (isVariable) {
      names.push_back(text.text);
      continue;
    }
    names.push_back(newName(wanted.empty() ? "carried" : wanted));
    std::string value = kept(first);
    if (storage.copiesInitial(loop, index) && text.precedence == Precedence::Atom &&
        !StringRef(value).ends_with(")"))
      value += ".copy()";
    line(names.back() + " = " + value, loop);
  }
  for (auto [argument, name] : llvm::zip(carried, names))
    expressions[argument] = {name, Precedence::Atom, isTensor(argument)};
  return names;
}

/// Whether all that asks for the position of a round counts from the last one: i -> n - 1 - i.
static bool runsBackwards(scf::ForOp loop) {
  auto isNumber = [](Value value, int64_t wanted) {
    APInt number;
    return matchPattern(value, m_ConstantInt(&number)) && number == wanted;
  };
  Value end = loop.getUpperBound(), last;
  if (loop.getInductionVar().use_empty() || !isNumber(loop.getLowerBound(), 0) ||
      !isNumber(loop.getStep(), 1))
    return false;
  for (Operation *user : loop.getInductionVar().getUsers()) {
    auto difference = dyn_cast<arith::SubIOp>(user);
    if (!difference || difference.getRhs() != loop.getInductionVar() ||
        (last && last != difference.getLhs()))
      return false;
    last = difference.getLhs();
  }
  APInt number, other;
  if (matchPattern(end, m_ConstantInt(&number)) && matchPattern(last, m_ConstantInt(&other)))
    return number.getSExtValue() == other.getSExtValue() + 1;
  // n + 3 and n + 2; n and n - 1.
  auto parts = [](Value value) -> std::pair<Value, int64_t> {
    APInt number;
    if (auto sum = value.getDefiningOp<arith::AddIOp>();
        sum && matchPattern(sum.getRhs(), m_ConstantInt(&number)))
      return {sum.getLhs(), number.getSExtValue()};
    if (auto difference = value.getDefiningOp<arith::SubIOp>();
        difference && matchPattern(difference.getRhs(), m_ConstantInt(&number)))
      return {difference.getLhs(), -number.getSExtValue()};
    return {value, 0};
  };
  auto [endBase, endShift] = parts(end);
  auto [lastBase, lastShift] = parts(last);
  return endBase == lastBase && endShift == lastShift + 1;
}

LogicalResult FunctionPrinter::printLoop(scf::ForOp loop) {
  std::vector<std::string> names = {};
  if (loop.getNumResults())
    names = enterLoop(loop, loop.getInitArgs(), loop.getRegionIterArgs(), loop.getYieldedValues());
  preferNames(*loop.getBody(), loop.getRegionIterArgs(), loop.getYieldedValues(), names);
  Value induction = loop.getInductionVar();
  std::string index = newName(givenName(induction).empty() ? "i" : givenName(induction));
  bool isReversed = runsBackwards(loop);
  if (isReversed)
    for (Operation *user : induction.getUsers())
      expressions[user->getResult(0)] = {index};
  expressions[induction] = {index};
  std::string first = expression(loop.getLowerBound()).text,
              end = expression(loop.getUpperBound()).text, step = expression(loop.getStep()).text;
  std::string range = step != "1"    ? first + ", " + end + ", " + step
                      : first != "0" ? first + ", " + end
                                     : end;
  range = "range(" + range + ")";
  line("for " + index + " in " + (isReversed ? "reversed(" + range + ")" : range) + ":", loop);
  ++depth;
  size_t before = out.size();
  if (failed(printBlock(*loop.getBody())))
    return failure();
  assign(names, llvm::to_vector(loop.getYieldedValues()));
  if (out.size() == before)
    line("pass");
  --depth;
  taken.erase(index);
  for (auto [result, name] : llvm::zip(loop.getResults(), names))
    expressions[result] = {name, Precedence::Atom, isTensor(result)};
  commented = 0;
  return success();
}

LogicalResult FunctionPrinter::printLoop(scf::WhileOp loop) {
  Block *before = loop.getBeforeBody(), *after = loop.getAfterBody();
  scf::ConditionOp condition = loop.getConditionOp();
  ValueRange passed = condition.getArgs();
  std::vector<std::string> names =
      enterLoop(loop, loop.getInits(), loop.getBeforeArguments(), loop.getYieldOp().getOperands());
  // A condition that is carried is what Python's `while` asks.
  bool isCarried = llvm::hasSingleElement(*before) && isa<BlockArgument>(condition.getCondition());
  line(isCarried ? "while " + expression(condition.getCondition()).text + ":" : "while True:",
       loop);
  ++depth;
  if (failed(printBlock(*before)))
    return failure();
  // What is passed on gets names of its own where it is not what is carried.
  std::vector<std::string> results;
  for (auto [value, argument, result] :
       llvm::zip(passed, loop.getAfterArguments(), loop.getResults())) {
    Expression text = expression(value);
    bool isName = text.precedence == Precedence::Atom && taken.contains(text.text);
    std::string name = isName || isa<TapeType>(value.getType())
                           ? text.text
                           : newName(givenName(result).empty() ? "t" : givenName(result));
    if (name != text.text)
      line(name + " = " + kept(value));
    results.push_back(name);
    for (Value known : {Value(argument), Value(result)})
      expressions[known] = {name, Precedence::Atom, isTensor(value)};
  }
  if (!isCarried) {
    line("if not " + expression(condition.getCondition()).in(Precedence::Compare) + ":");
    ++depth;
    line("break");
    --depth;
  }
  if (failed(printBlock(*after)))
    return failure();
  assign(names, llvm::to_vector(loop.getYieldOp().getOperands()));
  --depth;
  commented = 0;
  return success();
}

/// The list that a version of a tape is: all versions of one are one list.
std::string FunctionPrinter::tapeName(Value tape) {
  while (!expressions.count(tape)) {
    auto result = dyn_cast<OpResult>(tape);
    if (!result)
      return "";
    Operation *op = result.getOwner();
    unsigned index = result.getResultNumber();
    if (auto loop = dyn_cast<scf::ForOp>(op))
      tape = loop.getInitArgs()[index];
    else if (auto branch = dyn_cast<scf::IfOp>(op))
      tape = branch.thenYield().getOperand(index);
    else if (auto loop = dyn_cast<scf::WhileOp>(op))
      tape = *llvm::find_if(loop.getInits(),
                            [](Value initial) { return isa<TapeType>(initial.getType()); });
    else if (isa<PushOp, PopOp>(op))
      tape = op->getOperand(0);
    else
      return "";
  }
  return expressions[tape].text;
}

/// Whether something behind an operation, in its block, asks for what a name holds now.
bool FunctionPrinter::isAskedAfter(StringRef name, Operation *op) {
  for (Operation *next = op->getNextNode(); next; next = next->getNextNode()) {
    WalkResult found = next->walk([&](Operation *inner) {
      bool asks = llvm::any_of(inner->getOperands(), [&](Value value) {
        auto known = expressions.find(value);
        return known != expressions.end() && mentions(known->second.text, name);
      });
      return asks ? WalkResult::interrupt() : WalkResult::advance();
    });
    if (found.wasInterrupted())
      return true;
  }
  return false;
}

LogicalResult FunctionPrinter::printBranch(scf::IfOp branch) {
  std::vector<std::string> names;
  for (auto [index, result] : llvm::enumerate(branch.getResults())) {
    Value taken = branch.thenYield().getOperand(index),
          other = branch.elseYield().getOperand(index);
    auto textOf = [&](Value value) {
      return expressions.count(value) ? expressions[value].text : "";
    };
    // An array that one branch changes in place, a tape.
    bool isOne = isa<TapeType>(result.getType()) || (isTensor(result) && storage.isChanged(result));
    std::string shared;
    if (isa<TapeType>(result.getType()))
      for (Value value : {taken, other})
        shared = shared.empty() ? tapeName(value) : shared;
    for (Value value : {taken, other})
      for (Value source = value; isOne && source && shared.empty();) {
        shared = textOf(source);
        Operation *made = source.getDefiningOp();
        source = made && (isUpdate(made) || isa<PushOp>(made)) &&
                         (isa<PushOp>(made) || storage.isInPlace(made))
                     ? made->getOperand(0)
                 : made && isa<PopOp>(made) ? made->getOperand(0)
                                            : Value();
      }
    StringRef wanted = givenName(result);
    for (Value value : {taken, other})
      if (wanted.empty())
        wanted = givenName(value);
    auto known = preferred.find(result);
    names.push_back(!shared.empty()            ? shared
                    : known != preferred.end() ? known->second
                                               : newName(wanted.empty() ? "chosen" : wanted));
    for (Value value : {taken, other})
      if (Operation *made = value.getDefiningOp(); made && branch->isProperAncestor(made) &&
                                                   shared.empty() &&
                                                   !isAskedAfter(names.back(), made))
        preferred.try_emplace(value, names.back());
  }
  auto printPart = [&](Block *block, std::string &text) -> LogicalResult {
    std::string outer = std::move(out);
    out.clear();
    ++depth;
    unsigned outerCommented = commented;
    LogicalResult done = block ? printBlock(*block) : success();
    if (succeeded(done) && block && branch.getNumResults())
      assign(names, llvm::to_vector(block->getTerminator()->getOperands()));
    --depth;
    commented = outerCommented;
    text = std::move(out);
    out = std::move(outer);
    return done;
  };
  comment(branch);
  std::string thenText, elseText;
  if (failed(printPart(branch.thenBlock(), thenText)) ||
      failed(printPart(branch.elseBlock(), elseText)))
    return failure();
  Expression condition = expression(branch.getCondition());
  if (!thenText.empty() || !elseText.empty()) {
    line(thenText.empty() ? "if not " + condition.in(Precedence::Compare) + ":"
                          : "if " + condition.text + ":");
    out += thenText.empty() ? elseText : thenText;
    if (!thenText.empty() && !elseText.empty()) {
      line("else:");
      out += elseText;
    }
  }
  for (auto [result, name] : llvm::zip(branch.getResults(), names))
    expressions[result] = {name, Precedence::Atom, isTensor(result)};
  commented = 0;
  return success();
}

LogicalResult FunctionPrinter::print(ArrayRef<unsigned> results, std::string &text) {
  std::vector<std::string> parameters;
  for (BlockArgument argument : function.getArguments()) {
    StringRef given = givenName(argument);
    bool isTape = isa<TapeType>(argument.getType());
    parameters.push_back(newName(isTape ? "tape" : !given.empty() ? given : "arg"));
    expressions[argument] = {parameters.back(), Precedence::Atom, isTensor(argument)};
  }
  Block &body = function.getBody().front();
  if (failed(printBlock(body)))
    return failure();
  std::vector<std::string> returned;
  for (unsigned number : results)
    returned.push_back(expression(body.getTerminator()->getOperand(number)).text);
  line("return " + llvm::join(returned, ", "));
  text = "def " + functionNames[function.getName()] + "(" + llvm::join(parameters, ", ") + "):\n" +
         out;
  return success();
}
