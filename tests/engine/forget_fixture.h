// tests/engine/forget_fixture.h - rules for wrong data, what nodes show under them, and what they store.
#pragma once

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "engine/forget_block.h"
#include "engine/query.h"
#include "engine/stored_rules.h"
#include "tests/engine/node_fixture.h"

namespace deltamesh::test {

inline ForgetRule rule(Ticks from = kTimeOpenFrom, Ticks to = kTimeOpenTo,
                       std::string series = "room/temperature") {
  return {"telemetry", std::move(series), from, to};
}

inline Result<WriteId> forget(TestNode& node, const ForgetRule& what, std::string why = "a broken sensor") {
  return node.call([&](Node& of, Instant now) { return of.forget(what, std::move(why), now); });
}

// Lets the node look through all that it has.
inline void obey(TestNode& node) {
  for (int i = 0; i < 1'000 && node.node().is_forgetting(); ++i) node.wait(microseconds(1));
  REQUIRE_FALSE(node.node().is_forgetting());
}

// Times of the samples that people are shown.
inline std::vector<Ticks> shown(const TestNode& node, const std::string& series = "room/temperature") {
  SampleQuery query;
  query.dataset = kTelemetry;
  query.series = series;
  query.range = {kTimeOpenFrom, kTimeOpenTo};
  const auto answer = query_samples(node.store(), query);
  std::vector<Ticks> times;
  if (answer.ok())
    for (const Sample& one : answer->samples) times.push_back(one.time);
  return times;
}

// All events of a stream that are stored, in order.
inline std::vector<Event> stored(const TestNode& node, const StreamId& stream) {
  std::vector<Event> all;
  REQUIRE(node.store().visit_blocks(stream, kTimeOpenFrom, kTimeOpenTo, StoreReader::Order::kOldestFirst,
                                    [&](const StoredBlock& block) {
                                      const auto events = decode_block(*block.bytes, limits::kBlock);
                                      REQUIRE(events.ok());
                                      all.insert(all.end(), events->begin(), events->end());
                                      return true;
                                    }));
  return all;
}

// "v" for each event with values, "." for each mark.
inline std::string picture(const std::vector<Event>& events) {
  std::string out;
  for (const Event& one : events) out += is_mark(one) ? '.' : 'v';
  return out;
}
inline std::string picture(const TestNode& node, const StreamId& stream) {
  return picture(stored(node, stream));
}

// A key of `$rules` as peer `number` would write it.
inline message::MapDelta rule_delta(const StreamId& stream, const std::vector<std::string>& keys,
                                    const std::string& value = "") {
  message::MapDelta out;
  out.delta = 1;
  out.streams = {{0, stream}};
  Seq seq = 0;
  for (const std::string& key : keys) {
    MapEntry entry{key, {0, {1'780'000'000'000ull << 16}, {stream, ++seq}}, value.empty(), value, false, {}};
    out.entries.push_back({0, std::move(entry)});
  }
  out.knowledge = {{{0, std::nullopt}, IntervalSet({1, seq}), seq, {}}};
  return out;
}
inline StreamId rules_stream(const Identity& of) {
  return {rules_map(), StreamClass::kMetric, of.node, of.incarnation};
}

}  // namespace deltamesh::test
