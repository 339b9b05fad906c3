// What changes the place of execution: branches, calls, returns, barriers, traps; and fences.
#include "Lanes.h"
#include "Parser.h"

using namespace standin;

static void nothing(const Instruction &, Warp &, uint32_t) {}

static void decodeCall(Statement &s, Instruction &i) {
  auto site = std::make_unique<CallSite>();
  size_t k = 0;
  auto places = [&](const Operand &list, auto &offsets, auto &sizes) {
    for (const Operand &part : list.parts) {
      const Variable *variable = s.builder.parameter(part.name);
      if (!variable)
        s.malformed(part.name + " is no parameter");
      offsets.push_back(uint32_t(variable->offset));
      sizes.push_back(uint32_t(variable->bytes));
    }
  };
  if (s.operands.size() > k && s.operands[k].form == Operand::List)
    places(s.operands[k++], site->resultOffsets, site->resultSizes);
  if (s.operands.size() <= k || s.operands[k].form != Operand::Name)
    s.malformed("a call of nothing");
  site->name = s.operands[k++].name;
  if (s.builder.find(site->name))
    throw UnknownInstruction{
        {"unknown instruction " + std::string(s.opcode) + " through a register", s.line}};
  if (s.operands.size() > k && s.operands[k].form == Operand::List)
    places(s.operands[k++], site->argumentOffsets, site->argumentSizes);
  i.flow = Flow::Call;
  i.call = site.get();
  s.builder.function.calls.push_back(std::move(site));
}

/// `bar.sync 0`, `barrier.sync.aligned 0, 128`, `barrier.cta.sync`.
static void decodeBarrier(Statement &s, Instruction &i) {
  if (!s.has("sync") || s.operands.empty() || s.operands.size() > 2 ||
      s.operands[0].form != Operand::Number)
    s.unknown();
  i.flow = Flow::Barrier;
  i.immediate = int64_t(s.operands[0].bits);
  i.count = s.operands.size() == 2;
  if (i.count)
    i.a = s.builder.source(s, s.operands[1], {Kind::Bits, 32});
}

bool standin::decodeFlow(Statement &s, Instruction &i) {
  std::string_view name = s.operation();
  if (name == "bra") {
    s.expect(1);
    i.flow = Flow::Branch;
    i.target = s.builder.label(s.operands[0].name);
  } else if (name == "brx") {
    s.expect(2);
    i.flow = Flow::Table;
    i.a = s.builder.source(s, s.operands[0], {Kind::Bits, 32});
    i.target = s.builder.label(s.operands[1].name);
  } else if (name == "call")
    decodeCall(s, i);
  else if (name == "ret")
    i.flow = Flow::Return;
  else if (name == "exit")
    i.flow = Flow::Exit;
  else if (name == "trap" || name == "brkpt")
    i.flow = Flow::Trap;
  else if ((name == "bar" && !s.has("warp")) || name == "barrier")
    decodeBarrier(s, i);
  else if (name == "membar" || name == "fence" || name == "nanosleep" || name == "griddepcontrol" ||
           name == "pragma")
    i.run = nothing;
  else
    return false;
  return true;
}
