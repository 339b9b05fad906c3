// Turns the parameters of functions and lambdas and the arguments of calls into the AST. The
// grammar takes them in any order; Python's order is checked here, so that a message can say what
// is out of place.
#include "frontend/syntax/ParseBuilder.h"

namespace mpy {

using namespace ast;
using syntax::MpyParser;

/// What was seen so far in one parameter list.
struct AstBuilder::ParameterState {
  Arguments args;
  llvm::StringSet<> names;
  bool seenSlash = false;
  bool seenStar = false;
  bool bareStarOpen = false; // a bare `*` still needs a parameter after it
  bool seenDefault = false;
};

void AstBuilder::addParameter(ParameterState &state, antlr4::Token *marker, antlr4::Token *name,
                              Expr *annotation, Expr *defaultValue, Span span) {
  auto outOfOrder = [&](llvm::StringRef message) {
    fail(ErrorId::ArgumentOrder, span, {message.str()});
  };
  size_t type = marker ? marker->getType() : 0;
  if (state.args.kwarg)
    return outOfOrder("no parameter can follow '**" + state.args.kwarg->name + "'");
  if (type == MpyParser::SLASH) {
    if (state.seenSlash || state.seenStar)
      return outOfOrder("'/' must stand once, before '*'");
    if (state.args.args.empty())
      return outOfOrder("at least one parameter must stand before '/'");
    state.seenSlash = true;
    state.args.posonlyargs = std::move(state.args.args);
    state.args.args.clear();
    return;
  }
  Parameter parameter;
  if (name) {
    parameter = {text(name), annotation, defaultValue, span};
    if (!state.names.insert(parameter.name).second)
      fail(ErrorId::DuplicateParameter, spanOf(name), {parameter.name});
  }
  if (type == MpyParser::STAR) {
    if (state.seenStar)
      return outOfOrder("'*' must stand once");
    state.seenStar = true;
    state.bareStarOpen = !name;
    if (name)
      state.args.vararg = std::make_unique<Parameter>(parameter);
    return;
  }
  if (type == MpyParser::DOUBLESTAR) {
    if (state.bareStarOpen)
      outOfOrder("a parameter must stand between '*' and '**'");
    state.bareStarOpen = false;
    state.args.kwarg = std::make_unique<Parameter>(parameter);
    return;
  }
  if (state.seenStar) {
    state.bareStarOpen = false;
    state.args.kwonlyargs.push_back(parameter);
    return;
  }
  if (!defaultValue && state.seenDefault)
    outOfOrder("a parameter without a default follows one with a default");
  state.seenDefault |= defaultValue != nullptr;
  state.args.args.push_back(parameter);
}

void AstBuilder::finishParameters(ParameterState &state, Span span) {
  if (state.bareStarOpen)
    fail(ErrorId::ArgumentOrder, span, {"a parameter must follow '*'"});
}

// parameters: parameter (',' parameter)* ','?
// parameter: NAME (':' expression)? ('=' expression)? | '/' | '*' (NAME (':' star_expression)?)?
//          | '**' NAME (':' expression)?
Arguments AstBuilder::buildParameters(Parser::ParametersContext *context) {
  ParameterState state;
  for (auto *parameter : context->parameter()) {
    antlr4::Token *name = parameter->NAME() ? parameter->NAME()->getSymbol() : nullptr;
    antlr4::Token *first = terminalAt(parameter, 0);
    auto expressions = parameter->expression();
    size_t next = 0;
    Expr *annotation = nullptr;
    Expr *defaultValue = nullptr;
    if (auto *starred = parameter->star_expression())
      annotation = buildStarExpression(starred);
    else if (parameter->COLON())
      annotation = buildExpression(expressions[next++]);
    if (parameter->EQUAL())
      defaultValue = buildExpression(expressions[next]);
    addParameter(state, first == name ? nullptr : first, name, annotation, defaultValue,
                 spanOf(parameter));
  }
  finishParameters(state, spanOf(context));
  return std::move(state.args);
}

// lambda_parameters: lambda_parameter (',' lambda_parameter)* ','?
// lambda_parameter: NAME ('=' expression)? | '/' | '*' NAME? | '**' NAME
Arguments AstBuilder::buildLambdaParameters(Parser::Lambda_parametersContext *context) {
  ParameterState state;
  for (auto *parameter : context->lambda_parameter()) {
    antlr4::Token *name = parameter->NAME() ? parameter->NAME()->getSymbol() : nullptr;
    antlr4::Token *first = terminalAt(parameter, 0);
    Expr *defaultValue =
        parameter->expression() ? buildExpression(parameter->expression()) : nullptr;
    addParameter(state, first == name ? nullptr : first, name, nullptr, defaultValue,
                 spanOf(parameter));
  }
  finishParameters(state, spanOf(context));
  return std::move(state.args);
}

// arguments: argument (',' argument)* ','?
// argument: '*' expression | '**' expression
//         | expression (':=' expression | '=' expression | for_if_clauses)?
void AstBuilder::buildCallArguments(Parser::ArgumentsContext *context, ExprList &args,
                                    std::vector<Keyword> &keywords) {
  bool seenKeyword = false;
  bool seenDoubleStar = false;
  llvm::StringSet<> names;
  for (auto *argument : context->argument()) {
    Span span = spanOf(argument);
    auto expressions = argument->expression();
    if (isTokenAt(argument, 0, MpyParser::DOUBLESTAR)) {
      keywords.push_back({"", buildExpression(expressions[0]), span});
      seenDoubleStar = true;
      continue;
    }
    if (isTokenAt(argument, 0, MpyParser::STAR)) {
      if (seenDoubleStar)
        fail(ErrorId::ArgumentOrder, span, {"'*' arguments must stand before '**' arguments"});
      auto *starred = module.create<Starred>(span);
      starred->value = buildExpression(expressions[0]);
      args.push_back(starred);
      continue;
    }
    if (isTokenAt(argument, 1, MpyParser::EQUAL)) {
      Expr *target = buildExpression(expressions[0]);
      Expr *value = buildExpression(expressions[1]);
      auto *name = dyn_cast<Name>(target);
      if (!name || target->span != spanOf(expressions[0])) {
        fail(ErrorId::InvalidSyntax, spanOf(expressions[0]), {},
             {.found = "'=' after an expression",
              .expected = "a parameter name before '='",
              .help = "compare with '=='"});
        continue;
      }
      if (!names.insert(name->id).second)
        fail(ErrorId::ArgumentOrder, span, {"keyword argument '" + name->id + "' is repeated"});
      keywords.push_back({name->id, value, span});
      seenKeyword = true;
      continue;
    }
    if (seenDoubleStar || seenKeyword)
      fail(ErrorId::ArgumentOrder, span,
           {seenDoubleStar ? "a positional argument follows '**' arguments"
                           : "a positional argument follows keyword arguments"});
    if (auto *clauses = argument->for_if_clauses()) {
      if (context->children.size() > 1)
        fail(ErrorId::InvalidSyntax, span, {},
             {.help = "put brackets around a generator expression that is not the only argument"});
      args.push_back(
          buildGenerator(span, clauses, [&] { return buildExpression(expressions[0]); }));
    } else if (isTokenAt(argument, 1, MpyParser::COLONEQUAL)) {
      args.push_back(buildWalrus(argument, expressions[0], expressions[1]));
    } else {
      args.push_back(buildExpression(expressions[0]));
    }
  }
}

} // namespace mpy
