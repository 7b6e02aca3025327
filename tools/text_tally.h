// tools/text_tally.h - what stands in the last line of an exported store, counted while lines go by.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "engine/sqlite/store_rows.h"

struct XXH3_state_s;

namespace deltamesh {

struct TextCounts {
  std::uint64_t lines = 0;  // Before the last.
  std::uint64_t streams = 0, series = 0, entries = 0, blocks = 0, events = 0;
  friend bool operator==(const TextCounts&, const TextCounts&) = default;
};

class TextTally {
 public:
  TextTally();

  // A line without its end.
  void add_line(std::string_view line);
  void add_row(const sqlite::StoreRow& row);

  [[nodiscard]] const TextCounts& counts() const { return counts_; }
  // XXH3-128 of the lines, each with a line feed behind it, as 32 hex digits.
  [[nodiscard]] std::string digest() const;

 private:
  struct Free {
    void operator()(XXH3_state_s* state) const;
  };
  std::unique_ptr<XXH3_state_s, Free> state_;
  TextCounts counts_;
};

}  // namespace deltamesh
