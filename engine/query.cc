// engine/query.cc - samples of a range, the latest of each series, and what series there are.
#include "engine/query.h"

#include <algorithm>
#include <limits>
#include <map>
#include <optional>

#include "engine/limits.h"
#include "engine/sample_set.h"

namespace deltamesh {
namespace {

constexpr TimeRange kAllTime{std::numeric_limits<Ticks>::min(), std::numeric_limits<Ticks>::max()};

Error no_series(const std::string& name) {
  return {ErrorCode::kNotFound, "no series " + name};
}

SeriesInfo describe(const std::vector<StreamSeries>& declared, std::size_t from, std::size_t to) {
  SeriesInfo info;
  SeriesNo newest = 0;
  for (std::size_t i = from; i < to; ++i) {
    const SeriesDecl& decl = declared[i].decl;
    info.conflict |= decl.unit != declared[from].decl.unit || decl.type != declared[from].decl.type;
    if (decl.number < newest) continue;
    newest = decl.number;
    info.name = decl.name;
    info.unit = decl.unit;
    info.type = decl.type;
  }
  return info;
}

// Calls `each(from, to)` for the runs of equal names.
template <class Each>
void for_each_name(const std::vector<StreamSeries>& declared, const Each& each) {
  for (std::size_t from = 0, to = 0; from < declared.size(); from = to) {
    while (to < declared.size() && declared[to].decl.name == declared[from].decl.name) ++to;
    each(from, to);
  }
}

// `look` says whether to go on.
Status visit(const StoreReader& reader, const StreamId& stream, TimeRange range, StoreReader::Order order,
             const std::function<Result<bool>(const StoredBlock&)>& look) {
  Status outcome = Done{};
  const auto each = [&](const StoredBlock& block) {
    const auto go_on = look(block);
    if (!go_on.ok()) outcome = go_on.error();
    return go_on.ok() && *go_on;
  };
  const Status visited = reader.visit_blocks(stream, range.from, range.to, order, each);
  return visited.ok() ? outcome : visited;
}

// The newest sample of each wanted series of one stream. Blocks come newest first, and a series is decoded
// only where it may have something newer.
class LatestOfStream {
 public:
  void want(SeriesNo series) { found_[series]; }

  Status search(const StoreReader& reader, const StreamId& stream) {
    const auto until_complete = [this](const StoredBlock& block) { return look(block, true); };
    if (Status good = visit(reader, stream, kAllTime, kNewestFirst, until_complete); !good.ok()) return good;
    if (missing_ > 0) return Done{};  // All blocks were seen.
    // Blocks follow the order of writing. Some written earlier may hold later times.
    const auto to_the_end = [this](const StoredBlock& block) { return look(block, false); };
    return visit(reader, stream, {oldest(), kAllTime.to}, kNewestFirst, to_the_end);
  }

  [[nodiscard]] const std::optional<Sample>& at(SeriesNo series) const { return found_.at(series); }

  static void offer(std::optional<Sample>& latest, Sample sample) {
    const bool newer = !latest || (same_sample(*latest, sample) ? sample_before(sample, *latest)
                                                                : sample_before(*latest, sample));
    if (newer) latest = std::move(sample);
  }

 private:
  static constexpr auto kNewestFirst = StoreReader::Order::kNewestFirst;
  using Found = std::map<SeriesNo, std::optional<Sample>>;

  [[nodiscard]] Ticks oldest() const {
    Ticks oldest = kAllTime.to;
    for (const auto& [series, sample] : found_) oldest = std::min(oldest, sample->time);
    return oldest;
  }

  // Those of the block's series that it may hold something newer of.
  Result<std::vector<Found::iterator>> candidates(const StoredBlock& block) {
    const auto summary = peek_block(*block.bytes, limits::kBlock);
    if (!summary.ok()) return summary.error();
    std::vector<Found::iterator> out;
    for (const SeriesNo series : summary->series) {
      const auto it = found_.find(series);
      if (it == found_.end() || (it->second && it->second->time > block.time_max)) continue;
      out.push_back(it);
    }
    return out;
  }

  Result<bool> look(const StoredBlock& block, bool until_complete) {
    if (!block.has_utc) return true;
    const auto wanted = candidates(block);
    if (!wanted.ok()) return wanted.error();
    if (wanted->empty()) return true;
    const auto samples = BlockSamples::open(block);
    if (!samples.ok()) return samples.error();
    for (const auto& it : *wanted) {
      const auto take = [&](Sample sample) { offer(it->second, std::move(sample)); };
      if (Status good = samples->each(it->first, take); !good.ok()) return good.error();
    }
    missing_ = static_cast<std::size_t>(
        std::count_if(found_.begin(), found_.end(), [](const auto& each) { return !each.second; }));
    return !until_complete || missing_ > 0;
  }

  Found found_;
  std::size_t missing_ = 1;  // Series without a sample so far; until the first look nobody knows.
};

using LatestByStream = std::map<StreamId, LatestOfStream>;

Result<LatestByStream> search_streams(const StoreReader& reader, const std::vector<StreamSeries>& declared) {
  LatestByStream streams;
  for (const auto& [stream, decl] : declared) streams[stream].want(decl.number);
  for (auto& [stream, latest] : streams) {
    if (Status good = latest.search(reader, stream); !good.ok()) return good.error();
  }
  return streams;
}

// Where the newest sample is one copy of a message, the set may show another one in its place.
Result<Sample> shown(const StoreReader& reader, DatasetId dataset, const std::string& series,
                     Resolution resolution, Sample newest) {
  if (!newest.source) return newest;
  SampleQuery query{dataset, resolution, series, {newest.time, newest.time}};
  const Ticks window = source_window(resolution);
  query.range.from = std::max(newest.time, kAllTime.from + window) - window;
  query.limit = limits::kBlock.readings_max;
  for (;;) {
    auto answer = query_samples(reader, query);
    if (!answer.ok()) return answer.error();
    if (answer->more && answer->next > query.range.from) {
      query.range.from = answer->next;
    } else {
      return answer->samples.empty() ? newest : std::move(answer->samples.back());
    }
  }
}

}  // namespace

Result<SampleAnswer> query_samples(const StoreReader& reader, const SampleQuery& query) {
  const auto declared = reader.series(query.dataset, query.series);
  if (!declared.ok()) return declared.error();
  if (declared->empty()) return no_series(query.series);
  SampleSet set(query);
  for (const auto& [stream, decl] : *declared) {
    const auto add = [&set, series = decl.number](const StoredBlock& block) -> Result<bool> {
      if (Status good = set.add(block, series); !good.ok()) return good.error();
      return true;
    };
    Status good = visit(reader, stream, set.reach(), StoreReader::Order::kOldestFirst, add);
    if (!good.ok()) return good.error();
  }
  return set.take();
}

Result<std::vector<SeriesInfo>> list_series(const StoreReader& reader, DatasetId dataset) {
  const auto declared = reader.series(dataset, std::nullopt);
  if (!declared.ok()) return declared.error();
  std::vector<SeriesInfo> all;
  for_each_name(*declared,
                [&](std::size_t from, std::size_t to) { all.push_back(describe(*declared, from, to)); });
  return all;
}

Result<SeriesInfo> find_series(const StoreReader& reader, DatasetId dataset, const std::string& name) {
  const auto declared = reader.series(dataset, name);
  if (!declared.ok()) return declared.error();
  if (declared->empty()) return no_series(name);
  return describe(*declared, 0, declared->size());
}

Result<std::vector<LatestSample>> query_latest(const StoreReader& reader, DatasetId dataset,
                                               const std::set<std::string>& only, Resolution resolution) {
  auto declared = reader.series(dataset, std::nullopt);
  if (!declared.ok()) return declared.error();
  if (!only.empty()) {
    std::erase_if(*declared, [&](const StreamSeries& each) { return only.count(each.decl.name) == 0; });
  }
  const auto streams = search_streams(reader, *declared);
  if (!streams.ok()) return streams.error();
  std::vector<LatestSample> answer;
  for_each_name(*declared, [&](std::size_t from, std::size_t to) {
    std::optional<Sample> newest;
    for (std::size_t i = from; i < to; ++i) {
      const auto& found = streams->at((*declared)[i].stream).at((*declared)[i].decl.number);
      if (found) LatestOfStream::offer(newest, *found);
    }
    if (newest) answer.push_back({describe(*declared, from, to), *std::move(newest)});
  });
  for (LatestSample& each : answer) {
    auto sample = shown(reader, dataset, each.series.name, resolution, std::move(each.sample));
    if (!sample.ok()) return sample.error();
    each.sample = *std::move(sample);
  }
  return answer;
}

}  // namespace deltamesh
