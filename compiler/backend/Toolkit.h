// Where the parts of NVIDIA's toolkit are that kernels need.
#ifndef MPY_BACKEND_TOOLKIT_H
#define MPY_BACKEND_TOOLKIT_H

#include "llvm/ADT/StringRef.h"
#include <optional>
#include <string>
#include <vector>

namespace mpy {

/// The folders in which the toolkit may be: that of `--cuda-path`, CUDA_PATH, CUDA_HOME,
/// /usr/local/cuda, and the one that `./dev` installs.
class Toolkit {
public:
  explicit Toolkit(llvm::StringRef path);

  /// The library of elementary functions, as LLVM bitcode.
  std::optional<std::string> libdevice() const { return find("nvvm/libdevice/libdevice.10.bc"); }
  /// The assembler of kernels.
  std::optional<std::string> ptxas() const { return find("bin/ptxas"); }
  /// The folders in words, for messages.
  std::string places() const;

private:
  std::optional<std::string> find(llvm::StringRef part) const;
  std::vector<std::string> folders;
};

} // namespace mpy

#endif // MPY_BACKEND_TOOLKIT_H
