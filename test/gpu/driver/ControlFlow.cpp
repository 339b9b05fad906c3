// Finds where lanes that a branch parted meet again: the branch's immediate post-dominator.
//
//   @%p bra A; ...; bra B; A: ...; B: ...      the branch at the top joins at B
//
// Lanes that meet nowhere before the function's end meet there.
#include "Program.h"
#include <algorithm>

using namespace standin;

namespace {

class PostDominators {
public:
  PostDominators(Function &function) : code(function.code), end(code.size() - 1) {}
  void run();

private:
  void split();
  void order();
  uint32_t intersect(uint32_t x, uint32_t y) const;
  void successors(uint32_t last, std::vector<uint32_t> &found) const;

  std::vector<Instruction> &code;
  uint32_t end;
  /// Of each block: its first instruction, successors, predecessors.
  std::vector<uint32_t> firsts, blockOf;
  std::vector<std::vector<uint32_t>> next, previous;
  /// Blocks as a walk from the exit leaves them; each block's number in it.
  std::vector<uint32_t> walk, number, dominator;
};

} // namespace

void PostDominators::successors(uint32_t last, std::vector<uint32_t> &found) const {
  const Instruction &i = code[last];
  bool leaves = i.flow == Flow::Return || i.flow == Flow::Exit || i.flow == Flow::Trap;
  if (last == end)
    return;
  if (i.flow == Flow::Branch)
    found.push_back(i.target);
  if (i.flow == Flow::Table)
    found.insert(found.end(), i.table->begin(), i.table->end());
  if (leaves)
    found.push_back(end);
  if (i.guard || !(leaves || i.flow == Flow::Branch || i.flow == Flow::Table))
    found.push_back(last + 1);
}

void PostDominators::split() {
  std::vector<bool> leads(code.size());
  leads[0] = leads[end] = true;
  std::vector<uint32_t> found;
  for (uint32_t k = 0; k < code.size(); ++k) {
    if (code[k].flow == Flow::Next || code[k].flow == Flow::Call || code[k].flow == Flow::Barrier)
      continue;
    found.clear();
    successors(k, found);
    for (uint32_t to : found)
      leads[to] = true;
    if (k < end)
      leads[k + 1] = true;
  }
  blockOf.resize(code.size());
  for (uint32_t k = 0; k < code.size(); ++k) {
    if (leads[k])
      firsts.push_back(k);
    blockOf[k] = firsts.size() - 1;
  }
  next.resize(firsts.size());
  previous.resize(firsts.size());
  for (uint32_t block = 0; block < firsts.size(); ++block) {
    found.clear();
    successors(block + 1 < firsts.size() ? firsts[block + 1] - 1 : end, found);
    for (uint32_t to : found) {
      next[block].push_back(blockOf[to]);
      previous[blockOf[to]].push_back(block);
    }
  }
}

/// Post-order of the reversed graph, without recursion.
void PostDominators::order() {
  number.assign(firsts.size(), ~0u);
  std::vector<std::pair<uint32_t, size_t>> open = {{blockOf[end], 0}};
  std::vector<bool> seen(firsts.size());
  seen[blockOf[end]] = true;
  while (!open.empty()) {
    auto &[block, place] = open.back();
    if (place < previous[block].size()) {
      uint32_t to = previous[block][place++];
      if (!seen[to]) {
        seen[to] = true;
        open.push_back({to, 0});
      }
      continue;
    }
    number[block] = walk.size();
    walk.push_back(block);
    open.pop_back();
  }
}

uint32_t PostDominators::intersect(uint32_t x, uint32_t y) const {
  while (x != y) {
    while (number[x] < number[y])
      x = dominator[x];
    while (number[y] < number[x])
      y = dominator[y];
  }
  return x;
}

void PostDominators::run() {
  split();
  order();
  uint32_t root = blockOf[end];
  dominator.assign(firsts.size(), ~0u);
  dominator[root] = root;
  for (bool changes = true; changes;) {
    changes = false;
    for (size_t k = walk.size(); k-- > 0;) {
      uint32_t block = walk[k];
      if (block == root)
        continue;
      uint32_t found = ~0u;
      for (uint32_t to : next[block])
        if (number[to] != ~0u && dominator[to] != ~0u)
          found = found == ~0u ? to : intersect(found, to);
      if (found != dominator[block]) {
        dominator[block] = found;
        changes = true;
      }
    }
  }
  for (uint32_t k = 0; k < code.size(); ++k) {
    Instruction &i = code[k];
    if (i.flow != Flow::Branch && i.flow != Flow::Table && !(i.flow == Flow::Return && i.guard))
      continue;
    // A block from which no way leads to the end joins nowhere but there.
    uint32_t block = dominator[blockOf[k]];
    i.join = block == ~0u ? end : firsts[block];
    code[i.join].joins = true;
  }
}

void standin::findJoins(Function &function) { PostDominators(function).run(); }
