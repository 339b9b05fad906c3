// The names of node kinds and operators, and the two questions that every user of the AST asks.
#include "frontend/syntax/Ast.h"

namespace mpy::ast {

llvm::StringRef kindName(Kind kind) {
  static constexpr llvm::StringRef names[] = {"Module",
                                              "FunctionDef",
                                              "ClassDef",
                                              "Return",
                                              "Delete",
                                              "Assign",
                                              "AugAssign",
                                              "AnnAssign",
                                              "For",
                                              "While",
                                              "If",
                                              "With",
                                              "Match",
                                              "Raise",
                                              "Try",
                                              "Assert",
                                              "Import",
                                              "ImportFrom",
                                              "Global",
                                              "Nonlocal",
                                              "Expr",
                                              "Pass",
                                              "Break",
                                              "Continue",
                                              "BoolOp",
                                              "NamedExpr",
                                              "BinOp",
                                              "UnaryOp",
                                              "Lambda",
                                              "IfExp",
                                              "Dict",
                                              "Set",
                                              "ListComp",
                                              "SetComp",
                                              "DictComp",
                                              "GeneratorExp",
                                              "Await",
                                              "Yield",
                                              "YieldFrom",
                                              "Compare",
                                              "Call",
                                              "FormattedValue",
                                              "JoinedStr",
                                              "Constant",
                                              "Attribute",
                                              "Subscript",
                                              "Starred",
                                              "Name",
                                              "List",
                                              "Tuple",
                                              "Slice",
                                              "MatchValue",
                                              "MatchSingleton",
                                              "MatchSequence",
                                              "MatchMapping",
                                              "MatchClass",
                                              "MatchStar",
                                              "MatchAs",
                                              "MatchOr"};
  static_assert(std::size(names) == static_cast<size_t>(Kind::MatchOr) + 1);
  return names[static_cast<size_t>(kind)];
}

llvm::StringRef operatorName(BoolOperator op) { return op == BoolOperator::And ? "And" : "Or"; }

llvm::StringRef operatorName(BinaryOperator op) {
  static constexpr llvm::StringRef names[] = {"Add",    "Sub",    "Mult",    "MatMult", "Div",
                                              "Mod",    "Pow",    "LShift",  "RShift",  "BitOr",
                                              "BitXor", "BitAnd", "FloorDiv"};
  return names[static_cast<size_t>(op)];
}

llvm::StringRef operatorName(UnaryOperator op) {
  static constexpr llvm::StringRef names[] = {"Invert", "Not", "UAdd", "USub"};
  return names[static_cast<size_t>(op)];
}

llvm::StringRef operatorName(CompareOperator op) {
  static constexpr llvm::StringRef names[] = {"Eq",  "NotEq", "Lt",    "LtE", "Gt",
                                              "GtE", "Is",    "IsNot", "In",  "NotIn"};
  return names[static_cast<size_t>(op)];
}

llvm::StringRef operatorText(BoolOperator op) { return op == BoolOperator::And ? "and" : "or"; }

llvm::StringRef operatorText(BinaryOperator op) {
  static constexpr llvm::StringRef texts[] = {"+",  "-",  "*", "@", "/", "%", "**",
                                              "<<", ">>", "|", "^", "&", "//"};
  return texts[static_cast<size_t>(op)];
}

llvm::StringRef operatorText(UnaryOperator op) {
  static constexpr llvm::StringRef texts[] = {"~", "not", "+", "-"};
  return texts[static_cast<size_t>(op)];
}

llvm::StringRef operatorText(CompareOperator op) {
  static constexpr llvm::StringRef texts[] = {"==", "!=", "<",      "<=", ">",
                                              ">=", "is", "is not", "in", "not in"};
  return texts[static_cast<size_t>(op)];
}

const Scope *scopeOf(const Node *node) {
  switch (node->kind) {
  case Kind::Module:
    return &llvm::cast<Module>(node)->scope;
  case Kind::FunctionDef:
    return &llvm::cast<FunctionDef>(node)->scope;
  case Kind::Lambda:
    return &llvm::cast<Lambda>(node)->scope;
  case Kind::ClassDef:
    return &llvm::cast<ClassDef>(node)->scope;
  case Kind::ListComp:
    return &llvm::cast<ListComp>(node)->scope;
  case Kind::SetComp:
    return &llvm::cast<SetComp>(node)->scope;
  case Kind::DictComp:
    return &llvm::cast<DictComp>(node)->scope;
  case Kind::GeneratorExp:
    return &llvm::cast<GeneratorExp>(node)->scope;
  default:
    return nullptr;
  }
}

const Constant *docstring(const Body &body) {
  if (body.empty())
    return nullptr;
  auto *first = llvm::dyn_cast<ExprStmt>(body.front());
  auto *constant = first ? llvm::dyn_cast<Constant>(first->value) : nullptr;
  return constant && constant->isString() ? constant : nullptr;
}

} // namespace mpy::ast
