// Looks for the parts of NVIDIA's toolkit. A folder that is named on the command line is the only
// one that is asked; the others are asked in order, for each part by itself.
#include "backend/Toolkit.h"

#include "llvm/ADT/SmallString.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Process.h"

using namespace mpy;

Toolkit::Toolkit(llvm::StringRef path) {
  if (!path.empty()) {
    folders.push_back(path.str());
    return;
  }
  for (const char *name : {"CUDA_PATH", "CUDA_HOME"})
    if (auto folder = llvm::sys::Process::GetEnv(name); folder && !folder->empty())
      folders.push_back(*folder);
  folders.push_back("/usr/local/cuda");
  folders.push_back(MPY_CUDA_FOLDER);
}

std::optional<std::string> Toolkit::find(llvm::StringRef part) const {
  for (const std::string &folder : folders) {
    llvm::SmallString<128> file(folder);
    llvm::sys::path::append(file, part);
    if (llvm::sys::fs::exists(file))
      return std::string(file);
  }
  return std::nullopt;
}

std::string Toolkit::places() const { return llvm::join(folders, ", "); }
