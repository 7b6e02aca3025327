// crdt/block_groups.h - the events of a block in groups that have no series in common.
//
// Shapes that share a series, directly or by way of others, are of one group. A device names its series after
// itself, so that this finds what came from one device without a word about it in the block. Only
// crdt/block*.cc include this.
#pragma once

#include "crdt/block_columns.h"

namespace deltamesh {

// Indexes of events, group after group, within each in ascending order.
struct EventGroups {
  std::vector<std::uint32_t> events;
  std::vector<std::uint32_t> ends;  // Where in `events` each group ends.
  [[nodiscard]] std::size_t size() const { return ends.size(); }
  [[nodiscard]] std::span<const std::uint32_t> operator[](std::size_t group) const {
    const std::uint32_t start = group == 0 ? 0 : ends[group - 1];
    return std::span(events).subspan(start, ends[group] - start);
  }
};

EventGroups one_group(const BlockColumns& columns);

// Groups stand in the order of their first events. Needs directory, shapes and their ids, checked.
EventGroups groups_by_series(const BlockColumns& columns);

}  // namespace deltamesh
