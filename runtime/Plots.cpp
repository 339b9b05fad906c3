// What calls of matplotlib.pyplot say, as records of numbers: its kind, its size, and what is said.
// A list is its length and its items, a text its length and its characters
// (lang/library/matplotlib/_records.mpy).
#include "Context.h"

#include "TextBuilder.h"

#include <cstdlib>

namespace mpy {

static double *room(int64_t count) {
  PlotRecords &plots = context().plots;
  if (plots.size + count > plots.capacity) {
    int64_t capacity = 2 * (plots.size + count) + 64;
    // Records outlive the calls that make them.
    void *values = realloc(plots.values, static_cast<size_t>(capacity) * sizeof(double));
    if (!values)
      raiseNoMemory(capacity * static_cast<int64_t>(sizeof(double)));
    plots.values = static_cast<double *>(values);
    plots.capacity = capacity;
  }
  double *found = plots.values + plots.size;
  plots.size += count;
  return found;
}

static void finish() {
  PlotRecords &plots = context().plots;
  if (plots.size > 0)
    plots.values[plots.newest + 1] = static_cast<double>(plots.size - plots.newest);
}

const PlotRecords &finishedPlots() {
  finish();
  return context().plots;
}

} // namespace mpy

using namespace mpy;

int64_t mpy_plots_begin(int64_t kind) {
  finish();
  PlotRecords &plots = context().plots;
  double *record = room(2);
  record[0] = static_cast<double>(kind);
  plots.newest = plots.size - 2;
  return plots.newest;
}

void mpy_plots_number(double value) { *room(1) = value; }

void mpy_plots_list(const mpy_view *values) {
  int64_t count = values->sizes[0], stride = values->strides ? values->strides[0] : 1;
  double *list = room(count + 1);
  *list++ = static_cast<double>(count);
  for (int64_t i = 0; i < count; ++i)
    list[i] = static_cast<const double *>(values->data)[i * stride];
}

void mpy_plots_text(const mpy_text *text) {
  double *list = room(text->length + 1);
  int64_t count = 0;
  const auto *bytes = reinterpret_cast<const unsigned char *>(text->bytes);
  for (int64_t i = 0; i < text->length;) {
    unsigned first = bytes[i++], code = first;
    int more = first < 0xC0 ? 0 : first < 0xE0 ? 1 : first < 0xF0 ? 2 : 3;
    if (more)
      code &= 0x3Fu >> more;
    for (; more && i < text->length; --more)
      code = code << 6 | (bytes[i++] & 0x3F);
    list[++count] = code;
  }
  *list = static_cast<double>(count);
  context().plots.size -= text->length - count;
}
