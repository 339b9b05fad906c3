// verify-allocations: lists the allocations and array copies that are left inside loops, one line
// each, in source order.
//
//   heat.mpy:12: allocation of memref<?xf64> in a loop
//   heat.mpy:14: copy of memref<64x32xf64> in a loop
#include "lowering/Passes.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Interfaces/LoopLikeInterface.h"
#include "support/Places.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"
#include <set>

using namespace mlir;

namespace mpy {
#define GEN_PASS_DEF_VERIFYALLOCATIONS
#include "lowering/Passes.h.inc"

struct VerifyAllocationsPass : impl::VerifyAllocationsBase<VerifyAllocationsPass> {
  using VerifyAllocationsBase::VerifyAllocationsBase;

  void runOnOperation() override {
    // The emitted loops of one copy count once, as the copy.
    std::multiset<std::pair<unsigned, std::string>> lines;
    getOperation().walk([&](Operation *op) {
      Type type;
      StringRef what;
      if (auto alloc = dyn_cast<memref::AllocOp>(op)) {
        type = alloc.getType();
        what = "allocation";
      } else if (auto copy = dyn_cast<memref::CopyOp>(op)) {
        type = copy.getSource().getType();
        what = "copy";
      } else {
        return;
      }
      if (!op->getParentOfType<LoopLikeOpInterface>())
        return;
      std::string line;
      llvm::raw_string_ostream out(line);
      FileLineColLoc place = placeOf(op->getLoc());
      if (place)
        out << llvm::sys::path::filename(place.getFilename().getValue()) << ":" << place.getLine()
            << ": ";
      out << what << " of " << type << " in a loop";
      lines.insert({place ? place.getLine() : 0, line});
    });
    for (auto &[position, line] : lines)
      llvm::outs() << line << "\n";
  }
};

} // namespace mpy
