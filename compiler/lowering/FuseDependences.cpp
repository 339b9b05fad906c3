// Keeps the dependences of a block up to date while operations become groups, and finds an order
// for the result.
#include "lowering/FuseDependences.h"
#include "lowering/PartWrites.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;

namespace mpy {

BlockDependences::BlockDependences(ArrayRef<Operation *> run) : operations(run.begin(), run.end()) {
  for (auto [place, op] : llvm::enumerate(operations))
    places[op] = place;
  predecessors.resize(size());
  members.resize(size());
  std::optional<unsigned> lastEffect;
  llvm::DenseMap<Value, llvm::SmallVector<unsigned>> readers;
  for (unsigned place = 0; place < size(); ++place) {
    Operation *op = operations[place];
    llvm::SmallSetVector<unsigned, 8> before;
    op->walk([&](Operation *inner) {
      for (Value operand : inner->getOperands()) {
        if (auto definition = placeOf(operand.getDefiningOp()))
          if (*definition != place)
            before.insert(*definition);
        if (isa<TensorType>(operand.getType()) && overwrittenBy(inner) != operand)
          readers[storageOf(operand)].push_back(place);
      }
    });
    // Who reads an array before a part of it is replaced stays before, or the whole is copied.
    if (Value array = overwrittenBy(op); array && !isUsedBehind(array, op))
      for (unsigned reader : readers.lookup(array))
        if (reader != place)
          before.insert(reader);
    // What a check allows, such as reading an element, stays behind it.
    bool pure = isMemoryEffectFree(op);
    bool free = isa_and_nonnull<arith::ArithDialect, math::MathDialect>(op->getDialect()) &&
                isSpeculatable(op);
    if (lastEffect && !free && !isa<tensor::DimOp>(op))
      before.insert(*lastEffect);
    if (!pure)
      lastEffect = place;
    predecessors[place] = before.takeVector();
    groups.push_back(place);
    members[place] = {place};
    llvm::BitVector reach(size());
    for (unsigned definition : predecessors[place]) {
      reach |= reached[definition];
      reach.set(definition);
    }
    reached.push_back(std::move(reach));
  }
}

std::optional<unsigned> BlockDependences::placeOf(Operation *op) const {
  auto found = places.find(op);
  if (!op || found == places.end())
    return std::nullopt;
  return found->second;
}

// Whether a third group lies on a way from one group to another.
bool BlockDependences::blocks(unsigned from, unsigned to) const {
  for (unsigned member : members[to])
    for (unsigned definition : predecessors[member]) {
      unsigned group = groups[definition];
      if (group == from || group == to)
        continue;
      for (unsigned source : members[from])
        if (reached[group].test(source))
          return true;
    }
  return false;
}

bool BlockDependences::canMerge(unsigned left, unsigned right) const {
  return !blocks(left, right) && !blocks(right, left);
}

void BlockDependences::merge(unsigned left, unsigned right) {
  unsigned kept = std::min(left, right), gone = std::max(left, right);
  for (unsigned member : members[gone])
    groups[member] = kept;
  members[kept].append(members[gone]);
  llvm::sort(members[kept]);
  members[gone].clear();
  llvm::BitVector all(size());
  for (unsigned member : members[kept])
    all.set(member);
  reached[kept] |= reached[gone];
  reached[kept].reset(all);
  llvm::BitVector through = reached[kept];
  through |= all;
  for (unsigned place = 0; place < size(); ++place)
    if (groups[place] == place && place != kept && reached[place].anyCommon(all))
      reached[place] |= through;
}

SmallVector<unsigned> BlockDependences::order() const {
  SmallVector<unsigned> result;
  llvm::BitVector done(size());
  // An explicit stack: chains of dependences are as long as programs.
  SmallVector<std::pair<unsigned, bool>> work;
  for (unsigned place = 0; place < size(); ++place) {
    // A group stands where its last member stood, unless someone needs it before.
    if (members[groups[place]].back() != place)
      continue;
    work.push_back({groups[place], false});
    while (!work.empty()) {
      auto [group, ready] = work.pop_back_val();
      if (done.test(group))
        continue;
      if (ready) {
        done.set(group);
        result.push_back(group);
        continue;
      }
      work.push_back({group, true});
      for (unsigned member : llvm::reverse(members[group]))
        for (unsigned definition : llvm::reverse(predecessors[member]))
          if (groups[definition] != group && !done.test(groups[definition]))
            work.push_back({groups[definition], false});
    }
  }
  return result;
}
} // namespace mpy
