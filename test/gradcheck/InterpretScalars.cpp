// arith and math on scalars.
#include "Interpreter.h"
#include "mpyrt.h"

#include <cmath>

using namespace mlir;
using namespace mpy;
using namespace mpy::check;

using Unary = double (*)(double);
using Binary = double (*)(double, double);

static const llvm::StringMap<Unary> &unaries() {
  static const llvm::StringMap<Unary> table = {
      {"arith.negf", [](double x) { return -x; }},
      {"math.absf", [](double x) { return std::fabs(x); }},
      {"math.exp", [](double x) { return std::exp(x); }},
      {"math.expm1", [](double x) { return std::expm1(x); }},
      {"math.exp2", [](double x) { return std::exp2(x); }},
      {"math.log", [](double x) { return std::log(x); }},
      {"math.log1p", [](double x) { return std::log1p(x); }},
      {"math.log2", [](double x) { return std::log2(x); }},
      {"math.log10", [](double x) { return std::log10(x); }},
      {"math.sqrt", [](double x) { return std::sqrt(x); }},
      {"math.cbrt", [](double x) { return std::cbrt(x); }},
      {"math.sin", [](double x) { return std::sin(x); }},
      {"math.cos", [](double x) { return std::cos(x); }},
      {"math.tan", [](double x) { return std::tan(x); }},
      {"math.asin", [](double x) { return std::asin(x); }},
      {"math.acos", [](double x) { return std::acos(x); }},
      {"math.atan", [](double x) { return std::atan(x); }},
      {"math.sinh", [](double x) { return std::sinh(x); }},
      {"math.cosh", [](double x) { return std::cosh(x); }},
      {"math.tanh", [](double x) { return std::tanh(x); }},
      {"math.asinh", [](double x) { return std::asinh(x); }},
      {"math.acosh", [](double x) { return std::acosh(x); }},
      {"math.atanh", [](double x) { return std::atanh(x); }},
      {"math.erf", [](double x) { return std::erf(x); }},
      {"math.erfc", [](double x) { return std::erfc(x); }},
      {"mpy_special_erfinv", mpy_special_erfinv},
      {"mpy_special_erfcinv", mpy_special_erfcinv},
      {"mpy_special_ndtr", mpy_special_ndtr},
      {"mpy_special_log_ndtr", mpy_special_log_ndtr},
      {"mpy_special_ndtri", mpy_special_ndtri},
      {"mpy_special_gamma", mpy_special_gamma},
      {"math.floor", [](double x) { return std::floor(x); }},
      {"math.ceil", [](double x) { return std::ceil(x); }},
      {"math.roundeven", [](double x) { return std::nearbyint(x); }},
      {"math.trunc", [](double x) { return std::trunc(x); }},
      {"arith.extf", [](double x) { return x; }},
      {"arith.truncf", [](double x) { return double(float(x)); }},
      {"arith.sitofp", [](double x) { return x; }},
      {"arith.uitofp", [](double x) { return x; }},
      {"arith.fptosi", [](double x) { return std::trunc(x); }},
      {"arith.index_cast", [](double x) { return x; }},
      {"arith.extsi", [](double x) { return x; }},
      {"arith.extui", [](double x) { return x; }},
  };
  return table;
}

static const llvm::StringMap<Binary> &binaries() {
  static const llvm::StringMap<Binary> table = {
      {"arith.addf", [](double x, double y) { return x + y; }},
      {"arith.subf", [](double x, double y) { return x - y; }},
      {"arith.mulf", [](double x, double y) { return x * y; }},
      {"arith.divf", [](double x, double y) { return x / y; }},
      {"arith.remf", [](double x, double y) { return std::fmod(x, y); }},
      {"arith.maximumf",
       [](double x, double y) { return std::isnan(x)   ? x
                                       : std::isnan(y) ? y
                                                       : std::max(x, y); }},
      {"arith.minimumf",
       [](double x, double y) { return std::isnan(x)   ? x
                                       : std::isnan(y) ? y
                                                       : std::min(x, y); }},
      {"math.powf", [](double x, double y) { return std::pow(x, y); }},
      {"mpy_special_polygamma", mpy_special_polygamma},
      {"mpy_special_bessel_j", mpy_special_bessel_j},
      {"mpy_special_bessel_y", mpy_special_bessel_y},
      {"mpy_special_bessel_i", mpy_special_bessel_i},
      {"mpy_special_bessel_ie", mpy_special_bessel_ie},
      {"math.atan2", [](double x, double y) { return std::atan2(x, y); }},
      {"math.copysign", [](double x, double y) { return std::copysign(x, y); }},
      {"arith.addi", [](double x, double y) { return x + y; }},
      {"arith.subi", [](double x, double y) { return x - y; }},
      {"arith.muli", [](double x, double y) { return x * y; }},
      {"arith.divsi", [](double x, double y) { return std::trunc(x / y); }},
      {"arith.remsi", [](double x, double y) { return std::fmod(x, y); }},
      {"arith.andi", [](double x, double y) { return double(int64_t(x) & int64_t(y)); }},
      {"arith.ori", [](double x, double y) { return double(int64_t(x) | int64_t(y)); }},
      {"arith.xori", [](double x, double y) { return double(int64_t(x) ^ int64_t(y)); }},
      {"arith.maxsi", [](double x, double y) { return std::max(x, y); }},
      {"arith.minsi", [](double x, double y) { return std::min(x, y); }},
  };
  return table;
}

static bool compare(arith::CmpFPredicate predicate, double x, double y) {
  switch (predicate) {
  case arith::CmpFPredicate::OEQ:
    return x == y;
  case arith::CmpFPredicate::UNE:
    return x != y;
  case arith::CmpFPredicate::OLT:
    return x < y;
  case arith::CmpFPredicate::OLE:
    return x <= y;
  case arith::CmpFPredicate::OGT:
    return x > y;
  case arith::CmpFPredicate::OGE:
    return x >= y;
  case arith::CmpFPredicate::UNO:
    return std::isnan(x) || std::isnan(y);
  default:
    llvm::report_fatal_error("comparison of floats unknown to the interpreter");
  }
}

static bool compare(arith::CmpIPredicate predicate, double x, double y) {
  switch (predicate) {
  case arith::CmpIPredicate::eq:
    return x == y;
  case arith::CmpIPredicate::ne:
    return x != y;
  case arith::CmpIPredicate::slt:
  case arith::CmpIPredicate::ult:
    return x < y;
  case arith::CmpIPredicate::sle:
  case arith::CmpIPredicate::ule:
    return x <= y;
  case arith::CmpIPredicate::sgt:
  case arith::CmpIPredicate::ugt:
    return x > y;
  case arith::CmpIPredicate::sge:
  case arith::CmpIPredicate::uge:
    return x >= y;
  }
  llvm_unreachable("all predicates are listed");
}

std::optional<double> check::evaluateScalar(Operation *op, ArrayRef<double> operands) {
  StringRef name = op->getName().getStringRef();
  if (auto call = dyn_cast<ScalarCallOp>(op))
    name = call.getCallee();
  if (auto known = unaries().find(name); known != unaries().end())
    return known->second(operands[0]);
  if (auto known = binaries().find(name); known != binaries().end()) {
    double result = known->second(operands[0], operands[1]);
    // Truth values are 0 and 1.
    return op->getResult(0).getType().isInteger(1) ? double(int64_t(result) & 1) : result;
  }
  if (auto comparison = dyn_cast<arith::CmpFOp>(op))
    return compare(comparison.getPredicate(), operands[0], operands[1]);
  if (auto comparison = dyn_cast<arith::CmpIOp>(op))
    return compare(comparison.getPredicate(), operands[0], operands[1]);
  return std::nullopt;
}
