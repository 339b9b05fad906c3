// Merges linalg.generic operations over one iteration space into one with several results. Within a
// group, elements flow from producer to consumer in registers; a result is written only if somebody
// outside reads it.
#include "lowering/FuseDependences.h"
#include "lowering/Fusion.h"

using namespace mlir;

namespace mpy {
namespace {
using DimensionMap = SmallVector<unsigned>;

// The groups of a run of operations, and for each member which loop of the group each of its loops
// is.
class Groups {
public:
  Groups(IRRewriter &rewriter, ArrayRef<Operation *> run, Operation *after)
      : rewriter(rewriter), dependences(run), after(after) {}

  void run();

private:
  linalg::GenericOp generic(unsigned place) const {
    return dyn_cast<linalg::GenericOp>(dependences.operation(place));
  }
  std::optional<unsigned> producerPlace(Value value) const;
  AffineMap groupMap(unsigned place, OpOperand *operand) const;

  void joinProducers(unsigned place);
  void joinSiblings(unsigned place);
  bool tryMerge(unsigned left, AffineMap leftMap, unsigned right, AffineMap rightMap);
  bool flowsAgree(unsigned from, unsigned to, const DenseMap<unsigned, DimensionMap> &loops) const;
  unsigned operandCount(unsigned group) const;

  void build(unsigned group);
  bool isKept(OpResult result, unsigned group) const;
  bool hasRepeatedInput(linalg::GenericOp generic) const;

  IRRewriter &rewriter;
  BlockDependences dependences;
  /// What follows the operations.
  Operation *after;
  /// For each array, recent reads of it, one for each group.
  DenseMap<Value, SmallVector<OpOperand *>> readsOf;
  /// For each generic, its loops as loops of its group.
  DenseMap<unsigned, DimensionMap> loopsOf;
};

// The operands of one merged generic while its members are copied in.
struct MergedOperands {
  SmallVector<Value> inputs, outputs;
  SmallVector<AffineMap> inputMaps, outputMaps;

  unsigned addInput(Value value, AffineMap map) {
    for (unsigned index = 0; index < inputs.size(); ++index)
      if (inputs[index] == value && inputMaps[index] == map)
        return index;
    inputs.push_back(value);
    inputMaps.push_back(map);
    return inputs.size() - 1;
  }
};
} // namespace

// Whether an accumulation is more than one operation, as the search for a position is. Its loop
// runs one element at a time and would slow down all that shares it.
static bool isSerial(linalg::GenericOp generic) {
  for (OpOperand &output : generic.getDpsInitsMutable()) {
    BlockArgument before = generic.getMatchingBlockArgument(&output);
    Operation *after = generic.getMatchingYieldValue(&output)->get().getDefiningOp();
    if (before.use_empty() || generic.getMatchingIndexingMap(&output).isPermutation())
      continue;
    if (!before.hasOneUse() || *before.user_begin() != after || isa<arith::SelectOp>(after))
      return true;
  }
  return false;
}

std::optional<unsigned> Groups::producerPlace(Value value) const {
  if (!isa_and_nonnull<linalg::GenericOp>(value.getDefiningOp()))
    return std::nullopt;
  return dependences.placeOf(value.getDefiningOp());
}

// A map from the loops of an operation as one from other loops.
static AffineMap renamed(AffineMap map, ArrayRef<unsigned> loops) {
  SmallVector<AffineExpr> replacements;
  for (unsigned loop : loops)
    replacements.push_back(getAffineDimExpr(loop, map.getContext()));
  return map.replaceDimsAndSymbols(replacements, {}, loops.size(), 0);
}

AffineMap Groups::groupMap(unsigned place, OpOperand *operand) const {
  return renamed(generic(place).getMatchingIndexingMap(operand), loopsOf.at(place));
}

// Whether every element that flows from one group to the other is complete when it is read: written
// by the same iteration.
bool Groups::flowsAgree(unsigned from, unsigned to,
                        const DenseMap<unsigned, DimensionMap> &loops) const {
  for (unsigned member : dependences.membersOf(to)) {
    linalg::GenericOp consumer = generic(member);
    for (OpOperand &operand : consumer->getOpOperands()) {
      auto place = producerPlace(operand.get());
      if (!place || dependences.groupOf(*place) != from)
        continue;
      AffineMap written =
          generic(*place).getIndexingMapMatchingResult(cast<OpResult>(operand.get()));
      AffineMap read = consumer.getMatchingIndexingMap(&operand);
      if (!consumer.isDpsInput(&operand) || !written.isPermutation() ||
          renamed(written, loops.at(*place)) != renamed(read, loops.at(member)))
        return false;
    }
    // A body that reads elements of a whole array needs it complete.
    bool captures = false;
    consumer.getBody()->walk([&](Operation *inner) {
      for (Value operand : inner->getOperands())
        if (auto place = producerPlace(operand))
          captures |= dependences.groupOf(*place) == from;
    });
    if (captures)
      return false;
  }
  return true;
}

// Merges the groups of two generics that see one array by the given maps (each one to one with the
// loops).
bool Groups::tryMerge(unsigned left, AffineMap leftMap, unsigned right, AffineMap rightMap) {
  unsigned leftGroup = dependences.groupOf(left), rightGroup = dependences.groupOf(right);
  auto leftDimensions = tensorDimensions(leftMap), rightDimensions = tensorDimensions(rightMap);
  if (leftGroup == rightGroup || isSerial(generic(left)) || isSerial(generic(right)) ||
      !leftDimensions || !rightDimensions || leftDimensions->size() != rightDimensions->size())
    return false;
  // A body of hundreds of operations gains nothing from more.
  constexpr size_t mostMembers = 256;
  if (dependences.membersOf(leftGroup).size() + dependences.membersOf(rightGroup).size() >
      mostMembers)
    return false;
  // Loops that walk one dimension of the shared array are the same loop.
  unsigned count = leftDimensions->size();
  DimensionMap fromTensor(count), toLeft(count);
  for (unsigned loop = 0; loop < count; ++loop)
    fromTensor[(*leftDimensions)[loop]] = loopsOf[left][loop];
  for (unsigned loop = 0; loop < count; ++loop)
    toLeft[loopsOf[right][loop]] = fromTensor[(*rightDimensions)[loop]];
  DenseMap<unsigned, DimensionMap> loops;
  for (unsigned member : dependences.membersOf(leftGroup))
    loops[member] = loopsOf[member];
  for (unsigned member : dependences.membersOf(rightGroup)) {
    loops[member] = loopsOf[member];
    for (unsigned &loop : loops[member])
      loop = toLeft[loop];
  }
  if (!flowsAgree(leftGroup, rightGroup, loops) || !flowsAgree(rightGroup, leftGroup, loops) ||
      !dependences.canMerge(leftGroup, rightGroup))
    return false;
  dependences.merge(leftGroup, rightGroup);
  for (auto &[member, dimensions] : loops)
    loopsOf[member] = dimensions;
  return true;
}

void Groups::joinProducers(unsigned place) {
  linalg::GenericOp consumer = generic(place);
  for (OpOperand *input : consumer.getDpsInputOperands())
    if (auto producer = producerPlace(input->get()))
      tryMerge(*producer,
               generic(*producer).getIndexingMapMatchingResult(cast<OpResult>(input->get())), place,
               consumer.getMatchingIndexingMap(input));
}

unsigned Groups::operandCount(unsigned group) const {
  unsigned count = 0;
  for (unsigned member : dependences.membersOf(group))
    count += dependences.operation(member)->getNumOperands();
  return count;
}

// Groups that read one array walk it together; too many arrays at once only compete for the cache.
void Groups::joinSiblings(unsigned place) {
  constexpr unsigned mostOperands = 24;
  linalg::GenericOp later = generic(place);
  for (OpOperand *input : later.getDpsInputOperands()) {
    SmallVector<OpOperand *> &reads = readsOf[input->get()];
    for (OpOperand *read : reads) {
      unsigned other = *dependences.placeOf(read->getOwner());
      unsigned group = dependences.groupOf(place), otherGroup = dependences.groupOf(other);
      if (group != otherGroup && operandCount(group) + operandCount(otherGroup) <= mostOperands)
        tryMerge(other, generic(other).getMatchingIndexingMap(read), place,
                 later.getMatchingIndexingMap(input));
    }
    // One read of each group is enough, and those of long ago rarely fit.
    constexpr size_t mostReads = 16;
    auto sameGroup = [&](OpOperand *read) {
      return dependences.groupOf(*dependences.placeOf(read->getOwner())) ==
             dependences.groupOf(place);
    };
    llvm::erase_if(reads, sameGroup);
    if (reads.size() == mostReads)
      reads.erase(reads.begin());
    reads.push_back(input);
  }
}

// Whether a result is read outside of its group.
bool Groups::isKept(OpResult result, unsigned group) const {
  return llvm::any_of(result.getUsers(), [&](Operation *user) {
    auto place = dependences.placeOf(user);
    return !place || dependences.groupOf(*place) != group;
  });
}

bool Groups::hasRepeatedInput(linalg::GenericOp generic) const {
  MergedOperands operands;
  for (OpOperand *input : generic.getDpsInputOperands())
    operands.addInput(input->get(), generic.getMatchingIndexingMap(input));
  return operands.inputs.size() < generic.getDpsInputs().size();
}

// Replaces the members of a group by one generic at the end of the run.
void Groups::build(unsigned group) {
  ArrayRef<unsigned> members = dependences.membersOf(group);
  MergedOperands operands;
  // Where the body finds each operand of each member: an element of the merged operation or a value
  // that flows.
  SmallVector<OpResult> keptResults;
  DenseMap<OpOperand *, unsigned> inputOf, outputOf;
  unsigned loops = loopsOf[group].size();
  SmallVector<utils::IteratorType> iterators(loops, utils::IteratorType::parallel);
  SmallVector<Location> locations;
  for (unsigned place : members) {
    linalg::GenericOp member = generic(place);
    locations.push_back(member.getLoc());
    for (auto [loop, iterator] : llvm::enumerate(member.getIteratorTypesArray()))
      if (iterator == utils::IteratorType::reduction)
        iterators[loopsOf[place][loop]] = iterator;
    for (OpOperand *input : member.getDpsInputOperands()) {
      auto producer = producerPlace(input->get());
      if (!producer || dependences.groupOf(*producer) != group)
        inputOf[input] = operands.addInput(input->get(), groupMap(place, input));
    }
    for (OpOperand &output : member.getDpsInitsMutable()) {
      OpResult result = member.getTiedOpResult(&output);
      // The largest element so far is needed to find its position, even if only that is asked for.
      bool accumulates = !member.getMatchingBlockArgument(&output).use_empty() &&
                         !member.getMatchingIndexingMap(&output).isPermutation();
      bool needed = accumulates && llvm::any_of(member->getResults(), [&](OpResult other) {
                      return isKept(other, group);
                    });
      if (needed || isKept(result, group)) {
        outputOf[&output] = operands.outputs.size();
        operands.outputs.push_back(output.get());
        operands.outputMaps.push_back(groupMap(place, &output));
        keptResults.push_back(result);
      } else if (!member.getMatchingBlockArgument(&output).use_empty()) {
        inputOf[&output] = operands.addInput(output.get(), groupMap(place, &output));
      }
    }
  }
  SmallVector<AffineMap> maps(operands.inputMaps);
  maps.append(operands.outputMaps);
  // Nothing that is left may show how long the loops are: then an array that the members would have
  // written does.
  for (unsigned place : members)
    if (!inversePermutation(concatAffineMaps(maps, rewriter.getContext())))
      for (OpOperand &output : generic(place).getDpsInitsMutable()) {
        operands.addInput(output.get(), groupMap(place, &output));
        maps.assign(operands.inputMaps);
        maps.append(operands.outputMaps);
      }
  SmallVector<Type> types(
      llvm::map_range(operands.outputs, [](Value output) { return output.getType(); }));
  Location loc = members.size() == 1 ? locations.front() : rewriter.getFusedLoc(locations);
  auto merged = linalg::GenericOp::create(rewriter, loc, types, operands.inputs, operands.outputs,
                                          maps, iterators);
  OpBuilder::InsertionGuard guard(rewriter);
  Block *body = rewriter.createBlock(&merged.getRegion());
  for (Value operand : merged->getOperands())
    body->addArgument(getElementTypeOrSelf(operand.getType()), loc);
  IRMapping mapping;
  SmallVector<Value> yielded(keptResults.size());
  DenseMap<Value, Value> elementOf;
  for (unsigned place : members) {
    linalg::GenericOp member = generic(place);
    for (OpOperand &operand : member->getOpOperands()) {
      BlockArgument argument = member.getMatchingBlockArgument(&operand);
      if (auto input = inputOf.find(&operand); input != inputOf.end())
        mapping.map(argument, body->getArgument(input->second));
      else if (auto output = outputOf.find(&operand); output != outputOf.end())
        mapping.map(argument, body->getArgument(operands.inputs.size() + output->second));
      else if (Value element = elementOf.lookup(operand.get()))
        mapping.map(argument, element);
    }
    for (Operation &op : member.getBody()->without_terminator()) {
      if (auto index = dyn_cast<linalg::IndexOp>(op))
        mapping.map(index.getResult(), linalg::IndexOp::create(rewriter, index.getLoc(),
                                                               loopsOf[place][index.getDim()])
                                           .getResult());
      else
        rewriter.clone(op, mapping);
    }
    auto yield = cast<linalg::YieldOp>(member.getBody()->getTerminator());
    for (auto [result, value] : llvm::zip(member->getResults(), yield.getValues()))
      elementOf[result] = mapping.lookupOrDefault(value);
  }
  for (auto [index, result] : llvm::enumerate(keptResults))
    yielded[index] = elementOf[result];
  linalg::YieldOp::create(rewriter, loc, yielded);
  for (auto [result, replacement] : llvm::zip(keptResults, merged.getResults()))
    rewriter.replaceAllUsesWith(result, replacement);
  SmallVector<Operation *> dead(
      llvm::map_range(members, [&](unsigned place) { return dependences.operation(place); }));
  for (Operation *op : llvm::reverse(dead)) {
    dependences.forget(op);
    rewriter.eraseOp(op);
  }
  dropUnused(rewriter, merged);
}

void Groups::run() {
  SmallVector<unsigned> places;
  for (unsigned place = 0; place < dependences.size(); ++place)
    if (linalg::GenericOp op = generic(place)) {
      places.push_back(place);
      loopsOf[place] = llvm::to_vector(llvm::seq<unsigned>(op.getNumLoops()));
    }
  // Producers first: a pass over memory that a sibling would save, a producer saves twice.
  for (unsigned place : places)
    joinProducers(place);
  for (unsigned place : places)
    joinSiblings(place);
  if (places.empty())
    return;
  for (unsigned group : dependences.order()) {
    rewriter.setInsertionPoint(after);
    linalg::GenericOp first = generic(group);
    if (dependences.membersOf(group).size() > 1 || (first && hasRepeatedInput(first)))
      build(group);
    else
      rewriter.moveOpBefore(dependences.operation(group), after);
  }
}

void mergeGenerics(IRRewriter &rewriter, func::FuncOp function) {
  // Dependences take space and time that are quadratic in the length of a run.
  constexpr size_t longestRun = 2048;
  SmallVector<Block *> blocks;
  function.walk([&](Block *block) {
    if (!isa<linalg::LinalgOp>(block->getParentOp()) && block->mightHaveTerminator())
      blocks.push_back(block);
  });
  for (Block *block : blocks) {
    SmallVector<Operation *> operations(llvm::make_pointer_range(*block));
    ArrayRef<Operation *> rest(operations);
    while (rest.size() > 1) {
      size_t length = std::min(longestRun, rest.size() - 1);
      Groups(rewriter, rest.take_front(length), rest[length]).run();
      rest = rest.drop_front(length);
    }
  }
}
} // namespace mpy
