// Exceptions of the runtime library inside `try`, and the end of the program:
//
//   try: x = float(s)     =>   %x, %kind, %text = runtime_effect "mpy_parse_float"(%s) catches ..
//   except ValueError: ..      scf.if %kind < 0 { .. } else { raised = ValueError(%text) }
#include "frontend/interpret/Specializer.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;

namespace mpy {

/// The exceptions that Python raises where this function of the runtime does, each followed by a
/// blank. What only this implementation raises, such as the overflow of an int, is not among them.
static llvm::StringRef kindsOf(llvm::StringRef callee, mlir::ValueRange inputs) {
  // A float that is turned into an int is checked before.
  if (callee == "mpy_int_from_float")
    return "";
  if (callee.contains("load") || callee.contains("save") || callee.contains("genfromtxt"))
    return "FileNotFoundError PermissionError IsADirectoryError NotADirectoryError OSError "
           "ValueError EOFError ";
  if (callee.starts_with("mpy_file_") || callee.starts_with("mpy_path_") ||
      callee == "mpy_plots_draw")
    return "FileNotFoundError FileExistsError PermissionError IsADirectoryError NotADirectoryError "
           "OSError UnicodeDecodeError ValueError ";
  if (callee.starts_with("mpy_environment"))
    return "ValueError ";
  if (callee.starts_with("extern:"))
    return "RuntimeError ";
  if (callee == "mpy_argv")
    return "IndexError ";
  if (callee.starts_with("mpy_parse_") || callee.starts_with("mpy_random"))
    return "ValueError ";
  if (callee.starts_with("mpy_percent_") || callee.starts_with("mpy_format")) {
    // Formats that are written in the program do not fail because of data.
    bool isWritten = llvm::all_of(inputs, [](mlir::Value input) {
      return !isa<StringType>(input.getType()) || input.getDefiningOp<StringConstantOp>();
    });
    return isWritten ? "" : "ValueError TypeError OverflowError ";
  }
  if (callee.starts_with("mpy_string_"))
    return "ValueError TypeError IndexError ";
  return "ValueError OverflowError ZeroDivisionError ";
}

ResultRange Specializer::callRaising(mlir::TypeRange results, llvm::StringRef callee,
                                     mlir::ValueRange inputs) {
  llvm::StringRef kinds = isInTry() && !dead ? kindsOf(callee, inputs) : "";
  if (kinds.empty())
    return create<RuntimeEffectOp>(results, callee, inputs, true).getResults();
  llvm::SmallVector<mlir::Type> types(results);
  types.push_back(builder.getI64Type());
  types.push_back(StringType::get(context()));
  auto call = create<RuntimeEffectOp>(types, builder.getStringAttr(callee), inputs,
                                      builder.getUnitAttr(), builder.getStringAttr(kinds));
  size_t count = results.size();
  mlir::Value which = call.getResult(count), zero = ssaAs(makeInt(IntExpr(0)), DType::Int64);
  mlir::Value passed = create<arith::CmpIOp>(arith::CmpIPredicate::slt, which, zero);
  openCheck(passed, [&] {
    llvm::SmallVector<llvm::StringRef> names;
    kinds.split(names, ' ', -1, /*KeepEmpty=*/false);
    Text message{"", call.getResult(count + 1)};
    Raised raised;
    raised.message = message;
    mlir::Value number;
    for (auto [position, name] : llvm::enumerate(names)) {
      int64_t kind = kindNumber(name);
      possibleKinds.back().insert(kind);
      raised.values[kind] = checkedException(name, message);
      mlir::Value own = ssaAs(makeInt(IntExpr(kind)), DType::Int64);
      mlir::Value isThis = create<arith::CmpIOp>(arith::CmpIPredicate::eq, which,
                                                 ssaAs(makeInt(IntExpr(position)), DType::Int64));
      number = number ? create<arith::SelectOp>(isThis, own, number).getResult() : own;
    }
    raised.kind =
        names.size() == 1 ? makeInt(IntExpr(raised.values.begin()->first)) : makeInt(number);
    return raised;
  });
  return call.getResults().take_front(count);
}

/// Ends the program as sys.exit(code) does: None is success, text is printed.
void Specializer::exitProgram(const Value &code) {
  auto number = [&](int64_t value) { return ssaAs(makeInt(IntExpr(value)), DType::Int64); };
  mlir::Value status = number(0);
  if (auto *text = code.get<Text>()) {
    mlir::Value line = ssa(concat({*text, makeText("\n")}));
    create<RuntimeEffectOp>(mlir::TypeRange(), "mpy_write", mlir::ValueRange{number(2), line},
                            false);
    status = number(1);
  } else if (auto *scalar = code.get<Scalar>();
             scalar && !isFloat(scalar->kind) && !scalar->isMixed()) {
    status = ssaAs(*scalar, DType::Int64);
  } else if (!code.isNone()) {
    fail(ErrorId::Unsupported, {"sys.exit() with " + describe(code)},
         {.help = "pass an int or a text"});
  }
  create<RuntimeEffectOp>(mlir::TypeRange(), "mpy_exit", mlir::ValueRange(status), false);
  // Nothing after it runs.
  dead = true;
}

void Specializer::exit(const Value &code) {
  if (!isInTry())
    return exitProgram(code);
  ValueList arguments;
  if (!code.isNone())
    arguments.push_back(code);
  raise("SystemExit", code.isNone() ? makeText("") : str(code),
        std::make_shared<const ExceptionValue>(ExceptionValue{"SystemExit", arguments, false}));
}

} // namespace mpy
