// The steps of the fuse pass, in the order in which it runs them.
#ifndef MPY_LOWERING_FUSION_H
#define MPY_LOWERING_FUSION_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/PatternMatch.h"

namespace mpy {

/// Copies the bodies of cheap producers into all generics that read their results.
void inlineCheapProducers(mlir::IRRewriter &rewriter, mlir::func::FuncOp function);
/// Merges generics over one iteration space within each block: producers with consumers, then those
/// that read one array.
void mergeGenerics(mlir::IRRewriter &rewriter, mlir::func::FuncOp function);
/// Orders loops so that most operands are walked along their last dimension.
void orderLoops(mlir::IRRewriter &rewriter, mlir::func::FuncOp function);

/// Removes what no output needs: operations in the body, inputs, and the generic itself if nobody
/// uses it. Returns what stands there now, null if nothing does.
mlir::linalg::GenericOp dropUnused(mlir::IRRewriter &rewriter, mlir::linalg::GenericOp generic);
/// For each dimension of the iteration space, which dimension of the tensor it walks; nothing
/// unless that is one to one.
std::optional<llvm::SmallVector<unsigned>> tensorDimensions(mlir::AffineMap map);
} // namespace mpy
#endif
