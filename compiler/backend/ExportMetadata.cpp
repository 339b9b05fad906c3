// What a module exports -> a description in JSON.
//
//   {"module": "model", "abi_version": 3, "signature": "5f0c..", "functions": [{"name":
//   "model_loss", "of": "loss", "kind": "value", "wrt": null, "parameters": [{"name": "x", "dtype":
//   "float64", "shape": ["n", 3]}], ..}]}
//
// A number has no shape; an extent is a number, a name, or null where the call alone knows it.
#include "backend/ExportMetadata.h"

#include "mpyrt.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/xxhash.h"

using namespace mpy;

size_t mpy::shapedResults(const Export &made) {
  if (made.kind != ExportKind::Value)
    return 0;
  return llvm::count_if(made.results, [](const ExportLeaf &leaf) { return !leaf.isNumber; });
}

const ElementNames &mpy::elementNames(int32_t element) {
  static constexpr ElementNames all[] = {
      {"bool", "bool", "bool"},      {"int32", "int32_t", "int"},    {"int64", "int64_t", "int"},
      {"float32", "float", "float"}, {"float64", "double", "float"}, {"int8", "int8_t", "int"},
      {"int16", "int16_t", "int"},   {"uint8", "uint8_t", "int"},    {"uint16", "uint16_t", "int"},
      {"uint32", "uint32_t", "int"}, {"uint64", "uint64_t", "int"}};
  static_assert(std::size(all) == MPY_UINT64 + 1);
  return all[element];
}

static const char *nameOf(ExportKind kind) {
  static const char *const names[] = {"value", "grad", "value_and_grad", "vjp", "jvp", "hvp"};
  return names[static_cast<int>(kind)];
}

static llvm::json::Array describe(const std::vector<ExportLeaf> &leaves, const Export &made) {
  llvm::json::Array described;
  for (const ExportLeaf &leaf : leaves) {
    llvm::json::Object object{{"name", leaf.name}, {"dtype", elementNames(leaf.element).numpy}};
    if (!leaf.isNumber) {
      llvm::json::Array shape;
      for (const ExportExtent &extent : leaf.shape)
        if (extent.kind == ExportExtent::Kind::Number)
          shape.push_back(extent.number);
        else if (extent.kind == ExportExtent::Kind::Name)
          shape.push_back(made.extents[extent.number]);
        else
          shape.push_back(nullptr);
      object["shape"] = std::move(shape);
    }
    described.push_back(std::move(object));
  }
  return described;
}

std::string mpy::exportSignature(const Exports &exports) {
  std::string text;
  llvm::raw_string_ostream out(text);
  for (const Export &made : exports.functions)
    out << made.name
        << llvm::json::Value(
               llvm::json::Array{describe(made.parameters, made), describe(made.results, made)});
  return llvm::utohexstr(llvm::xxh3_64bits(text), /*LowerCase=*/true, /*Width=*/16);
}

std::string mpy::signatureSymbol(const Exports &exports) {
  return exports.module + "_header_is_not_of_this_object_" + exportSignature(exports);
}

static llvm::json::Value wrtOf(const Export &made) {
  if (made.kind == ExportKind::Value)
    return nullptr;
  return llvm::json::Array(made.wrt);
}

std::string mpy::exportMetadata(const Exports &exports) {
  llvm::json::Array functions;
  for (const Export &made : exports.functions)
    functions.push_back(llvm::json::Object{{"name", exports.module + "_" + made.name},
                                           {"of", made.function},
                                           {"kind", nameOf(made.kind)},
                                           {"wrt", wrtOf(made)},
                                           {"line", static_cast<int64_t>(made.line)},
                                           {"parameters", describe(made.parameters, made)},
                                           {"results", describe(made.results, made)}});
  std::string text;
  llvm::raw_string_ostream(text) << llvm::json::Value(
      llvm::json::Object{{"module", exports.module},
                         {"file", llvm::sys::path::filename(exports.file)},
                         {"abi_version", MPY_ABI_VERSION},
                         {"signature", exportSignature(exports)},
                         {"functions", std::move(functions)}});
  return text;
}
