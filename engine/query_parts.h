// engine/query_parts.h - what the questions of engine/query.h share.
#pragma once

#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <vector>

#include "engine/query.h"

namespace deltamesh {

inline constexpr TimeRange kAllTime{std::numeric_limits<Ticks>::min(), std::numeric_limits<Ticks>::max()};

// visit_blocks() with a visitor that may fail; it says whether to go on.
Status visit(const StoreReader& reader, const StreamId& stream, TimeRange range, StoreReader::Order order,
             const std::function<Result<bool>(const StoredBlock&)>& look);

// Says what a series is, from its declarations in all streams (SeriesInfo).
class SeriesDescriber {
 public:
  explicit SeriesDescriber(const StoreReader& reader, std::optional<Identity> own = {})
      : reader_(reader), own_(own) {}

  // Of declared[from] up to declared[to], which have one name and are ordered by (stream, number).
  Result<SeriesInfo> describe(const std::vector<StreamSeries>& declared, std::size_t from, std::size_t to);

 private:
  // How much a stream's word counts: ours, then by the end of its newest block; nullopt without a time.
  struct Weight {
    bool own = false;
    std::optional<Ticks> newest;
    friend auto operator<=>(const Weight&, const Weight&) = default;
  };
  Result<Weight> weight(const StreamId& stream);

  const StoreReader& reader_;
  std::optional<Identity> own_;
  std::map<StreamId, Weight> weights_;  // Looked up once a stream, and only where streams differ.
};

// Calls `each(from, to)` for the runs of equal names, until it fails.
template <class Each>
Status for_each_name(const std::vector<StreamSeries>& declared, const Each& each) {
  for (std::size_t from = 0, to = 0; from < declared.size(); from = to) {
    while (to < declared.size() && declared[to].decl.name == declared[from].decl.name) ++to;
    if (Status good = each(from, to); !good) return good;
  }
  return Done{};
}

}  // namespace deltamesh
