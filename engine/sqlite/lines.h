// engine/sqlite/lines.h - the small texts beside a store: "name value" lines in a fixed order, and a
// checksum.
//
// A text begins with a title and its version, and ends with the XXH3-64 of all lines before the last.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "crdt/result.h"
#include "engine/sqlite/checksum.h"

namespace deltamesh::sqlite {

// Reads line after line; after the first surprise everything reads as absent.
class Lines {
 public:
  // The title with its version is taken off, and the checksum. An error names what is wrong: kUnsupported if
  // the text has another version than 0, else kCorrupt.
  static Result<Lines> open(std::string_view text, std::string_view title, RowKind kind);

  // The rest of the next line, which must start with `name` and a space.
  std::string_view value(std::string_view name);
  // The same as numbers, divided by spaces.
  std::uint64_t number(std::string_view name);
  std::array<std::uint64_t, 3> three_numbers(std::string_view name);
  template <class Id>
  Id id(std::string_view name) {
    const auto bytes = parse_hex128(value(name));
    ok_ = ok_ && bytes.has_value();
    return bytes ? Id{*bytes} : Id{};
  }

  [[nodiscard]] bool ok() const { return ok_; }
  [[nodiscard]] bool at_end() const { return text_.empty(); }

 private:
  explicit Lines(std::string_view text) : text_(text) {}
  std::uint64_t take_number(std::string_view& rest);

  std::string_view text_;
  bool ok_ = true;
};

// `lines` with their title before and their checksum behind them.
std::string with_checksum(std::string_view title, std::string_view lines, RowKind kind);

}  // namespace deltamesh::sqlite
