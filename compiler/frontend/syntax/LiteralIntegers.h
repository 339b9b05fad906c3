// Arithmetic that a program writes of literal ints alone: exact, whatever its parts need.
#ifndef MPY_FRONTEND_LITERALINTEGERS_H
#define MPY_FRONTEND_LITERALINTEGERS_H

#include "frontend/syntax/Ast.h"
#include <optional>

namespace mpy {

/// The value of an expression of literal ints, if it is one and fits 64 bits.
std::optional<int64_t> literalInteger(const ast::Expr &expr);

} // namespace mpy

#endif // MPY_FRONTEND_LITERALINTEGERS_H
