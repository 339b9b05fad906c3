// Generated gradients as functions that people read: mpy operations -> Python with NumPy.
#ifndef MPY_SOURCE_GRADIENTSOURCE_H
#define MPY_SOURCE_GRADIENTSOURCE_H

#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/raw_ostream.h"
#include <string>

namespace mpy {

/// What of a module is printed, and where its program is.
struct GradientSourceOptions {
  /// The function of the program whose derivatives are printed; empty: all that are asked for.
  std::string function;
  /// The program's file, as locations name it, and the text of a line of it.
  std::string program;
  llvm::function_ref<llvm::StringRef(unsigned line)> lineOf;
  /// Functions of the module that alone are differentiated for who asks, and what they are called;
  /// empty: all that the program asks for.
  llvm::StringMap<std::string> shownNames;
};

/// `loss_0_grad` -> `loss`, `_grad`: the function of the program, and which derivative of it.
std::pair<llvm::StringRef, llvm::StringRef> splitName(llvm::StringRef symbol);

/// Names what loops carry and branches choose after what the program assigns in them.
void spreadNames(mlir::ModuleOp module);

/// Leaves of a module whose requests are expanded the derivatives of one function, public, and what
/// they call; says whether there are any.
bool keepDerivatives(mlir::ModuleOp module, const GradientSourceOptions &options);

/// Leaves of a module the functions that one function of the program became, and what they call.
bool keepFunction(mlir::ModuleOp module, llvm::StringRef name);

/// Prints, for a module whose requests for derivatives are expanded, each function that a request
/// became and those that it calls. What cannot be written is reported at its operation (E0811);
/// failure without a report: there is none.
llvm::LogicalResult printGradients(mlir::ModuleOp module, const GradientSourceOptions &options,
                                   llvm::raw_ostream &out);

} // namespace mpy

#endif // MPY_SOURCE_GRADIENTSOURCE_H
