// Runs single passes on IR text, for tests.
#include "driver/Pipeline.h"

#include "mlir/Tools/mlir-opt/MlirOptMain.h"
#include "mlir/Transforms/Passes.h"

int main(int count, char **words) {
  mlir::DialectRegistry registry;
  mpy::registerDialects(registry);
  mpy::registerPasses();
  mlir::registerTransformsPasses();
  return mlir::asMainReturnCode(
      mlir::MlirOptMain(count, words, "Passes of the mpy compiler\n", registry));
}
