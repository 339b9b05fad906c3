// Errors: a place, a Python exception's name and a message become one line on standard error and
// exit code 1, a call of the error hook, or the status of a library call. The functions with shapes
// word them as NumPy does.
#include "Entry.h"

#include "TextBuilder.h"

#include <cstdarg>
#include <cstdlib>
#include <unistd.h>

namespace mpy {

[[noreturn]] static void fail(Place place, const char *kind, const char *message) {
  throwCaught(kind, message);
  if (context().library)
    leaveCall(strcmp(kind, "MemoryError") == 0 ? MPY_ERROR_MEMORY : MPY_ERROR_EXCEPTION, place,
              kind, message);
  const char *file = place.file ? place.file : context().module;
  if (context().errorHook)
    context().errorHook(context().errorHookData, file, place.line, kind, message);
  TextBuilder text;
  text.append(file);
  text.append(':');
  if (place.line > 0) {
    text.appendInt(place.line);
    text.append(':');
  }
  text.append(' ');
  text.append(kind);
  if (*message) {
    text.append(": ");
    text.append(message);
  }
  text.append('\n');
  mpy_write_bytes(2, text.data(), text.size());
  mpy_exit(1);
}

void raise(Place place, const char *kind, const char *format, ...) {
  TextBuilder message;
  va_list arguments;
  va_start(arguments, format);
  message.appendList(format, arguments);
  va_end(arguments);
  fail(place, kind, message.cString());
}

// NumPy writes a shape in messages without spaces: (2,3), (4,), ().
static void appendShape(TextBuilder &text, int64_t rank, const int64_t *sizes) {
  text.append('(');
  for (int64_t i = 0; i < rank; ++i) {
    // reshape's open extent, which NumPy leaves out where it is in front
    if (sizes[i] < 0 && i == 0)
      continue;
    if (i > (rank && sizes[0] < 0))
      text.append(',');
    if (sizes[i] < 0)
      text.append("newaxis");
    else
      text.appendInt(sizes[i]);
  }
  text.append(rank == 1 ? ",)" : ")");
}

} // namespace mpy

using namespace mpy;

void mpy_raise(const char *file, int64_t line, const char *kind, const mpy_text *message) {
  TextBuilder text;
  if (message)
    text.append(View(message));
  fail({file, line}, kind, text.cString());
}

void mpy_raise_at(const mpy_text *place, const char *kind, const mpy_text *message) {
  View known(place);
  int64_t end = known.size;
  while (end > 0 && known[end - 1] != ':')
    --end;
  TextBuilder file;
  file.append(View(known.data, end > 0 ? end - 1 : 0));
  int64_t line = 0;
  for (int64_t i = end; i < known.size; ++i)
    line = line * 10 + (known[i] - '0');
  mpy_raise(file.cString(), line, kind, message);
}

void mpy_raise_message(const char *file, int64_t line, const char *kind, const char *message) {
  fail({file, line}, kind, message ? message : "");
}

void mpy_raise_format(const char *file, int64_t line, const char *kind, const char *format,
                      int64_t count, const int64_t *values) {
  TextBuilder text;
  int64_t next = 0;
  for (const char *at = format; *at; ++at) {
    if (at[0] == '{' && at[1] == '}' && next < count) {
      text.appendInt(values[next++]);
      ++at;
    } else {
      text.append(*at);
    }
  }
  fail({file, line}, kind, text.cString());
}

void mpy_raise_broadcast(const char *file, int64_t line, int64_t rankA, const int64_t *sizesA,
                         int64_t rankB, const int64_t *sizesB) {
  TextBuilder text;
  text.append("operands could not be broadcast together with shapes ");
  appendShape(text, rankA, sizesA);
  text.append(' ');
  appendShape(text, rankB, sizesB);
  // NumPy's message ends with a space.
  text.append(' ');
  fail({file, line}, "ValueError", text.cString());
}

void mpy_raise_assign(const char *file, int64_t line, int64_t rankFrom, const int64_t *sizesFrom,
                      int64_t rankInto, const int64_t *sizesInto) {
  TextBuilder text;
  text.append("could not broadcast input array from shape ");
  appendShape(text, rankFrom, sizesFrom);
  text.append(" into shape ");
  appendShape(text, rankInto, sizesInto);
  fail({file, line}, "ValueError", text.cString());
}

void mpy_raise_matmul(const char *file, int64_t line, int64_t rankA, const int64_t *sizesA,
                      int64_t rankB, const int64_t *sizesB) {
  const char *signature = "(n?,k),(k,m?)->(n?,m?)";
  if (rankA == 0 || rankB == 0)
    raise({file, line}, "ValueError",
          "matmul: Input operand %d does not have enough dimensions (has 0, gufunc core with "
          "signature %s requires 1)",
          rankA == 0 ? 0 : 1, signature);
  int64_t inner = sizesA[rankA - 1], outer = sizesB[rankB == 1 ? 0 : rankB - 2];
  if (inner != outer)
    raise({file, line}, "ValueError",
          "matmul: Input operand 1 has a mismatch in its core dimension 0, with gufunc signature "
          "%s (size %lld is different from %lld)",
          signature, static_cast<long long>(outer), static_cast<long long>(inner));
  TextBuilder text;
  text.append(
      "operands could not be broadcast together with remapped shapes [original->remapped]: ");
  const int64_t *sizes[] = {sizesA, sizesB};
  int64_t ranks[] = {rankA, rankB};
  for (int operand = 0; operand < 2; ++operand) {
    appendShape(text, ranks[operand], sizes[operand]);
    text.append("->(");
    for (int64_t i = 0; i + 2 < ranks[operand]; ++i) {
      text.appendInt(sizes[operand][i]);
      text.append(',');
    }
    text.append("newaxis,newaxis) ");
  }
  text.append(" and requested shape (");
  text.appendInt(rankA >= 2 ? sizesA[rankA - 2] : 1);
  text.append(',');
  text.appendInt(sizesB[rankB - 1]);
  text.append(')');
  fail({file, line}, "ValueError", text.cString());
}

void mpy_raise_dot(const char *file, int64_t line, int64_t rankA, const int64_t *sizesA,
                   int64_t rankB, const int64_t *sizesB) {
  int64_t axisA = rankA - 1, axisB = rankB >= 2 ? rankB - 2 : 0;
  TextBuilder text;
  text.append("shapes ");
  appendShape(text, rankA, sizesA);
  text.append(" and ");
  appendShape(text, rankB, sizesB);
  text.appendFormat(" not aligned: %lld (dim %lld) != %lld (dim %lld)",
                    static_cast<long long>(sizesA[axisA]), static_cast<long long>(axisA),
                    static_cast<long long>(sizesB[axisB]), static_cast<long long>(axisB));
  fail({file, line}, "ValueError", text.cString());
}

void mpy_raise_reshape(const char *file, int64_t line, int64_t size, int64_t rank,
                       const int64_t *sizes) {
  TextBuilder text;
  text.appendFormat("cannot reshape array of size %lld into shape ", static_cast<long long>(size));
  appendShape(text, rank, sizes);
  fail({file, line}, "ValueError", text.cString());
}

void mpy_set_error_hook(void (*hook)(void *, const char *, int64_t, const char *, const char *),
                        void *data) {
  context().errorHook = hook;
  context().errorHookData = data;
}
