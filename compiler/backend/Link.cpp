// Links an object file with the runtime into an executable or a library: libmpyrt.a, and
// libmpyplots.a beside it, of which programs that plot get a part.
//
//   prog.o + libmpyrt.a   ->   cc -fuse-ld=lld prog.o libmpyplots.a libmpyrt.a -lmvec -lm -ldl -o
//   prog model.o + libmpyrt.a  ->   the same with -shared, or an archive of the members of both
//
// The C compiler driver is used because it alone knows where this system keeps its start files and
// libraries; lld, where it is installed, because it is several times faster. The
// executable depends on the C library alone.
#include "backend/Link.h"

#include "llvm/ADT/SmallString.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/Object/Archive.h"
#include "llvm/Object/ArchiveWriter.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Program.h"
#include <cerrno>
#include <cstring>

using namespace mpy;

// A runtime that is built with a sanitizer can only be linked by the compiler that built it.
#ifndef MPY_LINK_DRIVER
#define MPY_LINK_DRIVER ""
#endif
#ifndef MPY_LINK_FLAG
#define MPY_LINK_FLAG ""
#endif

std::optional<std::string> mpy::findRuntimeLibrary(llvm::StringRef compilerPath) {
  llvm::StringRef prefix = llvm::sys::path::parent_path(llvm::sys::path::parent_path(compilerPath));
  for (const char *place : {"lib/mpy/libmpyrt.a", "lib/libmpyrt.a"}) {
    llvm::SmallString<256> candidate(prefix);
    llvm::sys::path::append(candidate, place);
    if (llvm::sys::fs::exists(candidate))
      return std::string(candidate);
  }
  return std::nullopt;
}

/// The archive beside the runtime that draws plots. It is not there while mpyc compiles what is in
/// it.
static std::optional<std::string> plotsLibrary(llvm::StringRef runtimeLibrary) {
  llvm::SmallString<256> path(llvm::sys::path::parent_path(runtimeLibrary));
  llvm::sys::path::append(path, "libmpyplots.a");
  if (!llvm::sys::fs::exists(path))
    return std::nullopt;
  return std::string(path);
}

/// The first of these programs that the search path, or LLVM's own folder, has.
static std::optional<std::string> findProgram(llvm::ArrayRef<const char *> names) {
  for (const char *name : names)
    if (*name)
      if (auto found = llvm::sys::findProgramByName(name))
        return *found;
  return std::nullopt;
}

/// The folder of a program `ld.lld`, the name under which compiler drivers look for it.
static std::optional<std::string> findLldFolder() {
  for (const char *folder : {"/usr/lib/llvm-22/bin", "/usr/bin", "/usr/local/bin"}) {
    llvm::SmallString<128> candidate(folder);
    llvm::sys::path::append(candidate, "ld.lld");
    if (llvm::sys::fs::can_execute(candidate))
      return std::string(folder);
  }
  return std::nullopt;
}

/// Whether there is hardly room for an executable beside this path. A linker that maps its output
/// dies of a fault then, without a word about the disk, and leaves its file behind.
static bool isDiskFull(llvm::StringRef path) {
  llvm::StringRef folder = llvm::sys::path::parent_path(path);
  llvm::ErrorOr<llvm::sys::fs::space_info> space =
      llvm::sys::fs::disk_space(folder.empty() ? "." : folder);
  return space && space->available < (512 << 10);
}

std::vector<std::string> mpy::linkCommand(const LinkJob &job, std::string &reason) {
  std::optional<std::string> compiler =
      findProgram({MPY_LINK_DRIVER, "cc", "gcc", "clang-22", "clang"});
  if (!compiler) {
    reason = "no linker: none of cc, gcc, clang-22 and clang is on the search path";
    return {};
  }
  std::vector<std::string> words = {*compiler};
  bool isSmall = job.kind == LinkKind::SharedLibrary && !job.hasDebugLines;
  if (std::optional<std::string> folder = findLldFolder()) {
    words.insert(words.end(), {"-B" + *folder, "-fuse-ld=lld"});
    // Functions and texts that are alike are there once; addresses to be moved are a list of bits,
    // which glibc reads from 2.36 on.
    if (isSmall)
      words.insert(words.end(), {"-Wl,--icf=safe", "-Wl,-O2", "-Wl,-z,pack-relative-relocs"});
  }
  if (*MPY_LINK_FLAG)
    words.push_back(MPY_LINK_FLAG);
  // What callers use of the runtime is there, whether the object uses it or not; the compiled code
  // calls its own runtime, whatever else is loaded. Names that nobody else can see are left out.
  if (job.kind == LinkKind::SharedLibrary)
    words.insert(words.end(),
                 {"-shared", "-Wl,-u,mpy_ctx_new_for", "-Wl,-z,defs", "-Wl,-Bsymbolic"});
  else
    words.push_back("-pie");
  if (isSmall)
    words.push_back("-Wl,--strip-all");
  words.push_back(job.object);
  for (const std::string &file : job.more) {
    words.push_back(file);
    // Where the program looks for it when it starts.
    if (llvm::StringRef(file).contains(".so")) {
      llvm::SmallString<128> folder(file);
      llvm::sys::fs::make_absolute(folder);
      words.push_back(("-Wl,-rpath," + llvm::sys::path::parent_path(folder)).str());
    }
  }
  if (std::optional<std::string> plots = plotsLibrary(job.runtimeLibrary))
    words.push_back(*plots);
  words.insert(words.end(), {job.runtimeLibrary, "-static-libgcc", "-Wl,--gc-sections",
                             "-Wl,--as-needed", "-lmvec", "-lm", "-ldl", "-o", job.output});
  return words;
}

bool mpy::link(const LinkJob &job, llvm::StringRef messages, llvm::function_ref<void(int)> started,
               std::string &reason) {
  std::vector<std::string> words = linkCommand(job, reason);
  if (words.empty())
    return false;
  if (isDiskFull(job.output)) {
    reason = std::strerror(ENOSPC);
    return false;
  }
  std::vector<llvm::StringRef> arguments(words.begin(), words.end());
  std::optional<llvm::StringRef> redirects[] = {llvm::StringRef(""), messages, messages};
  std::string launchError;
  bool failed = false;
  started(-1);
  llvm::sys::ProcessInfo linker = llvm::sys::ExecuteNoWait(
      words.front(), arguments, std::nullopt, redirects, /*MemoryLimit=*/0, &launchError, &failed,
      /*AffinityMask=*/nullptr, /*DetachProcess=*/true);
  int status = -1;
  if (!failed) {
    started(linker.Pid);
    status = llvm::sys::Wait(linker, std::nullopt, &launchError).ReturnCode;
  }
  started(0);
  if (status != 0) {
    auto text = llvm::MemoryBuffer::getFile(messages);
    reason = launchError.empty() && text ? (*text)->getBuffer().rtrim().str() : launchError;
    if (reason.empty())
      reason = words.front() + " ended with status " + std::to_string(status);
  }
  return status == 0;
}

bool mpy::writeArchive(llvm::StringRef object, llvm::StringRef memberName,
                       llvm::ArrayRef<std::string> more, llvm::StringRef runtimeLibrary,
                       llvm::StringRef output, std::string &reason) {
  auto failed = [&](llvm::Error error) {
    reason = llvm::toString(std::move(error));
    return false;
  };
  std::vector<llvm::NewArchiveMember> members;
  members.emplace_back(llvm::MemoryBufferRef(object, memberName));
  // What members refer to stays in memory until they are written.
  std::vector<std::unique_ptr<llvm::MemoryBuffer>> buffers;
  std::vector<std::unique_ptr<llvm::object::Archive>> archives;
  std::vector<std::string> paths(more.begin(), more.end());
  paths.push_back(runtimeLibrary.str());
  if (std::optional<std::string> plots = plotsLibrary(runtimeLibrary))
    paths.push_back(*plots);
  for (const std::string &path : paths) {
    auto buffer = llvm::MemoryBuffer::getFile(path);
    if (!buffer) {
      reason = buffer.getError().message();
      return false;
    }
    if (llvm::StringRef(path).ends_with(".o")) {
      members.emplace_back(
          llvm::MemoryBufferRef((*buffer)->getBuffer(), llvm::sys::path::filename(path)));
      buffers.push_back(std::move(*buffer));
      continue;
    }
    auto archive = llvm::object::Archive::create((*buffer)->getMemBufferRef());
    if (!archive)
      return failed(archive.takeError());
    llvm::Error error = llvm::Error::success();
    for (const llvm::object::Archive::Child &child : (*archive)->children(error)) {
      auto member = llvm::NewArchiveMember::getOldMember(child, /*Deterministic=*/true);
      if (!member)
        return failed(member.takeError());
      members.push_back(std::move(*member));
    }
    if (error)
      return failed(std::move(error));
    buffers.push_back(std::move(*buffer));
    archives.push_back(std::move(*archive));
  }
  if (llvm::Error written = llvm::writeArchive(
          output, members, llvm::SymtabWritingMode::NormalSymtab, llvm::object::Archive::K_GNU,
          /*Deterministic=*/true, /*Thin=*/false))
    return failed(std::move(written));
  return true;
}
