// tools/text_tally.cc - counts, and XXH3 piece by piece.
#include "tools/text_tally.h"

#include <fmt/format.h>
#include <xxhash.h>

#include <new>

namespace deltamesh {

TextTally::TextTally() : state_(XXH3_createState()) {
  if (state_ == nullptr) throw std::bad_alloc();
  XXH3_128bits_reset(state_.get());
}

void TextTally::Free::operator()(XXH3_state_s* state) const {
  XXH3_freeState(state);
}

void TextTally::add_line(std::string_view line) {
  XXH3_128bits_update(state_.get(), line.data(), line.size());
  XXH3_128bits_update(state_.get(), "\n", 1);
  ++counts_.lines;
}

void TextTally::add_row(const sqlite::StoreRow& row) {
  if (std::holds_alternative<StreamId>(row)) ++counts_.streams;
  if (const auto* series = std::get_if<StreamSeries>(&row))
    counts_.series += series->decl.name.empty() ? 0 : 1;
  if (std::holds_alternative<sqlite::PlacedEntry>(row)) ++counts_.entries;
  if (const auto* numbered = std::get_if<sqlite::NumberedBlock>(&row)) {
    ++counts_.blocks;
    counts_.events += numbered->block.events;
  }
}

std::string TextTally::digest() const {
  const XXH128_hash_t hash = XXH3_128bits_digest(state_.get());
  return fmt::format("{:016x}{:016x}", hash.high64, hash.low64);
}

}  // namespace deltamesh
