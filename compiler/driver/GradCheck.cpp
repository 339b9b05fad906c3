// `mpyc gradcheck`: runs the program with a comparison of each gradient with differences in it, and
// prints what these found as tables:
//
//   loss, line 5: 2 of 2 slopes agree with differences
//     argument  element  gradient  difference  verdict
//     w         [0]      4         4           ok
//     w         [1]      -2        -2          ok
//
// The comparison is written in the language (lang/library/mpy/_watch.mpy). It says what it found in
// lines of standard output that begin with a character of their own; all others are dropped. On
// exit the code is 0 if there was something to check, nothing is wrong, and no function was left out
// because there are too many.
#include "driver/Compile.h"
#include "frontend/functions/FunctionWatch.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Format.h"

using namespace mpy;

namespace {
struct Row {
  int64_t place; // in all numbers of the arguments; less than 0: a direction of all
  std::string gradient, difference, left, right, verdict;
};

/// A number or array among the arguments, and where its numbers begin.
struct Named {
  int64_t begin, size;
  std::string label;
  std::vector<int64_t> shape;
};

struct Function {
  std::vector<Row> rows;
  std::vector<Named> names;
};

/// What a verdict is called, and whether the check failed.
struct Verdict {
  llvm::StringRef word, sentence;
  bool isFailure;
};
} // namespace

static constexpr Verdict verdicts[] = {
    {"ok", "ok", false},
    {"edge", "ok, at the edge of where the function is defined", false},
    {"kink", "a kink", false},
    {"jump", "the value jumps here", false},
    {"steep", "no slope: differences grow without end", false},
    {"unsure", "differences do not settle", true},
    {"noisy", "another value at the same arguments", true},
    {"nan", "the value is nan", true},
    {"wrong", "WRONG", true},
};

static const Verdict &verdictOf(llvm::StringRef word) {
  for (const Verdict &verdict : verdicts)
    if (verdict.word == word)
      return verdict;
  return std::end(verdicts)[-1];
}

static int64_t numberIn(llvm::StringRef text) {
  int64_t number = 0;
  text.trim().getAsInteger(10, number);
  return number;
}

/// A line of the program: one that the comparison wrote, or any other.
static void readLine(llvm::StringRef line, std::vector<Function> &functions) {
  size_t begin = line.find('\x1e');
  if (begin == llvm::StringRef::npos)
    return;
  llvm::SmallVector<llvm::StringRef> parts;
  line.drop_front(begin + 1).split(parts, '\t');
  if (parts.size() < 6)
    return;
  size_t which = numberIn(parts[1]);
  if (which >= functions.size())
    return;
  if (parts[0] == "check" && parts.size() == 8)
    functions[which].rows.push_back({numberIn(parts[2]), parts[3].str(), parts[4].str(),
                                     parts[5].str(), parts[6].str(), parts[7].str()});
  if (parts[0] == "name") {
    Named name{numberIn(parts[2]), numberIn(parts[3]), parts[4].str(), {}};
    llvm::SmallVector<llvm::StringRef> extents;
    parts[5].trim("()").split(extents, ',', -1, /*KeepEmpty=*/false);
    for (llvm::StringRef extent : extents)
      name.shape.push_back(numberIn(extent));
    functions[which].names.push_back(std::move(name));
  }
}

/// Twelve digits of a number.
static std::string shortened(llvm::StringRef text) {
  double number;
  if (text.getAsDouble(number))
    return text.str();
  char digits[32];
  snprintf(digits, sizeof digits, "%.12g", number);
  return digits;
}

/// Which argument and which element of it a row is about.
static std::pair<std::string, std::string> placeOf(const Function &function, const Row &row) {
  if (row.place < 0)
    return {"all", "a direction"};
  for (const Named &name : function.names) {
    if (row.place < name.begin || row.place >= name.begin + name.size)
      continue;
    int64_t rest = row.place - name.begin;
    std::vector<std::string> indices(name.shape.size());
    for (size_t dim = name.shape.size(); dim-- > 0;) {
      indices[dim] = std::to_string(rest % name.shape[dim]);
      rest /= name.shape[dim];
    }
    return {name.label, indices.empty() ? "" : "[" + llvm::join(indices, ", ") + "]"};
  }
  return {"?", std::to_string(row.place)};
}

/// Prints the table of one function; how many rows failed.
static unsigned printTable(const std::string &title, const Function &function) {
  std::vector<std::vector<std::string>> table{
      {"argument", "element", "gradient", "difference", "verdict"}};
  unsigned failures = 0, agree = 0;
  for (const Row &row : function.rows) {
    const Verdict &verdict = verdictOf(row.verdict);
    failures += verdict.isFailure;
    agree += verdict.word == "ok" || verdict.word == "edge";
    std::string sentence = verdict.sentence.str();
    if (verdict.word == "kink")
      sentence += ": the slope is " + shortened(row.left) + " on the left, " +
                  shortened(row.right) + " on the right";
    auto [argument, element] = placeOf(function, row);
    table.push_back(
        {argument, element, shortened(row.gradient), shortened(row.difference), sentence});
  }
  llvm::outs() << title << ": " << agree << " of " << function.rows.size()
               << " slopes agree with differences\n";
  size_t widths[5] = {};
  for (const std::vector<std::string> &line : table)
    for (size_t column = 0; column < line.size(); ++column)
      widths[column] = std::max(widths[column], line[column].size());
  for (const std::vector<std::string> &line : table) {
    std::string text = " ";
    for (size_t column = 0; column < line.size(); ++column) {
      std::string part = line[column];
      part.resize(widths[column], ' ');
      text += " " + part + " ";
    }
    llvm::outs() << llvm::StringRef(text).rtrim() << "\n";
  }
  return failures;
}

int mpy::checkGradients(const Options &options, SourceManager &sources, Diagnostics &diagnostics) {
  FunctionWatch watch;
  watch.function = options.function;
  watch.drawsInputs = options.drawsInputs;
  std::vector<Function> functions;
  auto onLine = [&](llvm::StringRef line) {
    functions.resize(watch.found.size());
    readLine(line, functions);
  };
  int code = compileAndRun(options, sources, diagnostics, &watch, onLine);
  if (diagnostics.hasErrors())
    return code;
  functions.resize(watch.found.size());
  bool isAny = options.function.empty();
  unsigned failures = 0;
  bool checked = false;
  for (auto [found, function] : llvm::zip(watch.found, functions))
    if (!function.rows.empty()) {
      failures += printTable(found.title, function);
      checked = true;
    } else {
      llvm::outs() << found.title << ": not checked"
                   << (found.refusal.empty() ? ", for the program does not get there"
                                             : ": " + found.refusal)
                   << "\n";
    }
  if (watch.left)
    llvm::outs() << "more functions than these are not checked; name one of them: --of f\n";
  llvm::outs().flush();
  if (!checked && code == 0) {
    diagnostics.reportGlobal(
        ErrorId::NothingToCheck, {isAny ? "any function" : "'" + options.function + "'"},
        {.help = isAny ? "call grad(f)(..), or name a function that the program calls: --of f"
                       : "call it, or its gradient: the arguments say what it is checked at"});
    return ExitCode::ProgramError;
  }
  return code ? code : failures || watch.left ? 1 : 0;
}
