// Annotations of exported functions -> leaves with element type, rank and extents.
//
//   x: f64['n d'], w: Float64[Array, 'd'], k: int
//     =>  x float64[n, d], w float64[d], k int64      extents n, d
//
// They are read as text of the program and not evaluated, as Python evaluates them for nobody. So
// it is the same whether they stand in quotes.
#include "frontend/functions/ExportTypes.h"
#include "frontend/syntax/Parse.h"

namespace mpy {

std::string exportedName(llvm::StringRef whole, llvm::StringRef part) {
  std::string name = (whole + "_" + part).str();
  for (char &c : name)
    if (!isalnum(static_cast<unsigned char>(c)))
      c = '_';
  return name;
}

static std::optional<DType> arrayType(llvm::StringRef name) {
  return llvm::StringSwitch<std::optional<DType>>(name)
      .Cases({"Float64", "f64"}, DType::Float64)
      .Cases({"Float32", "f32"}, DType::Float32)
      .Cases({"Int64", "i64"}, DType::Int64)
      .Cases({"Int32", "i32"}, DType::Int32)
      .Cases({"Bool", "b1"}, DType::Bool)
      .Cases({"Int8", "i8"}, DType::Int8)
      .Cases({"Int16", "i16"}, DType::Int16)
      .Cases({"UInt8", "u8"}, DType::UInt8)
      .Cases({"UInt16", "u16"}, DType::UInt16)
      .Cases({"UInt32", "u32"}, DType::UInt32)
      .Cases({"UInt64", "u64"}, DType::UInt64)
      .Default(std::nullopt);
}

static std::optional<DType> numberType(llvm::StringRef name) {
  return llvm::StringSwitch<std::optional<DType>>(name)
      .Case("float", DType::Float64)
      .Case("int", DType::Int64)
      .Case("bool", DType::Bool)
      .Default(std::nullopt);
}

/// The last part of a dotted name.
static llvm::StringRef lastName(const ast::Expr &expr) {
  if (auto *name = llvm::dyn_cast<ast::Name>(&expr))
    return name->id;
  if (auto *attribute = llvm::dyn_cast<ast::Attribute>(&expr))
    return attribute->attr;
  return {};
}

bool AnnotationReader::readExtents(llvm::StringRef text, ExportLeaf &leaf) {
  llvm::SmallVector<llvm::StringRef> words;
  text.split(words, ' ', -1, /*KeepEmpty=*/false);
  for (llvm::StringRef word : words) {
    ExportExtent extent;
    if (!word.getAsInteger(10, extent.number) && extent.number >= 0) {
      extent.kind = ExportExtent::Kind::Number;
    } else if (word != "_" && (word.find_if_not([](char c) {
                 return isalnum(static_cast<unsigned char>(c)) || c == '_';
               }) != llvm::StringRef::npos ||
                               isdigit(static_cast<unsigned char>(word.front())))) {
      return false;
    } else {
      extent.kind = ExportExtent::Kind::Name;
      // `_` names nothing: each is an extent of its own.
      std::string name = word == "_" ? "_" + std::to_string(made.extents.size()) : word.str();
      auto known = llvm::find(made.extents, name);
      extent.number = known - made.extents.begin();
      if (known == made.extents.end())
        made.extents.push_back(name);
    }
    leaf.shape.push_back(extent);
  }
  return leaf.shape.size() <= 8;
}

bool AnnotationReader::readSubscript(const ast::Subscript &node, ExportLeaf &leaf) {
  std::optional<DType> type = arrayType(lastName(*node.value));
  const ast::Expr *extents = node.slice;
  if (auto *pair = llvm::dyn_cast<ast::Tuple>(extents); pair && pair->elts.size() == 2)
    extents = pair->elts[1];
  if (!type)
    return false;
  leaf.element = static_cast<int32_t>(*type);
  auto *text = llvm::dyn_cast<ast::Constant>(extents);
  bool isRead = text && text->isString() && readExtents(text->text, leaf);
  badExtents |= !isRead;
  return isRead;
}

std::optional<ExportForm> AnnotationReader::readParts(ExportForm::Kind kind,
                                                      const ast::ExprList &parts,
                                                      const std::string &name,
                                                      std::vector<ExportLeaf> &leaves) {
  ExportForm form{kind, 0, {}, {}};
  for (auto [number, part] : llvm::enumerate(parts)) {
    auto read = this->read(*part, exportedName(name, std::to_string(number)), leaves);
    if (!read)
      return std::nullopt;
    form.parts.push_back(std::move(*read));
  }
  return form;
}

/// The annotation that a text is; null where it is none.
const ast::Expr *AnnotationReader::unquoted(const ast::Constant &text) {
  // The text itself is parsed, as it may be written with escapes or in pieces.
  FileId file = s.sources.add("<annotation>", text.text);
  Diagnostics::Capture unused(s.diagnostics);
  return parseExpression(s.sources, file, quoted, s.diagnostics);
}

std::optional<ExportForm> AnnotationReader::read(const ast::Expr &annotation,
                                                 const std::string &name,
                                                 std::vector<ExportLeaf> &leaves) {
  using Kind = ExportForm::Kind;
  if (auto *text = llvm::dyn_cast<ast::Constant>(&annotation); text && text->isString()) {
    const ast::Expr *inside = unquoted(*text);
    return inside ? read(*inside, name, leaves) : std::nullopt;
  }
  ExportLeaf leaf{name, 0, false, {}};
  auto *subscript = llvm::dyn_cast<ast::Subscript>(&annotation);
  if (auto number = numberType(lastName(annotation))) {
    leaf.element = static_cast<int32_t>(*number);
    leaf.isNumber = true;
  } else if (subscript && llvm::is_contained({"tuple", "Tuple"}, lastName(*subscript->value))) {
    auto *parts = llvm::dyn_cast<ast::Tuple>(subscript->slice);
    return readParts(Kind::Tuple, parts ? parts->elts : ast::ExprList{subscript->slice}, name,
                     leaves);
  } else if (auto *list = llvm::dyn_cast<ast::List>(&annotation)) {
    return readParts(Kind::List, list->elts, name, leaves);
  } else if (auto *dict = llvm::dyn_cast<ast::Dict>(&annotation)) {
    ExportForm form{Kind::Dict, 0, {}, {}};
    for (auto [key, value] : llvm::zip(dict->keys, dict->values)) {
      auto *text = key ? llvm::dyn_cast<ast::Constant>(key) : nullptr;
      if (!text || !text->isString())
        return std::nullopt;
      auto read = this->read(*value, exportedName(name, text->text), leaves);
      if (!read)
        return std::nullopt;
      form.keys.push_back(text->text);
      form.parts.push_back(std::move(*read));
    }
    return form;
  } else if (!subscript || !readSubscript(*subscript, leaf)) {
    return std::nullopt;
  }
  leaves.push_back(std::move(leaf));
  return ExportForm{Kind::Leaf, static_cast<unsigned>(leaves.size() - 1), {}, {}};
}

} // namespace mpy
