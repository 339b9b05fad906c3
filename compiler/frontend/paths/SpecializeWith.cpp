// `with`: a body that is followed by `__exit__` however control leaves it.
//
//   with Timer() as t:   =>   t = m.__enter__(); try: f(t)
//     f(t)                    finally: m.__exit__(None, None, None), or (class, exception, ..)
//
// Where an exception was raised, a true result of `__exit__` ends it.
#include "frontend/interpret/Specializer.h"

namespace mpy {

void Specializer::executeWith(const ast::With &node) {
  if (node.isAsync)
    fail(ErrorId::Unsupported, {"'async with'"});
  executeWith(node, 0);
}

void Specializer::executeWith(const ast::With &node, size_t item) {
  if (item == node.items.size())
    return execute(node.body);
  Value manager = evaluate(node.items[item].contextExpr);
  auto entered = callMethod(manager, "__enter__", {});
  if (!entered)
    fail(ErrorId::Unsupported, {"'with' for " + describe(manager)});
  if (dead)
    return;
  runFinally(
      [&] {
        if (auto *target = node.items[item].optionalVars)
          assign(*target, *entered);
        executeWith(node, item + 1);
      },
      [&](const std::set<int64_t> &kinds, const std::string &prefix) {
        span = node.span;
        leaveManager(manager, kinds, prefix);
      });
}

/// Calls `__exit__` with what was raised; where it returns something true, nothing was.
void Specializer::leaveManager(const Value &manager, const std::set<int64_t> &kinds,
                               const std::string &prefix) {
  auto unraised = [&] { callMethod(manager, "__exit__", {NoneValue{}, NoneValue{}, NoneValue{}}); };
  auto raised = [&] {
    // Of a copy, for it is raised again.
    Locals copy;
    for (auto &[name, value] : frame().locals)
      if (llvm::StringRef rest = name; rest.consume_front(prefix))
        copy[rest.str()] = value;
    Raised exception = takeRaised(copy);
    Diagnostic noTrace = diagnostic(ErrorId::Unsupported, {"the traceback of an exception"},
                                    {.help = "use the exception alone"});
    Value trace = ConflictValue{std::make_shared<const Diagnostic>(std::move(noTrace))};
    forRaised(exception, kinds, [&](int64_t kind) {
      std::optional<ObjectId> type = exceptionClass(exceptionKinds[kind]);
      Value cls = type ? Value(ObjectRef{*type}) : trace;
      auto result = callMethod(manager, "__exit__", {cls, exceptionOf(exception, kind), trace});
      if (dead || !result || result->isNone())
        return;
      Scalar swallowed = truth(*result);
      if (swallowed.knownBool == false)
        return;
      frame().locals[prefix + "%raised"] =
          swallowed.knownBool ? Value(makeBool(false)) : Value(negate(swallowed));
    });
  };
  Scalar flag = raisedFlag(prefix);
  if (flag.knownBool == false)
    return unraised();
  if (flag.knownBool == true)
    return raised();
  branch(ssa(flag), raised, unraised);
}

} // namespace mpy
