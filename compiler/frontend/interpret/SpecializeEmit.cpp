// Places, errors and names of what the specialiser emits: every operation carries the line it came
// from, and the source name it was assigned to, so that printed IR and run-time errors speak of the
// program.
#include "frontend/arrays/ComplexNumbers.h"
#include "frontend/interpret/Specializer.h"
#include "frontend/values/NamedTuples.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;

namespace mpy {

mlir::Location Specializer::loc() { return sources.location(span, context()); }

Diagnostic Specializer::diagnostic(ErrorId id, std::vector<std::string> arguments,
                                   Details details) {
  std::string message;
  llvm::StringRef text = errorText(id);
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '{' && i + 2 < text.size() && text[i + 2] == '}' && llvm::isDigit(text[i + 1])) {
      size_t which = text[i + 1] - '0';
      if (which < arguments.size())
        message += arguments[which];
      i += 2;
    } else {
      message += text[i];
    }
  }
  // The chain of calls, innermost first; modules and comprehensions are not calls.
  for (auto it = frames.rbegin(); it != frames.rend() && details.notes.size() < 6; ++it)
    if ((*it)->closure && (!(*it)->library || showsLibrary()))
      details.notes.push_back({(*it)->callSpan, "in this call of '" + (*it)->name + "'"});
  return Diagnostic{id, span, message, std::move(details)};
}

void Specializer::fail(ErrorId id, std::vector<std::string> arguments, Details details) {
  diagnostics.report(diagnostic(id, std::move(arguments), std::move(details)));
  throw Abort();
}

/// Whether the program gets to the current place whatever its data are.
bool Specializer::isCertain() {
  auto isChosen = [](Block *block) {
    for (Operation *around = block->getParentOp(); around; around = around->getParentOp())
      if (isa<scf::IfOp, scf::ForOp, scf::WhileOp>(around))
        return true;
    return false;
  };
  return !dead && tryDepth == 0 && !isChosen(builder.getInsertionBlock()) &&
         llvm::none_of(outliningBlocks, isChosen);
}

Value Specializer::raiseHere(llvm::StringRef kind, llvm::StringRef message) {
  if (isCertain()) {
    ErrorId id = ErrorId::ValueFailure;
    if (kind == "IndexError")
      id = ErrorId::IndexFailure;
    else if (kind == "TypeError" || kind.ends_with("UFuncTypeError"))
      id = ErrorId::TypeFailure;
    else if (kind == "ValueError" && (message.contains("shape") || message.contains("size")))
      id = ErrorId::ShapeFailure;
    fail(id, {kind.str(), message.str()});
  }
  raise(kind, makeText(message.str()));
  return NoneValue{};
}

void Specializer::check(mlir::Value condition, llvm::StringRef kind, llvm::StringRef message,
                        llvm::ArrayRef<mlir::Value> integers) {
  if (tryDepth == 0)
    create<CheckOp>(condition, builder.getStringAttr(kind), builder.getStringAttr(message),
                    mlir::ValueRange(integers));
  else
    checkInTry(condition, kind, [&] {
      std::vector<Text> parts;
      llvm::StringRef rest = message;
      for (mlir::Value integer : integers) {
        auto [before, after] = rest.split("{}");
        parts.push_back(makeText(before.str()));
        parts.push_back(str(makeInt(symbolExpr(integer))));
        rest = after;
      }
      parts.push_back(makeText(rest.str()));
      return concat(parts);
    });
}

void Specializer::require(mlir::Value condition, llvm::StringRef kind, llvm::StringRef message) {
  create<CheckOp>(condition, builder.getStringAttr(kind), builder.getStringAttr(message),
                  mlir::ValueRange());
}

void Specializer::label(const Value &value, llvm::StringRef name) {
  if (!frames.empty() && frame().library)
    return;
  mlir::Value target;
  if (auto *scalar = value.get<Scalar>())
    target = scalar->value;
  else if (auto id = arrayObject(value))
    target = heap.get<ArrayState>(*id)->tensor;
  if (!target || name.starts_with("%"))
    return;
  Operation *op = target.getDefiningOp();
  if (!op) {
    if (isa<FileLineColLoc>(target.getLoc()))
      target.setLoc(NameLoc::get(builder.getStringAttr(name), target.getLoc()));
    return;
  }
  if (op->getNumResults() == 1 && isa<FileLineColLoc>(op->getLoc()))
    op->setLoc(NameLoc::get(builder.getStringAttr(name), op->getLoc()));
}

static std::string extentText(const IntExpr &extent) {
  if (auto known = extent.known())
    return std::to_string(*known);
  return "n";
}

std::string Specializer::describe(const Value &value) {
  // Nothing is read again to say what it is.
  auto *ref = value.get<ObjectRef>();
  if (auto *array = ref ? heap.get<ArrayState>(ref->id) : nullptr) {
    std::string text = nameOf(array->dtype).str() + " array of shape (";
    for (size_t i = 0; i < array->shape.size(); ++i)
      text += (i ? ", " : "") + extentText(array->shape[i]);
    return text + (array->shape.size() == 1 ? ",)" : ")");
  }
  if (auto *scalar = value.get<Scalar>())
    return scalar->isMixed() ? "number of a kind known at run time" : nameOf(scalar->kind).str();
  if (auto *optional = value.as<OptionalValue>())
    return describe(optional->value) + (optional->orNone ? " or None" : ", set on some paths only");
  return typeName(value);
}

std::string Specializer::typeName(const Value &value) {
  struct Namer {
    Specializer &s;
    std::string operator()(const Unbound &) { return "unset name"; }
    std::string operator()(const NoneValue &) { return "NoneType"; }
    std::string operator()(const EllipsisValue &) { return "ellipsis"; }
    std::string operator()(const NotImplementedValue &) { return "NotImplementedType"; }
    std::string operator()(const ConflictValue &) { return "value of several types"; }
    std::string operator()(const Scalar &scalar) {
      if (scalar.kind == ScalarKind::Bool)
        return "numpy.bool";
      return isPython(scalar.kind) ? nameOf(scalar.kind).str()
                                   : "numpy." + nameOf(dtypeOf(scalar.kind)).str();
    }
    std::string operator()(const Text &) { return "str"; }
    std::string operator()(const DType &) { return "type"; }
    std::string operator()(const DTypeObject &) { return "numpy.dtype"; }
    std::string operator()(const ObjectRef &ref) {
      struct ObjectNamer {
        Specializer &s;
        std::string operator()(const ArrayState &) { return "numpy.ndarray"; }
        std::string operator()(const ListState &) { return "list"; }
        std::string operator()(const RunTimeListState &list) {
          return list.isTuple ? "tuple" : "list";
        }
        std::string operator()(const DictState &dict) { return dict.isSet ? "set" : "dict"; }
        std::string operator()(const InstanceState &instance) {
          const std::string &name = s.heap.get<ClassState>(instance.cls)->name;
          bool isNumpys = isComplexClass(s, instance.cls) && name != "complex";
          return isNumpys ? "numpy." + name : name;
        }
        std::string operator()(const ClassState &) { return "type"; }
        std::string operator()(const CellState &) { return "cell"; }
        std::string operator()(const NamespaceState &) { return "module"; }
        std::string operator()(const RandomState &) { return "RandomState"; }
        std::string operator()(const BrokenState &) { return "object of several structures"; }
      };
      return std::visit(ObjectNamer{s}, s.heap.at(ref.id));
    }
    std::string operator()(const Shared<TupleValue> &tuple) {
      auto cls = classOfTuple(*tuple);
      return cls ? s.heap.get<ClassState>(*cls)->name : "tuple";
    }
    std::string operator()(const Shared<SliceValue> &) { return "slice"; }
    std::string operator()(const Shared<RangeValue> &) { return "range"; }
    std::string operator()(const Shared<ClosureValue> &) { return "function"; }
    std::string operator()(const Shared<BoundMethodValue> &) { return "method"; }
    std::string operator()(const LibraryValue *) { return "builtin_function_or_method"; }
    std::string operator()(const Shared<ModuleValue> &) { return "module"; }
    std::string operator()(const Shared<TransformValue> &) { return "function"; }
    std::string operator()(const Shared<IterableValue> &iterable) {
      static const char *const names[] = {
          "enumerate",  "zip", "zip",    "reversed",  "dict_keys", "dict_values",
          "dict_items", "map", "filter", "generator", "iterator",  "callable_iterator"};
      if (iterable->kind == IterableValue::Kind::Elements)
        return s.typeName(iterable->parts[0]) + "_iterator";
      return names[static_cast<int>(iterable->kind)];
    }
    std::string operator()(const Shared<PropertyValue> &) { return "property"; }
    std::string operator()(const Shared<SuperValue> &) { return "super"; }
    std::string operator()(const Shared<ExceptionValue> &exception) {
      auto cls = s.exceptionClass(exception->kind);
      return cls ? s.heap.get<ClassState>(*cls)->name : exception->kind;
    }
    std::string operator()(const Shared<ChoiceValue> &) { return "function"; }
    std::string operator()(const Shared<RowValue> &row) {
      return s.heap.get<ClassState>(row->cls)->name;
    }
    std::string operator()(const Shared<OptionalValue> &optional) {
      return s.typeName(optional->value);
    }
  };
  return std::visit(Namer{*this}, value.data);
}

} // namespace mpy
