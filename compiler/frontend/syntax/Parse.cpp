// Turns a file into an AST: checks the text, cuts it into tokens, parses them with the parser
// generated from Mpy.g4, and copies the tree at once. ANTLR's headers end here and in the other
// Parse*.cpp files.
//
// The parser first predicts with ANTLR's fast SLL method; only a text that fails is parsed again
// with full LL, which decides whether the failure is the program's and where.
//
// On exit every name has its scope (Scopes.h), and no path through the tree is longer than
// `maximumDepth`, so that later stages may walk it recursively.
#include "frontend/syntax/Parse.h"
#include "frontend/syntax/ParseBuilder.h"
#include "frontend/syntax/PrivateNames.h"
#include "frontend/syntax/Scopes.h"

namespace mpy {

namespace {

using syntax::MpyParser;

/// Levels of the AST; an expression `a + b + c + ..` has one level for each operator.
constexpr size_t maximumDepth = 1000;
/// Levels of the parser's own recursion, about ten for one bracket.
constexpr size_t maximumRuleDepth = 5000;

/// Stops the parser at its first syntax error.
struct SyntaxErrorFound {
  antlr4::Token *token;
  antlr4::misc::IntervalSet expected;
};

class FirstError : public antlr4::BaseErrorListener {
public:
  void syntaxError(antlr4::Recognizer *recognizer, antlr4::Token *token, size_t, size_t,
                   const std::string &, std::exception_ptr) override {
    // The parser forgets its state while the exception leaves its rules.
    throw SyntaxErrorFound{token, static_cast<MpyParser *>(recognizer)->getExpectedTokens()};
  }
};

/// Stops the parser before its recursion could exhaust the stack.
struct RulesTooDeep {
  antlr4::Token *token;
};

class RuleDepth : public antlr4::tree::ParseTreeListener {
public:
  void visitTerminal(antlr4::tree::TerminalNode *) override {}
  void visitErrorNode(antlr4::tree::ErrorNode *) override {}
  void enterEveryRule(antlr4::ParserRuleContext *context) override {
    if (++depth > maximumRuleDepth)
      throw RulesTooDeep{context->getStart()};
  }
  void exitEveryRule(antlr4::ParserRuleContext *) override { --depth; }
  size_t depth = 0;
};

Span tokenSpan(FileId file, antlr4::Token *token) {
  return {file, static_cast<uint32_t>(token->getStartIndex()),
          static_cast<uint32_t>(token->getStopIndex())};
}

void reportTooDeep(Diagnostics &diagnostics, Span span) {
  diagnostics.report(ErrorId::NestedTooDeeply, span, {"expressions", std::to_string(maximumDepth)},
                     {.help = "give inner parts names of their own"});
}

} // namespace

MpyParser::File_inputContext *SyntaxTree::parseFile(const SourceManager &sources, Span span,
                                                    Diagnostics &diagnostics) {
  return parse(sources, span, TokenRange::File, &Parser::file_input, diagnostics);
}

MpyParser::Fstring_inputContext *SyntaxTree::parseFString(const SourceManager &sources, Span span,
                                                          Diagnostics &diagnostics) {
  return parse(sources, span, TokenRange::Bracketed, &Parser::fstring_input, diagnostics);
}

template <typename Context>
Context *SyntaxTree::parse(const SourceManager &sources, Span span, TokenRange range,
                           Context *(Parser::*start)(), Diagnostics &diagnostics) {
  std::optional<std::vector<SourceToken>> tokens = readTokens(sources, span, range, diagnostics);
  if (!tokens)
    return nullptr;
  std::vector<std::unique_ptr<antlr4::Token>> list;
  list.reserve(tokens->size());
  for (const SourceToken &token : *tokens) {
    auto copy = std::make_unique<antlr4::CommonToken>(token.type);
    copy->setStartIndex(token.begin);
    copy->setStopIndex(token.end); // one past the last byte
    list.push_back(std::move(copy));
  }
  source = std::make_unique<antlr4::ListTokenSource>(std::move(list));
  stream = std::make_unique<antlr4::CommonTokenStream>(source.get());
  parser = std::make_unique<Parser>(stream.get());
  auto *interpreter = parser->getInterpreter<antlr4::atn::ParserATNSimulator>();
  RuleDepth ruleDepth;
  FirstError firstError;
  parser->removeErrorListeners();
  try {
    try {
      parser->addParseListener(&ruleDepth);
      parser->setErrorHandler(std::make_shared<antlr4::BailErrorStrategy>());
      interpreter->setPredictionMode(antlr4::atn::PredictionMode::SLL);
      Context *tree = (parser.get()->*start)();
      parser->removeParseListeners();
      return tree;
    } catch (const antlr4::ParseCancellationException &) {
      ruleDepth.depth = 0;
      stream->seek(0);
      parser->reset();
      parser->addErrorListener(&firstError);
      parser->setErrorHandler(std::make_shared<antlr4::DefaultErrorStrategy>());
      interpreter->setPredictionMode(antlr4::atn::PredictionMode::LL);
      Context *tree = (parser.get()->*start)();
      parser->removeParseListeners();
      return tree;
    }
  } catch (const SyntaxErrorFound &error) {
    reportSyntaxError(error.token, error.expected, span, sources, diagnostics);
  } catch (const RulesTooDeep &error) {
    reportTooDeep(diagnostics, tokenSpan(span.file, error.token));
  }
  parser->removeParseListeners();
  return nullptr;
}

void SyntaxTree::reportSyntaxError(antlr4::Token *token, const antlr4::misc::IntervalSet &expected,
                                   Span span, const SourceManager &sources,
                                   Diagnostics &diagnostics) {
  Span place = tokenSpan(span.file, token);
  if (token->getType() == MpyParser::INDENT) {
    diagnostics.report(ErrorId::UnexpectedIndent, place);
    return;
  }
  if (expected.contains(static_cast<size_t>(MpyParser::INDENT))) {
    diagnostics.report(ErrorId::ExpectedBlock, place, {},
                       {.help = "indent the lines of the block; an empty block is 'pass'"});
    return;
  }
  Details details;
  std::string found = sources.text(place).str();
  if (token->getType() == antlr4::Token::EOF)
    details.found = span.begin == 0 ? "the end of the file" : "the end of the expression";
  else if (token->getType() == MpyParser::NEWLINE)
    details.found = "the end of the line";
  else if (token->getType() == MpyParser::DEDENT)
    details.found = "the end of the block";
  else if (found.size() <= 40 && found.find('\n') == std::string::npos)
    details.found = token->getType() == MpyParser::STRING ? "a string" : "'" + found + "'";
  size_t previousIndex = token->getTokenIndex();
  antlr4::Token *previous = previousIndex > 0 ? stream->get(previousIndex - 1) : nullptr;
  std::string before =
      previous ? sources.text(tokenSpan(span.file, previous)).str() : std::string();
  if (expected.size() == 1 && !expected.contains(antlr4::Token::EOF))
    details.expected = parser->getVocabulary().getDisplayName(expected.getMinElement());
  else if (expected.contains(static_cast<size_t>(MpyParser::COLON)) &&
           token->getType() == MpyParser::NEWLINE)
    details.expected = "':'";
  if (before == "print" || before == "exec")
    details.help = "call it: " + before + "(...)";
  else if (token->getType() == MpyParser::EQUAL)
    details.help = "compare with '=='; an assignment is a statement of its own";
  else if (details.expected == "':'" && token->getType() == MpyParser::NEWLINE)
    details.help = "end the line with ':'";
  diagnostics.report(ErrorId::InvalidSyntax, place, {}, std::move(details));
}

Span AstBuilder::spanOf(antlr4::Token *token) const { return tokenSpan(module.file, token); }

Span AstBuilder::spanOf(const Context *context) const {
  auto *mutableContext = const_cast<Context *>(context);
  antlr4::Token *start = mutableContext->getStart();
  antlr4::Token *stop = mutableContext->getStop();
  uint32_t begin = static_cast<uint32_t>(start->getStartIndex());
  // An empty rule stops before it starts.
  if (!stop || stop->getTokenIndex() < start->getTokenIndex())
    return {module.file, begin, begin};
  return {module.file, begin, static_cast<uint32_t>(stop->getStopIndex())};
}

/// A compound statement ends with its last inner statement, not with the dedent after it.
Span AstBuilder::spanOfBlock(const Context *context, const ast::Body &body) const {
  Span span = spanOf(context);
  if (!body.empty())
    span.end = body.back()->span.end;
  return span;
}

AstBuilder::Level::Level(AstBuilder &builder, Span span, size_t amount)
    : builder(builder), amount(amount) {
  if (builder.depth + amount > maximumDepth) {
    reportTooDeep(builder.diagnostics, span);
    throw TreeTooDeep{};
  }
  builder.depth += amount;
}

// file_input: statement* EOF
void AstBuilder::buildModule(Parser::File_inputContext *context) {
  for (auto *statement : context->statement())
    buildStatement(statement, module.body);
}

static std::unique_ptr<ast::Module> parseText(SourceManager &sources, FileId file,
                                              Diagnostics &diagnostics) {
  if (!checkSourceText(sources, file, diagnostics))
    return nullptr;
  auto module = std::make_unique<ast::Module>();
  module->file = file;
  module->span = {file, 0, static_cast<uint32_t>(sources.text(file).size())};
  SyntaxTree tree;
  auto *root = tree.parseFile(sources, module->span, diagnostics);
  if (!root)
    return nullptr;
  AstBuilder(sources, *module, diagnostics).buildModule(root);
  return module;
}

ast::Expr *parseExpression(SourceManager &sources, FileId file, ast::Module &owner,
                           Diagnostics &diagnostics) {
  owner.file = file;
  try {
    SyntaxTree tree;
    Span whole{file, 0, static_cast<uint32_t>(sources.text(file).size())};
    auto *root = tree.parseFString(sources, whole, diagnostics);
    return root ? AstBuilder(sources, owner, diagnostics).buildRightSide(root->annotated_rhs())
                : nullptr;
  } catch (const TreeTooDeep &) {
    return nullptr; // reported where it was found
  }
}

std::unique_ptr<ast::Module> parseModule(SourceManager &sources, FileId file,
                                         Diagnostics &diagnostics, bool asWritten) {
  std::unique_ptr<ast::Module> module;
  std::vector<Diagnostic> errors;
  {
    // Kept apart, because a caller may be in a trial run that counts nothing.
    Diagnostics::Capture capture(diagnostics);
    try {
      module = parseText(sources, file, diagnostics);
    } catch (const TreeTooDeep &) {
      // Reported where it was found.
    }
    if (module && !asWritten)
      renamePrivateNames(*module);
    if (module && !capture.hasErrors())
      resolveScopes(*module, diagnostics);
    errors = std::move(capture.errors);
  }
  for (Diagnostic &error : errors)
    diagnostics.report(std::move(error));
  return errors.empty() ? std::move(module) : nullptr;
}

} // namespace mpy
