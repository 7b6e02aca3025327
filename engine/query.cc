// engine/query.cc - samples of a range.
#include "engine/query.h"

#include "engine/query_parts.h"
#include "engine/sample_set.h"
#include "engine/stored_rules.h"

namespace deltamesh {
namespace {

// Walks of one stream. More: data in the worst order costs as many looks at all its blocks' times. Fewer:
// more blocks are read in vain.
constexpr int kWalksMax = 8;

// Blocks come in the order of writing, so the end of the range does not end the walk. But once the set is
// full its reach shrinks, and the walk starts anew within that: the store skips what lies outside without
// reading its bytes. What was seen and still lies within is little, because the set is full of it.
Status add_stream(const StoreReader& reader, const StreamSeries& series, SampleSet& set) {
  const auto offsets = reader.offsets(series.stream);
  if (!offsets) return offsets.error();
  Seq seen = 0;
  bool shrunk = true;
  for (int walk = 1; shrunk; ++walk) {
    const TimeRange reach = set.reach();
    shrunk = false;
    const auto add = [&](const StoredBlock& block) -> Result<bool> {
      if (block.interval().last <= seen) return true;  // Others may have become one with it since then.
      if (Status good = set.add(block, series.decl.number, *offsets); !good) return good.error();
      seen = block.interval().last;
      shrunk = walk < kWalksMax && set.reach().to < reach.to;
      return !shrunk;
    };
    if (Status good = visit(reader, series.stream, reach, StoreReader::Order::kOldestFirst, add); !good)
      return good;
  }
  return Done{};
}

}  // namespace

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

Result<SampleAnswer> query_samples(const StoreReader& reader, const SampleQuery& query) {
  const auto declared = reader.series(query.dataset, query.series);
  if (!declared) return declared.error();
  if (declared->empty()) return Error{ErrorCode::kNotFound, "no series " + query.series};
  const auto rules = read_rules(reader, query.series);
  if (!rules) return rules.error();
  SampleSet set(query, rules->find(query.dataset, query.series));
  for (const StreamSeries& series : *declared) {
    if (Status good = add_stream(reader, series, set); !good) return good.error();
  }
  return set.take();
}

Result<UnplacedAnswer> query_unplaced(const StoreReader& reader, const UnplacedQuery& query) {
  const auto declared = reader.series(query.dataset, query.series);
  if (!declared) return declared.error();
  if (declared->empty()) return Error{ErrorCode::kNotFound, "no series " + query.series};
  const auto all_rules = read_rules(reader, query.series);
  if (!all_rules) return all_rules.error();
  const SeriesRules* const rules = all_rules->find(query.dataset, query.series);
  UnplacedAnswer answer;
  AnswerSize size(query.limit, query.text_bytes_max);
  const auto take = [&](Sample sample) {
    if (is_hidden(rules, sample)) return;
    ++answer.count;
    if (size.take(sample)) answer.samples.push_back(std::move(sample));
  };
  std::size_t blocks = 0;
  for (const StreamSeries& series : *declared) {
    const auto offsets = reader.offsets(series.stream);
    if (!offsets) return offsets.error();
    Status outcome = Done{};
    const auto look = [&](const StoredBlock& block) {
      answer.complete = ++blocks <= query.blocks_max;
      if (!answer.complete) return false;
      const auto samples = BlockSamples::open(block, *offsets);
      outcome = samples ? samples->each(series.decl.number, BlockSamples::Which::kUnplaced, take)
                        : Status(samples.error());
      return outcome.ok();
    };
    if (Status visited = reader.visit_unplaced(series.stream, look); !visited) return visited.error();
    if (!outcome) return outcome.error();
    if (!answer.complete) break;
  }
  return answer;
}

}  // namespace deltamesh
