// Places of operations -> debug information: functions, files, and the line of each instruction.
//
//   llvm.func @export_loss   "model.mpy":4:1   ->   !DISubprogram(name: "loss", line: 4)
//     llvm.fmul              "model.mpy":6:9   ->     !DILocation(line: 6, column: 9)
//
// A function of the program whose body runs in its caller has no frame of its own; its instructions
// have its lines. Variables are not described: after fusion most of them are nowhere.
#include "backend/DebugLines.h"
#include "support/Places.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "llvm/BinaryFormat/Dwarf.h"
#include "llvm/IR/DIBuilder.h"
#include "llvm/IR/DebugInfoMetadata.h"
#include "llvm/IR/InstrTypes.h"
#include "llvm/Support/FileSystem.h"

using namespace mlir;

namespace {
/// Describes the functions of one module.
class LineWriter {
public:
  LineWriter(ModuleOp module, StringRef program) : context(module.getContext()) {
    SmallString<256> folder;
    if (llvm::sys::fs::current_path(folder))
      folder = ".";
    directory = StringAttr::get(context, folder);
    unit = LLVM::DICompileUnitAttr::get(
        DistinctAttr::create(UnitAttr::get(context)), llvm::dwarf::DW_LANG_Python, fileOf(program),
        StringAttr::get(context, "mpyc"), /*isOptimized=*/true, LLVM::DIEmissionKind::Full);
  }

  void describe(LLVM::LLVMFuncOp function);

private:
  LLVM::DIFileAttr fileOf(StringRef name) {
    return LLVM::DIFileAttr::get(context, StringAttr::get(context, name), directory);
  }
  /// The place in a function, which may be of another file.
  Location within(LLVM::DISubprogramAttr function, FileLineColLoc place);

  MLIRContext *context;
  StringAttr directory;
  LLVM::DICompileUnitAttr unit;
};
} // namespace

/// The name that the program gives a function; the statements of a file have Python's word.
static StringRef nameInProgram(StringRef symbol) {
  if (symbol == "main")
    return "<module>";
  symbol.consume_front("export_");
  return symbol;
}

Location LineWriter::within(LLVM::DISubprogramAttr function, FileLineColLoc place) {
  LLVM::DIFileAttr file = fileOf(place.getFilename());
  if (file == function.getFile())
    return place;
  return FusedLoc::get(context, {place},
                       LLVM::DILexicalBlockFileAttr::get(context, function, file, 0));
}

void LineWriter::describe(LLVM::LLVMFuncOp function) {
  FileLineColLoc start = mpy::placeOf(function.getLoc());
  function.walk([&](Operation *op) {
    if (!start)
      start = mpy::placeOf(op->getLoc());
  });
  if (!start)
    start = FileLineColLoc::get(context, unit.getFile().getName().getValue(), 1, 1);
  auto name = StringAttr::get(context, nameInProgram(function.getName()));
  auto type = LLVM::DISubroutineTypeAttr::get(context, 0, {});
  LLVM::DIFileAttr file = fileOf(start.getFilename());
  auto flags = LLVM::DISubprogramFlags::Definition | LLVM::DISubprogramFlags::Optimized |
               LLVM::DISubprogramFlags::LocalToUnit;
  auto described = LLVM::DISubprogramAttr::get(
      context, DistinctAttr::create(UnitAttr::get(context)), unit, file, name, StringAttr(), file,
      start.getLine(), start.getLine(), flags, type, {}, {});
  function->setLoc(FusedLoc::get(context, {start}, described));
  // What has no place of its own belongs to what stands before it.
  Location last = start;
  for (Block &block : function.getBody())
    for (Operation &op : block) {
      if (FileLineColLoc place = mpy::placeOf(op.getLoc()))
        last = within(described, place);
      op.setLoc(last);
    }
}

void mpy::addDebugLines(ModuleOp module, StringRef program) {
  LineWriter writer(module, program);
  for (auto function : module.getOps<LLVM::LLVMFuncOp>())
    if (!function.isExternal())
      writer.describe(function);
}

/// The function of the program that a function calls first.
static llvm::DISubprogram *firstCalled(llvm::Function &function) {
  for (llvm::BasicBlock &block : function)
    for (llvm::Instruction &instruction : block)
      if (auto *call = llvm::dyn_cast<llvm::CallBase>(&instruction))
        if (auto *callee = call->getCalledFunction(); callee && callee->getSubprogram())
          return callee->getSubprogram();
  return nullptr;
}

void mpy::addLinesOfEntries(llvm::Module &module) {
  if (module.debug_compile_units().empty())
    return;
  // What valgrind of Debian 12 reads.
  module.addModuleFlag(llvm::Module::Max, "Dwarf Version", 4);
  llvm::DIBuilder builder(module, /*AllowUnresolved=*/true, *module.debug_compile_units().begin());
  auto *type = builder.createSubroutineType(builder.getOrCreateTypeArray({}));
  for (llvm::Function &function : module) {
    llvm::DISubprogram *called = function.getSubprogram() ? nullptr : firstCalled(function);
    if (!called)
      continue;
    auto *described = builder.createFunction(
        called->getFile(), function.getName(), "", called->getFile(), called->getLine(), type,
        called->getLine(), llvm::DINode::FlagArtificial,
        llvm::DISubprogram::SPFlagDefinition | llvm::DISubprogram::SPFlagOptimized);
    function.setSubprogram(described);
    auto *place = llvm::DILocation::get(module.getContext(), called->getLine(), 0, described);
    for (llvm::BasicBlock &block : function)
      for (llvm::Instruction &instruction : block)
        instruction.setDebugLoc(place);
  }
  builder.finalize();
}
