// Names that Python and its libraries know, from the lists in PythonNames.def.
#include "frontend/library/PythonNames.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"

namespace mpy {

static const llvm::StringMap<llvm::StringSet<>> &tables() {
  static const llvm::StringMap<llvm::StringSet<>> all = [] {
    llvm::StringMap<llvm::StringSet<>> made;
    auto add = [&](llvm::StringRef table, llvm::StringRef names) {
      llvm::SmallVector<llvm::StringRef> words;
      names.split(words, ' ');
      for (llvm::StringRef word : words)
        made[table].insert(word);
    };
#define MPY_NAMES(table, names) add(table, names);
#include "frontend/library/PythonNames.def"
    return made;
  }();
  return all;
}

static bool has(llvm::StringRef table, llvm::StringRef name) {
  auto found = tables().find(table);
  return found != tables().end() && found->second.contains(name);
}

bool isPythonBuiltin(llvm::StringRef name) { return has("builtins", name); }
bool isStandardModule(llvm::StringRef top) { return has("modules", top); }
bool isLibraryName(llvm::StringRef module, llvm::StringRef name) { return has(module, name); }
bool isListedModule(llvm::StringRef module) { return tables().count(module); }
bool isTypeAttribute(llvm::StringRef type, llvm::StringRef name) {
  return has((type + ".").str(), name);
}
bool isKnownType(llvm::StringRef type) { return tables().count((type + ".").str()); }

} // namespace mpy
