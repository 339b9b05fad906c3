// Which classes have tables (Rows.cpp), and what the text of such a class says: the attributes of
// its objects, and where a constructor makes its object known to others:
//
//   self.parent = parent; parent.children.append(self)   =>   parent; the second statement
#include "frontend/containers/Rows.h"
#include "frontend/syntax/AstWalk.h"

using namespace mlir;

namespace mpy {

//===----------------------------------------------------------------------===//
// What the text of a class says
//===----------------------------------------------------------------------===//

/// The name of a method's first parameter; empty if it has none.
static llvm::StringRef selfOf(const ast::FunctionDef &method) {
  if (!method.args.posonlyargs.empty())
    return method.args.posonlyargs[0].name;
  return method.args.args.empty() ? llvm::StringRef() : llvm::StringRef(method.args.args[0].name);
}

static bool isNameOf(const ast::Node *node, llvm::StringRef self) {
  auto *name = dyn_cast<ast::Name>(node);
  return name && name->id == self;
}

/// The attributes that a method sets of its object.
static void collectSet(const ast::Node *node, llvm::StringRef self,
                       std::vector<std::string> &names) {
  auto *attribute = dyn_cast<ast::Attribute>(node);
  if (attribute && attribute->ctx != ast::ExprContext::Load && isNameOf(attribute->value, self) &&
      !llvm::is_contained(names, attribute->attr))
    names.push_back(attribute->attr);
  forEachChild(node, [&](ast::Node *child) { collectSet(child, self, names); });
}

/// The attributes that objects of a class get from its methods, and from its annotations if a
/// decorator may make some of them.
void collectAttributes(const ast::ClassDef &node, std::vector<std::string> &names) {
  for (const ast::Stmt *statement : node.body) {
    if (auto *method = dyn_cast<ast::FunctionDef>(statement))
      if (llvm::StringRef self = selfOf(*method); !self.empty())
        for (const ast::Stmt *part : method->body)
          collectSet(part, self, names);
    auto *annotated = dyn_cast<ast::AnnAssign>(statement);
    auto *name = annotated ? dyn_cast<ast::Name>(annotated->target) : nullptr;
    if (name && !node.decorators.empty() && !llvm::is_contained(names, name->id))
      names.push_back(name->id);
  }
}

namespace {
/// Where an object becomes known to others before its constructor has ended.
class Escape {
public:
  Escape(Specializer &s, ObjectId cls) : s(s), cls(cls) {}

  /// The first such statement of each constructor.
  std::set<const ast::Stmt *> inConstructors() {
    std::set<const ast::Stmt *> statements;
    for (ObjectId id : s.heap.get<ClassState>(cls)->resolution)
      for (auto &attribute : s.heap.get<ClassState>(id)->attributes)
        if (auto *function = attribute.first == "__init__" ? functionOf(attribute.second) : nullptr)
          for (const ast::Stmt *statement : function->body)
            if (inNode(statement, selfOf(*function))) {
              statements.insert(statement);
              break;
            }
    return statements;
  }

private:
  /// A function of the program.
  static const ast::FunctionDef *functionOf(const Value &value) {
    auto *closure = value.as<ClosureValue>();
    return closure && !closure->library ? dyn_cast<ast::FunctionDef>(closure->node) : nullptr;
  }

  /// Of all that runs in the methods of this name.
  bool inMethods(llvm::StringRef name) {
    if (!visited.insert(name.str()).second)
      return false;
    for (ObjectId id : s.heap.get<ClassState>(cls)->resolution)
      for (auto &attribute : s.heap.get<ClassState>(id)->attributes)
        if (attribute.first == name && inFunction(attribute.second))
          return true;
    return false;
  }

  bool inFunction(const Value &value) {
    auto *closure = value.as<ClosureValue>();
    auto *function = functionOf(value);
    if (!function)
      return closure && !closure->library;
    return llvm::any_of(function->body,
                        [&](const ast::Stmt *part) { return inNode(part, selfOf(*function)); });
  }

  bool inNode(const ast::Node *node, llvm::StringRef self) {
    if (isNameOf(node, self))
      return true;
    if (auto *attribute = dyn_cast<ast::Attribute>(node);
        attribute && isNameOf(attribute->value, self))
      return isMethod(attribute->attr) && inMethods(attribute->attr);
    bool isFunction = isa<ast::FunctionDef, ast::Lambda>(node);
    auto *call = dyn_cast<ast::Call>(node);
    auto *callee = call ? dyn_cast<ast::Attribute>(call->func) : nullptr;
    // `Base.__init__(self, ..)`: a constructor, which is asked too.
    bool isConstructor = callee && callee->attr == "__init__" && !call->args.empty() &&
                         isNameOf(call->args[0], self);
    bool found = isFunction && mentions(node, self);
    forEachChild(node, [&](ast::Node *child) {
      if (!(isConstructor && child == call->args[0]))
        found = found || inNode(child, self);
    });
    return found;
  }

  static bool mentions(const ast::Node *node, llvm::StringRef self) {
    bool found = isNameOf(node, self);
    forEachChild(node, [&](ast::Node *child) { found = found || mentions(child, self); });
    return found;
  }

  bool isMethod(llvm::StringRef name) { return !s.classAttribute(cls, name).isUnbound(); }

  Specializer &s;
  ObjectId cls;
  std::set<std::string> visited;
};
} // namespace

std::set<const ast::Stmt *> statementsThatShow(Specializer &s, ObjectId cls) {
  return Escape(s, cls).inConstructors();
}

//===----------------------------------------------------------------------===//
// Which classes have rows
//===----------------------------------------------------------------------===//

/// The last class of the program in the order of attributes, whose objects are of one family.
static const ast::ClassDef *familyNode(Specializer &s, ObjectId cls) {
  const ast::ClassDef *first = nullptr;
  for (ObjectId id : s.heap.get<ClassState>(cls)->resolution)
    if (auto *state = s.heap.get<ClassState>(id); state->node && !s.isOfLibrary(id))
      first = state->node;
  return first;
}

void noteMade(Specializer &s, ObjectId cls) {
  auto &made = s.learned().made;
  const ClassState &state = *s.heap.get<ClassState>(cls);
  // Which classes objects of a family may be of is known before any is asked.
  bool isNew = !made.count(state.node);
  Attempts::MadeClass &noted = made[state.node];
  ++noted.count;
  noted.bases.clear();
  for (ObjectId id : state.resolution)
    if (auto *base = s.heap.get<ClassState>(id); base->node && !s.isOfLibrary(id))
      noted.bases.push_back(base->node);
  auto &rows = s.learned().rowClasses;
  bool isOfFamily =
      llvm::any_of(noted.bases, [&](const ast::ClassDef *base) { return rows.count(base); });
  if (!isNew || !isOfFamily)
    return;
  for (const ast::ClassDef *base : noted.bases)
    rows[base];
  if (noted.bases.size() > 1)
    rows[noted.bases.back()].insert(classColumn);
  s.learned().hasNewAttribute = true;
  s.fail(ErrorId::UnknownAttribute, {state.name, classColumn});
}

void noteHeld(Specializer &s, ObjectId cls, const Value &value) {
  if (auto *optional = value.as<OptionalValue>())
    return noteHeld(s, cls, optional->value);
  auto made = s.learned().made.find(s.heap.get<ClassState>(cls)->node);
  auto *ref = value.get<ObjectRef>();
  if (!ref || made == s.learned().made.end())
    return;
  auto note = [&](ObjectId id) {
    auto *held = s.heap.get<InstanceState>(id);
    if (const ast::ClassDef *node = held ? familyNode(s, held->cls) : nullptr)
      made->second.held.insert(node);
  };
  note(ref->id);
  if (auto *list = s.heap.get<ListState>(ref->id))
    for (const Value &item : list->items)
      if (auto *one = item.get<ObjectRef>())
        note(one->id);
}

bool addRowClasses(Attempts &attempts, RowCandidates candidates) {
  // What objects of each family hold.
  std::map<const ast::ClassDef *, std::set<const ast::ClassDef *>> held;
  std::map<const ast::ClassDef *, unsigned> counts;
  for (auto &[node, made] : attempts.made) {
    held[made.bases.back()].insert(made.held.begin(), made.held.end());
    counts[made.bases.back()] += made.count;
  }
  // Whose objects hold, by some way, objects of their own family.
  auto isInCycle = [&](const ast::ClassDef *start) {
    std::set<const ast::ClassDef *> seen;
    std::vector<const ast::ClassDef *> work{start};
    while (!work.empty()) {
      const ast::ClassDef *family = work.back();
      work.pop_back();
      for (const ast::ClassDef *other : held[family])
        if (other == start)
          return true;
        else if (seen.insert(other).second)
          work.push_back(other);
    }
    return false;
  };
  auto &rows = attempts.rowClasses;
  size_t before = rows.size();
  for (auto &[node, made] : attempts.made) {
    const ast::ClassDef *family = made.bases.back();
    bool isCandidate = candidates == RowCandidates::All ||
                       (candidates == RowCandidates::Several && counts[family] > 1) ||
                       isInCycle(family);
    if (!isCandidate)
      continue;
    for (const ast::ClassDef *base : made.bases)
      rows[base];
    if (made.bases.size() > 1)
      rows[family].insert(classColumn);
  }
  return rows.size() > before;
}

bool mayNeedRows(ErrorId id) {
  switch (id) {
  case ErrorId::BranchesDiffer:
  case ErrorId::LoopChangesType:
  case ErrorId::LoopNeverSettles:
  case ErrorId::AmbiguousMutation:
  case ErrorId::StaleAlias:
  case ErrorId::UnknownLength:
  case ErrorId::RunTimeIndex:
  case ErrorId::RunTimeKey:
  case ErrorId::ItemMutation:
  case ErrorId::ItemsDiffer:
  case ErrorId::UnknownAttribute:
  case ErrorId::Unsupported:
  case ErrorId::RecursesTooDeeply:
  case ErrorId::RecursionStructure:
  case ErrorId::IntegerTooLarge:
  case ErrorId::UnrollsTooFar:
    return true;
  default:
    return false;
  }
}

} // namespace mpy
