// Array operations as nested loops.
#include "Interpreter.h"

#include <cmath>
#include <numeric>

using namespace mlir;
using namespace mpy;
using namespace mpy::check;

using Index = std::vector<int64_t>;

Index check::resultShape(Type type, ArrayRef<int64_t> open) {
  Index shape;
  if (auto tensor = dyn_cast<RankedTensorType>(type))
    for (int64_t extent : tensor.getShape()) {
      shape.push_back(ShapedType::isDynamic(extent) ? open.front() : extent);
      if (ShapedType::isDynamic(extent))
        open = open.drop_front();
    }
  return shape;
}

static Index integers(Interpreter &in, ValueRange values) {
  Index result;
  for (Value value : values)
    result.push_back(in.get(value).integer());
  return result;
}

/// Calls a function with every index of a shape.
static void forEach(const Index &shape, llvm::function_ref<void(const Index &)> visit) {
  if (llvm::is_contained(shape, 0))
    return;
  Index index(shape.size(), 0);
  do
    visit(index);
  while (step(index, shape));
}

static Data constant(arith::ConstantOp op) {
  auto number = [](Attribute attribute) {
    if (auto value = dyn_cast<FloatAttr>(attribute))
      return value.getValueAsDouble();
    auto value = cast<IntegerAttr>(attribute);
    return value.getType().isInteger(1) ? double(value.getValue().getZExtValue())
                                        : double(value.getInt());
  };
  auto elements = dyn_cast<DenseElementsAttr>(op.getValue());
  if (!elements)
    return number(op.getValue());
  Data result(Index(elements.getType().getShape()));
  for (auto [position, element] : llvm::enumerate(elements.getValues<Attribute>()))
    result.elements[position] = number(element);
  return result;
}

static Data broadcast(const Data &x, Index shape) {
  Data result(shape);
  forEach(shape, [&](const Index &index) {
    Index from(index.end() - x.shape.size(), index.end());
    for (auto [place, extent] : llvm::zip(from, x.shape))
      place = extent == 1 ? 0 : place;
    result.elements[result.offset(index)] = x.elements[x.offset(from)];
  });
  return result;
}

static Data unstretch(const Data &x, Index shape) {
  Data result(shape);
  forEach(x.shape, [&](const Index &index) {
    Index to = index;
    for (auto [place, extent] : llvm::zip(to, shape))
      place = extent == 1 ? 0 : place;
    result.elements[result.offset(to)] += x.elements[x.offset(index)];
  });
  return result;
}

static Index without(const Index &index, ArrayRef<int64_t> axes) {
  Index rest;
  for (auto [dimension, place] : llvm::enumerate(index))
    if (!llvm::is_contained(axes, int64_t(dimension)))
      rest.push_back(place);
  return rest;
}

static Data reduce(const Data &x, ArrayRef<int64_t> axes, double initial,
                   double (*combine)(double, double)) {
  Data result(without(x.shape, axes), initial);
  forEach(x.shape, [&](const Index &index) {
    double &cell = result.elements[result.offset(without(index, axes))];
    cell = combine(cell, x.elements[x.offset(index)]);
  });
  return result;
}

static Data extremeIndex(const Data &x, int64_t axis, double sign) {
  Data result(without(x.shape, axis), -1), best(without(x.shape, axis), 0);
  forEach(x.shape, [&](const Index &index) {
    int64_t place = result.offset(without(index, axis));
    double value = sign * x.elements[x.offset(index)];
    if (result.elements[place] < 0 || value > best.elements[place]) {
      result.elements[place] = index[axis];
      best.elements[place] = value;
    }
  });
  return result;
}

static Data cumulate(const Data &x, int64_t axis, bool reverse) {
  Data result(x.shape);
  forEach(x.shape, [&](const Index &index) {
    Index from = index;
    for (from[axis] = reverse ? index[axis] : 0;
         from[axis] <= (reverse ? x.shape[axis] - 1 : index[axis]); ++from[axis])
      result.elements[x.offset(index)] += x.elements[x.offset(from)];
  });
  return result;
}

/// Element (row, column) of a matrix, or of matrix `number` of a stack.
static double element(const Data &x, int64_t number, int64_t row, int64_t column, bool flip) {
  Index index = flip ? Index{column, row} : Index{row, column};
  if (x.shape.size() == 3)
    index.insert(index.begin(), number);
  return x.elements[x.offset(index)];
}

static Data multiply(const Data &x, const Data &y, bool flipX, bool flipY, bool summed) {
  auto fromEnd = [](const Data &data, int64_t place) {
    return data.shape[data.shape.size() - place];
  };
  int64_t rows = fromEnd(x, flipX ? 1 : 2), inner = fromEnd(x, flipX ? 2 : 1),
          columns = fromEnd(y, flipY ? 2 : 1);
  bool isStack = x.shape.size() == 3 || y.shape.size() == 3;
  int64_t count = !isStack ? 1 : x.shape.size() == 3 ? x.shape[0] : y.shape[0];
  Data result(isStack && !summed ? Index{count, rows, columns} : Index{rows, columns});
  for (int64_t number = 0; number < count; ++number)
    for (int64_t i = 0; i < rows; ++i)
      for (int64_t j = 0; j < columns; ++j)
        for (int64_t k = 0; k < inner; ++k)
          result.elements[((summed ? 0 : number) * rows + i) * columns + j] +=
              element(x, number, i, k, flipX) * element(y, number, k, j, flipY);
  return result;
}

/// Calls a function with each index of a slice and the index it reads.
template <typename OpT>
static void forSlice(Interpreter &in, OpT op,
                     llvm::function_ref<void(const Index &whole, const Index &part)> visit) {
  Index offsets = integers(in, op.getOffsets()), sizes = integers(in, op.getSizes()),
        strides = integers(in, op.getStrides());
  forEach(sizes, [&](const Index &index) {
    Index whole;
    for (auto [place, offset, stride] : llvm::zip(index, offsets, strides))
      whole.push_back(offset + place * stride);
    visit(whole, without(index, op.getDropped()));
  });
}

/// Calls a function with each index of a gather and the index it reads.
static void forGather(Interpreter &in, const Data &x, ValueRange indices,
                      llvm::function_ref<void(const Index &whole, const Index &part)> visit) {
  const Index &lead = in.get(indices.front()).shape;
  Index rest(x.shape.begin() + indices.size(), x.shape.end()), shape = lead;
  llvm::append_range(shape, rest);
  forEach(shape, [&](const Index &part) {
    Index whole, position(part.begin(), part.begin() + lead.size());
    for (Value index : indices)
      whole.push_back(int64_t(in.get(index).elements[in.get(index).offset(position)]));
    whole.insert(whole.end(), part.begin() + lead.size(), part.end());
    visit(whole, part);
  });
}

static Data concat(Interpreter &in, ConcatOp op) {
  Index shape = in.get(op.getParts().front()).shape;
  int64_t axis = op.getAxis(), start = 0;
  shape[axis] = 0;
  for (Value part : op.getParts())
    shape[axis] += in.get(part).shape[axis];
  Data result(shape);
  for (Value part : op.getParts()) {
    const Data &x = in.get(part);
    forEach(x.shape, [&](const Index &index) {
      Index to = index;
      to[axis] += start;
      result.elements[result.offset(to)] = x.elements[x.offset(index)];
    });
    start += x.shape[axis];
  }
  return result;
}

static std::optional<Data> evaluate(Operation *op, Interpreter &in) {
  auto x = [&]() -> const Data & { return in.get(op->getOperand(0)); };
  auto sized = [&](auto shaped) {
    return resultShape(shaped.getType(), integers(in, shaped.getSizes()));
  };
  return TypeSwitch<Operation *, std::optional<Data>>(op)
      .Case([&](arith::ConstantOp c) { return constant(c); })
      .Case([&](arith::SelectOp c) { return in.get(op->getOperand(x().scalar() != 0 ? 1 : 2)); })
      .Case([&](tensor::DimOp) {
        return Data(double(x().shape[in.get(op->getOperand(1)).integer()]));
      })
      .Case([&](tensor::CastOp) { return x(); })
      .Case([&](BroadcastOp c) { return broadcast(x(), sized(c)); })
      .Case([&](StretchOp c) { return broadcast(x(), sized(c)); })
      .Case([&](UnstretchOp c) { return unstretch(x(), sized(c)); })
      .Case([&](ReshapeOp c) {
        Data result(sized(c));
        if (result.count() != x().count())
          llvm::report_fatal_error("reshape changes the size");
        result.elements = x().elements;
        return result;
      })
      .Case([&](TransposeOp c) {
        Index shape;
        for (int64_t dimension : c.getPermutation())
          shape.push_back(x().shape[dimension]);
        Data result(shape);
        forEach(shape, [&](const Index &index) {
          Index from(index.size());
          for (auto [position, dimension] : llvm::enumerate(c.getPermutation()))
            from[dimension] = index[position];
          result.elements[result.offset(index)] = x().elements[x().offset(from)];
        });
        return result;
      })
      .Case([&](ConcatOp c) { return concat(in, c); })
      .Case<FirstRowsOp, PadRowsOp>([&](auto c) {
        Index shape = x().shape;
        shape[0] = in.get(c.getCount()).integer();
        Data result(shape);
        size_t count = std::min(result.elements.size(), x().elements.size());
        std::copy_n(x().elements.begin(), count, result.elements.begin());
        return result;
      })
      .Case([&](FromElementsOp c) {
        Data result(resultShape(c.getType(), {}));
        for (auto [position, element] : llvm::enumerate(c.getElements()))
          result.elements[position] = in.get(element).scalar();
        return result;
      })
      .Case([&](IotaOp c) {
        Data result(sized(c));
        for (size_t i = 0; i < result.elements.size(); ++i)
          result.elements[i] = i;
        return result;
      })
      .Case([&](SumOp c) {
        return reduce(x(), c.getAxes(), 0, [](double a, double b) { return a + b; });
      })
      .Case([&](ProdOp c) {
        return reduce(x(), c.getAxes(), 1, [](double a, double b) { return a * b; });
      })
      .Case([&](MaxOp c) {
        return reduce(x(), c.getAxes(), -INFINITY,
                      [](double a, double b) { return std::max(a, b); });
      })
      .Case([&](MinOp c) {
        return reduce(x(), c.getAxes(), INFINITY,
                      [](double a, double b) { return std::min(a, b); });
      })
      .Case([&](AnyOp c) {
        return reduce(x(), c.getAxes(), 0, [](double a, double b) { return std::max(a, b); });
      })
      .Case([&](AllOp c) {
        return reduce(x(), c.getAxes(), 1, [](double a, double b) { return std::min(a, b); });
      })
      .Case([&](ArgMaxOp c) { return extremeIndex(x(), c.getAxis(), 1); })
      .Case([&](ArgMinOp c) { return extremeIndex(x(), c.getAxis(), -1); })
      .Case([&](CumsumOp c) { return cumulate(x(), c.getAxis(), c.getReverse()); })
      .Case([&](MatmulOp c) {
        return multiply(x(), in.get(c.getY()), c.getTransposeX(), c.getTransposeY(), c.getSummed());
      })
      .Case([&](SliceOp c) {
        Data result(without(integers(in, c.getSizes()), c.getDropped()));
        forSlice(in, c, [&](const Index &whole, const Index &part) {
          result.elements[result.offset(part)] = x().elements[x().offset(whole)];
        });
        return result;
      })
      .Case([&](UpdateSliceOp c) {
        Data result = in.get(c.getX());
        const Data &value = in.get(c.getValue());
        bool isTensor = isa<RankedTensorType>(c.getValue().getType());
        forSlice(in, c, [&](const Index &whole, const Index &part) {
          result.elements[result.offset(whole)] =
              isTensor ? value.elements[value.offset(part)] : value.scalar();
        });
        return result;
      })
      .Case(
          [&](ExtractOp c) { return Data(x().elements[x().offset(integers(in, c.getIndices()))]); })
      .Case([&](InsertOp c) {
        Data result = in.get(c.getX());
        result.elements[result.offset(integers(in, c.getIndices()))] =
            in.get(c.getValue()).scalar();
        return result;
      })
      .Case([&](GatherOp c) {
        Index shape = in.get(c.getIndices().front()).shape;
        shape.insert(shape.end(), x().shape.begin() + c.getIndices().size(), x().shape.end());
        Data result(shape);
        forGather(in, x(), c.getIndices(), [&](const Index &whole, const Index &part) {
          result.elements[result.offset(part)] = x().elements[x().offset(whole)];
        });
        return result;
      })
      .Case([&](ScatterOp c) {
        Data result = in.get(c.getX());
        const Data &value = in.get(c.getValue());
        forGather(in, result, c.getIndices(), [&](const Index &whole, const Index &part) {
          double &cell = result.elements[result.offset(whole)];
          cell = value.elements[value.offset(part)] + (c.getAccumulate() ? cell : 0);
        });
        return result;
      })
      .Case([&](FourierOp c) {
        Data result(x().shape);
        size_t axis = x().shape.size() - 2 - c.getBehind();
        int64_t n = x().shape[axis], step = 1;
        for (size_t i = axis + 1; i < x().shape.size(); ++i)
          step *= x().shape[i];
        double turn = (c.getInverse() ? 2 : -2) * std::acos(-1.0) / n;
        for (int64_t row = 0; row < x().count(); row += n * step)
          for (int64_t at = row; at < row + step; at += 2)
            for (int64_t k = 0; k < n; ++k)
              for (int64_t j = 0; j < n; ++j) {
                double a = x().elements[at + step * j], b = x().elements[at + step * j + 1];
                double u = std::cos(turn * j * k), v = std::sin(turn * j * k);
                result.elements[at + step * k] += a * u - b * v;
                result.elements[at + step * k + 1] += a * v + b * u;
              }
        return result;
      })
      .Case([&](ArgsortOp) {
        Data result(x().shape);
        int64_t length = x().shape.back();
        for (int64_t row = 0; row < x().count(); row += length) {
          std::vector<int64_t> order(length);
          std::iota(order.begin(), order.end(), 0);
          std::sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
            return x().elements[row + a] < x().elements[row + b];
          });
          std::copy(order.begin(), order.end(), result.elements.begin() + row);
        }
        return result;
      })
      .Case([&](NormalizeIndexOp c) {
        Data result = in.get(c.getIndex());
        for (double &element : result.elements)
          element += element < 0 ? in.get(c.getExtent()).scalar() : 0;
        return result;
      })
      .Case([&](CheckedIntOp c) {
        double left = x().scalar(), right = in.get(c.getY()).scalar();
        switch (c.getKind()) {
        case IntegerKind::add:
          return Data(left + right);
        case IntegerKind::sub:
          return Data(left - right);
        case IntegerKind::mul:
          return Data(left * right);
        case IntegerKind::pow:
          return Data(std::pow(left, right));
        }
        llvm_unreachable("all kinds are listed");
      })
      .Default([](Operation *) { return std::nullopt; });
}

bool check::evaluateArrays(Operation *op, Interpreter &interpreter) {
  if (isa<CheckOp, RuntimeEffectOp>(op) && op->getNumResults() == 0)
    return true;
  std::optional<Data> result = evaluate(op, interpreter);
  if (result)
    interpreter.set(op->getResult(0), std::move(*result));
  return result.has_value();
}
