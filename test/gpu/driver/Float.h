// Roundings of float arithmetic.
#pragma once

#include "Program.h"
#include <string_view>

namespace standin {

enum class Direction : uint8_t { Nearest, Zero, Down, Up };

/// Handlers for arithmetic that rounds otherwise than to nearest; none for what PTX has not.
Handler directedHandler(std::string_view name, unsigned bits, Direction direction, bool flushes,
                        bool saturates);

/// Conversions that may round: the value in the direction.
double fromInteger(int64_t value, Direction direction, bool toFloat);
double fromUnsigned(uint64_t value, Direction direction, bool toFloat);
float narrow(double value, Direction direction);

} // namespace standin
