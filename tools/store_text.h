// tools/store_text.h - a store as lines of JSON (docs/formats/export.md).
//
// Row by row, without holding more than one. Rows become lines here; store_text_reader.h has the way back.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <string_view>

#include "engine/sqlite/store_rows.h"
#include "tools/text_tally.h"

namespace deltamesh {

inline constexpr std::string_view kTextFormat = "deltamesh export";
inline constexpr std::uint64_t kTextVersion = 0;
// Of a line. Larger: memory for what cannot be a row, and several times that to read it. Smaller: the
// knowledge of a stream with as many gaps as it may have does not fit.
inline constexpr std::size_t kTextLineBytesMax = 4u << 20;

class StoreTextWriter {
 public:
  // Takes a line without its end; what it returns as an error ends the export.
  using Out = std::function<Status(std::string_view line)>;
  explicit StoreTextWriter(Out out) : out_(std::move(out)) {}

  Status begin();
  // In the order of sqlite::visit_rows().
  Status put(const sqlite::StoreRow& row);
  Status end();

  [[nodiscard]] const TextCounts& counts() const { return tally_.counts(); }

 private:
  Status write(std::string_view line);
  Status put_floor(const StoredFloor& stored);

  Out out_;
  TextTally tally_;
  std::map<StreamId, std::uint64_t> numbers_;  // Of streams, from 1.
};

}  // namespace deltamesh
