// Files: loadtxt, genfromtxt, savetxt, load, save, and how arrays print. The rank and type of what
// a file holds must be known while compiling: from ndmin and dtype, or by a look at the file where
// its name is a literal; the program checks it when it reads.
#include "frontend/arrays/ArrayReductions.h"
#include "frontend/arrays/ArrayShapes.h"
#include "frontend/arrays/IntegerTypes.h"
#include "frontend/library/Library.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/Support/MemoryBuffer.h"

namespace mpy::library {

static mlir::Value textConstant(Specializer &specializer, llvm::StringRef text) {
  return specializer.ssa(specializer.makeText(text.str()));
}

/// A text argument; None is the empty text, which the runtime takes as left out.
static mlir::Value optionalText(Specializer &specializer, const Arguments &arguments,
                                llvm::StringRef parameter) {
  if (!arguments.has(parameter))
    return textConstant(specializer, "");
  return toText(specializer, arguments[parameter], parameter, arguments.name);
}

static mlir::Value wholeNumber(Specializer &specializer, const Arguments &arguments,
                               llvm::StringRef parameter, int64_t otherwise) {
  IntExpr number = arguments.has(parameter) ? toExtents(specializer, arguments[parameter]).front()
                                            : IntExpr(otherwise);
  return specializer.ssaAs(specializer.makeInt(number), DType::Int64);
}

/// The shape of the tensor that the runtime filled: every extent is read from it.
static Shape extentsOf(Specializer &specializer, mlir::Value tensor) {
  Shape shape;
  auto type = llvm::cast<mlir::RankedTensorType>(tensor.getType());
  for (int64_t axis = 0; axis < type.getRank(); ++axis)
    shape.push_back(extentOf(specializer.create<mlir::tensor::DimOp>(tensor, axis).getResult()));
  return shape;
}

static mlir::RankedTensorType openType(Specializer &specializer, DType dtype, int64_t rank) {
  return mlir::RankedTensorType::get(llvm::SmallVector<int64_t>(rank, mlir::ShapedType::kDynamic),
                                     typeOf(dtype, specializer.context()));
}

/// What the program itself saves with np.save under literal names, in the order of its text.
static std::map<std::string, std::pair<DType, int64_t>> &savedFiles() {
  static std::map<std::string, std::pair<DType, int64_t>> files;
  return files;
}

/// What is known of a file of numbers: what the program wrote, or what lies there.
struct TableFile {
  std::optional<int64_t> rows, columns;
  /// Lines before and behind the numbers, with what they begin with.
  int64_t headerLines = 0, footerLines = 0;
  std::string comment, delimiter;
};

/// The tables that the program itself saves under literal names, in the order of its text.
static std::map<std::string, TableFile> &savedTables() {
  static std::map<std::string, TableFile> files;
  return files;
}

/// What a call of loadtxt or genfromtxt takes of a file; no numbers where they are run-time data.
struct TableCut {
  std::optional<int64_t> skip, most, footer;
  std::string comment, delimiter;
};

/// Counts the rows of a file that is there, as far as the rank asks for.
static std::optional<TableFile> lookInto(llvm::StringRef path, const TableCut &cut) {
  if (path.ends_with(".gz") || !cut.skip)
    return std::nullopt;
  auto buffer = llvm::MemoryBuffer::getFile(path, /*IsText=*/true);
  if (!buffer)
    return std::nullopt;
  TableFile file;
  int64_t rows = 0, skip = *cut.skip;
  llvm::StringRef rest = (*buffer)->getBuffer();
  while (!rest.empty() && (rows < 2 || cut.footer != 0)) {
    llvm::StringRef line;
    std::tie(line, rest) = rest.split('\n');
    if (skip-- > 0)
      continue;
    if (!cut.comment.empty())
      line = line.split(cut.comment).first;
    line = line.trim();
    if (line.empty())
      continue;
    llvm::SmallVector<llvm::StringRef> fields;
    if (cut.delimiter.empty())
      llvm::SplitString(line, fields);
    else
      line.split(fields, cut.delimiter);
    file.columns = fields.size();
    ++rows;
  }
  file.rows = rows;
  return file;
}

/// What is left of a table that the program saved, behind the lines that are skipped.
static TableFile cutSaved(TableFile file, const TableCut &cut) {
  bool isCommented = !cut.comment.empty() && llvm::StringRef(file.comment).starts_with(cut.comment);
  bool isHeadRead = cut.skip && (isCommented || *cut.skip >= file.headerLines);
  if (!isHeadRead)
    file.rows.reset();
  if (file.rows)
    *file.rows -= std::max<int64_t>(0, *cut.skip - file.headerLines);
  if (file.rows && !isCommented)
    *file.rows += file.footerLines;
  bool areBlanks = cut.delimiter.empty() && llvm::StringRef(file.delimiter).trim().empty();
  if (!areBlanks && file.delimiter != cut.delimiter)
    file.columns.reset();
  return file;
}

/// The rank of a table of numbers as NumPy squeezes it: of what the program wrote itself, else of
/// what lies there while compiling; nothing if it cannot be read.
static std::optional<int64_t> rankOfTable(Specializer &specializer, const Arguments &arguments,
                                          TableCut cut) {
  std::optional<std::string> path = specializer.knownText(arguments["fname"]);
  if (!path)
    return std::nullopt;
  cut.comment = arguments["comments"].isNone()
                    ? ""
                    : specializer.knownText(arguments["comments"]).value_or("#");
  cut.delimiter = specializer.knownText(arguments["delimiter"]).value_or("");
  std::optional<TableFile> file;
  if (auto saved = savedTables().find(*path); saved != savedTables().end())
    file = cutSaved(saved->second, cut);
  else
    file = lookInto(*path, cut);
  if (!file)
    return std::nullopt;
  if (arguments.has("usecols"))
    file->columns = toExtents(specializer, arguments["usecols"]).size();
  if (!cut.footer)
    file->rows.reset();
  else if (file->rows)
    *file->rows -= *cut.footer;
  if (!cut.most)
    file->rows.reset();
  else if (*cut.most >= 0 && (*cut.most == 0 || file->rows || *cut.most == 1))
    file->rows = std::min(*cut.most, file->rows.value_or(*cut.most));
  if (file->rows && *file->rows <= 0)
    return 1;
  return (file->rows != 1) + (file->columns != 1);
}

/// What loadtxt and genfromtxt share: `table` has rank 2, `rank` is that of NumPy's result.
static Value finishTable(Specializer &specializer, const Arguments &arguments, mlir::Value rank,
                         mlir::Value table, const TableCut &cut) {
  std::optional<int64_t> least = specializer.knownInt(arguments["ndmin"]);
  ArrayValue result = {DType::Float64, extentsOf(specializer, table), table};
  if (least != 2) {
    int64_t expected =
        std::max<int64_t>(rankOfTable(specializer, arguments, cut).value_or(2), least.value_or(0));
    mlir::Value found = specializer.create<mlir::arith::MaxSIOp>(
        rank, specializer.constant(DType::Int64, double(least.value_or(0))));
    mlir::Value fits =
        compareInts(specializer, mlir::arith::CmpIPredicate::eq, symbolExpr(found), expected);
    CheckText text;
    text << "the file holds an array of rank " << symbolExpr(found) << ", compiled for rank "
         << IntExpr(expected) << "; give ndmin=2";
    check(specializer, fits, "ValueError", text);
    if (expected == 1)
      result = reshaped(specializer, result, {product(result.shape)});
    else if (expected == 0)
      result = reshaped(specializer, result, {});
  }
  DType dtype = toDType(specializer, arguments["dtype"]).value_or(DType::Float64);
  if (!isFloat(dtype) && llvm::StringRef(arguments.name).ends_with("loadtxt")) {
    mlir::Value whole = element(specializer, result);
    whole = specializer
                .create<CompareOp>(ComparePredicate::eq, whole,
                                   specializer.create<FloorOp>(whole).getResult())
                .getResult();
    llvm::SmallVector<int64_t> axes = consecutive(0, result.rank());
    if (!axes.empty())
      whole = specializer.create<AllOp>(whole, axes).getResult();
    check(specializer, whole, "ValueError",
          CheckText{"could not convert string to " + nameOf(dtype).str(), {}});
  }
  Value array = specializer.newArray(castArray(specializer, result, dtype));
  return flag(specializer, arguments, "unpack") ? reverseAxes(specializer, array) : array;
}

static mlir::Value columnsOf(Specializer &specializer, const Arguments &arguments) {
  if (!arguments.has("usecols"))
    return fill(specializer, specializer.constant(DType::Int64, 0), DType::Int64, {IntExpr(0)});
  ArrayValue columns =
      castArray(specializer, toArray(specializer, arguments["usecols"]), DType::Int64);
  return reshaped(specializer, columns, {product(columns.shape)}).tensor;
}

static Value readTable(Specializer &specializer, const Arguments &arguments, llvm::StringRef callee,
                       llvm::StringRef firstNumber, int64_t firstDefault,
                       llvm::StringRef secondNumber, int64_t secondDefault) {
  for (llvm::StringRef parameter : {"converters", "missing_values", "filling_values", "names"})
    refuse(specializer, arguments, parameter);
  if (arguments["fname"].as<TupleValue>() || !arguments["fname"].get<Text>())
    failArgument(specializer, "fname", arguments.name, specializer.describe(arguments["fname"]));
  mlir::Value inputs[] = {toText(specializer, arguments["fname"], "fname", arguments.name),
                          optionalText(specializer, arguments, "delimiter"),
                          optionalText(specializer, arguments, "comments"),
                          wholeNumber(specializer, arguments, firstNumber, firstDefault),
                          wholeNumber(specializer, arguments, secondNumber, secondDefault),
                          columnsOf(specializer, arguments)};
  mlir::Type results[] = {typeOf(DType::Int64, specializer.context()),
                          openType(specializer, DType::Float64, 2)};
  mlir::ResultRange read = specializer.callRaising(results, callee, inputs);
  auto number = [&](llvm::StringRef parameter, int64_t otherwise) {
    return arguments.has(parameter) ? specializer.knownInt(arguments[parameter])
                                    : std::optional<int64_t>(otherwise);
  };
  TableCut cut;
  cut.skip = number(firstNumber, firstDefault);
  cut.most = number("max_rows", -1);
  cut.footer = number("skip_footer", 0);
  return finishTable(specializer, arguments, read[0], read[1], cut);
}

Value loadText(Specializer &specializer, const Arguments &arguments) {
  return readTable(specializer, arguments, "mpy_loadtxt", "skiprows", 0, "max_rows", -1);
}

Value generalText(Specializer &specializer, const Arguments &arguments) {
  refuse(specializer, arguments, "max_rows");
  return readTable(specializer, arguments, "mpy_genfromtxt", "skip_header", 0, "skip_footer", 0);
}

Value saveText(Specializer &specializer, const Arguments &arguments) {
  ArrayValue x = toArray(specializer, arguments["X"]);
  llvm::SmallVector<mlir::Value> inputs = {
      toText(specializer, arguments["fname"], "fname", arguments.name), x.tensor};
  for (llvm::StringRef parameter : {"fmt", "delimiter", "newline", "header", "footer", "comments"})
    inputs.push_back(toText(specializer, arguments[parameter], parameter, arguments.name));
  specializer.callRaising({}, "mpy_savetxt", inputs);
  std::optional<std::string> path = specializer.knownText(arguments["fname"]);
  if (!path)
    return NoneValue{};
  auto text = [&](llvm::StringRef parameter) {
    return specializer.knownText(arguments[parameter]).value_or("");
  };
  auto lines = [&](llvm::StringRef parameter) {
    std::string given = text(parameter);
    return given.empty() ? 0 : 1 + llvm::StringRef(given).count('\n');
  };
  TableFile file;
  file.rows = x.shape.empty() ? 1 : x.shape[0].known();
  file.columns = x.rank() < 2 ? 1 : x.shape[1].known();
  file.headerLines = lines("header"), file.footerLines = lines("footer");
  file.comment = text("comments"), file.delimiter = text("delimiter");
  savedTables()[*path] = file;
  return NoneValue{};
}

/// Type and rank in the header of a .npy file: `{'descr': '<f8', 'fortran_order': False, 'shape':
/// (3, 4), }`.
static std::optional<std::pair<DType, int64_t>> headerOf(Specializer &specializer,
                                                         llvm::StringRef path) {
  auto buffer = llvm::MemoryBuffer::getFile(path);
  if (!buffer || !(*buffer)->getBuffer().starts_with("\x93NUMPY"))
    return std::nullopt;
  llvm::StringRef text = (*buffer)->getBuffer().take_front(512);
  llvm::StringRef descr = text.split("'descr'").second.split('\'').second.split('\'').first;
  llvm::StringRef shape = text.split("'shape'").second.split('(').second.split(')').first;
  int64_t rank = 0;
  llvm::SmallVector<llvm::StringRef> extents;
  shape.split(extents, ',');
  for (llvm::StringRef extent : extents)
    rank += !extent.trim().empty();
  llvm::StringRef kind = descr.drop_while([](char c) { return c == '<' || c == '|' || c == '='; });
  for (int i = 0; i <= static_cast<int>(lastDType); ++i)
    if (kind == layoutOf(static_cast<DType>(i)).substr(1))
      return std::make_pair(static_cast<DType>(i), rank);
  specializer.fail(ErrorId::UnsupportedDType, {"'numpy.load'", descr.str()});
}

Value loadArray(Specializer &specializer, const Arguments &arguments) {
  refuse(specializer, arguments, "mmap_mode");
  std::optional<std::string> path = specializer.knownText(arguments["file"]);
  if (path && llvm::StringRef(*path).ends_with(".npz"))
    specializer.fail(ErrorId::UnsupportedName, {"numpy.load of an .npz file"},
                     {.help = "save each array with np.save"});
  if (!path)
    specializer.fail(
        ErrorId::RankOfFile, {"numpy.load"},
        {.found = "a name known at run time only", .help = "load it by a literal name"});
  std::optional<std::pair<DType, int64_t>> header;
  if (auto saved = savedFiles().find(*path); saved != savedFiles().end())
    header = saved->second;
  else
    header = headerOf(specializer, *path);
  // A file that is not there while compiling is one of numbers in a row; the program checks that.
  if (!header)
    header = std::make_pair(DType::Float64, int64_t(1));
  auto [dtype, rank] = *header;
  mlir::Value inputs[] = {toText(specializer, arguments["file"], "file", arguments.name),
                          specializer.constant(DType::Int64, double(unsigned(dtype))),
                          specializer.constant(DType::Int64, double(rank))};
  mlir::Value array =
      specializer.callRaising(openType(specializer, dtype, rank), "mpy_load_npy", inputs)[0];
  return specializer.newArray({dtype, extentsOf(specializer, array), array});
}

Value saveArray(Specializer &specializer, const Arguments &arguments) {
  ArrayValue array = toArray(specializer, arguments["arr"]);
  if (isUnsigned(array.dtype))
    specializer.fail(ErrorId::UnsupportedDType, {"'numpy.save'", nameOf(array.dtype).str()},
                     {.help = "save it as int64: a.astype(np.int64)"});
  mlir::Value inputs[] = {toText(specializer, arguments["file"], "file", arguments.name),
                          array.tensor};
  specializer.callRaising({}, "mpy_save_npy", inputs);
  if (std::optional<std::string> path = specializer.knownText(arguments["file"])) {
    if (!llvm::StringRef(*path).ends_with(".npy"))
      *path += ".npy";
    savedFiles()[*path] = {array.dtype, int64_t(array.rank())};
  }
  return NoneValue{};
}

Value setPrintOptions(Specializer &specializer, const Arguments &arguments) {
  // What is not given stays as it is.
  constexpr int64_t unchanged = -1;
  auto option = [&](llvm::StringRef parameter) {
    const Scalar *number = arguments[parameter].get<Scalar>();
    // `threshold=np.inf` prints every element.
    if (number && number->knownFloat && *number->knownFloat == HUGE_VAL)
      return specializer.ssaAs(specializer.makeInt(IntExpr(std::numeric_limits<int64_t>::max())),
                               DType::Int64);
    return wholeNumber(specializer, arguments, parameter, unchanged);
  };
  mlir::Value suppress =
      arguments.has("suppress")
          ? specializer.ssaAs(
                specializer.makeInt(IntExpr(flag(specializer, arguments, "suppress"))),
                DType::Int64)
          : wholeNumber(specializer, arguments, "suppress", unchanged);
  mlir::Value inputs[] = {option("precision"), option("threshold"), option("edgeitems"),
                          option("linewidth"), suppress};
  specializer.create<RuntimeEffectOp>(mlir::TypeRange{}, "mpy_set_print_options",
                                      mlir::ValueRange(inputs), false);
  return NoneValue{};
}

Value setErrors(Specializer &specializer, const Arguments &arguments) {
  // Warnings are never printed; errors in their place are another language.
  for (llvm::StringRef parameter : {"all", "divide", "over", "under", "invalid"})
    if (std::optional<std::string> what = specializer.knownText(arguments[parameter]);
        what && *what != "ignore" && *what != "warn")
      failArgument(specializer, parameter, arguments.name, "'" + *what + "'");
  return NoneValue{};
}

} // namespace mpy::library
