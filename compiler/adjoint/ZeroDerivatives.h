// Where a derivative is 0 whatever the data are.
#pragma once

#include "dialect/Dialect.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace mpy {

/// The attribute of a module whose derivatives are to be explained: `mpyc -W`.
inline constexpr const char *notesAttribute = "mpy.notes";

/// A remark for each operation through which a result depends on an input but no derivative goes,
/// and for each input that no result depends on. Calls have been inlined.
void noteZeroDerivatives(mlir::func::FuncOp function, llvm::ArrayRef<int64_t> of,
                         llvm::ArrayRef<int64_t> wrt, mlir::Location request);

} // namespace mpy
