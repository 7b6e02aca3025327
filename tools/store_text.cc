// tools/store_text.cc - one function a kind of record.
#include "tools/store_text.h"

#include <fmt/format.h>

#include <array>

#include "api/json_writer.h"
#include "crdt/utf8.h"
#include "tools/dump_format.h"

namespace deltamesh {
namespace {

using namespace sqlite;

// Beyond it, many readers of JSON round.
constexpr std::uint64_t kExactMax = std::uint64_t{1} << 53;

// One record, field by field.
class Record {
 public:
  explicit Record(std::string_view kind) {
    json_.begin_object();
    text("record", kind);
  }
  std::string take() { return json_.end_object().take(); }

  Record& number(std::string_view name, std::uint64_t value) {
    json_.key(name);
    put(value);
    return *this;
  }
  Record& integer(std::string_view name, std::int64_t value) {
    const auto exact = static_cast<std::int64_t>(kExactMax);
    json_.key(name);
    if (-exact <= value && value <= exact) json_.integer(value);
    if (value < -exact || exact < value) json_.text(std::to_string(value));
    return *this;
  }
  // Any bytes: as text if they are UTF-8.
  Record& text(std::string_view name, std::string_view text) {
    json_.key(name);
    if (valid_utf8(text)) {
      json_.text(text);
    } else {
      json_.begin_object().key("base64").bytes(text).end_object();
    }
    return *this;
  }
  Record& bytes(std::string_view name, const Bytes& bytes) {
    json_.key(name).bytes({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
    return *this;
  }
  Record& boolean(std::string_view name, bool value) {
    json_.key(name).boolean(value);
    return *this;
  }
  Record& null(std::string_view name) {
    json_.key(name).raw("null");
    return *this;
  }
  template <class Tag>
  Record& id(std::string_view name, const Id128<Tag>& id) {
    return text(name, hex(id.bytes));
  }
  Record& dataset(DatasetId dataset) {
    return text("dataset", fmt::format("{:016x}", static_cast<std::uint64_t>(dataset)));
  }
  // A stream, but for its dataset.
  Record& writer(const StreamId& stream) {
    text("class", to_string(stream.cls));
    return id("node", stream.node).id("incarnation", stream.incarnation);
  }
  Record& intervals(std::string_view name, const IntervalSet& dots) {
    json_.key(name).begin_array();
    for (const Interval& run : dots.intervals()) {
      json_.begin_array();
      put(run.first);
      put(run.last);
      json_.end_array();
    }
    json_.end_array();
    return *this;
  }
  Record& past(const MapPast& past) {
    json_.key("past").begin_object();
    number("trusted", past.trusted.bits);
    json_.key("others").begin_array();
    for (const SeenWrite& seen : past.others) {
      json_.begin_array().text(fmt::format("{:016x}", seen.stream));
      put(seen.seq);
      json_.end_array();
    }
    json_.end_array().end_object();
    return *this;
  }
  Record& boots(const BootSpan& span) {
    json_.key("boots").begin_object();
    number("first", span.boot_min).number("last", span.boot_max);
    integer("from", span.ticks_min).integer("to", span.ticks_max);
    json_.end_object();
    return *this;
  }
  // An entry of a map, but for its stream.
  Record& entry(const MapEntry& entry) {
    number("seq", entry.version.dot.seq).text("key", entry.key);
    number("epoch", entry.version.epoch).number("stamp", entry.version.stamp.bits);
    boolean("untrusted", entry.untrusted);
    if (!entry.past.empty()) past(entry.past);
    return entry.tombstone ? null("value") : text("value", entry.value);
  }

 private:
  void put(std::uint64_t value) {
    if (value <= kExactMax) {
      json_.count(value);
    } else {
      json_.text(std::to_string(value));
    }
  }

  JsonWriter json_;
};

// Of streams, as the text has them.
using Numbers = std::map<StreamId, std::uint64_t>;

// The line of a row whose streams all have a number.
std::string line_of(const Meta& meta, const Numbers&) {
  Record record("store");
  record.id("node", meta.identity.node).id("incarnation", meta.identity.incarnation);
  record.number("opens", meta.opens).number("clock", meta.clock.bits);
  if (!meta.obeyed.empty()) record.text("obeyed", hex_of(meta.obeyed));
  return record.take();
}

std::string line_of(const NotedIncarnation& one, const Numbers&) {
  return Record("incarnation").id("incarnation", one.incarnation).text("reason", one.reason).take();
}

std::string line_of(const StreamId& stream, const Numbers& numbers) {
  return Record("stream").number("number", numbers.at(stream)).dataset(stream.dataset).writer(stream).take();
}

std::string line_of(const Knowledge::Entry& entry, const Numbers& numbers) {
  const StreamKnowledge& known = entry.known;
  Record record("knowledge");
  record.number("stream", numbers.at(entry.stream))
      .number("head", known.head())
      .number("settled", known.declared());
  record.intervals("held", known.held()).intervals("dropped", known.dropped());
  return record.intervals("void", known.voided()).intervals("lost", known.lost()).take();
}

std::string line_of(const StreamSeries& series, const Numbers& numbers) {
  const SeriesDecl& decl = series.decl;
  if (decl.name.empty())
    return Record("unnamed").number("stream", numbers.at(series.stream)).number("number", decl.number).take();
  Record record("series");
  record.number("stream", numbers.at(series.stream)).number("number", decl.number).text("name", decl.name);
  return record.text("unit", decl.unit).text("type", to_string(decl.type)).take();
}

std::string line_of(const PlacedEntry& placed, const Numbers& numbers) {
  Record record("entry");
  return record.number("stream", numbers.at(placed.write.entry.version.dot.stream))
      .number("place", placed.place)
      .entry(placed.write.entry)
      .take();
}

std::string line_of(const SurfacedWrite& surfaced, const Numbers& numbers) {
  return Record("surfaced")
      .number("stream", numbers.at(surfaced.write.entry.version.dot.stream))
      .entry(surfaced.write.entry)
      .take();
}

std::string line_of(const TierAck& ack, const Numbers& numbers) {
  Record record(ack.ended ? "ended_acker" : "ack");
  record.id("acker", ack.acker.node).id("acker_incarnation", ack.acker.incarnation);
  if (!ack.ended) record.number("stream", numbers.at(ack.stream)).intervals("dots", ack.dots);
  return record.take();
}

std::string line_of(const BootOffset& offset, const Numbers& numbers) {
  Record record("boot");
  record.number("stream", numbers.at(offset.stream)).number("boot", offset.boot);
  record.integer("ticks", offset.ticks).text("quality", to_string(offset.quality));
  return record.number("writer", numbers.at(offset.record.stream)).number("seq", offset.record.seq).take();
}

std::string line_of(const OwnBoot& boot, const Numbers& numbers) {
  Record record("own_boot");
  record.number("place", boot.place).number("stream", numbers.at(boot.stream));
  record.number("number", boot.number).id("boot", boot.id);
  return record.integer("up", boot.up_max.count()).take();
}

std::string line_of(const ArrivalRow& row, const Numbers&) {
  Record record("arrival");
  record.number("first", row.first).integer("alive", row.mark.alive.count());
  if (row.mark.wall) return record.integer("wall", row.mark.wall->count()).take();
  return record.null("wall").take();
}

std::string line_of(const NumberedBlock& numbered, const Numbers& numbers) {
  const StoredBlock& block = numbered.block;
  Record record("block");
  record.number("stream", numbers.at(block.stream))
      .number("number", numbered.number)
      .number("first", block.first);
  record.number("events", block.events).number("codec", block.codec);
  if (block.has_utc) {
    record.integer("from", block.time_min).integer("to", block.time_max);
  } else {
    record.null("from").null("to");
  }
  if (block.boots) record.boots(*block.boots);
  return record.bytes("bytes", *block.bytes).take();
}

std::string line_of(const StoredFloor& stored, const Numbers&) {
  Record record("floor");
  record.dataset(stored.dataset).number("stamp", stored.floor.stamp.bits);
  record.boolean("rejoining", stored.floor.rejoining);
  return record.number("streams", stored.floor.collected.entries().size()).take();
}

std::string collected_line(const Knowledge::Entry& entry) {
  return Record("collected").writer(entry.stream).intervals("dots", entry.known.held()).take();
}

// Those that the row is about; null where there is none.
std::array<const StreamId*, 2> streams_in(const StoreRow& row) {
  if (const auto* stream = std::get_if<StreamId>(&row)) return {stream};
  if (const auto* entry = std::get_if<Knowledge::Entry>(&row)) return {&entry->stream};
  if (const auto* series = std::get_if<StreamSeries>(&row)) return {&series->stream};
  if (const auto* placed = std::get_if<PlacedEntry>(&row)) return {&placed->write.entry.version.dot.stream};
  if (const auto* write = std::get_if<SurfacedWrite>(&row)) return {&write->write.entry.version.dot.stream};
  if (const auto* offset = std::get_if<BootOffset>(&row)) return {&offset->stream, &offset->record.stream};
  if (const auto* boot = std::get_if<OwnBoot>(&row)) return {&boot->stream};
  if (const auto* block = std::get_if<NumberedBlock>(&row)) return {&block->block.stream};
  const auto* const ack = std::get_if<TierAck>(&row);
  return {ack == nullptr || ack->ended ? nullptr : &ack->stream};
}

}  // namespace

Status StoreTextWriter::write(std::string_view line) {
  if (line.size() > kTextLineBytesMax)
    return Error{ErrorCode::kLimit, "a row takes a line of more than " + std::to_string(kTextLineBytesMax) +
                                        " bytes: " + std::string(line.substr(0, 200)) + " ..."};
  tally_.add_line(line);
  return out_(line);
}

Status StoreTextWriter::begin() {
  return write(Record("header").text("format", kTextFormat).number("version", kTextVersion).take());
}

Status StoreTextWriter::put(const StoreRow& row) {
  if (const auto* stream = std::get_if<StreamId>(&row)) numbers_.emplace(*stream, numbers_.size() + 1);
  for (const StreamId* const stream : streams_in(row)) {
    if (stream != nullptr && !numbers_.contains(*stream))
      return Error{ErrorCode::kCorrupt, "a row of a stream that is not there"};
  }
  tally_.add_row(row);
  if (const auto* floor = std::get_if<StoredFloor>(&row)) return put_floor(*floor);
  return write(std::visit([this](const auto& value) { return line_of(value, numbers_); }, row));
}

Status StoreTextWriter::put_floor(const StoredFloor& stored) {
  Status status = write(line_of(stored, numbers_));
  for (const Knowledge::Entry& entry : stored.floor.collected.entries()) {
    if (status) status = write(collected_line(entry));
  }
  return status;
}

Status StoreTextWriter::end() {
  const TextCounts& counts = tally_.counts();
  Record record("end");
  record.number("lines", counts.lines).number("streams", counts.streams).number("series", counts.series);
  record.number("entries", counts.entries).number("blocks", counts.blocks).number("events", counts.events);
  return out_(record.text("xxh3_128", tally_.digest()).take());
}

}  // namespace deltamesh
