// tests/engine/random_message.h - random messages within limits, for properties of rapidcheck.
//
// Each function draws from the running property, so failing messages shrink.
#pragma once

#include <rapidcheck.h>

#include <algorithm>

#include "engine/codec.h"

namespace deltamesh::random {

template <class T>
T below(T end) {
  return *rc::gen::inRange<T>(0, end);
}

template <class Make>
auto list(std::size_t size_max, Make make) {
  std::vector<decltype(make())> items;
  for (std::size_t n = below<std::size_t>(size_max + 1); n > 0; --n) items.push_back(make());
  return items;
}

// Numbers of every length, also the largest.
inline std::uint64_t number() {
  const auto bits = *rc::gen::arbitrary<std::uint64_t>();
  return *rc::gen::element(bits, bits & 0xffff, bits & 0x7f, ~std::uint64_t{0}, std::uint64_t{0});
}

inline Seq seq() {
  return number() & limits::kSeqMax;
}

inline std::uint32_t number32() {
  return static_cast<std::uint32_t>(number());
}

inline Bytes bytes(std::size_t size_max) {
  return list(size_max, [] { return static_cast<std::byte>(below(256)); });
}

inline std::string text(std::size_t characters_max, bool may_be_empty = true) {
  std::string out = may_be_empty ? "" : "x";
  for (std::size_t n = below<std::size_t>(characters_max); n > 0; --n) {
    out += *rc::gen::element<std::string>("a", "Z", "/", " ", "\u00e9", "\u20ac", "\U0001f321");
  }
  return out;
}

template <class Id>
Id id() {
  Id out;
  for (auto& byte : out.bytes) byte = static_cast<std::uint8_t>(below(256));
  return out;
}

inline StreamClass stream_class() {
  return *rc::gen::element(StreamClass::kMetric, StreamClass::kAlarm, StreamClass::kLog);
}

inline StreamId stream() {
  return {DatasetId{number()}, stream_class(), id<NodeId>(), id<Incarnation>()};
}

inline message::StreamRef stream_ref() {
  message::StreamRef ref;
  ref.index = below(static_cast<std::uint32_t>(limits::kStreamsMax));
  if (below(2) == 1) ref.stream = stream();
  return ref;
}

inline IntervalSet intervals() {
  IntervalSet set;
  for (int n = below(6); n > 0; --n) {
    const Seq first = std::max<Seq>(1, seq());
    set.add({first, first + std::min<Seq>(number() & 0xfff, limits::kSeqMax - first)});
  }
  return set;
}

inline SeriesDecl declaration() {
  const auto type = *rc::gen::element(ValueType::kBool, ValueType::kInt, ValueType::kDouble,
                                      ValueType::kString, ValueType::kBytes);
  return {std::max(1u, number32()), text(20, false), text(8), type};
}

inline DatasetConfig dataset(std::size_t index) {
  DatasetConfig config;
  config.name =
      *rc::gen::element<std::string>("plant", "A-1_b.c", std::string(60, 'n')) + std::to_string(index);
  config.kind = *rc::gen::element(DatasetKind::kTelemetry, DatasetKind::kMap);
  config.resolution =
      *rc::gen::element(Resolution::kMilliseconds, Resolution::kMicroseconds, Resolution::kNanoseconds);
  config.cls = stream_class();
  config.scope = *rc::gen::element(Scope::kBoth, Scope::kPush, Scope::kPull, Scope::kNeither);
  return config;
}

inline message::Hello::OwnStream own_stream(const NodeId& node) {
  message::Hello::OwnStream own{stream(), seq(), {}};
  own.stream.node = node;
  if (below(2) == 1) own.last_cell = Bytes(16, std::byte{7});
  return own;
}

inline message::Hello hello() {
  message::Hello out;
  out.version_max = static_cast<std::uint16_t>(number());
  out.version_min = static_cast<std::uint16_t>(below(out.version_max + 1));
  out.fleet = id<FleetId>();
  out.identity = {id<NodeId>(), id<Incarnation>()};
  out.software = text(100);
  out.codecs = list(5, [] { return static_cast<std::uint8_t>(below(256)); });
  out.datasets = list(5, [index = std::size_t{0}]() mutable { return dataset(index++); });
  out.own = list(5, [&] { return own_stream(out.identity.node); });
  out.resume_token = bytes(20);
  out.credit = number32();
  if (below(2) == 1) out.knowledge = Bytes(16, std::byte{8});
  out.quiet = below(2) == 1;
  if (below(2) == 1) out.rules = Bytes(16, std::byte{6});
  return out;
}

inline message::Frontier::Entry frontier_entry() {
  message::Frontier::Entry entry{stream_ref(), intervals(), intervals(), seq(), seq()};
  if (entry.settled > entry.head) std::swap(entry.settled, entry.head);
  if (entry.head > 0 && entry.head < limits::kSeqMax && below(4) == 0) entry.settled = entry.head + 1;
  if (below(3) == 0) entry.dropped = intervals();
  if (below(3) == 0) entry.lost = intervals();
  return entry;
}

inline message::Frontier::Past past() {
  message::Frontier::Past out{{DatasetId{*rc::gen::arbitrary<std::uint64_t>()}, id<NodeId>()}, {}};
  for (std::uint64_t& sum : out.sums) {
    if (below(2) == 1) sum = *rc::gen::arbitrary<std::uint64_t>();
  }
  return out;
}

inline message::Frontier frontier() {
  const bool goes_on = below(2) == 1;
  const bool remembers = below(2) == 1;
  return {list(8, frontier_entry), below(2) == 1, Bytes(goes_on ? message::kDigestBytes : 0, std::byte{9}),
          list(4, past), Bytes(remembers ? message::kDigestBytes : 0, std::byte{7})};
}

inline message::TierAck tier_ack() {
  const auto stream = [] {
    return message::TierAck::Stream{below<std::uint32_t>(limits::kStreamsMax), intervals()};
  };
  return {{id<NodeId>(), id<Incarnation>()}, below(2) == 1, list(8, stream)};
}

inline message::Delta delta() {
  message::Delta out;
  out.ref = stream_ref();
  out.events = 1 + below(limits::kBlock.events_max);
  out.first = std::clamp<Seq>(seq(), 1, limits::kSeqMax - out.events);
  out.codec = static_cast<std::uint8_t>(below(256));
  out.head = std::max(out.first + out.events - 1, seq());
  out.settled = below(4) == 0 ? out.head + 1 : std::min(seq(), out.head);
  out.declarations = list(4, declaration);
  out.block = bytes(200);
  out.block.push_back(std::byte{1});
  return out;
}

inline message::MapDelta::Entry map_entry() {
  message::MapDelta::Entry item;
  item.stream = below(static_cast<std::uint32_t>(limits::kStreamsMax));
  item.entry.key = text(20, false);
  item.entry.version.epoch = number32();
  item.entry.version.stamp.bits = number();
  item.entry.version.dot.seq = std::max<Seq>(1, seq());
  item.entry.tombstone = below(3) == 0;
  if (!item.entry.tombstone) item.entry.value = text(40);
  item.entry.untrusted = below(2) == 1;
  if (item.entry.untrusted && below(2) == 1) item.entry.past.trusted.bits = number();
  for (std::uint64_t stream = below(limits::kMapPastMax + 1); stream > 0; --stream)
    item.entry.past.others.push_back({stream, std::max<Seq>(1, number())});
  return item;
}

inline message::MapDelta map_delta() {
  message::MapDelta out;
  out.delta = number32();
  out.last = below(2) == 1;
  out.streams = list(4, stream_ref);
  out.knowledge = list(4, [] {
    message::MapDelta::Known known{stream_ref(), intervals(), seq(), {}};
    known.rewritten = known.held.intersect(intervals());
    return known;
  });
  const auto by_index = [](const auto& a, const auto& b) { return a.ref.index < b.ref.index; };
  std::sort(out.knowledge.begin(), out.knowledge.end(), by_index);
  const auto same = [](const auto& a, const auto& b) { return a.ref.index == b.ref.index; };
  out.knowledge.erase(std::unique(out.knowledge.begin(), out.knowledge.end(), same), out.knowledge.end());
  out.entries = list(8, map_entry);
  for (auto& item : out.entries) {
    if (!out.knowledge.empty() && below(2) == 1) item.stream = out.knowledge.back().ref.index;
  }
  if (out.knowledge.empty() && out.entries.empty()) out.entries.push_back(map_entry());
  return out;
}

inline message::Ack ack() {
  message::Ack out;
  out.leads = below(2) == 1;
  out.deltas = number32();
  out.map_deltas = list(8, number32);
  out.credit = number32();
  out.haves = list(4, [] { return message::Ack::Have{stream_ref(), intervals()}; });
  out.subscribed = list(4, [] {
    return message::Ack::Stream{below(static_cast<std::uint32_t>(limits::kStreamsMax)), intervals()};
  });
  out.unsubscribed = list(4, [] { return below(static_cast<std::uint32_t>(limits::kStreamsMax)); });
  return out;
}

inline message::SeriesWanted series_wanted() {
  message::SeriesWanted out{stream(), list(20, number32)};
  std::sort(out.numbers.begin(), out.numbers.end());
  out.numbers.erase(std::unique(out.numbers.begin(), out.numbers.end()), out.numbers.end());
  return out;
}

inline message::Goodbye goodbye() {
  return {static_cast<ErrorCode>(below(9)), text(100)};
}

inline message::RangeSum range_sum(std::uint64_t width) {
  const std::uint64_t count = *rc::gen::element(width, std::uint64_t{0}, number() % (width + 1));
  if (count == 0) return {};
  return {count, {number(), number()}};
}

inline message::RangeQuestion range_question() {
  message::RangeQuestion out{stream_ref(), number32(), limits::kSeqMax, {}};
  if (below(2) == 1) out.rules = Bytes(16, std::byte{6});
  for (int n = below(8) + 1; n > 0; --n) {
    const Seq after = out.ranges.empty() ? 0 : out.ranges.back().dots.last;
    const Seq first = after + 1 + number() % (limits::kSeqMax / 16);
    const Interval dots{first, first + number() % (limits::kSeqMax / 16)};
    out.ranges.push_back({dots, range_sum(dots.size()), below(2) == 1});
  }
  out.upto -= std::min(number(), out.upto - out.ranges.back().dots.last);
  return out;
}

inline message::RangeAnswer::Part range_part() {
  const auto shift = static_cast<std::uint8_t>(below(63));
  switch (below(3)) {
    case 0: return message::RangeAnswer::Equal{};
    case 1: return intervals();
    default:
      message::RangeAnswer::Cells cells{shift, list(8, [=] { return range_sum(std::uint64_t{1} << shift); })};
      cells.sums.emplace_back();
      return cells;
  }
}

inline message::RangeAnswer range_answer() {
  message::RangeAnswer out{below(static_cast<std::uint32_t>(limits::kStreamsMax)), number32(), seq(),
                           list(8, range_part)};
  out.other_rules = out.parts.empty() && below(2) == 1;
  return out;
}

inline std::string key(const std::string& above = {}) {
  return above + text(6, false);
}

inline message::RangeSum map_sum() {
  if (below(4) == 0) return {};
  return {std::max<std::uint64_t>(1, number()), {number(), number()}};
}

// Some follow one another, some leave a gap; the last may go on to the end of the keys.
inline message::MapQuestion map_question() {
  message::MapQuestion out;
  out.dataset = DatasetId{number()};
  out.number = number32();
  const bool knows = below(2) == 1;
  if (knows) out.knowledge = Bytes(message::kDigestBytes, std::byte{9});
  if (knows && below(2) == 1) {
    out.after = stream();
    out.after->dataset = out.dataset;
  }
  const int ranges = knows ? below(2) : below(8) + 1;
  for (int n = 0; n < ranges; ++n) {
    std::string from = n == 0 ? "" : out.ranges.back().keys.to;
    if (below(2) == 1) from = key(from);
    message::KeyRange keys{from, key(from)};
    if (n + 1 == ranges && below(2) == 1) keys.to.clear();
    out.ranges.push_back({keys, map_sum()});
  }
  return out;
}

inline message::MapAnswer::Entries map_entries(std::size_t streams) {
  message::MapAnswer::Entries out;
  for (std::size_t n = streams == 0 ? 0 : below(limits::kMapEntriesListed + 1); n > 0; --n) {
    message::MapAnswer::Entry entry;
    entry.stream = static_cast<std::uint32_t>(below(streams));
    entry.key = key(out.empty() ? "" : out.back().key);
    entry.version.epoch = number32();
    entry.version.stamp.bits = number();
    entry.version.dot.seq = std::max<Seq>(1, seq());
    entry.tombstone = below(3) == 0;
    if (!entry.tombstone) entry.print = {number(), number()};
    out.push_back(std::move(entry));
  }
  return out;
}

inline message::MapAnswer::Part map_part(std::size_t streams) {
  switch (below(3)) {
    case 0: return message::MapAnswer::Equal{};
    case 1: return map_entries(streams);
    default:
      message::MapAnswer::Cells cells{{}, {map_sum()}};
      for (int n = below(5) + 1; n > 0; --n) {
        cells.cuts.push_back(key(cells.cuts.empty() ? "" : cells.cuts.back()));
        cells.sums.push_back(map_sum());
      }
      return cells;
  }
}

inline message::MapAnswer map_answer() {
  using Knowing = message::MapAnswer::Knowing;
  message::MapAnswer out;
  out.dataset = DatasetId{number()};
  out.number = number32();
  out.kind = static_cast<message::MapAnswer::Kind>(below(3));
  const auto stream_here = [&] {
    StreamId one = stream();
    one.dataset = out.dataset;
    return one;
  };
  for (const StreamId& one : list(4, stream_here)) {
    IntervalSet held = intervals();
    held.add({1, 1});
    out.known.push_back({one, std::move(held)});
  }
  std::sort(out.known.begin(), out.known.end(),
            [](const auto& x, const auto& y) { return x.stream < y.stream; });
  const auto same = [](const auto& x, const auto& y) { return x.stream == y.stream; };
  out.known.erase(std::unique(out.known.begin(), out.known.end(), same), out.known.end());
  out.knowing = out.known.empty() ? *rc::gen::element(Knowing::kNotAsked, Knowing::kSame, Knowing::kLastPart)
                                  : *rc::gen::element(Knowing::kPart, Knowing::kLastPart);
  out.streams = list(3, stream_here);
  out.parts = list(6, [&] { return map_part(out.streams.size()); });
  return out;
}

inline message::Floor map_floor() {
  message::Floor out{DatasetId{number()}, {}};
  out.floor.stamp.bits = number() | 1;
  out.floor.rejoining = below(2) == 0;
  for (auto left = below(4); left > 0; --left) {
    StreamId of = stream();
    of.dataset = out.dataset;
    out.floor.collected.hold({of, Seq{1} + below(100u)});
  }
  return out;
}

inline Message any_message() {
  switch (below(17)) {
    case 0: return hello();
    case 1: return frontier();
    case 2: return delta();
    case 3: return map_delta();
    case 4: return ack();
    case 5: return series_wanted();
    case 6: return message::SeriesGiven{stream(), list(8, declaration)};
    case 7: return message::Ping{};
    case 8: return message::Pong{};
    case 9: return range_question();
    case 10: return range_answer();
    case 11: return map_question();
    case 12: return map_answer();
    case 15: return tier_ack();
    case 13: return message::ClockAhead{std::chrono::milliseconds(number() % (kStampMillisecondsMax + 1))};
    case 14: return map_floor();
    default: return goodbye();
  }
}

}  // namespace deltamesh::random
