// tools/store_text_reader.cc - one function a kind of record.
#include "tools/store_text_reader.h"

#include <array>
#include <utility>

#include "tools/record_fields.h"
#include "tools/store_text.h"

namespace deltamesh {
namespace {

using namespace sqlite;

constexpr std::string_view kLine = "the line";

Error invalid(std::string text) {
  return {ErrorCode::kInvalid, std::move(text)};
}

// The fields of one record, which may be about a stream that the text has named.
class Record : public RecordFields {
 public:
  Record(const JsonValue& object, const std::vector<StreamId>& streams)
      : RecordFields(object), streams_(streams) {
    text("record");
  }

  StreamId stream(std::string_view name) {
    const std::uint64_t number = this->number(name);
    if (number > 0 && number <= streams_.size()) return streams_[static_cast<std::size_t>(number - 1)];
    refuse("\"" + std::string(name) + "\" is the number of no stream above");
    return {};
  }
  // A stream, but for its dataset.
  StreamId writer(DatasetId dataset) {
    StreamId stream{dataset, stream_class("class"), {}, {}};
    stream.node = id<NodeTag>("node");
    stream.incarnation = id<IncarnationTag>("incarnation");
    return stream;
  }
  DatasetId dataset() { return DatasetId{hex64("dataset")}; }
  std::uint32_t number32(std::string_view name) {
    return static_cast<std::uint32_t>(number(name, std::numeric_limits<std::uint32_t>::max()));
  }
  MapWrite write() {
    MapWrite write;
    MapEntry& entry = write.entry;
    entry.version.dot = {stream("stream"), number("seq")};
    write.dataset = entry.version.dot.stream.dataset;
    entry.key = text("key");
    entry.version.epoch = number32("epoch");
    entry.version.stamp.bits = number("stamp");
    entry.untrusted = boolean("untrusted");
    if (has("past")) entry.past = past("past");
    auto value = text_or_null("value");
    entry.tombstone = !value;
    entry.value = std::move(value).value_or("");
    return write;
  }
  [[nodiscard]] std::uint64_t streams() const { return streams_.size(); }

 private:
  const std::vector<StreamId>& streams_;
};

StoreRow read_store(Record& in) {
  Meta meta;
  meta.identity.node = in.id<NodeTag>("node");
  meta.identity.incarnation = in.id<IncarnationTag>("incarnation");
  meta.opens = in.number("opens");
  meta.clock.bits = in.number("clock");
  if (in.has("obeyed")) meta.obeyed = in.digest("obeyed");
  return meta;
}

StoreRow read_incarnation(Record& in) {
  NotedIncarnation one{in.id<IncarnationTag>("incarnation"), {}};
  one.reason = in.text("reason");
  return one;
}

StoreRow read_stream(Record& in) {
  if (in.number("number") != in.streams() + 1) in.refuse("streams are not numbered 1, 2, 3, ...");
  const DatasetId dataset = in.dataset();
  return in.writer(dataset);
}

StoreRow read_knowledge(Record& in) {
  Knowledge::Entry entry{in.stream("stream"), {}};
  const Seq head = in.number("head"), settled = in.number("settled");
  const IntervalSet held = in.intervals("held"), dropped = in.intervals("dropped"),
                    voided = in.intervals("void"), lost = in.intervals("lost");
  StreamKnowledge& known = entry.known;
  known.drop(dropped);
  known.hold(held);
  known.declare_void(voided);
  known.declare_lost(lost);
  known.declare_head(head, settled);
  const bool same = known.held() == held && known.dropped() == dropped && known.voided() == voided &&
                    known.lost() == lost && known.head() == head && known.declared() == settled;
  if (!same) in.refuse("what is known of the stream contradicts itself");
  return entry;
}

StoreRow read_series(Record& in) {
  StreamSeries series{in.stream("stream"), {}};
  series.decl.number = in.number32("number");
  series.decl.name = in.text("name");
  series.decl.unit = in.text("unit");
  series.decl.type = in.value_type("type");
  if (series.decl.name.empty()) in.refuse("a series has no name");
  return series;
}

StoreRow read_unnamed(Record& in) {
  SeriesKey key{in.stream("stream"), 0};
  key.number = in.number32("number");
  return unnamed_series(key);
}

StoreRow read_entry(Record& in) {
  const std::uint32_t place = in.number32("place");
  return PlacedEntry{in.write(), place};
}

StoreRow read_surfaced(Record& in) {
  return SurfacedWrite{in.write()};
}

TierAck acker_in(Record& in) {
  TierAck ack;
  ack.acker.node = in.id<NodeTag>("acker");
  ack.acker.incarnation = in.id<IncarnationTag>("acker_incarnation");
  return ack;
}

StoreRow read_ack(Record& in) {
  TierAck ack = acker_in(in);
  ack.stream = in.stream("stream");
  ack.dots = in.intervals("dots");
  return ack;
}

StoreRow read_ended(Record& in) {
  TierAck ack = acker_in(in);
  ack.ended = true;
  return ack;
}

StoreRow read_boot(Record& in) {
  BootOffset offset;
  offset.stream = in.stream("stream");
  offset.boot = in.number32("boot");
  offset.ticks = in.integer("ticks");
  offset.quality = in.quality("quality");
  offset.record = {in.stream("writer"), in.number("seq")};
  return offset;
}

StoreRow read_own_boot(Record& in) {
  OwnBoot boot;
  boot.place = in.number("place");
  boot.stream = in.stream("stream");
  boot.number = in.number32("number");
  boot.id = in.id<BootTag>("boot");
  boot.up_max = std::chrono::microseconds(in.integer("up"));
  return boot;
}

StoreRow read_arrival(Record& in) {
  ArrivalRow row;
  row.first = in.number("first");
  row.mark.alive = std::chrono::seconds(in.integer("alive"));
  if (const auto wall = in.integer_or_null("wall")) row.mark.wall = std::chrono::milliseconds(*wall);
  return row;
}

StoreRow read_block(Record& in) {
  NumberedBlock numbered;
  StoredBlock& block = numbered.block;
  block.stream = in.stream("stream");
  numbered.number = in.number("number");
  block.first = in.number("first");
  block.events = in.number32("events");
  block.codec = static_cast<std::uint8_t>(in.number("codec", 255));
  const auto from = in.integer_or_null("from"), to = in.integer_or_null("to");
  if (from.has_value() != to.has_value()) in.refuse("one of \"from\" and \"to\" is null");
  block.has_utc = from && to;
  block.time_min = from.value_or(0);
  block.time_max = to.value_or(0);
  if (in.has("boots")) block.boots = in.boots("boots");
  block.bytes = std::make_shared<const Bytes>(in.bytes("bytes"));
  return numbered;
}

struct Kind {
  std::string_view name;
  StoreRow (*read)(Record&);
};
constexpr std::array<Kind, 14> kKinds{{{"store", read_store},
                                       {"incarnation", read_incarnation},
                                       {"stream", read_stream},
                                       {"knowledge", read_knowledge},
                                       {"series", read_series},
                                       {"unnamed", read_unnamed},
                                       {"entry", read_entry},
                                       {"surfaced", read_surfaced},
                                       {"ack", read_ack},
                                       {"ended_acker", read_ended},
                                       {"boot", read_boot},
                                       {"own_boot", read_own_boot},
                                       {"arrival", read_arrival},
                                       {"block", read_block}}};

std::string_view kind_of(const JsonValue& record) {
  const JsonValue* const kind = record.find("record");
  return kind != nullptr && kind->kind == JsonValue::Kind::kString ? std::string_view(kind->text)
                                                                   : std::string_view();
}

Result<StoreRow> read_row(const JsonValue& json, const std::vector<StreamId>& streams) {
  const std::string_view name = kind_of(json);
  for (const Kind& kind : kKinds) {
    if (kind.name != name) continue;
    Record record(json, streams);
    StoreRow row = kind.read(record);
    if (const Status whole = record.finish(); !whole) return whole.error();
    return row;
  }
  return Error{ErrorCode::kUnsupported, "no known kind of record: " + std::string(name.substr(0, 100))};
}

}  // namespace

StoreTextReader::StoreTextReader(std::istream& in) : lines_(in, kTextLineBytesMax) {}

Result<std::optional<StoreRow>> StoreTextReader::next() {
  if (tally_.counts().lines == 0) {
    if (const Status header = read_header(); !header) return header.error();
  }
  const Result<JsonValue> record = next_record();
  if (!record) return record.error();
  if (kind_of(*record) == "end") {
    if (const Status whole = read_end(*record); !whole) return whole.error();
    return std::optional<StoreRow>();
  }
  Result<StoreRow> row = kind_of(*record) == "floor" ? read_floor(*record) : read_row(*record, streams_);
  if (!row) return row.error();
  if (const auto* stream = std::get_if<StreamId>(&*row)) streams_.push_back(*stream);
  tally_.add_row(*row);
  return std::optional<StoreRow>(std::move(*row));
}

// All lines but the last are summed.
Result<JsonValue> StoreTextReader::next_record() {
  std::string_view line;
  if (!lines_.next(line)) {
    if (lines_.failed()) return Error{ErrorCode::kIo, "it cannot be read any further"};
    return invalid("the text ends without its last record: it is cut short");
  }
  if (lines_.too_long()) return invalid("longer than " + std::to_string(kTextLineBytesMax) + " bytes");
  if (!lines_.ended()) return invalid("the line has no end: the text is cut short");
  Result<JsonValue> record = parse_json(line, kLine);
  if (record && kind_of(*record) != "end") tally_.add_line(line);
  return record;
}

Status StoreTextReader::read_header() {
  const Result<JsonValue> record = next_record();
  if (!record) return record.error();
  if (kind_of(*record) != "header") return invalid("it does not begin as an exported store does");
  Record in(*record, streams_);
  if (in.text("format") != kTextFormat) in.refuse("it is of another format");
  const std::uint64_t version = in.number("version");
  if (version > kTextVersion)
    return Error{ErrorCode::kUnsupported, "version " + std::to_string(version) +
                                              " of the format, this build knows up to " +
                                              std::to_string(kTextVersion)};
  return in.finish();
}

Result<StoreRow> StoreTextReader::read_floor(const JsonValue& record) {
  Record in(record, streams_);
  StoredFloor stored{in.dataset(), {}};
  stored.floor.stamp.bits = in.number("stamp");
  stored.floor.rejoining = in.boolean("rejoining");
  const std::uint64_t streams = in.number("streams");
  if (const Status whole = in.finish(); !whole) return whole.error();
  std::size_t runs = 0;
  for (std::uint64_t i = 0; i < streams; ++i) {
    const Result<JsonValue> json = next_record();
    if (!json) return json.error();
    if (kind_of(*json) != "collected") return invalid("a floor has fewer streams than it says");
    Record line(*json, streams_);
    const StreamId stream = line.writer(stored.dataset);
    const IntervalSet dots = line.intervals("dots");
    const auto& known = stored.floor.collected.entries();
    if (dots.empty() || (!known.empty() && stream <= known.back().stream))
      line.refuse("it has no dots, or stands twice, or not in its order");
    runs += dots.intervals().size();
    if (runs > kFloorRunsMax) line.refuse("the floor of a map has too many runs of dots");
    if (const Status whole = line.finish(); !whole) return whole.error();
    stored.floor.collected.at(stream).hold(dots);
  }
  return StoreRow(std::move(stored));
}

Status StoreTextReader::read_end(const JsonValue& record) {
  Record in(record, streams_);
  const auto count = [&in](const char* name, std::uint64_t counted) {
    if (in.number(name) != counted)
      in.refuse("\"" + std::string(name) + "\" is not what stands above: " + std::to_string(counted));
  };
  const TextCounts& counts = tally_.counts();
  count("lines", counts.lines);
  count("streams", counts.streams);
  count("series", counts.series);
  count("entries", counts.entries);
  count("blocks", counts.blocks);
  count("events", counts.events);
  if (in.text("xxh3_128") != tally_.digest())
    in.refuse("the text was changed: its sum is not " + tally_.digest());
  if (const Status whole = in.finish(); !whole) return whole;
  std::string_view more;
  return lines_.next(more) ? Status(invalid("something stands behind the last record")) : Status(Done{});
}

}  // namespace deltamesh
