// Every elementwise primitive, one record each: name, meaning on scalars, derivative, where to test it.
// In formulas: x, y operands; r the result; g the incoming adjoint, exactly once in every term.
#ifndef MPY_PRIMITIVES
#define MPY_PRIMITIVES
include "Ops.td"

// Where the gradient check may sample an operand.
class Domain<string lowBound, string highBound> {
  string low = lowBound;
  string high = highBound;
}

// A formula, or the reason why there is none.
class NotDifferentiable<string why> { string reason = why; }

class Elementwise<string mnemonic, list<Trait> traits = []>
    : Op<MpyDialect, mnemonic, !listconcat([Pure], traits)> {
  let results = (outs Elements:$result);
  let hasVerifier = 1;
  code verifyBody = [{
    ::llvm::LogicalResult $cppClass::verify() { return verifyElementwise(getOperation()); }
  }];
}

defvar formulaTraits = [DeclareOpInterfaceMethods<DifferentiableOpInterface>,
                        DeclareOpInterfaceMethods<ElementwiseOpInterface>];

// Unary with derivative `dx`, a C++ expression over Formula values.
class Unary<string mnemonic, string scalar, string dx, Domain where>
    : Elementwise<mnemonic, !listconcat(formulaTraits, [AllTypesMatch<["x", "result"]>])> {
  let arguments = (ins Elements:$x);
  let assemblyFormat = "$x attr-dict `:` type($x)";
  let builders = [OpBuilder<(ins "::mlir::Value":$x), [{
    build($_builder, $_state, x.getType(), x);
  }]>];
  let extraClassDefinition = verifyBody # [{
    ::llvm::LogicalResult $cppClass::buildAdjoint(::mpy::AdjointContext &context) {
      return unaryAdjoint(context, *this, [](Sensitivity g, Operand x, Operand r) -> Formula { return }] # dx # [{; });
    }
    ::llvm::LogicalResult $cppClass::buildTangent(::mpy::TangentContext &context) {
      return unaryTangent(context, *this, [](Sensitivity g, Operand x, Operand r) -> Formula { return }] # dx # [{; });
    }
    ::mlir::Value $cppClass::buildScalar(::mlir::OpBuilder &builder, ::mlir::Location loc,
                                         ::mlir::ValueRange arguments) {
      return }] # scalar # [{;
    }
    ::llvm::SmallVector<std::pair<double, double>> $cppClass::domain() {
      return {{}] # where.low # ", " # where.high # [{}};
    }
  }];
}

// Unary whose derivative is zero wherever it exists; the reason is said where a gradient stops here.
class UnaryFlat<string mnemonic, string scalar, NotDifferentiable why>
    : Elementwise<mnemonic, !listconcat(formulaTraits, [AllTypesMatch<["x", "result"]>])> {
  let arguments = (ins Elements:$x);
  let description = why.reason;
  let assemblyFormat = "$x attr-dict `:` type($x)";
  let builders = [OpBuilder<(ins "::mlir::Value":$x), [{
    build($_builder, $_state, x.getType(), x);
  }]>];
  let extraClassDefinition = verifyBody # [{
    ::llvm::LogicalResult $cppClass::buildAdjoint(::mpy::AdjointContext &context) {
      return ::llvm::success();
    }
    ::llvm::LogicalResult $cppClass::buildTangent(::mpy::TangentContext &context) {
      return ::llvm::success();
    }
    ::mlir::Value $cppClass::buildScalar(::mlir::OpBuilder &builder, ::mlir::Location loc,
                                         ::mlir::ValueRange arguments) {
      return }] # scalar # [{;
    }
    ::llvm::SmallVector<std::pair<double, double>> $cppClass::domain() { return {}; }
  }];
}

class Binary<string mnemonic, string scalar, string dx, string dy, Domain whereX, Domain whereY>
    : Elementwise<mnemonic, formulaTraits> {
  let arguments = (ins Elements:$x, Elements:$y);
  let assemblyFormat = "$x `,` $y attr-dict `:` type($x) `,` type($y) `->` type($result)";
  let builders = [OpBuilder<(ins "::mlir::Value":$x, "::mlir::Value":$y), [{
    build($_builder, $_state, elementwiseType({x, y}), x, y);
  }]>];
  let extraClassDefinition = verifyBody # [{
    ::llvm::LogicalResult $cppClass::buildAdjoint(::mpy::AdjointContext &context) {
      return binaryAdjoint(context, *this,
          [](Sensitivity g, Operand x, Operand y, Operand r) -> Formula { return }] # dx # [{; },
          [](Sensitivity g, Operand x, Operand y, Operand r) -> Formula { return }] # dy # [{; });
    }
    ::llvm::LogicalResult $cppClass::buildTangent(::mpy::TangentContext &context) {
      return binaryTangent(context, *this,
          [](Sensitivity g, Operand x, Operand y, Operand r) -> Formula { return }] # dx # [{; },
          [](Sensitivity g, Operand x, Operand y, Operand r) -> Formula { return }] # dy # [{; });
    }
    ::mlir::Value $cppClass::buildScalar(::mlir::OpBuilder &builder, ::mlir::Location loc,
                                         ::mlir::ValueRange arguments) {
      return }] # scalar # [{;
    }
    ::llvm::SmallVector<std::pair<double, double>> $cppClass::domain() {
      return {{}] # whereX.low # ", " # whereX.high # "}, {" # whereY.low # ", " # whereY.high # [{}};
    }
  }];
}

// A scalar meaning: one op of MLIR for floats (and one for integers).
class Float<string op> { string meaning = "floatScalar<" # op # ">(builder, loc, arguments)"; }
class Both<string floatOp, string intOp> {
  string meaning = "arithmeticScalar<" # floatOp # ", " # intOp # ">(builder, loc, arguments)";
}

//===------------------------------------------------------------------------------------------===//
// Arithmetic
//===------------------------------------------------------------------------------------------===//
def AddOp : Binary<"add", Both<"::mlir::arith::AddFOp", "::mlir::arith::AddIOp">.meaning, "g", "g",
                   Domain<"-3", "3">, Domain<"-3", "3">>;
def SubOp : Binary<"sub", Both<"::mlir::arith::SubFOp", "::mlir::arith::SubIOp">.meaning, "g", "-g",
                   Domain<"-3", "3">, Domain<"-3", "3">>;
def MulOp : Binary<"mul", Both<"::mlir::arith::MulFOp", "::mlir::arith::MulIOp">.meaning, "g * y", "g * x",
                   Domain<"-3", "3">, Domain<"-3", "3">> { let hasFolder = 1; }
def DivOp : Binary<"div", Float<"::mlir::arith::DivFOp">.meaning, "g / y", "-(g * r / y)",
                   Domain<"-3", "3">, Domain<"0.5", "3">>;
// Products and quotients of derivatives: 0 where a factor is 0, whatever it meets. Sums of them are
// exact where a choice made a factor 0, to every order; that 0 * inf is NaN elsewhere is IEEE's.
def ScaledOp : Binary<"scaled", "scaledScalar(builder, loc, arguments)", "g * y", "g * x",
                      Domain<"-3", "3">, Domain<"-3", "3">> { let hasFolder = 1; let hasCanonicalizer = 1; }
def RatioOp : Binary<"ratio", "ratioScalar(builder, loc, arguments)", "g / y", "-(g * r / y)",
                     Domain<"-3", "3">, Domain<"0.5", "3">>;
// At x == 0 the derivative by y is 0, and x ** 0 has derivative 0 by x.
def PowOp : Binary<"pow", "powerScalar(builder, loc, arguments)",
                   "g * powerSlope(x, y)", "g * r * logOrZero(x)", Domain<"0.3", "2">, Domain<"-2", "3">>;
def Atan2Op : Binary<"arctan2", Float<"::mlir::math::Atan2Op">.meaning, "g * (y / (x * x + y * y))",
                     "-(g * (x / (x * x + y * y)))", Domain<"0.5", "2">, Domain<"0.5", "2">>;
// A tie splits the adjoint equally, as autograd and JAX do.
def MaximumOp : Binary<"maximum", "maximumScalar(builder, loc, arguments)", "g * share(x, y, r)",
                       "g * share(y, x, r)", Domain<"-3", "3">, Domain<"-3", "3">>;
def MinimumOp : Binary<"minimum", "minimumScalar(builder, loc, arguments)", "g * share(x, y, r)",
                       "g * share(y, x, r)", Domain<"-3", "3">, Domain<"-3", "3">>;
// Python's remainder: the sign of the divisor.
def ModOp : Binary<"mod", "remainderScalar(builder, loc, arguments)", "g", "-(g * floor(x / y))",
                   Domain<"0.1", "0.9">, Domain<"1", "2">>;
def FloorDivOp : Binary<"floor_divide", "floorDivideScalar(builder, loc, arguments)", "zero(g)", "zero(g)",
                        Domain<"0.1", "0.9">, Domain<"1", "2">>;

def NegOp : Unary<"negative", "negateScalar(builder, loc, arguments)", "-g", Domain<"-3", "3">> { let hasFolder = 1; }
// 0 at 0.
def AbsOp : Unary<"abs", "absoluteScalar(builder, loc, arguments)", "g * sign(x)", Domain<"0.2", "3">>;
def ExpOp : Unary<"exp", Float<"::mlir::math::ExpOp">.meaning, "g * r", Domain<"-2", "2">>;
def Expm1Op : Unary<"expm1", Float<"::mlir::math::ExpM1Op">.meaning, "g * (r + 1.0)", Domain<"-2", "2">>;
def Exp2Op : Unary<"exp2", Float<"::mlir::math::Exp2Op">.meaning, "g * (r * 0.69314718055994530942)",
                   Domain<"-2", "2">>;
def LogOp : Unary<"log", Float<"::mlir::math::LogOp">.meaning, "g / x", Domain<"0.3", "4">>;
def Log1pOp : Unary<"log1p", Float<"::mlir::math::Log1pOp">.meaning, "g / (x + 1.0)", Domain<"-0.5", "3">>;
def Log2Op : Unary<"log2", Float<"::mlir::math::Log2Op">.meaning, "g / (x * 0.69314718055994530942)",
                   Domain<"0.3", "4">>;
def Log10Op : Unary<"log10", Float<"::mlir::math::Log10Op">.meaning, "g / (x * 2.30258509299404568402)",
                    Domain<"0.3", "4">>;
def SqrtOp : Unary<"sqrt", Float<"::mlir::math::SqrtOp">.meaning, "g * 0.5 / r", Domain<"0.3", "4">>;
def CbrtOp : Unary<"cbrt", Float<"::mlir::math::CbrtOp">.meaning, "g / (r * r * 3.0)", Domain<"0.3", "4">>;
def SquareOp : Unary<"square", "squareScalar(builder, loc, arguments)", "g * (x * 2.0)", Domain<"-3", "3">>;
def ReciprocalOp : Unary<"reciprocal", "reciprocalScalar(builder, loc, arguments)", "-(g * r * r)",
                         Domain<"0.5", "3">>;
def SinOp : Unary<"sin", Float<"::mlir::math::SinOp">.meaning, "g * cos(x)", Domain<"-3", "3">>;
def CosOp : Unary<"cos", Float<"::mlir::math::CosOp">.meaning, "-(g * sin(x))", Domain<"-3", "3">>;
// d/dx tan = 1 + r * r
def TanOp : Unary<"tan", Float<"::mlir::math::TanOp">.meaning, "g * (r * r + 1.0)", Domain<"-1", "1">>;
// (1 - x) * (x + 1) is exact beside the ends of the domain, where 1 - x * x is not.
def ArcsinOp : Unary<"arcsin", Float<"::mlir::math::AsinOp">.meaning, "g / sqrt((1.0 - x) * (x + 1.0))",
                     Domain<"-0.8", "0.8">>;
def ArccosOp : Unary<"arccos", Float<"::mlir::math::AcosOp">.meaning, "-(g / sqrt((1.0 - x) * (x + 1.0)))",
                     Domain<"-0.8", "0.8">>;
def ArctanOp : Unary<"arctan", Float<"::mlir::math::AtanOp">.meaning, "g / (x * x + 1.0)", Domain<"-3", "3">>;
def SinhOp : Unary<"sinh", Float<"::mlir::math::SinhOp">.meaning, "g * cosh(x)", Domain<"-2", "2">>;
def CoshOp : Unary<"cosh", Float<"::mlir::math::CoshOp">.meaning, "g * sinh(x)", Domain<"-2", "2">>;
def TanhOp : Unary<"tanh", Float<"::mlir::math::TanhOp">.meaning, "g - g * r * r", Domain<"-3", "3">>;
def ArcsinhOp : Unary<"arcsinh", Float<"::mlir::math::AsinhOp">.meaning, "g / sqrt(x * x + 1.0)",
                      Domain<"-2", "2">>;
def ArccoshOp : Unary<"arccosh", Float<"::mlir::math::AcoshOp">.meaning, "g / sqrt((x - 1.0) * (x + 1.0))",
                      Domain<"1.5", "3">>;
def ArctanhOp : Unary<"arctanh", Float<"::mlir::math::AtanhOp">.meaning, "g / ((1.0 - x) * (x + 1.0))",
                      Domain<"-0.7", "0.7">>;
def ErfOp : Unary<"erf", Float<"::mlir::math::ErfOp">.meaning,
                  "g * (exp(-(x * x)) * 1.12837916709551257390)", Domain<"-2", "2">>;

// Functions of the runtime library: of doubles, float32 is rounded from them.
class Runtime<string callee> { string meaning = "runtimeScalar(builder, loc, \"" # callee # "\", arguments)"; }
def ErfcOp : Unary<"erfc", Float<"::mlir::math::ErfcOp">.meaning,
                   "-(g * (exp(-(x * x)) * 1.12837916709551257390))", Domain<"-2", "2">>;
def ErfinvOp : Unary<"erfinv", Runtime<"mpy_special_erfinv">.meaning,
                     "g * (exp(r * r) * 0.88622692545275801365)", Domain<"-0.8", "0.8">>;
def ErfcinvOp : Unary<"erfcinv", Runtime<"mpy_special_erfcinv">.meaning,
                      "-(g * (exp(r * r) * 0.88622692545275801365))", Domain<"0.2", "1.8">>;
def NdtrOp : Unary<"ndtr", Runtime<"mpy_special_ndtr">.meaning,
                   "g * (exp(x * x * -0.5) * 0.39894228040143267794)", Domain<"-2", "2">>;
def LogNdtrOp : Unary<"log_ndtr", Runtime<"mpy_special_log_ndtr">.meaning,
                      "g * (exp(x * x * -0.5 - r) * 0.39894228040143267794)", Domain<"-3", "2">>;
def NdtriOp : Unary<"ndtri", Runtime<"mpy_special_ndtri">.meaning,
                    "g * (exp(r * r * 0.5) * 2.50662827463100050242)", Domain<"0.2", "0.8">>;
def GammaOp : Unary<"gamma", Runtime<"mpy_special_gamma">.meaning, "g * (r * digamma(x))", Domain<"0.6", "3">>;

def SignOp : UnaryFlat<"sign", "signScalar(builder, loc, arguments)", NotDifferentiable<"constant but at 0">>;
def FloorOp : UnaryFlat<"floor", Float<"::mlir::math::FloorOp">.meaning,
                        NotDifferentiable<"constant between integers">>;
def CeilOp : UnaryFlat<"ceil", Float<"::mlir::math::CeilOp">.meaning,
                       NotDifferentiable<"constant between integers">>;
def RintOp : UnaryFlat<"rint", Float<"::mlir::math::RoundEvenOp">.meaning,
                       NotDifferentiable<"constant between half integers">>;
def TruncOp : UnaryFlat<"trunc", Float<"::mlir::math::TruncOp">.meaning,
                        NotDifferentiable<"constant between integers">>;
def StopGradientOp : UnaryFlat<"stop_gradient", "arguments[0]", NotDifferentiable<"a value alone, as the program asked for">>;
// ~x of integers, logical not of truth values.
def NotOp : UnaryFlat<"not", "invertScalar(builder, loc, arguments)", NotDifferentiable<"of integers">>;

//===------------------------------------------------------------------------------------------===//
// Integers and truth values: no derivative to speak of, operands are never floats.
//===------------------------------------------------------------------------------------------===//
class Bits<string op> { string meaning = "floatlessScalar<" # op # ">(builder, loc, arguments)"; }
class BinaryFlat<string mnemonic, string scalar>
    : Binary<mnemonic, scalar, "zero(g)", "zero(g)", Domain<"0", "0">, Domain<"0", "0">>;
def AndOp : BinaryFlat<"and", Bits<"::mlir::arith::AndIOp">.meaning>;
def OrOp : BinaryFlat<"or", Bits<"::mlir::arith::OrIOp">.meaning>;
def XorOp : BinaryFlat<"xor", Bits<"::mlir::arith::XOrIOp">.meaning>;
def ShiftLeftOp : BinaryFlat<"shift_left", "shiftLeftScalar(builder, loc, arguments)">;
def ShiftRightOp : BinaryFlat<"shift_right", "shiftRightScalar(builder, loc, arguments)">;
// Sets of numbers by their own numbers, 0 for none (runtime/Sets.cpp). Floats, so that they stand where tangents would.
def SetUnionOp : BinaryFlat<"set_union", Runtime<"mpy_set_union">.meaning>;

//===------------------------------------------------------------------------------------------===//
// Comparison, choice, conversion: rules in Primitives.cpp.
//===------------------------------------------------------------------------------------------===//
def CompareOp : Elementwise<"compare", formulaTraits> {
  let summary = "NaN compares as in C: only `ne` holds.";
  let arguments = (ins ComparePredicate:$predicate, Elements:$x, Elements:$y);
  let assemblyFormat = "$predicate $x `,` $y attr-dict `:` type($x) `,` type($y) `->` type($result)";
  let builders = [OpBuilder<(ins "::mpy::ComparePredicate":$predicate, "::mlir::Value":$x, "::mlir::Value":$y), [{
    build($_builder, $_state, elementwiseType({x, y}, $_builder.getI1Type()), predicate, x, y);
  }]>];
  let extraClassDefinition = verifyBody;
}
def SelectOp : Elementwise<"select", formulaTraits> {
  let summary = "x where the condition holds, y elsewhere; the branch not taken gets no adjoint, even if it is infinite.";
  let arguments = (ins Elements:$condition, Elements:$x, Elements:$y);
  let assemblyFormat = "$condition `,` $x `,` $y attr-dict `:` type($condition) `,` type($x) `,` type($y) `->` type($result)";
  let builders = [OpBuilder<(ins "::mlir::Value":$condition, "::mlir::Value":$x, "::mlir::Value":$y), [{
    build($_builder, $_state, elementwiseType({condition, x, y}, ::mlir::getElementTypeOrSelf(x)), condition, x, y);
  }]>];
  let extraClassDefinition = verifyBody;
}
def SincOp : Elementwise<"sinc", !listconcat(formulaTraits, [AllTypesMatch<["x", "result"]>])> {
  let summary = "sin(x) / x, 1 at 0, or its derivative of an order: accurate beside 0, too.";
  let arguments = (ins Elements:$x, DefaultValuedAttr<I64Attr, "0">:$order);
  let assemblyFormat = "$x attr-dict `:` type($x)";
  let extraClassDefinition = verifyBody;
}
def SpecialOp : Elementwise<"special", !listconcat(formulaTraits, [AllTypesMatch<["x", "result"]>])> {
  let summary = "A function of a family whose derivatives are in the family, by an order: polygamma (-1 is the logarithm of gamma, "
                "0 digamma), bessel_j, bessel_y, bessel_i, bessel_ie (times exp(-|x|)).";
  let arguments = (ins Elements:$x, DefaultValuedAttr<StrAttr, "\"polygamma\"">:$family, DefaultValuedAttr<I64Attr, "0">:$order);
  let assemblyFormat = "$x attr-dict `:` type($x)";
  let extraClassDefinition = verifyBody;
}
def CastOp : Elementwise<"cast", formulaTraits> {
  let summary = "Conversion between element types as NumPy's astype; index counts as int64; float to bool is x != 0.";
  let arguments = (ins Elements:$x);
  let assemblyFormat = "$x attr-dict `:` type($x) `->` type($result)";
  let builders = [OpBuilder<(ins "::mlir::Value":$x, "::mlir::Type":$element), [{
    build($_builder, $_state, elementwiseType({x}, element), x);
  }]>];
  let extraClassDefinition = verifyBody;
  let hasFolder = 1;
}
#endif
