// The check of what the specialiser emits: what it accepts, and that the rest ends the compilation
// with code 70. Each case runs in a process of its own.
#include "driver/Crash.h"
#include "frontend/interpret/EmissionCheck.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/BuiltinOps.h"
#include <cstdio>
#include <sys/wait.h>
#include <unistd.h>

using namespace mlir;

namespace {

/// A module with two functions of one number, and a builder that is checked.
struct Program {
  MLIRContext context;
  std::vector<Block *> callers;
  OpBuilder builder;
  OwningOpRef<ModuleOp> module;
  mpy::EmissionCheck check;
  Block *outer, *inner;

  Program() : builder(&context), check(callers) {
    context.loadDialect<arith::ArithDialect, func::FuncDialect, scf::SCFDialect>();
    module = ModuleOp::create(builder.getUnknownLoc());
    builder.setListener(&check);
    outer = newFunction("outer");
    inner = newFunction("inner");
  }

  Block *newFunction(llvm::StringRef name) {
    builder.setInsertionPointToEnd(module->getBody());
    mlir::Type number = builder.getF64Type();
    auto type = builder.getFunctionType({number}, {});
    return func::FuncOp::create(builder, builder.getUnknownLoc(), name, type).addEntryBlock();
  }

  Operation *emit(Block *place, mlir::Value operand) {
    builder.setInsertionPointToEnd(place);
    return arith::NegFOp::create(builder, builder.getUnknownLoc(), operand);
  }

  scf::IfOp branch(Block *place) {
    builder.setInsertionPointToEnd(place);
    Location loc = builder.getUnknownLoc();
    auto condition = arith::ConstantIntOp::create(builder, loc, 1, 1);
    return scf::IfOp::create(builder, loc, condition, /*withElseRegion=*/true);
  }
};

struct Case {
  const char *name;
  bool isAccepted;
  void (*run)(Program &);
};

const Case cases[] = {
    {"its own values", true,
     [](Program &p) { p.emit(p.inner, p.emit(p.inner, p.inner->getArgument(0))->getResult(0)); }},
    {"values around a branch", true,
     [](Program &p) {
       p.emit(p.branch(p.inner).thenBlock(), p.inner->getArgument(0));
     }},
    {"values where the function will be called", true,
     [](Program &p) {
       p.callers.push_back(p.outer);
       p.emit(p.inner, p.outer->getArgument(0));
     }},
    {"stand-ins, in what is undone", true,
     [](Program &p) {
       Block *beside = p.check.newBlockBeside();
       auto argument = beside->addArgument(p.builder.getF64Type(), p.builder.getUnknownLoc());
       p.check.undo(p.emit(p.inner, argument));
       p.check.verify();
     }},
    {"a value of another function", false,
     [](Program &p) { p.emit(p.inner, p.outer->getArgument(0)); }},
    {"a value that was undone", false,
     [](Program &p) {
       Operation *gone = p.emit(p.inner, p.inner->getArgument(0));
       p.check.undo(gone);
       p.emit(p.inner, gone->getResult(0));
     }},
    {"a value inside of what was undone", false,
     [](Program &p) {
       auto gone = p.branch(p.inner);
       Operation *inside = p.emit(gone.thenBlock(), p.inner->getArgument(0));
       p.check.undo(gone);
       p.emit(p.inner, inside->getResult(0));
     }},
    {"a value that is undone later", false,
     [](Program &p) {
       Operation *gone = p.emit(p.inner, p.inner->getArgument(0));
       p.emit(p.inner, gone->getResult(0));
       p.check.undo(gone);
       p.check.verify();
     }},
    {"a stand-in that stays", false,
     [](Program &p) {
       Block *beside = p.check.newBlockBeside();
       auto argument = beside->addArgument(p.builder.getF64Type(), p.builder.getUnknownLoc());
       p.emit(p.inner, argument);
       p.check.verify();
     }},
};

/// The exit code of a case.
int codeOf(const Case &one) {
  pid_t child = fork();
  if (child == 0) {
    mpy::installCrashHandlers();
    mpy::enterPhase("mpy");
    Program program;
    one.run(program);
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

} // namespace

int main() {
  int failed = 0, passed = 0;
  for (const Case &one : cases) {
    int wanted = one.isAccepted ? 0 : 70, code = codeOf(one);
    ++(code == wanted ? passed : failed);
    if (code != wanted)
      std::printf("%s: exit code %d instead of %d\n", one.name, code, wanted);
  }
  std::printf("%d passed, %d failed, 0 skipped\n", passed, failed);
  return failed != 0;
}
