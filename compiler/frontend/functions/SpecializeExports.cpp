// Exported functions -> functions of the module whose parameters are what a caller gives:
//
//   @export
//   def loss(w: f64['d'], x: f64['n d']): ..
//     =>  func @export_loss(%d, %n, %w, %x, ..what it reads of the module..) -> (%loss)
//
// They are made when the statements of the module are done, each from the state that these leave.
// What a function reads of that state is among the results of the statements and becomes a
// parameter; what it changes nobody would see again, so that is an error.
#include "frontend/functions/ExportBoundary.h"
#include "frontend/functions/ExportReturns.h"
#include "frontend/functions/ExportTypes.h"
#include "frontend/interpret/Specialize.h"
#include "frontend/library/Library.h"
#include "support/Externs.h"
#include "llvm/Support/Path.h"

using namespace mlir;

namespace mpy {

namespace {

/// The helper in mpy._exports, the suffix of the C name, and what its results are called.
struct KindInfo {
  const char *helper, *suffix, *result;
};
} // namespace

static KindInfo infoOf(ExportKind kind) {
  switch (kind) {
  case ExportKind::Value:
    return {"_value_of", "", "result"};
  case ExportKind::Gradient:
    return {"_grad_of", "_grad", "grad"};
  case ExportKind::ValueAndGradient:
    return {"_value_and_grad_of", "_value_and_grad", "result"};
  case ExportKind::Vjp:
    return {"_vjp_of", "_vjp", "grad"};
  case ExportKind::Jvp:
    return {"_jvp_of", "_jvp", "result"};
  case ExportKind::Hvp:
    return {"_hvp_of", "_hvp", "product"};
  }
  llvm_unreachable("a kind of export without a row");
}

static std::string documentationOf(const ast::FunctionDef &node) {
  auto *first = node.body.empty() ? nullptr : llvm::dyn_cast<ast::ExprStmt>(node.body.front());
  auto *text = first ? llvm::dyn_cast<ast::Constant>(first->value) : nullptr;
  return text && text->isString() ? text->text : "";
}

/// A leaf under another name, as the tangent or gradient of it.
static ExportLeaf renamed(ExportLeaf leaf, const std::string &prefix) {
  leaf.name = prefix + leaf.name;
  return leaf;
}

static void forEachLeaf(const ExportForm &form, llvm::function_ref<void(unsigned)> visit) {
  if (form.kind == ExportForm::Kind::Leaf)
    visit(form.leaf);
  for (const ExportForm &part : form.parts)
    forEachLeaf(part, visit);
}

/// The same form with leaves counted from another one on.
static ExportForm shifted(ExportForm form, unsigned &next) {
  if (form.kind == ExportForm::Kind::Leaf)
    form.leaf = next++;
  for (ExportForm &part : form.parts)
    part = shifted(part, next);
  return form;
}

namespace {
/// Makes one exported function.
class ExportMaker {
public:
  ExportMaker(Specializer &s, const ExportRequest &request, ExportKind kind)
      : s(s), request(request), info(infoOf(kind)) {
    made.function = request.function;
    made.name = request.function + info.suffix;
    made.symbol = "export_" + made.name;
    made.kind = kind;
    made.isSingle = request.isSingle;
  }

  /// Reads the signature of the function of the program.
  void describe(const Value &value);
  /// Emits the body into the block, which gets the parameters.
  void emit(Block *block, llvm::SmallVectorImpl<mlir::Value> &results);
  Export made;

private:
  void addDirections();
  void addCotangents();
  void nameResults();
  void applyReturns();
  void separateNames();
  void findWrt();

  Specializer &s;
  const ExportRequest &request;
  KindInfo info;
  Value function;
  const ast::FunctionDef *node = nullptr;
  /// What the derivatives get behind the arguments: tangents, vectors or cotangents.
  std::optional<ExportForm> directions;
};
} // namespace

void ExportMaker::describe(const Value &value) {
  function = value;
  auto *closure = value.as<ClosureValue>();
  node = closure ? llvm::dyn_cast<ast::FunctionDef>(closure->node) : nullptr;
  if (!node || closure->library)
    s.fail(ErrorId::UnknownExport, {request.function, s.describe(value)},
           {.expected = "a function that the module defines"});
  s.span = node->nameSpan;
  made.line = s.sources.lineColumn(node->nameSpan.file, node->nameSpan.begin).line;
  made.documentation = documentationOf(*node);
  const ast::Arguments &parameters = node->args;
  if (parameters.vararg || parameters.kwarg)
    s.fail(ErrorId::ExportedParameter,
           {(parameters.vararg ? parameters.vararg : parameters.kwarg)->name, request.function},
           {.help = "write each parameter out"});
  AnnotationReader reader(s, made);
  const ast::Parameter *keepsDefault = nullptr;
  for (const auto *group : {&parameters.posonlyargs, &parameters.args, &parameters.kwonlyargs})
    for (const ast::Parameter &parameter : *group) {
      bool isKeyword = group == &parameters.kwonlyargs;
      // Its default is what it is.
      if (parameter.defaultValue && (!parameter.annotation || isKeyword)) {
        keepsDefault = &parameter;
        continue;
      }
      // What callers give is given in order.
      if (keepsDefault && !isKeyword) {
        s.span = keepsDefault->span;
        s.fail(ErrorId::ExportedParameter, {keepsDefault->name, request.function},
               {.help = "a parameter that keeps its default stands behind those with types"});
      }
      s.span = parameter.span;
      std::optional<ExportForm> form;
      if (parameter.annotation && !isKeyword)
        form = reader.read(*parameter.annotation, parameter.name, made.parameters);
      if (!form)
        s.fail(ErrorId::ExportedParameter, {parameter.name, request.function},
               {.expected =
                    "an annotation: float, int, bool, f64['n d'], Float64[Array, 'n d'], or "
                    "a tuple, list or dict of these",
                .help = isKeyword ? "a parameter behind '*' needs a default" : ""});
      made.parameterNames.push_back(parameter.name);
      made.parameterForms.push_back(std::move(*form));
    }
  made.parameterExtents = made.extents.size();
  s.span = node->nameSpan;
  if (made.kind != ExportKind::Value)
    findWrt();
  if (made.kind == ExportKind::Jvp || made.kind == ExportKind::Hvp)
    addDirections();
  else if (made.kind == ExportKind::Vjp)
    addCotangents();
}

/// Which parameters the function is differentiated by.
void ExportMaker::findWrt() {
  int64_t count = made.parameterNames.size();
  for (int64_t number : request.wrt) {
    int64_t position = number < 0 ? number + count : number;
    if (position < 0 || position >= count)
      s.fail(ErrorId::ArgumentNumber, {std::to_string(number)},
             {.help = "'" + request.function + "' has " + std::to_string(count) +
                      " parameters with types"});
    made.wrt.push_back(position);
  }
}

/// One tangent for each parameter that is differentiated, in a tuple behind the parameters.
void ExportMaker::addDirections() {
  ExportForm tuple{ExportForm::Kind::Tuple, 0, {}, {}};
  bool isJvp = made.kind == ExportKind::Jvp;
  for (int64_t number : made.wrt) {
    const ExportForm form = made.parameterForms[number];
    unsigned next = made.parameters.size();
    forEachLeaf(form, [&](unsigned leaf) {
      ExportLeaf direction =
          renamed(made.parameters[leaf], made.kind == ExportKind::Jvp ? "tangent_" : "vector_");
      // A derivative is a float.
      if (!isFloat(static_cast<DType>(direction.element)))
        direction.element = static_cast<int32_t>(DType::Float64);
      made.parameters.push_back(std::move(direction));
    });
    tuple.parts.push_back(shifted(form, next));
  }
  directions = request.isSingle ? tuple.parts.front() : tuple;
  std::string name = isJvp ? "tangent" : "vector";
  made.parameterNames.push_back(request.isSingle ? name : name + "s");
  made.parameterForms.push_back(*directions);
}

/// One cotangent for each leaf of the function's result. An extent that no parameter has is that of
/// the cotangent; when the body has returned, the two are compared.
void ExportMaker::addCotangents() {
  const Export &value = *llvm::find_if(s.exports->functions, [&](const Export &other) {
    return other.kind == ExportKind::Value && other.function == made.function;
  });
  unsigned next = made.parameters.size();
  made.extents = value.extents;
  for (const ExportLeaf &result : value.results) {
    ExportLeaf cotangent = renamed(result, "cotangent_");
    for (ExportExtent &extent : cotangent.shape)
      if (extent.kind == ExportExtent::Kind::Any) {
        extent = {ExportExtent::Kind::Name, static_cast<int64_t>(made.extents.size())};
        made.extents.push_back("_" + std::to_string(made.extents.size()));
      }
    made.parameters.push_back(std::move(cotangent));
  }
  made.parameterExtents = made.extents.size();
  directions = shifted(value.resultForm, next);
  made.parameterNames.push_back("cotangent");
  made.parameterForms.push_back(*directions);
}

void ExportMaker::emit(Block *block, llvm::SmallVectorImpl<mlir::Value> &results) {
  std::vector<IntExpr> extents;
  for (size_t i = 0; i < made.extents.size(); ++i)
    extents.push_back(
        symbolExpr(block->addArgument(s.builder.getIndexType(), s.loc()), /*isExtent=*/true));
  ExportBoundary boundary(s, made, extents);
  for (const ExportLeaf &leaf : made.parameters)
    block->addArgument(boundary.typeOfLeaf(leaf), s.loc());
  ValueRange given = ValueRange(block->getArguments()).drop_front(extents.size());
  ValueList arguments;
  for (const ExportForm &form : made.parameterForms)
    arguments.push_back(boundary.build(form, made.parameters, given));

  CallArguments call{{function}, {}, s.span};
  ValueList positions;
  for (int64_t number : made.wrt)
    positions.push_back(s.makeInt(IntExpr(number)));
  call.positional.push_back(request.isSingle && !made.wrt.empty() ? positions.front()
                                                                  : s.newTuple(positions));
  Value last;
  if (directions) {
    last = arguments.back();
    arguments.pop_back();
  }
  call.positional.push_back(s.newTuple(arguments));
  if (!last.isUnbound())
    call.positional.push_back(last);
  Value helper = s.libraryValue(*findLibraryEntry("mpy._exports", info.helper), info.helper);
  Value result = s.call(helper, call);
  if (s.dead)
    s.fail(ErrorId::UnknownExport, {request.function, "it always raises an exception"});
  made.resultForm = boundary.collect(result, "result", results);
  nameResults();
  applyReturns();
  separateNames();
}

/// In C, parameters and results stand in one list.
void ExportMaker::separateNames() {
  std::set<std::string> used;
  for (auto *leaves : {&made.parameters, &made.results})
    for (ExportLeaf &leaf : *leaves)
      while (!used.insert(leaf.name).second)
        leaf.name += leaves == &made.results ? "_out" : "_";
}

/// What the annotation of the result says is so, or is compared when the body has returned.
void ExportMaker::applyReturns() {
  ExportReturns returns(s, *node, made);
  llvm::MutableArrayRef<ExportLeaf> leaves(made.results);
  if (made.kind == ExportKind::Value) {
    returns.checkResult();
    returns.nameExtents(leaves);
  } else if (made.kind == ExportKind::Jvp) {
    // The value, and a tangent for each of its numbers.
    size_t values = 0;
    forEachLeaf(made.resultForm.parts[0], [&](unsigned) { ++values; });
    returns.nameExtents(leaves.take_front(values));
    returns.nameExtents(leaves.drop_front(values));
  }
}

/// Results of derivatives are called after what they are derivatives of.
void ExportMaker::nameResults() {
  if (made.kind == ExportKind::Value)
    return;
  auto rename = [&](const ExportForm &form, const std::string &prefix) {
    unsigned position = 0;
    std::vector<std::string> names;
    for (int64_t number : made.wrt)
      forEachLeaf(made.parameterForms[number],
                  [&](unsigned leaf) { names.push_back(prefix + made.parameters[leaf].name); });
    forEachLeaf(form, [&](unsigned leaf) {
      if (position < names.size())
        made.results[leaf].name = names[position++];
    });
  };
  auto pair = made.resultForm.parts;
  if (made.kind == ExportKind::ValueAndGradient) {
    unsigned number = 0;
    forEachLeaf(pair[0], [&](unsigned leaf) {
      made.results[leaf].name = number++ ? "result_" + std::to_string(number - 1) : "result";
    });
    rename(pair[1], "grad_");
  } else if (made.kind == ExportKind::Jvp) {
    auto strip = [&](const ExportForm &form, const char *prefix, const std::string &was) {
      forEachLeaf(form, [&](unsigned leaf) {
        std::string &name = made.results[leaf].name;
        name = prefix + name.substr(was.size());
      });
    };
    strip(pair[0], "result", "result_0");
    strip(pair[1], "tangent", "result_1");
  } else {
    rename(made.resultForm, made.kind == ExportKind::Hvp ? "product_" : "grad_");
  }
}

//===----------------------------------------------------------------------===//
// All exports of a module
//===----------------------------------------------------------------------===//

/// What an exported function changed that was there before it ran.
static std::optional<std::string> changedObject(Specializer &s, const State &entry, size_t mark,
                                                ObjectId globals) {
  for (ObjectId id = 0; id < mark; ++id) {
    if (s.heap.pointer(id) == entry.heap.pointer(id) || !s.heap.pointer(id))
      continue;
    const ObjectState &state = s.heap.at(id);
    if (std::holds_alternative<ClassState>(state) || std::holds_alternative<NamespaceState>(state))
      continue;
    for (auto &[name, cell] : s.heap.get<NamespaceState>(globals)->cells) {
      auto *value = entry.heap.get<CellState>(cell);
      auto *object = value ? value->value.get<ObjectRef>() : nullptr;
      if (cell == id || (object && object->id == id))
        return "'" + name + "' of its module";
    }
    return "an object of its module";
  }
  return std::nullopt;
}

/// The C names that an exported function takes, without the module's.
static std::set<std::string> namesOf(const Export &made) {
  std::set<std::string> names{made.name};
  bool hasArrays =
      llvm::any_of(made.results, [](const ExportLeaf &leaf) { return !leaf.isNumber; });
  if (hasArrays && made.kind == ExportKind::Value)
    names.insert(made.name + "_shapes");
  return names;
}

/// Each name is one function; each module has two of its own.
static void refuseName(Specializer &s, const Export &made) {
  std::set<std::string> taken{"init", "metadata"};
  for (const Export &other : s.exports->functions)
    taken.merge(namesOf(other));
  for (const std::string &name : namesOf(made))
    if (taken.count(name))
      s.fail(ErrorId::ExportedTwice, {name},
             {.help = name == "init" || name == "metadata" ? "each module has one of this name"
                                                           : "rename the function"});
}

/// The gradient alone, of the body that computes the value too: one body is enough.
static Export gradientOf(const Export &both) {
  Export made = both;
  made.kind = ExportKind::Gradient;
  made.name = both.function + infoOf(made.kind).suffix;
  const ExportForm &value = both.resultForm.parts[0];
  forEachLeaf(value, [&](unsigned) { ++made.dropped; });
  made.results.erase(made.results.begin(), made.results.begin() + made.dropped);
  unsigned next = 0;
  made.resultForm = shifted(both.resultForm.parts[1], next);
  return made;
}

void Specializer::exportFunction(const ExportRequest &request, ExportKind kind, Block *statements,
                                 llvm::SetVector<mlir::Value> &kept) {
  ObjectId globals = frame().globals;
  auto &cells = heap.get<NamespaceState>(globals)->cells;
  if (request.span.begin < request.span.end)
    span = request.span;
  auto cell = cells.find(request.function);
  auto *value = cell == cells.end() ? nullptr : heap.get<CellState>(cell->second);
  if (!value || value->value.isUnbound())
    fail(ErrorId::UnknownExport, {request.function, "the module has no function of this name"});
  ExportMaker maker(*this, request, kind);
  State entry = snapshot();
  size_t mark = heap.size();
  maker.describe(value->value);
  OpBuilder::InsertionGuard guard(builder);
  outliningBlocks.push_back(statements);
  builder.setInsertionPointToEnd(module.getBody());
  auto function =
      func::FuncOp::create(builder, loc(), maker.made.symbol, builder.getFunctionType({}, {}));
  Block *block = function.addEntryBlock();
  builder.setInsertionPointToStart(block);
  llvm::SmallVector<mlir::Value> results, captured;
  maker.emit(block, results);
  if (auto changed = changedObject(*this, entry, mark, globals))
    fail(ErrorId::ExportChangesModule, {request.function, *changed},
         {.help = "return the new value, or work on a copy"});
  func::ReturnOp::create(builder, loc(), results);
  captureFromOutside(function, captured);
  outliningBlocks.pop_back();
  refuseName(*this, maker.made);
  for (mlir::Value one : captured) {
    kept.insert(one);
    maker.made.captured.push_back(llvm::find(kept, one) - kept.begin());
  }
  exports->functions.push_back(std::move(maker.made));
  restore(entry);
}

llvm::SmallVector<mlir::Value> Specializer::exportFunctions(const ast::Module &program,
                                                            ObjectId globals, Block *statements) {
  Frame top;
  top.scope = &program.scope;
  top.globals = globals;
  top.moduleNode = &program;
  top.name = exports->module;
  top.callSpan = program.span;
  enter(top);
  struct Pop {
    Specializer &s;
    ~Pop() { s.frames.pop_back(); }
  } pop{*this};
  top.entryBlock = statements;
  span = program.span.start();
  builder.setInsertionPointToEnd(statements);
  if (exports->requests.empty() && exports->mayBeExterns && module->hasAttr(externsAttribute))
    return {};
  if (exports->requests.empty())
    fail(ErrorId::NothingExported, {llvm::sys::path::filename(exports->file).str()},
         {.help = "mark functions with @export of module mpy, or name them: --export=f"});
  if (exports->module == "mpy" || llvm::StringRef(exports->module).starts_with("mpy_"))
    fail(ErrorId::UnknownExport,
         {exports->requests.front().function, "names that begin with 'mpy_' are those of mpy.h"},
         {.help = "rename '" + llvm::sys::path::filename(exports->file).str() + "'"});
  if (dead)
    fail(ErrorId::UnknownExport,
         {exports->requests.front().function, "the statements of the module end the program"});
  llvm::SetVector<mlir::Value> kept;
  std::vector<ExportRequest> requests = exports->requests;
  for (const ExportRequest &request : requests)
    for (ExportKind kind : request.kinds) {
      bool isPart = kind == ExportKind::Gradient &&
                    llvm::is_contained(request.kinds, ExportKind::ValueAndGradient);
      if (!isPart)
        exportFunction(request, kind, statements, kept);
      if (kind == ExportKind::ValueAndGradient &&
          llvm::is_contained(request.kinds, ExportKind::Gradient)) {
        Export gradient = gradientOf(exports->functions.back());
        refuseName(*this, gradient);
        exports->functions.push_back(std::move(gradient));
      }
    }
  return kept.takeVector();
}

bool marksExports(const ast::Module &program) {
  for (const ast::Stmt *statement : program.body)
    if (auto *node = llvm::dyn_cast<ast::FunctionDef>(statement))
      for (const ast::Expr *decorator : node->decorators) {
        if (auto *call = llvm::dyn_cast<ast::Call>(decorator))
          decorator = call->func;
        auto *name = llvm::dyn_cast<ast::Name>(decorator);
        auto *attribute = llvm::dyn_cast<ast::Attribute>(decorator);
        if ((name && name->id == "export") || (attribute && attribute->attr == "export"))
          return true;
      }
  return false;
}

namespace library {

/// @export: asks for the function and its derivatives, in a library.
Value primitiveMarkExport(Specializer &specializer, const Arguments &arguments) {
  const Value &function = arguments["function"];
  auto *closure = function.as<ClosureValue>();
  if (!specializer.exports || !closure)
    return NoneValue{};
  // What an imported module marks is for who compiles that.
  for (const Frame *frame : llvm::reverse(specializer.frames))
    if (frame->moduleNode && !frame->library) {
      if (frame->moduleNode != specializer.frames.front()->moduleNode)
        return NoneValue{};
      break;
    }
  ExportRequest request{closure->name, {ExportKind::Value}, {}};
  if (auto *node = llvm::dyn_cast<ast::FunctionDef>(closure->node))
    request.span = node->nameSpan;
  auto asks = [&](llvm::StringRef option) {
    auto known = specializer.knownBool(arguments[option]);
    if (!known)
      specializer.fail(ErrorId::ArgumentType,
                       {option.str(), specializer.describe(arguments[option])},
                       {.expected = "True or False"});
    return *known;
  };
  if (asks("grad"))
    request.kinds.insert(request.kinds.end(), {ExportKind::Gradient, ExportKind::ValueAndGradient});
  for (auto [option, kind] :
       {std::pair{"vjp", ExportKind::Vjp}, {"jvp", ExportKind::Jvp}, {"hvp", ExportKind::Hvp}})
    if (asks(option))
      request.kinds.push_back(kind);
  ValueList numbers{arguments["wrt"]};
  if (auto items = specializer.knownItems(arguments["wrt"])) {
    numbers = *items;
    request.isSingle = false;
  }
  for (const Value &number : numbers) {
    auto known = specializer.knownInt(number);
    if (!known)
      specializer.fail(ErrorId::ArgumentType, {"wrt", specializer.describe(arguments["wrt"])},
                       {.expected = "the number of a parameter, or a tuple of such"});
    request.wrt.push_back(*known);
  }
  auto &requests = specializer.exports->requests;
  for (ExportRequest &other : requests)
    if (other.function == request.function) {
      // The command line has asked for it too, and comes first where it says by which parameters.
      for (ExportKind kind : request.kinds)
        if (!llvm::is_contained(other.kinds, kind))
          other.kinds.push_back(kind);
      if (!other.saysWrt) {
        other.wrt = request.wrt;
        other.isSingle = request.isSingle;
      }
      other.span = request.span;
      return NoneValue{};
    }
  requests.push_back(std::move(request));
  return NoneValue{};
}

} // namespace library
} // namespace mpy
