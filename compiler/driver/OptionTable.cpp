// The table of options as texts: help, a manual page, a script for bash, and a suggestion.
//
//   MPY_OPTION(Output, "-o", Either, "FILE", "where the result goes")   ->   -o FILE   where the ..
#include "driver/OptionTable.h"
#include "driver/Phases.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Format.h"

using namespace mpy;

namespace {
struct Command {
  const char *words, *sentence;
};
} // namespace

static constexpr Command commands[] = {
    {"mpyc [options] PROGRAM.mpy", "compile to an executable"},
    {"mpyc -c [options] PROGRAM.mpy", "compile to an object; of exported functions, a library's"},
    {"mpyc run [options] PROGRAM.mpy ..", "compile and run, with arguments for the program"},
    {"mpyc check [options] PROGRAM.mpy", "report errors, write nothing"},
    {"mpyc grad [options] PROGRAM.mpy",
     "write the derivatives that it asks for as Python functions"},
    {"mpyc gradcheck [options] PROGRAM.mpy", "run it and compare its gradients with differences"},
    {"mpyc @FILE ..", "the words of a file stand in its place"},
};

std::string OptionInfo::shown() const {
  bool hasSpace = form == OptionForm::Either, hasSign = form == OptionForm::Equals;
  return (spelling + (hasSpace ? " " : hasSign ? "=" : "") + value).str();
}

const OptionInfo *mpy::nearestOption(llvm::StringRef word) {
  auto nameOf = [](llvm::StringRef text) {
    return text.take_until([](char c) { return c == '='; });
  };
  llvm::StringRef name = nameOf(word);
  const OptionInfo *best = nullptr;
  unsigned least = name.size() / 3 + 1;
  for (const OptionInfo &option : optionTable) {
    llvm::StringRef other = nameOf(option.spelling);
    // One letter for another says nothing.
    unsigned distance = name.edit_distance(other, /*AllowReplacements=*/true, least);
    if (other.size() > 2 && distance < least) {
      least = distance;
      best = &option;
    }
  }
  return best;
}

/// Text in lines of at most 100 columns, all but the first indented.
static void printWrapped(llvm::raw_ostream &out, llvm::StringRef text, unsigned indent) {
  llvm::SmallVector<llvm::StringRef> words;
  text.split(words, ' ');
  unsigned column = indent;
  for (llvm::StringRef word : words) {
    if (column > indent && column + 1 + word.size() > 100) {
      out << "\n" << std::string(indent, ' ');
      column = indent;
    }
    if (column > indent) {
      out << ' ';
      ++column;
    }
    out << word;
    column += word.size();
  }
  out << "\n";
}

void mpy::printUsage(llvm::raw_ostream &out) {
  constexpr unsigned width = 22;
  out << "Usage:\n";
  for (const Command &command : commands)
    out << "  " << llvm::left_justify(command.words, 36) << command.sentence << "\n";
  out << "\nOptions:\n";
  for (const OptionInfo &option : optionTable) {
    std::string shown = option.shown();
    out << "  " << llvm::left_justify(shown, width);
    if (shown.size() >= width)
      out << "\n" << std::string(width + 2, ' ');
    printWrapped(out, option.sentence, width + 2);
  }
  out << "\nPhases:\n";
  for (const PhaseInfo &phase : phases)
    out << "  " << llvm::left_justify(phase.name, 13) << phase.sentence << "\n";
}

/// Text for troff: a dash is a minus, and no line begins with a command.
static std::string troff(llvm::StringRef text) {
  std::string result;
  for (char c : text)
    result += c == '-' ? "\\-" : c == '\\' ? "\\e" : std::string(1, c);
  return result.starts_with('.') || result.starts_with('\'') ? "\\&" + result : result;
}

void mpy::printManual(llvm::raw_ostream &out) {
  out << ".TH MPYC 1 \"\" \"mpyc " MPY_VERSION "\" \"User Commands\"\n"
         ".SH NAME\nmpyc \\- compiles NumPy programs and their gradients ahead of time\n"
         ".SH SYNOPSIS\n";
  for (const Command &command : commands)
    out << ".TP\n.B " << troff(command.words) << "\n" << troff(command.sentence) << "\n";
  out << ".SH DESCRIPTION\nmpyc compiles .mpy programs, plain Python 3 with NumPy arrays and\n"
         "gradients, to executables, and functions of them to objects, libraries, C headers and\n"
         "Python modules. What compiles prints what CPython with NumPy and autograd prints; all\n"
         "else is an error that says where and what to do.\n.SH OPTIONS\n";
  for (const OptionInfo &option : optionTable)
    out << ".TP\n.B " << troff(option.shown()) << "\n" << troff(option.sentence) << "\n";
  out << ".SH PHASES\n";
  for (const PhaseInfo &phase : phases)
    out << ".TP\n.B " << troff(phase.name) << "\n" << troff(phase.sentence) << "\n";
  out << ".SH EXIT STATUS\n.TP\n.B 0\nThe result is there.\n.TP\n.B 1\nThe program has an error, "
         "or "
         "needs what mpyc cannot do.\n.TP\n.B 2\nThe command line has an error.\n.TP\n.B "
         "70\nmpyc has failed; please report it.\n.PP\n.B mpyc run\nends as the program does.\n";
}

/// The values of an option that has few, for the shell.
static std::string valuesOf(const OptionInfo &option) {
  switch (option.id) {
  case OptionId::Emit: {
    std::string names = "list";
    for (const PhaseInfo &phase : phases)
      names += std::string(" ") + phase.name;
    return names;
  }
  case OptionId::ErrorFormat:
    return "text json sarif";
  default:
    return "";
  }
}

void mpy::printCompletion(llvm::raw_ostream &out) {
  std::string words, cases;
  llvm::raw_string_ostream choices(cases);
  for (const OptionInfo &option : optionTable) {
    words += (words.empty() ? "" : " ") + option.spelling.str() +
             (option.form == OptionForm::Equals ? "=" : "");
    if (std::string values = valuesOf(option); !values.empty())
      choices << "    " << option.spelling << "*)\n      COMPREPLY=($(compgen -W \"" << values
              << "\" -- \"${word#*=}\"))\n      return ;;\n";
  }
  out << "# Completion of mpyc's options for bash.\n_mpyc() {\n"
         "  local word=${COMP_WORDS[COMP_CWORD]} line=${COMP_LINE:0:COMP_POINT}\n"
         "  # The shell cuts words at '='.\n"
         "  word=${line##* }\n"
         "  case $word in\n"
      << cases << "    -*)\n      COMPREPLY=($(compgen -W \"" << words
      << "\" -- \"$word\"))\n"
         "      [[ ${COMPREPLY[0]-} == *= ]] && compopt -o nospace\n      return ;;\n"
         "  esac\n"
         "  COMPREPLY=($(compgen -f -X '!*.mpy' -- \"$word\") $(compgen -d -- \"$word\"))\n"
         "  ((COMP_CWORD == 1)) && COMPREPLY+=($(compgen -W \"run check grad gradcheck\" -- "
         "\"$word\"))\n"
         "}\ncomplete -o filenames -F _mpyc mpyc\n";
}
