// The budget of what runs while compiling, for one nest of loops and for the whole program.
#include "frontend/paths/UnrollBudget.h"
#include <algorithm>
#include <utility>

namespace mpy {

/// For one nest: about a tenth of a second, with what comes after it.
static constexpr uint64_t maximumNest = 6000;
/// For all nests of a program; each may have some of it.
static constexpr uint64_t maximumProgram = 40000, minimumNest = 500;

void UnrollBudget::begin() {
  uint64_t rest = spent < maximumProgram ? maximumProgram - spent : 0;
  started = work;
  limit = work + std::clamp(rest, minimumNest, maximumNest);
}

void UnrollBudget::end() {
  spent += work - started;
  limit = 0;
}

void UnrollBudget::check(uint64_t begun, uint64_t done, uint64_t total) {
  uint64_t estimate = done ? (work - begun) * total / done : 0;
  if (!isUnrolling() || begun + std::max(estimate, work - begun) <= limit)
    return;
  isExceeded = true;
  throw Abort();
}

UnlimitedUnrolling::UnlimitedUnrolling(UnrollBudget &budget)
    : budget(budget), before(budget.work), limit(std::exchange(budget.limit, 0)),
      started(budget.started) {}

UnlimitedUnrolling::~UnlimitedUnrolling() {
  // It counts once, not for each iteration around it.
  budget.limit = limit ? limit + (budget.work - before) : 0;
  budget.started = started + (limit ? budget.work - before : 0);
}

} // namespace mpy
