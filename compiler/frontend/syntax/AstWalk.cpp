// The one place that knows which fields of which node are children: every other recursive walk
// handles the nodes it cares about and leaves the rest to `forEachChild`.
#include "frontend/syntax/AstWalk.h"

namespace mpy {

using namespace ast;
using llvm::cast;

namespace {

using Visit = llvm::function_ref<void(Node *)>;

template <typename Nodes> void all(const Nodes &nodes, Visit visit) {
  for (auto *child : nodes)
    if (child)
      visit(child);
}

void each(std::initializer_list<Node *> nodes, Visit visit) { all(nodes, visit); }

void keywordValues(const std::vector<Keyword> &keywords, Visit visit) {
  for (const Keyword &keyword : keywords)
    visit(keyword.value);
}

void visitGenerators(const std::vector<Comprehension> &generators, Visit visit) {
  for (const Comprehension &part : generators) {
    each({part.iter, part.target}, visit);
    all(part.ifs, visit);
  }
}

void visitExpr(const Expr *node, Visit visit) {
  switch (node->kind) {
  case Kind::BoolOp:
    return all(cast<BoolOp>(node)->values, visit);
  case Kind::NamedExpr:
    return each({cast<NamedExpr>(node)->value, cast<NamedExpr>(node)->target}, visit);
  case Kind::BinOp:
    return each({cast<BinOp>(node)->left, cast<BinOp>(node)->right}, visit);
  case Kind::UnaryOp:
    return visit(cast<UnaryOp>(node)->operand);
  case Kind::Lambda:
    forEachParameterPart(cast<Lambda>(node)->args, visit);
    return visit(cast<Lambda>(node)->body);
  case Kind::IfExp:
    return each({cast<IfExp>(node)->test, cast<IfExp>(node)->body, cast<IfExp>(node)->orelse},
                visit);
  case Kind::Dict:
    for (size_t i = 0; i < cast<Dict>(node)->values.size(); ++i)
      each({cast<Dict>(node)->keys[i], cast<Dict>(node)->values[i]}, visit);
    return;
  case Kind::Set:
    return all(cast<Set>(node)->elts, visit);
  case Kind::ListComp:
    visitGenerators(cast<ListComp>(node)->generators, visit);
    return visit(cast<ListComp>(node)->elt);
  case Kind::SetComp:
    visitGenerators(cast<SetComp>(node)->generators, visit);
    return visit(cast<SetComp>(node)->elt);
  case Kind::DictComp:
    visitGenerators(cast<DictComp>(node)->generators, visit);
    return each({cast<DictComp>(node)->key, cast<DictComp>(node)->value}, visit);
  case Kind::GeneratorExp:
    visitGenerators(cast<GeneratorExp>(node)->generators, visit);
    return visit(cast<GeneratorExp>(node)->elt);
  case Kind::Await:
    return visit(cast<Await>(node)->value);
  case Kind::Yield:
    return each({cast<Yield>(node)->value}, visit);
  case Kind::YieldFrom:
    return visit(cast<YieldFrom>(node)->value);
  case Kind::Compare:
    visit(cast<Compare>(node)->left);
    return all(cast<Compare>(node)->comparators, visit);
  case Kind::Call:
    visit(cast<Call>(node)->func);
    all(cast<Call>(node)->args, visit);
    return keywordValues(cast<Call>(node)->keywords, visit);
  case Kind::FormattedValue:
    return each({cast<FormattedValue>(node)->value, cast<FormattedValue>(node)->formatSpec}, visit);
  case Kind::JoinedStr:
    return all(cast<JoinedStr>(node)->values, visit);
  case Kind::Attribute:
    return visit(cast<Attribute>(node)->value);
  case Kind::Subscript:
    return each({cast<Subscript>(node)->value, cast<Subscript>(node)->slice}, visit);
  case Kind::Starred:
    return visit(cast<Starred>(node)->value);
  case Kind::List:
    return all(cast<List>(node)->elts, visit);
  case Kind::Tuple:
    return all(cast<Tuple>(node)->elts, visit);
  case Kind::Slice:
    return each({cast<Slice>(node)->lower, cast<Slice>(node)->upper, cast<Slice>(node)->step},
                visit);
  default:
    return;
  }
}

void visitPattern(const Pattern *node, Visit visit) {
  switch (node->kind) {
  case Kind::MatchValue:
    return visit(cast<MatchValue>(node)->value);
  case Kind::MatchSequence:
    return all(cast<MatchSequence>(node)->patterns, visit);
  case Kind::MatchMapping:
    all(cast<MatchMapping>(node)->keys, visit);
    return all(cast<MatchMapping>(node)->patterns, visit);
  case Kind::MatchClass:
    visit(cast<MatchClass>(node)->cls);
    all(cast<MatchClass>(node)->patterns, visit);
    return all(cast<MatchClass>(node)->kwdPatterns, visit);
  case Kind::MatchAs:
    return each({cast<MatchAs>(node)->pattern}, visit);
  case Kind::MatchOr:
    return all(cast<MatchOr>(node)->patterns, visit);
  default:
    return;
  }
}

void visitCompound(const Stmt *node, Visit visit) {
  switch (node->kind) {
  case Kind::FunctionDef: {
    auto *function = cast<FunctionDef>(node);
    all(function->decorators, visit);
    forEachParameterPart(function->args, visit);
    each({function->returns}, visit);
    return all(function->body, visit);
  }
  case Kind::ClassDef: {
    auto *definition = cast<ClassDef>(node);
    all(definition->decorators, visit);
    all(definition->bases, visit);
    keywordValues(definition->keywords, visit);
    return all(definition->body, visit);
  }
  case Kind::For:
    each({cast<For>(node)->iter, cast<For>(node)->target}, visit);
    all(cast<For>(node)->body, visit);
    return all(cast<For>(node)->orelse, visit);
  case Kind::While:
    visit(cast<While>(node)->test);
    all(cast<While>(node)->body, visit);
    return all(cast<While>(node)->orelse, visit);
  case Kind::If:
    visit(cast<If>(node)->test);
    all(cast<If>(node)->body, visit);
    return all(cast<If>(node)->orelse, visit);
  case Kind::With:
    for (const WithItem &item : cast<With>(node)->items)
      each({item.contextExpr, item.optionalVars}, visit);
    return all(cast<With>(node)->body, visit);
  case Kind::Match:
    visit(cast<Match>(node)->subject);
    for (const MatchCase &part : cast<Match>(node)->cases) {
      each({part.pattern, part.guard}, visit);
      all(part.body, visit);
    }
    return;
  case Kind::Try:
    all(cast<Try>(node)->body, visit);
    for (const ExceptHandler &handler : cast<Try>(node)->handlers) {
      each({handler.type}, visit);
      all(handler.body, visit);
    }
    all(cast<Try>(node)->orelse, visit);
    return all(cast<Try>(node)->finalbody, visit);
  default:
    return;
  }
}

void visitStmt(const Stmt *node, Visit visit) {
  switch (node->kind) {
  case Kind::Return:
    return each({cast<Return>(node)->value}, visit);
  case Kind::Delete:
    return all(cast<Delete>(node)->targets, visit);
  case Kind::Assign:
    visit(cast<Assign>(node)->value);
    return all(cast<Assign>(node)->targets, visit);
  case Kind::AugAssign:
    return each({cast<AugAssign>(node)->target, cast<AugAssign>(node)->value}, visit);
  case Kind::AnnAssign:
    return each({cast<AnnAssign>(node)->annotation, cast<AnnAssign>(node)->value,
                 cast<AnnAssign>(node)->target},
                visit);
  case Kind::Raise:
    return each({cast<Raise>(node)->exc, cast<Raise>(node)->cause}, visit);
  case Kind::Assert:
    return each({cast<Assert>(node)->test, cast<Assert>(node)->msg}, visit);
  case Kind::ExprStmt:
    return visit(cast<ExprStmt>(node)->value);
  default:
    return visitCompound(node, visit);
  }
}

} // namespace

void forEachChild(const Node *node, Visit visit) {
  if (auto *expr = llvm::dyn_cast<Expr>(node))
    return visitExpr(expr, visit);
  if (auto *stmt = llvm::dyn_cast<Stmt>(node))
    return visitStmt(stmt, visit);
  if (auto *pattern = llvm::dyn_cast<Pattern>(node))
    return visitPattern(pattern, visit);
  all(cast<Module>(node)->body, visit);
}

void forEachParameter(const Arguments &arguments,
                      llvm::function_ref<void(const Parameter &)> visit) {
  for (const Parameter &parameter : arguments.posonlyargs)
    visit(parameter);
  for (const Parameter &parameter : arguments.args)
    visit(parameter);
  if (arguments.vararg)
    visit(*arguments.vararg);
  for (const Parameter &parameter : arguments.kwonlyargs)
    visit(parameter);
  if (arguments.kwarg)
    visit(*arguments.kwarg);
}

void forEachParameterPart(const Arguments &arguments, Visit visit) {
  forEachParameter(arguments, [&](const Parameter &parameter) {
    each({parameter.defaultValue, parameter.annotation}, visit);
  });
}

const std::vector<Comprehension> *generatorsOf(const Node *node) {
  switch (node->kind) {
  case Kind::ListComp:
    return &cast<ListComp>(node)->generators;
  case Kind::SetComp:
    return &cast<SetComp>(node)->generators;
  case Kind::DictComp:
    return &cast<DictComp>(node)->generators;
  case Kind::GeneratorExp:
    return &cast<GeneratorExp>(node)->generators;
  default:
    return nullptr;
  }
}

llvm::StringRef boundName(const Alias &alias, bool isFrom) {
  if (!alias.asname.empty())
    return alias.asname;
  return isFrom ? llvm::StringRef(alias.name) : llvm::StringRef(alias.name).split('.').first;
}

} // namespace mpy
