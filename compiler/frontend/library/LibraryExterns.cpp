// Functions of other programs: what `mpy.extern` declares, and calls of it.
//
//   smooth = mpy.extern('smooth', 'f64[n] -> f64[n]')    =>   a row in the module's list
//   y = smooth(x)    =>   runtime_effect "extern:smooth:f64[n] -> f64[n]"(%x)
//
// Arguments are converted as NumPy converts by `same_kind`; ranks and extents are checked.
#include "frontend/arrays/ArrayOperands.h"
#include "frontend/library/Library.h"
#include "support/Externs.h"

namespace mpy::library {

/// Whether C has such a name, and it is not one of ours.
static bool isFunctionName(llvm::StringRef name) {
  return !name.empty() && !llvm::isDigit(name.front()) && name != "main" &&
         !name.starts_with("mpy_") &&
         llvm::all_of(name, [](char c) { return llvm::isAlnum(c) || c == '_'; });
}

static std::string textOf(Specializer &specializer, const Value &value, const char *what) {
  std::optional<std::string> text = specializer.knownText(value);
  if (!text)
    specializer.fail(ErrorId::NotKnownHere, {what});
  return *text;
}

Value primitiveExternDeclare(Specializer &s, const Arguments &arguments) {
  std::string name = textOf(s, arguments["name"], "the name of an extern function"), reason;
  std::string signature = textOf(s, arguments["signature"], "the signature of an extern function");
  if (!isFunctionName(name))
    reason = "that is no name of a C function that a program may have";
  else
    parseExtern(signature, reason);
  if (!reason.empty())
    s.fail(ErrorId::ExternSignature, {name, reason},
           {.help = "write, for example, mpy.extern('smooth', 'f64[n], f64 -> f64[n]')"});
  llvm::SmallVector<mlir::Attribute> rows;
  if (auto known = s.module->getAttrOfType<mlir::ArrayAttr>(externsAttribute))
    rows.append(known.begin(), known.end());
  for (size_t i = 0; i < rows.size(); i += 2) {
    auto [other, declared] = *externOf(llvm::cast<mlir::StringAttr>(rows[i]).getValue());
    if (other == name && declared != signature)
      s.fail(ErrorId::ExternSignature, {name, "it was declared before as '" + declared.str() + "'"},
             {.help = "one C function has one signature"});
    if (other == name)
      return NoneValue{};
  }
  rows.push_back(s.builder.getStringAttr(externCallee(name, signature)));
  rows.push_back(s.loc());
  s.module->setAttr(externsAttribute, s.builder.getArrayAttr(rows));
  return NoneValue{};
}

/// How much an element type can say: what is converted to a type may not say more.
static int levelOf(DType dtype) {
  if (dtype == DType::Bool)
    return 0;
  if (isFloat(dtype))
    return 3;
  return nameOf(dtype).starts_with("u") ? 1 : 2;
}

namespace {
/// Checks and converts the arguments of one call.
class ExternCall {
public:
  ExternCall(Specializer &s, std::string name, const ExternSignature &signature)
      : s(s), name(std::move(name)), signature(signature) {}

  void addArgument(size_t number, const Value &value) {
    const ExternPart &part = signature.parameters[number];
    auto dtype = static_cast<DType>(part.element);
    std::string which = name + "(): argument " + std::to_string(number);
    ElementOperand x = makeOperand(s, value);
    int64_t rank = x.isScalar ? 0 : x.shape.size();
    if (rank != static_cast<int64_t>(part.extents.size()))
      failCertain(s, "ValueError",
                  which + " has " + llvm::Twine(rank) + " dimensions, not " +
                      llvm::Twine(part.extents.size()));
    bool isInt = x.isWeak() && x.scalar.kind == ScalarKind::PyInt;
    if (levelOf(x.dtype) > levelOf(dtype) && !(isInt && dtype != DType::Bool))
      failCertain(s, "TypeError", which + " is " + nameOf(x.dtype) + ", not " + nameOf(dtype));
    if (part.isNumber) {
      inputs.push_back(convert(s, x, dtype));
      return;
    }
    for (auto [dim, extent] : llvm::enumerate(part.extents))
      checkExtent(which, number, dim, extent, x.shape[dim]);
    inputs.push_back(convert(s, x, dtype));
  }

  Value results() {
    std::vector<Shape> shapes;
    llvm::SmallVector<mlir::Type> types;
    for (const ExternPart &part : signature.results) {
      Shape shape;
      for (llvm::StringRef extent : part.extents)
        shape.push_back(sizeNamed(extent));
      types.push_back(s.tensorType(static_cast<DType>(part.element), shape));
      shapes.push_back(std::move(shape));
    }
    return collect(shapes, types);
  }

  llvm::SmallVector<mlir::Value> inputs;
  std::string callee;

private:
  IntExpr sizeNamed(llvm::StringRef extent) {
    int64_t known;
    return extent.getAsInteger(10, known) ? extents.at(extent.str()) : IntExpr(known);
  }

  void checkExtent(const std::string &which, size_t number, size_t dim, const std::string &extent,
                   const IntExpr &size) {
    int64_t known;
    bool isNumber = !llvm::StringRef(extent).getAsInteger(10, known);
    auto [place, isNew] = extents.try_emplace(extent, isNumber ? IntExpr(known) : size);
    if (isNew && !isNumber)
      return;
    CheckText text;
    text << which + ": extent " + extent + " is " << size << ", not " << place->second;
    checkEqual(s, size, place->second, "ValueError", text);
  }

  Value collect(llvm::ArrayRef<Shape> shapes, mlir::TypeRange types) {
    llvm::SmallVector<mlir::Value> made = llvm::to_vector(llvm::map_range(
        s.callRaising(types, callee, inputs), [](mlir::Value value) { return value; }));
    ValueList values;
    for (auto [number, part] : llvm::enumerate(signature.results)) {
      ArrayValue array{static_cast<DType>(part.element), shapes[number], made[number]};
      if (!part.isNumber) {
        values.push_back(s.newArray(array));
        continue;
      }
      Scalar element = elementOf(s, array);
      if (element.kind == ScalarKind::Float64)
        element = s.makeScalar(ScalarKind::PyFloat, element.value);
      else if (element.kind == ScalarKind::Int64)
        element = s.makeInt(element.value);
      values.push_back(element);
    }
    return values.size() == 1 ? values.front() : s.newTuple(values);
  }

  Specializer &s;
  std::string name;
  const ExternSignature &signature;
  std::map<std::string, IntExpr> extents;
};
} // namespace

Value primitiveExternCall(Specializer &s, const Arguments &arguments) {
  std::string name = *s.knownText(arguments["name"]), text = *s.knownText(arguments["signature"]);
  std::string reason;
  ExternSignature signature = *parseExtern(text, reason);
  ValueList given = *s.knownItems(arguments["args"]);
  if (given.size() != signature.parameters.size())
    failCertain(s, "TypeError",
                name + "() takes " + llvm::Twine(signature.parameters.size()) + " arguments, not " +
                    llvm::Twine(given.size()));
  ExternCall call(s, name, signature);
  call.callee = externCallee(name, text);
  for (auto [number, value] : llvm::enumerate(given))
    call.addArgument(number, value);
  return call.results();
}

} // namespace mpy::library
