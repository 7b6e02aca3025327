// tests/engine/diff_fixture.h - contents for stores that are to be compared, cut into blocks at will.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "engine/limits.h"
#include "engine/store.h"

namespace deltamesh::testing {

inline const DatasetId kTelemetry = dataset_id("telemetry");
inline const DatasetId kSettings = dataset_id("settings");

inline StreamId stream_of(DatasetId dataset, std::uint8_t node) {
  StreamId stream;
  stream.dataset = dataset;
  stream.node.bytes[0] = node;
  stream.incarnation.bytes[0] = 9;
  return stream;
}

// Events 1, 2, ... of two series; number 2 is missing in every third.
inline std::vector<Event> some_events(std::size_t count) {
  std::vector<Event> events;
  for (std::size_t i = 0; i < count; ++i) {
    Event event;
    event.time = 1'000 * static_cast<Ticks>(i);
    event.readings.push_back({1, 20.5 + static_cast<double>(i)});
    if (i % 3 != 2) event.readings.push_back({2, static_cast<std::int64_t>(i)});
    events.push_back(std::move(event));
  }
  return events;
}

inline StoredBlock block_of(const StreamId& stream, Seq first, std::span<const Event> events) {
  Bytes bytes = *encode_block(events, limits::kBlock);
  const BlockSummary summary = *validate_block(bytes, limits::kBlock);
  return stored_block(stream, first, summary, std::move(bytes));
}

// The events as blocks of `cut`, the first under dot 1.
inline std::vector<StoredBlock> blocks_of(const StreamId& stream, const std::vector<Event>& events,
                                          std::size_t cut) {
  std::vector<StoredBlock> blocks;
  for (std::size_t from = 0; from < events.size(); from += cut) {
    const std::size_t size = std::min(cut, events.size() - from);
    blocks.push_back(block_of(stream, from + 1, std::span(events).subspan(from, size)));
  }
  return blocks;
}

inline std::vector<StreamSeries> series_of(const StreamId& stream) {
  return {{stream, {1, "room/temperature", "Cel", ValueType::kDouble}},
          {stream, {2, "room/count", "", ValueType::kInt}}};
}

inline MapWrite write_of(std::string key, std::string value, Seq seq, bool tombstone = false) {
  MapWrite write;
  write.dataset = kSettings;
  write.entry.key = std::move(key);
  write.entry.version = {0, {1'700'000'000'000 << 16}, {stream_of(kSettings, 1), seq}};
  write.entry.tombstone = tombstone;
  write.entry.value = std::move(value);
  return write;
}

// What every test starts from: a stream of `count` events, two live keys and a tombstone.
inline Batch some_contents(std::size_t count, std::size_t cut) {
  const StreamId stream = stream_of(kTelemetry, 1);
  Batch batch;
  batch.declarations = series_of(stream);
  batch.blocks = blocks_of(stream, some_events(count), cut);
  batch.entries = {write_of("pump/limit", "21", 1), write_of("pump/mode", "auto", 2),
                   write_of("old", "", 3, true)};
  Knowledge::Entry known{stream_of(kSettings, 1), {}};
  known.known.hold({1, 3});
  batch.knowledge.push_back(known);
  return batch;
}

}  // namespace deltamesh::testing
