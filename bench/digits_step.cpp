// One training step of the digits network 64-128-64-10, batch 64, written by hand over OpenBLAS:
// what the compiled program is measured against. Reads images, labels and initial weights as
// doubles from one file: rows, then the images (rows x 64), the labels (rows), and each layer's
// weights.
#include <algorithm>
#include <cblas.h>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <vector>

static constexpr int layers = 3, batch = 64, classes = 10;
static constexpr int sizes[] = {64, 128, 64, classes};
using Array = std::vector<double>;

struct Network {
  Array weights[layers], biases[layers];
  Array activations[layers + 1], errors[layers + 1], weightGradients[layers], biasGradients[layers];

  double step(const double *images, const double *labels, int rows, double rate);
};

/// Turns scores into probabilities in place and returns the summed cross entropy.
static double softmax(double *scores, const double *labels, int rows) {
  double loss = 0;
  for (int i = 0; i < rows; ++i) {
    double *row = scores + i * classes;
    double largest = *std::max_element(row, row + classes), sum = 0;
    double wanted = row[int(labels[i])] - largest;
    for (int j = 0; j < classes; ++j)
      sum += row[j] = std::exp(row[j] - largest);
    for (int j = 0; j < classes; ++j)
      row[j] /= sum;
    loss += std::log(sum) - wanted;
  }
  return loss;
}

double Network::step(const double *images, const double *labels, int rows, double rate) {
  const double *input = images;
  for (int l = 0; l < layers; ++l) {
    int m = sizes[l + 1];
    double *out = activations[l + 1].data();
    for (int i = 0; i < rows; ++i)
      std::copy(biases[l].begin(), biases[l].end(), out + i * m);
    cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, rows, m, sizes[l], 1, input, sizes[l],
                weights[l].data(), m, 1, out, m);
    if (l + 1 < layers)
      for (int i = 0; i < rows * m; ++i)
        out[i] = std::tanh(out[i]);
    input = out;
  }
  double loss = softmax(activations[layers].data(), labels, rows);
  double *error = errors[layers].data();
  for (int i = 0; i < rows * classes; ++i)
    error[i] = (activations[layers][i] - (i % classes == int(labels[i / classes]))) / rows;

  for (int l = layers - 1; l >= 0; --l) {
    int k = sizes[l], m = sizes[l + 1];
    const double *in = l ? activations[l].data() : images;
    cblas_dgemm(CblasRowMajor, CblasTrans, CblasNoTrans, k, m, rows, 1, in, k, errors[l + 1].data(),
                m, 0, weightGradients[l].data(), m);
    std::fill(biasGradients[l].begin(), biasGradients[l].end(), 0.0);
    for (int i = 0; i < rows; ++i)
      for (int j = 0; j < m; ++j)
        biasGradients[l][j] += errors[l + 1][i * m + j];
    if (l) {
      cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, rows, k, m, 1, errors[l + 1].data(), m,
                  weights[l].data(), m, 0, errors[l].data(), k);
      for (int i = 0; i < rows * k; ++i)
        errors[l][i] *= 1 - activations[l][i] * activations[l][i];
    }
    for (size_t i = 0; i < weights[l].size(); ++i)
      weights[l][i] -= rate * weightGradients[l][i];
    for (size_t i = 0; i < biases[l].size(); ++i)
      biases[l][i] -= rate * biasGradients[l][i];
  }
  return loss / rows;
}

static Array readArray(std::FILE *file, size_t count) {
  Array values(count);
  if (std::fread(values.data(), sizeof(double), count, file) != count)
    std::perror("digits_step"), std::exit(1);
  return values;
}

int main(int, char **arguments) {
  std::FILE *file = std::fopen(arguments[1], "rb");
  if (!file)
    return std::perror(arguments[1]), 1;
  int rows = int(readArray(file, 1)[0]);
  Array images = readArray(file, size_t(rows) * sizes[0]), labels = readArray(file, rows);
  Network network;
  for (int l = 0; l < layers; ++l) {
    network.weights[l] = readArray(file, size_t(sizes[l]) * sizes[l + 1]);
    network.biases[l].resize(sizes[l + 1]);
    network.weightGradients[l].resize(network.weights[l].size());
    network.biasGradients[l].resize(sizes[l + 1]);
    network.activations[l + 1].resize(size_t(batch) * sizes[l + 1]);
    network.errors[l + 1].resize(size_t(batch) * sizes[l + 1]);
  }
  for (int epoch = 0; epoch < 30; ++epoch) {
    auto start = std::chrono::steady_clock::now();
    double total = 0;
    for (int first = 0; first < rows; first += batch)
      total += network.step(&images[size_t(first) * sizes[0]], &labels[first],
                            std::min(batch, rows - first), 0.1);
    std::printf("time %.9f\n",
                std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
    std::printf("result %.6f\n", total);
  }
}
