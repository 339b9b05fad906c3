// Turns errors into what editors and build services read.
//
//   --error-format=json    {"code":"E0207","column":9,"file":"bad.mpy","help":..,"line":4,..} each
//   --error-format=sarif   {"runs":[{"results":[{"ruleId":"E0207","locations":..}, ..]}], ..} of
//   all
//
// Lines and columns count from 1; columns count code points, and an end is behind the last one.
#include "support/DiagnosticFormat.h"

namespace mpy {

/// Text that JSON can hold: what is no UTF-8 is replaced.
static std::string safe(llvm::StringRef text) {
  return llvm::json::isUTF8(text) ? text.str() : llvm::json::fixUTF8(text);
}

static void addPlace(llvm::json::Object &object, const SourceManager &sources, Span span) {
  LineColumn begin = sources.lineColumn(span.file, span.begin),
             end = sources.lineColumn(span.file, span.end);
  object["file"] = safe(sources.name(span.file));
  object["line"] = begin.line;
  object["column"] = begin.column;
  object["end_line"] = end.line;
  object["end_column"] = end.column;
}

llvm::json::Value diagnosticAsJson(const Diagnostic &diagnostic, const SourceManager &sources,
                                   llvm::StringRef rendered) {
  llvm::json::Object object{{"level", diagnostic.details.isNote ? "note" : "error"},
                            {"code", errorCode(diagnostic.id)},
                            {"message", safe(diagnostic.message)},
                            {"rendered", safe(rendered)}};
  if (diagnostic.span)
    addPlace(object, sources, *diagnostic.span);
  const Details &details = diagnostic.details;
  for (auto [key, text] : {std::pair{"found", &details.found},
                           {"expected", &details.expected},
                           {"help", &details.help}})
    if (!text->empty())
      object[key] = safe(*text);
  llvm::json::Array notes;
  for (const Note &note : details.notes) {
    llvm::json::Object one{{"message", safe(note.text)}};
    addPlace(one, sources, note.span);
    notes.push_back(std::move(one));
  }
  object["notes"] = std::move(notes);
  return object;
}

static llvm::json::Object sarifPlace(const SourceManager &sources, Span span) {
  LineColumn begin = sources.lineColumn(span.file, span.begin),
             end = sources.lineColumn(span.file, span.end);
  llvm::json::Object artifact{{"uri", safe(sources.name(span.file))}};
  llvm::json::Object region{{"startLine", begin.line},
                            {"startColumn", begin.column},
                            {"endLine", end.line},
                            {"endColumn", end.column}};
  llvm::json::Object physical{{"artifactLocation", std::move(artifact)},
                              {"region", std::move(region)}};
  return llvm::json::Object{{"physicalLocation", std::move(physical)}};
}

static llvm::json::Value sarifResult(const Diagnostic &diagnostic, const SourceManager &sources) {
  std::string text = diagnostic.message;
  const Details &details = diagnostic.details;
  for (auto [key, more] : {std::pair{"found: ", &details.found},
                           {"expected: ", &details.expected},
                           {"help: ", &details.help}})
    if (!more->empty())
      text += std::string("\n") + key + *more;
  llvm::json::Object result{{"ruleId", errorCode(diagnostic.id)},
                            {"level", diagnostic.details.isNote ? "note" : "error"},
                            {"message", llvm::json::Object{{"text", safe(text)}}}};
  if (diagnostic.span)
    result["locations"] = llvm::json::Array{sarifPlace(sources, *diagnostic.span)};
  llvm::json::Array related;
  for (const Note &note : details.notes) {
    llvm::json::Object place = sarifPlace(sources, note.span);
    place["message"] = llvm::json::Object{{"text", safe(note.text)}};
    related.push_back(std::move(place));
  }
  if (!related.empty())
    result["relatedLocations"] = std::move(related);
  return result;
}

llvm::json::Value diagnosticsAsSarif(llvm::ArrayRef<Diagnostic> diagnostics,
                                     const SourceManager &sources) {
  llvm::json::Array results, rules;
  std::set<ErrorId> ids;
  for (const Diagnostic &diagnostic : diagnostics) {
    results.push_back(sarifResult(diagnostic, sources));
    if (ids.insert(diagnostic.id).second)
      rules.push_back(llvm::json::Object{
          {"id", errorCode(diagnostic.id)},
          {"name", errorName(diagnostic.id)},
          {"shortDescription", llvm::json::Object{{"text", errorText(diagnostic.id)}}}});
  }
  llvm::json::Object driver{{"name", "mpyc"}, {"rules", std::move(rules)}};
  return llvm::json::Object{
      {"$schema", "https://json.schemastore.org/sarif-2.1.0.json"},
      {"version", "2.1.0"},
      {"runs", llvm::json::Array{
                   llvm::json::Object{{"tool", llvm::json::Object{{"driver", std::move(driver)}}},
                                      {"columnKind", "unicodeCodePoints"},
                                      {"results", std::move(results)}}}}};
}

} // namespace mpy
