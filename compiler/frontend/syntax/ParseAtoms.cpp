// Turns the atoms of Mpy.g4 into AST expressions: names, numbers, bracketed groups, lists, dicts,
// sets and comprehensions.
#include "frontend/syntax/ParseBuilder.h"
#include <cstdlib>

namespace mpy {

using namespace ast;
using syntax::MpyParser;

// atom: NAME | 'True' | 'False' | 'None' | '...' | STRING+ | NUMBER | '(' .. ')' | '[' .. ']'
//     | '{' .. '}'
Expr *AstBuilder::buildAtom(Parser::AtomContext *context) {
  if (auto *name = dynamic_cast<Parser::NameAtomContext *>(context)) {
    auto *node = module.create<Name>(spanOf(context));
    node->id = text(name->NAME()->getSymbol());
    return node;
  }
  if (auto *number = dynamic_cast<Parser::NumberAtomContext *>(context))
    return buildNumber(number->NUMBER()->getSymbol());
  if (auto *strings = dynamic_cast<Parser::StringAtomContext *>(context))
    return buildStrings(strings->STRING());
  if (auto *group = dynamic_cast<Parser::GroupAtomContext *>(context))
    return buildGroup(group);
  if (auto *list = dynamic_cast<Parser::ListAtomContext *>(context))
    return buildList(list);
  if (auto *dict = dynamic_cast<Parser::DictAtomContext *>(context))
    return buildDictOrSet(dict);
  return buildConstant(terminalAt(context, 0));
}

Expr *AstBuilder::buildConstant(antlr4::Token *token) {
  auto *node = module.create<Constant>(spanOf(token));
  switch (token->getType()) {
  case MpyParser::TRUE:
    node->type = ConstantKind::True;
    break;
  case MpyParser::FALSE:
    node->type = ConstantKind::False;
    break;
  case MpyParser::ELLIPSIS:
    node->type = ConstantKind::Ellipsis;
    break;
  default:
    node->type = ConstantKind::None;
  }
  return node;
}

Expr *AstBuilder::buildNumber(antlr4::Token *token) {
  auto *node = module.create<Constant>(spanOf(token));
  std::string digits = text(token);
  llvm::erase(digits, '_');
  llvm::StringRef number = digits;
  bool isPrefixed = number.size() > 1 && number[0] == '0' && llvm::isAlpha(number[1]) &&
                    !number.ends_with_insensitive("j") && !number.starts_with_insensitive("0e");
  if (!isPrefixed && number.ends_with_insensitive("j")) {
    node->type = ConstantKind::Complex;
    node->floatValue = std::strtod(number.drop_back().str().c_str(), nullptr);
  } else if (!isPrefixed && number.find_first_of(".eE") != llvm::StringRef::npos) {
    node->type = ConstantKind::Float;
    node->floatValue = std::strtod(digits.c_str(), nullptr);
  } else {
    node->type = ConstantKind::Int;
    bool overflows = isPrefixed ? number.getAsInteger(0, node->intValue)
                                : number.getAsInteger(10, node->intValue);
    node->isBigInt = overflows;
    if (overflows)
      node->intValue = 0;
  }
  node->text = std::move(digits);
  return node;
}

/// The elements of a display: the children that are rules, in order.
template <typename Part> static std::vector<Part *> partsOf(antlr4::ParserRuleContext *context) {
  std::vector<Part *> parts;
  for (auto *child : context->children)
    if (auto *part = dynamic_cast<Part *>(child))
      parts.push_back(part);
  return parts;
}

// atom: '(' (yield_expr | star_named_expression (for_if_clauses
//                                             | (',' star_named_expression)* ','?))? ')'
Expr *AstBuilder::buildGroup(Parser::GroupAtomContext *context) {
  Span span = spanOf(context);
  Level level(*this, span);
  if (auto *yield = context->yield_expr())
    return buildYield(yield);
  auto parts = partsOf<Parser::Star_named_expressionContext>(context);
  if (auto *clauses = context->for_if_clauses())
    return buildGenerator(span, clauses, [&] { return buildStarNamed(parts[0]); });
  if (context->children.size() == 3) {
    Expr *single = buildStarNamed(parts[0]);
    if (isa<Starred>(single))
      fail(ErrorId::MisplacedStar, single->span, {},
           {.help = "add a comma to make a tuple: '(*x,)'"});
    return single;
  }
  auto *tuple = module.create<Tuple>(span);
  for (auto *part : parts)
    tuple->elts.push_back(buildStarNamed(part));
  return tuple;
}

Expr *AstBuilder::buildGenerator(Span span, Parser::For_if_clausesContext *clauses,
                                 llvm::function_ref<Expr *()> buildElement) {
  // A generator that awaits is an asynchronous generator, wherever it stands.
  Place inside = place;
  inside.isAsync = true;
  Enter enter(*this, inside);
  auto *node = module.create<GeneratorExp>(span);
  node->elt = buildElement();
  checkElement(node->elt);
  node->generators = buildComprehension(clauses);
  return node;
}

void AstBuilder::checkElement(Expr *element) {
  if (isa<Starred>(element))
    fail(ErrorId::MisplacedStar, element->span, {},
         {.help = "a comprehension gives one element at a time; add another 'for'"});
}

// atom: '[' (star_named_expression (for_if_clauses | (',' star_named_expression)* ','?))? ']'
Expr *AstBuilder::buildList(Parser::ListAtomContext *context) {
  Span span = spanOf(context);
  Level level(*this, span);
  auto parts = partsOf<Parser::Star_named_expressionContext>(context);
  if (auto *clauses = context->for_if_clauses()) {
    auto *node = module.create<ListComp>(span);
    node->elt = buildStarNamed(parts[0]);
    checkElement(node->elt);
    node->generators = buildComprehension(clauses);
    return node;
  }
  auto *list = module.create<List>(span);
  for (auto *part : parts)
    list->elts.push_back(buildStarNamed(part));
  return list;
}

// atom: '{' (dict_item (for_if_clauses | (',' dict_item)* ','?))? '}'
// dict_item: '**' expr | star_named_expression (':' expression)?
Expr *AstBuilder::buildDictOrSet(Parser::DictAtomContext *context) {
  Span span = spanOf(context);
  Level level(*this, span);
  auto items = context->dict_item();
  auto isDictItem = [](Parser::Dict_itemContext *item) { return item->children.size() != 1; };
  bool isDict = items.empty() || isDictItem(items[0]);
  ExprList keys;
  ExprList values;
  for (auto *item : items) {
    if (isDictItem(item) != isDict) {
      fail(ErrorId::InvalidSyntax, spanOf(item), {},
           {.found = isDict ? "an element without ':' in a dict" : "'key: value' in a set"});
      continue;
    }
    auto *first = item->star_named_expression();
    if (!first) {
      keys.push_back(nullptr);
      values.push_back(buildStar(item, item->expr()));
      values.back() = cast<Starred>(values.back())->value;
      continue;
    }
    Expr *element = buildStarNamed(first);
    keys.push_back(element);
    if (!isDict)
      continue;
    auto *named = first->named_expression();
    if (!named || named->children.size() > 1)
      fail(ErrorId::InvalidSyntax, element->span, {},
           {.found = named ? "':=' in a key" : "a starred key"});
    values.push_back(buildExpression(item->expression()));
  }
  auto *clauses = context->for_if_clauses();
  if (clauses && isDict) {
    auto *node = module.create<DictComp>(span);
    node->key = keys[0];
    node->value = values[0];
    if (!node->key)
      fail(ErrorId::MisplacedStar, spanOf(items[0]));
    node->generators = buildComprehension(clauses);
    return node;
  }
  if (clauses) {
    auto *node = module.create<SetComp>(span);
    node->elt = keys[0];
    checkElement(node->elt);
    node->generators = buildComprehension(clauses);
    return node;
  }
  if (isDict) {
    auto *node = module.create<Dict>(span);
    node->keys = std::move(keys);
    node->values = std::move(values);
    return node;
  }
  auto *node = module.create<Set>(span);
  node->elts = std::move(keys);
  return node;
}

// for_if_clauses: for_if_clause+
// for_if_clause: 'async'? 'for' star_targets 'in' expr ('if' expr)*
std::vector<Comprehension> AstBuilder::buildComprehension(Parser::For_if_clausesContext *context) {
  std::vector<Comprehension> result;
  for (auto *clause : context->for_if_clause()) {
    Comprehension part;
    part.span = spanOf(clause);
    part.isAsync = clause->ASYNC() != nullptr;
    part.target = buildTargets(clause->star_targets());
    auto expressions = clause->expr();
    part.iter = buildExpr(expressions[0]);
    for (size_t i = 1; i < expressions.size(); ++i)
      part.ifs.push_back(buildExpr(expressions[i]));
    if (part.isAsync && !place.isAsync)
      fail(ErrorId::OutsideFunction, part.span, {"async for"},
           {.help = "an asynchronous comprehension needs 'async def'"});
    result.push_back(std::move(part));
  }
  return result;
}

} // namespace mpy
