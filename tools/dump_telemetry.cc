// tools/dump_telemetry.cc - crdt-dump blocks and samples.
#include <fmt/format.h>

#include <charconv>
#include <limits>
#include <ostream>
#include <set>

#include "engine/block_cursor.h"
#include "engine/limits.h"
#include "engine/query.h"
#include "ingest/timestamp.h"
#include "tools/dump.h"
#include "tools/text_table.h"

namespace deltamesh {
namespace {

constexpr Ticks kFirstTick = std::numeric_limits<Ticks>::min(), kLastTick = std::numeric_limits<Ticks>::max();

Status visit_all(const StoreReader& reader, const StreamId& stream, TimeRange range,
                 const std::function<Status(const StoredBlock&)>& take) {
  Status outcome = Done{};
  const auto each = [&](const StoredBlock& block) { return (outcome = take(block)).ok(); };
  const Status visited =
      reader.visit_blocks(stream, range.from, range.to, StoreReader::Order::kOldestFirst, each);
  return visited ? outcome : visited;
}

// ---- blocks ----

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
    TextTable table({">first", ">last", ">events", ">samples", ">series", ">bytes", ">codec", "from", "to"});
    const Status visited =
        visit_all(reader, stream, {kFirstTick, kLastTick}, [&](const StoredBlock& block) -> Status {
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
    json_.number("samples", summary.readings).number("series", summary.series.size());
    json_.number("bytes", block.bytes->size()).number("codec", block.codec);
    if (block.has_utc) json_.key("from").integer(block.time_min).key("to").integer(block.time_max);
    json_.close('}');
  }

  void add(TextTable& table, const StoredBlock& block, const BlockSummary& summary) const {
    const auto time = [&](Ticks ticks) {
      return block.has_utc ? time_text(ticks, request_.resolution) : "-";
    };
    table.add({std::to_string(block.first), std::to_string(block.interval().last),
               std::to_string(summary.events), std::to_string(summary.readings),
               std::to_string(summary.series.size()), std::to_string(block.bytes->size()),
               std::to_string(block.codec), time(block.time_min), time(block.time_max)});
  }

  const DumpRequest& request_;
  DatasetNames names_;
  DumpJson json_;
  std::ostream& out_;
};

// ---- samples ----

class SamplePrinter {
 public:
  SamplePrinter(const DumpRequest& request, std::ostream& out)
      : request_(request), names_(request.names), json_(out), out_(out) {
    if (request.json) json_.open('{').key("samples").open('[');
  }

  void print(const Sample& sample) {
    request_.json ? write(sample) : print_line(sample);
    ++printed_;
  }

  [[nodiscard]] std::size_t printed() const { return printed_; }

  void finish(bool more) {
    if (request_.json) {
      json_.close(']').boolean("more", more).close('}');
      out_ << '\n';
    } else if (more) {
      out_ << "... more; --limit shows more than " << request_.limit << ", --from and --to choose\n";
    }
  }

 private:
  void write(const Sample& sample) {
    json_.open('{').key("time").integer(sample.time);
    json_.key("value").value(sample.value);
    json_.text("quality", to_string(sample.quality));
    if (sample.boot != 0) json_.number("boot", sample.boot);
    if (sample.source)
      json_.number("session", sample.source->session).number("counter", sample.source->counter);
    write_stream(json_, sample.dot.stream, names_);
    json_.number("seq", sample.dot.seq).close('}');
  }

  void print_line(const Sample& sample) {
    const std::string time = sample.boot == 0 ? time_text(sample.time, request_.resolution)
                                              : fmt::format("boot {} + {}", sample.boot, sample.time);
    out_ << fmt::format("{}  {:<20}  {} dot {}", time, value_text(sample.value), short_id(sample.dot.stream),
                        sample.dot.seq);
    if (sample.quality != Quality::kGood) out_ << "  " << to_string(sample.quality);
    if (sample.source) out_ << fmt::format("  source {}:{}", sample.source->session, sample.source->counter);
    out_ << '\n';
  }

  const DumpRequest& request_;
  DatasetNames names_;
  DumpJson json_;
  std::ostream& out_;
  std::size_t printed_ = 0;
};

Result<Ticks> parse_time(const std::string& text, Resolution resolution, Ticks otherwise) {
  if (text.empty()) return otherwise;
  Ticks number = 0;
  const char* const end = text.data() + text.size();
  if (const auto read = std::from_chars(text.data(), end, number); read.ec == std::errc() && read.ptr == end)
    return number;
  const auto parsed = parse_timestamp(text, TimeUnit::kIso8601, resolution);
  if (const Ticks* ticks = std::get_if<Ticks>(&parsed)) return *ticks;
  return Error{ErrorCode::kInvalid,
               text + " is neither a number of ticks nor a time such as 2020-07-13T00:00:24Z"};
}

Result<TimeRange> range_of(const DumpRequest& request) {
  const auto from = parse_time(request.from, request.resolution, kFirstTick);
  if (!from) return from.error();
  const auto to = parse_time(request.to, request.resolution, kLastTick);
  if (!to) return to.error();
  return TimeRange{*from, *to};
}

// The values of one series in one block, dot by dot.
Result<std::vector<Sample>> raw_samples(const StoredBlock& block, const SeriesDecl& decl, TimeRange range) {
  if (const auto checked = check_block(block); !checked) return checked.error();
  const auto events = decode_block(*block.bytes, limits::kBlock);
  if (!events) return events.error();
  std::vector<Sample> samples;
  for (std::size_t i = 0; i < events->size(); ++i) {
    const Event& event = (*events)[i];
    if (event.boot == 0 && (event.time < range.from || event.time > range.to)) continue;
    for (const Reading& reading : event.readings) {
      if (reading.series != decl.number) continue;
      samples.push_back({event.time,
                         reading.value,
                         event.quality,
                         event.boot,
                         event.source,
                         {block.stream, block.first + i}});
    }
  }
  return samples;
}

// By stream and dot, as they were written. Stops one short of showing that there are more.
Result<bool> print_raw(const StoreReader& reader, const SampleQuery& query, const DumpRequest& request,
                       SamplePrinter& printer) {
  const auto declared = reader.series(query.dataset, query.series);
  if (!declared) return declared.error();
  if (declared->empty()) return Error{ErrorCode::kNotFound, "no series " + query.series};
  bool more = false;
  for (const auto& [stream, decl] : *declared) {
    if (!matches(stream, request.stream)) continue;
    Status outcome = Done{};
    const auto take = [&, number = &decl](const StoredBlock& block) {
      const auto samples = raw_samples(block, *number, query.range);
      if (!samples) outcome = samples.error();
      if (!samples) return false;
      for (const Sample& sample : *samples) {
        more = printer.printed() == query.limit;
        if (more) return false;
        printer.print(sample);
      }
      return true;
    };
    const Status visited =
        reader.visit_blocks(stream, query.range.from, query.range.to, StoreReader::Order::kOldestFirst, take);
    if (!visited) return visited.error();
    if (!outcome) return outcome.error();
  }
  return more;
}

Result<bool> print_set(const StoreReader& reader, const SampleQuery& query, SamplePrinter& printer) {
  const auto answer = query_samples(reader, query);
  if (!answer) return answer.error();
  for (const Sample& sample : answer->samples) printer.print(sample);
  return answer->more;
}

}  // namespace

Result<int> dump_blocks(const DumpRequest& request, std::ostream& out) {
  const auto reader = open_for_dump(request.store);
  if (!reader) return reader.error();
  if (!request.dataset.empty()) {
    if (const auto known = require_dataset(**reader, request.dataset); !known) return known.error();
  }
  return BlockPrinter(request, out).print(**reader);
}

Result<int> dump_samples(const DumpRequest& request, std::ostream& out) {
  const auto reader = open_for_dump(request.store);
  if (!reader) return reader.error();
  const auto range = range_of(request);
  if (!range) return range.error();
  const SampleQuery query{DatasetNames::parse(request.dataset), request.resolution, request.series, *range,
                          request.limit};
  SamplePrinter printer(request, out);
  const auto more =
      request.raw ? print_raw(**reader, query, request, printer) : print_set(**reader, query, printer);
  if (!more) return more.error();
  printer.finish(*more);
  return kDumpFine;
}

}  // namespace deltamesh
