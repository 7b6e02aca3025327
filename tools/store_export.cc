// tools/store_export.cc - rows out of a store into lines, lines into rows of a new one.
#include "tools/store_export.h"

#include <fstream>
#include <ostream>
#include <utility>

#include "engine/sqlite/files.h"
#include "engine/sqlite/store_maker.h"
#include "tools/store_text.h"
#include "tools/store_text_reader.h"

namespace deltamesh {
namespace {

using namespace sqlite;

Status write_line(std::ostream& out, std::string_view line) {
  out << line << '\n';
  return out ? Status(Done{}) : Status(Error{ErrorCode::kIo, "the text cannot be written"});
}

Result<TextCounts> export_to_new(const std::string& path, const std::string& file) {
  std::ofstream out(file, std::ios::binary | std::ios::trunc);
  if (!out) return Error{ErrorCode::kIo, file + " cannot be written"};
  Result<TextCounts> counts = export_store(path, out);
  out.close();
  if (counts && !out) return Error{ErrorCode::kIo, file + " cannot be written"};
  return counts;
}

Status fill(StoreMaker& maker, StoreTextReader& text) {
  for (;;) {
    const auto row = text.next();
    if (!row) return row.error();
    if (!*row) return Done{};
    if (Status status = maker.put(**row); !status) return status;
  }
}

}  // namespace

Result<TextCounts> export_store(const std::string& path, std::ostream& out) {
  if (Status status = require_sound(path); !status) return status.error();
  StoreTextWriter text([&out](std::string_view line) { return write_line(out, line); });
  Status status = text.begin();
  if (status) status = visit_rows(path, [&text](const StoreRow& row) { return text.put(row); });
  if (status) status = text.end();
  if (status && !out.flush()) status = Error{ErrorCode::kIo, "the text cannot be written"};
  return status ? Result<TextCounts>(text.counts()) : Result<TextCounts>(status.error());
}

Result<TextCounts> export_to_file(const std::string& path, const std::string& file) {
  const Result<FileFacts> there = file_facts(file);
  if (!there) return there.error();
  if (there->exists) return Error{ErrorCode::kInvalid, file + " exists, and nothing is written over"};
  const std::string part = file + ".part";
  Result<TextCounts> counts = export_to_new(path, part);
  Status status = counts ? sync_file(part) : Status(counts.error());
  if (status) status = rename_new(part, file);
  if (!status) static_cast<void>(remove_file(part));
  return status ? counts : Result<TextCounts>(status.error());
}

Result<CheckReport> import_store(std::istream& in, const std::string& name, const std::string& path,
                                 const std::optional<std::string>& memory_folder) {
  StoreTextReader text(in);
  return make_store(path, memory_folder, [&](StoreMaker& maker) -> Status {
    const Status status = fill(maker, text);
    if (status) return status;
    return Error{status.error().code,
                 name + " line " + std::to_string(text.line()) + ": " + status.error().text};
  });
}

}  // namespace deltamesh
