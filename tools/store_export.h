// tools/store_export.h - a whole store to text, and a store of such a text.
#pragma once

#include <iosfwd>
#include <optional>
#include <string>

#include "crdt/result.h"
#include "engine/sqlite/check.h"
#include "tools/text_tally.h"

namespace deltamesh {

// Writes the store at `path` to `out` as docs/formats/export.md has it: one state of it, also while a node
// runs on it. Refuses what check.h finds damaged: what is missing from a copy is missed only when it is
// needed. After an error, what was written lacks its last line, and is refused wherever it is read.
Result<TextCounts> export_store(const std::string& path, std::ostream& out);
// The same to a new file, which is there whole and on the disk, or not at all.
Result<TextCounts> export_to_file(const std::string& path, const std::string& file);

// Makes a store at `path`, where there must be none, of the text that `in` gives; it is there whole and
// checked, or not at all (engine/sqlite/store_maker.h). `name`: of the text, in errors, which have the line.
// `memory_folder`: as in SqliteOptions.
Result<CheckReport> import_store(std::istream& in, const std::string& name, const std::string& path,
                                 const std::optional<std::string>& memory_folder = std::nullopt);

}  // namespace deltamesh
