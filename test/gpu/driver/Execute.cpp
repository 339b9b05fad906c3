// Runs a launch: blocks in turn, the warps of a block in turn, each up to its next barrier.
//
// A warp keeps a stack of (place, mask, join). At a branch that parts its lanes the entry on top
// moves to the join and the two sides go on top of it; a side that comes to the join is dropped. So
// lanes meet again at the branch's post-dominator, where compiled code expects them for shuffles
// and barriers.
#include "Execute.h"
#include "Device.h"
#include "Lanes.h"
#include <algorithm>
#include <set>

using namespace standin;

uint32_t standin::segments = 1;
thread_local const Instruction *standin::current = nullptr;

std::string standin::place(const Warp &warp, const Instruction &i, uint32_t mask) {
  unsigned lane = mask ? __builtin_ctz(mask) : 0, thread = warp.firstThread + lane;
  const Launch &launch = *warp.launch;
  std::string text = "in " + launch.kernel.name;
  if (warp.function != &launch.kernel)
    text += ", called " + warp.function->name;
  text += ", line " + std::to_string(i.line) + " `" + warp.function->texts[i.text] + "`";
  if (i.sourceLine) {
    auto file = launch.module.files.find(i.file);
    text += " of " + (file == launch.module.files.end() ? std::string("line") : file->second) +
            ":" + std::to_string(i.sourceLine);
  }
  char who[120];
  snprintf(who, sizeof who, ", block (%u, %u, %u), thread (%u, %u, %u)", warp.block->x,
           warp.block->y, warp.block->z, thread % launch.block.x,
           thread / launch.block.x % launch.block.y, thread / launch.block.x / launch.block.y);
  return text + who;
}

void standin::fault(const Warp &warp, const Instruction &i, unsigned lane, int code,
                    const std::string &what) {
  throw Fault{code, what + ", " + place(warp, i, 1u << lane)};
}

Warp::~Warp() { free(registers); }

void Warp::reserveRegisters(size_t bytes) {
  if (bytes <= registerBytes)
    return;
  size_t wanted = std::max(bytes, registerBytes * 2);
  auto *made = static_cast<char *>(aligned_alloc(64, (wanted + 63) / 64 * 64));
  if (registers)
    memcpy(made, registers, registerBytes);
  free(registers);
  registers = made;
  registerBytes = wanted;
}

static uint64_t specialValue(const Warp &warp, Special which, unsigned lane) {
  const Launch &launch = *warp.launch;
  unsigned thread = warp.firstThread + lane;
  switch (which) {
  case Special::TidX:
    return thread % launch.block.x;
  case Special::TidY:
    return thread / launch.block.x % launch.block.y;
  case Special::TidZ:
    return thread / launch.block.x / launch.block.y;
  case Special::NtidX:
    return launch.block.x;
  case Special::NtidY:
    return launch.block.y;
  case Special::NtidZ:
    return launch.block.z;
  case Special::CtaidX:
    return warp.block->x;
  case Special::CtaidY:
    return warp.block->y;
  case Special::CtaidZ:
    return warp.block->z;
  case Special::NctaidX:
    return launch.grid.x;
  case Special::NctaidY:
    return launch.grid.y;
  case Special::NctaidZ:
    return launch.grid.z;
  case Special::LaneId:
    return lane;
  case Special::WarpId:
    return warp.firstThread / lanes;
  case Special::LaneMaskEq:
    return 1u << lane;
  case Special::LaneMaskLt:
    return (1u << lane) - 1;
  case Special::LaneMaskLe:
    return (2ull << lane) - 1;
  case Special::LaneMaskGt:
    return ~uint32_t((2ull << lane) - 1);
  case Special::LaneMaskGe:
    return ~((1u << lane) - 1);
  case Special::Clock:
    return launch.counts.warpInstructions;
  case Special::GridId:
    return launch.number;
  case Special::SharedDynamicSize:
    return launch.dynamicShared;
  case Special::SharedTotalSize:
    return launch.sharedBytes;
  }
  return 0;
}

void Warp::enter(const Function &callee, const Instruction *site, uint32_t mask) {
  size_t offset =
      frames.empty() ? 0 : frames.back().frameOffset + (function->frame.size() + 63) / 64 * 64;
  if (frames.size() > 1000)
    throw Fault{719, "calls are nested more than 1000 deep, in " + callee.name};
  reserveRegisters(offset + callee.frame.size() + 64);
  char *made = registers + offset;
  memcpy(made, callee.frame.data(), callee.frame.size());
  uint64_t depot = (localUsed + 15) / 16 * 16;
  localUsed = depot + callee.depotBytes;
  if (localUsed > localBytes) {
    // Lanes lie one behind the other, so each moves.
    uint64_t wanted = std::max<uint64_t>(localUsed * 2, 256);
    std::vector<char> bytes(wanted * lanes), known(wanted * lanes);
    for (unsigned l = 0; l < lanes && localBytes; ++l) {
      memcpy(&bytes[l * wanted], &local[l * localBytes], localBytes);
      memcpy(&known[l * wanted], &localKnown[l * localBytes], localBytes);
    }
    local.swap(bytes);
    localKnown.swap(known);
    localBytes = wanted;
  }
  for (unsigned l = 0; l < lanes && callee.depotBytes; ++l)
    memset(&localKnown[l * localBytes + depot], 0, callee.depotBytes);
  frames.push_back({&callee, site, offset, stack.size(), depot});
  stack.push_back({0, ~0u, mask});
  function = &callee;
  frame = made;
  for (const Function::DepotUse &use : callee.depots)
    for (unsigned l = 0; l < lanes; ++l)
      at<uint64_t>(*this, use.place)[l] = depot + use.offset;
  for (const SpecialUse &use : callee.specials)
    for (unsigned l = 0; l < lanes; ++l) {
      uint64_t value = specialValue(*this, use.which, l);
      if (use.bits == 64)
        at<uint64_t>(*this, use.offset)[l] = value;
      else if (use.bits == 32)
        at<uint32_t>(*this, use.offset)[l] = value;
      else
        at<uint16_t>(*this, use.offset)[l] = value;
    }
}

void Warp::leave() {
  Frame left = frames.back();
  frames.pop_back();
  stack.resize(left.stackBase);
  localUsed = left.depot;
  if (frames.empty())
    return;
  const Frame &caller = frames.back();
  function = caller.function;
  frame = registers + caller.frameOffset;
  for (const ParameterCopy &copy : left.callSite->call->results)
    memcpy(frame + copy.caller, registers + left.frameOffset + copy.callee,
           size_t(copy.bytes) * lanes);
}

void Warp::exit(uint32_t mask) {
  exited |= mask;
  for (Entry &entry : stack)
    entry.mask &= ~mask;
}

void Warp::begin(Block &owner, unsigned thread, unsigned threads) {
  block = &owner;
  launch = owner.launch;
  firstThread = thread;
  phase = 0;
  exited = 0;
  waits = isDone = false;
  stack.clear();
  frames.clear();
  localUsed = 0;
  present = threads - thread >= lanes ? allLanes : (1u << (threads - thread)) - 1;
  enter(launch->kernel, nullptr, present);
}

/// Lanes of `i` that go different ways; the sides are put on the stack.
static void part(Warp &warp, const Instruction &i,
                 std::initializer_list<std::pair<uint32_t, uint32_t>> sides) {
  // Who waits at the same join already holds all these lanes.
  if (warp.stack.back().join == i.join)
    warp.stack.pop_back();
  else
    warp.stack.back().pc = i.join;
  for (auto [pc, mask] : sides)
    if (pc != i.join && mask)
      warp.stack.push_back({pc, i.join, mask});
}

static void partByTable(Warp &warp, const Instruction &i, uint32_t pc, uint32_t mask,
                        uint32_t active) {
  const auto *index = at<uint32_t>(warp, i.a);
  std::map<uint32_t, uint32_t> sides;
  for (uint32_t rest = active; rest; rest &= rest - 1) {
    unsigned l = __builtin_ctz(rest);
    if (index[l] >= i.table->size())
      fault(warp, i, l, 719, "a branch past the end of its table");
    sides[(*i.table)[index[l]]] |= 1u << l;
  }
  if (mask & ~active)
    sides[pc + 1] |= mask & ~active;
  Entry top = warp.stack.back();
  if (sides.size() == 1) {
    warp.stack.back().pc = sides.begin()->first;
    return;
  }
  if (top.join == i.join)
    warp.stack.pop_back();
  else
    warp.stack.back().pc = i.join;
  for (auto [to, side] : sides)
    if (to != i.join)
      warp.stack.push_back({to, i.join, side});
}

Warp::Status Warp::run() {
  KernelCounts &counts = launch->counts;
  while (!stack.empty()) {
    if (stack.size() == frames.back().stackBase) {
      // Each lane of the call has exited.
      leave();
      continue;
    }
    if (!stack.back().mask) {
      stack.pop_back();
      continue;
    }
    const Instruction *code = function->code.data();
    uint32_t pc = stack.back().pc, mask = stack.back().mask, join = stack.back().join;
    for (;;) {
      const Instruction &i = code[pc];
      if (i.joins && pc == join) {
        stack.pop_back();
        break;
      }
      uint32_t active = mask;
      if (i.guard) {
        uint32_t p = predicate(*this, i.guardOffset);
        active &= i.guard == 1 ? p : ~p;
      }
      counts.instructions += __builtin_popcount(active);
      ++counts.warpInstructions;
      if (i.flow == Flow::Next) {
        if (active)
          i.run(i, *this, active);
        ++pc;
        continue;
      }
      if (!active) {
        ++pc;
        continue;
      }
      current = &i;
      if (counts.instructions > launch->limit)
        fault(*this, i, __builtin_ctz(active), 702,
              "the launch takes more than the limit of instructions");
      if (i.flow == Flow::Branch && active == mask) {
        pc = i.target;
        continue;
      }
      stack.back().pc = pc + 1;
      switch (i.flow) {
      case Flow::Next:
        break;
      case Flow::Branch:
        part(*this, i, {{pc + 1, mask & ~active}, {i.target, active}});
        break;
      case Flow::Table:
        partByTable(*this, i, pc, mask, active);
        break;
      case Flow::Call: {
        size_t caller = frames.back().frameOffset;
        enter(*i.call->callee, &i, active);
        for (const ParameterCopy &copy : i.call->arguments)
          memcpy(frame + copy.callee, registers + caller + copy.caller, size_t(copy.bytes) * lanes);
        break;
      }
      case Flow::Trap:
        fault(*this, i, __builtin_ctz(active), 719, "trap");
      case Flow::Return:
        if (frames.size() > 1) {
          uint32_t end = function->code.size() - 1;
          if (pc == end)
            leave();
          else if (active == mask)
            stack.back().pc = end;
          else
            part(*this, i, {{pc + 1, mask & ~active}, {end, active}});
          break;
        }
        [[fallthrough]];
      case Flow::Exit:
        exit(active);
        break;
      case Flow::Barrier:
        if (active != present) {
          bool left = (active | exited) == present;
          fault(*this, i, __builtin_ctz(present & ~active), 719,
                left ? "a barrier that threads which have returned do not reach"
                     : "a barrier in a branch that not all threads of the warp take");
        }
        waits = true;
        barrier = i.immediate;
        barrierThreads = i.count ? at<uint32_t>(*this, i.a)[0] : 0;
        return Status::Waits;
      }
      break;
    }
  }
  isDone = true;
  return Status::Done;
}

namespace {

/// The warps of one block and the barriers between them.
class BlockRun {
public:
  BlockRun(Launch &launch) : launch(launch) {
    threads = launch.block.x * launch.block.y * launch.block.z;
    block.launch = &launch;
    shared.base = sharedBase;
    shared.isShared = true;
    shared.bytes = launch.sharedBytes;
    storage.resize(shared.bytes + 64);
    shared.data = storage.data();
    shared.cells.resize((shared.bytes + 7) / 8);
    block.shared = &shared;
  }
  void run(unsigned x, unsigned y, unsigned z);

private:
  void release(bool someLeft);
  Launch &launch;
  unsigned threads;
  size_t waiting = 0;
  Block block;
  Allocation shared;
  std::vector<char> storage;
  std::vector<std::unique_ptr<Warp>> warps;
};

} // namespace

void BlockRun::run(unsigned x, unsigned y, unsigned z) {
  block.x = x;
  block.y = y;
  block.z = z;
  block.firstSegment = block.segment = segments++;
  // What the block before has left is not this one's.
  memset(storage.data(), 0x7f, storage.size());
  // A warp that never waits leaves its registers to the next.
  size_t used = 0;
  bool someLeft = false;
  for (unsigned thread = 0; thread < threads; thread += lanes) {
    if (used == warps.size())
      warps.push_back(std::make_unique<Warp>());
    warps[used]->begin(block, thread, threads);
    if (warps[used]->run() == Warp::Status::Waits)
      ++used;
    else
      someLeft = true;
  }
  waiting = used;
  while (waiting) {
    release(someLeft);
    for (size_t k = 0; k < used; ++k) {
      Warp &warp = *warps[k];
      if (warp.isDone || warp.waits)
        continue;
      if (warp.run() == Warp::Status::Done) {
        someLeft = true;
        --waiting;
      }
    }
  }
}

/// Lets go on who waits at a barrier that is complete.
void BlockRun::release(bool someLeft) {
  unsigned arrived[16] = {};
  Warp *first = nullptr;
  for (auto &warp : warps)
    if (!warp->isDone && warp->waits) {
      arrived[warp->barrier & 15] += __builtin_popcount(warp->present);
      first = first ? first : warp.get();
    }
  bool goesOn = false;
  for (auto &warp : warps) {
    if (warp->isDone || !warp->waits)
      continue;
    unsigned wanted = warp->barrierThreads ? warp->barrierThreads : threads;
    if (arrived[warp->barrier & 15] < wanted)
      continue;
    warp->waits = false;
    goesOn = true;
  }
  if (!goesOn) {
    const Instruction &i = first->function->code[first->stack.back().pc - 1];
    fault(*first, i, __builtin_ctz(first->present), 719,
          someLeft ? "a barrier that threads which have returned do not reach"
                   : "threads wait at different barriers");
  }
  ++launch.counts.barriers;
  block.segment = segments++;
}

/// The shared variables of a kernel and of all that it calls.
static void collectShared(const Function &function, std::set<const Function *> &seen,
                          std::vector<const SharedVariable *> &found) {
  if (!seen.insert(&function).second)
    return;
  for (const SharedVariable *variable : function.shared)
    if (std::find(found.begin(), found.end(), variable) == found.end())
      found.push_back(variable);
  for (const Function *callee : function.callees)
    collectShared(*callee, seen, found);
}

uint64_t standin::staticShared(const Function &kernel) {
  std::set<const Function *> seen;
  std::vector<const SharedVariable *> variables;
  collectShared(kernel, seen, variables);
  uint64_t bytes = 0;
  for (const SharedVariable *variable : variables)
    if (!variable->dynamic)
      bytes = (bytes + variable->alignment - 1) / variable->alignment * variable->alignment +
              variable->bytes;
  return bytes;
}

static void layOutShared(Launch &launch) {
  std::set<const Function *> seen;
  std::vector<const SharedVariable *> variables;
  collectShared(launch.kernel, seen, variables);
  uint64_t end = 0;
  for (const SharedVariable *variable : variables) {
    uint64_t bytes = variable->dynamic ? launch.dynamicShared : variable->bytes;
    end = (end + 127) / 128 * 128;
    launch.shared.push_back({variable->offset, variable->offset + bytes, end, variable});
    end += bytes;
  }
  launch.sharedBytes = end;
}

void standin::execute(Launch &launch) {
  layOutShared(launch);
  launch.firstSegment = segments;
  launch.limit = launch.counts.instructions + options().instructionLimit;
  KernelCounts &counts = launch.counts;
  ++counts.launches;
  counts.blocks += uint64_t(launch.grid.x) * launch.grid.y * launch.grid.z;
  counts.threads += uint64_t(launch.grid.x) * launch.grid.y * launch.grid.z * launch.block.x *
                    launch.block.y * launch.block.z;
  BlockRun run(launch);
  for (unsigned z = 0; z < launch.grid.z; ++z)
    for (unsigned y = 0; y < launch.grid.y; ++y)
      for (unsigned x = 0; x < launch.grid.x; ++x)
        run.run(x, y, z);
}
