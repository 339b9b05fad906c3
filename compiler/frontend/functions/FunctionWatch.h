// What a command of mpyc asks about functions of the program while the program is specialised:
// whether their derivatives are right (`mpyc gradcheck`), or what these are (`mpyc grad --of f`).
#ifndef MPY_FRONTEND_FUNCTIONWATCH_H
#define MPY_FRONTEND_FUNCTIONWATCH_H

#include "llvm/ADT/StringRef.h"
#include <string>
#include <vector>

namespace mpy {

class Specializer;
struct Value;
struct CallArguments;

struct FunctionWatch {
  enum class Kind { Check, Ask } kind = Kind::Check;
  /// The only function that is asked about; empty: each that the program differentiates.
  std::string function;
  /// Check at random numbers in place of the program's.
  bool drawsInputs = false;
  /// Ask: by which parameters, numbers or names; empty: as the program does, or by the first.
  std::vector<std::string> wrt;
  bool isForward = false;
  unsigned order = 1;

  /// A function that was found.
  struct Found {
    std::string title; ///< `grad(loss), line 5`
    size_t place;      ///< of what is differentiated, in its file
    /// Check: why it cannot be checked; empty: it can.
    std::string refusal = {};
    /// Ask: the functions of the module that stand for it, and what it is called.
    std::vector<std::string> symbols = {};
    std::string shownName = {};
  };
  std::vector<Found> found;
  /// How many requests were for functions beyond the most that are told apart.
  unsigned left = 0;
  /// Whether what runs now was added here: it is not asked about again.
  bool isBusy = false;
};

/// A function that asks for derivatives, as a program gets it: one that says where it is called.
/// Unbound where nothing is asked, and for all other names.
Value watchedOperator(Specializer &specializer, llvm::StringRef module, llvm::StringRef name);

/// Before a call of a function of the program: one that is asked about by name.
void watchCall(Specializer &specializer, const Value &function, const CallArguments &arguments);

} // namespace mpy

#endif // MPY_FRONTEND_FUNCTIONWATCH_H
