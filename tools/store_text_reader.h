// tools/store_text_reader.h - the rows of an exported store, line by line (docs/formats/export.md).
//
// Whatever stands in the text, what comes out are rows of the right form about streams that the text has
// named, or the reason why not; what rows may say, sqlite::StoreMaker looks at. Only after the last row is it
// known that the text is whole.
#pragma once

#include <cstddef>
#include <istream>
#include <optional>
#include <vector>

#include "engine/sqlite/store_rows.h"
#include "tools/line_reader.h"
#include "tools/text_tally.h"

namespace deltamesh {

struct JsonValue;

class StoreTextReader {
 public:
  // `in` outlives the reader.
  explicit StoreTextReader(std::istream& in);

  // The next row; nullopt once all have come, and their number and sum are what the text says.
  Result<std::optional<sqlite::StoreRow>> next();
  // Of the line that was read last.
  [[nodiscard]] std::uint64_t line() const { return lines_.number(); }
  [[nodiscard]] const TextCounts& counts() const { return tally_.counts(); }

 private:
  Result<JsonValue> next_record();
  Status read_header();
  Result<sqlite::StoreRow> read_floor(const JsonValue& record);
  Status read_end(const JsonValue& record);

  LineReader lines_;
  TextTally tally_;
  std::vector<StreamId> streams_;
};

}  // namespace deltamesh
