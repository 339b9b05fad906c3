// Teams of threads, which gather values together.
#ifndef MPY_LOWERING_KERNELTEAMS_H
#define MPY_LOWERING_KERNELTEAMS_H
#include "lowering/Combiners.h"
#include "lowering/KernelBuilder.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

namespace mpy {

inline constexpr int64_t threadsOfBlock = 256, lanesOfWarp = 32;

/// The pieces of work that one team does after the other; what follows is emitted inside the loop.
struct TeamLoop {
  /// Every thread of a block makes the same rounds, so that all meet at barriers.
  TeamLoop(KernelBuilder &kernel, mlir::Value size, mlir::Value pieces);
  mlir::scf::ForOp loop;
  /// The thread's place in its team, the team's in the block, and the piece.
  mlir::Value lane, own, number;
  /// Whether there is such a piece, and whether this thread is the first of a team that has one.
  mlir::Value exists, leads;
};

/// Shared memory in which the warps of a block gather one value of this type, or its threads.
mlir::Type roomOfWarps(mlir::Type element);
mlir::Type roomOfThreads(mlir::Type element);

/// What all lanes of a team have together, in each of its lanes; `shared` is the room of each
/// value.
llvm::SmallVector<mlir::Value> gatherTeam(KernelBuilder &kernel, const Combiners &combiners,
                                          mlir::Value team, mlir::ValueRange shared,
                                          mlir::ValueRange values);

} // namespace mpy
#endif
