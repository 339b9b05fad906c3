// One function of mpy operations as a Python function.
#ifndef MPY_SOURCE_FUNCTIONPRINTER_H
#define MPY_SOURCE_FUNCTIONPRINTER_H

#include "dialect/Dialect.h"
#include "source/Expression.h"
#include "source/GradientSource.h"
#include "source/Storage.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"

namespace mpy {

/// Prints one function. Statements are lines; an operation that is used once stands in the
/// expression of its user, unless the program has a name for it.
class FunctionPrinter {
public:
  FunctionPrinter(mlir::func::FuncOp function, const GradientSourceOptions &options,
                  llvm::StringMap<std::string> &functionNames,
                  llvm::SmallVectorImpl<std::string> &features)
      : function(function), options(options), functionNames(functionNames), features(features),
        storage(function) {}

  /// The function's text; failure after reporting what cannot be written. `results`: the numbers of
  /// what it returns.
  llvm::LogicalResult print(llvm::ArrayRef<unsigned> results, std::string &text);

private:
  llvm::LogicalResult printBlock(mlir::Block &block);
  llvm::LogicalResult printOperation(mlir::Operation &op);
  llvm::LogicalResult printPure(mlir::Operation &op);
  llvm::LogicalResult printLoop(mlir::scf::ForOp loop);
  llvm::LogicalResult printLoop(mlir::scf::WhileOp loop);
  llvm::LogicalResult printBranch(mlir::scf::IfOp branch);
  llvm::LogicalResult printCall(mlir::func::CallOp call);
  void printUpdate(mlir::Operation &op);
  void printPush(PushOp push);
  void printPop(PopOp pop);
  /// `name = value` for all at once, where one needs what another replaces.
  void assign(llvm::ArrayRef<std::string> names, llvm::ArrayRef<mlir::Value> values);
  void assign(llvm::StringRef name, mlir::Value value, mlir::Operation *from);

  Expression expression(mlir::Value value);
  /// The same, where the memory behind it must stay as it is.
  std::string kept(mlir::Value value);
  std::string tapeName(mlir::Value tape);
  bool isAskedAfter(llvm::StringRef name, mlir::Operation *op);
  bool standsInUser(mlir::Operation &op, const Expression &expression);
  bool changesBetween(mlir::Operation *first, mlir::Operation *second, const Expression &text);
  std::string newName(llvm::StringRef wanted);
  std::string nameOf(mlir::Value value);
  /// Names for what a loop carries; what is assigned before it.
  std::vector<std::string> enterLoop(mlir::Operation *loop, mlir::ValueRange initial,
                                     mlir::ValueRange carried, mlir::ValueRange yielded);
  void preferNames(mlir::Block &body, mlir::ValueRange carried, mlir::ValueRange yielded,
                   llvm::ArrayRef<std::string> names);
  void line(const llvm::Twine &text, mlir::Operation *from = nullptr);
  void comment(mlir::Operation *from);
  llvm::LogicalResult refuse(mlir::Operation *op);

  mlir::func::FuncOp function;
  const GradientSourceOptions &options;
  llvm::StringMap<std::string> &functionNames;
  llvm::SmallVectorImpl<std::string> &features;
  Storage storage;
  llvm::DenseMap<mlir::Value, Expression> expressions;
  llvm::DenseMap<mlir::Value, std::string> preferred;
  /// The expressions of each push, the last one first to be popped.
  llvm::SmallVector<std::vector<std::string>> pushed;
  llvm::StringSet<> taken;
  std::string out;
  unsigned depth = 1, commented = 0;
  /// Lines of the program whose comments above have been written.
  llvm::DenseSet<unsigned> shownComments;
};

} // namespace mpy

#endif // MPY_SOURCE_FUNCTIONPRINTER_H
