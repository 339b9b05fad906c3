// Turns the text of a PTX module into functions of decoded instructions.
#include "Memory.h"
#include "Parser.h"
#include <cstring>

using namespace standin;

namespace {

class ModuleParser {
public:
  ModuleParser(Module &module) : module(module), lexer(module.text) {}
  void run();

private:
  [[noreturn]] void fail(const std::string &what) { throw ParseError{what, lexer.peek().line}; }
  void expect(char mark) {
    if (!lexer.peek().is(mark))
      fail(std::string("expected '") + mark + "', found '" + std::string(lexer.peek().text) + "'");
    lexer.take();
  }
  std::string name() {
    if (lexer.peek().kind != TokenKind::Name)
      fail("expected a name, found '" + std::string(lexer.peek().text) + "'");
    return std::string(lexer.take().text);
  }
  bool accept(std::string_view text) {
    if (!lexer.peek().is(text))
      return false;
    lexer.take();
    return true;
  }
  uint64_t integer();
  Operand number(bool negative);
  Operand operand();
  Variable variable();
  void moduleVariable(std::string_view space);
  std::vector<uint8_t> initialiser(Type type, uint64_t bytes);
  void function(bool isKernel);
  std::vector<Variable> parameters();
  void limits(Function &function);
  void body(Function &function);
  void bodyDirective(Builder &builder);
  void registers(Builder &builder);
  void statement(Builder &builder);
  void resolve(Builder &builder);
  void skipLine();
  SharedVariable *addShared(const Variable &variable, uint64_t &end, bool dynamic);

  Module &module;
  Lexer lexer;
  Type lastType;
  uint32_t file = 0, sourceLine = 0;
  /// Shared memory: variables of the module, from 1 MiB on those of one kernel, from 2 MiB on what
  /// the launch brings.
  uint64_t sharedEnd = 1024, kernelSharedEnd = 0;
  std::unordered_map<std::string, const SharedVariable *> sharedNames;
};

} // namespace

uint64_t ModuleParser::integer() {
  Operand value = number(accept("-"));
  return value.bits;
}

Operand ModuleParser::number(bool negative) {
  if (lexer.peek().kind != TokenKind::Number)
    fail("expected a number, found '" + std::string(lexer.peek().text) + "'");
  std::string text(lexer.take().text);
  Operand made;
  made.form = Operand::Number;
  char *end = nullptr;
  if (text.size() > 2 && text[0] == '0' &&
      (text[1] == 'f' || text[1] == 'F' || text[1] == 'd' || text[1] == 'D')) {
    made.floatBits = (text[1] | 32) == 'f' ? 32 : 64;
    made.bits = strtoull(text.c_str() + 2, &end, 16);
    if (negative)
      made.bits ^= 1ull << (made.floatBits - 1);
  } else if (text.find('.') != text.npos) {
    double value = strtod(text.c_str(), &end);
    if (negative)
      value = -value;
    memcpy(&made.bits, &value, 8);
    made.floatBits = 64;
  } else {
    made.bits = text.substr(0, 2) == "0b" ? strtoull(text.c_str() + 2, &end, 2)
                                          : strtoull(text.c_str(), &end, 0);
    if (*end == 'U')
      ++end;
    if (negative)
      made.bits = -made.bits;
  }
  if (*end)
    fail("no number: " + text);
  return made;
}

Operand ModuleParser::operand() {
  Operand made;
  if (accept("{") || (lexer.peek().is('(') && (made.form = Operand::List, true))) {
    char close = made.form == Operand::List ? ')' : '}';
    if (made.form == Operand::List)
      lexer.take();
    else
      made.form = Operand::Vector;
    while (!lexer.peek().is(close)) {
      made.parts.push_back(operand());
      if (!accept(","))
        break;
    }
    expect(close);
    return made;
  }
  if (accept("[")) {
    made.form = Operand::Address;
    if (lexer.peek().kind == TokenKind::Name)
      made.name = name();
    if (accept("+"))
      made.bits = integer();
    else if (made.name.empty() || lexer.peek().is('-'))
      made.bits = integer();
    expect(']');
    return made;
  }
  if (accept("!"))
    made.negated = true;
  if (accept("-"))
    return number(true);
  if (lexer.peek().kind == TokenKind::Number)
    return number(false);
  made.name = name();
  if (made.name == "_")
    made.form = Operand::Sink;
  if (accept("|"))
    made.second = name();
  return made;
}

/// `.align 8 .b8 name[64]` or `.b64 name`, after the space.
Variable ModuleParser::variable() {
  Variable made;
  Type type;
  unsigned vector = 1;
  while (lexer.peek().kind == TokenKind::Directive) {
    std::string_view word = lexer.take().text.substr(1);
    if (word == "align")
      made.alignment = integer();
    else if (word == "v2" || word == "v4")
      vector = word[1] - '0';
    else if (word == "ptr" || word == "global" || word == "shared" || word == "const" ||
             word == "local")
      continue;
    else if (!parseType(word, type))
      fail("unknown type ." + std::string(word));
    // A type follows its pointee's alignment: `.u64 .ptr .align 1`.
    if (word == "align" && type.bits)
      made.alignment = 1;
  }
  if (!type.bits)
    fail("a variable without a type");
  made.name = name();
  uint64_t bytes = type.bits / 8 * vector;
  made.alignment = std::max<uint64_t>(made.alignment, bytes);
  bool isOpen = false;
  while (accept("[")) {
    if (lexer.peek().is(']'))
      isOpen = true;
    else
      bytes *= integer();
    expect(']');
  }
  made.bytes = isOpen ? 0 : bytes;
  lastType = type;
  return made;
}

std::vector<uint8_t> ModuleParser::initialiser(Type type, uint64_t bytes) {
  std::vector<uint8_t> values(bytes);
  size_t place = 0, width = type.bits / 8;
  auto put = [&](Operand value) {
    if (place + width > bytes)
      fail("more values than the variable has room for");
    memcpy(values.data() + place, &value.bits, width);
    place += width;
  };
  if (!accept("{")) {
    put(number(accept("-")));
    return values;
  }
  int depth = 1;
  while (depth) {
    if (accept("{"))
      ++depth;
    else if (accept("}"))
      --depth;
    else if (lexer.peek().kind == TokenKind::Name)
      throw UnknownInstruction{{"a variable initialised with an address", lexer.peek().line}};
    else
      put(number(accept("-")));
    accept(",");
  }
  return values;
}

SharedVariable *ModuleParser::addShared(const Variable &variable, uint64_t &end, bool dynamic) {
  auto made = std::make_unique<SharedVariable>();
  made->name = variable.name;
  made->bytes = variable.bytes;
  made->alignment = std::max<uint64_t>(variable.alignment, 16);
  made->dynamic = dynamic;
  made->offset = (end + made->alignment - 1) / made->alignment * made->alignment;
  // A gap behind each shows what runs past its end.
  end = made->offset + made->bytes + 64;
  module.shared.push_back(std::move(made));
  return module.shared.back().get();
}

void ModuleParser::moduleVariable(std::string_view space) {
  bool isExternal = space == "extern";
  while (space == "extern" || space == "visible" || space == "weak" || space == "common")
    space = lexer.take().text.substr(1);
  Variable made = variable();
  if (space == "shared") {
    uint64_t dynamicPlace = 2 << 20;
    sharedNames[made.name] = addShared(made, isExternal ? dynamicPlace : sharedEnd, isExternal);
  } else if (space == "global" || space == "const") {
    if (isExternal)
      fail("unresolved external variable " + made.name);
    std::vector<uint8_t> values(made.bytes);
    if (accept("="))
      values = initialiser(lastType, made.bytes);
    module.globals[made.name] = memory().allocateVariable(made.name, values);
  } else
    fail("a variable in an unknown space ." + std::string(space));
  expect(';');
}

std::vector<Variable> ModuleParser::parameters() {
  std::vector<Variable> made;
  expect('(');
  uint64_t end = 0;
  while (!lexer.peek().is(')')) {
    if (!accept(".param") && !accept(".reg"))
      fail("expected .param");
    Variable next = variable();
    next.offset = (end + next.alignment - 1) / next.alignment * next.alignment;
    end = next.offset + next.bytes;
    made.push_back(next);
    if (!accept(","))
      break;
  }
  expect(')');
  return made;
}

void ModuleParser::limits(Function &function) {
  while (lexer.peek().kind == TokenKind::Directive) {
    std::string_view word = lexer.take().text;
    if (word == ".maxntid" || word == ".reqntid") {
      uint64_t product = 1;
      for (unsigned k = 0; k < 3; ++k) {
        uint64_t count = k == 0 || accept(",") ? integer() : 1;
        product *= count;
        if (word == ".reqntid")
          function.requiredThreads[k] = count;
      }
      function.maximumThreads = product;
    } else if (word == ".minnctapersm" || word == ".maxnreg" || word == ".maxnctapersm")
      integer();
    else if (word == ".noreturn")
      continue;
    else if (word == ".pragma") {
      lexer.take();
      accept(";");
    } else
      fail("unknown directive " + std::string(word));
  }
}

void ModuleParser::function(bool isKernel) {
  std::vector<Variable> results;
  if (lexer.peek().is('('))
    results = parameters();
  std::string functionName = name();
  std::unique_ptr<Function> &slot = module.functions[functionName];
  if (!slot)
    slot = std::make_unique<Function>();
  Function &made = *slot;
  made.name = functionName;
  made.isKernel = isKernel;
  made.results = results;
  made.parameters = lexer.peek().is('(') ? parameters() : std::vector<Variable>();
  made.parameterBytes =
      made.parameters.empty() ? 0 : made.parameters.back().offset + made.parameters.back().bytes;
  limits(made);
  if (accept(";"))
    return;
  if (made.isDefined)
    fail(functionName + " is defined twice");
  made.isDefined = true;
  body(made);
}

void ModuleParser::registers(Builder &builder) {
  Type type;
  std::string_view word = lexer.take().text;
  if (word.empty() || !parseType(word.substr(1), type))
    fail("unknown register type " + std::string(word));
  do {
    std::string registerName = name();
    if (accept("<")) {
      builder.declareRange(registerName, integer(), type);
      expect('>');
    } else
      builder.declare(registerName, type);
  } while (accept(","));
  expect(';');
}

void ModuleParser::bodyDirective(Builder &builder) {
  std::string_view word = lexer.take().text;
  if (word == ".reg")
    return registers(builder);
  if (word == ".loc") {
    file = integer();
    sourceLine = integer();
    integer();
    // `, function_name $L__info, inlined_at 1 2 3`
    while (accept(","))
      while (lexer.peek().kind == TokenKind::Name || lexer.peek().kind == TokenKind::Number ||
             lexer.peek().is('+'))
        lexer.take();
    return;
  }
  if (word == ".pragma") {
    lexer.take();
    return expect(';');
  }
  if (word == ".param" || word == ".local" || word == ".shared" || word == ".global") {
    Variable made = variable();
    if (word == ".param")
      builder.declareParameter(made);
    else if (word == ".local")
      builder.declareDepot(made);
    else if (word == ".shared")
      builder.sharedNames[made.name] = addShared(made, kernelSharedEnd, false);
    else
      fail("a global variable inside a function");
    return expect(';');
  }
  fail("unknown directive " + std::string(word));
}

void ModuleParser::statement(Builder &builder) {
  Function &function = builder.function;
  Instruction made;
  if (accept("@")) {
    made.guard = accept("!") ? 2 : 1;
    std::string predicate = name();
    const Register *reg = builder.find(predicate);
    if (!reg || reg->type.bits != 1)
      fail(predicate + " is no predicate");
    made.guardOffset = reg->offset;
  }
  if (lexer.peek().kind != TokenKind::Name)
    fail("expected an instruction, found '" + std::string(lexer.peek().text) + "'");
  std::string_view text = lexer.restOfStatement();
  Token opcode = lexer.take();
  if (lexer.peek().is(':') && !made.guard) {
    lexer.take();
    std::string label(opcode.text);
    if (accept(".branchtargets")) {
      do
        builder.branchTargets[label].push_back(name());
      while (accept(","));
      return expect(';');
    }
    if (!builder.labels.try_emplace(label, function.code.size()).second)
      fail("label " + label + " stands twice");
    return;
  }
  Statement s{opcode.text, {}, {}, builder, opcode.line};
  for (std::string_view rest = opcode.text;;) {
    size_t dot = rest.find('.');
    s.words.push_back(rest.substr(0, dot));
    if (dot == rest.npos)
      break;
    rest = rest.substr(dot + 1);
  }
  while (!lexer.peek().is(';')) {
    if (lexer.peek().kind == TokenKind::End)
      fail("the text ends inside an instruction");
    s.operands.push_back(operand());
    if (!accept(","))
      break;
  }
  expect(';');
  made.line = opcode.line;
  made.text = function.texts.size();
  made.file = file;
  made.sourceLine = sourceLine;
  function.texts.emplace_back(text);
  static constexpr auto decoders = {
      decodeMemory, decodeArithmetic, decodeFloat, decodeMove, decodeComparison,
      decodeBits,   decodeConversion, decodeFlow,  decodeWarp, decodeAtomic};
  for (auto decode : decoders)
    if (decode(s, made)) {
      function.code.push_back(made);
      return;
    }
  s.unknown();
}

void ModuleParser::body(Function &function) {
  expect('{');
  kernelSharedEnd = 1 << 20;
  Builder builder(module, function);
  builder.sharedNames = sharedNames;
  if (!function.isKernel) {
    for (Variable &variable : function.parameters)
      variable = builder.declareParameter(variable);
    for (Variable &variable : function.results)
      variable = builder.declareParameter(variable);
  }
  int depth = 1;
  while (depth) {
    if (accept("{")) {
      ++depth;
      builder.openScope();
    } else if (accept("}")) {
      --depth;
      if (depth)
        builder.closeScope();
    } else if (lexer.peek().kind == TokenKind::Directive)
      bodyDirective(builder);
    else if (lexer.peek().kind == TokenKind::End)
      fail("the text ends inside " + function.name);
    else
      statement(builder);
  }
  // What runs off the end returns.
  Instruction end;
  end.flow = Flow::Return;
  end.line = lexer.peek().line;
  end.text = function.texts.size();
  function.texts.emplace_back("ret");
  function.code.push_back(end);
  resolve(builder);
  findJoins(function);
}

void ModuleParser::resolve(Builder &builder) {
  for (Instruction &i : builder.function.code) {
    auto target = [&](const std::string &name) {
      auto it = builder.labels.find(name);
      if (it == builder.labels.end())
        throw ParseError{"undeclared label " + name, i.line};
      return it->second;
    };
    if (i.flow == Flow::Branch)
      i.target = target(builder.labelNames[i.target]);
    if (i.flow != Flow::Table)
      continue;
    builder.function.tables.push_back(std::make_unique<std::vector<uint32_t>>());
    i.table = builder.function.tables.back().get();
    for (const std::string &name : builder.branchTargets[builder.labelNames[i.target]])
      i.table->push_back(target(name));
    if (i.table->empty())
      throw ParseError{"undeclared table of targets", i.line};
  }
}

void ModuleParser::skipLine() {
  unsigned line = lexer.peek().line;
  while (lexer.peek().kind != TokenKind::End && lexer.peek().line == line)
    lexer.take();
}

/// Calls are bound to the functions of the module, and their parameters to places.
static void bindCalls(Module &module) {
  for (auto &[name, function] : module.functions)
    for (Instruction &i : function->code) {
      if (i.flow != Flow::Call)
        continue;
      auto it = module.functions.find(i.call->name);
      if (it == module.functions.end() || it->second->isKernel)
        throw ParseError{"call of " + i.call->name + ", which the module has not", i.line};
      if (!it->second->isDefined)
        throw ParseError{"unresolved external function " + i.call->name, i.line};
      Function *callee = it->second.get();
      function->callees.push_back(callee);
      i.call->callee = callee;
      auto bind = [&](auto &offsets, auto &sizes, auto &variables, auto &copies, const char *what) {
        if (offsets.size() != variables.size())
          throw ParseError{"call of " + i.call->name + " with " + std::to_string(offsets.size()) +
                               " " + what + ", not " + std::to_string(variables.size()),
                           i.line};
        for (size_t k = 0; k < offsets.size(); ++k) {
          if (sizes[k] != variables[k].bytes)
            throw ParseError{"call of " + i.call->name + ": a parameter of another size", i.line};
          copies.push_back({offsets[k], uint32_t(variables[k].offset), sizes[k]});
        }
      };
      bind(i.call->argumentOffsets, i.call->argumentSizes, callee->parameters, i.call->arguments,
           "arguments");
      bind(i.call->resultOffsets, i.call->resultSizes, callee->results, i.call->results, "results");
    }
}

void ModuleParser::run() {
  while (lexer.peek().kind != TokenKind::End) {
    if (lexer.peek().kind != TokenKind::Directive)
      fail("expected a directive, found '" + std::string(lexer.peek().text) + "'");
    std::string_view word = lexer.take().text;
    if (word == ".version") {
      std::string version(lexer.take().text);
      module.version = atoi(version.c_str()) * 10 + atoi(version.c_str() + version.find('.') + 1);
    } else if (word == ".target") {
      std::string target = name();
      if (target.substr(0, 3) != "sm_")
        fail("unknown target " + target);
      module.target = atoi(target.c_str() + 3);
      while (accept(","))
        name();
    } else if (word == ".address_size") {
      if (integer() != 64)
        fail("addresses must have 64 bits");
    } else if (word == ".file") {
      uint32_t index = integer();
      module.files[index] = std::string(lexer.take().text);
      skipLine();
    } else if (word == ".section") {
      while (!lexer.peek().is('{'))
        lexer.take();
      while (!lexer.peek().is('}'))
        lexer.take();
      lexer.take();
    } else if (word == ".entry" || word == ".func") {
      function(word == ".entry");
    } else if (word == ".visible" || word == ".weak" || word == ".extern" || word == ".common") {
      if (accept(".entry"))
        function(true);
      else if (accept(".func"))
        function(false);
      else
        moduleVariable(word.substr(1));
    } else
      moduleVariable(word.substr(1));
  }
  if (!module.version || !module.target)
    fail("a module without .version and .target");
  bindCalls(module);
}

std::unique_ptr<Module> standin::parseModule(const char *text) {
  auto module = std::make_unique<Module>();
  module->text = text;
  ModuleParser(*module).run();
  return module;
}
