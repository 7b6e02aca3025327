// engine/query_latest.cc - the newest sample of each series.
#include <algorithm>

#include "engine/limits.h"
#include "engine/query_parts.h"
#include "engine/sample_set.h"
#include "engine/stored_rules.h"

namespace deltamesh {
namespace {

// A stream's share of the blocks that may be looked at. Smaller: with many streams, a series that is silent
// for minutes is missed already.
constexpr std::size_t kShareMin = 200;

// The newest sample of each wanted series of one stream. Blocks come newest first, and a series is decoded
// only where it may have something newer.
class LatestOfStream {
 public:
  // Those that `rules` hide do not count; null: none is.
  void want(SeriesNo series, const SeriesRules* rules) {
    found_[series];
    if (rules != nullptr) rules_.emplace(series, rules);
  }

  // Looks at `blocks_max` blocks at most.
  Status search(const StoreReader& reader, const StreamId& stream, std::size_t blocks_max) {
    auto offsets = reader.offsets(stream);
    if (!offsets) return offsets.error();
    offsets_ = *std::move(offsets);
    blocks_left_ = blocks_max;
    const auto until_complete = [this](const StoredBlock& block) -> Result<bool> {
      if (!may_look()) return false;
      reached_ = block.first;
      if (Status good = look(block); !good) return good.error();
      return missing() > 0;
    };
    const Status good = visit(reader, stream, kAllTime, StoreReader::Order::kNewestFirst, until_complete);
    return good && reached_ > 1 ? search_before(reader, stream) : good;
  }

  [[nodiscard]] const std::optional<Sample>& at(SeriesNo series) const { return found_.at(series); }
  [[nodiscard]] bool complete() const { return complete_; }

  static void offer(std::optional<Sample>& latest, Sample sample) {
    const bool newer = !latest || (same_sample(*latest, sample) ? sample_before(sample, *latest)
                                                                : sample_before(*latest, sample));
    if (newer) latest = std::move(sample);
  }

 private:
  using Found = std::map<SeriesNo, std::optional<Sample>>;

  // Blocks follow the order of writing. Those written before may hold later times: few do.
  Status search_before(const StoreReader& reader, const StreamId& stream) {
    const auto until_seen = [this](const StoredBlock& block) -> Result<bool> {
      if (block.first >= reached_ || !may_look()) return false;
      if (Status good = look(block); !good) return good.error();
      return true;
    };
    return visit(reader, stream, {oldest(), kAllTime.to}, StoreReader::Order::kOldestFirst, until_seen);
  }

  bool may_look() {
    if (blocks_left_ == 0) complete_ = false;
    return blocks_left_ > 0 && blocks_left_-- > 0;
  }

  [[nodiscard]] std::size_t missing() const {
    return static_cast<std::size_t>(
        std::count_if(found_.begin(), found_.end(), [](const auto& each) { return !each.second; }));
  }

  [[nodiscard]] Ticks oldest() const {
    Ticks oldest = kAllTime.to;
    for (const auto& [series, sample] : found_) {
      if (sample) oldest = std::min(oldest, sample->time);
    }
    return oldest;
  }

  // Those of the block's series that it may hold something newer of.
  Result<std::vector<SeriesNo>> candidates(const StoredBlock& block) const {
    const auto latest = latest_in(block, offsets_);
    const auto summary = peek_block(*block.bytes, limits::kBlock);
    if (!summary.ok()) return summary.error();
    std::vector<SeriesNo> out;
    for (const SeriesNo series : summary->series) {
      const auto it = found_.find(series);
      if (it == found_.end() || (it->second && latest && it->second->time > *latest)) continue;
      out.push_back(series);
    }
    return out;
  }

  Status look(const StoredBlock& block) {
    if (!latest_in(block, offsets_)) return Done{};
    const auto wanted = candidates(block);
    if (!wanted.ok()) return wanted.error();
    if (wanted->empty()) return Done{};
    const auto samples = BlockSamples::open(block, offsets_);
    if (!samples.ok()) return samples.error();
    const auto take = [this](SeriesNo series, Sample sample) {
      const auto ruled = rules_.find(series);
      if (ruled == rules_.end() || !is_hidden(ruled->second, sample))
        offer(found_[series], std::move(sample));
    };
    return samples->each_of_all(*wanted, BlockSamples::Which::kPlaced, take);
  }

  Found found_;
  std::map<SeriesNo, const SeriesRules*> rules_;
  BootOffsets offsets_;
  Seq reached_ = 0;  // The first event of the earliest block that was seen.
  std::size_t blocks_left_ = 0;
  bool complete_ = true;
};

using LatestByStream = std::map<StreamId, LatestOfStream>;

Result<LatestByStream> search_streams(const StoreReader& reader, const std::vector<StreamSeries>& declared,
                                      const ForgetRules& rules, std::size_t blocks_max) {
  LatestByStream streams;
  for (const auto& [stream, decl] : declared)
    streams[stream].want(decl.number, rules.find(stream.dataset, decl.name));
  const std::size_t share =
      std::max(blocks_max / std::max<std::size_t>(1, streams.size()), std::min(blocks_max, kShareMin));
  for (auto& [stream, latest] : streams) {
    if (Status good = latest.search(reader, stream, share); !good.ok()) return good.error();
  }
  return streams;
}

// Where the newest sample is one copy of a message, the set may show another one in its place.
Result<Sample> shown(const StoreReader& reader, const LatestQuery& latest, const std::string& series,
                     Sample newest) {
  if (!newest.source) return newest;
  SampleQuery query{latest.dataset, latest.resolution, series, {newest.time, newest.time}};
  const Ticks window = source_window(latest.resolution);
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

std::optional<Sample> newest_of(const LatestByStream& streams, const std::vector<StreamSeries>& declared,
                                std::size_t from, std::size_t to) {
  std::optional<Sample> newest;
  for (std::size_t i = from; i < to; ++i) {
    const auto& found = streams.at(declared[i].stream).at(declared[i].decl.number);
    if (found) LatestOfStream::offer(newest, *found);
  }
  return newest;
}

}  // namespace

Result<LatestAnswer> query_latest(const StoreReader& reader, const LatestQuery& query) {
  auto declared = reader.series(query.dataset, std::nullopt);
  if (!declared.ok()) return declared.error();
  if (!query.only.empty()) {
    std::erase_if(*declared, [&](const StreamSeries& each) { return query.only.count(each.decl.name) == 0; });
  }
  const auto rules = read_rules(reader);
  if (!rules.ok()) return rules.error();
  // Of what is hidden whole nothing would be found, however far back.
  std::erase_if(*declared, [&](const StreamSeries& each) {
    const SeriesRules* const found = rules->find(query.dataset, each.decl.name);
    return found != nullptr && found->whole;
  });
  const auto streams = search_streams(reader, *declared, *rules, query.blocks_max);
  if (!streams.ok()) return streams.error();
  LatestAnswer answer;
  for (const auto& [stream, latest] : *streams) answer.complete &= latest.complete();
  SeriesDescriber describer(reader);
  const Status good = for_each_name(*declared, [&](std::size_t from, std::size_t to) -> Status {
    auto newest = newest_of(*streams, *declared, from, to);
    if (!newest) return Done{};
    auto series = describer.describe(*declared, from, to);
    if (!series) return series.error();
    auto sample = shown(reader, query, series->name, *std::move(newest));
    if (!sample) return sample.error();
    answer.latest.push_back({*std::move(series), *std::move(sample)});
    return Done{};
  });
  if (!good) return good.error();
  return answer;
}

}  // namespace deltamesh
