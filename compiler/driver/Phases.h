// The phases of a compilation, from Phases.def.
#ifndef MPY_DRIVER_PHASES_H
#define MPY_DRIVER_PHASES_H

#include "llvm/ADT/StringRef.h"
#include <optional>

namespace mpy {

/// One enumerator per line of Phases.def, in order.
enum class Phase {
#define MPY_PHASE(enumerator, name, suffix, sentence) enumerator,
#include "driver/Phases.def"
};

/// What Phases.def says of a phase.
struct PhaseInfo {
  Phase phase;
  const char *name;
  const char *suffix;
  const char *sentence;
};

/// Every phase, in order.
inline constexpr PhaseInfo phases[] = {
#define MPY_PHASE(enumerator, name, suffix, sentence) {Phase::enumerator, name, suffix, sentence},
#include "driver/Phases.def"
};

/// The line of a phase.
inline const PhaseInfo &info(Phase phase) { return phases[static_cast<int>(phase)]; }

/// The phase with this name.
inline std::optional<Phase> phaseFromName(llvm::StringRef name) {
  for (const PhaseInfo &entry : phases)
    if (name == entry.name)
      return entry.phase;
  return std::nullopt;
}

/// Whether a phase is shown as text rather than kept as a binary file.
inline bool isText(Phase phase) {
  return (phase < Phase::Object && phase != Phase::Cubin) || phase == Phase::Header;
}

/// Whether only a program for a GPU has this phase.
inline bool isOfGpu(Phase phase) { return phase >= Phase::Gpu && phase <= Phase::Cubin; }

/// Whether only a library has this phase.
inline bool isOfLibrary(Phase phase) { return phase > Phase::Executable; }

} // namespace mpy

#endif // MPY_DRIVER_PHASES_H
