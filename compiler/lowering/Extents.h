// Extents of tensors without keeping the tensors alive, and the shapes that iterate: those without
// extents of 1.
#ifndef MPY_LOWERING_EXTENTS_H
#define MPY_LOWERING_EXTENTS_H

#include "mlir/Dialect/Utils/ReshapeOpsUtils.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/PatternMatch.h"

namespace mpy {
/// On slices and insertions of the first rows of an array, whole ones.
inline constexpr llvm::StringLiteral rowsAttribute = "mpy.rows";

/// Follows a tensor's definitions to the value that says the extent: a constant, an index value or
/// `nullptr` when only `tensor.dim` of `source` at `dimension` (both updated) can tell.
mlir::OpFoldResult traceExtent(mlir::Value &source, int64_t &dimension);
/// The extent, as a constant where it is known, else as an index value; creates at most one
/// `tensor.dim`.
mlir::OpFoldResult extentOf(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value tensor,
                            int64_t dimension);
/// The same as an index value.
mlir::Value extentValue(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value tensor,
                        int64_t dimension);
/// All extents of a tensor.
llvm::SmallVector<mlir::OpFoldResult> extentsOf(mlir::OpBuilder &builder, mlir::Location loc,
                                                mlir::Value tensor);
/// Replaces every `tensor.dim` by what its extent comes from.
void forwardExtents(mlir::RewriterBase &rewriter, mlir::Operation *root);
/// Whether two extents are certainly equal.
bool sameExtent(mlir::OpFoldResult left, mlir::OpFoldResult right);

/// The extents of a type that is about to be built: constants of the type, and `sizes` for its '?'
/// in order.
llvm::SmallVector<mlir::OpFoldResult> mixedSizes(mlir::RankedTensorType type,
                                                 mlir::ValueRange sizes);
/// A tensor of undefined elements: '?' of the type come from `extents` (one per dimension).
mlir::Value emptyTensor(mlir::OpBuilder &builder, mlir::Location loc, mlir::RankedTensorType type,
                        llvm::ArrayRef<mlir::OpFoldResult> extents);
/// The value under another static knowledge of the same shape.
mlir::Value castTo(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value tensor,
                   mlir::Type type);

/// The type of a buffer whose groups of dimensions are made one each. MLIR takes 0 times an unknown
/// extent for 0 here, which its verifier takes for unknown.
mlir::MemRefType collapsedType(mlir::MemRefType type,
                               llvm::ArrayRef<mlir::ReassociationIndices> groups);

/// The dimensions whose extent is not the constant 1.
llvm::SmallVector<int64_t> iteratedDimensions(mlir::RankedTensorType type);
/// The type without its extents of constant 1.
mlir::RankedTensorType squeezedType(mlir::RankedTensorType type);
/// The tensor without its extents of constant 1; sees through `unsqueeze`.
mlir::Value squeeze(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value tensor);
/// `squeeze` after the extents of 1 were made those of `shape`, which describes the same extents.
mlir::Value squeezeAs(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value tensor,
                      llvm::ArrayRef<int64_t> shape);
/// The inverse: a tensor of `squeezedType(type)` as one of `type`.
mlir::Value unsqueeze(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value tensor,
                      mlir::RankedTensorType type);
} // namespace mpy
#endif
