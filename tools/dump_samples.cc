// tools/dump_samples.cc - crdt-dump samples: the set, or every dot.
#include <fmt/format.h>

#include <charconv>
#include <limits>
#include <ostream>

#include "engine/block_cursor.h"
#include "engine/limits.h"
#include "engine/query.h"
#include "engine/stored_rules.h"
#include "ingest/timestamp.h"
#include "tools/dump.h"

namespace deltamesh {
namespace {

constexpr Ticks kFirstTick = std::numeric_limits<Ticks>::min(), kLastTick = std::numeric_limits<Ticks>::max();

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

// A sample as it was written, and whether it is wanted: those that have no place in UTC, or those within;
// none that is hidden.
struct RawChoice {
  TimeRange range;
  const SeriesRules* rules = nullptr;  // Null: there are none.
  bool unplaced = false;

  [[nodiscard]] bool wants(Sample sample, const BootOffsets& offsets) const {
    if (sample.boot != 0) place(sample, offsets);
    if (rules != nullptr && rules->hides(sample.boot, sample.time)) return false;
    if (unplaced) return sample.boot != 0;
    return sample.boot == 0 && sample.time >= range.from && sample.time <= range.to;
  }
};

// The values of one series in one block, dot by dot.
Result<std::vector<Sample>> raw_samples(const StoredBlock& block, const SeriesDecl& decl,
                                        const RawChoice& choice, const BootOffsets& offsets) {
  if (const auto checked = check_block(block); !checked) return checked.error();
  const auto events = decode_block(*block.bytes, limits::kBlock);
  if (!events) return events.error();
  std::vector<Sample> samples;
  for (std::size_t i = 0; i < events->size(); ++i) {
    const Event& event = (*events)[i];
    for (const Reading& reading : event.readings) {
      if (reading.series != decl.number) continue;
      Sample sample{event.time, reading.value, event.quality,
                    event.boot, event.source,  {block.stream, block.first + i}};
      if (choice.wants(sample, offsets)) samples.push_back(std::move(sample));
    }
  }
  return samples;
}

// Those of one stream that `choice` wants. True: there are more than the limit.
Result<bool> print_raw(const StoreReader& reader, const StreamSeries& series, const RawChoice& choice,
                       std::size_t limit, SamplePrinter& printer) {
  const auto offsets = reader.offsets(series.stream);
  if (!offsets) return offsets.error();
  bool more = false;
  Status outcome = Done{};
  const auto take = [&](const StoredBlock& block) {
    const auto samples = raw_samples(block, series.decl, choice, *offsets);
    if (!samples) outcome = samples.error();
    if (!samples) return false;
    for (const Sample& sample : *samples) {
      more = printer.printed() == limit;
      if (more) return false;
      printer.print(sample);
    }
    return true;
  };
  const Status visited = choice.unplaced
                             ? reader.visit_unplaced(series.stream, take)
                             : reader.visit_blocks(series.stream, choice.range.from, choice.range.to,
                                                   StoreReader::Order::kOldestFirst, take);
  if (!visited) return visited.error();
  if (!outcome) return outcome.error();
  return more;
}

// By stream and dot, as they were written; of each stream, those without a place in UTC last. Stops one short
// of showing that there are more.
Result<bool> print_raw(const StoreReader& reader, const SampleQuery& query, const DumpRequest& request,
                       SamplePrinter& printer) {
  const auto declared = reader.series(query.dataset, query.series);
  if (!declared) return declared.error();
  if (declared->empty()) return Error{ErrorCode::kNotFound, "no series " + query.series};
  const auto rules = read_rules(reader, query.series);
  if (!rules) return rules.error();
  const SeriesRules* const hidden = rules->find(query.dataset, query.series);
  for (const StreamSeries& series : *declared) {
    if (!matches(series.stream, request.stream)) continue;
    for (const bool unplaced : {false, true}) {
      const auto more = print_raw(reader, series, {query.range, hidden, unplaced}, query.limit, printer);
      if (!more || *more) return more;
    }
  }
  return false;
}

// Those without a place in UTC stand at the end.
Result<bool> print_set(const StoreReader& reader, const SampleQuery& query, SamplePrinter& printer) {
  const auto answer = query_samples(reader, query);
  if (!answer) return answer.error();
  for (const Sample& sample : answer->samples) printer.print(sample);
  UnplacedQuery rest{query.dataset, query.series, query.limit - answer->samples.size()};
  rest.blocks_max = std::numeric_limits<std::size_t>::max();
  const auto unplaced = query_unplaced(reader, rest);
  if (!unplaced) return unplaced.error();
  for (const Sample& sample : unplaced->samples) printer.print(sample);
  return answer->more || unplaced->count > unplaced->samples.size();
}

}  // namespace

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
