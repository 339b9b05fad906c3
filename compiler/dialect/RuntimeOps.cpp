// Checks of operations that end the program or call the runtime.
#include "dialect/Dialect.h"

using namespace mlir;
using namespace mpy;

LogicalResult CheckOp::verify() {
  if (getMessage().count("{}") != getValues().size())
    return emitOpError("message has ")
           << getMessage().count("{}") << " places for " << getValues().size() << " values";
  return success();
}
