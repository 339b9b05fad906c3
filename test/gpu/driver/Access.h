// The checks and counts of accesses to memory.
#pragma once

#include "Execute.h"

namespace standin {

enum class Use : uint8_t { Read, Write, Atomic };

/// Where the bytes of each lane of `mask` lie on this machine, after every check. Addresses are
/// those of the instruction's space, `bytes` the width of the whole access.
void checkedAccess(const Instruction &i, Warp &w, uint32_t mask, const uint64_t *addresses,
                   unsigned bytes, Use use, char **found);
/// The addresses that the lanes name.
void addressesOf(const Instruction &i, const Warp &w, uint64_t *addresses);

} // namespace standin
