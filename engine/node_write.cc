// engine/node_write.cc - local writes: events into blocks, puts and removes into entries.
#include <algorithm>
#include <cassert>
#include <cmath>
#include <set>
#include <tuple>

#include "crdt/map_conflict.h"
#include "engine/node.h"
#include "engine/validate.h"

namespace deltamesh {
namespace {

std::string number(std::size_t n) {
  return std::to_string(n);
}

std::size_t value_bytes(const Value& value) {
  if (const auto* const text = std::get_if<std::string>(&value)) return text->size();
  if (const auto* const bytes = std::get_if<Bytes>(&value)) return bytes->size();
  return sizeof(std::uint64_t);
}

std::size_t event_bytes(const NamedEvent& event) {
  std::size_t bytes = 2 * sizeof(std::uint64_t);
  for (const auto& reading : event.readings) bytes += value_bytes(reading.value);
  return bytes;
}

Status check_reading(const NamedReading& reading) {
  if (!valid_series_name(reading.series)) {
    return Error{ErrorCode::kInvalid, "a series name is 1 to 255 bytes of UTF-8 without control characters"};
  }
  if (Status good = check_text(reading.unit, limits::kUnitBytesMax, "the unit"); !good.ok()) return good;
  if (value_bytes(reading.value) > limits::kBlock.value_bytes_max) {
    return Error{ErrorCode::kLimit, "the value of " + reading.series + " is larger than " +
                                        number(limits::kBlock.value_bytes_max) + " bytes"};
  }
  const auto* const real = std::get_if<double>(&reading.value);
  if (real == nullptr || !std::isnan(*real)) return Done{};
  return Error{ErrorCode::kInvalid, "the value of " + reading.series + " is NaN"};
}

Status check_unique(const NamedEvent& event) {
  std::vector<std::string_view> names;
  names.reserve(event.readings.size());
  for (const auto& reading : event.readings) names.push_back(reading.series);
  std::sort(names.begin(), names.end());
  const auto twice = std::adjacent_find(names.begin(), names.end());
  if (twice == names.end()) return Done{};
  return Error{ErrorCode::kInvalid, "an event names series " + std::string(*twice) + " twice"};
}

Status check_event(const NamedEvent& event) {
  if (event.readings.empty() || event.readings.size() > limits::kEventReadingsMax) {
    return Error{ErrorCode::kLimit, "an event holds 1 to " + number(limits::kEventReadingsMax) +
                                        " readings, not " + number(event.readings.size())};
  }
  if (event_bytes(event) > limits::kOpenBlockBytesMax) {
    return Error{ErrorCode::kLimit,
                 "an event holds at most " + number(limits::kOpenBlockBytesMax) + " bytes"};
  }
  for (const auto& reading : event.readings) {
    if (Status good = check_reading(reading); !good.ok()) return good;
  }
  return check_unique(event);
}

Event numbered(const SeriesNumbers& numbers, const NamedEvent& event) {
  Event out{event.time, event.boot, event.quality, event.source, {}};
  out.readings.reserve(event.readings.size());
  for (const auto& reading : event.readings) {
    const SeriesNo series = numbers.find(reading.series, reading.unit, type_of(reading.value));
    out.readings.push_back({series, reading.value});
  }
  const auto by_series = [](const Reading& a, const Reading& b) { return a.series < b.series; };
  std::sort(out.readings.begin(), out.readings.end(), by_series);
  return out;
}

}  // namespace

Result<WriteId> Node::write(DatasetId dataset, std::span<const NamedEvent> events, Instant now) {
  const auto config = dataset_of_kind(dataset, DatasetKind::kTelemetry);
  Status good = config.ok() ? check_events(events) : Status(config.error());
  OwnStream* const own = config.ok() ? &own_stream(**config) : nullptr;
  if (good.ok()) good = declare_all(*own, events);
  if (!good.ok()) {
    ++counters_.writes_refused;
    return good.error();
  }
  const WriteId write{++last_write_};
  for (const auto& event : events) append(*own, event, write, now);
  gather(now.steady + config_.commit_interval);
  tick(now);
  return write;
}

Status Node::check_events(std::span<const NamedEvent> events) const {
  if (events.empty()) return Error{ErrorCode::kInvalid, "a write without events"};
  std::size_t bytes = 0;
  for (const auto& event : events) {
    if (Status good = check_event(event); !good.ok()) return good;
    bytes += event_bytes(event);
  }
  return check_pending(bytes);
}

// One write of any size is taken when nothing else waits; else the sum is bounded.
Status Node::check_pending(std::size_t bytes) const {
  if (pending_write_bytes_ == 0 || pending_write_bytes_ + bytes <= config_.pending_write_bytes_max)
    return Done{};
  return Error{ErrorCode::kFull,
               "more than " + number(config_.pending_write_bytes_max) + " bytes wait to be stored"};
}

// Declares the series of all events before the first is numbered, so that a write is taken whole or not.
Status Node::declare_all(OwnStream& own, std::span<const NamedEvent> events) {
  const auto declared = [&own](const NamedReading& reading) {
    return own.numbers.find(reading.series, reading.unit, type_of(reading.value)) != 0;
  };
  std::vector<const NamedReading*> undeclared;
  for (const auto& event : events) {
    for (const auto& reading : event.readings) {
      if (!declared(reading)) undeclared.push_back(&reading);
    }
  }
  if (Status room = check_room(own, undeclared); !room.ok()) return room;
  for (const NamedReading* const reading : undeclared) {
    if (declared(*reading)) continue;  // By one before it.
    const SeriesDecl decl = own.numbers.declare(reading->series, reading->unit, type_of(reading->value));
    catalogue_.add(own.ix, decl);
    forgetting_.declared(own.ix, decl);
    unstored_.push_back({streams_[own.ix], decl});
  }
  return Done{};
}

// A refused write must leave no declaration behind, or the next one would find the stream full.
Status Node::check_room(const OwnStream& own, const std::vector<const NamedReading*>& undeclared) const {
  std::set<std::tuple<std::string_view, std::string_view, ValueType>> fresh;
  for (const NamedReading* const each : undeclared)
    fresh.emplace(each->series, each->unit, type_of(each->value));
  if (own.numbers.size() + fresh.size() > limits::kSeriesPerStreamMax) {
    return Error{ErrorCode::kLimit,
                 "a stream holds at most " + number(limits::kSeriesPerStreamMax) + " series"};
  }
  if (fresh.empty() || catalogue_.size() + fresh.size() <= limits::kSeriesMax) return Done{};
  return Error{ErrorCode::kLimit, "a node knows at most " + number(limits::kSeriesMax) + " series"};
}

void Node::append(OwnStream& own, const NamedEvent& event, WriteId write, Instant now) {
  const std::size_t bytes = event_bytes(event);
  Event out = numbered(own.numbers, event);
  if (event.taken) set_time(own, out, *event.taken, now);
  own.open.add(std::move(out), bytes, write);
  pending_write_bytes_ += bytes;
  ++own.next;
  if (own.open.complete()) close_block(own);
}

// Moves what `own` has open into the gathered batch.
void Node::close_block(OwnStream& own) {
  const OpenBlock& open = own.open;
  if (open.empty()) return;
  auto bytes = encode_block(open.events(), limits::kBlock);
  assert(bytes.ok());  // check_events() and OpenBlock::complete() keep within the limits.
  const auto summary = peek_block(*bytes, limits::kBlock);
  assert(summary.ok());
  const StreamId& stream = streams_[own.ix];
  gathered_.blocks.push_back({own.ix, stored_block(stream, open.first(), *summary, *std::move(bytes)), true});
  obey(own.ix, gathered_.blocks.back().block);
  gathered_.write_bytes += open.bytes();
  for (const WriteId write : open.writes()) count_part(write);
  gathered_.knowledge.at(stream).declare_head(open.next() - 1, open.next() - 1);
  pending_[own.ix].add({open.first(), open.next() - 1});
  own.open.start(own.next);
}

Result<WriteId> Node::put(DatasetId dataset, std::string key, std::string value, Instant now) {
  if (Status good = check_not_rules(dataset); !good.ok()) return good.error();
  return write_entry(dataset, {std::move(key), {}, false, std::move(value), false, {}}, now);
}

Result<WriteId> Node::remove(DatasetId dataset, std::string key, Instant now) {
  if (Status good = check_not_rules(dataset); !good.ok()) return good.error();
  return write_entry(dataset, {std::move(key), {}, true, {}, false, {}}, now);
}

Status Node::check_entry(DatasetId dataset, const MapEntry& entry) const {
  if (const auto config = dataset_of_kind(dataset, DatasetKind::kMap); !config.ok()) return config.error();
  if (entry.key.empty()) return Error{ErrorCode::kInvalid, "an empty key"};
  if (Status good = check_text(entry.key, limits::kMapEntry.key_bytes_max, "the key"); !good.ok())
    return good;
  if (entry.value.size() > limits::kMapEntry.value_bytes_max) {
    return Error{ErrorCode::kLimit,
                 "a value holds at most " + number(limits::kMapEntry.value_bytes_max) + " bytes"};
  }
  const LwwMap& map = maps_.at(dataset);
  if (map.entries().size() >= limits::kMapKeysMax && map.find_entry(entry.key) == nullptr)
    return Error{ErrorCode::kLimit, "a map holds at most " + number(limits::kMapKeysMax) + " keys"};
  return check_pending(entry.key.size() + entry.value.size());
}

Result<WriteId> Node::write_entry(DatasetId dataset, MapEntry entry, Instant now) {
  if (const Status good = check_entry(dataset, entry); !good.ok()) {
    ++counters_.writes_refused;
    return good.error();
  }
  check_clock(now);
  stamp(dataset, entry, wall_time(now));
  follow_all(dataset, entry);
  take_entry(dataset, std::move(entry));
  const WriteId write{++last_write_};
  count_part(write);
  gather(now.steady + config_.commit_interval);
  tick(now);
  return write;
}

Result<WriteId> Node::repair(DatasetId dataset, const std::string& key, Instant now) {
  if (Status good = check_not_rules(dataset); !good.ok()) return good.error();
  if (const auto config = dataset_of_kind(dataset, DatasetKind::kMap); !config.ok()) return config.error();
  const MapEntry* entry = maps_.at(dataset).find_entry(key);
  // What we have written last may not be durable yet.
  const auto look_at = [&](const InFlight& batch) {
    for (const auto& [of, write] : batch.entries) {
      const bool is_ours = !batch.from && of == dataset && write.key == key;
      if (is_ours && (entry == nullptr || wins(write, *entry))) entry = &write;
    }
  };
  look_at(gathered_);
  for (const auto& [id, batch] : in_flight_) look_at(batch);
  if (entry == nullptr) return Error{ErrorCode::kNotFound, "no key " + key};
  return write_entry(dataset, {key, {}, entry->tombstone, entry->value, false, {}}, now);
}

// Later than all that is durable here, and than our own writes that are not yet.
void Node::follow_all(DatasetId dataset, MapEntry& entry) {
  auto seen = maps_.at(dataset).writes(entry.key);
  const auto& unsettled = own_.at(dataset).unsettled;
  if (const auto at = unsettled.find(entry.key); at != unsettled.end())
    seen.insert(seen.begin(), &at->second);
  follow(entry, seen, limits::kMapPastMax);
}

void Node::take_entry(DatasetId dataset, MapEntry entry) {
  own_.at(dataset).unsettled.insert_or_assign(
      entry.key, MapEntry{{}, entry.version, entry.tombstone, {}, entry.untrusted, entry.past});
  const std::size_t bytes = entry.key.size() + entry.value.size();
  pending_write_bytes_ += bytes;
  gathered_.write_bytes += bytes;
  gathered_.knowledge.hold(entry.version.dot);
  gathered_.entries.push_back({dataset, std::move(entry)});
}

// A write of ours is durable or has failed.
void Node::settle_entry(DatasetId dataset, const MapEntry& entry) {
  auto& unsettled = own_.at(dataset).unsettled;
  const auto it = unsettled.find(entry.key);
  if (it != unsettled.end() && it->second.version == entry.version) unsettled.erase(it);
}

}  // namespace deltamesh
