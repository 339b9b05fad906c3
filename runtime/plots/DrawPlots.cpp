// Draws what the records of plots say, by lang/drawing, a program that mpyc has compiled to
// exported functions (libmpyplots.a). Each of them does one small step; this repeats them, as
// lang/python/mpy/_primitives.py does. They run with a context of their own, and what they raise
// the program raises.
#include "../Context.h"

#include "mpy.h"

#include <cstring>

extern "C" {
int drawing_tables(mpy_ctx *ctx, const mpy_array *log, mpy_array *figures, mpy_array *axes,
                   mpy_array *handles, mpy_array *numbers);
int drawing_scan_record(mpy_ctx *ctx, const mpy_array *log, const mpy_array *figures,
                        const mpy_array *axes, const mpy_array *handles, const mpy_array *numbers,
                        int64_t at, mpy_array *record, mpy_array *newFigures, mpy_array *newAxes,
                        mpy_array *newHandles, mpy_array *newNumbers);
int drawing_plan(mpy_ctx *ctx, const mpy_array *log, const mpy_array *figures,
                 const mpy_array *axes, const mpy_array *handles, const mpy_array *numbers,
                 int64_t at, mpy_array *steps);
int drawing_arrange(mpy_ctx *ctx, const mpy_array *log, const mpy_array *figures,
                    const mpy_array *axes, const mpy_array *handles, const mpy_array *numbers,
                    const mpy_array *ticks, int64_t kind, int64_t figure, int64_t k, int64_t axis,
                    mpy_array *newFigures, mpy_array *newAxes, mpy_array *newTicks);
int drawing_paint_step(mpy_ctx *ctx, const mpy_array *log, const mpy_array *figures,
                       const mpy_array *axes, const mpy_array *handles, const mpy_array *numbers,
                       const mpy_array *ticks, const mpy_array *texts, int64_t kind, int64_t figure,
                       int64_t k, int64_t other, int64_t number, int64_t turn, int64_t last,
                       mpy_array *newTexts, int64_t *again);
}

namespace mpy {
namespace {

/// An array that compiled code has made, or an empty one.
class Made {
public:
  explicit Made(int rank) : rank(rank) {}
  ~Made() { clear(); }
  Made(const Made &) = delete;
  Made &operator=(const Made &) = delete;
  void take(Made &other) {
    clear();
    array = other.array;
    other.array.data = nullptr;
  }
  void clear() {
    if (array.data)
      mpy_array_free(&array);
    array.data = nullptr;
  }
  operator const mpy_array *() const { return array.data ? &array : &nothing; }
  /// Where compiled code puts one; its shape is part of what it makes.
  mpy_array *result() {
    clear();
    array = mpy_f64(nullptr, rank, none);
    return &array;
  }
  const double *numbers() const { return static_cast<const double *>(array.data); }
  int64_t size(int axis) const { return array.shape[axis]; }

private:
  int rank;
  int64_t none[2] = {0, 0};
  double number = 0;
  mpy_array array = mpy_f64(nullptr, 1, none);
  mpy_array nothing = mpy_f64(&number, 1, none);
};

class Drawing {
public:
  Drawing(mpy_ctx *ctx, double *log, int64_t size) : ctx(ctx), values(log), size(size) {
    array = mpy_f64(log, 1, &this->size);
  }
  int draw();

private:
  int scan();
  int step(const double *row);

  mpy_ctx *ctx;
  double *values;
  int64_t size;
  mpy_array array;
  int64_t last = 0;
  Made figures{2}, axes{2}, handles{2}, numbers{1}, ticks{1}, texts{1};
};

} // namespace

int Drawing::scan() {
  Made record{1}, newFigures{2}, newAxes{2}, newHandles{2}, newNumbers{1};
  int status = drawing_tables(ctx, &array, figures.result(), axes.result(), handles.result(),
                              numbers.result());
  for (int64_t at = 0; status == MPY_OK && at < size; at += static_cast<int64_t>(values[at + 1])) {
    last = at;
    status = drawing_scan_record(ctx, &array, figures, axes, handles, numbers, at, record.result(),
                                 newFigures.result(), newAxes.result(), newHandles.result(),
                                 newNumbers.result());
    if (status != MPY_OK)
      break;
    memcpy(values + at, record.numbers(), static_cast<size_t>(record.size(0)) * sizeof(double));
    figures.take(newFigures);
    axes.take(newAxes);
    handles.take(newHandles);
    numbers.take(newNumbers);
  }
  return status;
}

/// A row of the plan: whether it paints, what it does, figure, axes, record or axis, number of the
/// file.
int Drawing::step(const double *row) {
  int64_t part[6];
  for (int i = 0; i < 6; ++i)
    part[i] = static_cast<int64_t>(row[i]);
  if (!part[0]) {
    Made newFigures{2}, newAxes{2}, newTicks{1};
    int status =
        drawing_arrange(ctx, &array, figures, axes, handles, numbers, ticks, part[1], part[2],
                        part[3], part[4], newFigures.result(), newAxes.result(), newTicks.result());
    if (status == MPY_OK) {
      figures.take(newFigures);
      axes.take(newAxes);
      ticks.take(newTicks);
    }
    return status;
  }
  int64_t turn = 0;
  do {
    Made newTexts{1};
    int status = drawing_paint_step(ctx, &array, figures, axes, handles, numbers, ticks, texts,
                                    part[1], part[2], part[3], part[4], part[5], turn, last,
                                    newTexts.result(), &turn);
    if (status != MPY_OK)
      return status;
    texts.take(newTexts);
  } while (turn);
  return MPY_OK;
}

int Drawing::draw() {
  int status = scan();
  Made steps{2};
  if (status == MPY_OK)
    status = drawing_plan(ctx, &array, figures, axes, handles, numbers, last, steps.result());
  for (int64_t i = 0; status == MPY_OK && i < steps.size(0); ++i)
    status = step(steps.numbers() + 6 * i);
  return status;
}

} // namespace mpy

using namespace mpy;

void mpy_plots_draw(const char *file, int64_t line) {
  const PlotRecords &plots = finishedPlots();
  mpy_flush(1);
  size_t bytes = static_cast<size_t>(plots.size) * sizeof(double);
  // Scanning changes records; the next drawing begins with them as they are.
  double *log = static_cast<double *>(allocateRaw(bytes));
  memcpy(log, plots.values, bytes);
  mpy_ctx *ctx = mpy_ctx_new();
  if (!ctx)
    raiseNoMemory(static_cast<int64_t>(bytes));
  int status = Drawing(ctx, log, plots.size).draw();
  char kind[64], text[1024];
  snprintf(kind, sizeof kind, "%s", mpy_error_kind(ctx));
  snprintf(text, sizeof text, "%s", mpy_error_text(ctx));
  mpy_ctx_free(ctx);
  freeRaw(log);
  if (status != MPY_OK)
    raise({file, line}, kind, "%s", text);
}
