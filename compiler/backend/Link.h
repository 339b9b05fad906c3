// Object file and runtime library -> executable or library.
#ifndef MPY_BACKEND_LINK_H
#define MPY_BACKEND_LINK_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/StringRef.h"
#include <optional>
#include <string>
#include <vector>

namespace mpy {

/// The runtime library that belongs to the compiler at `compilerPath`: installed beside it or in
/// its build tree.
std::optional<std::string> findRuntimeLibrary(llvm::StringRef compilerPath);

/// What the linker makes of an object and the runtime.
enum class LinkKind { Executable, SharedLibrary };

/// Puts an object, further objects and archives, and all of the runtime into an archive; false with
/// a sentence in `reason`.
bool writeArchive(llvm::StringRef object, llvm::StringRef memberName,
                  llvm::ArrayRef<std::string> more, llvm::StringRef runtimeLibrary,
                  llvm::StringRef output, std::string &reason);

/// What is linked.
struct LinkJob {
  LinkKind kind;
  std::string object, runtimeLibrary, output;
  /// Objects, archives and shared libraries beside it.
  std::vector<std::string> more;
  /// With debug information, names that nobody else can see are kept.
  bool hasDebugLines = false;
};

/// The words of the command that links; none, with a sentence in `reason`, without a linker.
std::vector<std::string> linkCommand(const LinkJob &job, std::string &reason);

/// Links an object with the runtime; on failure a sentence, or the linker's words, in `reason`. The
/// linker writes to the file `messages`; it runs in a process group of its own, which `started` is
/// told: -1 before it starts, and 0 when it has ended.
bool link(const LinkJob &job, llvm::StringRef messages, llvm::function_ref<void(int group)> started,
          std::string &reason);

} // namespace mpy

#endif // MPY_BACKEND_LINK_H
