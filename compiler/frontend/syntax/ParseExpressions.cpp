// Turns the expression productions of Mpy.g4 into AST expressions: operators, comparisons, calls,
// subscripts, lambdas, and the check of assignment targets. The production stands above each
// function. What the grammar accepts beyond Python (`a + not b`) is refused here.
#include "frontend/syntax/ParseBuilder.h"

namespace mpy {

using namespace ast;
using syntax::MpyParser;

// annotated_rhs: yield_expr | star_expressions
Expr *AstBuilder::buildRightSide(Parser::Annotated_rhsContext *context) {
  if (auto *yield = context->yield_expr())
    return buildYield(yield);
  return buildStarExpressions(context->star_expressions());
}

// yield_expr: 'yield' ('from' expression | star_expressions)?
Expr *AstBuilder::buildYield(Parser::Yield_exprContext *context) {
  Span span = spanOf(context);
  if (place.kind != ScopeKind::Function && place.kind != ScopeKind::Lambda)
    fail(ErrorId::OutsideFunction, span, {"yield"});
  if (auto *value = context->expression()) {
    auto *node = module.create<YieldFrom>(span);
    node->value = buildExpression(value);
    return node;
  }
  auto *node = module.create<Yield>(span);
  if (auto *value = context->star_expressions())
    node->value = buildStarExpressions(value);
  return node;
}

// star_expressions: star_expression (',' star_expression)* ','?
Expr *AstBuilder::buildStarExpressions(Parser::Star_expressionsContext *context) {
  auto parts = context->star_expression();
  if (context->children.size() == 1) {
    Expr *single = buildStarExpression(parts[0]);
    if (isa<Starred>(single))
      fail(ErrorId::MisplacedStar, single->span, {},
           {.help = "add a comma to make a tuple: '*x,'"});
    return single;
  }
  auto *tuple = module.create<Tuple>(spanOf(context));
  for (auto *part : parts)
    tuple->elts.push_back(buildStarExpression(part));
  return tuple;
}

/// `'*' expr` where Python has `'*' bitwise_or`: a comparison or boolean operation is refused.
Expr *AstBuilder::buildStar(Context *whole, Parser::ExprContext *operand) {
  if (dynamic_cast<Parser::ComparisonContext *>(operand) ||
      dynamic_cast<Parser::InversionContext *>(operand) ||
      dynamic_cast<Parser::ConjunctionContext *>(operand) ||
      dynamic_cast<Parser::DisjunctionContext *>(operand))
    fail(ErrorId::InvalidSyntax, spanOf(operand), {},
         {.help = "put brackets around what follows the star"});
  auto *node = module.create<Starred>(spanOf(whole));
  node->value = buildExpr(operand);
  return node;
}

// star_expression: '*' expr | expression
Expr *AstBuilder::buildStarExpression(Parser::Star_expressionContext *context) {
  if (auto *starred = context->expr())
    return buildStar(context, starred);
  return buildExpression(context->expression());
}

// star_named_expression: '*' expr | named_expression
Expr *AstBuilder::buildStarNamed(Parser::Star_named_expressionContext *context) {
  if (auto *starred = context->expr())
    return buildStar(context, starred);
  return buildNamed(context->named_expression());
}

// named_expression: expression (':=' expression)?
Expr *AstBuilder::buildNamed(Parser::Named_expressionContext *context) {
  if (context->children.size() == 1)
    return buildExpression(context->expression(0));
  return buildWalrus(context, context->expression(0), context->expression(1));
}

Expr *AstBuilder::buildWalrus(Context *whole, Parser::ExpressionContext *target,
                              Parser::ExpressionContext *value) {
  auto *node = module.create<NamedExpr>(spanOf(whole));
  node->target = buildExpression(target);
  node->value = buildExpression(value);
  if (!isa<Name>(node->target) || node->target->span != spanOf(target))
    fail(ErrorId::InvalidTarget, spanOf(target), {"use ':=' with", "anything but a name"});
  else
    setContext(node->target, ExprContext::Store);
  return node;
}

// expression: expr ('if' expr 'else' expression)? | lambdef
Expr *AstBuilder::buildExpression(Parser::ExpressionContext *context) {
  Level level(*this, spanOf(context));
  if (auto *lambda = context->lambdef())
    return buildLambda(lambda);
  if (context->children.size() == 1)
    return buildExpr(static_cast<Parser::ExprContext *>(context->children[0]));
  auto *node = module.create<IfExp>(spanOf(context));
  node->body = buildExpr(context->expr(0));
  node->test = buildExpr(context->expr(1));
  node->orelse = buildExpression(context->expression());
  return node;
}

// lambdef: 'lambda' lambda_parameters? ':' expression
Expr *AstBuilder::buildLambda(Parser::LambdefContext *context) {
  auto *node = module.create<Lambda>(spanOf(context));
  if (auto *parameters = context->lambda_parameters())
    node->args = buildLambdaParameters(parameters);
  Enter enter(*this, {ScopeKind::Lambda});
  node->body = buildExpression(context->expression());
  return node;
}

BinaryOperator AstBuilder::binaryOperator(size_t type) {
  switch (type) {
  case MpyParser::PLUS:
  case MpyParser::PLUSEQUAL:
    return BinaryOperator::Add;
  case MpyParser::MINUS:
  case MpyParser::MINEQUAL:
    return BinaryOperator::Sub;
  case MpyParser::STAR:
  case MpyParser::STAREQUAL:
    return BinaryOperator::Mult;
  case MpyParser::AT:
  case MpyParser::ATEQUAL:
    return BinaryOperator::MatMult;
  case MpyParser::SLASH:
  case MpyParser::SLASHEQUAL:
    return BinaryOperator::Div;
  case MpyParser::PERCENT:
  case MpyParser::PERCENTEQUAL:
    return BinaryOperator::Mod;
  case MpyParser::DOUBLESTAR:
  case MpyParser::DOUBLESTAREQUAL:
    return BinaryOperator::Pow;
  case MpyParser::LEFTSHIFT:
  case MpyParser::LEFTSHIFTEQUAL:
    return BinaryOperator::LShift;
  case MpyParser::RIGHTSHIFT:
  case MpyParser::RIGHTSHIFTEQUAL:
    return BinaryOperator::RShift;
  case MpyParser::VBAR:
  case MpyParser::VBAREQUAL:
    return BinaryOperator::BitOr;
  case MpyParser::CIRCUMFLEX:
  case MpyParser::CIRCUMFLEXEQUAL:
    return BinaryOperator::BitXor;
  case MpyParser::AMPER:
  case MpyParser::AMPEREQUAL:
    return BinaryOperator::BitAnd;
  default:
    return BinaryOperator::FloorDiv;
  }
}

static CompareOperator compareOperator(size_t type) {
  switch (type) {
  case MpyParser::EQEQUAL:
    return CompareOperator::Eq;
  case MpyParser::NOTEQUAL:
    return CompareOperator::NotEq;
  case MpyParser::LESS:
    return CompareOperator::Lt;
  case MpyParser::LESSEQUAL:
    return CompareOperator::LtE;
  case MpyParser::GREATER:
    return CompareOperator::Gt;
  case MpyParser::GREATEREQUAL:
    return CompareOperator::GtE;
  case MpyParser::IS:
    return CompareOperator::Is;
  case MpyParser::IS_NOT:
    return CompareOperator::IsNot;
  case MpyParser::IN:
    return CompareOperator::In;
  default:
    return CompareOperator::NotIn;
  }
}

// expr: primary | 'await' primary | expr op expr | op expr
Expr *AstBuilder::buildExpr(Parser::ExprContext *context) {
  if (auto *simple = dynamic_cast<Parser::PrimaryExprContext *>(context))
    return buildPrimary(simple->primary());
  Level level(*this, spanOf(context));
  if (auto *power = dynamic_cast<Parser::PowerContext *>(context))
    return buildBinary(context, power->expr(0), terminalAt(context, 1), power->expr(1));
  if (auto *binary = dynamic_cast<Parser::BinaryContext *>(context))
    return buildBinary(context, binary->expr(0), terminalAt(context, 1), binary->expr(1));
  if (auto *comparison = dynamic_cast<Parser::ComparisonContext *>(context))
    return buildComparison(comparison);
  if (dynamic_cast<Parser::ConjunctionContext *>(context))
    return buildBoolean(context, MpyParser::AND, BoolOperator::And);
  if (dynamic_cast<Parser::DisjunctionContext *>(context))
    return buildBoolean(context, MpyParser::OR, BoolOperator::Or);
  if (auto *await = dynamic_cast<Parser::AwaitExprContext *>(context)) {
    auto *node = module.create<Await>(spanOf(context));
    if (!place.isAsync)
      fail(ErrorId::OutsideFunction, node->span, {"await"}, {.help = "'await' needs 'async def'"});
    node->value = buildPrimary(await->primary());
    return node;
  }
  auto *node = module.create<UnaryOp>(spanOf(context));
  if (auto *inversion = dynamic_cast<Parser::InversionContext *>(context)) {
    node->op = UnaryOperator::Not;
    node->operand = buildExpr(inversion->expr());
    return node;
  }
  auto *factor = static_cast<Parser::FactorContext *>(context);
  size_t op = terminalAt(context, 0)->getType();
  node->op = op == MpyParser::PLUS    ? UnaryOperator::UAdd
             : op == MpyParser::MINUS ? UnaryOperator::USub
                                      : UnaryOperator::Invert;
  node->operand = buildOperand(factor->expr());
  return node;
}

/// An operand of an operator that binds more tightly than `not`.
Expr *AstBuilder::buildOperand(Parser::ExprContext *context) {
  if (auto *inversion = dynamic_cast<Parser::InversionContext *>(context))
    fail(ErrorId::InvalidSyntax, spanOf(terminalAt(inversion, 0)), {},
         {.found = "'not'", .help = "put brackets around 'not ..'"});
  return buildExpr(context);
}

// expr: expr ('**' | '*' | '+' ..) expr
Expr *AstBuilder::buildBinary(Context *whole, Parser::ExprContext *left, antlr4::Token *op,
                              Parser::ExprContext *right) {
  auto *node = module.create<BinOp>(spanOf(whole));
  node->left = buildOperand(left);
  node->op = binaryOperator(op->getType());
  node->right = buildOperand(right);
  return node;
}

// expr: expr ('==' | '<' | NOT_IN ..) expr; `a < b < c` is one comparison
Expr *AstBuilder::buildComparison(Parser::ComparisonContext *context) {
  std::vector<Parser::ComparisonContext *> chain;
  Parser::ExprContext *first = context;
  while (auto *comparison = dynamic_cast<Parser::ComparisonContext *>(first)) {
    chain.push_back(comparison);
    first = comparison->expr(0);
  }
  auto *node = module.create<Compare>(spanOf(context));
  node->left = buildOperand(first);
  for (auto link = chain.rbegin(); link != chain.rend(); ++link) {
    node->ops.push_back(compareOperator(terminalAt(*link, 1)->getType()));
    node->comparators.push_back(buildOperand((*link)->expr(1)));
  }
  return node;
}

// expr: expr 'and' expr | expr 'or' expr; `a and b and c` is one operation
Expr *AstBuilder::buildBoolean(Parser::ExprContext *context, size_t op, BoolOperator kind) {
  std::vector<Parser::ExprContext *> operands;
  Parser::ExprContext *left = context;
  while (left->children.size() == 3 && isTokenAt(left, 1, op)) {
    operands.push_back(static_cast<Parser::ExprContext *>(left->children[2]));
    left = static_cast<Parser::ExprContext *>(left->children[0]);
  }
  auto *node = module.create<BoolOp>(spanOf(context));
  node->op = kind;
  node->values.push_back(buildExpr(left));
  for (auto operand = operands.rbegin(); operand != operands.rend(); ++operand)
    node->values.push_back(buildExpr(*operand));
  return node;
}

// primary: atom trailer*
// trailer: '.' NAME | '(' arguments? ')' | '[' slices ']'
Expr *AstBuilder::buildPrimary(Parser::PrimaryContext *context) {
  Span span = spanOf(context);
  // A chain `a.b.c(d)[e]` is as deep as it is long.
  Level level(*this, span, context->children.size());
  Expr *result = buildAtom(static_cast<Parser::AtomContext *>(context->children[0]));
  for (size_t i = 1; i < context->children.size(); ++i) {
    auto *trailer = static_cast<Parser::TrailerContext *>(context->children[i]);
    Span whole{module.file, span.begin, spanOf(trailer).end};
    if (auto *attribute = dynamic_cast<Parser::AttributeTrailerContext *>(trailer)) {
      auto *node = module.create<Attribute>(whole);
      antlr4::Token *name = attribute->NAME()->getSymbol();
      node->value = result;
      node->attr = text(name);
      node->attrSpan = spanOf(name);
      result = node;
    } else if (auto *call = dynamic_cast<Parser::CallTrailerContext *>(trailer)) {
      auto *node = module.create<Call>(whole);
      node->func = result;
      if (auto *arguments = call->arguments())
        buildCallArguments(arguments, node->args, node->keywords);
      result = node;
    } else {
      auto *node = module.create<Subscript>(whole);
      node->value = result;
      node->slice = buildSlices(static_cast<Parser::SubscriptTrailerContext *>(trailer)->slices());
      result = node;
    }
  }
  return result;
}

// slices: slice (',' slice)* ','?
Expr *AstBuilder::buildSlices(Parser::SlicesContext *context) {
  auto parts = context->slice();
  Expr *first = buildSlice(parts[0]);
  if (context->children.size() == 1 && !isa<Starred>(first))
    return first;
  auto *tuple = module.create<Tuple>(spanOf(context));
  tuple->elts.push_back(first);
  for (size_t i = 1; i < parts.size(); ++i)
    tuple->elts.push_back(buildSlice(parts[i]));
  return tuple;
}

// slice: '*' expr | named_expression (':' expression? (':' expression?)?)?
//      | ':' expression? (':' expression?)?
Expr *AstBuilder::buildSlice(Parser::SliceContext *context) {
  if (auto *starred = context->expr())
    return buildStar(context, starred);
  auto *lower = context->named_expression();
  if (lower && context->children.size() == 1)
    return buildNamed(lower);
  auto *node = module.create<Slice>(spanOf(context));
  if (lower) {
    node->lower = buildNamed(lower);
    if (lower->children.size() > 1)
      fail(ErrorId::InvalidSyntax, node->lower->span, {}, {.found = "':=' in a slice"});
  }
  if (context->upper)
    node->upper = buildExpression(context->upper);
  if (context->step)
    node->step = buildExpression(context->step);
  return node;
}

// star_target: '*'? primary
Expr *AstBuilder::buildTarget(Parser::Star_targetContext *context) {
  Expr *target = buildPrimary(context->primary());
  if (!isTokenAt(context, 0, MpyParser::STAR))
    return target;
  auto *starred = module.create<Starred>(spanOf(context));
  starred->value = target;
  return starred;
}

// star_targets: star_target (',' star_target)* ','?
Expr *AstBuilder::buildTargets(Parser::Star_targetsContext *context) {
  auto parts = context->star_target();
  Expr *result;
  if (context->children.size() == 1) {
    result = buildTarget(parts[0]);
  } else {
    auto *tuple = module.create<Tuple>(spanOf(context));
    for (auto *part : parts)
      tuple->elts.push_back(buildTarget(part));
    result = tuple;
  }
  setContext(result, ExprContext::Store);
  return result;
}

static std::string describe(const Expr *expr) {
  switch (expr->kind) {
  case Kind::Call:
    return "a function call";
  case Kind::Constant: {
    switch (cast<Constant>(expr)->type) {
    case ConstantKind::None:
      return "None";
    case ConstantKind::True:
      return "True";
    case ConstantKind::False:
      return "False";
    case ConstantKind::Ellipsis:
      return "an ellipsis";
    default:
      return "a literal";
    }
  }
  case Kind::JoinedStr:
    return "an f-string";
  case Kind::Lambda:
    return "a lambda";
  case Kind::Compare:
    return "a comparison";
  case Kind::IfExp:
    return "a conditional expression";
  case Kind::Dict:
    return "a dict display";
  case Kind::Set:
    return "a set display";
  case Kind::ListComp:
  case Kind::SetComp:
  case Kind::DictComp:
    return "a comprehension";
  case Kind::GeneratorExp:
    return "a generator expression";
  case Kind::Await:
    return "an await expression";
  case Kind::Yield:
  case Kind::YieldFrom:
    return "a yield expression";
  case Kind::NamedExpr:
    return "a ':=' expression";
  default:
    return "an expression";
  }
}

void AstBuilder::setContext(Expr *target, ExprContext ctx) {
  auto setAll = [&](const ExprList &elements) {
    unsigned stars = 0;
    for (Expr *element : elements) {
      if (auto *starred = dyn_cast<Starred>(element)) {
        if (ctx == ExprContext::Del || ++stars > 1)
          fail(ErrorId::MisplacedStar, element->span, {},
               {.help = ctx == ExprContext::Del ? "" : "one star in each list of targets"});
        starred->ctx = ctx;
        setContext(starred->value, ctx);
      } else {
        setContext(element, ctx);
      }
    }
  };
  switch (target->kind) {
  case Kind::Name:
    cast<Name>(target)->ctx = ctx;
    return;
  case Kind::Attribute:
    cast<Attribute>(target)->ctx = ctx;
    return;
  case Kind::Subscript:
    cast<Subscript>(target)->ctx = ctx;
    return;
  case Kind::List:
    cast<List>(target)->ctx = ctx;
    return setAll(cast<List>(target)->elts);
  case Kind::Tuple:
    cast<Tuple>(target)->ctx = ctx;
    return setAll(cast<Tuple>(target)->elts);
  case Kind::Starred:
    return fail(ErrorId::MisplacedStar, target->span, {},
                {.help = "a starred target stands in a list or tuple: '*x,'"});
  default:
    fail(ErrorId::InvalidTarget, target->span,
         {ctx == ExprContext::Del ? "delete" : "assign to", describe(target)});
  }
}

} // namespace mpy
