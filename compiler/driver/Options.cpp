// Turns the command line into one struct.
//
//   mpyc -O2 prog.mpy -o prog   ->   Options{Build, "prog.mpy", "prog", Executable, 2, ..}
//   mpyc model.mpy -o model.o   ->   Options{Build, "model.mpy", "model.o", Object, 3, ..}
//
// Everything after the program of `mpyc run` belongs to the program. Values stand in the same word
// (`-march=native`, `-Ilib`) or, for -o and -I, in the next one.
#include "driver/Options.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Config/llvm-config.h"
#include "llvm/Support/Format.h"

using namespace mpy;

static constexpr const char *usage = R"(Usage:
  mpyc [options] PROGRAM.mpy         compile to an executable
  mpyc -c [options] PROGRAM.mpy      compile to an object; of exported functions, a library's
  mpyc run [options] PROGRAM.mpy ..  compile and run, with arguments for the program
  mpyc check [options] PROGRAM.mpy   report errors, write nothing
  mpyc grad [options] PROGRAM.mpy    write the derivatives that it asks for as Python functions

Options:
  -o FILE          where the result goes; '-' is standard output. Its suffix says what is made:
                   .o .so .a .h .py .s
  -c               an object file, as --emit=obj
  -S               assembly, as --emit=asm
  -shared          a shared library of the exported functions
  --static-lib     an archive of the exported functions and the runtime
  --export=F       export function F of the program, as @export does
  --grad=F[:wrt=0,1]
                   export F, its gradient and value with gradient by these parameters
                   (default: 0)
  --vjp=.. --jvp=.. --hvp=..
                   the same for products with Jacobian and Hessian
  --emit=PHASE     stop after a phase and show it (list below)
  --emit=list      list the phases
  -O0 .. -O3       how hard to optimise (default: -O3)
  -march=NAME      processor to compile for (default: native)
  -I FOLDER        also look for imported modules here
  --of FUNCTION    write the derivatives of this function alone (grad)
  -v               print each pass with its time
  --time-report    print the time of each phase
  --explain ID     explain an error, such as E0207
  --library NAME   print the source of a library name: numpy.percentile
  --version        print the version
  --help           print this

Phases:
)";

static void listPhases(llvm::raw_ostream &out, llvm::StringRef indent) {
  for (const PhaseInfo &phase : phases)
    out << indent << llvm::left_justify(phase.name, 13) << phase.sentence << "\n";
}

namespace {
/// Walks the words of the command line.
class OptionReader {
public:
  OptionReader(llvm::ArrayRef<llvm::StringRef> words, Options &options, Diagnostics &diagnostics)
      : words(words), options(options), diagnostics(diagnostics) {}

  std::optional<ExitCode> read();

private:
  std::optional<ExitCode> readWord(llvm::StringRef word);
  std::optional<ExitCode> readCommand();
  std::optional<ExitCode> readInput(llvm::StringRef word);
  std::optional<ExitCode> readPhase(llvm::StringRef name);
  std::optional<ExitCode> readExport(llvm::StringRef option, llvm::StringRef value);
  void choosePhase(Phase phase) {
    options.phase = phase;
    choseOtherwise = true;
  }
  void takePhaseFromSuffix();
  std::optional<ExitCode> checkTogether();
  std::optional<ExitCode> limitation(ErrorId id, std::string help);
  std::optional<ExitCode> usageError(ErrorId id, std::vector<std::string> arguments,
                                     std::string help = {});
  /// The value of an option that may stand in the next word; null after reporting that there is
  /// none.
  std::optional<llvm::StringRef> value(llvm::StringRef option, llvm::StringRef rest);

  llvm::ArrayRef<llvm::StringRef> words;
  Options &options;
  Diagnostics &diagnostics;
  /// Whether an option says what is made.
  bool choseOtherwise = false;
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

std::optional<ExitCode> OptionReader::limitation(ErrorId id, std::string help) {
  diagnostics.reportGlobal(id, {}, {.help = std::move(help)});
  return ExitCode::ProgramError;
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
    bool isOption = !onlyInputs && word.size() > 1 && word.starts_with("-");
    if (auto code = isOption ? readWord(word) : readInput(word))
      return code;
  }
  return checkTogether();
}

std::optional<ExitCode> OptionReader::readCommand() {
  if (words.empty()) {
    llvm::errs() << usage;
    listPhases(llvm::errs(), "  ");
    return ExitCode::UsageError;
  }
  if (words.front() == "grad")
    options.phase = Phase::Gradient;
  else if (words.front() == "run")
    options.command = Options::Command::Run;
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

std::optional<ExitCode> OptionReader::readWord(llvm::StringRef word) {
  llvm::StringRef rest = word;
  if (word == "--help" || word == "-h") {
    llvm::outs() << usage;
    listPhases(llvm::outs(), "  ");
    return ExitCode::Success;
  }
  if (word == "--version") {
    llvm::outs() << "mpyc " MPY_VERSION " (LLVM " LLVM_VERSION_STRING ")\n";
    return ExitCode::Success;
  }
  if (rest.consume_front("--explain")) {
    rest.consume_front("=");
    auto code = value("--explain", rest);
    return code ? explainError(*code, diagnostics) : ExitCode::UsageError;
  }
  if (rest.consume_front("--library")) {
    rest.consume_front("=");
    auto name = value("--library", rest);
    return name ? printLibrary(*name, diagnostics) : ExitCode::UsageError;
  }
  if (word == "-v") {
    options.verbose = true;
    return std::nullopt;
  }
  if (word == "--time-report") {
    options.timeReport = true;
    return std::nullopt;
  }
  if (rest.consume_front("--emit="))
    return readPhase(rest);
  if (rest.consume_front("-march=")) {
    options.architecture = rest.str();
    return std::nullopt;
  }
  if (rest.consume_front("--of")) {
    rest.consume_front("=");
    auto name = value("--of", rest);
    if (!name)
      return ExitCode::UsageError;
    options.function = name->str();
    return std::nullopt;
  }
  if (rest.consume_front("-O")) {
    if (rest.size() != 1 || rest.front() < '0' || rest.front() > '3')
      return usageError(ErrorId::InvalidOptionValue, {rest.str(), "-O"},
                        "use -O0, -O1, -O2 or -O3");
    options.optimizationLevel = rest.front() - '0';
    return std::nullopt;
  }
  if (rest.consume_front("-o")) {
    auto name = value("-o", rest);
    if (!name)
      return ExitCode::UsageError;
    options.output = name->str();
    return std::nullopt;
  }
  if (rest.consume_front("-I")) {
    auto folder = value("-I", rest);
    if (!folder)
      return ExitCode::UsageError;
    options.importPaths.push_back(folder->str());
    return std::nullopt;
  }
  if (word == "-c" || word == "-S" || word == "-shared" || word == "--static-lib") {
    choosePhase(word == "-c"        ? Phase::Object
                : word == "-S"      ? Phase::Assembly
                : word == "-shared" ? Phase::SharedLibrary
                                    : Phase::StaticLibrary);
    return std::nullopt;
  }
  if (word == "--device" || word.starts_with("--device="))
    return limitation(ErrorId::DeviceChoice, "leave '--device' out: programs run on the CPU");
  for (const char *option : {"--export", "--grad", "--vjp", "--jvp", "--hvp"})
    if (llvm::StringRef rest = word;
        rest.consume_front(option) && (rest.empty() || rest[0] == '=')) {
      rest.consume_front("=");
      auto name = value(option, rest);
      return name ? readExport(option, *name) : ExitCode::UsageError;
    }
  return usageError(ErrorId::UnknownOption, {word.str()}, "'mpyc --help' lists the options");
}

std::optional<ExitCode> OptionReader::readPhase(llvm::StringRef name) {
  if (name == "list") {
    listPhases(llvm::outs(), "");
    return ExitCode::Success;
  }
  std::optional<Phase> phase = phaseFromName(name);
  if (!phase)
    return usageError(ErrorId::InvalidOptionValue, {name.str(), "--emit"},
                      "'mpyc --emit=list' lists the phases");
  choosePhase(*phase);
  return std::nullopt;
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
      if (value.contains(':')) {
        other.wrt = request.wrt;
        other.isSingle = request.isSingle;
      }
      return std::nullopt;
    }
  options.exports.push_back(std::move(request));
  return std::nullopt;
}

/// What the name of the result asks for, where no option does.
void OptionReader::takePhaseFromSuffix() {
  if (choseOtherwise || options.command != Options::Command::Build)
    return;
  llvm::StringRef suffix = llvm::StringRef(options.output).rsplit('.').second;
  for (Phase phase : {Phase::Object, Phase::SharedLibrary, Phase::StaticLibrary, Phase::Header,
                      Phase::Python, Phase::Assembly})
    if (suffix == info(phase).suffix)
      options.phase = phase;
}

std::optional<ExitCode> OptionReader::readInput(llvm::StringRef word) {
  if (!options.input.empty())
    return usageError(ErrorId::SeveralInputs, {options.input, word.str()},
                      "modules that the program imports are found by themselves");
  options.input = word.str();
  if (options.command == Options::Command::Run) {
    for (llvm::StringRef argument : words)
      options.programArguments.push_back(argument.str());
    words = {};
  }
  return std::nullopt;
}

std::optional<ExitCode> OptionReader::checkTogether() {
  if (options.input.empty())
    return usageError(ErrorId::NoInput, {}, "name a program: mpyc PROGRAM.mpy");
  if (options.command != Options::Command::Build && !options.output.empty())
    return usageError(ErrorId::UnknownOption, {"-o"}, "'run' and 'check' write no file");
  if (options.command != Options::Command::Build && options.phase != Phase::Executable)
    return usageError(ErrorId::UnknownOption, {"--emit"}, "leave 'run' and 'check' out");
  if (!options.function.empty() && options.phase != Phase::Gradient)
    return usageError(ErrorId::UnknownOption, {"--of"}, "it belongs to 'mpyc grad'");
  takePhaseFromSuffix();
  if (options.output == "-" &&
      (options.phase == Phase::Executable || options.phase == Phase::Python))
    return usageError(ErrorId::InvalidOptionValue, {"-", "-o"},
                      "an executable or Python module needs a file of its own");
  if (options.phase == Phase::Executable && !options.exports.empty())
    return usageError(ErrorId::ExportOption, {},
                      "'-c' makes an object, '-shared' and '--static-lib' libraries");
  return std::nullopt;
}
