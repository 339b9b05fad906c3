// Calls of functions of other programs: one function is made for each of them that is called as
// those of the runtime are, and calls it as mpy.h says.
//
//   smooth: f64[n] -> f64[n]   =>   void (file, line, const mpy_view *v, void **data, int64_t *sizes) {
//                                     mpy_array x0, r0;
//                                     mpy_extern_argument(v, &x0);
//                                     sizes[0] = v->sizes[0];
//                                     mpy_extern_result(&r0, .., sizes, data);
//                                     status = smooth(&x0, &r0);
//                                     mpy_extern_release(v, &x0);
//                                     mpy_extern_check(file, line, "smooth", status);
//                                   }
#include "lowering/RuntimeEmitter.h"
#include "support/Externs.h"

using namespace mlir;

namespace mpy {

namespace {
/// Where the fields of an mpy_view are, and how large an mpy_array is.
constexpr int64_t sizesOfView = 16, wordsOfArray = 6;
} // namespace

/// By the number of the element type, of numbers.
static Type typeOfNumber(OpBuilder &builder, int32_t element) {
  Type types[] = {builder.getI8Type(), builder.getI32Type(), builder.getI64Type(),
                  builder.getF32Type(), builder.getF64Type()};
  return types[element];
}

static int64_t bytesOfElement(int32_t element) {
  constexpr int64_t bytes[] = {1, 4, 8, 4, 8, 1, 2, 1, 2, 4, 8};
  return bytes[element];
}

void RuntimeEmitter::makeExtern(StringRef callee) {
  if (symbols.lookup(callee))
    return;
  OpBuilder::InsertionGuard guard(builder);
  auto [name, text] = *externOf(callee);
  std::string reason;
  ExternSignature signature = *parseExtern(text, reason);
  Type word = builder.getI64Type();
  SmallVector<Type> parameters{pointer, word};
  for (const ExternPart &part : signature.parameters)
    parameters.push_back(part.isNumber ? typeOfNumber(builder, part.element) : pointer);
  parameters.append(2 * signature.results.size(), pointer);
  builder.setInsertionPointToStart(module.getBody());
  auto made = LLVM::LLVMFuncOp::create(
      builder, loc, callee,
      LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(builder.getContext()), parameters),
      LLVM::Linkage::Internal);
  symbols.insert(made);
  Block *body = made.addEntryBlock(builder);
  builder.setInsertionPointToStart(body);
  auto array = [&] {
    return LLVM::AllocaOp::create(builder, loc, pointer,
                                  LLVM::LLVMArrayType::get(word, wordsOfArray), constant(1))
        .getResult();
  };
  auto argument = [&](size_t number) -> Value { return body->getArgument(2 + number); };

  SmallVector<Value> operands;
  for (auto [number, part] : llvm::enumerate(signature.parameters)) {
    operands.push_back(part.isNumber ? argument(number) : array());
    if (!part.isNumber)
      call("mpy_extern_argument", {}, {argument(number), operands.back()});
  }
  for (auto [number, part] : llvm::enumerate(signature.results)) {
    size_t first = signature.parameters.size() + 2 * number;
    Value data = argument(first), sizes = argument(first + 1), described = array();
    for (auto [dim, extent] : llvm::enumerate(part.extents)) {
      int64_t known;
      Value size;
      if (!StringRef(extent).getAsInteger(10, known)) {
        size = constant(known);
      } else {
        auto [parameter, at] = *placeOfExtent(signature, extent);
        size = load(word, offset(load(pointer, offset(argument(parameter), sizesOfView)), 8 * at));
      }
      store(size, offset(sizes, 8 * dim));
    }
    call("mpy_extern_result", {},
         {described, constant(part.element), constant(bytesOfElement(part.element)),
          constant(part.extents.size()), sizes, data});
    operands.push_back(part.isNumber ? load(pointer, data) : described);
  }
  Value status = call(name, builder.getI32Type(), operands);
  for (auto [number, part] : llvm::enumerate(signature.parameters))
    if (!part.isNumber)
      call("mpy_extern_release", {}, {argument(number), operands[number]});
  call("mpy_extern_check", {},
       {body->getArgument(0), body->getArgument(1), this->text(name), status});
  LLVM::ReturnOp::create(builder, loc, ValueRange());
}

} // namespace mpy
