// time and sys: clocks, standard output and error, arguments of the program, its end. Each is an
// effect, in the program's order.
#include "frontend/library/Library.h"

namespace mpy::library {

static Value effect(Specializer &specializer, llvm::StringRef callee,
                    std::optional<ScalarKind> kind, mlir::ValueRange inputs, bool raises = false) {
  llvm::SmallVector<mlir::Type> results;
  if (kind)
    results.push_back(typeOf(*kind, specializer.context()));
  mlir::ResultRange returned =
      raises ? specializer.callRaising(results, callee, inputs)
             : specializer.create<RuntimeEffectOp>(mlir::TypeRange(results), callee, inputs, false)
                   .getResults();
  if (!kind)
    return NoneValue{};
  return specializer.makeScalar(*kind, returned[0]);
}

Value callRuntime(Specializer &specializer, const Arguments &arguments, const char *callee,
                  RuntimeResult result, bool raises) {
  llvm::SmallVector<mlir::Value> inputs;
  for (const Value &value : arguments.all()) {
    const Scalar *scalar = value.get<Scalar>();
    if (!scalar)
      inputs.push_back(toText(specializer, value, "text", arguments.name));
    else
      inputs.push_back(specializer.ssaAs(
          *scalar, scalar->kind == ScalarKind::PyBool ? DType::Bool : DType::Int64));
  }
  if (result != RuntimeResult::Text)
    return effect(specializer, callee,
                  result == RuntimeResult::None   ? std::nullopt
                  : result == RuntimeResult::Bool ? std::optional(ScalarKind::PyBool)
                                                  : std::optional(ScalarKind::PyInt),
                  inputs, raises);
  mlir::Type type = StringType::get(specializer.context());
  mlir::Value text =
      raises ? specializer.callRaising(type, callee, inputs)[0]
             : specializer.create<RuntimeEffectOp>(mlir::TypeRange{type}, callee, inputs, false)
                   .getResult(0);
  return Text{{}, text};
}

/// A number of a record of plots.
Value plotsNumber(Specializer &specializer, const Arguments &arguments) {
  mlir::Value value = specializer.ssaAs(*arguments["value"].get<Scalar>(), DType::Float64);
  return effect(specializer, "mpy_plots_number", std::nullopt, {value});
}

/// A list of a record of plots.
Value plotsList(Specializer &specializer, const Arguments &arguments) {
  return effect(specializer, "mpy_plots_list", std::nullopt,
                {toArray(specializer, arguments["values"]).tensor});
}

static mlir::Value whole(Specializer &specializer, int64_t value) {
  return specializer.ssaAs(specializer.makeInt(IntExpr(value)), DType::Int64);
}

Value timeNow(Specializer &specializer, const Arguments &) {
  return effect(specializer, "mpy_time", ScalarKind::PyFloat, {});
}
Value timeCounter(Specializer &specializer, const Arguments &) {
  return effect(specializer, "mpy_perf_counter", ScalarKind::PyFloat, {});
}
Value timeOfProcess(Specializer &specializer, const Arguments &) {
  return effect(specializer, "mpy_process_time", ScalarKind::PyFloat, {});
}
Value timeNowNs(Specializer &specializer, const Arguments &) {
  return effect(specializer, "mpy_time_ns", ScalarKind::PyInt, {});
}
Value timeCounterNs(Specializer &specializer, const Arguments &) {
  return effect(specializer, "mpy_perf_counter_ns", ScalarKind::PyInt, {});
}
Value timeOfProcessNs(Specializer &specializer, const Arguments &) {
  return effect(specializer, "mpy_process_time_ns", ScalarKind::PyInt, {});
}
Value timeSleep(Specializer &specializer, const Arguments &arguments) {
  return effect(specializer, "mpy_sleep", std::nullopt, {toDouble(specializer, arguments["secs"])},
                true);
}

static Value write(Specializer &specializer, const Arguments &arguments, int64_t descriptor) {
  mlir::Value text = toText(specializer, arguments["text"], "text", arguments.name);
  effect(specializer, "mpy_write", std::nullopt, {whole(specializer, descriptor), text});
  // The number of characters, as Python returns.
  mlir::Type type = typeOf(DType::Int64, specializer.context());
  return specializer.makeInt(specializer
                                 .create<RuntimeCallOp>(mlir::TypeRange{type}, "mpy_string_length",
                                                        mlir::ValueRange{text}, false)
                                 .getResult(0));
}

Value stdoutWrite(Specializer &specializer, const Arguments &arguments) {
  return write(specializer, arguments, 1);
}
Value stderrWrite(Specializer &specializer, const Arguments &arguments) {
  return write(specializer, arguments, 2);
}
Value stdoutFlush(Specializer &specializer, const Arguments &) {
  return effect(specializer, "mpy_flush", std::nullopt, {whole(specializer, 1)});
}
Value stderrFlush(Specializer &specializer, const Arguments &) {
  return effect(specializer, "mpy_flush", std::nullopt, {whole(specializer, 2)});
}
Value stdoutIsTerminal(Specializer &specializer, const Arguments &) {
  return effect(specializer, "mpy_isatty", ScalarKind::PyBool, {whole(specializer, 1)});
}
Value stderrIsTerminal(Specializer &specializer, const Arguments &) {
  return effect(specializer, "mpy_isatty", ScalarKind::PyBool, {whole(specializer, 2)});
}

Value argumentCount(Specializer &specializer, const Arguments &) {
  Value count = effect(specializer, "mpy_argc", ScalarKind::PyInt, {});
  return specializer.makeInt(symbolExpr(count.get<Scalar>()->value, /*nonNegative=*/true));
}

Value argumentAt(Specializer &specializer, const Arguments &arguments) {
  mlir::Value index = specializer.ssaAs(
      specializer.makeInt(toExtents(specializer, arguments["index"]).front()), DType::Int64);
  mlir::Type type = StringType::get(specializer.context());
  mlir::Value text = specializer.callRaising(type, "mpy_argv", index)[0];
  return Text{{}, text};
}

Value sysExit(Specializer &specializer, const Arguments &arguments) {
  specializer.exit(arguments["arg"]);
  return NoneValue{};
}

} // namespace mpy::library
