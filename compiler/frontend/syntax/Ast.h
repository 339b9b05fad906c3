// All AST nodes as plain structs with a span: the names and fields of Python's `ast` module.
// A Module owns every node of its file; nodes refer to each other by plain pointers, and an
// absent part (no `else`, no annotation) is a null pointer or an empty list.
#ifndef MPY_FRONTEND_AST_H
#define MPY_FRONTEND_AST_H

#include "support/Source.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/Casting.h"
#include <memory>
#include <string>
#include <vector>

namespace mpy::ast {

/// Names in the order of their first appearance, each once.
class NameSet {
public:
  bool insert(llvm::StringRef name) {
    if (!members.insert(name).second)
      return false;
    order.push_back(name.str());
    return true;
  }
  bool contains(llvm::StringRef name) const { return members.contains(name); }
  bool empty() const { return order.empty(); }
  size_t size() const { return order.size(); }
  auto begin() const { return order.begin(); }
  auto end() const { return order.end(); }

private:
  std::vector<std::string> order;
  llvm::StringSet<> members;
};

enum class ScopeKind { Module, Function, Lambda, Class, Comprehension };

/// What Python's scoping rules say about the names of one module, function, class or comprehension.
struct Scope {
  ScopeKind kind = ScopeKind::Module;
  Scope *parent = nullptr;
  /// Bound here: parameters first, then assignments, imports, definitions, in order.
  NameSet locals;
  /// Declared `global` here.
  NameSet globals;
  /// Declared `nonlocal` here.
  NameSet nonlocals;
  /// Names of functions around it that this one or one inside it sets.
  NameSet setOutside;
  /// Taken from enclosing function scopes (`nonlocal` included), also for scopes inside this one.
  NameSet freeNames;
  /// Locals of this scope that scopes inside it take.
  NameSet captured;
  /// Read here or assigned under `global`, and found in the module (or builtins).
  NameSet globalUses;
  bool hasYield = false;
  bool hasAwait = false;
  bool hasReturnValue = false;
  /// The names that `super()` and `__class__` need are used here.
  bool usesClassCell = false;
};

enum class Kind {
  Module,
  // Statements
  FunctionDef,
  ClassDef,
  Return,
  Delete,
  Assign,
  AugAssign,
  AnnAssign,
  For,
  While,
  If,
  With,
  Match,
  Raise,
  Try,
  Assert,
  Import,
  ImportFrom,
  Global,
  Nonlocal,
  ExprStmt,
  Pass,
  Break,
  Continue,
  // Expressions
  BoolOp,
  NamedExpr,
  BinOp,
  UnaryOp,
  Lambda,
  IfExp,
  Dict,
  Set,
  ListComp,
  SetComp,
  DictComp,
  GeneratorExp,
  Await,
  Yield,
  YieldFrom,
  Compare,
  Call,
  FormattedValue,
  JoinedStr,
  Constant,
  Attribute,
  Subscript,
  Starred,
  Name,
  List,
  Tuple,
  Slice,
  // Patterns
  MatchValue,
  MatchSingleton,
  MatchSequence,
  MatchMapping,
  MatchClass,
  MatchStar,
  MatchAs,
  MatchOr,
};

/// The name of a kind as Python's `ast` module has it (`ExprStmt` is `Expr` there).
llvm::StringRef kindName(Kind kind);

enum class BoolOperator { And, Or };
enum class BinaryOperator {
  Add,
  Sub,
  Mult,
  MatMult,
  Div,
  Mod,
  Pow,
  LShift,
  RShift,
  BitOr,
  BitXor,
  BitAnd,
  FloorDiv
};
enum class UnaryOperator { Invert, Not, UAdd, USub };
enum class CompareOperator { Eq, NotEq, Lt, LtE, Gt, GtE, Is, IsNot, In, NotIn };
enum class ExprContext { Load, Store, Del };

/// Names as in Python's `ast` module, such as `MatMult`.
llvm::StringRef operatorName(BoolOperator op);
llvm::StringRef operatorName(BinaryOperator op);
llvm::StringRef operatorName(UnaryOperator op);
llvm::StringRef operatorName(CompareOperator op);
/// As written in source, such as `@` or `not in`.
llvm::StringRef operatorText(BoolOperator op);
llvm::StringRef operatorText(BinaryOperator op);
llvm::StringRef operatorText(UnaryOperator op);
llvm::StringRef operatorText(CompareOperator op);

struct Node {
  const Kind kind;
  Span span;
  virtual ~Node() = default;
  Node(const Node &) = delete;
  Node &operator=(const Node &) = delete;

protected:
  explicit Node(Kind kind) : kind(kind) {}
};

struct Expr : Node {
  static bool classof(const Node *node) {
    return node->kind >= Kind::BoolOp && node->kind <= Kind::Slice;
  }

protected:
  using Node::Node;
};

struct Stmt : Node {
  static bool classof(const Node *node) {
    return node->kind >= Kind::FunctionDef && node->kind <= Kind::Continue;
  }

protected:
  using Node::Node;
};

struct Pattern : Node {
  static bool classof(const Node *node) { return node->kind >= Kind::MatchValue; }

protected:
  using Node::Node;
};

using ExprList = std::vector<Expr *>;
using Body = std::vector<Stmt *>;

/// Gives a node struct its kind, its constructor and its `classof`.
template <Kind nodeKind, typename Base> struct NodeOf : Base {
  static constexpr Kind staticKind = nodeKind;
  NodeOf() : Base(nodeKind) {}
  static bool classof(const Node *node) { return node->kind == nodeKind; }
};

//===----------------------------------------------------------------------===//
// Parts that are not nodes
//===----------------------------------------------------------------------===//

/// One parameter; `defaultValue` and `annotation` may be null.
struct Parameter {
  std::string name;
  Expr *annotation = nullptr;
  Expr *defaultValue = nullptr;
  Span span;
};

/// The parameters of a function or lambda, in Python's five groups.
struct Arguments {
  std::vector<Parameter> posonlyargs;
  std::vector<Parameter> args;
  std::unique_ptr<Parameter> vararg;
  std::vector<Parameter> kwonlyargs;
  std::unique_ptr<Parameter> kwarg;
};

/// `name=value` in a call or class header; an empty name is `**value`.
struct Keyword {
  std::string name;
  Expr *value = nullptr;
  Span span;
};

/// One `for target in iter if .. if ..` of a comprehension.
struct Comprehension {
  Expr *target = nullptr;
  Expr *iter = nullptr;
  ExprList ifs;
  bool isAsync = false;
  Span span;
};

/// One `except type as name:`; a null type catches everything.
struct ExceptHandler {
  Expr *type = nullptr;
  std::string name;
  Body body;
  Span span;
};

/// One `name as asname` of an import; `asname` may be empty, `name` may be dotted or `*`.
struct Alias {
  std::string name;
  std::string asname;
  Span span;
};

/// One `context as target` of a `with`.
struct WithItem {
  Expr *contextExpr = nullptr;
  Expr *optionalVars = nullptr;
};

/// One `case pattern if guard:` of a `match`.
struct MatchCase {
  Pattern *pattern = nullptr;
  Expr *guard = nullptr;
  Body body;
};

//===----------------------------------------------------------------------===//
// Statements
//===----------------------------------------------------------------------===//

struct FunctionDef : NodeOf<Kind::FunctionDef, Stmt> {
  std::string name;
  Span nameSpan;
  Arguments args;
  Body body;
  ExprList decorators;
  Expr *returns = nullptr;
  bool isAsync = false;
  Scope scope;
};

struct ClassDef : NodeOf<Kind::ClassDef, Stmt> {
  std::string name;
  Span nameSpan;
  ExprList bases;
  std::vector<Keyword> keywords;
  Body body;
  ExprList decorators;
  Scope scope;
};

struct Return : NodeOf<Kind::Return, Stmt> {
  Expr *value = nullptr;
};

struct Delete : NodeOf<Kind::Delete, Stmt> {
  ExprList targets;
};

struct Assign : NodeOf<Kind::Assign, Stmt> {
  ExprList targets;
  Expr *value = nullptr;
};

struct AugAssign : NodeOf<Kind::AugAssign, Stmt> {
  Expr *target = nullptr;
  BinaryOperator op = BinaryOperator::Add;
  Expr *value = nullptr;
};

struct AnnAssign : NodeOf<Kind::AnnAssign, Stmt> {
  Expr *target = nullptr;
  Expr *annotation = nullptr;
  Expr *value = nullptr;
  /// False when the target is anything but a bare name (`(x): int` included).
  bool simple = true;
};

struct For : NodeOf<Kind::For, Stmt> {
  Expr *target = nullptr;
  Expr *iter = nullptr;
  Body body;
  Body orelse;
  bool isAsync = false;
};

struct While : NodeOf<Kind::While, Stmt> {
  Expr *test = nullptr;
  Body body;
  Body orelse;
};

struct If : NodeOf<Kind::If, Stmt> {
  Expr *test = nullptr;
  Body body;
  /// `elif` is one nested If here.
  Body orelse;
};

struct With : NodeOf<Kind::With, Stmt> {
  std::vector<WithItem> items;
  Body body;
  bool isAsync = false;
};

struct Match : NodeOf<Kind::Match, Stmt> {
  Expr *subject = nullptr;
  std::vector<MatchCase> cases;
};

struct Raise : NodeOf<Kind::Raise, Stmt> {
  Expr *exc = nullptr;
  Expr *cause = nullptr;
};

struct Try : NodeOf<Kind::Try, Stmt> {
  Body body;
  std::vector<ExceptHandler> handlers;
  Body orelse;
  Body finalbody;
  /// `except*`.
  bool isStar = false;
};

struct Assert : NodeOf<Kind::Assert, Stmt> {
  Expr *test = nullptr;
  Expr *msg = nullptr;
};

struct Import : NodeOf<Kind::Import, Stmt> {
  std::vector<Alias> names;
};

struct ImportFrom : NodeOf<Kind::ImportFrom, Stmt> {
  /// Dotted name after `from`, without the leading dots; may be empty.
  std::string module;
  std::vector<Alias> names;
  /// Number of leading dots.
  unsigned level = 0;
};

struct Global : NodeOf<Kind::Global, Stmt> {
  std::vector<std::string> names;
};

struct Nonlocal : NodeOf<Kind::Nonlocal, Stmt> {
  std::vector<std::string> names;
};

/// An expression evaluated for its effect (`Expr` in Python's `ast`).
struct ExprStmt : NodeOf<Kind::ExprStmt, Stmt> {
  Expr *value = nullptr;
};

struct Pass : NodeOf<Kind::Pass, Stmt> {};
struct Break : NodeOf<Kind::Break, Stmt> {};
struct Continue : NodeOf<Kind::Continue, Stmt> {};

//===----------------------------------------------------------------------===//
// Expressions
//===----------------------------------------------------------------------===//

struct BoolOp : NodeOf<Kind::BoolOp, Expr> {
  BoolOperator op = BoolOperator::And;
  ExprList values;
};

struct NamedExpr : NodeOf<Kind::NamedExpr, Expr> {
  /// Always a Name.
  Expr *target = nullptr;
  Expr *value = nullptr;
};

struct BinOp : NodeOf<Kind::BinOp, Expr> {
  Expr *left = nullptr;
  BinaryOperator op = BinaryOperator::Add;
  Expr *right = nullptr;
};

struct UnaryOp : NodeOf<Kind::UnaryOp, Expr> {
  UnaryOperator op = UnaryOperator::USub;
  Expr *operand = nullptr;
};

struct Lambda : NodeOf<Kind::Lambda, Expr> {
  Arguments args;
  Expr *body = nullptr;
  Scope scope;
};

struct IfExp : NodeOf<Kind::IfExp, Expr> {
  Expr *test = nullptr;
  Expr *body = nullptr;
  Expr *orelse = nullptr;
};

struct Dict : NodeOf<Kind::Dict, Expr> {
  /// A null key is `**value`.
  ExprList keys;
  ExprList values;
};

struct Set : NodeOf<Kind::Set, Expr> {
  ExprList elts;
};

struct ListComp : NodeOf<Kind::ListComp, Expr> {
  Expr *elt = nullptr;
  std::vector<Comprehension> generators;
  Scope scope;
};

struct SetComp : NodeOf<Kind::SetComp, Expr> {
  Expr *elt = nullptr;
  std::vector<Comprehension> generators;
  Scope scope;
};

struct DictComp : NodeOf<Kind::DictComp, Expr> {
  Expr *key = nullptr;
  Expr *value = nullptr;
  std::vector<Comprehension> generators;
  Scope scope;
};

struct GeneratorExp : NodeOf<Kind::GeneratorExp, Expr> {
  Expr *elt = nullptr;
  std::vector<Comprehension> generators;
  Scope scope;
};

struct Await : NodeOf<Kind::Await, Expr> {
  Expr *value = nullptr;
};

struct Yield : NodeOf<Kind::Yield, Expr> {
  Expr *value = nullptr;
};

struct YieldFrom : NodeOf<Kind::YieldFrom, Expr> {
  Expr *value = nullptr;
};

struct Compare : NodeOf<Kind::Compare, Expr> {
  Expr *left = nullptr;
  std::vector<CompareOperator> ops;
  ExprList comparators;
};

struct Call : NodeOf<Kind::Call, Expr> {
  Expr *func = nullptr;
  /// `*x` is a Starred.
  ExprList args;
  std::vector<Keyword> keywords;
};

/// One `{value!conversion:formatSpec}` of an f-string.
struct FormattedValue : NodeOf<Kind::FormattedValue, Expr> {
  Expr *value = nullptr;
  /// `s`, `r`, `a`, or 0.
  char conversion = 0;
  /// Null or a JoinedStr.
  Expr *formatSpec = nullptr;
};

struct JoinedStr : NodeOf<Kind::JoinedStr, Expr> {
  /// Each a string Constant or a FormattedValue.
  ExprList values;
};

enum class ConstantKind { None, True, False, Ellipsis, Int, Float, Complex, Str, Bytes };

struct Constant : NodeOf<Kind::Constant, Expr> {
  ConstantKind type = ConstantKind::None;
  /// Int that fits 64 bits.
  int64_t intValue = 0;
  /// Int that does not fit: `text` holds its decimal or prefixed digits without underscores.
  bool isBigInt = false;
  /// Float, or the imaginary part of Complex.
  double floatValue = 0;
  /// Str (UTF-8, lone surrogates in three bytes), Bytes, or the digits of a number.
  std::string text;

  bool isString() const { return type == ConstantKind::Str; }
  bool isNone() const { return type == ConstantKind::None; }
};

struct Attribute : NodeOf<Kind::Attribute, Expr> {
  Expr *value = nullptr;
  std::string attr;
  Span attrSpan;
  ExprContext ctx = ExprContext::Load;
};

struct Subscript : NodeOf<Kind::Subscript, Expr> {
  Expr *value = nullptr;
  /// A Tuple when there is a comma.
  Expr *slice = nullptr;
  ExprContext ctx = ExprContext::Load;
};

struct Starred : NodeOf<Kind::Starred, Expr> {
  Expr *value = nullptr;
  ExprContext ctx = ExprContext::Load;
};

struct Name : NodeOf<Kind::Name, Expr> {
  std::string id;
  ExprContext ctx = ExprContext::Load;
};

struct List : NodeOf<Kind::List, Expr> {
  ExprList elts;
  ExprContext ctx = ExprContext::Load;
};

struct Tuple : NodeOf<Kind::Tuple, Expr> {
  ExprList elts;
  ExprContext ctx = ExprContext::Load;
};

struct Slice : NodeOf<Kind::Slice, Expr> {
  Expr *lower = nullptr;
  Expr *upper = nullptr;
  Expr *step = nullptr;
};

//===----------------------------------------------------------------------===//
// Patterns
//===----------------------------------------------------------------------===//

struct MatchValue : NodeOf<Kind::MatchValue, Pattern> {
  Expr *value = nullptr;
};

struct MatchSingleton : NodeOf<Kind::MatchSingleton, Pattern> {
  /// None, True or False.
  ConstantKind value = ConstantKind::None;
};

struct MatchSequence : NodeOf<Kind::MatchSequence, Pattern> {
  std::vector<Pattern *> patterns;
};

struct MatchMapping : NodeOf<Kind::MatchMapping, Pattern> {
  ExprList keys;
  std::vector<Pattern *> patterns;
  /// The name after `**`, or empty.
  std::string rest;
};

struct MatchClass : NodeOf<Kind::MatchClass, Pattern> {
  Expr *cls = nullptr;
  std::vector<Pattern *> patterns;
  std::vector<std::string> kwdAttrs;
  std::vector<Pattern *> kwdPatterns;
};

struct MatchStar : NodeOf<Kind::MatchStar, Pattern> {
  /// Empty for `*_`.
  std::string name;
};

struct MatchAs : NodeOf<Kind::MatchAs, Pattern> {
  /// Null for a bare capture or `_`.
  Pattern *pattern = nullptr;
  /// Empty for `_`.
  std::string name;
};

struct MatchOr : NodeOf<Kind::MatchOr, Pattern> {
  std::vector<Pattern *> patterns;
};

//===----------------------------------------------------------------------===//
// Module
//===----------------------------------------------------------------------===//

/// A file, and the owner of all of its nodes.
struct Module : NodeOf<Kind::Module, Node> {
  FileId file = 0;
  Body body;
  Scope scope;

  /// Makes a node that lives as long as this module.
  template <typename NodeType> NodeType *create(Span span) {
    auto node = std::make_unique<NodeType>();
    node->span = span;
    NodeType *result = node.get();
    nodes.push_back(std::move(node));
    return result;
  }

private:
  std::vector<std::unique_ptr<Node>> nodes;
};

/// The scope of a FunctionDef, Lambda, ClassDef, Module or comprehension, else null.
const Scope *scopeOf(const Node *node);

/// The value of a docstring at the start of a body, else null.
const Constant *docstring(const Body &body);

} // namespace mpy::ast

#endif // MPY_FRONTEND_AST_H
