// One step down the AST, for analyses that treat most nodes alike.
#ifndef MPY_FRONTEND_ASTWALK_H
#define MPY_FRONTEND_ASTWALK_H

#include "frontend/syntax/Ast.h"
#include "llvm/ADT/STLFunctionalExtras.h"

namespace mpy {

/// Calls `visit` for every direct child of a node (no null ones), parts like parameters and
/// handlers included; a child that is evaluated earlier comes earlier.
void forEachChild(const ast::Node *node, llvm::function_ref<void(ast::Node *)> visit);

/// The defaults and annotations of parameters, which are evaluated where the function is defined.
void forEachParameterPart(const ast::Arguments &arguments,
                          llvm::function_ref<void(ast::Node *)> visit);

/// Every parameter in Python's order: positional, `*args`, keyword-only, `**kwargs`.
void forEachParameter(const ast::Arguments &arguments,
                      llvm::function_ref<void(const ast::Parameter &)> visit);

/// The generators of a comprehension or generator expression, else null.
const std::vector<ast::Comprehension> *generatorsOf(const ast::Node *node);

/// The name that one alias of an import binds.
llvm::StringRef boundName(const ast::Alias &alias, bool isFrom);

} // namespace mpy

#endif // MPY_FRONTEND_ASTWALK_H
