// The abstract interpreter: executes a program's structure and emits mpy operations for its
// arithmetic. One class, one file per language concern (Specialize*.cpp), library functions in
// Library*.cpp.
#ifndef MPY_FRONTEND_SPECIALIZER_H
#define MPY_FRONTEND_SPECIALIZER_H

#include "dialect/Dialect.h"
#include "frontend/interpret/EmissionCheck.h"
#include "frontend/interpret/Frame.h"
#include "frontend/library/LibraryText.h"
#include "frontend/syntax/Liveness.h"
#include "frontend/values/Heap.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Builders.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include <set>

namespace mpy {

/// Ends the program, also in `try`: Python raises nothing there.
inline constexpr const char *mixedNumberTooLarge =
    "an int that may be a float exceeds 2**53; make it a float from the start";

inline constexpr const char *integerOverflow =
    "integer overflow: the result does not fit in 64 bits";

/// Thrown after an error was reported; caught where another way can be tried, and at the top.
struct Abort {};

/// Thrown where a path ends in a call whose result is not known yet; caught where the path joins
/// others.
struct PathEnds {};

/// An array as operations see it: its current tensor and what is known of its type. Rank 0 is
/// `tensor<f64>`.
struct ArrayValue {
  DType dtype;
  std::vector<IntExpr> shape;
  mlir::Value tensor;
  size_t rank() const { return shape.size(); }
};

/// What one activation of a function on the way to the current place looks like, for recursion and
/// budgets.
struct Specialization;
class ArgumentWalk;
struct ResultPattern;
struct RuledCall;
struct RunTimeLoop;
struct RunTimeWalk;
struct RowInConstructor;

/// Whether the value can only be called.
bool isFunction(const Value &value);

/// Where the program is. What the library does is done by who calls it.
struct CurrentSpan : Span {
  const std::vector<Frame *> &frames;
  explicit CurrentSpan(const std::vector<Frame *> &frames) : frames(frames) {}
  CurrentSpan(const CurrentSpan &) = delete;
  CurrentSpan &operator=(const CurrentSpan &other) { return *this = Span(other); }
  CurrentSpan &operator=(const Span &other) {
    if (frames.empty() || !frames.back()->library || showsLibrary())
      Span::operator=(other);
    return *this;
  }
};

// What a library exports, of support/Exports.h.
struct Exports;
struct ExportRequest;
enum class ExportKind : uint8_t;
struct FunctionWatch;

/// What stays when a program is specialised again.
struct Attempts {
  /// Where dicts and sets are made that get keys that are run-time data.
  std::vector<Span> runTimeKeyed;
  /// Looks for more of them: a statement that fails does not end the program, and nothing is kept.
  bool isScouting = false;
  /// Classes whose objects are rows of a table (Rows.h), and attributes that their own methods do
  /// not name.
  std::map<const ast::ClassDef *, std::set<std::string>> rowClasses;
  /// One of these attributes was found.
  bool hasNewAttribute = false;
  /// Classes of the program that objects were made of: how often, and what attributes of them held.
  struct MadeClass {
    unsigned count = 0;
    std::set<const ast::ClassDef *> held;
    /// It and its bases in the program, in the order of attributes.
    std::vector<const ast::ClassDef *> bases;
  };
  std::map<const ast::ClassDef *, MadeClass> made;
  /// Modules of the program, by path, and statements of the library.
  std::map<std::string, std::unique_ptr<ast::Module>> modules;
};

class Specializer {
public:
  Specializer(mlir::MLIRContext &context, SourceManager &sources, Diagnostics &diagnostics,
              std::vector<std::string> importPaths, Attempts &attempts);
  mlir::OwningOpRef<mlir::ModuleOp> run(const ast::Module &program);
  /// Of a library: what is to be exported. Null for an executable.
  Exports *exports = nullptr;
  /// What is asked about functions of the program (functions/FunctionWatch.h); null: nothing.
  FunctionWatch *watch = nullptr;

  //===--- Emission (SpecializeEmit.cpp) ---===//
  mlir::OpBuilder builder;
  EmissionCheck emitted{outliningBlocks};
  Heap heap;
  CurrentSpan span; // of what is being evaluated
  /// The location of what is being evaluated.
  mlir::Location loc();
  mlir::MLIRContext *context() { return builder.getContext(); }
  /// Creates an operation at the current location.
  template <typename OpType, typename... Args> OpType create(Args &&...args) {
    return OpType::create(builder, loc(), std::forward<Args>(args)...);
  }
  /// Reports an error at the current place with the chain of calls as notes, and gives up this
  /// path.
  [[noreturn]] void fail(ErrorId id, std::vector<std::string> arguments = {}, Details details = {});
  /// Makes the error without reporting it.
  Diagnostic diagnostic(ErrorId id, std::vector<std::string> arguments = {}, Details details = {});
  bool isCertain();
  /// A Python exception that is certain on this path: an error where the program certainly gets
  /// here, else emitted; nothing after it runs.
  Value raiseHere(llvm::StringRef kind, llvm::StringRef message);
  /// Ends the path with an exception.
  void raise(llvm::StringRef kind, const Text &message, Value value = {}, const Value &place = {});
  /// Whether an exception here may be caught.
  bool isInTry() const { return tryDepth > 0; }
  /// Where it may be caught: an exception unless the condition (i1) holds, with the text that
  /// `message` makes on its path.
  void checkInTry(mlir::Value condition, llvm::StringRef kind, llvm::function_ref<Text()> message);
  /// Calls a function of the runtime that has effects and may raise; its results.
  mlir::ResultRange callRaising(mlir::TypeRange results, llvm::StringRef callee,
                                mlir::ValueRange inputs);
  /// sys.exit(code): an exception where it may be caught, else the end of the program.
  void exit(const Value &code);
  /// Emits an exception unless the condition (i1) holds; `{}` in the message are the integers.
  void check(mlir::Value condition, llvm::StringRef kind, llvm::StringRef message,
             llvm::ArrayRef<mlir::Value> integers = {});
  /// Labels the operation behind a value with a source name, unless it has one.
  void label(const Value &value, llvm::StringRef name);
  /// For messages: `float64 array of shape (3, n)`, `list`, `int`.
  std::string describe(const Value &value);
  /// The name of the type as Python prints it: `int`, `float`, `numpy.ndarray`, `Net`.
  std::string typeName(const Value &value);

  //===--- Numbers (SpecializeNumbers.cpp, SpecializeScalars.cpp) ---===//
  /// The run-time value of a scalar (constants are materialised), of type `typeOf(kind)`.
  mlir::Value ssa(const Scalar &scalar);
  /// The run-time value converted to an element type (i1, i32, i64, f32, f64), as NumPy converts.
  mlir::Value ssaAs(const Scalar &scalar, DType dtype);
  /// As an index expression; PyInt or NumPy integer scalars (bool counts as 0 or 1).
  IntExpr intExpr(const Scalar &scalar);
  mlir::Value index(const IntExpr &expr) { return expr.emit(builder, loc()); }
  Scalar makeInt(const IntExpr &expr); // PyInt
  Scalar makeInt(mlir::Value i64);     // PyInt, unknown
  Scalar makeFloat(double value);      // PyFloat constant
  Scalar makeBool(bool value);         // PyBool constant
  Scalar makeScalar(ScalarKind kind, mlir::Value value);
  /// A constant of an element type as SSA.
  mlir::Value constant(DType dtype, double value);
  /// Any operator on any values.
  Value binary(ast::BinaryOperator op, const Value &lhs, const Value &rhs);
  Value unary(ast::UnaryOperator op, const Value &operand);
  Value compare(ast::CompareOperator op, const Value &lhs, const Value &rhs);
  /// Python's truth: known, or an i1 in `value`.
  Scalar truth(const Value &value);
  /// not, and, or of truth values.
  Scalar negate(const Scalar &truth);
  Scalar scalarBinary(ast::BinaryOperator op, const Scalar &lhs, const Scalar &rhs);
  Scalar scalarCompare(ast::CompareOperator op, const Scalar &lhs, const Scalar &rhs);
  /// `is`, and `==` of structure; nothing if it is not known at compile time.
  std::optional<bool> sameObject(const Value &lhs, const Value &rhs);

  //===--- Arrays and the heap (SpecializeHeap.cpp) ---===//
  Value newArray(ArrayValue array);
  /// A view object of an array object.
  Value newView(ObjectId base, ViewStep step, std::vector<IntExpr> shape, bool contiguous);
  /// The current content of an array object (views re-read their base).
  ArrayValue read(ObjectId array);
  /// Replaces the whole content in place: every name and view sees it. `tensor` has the object's
  /// dtype and shape. What NumPy would not write through raises ValueError with `refusal`.
  void write(ObjectId array, mlir::Value tensor,
             llvm::StringRef refusal = "assignment destination is read-only");
  /// The array object behind a value, if it is one.
  std::optional<ObjectId> arrayObject(const Value &value);
  /// Anything array-like (array, scalar, nested lists and tuples of numbers) as an array, NumPy's
  /// dtype rules; fails otherwise.
  ArrayValue asArray(const Value &value);
  bool isArray(const Value &value) { return arrayObject(value).has_value(); }
  /// The state of an object of a certain kind behind a value, or null; fails for broken objects.
  template <typename T> const T *object(const Value &value) {
    auto *ref = value.get<ObjectRef>();
    if (!ref)
      return nullptr;
    checkUsable(ref->id);
    return heap.get<T>(ref->id);
  }
  /// Whether a value is an object of a class, wherever its attributes are.
  bool isOfClass(const Value &value) {
    return object<InstanceState>(value) || value.as<RowValue>();
  }
  /// Whether a class is one of lang/library.
  bool isOfLibrary(ObjectId cls) const {
    return cls >= firstLibraryClass && cls < firstLibraryClass + libraryClasses.size();
  }
  /// What is known of the program from earlier attempts.
  Attempts &learned() { return attempts; }
  /// Objects whose constructors run and that will be rows, innermost last.
  std::vector<RowInConstructor *> rowsInConstructors;
  /// Fails for an object whose content is not known, unless it can be read again.
  void checkUsable(ObjectId id);
  /// The new state of an object of the program, after `beginChange`; a list that holds it sees it.
  void change(ObjectId id, ObjectState state);
  /// A number that nothing else has.
  unsigned nextNumber() { return ++numbers; }
  /// Drops the objects from a number on that no name reaches: what they hold may be gone from the
  /// program.
  void forgetUnreachable(size_t from);
  /// The objects that names and running loops reach.
  std::vector<bool> reachableObjects();
  /// Whether an expression may be in the middle of using an object: the current statement of some
  /// function has made it.
  bool isHeld(ObjectId id);
  /// What running loops walk.
  ValueList walkedValues;
  Value newList(ValueList items);
  Value newTuple(ValueList items);
  /// Sequences that grow by copies count as unrolled work, or a loop could build them for hours.
  void countCopies(size_t items);
  /// Items of a tuple, list or other iterable of known structure; nothing if it has none.
  std::optional<ValueList> knownItems(const Value &value);
  /// The tensor type of an array; extents known at compile time are static.
  mlir::RankedTensorType tensorType(DType dtype, llvm::ArrayRef<IntExpr> shape);
  /// One index operand for each extent that is not static, as the shape operations of the dialect
  /// want.
  llvm::SmallVector<mlir::Value> dynamicSizes(llvm::ArrayRef<IntExpr> shape);
  /// The tensor under another, compatible static type.
  mlir::Value castTensor(mlir::Value tensor, mlir::Type type);

  //===--- Joins (SpecializeJoin.cpp, Joiner.h) ---===//
  bool dead = false;
  State snapshot();
  void restore(const State &state);
  /// Runs an action; after an error undoes all of it and says no.
  bool attempt(llvm::function_ref<void()> action, std::vector<Diagnostic> &errors);
  /// Emits scf.if on a run-time condition; each branch runs on its own copy of the state, then
  /// slots are joined. `isLoop`: what differs is reported as before and after a loop.
  void branch(mlir::Value condition, llvm::function_ref<void()> thenBranch,
              llvm::function_ref<void()> elseBranch, bool isLoop = false);
  /// The value of an expression that is computed on two paths.
  Value branchValue(mlir::Value condition, llvm::function_ref<Value()> thenValue,
                    llvm::function_ref<Value()> elseValue);
  /// What Python raises where a value is None. Where that is not said the program ends there, with
  /// an error that cannot be caught: what Python would do is another thing.
  struct WhenNone {
    std::string kind, message;
  };
  static WhenNone typeError(std::string message) { return {"TypeError", std::move(message)}; }
  /// Fails for conflicts; raises at run time where an optional value is absent.
  Value present(const Value &value, llvm::StringRef name, const WhenNone &whenNone = {});
  /// A value to be iterated; a text that is run-time data is the list of its characters.
  /// `isAnyOrder`: in any order.
  Value iterated(const Value &value, bool isAnyOrder = false);
  /// A set, or a dict whose keys are run-time data, as `iterated`; anything else as it is.
  Value inItsOrder(const Value &value, bool isAnyOrder = false);
  /// The object whose attribute is asked for.
  Value owner(const Value &value, llvm::StringRef attribute) {
    return present(
        value, "the object",
        {"AttributeError", "'NoneType' object has no attribute '" + attribute.str() + "'"});
  }
  /// Operands where none of them is None. Python's text names both types.
  void presentOperands(const std::string &op, Value &lhs, Value &rhs);
  /// What `of` gives for a value that may be None: it is asked on both paths.
  Value eitherWay(const Value &value, llvm::function_ref<Value(const Value &)> of);
  /// The same for the bounds of the slices in a key; nothing if none of them may be None.
  std::optional<Value> eitherKey(const Value &key, llvm::function_ref<Value(const Value &)> of);
  /// A key that is not None.
  Value presentKey(const Value &container, const Value &key);
  /// The same number as a value of its own, if it is large.
  IntExpr compact(const IntExpr &expr) {
    return expr.isLarge() ? symbolLike(index(expr), expr) : expr;
  }
  /// Ends the program where something does not hold that the compiler, not Python, asks for: it
  /// cannot be caught.
  void require(mlir::Value condition, llvm::StringRef kind, llvm::StringRef message);
  /// A value that is set; it may still be None.
  Value bound(const Value &value, llvm::StringRef name);
  /// Uses that a test holds, or does not: what it says is not None has its value.
  void narrow(const ast::Expr &test, bool holds);
  void narrowToPresent(const ast::Expr &place);
  /// Whether an SSA value may be used at the current insertion point.
  bool isAvailable(mlir::Value value);
  bool isAvailable(const IntExpr &expr);

  //===--- Statements and loops (SpecializeStatements.cpp, SpecializeLoops.cpp) ---===//
  void execute(const ast::Body &body, size_t from = 0);
  void execute(const ast::Stmt &statement);
  void assign(const ast::Expr &target, const Value &value);
  void assignName(llvm::StringRef name, const Value &value);
  void executeFor(const ast::For &loop);
  void executeWhile(const ast::While &loop);
  /// How a value is walked at run time; nothing if only known items can say.
  std::optional<RunTimeWalk> runTimeWalk(const Value &value);
  /// Runs `body` for each item; where the items are run-time data, in a loop of the program, for
  /// which `body` may run several times: what it changes is in the names of the frame or on the
  /// heap. `mayStop`: it may set a flag such as `%break`, after which no item is taken.
  void forEachItem(const Value &iterable, llvm::function_ref<void(const Value &)> body,
                   bool mayStop = false);

  //===--- Iterators (SpecializeIterators.cpp) ---===//
  /// What `next` gives: whether there is an item, and what it is where there is one.
  struct Taken {
    Scalar has;
    Value item;
  };
  /// Whether the value has a position: what `next` can be called with.
  bool isIterator(const Value &value);
  /// What `iter` gives.
  Value iteratorOf(const Value &iterable);
  /// A new iterator over what is given, at its first item.
  Value newIterator(IterableValue::Kind kind, ValueList parts, IntExpr start = 0);
  Taken takeNext(const Value &iterator);
  /// What a generator that has ended returned; None of all else.
  Value resultOf(const Value &iterator);
  /// An iterator that nobody else can take from and that is at its start, without its position: a
  /// structure that can be walked in any way. Nothing for others. `isNew`: nobody else has it.
  std::optional<Value> unshared(const Value &iterable, bool isNew = false);
  /// The items of a generator expression, as a list comprehension makes it; nothing for others.
  std::optional<Value> listOfExpression(const Value &generator);
  /// An iterator as a list of what is left of it; what is no iterator as it is.
  Value listed(const Value &iterable);

  //===--- Expressions (SpecializeExpressions.cpp) ---===//
  Value evaluate(const ast::Expr *expr);
  Value lookup(llvm::StringRef name);
  Value subscript(const Value &container, const Value &key);
  void assignSubscript(const Value &container, const Value &key, const Value &value);
  Value comprehension(const ast::Expr &expr);
  /// One item more for a list of either kind.
  void appendTo(const Value &list, const Value &item);
  /// Enters a function, module, class body or comprehension.
  void enter(Frame &frame) {
    frame.firstObject = frame.firstOfStatement = heap.size();
    frames.push_back(&frame);
  }
  Value makeSet(const ValueList &items, Span origin);
  /// Raises at run time where setting a key that may be missing would change the order of keys.
  void checkKeyOrder(const DictState &dict, size_t position);
  /// Puts a key into a dict; equal keys are one.
  void setEntry(DictState &dict, const Value &key, const Value &value);
  bool sameKey(const Value &a, const Value &b, const DictState *dict = nullptr);
  /// Whether dicts made here have keys that are run-time data (Prelude.cpp).
  bool hasRunTimeKeys(Span origin) const;
  /// The position a subscript means: nothing if it is known at run time only, -1 if it is out of
  /// range (raised).
  std::optional<int64_t> sequencePosition(const Value &key, size_t size, const char *message);

  //===--- Attributes, classes (Attributes.cpp, SpecializeClasses.cpp) ---===//
  Value attribute(const Value &object, llvm::StringRef name);
  /// Unbound where there is none.
  Value findAttribute(const Value &object, llvm::StringRef name);
  void setAttribute(const Value &object, llvm::StringRef name, const Value &value);
  void executeClass(const ast::ClassDef &node);
  /// The class object of an instance, or nothing.
  std::optional<ObjectId> classOf(const Value &value);
  /// The class of exceptions of this kind; none for what no class of the program or of Python is.
  std::optional<ObjectId> exceptionClass(llvm::StringRef kind);
  /// An attribute of a class by its resolution order; Unbound if there is none. `after`: start
  /// behind this class (super).
  Value classAttribute(ObjectId cls, llvm::StringRef name,
                       std::optional<ObjectId> after = std::nullopt);
  /// Calls `object.method(arguments)` if its class has the method.
  std::optional<Value> callMethod(const Value &object, llvm::StringRef method, ValueList arguments);
  bool isSubclass(ObjectId cls, llvm::StringRef builtinName);
  bool isInstance(const Value &value, const Value &type);

  //===--- Calls (SpecializeCalls.cpp, SpecializeFunctions.cpp) ---===//
  Value call(const Value &callee, CallArguments arguments);
  Value callLibrary(const LibraryValue &function, CallArguments arguments);
  /// Binds arguments to the parameter list of a library function ("a, axis=None"); the result has
  /// one value per parameter, Unbound where it was left out and has no default written there.
  /// Defaults may be None, True, False, ints, floats, 'text'. `*` starts keyword-only ones. An
  /// argument that may be None is passed on where the name ends in `?`; where the default is None
  /// the call is made on both paths; others refuse None.
  ValueList bind(const CallArguments &arguments, const char *parameters,
                 llvm::StringRef functionName);
  std::optional<int64_t> knownInt(const Value &value);
  std::optional<bool> knownBool(const Value &value);
  std::optional<std::string> knownText(const Value &value);
  Value makeClosure(const ast::Node &node, const ast::Arguments &arguments, const ast::Scope &scope,
                    llvm::StringRef name);
  /// Runs a function's body in the caller's function.
  /// Begins the activation of a function.
  void enter(Frame &callee, const ClosureValue &closure, const Locals &parameters);
  Value callInline(const ClosureValue &closure, Locals parameters);
  Value callChoice(const ChoiceValue &choice, size_t from, const CallArguments &arguments);
  Locals bindParameters(const ClosureValue &closure, const CallArguments &arguments);
  Value instantiate(ObjectId cls, CallArguments arguments);
  CallArguments evaluateArguments(const ast::Call &call);
  /// Runs `body` in a function of its own; what it reads becomes parameters, what it changes
  /// results. The first results are those that `results` makes where every path of the body has
  /// ended; an exception that may be caught leaves the function as a result, too. `makeCall` emits
  /// the operation that replaces the body: given callee, operands and result types, it returns the
  /// results.
  using OutlineCall =
      llvm::function_ref<mlir::ValueRange(mlir::func::FuncOp, mlir::ValueRange, mlir::TypeRange)>;
  void outline(llvm::StringRef name, mlir::ValueRange leading,
               llvm::function_ref<void(mlir::ValueRange)> body,
               llvm::function_ref<llvm::SmallVector<mlir::Value>()> results, OutlineCall makeCall);
  Value callTransform(const TransformValue &transform, CallArguments arguments);
  /// Whether the current place stands in a function of its own, which may be differentiated.
  bool mayBeDifferentiated() const { return !outliningBlocks.empty(); }
  /// The value of a function that has its own derivative rules.
  Value callWithRules(const RuledCall &ruled);
  /// Calls a function that is active already, through a function of its own; nothing if its body is
  /// to run in place.
  std::optional<Value> callRecursive(const ClosureValue &closure, Locals &parameters);
  /// A new private function at the end of the module, without a block.
  mlir::func::FuncOp newFunction(llvm::StringRef name);
  /// Ends the making of a function: what its body reads from outside becomes parameters and is
  /// added to `operands`.
  void captureFromOutside(mlir::func::FuncOp function,
                          llvm::SmallVectorImpl<mlir::Value> &operands);

  //===--- Text (SpecializeText.cpp, SpecializeFormat.cpp) ---===//
  Text makeText(std::string known) { return Text{std::move(known), {}}; }
  mlir::Value ssa(const Text &text);
  Text str(const Value &value);
  Text repr(const Value &value);
  Text concat(llvm::ArrayRef<Text> parts);
  Text format(const Value &value, const Text &specification);
  Text percentFormat(const Text &pattern, const Value &arguments);
  Text braceFormat(llvm::StringRef pattern, const CallArguments &arguments);
  void print(const CallArguments &arguments);
  Text exceptionText(const ExceptionValue &exception);
  /// An instance of an exception class that has an __init__, as what it was made with.
  std::optional<ExceptionValue> exceptionIn(const Value &value);
  Value textMethod(const Text &text, llvm::StringRef method, CallArguments &arguments);

  //===--- Modules (SpecializeModules.cpp) ---===//
  void executeImport(const ast::Import &node);
  void executeImportFrom(const ast::ImportFrom &node);
  Value importModule(llvm::StringRef name);
  Value moduleAttribute(const ModuleValue &module, llvm::StringRef name);

  //===--- The library that is written in the language (LibraryNames.cpp) ---===//
  /// Makes one object for each of its classes.
  void initialiseLibrary();
  /// What a name of the library means; its statement is parsed and executed when it is first asked
  /// for.
  Value libraryValue(const LibraryEntry &entry, llvm::StringRef name);
  /// A name that stands in a file of the library; unbound if it does not.
  Value nameInLibrary(const LibraryFile &file, llvm::StringRef name);
  /// A method that the library has for a type: of `lang/library/_methods/TYPE.mpy`, bound; or
  /// unbound.
  Value methodInLibrary(const Value &object, llvm::StringRef type, llvm::StringRef name);
  /// What a class of the library says of its subclasses as objects, by a method with the class
  /// first: `_walked(cls)` its items, `_found(cls, key)` one of them.
  std::optional<Value> askClass(const Value &cls, const char *method, ValueList arguments = {});
  /// The object of a class of the library, which may still be empty.
  ObjectId libraryClass(const LibraryEntry &entry) const {
    return firstLibraryClass + entry.classNumber;
  }

  Diagnostics &diagnostics;
  SourceManager &sources;
  std::vector<Frame *> frames;
  Frame &frame() { return *frames.back(); }
  mlir::ModuleOp module;
  /// How many operations one program may unroll to.
  static constexpr unsigned maximumUnrolled = 200000;
  static constexpr unsigned maximumDepth = 200;
  static constexpr unsigned maximumPeeled = 2;
  /// How deep calls of one definition with other functions nest before they count as calls of a
  /// function by itself, which may not end.
  static constexpr unsigned maximumNested = 8;
  /// How many calls of functions by themselves may run in place.
  static constexpr unsigned maximumRecursions = 10000;
  /// And while a function of its own is made: there numbers are parameters, and nothing may end it.
  static constexpr unsigned maximumRecursionsInside = 1000;
  /// What these may cost before it is said that they do not end: objects in the states of paths.
  static constexpr uint64_t maximumStates = 100'000'000;

private:
  friend class Joiner;
  friend class ForStatement;
  friend class ConditionalLoop;
  friend class LoopRounds;
  friend class RecursiveCall;
  friend class SpecializationRun;
  friend class PositionalWalk;
  ObjectId loadModule(llvm::StringRef name, llvm::StringRef path);
  ObjectId newModule(const ast::Module &module, llvm::StringRef name);
  void executeModule(const ast::Module &module, ObjectId globals, llvm::StringRef name);
  /// True if the statements after the `if` were executed too, inside its branches.
  bool executeIf(const ast::If &node, const ast::Body &body, size_t index);
  void executeWith(const ast::With &node);
  void executeAugmented(const ast::AugAssign &node);
  void executeDelete(const ast::Expr &target);
  /// `body` is run in the place of its statements.
  void executeTry(const ast::Try &node, llvm::function_ref<void()> body = nullptr);
  void executeMatch(const ast::Match &node);
  void matchFrom(const ast::Match &node, size_t from, const Value &subject);
  void executeRaise(const ast::Raise &node);
  void executeAssert(const ast::Assert &node);
  void unpack(llvm::ArrayRef<ast::Expr *> targets, const Value &value);
  Value evaluateBoolean(const ast::BoolOp &node, size_t from);
  /// The truth of an expression that nothing else is asked of: `if x and items:`, where the values
  /// themselves need have nothing in common.
  Scalar evaluateTruth(const ast::Expr &test);
  Scalar evaluateTruth(const ast::BoolOp &node, size_t from);
  Value sequenceSubscript(const Value &container, const ValueList &items, const Value &key);
  Value listSubscript(const Value &container, const Value &key);
  Value dictSubscript(const Value &container, const Value &key);
  void assignToList(const Value &container, const Value &key, const Value &value);
  Value evaluateConditional(const ast::IfExp &node);
  Value evaluateOperator(const ast::BinOp &node);
  Value evaluateOperator(const ast::UnaryOp &node);
  Value evaluateCompare(const ast::Compare &node, size_t index, const Value &left);
  Value evaluateCall(const ast::Call &node);
  Value textSubscript(const Text &text, const Value &key);
  std::optional<ObjectId> findCell(llvm::StringRef name, bool forStore);
  Value integerBinary(ast::BinaryOperator op, const Scalar &lhs, const Scalar &rhs);
  // Exceptions that may be caught (SpecializeTry.cpp).
  /// An exception: the number of its kind, its text, and the value for each kind it can be.
  struct Raised {
    Value kind, message;
    std::map<int64_t, Value> values;
    Value place = {}; // "file:line" where it was raised
  };
  /// Where a path ended in an exception: the names of all frames, the heap, and what was raised.
  struct RaisedPath {
    std::vector<Locals> locals;
    Heap heap;
    Raised raised;
  };
  /// A check whose success everything after it, up to the end of the region, depends on.
  struct OpenCheck {
    mlir::scf::IfOp op;
    RaisedPath raised;
  };
  /// What was open where a path, a loop's body or the body of `try` began.
  struct TryRegion {
    size_t checks;
    std::shared_ptr<RaisedPath> certain;
    /// How control could leave from there and what expressions around it have made so far: names
    /// such as `%break` and `%made`.
    std::vector<std::string> flags;
  };
  void raiseAgain();
  /// An exception that a check made. Of some, what their constructor was given is not known.
  static Value checkedException(llvm::StringRef kind, const Value &message);
  RaisedPath capture(Raised raised);
  /// Goes on where the condition (i1) holds; on the other path `raised` makes the exception.
  void openCheck(mlir::Value condition, llvm::function_ref<Raised()> raised);
  void exitProgram(const Value &code);
  /// What `%raised` and its like among the names of a state say, or what they are set to.
  Raised takeRaised(Locals &locals);
  void setRaised(Locals &locals, const Raised &raised);
  /// The names that say what was raised, out of others.
  static Locals takeRaisedNames(Locals &locals);
  TryRegion openRegion();
  void setUnraised();
  /// Joins the paths that ended in an exception since the region began with the one that did not;
  /// `%raised` says which. Returns the state of the latter, if there is one.
  std::shared_ptr<State> closeRegion(TryRegion &region);
  /// Opens a region, runs what stands in it, and closes it.
  std::shared_ptr<State> runRegion(llvm::function_ref<void()> body);
  /// Goes on where nothing was raised, after a region.
  void continueUnraised(llvm::ArrayRef<std::shared_ptr<State>> unraised);
  void joinPaths(mlir::scf::IfOp op, State &thenState, State &elseState, const State &entry,
                 size_t mark, bool isLoop = false);
  /// Runs `body`, then `last` on every path that leaves it, then goes on as the body ended.
  /// `last` runs with the kinds that the body may have raised, and a prefix of the names that keep
  /// how control left.
  void runFinally(llvm::function_ref<void()> body,
                  llvm::function_ref<void(const std::set<int64_t> &, const std::string &)> last);
  void executeWith(const ast::With &node, size_t item);
  void leaveManager(const Value &manager, const std::set<int64_t> &kinds,
                    const std::string &prefix);
  /// Runs an action for the one of the kinds that was raised.
  void forRaised(const Raised &raised, const std::set<int64_t> &kinds,
                 llvm::function_ref<void(int64_t)> action);
  /// The exception of a kind; where it was raised with values that differ, what is known of it.
  Value exceptionOf(const Raised &raised, int64_t kind);
  std::shared_ptr<State> runGuarded(llvm::function_ref<void()> body, std::set<int64_t> &kinds);
  /// What was raised, among the names of the current frame.
  Scalar raisedFlag(const std::string &prefix = "");
  void handle(const ast::Try &node, const std::set<int64_t> &kinds);
  void handleKind(const ast::Try &node, llvm::ArrayRef<Value> types, int64_t kind,
                  const Raised &raised);
  bool catches(const Value &type, llvm::StringRef kind);
  void refuseUncatchable(mlir::Operation *first, Span place);
  int64_t kindNumber(llvm::StringRef kind);
  /// Whether control has left the current statement list: return, break or continue.
  Scalar leftFlag();
  void clearFlags();
  // Generators that run in the place of the loop over them (SpecializeGenerators.cpp).
  Value makeGenerator(const ClosureValue &closure, const Locals &parameters);
  Value makeGeneratorExpression(const ast::GeneratorExp &node);
  void startGenerator(const Value &generator, Frame &callee);
  void runGenerator(const ast::Node &node);
  /// Runs a generator; `take` runs with each item in the frame that consumes it. `loop` is the
  /// statement at whose head its names are alive, if there is one.
  void consumeGenerator(const ast::Stmt *loop, const Value &generator,
                        llvm::function_ref<void(const Value &)> take, bool mayStop);
  /// The same for what walks a generator: enumerate() and map() of one. Says whether it does.
  bool walkGenerator(const ast::Stmt *loop, const Value &iterable,
                     llvm::function_ref<void(const Value &)> take, bool mayStop);
  /// Runs a generator in the place of a loop if nothing but the loop can see it meanwhile; false
  /// where it must be asked for one item after the other.
  bool tryConsuming(const ast::Stmt *loop, const Value &iterable,
                    llvm::function_ref<void(const Value &)> take, bool mayStop, bool isAlone);
  void executeYield(const ast::Stmt &statement);
  void forEachKnown(const ValueList &items, size_t from,
                    llvm::function_ref<void(const Value &)> body, bool mayStop,
                    llvm::function_ref<void(size_t)> check);
  void walkItems(const Value &whole, const Value &iterable,
                 llvm::function_ref<void(const Value &)> body, bool mayStop);
  Value collect(const ast::Expr &expr, Frame &inner, const Value &first);
  void walkClauses(const std::vector<ast::Comprehension> &clauses, size_t level, const Value &first,
                   llvm::function_ref<void()> keep, bool mayStop);
  // Generators that are asked for one item after the other (SpecializeSuspended.cpp).
  const GeneratorPlan &planOf(const ast::Node &node);
  Taken takeGenerated(const Value &generator);
  void resume(const GeneratorPlan &plan, const Value &position, size_t from);
  void resumeIn(const ast::Body &body, const ast::Stmt &place);
  void resumeAt(const ast::Stmt &statement, const ast::Stmt &place);
  void executeSuspended(const ast::Stmt &loop, const ast::Stmt *place);
  void suspend(const ast::Stmt &place, const Value &item);
  void yieldNext(const ast::Stmt &place);
  void resumeInTry(const ast::Try &node, const ast::Stmt &place);
  void checkWaitsIn(const ast::Stmt &statement);
  void finishYield(const ast::Stmt &statement, const Value &value);
  Value takeSent();
  void keepResult(const Frame &ended);
  [[noreturn]] void refuseToWait();
  // Iterators, item by item (SpecializeIterators.cpp).
  Taken takeWhere(const Scalar &has, llvm::function_ref<Taken()> then);
  Taken takeAt(const Value &container, const IntExpr &position);
  Taken takePart(const Value &part, const IntExpr &position);
  Taken takeRow(llvm::ArrayRef<Value> parts, const IntExpr &position, ValueList row);
  Taken takeKept(const IterableValue &filter, ObjectId state);
  Taken takeCalled(llvm::function_ref<Value()> make, llvm::ArrayRef<llvm::StringRef> ends);
  IntExpr positionIn(ObjectId state);
  /// Takes and runs, as long as `test` says that there is an item: at compile time where that is
  /// known, else in a loop of the program. `first`: what is left of an iteration that has begun.
  void takeEach(llvm::function_ref<Scalar()> test, llvm::function_ref<void()> body,
                llvm::function_ref<void()> first = nullptr);
  /// A `for` over an iterator whose position others can see.
  void executeTaking(const ast::For &loop, const Value &iterator);
  void whileLoop(const ast::Stmt &loop, llvm::function_ref<Scalar()> test,
                 llvm::function_ref<void()> body);
  void runIteration(llvm::function_ref<void()> iteration,
                    llvm::function_ref<void(bool isCertain)> others);
  void unrollFor(const ast::For &loop, const Value &iterable, ValueList items, size_t from,
                 llvm::function_ref<void(Value)> take);
  void undoSince(mlir::Block *block, mlir::Operation *last, mlir::Block::iterator end);
  /// Forgets names that neither the next iteration nor what follows the loop reads.
  void dropDeadNames(const ast::Node &loop);
  /// Forgets names that nobody reads behind a statement.
  void dropNamesAfter(const ast::Stmt &statement);
  void dropNamesBut(const LiveNames &names);
  const Liveness *livenessOf(const Frame &frame);
  /// `node`: the loop of the program at whose head names are alive, if it is one.
  void runTimeLoop(const ast::Node *node, RunTimeLoop &shape);
  Value callSpecialization(Specialization &spec, const ArgumentWalk &walk, bool isInside);
  Value packResult(Specialization &spec, const State *unraised);
  Value catchResult(const Specialization &spec, const Value &packed);
  /// Runs the body once in a function of its own; false if its result was not as assumed and it
  /// must run again.
  bool runSpecialization(Specialization &spec, const ClosureValue &closure,
                         const Locals &parameters, ArgumentWalk &walk);
  std::shared_ptr<Specialization> buildSpecialization(
      const ClosureValue &closure, const Locals &parameters,
      llvm::function_ref<ArgumentWalk &(bool, const std::map<unsigned, ResultPattern> &)> walk);
  std::optional<Value> callInFunction(const ClosureValue &closure, Locals &parameters,
                                      bool mayBuild, bool isConditional);
  [[noreturn]] void failRecursion(const ClosureValue &closure);
  void initialiseBuiltins();
  /// Makes the functions of what is exported, at the end of the module's statements, whose block
  /// this is; the values that they read of the module (SpecializeExports.cpp).
  llvm::SmallVector<mlir::Value> exportFunctions(const ast::Module &program, ObjectId globals,
                                                 mlir::Block *statements);
  void exportFunction(const ExportRequest &request, ExportKind kind, mlir::Block *statements,
                      llvm::SetVector<mlir::Value> &kept);

  unsigned tryDepth = 0;
  /// How many rules of derivatives are being made, one inside the other.
  unsigned ruleDepth = 0;
  std::vector<OpenCheck> openChecks;
  std::shared_ptr<RaisedPath> certainRaise;
  std::vector<std::string> exceptionKinds;
  /// What can be raised inside each `try` around the current place.
  std::vector<std::set<int64_t>> possibleKinds;
  /// What `raise` without an exception raises.
  std::vector<Raised> handling;

  std::vector<std::string> importPaths;
  std::map<std::string, ObjectId> modules;
  Attempts &attempts;
  std::map<std::string, ObjectId> builtinClasses;
  /// The names of the library have no cells: its functions share this empty namespace.
  ObjectId libraryGlobals = 0;
  /// Its classes are objects that all paths share, filled in place.
  ObjectId firstLibraryClass = 0;
  std::vector<std::shared_ptr<ObjectState>> libraryClasses;
  std::map<const LibraryEntry *, Value> libraryValues;
  /// Modules of the library whose names a module of the program took with `import *`.
  std::map<ObjectId, std::vector<std::string>> starImports;
  /// Whether a list that differs in length where paths meet is an error rather than a list of
  /// run-time length.
  bool keepsLists = false;
  /// Loops whose iterations differ in structure: unrolled at once when met again.
  std::set<const ast::Node *> unrolledLoops;
  std::map<const ast::Node *, std::unique_ptr<Liveness>> liveness;
  /// Where the functions being outlined will be called, outermost first.
  std::vector<mlir::Block *> outliningBlocks;
  unsigned unrolled = 0, numbers = 0;
  unsigned functionNumber = 0;
  /// Recursive functions of their own: being built, innermost last; and complete ones.
  std::vector<std::shared_ptr<Specialization>> building, specializations;
  std::set<std::string> failedSignatures;
  /// How often a function did not come about, and how often because its calls found no end.
  std::map<const ast::Node *, unsigned> failedBuilds, endlessBuilds;
  /// Why the last recursion did not become a function of its own.
  std::string whyInPlace;
  std::optional<Span> whyOrigin; // of the same
  unsigned recursionsInPlace = 0;
  /// The objects of all states that were kept so far, and when recursion in place began.
  uint64_t keptObjects = 0, keptBefore = 0;
  std::map<const ast::Node *, std::shared_ptr<const GeneratorPlan>> plans;
  /// Why a generator cannot run in the place of a loop was said: it may be asked item by item.
  bool wantsItems = false;
};

/// The library function with a qualified name such as "numpy.sum" or "ndarray.sum", or null.
const LibraryValue *findLibraryFunction(llvm::StringRef qualifiedName);
/// A text that a formatting function of the runtime makes; it may raise.
Text runtimeFormat(Specializer &, const char *function, mlir::ValueRange operands);
/// A builtin function or type (`len`, `float`), or null.
const LibraryValue *findBuiltin(llvm::StringRef name);
/// `numpy.float32(x)` and the like.
Value callDType(Specializer &, DType dtype, CallArguments &arguments);

// Array operations (Array*.cpp): pure, on values; used by operators, methods and library functions
// alike.

/// `x op y` with NumPy's broadcasting and promotion (Python scalars are weak); arrays, NumPy
/// scalars and sequences.
Value arrayBinary(Specializer &, ast::BinaryOperator op, const Value &lhs, const Value &rhs);
Value arrayCompare(Specializer &, ast::CompareOperator op, const Value &lhs, const Value &rhs);
Value arrayUnary(Specializer &, ast::UnaryOperator op, const Value &operand);
/// In-place `array op= value`: keeps dtype and object; UFuncTypeError as NumPy.
void arrayInPlace(Specializer &, ast::BinaryOperator op, ObjectId array, const Value &value);
/// `array[index]`: a view object, a copy (masks, index arrays), or a NumPy scalar.
Value arraySubscript(Specializer &, ObjectId array, const Value &index);
/// `array[index] = value`
void arrayAssign(Specializer &, ObjectId array, const Value &index, const Value &value);
/// `array.attribute`: shape, ndim, size, dtype, T, or a bound method; Unbound if there is none.
/// Also of NumPy scalars.
Value arrayAttribute(Specializer &, const Value &array, llvm::StringRef name);
/// `a.dtype.name`; unbound if there is no such attribute.
Value dtypeAttribute(Specializer &, DType dtype, llvm::StringRef name);
/// The library module that an imported name means, or empty.
std::string libraryModule(llvm::StringRef name);
/// The attribute of a library module; unbound if it has none.
Value findLibraryAttribute(Specializer &, llvm::StringRef module, llvm::StringRef name);
/// An attribute of a library module (`np.pi`, `np.float32`, functions, submodules); Unbound if
/// there is none.
Value libraryAttribute(Specializer &, llvm::StringRef module, llvm::StringRef name);
/// Applies a view step to a tensor; the inverse puts `part` back where the step looks.
mlir::Value applyView(Specializer &, const ArrayValue &base, const ViewStep &step,
                      const std::vector<IntExpr> &shape);
/// Whether NumPy refuses writes through a view: it, or one that it looks at, is read-only.
bool isReadOnlyView(const Heap &heap, ObjectId id);
mlir::Value updateView(Specializer &, mlir::Value base, mlir::Value part, const ViewStep &step);

} // namespace mpy

#endif // MPY_FRONTEND_SPECIALIZER_H
