// Turns `match` statements and their patterns into the AST. Most patterns are outside the
// language, but each is recognised, so that the specialiser can name it.
#include "frontend/syntax/ParseBuilder.h"

namespace mpy {

using namespace ast;
using syntax::MpyParser;

// match_stmt: MATCH subject_expr ':' NEWLINE INDENT case_block+ DEDENT
// subject_expr: star_named_expression (',' star_named_expression)* ','?
// case_block: CASE patterns guard? ':' block
Stmt *AstBuilder::buildMatch(Parser::Match_stmtContext *context) {
  auto *node = module.create<Match>(spanOf(context));
  auto *subject = context->subject_expr();
  auto parts = subject->star_named_expression();
  if (subject->children.size() == 1) {
    node->subject = buildStarNamed(parts[0]);
    if (isa<Starred>(node->subject))
      fail(ErrorId::MisplacedStar, node->subject->span);
  } else {
    auto *tuple = module.create<Tuple>(spanOf(subject));
    for (auto *part : parts)
      tuple->elts.push_back(buildStarNamed(part));
    node->subject = tuple;
  }
  for (auto *block : context->case_block()) {
    MatchCase part;
    part.pattern = buildPatterns(block->patterns());
    if (auto *guard = block->guard())
      part.guard = buildNamed(guard->named_expression());
    part.body = buildBlock(block->block());
    node->cases.push_back(std::move(part));
  }
  node->span = spanOfBlock(context, node->cases.back().body);
  return node;
}

// patterns: maybe_star_pattern (',' maybe_star_pattern)* ','?
Pattern *AstBuilder::buildPatterns(Parser::PatternsContext *context) {
  auto parts = context->maybe_star_pattern();
  if (context->children.size() == 1) {
    Pattern *single = buildMaybeStar(parts[0]);
    if (isa<MatchStar>(single))
      fail(ErrorId::MisplacedStar, single->span);
    return single;
  }
  auto *node = module.create<MatchSequence>(spanOf(context));
  for (auto *part : parts)
    node->patterns.push_back(buildMaybeStar(part));
  checkStars(node);
  return node;
}

void AstBuilder::checkStars(MatchSequence *sequence) {
  unsigned stars = 0;
  for (Pattern *pattern : sequence->patterns)
    if (isa<MatchStar>(pattern) && ++stars > 1)
      fail(ErrorId::MisplacedStar, pattern->span, {}, {.help = "one star in each sequence"});
}

// maybe_star_pattern: '*' NAME | as_pattern
Pattern *AstBuilder::buildMaybeStar(Parser::Maybe_star_patternContext *context) {
  if (auto *pattern = context->as_pattern())
    return buildPattern(pattern);
  auto *node = module.create<MatchStar>(spanOf(context));
  node->name = text(context->NAME()->getSymbol());
  if (node->name == "_")
    node->name.clear();
  return node;
}

// as_pattern: or_pattern ('as' NAME)?
// or_pattern: closed_pattern ('|' closed_pattern)*
Pattern *AstBuilder::buildPattern(Parser::As_patternContext *context) {
  Level level(*this, spanOf(context));
  auto parts = context->or_pattern()->closed_pattern();
  Pattern *result = buildClosed(parts[0]);
  if (parts.size() > 1) {
    auto *node = module.create<MatchOr>(spanOf(context->or_pattern()));
    node->patterns.push_back(result);
    for (size_t i = 1; i < parts.size(); ++i)
      node->patterns.push_back(buildClosed(parts[i]));
    result = node;
  }
  if (!context->NAME())
    return result;
  auto *node = module.create<MatchAs>(spanOf(context));
  node->pattern = result;
  node->name = text(context->NAME()->getSymbol());
  if (node->name == "_")
    fail(ErrorId::InvalidPattern, spanOf(context->NAME()->getSymbol()),
         {"'_' cannot be the name after 'as'"});
  return node;
}

// closed_pattern: literal_pattern | name_or_attr | '(' .. ')' | '[' .. ']' | '{' .. '}'
//               | name_or_attr '(' .. ')'
Pattern *AstBuilder::buildClosed(Parser::Closed_patternContext *context) {
  Span span = spanOf(context);
  if (auto *literal = dynamic_cast<Parser::LiteralPatternContext *>(context)) {
    Expr *value = buildPatternLiteral(literal->literal_pattern());
    auto *constant = dyn_cast<Constant>(value);
    if (constant && (constant->type == ConstantKind::None || constant->type == ConstantKind::True ||
                     constant->type == ConstantKind::False)) {
      auto *node = module.create<MatchSingleton>(span);
      node->value = constant->type;
      return node;
    }
    auto *node = module.create<MatchValue>(span);
    node->value = value;
    return node;
  }
  if (auto *name = dynamic_cast<Parser::NamePatternContext *>(context)) {
    Expr *value = buildDotted(name->name_or_attr());
    if (auto *plain = dyn_cast<Name>(value)) {
      auto *node = module.create<MatchAs>(span);
      node->name = plain->id == "_" ? "" : plain->id;
      return node;
    }
    auto *node = module.create<MatchValue>(span);
    node->value = value;
    return node;
  }
  if (auto *mapping = dynamic_cast<Parser::MappingPatternContext *>(context))
    return buildMapping(mapping);
  if (auto *classPattern = dynamic_cast<Parser::ClassPatternContext *>(context))
    return buildClassPattern(classPattern);
  std::vector<Parser::Maybe_star_patternContext *> parts;
  if (auto *group = dynamic_cast<Parser::GroupPatternContext *>(context)) {
    parts = group->maybe_star_pattern();
    if (context->children.size() == 3) {
      Pattern *single = buildMaybeStar(parts[0]);
      if (isa<MatchStar>(single))
        fail(ErrorId::MisplacedStar, single->span);
      return single;
    }
  } else {
    parts = static_cast<Parser::SequencePatternContext *>(context)->maybe_star_pattern();
  }
  auto *node = module.create<MatchSequence>(span);
  for (auto *part : parts)
    node->patterns.push_back(buildMaybeStar(part));
  checkStars(node);
  return node;
}

// closed_pattern: '{' (mapping_item (',' mapping_item)* ','?)? '}'
// mapping_item: '**' NAME | (literal_pattern | name_or_attr) ':' as_pattern
Pattern *AstBuilder::buildMapping(Parser::MappingPatternContext *context) {
  auto *node = module.create<MatchMapping>(spanOf(context));
  for (auto *item : context->mapping_item()) {
    if (!node->rest.empty())
      fail(ErrorId::InvalidPattern, spanOf(item), {"'**' must stand last in a mapping pattern"});
    if (item->DOUBLESTAR()) {
      node->rest = text(item->NAME()->getSymbol());
      if (node->rest == "_")
        fail(ErrorId::InvalidPattern, spanOf(item), {"'_' cannot be the name after '**'"});
      continue;
    }
    Expr *key = item->literal_pattern() ? buildPatternLiteral(item->literal_pattern())
                                        : buildDotted(item->name_or_attr());
    if (isa<Name>(key))
      fail(ErrorId::InvalidPattern, key->span, {"the key of a mapping pattern is a constant"});
    node->keys.push_back(key);
    node->patterns.push_back(buildPattern(item->as_pattern()));
  }
  return node;
}

// closed_pattern: name_or_attr '(' (class_item (',' class_item)* ','?)? ')'
// class_item: NAME '=' as_pattern | as_pattern
Pattern *AstBuilder::buildClassPattern(Parser::ClassPatternContext *context) {
  auto *node = module.create<MatchClass>(spanOf(context));
  node->cls = buildDotted(context->name_or_attr());
  for (auto *item : context->class_item()) {
    Pattern *pattern = buildPattern(item->as_pattern());
    if (item->EQUAL()) {
      node->kwdAttrs.push_back(text(item->NAME()->getSymbol()));
      node->kwdPatterns.push_back(pattern);
      continue;
    }
    if (!node->kwdAttrs.empty())
      fail(ErrorId::InvalidPattern, spanOf(item),
           {"a positional pattern follows keyword patterns"});
    node->patterns.push_back(pattern);
  }
  return node;
}

// literal_pattern: '-'? NUMBER (('+' | '-') NUMBER)? | STRING+ | 'None' | 'True' | 'False'
Expr *AstBuilder::buildPatternLiteral(Parser::Literal_patternContext *context) {
  if (!context->STRING().empty()) {
    Expr *strings = buildStrings(context->STRING());
    if (isa<JoinedStr>(strings))
      fail(ErrorId::InvalidPattern, strings->span, {"an f-string cannot be a pattern"});
    return strings;
  }
  auto numbers = context->NUMBER();
  if (numbers.empty())
    return buildConstant(terminalAt(context, 0));
  Expr *value = buildNumber(numbers[0]->getSymbol());
  auto isComplex = [](Expr *expr) { return cast<Constant>(expr)->type == ConstantKind::Complex; };
  bool firstIsComplex = isComplex(value);
  if (isTokenAt(context, 0, MpyParser::MINUS)) {
    auto *negated = module.create<UnaryOp>(spanOf(terminalAt(context, 0)).to(value->span));
    negated->op = UnaryOperator::USub;
    negated->operand = value;
    value = negated;
  }
  if (numbers.size() == 1)
    return value;
  auto *sum = module.create<BinOp>(spanOf(context));
  sum->left = value;
  size_t operatorIndex = context->children.size() - 2;
  sum->op = binaryOperator(terminalAt(context, operatorIndex)->getType());
  sum->right = buildNumber(numbers[1]->getSymbol());
  if (firstIsComplex || !isComplex(sum->right))
    fail(ErrorId::InvalidPattern, sum->span, {"a complex pattern is a real and an imaginary part"});
  return sum;
}

// name_or_attr: NAME ('.' NAME)*
Expr *AstBuilder::buildDotted(Parser::Name_or_attrContext *context) {
  Span span = spanOf(context);
  Expr *result = nullptr;
  auto names = context->NAME();
  Level level(*this, span, names.size());
  for (auto *part : names) {
    antlr4::Token *token = part->getSymbol();
    Span place = spanOf(token);
    if (!result) {
      auto *name = module.create<Name>(place);
      name->id = text(token);
      result = name;
      continue;
    }
    auto *attribute = module.create<Attribute>({module.file, span.begin, place.end});
    attribute->value = result;
    attribute->attr = text(token);
    attribute->attrSpan = place;
    result = attribute;
  }
  return result;
}

} // namespace mpy
