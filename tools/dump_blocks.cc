// tools/dump_blocks.cc - crdt-dump blocks.
#include <fmt/format.h>

#include <limits>
#include <ostream>
#include <set>

#include "engine/block_cursor.h"
#include "engine/limits.h"
#include "tools/dump.h"
#include "tools/store_summary.h"
#include "tools/text_table.h"

namespace deltamesh {
namespace {

Status visit_all(const StoreReader& reader, const StreamId& stream,
                 const std::function<Status(const StoredBlock&)>& take) {
  using Limits = std::numeric_limits<Ticks>;
  Status outcome = Done{};
  const auto each = [&](const StoredBlock& block) { return (outcome = take(block)).ok(); };
  const Status visited =
      reader.visit_blocks(stream, Limits::min(), Limits::max(), StoreReader::Order::kOldestFirst, each);
  return visited ? outcome : visited;
}

class BlockPrinter {
 public:
  BlockPrinter(const DumpRequest& request, std::ostream& out)
      : request_(request), names_(request.names), json_(out), out_(out) {}

  Result<int> print(const StoreReader& reader) {
    const auto image = reader.image();
    if (!image) return image.error();
    std::set<StreamId> streams;
    for (const auto& entry : image->knowledge.entries()) streams.insert(entry.stream);
    for (const auto& series : image->series) streams.insert(series.stream);
    if (request_.json) json_.open('{').key("blocks").open('[');
    for (const StreamId& stream : streams) {
      if (!wanted(stream)) continue;
      if (Status status = print_stream(reader, stream); !status) return status.error();
    }
    if (request_.json) json_.close(']').close('}');
    if (request_.json) out_ << '\n';
    return kDumpFine;
  }

 private:
  [[nodiscard]] bool wanted(const StreamId& stream) const {
    return matches(stream, request_.stream) &&
           (request_.dataset.empty() || stream.dataset == DatasetNames::parse(request_.dataset));
  }

  Status print_stream(const StoreReader& reader, const StreamId& stream) {
    TextTable table(
        {">first", ">last", ">events", ">samples", ">marks", ">series", ">bytes", ">codec", "from", "to"});
    const Status visited = visit_all(reader, stream, [&](const StoredBlock& block) -> Status {
      const auto summary = check_block(block);
      if (!summary) return summary.error();
      request_.json ? write(block, *summary) : add(table, block, *summary);
      return Done{};
    });
    if (table.empty()) return visited;
    out_ << stream_text(stream, names_) << '\n';
    table.print(out_);
    return visited;
  }

  void write(const StoredBlock& block, const BlockSummary& summary) {
    json_.open('{');
    write_stream(json_, block.stream, names_);
    json_.number("first", block.first).number("last", block.interval().last).number("events", summary.events);
    const std::uint64_t marks = marks_in(block, summary);
    json_.number("samples", summary.readings - marks).number("marks", marks);
    json_.number("series", summary.series.size());
    json_.number("bytes", block.bytes->size()).number("codec", block.codec);
    if (block.has_utc) json_.key("from").integer(block.time_min).key("to").integer(block.time_max);
    json_.close('}');
  }

  void add(TextTable& table, const StoredBlock& block, const BlockSummary& summary) const {
    const auto time = [&](Ticks ticks) {
      return block.has_utc ? time_text(ticks, request_.resolution) : "-";
    };
    const std::uint64_t marks = marks_in(block, summary);
    table.add({std::to_string(block.first), std::to_string(block.interval().last),
               std::to_string(summary.events), std::to_string(summary.readings - marks),
               std::to_string(marks), std::to_string(summary.series.size()),
               std::to_string(block.bytes->size()), std::to_string(block.codec), time(block.time_min),
               time(block.time_max)});
  }

  const DumpRequest& request_;
  DatasetNames names_;
  DumpJson json_;
  std::ostream& out_;
};

}  // namespace

Result<int> dump_blocks(const DumpRequest& request, std::ostream& out) {
  const auto reader = open_for_dump(request.store);
  if (!reader) return reader.error();
  if (!request.dataset.empty()) {
    if (const auto known = require_dataset(**reader, request.dataset); !known) return known.error();
  }
  return BlockPrinter(request, out).print(**reader);
}

}  // namespace deltamesh
