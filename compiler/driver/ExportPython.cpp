// What a module exports -> a Python module that calls its shared library through ctypes.
//
//   loss(w: f64['d'], x: f64['n d'])   ->   def loss(w, x) -> float: ..
//
// What all such modules share is PythonModule.py, which is part of each: a module needs NumPy and
// its library alone. Parameters and results have the structure that they have in the program.
#include "driver/ExportPython.h"
#include "backend/ExportMetadata.h"
#include "driver/ExportHeader.h"
#include "driver/PythonModule.inc"

#include "frontend/library/PythonNames.h"
#include "mpy.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

using namespace mpy;

/// Text as Python writes it.
static std::string quoted(llvm::StringRef text) {
  std::string result = "'";
  for (unsigned char c : text) {
    if (c == '\'' || c == '\\')
      result += '\\';
    if (c < 32 || c == 127)
      result += "\\x" + llvm::toHex(llvm::StringRef(reinterpret_cast<char *>(&c), 1), true);
    else
      result += static_cast<char>(c);
  }
  return result + "'";
}

static void printLeaves(llvm::raw_ostream &out, const std::vector<ExportLeaf> &leaves,
                        const std::vector<std::string> &extents) {
  out << "[";
  for (auto [number, leaf] : llvm::enumerate(leaves)) {
    out << (number ? ", " : "") << "(" << quoted(leaf.name) << ", '"
        << elementNames(leaf.element).numpy << "', ";
    if (leaf.isNumber) {
      out << "None)";
      continue;
    }
    out << "(";
    for (const ExportExtent &extent : leaf.shape)
      if (extent.kind == ExportExtent::Kind::Number)
        out << extent.number << ", ";
      else if (extent.kind == ExportExtent::Kind::Name)
        out << quoted(extents[extent.number]) << ", ";
      else
        out << "None, ";
    out << "))";
  }
  out << "]";
}

/// A type hint: numbers, arrays, and containers of them.
static std::string hint(const ExportForm &form, const std::vector<ExportLeaf> &leaves) {
  using Kind = ExportForm::Kind;
  switch (form.kind) {
  case Kind::None:
    return "None";
  case Kind::Leaf:
    return leaves[form.leaf].isNumber ? elementNames(leaves[form.leaf].element).python
                                      : "_np.ndarray";
  case Kind::List:
    return "list";
  case Kind::Dict:
    return "dict";
  case Kind::Tuple:
    break;
  }
  std::vector<std::string> parts;
  for (const ExportForm &part : form.parts)
    parts.push_back(hint(part, leaves));
  return parts.empty() ? "tuple" : "tuple[" + llvm::join(parts, ", ") + "]";
}

/// The places in a parameter where its leaves are: `p['w']`, `p[0]`.
static void places(const ExportForm &form, const std::string &place,
                   std::vector<std::string> &found) {
  if (form.kind == ExportForm::Kind::Leaf)
    found.push_back(place);
  for (auto [number, part] : llvm::enumerate(form.parts))
    places(part,
           place + "[" +
               (form.kind == ExportForm::Kind::Dict ? quoted(form.keys[number])
                                                    : std::to_string(number)) +
               "]",
           found);
}

/// The result made of its leaves.
static std::string rebuilt(const ExportForm &form) {
  using Kind = ExportForm::Kind;
  if (form.kind == Kind::None)
    return "None";
  if (form.kind == Kind::Leaf)
    return "_r[" + std::to_string(form.leaf) + "]";
  std::string text = form.kind == Kind::Tuple ? "(" : form.kind == Kind::List ? "[" : "{";
  for (auto [number, part] : llvm::enumerate(form.parts))
    text +=
        (form.kind == Kind::Dict ? quoted(form.keys[number]) + ": " : "") + rebuilt(part) + ", ";
  return text + (form.kind == Kind::Tuple ? ")" : form.kind == Kind::List ? "]" : "}");
}

static void printDocumentation(llvm::raw_ostream &out, const Exports &exports, const Export &made) {
  std::string text;
  llvm::raw_string_ostream lines(text);
  if (made.kind == ExportKind::Value && !made.documentation.empty())
    lines << llvm::StringRef(made.documentation).trim() << "\n\n";
  else if (made.kind != ExportKind::Value)
    lines << sentenceOf(made.kind) << " " << made.function << ".\n\n";
  for (const ExportLeaf &leaf : made.parameters)
    lines << "    " << leaf.name << ": " << exportedType(leaf, made.extents) << "\n";
  for (const ExportLeaf &leaf : made.results)
    lines << "    -> " << leaf.name << ": " << exportedType(leaf, made.extents) << "\n";
  lines << "\n    " << llvm::sys::path::filename(exports.file) << ", line " << made.line << ".";
  // A text of the program must not end the docstring.
  std::string safe;
  for (char c : text)
    safe += c == '\\' || c == '"' ? std::string("\\") + c : std::string(1, c);
  out << "    \"\"\"" << safe << "\n    \"\"\"\n";
}

/// By which parameters a derivative is, as the program has said it: `0`, `(0, 1)`.
static std::string wrtText(const Export &made) {
  std::string text;
  for (int64_t number : made.wrt)
    text += std::to_string(number) + (made.isSingle ? "" : ", ");
  return made.isSingle ? text : "(" + text + ")";
}

/// Whether a function of this name would take a name from the code that all modules share: a
/// builtin of Python, or a name of its own.
static bool isTaken(llvm::StringRef name) { return name.starts_with("_") || isPythonBuiltin(name); }

std::string mpy::exportPython(const Exports &exports, llvm::StringRef library) {
  std::string text;
  llvm::raw_string_ostream out(text);
  std::vector<std::string> names;
  for (const Export &made : exports.functions)
    names.push_back(quoted(made.name));
  out << "\"\"\"Functions of " << llvm::sys::path::filename(exports.file)
      << ", compiled by mpyc.\n\nArrays go in without a copy where they are in row-major order, "
         "and "
         "come out without one.\nEach thread has its own state. What the program raises is raised "
         "here, at its line.\n\"\"\"\n\n_LIBRARY = "
      << quoted(library) << "\n_SIGNATURE = " << quoted(signatureSymbol(exports))
      << "\n_ABI_VERSION, _BUSY = " << MPY_ABI_VERSION << ", " << MPY_ERROR_BUSY << "\n__all__ = ["
      << llvm::join(names, ", ") << "]\n\n"
      << pythonModule;
  for (const Export &made : exports.functions) {
    bool isHidden = isTaken(made.name);
    std::string name = (isHidden ? "_export_" : "") + made.name;
    out << "_call_" << made.name << " = _Function('" << exports.module << "_" << made.name
        << "',\n    ";
    printLeaves(out, made.parameters, made.extents);
    out << ",\n    ";
    printLeaves(out, made.results, made.extents);
    out << ")\n\n\ndef " << name << "(";
    std::vector<std::string> given;
    for (auto [number, name] : llvm::enumerate(made.parameterNames)) {
      out << (number ? ", " : "") << name << ": "
          << hint(made.parameterForms[number], made.parameters);
      places(made.parameterForms[number], name, given);
    }
    out << ") -> " << hint(made.resultForm, made.results) << ":\n";
    printDocumentation(out, exports, made);
    out << "    _r = _call_" << made.name << "(" << llvm::join(given, ", ") << ")\n    return "
        << rebuilt(made.resultForm) << "\n\n\n";
    if (made.kind != ExportKind::Value)
      out << name << ".wrt = " << wrtText(made) << "\n\n\n";
    if (isHidden)
      out << "_hide(" << quoted(made.name) << ", " << name << ")\n\n\n";
  }
  text.resize(llvm::StringRef(text).rtrim().size());
  return text + "\n";
}
