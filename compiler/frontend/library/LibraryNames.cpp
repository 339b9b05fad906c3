// Names of the library that is written in the language, bound when they are first looked up:
//
//   np.trace(x)    =>    the def of `trace` in lang/library/numpy/_shapes.mpy is parsed alone, and
//   is
//                        a function like one of the program
//
// Its code finds names in its own file, then Python's. No name has a cell, so what is not used
// costs nothing where paths meet. Classes are objects of the heap that are there from the start and
// filled when they are asked for, the same for all paths.
#include "frontend/interpret/Specializer.h"
#include "frontend/syntax/Parse.h"

namespace mpy {

void Specializer::initialiseLibrary() {
  libraryGlobals = heap.add(NamespaceState{});
  firstLibraryClass = heap.size();
  for (unsigned i = 0; i < numberOfLibraryClasses(); ++i) {
    ClassState cls;
    cls.resolution.push_back(heap.size());
    libraryClasses.push_back(std::make_shared<ObjectState>(std::move(cls)));
    heap.setPointer(heap.add(NamespaceState{}), libraryClasses.back());
  }
}

Value Specializer::nameInLibrary(const LibraryFile &file, llvm::StringRef name) {
  auto it = file.entries.find(name);
  return it == file.entries.end() ? Value() : libraryValue(it->second, name);
}

Value Specializer::methodInLibrary(const Value &object, llvm::StringRef type,
                                   llvm::StringRef name) {
  const LibraryEntry *entry = findLibraryEntry(("_methods." + type).str(), name);
  if (!entry)
    return {};
  return std::make_shared<const BoundMethodValue>(
      BoundMethodValue{object, libraryValue(*entry, name)});
}

std::optional<Value> Specializer::askClass(const Value &cls, const char *method,
                                           ValueList arguments) {
  if (!object<ClassState>(cls))
    return std::nullopt;
  Value asked = classAttribute(cls.get<ObjectRef>()->id, method);
  if (!asked.as<ClosureValue>() || !asked.as<ClosureValue>()->library)
    return std::nullopt;
  arguments.insert(arguments.begin(), cls);
  return call(asked, CallArguments{std::move(arguments), {}, span});
}

Value Specializer::libraryValue(const LibraryEntry &entry, llvm::StringRef name) {
  using Kind = LibraryEntry::Kind;
  if (entry.kind == Kind::Class && heap.get<ClassState>(libraryClass(entry))->node)
    return ObjectRef{libraryClass(entry)};
  if (auto it = libraryValues.find(&entry); it != libraryValues.end())
    return it->second;
  std::string where = "library/" + entry.file->module + ":" + std::to_string(entry.line);
  std::unique_ptr<ast::Module> &parsed = attempts.modules[where];
  if (!parsed)
    parsed = parseModule(sources, sources.add(where, entry.text.str()), diagnostics);
  if (!parsed)
    throw Abort();
  Frame top;
  top.scope = &parsed->scope;
  top.globals = libraryGlobals;
  top.library = entry.file;
  top.moduleNode = parsed.get();
  top.name = entry.file->module;
  top.callSpan = span;
  enter(top);
  struct Pop {
    Specializer &s;
    size_t depth;
    ~Pop() { s.frames.resize(depth); }
  } pop{*this, frames.size() - 1};
  top.locals["%return"] = makeBool(false);
  execute(parsed->body);
  Value value = dead ? Value(NoneValue{}) : top.locals[name.str()];
  // A constant may be an array or a list, which each use has for itself.
  if (!dead && entry.kind != Kind::Constant)
    libraryValues[&entry] = value;
  return value;
}

} // namespace mpy
