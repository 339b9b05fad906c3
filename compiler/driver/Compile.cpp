// Runs one compilation, phase by phase, until the phase that the options ask for.
//
//   prog.mpy -> AST -> mpy module -> stages of Pipeline.cpp -> LLVM IR -> object -> executable
//                                                                                  or library
//
// On exit a result is complete or absent. A pass that fails without an error in the user's program
// is a bug of the compiler and ends the process with code 70.
#include "driver/Compile.h"
#include "driver/Crash.h"
#include "driver/ExportHeader.h"
#include "driver/ExportPython.h"
#include "driver/Externs.h"
#include "driver/Output.h"
#include "driver/Pipeline.h"
#include "driver/Report.h"

#include "adjoint/ZeroDerivatives.h"
#include "backend/Cpu.h"
#include "backend/DebugLines.h"
#include "backend/EntryPoints.h"
#include "backend/ExportEntryPoints.h"
#include "backend/Link.h"
#include "backend/Nvptx.h"
#include "frontend/interpret/Specialize.h"
#include "frontend/syntax/AstPrint.h"
#include "frontend/syntax/Parse.h"
#include "source/GradientSource.h"
#include "source/StorageReport.h"

#include "mlir/IR/Verifier.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Transforms/Utils/Cloning.h"

using namespace mpy;

namespace {
class Compilation {
public:
  Compilation(const Options &options, SourceManager &sources, Diagnostics &diagnostics,
              FunctionWatch *watch)
      : options(options), sources(sources), diagnostics(diagnostics), watch(watch),
        stopwatch(options.verbose, options.timeReport) {}

  ExitCode run();

private:
  ExitCode runFrontEnd();
  ExitCode runStages(mlir::ModuleOp module, PassErrors &errors);
  ExitCode makeKernels(mlir::ModuleOp module, PassErrors &errors);
  ExitCode assembleImages(const Toolkit &toolkit, std::string text);
  ExitCode missingPart(const Toolkit &toolkit, llvm::StringRef part);
  ExitCode runBackEnd(mlir::ModuleOp module, PassErrors &errors);
  ExitCode link(llvm::StringRef object);
  ExitCode saveTemps(llvm::Module &module, llvm::StringRef object);
  ExitCode printCommands();
  LinkJob linkJob(llvm::StringRef object, llvm::StringRef runtime, llvm::StringRef result) const;
  bool isLibrary() const;
  std::string linkedFile() const;
  ExitCode write(llvm::StringRef bytes);
  ExitCode writeModule(mlir::ModuleOp module);
  ExitCode writeGradients(mlir::ModuleOp module, PassErrors &errors);
  bool expandGradients(mlir::ModuleOp module, PassErrors &errors, bool marksSweeps);
  ExitCode writeStorage(mlir::ModuleOp module, PassErrors &errors);
  std::optional<ExitCode> keepOne(mlir::ModuleOp module, PassErrors &errors);
  ExitCode askInstead();
  GradientSourceOptions sourceOptions() const;
  bool stopsAfter(Phase phase) const {
    return options.command != Options::Command::Check && options.phase == phase;
  }
  /// Whether one derivative is shown, without the program around it.
  bool showsOne() const {
    bool isChecked = watch && watch->kind == FunctionWatch::Kind::Check;
    return options.command == Options::Command::Build && !options.function.empty() && !isChecked;
  }
  void enter(Phase phase) { stopwatch.enter(info(phase).name); }

  const Options &options;
  SourceManager &sources;
  Diagnostics &diagnostics;
  FunctionWatch *watch;
  Stopwatch stopwatch;
  std::string output;
  std::optional<FileId> file;
  std::unique_ptr<CpuTarget> target;
  std::unique_ptr<ast::Module> program;
  std::string remarks;
  /// Of a program for a GPU: its kernels, in every form.
  std::vector<KernelImage> images;
  size_t kernelCount = 0;
  /// Of a library: what it exports.
  std::optional<Exports> exports;
  /// Functions of other programs that the program declares.
  std::vector<ExternDeclaration> externs;
};
} // namespace

/// Whether functions are compiled for other programs rather than a program of its own.
bool Compilation::isLibrary() const {
  if (options.command != Options::Command::Build || options.phase == Phase::Executable)
    return false;
  bool mayBe = options.phase == Phase::Object || options.phase == Phase::Assembly ||
               options.phase == Phase::LlvmIr;
  return isOfLibrary(options.phase) || !options.exports.empty() ||
         (mayBe && marksExports(*program));
}

/// The prefix of C names: the name of the file, as far as C has such names.
static std::string moduleName(llvm::StringRef path) {
  std::string name = llvm::sys::path::stem(path).str();
  for (char &c : name)
    if (!isalnum(static_cast<unsigned char>(c)))
      c = '_';
  return isdigit(static_cast<unsigned char>(name.front())) ? "_" + name : name;
}

/// Where the result goes when -o does not say: text to standard output, files beside us.
static std::string defaultOutput(const Options &options) {
  if (!options.output.empty())
    return options.output;
  if (isText(options.phase))
    return "-";
  llvm::SmallString<128> name(llvm::sys::path::stem(options.input));
  if (options.phase == Phase::SharedLibrary || options.phase == Phase::StaticLibrary)
    name.insert(name.begin(), {'l', 'i', 'b'});
  if (*info(options.phase).suffix)
    name += std::string(".") + info(options.phase).suffix;
  return std::string(name);
}

ExitCode Compilation::run() {
  std::string reason;
  target = CpuTarget::create({options.architecture, options.optimizationLevel}, reason);
  if (!target) {
    diagnostics.reportGlobal(ErrorId::UnknownProcessor, {options.architecture},
                             {.help = "use 'native', or a name such as x86-64-v3 or skylake"});
    return ExitCode::UsageError;
  }
  output = defaultOutput(options);
  if (options.command == Options::Command::Build) {
    bool same = false;
    if (!llvm::sys::fs::equivalent(options.input, output, same) && same) {
      diagnostics.reportGlobal(ErrorId::OutputIsInput, {options.input},
                               {.help = "give the output another name with '-o'"});
      return ExitCode::UsageError;
    }
  }
  file = sources.load(options.input, &reason);
  if (!file) {
    diagnostics.reportGlobal(ErrorId::UnreadableInput, {options.input, reason});
    return ExitCode::UsageError;
  }
  if (options.command == Options::Command::Build && !checkOutput(output, diagnostics))
    return ExitCode::UsageError;
  if (options.onlyCommands)
    return printCommands();

  enter(Phase::Ast);
  program = parseModule(sources, *file, diagnostics, /*asWritten=*/stopsAfter(Phase::Ast));
  if (!program)
    return ExitCode::ProgramError;
  if (stopsAfter(Phase::Ast)) {
    std::string text;
    llvm::raw_string_ostream out(text);
    printAst(*program, sources, out);
    return write(text);
  }
  return runFrontEnd();
}

ExitCode Compilation::runFrontEnd() {
  enter(Phase::Mpy);
  mlir::DialectRegistry registry;
  registerDialects(registry);
  // One thread: the order of messages and names is the same in every run.
  mlir::MLIRContext context(registry, mlir::MLIRContext::Threading::DISABLED);
  context.printOpOnDiagnostic(false);
  context.loadAllAvailableDialects();
  PassErrors errors(context, diagnostics);
  errors.remarks = &remarks;
  errors.notesAreErrors = options.notesAreErrors;

  SpecializeOptions specializeOptions;
  specializeOptions.importPaths = options.importPaths;
  specializeOptions.watch = watch;
  if (isLibrary()) {
    exports = Exports{moduleName(options.input), options.input, options.exports, {}};
    exports->mayBeExterns = options.phase == Phase::Header;
    specializeOptions.exports = &*exports;
  }
  mlir::OwningOpRef<mlir::ModuleOp> module =
      specialize(context, *program, sources, diagnostics, specializeOptions);
  if (!module || diagnostics.hasErrors()) {
    if (!diagnostics.hasErrors())
      internalError("the specialiser failed without an error\n" + errors.internal);
    return ExitCode::ProgramError;
  }
  if (failed(mlir::verify(*module))) {
    if (options.verbose)
      module->print(llvm::errs(), mlir::OpPrintingFlags().printGenericOpForm());
    internalError(errors.internal);
  }
  if (stopsAfter(Phase::Mpy)) {
    if (!options.function.empty() && !keepFunction(*module, options.function))
      return askInstead();
    return writeModule(*module);
  }
  externs = takeExterns(*module);
  if (options.saysNotes)
    (*module)->setAttr(notesAttribute, mlir::UnitAttr::get(&context));
  if (stopsAfter(Phase::Header))
    return write(exportHeader(*exports, externs));
  if (options.reportsMemory || options.explainsLines)
    return writeStorage(*module, errors);
  if (stopsAfter(Phase::Gradient))
    return writeGradients(*module, errors);
  if (showsOne())
    if (std::optional<ExitCode> code = keepOne(*module, errors))
      return *code;
  if (ExitCode code = runStages(*module, errors))
    return code;
  if (options.command == Options::Command::Check || options.phase < Phase::LlvmIr)
    return ExitCode::Success;
  return runBackEnd(*module, errors);
}

ExitCode Compilation::runStages(mlir::ModuleOp module, PassErrors &errors) {
  for (const Stage &stage : stages(options.hasKernels)) {
    enter(stage.phase);
    // Earlier forms read better without it; from runtime calls on, sizes depend on it.
    if (stage.phase == Phase::Buffers)
      target->describe(module);
    mlir::PassManager manager(module.getContext());
    // Once for each stage, below.
    manager.enableVerifier(false);
    stage.addPasses(manager);
    bool listsAllocations = stage.phase == Phase::Allocations && stopsAfter(stage.phase);
    if (listsAllocations)
      addAllocationListing(manager);
    stopwatch.attach(manager);
    bool failed = mlir::failed(manager.run(module)) || mlir::failed(mlir::verify(module));
    stopwatch.printPassTimes();
    if (diagnostics.hasErrors())
      return ExitCode::ProgramError;
    if (failed)
      internalError(errors.internal);
    if (listsAllocations)
      return write(remarks);
    if (stopsAfter(stage.phase) && stage.phase < Phase::LlvmIr)
      return writeModule(module);
    if (stage.phase == Phase::Gpu) {
      if (ExitCode code = makeKernels(module, errors))
        return code;
      if (stopsAfter(Phase::Ptx) || stopsAfter(Phase::Cubin))
        return ExitCode::Success;
    }
  }
  return ExitCode::Success;
}

ExitCode Compilation::missingPart(const Toolkit &toolkit, llvm::StringRef part) {
  diagnostics.reportGlobal(
      ErrorId::NoToolkit, {part.str()},
      {.found = "looked in " + toolkit.places(), .help = "name its folder: --cuda-path=DIR"});
  return ExitCode::ProgramError;
}

/// Takes the kernels out of the program and makes their images.
ExitCode Compilation::makeKernels(mlir::ModuleOp module, PassErrors &errors) {
  mlir::gpu::GPUModuleOp kernels = *module.getOps<mlir::gpu::GPUModuleOp>().begin();
  mlir::OwningOpRef<mlir::ModuleOp> own(mlir::ModuleOp::create(module.getLoc()));
  kernels->moveBefore(own->getBody(), own->getBody()->end());
  module->removeAttr(mlir::gpu::GPUDialect::getContainerModuleAttrName());
  kernelCount = llvm::range_size(*kernels.getBody());
  stopwatch.addCount("kernels", llvm::range_size(kernels.getOps<mlir::gpu::GPUFuncOp>()));
  if (options.command == Options::Command::Check || options.phase == Phase::Buffers)
    return ExitCode::Success;
  enter(Phase::Ptx);
  std::string text, reason;
  Toolkit toolkit(options.cudaPath);
  std::optional<std::string> library = toolkit.libdevice();
  if (!library && needsLibdevice(kernels))
    return missingPart(toolkit, "'nvvm/libdevice/libdevice.10.bc'");
  int64_t oldest = options.chips.empty() ? 80 : *llvm::min_element(options.chips);
  text = kernelText(kernels, oldest, needsLibdevice(kernels) ? *library : std::string(), reason);
  if (text.empty())
    internalError(errors.internal + reason);
  if (stopsAfter(Phase::Ptx))
    return write(text);
  return assembleImages(toolkit, std::move(text));
}

ExitCode Compilation::assembleImages(const Toolkit &toolkit, std::string text) {
  bool isEmpty = kernelCount == 0 && options.phase != Phase::Cubin;
  for (int64_t chip : isEmpty ? std::vector<int64_t>() : options.chips) {
    enter(Phase::Cubin);
    std::optional<std::string> assembler = toolkit.ptxas();
    if (!assembler)
      return missingPart(toolkit, "'bin/ptxas'");
    std::string reason, code = assembleKernels(text, chip, *assembler, reason);
    if (code.empty()) {
      diagnostics.reportGlobal(ErrorId::AssemblerFailed, {std::to_string(chip)}, {.found = reason});
      return ExitCode::ProgramError;
    }
    if (stopsAfter(Phase::Cubin))
      return write(code);
    images.push_back({chip, std::move(code)});
  }
  images.push_back({0, std::move(text)});
  return ExitCode::Success;
}

ExitCode Compilation::runBackEnd(mlir::ModuleOp module, PassErrors &errors) {
  std::string reason;
  llvm::LLVMContext context;
  if (options.debugLines)
    addDebugLines(module, options.input);
  std::unique_ptr<llvm::Module> translated = target->translate(module, context, reason);
  if (!translated ||
      !(showsOne() ? true
        : exports ? addExports(*translated, *exports, reason)
                  : addProgramEntry(*translated, llvm::sys::path::filename(options.input), reason)))
    internalError(errors.internal + reason);
  addLinesOfEntries(*translated);
  if (options.hasKernels)
    addKernelImages(*translated, kernelCount, images);
  target->optimize(*translated);
  if (stopsAfter(Phase::LlvmIr)) {
    std::string text;
    llvm::raw_string_ostream out(text);
    translated->print(out, nullptr);
    return write(text);
  }

  bool assembly = options.phase == Phase::Assembly;
  enter(assembly ? Phase::Assembly : Phase::Object);
  // What comes after changes the module.
  std::unique_ptr<llvm::Module> kept = options.saveTemps ? llvm::CloneModule(*translated) : nullptr;
  llvm::SmallVector<char, 0> bytes;
  llvm::raw_svector_ostream out(bytes);
  if (!target->emit(*translated, out,
                    assembly ? llvm::CodeGenFileType::AssemblyFile
                             : llvm::CodeGenFileType::ObjectFile))
    internalError("the target cannot write object files");
  llvm::StringRef text(bytes.data(), bytes.size());
  if (kept)
    if (ExitCode code = saveTemps(*kept, assembly ? "" : text))
      return code;
  bool isFinal = options.phase == Phase::Object || assembly;
  return isFinal ? write(text) : link(text);
}

/// Writes what lies between the program and the result beside the result.
ExitCode Compilation::saveTemps(llvm::Module &module, llvm::StringRef object) {
  llvm::SmallString<128> stem(llvm::sys::path::parent_path(output));
  llvm::sys::path::append(stem, llvm::sys::path::stem(options.input));
  auto save = [&](Phase phase, llvm::StringRef bytes) {
    std::string path = (stem + "." + info(phase).suffix).str();
    return path == output || writeOutput(path, bytes, diagnostics);
  };
  std::string text;
  llvm::raw_string_ostream out(text);
  module.print(out, nullptr);
  llvm::SmallVector<char, 0> assembly;
  llvm::raw_svector_ostream assemblyOut(assembly);
  target->emit(module, assemblyOut, llvm::CodeGenFileType::AssemblyFile);
  bool isSaved = save(Phase::LlvmIr, text) &&
                 save(Phase::Assembly, llvm::StringRef(assembly.data(), assembly.size())) &&
                 (object.empty() || save(Phase::Object, object));
  return isSaved ? ExitCode::Success : ExitCode::ProgramError;
}

/// `--grad=f:wrt=0,1`: the options that ask for what is exported.
static void addExportOptions(const ExportRequest &request, std::vector<std::string> &words) {
  static constexpr const char *names[] = {"export", "", "grad", "vjp", "jvp", "hvp"};
  std::string wrt;
  for (int64_t number : request.wrt)
    wrt += (wrt.empty() ? ":wrt=" : ",") + std::to_string(number);
  for (ExportKind kind : request.kinds)
    if (llvm::StringRef name = names[static_cast<int>(kind)]; !name.empty())
      words.push_back(("--" + name + "=" + request.function).str() +
                      (kind == ExportKind::Value ? "" : wrt));
}

/// The commands that a compilation consists of, as a shell takes them.
ExitCode Compilation::printCommands() {
  auto print = [](const std::vector<std::string> &words) {
    for (llvm::StringRef word : words) {
      llvm::errs() << " \"";
      llvm::printEscapedString(word, llvm::errs());
      llvm::errs() << '"';
    }
    llvm::errs() << "\n";
  };
  bool isLinked = options.phase == Phase::Executable || options.phase == Phase::SharedLibrary ||
                  options.phase == Phase::Python;
  std::string object = std::string(llvm::sys::path::stem(options.input)) + ".o";
  std::vector<std::string> words = {
      llvm::sys::fs::getMainExecutable(nullptr, reinterpret_cast<void *>(&mpy::compile)),
      std::string("--emit=") + info(isLinked ? Phase::Object : options.phase).name,
      "-O" + std::to_string(options.optimizationLevel), "-march=" + options.architecture};
  if (options.debugLines)
    words.push_back("-g");
  if (options.hasKernels) {
    std::string chips;
    for (int64_t chip : options.chips)
      chips += (chips.empty() ? "sm_" : ",sm_") + std::to_string(chip);
    words.insert(words.end(), {"--device=cuda", "--gpu-arch=" + (chips.empty() ? "ptx" : chips)});
    if (!options.cudaPath.empty())
      words.push_back("--cuda-path=" + options.cudaPath);
  }
  for (const ExportRequest &request : options.exports)
    addExportOptions(request, words);
  for (const std::string &folder : options.importPaths)
    words.push_back("-I" + folder);
  words.insert(words.end(), {options.input, "-o", isLinked ? object : output});
  print(words);
  if (!isLinked)
    return ExitCode::Success;
  std::optional<std::string> runtime = runtimeOfThisCompiler(diagnostics);
  if (!runtime)
    return ExitCode::ProgramError;
  std::string reason;
  std::vector<std::string> command = linkCommand(linkJob(object, *runtime, linkedFile()), reason);
  if (command.empty()) {
    diagnostics.reportGlobal(ErrorId::LinkFailed, {}, {.found = reason});
    return ExitCode::ProgramError;
  }
  print(command);
  return ExitCode::Success;
}

LinkJob Compilation::linkJob(llvm::StringRef object, llvm::StringRef runtime,
                             llvm::StringRef result) const {
  LinkKind kind = isOfLibrary(options.phase) ? LinkKind::SharedLibrary : LinkKind::Executable;
  return {kind, object.str(), runtime.str(), result.str(), options.linked, options.debugLines};
}

/// What the linker makes: the result, or what a Python module calls.
std::string Compilation::linkedFile() const {
  if (options.phase != Phase::Python)
    return output;
  llvm::SmallString<128> library(llvm::sys::path::parent_path(output));
  llvm::sys::path::append(library, "lib" + llvm::sys::path::stem(output) + ".so");
  return std::string(library);
}

ExitCode Compilation::link(llvm::StringRef object) {
  enter(options.phase);
  std::optional<std::string> runtime = runtimeOfThisCompiler(diagnostics);
  if (!runtime)
    return ExitCode::ProgramError;
  llvm::SmallString<128> objectPath;
  // A name first: what exists is known to those who remove it.
  if (std::error_code error =
          llvm::sys::fs::getPotentiallyUniqueTempFileName("mpyc", "o", objectPath)) {
    diagnostics.reportGlobal(ErrorId::OutputFailed, {"temporary object", error.message()});
    return ExitCode::ProgramError;
  }
  RemovedOnExit removed(objectPath);
  llvm::SmallString<128> messages(objectPath);
  messages += ".txt";
  RemovedOnExit removedMessages(messages);
  if (!writeOutput(objectPath, object, diagnostics))
    return ExitCode::ProgramError;
  auto linkTo = [&](llvm::StringRef path) {
    std::string reason;
    bool linked =
        options.phase == Phase::StaticLibrary
            ? writeArchive(object, exports->module + ".o", options.linked, *runtime, path, reason)
            : mpy::link(linkJob(objectPath, *runtime, path), messages, awaitOnInterrupt, reason);
    if (linked)
      return true;
    if (!reportMissingExterns(externs, reason))
      diagnostics.reportGlobal(ErrorId::LinkFailed, {}, {.found = reason});
    return false;
  };
  std::string file = linkedFile();
  if (!replaceOutput(file, linkTo, diagnostics))
    return ExitCode::ProgramError;
  if (options.phase == Phase::Python)
    return write(exportPython(*exports, llvm::sys::path::filename(file)));
  return ExitCode::Success;
}

ExitCode Compilation::write(llvm::StringRef bytes) {
  stopwatch.finish();
  return writeOutput(output, bytes, diagnostics) ? ExitCode::Success : ExitCode::ProgramError;
}

ExitCode Compilation::writeModule(mlir::ModuleOp module) {
  std::string text;
  llvm::raw_string_ostream out(text);
  mlir::OpPrintingFlags flags;
  // Values print under the names that the program gives them.
  flags.printNameLocAsPrefix();
  module.print(out, flags);
  out << "\n";
  return write(text);
}

/// What `mpyc grad` asks about a function in place of what the program does.
static void askFor(const Options &options, FunctionWatch &watch) {
  watch.kind = FunctionWatch::Kind::Ask;
  watch.function = options.function;
  watch.wrt = options.wrt;
  watch.isForward = options.isForward;
  watch.order = options.order;
}

/// Expands the requests for derivatives; false after reporting why not.
bool Compilation::expandGradients(mlir::ModuleOp module, PassErrors &errors, bool marksSweeps) {
  enter(Phase::Gradient);
  spreadNames(module);
  mlir::PassManager manager(module.getContext());
  addGradientPasses(manager, marksSweeps);
  stopwatch.attach(manager);
  bool failed = mlir::failed(manager.run(module));
  if (diagnostics.hasErrors())
    return false;
  if (failed)
    internalError(errors.internal);
  spreadNames(module);
  return true;
}

/// Which derivatives are written.
GradientSourceOptions Compilation::sourceOptions() const {
  GradientSourceOptions source{options.function, options.input, {}, {}};
  if (watch)
    for (const FunctionWatch::Found &found : watch->found)
      for (const std::string &symbol : found.symbols)
        source.shownNames[symbol] = found.shownName;
  return source;
}

/// Where the program does not ask for the derivative of a function that it calls: asks for it.
ExitCode Compilation::askInstead() {
  if (!watch && !options.function.empty()) {
    FunctionWatch asked;
    askFor(options, asked);
    return Compilation(options, sources, diagnostics, &asked).run();
  }
  bool isAny = options.function.empty();
  diagnostics.reportGlobal(
      ErrorId::NoGradientAsked, {isAny ? "any function" : "'" + options.function + "'"},
      {.help =
           "call it, or grad(f)(..), in the program: the arguments say what the gradient is of"});
  return ExitCode::ProgramError;
}

ExitCode Compilation::writeGradients(mlir::ModuleOp module, PassErrors &errors) {
  if (!expandGradients(module, errors, /*marksSweeps=*/false))
    return ExitCode::ProgramError;
  std::string text;
  llvm::raw_string_ostream out(text);
  auto lineOf = [&](unsigned line) { return sources.line(*file, line); };
  GradientSourceOptions source = sourceOptions();
  source.lineOf = lineOf;
  bool written = succeeded(printGradients(module, source, out));
  if (diagnostics.hasErrors())
    return ExitCode::ProgramError;
  return written ? write(text) : askInstead();
}

/// What reverse sweeps keep, and what each line becomes.
ExitCode Compilation::writeStorage(mlir::ModuleOp module, PassErrors &errors) {
  if (!expandGradients(module, errors, /*marksSweeps=*/true))
    return ExitCode::ProgramError;
  auto lineOf = [&](unsigned line) { return sources.line(*file, line); };
  StorageReportOptions report{
      options.function, sourceOptions().shownNames, {}, lineOf, options.explainsLines};
  for (const auto &[name, number] : options.sizes)
    report.sizes[name] = number;
  std::string text = reportStorage(module, report);
  if (text.empty())
    return askInstead();
  if (options.command != Options::Command::Check)
    return write(text);
  llvm::outs() << text;
  return ExitCode::Success;
}

/// Leaves the derivatives of the one function that is asked for; an exit code where that is all.
std::optional<ExitCode> Compilation::keepOne(mlir::ModuleOp module, PassErrors &errors) {
  if (!expandGradients(module, errors, /*marksSweeps=*/false))
    return ExitCode::ProgramError;
  if (!keepDerivatives(module, sourceOptions()))
    return askInstead();
  return std::nullopt;
}

ExitCode mpy::compile(const Options &options, SourceManager &sources, Diagnostics &diagnostics,
                      FunctionWatch *watch) {
  FunctionWatch asked;
  if (options.phase == Phase::Gradient && !watch && options.choosesDerivative)
    watch = &asked;
  if (watch == &asked)
    askFor(options, asked);
  ExitCode code = Compilation(options, sources, diagnostics, watch).run();
  diagnostics.finish();
  return code;
}
