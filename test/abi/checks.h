/* What the C programs of these tests share. */
#ifndef CHECKS_H
#define CHECKS_H

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int failures;

#define CHECK(condition)                                                                           \
  do {                                                                                             \
    if (!(condition)) {                                                                            \
      printf("%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);                               \
      ++failures;                                                                                  \
    }                                                                                              \
  } while (0)

#define CHECK_OK(ctx, call)                                                                        \
  do {                                                                                             \
    int status_ = (call);                                                                          \
    if (status_ != MPY_OK) {                                                                       \
      printf("%s:%d: %s: status %d: %s\n", __FILE__, __LINE__, #call, status_,                     \
             mpy_error_message(ctx));                                                              \
      ++failures;                                                                                  \
    }                                                                                              \
  } while (0)

#define CHECK_FAILS(ctx, call, wanted, part)                                                       \
  do {                                                                                             \
    int status_ = (call);                                                                          \
    if (status_ != (wanted) || !strstr(mpy_error_message(ctx), part)) {                            \
      printf("%s:%d: %s: status %d: %s\n", __FILE__, __LINE__, #call, status_,                     \
             mpy_error_message(ctx));                                                              \
      ++failures;                                                                                  \
    }                                                                                              \
  } while (0)

#define CHECK_NEAR(a, b) CHECK(fabs((a) - (b)) <= 1e-12 * (1.0 + fabs(b)))

#endif
