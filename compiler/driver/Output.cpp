// Writes results so that an interrupted or failed compilation leaves no half of a file behind.
//
//   prog   ->   prog.mpyc-4f2a91 (written, then renamed to prog)
//
// What is not a regular file (/dev/stdout, a pipe) is written directly.
#include "driver/Output.h"
#include "driver/Crash.h"

#include "llvm/ADT/SmallString.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>

using namespace mpy;

static std::string folderOf(llvm::StringRef path) {
  llvm::StringRef parent = llvm::sys::path::parent_path(path);
  return parent.empty() ? "." : parent.str();
}

/// Whether the path names something that exists and is not a regular file, such as /dev/null.
static bool isSpecial(llvm::StringRef path) {
  llvm::sys::fs::file_status status;
  return !llvm::sys::fs::status(path, status) && llvm::sys::fs::exists(status) &&
         !llvm::sys::fs::is_regular_file(status);
}

bool mpy::checkOutput(llvm::StringRef path, Diagnostics &diagnostics) {
  if (path == "-")
    return true;
  auto refuse = [&](llvm::StringRef reason) {
    diagnostics.reportGlobal(ErrorId::UnwritableOutput, {path.str(), reason.str()});
    return false;
  };
  if (llvm::sys::fs::is_directory(path))
    return refuse("it is a folder");
  std::string folder = folderOf(path);
  if (!llvm::sys::fs::is_directory(folder))
    return refuse("there is no folder '" + folder + "'");
  bool existing = llvm::sys::fs::exists(path);
  if (existing && access(path.str().c_str(), W_OK) != 0)
    return refuse(std::strerror(errno));
  if (!isSpecial(path) && access(folder.c_str(), W_OK) != 0)
    return refuse(std::strerror(errno));
  return true;
}

static bool writeAll(int descriptor, llvm::StringRef bytes) {
  while (!bytes.empty()) {
    ssize_t written = write(descriptor, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR)
      continue;
    if (written <= 0)
      return false;
    bytes = bytes.drop_front(written);
  }
  return true;
}

bool mpy::replaceOutput(llvm::StringRef path, llvm::function_ref<bool(llvm::StringRef)> write,
                        Diagnostics &diagnostics) {
  if (isSpecial(path))
    return write(path);
  llvm::SmallString<256> temporary;
  llvm::sys::fs::createUniquePath(path + ".mpyc-%%%%%%", temporary, /*MakeAbsolute=*/false);
  RemovedOnExit removed(temporary);
  if (!write(temporary))
    return false;
  if (std::error_code error = llvm::sys::fs::rename(temporary, path)) {
    diagnostics.reportGlobal(ErrorId::OutputFailed, {path.str(), error.message()});
    return false;
  }
  removed.keep();
  return true;
}

bool mpy::writeOutput(llvm::StringRef path, llvm::StringRef bytes, Diagnostics &diagnostics) {
  auto failed = [&] {
    diagnostics.reportGlobal(ErrorId::OutputFailed, {path.str(), std::strerror(errno)});
    return false;
  };
  if (path == "-") {
    llvm::outs().flush();
    return writeAll(1, bytes) || failed();
  }
  return replaceOutput(
      path,
      [&](llvm::StringRef target) {
        int descriptor = open(target.str().c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
        if (descriptor < 0)
          return failed();
        if (!writeAll(descriptor, bytes)) {
          int reason = errno;
          close(descriptor);
          errno = reason;
          return failed();
        }
        return close(descriptor) == 0 || failed();
      },
      diagnostics);
}
