// crdt/block_columns.cc - where each series finds its values, and the words for what is wrong with a block.
#include "crdt/block_columns.h"

#include <limits>
#include <utility>

namespace deltamesh {

void BlockColumns::lay_out_values() {
  std::vector<std::uint32_t> uses(shapes.size());
  for (const std::int64_t id : shape_ids) ++uses[static_cast<std::size_t>(id)];
  for (std::size_t id = 0; id < shapes.size(); ++id)
    for (const std::uint32_t position : shapes[id]) directory[position].count += uses[id];
  std::uint32_t int_count = 0, double_count = 0, text_count = 0;
  for (SeriesEntry& entry : directory) {
    auto& end = entry.type <= ValueType::kInt      ? int_count
                : entry.type == ValueType::kDouble ? double_count
                                                   : text_count;
    entry.start = end;
    end += entry.count;
  }
  ints.resize(int_count);
  doubles.resize(double_count);
  texts.resize(text_count);
}

Error block_error(ErrorCode code, std::string text) {
  return {code, "block: " + std::move(text)};
}

Error block_over(const char* what, std::uint64_t size, std::uint64_t size_max) {
  return block_error(ErrorCode::kLimit,
                     std::to_string(size) + " " + what + " are more than " + std::to_string(size_max));
}

std::uint64_t decoded_text_max(const BlockLimits& limits) {
  constexpr auto kAll = std::numeric_limits<std::uint64_t>::max();
  return limits.bytes_max > kAll / kTextExpansionMax ? kAll : limits.bytes_max * kTextExpansionMax;
}

}  // namespace deltamesh
