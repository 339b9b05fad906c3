// The options of mpyc, from Options.def.
#ifndef MPY_DRIVER_OPTIONTABLE_H
#define MPY_DRIVER_OPTIONTABLE_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/raw_ostream.h"

namespace mpy {

/// One enumerator per line of Options.def, in order.
enum class OptionId {
#define MPY_OPTION(enumerator, spelling, form, value, sentence) enumerator,
#include "driver/Options.def"
};

/// How the value of an option follows it.
enum class OptionForm { None, Joined, Either, Equals };

/// What Options.def says of an option.
struct OptionInfo {
  OptionId id;
  llvm::StringRef spelling;
  OptionForm form;
  const char *value;
  const char *sentence;

  /// The option with its value, as help shows it.
  std::string shown() const;
};

/// Every option, in order.
inline constexpr OptionInfo optionTable[] = {
#define MPY_OPTION(enumerator, spelling, form, value, sentence)                                    \
  {OptionId::enumerator, spelling, OptionForm::form, value, sentence},
#include "driver/Options.def"
};

/// The option that is written most like an unknown one; null if none is.
const OptionInfo *nearestOption(llvm::StringRef word);

/// What `mpyc --help` prints.
void printUsage(llvm::raw_ostream &out);
/// The manual page.
void printManual(llvm::raw_ostream &out);
/// A script that makes bash complete options, phases and files.
void printCompletion(llvm::raw_ostream &out);

} // namespace mpy

#endif // MPY_DRIVER_OPTIONTABLE_H
