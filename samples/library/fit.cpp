// Fits a curve with NLopt's L-BFGS and the gradient that mpyc has compiled. NLopt (Debian:
// libnlopt-cxx-dev) is small, maintained, and asks for a value and a gradient in one call, as
// compiled code gives them.
//
//   mpyc -c curve.mpy -o curve.o && mpyc curve.mpy -o curve.h
//   c++ fit.cpp curve.o libmpyrt.a -lnlopt_cxx -lmvec -lm -ldl -o fit
#include "curve.h"

#include <cstdio>
#include <memory>
#include <nlopt.hpp>
#include <stdexcept>
#include <vector>

namespace {

/// The points, and the state of compiled code.
struct Problem {
  std::unique_ptr<mpy_ctx, decltype(&mpy_ctx_free)> context{mpy_ctx_new(), mpy_ctx_free};
  std::vector<double> t, y;

  void check(int status) const {
    if (status != MPY_OK)
      throw std::runtime_error(mpy_error_message(context.get()));
  }
};

/// A vector as compiled code sees it. Inputs are never written.
struct View {
  int64_t size;
  mpy_array array;
  View(const std::vector<double> &values)
      : size(static_cast<int64_t>(values.size())),
        array(mpy_f64(const_cast<double *>(values.data()), 1, &size)) {}
  View(const View &) = delete;
};

/// What NLopt minimises. Exceptions pass through it, not through compiled code.
double loss(const std::vector<double> &p, std::vector<double> &gradient, void *data) {
  const auto &problem = *static_cast<const Problem *>(data);
  double value = 0;
  View P(p), T(problem.t), Y(problem.y), G(gradient);
  mpy_ctx *context = problem.context.get();
  problem.check(gradient.empty()
                    ? curve_loss(context, &P.array, &T.array, &Y.array, &value)
                    : curve_loss_value_and_grad(context, &P.array, &T.array, &Y.array, &value, &G.array));
  return value;
}

} // namespace

int main() {
  Problem problem;
  std::vector<double> truth{2.0, 0.3, 1.7, 0.5}, p{1.5, 0.2, 1.6, 0.0};
  for (int i = 0; i < 60; ++i)
    problem.t.push_back(0.1 * i);
  problem.y.resize(problem.t.size());
  View Truth(truth), T(problem.t), Y(problem.y);
  try {
    problem.check(curve_values(problem.context.get(), &Truth.array, &T.array, &Y.array));
    nlopt::opt optimiser(nlopt::LD_LBFGS, 4);
    optimiser.set_min_objective(loss, &problem);
    optimiser.set_xtol_rel(1e-10);
    double least = 0;
    optimiser.optimize(p, least);
    std::printf("%d evaluations, loss %.1e\n", optimiser.get_numevals(), least > 1e-15 ? least : 0.0);
    std::printf("p = %.3f %.3f %.3f %.3f\n", p[0], p[1], p[2], p[3]);
    // What the program raises is an exception here.
    problem.y.pop_back();
    std::vector<double> none;
    loss(p, none, &problem);
  } catch (const std::exception &error) {
    std::printf("%s\n", error.what());
  }
  return 0;
}
