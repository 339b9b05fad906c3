// What stands between compiled code and a function of another program that it calls: arrays are
// described in the layout of mpy.h, and a status that is not MPY_OK becomes an exception.
#include "mpy.h"
#include "mpyrt.h"
#include <stdio.h>

namespace mpy {

static bool isDense(const mpy_view &view) {
  int64_t dense = 1;
  for (int32_t i = view.rank - 1; view.strides && i >= 0; --i) {
    if (view.sizes[i] != 1 && view.strides[i] != dense)
      return false;
    dense *= view.sizes[i];
  }
  return true;
}

static mpy_array arrayOf(void *data, int64_t dtype, int64_t rank, const int64_t *sizes) {
  struct Element {
    int code, bits;
  };
  static const Element elements[] = {
      {MPY_CODE_BOOL, 8},   {MPY_CODE_INT, 32},  {MPY_CODE_INT, 64}, {MPY_CODE_FLOAT, 32},
      {MPY_CODE_FLOAT, 64}, {MPY_CODE_INT, 8},   {MPY_CODE_INT, 16}, {MPY_CODE_UINT, 8},
      {MPY_CODE_UINT, 16},  {MPY_CODE_UINT, 32}, {MPY_CODE_UINT, 64}};
  return mpy_array_of(data, elements[dtype].code, elements[dtype].bits, static_cast<int>(rank),
                      const_cast<int64_t *>(sizes));
}

} // namespace mpy

using namespace mpy;

void mpy_extern_argument(const mpy_view *view, struct mpy_array *array) {
  void *data = view->data;
  int64_t sizes[64];
  if (!isDense(*view))
    mpy_array_copy(view, &data, sizes);
  *array = arrayOf(data, view->dtype, view->rank, view->sizes);
}

void mpy_extern_release(const mpy_view *view, struct mpy_array *array) {
  if (array->data != view->data)
    mpy_release(array->data);
}

void mpy_extern_result(struct mpy_array *array, int64_t dtype, int64_t bytes, int64_t rank,
                       const int64_t *sizes, void **data) {
  int64_t count = 1;
  for (int64_t i = 0; i < rank; ++i)
    count *= sizes[i];
  *data = mpy_alloc(count * bytes);
  *array = arrayOf(*data, dtype, rank, sizes);
}

void mpy_extern_check(const char *file, int64_t line, const char *name, int32_t status) {
  if (status == MPY_OK)
    return;
  char text[300];
  snprintf(text, sizeof text, "the extern function '%.200s' returned status %d", name,
           static_cast<int>(status));
  mpy_raise_message(file, line, "RuntimeError", text);
}
