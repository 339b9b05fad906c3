// The place that a location of MLIR stands for.
//
//   callsite("w"("prog.mpy":3:5) at "prog.mpy":9:1)   ->   prog.mpy:3:5
#include "support/Places.h"

using namespace mlir;

FileLineColLoc mpy::placeOf(Location location) {
  if (auto place = dyn_cast<FileLineColLoc>(location))
    return place;
  if (auto named = dyn_cast<NameLoc>(location))
    return placeOf(named.getChildLoc());
  if (auto call = dyn_cast<CallSiteLoc>(location)) {
    if (FileLineColLoc place = placeOf(call.getCallee()))
      return place;
    return placeOf(call.getCaller());
  }
  if (auto fused = dyn_cast<FusedLoc>(location))
    for (Location each : fused.getLocations())
      if (FileLineColLoc place = placeOf(each))
        return place;
  return {};
}
