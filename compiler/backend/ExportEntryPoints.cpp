// Adds the C functions of exported functions to a translated module.
//
//   define double @export_loss(i64 %n, ptr, ptr, i64, i64, i64)       the compiled body
//     =>  define i32 @model_loss(ptr %ctx, ptr %x, ptr %result)         words -> mpy_enter
//         define internal void @model_loss.body(..)                     slots -> the body -> slots
//         @model_loss.export                                            what mpy_enter checks
//
// The statements of the module run before the first call with a context (mpy_enter sees to that);
// their results are what the bodies read of the module.
#include "backend/ExportEntryPoints.h"
#include "backend/ExportMetadata.h"

#include "mpyrt.h"
#include "llvm/IR/IRBuilder.h"

using namespace mpy;

namespace {
class ExportEmitter {
public:
  ExportEmitter(llvm::Module &module, const Exports &exports)
      : module(module), exports(exports), context(module.getContext()), builder(context),
        i32(llvm::Type::getInt32Ty(context)), i64(llvm::Type::getInt64Ty(context)),
        pointer(llvm::PointerType::getUnqual(context)) {}

  bool emit(std::string &reason);

private:
  llvm::Function *newFunction(const std::string &name, llvm::Type *result,
                              llvm::ArrayRef<llvm::Type *> parameters, bool isSeen);
  void emitModule();
  void emitInit(llvm::Function *statements);
  bool emitExport(const Export &made);
  llvm::Function *emitBody(const Export &made, llvm::Function *body);
  void emitEntry(const Export &made, llvm::Constant *description);
  void emitCall(const std::string &name, const Export &made, size_t pointers, const char *callee,
                llvm::Constant *described);
  llvm::Constant *describe(const Export &made, llvm::Function *body);
  llvm::Constant *leavesOf(const std::vector<ExportLeaf> &leaves, const std::string &name);
  llvm::Constant *text(const std::string &bytes);
  llvm::Constant *constantOf(const std::string &name, llvm::Constant *value);
  void addArray(llvm::Value *slot, unsigned rank, bool isOwned,
                llvm::SmallVectorImpl<llvm::Value *> &arguments);
  void addKept(llvm::Value *state, unsigned slot, llvm::SmallVectorImpl<llvm::Value *> &arguments);
  void storeResult(llvm::Value *value, llvm::Value *slot);
  llvm::Value *slotAt(llvm::Value *slots, unsigned number) {
    return at(slots, number * sizeof(mpy_slot));
  }
  llvm::Value *at(llvm::Value *base, uint64_t bytes) {
    return builder.CreateConstInBoundsGEP1_64(builder.getInt8Ty(), base, bytes);
  }
  llvm::Type *typeOf(const ExportLeaf &leaf);

  llvm::Module &module;
  const Exports &exports;
  llvm::LLVMContext &context;
  llvm::IRBuilder<> builder;
  llvm::Type *i32, *i64;
  llvm::PointerType *pointer;
  llvm::Constant *description = nullptr;
  /// What the statements of the module give.
  llvm::SmallVector<llvm::Type *> keptTypes;
};
} // namespace

bool mpy::addExports(llvm::Module &module, const Exports &exports, std::string &reason) {
  return ExportEmitter(module, exports).emit(reason);
}

/// The parts of a result of a function in the LLVM dialect: none, one, or those of a struct.
static llvm::SmallVector<llvm::Type *> resultTypes(llvm::Function *function, size_t count) {
  llvm::Type *type = function->getReturnType();
  if (count == 0)
    return {};
  if (count == 1)
    return {type};
  return llvm::SmallVector<llvm::Type *>(llvm::cast<llvm::StructType>(type)->elements());
}

/// The rank of an array whose descriptor has this type; nothing for a number, text or handle.
static std::optional<unsigned> rankOf(llvm::Type *type) {
  auto *descriptor = llvm::dyn_cast<llvm::StructType>(type);
  if (!descriptor)
    return std::nullopt;
  return descriptor->getNumElements() == 3
             ? 0
             : llvm::cast<llvm::ArrayType>(descriptor->getElementType(3))->getNumElements();
}

bool ExportEmitter::emit(std::string &reason) {
  for (llvm::Function &function : module)
    if (!function.isDeclaration())
      function.setLinkage(llvm::GlobalValue::InternalLinkage);
  emitModule();
  for (const Export &made : exports.functions)
    if (!emitExport(made)) {
      reason = "the module has no function '" + made.symbol + "' of its signature";
      return false;
    }
  return true;
}

llvm::Function *ExportEmitter::newFunction(const std::string &name, llvm::Type *result,
                                           llvm::ArrayRef<llvm::Type *> parameters, bool isSeen) {
  auto *type = llvm::FunctionType::get(result, parameters, /*isVarArg=*/false);
  auto *function = llvm::Function::Create(
      type, isSeen ? llvm::GlobalValue::ExternalLinkage : llvm::GlobalValue::InternalLinkage, name,
      &module);
  builder.SetInsertPoint(llvm::BasicBlock::Create(context, "entry", function));
  return function;
}

llvm::Constant *ExportEmitter::text(const std::string &bytes) {
  return builder.CreateGlobalString(bytes, "name", 0, &module);
}

llvm::Constant *ExportEmitter::constantOf(const std::string &name, llvm::Constant *value) {
  auto *constant = new llvm::GlobalVariable(module, value->getType(), /*isConstant=*/true,
                                            llvm::GlobalValue::InternalLinkage, value, name);
  // What describes a function and its derivatives alike is there once.
  constant->setUnnamedAddr(llvm::GlobalValue::UnnamedAddr::Global);
  return constant;
}

//===----------------------------------------------------------------------===//
// The module
//===----------------------------------------------------------------------===//

void ExportEmitter::emitModule() {
  llvm::Function *statements = module.getFunction("main");
  size_t kept = 0;
  for (const Export &made : exports.functions)
    for (unsigned slot : made.captured)
      kept = std::max<size_t>(kept, slot + 1);
  keptTypes = resultTypes(statements, kept);
  statements->setName(exports.module + ".statements");
  bool isEmpty = keptTypes.empty() && statements->size() == 1 &&
                 llvm::isa<llvm::ReturnInst>(statements->getEntryBlock().front());
  llvm::Constant *init = llvm::ConstantPointerNull::get(pointer);
  if (isEmpty)
    statements->eraseFromParent();
  else {
    emitInit(statements);
    init = module.getFunction(exports.module + ".init");
  }
  description = constantOf(exports.module + ".module",
                           llvm::ConstantStruct::getAnon(
                               {llvm::ConstantInt::get(i64, MPY_ABI_VERSION), text(exports.file),
                                llvm::ConstantInt::get(i64, keptTypes.size()), init}));
  llvm::Function *start = newFunction(exports.module + "_init", i32, {pointer}, /*isSeen=*/true);
  auto enter = module.getOrInsertFunction("mpy_enter_module", i32, pointer, pointer);
  builder.CreateRet(builder.CreateCall(enter, {start->getArg(0), description}));
  newFunction(exports.module + "_metadata", pointer, {}, /*isSeen=*/true);
  builder.CreateRet(text(exportMetadata(exports)));
  // What was compiled for other signatures asks for a name that is not there.
  auto *signature = new llvm::GlobalVariable(module, builder.getInt8Ty(), /*isConstant=*/true,
                                             llvm::GlobalValue::ExternalLinkage, builder.getInt8(1),
                                             signatureSymbol(exports));
  signature->setVisibility(llvm::GlobalValue::DefaultVisibility);
}

/// The statements, and what they leave in slots.
void ExportEmitter::emitInit(llvm::Function *statements) {
  llvm::Function *init =
      newFunction(exports.module + ".init", builder.getVoidTy(), {pointer}, /*isSeen=*/false);
  llvm::Value *result = builder.CreateCall(statements);
  for (size_t slot = 0; slot < keptTypes.size(); ++slot)
    storeResult(keptTypes.size() == 1 ? result : builder.CreateExtractValue(result, slot),
                slotAt(init->getArg(0), slot));
  builder.CreateRetVoid();
}

void ExportEmitter::storeResult(llvm::Value *value, llvm::Value *slot) {
  std::optional<unsigned> rank = rankOf(value->getType());
  if (!rank) {
    if (value->getType()->isIntegerTy(1))
      value = builder.CreateZExt(value, builder.getInt8Ty());
    builder.CreateStore(value, slot);
    return;
  }
  builder.CreateStore(builder.CreateExtractValue(value, 0), slot);
  builder.CreateStore(builder.CreateExtractValue(value, 1), at(slot, 8));
  for (unsigned dim = 0; dim < *rank; ++dim)
    builder.CreateStore(builder.CreateExtractValue(value, {3, dim}), at(slot, 16 + 8 * dim));
}

//===----------------------------------------------------------------------===//
// Bodies
//===----------------------------------------------------------------------===//

/// The descriptor of an array, part by part. The body takes over one reference: of an array that
/// stays, one more.
void ExportEmitter::addArray(llvm::Value *slot, unsigned rank, bool isOwned,
                             llvm::SmallVectorImpl<llvm::Value *> &arguments) {
  llvm::Value *owner = builder.CreateLoad(pointer, slot);
  if (!isOwned) {
    llvm::Value *counter = builder.CreateConstGEP1_64(builder.getInt8Ty(), owner, -64);
    llvm::Value *count = builder.CreateLoad(i64, counter);
    builder.CreateStore(builder.CreateAdd(count, builder.getInt64(1)), counter);
  }
  arguments.append({owner, builder.CreateLoad(pointer, at(slot, 8)), builder.getInt64(0)});
  llvm::SmallVector<llvm::Value *> sizes, strides(rank);
  for (unsigned dim = 0; dim < rank; ++dim)
    sizes.push_back(builder.CreateLoad(i64, at(slot, 16 + 8 * dim)));
  llvm::Value *stride = builder.getInt64(1);
  for (unsigned dim = rank; dim-- > 0;) {
    strides[dim] = stride;
    stride = builder.CreateMul(stride, sizes[dim]);
  }
  arguments.append(sizes);
  arguments.append(strides);
}

/// What the module keeps in a slot.
void ExportEmitter::addKept(llvm::Value *state, unsigned number,
                            llvm::SmallVectorImpl<llvm::Value *> &arguments) {
  llvm::Type *type = keptTypes[number];
  llvm::Value *slot = slotAt(state, number);
  if (auto rank = rankOf(type)) {
    addArray(slot, *rank, /*isOwned=*/false, arguments);
    return;
  }
  if (type->isIntegerTy(1)) {
    arguments.push_back(builder.CreateTrunc(builder.CreateLoad(builder.getInt8Ty(), slot), type));
    return;
  }
  llvm::Value *value = builder.CreateLoad(type, slot);
  if (type->isPointerTy()) {
    llvm::Value *counter = builder.CreateConstGEP1_64(builder.getInt8Ty(), value, -64);
    llvm::Value *count = builder.CreateLoad(i64, counter);
    builder.CreateStore(builder.CreateAdd(count, builder.getInt64(1)), counter);
  }
  arguments.push_back(value);
}

llvm::Type *ExportEmitter::typeOf(const ExportLeaf &leaf) {
  switch (leaf.element) {
  case MPY_BOOL:
    return builder.getInt1Ty();
  case MPY_INT32:
    return i32;
  case MPY_FLOAT32:
    return builder.getFloatTy();
  case MPY_FLOAT64:
    return builder.getDoubleTy();
  default:
    return i64;
  }
}

llvm::Function *ExportEmitter::emitBody(const Export &made, llvm::Function *body) {
  llvm::Function *thunk =
      newFunction(exports.module + "_" + made.name + ".body", builder.getVoidTy(),
                  {pointer, pointer, pointer, pointer}, /*isSeen=*/false);
  llvm::Value *slots = thunk->getArg(0), *extents = thunk->getArg(1), *results = thunk->getArg(2),
              *state = thunk->getArg(3);
  llvm::SmallVector<llvm::Value *> arguments;
  for (int64_t name = 0; name < made.parameterExtents; ++name)
    arguments.push_back(builder.CreateLoad(i64, at(extents, 8 * name)));
  for (auto [number, leaf] : llvm::enumerate(made.parameters)) {
    llvm::Value *slot = slotAt(slots, number);
    if (!leaf.isNumber)
      addArray(slot, leaf.shape.size(), /*isOwned=*/true, arguments);
    else if (leaf.element == MPY_BOOL)
      arguments.push_back(
          builder.CreateTrunc(builder.CreateLoad(builder.getInt8Ty(), slot), builder.getInt1Ty()));
    else
      arguments.push_back(builder.CreateLoad(typeOf(leaf), slot));
  }
  for (unsigned slot : made.captured)
    addKept(state, slot, arguments);
  if (arguments.size() != body->arg_size())
    return nullptr;
  llvm::Value *result = builder.CreateCall(body, arguments);
  size_t count = made.results.size() + made.dropped;
  for (size_t number = made.dropped; number < count; ++number)
    storeResult(count == 1 ? result : builder.CreateExtractValue(result, number),
                slotAt(results, number - made.dropped));
  builder.CreateRetVoid();
  return thunk;
}

//===----------------------------------------------------------------------===//
// C functions
//===----------------------------------------------------------------------===//

llvm::Constant *ExportEmitter::leavesOf(const std::vector<ExportLeaf> &leaves,
                                        const std::string &name) {
  auto *shapeType = llvm::ArrayType::get(i64, MPY_MAX_RANK);
  auto *type = llvm::StructType::get(context, {pointer, i32, i32, shapeType});
  llvm::SmallVector<llvm::Constant *> described;
  for (const ExportLeaf &leaf : leaves) {
    llvm::SmallVector<llvm::Constant *> shape;
    for (const ExportExtent &extent : leaf.shape) {
      int64_t value = std::numeric_limits<int64_t>::min();
      if (extent.kind == ExportExtent::Kind::Number)
        value = extent.number;
      else if (extent.kind == ExportExtent::Kind::Name)
        value = -1 - extent.number;
      shape.push_back(llvm::ConstantInt::getSigned(i64, value));
    }
    shape.resize(MPY_MAX_RANK, llvm::ConstantInt::get(i64, 0));
    int64_t rank = leaf.isNumber ? -1 : static_cast<int64_t>(leaf.shape.size());
    described.push_back(
        llvm::ConstantStruct::get(type, {text(leaf.name), llvm::ConstantInt::get(i32, leaf.element),
                                         llvm::ConstantInt::getSigned(i32, rank),
                                         llvm::ConstantArray::get(shapeType, shape)}));
  }
  return constantOf(
      name, llvm::ConstantArray::get(llvm::ArrayType::get(type, described.size()), described));
}

llvm::Constant *ExportEmitter::describe(const Export &made, llvm::Function *body) {
  std::string name = exports.module + "_" + made.name;
  llvm::SmallVector<llvm::Constant *> extents;
  for (const std::string &extent : made.extents)
    extents.push_back(text(extent));
  llvm::Constant *names =
      constantOf(name + ".extents",
                 llvm::ConstantArray::get(llvm::ArrayType::get(pointer, extents.size()), extents));
  auto number = [&](int64_t value) { return llvm::ConstantInt::get(i32, value); };
  return constantOf(
      name + ".export",
      llvm::ConstantStruct::getAnon(
          {description, text(made.name), llvm::ConstantInt::get(i64, made.line),
           number(made.parameters.size()), number(made.results.size()), number(extents.size()),
           number(0), leavesOf(made.parameters, name + ".parameters"),
           leavesOf(made.results, name + ".results"), names, body}));
}

/// A function that other programs see: its arguments, and pointers behind them, become words in
/// memory.
void ExportEmitter::emitCall(const std::string &name, const Export &made, size_t pointers,
                             const char *callee, llvm::Constant *described) {
  llvm::SmallVector<llvm::Type *> types{pointer};
  for (const ExportLeaf &leaf : made.parameters)
    types.push_back(leaf.isNumber ? typeOf(leaf) : pointer);
  types.append(pointers, pointer);
  llvm::Function *entry = newFunction(name, i32, types, /*isSeen=*/true);
  llvm::Value *words =
      builder.CreateAlloca(llvm::ArrayType::get(i64, std::max<size_t>(types.size() - 1, 1)));
  for (size_t number = 1; number < types.size(); ++number) {
    llvm::Value *value = entry->getArg(number);
    if (types[number]->isIntegerTy(1)) {
      entry->addParamAttr(number, llvm::Attribute::ZExt);
      value = builder.CreateZExt(value, i64);
    }
    builder.CreateStore(value, at(words, 8 * (number - 1)));
  }
  auto enter = module.getOrInsertFunction(callee, i32, pointer, pointer, pointer);
  builder.CreateRet(builder.CreateCall(enter, {entry->getArg(0), described, words}));
}

void ExportEmitter::emitEntry(const Export &made, llvm::Constant *described) {
  std::string name = exports.module + "_" + made.name;
  emitCall(name, made, made.results.size(), "mpy_enter", described);
  if (size_t arrays = shapedResults(made))
    emitCall(name + "_shapes", made, arrays, "mpy_enter_shapes", described);
}

bool ExportEmitter::emitExport(const Export &made) {
  llvm::Function *body = module.getFunction(made.symbol);
  if (!body || body->isDeclaration())
    return false;
  llvm::Function *thunk = emitBody(made, body);
  if (!thunk)
    return false;
  emitEntry(made, describe(made, thunk));
  return true;
}
