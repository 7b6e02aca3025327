// tools/dump_format.h - how crdt-dump writes ids, times, values and intervals for people. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "crdt/interval_set.h"
#include "crdt/lww_map.h"
#include "crdt/sample.h"

namespace deltamesh {

// A store knows datasets by the hash of their name alone. Names that hash to an id that is there are theirs.
class DatasetNames {
 public:
  // `given` by the operator, besides the names that are common.
  explicit DatasetNames(const std::vector<std::string>& given = {});
  // The name, or 16 hex digits.
  [[nodiscard]] std::string operator()(DatasetId dataset) const;
  // A name, or the 16 hex digits of an id.
  [[nodiscard]] static DatasetId parse(std::string_view text);

 private:
  std::vector<std::string> names_;
};

const char* to_string(StreamClass cls);
const char* to_string(Quality quality);

// "3f9a1c02.77aa10be": the first digits of node and incarnation, enough to tell the streams of one store
// apart.
std::string short_id(const StreamId& stream);
// True if `pattern`, "NODE" or "NODE.INCARNATION" with both cut short at will, means `stream`.
bool matches(const StreamId& stream, std::string_view pattern);

std::string hex_of(ByteView bytes);
// What people can read: `text` itself if it is UTF-8 without control characters, else its bytes as "0x...".
std::string printable(std::string_view text);
std::string value_text(const Value& value);
std::string value_text(const MapEntry& entry);  // Shortened.
std::string version_text(const MapVersion& version);
// 2020-07-13T00:00:24.502Z; ticks of years that cannot be written so stay numbers.
std::string time_text(Ticks time, Resolution resolution);
// "1-60", "1-60 62-70 ... 9 more", "-" for the empty set.
std::string interval_text(const Interval& dots);
std::string interval_text(const IntervalSet& set, std::size_t show_max);
// 1,234,567.
std::string grouped(std::uint64_t number);

}  // namespace deltamesh
