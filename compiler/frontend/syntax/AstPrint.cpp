// Turns the AST into indented text, one node a line, under the field names of Python's `ast`:
//
//   w = -x       Assign @1:1-1:7
//                  targets: Name id=w ctx=Store @1:1-1:2
//                  value: UnaryOp op=USub @1:5-1:7
//                    operand: Name id=x ctx=Load @1:6-1:7
//
// An absent part has no line. Functions, classes and comprehensions get a line with their scope,
// and loops a line with the local names that the next iteration or a later statement may read.
#include "frontend/syntax/AstPrint.h"
#include "frontend/syntax/Liveness.h"
#include "llvm/Support/Format.h"

namespace mpy {

using namespace ast;
using llvm::cast;
using llvm::StringRef;

namespace {

class Printer {
public:
  Printer(const SourceManager &sources, llvm::raw_ostream &out) : sources(sources), out(out) {}

  void module(const Module &node);

private:
  void node(StringRef label, const Node *node);
  void statement(const Stmt *node);
  void definition(const Stmt *node);
  void expression(const Expr *node);
  void constant(const Constant *node);
  void pattern(const Pattern *node);
  void arguments(const Arguments &arguments);
  void parameter(StringRef label, const Parameter &parameter);
  void generators(const std::vector<Comprehension> &generators, const Scope &scope);
  void scopeLine(const Scope &scope);
  void liveLine(const Stmt *loop);
  void handlers(const Try *node);
  void keywords(const std::vector<Keyword> &keywords);

  /// Starts a line; its parts are printed by `attribute` until `endLine`.
  void startLine(StringRef label, StringRef kind);
  void attribute(StringRef name, StringRef value) { out << ' ' << name << '=' << value; }
  void context(ExprContext ctx) {
    attribute("ctx", ctx == ExprContext::Load    ? "Load"
                     : ctx == ExprContext::Store ? "Store"
                                                 : "Del");
  }
  void endLine(Span span);
  void endLine() { out << '\n'; }
  void quoted(StringRef text);

  template <typename Nodes> void all(StringRef label, const Nodes &nodes) {
    for (const auto *child : nodes)
      node(label, child);
  }
  void maybe(StringRef label, const Node *child) {
    if (child)
      node(label, child);
  }

  const SourceManager &sources;
  llvm::raw_ostream &out;
  const Liveness *liveness = nullptr;
  unsigned indentation = 0;
  Span current;
};

void Printer::startLine(StringRef label, StringRef kind) {
  out.indent(indentation * 2);
  if (!label.empty())
    out << label << ": ";
  out << kind;
}

void Printer::endLine(Span span) {
  LineColumn begin = sources.lineColumn(span.file, span.begin);
  LineColumn end = sources.lineColumn(span.file, span.end);
  out << " @" << begin.line << ':' << begin.column << '-' << end.line << ':' << end.column << '\n';
}

void Printer::quoted(StringRef text) {
  out << '\'';
  for (unsigned char c : text) {
    if (c >= ' ' && c < 0x7F && c != '\'' && c != '\\')
      out << c;
    else
      out << llvm::format("\\x%02x", c);
  }
  out << '\'';
}

void Printer::module(const Module &module) {
  startLine("", "Module");
  endLine(module.span);
  ++indentation;
  scopeLine(module.scope);
  Liveness ofModule(module, /*isImported=*/false);
  liveness = &ofModule;
  all("body", module.body);
  --indentation;
}

void Printer::node(StringRef label, const Node *child) {
  startLine(label, child->kind == Kind::FunctionDef && cast<FunctionDef>(child)->isAsync
                       ? "AsyncFunctionDef"
                       : kindName(child->kind));
  Span outer = current;
  current = child->span;
  ++indentation;
  if (auto *expr = llvm::dyn_cast<Expr>(child))
    expression(expr);
  else if (auto *stmt = llvm::dyn_cast<Stmt>(child))
    statement(stmt);
  else
    pattern(cast<Pattern>(child));
  --indentation;
  current = outer;
}

void Printer::scopeLine(const Scope &scope) {
  auto list = [&](StringRef label, const NameSet &names) {
    if (names.empty())
      return;
    out << ' ' << label;
    for (const std::string &name : names)
      out << ' ' << name;
    out << ';';
  };
  out.indent(indentation * 2) << "scope:";
  list("locals", scope.locals);
  list("global", scope.globals);
  list("nonlocal", scope.nonlocals);
  list("free", scope.freeNames);
  list("captured", scope.captured);
  if (scope.hasYield)
    out << " yield;";
  out << '\n';
}

void Printer::liveLine(const Stmt *loop) {
  out.indent(indentation * 2) << "live:";
  for (const std::string &name : liveness->liveAtHead(loop).names())
    out << ' ' << name;
  out << '\n';
}

void Printer::parameter(StringRef label, const Parameter &parameter) {
  startLine(label, "arg");
  attribute("arg", parameter.name);
  endLine(parameter.span);
  ++indentation;
  maybe("annotation", parameter.annotation);
  --indentation;
  maybe("default", parameter.defaultValue);
}

void Printer::arguments(const Arguments &arguments) {
  for (const Parameter &each : arguments.posonlyargs)
    parameter("posonlyargs", each);
  for (const Parameter &each : arguments.args)
    parameter("args", each);
  if (arguments.vararg)
    parameter("vararg", *arguments.vararg);
  for (const Parameter &each : arguments.kwonlyargs)
    parameter("kwonlyargs", each);
  if (arguments.kwarg)
    parameter("kwarg", *arguments.kwarg);
}

void Printer::keywords(const std::vector<Keyword> &keywords) {
  for (const Keyword &keyword : keywords) {
    startLine("keywords", "keyword");
    if (!keyword.name.empty())
      attribute("arg", keyword.name);
    endLine(keyword.span);
    ++indentation;
    node("value", keyword.value);
    --indentation;
  }
}

void Printer::definition(const Stmt *child) {
  if (auto *function = llvm::dyn_cast<FunctionDef>(child)) {
    attribute("name", function->name);
    endLine(current);
    scopeLine(function->scope);
    arguments(function->args);
    Liveness ofFunction(*function);
    const Liveness *outer = liveness;
    liveness = &ofFunction;
    all("body", function->body);
    liveness = outer;
    all("decorator_list", function->decorators);
    maybe("returns", function->returns);
    return;
  }
  auto *definition = cast<ClassDef>(child);
  attribute("name", definition->name);
  endLine(current);
  scopeLine(definition->scope);
  all("bases", definition->bases);
  keywords(definition->keywords);
  all("body", definition->body);
  all("decorator_list", definition->decorators);
}

void Printer::handlers(const Try *node) {
  for (const ExceptHandler &handler : node->handlers) {
    startLine("handlers", "ExceptHandler");
    if (!handler.name.empty())
      attribute("name", handler.name);
    endLine(handler.span);
    ++indentation;
    maybe("type", handler.type);
    all("body", handler.body);
    --indentation;
  }
}

void Printer::statement(const Stmt *child) {
  auto aliases = [&](const std::vector<Alias> &names) {
    for (const Alias &alias : names) {
      startLine("names", "alias");
      attribute("name", alias.name);
      if (!alias.asname.empty())
        attribute("asname", alias.asname);
      endLine(alias.span);
    }
  };
  auto nameList = [&](const std::vector<std::string> &names) {
    for (const std::string &name : names)
      attribute("names", name);
    endLine(current);
  };
  switch (child->kind) {
  case Kind::FunctionDef:
  case Kind::ClassDef:
    return definition(child);
  case Kind::Import:
    endLine(current);
    return aliases(cast<Import>(child)->names);
  case Kind::ImportFrom: {
    auto *import = cast<ImportFrom>(child);
    if (!import->module.empty())
      attribute("module", import->module);
    attribute("level", std::to_string(import->level));
    endLine(current);
    return aliases(import->names);
  }
  case Kind::Global:
    return nameList(cast<Global>(child)->names);
  case Kind::Nonlocal:
    return nameList(cast<Nonlocal>(child)->names);
  case Kind::AugAssign:
    attribute("op", operatorName(cast<AugAssign>(child)->op));
    break;
  case Kind::AnnAssign:
    attribute("simple", cast<AnnAssign>(child)->simple ? "1" : "0");
    break;
  case Kind::For:
    if (cast<For>(child)->isAsync)
      attribute("async", "1");
    break;
  case Kind::With:
    if (cast<With>(child)->isAsync)
      attribute("async", "1");
    break;
  case Kind::Try:
    if (cast<Try>(child)->isStar)
      attribute("star", "1");
    break;
  default:
    break;
  }
  endLine(current);
  if (llvm::isa<For, While>(child))
    liveLine(child);
  switch (child->kind) {
  case Kind::Return:
    return maybe("value", cast<Return>(child)->value);
  case Kind::Delete:
    return all("targets", cast<Delete>(child)->targets);
  case Kind::Assign:
    all("targets", cast<Assign>(child)->targets);
    return node("value", cast<Assign>(child)->value);
  case Kind::AugAssign:
    node("target", cast<AugAssign>(child)->target);
    return node("value", cast<AugAssign>(child)->value);
  case Kind::AnnAssign:
    node("target", cast<AnnAssign>(child)->target);
    node("annotation", cast<AnnAssign>(child)->annotation);
    return maybe("value", cast<AnnAssign>(child)->value);
  case Kind::For:
    node("target", cast<For>(child)->target);
    node("iter", cast<For>(child)->iter);
    all("body", cast<For>(child)->body);
    return all("orelse", cast<For>(child)->orelse);
  case Kind::While:
    node("test", cast<While>(child)->test);
    all("body", cast<While>(child)->body);
    return all("orelse", cast<While>(child)->orelse);
  case Kind::If:
    node("test", cast<If>(child)->test);
    all("body", cast<If>(child)->body);
    return all("orelse", cast<If>(child)->orelse);
  case Kind::With:
    for (const WithItem &item : cast<With>(child)->items) {
      node("context_expr", item.contextExpr);
      maybe("optional_vars", item.optionalVars);
    }
    return all("body", cast<With>(child)->body);
  case Kind::Match:
    node("subject", cast<Match>(child)->subject);
    for (const MatchCase &part : cast<Match>(child)->cases) {
      node("pattern", part.pattern);
      maybe("guard", part.guard);
      all("body", part.body);
    }
    return;
  case Kind::Raise:
    maybe("exc", cast<Raise>(child)->exc);
    return maybe("cause", cast<Raise>(child)->cause);
  case Kind::Try:
    all("body", cast<Try>(child)->body);
    handlers(cast<Try>(child));
    all("orelse", cast<Try>(child)->orelse);
    return all("finalbody", cast<Try>(child)->finalbody);
  case Kind::Assert:
    node("test", cast<Assert>(child)->test);
    return maybe("msg", cast<Assert>(child)->msg);
  case Kind::ExprStmt:
    return node("value", cast<ExprStmt>(child)->value);
  default:
    return;
  }
}

void Printer::constant(const Constant *child) {
  out << " value=";
  switch (child->type) {
  case ConstantKind::None:
    out << "None";
    break;
  case ConstantKind::True:
    out << "True";
    break;
  case ConstantKind::False:
    out << "False";
    break;
  case ConstantKind::Ellipsis:
    out << "...";
    break;
  case ConstantKind::Int:
    if (child->isBigInt)
      out << child->text;
    else
      out << child->intValue;
    break;
  case ConstantKind::Float:
    out << llvm::format("float:%.17g", child->floatValue);
    break;
  case ConstantKind::Complex:
    out << llvm::format("complex:%.17g", child->floatValue);
    break;
  case ConstantKind::Bytes:
    out << 'b';
    quoted(child->text);
    break;
  case ConstantKind::Str:
    quoted(child->text);
    break;
  }
}

void Printer::generators(const std::vector<Comprehension> &generators, const Scope &scope) {
  for (const Comprehension &part : generators) {
    startLine("generators", "comprehension");
    if (part.isAsync)
      attribute("async", "1");
    endLine(part.span);
    ++indentation;
    node("target", part.target);
    node("iter", part.iter);
    all("ifs", part.ifs);
    --indentation;
  }
  scopeLine(scope);
}

void Printer::expression(const Expr *child) {
  switch (child->kind) {
  case Kind::BoolOp:
    attribute("op", operatorName(cast<BoolOp>(child)->op));
    break;
  case Kind::BinOp:
    attribute("op", operatorName(cast<BinOp>(child)->op));
    break;
  case Kind::UnaryOp:
    attribute("op", operatorName(cast<UnaryOp>(child)->op));
    break;
  case Kind::Compare:
    for (CompareOperator op : cast<Compare>(child)->ops)
      attribute("ops", operatorName(op));
    break;
  case Kind::FormattedValue:
    if (char conversion = cast<FormattedValue>(child)->conversion)
      attribute("conversion", StringRef(&conversion, 1));
    break;
  case Kind::Constant:
    constant(cast<Constant>(child));
    break;
  case Kind::Attribute:
    attribute("attr", cast<Attribute>(child)->attr);
    context(cast<Attribute>(child)->ctx);
    break;
  case Kind::Subscript:
    context(cast<Subscript>(child)->ctx);
    break;
  case Kind::Starred:
    context(cast<Starred>(child)->ctx);
    break;
  case Kind::Name:
    attribute("id", cast<Name>(child)->id);
    context(cast<Name>(child)->ctx);
    break;
  case Kind::List:
    context(cast<List>(child)->ctx);
    break;
  case Kind::Tuple:
    context(cast<Tuple>(child)->ctx);
    break;
  default:
    break;
  }
  endLine(current);
  switch (child->kind) {
  case Kind::BoolOp:
    return all("values", cast<BoolOp>(child)->values);
  case Kind::NamedExpr:
    node("target", cast<NamedExpr>(child)->target);
    return node("value", cast<NamedExpr>(child)->value);
  case Kind::BinOp:
    node("left", cast<BinOp>(child)->left);
    return node("right", cast<BinOp>(child)->right);
  case Kind::UnaryOp:
    return node("operand", cast<UnaryOp>(child)->operand);
  case Kind::Lambda:
    scopeLine(cast<Lambda>(child)->scope);
    arguments(cast<Lambda>(child)->args);
    return node("body", cast<Lambda>(child)->body);
  case Kind::IfExp:
    node("test", cast<IfExp>(child)->test);
    node("body", cast<IfExp>(child)->body);
    return node("orelse", cast<IfExp>(child)->orelse);
  case Kind::Dict: {
    auto *dict = cast<Dict>(child);
    for (size_t i = 0; i < dict->values.size(); ++i) {
      maybe("key", dict->keys[i]);
      node("value", dict->values[i]);
    }
    return;
  }
  case Kind::Set:
    return all("elts", cast<Set>(child)->elts);
  case Kind::ListComp:
    node("elt", cast<ListComp>(child)->elt);
    return generators(cast<ListComp>(child)->generators, cast<ListComp>(child)->scope);
  case Kind::SetComp:
    node("elt", cast<SetComp>(child)->elt);
    return generators(cast<SetComp>(child)->generators, cast<SetComp>(child)->scope);
  case Kind::DictComp:
    node("key", cast<DictComp>(child)->key);
    node("value", cast<DictComp>(child)->value);
    return generators(cast<DictComp>(child)->generators, cast<DictComp>(child)->scope);
  case Kind::GeneratorExp:
    node("elt", cast<GeneratorExp>(child)->elt);
    return generators(cast<GeneratorExp>(child)->generators, cast<GeneratorExp>(child)->scope);
  case Kind::Await:
    return node("value", cast<Await>(child)->value);
  case Kind::Yield:
    return maybe("value", cast<Yield>(child)->value);
  case Kind::YieldFrom:
    return node("value", cast<YieldFrom>(child)->value);
  case Kind::Compare:
    node("left", cast<Compare>(child)->left);
    return all("comparators", cast<Compare>(child)->comparators);
  case Kind::Call:
    node("func", cast<Call>(child)->func);
    all("args", cast<Call>(child)->args);
    return keywords(cast<Call>(child)->keywords);
  case Kind::FormattedValue:
    node("value", cast<FormattedValue>(child)->value);
    return maybe("format_spec", cast<FormattedValue>(child)->formatSpec);
  case Kind::JoinedStr:
    return all("values", cast<JoinedStr>(child)->values);
  case Kind::Attribute:
    return node("value", cast<Attribute>(child)->value);
  case Kind::Subscript:
    node("value", cast<Subscript>(child)->value);
    return node("slice", cast<Subscript>(child)->slice);
  case Kind::Starred:
    return node("value", cast<Starred>(child)->value);
  case Kind::List:
    return all("elts", cast<List>(child)->elts);
  case Kind::Tuple:
    return all("elts", cast<Tuple>(child)->elts);
  case Kind::Slice:
    maybe("lower", cast<Slice>(child)->lower);
    maybe("upper", cast<Slice>(child)->upper);
    return maybe("step", cast<Slice>(child)->step);
  default:
    return;
  }
}

void Printer::pattern(const Pattern *child) {
  if (auto *singleton = llvm::dyn_cast<MatchSingleton>(child))
    attribute("value", singleton->value == ConstantKind::None   ? "None"
                       : singleton->value == ConstantKind::True ? "True"
                                                                : "False");
  if (auto *star = llvm::dyn_cast<MatchStar>(child); star && !star->name.empty())
    attribute("name", star->name);
  if (auto *as = llvm::dyn_cast<MatchAs>(child); as && !as->name.empty())
    attribute("name", as->name);
  if (auto *mapping = llvm::dyn_cast<MatchMapping>(child); mapping && !mapping->rest.empty())
    attribute("rest", mapping->rest);
  if (auto *matchClass = llvm::dyn_cast<MatchClass>(child))
    for (const std::string &name : matchClass->kwdAttrs)
      attribute("kwd_attrs", name);
  endLine(current);
  switch (child->kind) {
  case Kind::MatchValue:
    return node("value", cast<MatchValue>(child)->value);
  case Kind::MatchSequence:
    return all("patterns", cast<MatchSequence>(child)->patterns);
  case Kind::MatchMapping:
    all("keys", cast<MatchMapping>(child)->keys);
    return all("patterns", cast<MatchMapping>(child)->patterns);
  case Kind::MatchClass:
    node("cls", cast<MatchClass>(child)->cls);
    all("patterns", cast<MatchClass>(child)->patterns);
    return all("kwd_patterns", cast<MatchClass>(child)->kwdPatterns);
  case Kind::MatchAs:
    return maybe("pattern", cast<MatchAs>(child)->pattern);
  case Kind::MatchOr:
    return all("patterns", cast<MatchOr>(child)->patterns);
  default:
    return;
  }
}

} // namespace

void printAst(const Module &module, const SourceManager &sources, llvm::raw_ostream &out) {
  Printer(sources, out).module(module);
}

} // namespace mpy
