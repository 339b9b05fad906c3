// The mpy dialect: types, operations, interfaces, and how the types of results follow from
// operands.
#pragma once

#include "dialect/Differentiable.h"

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "dialect/Dialect.h.inc"
#include "dialect/Enums.h.inc"

#define GET_TYPEDEF_CLASSES
#include "dialect/Types.h.inc"

namespace mpy {

/// Type of an elementwise result: the tensor operands' shape with every extent that one of them
/// knows, or a scalar; of the first operand's element type unless another is given.
mlir::Type elementwiseType(llvm::ArrayRef<mlir::Value> operands, mlir::Type element = {});

/// Type of `x` without the axes: a scalar when none is left.
mlir::Type reducedType(mlir::Value x, llvm::ArrayRef<int64_t> axes, mlir::Type element = {});

/// Type of a slice of `x`: extents are known where `sizes` are constants; `dropped` dimensions are
/// left out.
mlir::RankedTensorType slicedType(mlir::Value x, mlir::ValueRange sizes,
                                  llvm::ArrayRef<int64_t> dropped);

/// Checks that tensor operands and result agree in shape, and that the result is a tensor if an
/// operand is.
llvm::LogicalResult verifyElementwise(mlir::Operation *op);

/// Checks that the axes are sorted and in range, and that the result has the other extents.
llvm::LogicalResult verifyReduction(mlir::Operation *op, mlir::Value x,
                                    llvm::ArrayRef<int64_t> axes, mlir::Value result);

/// Whether a transpose by this permutation swaps rows and columns of a matrix, or of each matrix of
/// a stack.
bool swapsMatrices(llvm::ArrayRef<int64_t> permutation);

/// The value that holds an extent of a tensor, found through the operations that pass extents on;
/// null where only reading the tensor itself would tell. A constant extent is null too: its type
/// says it.
mlir::Value findExtent(mlir::Value tensor, unsigned dimension);

} // namespace mpy

#define GET_OP_CLASSES
#include "dialect/Ops.h.inc"
