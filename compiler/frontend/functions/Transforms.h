// The functions that ask for derivatives, by module: `minpy.core.grad`, `autograd.value_and_grad`.
#ifndef MPY_FRONTEND_TRANSFORMS_H
#define MPY_FRONTEND_TRANSFORMS_H

#include "frontend/interpret/Specializer.h"

namespace mpy {

/// What the function made for a function of the program is called.
std::string nameOfFunction(const Value &function);
/// Refuses a function that prints, draws random numbers, or reads files or a clock.
void refuseEffects(Specializer &specializer, mlir::func::FuncOp function, ErrorId error,
                   llvm::StringRef help);

/// A call of a function that has its own derivative rules, as functions of the program: plain()
/// gives the value, run() (value, kept), reverse(kept, g) the adjoints of the arguments for that of
/// the value, forward(kept, tangents) the tangent of the value. Rules that are not there are None.
struct RuledCall {
  std::string name;
  Value arguments, plain, run, reverse, forward;
};

/// for_examples(count, function): function(0), function(1), .. as arrays with one row for each; None
/// where that has to be a loop of the program.
Value callForExamples(Specializer &specializer, CallArguments &arguments);

/// The function `name` of a module of transforms, or null.
const LibraryValue *findTransform(llvm::StringRef module, llvm::StringRef name);

} // namespace mpy

#endif // MPY_FRONTEND_TRANSFORMS_H
