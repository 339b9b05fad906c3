// time and sys: clocks, standard output and error, arguments of the program, its end. Each is an effect, in the program's order.
#include "frontend/Library.h"

namespace mpy::library {

static Value effect(Specializer &s, llvm::StringRef callee, std::optional<ScalarKind> kind, mlir::ValueRange inputs,
                    bool raises = false) {
  llvm::SmallVector<mlir::Type> results;
  if (kind)
    results.push_back(typeOf(*kind, s.context()));
  auto call = s.create<RuntimeEffectOp>(mlir::TypeRange(results), callee, inputs, raises);
  if (!kind)
    return NoneValue{};
  return s.makeScalar(*kind, call.getResult(0));
}

static mlir::Value whole(Specializer &s, int64_t value) { return s.ssaAs(s.makeInt(IntExpr(value)), DType::Int64); }

Value timeNow(Specializer &s, const Arguments &) { return effect(s, "mpy_time", ScalarKind::PyFloat, {}); }
Value timeCounter(Specializer &s, const Arguments &) {
  return effect(s, "mpy_perf_counter", ScalarKind::PyFloat, {});
}
Value timeSleep(Specializer &s, const Arguments &arguments) {
  return effect(s, "mpy_sleep", std::nullopt, {toDouble(s, arguments["secs"])}, true);
}

static Value write(Specializer &s, const Arguments &arguments, int64_t descriptor) {
  mlir::Value text = toText(s, arguments["text"], "text", arguments.name);
  effect(s, "mpy_write", std::nullopt, {whole(s, descriptor), text});
  // The number of characters, as Python returns.
  mlir::Type type = typeOf(DType::Int64, s.context());
  return s.makeInt(
      s.create<RuntimeCallOp>(mlir::TypeRange{type}, "mpy_string_length", mlir::ValueRange{text}, false).getResult(0));
}

Value stdoutWrite(Specializer &s, const Arguments &arguments) { return write(s, arguments, 1); }
Value stderrWrite(Specializer &s, const Arguments &arguments) { return write(s, arguments, 2); }
Value stdoutFlush(Specializer &s, const Arguments &) { return effect(s, "mpy_flush", std::nullopt, {whole(s, 1)}); }
Value stderrFlush(Specializer &s, const Arguments &) { return effect(s, "mpy_flush", std::nullopt, {whole(s, 2)}); }
Value stdoutIsTerminal(Specializer &s, const Arguments &) {
  return effect(s, "mpy_isatty", ScalarKind::PyBool, {whole(s, 1)});
}
Value stderrIsTerminal(Specializer &s, const Arguments &) {
  return effect(s, "mpy_isatty", ScalarKind::PyBool, {whole(s, 2)});
}

Value argumentCount(Specializer &s, const Arguments &) {
  Value count = effect(s, "mpy_argc", ScalarKind::PyInt, {});
  return s.makeInt(symbolExpr(count.get<Scalar>()->value, /*nonNegative=*/true));
}

Value argumentAt(Specializer &s, const Arguments &arguments) {
  mlir::Value index = s.ssaAs(s.makeInt(toExtents(s, arguments["index"]).front()), DType::Int64);
  mlir::Type type = StringType::get(s.context());
  mlir::Value text =
      s.create<RuntimeEffectOp>(mlir::TypeRange{type}, "mpy_argv", mlir::ValueRange{index}, true).getResult(0);
  return Text{{}, text};
}

Value sysExit(Specializer &s, const Arguments &arguments) {
  const Value &argument = arguments["arg"];
  mlir::Value code = whole(s, 0);
  if (const Text *text = argument.get<Text>()) {
    mlir::Value line = s.ssa(s.concat({*text, s.makeText("\n")}));
    effect(s, "mpy_write", std::nullopt, {whole(s, 2), line});
    code = whole(s, 1);
  } else if (!argument.isNone()) {
    code = s.ssaAs(s.makeInt(toExtents(s, argument).front()), DType::Int64);
  }
  effect(s, "mpy_exit", std::nullopt, {code});
  // Nothing after it runs.
  s.dead = true;
  return NoneValue{};
}

} // namespace mpy::library
