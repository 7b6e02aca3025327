// crdt/block_groups.cc - sets of series that meet in events, then events by the set of their series.
#include "crdt/block_groups.h"

#include <algorithm>
#include <numeric>

namespace deltamesh {
namespace {

// Disjoint sets of positions in the directory; the lowest member of each stands for it.
class PositionSets {
 public:
  explicit PositionSets(std::size_t size) : lower_(size) { std::iota(lower_.begin(), lower_.end(), 0u); }

  std::uint32_t lowest(std::uint32_t position) {
    while (lower_[position] != position) position = lower_[position] = lower_[lower_[position]];
    return position;
  }
  void unite(std::uint32_t a, std::uint32_t b) {
    const std::uint32_t x = lowest(a), y = lowest(b);
    lower_[std::max(x, y)] = std::min(x, y);
  }

 private:
  std::vector<std::uint32_t> lower_;
};

struct ShapeGroups {
  std::vector<std::uint32_t> of_shape;
  std::uint32_t count = 0;
};

ShapeGroups groups_of_shapes(const BlockColumns& columns) {
  const ShapeTable& shapes = columns.shapes;
  PositionSets sets(columns.directory.size());
  for (std::size_t id = 0; id < shapes.size(); ++id)
    for (const std::uint32_t position : shapes[id].subspan(1)) sets.unite(shapes[id][0], position);
  std::vector<std::uint32_t> numbers(columns.directory.size());  // Of each set, from 1 on; 0: not met yet.
  ShapeGroups groups;
  for (std::size_t id = 0; id < shapes.size(); ++id) {
    std::uint32_t& number = numbers[sets.lowest(shapes[id][0])];
    if (number == 0) number = ++groups.count;
    groups.of_shape.push_back(number - 1);
  }
  return groups;
}

}  // namespace

EventGroups one_group(const BlockColumns& columns) {
  EventGroups groups;
  groups.events.resize(columns.shape_ids.size());
  std::iota(groups.events.begin(), groups.events.end(), 0u);
  groups.ends.push_back(static_cast<std::uint32_t>(groups.events.size()));
  return groups;
}

EventGroups groups_by_series(const BlockColumns& columns) {
  const ShapeGroups shapes = groups_of_shapes(columns);
  EventGroups groups;
  groups.ends.resize(shapes.count);
  for (const std::int64_t id : columns.shape_ids)
    ++groups.ends[shapes.of_shape[static_cast<std::size_t>(id)]];
  std::exclusive_scan(groups.ends.begin(), groups.ends.end(), groups.ends.begin(), 0u);
  groups.events.resize(columns.shape_ids.size());
  std::uint32_t event = 0;
  for (const std::int64_t id : columns.shape_ids)  // Moves each group's start to its end.
    groups.events[groups.ends[shapes.of_shape[static_cast<std::size_t>(id)]]++] = event++;
  return groups;
}

}  // namespace deltamesh
