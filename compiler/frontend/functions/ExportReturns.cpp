// The annotation of an exported function's result, against what the body returns.
//
//   def f(x: f64['n']) -> tuple[f64['n'], f64['m']]: return x[x > 0], ..
//     =>  result_0 float64[n], result_1 float64[m]
//
// What is known of both must agree here. An extent that the call alone knows gets the annotation's
// name or number, and the runtime compares the two when the body has returned.
#include "frontend/functions/ExportReturns.h"
#include "frontend/functions/ExportTypes.h"

namespace mpy {

using Extent = ExportExtent::Kind;

static std::string typeText(const ExportLeaf &leaf, const std::vector<std::string> &extents) {
  std::string text = nameOf(static_cast<DType>(leaf.element)).str();
  if (leaf.isNumber)
    return text;
  for (auto [dim, extent] : llvm::enumerate(leaf.shape))
    text += (dim ? ", " : "[") + (extent.kind == Extent::Number ? std::to_string(extent.number)
                                  : extent.kind == Extent::Name ? extents[extent.number]
                                                                : "?");
  return text + (leaf.shape.empty() ? "[]" : "]");
}

/// The type of a result as messages say it: float64[n], (float64, int64), {'w': float64[3]}.
static std::string formText(const ExportForm &form, const Export &made) {
  using Kind = ExportForm::Kind;
  if (form.kind == Kind::None)
    return "None";
  if (form.kind == Kind::Leaf)
    return typeText(made.results[form.leaf], made.extents);
  std::string text = form.kind == Kind::Tuple ? "(" : form.kind == Kind::List ? "[" : "{";
  for (auto [number, part] : llvm::enumerate(form.parts)) {
    text += number ? ", " : "";
    if (form.kind == Kind::Dict)
      text += "'" + form.keys[number] + "': ";
    text += formText(part, made);
  }
  if (form.kind == Kind::Tuple && form.parts.size() == 1)
    text += ",";
  return text + (form.kind == Kind::Tuple ? ")" : form.kind == Kind::List ? "]" : "}");
}

/// Whether both have one structure, and leaves of one element type and rank.
static bool isSameType(const ExportForm &a, const ExportForm &b, const Export &is,
                       const Export &said) {
  if (a.kind != b.kind || a.keys != b.keys || a.parts.size() != b.parts.size())
    return false;
  if (a.kind == ExportForm::Kind::Leaf) {
    const ExportLeaf &one = is.results[a.leaf], &other = said.results[b.leaf];
    return one.element == other.element && one.isNumber == other.isNumber &&
           one.shape.size() == other.shape.size();
  }
  for (auto [one, other] : llvm::zip(a.parts, b.parts))
    if (!isSameType(one, other, is, said))
      return false;
  return true;
}

ExportReturns::ExportReturns(Specializer &s, const ast::FunctionDef &node, Export &made)
    : s(s), node(node), made(made), said(made) {
  said.results.clear();
  if (!node.returns)
    return;
  auto *constant = llvm::dyn_cast<ast::Constant>(node.returns);
  if (constant && constant->isNone()) {
    isType = true;
    said.resultForm = {};
    return;
  }
  AnnotationReader reader(s, said);
  auto form = reader.read(*node.returns, "result", said.results);
  isType = form.has_value();
  if (isType)
    said.resultForm = std::move(*form);
  else if (reader.hasBadExtents())
    refuse("an array of such extents",
           "one name, one number or '_' for each extent, between spaces: f64['n d']");
}

void ExportReturns::refuse(const std::string &is, const std::string &wanted) {
  s.span = node.returns->span;
  s.fail(ErrorId::ExportedResult, {is, made.function}, {.expected = wanted});
}

void ExportReturns::checkResult() {
  if (isType && !isSameType(made.resultForm, said.resultForm, made, said))
    refuse("a result of type " + formText(made.resultForm, made), formText(said.resultForm, said));
}

/// A name that no parameter has.
bool ExportReturns::isOwnName(const ExportExtent &extent) const {
  return extent.kind == Extent::Name && extent.number >= made.parameterExtents;
}

/// Names that stand where an extent is known stand for it everywhere.
void ExportReturns::learnNames(const ExportLeaf &leaf, const ExportLeaf &wanted) {
  for (auto [is, extent] : llvm::zip(leaf.shape, wanted.shape))
    if (is.kind != Extent::Any && isOwnName(extent))
      ownNames.try_emplace(extent.number, is);
}

/// An extent of the annotation as the function that is made has it.
ExportExtent ExportReturns::extentOf(const ExportExtent &wanted) {
  if (!isOwnName(wanted))
    return wanted;
  const std::string &name = said.extents[wanted.number];
  // `_` names nothing.
  if (name.front() == '_' && name.size() > 1 && llvm::isDigit(name[1]))
    return {};
  auto [known, isNew] = ownNames.try_emplace(wanted.number);
  if (isNew) {
    known->second = {Extent::Name, static_cast<int64_t>(made.extents.size())};
    made.extents.push_back(name);
  }
  return known->second;
}

void ExportReturns::nameExtents(llvm::MutableArrayRef<ExportLeaf> leaves) {
  if (!isType || leaves.size() != said.results.size())
    return;
  for (auto [leaf, wanted] : llvm::zip(leaves, said.results))
    learnNames(leaf, wanted);
  for (auto [leaf, wanted] : llvm::zip(leaves, said.results))
    for (auto [is, extent] : llvm::zip(leaf.shape, wanted.shape)) {
      ExportExtent named = extentOf(extent);
      if (named.kind == Extent::Any)
        continue;
      if (is.kind != Extent::Any && (is.kind != named.kind || is.number != named.number)) {
        ExportLeaf known = wanted;
        for (ExportExtent &one : known.shape)
          one = extentOf(one);
        refuse("a result of type " + typeText(leaf, made.extents), typeText(known, made.extents));
      }
      is = named;
    }
}

} // namespace mpy
