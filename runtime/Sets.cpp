// Sets of numbers, each known by a number of its own: equal sets have the same, 0 is the empty set.
// What an element of a result may depend on is such a set; a program passes their numbers where
// tangents would be, in floats. A set is kept for good, so its number is a value like any other.
#include "mpyrt.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

namespace {
/// A vector; the runtime has no C++ library to throw for it.
template <typename T> struct Row {
  T *items;
  int64_t size, capacity;

  void reserve(int64_t wanted) {
    if (wanted <= capacity)
      return;
    capacity = std::max(wanted, capacity * 2);
    items = static_cast<T *>(realloc(items, static_cast<size_t>(capacity) * sizeof(T)));
    if (!items)
      mpy_raise_message("", 0, "MemoryError", "too many dependences");
  }
  void push(T item) {
    reserve(size + 1);
    items[size++] = item;
  }
};

/// float32 holds numbers up to this one.
constexpr int64_t mostSets = int64_t(1) << 24;
constexpr int64_t pairCount = int64_t(1) << 14;

struct Pair {
  int64_t a, b, sum;
};

struct Sets {
  Row<int64_t> members; // of all sets, one after the other, sorted
  Row<int64_t> ends;    // of set k + 1, in the members
  Row<int64_t> slots;   // by hash: the number of a set, or 0
  Row<int64_t> gathered, found;
  Pair pairs[pairCount]; // the last unions

  int64_t begin(int64_t set) const { return set > 1 ? ends.items[set - 2] : 0; }
  int64_t end(int64_t set) const { return set ? ends.items[set - 1] : 0; }
  int64_t sizeOf(int64_t set) const { return end(set) - begin(set); }

  void place(int64_t set, uint64_t hash) {
    uint64_t mask = static_cast<uint64_t>(slots.size) - 1;
    uint64_t slot = hash & mask;
    while (slots.items[slot])
      slot = (slot + 1) & mask;
    slots.items[slot] = set;
  }
  static uint64_t hashOf(const int64_t *items, int64_t count) {
    uint64_t hash = 1469598103934665603u;
    for (int64_t i = 0; i < count; ++i)
      hash = (hash ^ static_cast<uint64_t>(items[i])) * 1099511628211u;
    return hash ^ hash >> 29;
  }
  void grow() {
    int64_t wanted = std::max<int64_t>(1024, slots.size * 2);
    slots.reserve(wanted);
    slots.size = wanted;
    memset(slots.items, 0, static_cast<size_t>(wanted) * sizeof(int64_t));
    for (int64_t set = 1; set <= ends.size; ++set)
      place(set, hashOf(members.items + begin(set), sizeOf(set)));
  }
  /// The number of the set with these members, sorted and distinct.
  int64_t number(const int64_t *items, int64_t count) {
    if (count == 0)
      return 0;
    if (2 * ends.size >= slots.size)
      grow();
    uint64_t hash = hashOf(items, count), mask = static_cast<uint64_t>(slots.size) - 1;
    for (uint64_t slot = hash & mask; int64_t set = slots.items[slot]; slot = (slot + 1) & mask)
      if (sizeOf(set) == count && memcmp(members.items + begin(set), items,
                                         static_cast<size_t>(count) * sizeof(int64_t)) == 0)
        return set;
    if (ends.size == mostSets)
      mpy_raise_message("", 0, "MemoryError", "too many different dependences");
    members.reserve(members.size + count);
    memcpy(members.items + members.size, items, static_cast<size_t>(count) * sizeof(int64_t));
    members.size += count;
    ends.push(members.size);
    place(ends.size, hash);
    return ends.size;
  }
  int64_t unionOf(int64_t a, int64_t b) {
    if (a == b || b == 0)
      return a;
    if (a == 0)
      return b;
    uint64_t hash = (static_cast<uint64_t>(a) * 0x9E3779B97F4A7C15u) ^
                    (static_cast<uint64_t>(b) * 0xC2B2AE3D27D4EB4Fu);
    Pair &pair = pairs[hash >> 50];
    if (pair.a == a && pair.b == b)
      return pair.sum;
    gathered.reserve(sizeOf(a) + sizeOf(b));
    const int64_t *all = members.items;
    int64_t *last =
        std::set_union(all + begin(a), all + end(a), all + begin(b), all + end(b), gathered.items);
    pair = {a, b, number(gathered.items, last - gathered.items)};
    return pair.sum;
  }
  /// Of the sets in `found`, which it sorts.
  int64_t unionOfFound() {
    std::sort(found.items, found.items + found.size);
    found.size = std::unique(found.items, found.items + found.size) - found.items;
    if (found.size <= 2)
      return found.size == 0 ? 0 : unionOf(found.items[0], found.items[found.size - 1]);
    int64_t total = 0;
    for (int64_t i = 0; i < found.size; ++i)
      total += sizeOf(found.items[i]);
    gathered.reserve(total);
    int64_t *to = gathered.items;
    for (int64_t i = 0; i < found.size; ++i)
      to =
          std::copy(members.items + begin(found.items[i]), members.items + end(found.items[i]), to);
    std::sort(gathered.items, to);
    return number(gathered.items, std::unique(gathered.items, to) - gathered.items);
  }
};
} // namespace

static Sets &sets() {
  static thread_local Sets *known = nullptr;
  if (!known)
    known = static_cast<Sets *>(calloc(1, sizeof(Sets)));
  if (!known)
    mpy_raise_message("", 0, "MemoryError", "too many dependences");
  return *known;
}

/// Element (i, j) of a matrix, or element i of a vector.
static double at(const mpy_view *array, int64_t i, int64_t j = 0) {
  int64_t row = array->strides ? array->strides[0] : array->rank == 2 ? array->sizes[1] : 1;
  int64_t column = array->strides && array->rank == 2 ? array->strides[1] : 1;
  return static_cast<const double *>(array->data)[i * row + j * column];
}

static int64_t setAt(const mpy_view *array, int64_t i, int64_t j = 0) {
  return static_cast<int64_t>(at(array, i, j));
}

double mpy_set_union(double a, double b) {
  return a == b ? a
                : static_cast<double>(
                      sets().unionOf(static_cast<int64_t>(a), static_cast<int64_t>(b)));
}

void mpy_set_singletons(int64_t count, void **data, int64_t *sizes) {
  double *numbers = static_cast<double *>(mpy_alloc(count * 8));
  for (int64_t i = 0; i < count; ++i)
    numbers[i] = static_cast<double>(sets().number(&i, 1));
  *data = numbers;
  sizes[0] = count;
}

void mpy_set_union_rows(const mpy_view *x, void **data, int64_t *sizes) {
  int64_t rows = x->sizes[0], columns = x->sizes[1];
  double *result = static_cast<double *>(mpy_alloc(rows * 8));
  Sets &all = sets();
  for (int64_t i = 0; i < rows; ++i) {
    all.found.size = 0;
    for (int64_t j = 0; j < columns; ++j) {
      int64_t set = setAt(x, i, j);
      if (set && (all.found.size == 0 || all.found.items[all.found.size - 1] != set))
        all.found.push(set);
    }
    result[i] = static_cast<double>(all.unionOfFound());
  }
  *data = result;
  sizes[0] = rows;
}

void mpy_set_union_scatter(const mpy_view *x, const mpy_view *value, const mpy_view *index,
                           void **data, int64_t *sizes) {
  int64_t rows = x->sizes[0], columns = x->sizes[1];
  double *result = static_cast<double *>(mpy_alloc(rows * columns * 8));
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t j = 0; j < columns; ++j)
      result[i * columns + j] = at(x, i, j);
  int64_t step = index->strides ? index->strides[0] : 1;
  const int64_t *places = static_cast<const int64_t *>(index->data);
  for (int64_t k = 0; k < index->sizes[0]; ++k)
    for (int64_t j = 0; j < columns; ++j) {
      double &target = result[places[k * step] * columns + j];
      target = mpy_set_union(target, at(value, k, j));
    }
  *data = result;
  sizes[0] = rows;
  sizes[1] = columns;
}

void mpy_set_sizes(const mpy_view *x, void **data, int64_t *sizes) {
  int64_t count = x->sizes[0];
  int64_t *result = static_cast<int64_t *>(mpy_alloc(count * 8));
  for (int64_t i = 0; i < count; ++i)
    result[i] = sets().sizeOf(setAt(x, i));
  *data = result;
  sizes[0] = count;
}

void mpy_set_members(const mpy_view *x, void **data, int64_t *sizes) {
  Sets &all = sets();
  int64_t count = x->sizes[0], total = 0;
  for (int64_t i = 0; i < count; ++i)
    total += all.sizeOf(setAt(x, i));
  int64_t *result = static_cast<int64_t *>(mpy_alloc(total * 8)), *to = result;
  for (int64_t i = 0; i < count; ++i) {
    int64_t set = setAt(x, i);
    to = std::copy(all.members.items + all.begin(set), all.members.items + all.end(set), to);
  }
  *data = result;
  sizes[0] = total;
}
