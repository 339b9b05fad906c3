// The copy of ANTLR's tree into the AST: one function a production. Only Parse*.cpp include this.
#ifndef MPY_FRONTEND_PARSEBUILDER_H
#define MPY_FRONTEND_PARSEBUILDER_H

#include "MpyParser.h"
#include "frontend/syntax/Ast.h"
#include "frontend/syntax/TokenSource.h"
#include "support/Diagnostics.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/StringExtras.h"
#include <memory>
#include <optional>

namespace mpy {

using llvm::cast;
using llvm::dyn_cast;
using llvm::isa;

/// One parse of one span: ANTLR's tokens, parser and tree, which live as long as this object.
class SyntaxTree {
public:
  using Parser = syntax::MpyParser;

  /// Parses the span as a file; null after an error, which is reported.
  Parser::File_inputContext *parseFile(const SourceManager &sources, Span span,
                                       Diagnostics &diagnostics);
  /// Parses the span as the expression in one `{}` of an f-string.
  Parser::Fstring_inputContext *parseFString(const SourceManager &sources, Span span,
                                             Diagnostics &diagnostics);

private:
  template <typename Context>
  Context *parse(const SourceManager &sources, Span span, TokenRange range,
                 Context *(Parser::*start)(), Diagnostics &diagnostics);
  void reportSyntaxError(antlr4::Token *token, const antlr4::misc::IntervalSet &expected, Span span,
                         const SourceManager &sources, Diagnostics &diagnostics);

  std::unique_ptr<antlr4::ListTokenSource> source;
  std::unique_ptr<antlr4::CommonTokenStream> stream;
  std::unique_ptr<Parser> parser;
};

/// Thrown when the AST becomes too deep to be walked; the error is already reported.
struct TreeTooDeep {};

class AstBuilder {
public:
  using Parser = syntax::MpyParser;
  using Context = antlr4::ParserRuleContext;

  AstBuilder(const SourceManager &sources, ast::Module &module, Diagnostics &diagnostics)
      : sources(sources), module(module), diagnostics(diagnostics) {}

  void buildModule(Parser::File_inputContext *context);
  ast::Expr *buildRightSide(Parser::Annotated_rhsContext *context);

private:
  // Statements (ParseStatements.cpp)
  void buildStatement(Parser::StatementContext *context, ast::Body &body);
  void buildSimple(Parser::Simple_stmtsContext *context, ast::Body &body);
  ast::Stmt *buildSimpleStatement(Parser::Simple_stmtContext *context);
  ast::Stmt *buildCompound(Parser::Compound_stmtContext *context);
  ast::Stmt *buildAssignment(Parser::AssignmentContext *context);
  ast::Stmt *buildReturn(Parser::Return_stmtContext *context);
  ast::Stmt *buildRaise(Parser::Raise_stmtContext *context);
  ast::Stmt *buildDelete(Parser::Del_stmtContext *context);
  ast::Stmt *buildAssert(Parser::Assert_stmtContext *context);
  ast::Stmt *buildImport(Parser::Import_nameContext *context);
  ast::Stmt *buildImportFrom(Parser::Import_fromContext *context);
  ast::Body buildBlock(Parser::BlockContext *context);
  ast::Body buildElse(Parser::Else_blockContext *context);
  ast::Stmt *buildDecorated(Parser::DecoratedContext *context);
  ast::FunctionDef *buildFunction(Parser::Function_defContext *context);
  ast::ClassDef *buildClass(Parser::Class_defContext *context);
  ast::Stmt *buildIf(Parser::If_stmtContext *context);
  ast::Stmt *buildWhile(Parser::While_stmtContext *context);
  ast::Stmt *buildFor(Parser::For_stmtContext *context);
  ast::Stmt *buildWith(Parser::With_stmtContext *context);
  ast::Stmt *buildTry(Parser::Try_stmtContext *context);

  // Patterns (ParsePatterns.cpp)
  ast::Stmt *buildMatch(Parser::Match_stmtContext *context);
  ast::Pattern *buildPatterns(Parser::PatternsContext *context);
  void checkStars(ast::MatchSequence *sequence);
  ast::Pattern *buildMaybeStar(Parser::Maybe_star_patternContext *context);
  ast::Pattern *buildPattern(Parser::As_patternContext *context);
  ast::Pattern *buildClosed(Parser::Closed_patternContext *context);
  ast::Pattern *buildMapping(Parser::MappingPatternContext *context);
  ast::Pattern *buildClassPattern(Parser::ClassPatternContext *context);
  ast::Expr *buildPatternLiteral(Parser::Literal_patternContext *context);
  ast::Expr *buildDotted(Parser::Name_or_attrContext *context);

  // Parameters and arguments (ParseArguments.cpp)
  struct ParameterState;
  ast::Arguments buildParameters(Parser::ParametersContext *context);
  ast::Arguments buildLambdaParameters(Parser::Lambda_parametersContext *context);
  void addParameter(ParameterState &state, antlr4::Token *marker, antlr4::Token *name,
                    ast::Expr *annotation, ast::Expr *defaultValue, Span span);
  void finishParameters(ParameterState &state, Span span);
  void buildCallArguments(Parser::ArgumentsContext *context, ast::ExprList &args,
                          std::vector<ast::Keyword> &keywords);

  // Expressions (ParseExpressions.cpp); buildRightSide is one of them
  ast::Expr *buildYield(Parser::Yield_exprContext *context);
  ast::Expr *buildStarExpressions(Parser::Star_expressionsContext *context);
  ast::Expr *buildStar(Context *whole, Parser::ExprContext *operand);
  ast::Expr *buildStarExpression(Parser::Star_expressionContext *context);
  ast::Expr *buildStarNamed(Parser::Star_named_expressionContext *context);
  ast::Expr *buildNamed(Parser::Named_expressionContext *context);
  ast::Expr *buildWalrus(Context *whole, Parser::ExpressionContext *target,
                         Parser::ExpressionContext *value);
  ast::Expr *buildExpression(Parser::ExpressionContext *context);
  ast::Expr *buildLambda(Parser::LambdefContext *context);
  ast::Expr *buildExpr(Parser::ExprContext *context);
  ast::Expr *buildOperand(Parser::ExprContext *context);
  ast::Expr *buildBinary(Context *whole, Parser::ExprContext *left, antlr4::Token *op,
                         Parser::ExprContext *right);
  ast::Expr *buildComparison(Parser::ComparisonContext *context);
  ast::Expr *buildBoolean(Parser::ExprContext *context, size_t op, ast::BoolOperator kind);
  ast::Expr *buildPrimary(Parser::PrimaryContext *context);
  ast::Expr *buildSlices(Parser::SlicesContext *context);
  ast::Expr *buildSlice(Parser::SliceContext *context);
  ast::Expr *buildTarget(Parser::Star_targetContext *context);
  ast::Expr *buildTargets(Parser::Star_targetsContext *context);
  void setContext(ast::Expr *target, ast::ExprContext ctx);
  static ast::BinaryOperator binaryOperator(size_t tokenType);

  // Atoms: names, constants, displays and comprehensions (ParseAtoms.cpp)
  ast::Expr *buildAtom(Parser::AtomContext *context);
  ast::Expr *buildConstant(antlr4::Token *token);
  ast::Expr *buildGroup(Parser::GroupAtomContext *context);
  ast::Expr *buildList(Parser::ListAtomContext *context);
  ast::Expr *buildDictOrSet(Parser::DictAtomContext *context);
  std::vector<ast::Comprehension> buildComprehension(Parser::For_if_clausesContext *context);
  ast::Expr *buildGenerator(Span span, Parser::For_if_clausesContext *clauses,
                            llvm::function_ref<ast::Expr *()> buildElement);
  void checkElement(ast::Expr *element);
  ast::Expr *buildNumber(antlr4::Token *token);

  // Strings (ParseStrings.cpp)
  class StringPieces;
  ast::Expr *buildStrings(const std::vector<antlr4::tree::TerminalNode *> &tokens);

  // Places and reports
  Span spanOf(const Context *context) const;
  Span spanOf(antlr4::Token *token) const;
  Span spanOfBlock(const Context *context, const ast::Body &body) const;
  std::string text(antlr4::Token *token) const { return sources.text(spanOf(token)).str(); }
  void fail(ErrorId id, Span span, std::vector<std::string> arguments = {}, Details details = {}) {
    diagnostics.report(id, span, std::move(arguments), std::move(details));
  }

  /// Counts the levels of the tree on the way down.
  class Level {
  public:
    Level(AstBuilder &builder, Span span, size_t amount = 1);
    ~Level() { builder.depth -= amount; }

  private:
    AstBuilder &builder;
    size_t amount;
  };

  /// Where a statement stands, for `return`, `yield`, `await`, `break` and `continue`.
  struct Place {
    ast::ScopeKind kind = ast::ScopeKind::Module;
    bool isAsync = false;
    unsigned loops = 0;
  };
  /// Enters a function, class or lambda for the life of the object.
  class Enter {
  public:
    Enter(AstBuilder &builder, Place place) : builder(builder), outer(builder.place) {
      builder.place = place;
    }
    ~Enter() { builder.place = outer; }

  private:
    AstBuilder &builder;
    Place outer;
  };

  const SourceManager &sources;
  ast::Module &module;
  Diagnostics &diagnostics;
  Place place;
  size_t depth = 0;
};

/// The terminal at a child position, or null.
inline antlr4::Token *terminalAt(const antlr4::ParserRuleContext *context, size_t index) {
  if (index >= context->children.size())
    return nullptr;
  auto *terminal = dynamic_cast<antlr4::tree::TerminalNode *>(context->children[index]);
  return terminal ? terminal->getSymbol() : nullptr;
}

/// Whether the child at a position is a token of a type.
inline bool isTokenAt(const antlr4::ParserRuleContext *context, size_t index, size_t type) {
  antlr4::Token *token = terminalAt(context, index);
  return token && token->getType() == type;
}

/// Whether the last child but `fromEnd` is a token of a type.
inline bool endsWith(const antlr4::ParserRuleContext *context, size_t type, size_t fromEnd = 0) {
  size_t count = context->children.size();
  return count > fromEnd && isTokenAt(context, count - 1 - fromEnd, type);
}

} // namespace mpy

#endif // MPY_FRONTEND_PARSEBUILDER_H
