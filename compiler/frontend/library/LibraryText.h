// The library that is written in the language: its files, which are part of mpyc, and where in
// them each name is.
#ifndef MPY_FRONTEND_LIBRARYTEXT_H
#define MPY_FRONTEND_LIBRARYTEXT_H

#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringRef.h"
#include <optional>
#include <string>
#include <vector>

namespace mpy {

struct LibraryFile;

/// What one name of a file is made by: a `def`, a `class`, an assignment or an import.
struct LibraryEntry {
  enum class Kind { Function, Class, Constant, Import } kind;
  const LibraryFile *file;
  /// The statement alone.
  llvm::StringRef text;
  unsigned line;
  /// Of a class: its number among all classes of the library.
  unsigned classNumber = 0;
};

/// One file: `lang/library/numpy/_reductions.mpy` is the module `numpy._reductions`.
struct LibraryFile {
  std::string module;
  llvm::StringRef text;
  llvm::StringMap<LibraryEntry> entries;
};

/// The file of a module, or null.
const LibraryFile *findLibraryFile(llvm::StringRef module);
/// Whether there is such a module: a file, or a folder with files in it.
bool isLibraryModule(llvm::StringRef module);
/// Whether only files of the library may import it: `numpy._shapes`, `_dicts`.
bool isPrivateModule(llvm::StringRef module);
/// What a program gets by a name of a module: it stands in the module's file, or in one whose name
/// begins with `_` in the folder of the module. Null if there is none.
const LibraryEntry *findLibraryEntry(llvm::StringRef module, llvm::StringRef name);
/// All public names of a module, in order.
std::vector<std::string> libraryNames(llvm::StringRef module);
/// How many classes the library has.
unsigned numberOfLibraryClasses();
/// The source text of a name by its full path, `numpy.linalg.solve`.
std::optional<std::string> librarySource(llvm::StringRef path);
/// Whether errors name lines of the library, for those who write it: where MPY_LIBRARY names a
/// folder that is read in the place of the files in mpyc.
bool showsLibrary();

} // namespace mpy

#endif // MPY_FRONTEND_LIBRARYTEXT_H
