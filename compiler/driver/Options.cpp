// Turns the command line into one struct.
//
//   mpyc -O2 prog.mpy -o prog   ->   Options{Build, "prog.mpy", "prog", Executable, 2, ..}
//   mpyc model.mpy -o model.o   ->   Options{Build, "model.mpy", "model.o", Object, 3, ..}
//
// Everything after the program of `mpyc run` belongs to the program. What options there are, and
// how their values follow, says Options.def. `@file` stands for the words of a file.
#include "driver/Options.h"
#include "backend/Nvptx.h"
#include "driver/OptionTable.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Config/llvm-config.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/StringSaver.h"

using namespace mpy;

namespace {
/// Walks the words of the command line.
class OptionReader {
public:
  OptionReader(llvm::ArrayRef<llvm::StringRef> words, Options &options, Diagnostics &diagnostics)
      : words(words), options(options), diagnostics(diagnostics) {}

  std::optional<ExitCode> read();

private:
  std::optional<ExitCode> readWord(llvm::StringRef word);
  std::optional<ExitCode> readOption(const OptionInfo &option, llvm::StringRef value);
  std::optional<ExitCode> readErrorFormat(llvm::StringRef name);
  std::optional<ExitCode> readLevel(llvm::StringRef value);
  std::optional<ExitCode> unknownOption(llvm::StringRef word);
  std::optional<ExitCode> readResponseFile(llvm::StringRef path);
  std::optional<ExitCode> readCommand();
  std::optional<ExitCode> readInput(llvm::StringRef word);
  std::optional<ExitCode> readPhase(llvm::StringRef name);
  std::optional<ExitCode> readDevice(llvm::StringRef name);
  std::optional<ExitCode> readChips(llvm::StringRef list);
  std::optional<ExitCode> readExport(llvm::StringRef option, llvm::StringRef value);
  std::optional<ExitCode> readSizes(llvm::StringRef list);
  std::optional<ExitCode> readDerivative(const OptionInfo &option, llvm::StringRef value);
  std::optional<ExitCode> choosePhase(Phase phase) {
    options.phase = phase;
    choseOtherwise = true;
    return std::nullopt;
  }
  void takePhaseFromSuffix();
  std::optional<ExitCode> checkDevice();
  std::optional<ExitCode> checkTogether();
  std::optional<ExitCode> usageError(ErrorId id, std::vector<std::string> arguments,
                                     std::string help = {});
  /// The value of an option that may stand in the next word; null after reporting that there is
  /// none.
  std::optional<llvm::StringRef> value(llvm::StringRef option, llvm::StringRef rest);

  std::vector<llvm::StringRef> storedWords;
  llvm::ArrayRef<llvm::StringRef> words;
  Options &options;
  Diagnostics &diagnostics;
  /// Whether an option says what is made.
  bool choseOtherwise = false;
  /// Whether an option names chips.
  bool choseChips = false;
  /// What response files hold.
  llvm::BumpPtrAllocator memory;
  unsigned filesRead = 0;
};
} // namespace

std::optional<ExitCode> mpy::parseOptions(llvm::ArrayRef<llvm::StringRef> arguments,
                                          Options &options, Diagnostics &diagnostics) {
  return OptionReader(arguments, options, diagnostics).read();
}

std::optional<ExitCode> OptionReader::usageError(ErrorId id, std::vector<std::string> arguments,
                                                 std::string help) {
  diagnostics.reportGlobal(id, std::move(arguments), {.help = std::move(help)});
  return ExitCode::UsageError;
}

std::optional<ExitCode> OptionReader::read() {
  if (auto code = readCommand())
    return code;
  bool onlyInputs = false;
  while (!words.empty()) {
    llvm::StringRef word = words.front();
    words = words.drop_front();
    if (word == "--" && !onlyInputs) {
      onlyInputs = true;
      continue;
    }
    if (!onlyInputs && word.size() > 1 && word.starts_with("@")) {
      if (auto code = readResponseFile(word.drop_front()))
        return code;
      continue;
    }
    bool isOption = !onlyInputs && word.size() > 1 && word.starts_with("-");
    if (auto code = isOption ? readWord(word) : readInput(word))
      return code;
  }
  return checkTogether();
}

std::optional<ExitCode> OptionReader::readCommand() {
  if (words.empty()) {
    printUsage(llvm::errs());
    return ExitCode::UsageError;
  }
  if (words.front() == "grad")
    choosePhase(Phase::Gradient);
  else if (words.front() == "run")
    options.command = Options::Command::Run;
  else if (words.front() == "gradcheck")
    options.command = Options::Command::GradCheck;
  else if (words.front() == "check")
    options.command = Options::Command::Check;
  else
    return std::nullopt;
  words = words.drop_front();
  return std::nullopt;
}

std::optional<llvm::StringRef> OptionReader::value(llvm::StringRef option, llvm::StringRef rest) {
  if (!rest.empty())
    return rest;
  if (words.empty()) {
    usageError(ErrorId::MissingOptionValue, {option.str()});
    return std::nullopt;
  }
  llvm::StringRef next = words.front();
  words = words.drop_front();
  return next;
}

/// The words of a file, as a shell would cut them, in the place of its name.
std::optional<ExitCode> OptionReader::readResponseFile(llvm::StringRef path) {
  auto file = llvm::MemoryBuffer::getFile(path);
  constexpr unsigned most = 100;
  if (!file || ++filesRead > most)
    return usageError(
        ErrorId::UnreadableInput,
        {path.str(), file ? "files of words name each other" : file.getError().message()},
        "'@FILE' stands for the words of a file");
  llvm::StringSaver saver(memory);
  llvm::SmallVector<const char *> read;
  llvm::cl::TokenizeGNUCommandLine((*file)->getBuffer(), saver, read);
  std::vector<llvm::StringRef> all(read.begin(), read.end());
  all.insert(all.end(), words.begin(), words.end());
  storedWords = std::move(all);
  words = storedWords;
  return std::nullopt;
}

/// Finds the option that a word is, and its value.
std::optional<ExitCode> OptionReader::readWord(llvm::StringRef word) {
  if (word == "-h")
    word = "--help";
  if (word == "--explain" && options.phase == Phase::Gradient) {
    options.explainsLines = true;
    return std::nullopt;
  }
  for (const OptionInfo &option : optionTable) {
    llvm::StringRef rest = word;
    if (!rest.consume_front(option.spelling))
      continue;
    if (option.form == OptionForm::None || option.form == OptionForm::Equals)
      if (!rest.empty() && (option.form == OptionForm::None || !rest.consume_front("=")))
        continue;
    if (option.form == OptionForm::Either || option.form == OptionForm::Equals) {
      auto given = value(option.spelling, rest);
      return given ? readOption(option, *given) : ExitCode::UsageError;
    }
    return readOption(option, rest);
  }
  return unknownOption(word);
}

std::optional<ExitCode> OptionReader::unknownOption(llvm::StringRef word) {
  const OptionInfo *near = nearestOption(word);
  std::string help = near ? "is it '" + near->shown() + "'? " : "";
  return usageError(ErrorId::UnknownOption, {word.str()}, help + "'mpyc --help' lists the options");
}

std::optional<ExitCode> OptionReader::readOption(const OptionInfo &option, llvm::StringRef value) {
  switch (option.id) {
  case OptionId::Output:
    options.output = value.str();
    return std::nullopt;
  case OptionId::Object:
    return choosePhase(Phase::Object);
  case OptionId::Assembly:
    return choosePhase(Phase::Assembly);
  case OptionId::Shared:
    return choosePhase(Phase::SharedLibrary);
  case OptionId::Static:
    return choosePhase(Phase::StaticLibrary);
  case OptionId::Export:
  case OptionId::Grad:
  case OptionId::Vjp:
  case OptionId::Jvp:
  case OptionId::Hvp:
    return readExport(option.spelling, value);
  case OptionId::Emit:
    return readPhase(value);
  case OptionId::DebugLines:
    options.debugLines = true;
    return std::nullopt;
  case OptionId::Level:
    return readLevel(value);
  case OptionId::Architecture:
    options.architecture = value.str();
    return std::nullopt;
  case OptionId::Device:
    return readDevice(value);
  case OptionId::Chips:
    return readChips(value);
  case OptionId::CudaPath:
    options.cudaPath = value.str();
    return std::nullopt;
  case OptionId::ImportFolder:
    options.importPaths.push_back(value.str());
    return std::nullopt;
  case OptionId::Of:
    options.function = value.str();
    return std::nullopt;
  case OptionId::Wrt:
  case OptionId::Mode:
  case OptionId::Order:
    return readDerivative(option, value);
  case OptionId::Random:
    options.drawsInputs = true;
    return std::nullopt;
  case OptionId::Memory:
    options.reportsMemory = true;
    return std::nullopt;
  case OptionId::Sizes:
    return readSizes(value);
  case OptionId::SaveTemps:
    options.saveTemps = true;
    return std::nullopt;
  case OptionId::Commands:
    options.onlyCommands = true;
    return std::nullopt;
  case OptionId::ErrorFormat:
    return readErrorFormat(value);
  case OptionId::Notes:
    options.saysNotes = true;
    return std::nullopt;
  case OptionId::WarningsAreErrors:
    options.notesAreErrors = true;
    return std::nullopt;
  case OptionId::Verbose:
    options.verbose = true;
    return std::nullopt;
  case OptionId::TimeReport:
    options.timeReport = true;
    return std::nullopt;
  case OptionId::Explain:
    return explainError(value, diagnostics);
  case OptionId::Library:
    return printLibrary(value, diagnostics);
  case OptionId::PrintTargets:
    return printTargets();
  case OptionId::PrintRuntimePath:
    return printRuntimePath(diagnostics);
  case OptionId::PrintManual:
    printManual(llvm::outs());
    return ExitCode::Success;
  case OptionId::PrintCompletion:
    printCompletion(llvm::outs());
    return ExitCode::Success;
  case OptionId::Version:
    llvm::outs() << "mpyc " MPY_VERSION " (LLVM " LLVM_VERSION_STRING ")\n";
    return ExitCode::Success;
  case OptionId::Help:
    printUsage(llvm::outs());
    return ExitCode::Success;
  }
  llvm_unreachable("an option without a case");
}

std::optional<ExitCode> OptionReader::readLevel(llvm::StringRef value) {
  if (value.size() != 1 || value.front() < '0' || value.front() > '3')
    return usageError(ErrorId::InvalidOptionValue, {value.str(), "-O"}, "use -O0, -O1, -O2 or -O3");
  options.optimizationLevel = value.front() - '0';
  return std::nullopt;
}

std::optional<ExitCode> OptionReader::readErrorFormat(llvm::StringRef name) {
  using Format = DiagnosticFormat;
  for (auto [format, known] :
       {std::pair{Format::Text, "text"}, {Format::Json, "json"}, {Format::Sarif, "sarif"}})
    if (name == known) {
      diagnostics.setFormat(format);
      return std::nullopt;
    }
  return usageError(ErrorId::InvalidOptionValue, {name.str(), "--error-format"},
                    "use text, json or sarif");
}

std::optional<ExitCode> OptionReader::readDevice(llvm::StringRef name) {
  if (name != "cuda" && name != "cpu")
    return usageError(ErrorId::UnknownDevice, {name.str()},
                      "use '--device=cuda' or '--device=cpu'");
  options.hasKernels = name == "cuda";
  return std::nullopt;
}

std::optional<ExitCode> OptionReader::readChips(llvm::StringRef list) {
  options.chips.clear();
  choseChips = true;
  llvm::SmallVector<llvm::StringRef> names;
  list.split(names, ',');
  for (llvm::StringRef name : names) {
    if (name == "ptx")
      continue;
    std::optional<int64_t> chip = chipFromName(name);
    if (!chip)
      return usageError(ErrorId::UnknownChip, {name.str()}, "the chips are " + chipNames());
    options.chips.push_back(*chip);
  }
  return std::nullopt;
}

std::optional<ExitCode> OptionReader::readPhase(llvm::StringRef name) {
  if (name == "list") {
    for (const PhaseInfo &phase : phases)
      llvm::outs() << llvm::left_justify(phase.name, 13) << phase.sentence << "\n";
    return ExitCode::Success;
  }
  std::optional<Phase> phase = phaseFromName(name);
  if (!phase)
    return usageError(ErrorId::InvalidOptionValue, {name.str(), "--emit"},
                      "'mpyc --emit=list' lists the phases");
  return choosePhase(*phase);
}

/// `f`, or for a derivative `f:wrt=0,1`.
std::optional<ExitCode> OptionReader::readExport(llvm::StringRef option, llvm::StringRef value) {
  auto [name, rest] = value.split(':');
  ExportRequest request{name.str(), {ExportKind::Value}};
  auto invalid = [&] {
    return usageError(ErrorId::InvalidOptionValue, {value.str(), option.str()},
                      option == "--export" ? "name a function: --export=f"
                                           : "name a function and the numbers of parameters: " +
                                                 option.str() + "=f:wrt=0,1");
  };
  if (name.empty() ||
      (value.contains(':') && (option == "--export" || !rest.consume_front("wrt="))))
    return invalid();
  if (value.contains(':')) {
    request.wrt.clear();
    llvm::SmallVector<llvm::StringRef> numbers;
    rest.split(numbers, ',');
    for (llvm::StringRef number : numbers)
      if (number.trim().getAsInteger(10, request.wrt.emplace_back()))
        return invalid();
    request.isSingle = request.wrt.size() == 1;
    request.saysWrt = true;
  }
  if (option == "--grad")
    request.kinds.insert(request.kinds.end(), {ExportKind::Gradient, ExportKind::ValueAndGradient});
  else if (option != "--export")
    request.kinds.push_back(option == "--vjp"   ? ExportKind::Vjp
                            : option == "--jvp" ? ExportKind::Jvp
                                                : ExportKind::Hvp);
  for (ExportRequest &other : options.exports)
    if (other.function == request.function) {
      for (ExportKind kind : request.kinds)
        if (!llvm::is_contained(other.kinds, kind))
          other.kinds.push_back(kind);
      if (!request.saysWrt)
        return std::nullopt;
      if (other.saysWrt && other.wrt != request.wrt)
        return usageError(ErrorId::InvalidOptionValue, {value.str(), option.str()},
                          "all derivatives of a function are by the same parameters, and another "
                          "option says which");
      other.wrt = request.wrt;
      other.isSingle = request.isSingle;
      other.saysWrt = true;
      return std::nullopt;
    }
  options.exports.push_back(std::move(request));
  return std::nullopt;
}

/// Which derivative `mpyc grad` writes.
std::optional<ExitCode> OptionReader::readDerivative(const OptionInfo &option,
                                                     llvm::StringRef value) {
  options.choosesDerivative = true;
  auto invalid = [&](const char *help) {
    return usageError(ErrorId::InvalidOptionValue, {value.str(), option.spelling.str()}, help);
  };
  if (option.id == OptionId::Wrt) {
    llvm::SmallVector<llvm::StringRef> names;
    value.split(names, ',');
    for (llvm::StringRef name : names) {
      if (name.trim().empty())
        return invalid("name parameters: --wrt=0,1 or --wrt=w,b");
      options.wrt.push_back(name.trim().str());
    }
    return std::nullopt;
  }
  if (option.id == OptionId::Mode) {
    if (value != "reverse" && value != "forward")
      return invalid("use reverse or forward");
    options.isForward = value == "forward";
    return std::nullopt;
  }
  if (value != "1" && value != "2")
    return invalid("use 1 or 2");
  options.order = value == "2" ? 2 : 1;
  return std::nullopt;
}

std::optional<ExitCode> OptionReader::readSizes(llvm::StringRef list) {
  llvm::SmallVector<llvm::StringRef> parts;
  list.split(parts, ',');
  for (llvm::StringRef part : parts) {
    auto [name, number] = part.split('=');
    int64_t size = 0;
    if (name.trim().empty() || number.trim().getAsInteger(10, size))
      return usageError(ErrorId::InvalidOptionValue, {part.str(), "--sizes"},
                        "names and numbers: --sizes=n=1000,x.shape[0]=20");
    options.sizes.push_back({name.trim().str(), size});
  }
  return std::nullopt;
}

/// What the name of the result asks for, where no option does.
void OptionReader::takePhaseFromSuffix() {
  if (choseOtherwise || options.command != Options::Command::Build)
    return;
  llvm::StringRef suffix = llvm::StringRef(options.output).rsplit('.').second;
  for (Phase phase : {Phase::Object, Phase::SharedLibrary, Phase::StaticLibrary, Phase::Header,
                      Phase::Python, Phase::Assembly, Phase::LlvmIr})
    if (suffix == info(phase).suffix)
      options.phase = phase;
}

/// Whether a word of the command line names what is linked with the program.
static bool isLinkedFile(llvm::StringRef word) {
  return word.ends_with(".o") || word.ends_with(".a") || word.ends_with(".so") ||
         word.contains(".so.");
}

std::optional<ExitCode> OptionReader::readInput(llvm::StringRef word) {
  // Behind the first word that is handed to the program, all are.
  if (isLinkedFile(word) && options.programArguments.empty()) {
    options.linked.push_back(word.str());
    return std::nullopt;
  }
  if (!options.input.empty() && options.command == Options::Command::GradCheck) {
    options.programArguments.push_back(word.str());
    return std::nullopt;
  }
  if (!options.input.empty())
    return usageError(ErrorId::SeveralInputs, {options.input, word.str()},
                      "modules that the program imports are found by themselves");
  options.input = word.str();
  if (options.command == Options::Command::Run) {
    while (!words.empty() && isLinkedFile(words.front())) {
      options.linked.push_back(words.front().str());
      words = words.drop_front();
    }
    if (!words.empty() && words.front() == "--")
      words = words.drop_front();
    for (llvm::StringRef argument : words)
      options.programArguments.push_back(argument.str());
    words = {};
  }
  return std::nullopt;
}

std::optional<ExitCode> OptionReader::checkDevice() {
  if (isOfGpu(options.phase) && !options.hasKernels)
    return usageError(ErrorId::UnknownOption, {std::string("--emit=") + info(options.phase).name},
                      "kernels are made with '--device=cuda'");
  if (!options.hasKernels && (choseChips || !options.cudaPath.empty()))
    return usageError(ErrorId::UnknownOption, {choseChips ? "--gpu-arch" : "--cuda-path"},
                      "it belongs to '--device=cuda'");
  if (!choseChips)
    options.chips = {80, 90, 100};
  if (options.phase == Phase::Cubin && options.chips.size() != 1)
    return usageError(ErrorId::InvalidOptionValue, {"cubin", "--emit"},
                      "name one chip: --gpu-arch=sm_90");
  return std::nullopt;
}

std::optional<ExitCode> OptionReader::checkTogether() {
  if (options.input.empty())
    return usageError(ErrorId::NoInput, {}, "name a program: mpyc PROGRAM.mpy");
  if (options.command != Options::Command::Build && !options.output.empty())
    return usageError(ErrorId::UnknownOption, {"-o"},
                      "'run', 'check' and 'gradcheck' write no file");
  if (options.command != Options::Command::Build && (options.saveTemps || options.onlyCommands))
    return usageError(ErrorId::UnknownOption, {options.saveTemps ? "--save-temps" : "-###"},
                      "it belongs to compiling alone");
  if (options.command != Options::Command::Build && options.phase != Phase::Executable)
    return usageError(ErrorId::UnknownOption, {"--emit"}, "it belongs to compiling alone");
  bool isGradCheck = options.command == Options::Command::GradCheck;
  bool isReport = options.reportsMemory || options.explainsLines;
  if (options.reportsMemory && options.command != Options::Command::Check)
    return usageError(ErrorId::UnknownOption, {"--memory"}, "it belongs to 'mpyc check'");
  if (!options.sizes.empty() && !isReport)
    return usageError(ErrorId::UnknownOption, {"--sizes"},
                      "it belongs to 'mpyc check --memory' and 'mpyc grad --explain'");
  bool isForm = options.command == Options::Command::Build && options.phase != Phase::Ast &&
                options.phase <= Phase::Assembly;
  if (!options.function.empty() && !isForm && !isReport && !isGradCheck)
    return usageError(ErrorId::UnknownOption, {"--of"},
                      "it belongs to 'mpyc grad', 'mpyc gradcheck', 'mpyc check --memory' and to "
                      "--emit= of texts behind the AST");
  if (options.isForward && options.order == 2)
    return usageError(ErrorId::InvalidOptionValue, {"2", "--order"},
                      "leave '--mode=forward' out: the second derivative is that of the gradient "
                      "in a direction");
  if (options.choosesDerivative && options.phase != Phase::Gradient)
    return usageError(ErrorId::UnknownOption, {"--wrt, --mode or --order"},
                      "they belong to 'mpyc grad'");
  if (options.drawsInputs && !isGradCheck)
    return usageError(ErrorId::UnknownOption, {"--random"}, "it belongs to 'mpyc gradcheck'");
  takePhaseFromSuffix();
  if (auto code = checkDevice())
    return code;
  if (options.output == "-" &&
      (options.phase == Phase::Executable || options.phase == Phase::Python))
    return usageError(ErrorId::InvalidOptionValue, {"-", "-o"},
                      "an executable or Python module needs a file of its own");
  for (const std::string &file : options.linked)
    if (!llvm::sys::fs::exists(file))
      return usageError(ErrorId::UnreadableInput, {file, "there is no such file"},
                        "what is linked with the program is made by a C compiler: cc -c smooth.c");
  if (options.phase == Phase::StaticLibrary && llvm::any_of(options.linked, [](llvm::StringRef f) {
        return !f.ends_with(".o") && !f.ends_with(".a");
      }))
    return usageError(ErrorId::UnknownOption, {options.linked.back()},
                      "an archive holds objects; name the shared library where it is linked");
  if (options.phase == Phase::Executable && !options.exports.empty())
    return usageError(ErrorId::ExportOption, {},
                      "'-c' makes an object, '-shared' and '--static-lib' libraries");
  return std::nullopt;
}
