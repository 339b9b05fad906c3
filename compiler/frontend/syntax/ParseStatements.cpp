// Turns the statement productions of Mpy.g4 into AST statements. The production stands above each
// function. Where a statement may stand (`return`, `break`) is checked here as well.
#include "frontend/syntax/ParseBuilder.h"

namespace mpy {

using namespace ast;
using syntax::MpyParser;

// statement: compound_stmt | simple_stmts
void AstBuilder::buildStatement(Parser::StatementContext *context, Body &body) {
  if (auto *simple = context->simple_stmts())
    return buildSimple(simple, body);
  Level level(*this, spanOf(context));
  body.push_back(buildCompound(context->compound_stmt()));
}

// simple_stmts: simple_stmt (';' simple_stmt)* ';'? NEWLINE
void AstBuilder::buildSimple(Parser::Simple_stmtsContext *context, Body &body) {
  for (auto *statement : context->simple_stmt())
    body.push_back(buildSimpleStatement(statement));
}

template <typename NodeType>
static NodeType *namesStatement(Module &module, Span span, std::vector<std::string> names) {
  auto *node = module.create<NodeType>(span);
  node->names = std::move(names);
  return node;
}

// simple_stmt: assignment | return_stmt | import_name | import_from | raise_stmt | pass_stmt
//            | del_stmt | assert_stmt | break_stmt | continue_stmt | global_stmt | nonlocal_stmt
Stmt *AstBuilder::buildSimpleStatement(Parser::Simple_stmtContext *context) {
  auto *child = static_cast<Context *>(context->children[0]);
  Span span = spanOf(child);
  auto textOfAll = [&](const std::vector<antlr4::tree::TerminalNode *> &tokens) {
    std::vector<std::string> names;
    for (auto *token : tokens)
      names.push_back(text(token->getSymbol()));
    return names;
  };
  switch (child->getRuleIndex()) {
  case MpyParser::RuleAssignment:
    return buildAssignment(context->assignment());
  case MpyParser::RuleReturn_stmt:
    return buildReturn(context->return_stmt());
  case MpyParser::RuleImport_name:
    return buildImport(context->import_name());
  case MpyParser::RuleImport_from:
    return buildImportFrom(context->import_from());
  case MpyParser::RuleRaise_stmt:
    return buildRaise(context->raise_stmt());
  case MpyParser::RuleDel_stmt:
    return buildDelete(context->del_stmt());
  case MpyParser::RuleAssert_stmt:
    return buildAssert(context->assert_stmt());
  case MpyParser::RuleGlobal_stmt:
    return namesStatement<Global>(module, span, textOfAll(context->global_stmt()->NAME()));
  case MpyParser::RuleNonlocal_stmt:
    return namesStatement<Nonlocal>(module, span, textOfAll(context->nonlocal_stmt()->NAME()));
  case MpyParser::RulePass_stmt:
    return module.create<Pass>(span);
  case MpyParser::RuleBreak_stmt:
    if (place.loops == 0)
      fail(ErrorId::OutsideLoop, span, {"break"});
    return module.create<Break>(span);
  default:
    if (place.loops == 0)
      fail(ErrorId::OutsideLoop, span, {"continue"});
    return module.create<Continue>(span);
  }
}

// assignment: annotated_rhs (':' expression ('=' annotated_rhs)? | augassign annotated_rhs
//                           | ('=' annotated_rhs)*)
Stmt *AstBuilder::buildAssignment(Parser::AssignmentContext *context) {
  Span span = spanOf(context);
  auto sides = context->annotated_rhs();
  if (sides.size() == 1 && !context->expression()) {
    auto *node = module.create<ExprStmt>(span);
    node->value = buildRightSide(sides[0]);
    return node;
  }
  if (auto *annotation = context->expression()) {
    auto *node = module.create<AnnAssign>(span);
    node->target = buildRightSide(sides[0]);
    node->annotation = buildExpression(annotation);
    if (sides.size() > 1)
      node->value = buildRightSide(sides[1]);
    node->simple = isa<Name>(node->target) && node->target->span == spanOf(sides[0]);
    if (isa<Name, Attribute, Subscript>(node->target))
      setContext(node->target, ExprContext::Store);
    else
      fail(ErrorId::InvalidTarget, node->target->span,
           {"annotate", "anything but a name, an attribute or an item"});
    return node;
  }
  if (auto *augmented = context->augassign()) {
    auto *node = module.create<AugAssign>(span);
    node->target = buildRightSide(sides[0]);
    node->op = binaryOperator(terminalAt(augmented, 0)->getType());
    node->value = buildRightSide(sides[1]);
    if (isa<Tuple, List>(node->target))
      fail(ErrorId::InvalidTarget, node->target->span,
           {"use '" + text(terminalAt(augmented, 0)) + "' on", "several targets"});
    else
      setContext(node->target, ExprContext::Store);
    return node;
  }
  auto *node = module.create<Assign>(span);
  for (size_t i = 0; i + 1 < sides.size(); ++i) {
    node->targets.push_back(buildRightSide(sides[i]));
    setContext(node->targets.back(), ExprContext::Store);
  }
  node->value = buildRightSide(sides.back());
  return node;
}

// return_stmt: 'return' star_expressions?
Stmt *AstBuilder::buildReturn(Parser::Return_stmtContext *context) {
  auto *node = module.create<Return>(spanOf(context));
  if (place.kind != ScopeKind::Function)
    fail(ErrorId::OutsideFunction, node->span, {"return"});
  if (auto *value = context->star_expressions())
    node->value = buildStarExpressions(value);
  return node;
}

// raise_stmt: 'raise' (expression ('from' expression)?)?
Stmt *AstBuilder::buildRaise(Parser::Raise_stmtContext *context) {
  auto *node = module.create<Raise>(spanOf(context));
  auto expressions = context->expression();
  if (!expressions.empty())
    node->exc = buildExpression(expressions[0]);
  if (expressions.size() > 1)
    node->cause = buildExpression(expressions[1]);
  return node;
}

// del_stmt: 'del' star_expressions
Stmt *AstBuilder::buildDelete(Parser::Del_stmtContext *context) {
  auto *node = module.create<Delete>(spanOf(context));
  auto *targets = context->star_expressions();
  for (auto *target : targets->star_expression())
    node->targets.push_back(buildStarExpression(target));
  for (Expr *target : node->targets)
    setContext(target, ExprContext::Del);
  return node;
}

// assert_stmt: 'assert' expression (',' expression)?
Stmt *AstBuilder::buildAssert(Parser::Assert_stmtContext *context) {
  auto *node = module.create<Assert>(spanOf(context));
  node->test = buildExpression(context->expression(0));
  if (auto *message = context->expression(1))
    node->msg = buildExpression(message);
  return node;
}

/// A dotted name without the spaces and line ends that may stand in it.
static std::string dottedText(MpyParser::Dotted_nameContext *context, const SourceManager &sources,
                              FileId file) {
  std::string result;
  for (auto *name : context->NAME()) {
    antlr4::Token *token = name->getSymbol();
    if (!result.empty())
      result += '.';
    result += sources.text({file, static_cast<uint32_t>(token->getStartIndex()),
                            static_cast<uint32_t>(token->getStopIndex())});
  }
  return result;
}

// import_name: 'import' dotted_as_name (',' dotted_as_name)*
// dotted_as_name: dotted_name ('as' NAME)?
Stmt *AstBuilder::buildImport(Parser::Import_nameContext *context) {
  auto *node = module.create<Import>(spanOf(context));
  for (auto *part : context->dotted_as_name())
    node->names.push_back({dottedText(part->dotted_name(), sources, module.file),
                           part->NAME() ? text(part->NAME()->getSymbol()) : "", spanOf(part)});
  return node;
}

// import_from: 'from' import_dots dotted_name? 'import' import_from_targets
// import_from_targets: '*' | '(' import_from_as_name (',' import_from_as_name)* ','? ')' | ..
// import_from_as_name: NAME ('as' NAME)?
Stmt *AstBuilder::buildImportFrom(Parser::Import_fromContext *context) {
  auto *node = module.create<ImportFrom>(spanOf(context));
  for (size_t i = 0; i < context->import_dots()->children.size(); ++i)
    node->level += isTokenAt(context->import_dots(), i, MpyParser::ELLIPSIS) ? 3 : 1;
  if (auto *name = context->dotted_name())
    node->module = dottedText(name, sources, module.file);
  else if (node->level == 0)
    fail(ErrorId::InvalidSyntax, node->span, {}, {.expected = "a module name after 'from'"});
  auto *targets = context->import_from_targets();
  if (targets->STAR()) {
    if (place.kind != ScopeKind::Module)
      fail(ErrorId::StarImport, node->span);
    node->names.push_back({"*", "", spanOf(targets)});
  }
  for (auto *part : targets->import_from_as_name())
    node->names.push_back({text(part->NAME(0)->getSymbol()),
                           part->NAME(1) ? text(part->NAME(1)->getSymbol()) : "", spanOf(part)});
  return node;
}

// compound_stmt: decorated | function_def | if_stmt | class_def | with_stmt | for_stmt | try_stmt
//              | while_stmt | match_stmt
Stmt *AstBuilder::buildCompound(Parser::Compound_stmtContext *context) {
  auto *child = static_cast<Context *>(context->children[0]);
  switch (child->getRuleIndex()) {
  case MpyParser::RuleDecorated:
    return buildDecorated(context->decorated());
  case MpyParser::RuleFunction_def:
    return buildFunction(context->function_def());
  case MpyParser::RuleIf_stmt:
    return buildIf(context->if_stmt());
  case MpyParser::RuleClass_def:
    return buildClass(context->class_def());
  case MpyParser::RuleWith_stmt:
    return buildWith(context->with_stmt());
  case MpyParser::RuleFor_stmt:
    return buildFor(context->for_stmt());
  case MpyParser::RuleTry_stmt:
    return buildTry(context->try_stmt());
  case MpyParser::RuleWhile_stmt:
    return buildWhile(context->while_stmt());
  default:
    return buildMatch(context->match_stmt());
  }
}

// block: NEWLINE INDENT statement+ DEDENT | simple_stmts
Body AstBuilder::buildBlock(Parser::BlockContext *context) {
  Body body;
  if (auto *simple = context->simple_stmts())
    buildSimple(simple, body);
  else
    for (auto *statement : context->statement())
      buildStatement(statement, body);
  return body;
}

// else_block: 'else' ':' block
Body AstBuilder::buildElse(Parser::Else_blockContext *context) {
  return context ? buildBlock(context->block()) : Body();
}

// decorated: decorators (class_def | function_def)
// decorators: ('@' named_expression NEWLINE)+
Stmt *AstBuilder::buildDecorated(Parser::DecoratedContext *context) {
  ExprList decorators;
  for (auto *decorator : context->decorators()->named_expression())
    decorators.push_back(buildNamed(decorator));
  if (auto *function = context->function_def()) {
    FunctionDef *node = buildFunction(function);
    node->decorators = std::move(decorators);
    return node;
  }
  ClassDef *node = buildClass(context->class_def());
  node->decorators = std::move(decorators);
  return node;
}

// function_def: 'async'? 'def' NAME '(' parameters? ')' ('->' expression)? ':' block
FunctionDef *AstBuilder::buildFunction(Parser::Function_defContext *context) {
  auto *node = module.create<FunctionDef>(spanOf(context));
  antlr4::Token *name = context->NAME()->getSymbol();
  node->name = text(name);
  node->nameSpan = spanOf(name);
  node->isAsync = context->ASYNC() != nullptr;
  if (auto *parameters = context->parameters())
    node->args = buildParameters(parameters);
  if (auto *returns = context->expression())
    node->returns = buildExpression(returns);
  Enter enter(*this, {ScopeKind::Function, node->isAsync});
  node->body = buildBlock(context->block());
  node->span = spanOfBlock(context, node->body);
  return node;
}

// class_def: 'class' NAME ('(' arguments? ')')? ':' block
ClassDef *AstBuilder::buildClass(Parser::Class_defContext *context) {
  auto *node = module.create<ClassDef>(spanOf(context));
  antlr4::Token *name = context->NAME()->getSymbol();
  node->name = text(name);
  node->nameSpan = spanOf(name);
  if (auto *arguments = context->arguments())
    buildCallArguments(arguments, node->bases, node->keywords);
  Enter enter(*this, {ScopeKind::Class});
  node->body = buildBlock(context->block());
  node->span = spanOfBlock(context, node->body);
  return node;
}

// if_stmt: 'if' named_expression ':' block ('elif' named_expression ':' block)* else_block?
Stmt *AstBuilder::buildIf(Parser::If_stmtContext *context) {
  auto tests = context->named_expression();
  auto blocks = context->block();
  // A chain of `elif` is as deep as it is long.
  Level level(*this, spanOf(context), tests.size());
  If *first = nullptr;
  Body *place = nullptr;
  std::vector<If *> chain;
  for (size_t i = 0; i < tests.size(); ++i) {
    Span span = spanOf(tests[i]);
    if (i > 0)
      span = spanOf(context->ELIF(i - 1)->getSymbol()).to(span);
    auto *node = module.create<If>(i == 0 ? spanOf(context) : span);
    node->test = buildNamed(tests[i]);
    node->body = buildBlock(blocks[i]);
    if (place)
      place->push_back(node);
    else
      first = node;
    place = &node->orelse;
    chain.push_back(node);
  }
  *place = buildElse(context->else_block());
  uint32_t end = (place->empty() ? chain.back()->body : *place).back()->span.end;
  for (If *node : chain)
    node->span.end = end;
  return first;
}

// while_stmt: 'while' named_expression ':' block else_block?
Stmt *AstBuilder::buildWhile(Parser::While_stmtContext *context) {
  auto *node = module.create<While>(spanOf(context));
  node->test = buildNamed(context->named_expression());
  ++place.loops;
  node->body = buildBlock(context->block());
  --place.loops;
  node->orelse = buildElse(context->else_block());
  node->span = spanOfBlock(context, node->orelse.empty() ? node->body : node->orelse);
  return node;
}

// for_stmt: 'async'? 'for' star_targets 'in' star_expressions ':' block else_block?
Stmt *AstBuilder::buildFor(Parser::For_stmtContext *context) {
  auto *node = module.create<For>(spanOf(context));
  node->isAsync = context->ASYNC() != nullptr;
  if (node->isAsync && !place.isAsync)
    fail(ErrorId::OutsideFunction, spanOf(context->ASYNC()->getSymbol()), {"async for"});
  node->target = buildTargets(context->star_targets());
  node->iter = buildStarExpressions(context->star_expressions());
  ++place.loops;
  node->body = buildBlock(context->block());
  --place.loops;
  node->orelse = buildElse(context->else_block());
  node->span = spanOfBlock(context, node->orelse.empty() ? node->body : node->orelse);
  return node;
}

// with_stmt: 'async'? 'with' '(' with_item (',' with_item)* ','? ')' ':' block
//          | 'async'? 'with' with_item (',' with_item)* ':' block
// with_item: expression ('as' star_target)?
Stmt *AstBuilder::buildWith(Parser::With_stmtContext *context) {
  auto *node = module.create<With>(spanOf(context));
  node->isAsync = context->ASYNC() != nullptr;
  if (node->isAsync && !place.isAsync)
    fail(ErrorId::OutsideFunction, spanOf(context->ASYNC()->getSymbol()), {"async with"});
  for (auto *item : context->with_item()) {
    WithItem part;
    part.contextExpr = buildExpression(item->expression());
    if (auto *target = item->star_target()) {
      part.optionalVars = buildTarget(target);
      setContext(part.optionalVars, ExprContext::Store);
    }
    node->items.push_back(part);
  }
  node->body = buildBlock(context->block());
  node->span = spanOfBlock(context, node->body);
  return node;
}

// try_stmt: 'try' ':' block except_block* else_block? finally_block?
// except_block: 'except' ('*'? expression ('as' NAME)?)? ':' block
// finally_block: 'finally' ':' block
Stmt *AstBuilder::buildTry(Parser::Try_stmtContext *context) {
  auto *node = module.create<Try>(spanOf(context));
  node->body = buildBlock(context->block());
  auto handlers = context->except_block();
  for (auto *part : handlers) {
    ExceptHandler handler;
    bool isStar = part->STAR() != nullptr;
    if (part != handlers.front() && isStar != node->isStar)
      fail(ErrorId::MixedHandlers, spanOf(part->EXCEPT()->getSymbol()));
    node->isStar = isStar;
    if (auto *type = part->expression())
      handler.type = buildExpression(type);
    else if (part != handlers.back())
      fail(ErrorId::HandlerOrder, spanOf(part->EXCEPT()->getSymbol()));
    if (part->NAME())
      handler.name = text(part->NAME()->getSymbol());
    handler.body = buildBlock(part->block());
    handler.span = spanOfBlock(part, handler.body);
    node->handlers.push_back(std::move(handler));
  }
  node->orelse = buildElse(context->else_block());
  auto *last = context->finally_block();
  if (last)
    node->finalbody = buildBlock(last->block());
  if (handlers.empty() && !last)
    fail(ErrorId::TryWithoutHandler, spanOf(context->TRY()->getSymbol()));
  else if (handlers.empty() && context->else_block())
    fail(ErrorId::TryWithoutHandler, spanOf(context->else_block()->ELSE()->getSymbol()), {},
         {.help = "'else' after 'try' runs when no 'except' did"});
  const Body &end = last                      ? node->finalbody
                    : !node->orelse.empty()   ? node->orelse
                    : !node->handlers.empty() ? node->handlers.back().body
                                              : node->body;
  node->span = spanOfBlock(context, end);
  return node;
}

} // namespace mpy
