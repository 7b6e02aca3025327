// tools/store_summary.cc - adds up.
#include "tools/store_summary.h"

#include <algorithm>
#include <limits>
#include <tuple>

#include "engine/block_cursor.h"
#include "engine/forget_block.h"
#include "engine/limits.h"

namespace deltamesh {
namespace {

StreamCounts count_blocks(const StoreReader& reader, const StreamId& stream) {
  StreamCounts counts;
  const auto count = [&counts](const StoredBlock& block) {
    const auto summary = check_block(block);
    if (!summary) {
      counts.fault = summary.error().text;
      return false;
    }
    ++counts.blocks;
    counts.bytes += block.bytes->size();
    counts.events += summary->events;
    const std::uint64_t marks = marks_in(block, *summary);
    counts.samples += summary->readings - marks;
    counts.marks += marks;
    return true;
  };
  const Status visited =
      reader.visit_blocks(stream, std::numeric_limits<Ticks>::min(), std::numeric_limits<Ticks>::max(),
                          StoreReader::Order::kOldestFirst, count);
  if (!visited) counts.fault = visited.error().text;
  return counts;
}

void count_entries(StoreSummary& summary) {
  for (const MapWrite& write : summary.image.entries) {
    DatasetSummary& dataset = summary.datasets[write.dataset];
    ++(write.entry.tombstone ? dataset.tombstones : dataset.keys);
    dataset.value_bytes += write.entry.value.size();
  }
}

}  // namespace

void StreamCounts::add(const StreamCounts& other) {
  blocks += other.blocks;
  bytes += other.bytes;
  events += other.events;
  samples += other.samples;
  marks += other.marks;
  if (fault.empty()) fault = other.fault;
}

const char* DatasetSummary::kind() const {
  if (keys + tombstones > 0) return "map";
  return counts.blocks > 0 || series > 0 ? "telemetry" : "empty";
}

bool CatalogueLine::conflict() const {
  return std::any_of(declared.begin(), declared.end(), [this](const StreamSeries& other) {
    return other.decl.unit != declared.front().decl.unit || other.decl.type != declared.front().decl.type;
  });
}

const SeriesDecl& CatalogueLine::newest() const {
  return std::max_element(
             declared.begin(), declared.end(),
             [](const StreamSeries& a, const StreamSeries& b) { return a.decl.number < b.decl.number; })
      ->decl;
}

std::vector<CatalogueLine> catalogue_of(const StoreImage& image) {
  std::map<std::pair<DatasetId, std::string>, CatalogueLine> lines;
  for (const StreamSeries& series : image.series) {
    CatalogueLine& line = lines[{series.stream.dataset, series.decl.name}];
    line.dataset = series.stream.dataset;
    line.name = series.decl.name;
    line.declared.push_back(series);
  }
  std::vector<CatalogueLine> out;
  out.reserve(lines.size());
  for (auto& [key, line] : lines) out.push_back(std::move(line));
  return out;
}

std::uint64_t marks_in(const StoredBlock& block, const BlockSummary& summary) {
  if (std::find(summary.series.begin(), summary.series.end(), kBootSeries) == summary.series.end()) return 0;
  const auto events = decode_block(*block.bytes, limits::kBlock);
  if (!events) return 0;
  return static_cast<std::uint64_t>(std::count_if(events->begin(), events->end(), is_mark));
}

Result<StoreSummary> summarize(const StoreReader& reader) {
  auto image = reader.image();
  if (!image) return image.error();
  StoreSummary summary{std::move(*image), {}, {}, {}};
  for (const auto& entry : summary.image.knowledge.entries()) summary.streams[entry.stream];
  for (const auto& series : summary.image.series) summary.streams[series.stream];
  for (auto& [stream, counts] : summary.streams) {
    counts = count_blocks(reader, stream);
    DatasetSummary& dataset = summary.datasets[stream.dataset];
    ++dataset.streams;
    dataset.counts.add(counts);
  }
  count_entries(summary);
  summary.catalogue = catalogue_of(summary.image);
  for (const CatalogueLine& line : summary.catalogue) ++summary.datasets[line.dataset].series;
  return summary;
}

}  // namespace deltamesh
