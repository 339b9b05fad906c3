// What a module offers to other programs: asked for by the command line and decorators, described
// by the front end, and turned into C functions, a header and a Python module by the rest.
#ifndef MPY_SUPPORT_EXPORTS_H
#define MPY_SUPPORT_EXPORTS_H

#include "support/Source.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace mpy {

/// What an exported function computes of a function of the program.
enum class ExportKind : uint8_t { Value, Gradient, ValueAndGradient, Vjp, Jvp, Hvp };

/// A function that is to be exported.
struct ExportRequest {
  std::string function;
  std::vector<ExportKind> kinds;
  /// By which of its parameters it is differentiated. A single one stands for itself: no tuple is
  /// made of it.
  std::vector<int64_t> wrt = {0};
  bool isSingle = true;
  /// Whether somebody has said by which.
  bool saysWrt = false;
  /// Of the function that a decorator marks.
  Span span = {};
};

/// An extent of an array: a number, the name of one, or known by the call alone.
struct ExportExtent {
  enum class Kind { Number, Name, Any } kind = Kind::Any;
  int64_t number = 0; ///< the number; or which of the names
};

/// A number or array that crosses the boundary.
struct ExportLeaf {
  std::string name;
  /// The number of its element type in the runtime: bool, int32, int64, float32, float64.
  int32_t element = 0;
  bool isNumber = false;
  std::vector<ExportExtent> shape;
};

/// The structure of a parameter or result whose leaves these are, in order.
struct ExportForm {
  enum class Kind { Leaf, Tuple, List, Dict, None } kind = Kind::None;
  unsigned leaf = 0;
  std::vector<ExportForm> parts;
  std::vector<std::string> keys;
};

/// An exported function.
struct Export {
  std::string function; ///< of the program
  std::string name;     ///< of the C function, without the module's: `loss_grad`
  std::string symbol;   ///< of the compiled body
  ExportKind kind = ExportKind::Value;
  unsigned line = 0;
  std::string documentation;
  /// The names of extents: those of parameters, and behind them those of results alone.
  std::vector<std::string> extents;
  int64_t parameterExtents = 0;
  std::vector<ExportLeaf> parameters, results;
  std::vector<std::string> parameterNames; ///< as the program has them
  /// Of a derivative: by which parameters it is; a single one stands for itself.
  std::vector<int64_t> wrt;
  bool isSingle = true;
  std::vector<ExportForm> parameterForms;
  ExportForm resultForm;
  /// So many of the body's first results, which are numbers, are not given: the gradient is that of
  /// the body that computes the value too.
  unsigned dropped = 0;
  /// What the body reads of the module, behind its own parameters: positions in the results of the
  /// module's statements.
  std::vector<unsigned> captured;
};

/// What a module exports.
struct Exports {
  std::string module; ///< the prefix of its C names
  std::string file;   ///< of the program, as errors name it
  std::vector<ExportRequest> requests;
  std::vector<Export> functions;
  /// Whether it is enough that the program declares what it calls of others.
  bool mayBeExterns = false;
};

} // namespace mpy

#endif // MPY_SUPPORT_EXPORTS_H
