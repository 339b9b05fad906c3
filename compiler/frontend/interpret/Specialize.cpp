// Runs the specialiser over a program: its module becomes func.func @main, functions asked for by
// gradients stand beside it.
#include "frontend/interpret/Specialize.h"
#include "frontend/containers/Rows.h"
#include "frontend/interpret/Specializer.h"
#include "frontend/library/MissingNames.h"
#include "frontend/paths/UnrollBudget.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/UB/IR/UBOps.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/Support/Path.h"

using namespace mlir;

namespace mpy {

Specializer::Specializer(MLIRContext &context, SourceManager &sources, Diagnostics &diagnostics,
                         std::vector<std::string> importPaths, Attempts &attempts)
    : builder(&context), span(frames), diagnostics(diagnostics), sources(sources),
      importPaths(std::move(importPaths)), attempts(attempts) {
  builder.setListener(&emitted);
  forgetAtoms();
}

void Specializer::initialiseBuiltins() {
  // Python's exceptions: name and base.
  static const std::pair<const char *, const char *> classes[] = {
      {"object", ""},
      {"BaseException", "object"},
      {"Exception", "BaseException"},
      {"KeyboardInterrupt", "BaseException"},
      {"SystemExit", "BaseException"},
      {"ArithmeticError", "Exception"},
      {"OverflowError", "ArithmeticError"},
      {"ZeroDivisionError", "ArithmeticError"},
      {"FloatingPointError", "ArithmeticError"},
      {"AssertionError", "Exception"},
      {"AttributeError", "Exception"},
      {"BufferError", "Exception"},
      {"EOFError", "Exception"},
      {"ImportError", "Exception"},
      {"ModuleNotFoundError", "ImportError"},
      {"LookupError", "Exception"},
      {"IndexError", "LookupError"},
      {"KeyError", "LookupError"},
      {"MemoryError", "Exception"},
      {"NameError", "Exception"},
      {"UnboundLocalError", "NameError"},
      {"OSError", "Exception"},
      {"FileExistsError", "OSError"},
      {"FileNotFoundError", "OSError"},
      {"IsADirectoryError", "OSError"},
      {"NotADirectoryError", "OSError"},
      {"PermissionError", "OSError"},
      {"ConnectionError", "OSError"},
      {"BrokenPipeError", "ConnectionError"},
      {"InterruptedError", "OSError"},
      {"TimeoutError", "OSError"},
      {"ReferenceError", "Exception"},
      {"RuntimeError", "Exception"},
      {"NotImplementedError", "RuntimeError"},
      {"RecursionError", "RuntimeError"},
      {"StopIteration", "Exception"},
      {"SyntaxError", "Exception"},
      {"IndentationError", "SyntaxError"},
      {"SystemError", "Exception"},
      {"TypeError", "Exception"},
      {"ValueError", "Exception"},
      {"UnicodeError", "ValueError"},
      {"UnicodeDecodeError", "UnicodeError"},
      {"UnicodeEncodeError", "UnicodeError"},
      {"Warning", "Exception"},
      {"DeprecationWarning", "Warning"},
      {"FutureWarning", "Warning"},
      {"PendingDeprecationWarning", "Warning"},
      {"ResourceWarning", "Warning"},
      {"RuntimeWarning", "Warning"},
      {"SyntaxWarning", "Warning"},
      {"UserWarning", "Warning"},
      // Not names of the language.
      {"numpy.AxisError", "ValueError"},
      {"numpy.UFuncTypeError", "TypeError"},
      {"numpy.LinAlgError", "ValueError"},
  };
  for (auto [name, base] : classes) {
    ClassState cls;
    cls.name = llvm::StringRef(name).rsplit('.').second.empty()
                   ? name
                   : llvm::StringRef(name).rsplit('.').second.str();
    ObjectId id = heap.size();
    cls.resolution.push_back(id);
    if (*base) {
      auto &order = heap.get<ClassState>(builtinClasses.at(base))->resolution;
      cls.resolution.insert(cls.resolution.end(), order.begin(), order.end());
    }
    builtinClasses[name] = heap.add(std::move(cls));
  }
  builtinClasses["IOError"] = builtinClasses["EnvironmentError"] = builtinClasses["OSError"];
  initialiseLibrary();
  auto &axis = *heap.get<ClassState>(builtinClasses["numpy.AxisError"]);
  auto &index = heap.get<ClassState>(builtinClasses["IndexError"])->resolution;
  ClassState both = axis;
  both.resolution.insert(both.resolution.begin() + 2, index.begin(), index.begin() + 2);
  heap.set(builtinClasses["numpy.AxisError"], std::move(both));
}

mlir::OwningOpRef<mlir::ModuleOp> Specializer::run(const ast::Module &program) {
  UnrollBudget budget(builder.getListener());
  builder.setListener(&budget);
  llvm::scope_exit leave([&] { builder.setListener(&emitted); });
  span = program.span.start();
  module = ModuleOp::create(loc());
  mlir::OwningOpRef<mlir::ModuleOp> owner(module);
  builder.setInsertionPointToEnd(module.getBody());
  auto function = func::FuncOp::create(builder, loc(), "main", builder.getFunctionType({}, {}));
  builder.setInsertionPointToStart(function.addEntryBlock());
  initialiseBuiltins();
  llvm::SmallVector<mlir::Value> kept;
  try {
    // Python imports a library.
    std::string name = exports ? exports->module : "__main__";
    ObjectId globals = newModule(program, name);
    executeModule(program, globals, name);
    if (exports)
      kept = exportFunctions(program, globals, &function.getBody().front());
  } catch (const Abort &) {
    // The tree is not closed; drop it piece by piece.
    emitted.release();
    module->walk([](Operation *op) { op->dropAllReferences(); });
    return {};
  }
  builder.setInsertionPointToEnd(&function.getBody().front());
  func::ReturnOp::create(builder, loc(), kept);
  function.setFunctionType(builder.getFunctionType({}, mlir::ValueRange(kept).getTypes()));
  emitted.verify();
  return owner;
}

/// Each means to specialise the program once more.
static constexpr size_t maximumRunTimeDicts = 64;

/// Specialises the program with objects as rows; `errors` stay what they were where it does not
/// compile so either.
static mlir::OwningOpRef<mlir::ModuleOp>
withRows(Attempts &attempts, std::vector<Diagnostic> &errors,
         llvm::function_ref<mlir::OwningOpRef<mlir::ModuleOp>()> specialized) {
  std::vector<Diagnostic> withoutRows = errors;
  for (auto candidates : {RowCandidates::Recursive, RowCandidates::Several, RowCandidates::All})
    while (addRowClasses(attempts, candidates) || attempts.hasNewAttribute) {
      attempts.hasNewAttribute = false;
      if (auto module = specialized())
        return module;
    }
  errors = std::move(withoutRows);
  return {};
}

mlir::OwningOpRef<mlir::ModuleOp> specialize(MLIRContext &context, const ast::Module &program,
                                             SourceManager &sources, Diagnostics &diagnostics,
                                             const SpecializeOptions &options) {
  context.loadDialect<MpyDialect, arith::ArithDialect, func::FuncDialect, scf::SCFDialect,
                      tensor::TensorDialect, ub::UBDialect>();
  std::vector<std::string> paths{llvm::sys::path::parent_path(sources.name(program.file)).str()};
  paths.insert(paths.end(), options.importPaths.begin(), options.importPaths.end());
  Attempts attempts;
  std::vector<Diagnostic> errors;
  auto attempt = [&] {
    Diagnostics::Capture capture(diagnostics);
    Specializer specializer(context, sources, diagnostics, paths, attempts);
    Exports exports = options.exports ? *options.exports : Exports();
    specializer.exports = options.exports ? &exports : nullptr;
    specializer.watch = options.watch;
    auto module = specializer.run(program);
    errors = std::move(capture.errors);
    if (module && options.exports)
      *options.exports = std::move(exports);
    return module;
  };
  // A dict that gets a key that is run-time data is made as one that can. Says whether there is a
  // new one.
  auto learn = [&] {
    size_t before = attempts.runTimeKeyed.size();
    for (Diagnostic &error : errors)
      if (auto origin = error.details.origin;
          origin && !llvm::is_contained(attempts.runTimeKeyed, *origin))
        attempts.runTimeKeyed.push_back(*origin);
    return before < attempts.runTimeKeyed.size() && before < maximumRunTimeDicts;
  };
  auto specialized = [&] {
    mlir::OwningOpRef<mlir::ModuleOp> module = attempt();
    while (!module && learn()) {
      attempts.isScouting = true;
      do {
        attempt();
      } while (learn());
      attempts.isScouting = false;
      module = attempt();
    }
    return module;
  };
  mlir::OwningOpRef<mlir::ModuleOp> module = specialized();
  if (!module && llvm::any_of(errors, [](auto &error) { return mayNeedRows(error.id); }))
    module = withRows(attempts, errors, specialized);
  if (!module)
    addMissingNames(program, diagnostics, errors);
  if (!module)
    for (Diagnostic &error : errors)
      diagnostics.report(std::move(error));
  return module;
}

} // namespace mpy
