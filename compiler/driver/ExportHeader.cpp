// What a module exports -> its C header.
//
//   loss(w: f64['d'], x: f64['n d'])   ->   int model_loss(mpy_ctx *ctx, const mpy_array *w,
//                                                          const mpy_array *x, double *result);
//
// It is valid C99 and C++; comments say shapes, element types, and who owns what.
#include "driver/ExportHeader.h"

#include "backend/ExportMetadata.h"
#include "mpy.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

using namespace mpy;

std::string mpy::exportedType(const ExportLeaf &leaf, const std::vector<std::string> &extents) {
  std::string text = elementNames(leaf.element).numpy;
  if (leaf.isNumber)
    return text;
  text += '[';
  for (auto [dim, extent] : llvm::enumerate(leaf.shape)) {
    if (dim)
      text += ", ";
    if (extent.kind == ExportExtent::Kind::Number)
      text += std::to_string(extent.number);
    else
      text += extent.kind == ExportExtent::Kind::Name ? extents[extent.number] : "?";
  }
  return text + ']';
}

/// A name that is no word of C or C++.
static std::string parameterName(llvm::StringRef name) {
  bool isWord =
      llvm::StringSwitch<bool>(name)
          .Cases({"auto", "char", "const", "default", "do", "double", "enum", "extern"}, true)
          .Cases({"float", "goto", "int", "long", "register", "short", "signed", "sizeof"}, true)
          .Cases({"static", "struct", "switch", "typedef", "union", "unsigned", "void"}, true)
          .Cases({"volatile", "case", "inline", "restrict", "bool", "catch", "delete"}, true)
          .Cases({"explicit", "friend", "mutable", "namespace", "new", "operator"}, true)
          .Cases({"private", "protected", "public", "template", "this", "throw", "typename"}, true)
          .Cases({"using", "virtual", "ctx", "export", "true", "false", "not", "and", "or"}, true)
          .Cases({"wchar_t", "xor", "const_cast", "decltype", "noexcept", "nullptr"}, true)
          .Cases({"alignas", "alignof", "constexpr", "concept", "requires", "asm", "main"}, true)
          .Cases({"typeid", "compl", "bitand", "bitor", "thread_local", "static_assert"}, true)
          .Cases({"NULL", "errno", "linux", "unix", "typeof", "I", "char8_t"}, true)
          .Default(name.starts_with("mpy_") || name.ends_with("_t"));
  return (name + (isWord ? "_" : "")).str();
}

const char *mpy::sentenceOf(ExportKind kind) {
  switch (kind) {
  case ExportKind::Value:
    return "";
  case ExportKind::Gradient:
    return "The gradient of";
  case ExportKind::ValueAndGradient:
    return "The value and the gradient of";
  case ExportKind::Vjp:
    return "The gradient of sum(value * cotangent), where value is that of";
  case ExportKind::Jvp:
    return "The value, and its derivative in the direction of the tangents, of";
  case ExportKind::Hvp:
    return "The Hessian, times the vectors, of";
  }
  return "";
}

static void printComment(llvm::raw_ostream &out, const Exports &exports, const Export &made) {
  llvm::StringRef sentence = sentenceOf(made.kind);
  out << "\n/* ";
  if (!sentence.empty())
    out << sentence << " ";
  out << made.function << " (" << llvm::sys::path::filename(exports.file) << ":" << made.line
      << ").";
  if (made.kind == ExportKind::Value && !made.documentation.empty()) {
    llvm::SmallVector<llvm::StringRef> lines;
    llvm::StringRef(made.documentation).trim().split(lines, '\n');
    out << "\n *";
    for (llvm::StringRef line : lines) {
      // No end of the comment in the comment.
      std::string safe = line.trim().str();
      for (size_t at = 0; (at = safe.find("*/", at)) != std::string::npos;)
        safe.replace(at, 2, "* /");
      out << "\n *" << (safe.empty() ? "" : " ") << safe;
    }
    out << "\n *";
  }
  auto describe = [&](const ExportLeaf &leaf, const char *role) {
    out << "\n *   " << role << " " << parameterName(leaf.name) << ": "
        << exportedType(leaf, made.extents);
  };
  for (const ExportLeaf &leaf : made.parameters)
    describe(leaf, "in ");
  for (const ExportLeaf &leaf : made.results)
    describe(leaf, "out");
  out << "\n */\n";
}

static std::vector<std::string> inputsOf(const Export &made) {
  std::vector<std::string> parameters{"mpy_ctx *ctx"};
  for (const ExportLeaf &leaf : made.parameters)
    parameters.push_back(
        (leaf.isNumber ? std::string(elementNames(leaf.element).c) + " " : "const mpy_array *") +
        parameterName(leaf.name));
  return parameters;
}

static void printDeclaration(llvm::raw_ostream &out, const std::string &name,
                             const std::vector<std::string> &parameters) {
  std::string start = "int " + name + "(";
  out << "MPY_API " << start;
  size_t column = start.size() + 8;
  for (auto [number, parameter] : llvm::enumerate(parameters)) {
    bool isLast = number + 1 == parameters.size();
    if (number && column + parameter.size() + 2 > 96) {
      out << "\n" << std::string(start.size() + 8, ' ');
      column = start.size() + 8;
    } else if (number) {
      out << " ";
    }
    out << parameter << (isLast ? "" : ",");
    column += parameter.size() + 2;
  }
  out << ");\n";
}

static void printFunction(llvm::raw_ostream &out, const Exports &exports, const Export &made) {
  printComment(out, exports, made);
  std::string name = exports.module + "_" + made.name;
  std::vector<std::string> parameters = inputsOf(made), shapes = parameters;
  for (const ExportLeaf &leaf : made.results) {
    parameters.push_back(
        (leaf.isNumber ? std::string(elementNames(leaf.element).c) + " *" : "mpy_array *") +
        parameterName(leaf.name));
    if (!leaf.isNumber)
      shapes.push_back("int64_t *" + leaf.name + "_shape");
  }
  printDeclaration(out, name, parameters);
  if (!shapedResults(made))
    return;
  out << "/* The extents of its results for these arguments; -1 where the call alone knows. */\n";
  printDeclaration(out, name + "_shapes", shapes);
}

/// What others are to define, as the program calls it.
static void printExterns(llvm::raw_ostream &out, const Exports &exports,
                         llvm::ArrayRef<ExternDeclaration> externs) {
  if (externs.empty())
    return;
  out << "\n/* Functions that " << llvm::sys::path::filename(exports.file)
      << " calls and another program defines. Arrays are row-major and contiguous;\n"
      << " * parameters (x) are only read, results (r) have memory to be filled. What is returned "
         "is "
         "MPY_OK,\n"
      << " * or another number, which raises RuntimeError.\n */\n";
  for (const ExternDeclaration &one : externs)
    out << "/* " << one.name << ": " << one.signature << " */\n"
        << externPrototype(one.name, one.signature) << "\n";
}

static std::string headerOfExterns(const Exports &exports,
                                   llvm::ArrayRef<ExternDeclaration> externs) {
  std::string text, guard = llvm::StringRef(exports.module).upper() + "_H";
  llvm::raw_string_ostream out(text);
  out << "#ifndef " << guard << "\n#define " << guard << "\n\n#include <mpy.h>\n\n"
      << "#ifdef __cplusplus\nextern \"C\" {\n#endif\n";
  printExterns(out, exports, externs);
  out << "\n#ifdef __cplusplus\n}\n#endif\n#endif\n";
  return text;
}

std::string mpy::exportHeader(const Exports &exports, llvm::ArrayRef<ExternDeclaration> externs) {
  if (exports.functions.empty())
    return headerOfExterns(exports, externs);
  std::string text;
  llvm::raw_string_ostream out(text);
  std::string guard = llvm::StringRef(exports.module).upper() + "_H";
  out << "/* Functions of " << llvm::sys::path::filename(exports.file) << ", compiled by mpyc.\n"
      << " *\n"
      << " * Each returns MPY_OK or another status of mpy.h; then no result is changed, and\n"
      << " * mpy_error_message(ctx) says what and where. Inputs (in) are borrowed for the call. A "
         "result\n"
      << " * array (out) whose `data` is null is allocated, for the caller to free with "
         "mpy_array_free;\n"
      << " * another is written, and must have the shape that is said here. An extent that is a "
         "name is\n"
      << " * the same wherever the name stands; `?` is an extent that the call alone knows.\n"
      << " */\n"
      << "#ifndef " << guard << "\n#define " << guard << " 0x" << exportSignature(exports) << "\n\n"
      << "#include <mpy.h>\n#include <stdbool.h>\n\n"
      << "#if MPY_ABI_VERSION != " << MPY_ABI_VERSION << "\n"
      << "#error \"" << exports.module << ".h was written for version " << MPY_ABI_VERSION
      << " of mpy.h\"\n#endif\n\n"
      << "#ifdef __cplusplus\nextern \"C\" {\n#endif\n\n"
      << "/* Runs the statements of the module, unless the context has done so: the first call of "
         "a\n"
      << " * function does it, too.\n */\n"
      << "MPY_API int " << exports.module << "_init(mpy_ctx *ctx);\n\n"
      << "/* An object or library whose functions have other parameters or results does not "
         "define\n"
      << " * this name: what was compiled with an older header does not link with it.\n */\n"
      << "MPY_API extern const char " << signatureSymbol(exports) << ";\n"
      << "MPY_KEPT static const char *const " << exports.module << "_signature = &"
      << signatureSymbol(exports) << ";\n\n"
      << "/* A description of all functions in JSON. */\n"
      << "MPY_API const char *" << exports.module << "_metadata(void);\n";
  for (const Export &made : exports.functions)
    printFunction(out, exports, made);
  printExterns(out, exports, externs);
  out << "\n#ifdef __cplusplus\n}\n#endif\n"
      << "#elif " << guard << " != 0x" << exportSignature(exports) << "\n"
      << "#error \"two modules are named " << exports.module
      << ": the linker would take the functions of one for both\"\n#endif\n";
  return text;
}
