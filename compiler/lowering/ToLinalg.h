// The rewrites of mpy-to-linalg, one function per family of operations. Each replaces the operation
// it is given.
#ifndef MPY_LOWERING_TO_LINALG_H
#define MPY_LOWERING_TO_LINALG_H

#include "dialect/Dialect.h"
#include "mlir/IR/PatternMatch.h"

namespace mpy {

/// An operand of a linalg.generic and the iterations at which each element is used.
struct Mapped {
  mlir::Value tensor;
  mlir::AffineMap map;
};
/// Creates the body: gets the elements of inputs and outputs, returns the new elements of the
/// outputs.
using BodyBuilder = llvm::function_ref<llvm::SmallVector<mlir::Value>(
    mlir::OpBuilder &, mlir::Location, mlir::ValueRange)>;

/// A linalg.generic; dimensions that no output map uses are reduced.
mlir::linalg::GenericOp buildGeneric(mlir::OpBuilder &builder, mlir::Location loc, int64_t loops,
                                     llvm::ArrayRef<Mapped> inputs, llvm::ArrayRef<Mapped> outputs,
                                     BodyBuilder body);
/// A generic without inputs and with one output of the given type: each element from its position.
mlir::Value buildFromPosition(
    mlir::OpBuilder &builder, mlir::Location loc, mlir::RankedTensorType type,
    llvm::ArrayRef<mlir::OpFoldResult> extents,
    llvm::function_ref<mlir::Value(mlir::OpBuilder &, mlir::Location, mlir::ValueRange)> element);
/// A tensor of undefined elements, then set to one scalar everywhere.
mlir::Value buildFilled(mlir::OpBuilder &builder, mlir::Location loc, mlir::RankedTensorType type,
                        llvm::ArrayRef<mlir::OpFoldResult> extents, mlir::Value scalar);
/// The constant of an element type.
mlir::Value buildConstant(mlir::OpBuilder &builder, mlir::Location loc, mlir::Type type,
                          double value);
/// x + y of one element type.
mlir::Value buildSum(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value x, mlir::Value y);
/// Loops over the box of the given extents that carry one tensor; the body returns its new value.
mlir::Value buildLoops(mlir::OpBuilder &builder, mlir::Location loc,
                       llvm::ArrayRef<mlir::OpFoldResult> extents, mlir::Value carried,
                       llvm::function_ref<mlir::Value(mlir::OpBuilder &, mlir::Location,
                                                      mlir::ValueRange, mlir::Value)>
                           body);
/// The index value `position` of an element that is an integer.
mlir::Value toIndex(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value integer);

/// Rewrites mpy operations into cheaper ones, before any is lowered.
void simplifyArrays(mlir::IRRewriter &rewriter, mlir::func::FuncOp function);
/// Lowers elementwise operations on scalars and tensors.
void lowerElementwise(mlir::IRRewriter &rewriter, ElementwiseOpInterface op);
/// Lowers sum prod max min any all argmax argmin cumsum; false if the operation is none of them.
bool lowerReduction(mlir::IRRewriter &rewriter, mlir::Operation *op);
/// Lowers broadcast stretch unstretch reshape transpose concat from_elements iota; false if it is
/// none of them.
bool lowerShape(mlir::IRRewriter &rewriter, mlir::Operation *op);
/// Lowers slice update_slice extract insert gather scatter normalize_index; false if it is none of
/// them.
bool lowerIndexing(mlir::IRRewriter &rewriter, mlir::Operation *op);
} // namespace mpy
#endif
