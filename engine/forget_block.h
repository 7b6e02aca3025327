// engine/forget_block.h - what rules for wrong data leave of an event and of a block.
//
// An event that loses some of its values keeps the others. One that loses all keeps its dot, as a mark: no
// question shows it, no record of a boot is made of it, and it stands in no sum. So sums over events are
// equal before and after a block was written anew.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "engine/forget.h"
#include "engine/store.h"

namespace deltamesh {

// The rules about the series of one stream, by the numbers that its blocks use. The rules outlive it.
class StreamRules {
 public:
  // False if it was there.
  bool add(SeriesNo number, const SeriesRules& rules);

  [[nodiscard]] bool empty() const { return rules_.empty(); }
  [[nodiscard]] bool removes(SeriesNo number, const Event& event) const;
  // Whether something may be removed from a block, by its place and its directory.
  [[nodiscard]] bool may_touch(const StoredBlock& block, const std::vector<SeriesNo>& series) const;
  // All blocks with something to remove have a time between these; the range of Ticks, where events counted
  // from boots are concerned, too. Not of an empty one.
  [[nodiscard]] std::pair<Ticks, Ticks> span() const;

 private:
  [[nodiscard]] const SeriesRules* find(SeriesNo number) const;

  std::vector<std::pair<SeriesNo, const SeriesRules*>> rules_;  // Ascending by number.
};

// An event whose only reading is one of kBootSeries with nothing in it: no bytes, no text, or zero.
[[nodiscard]] bool is_mark(const Event& event);

// The block without what the rules remove, and how many values that were; none if they remove nothing. A
// block of unknown codec, one that does not decode, and one that cannot be encoded without them (a hostile
// one at the bound of its size) are left alone.
struct ForgottenBlock {
  StoredBlock block;
  std::uint64_t values = 0;
};
std::optional<ForgottenBlock> without_forgotten(const StoredBlock& block, const StreamRules& rules);

}  // namespace deltamesh
