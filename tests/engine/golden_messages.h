// tests/engine/golden_messages.h - one message of each type, the conversation that docs/protocol.md tells.
#pragma once

#include <string>
#include <vector>

#include "engine/message.h"

namespace deltamesh::golden {

struct Case {
  const char* name;  // Of tests/formats/frame_<name>_v0.hex.
  Message message;
};

template <class Id>
Id id(std::uint8_t fill) {
  Id out;
  out.bytes.fill(fill);
  return out;
}

inline StreamId gateway_stream() {
  return {dataset_id("telemetry"), StreamClass::kMetric, id<NodeId>(0x11), id<Incarnation>(0x22)};
}

inline message::Hello hello() {
  message::Hello out;
  out.fleet = id<FleetId>(0xf1);
  out.identity = {id<NodeId>(0x11), id<Incarnation>(0x22)};
  out.software = "deltamesh";
  out.codecs = {0};
  out.datasets = {
      {"telemetry", DatasetKind::kTelemetry, Resolution::kMilliseconds, StreamClass::kMetric, Scope::kBoth},
      {"desired", DatasetKind::kMap, Resolution::kMilliseconds, StreamClass::kMetric, Scope::kPush}};
  out.own = {{gateway_stream(), 1000, {}}};
  out.credit = 8u << 20;
  out.knowledge = Bytes(16, std::byte{0xd1});
  out.quiet = true;
  return out;
}

// The same once a rule about what is forgotten is in effect there.
inline message::Hello hello_ruled() {
  message::Hello out = hello();
  out.rules = Bytes(16, std::byte{0xe1});
  return out;
}

inline message::Frontier frontier() {
  message::Frontier::Entry entry;
  entry.ref = {0, gateway_stream()};
  entry.held.add({1, 900});
  entry.held.add({911, 1000});
  entry.voided.add({905, 906});
  entry.head = 1000;
  entry.settled = 1000;
  return {{entry}, true, {}};
}

// The same stream once its first events were given up, and two more declared lost.
inline message::Frontier frontier_given() {
  message::Frontier out = frontier();
  out.entries.front().held = IntervalSet({911, 1000});
  out.entries.front().voided.add({909, 910});
  out.entries.front().dropped.add({1, 910});
  out.entries.front().lost.add({909, 910});
  return out;
}

// A node that was started three times; the stream of its first life is given whole, those of the others stand
// in sums.
inline message::Frontier frontier_past() {
  message::Frontier out = frontier();
  PastSums sums{};
  sums[2] = 0x0123456789abcdef;
  sums[15] = 0xf1;
  out.pasts = {{{dataset_id("telemetry"), id<NodeId>(0x11)}, sums}};
  return out;
}

inline message::Delta delta() {
  message::Delta out;
  out.ref.index = 0;
  out.first = 1001;
  out.events = 1;
  out.head = 1001;
  out.settled = 1001;
  out.declarations = {{7, "greenhouse-3/temperature", "Cel", ValueType::kDouble}};
  out.block = Bytes(4, std::byte{0xb0});  // The codec does not look into a block.
  return out;
}

inline message::MapDelta map_delta() {
  const StreamId stream{dataset_id("desired"), StreamClass::kMetric, id<NodeId>(0x11), id<Incarnation>(0x22)};
  message::MapDelta out;
  out.delta = 1;
  out.knowledge = {{{1, stream}, IntervalSet(Interval{1, 5}), 5, IntervalSet(Interval{2, 3})}};
  message::MapDelta::Entry entry;
  entry.stream = 1;
  entry.entry.key = "valve-1";
  entry.entry.version.stamp.bits = std::uint64_t{1'700'000'000'000} << 16;
  entry.entry.version.dot.seq = 5;
  entry.entry.value = "open";
  out.entries = {entry};
  return out;
}

inline message::Ack ack() {
  message::Ack out;
  out.deltas = 1;
  out.map_deltas = {1};
  out.credit = 4096;
  out.haves = {{{2, std::nullopt}, IntervalSet(Interval{40, 41})}};
  out.subscribed = {{3, IntervalSet(Interval{1, 77})}};
  out.unsubscribed = {4};
  return out;
}

// Dots 901 to 1,000, of which the asker has 911 to 1,000; 513 to 900, held on both sides; and the rest.
inline message::RangeQuestion range_question() {
  message::RangeQuestion out;
  out.number = 3;
  out.upto = 1000;
  out.ranges = {{{1, 512}, {512, {0xa1a1, 0xa2a2}}, false},
                {{513, 900}, {388, {0xb1b1, 0xb2b2}}, true},
                {{901, 1000}, {90, {0xc1c1, 0xc2c2}}, false}};
  return out;
}

// By a node where rules about what is forgotten are in effect; and what one with other rules answers.
inline message::RangeQuestion range_question_ruled() {
  message::RangeQuestion out = range_question();
  out.rules = Bytes(16, std::byte{0xe1});
  return out;
}
inline message::RangeAnswer range_answer_ruled() {
  message::RangeAnswer out;
  out.number = 3;
  out.other_rules = true;
  return out;
}

inline message::RangeAnswer range_answer() {
  message::RangeAnswer out;
  out.number = 3;
  out.upto = 1000;
  out.parts = {message::RangeAnswer::Equal{},
               message::RangeAnswer::Cells{8, {{256, {0xd1d1, 0xd2d2}}, {132, {0xe1e1, 0xe2e2}}}},
               IntervalSet(Interval{901, 1000})};
  return out;
}

inline StreamId map_stream(std::uint8_t node, std::uint8_t incarnation) {
  return {dataset_id("desired"), StreamClass::kMetric, id<NodeId>(node), id<Incarnation>(incarnation)};
}

// The second question about a map: a range that was found unequal, cut in two.
inline message::MapQuestion map_question() {
  message::MapQuestion out;
  out.dataset = dataset_id("desired");
  out.number = 4;
  out.ranges = {{{"valve-1", "valve-3"}, {20, {0xa1a1, 0xa2a2}}}, {{"valve-3", ""}, {31, {0xb1b1, 0xb2b2}}}};
  return out;
}

// The first one, about what is known and all keys.
inline message::MapQuestion map_question_first() {
  message::MapQuestion out;
  out.dataset = dataset_id("desired");
  out.number = 3;
  out.knowledge = Bytes(16, std::byte{0xd1});
  out.ranges = {{{"", ""}, {51, {0xc1c1, 0xc2c2}}}};
  return out;
}

inline message::MapAnswer map_answer_first() {
  message::MapAnswer out;
  out.dataset = dataset_id("desired");
  out.number = 3;
  out.knowing = message::MapAnswer::Knowing::kLastPart;
  out.known = {{map_stream(0x11, 0x22), IntervalSet(Interval{1, 5})}};
  out.parts = {message::MapAnswer::Cells{{"valve-1"}, {{}, {50, {0xe1e1, 0xe2e2}}}}};
  return out;
}

inline message::MapAnswer map_answer() {
  message::MapAnswer out;
  out.dataset = dataset_id("desired");
  out.number = 4;
  out.streams = {map_stream(0x11, 0x22)};
  message::MapAnswer::Entry open{0, "valve-3", {}, false, {0xf1f1, 0xf2f2}}, gone{0, "valve-4", {}, true, {}};
  open.version.dot.seq = 5;
  open.version.stamp.bits = gone.version.stamp.bits = std::uint64_t{1'700'000'000'000} << 16;
  gone.version.dot.seq = 6;
  out.parts = {message::MapAnswer::Equal{}, message::MapAnswer::Entries{open, gone}};
  return out;
}

inline message::Floor map_floor() {
  message::Floor told{dataset_id("desired"), {}};
  told.floor.stamp.bits = std::uint64_t{1'690'000'000'000} << 16;
  told.floor.collected.at(map_stream(0x11, 0x22)).hold({1, 4});
  return told;
}

inline std::vector<Case> messages() {
  return {{"hello", hello()},
          {"hello_ruled", hello_ruled()},
          {"frontier", frontier()},
          {"frontier_given", frontier_given()},
          {"frontier_past", frontier_past()},
          {"delta", delta()},
          {"map_delta", map_delta()},
          {"ack", ack()},
          {"series_wanted", message::SeriesWanted{gateway_stream(), {7, 300}}},
          {"series_given", message::SeriesGiven{gateway_stream(), delta().declarations}},
          {"ping", message::Ping{}},
          {"pong", message::Pong{}},
          {"goodbye", message::Goodbye{ErrorCode::kMismatch, "fleet f1f1 here, f2f2 there"}},
          {"range_question", range_question()},
          {"range_answer", range_answer()},
          {"range_question_ruled", range_question_ruled()},
          {"range_answer_ruled", range_answer_ruled()},
          {"map_question_first", map_question_first()},
          {"map_answer_first", map_answer_first()},
          {"map_question", map_question()},
          {"map_answer", map_answer()},
          {"tier_ack",
           message::TierAck{{id<NodeId>(0x33), id<Incarnation>(0x44)}, false, {{0, IntervalSet({1, 1001})}}}},
          {"clock_ahead", message::ClockAhead{std::chrono::milliseconds(1'700'000'000'000)}},
          {"map_floor", map_floor()}};
}

}  // namespace deltamesh::golden
