// Adds the C entry point of an executable to a translated module.
//
//   define void @main()            ->   define internal void @mpy_main()
//                                       define i32 @main(i32 %argc, ptr %argv) {
//                                         call void @mpy_begin(%argc, %argv, @"prog.mpy")
//                                         call void @mpy_main()
//                                         call void @mpy_end()
//                                         ret i32 0
//                                       }
//
// On exit `main` is the only function that other objects can see.
#include "backend/EntryPoints.h"

#include "llvm/IR/IRBuilder.h"

using namespace mpy;

bool mpy::addProgramEntry(llvm::Module &module, llvm::StringRef programFile, std::string &reason) {
  llvm::Function *program = module.getFunction("main");
  if (!program || program->isDeclaration() || program->arg_size() != 0 ||
      !program->getReturnType()->isVoidTy()) {
    reason = "the module has no function 'main' without arguments and results";
    return false;
  }
  program->setName("mpy_main");
  for (llvm::Function &function : module)
    if (!function.isDeclaration())
      function.setLinkage(llvm::GlobalValue::InternalLinkage);

  llvm::LLVMContext &context = module.getContext();
  llvm::Type *i32 = llvm::Type::getInt32Ty(context);
  llvm::Type *pointer = llvm::PointerType::getUnqual(context);
  llvm::Type *nothing = llvm::Type::getVoidTy(context);
  auto *type = llvm::FunctionType::get(i32, {i32, pointer}, /*isVarArg=*/false);
  auto *entry = llvm::Function::Create(type, llvm::GlobalValue::ExternalLinkage, "main", &module);
  llvm::IRBuilder<> builder(llvm::BasicBlock::Create(context, "entry", entry));
  llvm::Value *name = builder.CreateGlobalString(programFile, "mpy_program_file");
  llvm::FunctionCallee begin =
      module.getOrInsertFunction("mpy_begin", nothing, i32, pointer, pointer);
  llvm::FunctionCallee end = module.getOrInsertFunction("mpy_end", nothing);
  builder.CreateCall(begin, {entry->getArg(0), entry->getArg(1), name});
  builder.CreateCall(program, {});
  builder.CreateCall(end, {});
  builder.CreateRet(builder.getInt32(0));
  return true;
}
