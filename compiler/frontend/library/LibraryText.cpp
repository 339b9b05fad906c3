// The files of the library (lang/library), and an index of their statements:
//
//   def trace(a, offset=0):           numpy, trace    -> a function, lines 1 and 2
//       return ..                =>   numpy, _flat    -> an import, line 3
//   from numpy._shapes import _flat
//
// A statement begins at a line that is not indented. Nothing is parsed here.
#include "frontend/library/LibraryText.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/ErrorHandling.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include <cstdlib>
#include <map>
#include <memory>
#include <vector>

namespace mpy {

namespace {
struct EmbeddedFile {
  const char *path; // from lang/library, without the suffix
  const char *text;
};
} // namespace

static const EmbeddedFile embedded[] = {
#include "frontend/LibraryEmbedded.inc"
    {nullptr, nullptr}};

namespace {
class Index {
public:
  Index();
  std::map<std::string, LibraryFile, std::less<>> files; // by module
  unsigned classes = 0;

private:
  void add(llvm::StringRef path, llvm::StringRef text);
  void addStatement(LibraryFile &file, llvm::StringRef text, unsigned line);
  std::vector<std::unique_ptr<llvm::MemoryBuffer>> buffers;
};
} // namespace

bool showsLibrary() {
  static const bool shows = std::getenv("MPY_LIBRARY") != nullptr;
  return shows;
}

Index::Index() {
  const char *folder = std::getenv("MPY_LIBRARY");
  if (!folder) {
    for (const EmbeddedFile *file = embedded; file->path; ++file)
      add(file->path, file->text);
    return;
  }
  std::error_code error;
  for (llvm::sys::fs::recursive_directory_iterator it(folder, error), end; !error && it != end;
       it.increment(error)) {
    llvm::StringRef path = it->path();
    if (!path.ends_with(".mpy"))
      continue;
    if (auto buffer = llvm::MemoryBuffer::getFile(path)) {
      llvm::StringRef relative = path.drop_front(llvm::StringRef(folder).size()).ltrim('/');
      add(relative.drop_back(4), (*buffer)->getBuffer());
      buffers.push_back(std::move(*buffer));
    }
  }
}

/// Whether a line continues the statement before it.
static bool isContinuation(llvm::StringRef line) {
  return line.empty() || llvm::StringRef(" \t#)]}\r").contains(line[0]);
}

void Index::add(llvm::StringRef path, llvm::StringRef text) {
  std::string module = path.str();
  std::replace(module.begin(), module.end(), '/', '.');
  llvm::StringRef name = module;
  if (name.consume_back(".__init__"))
    module = name.str();
  LibraryFile &file = files[module];
  file.module = module;
  file.text = text;
  size_t begin = 0; // of the statement
  unsigned line = 1, beginLine = 1;
  bool isDecorated = false, isDocumentation = false;
  auto finish = [&](size_t end) { addStatement(file, text.slice(begin, end), beginLine); };
  for (size_t at = 0; at < text.size(); ++line) {
    size_t end = std::min(text.find('\n', at), text.size());
    llvm::StringRef here = text.slice(at, end);
    if (!isDocumentation && !isContinuation(here)) {
      if (!isDecorated) {
        finish(at);
        begin = at;
        beginLine = line;
      }
      isDecorated = here.starts_with("@");
    }
    if (here.starts_with("\"\"\"") || isDocumentation)
      if (here.count("\"\"\"") % 2 == 1)
        isDocumentation = !isDocumentation;
    at = end + 1;
  }
  finish(text.size());
}

void Index::addStatement(LibraryFile &file, llvm::StringRef text, unsigned line) {
  using Kind = LibraryEntry::Kind;
  llvm::StringRef rest = text.rtrim();
  if (rest.empty() || isContinuation(rest) || rest.starts_with("\"\"\""))
    return;
  auto isName = [](char c) { return llvm::isAlnum(c) || c == '_'; };
  auto put = [&](llvm::StringRef name, Kind kind) {
    LibraryEntry entry{kind, &file, text.rtrim(), line};
    if (kind == Kind::Class)
      entry.classNumber = classes++;
    file.entries[name] = entry;
  };
  while (rest.starts_with("@"))
    rest = rest.substr(rest.find('\n') + 1);
  if (rest.consume_front("def "))
    return put(rest.take_while(isName), Kind::Function);
  if (rest.consume_front("class "))
    return put(rest.take_while(isName), Kind::Class);
  bool isFrom = rest.starts_with("from ");
  if (isFrom || rest.consume_front("import ")) {
    llvm::StringRef list = isFrom ? rest.substr(rest.find(" import ") + 8) : rest;
    llvm::SmallVector<llvm::StringRef> names;
    list.trim("()\n ").split(names, ',');
    for (llvm::StringRef name : names) {
      auto [given, alias] = name.trim().split(" as ");
      if (!given.empty())
        put(!alias.empty() ? alias.trim() : isFrom ? given : given.split('.').first, Kind::Import);
    }
    return;
  }
  llvm::StringRef name = rest.take_while(isName);
  if (name.empty() || !rest.drop_front(name.size()).starts_with(" = "))
    llvm::report_fatal_error(llvm::Twine("the library: '") + file.module + "', line " +
                             llvm::Twine(line) + " is no def, class, import or assignment");
  put(name, Kind::Constant);
}

static const Index &index() {
  static const Index index;
  return index;
}

const LibraryFile *findLibraryFile(llvm::StringRef module) {
  auto it = index().files.find(module.str());
  return it == index().files.end() ? nullptr : &it->second;
}

bool isPrivateModule(llvm::StringRef module) {
  return module.starts_with("_") || module.contains("._");
}

bool isLibraryModule(llvm::StringRef module) {
  auto it = index().files.lower_bound(module.str());
  if (it != index().files.end() && it->first == module)
    return true;
  it = index().files.lower_bound(module.str() + ".");
  return it != index().files.end() && llvm::StringRef(it->first).starts_with(module.str() + ".");
}

/// Runs `visit` for the files whose names are those of a module.
template <typename Visit> static void forEachPart(llvm::StringRef module, Visit visit) {
  if (const LibraryFile *file = findLibraryFile(module))
    visit(*file);
  std::string prefix = module.str() + "._";
  for (auto it = index().files.lower_bound(prefix); it != index().files.end(); ++it) {
    llvm::StringRef name = it->first;
    if (!name.consume_front(prefix))
      break;
    if (!name.contains('.'))
      visit(it->second);
  }
}

const LibraryEntry *findLibraryEntry(llvm::StringRef module, llvm::StringRef name) {
  const LibraryEntry *found = nullptr;
  // What is private to a folder its files may ask for.
  if (name.starts_with("_") && !isPrivateModule(module))
    return nullptr;
  forEachPart(module, [&](const LibraryFile &file) {
    auto it = file.entries.find(name);
    if (!found && it != file.entries.end() && it->second.kind != LibraryEntry::Kind::Import)
      found = &it->second;
  });
  return found;
}

std::vector<std::string> libraryNames(llvm::StringRef module) {
  std::vector<std::string> names;
  forEachPart(module, [&](const LibraryFile &file) {
    for (auto &entry : file.entries)
      if (!entry.getKey().starts_with("_") && entry.second.kind != LibraryEntry::Kind::Import)
        names.push_back(entry.getKey().str());
  });
  llvm::sort(names);
  return names;
}

unsigned numberOfLibraryClasses() { return index().classes; }

std::optional<std::string> librarySource(llvm::StringRef path) {
  auto [module, name] = path.rsplit('.');
  const LibraryEntry *entry = findLibraryEntry(module, name);
  if (!entry)
    return std::nullopt;
  return entry->text.str() + "\n";
}

} // namespace mpy
