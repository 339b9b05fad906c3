// What a module exports -> a description in JSON.
//
//   {"module": "model", "abi_version": 3, "functions": [{"name": "model_loss", "of": "loss",
//   "kind": "value", "parameters": [{"name": "x", "dtype": "float64", "shape": ["n", 3]}], ..}]}
//
// A number has no shape; an extent is a number, a name, or null where the call alone knows it.
#include "backend/ExportMetadata.h"

#include "mpyrt.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/Path.h"

using namespace mpy;

size_t mpy::shapedResults(const Export &made) {
  if (made.kind != ExportKind::Value)
    return 0;
  return llvm::count_if(made.results, [](const ExportLeaf &leaf) { return !leaf.isNumber; });
}

static const char *nameOf(ExportKind kind) {
  static const char *const names[] = {"value", "grad", "value_and_grad", "vjp", "jvp", "hvp"};
  return names[static_cast<int>(kind)];
}

static llvm::json::Array describe(const std::vector<ExportLeaf> &leaves, const Export &made) {
  static const char *const elements[] = {"bool", "int32", "int64", "float32", "float64"};
  llvm::json::Array described;
  for (const ExportLeaf &leaf : leaves) {
    llvm::json::Object object{{"name", leaf.name}, {"dtype", elements[leaf.element]}};
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

std::string mpy::exportMetadata(const Exports &exports) {
  llvm::json::Array functions;
  for (const Export &made : exports.functions)
    functions.push_back(llvm::json::Object{{"name", exports.module + "_" + made.name},
                                           {"of", made.function},
                                           {"kind", nameOf(made.kind)},
                                           {"line", static_cast<int64_t>(made.line)},
                                           {"parameters", describe(made.parameters, made)},
                                           {"results", describe(made.results, made)}});
  std::string text;
  llvm::raw_string_ostream(text) << llvm::json::Value(
      llvm::json::Object{{"module", exports.module},
                         {"file", llvm::sys::path::filename(exports.file)},
                         {"abi_version", MPY_ABI_VERSION},
                         {"functions", std::move(functions)}});
  return text;
}
