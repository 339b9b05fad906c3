// Arrays in NumPy's own files: .npy (versions 1 to 3, both orders, the element types of arrays) and
// .npz, a zip archive of them, stored or deflated.
#include "Elements.h"
#include "TextFiles.h"

#include <cerrno>

namespace mpy {

static uint32_t readNumber(View bytes, int64_t at, int count) {
  uint32_t value = 0;
  // A damaged file may point anywhere; what is not there reads as zero.
  if (at < 0 || at + count > bytes.size)
    return 0;
  for (int i = count - 1; i >= 0; --i)
    value = value << 8 | static_cast<unsigned char>(bytes[at + i]);
  return value;
}

static const char *findKey(const char *header, const char *key) {
  const char *found = strstr(header, key);
  if (!found)
    return "";
  found += strlen(key);
  while (*found == ' ' || *found == ':')
    ++found;
  return found;
}

// Fortran order: the first index runs fastest.
static void copyTransposed(const char *from, char *into, int64_t rank, const int64_t *sizes,
                           int64_t bytes) {
  int64_t index[64] = {}, strides[64], count = 1;
  for (int64_t i = 0; i < rank; ++i) {
    strides[i] = count;
    count *= sizes[i];
  }
  for (int64_t done = 0; done < count; ++done) {
    int64_t offset = 0;
    for (int64_t i = 0; i < rank; ++i)
      offset += index[i] * strides[i];
    memcpy(into + done * bytes, from + offset * bytes, bytes);
    for (int64_t i = rank - 1; i >= 0 && ++index[i] == sizes[i]; --i)
      index[i] = 0;
  }
}

static void readNpy(Place place, View bytes, const char *path, int64_t dtype, int64_t rank,
                    void **data, int64_t *sizes) {
  if (bytes.size < 10 || memcmp(bytes.data, "\x93NUMPY", 6) != 0)
    raise(place, "ValueError",
          "Cannot load file containing pickled data when allow_pickle=False ('%s' is no .npy file)",
          path);
  int major = bytes[6];
  int64_t lengthBytes = major == 1 ? 2 : 4;
  int64_t start = 8 + lengthBytes;
  int64_t headerLength =
      bytes.size < start ? 0 : readNumber(bytes, 8, static_cast<int>(lengthBytes));
  if (major < 1 || major > 3 || start + headerLength > bytes.size)
    raise(place, "ValueError", "the header of '%s' is damaged", path);
  TextBuilder header;
  header.append(View(bytes.data + start, headerLength));
  const char *text = header.cString();
  const char *descriptor = findKey(text, "'descr'");
  const char *shape = findKey(text, "'shape'");
  bool fortran = strncmp(findKey(text, "'fortran_order'"), "True", 4) == 0;
  int64_t found = -1;
  for (int64_t i = 0; i < elementTypeCount; ++i)
    if (descriptor[0] && strncmp(descriptor + 2, elementTypes[i].descriptor + 1, 2) == 0)
      found = i;
  if (found < 0)
    raise(place, "ValueError",
          "the array in '%s' has the element type %.12s, which is not supported", path, descriptor);
  int64_t count = 1, axes = 0, extents[64];
  for (const char *at = shape; *at && *at != ')'; ++at) {
    if (*at < '0' || *at > '9')
      continue;
    char *end;
    int64_t extent = strtoll(at, &end, 10);
    if (axes == 64 || __builtin_mul_overflow(count, extent, &count))
      raise(place, "ValueError", "the header of '%s' is damaged", path);
    extents[axes++] = extent;
    at = end - 1;
  }
  if (found != dtype || axes != rank)
    raise(place, "ValueError",
          "'%s' holds an array of %s with %lld dimensions; the program expects %s with %lld", path,
          elementTypes[found].name, static_cast<long long>(axes), elementTypes[dtype].name,
          static_cast<long long>(rank));
  const char *content = bytes.data + start + headerLength;
  int64_t available = bytes.size - start - headerLength, needed;
  if (__builtin_mul_overflow(count, elementTypes[dtype].bytes, &needed) || available < needed)
    raise(place, "ValueError", "cannot reshape array of size %lld into shape of %lld elements",
          static_cast<long long>(available / elementTypes[dtype].bytes),
          static_cast<long long>(count));
  for (int64_t i = 0; i < rank; ++i)
    sizes[i] = extents[i];
  *data = mpy_alloc_at(place.file, place.line, needed);
  if (fortran && rank > 1)
    copyTransposed(content, static_cast<char *>(*data), rank, extents, elementTypes[dtype].bytes);
  else
    memcpy(*data, content, needed);
}

static void appendElements(TextBuilder &out, const mpy_view &array, const int64_t *strides,
                           int32_t axis, int64_t offset) {
  int64_t bytes = elementTypes[array.dtype].bytes;
  const char *data = static_cast<const char *>(array.data) + offset * bytes;
  if (axis == array.rank) {
    out.append(View(data, bytes));
    return;
  }
  if (axis == array.rank - 1 && strides[axis] == 1) {
    out.append(View(data, array.sizes[axis] * bytes));
    return;
  }
  for (int64_t i = 0; i < array.sizes[axis]; ++i)
    appendElements(out, array, strides, axis + 1, offset + i * strides[axis]);
}

static void appendNpy(TextBuilder &out, const mpy_view &array) {
  TextBuilder header;
  header.appendFormat("{'descr': '%s', 'fortran_order': False, 'shape': (",
                      elementTypes[array.dtype].descriptor);
  int64_t strides[64], dense = 1;
  for (int32_t i = array.rank - 1; i >= 0; --i) {
    strides[i] = array.strides ? array.strides[i] : dense;
    dense *= array.sizes[i];
  }
  for (int32_t i = 0; i < array.rank; ++i) {
    if (i > 0)
      header.append(", ");
    header.appendInt(array.sizes[i]);
  }
  header.append(array.rank == 1 ? ",), }" : "), }");
  // The data starts at a multiple of 64.
  int64_t total = (10 + header.size() + 1 + 63) / 64 * 64;
  header.appendSpaces(total - 10 - header.size() - 1);
  header.append('\n');
  out.append(View("\x93NUMPY\x01\x00", 8));
  out.append(static_cast<char>(header.size() & 0xFF));
  out.append(static_cast<char>(header.size() >> 8));
  out.append(header.view());
  appendElements(out, array, strides, 0, 0);
}

static uint32_t checksum(View bytes) {
  uint32_t table[256];
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit)
      value = value >> 1 ^ ((value & 1) ? 0xEDB88320u : 0);
    table[i] = value;
  }
  uint32_t crc = ~0u;
  for (int64_t i = 0; i < bytes.size; ++i)
    crc = crc >> 8 ^ table[(crc ^ static_cast<unsigned char>(bytes[i])) & 0xFF];
  return ~crc;
}

static void appendNumber(TextBuilder &out, uint32_t value, int count) {
  for (int i = 0; i < count; ++i)
    out.append(static_cast<char>(value >> (8 * i) & 0xFF));
}

// What the local header and the directory of a zip archive share about one stored file.
static void appendZipFields(TextBuilder &out, uint32_t crc, int64_t size, int64_t nameLength) {
  appendNumber(out, 20, 2); // version needed
  appendNumber(out, 0, 2);  // flags
  appendNumber(out, 0, 2);  // stored
  appendNumber(out, 0, 2);  // time
  appendNumber(out, 33, 2); // 1980-01-01
  appendNumber(out, crc, 4);
  appendNumber(out, static_cast<uint32_t>(size), 4);
  appendNumber(out, static_cast<uint32_t>(size), 4);
  appendNumber(out, static_cast<uint32_t>(nameLength), 2);
  appendNumber(out, 0, 2); // extra
}

static void openFile(Place place, const mpy_text *path, TextBuilder &name, FileBytes &content) {
  name.append(View(path));
  if (!content.read(place, name.cString()))
    raiseFileError(place, errno, name.cString());
}

static bool endsWith(View text, const char *suffix) {
  View end(suffix);
  return text.size >= end.size && View(text.data + text.size - end.size, end.size) == end;
}

} // namespace mpy

using namespace mpy;

void mpy_load_npy(const char *file, int64_t line, const mpy_text *path, int64_t dtype, int64_t rank,
                  void **data, int64_t *sizes) {
  TextBuilder name;
  FileBytes content;
  openFile({file, line}, path, name, content);
  if (content.size == 0)
    raise({file, line}, "EOFError", "No data left in file");
  readNpy({file, line}, content.view(), name.cString(), dtype, rank, data, sizes);
}

void mpy_save_npy(const char *file, int64_t line, const mpy_text *path, const mpy_view *array) {
  TextBuilder name, out;
  name.append(View(path));
  if (!endsWith(View(path), ".npy"))
    name.append(".npy");
  appendNpy(out, *array);
  writeWholeFile({file, line}, name.cString(), out.view());
}

void mpy_load_npz(const char *file, int64_t line, const mpy_text *path, const mpy_text *member,
                  int64_t dtype, int64_t rank, void **data, int64_t *sizes) {
  Place place = {file, line};
  TextBuilder name, wanted;
  FileBytes content;
  openFile(place, path, name, content);
  wanted.append(View(member));
  wanted.append(".npy");
  View all = content.view();
  int64_t end = all.size - 22;
  while (end >= 0 && readNumber(all, end, 4) != 0x06054b50)
    --end;
  if (end < 0)
    raise(place, "ValueError", "'%s' is no .npz file", name.cString());
  int64_t entries = readNumber(all, end + 10, 2), at = readNumber(all, end + 16, 4);
  for (int64_t i = 0; i < entries && at + 46 <= all.size; ++i) {
    int64_t method = readNumber(all, at + 10, 2), packed = readNumber(all, at + 20, 4);
    int64_t plain = readNumber(all, at + 24, 4), nameLength = readNumber(all, at + 28, 2);
    int64_t local = readNumber(all, at + 42, 4);
    if (at + 46 + nameLength > all.size)
      break;
    View entry(all.data + at + 46, nameLength);
    at += 46 + nameLength + readNumber(all, at + 30, 2) + readNumber(all, at + 32, 2);
    if (!(entry == wanted.view() || entry == View(member)))
      continue;
    int64_t start = local + 30 + readNumber(all, local + 26, 2) + readNumber(all, local + 28, 2);
    if (packed == 0xFFFFFFFF || start + packed > all.size)
      raise(place, "ValueError", "'%s' is damaged or larger than 4 GiB", name.cString());
    View stored(all.data + start, packed);
    if (method == 0)
      return readNpy(place, stored, name.cString(), dtype, rank, data, sizes);
    int64_t size;
    // -15: deflate data without a header.
    char *expanded = inflateBytes(place, name.cString(), stored, -15, plain, size);
    readNpy(place, View(expanded, size), name.cString(), dtype, rank, data, sizes);
    freeRaw(expanded);
    return;
  }
  raise(place, "KeyError", "'%.*s is not a file in the archive'", static_cast<int>(member->length),
        member->bytes);
}

void mpy_save_npz(const char *file, int64_t line, const mpy_text *path,
                  const mpy_text *const *names, const mpy_view *const *arrays, int64_t count) {
  TextBuilder name, out, directory;
  name.append(View(path));
  if (!endsWith(View(path), ".npz"))
    name.append(".npz");
  for (int64_t i = 0; i < count; ++i) {
    TextBuilder body, member;
    member.append(View(names[i]));
    member.append(".npy");
    appendNpy(body, *arrays[i]);
    int64_t local = out.size();
    if (local + body.size() > 0xFFFFFFF0ll)
      raise({file, line}, "ValueError", "a .npz file of more than 4 GiB is not supported");
    uint32_t crc = checksum(body.view());
    appendNumber(out, 0x04034b50, 4);
    appendZipFields(out, crc, body.size(), member.size());
    out.append(member.view());
    out.append(body.view());
    appendNumber(directory, 0x02014b50, 4);
    appendNumber(directory, 20, 2);
    appendZipFields(directory, crc, body.size(), member.size());
    appendNumber(directory, 0, 2); // comment
    appendNumber(directory, 0, 2); // disk
    appendNumber(directory, 0, 2); // internal attributes
    appendNumber(directory, 0, 4); // external attributes
    appendNumber(directory, static_cast<uint32_t>(local), 4);
    directory.append(member.view());
  }
  uint32_t start = static_cast<uint32_t>(out.size());
  out.append(directory.view());
  appendNumber(out, 0x06054b50, 4);
  appendNumber(out, 0, 4);
  appendNumber(out, static_cast<uint32_t>(count), 2);
  appendNumber(out, static_cast<uint32_t>(count), 2);
  appendNumber(out, static_cast<uint32_t>(directory.size()), 4);
  appendNumber(out, start, 4);
  appendNumber(out, 0, 2);
  writeWholeFile({file, line}, name.cString(), out.view());
}
