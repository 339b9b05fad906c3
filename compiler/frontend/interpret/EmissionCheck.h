// What the specialiser emits reads values that are there: each operation is checked when it is
// inserted, and what was emitted and undone stays in memory until the program is specialised, so
// that a reference to it is found instead of followed.
#ifndef MPY_FRONTEND_EMISSIONCHECK_H
#define MPY_FRONTEND_EMISSIONCHECK_H

#include "mlir/IR/Builders.h"
#include <memory>
#include <vector>

namespace mpy {

class EmissionCheck : public mlir::OpBuilder::Listener {
public:
  /// `callers`: where the functions that are being made will be called, outermost first; they may
  /// read what is there, which becomes their parameters.
  explicit EmissionCheck(const std::vector<mlir::Block *> &callers) : callers(callers) {}
  EmissionCheck(const EmissionCheck &) = delete;
  EmissionCheck &operator=(const EmissionCheck &) = delete;
  ~EmissionCheck() override { release(); }

  void notifyOperationInserted(mlir::Operation *op, mlir::OpBuilder::InsertPoint) override;

  /// Takes an operation out of the program, with all that it holds. Its address is no other
  /// operation's as long as the specialiser runs: tables and states may be asked about it.
  void undo(mlir::Operation *op);
  /// A block beside the program: its arguments stand for values that are not known yet, and what
  /// is emitted into it is thrown away.
  mlir::Block *newBlockBeside();
  /// Ends the compilation if the program reads anything that was undone.
  void verify() const;
  /// Frees what was undone; the program must still be there.
  void release();

private:
  bool isReadable(mlir::Value value, mlir::Block *place) const;
  void forEachUndone(llvm::function_ref<void(mlir::Value)> visit) const;

  const std::vector<mlir::Block *> &callers;
  std::vector<mlir::Operation *> operations;
  std::vector<std::unique_ptr<mlir::Block>> blocks;
};

} // namespace mpy

#endif // MPY_FRONTEND_EMISSIONCHECK_H
