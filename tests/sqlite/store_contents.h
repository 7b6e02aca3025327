// tests/sqlite/store_contents.h - all that a store holds, to be compared with a model of it.
#pragma once

#include <string>
#include <vector>

#include "tests/engine/store_model.h"

namespace deltamesh {

struct StoreContents {
  StoreImage image;
  std::vector<StoredBlock> blocks;  // By stream, then by number.

  [[nodiscard]] IntervalSet held(const StreamId& stream) const;
};
Result<StoreContents> read_contents(const StoreReader& reader);

// What differs, in words; empty if nothing does.
std::string difference(const StoreContents& contents, const StoreModel& model);

// Where knowledge and blocks contradict each other; empty if they agree. For stores that were told to hold
// only what they were given blocks of.
std::string contradiction(const StoreContents& contents);

}  // namespace deltamesh
