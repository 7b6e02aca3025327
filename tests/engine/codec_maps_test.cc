// tests/engine/codec_maps_test.cc - questions and answers about maps: skippable, checked, never too large.
#include <catch2/catch.hpp>

#include "engine/codec.h"
#include "tests/engine/golden_messages.h"

using namespace deltamesh;
using Catch::Contains;
using message::MapAnswer;
using message::MapQuestion;
using Knowing = MapAnswer::Knowing;

namespace {

template <class Message>
std::string refusal(Message message, void (*spoil)(Message&)) {
  spoil(message);
  const auto decoded = decode(encode(message));
  return decoded ? "accepted" : decoded.error().text;
}

// As long as a key may be, and behind all with a smaller number.
std::string long_key(std::size_t number) {
  const std::string digits = std::to_string(100'000 + number);
  return digits + std::string(limits::kMapEntry.key_bytes_max - digits.size(), 'k');
}

StreamId stream_of(std::size_t number) {
  StreamId stream = golden::map_stream(0x11, 0x22);
  stream.node.bytes[0] = static_cast<std::uint8_t>(number >> 8);
  stream.node.bytes[1] = static_cast<std::uint8_t>(number);
  return stream;
}

}  // namespace

TEST_CASE("who does not know a question about maps skips it", "[engine][codec][maps]") {
  for (const Bytes& frame : {encode(golden::map_question()), encode(golden::map_answer())}) {
    ByteView rest = frame;
    CHECK((*take_head(rest))->optional);
  }
}

TEST_CASE("a question about a map that breaks a rule is refused with its reason",
          "[engine][codec][maps][limits]") {
  struct Row {
    void (*spoil)(MapQuestion&);
    const char* text;
  };
  const std::vector<Row> rows{
      {[](MapQuestion&) {}, "accepted"},
      {[](MapQuestion& q) { q.ranges.clear(); }, "about nothing"},
      {[](MapQuestion& q) { q.knowledge = Bytes(15); }, "digest of 15 bytes"},
      {[](MapQuestion& q) { q.knowledge = Bytes(16); }, "2 ranges in a question, at most 1"},
      {[](MapQuestion& q) { q.after = golden::map_stream(1, 1); }, "without a digest"},
      {[](MapQuestion& q) {
         q.ranges.clear();
         q.knowledge = Bytes(16);
         q.after = golden::gateway_stream();
       },
       "of another dataset"},
      {[](MapQuestion& q) {
         q.ranges[1] = q.ranges[0];
         q.ranges.resize(1);
         while (q.ranges.size() < 65)
           q.ranges.push_back({{q.ranges.back().keys.to, q.ranges.back().keys.to + "x"}, {}});
       },
       "65 ranges in a question, at most 64"},
      {[](MapQuestion& q) { q.ranges[0].keys.to = ""; }, "behind the last key"},
      {[](MapQuestion& q) { q.ranges[1].keys.from = "valve-2"; }, "not ascending"},
      {[](MapQuestion& q) { q.ranges[0].keys.to = "valve-1"; }, "a range of no keys"},
      {[](MapQuestion& q) { q.ranges[0].keys.from = "valve-9"; }, "a range of no keys"},
      {[](MapQuestion& q) { q.ranges[1].keys.to = long_key(0) + "x"; }, "has more than 512 bytes"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.text);
    CHECK_THAT(refusal(golden::map_question(), row.spoil), Contains(row.text));
  }
}

TEST_CASE("an answer about a map that breaks a rule is refused with its reason",
          "[engine][codec][maps][limits]") {
  struct Row {
    void (*spoil)(MapAnswer&);
    const char* text;
  };
  using Entries = MapAnswer::Entries;
  using Cells = MapAnswer::Cells;
  const std::vector<Row> rows{
      {[](MapAnswer&) {}, "accepted"},
      {[](MapAnswer& a) { a.kind = MapAnswer::Kind{3}; }, "kind of answer 3"},
      {[](MapAnswer& a) { a.knowing = Knowing{4}; }, "knowing 4"},
      {[](MapAnswer& a) {
         a.known = {{golden::map_stream(1, 1), IntervalSet(Interval{1, 1})}};
       },
       "was not asked for"},
      {[](MapAnswer& a) { a.knowing = Knowing::kPart; }, "a part of no knowledge"},
      {[](MapAnswer& a) {
         a.knowing = Knowing::kPart;
         a.known = {{golden::map_stream(1, 1), {}}};
       },
       "nothing is known"},
      {[](MapAnswer& a) {
         a.knowing = Knowing::kPart;
         a.known.assign(2, {golden::map_stream(1, 1), IntervalSet(Interval{1, 1})});
       },
       "known streams are not ascending"},
      {[](MapAnswer& a) { a.streams[0] = golden::gateway_stream(); }, "of another dataset"},
      {[](MapAnswer& a) { a.streams.clear(); }, "is not named"},
      {[](MapAnswer& a) { a.parts.resize(65); }, "65 parts in an answer, at most 64"},
      {[](MapAnswer& a) { std::get<Entries>(a.parts[1]).resize(17); }, "entries of a range 17, at most 16"},
      {[](MapAnswer& a) { std::get<Entries>(a.parts[1])[1].key = "valve-3"; }, "not ascending"},
      {[](MapAnswer& a) { std::get<Entries>(a.parts[1])[0].key = ""; }, "a key is not text"},
      {[](MapAnswer& a) { std::get<Entries>(a.parts[1])[0].key = "\xff"; }, "a key is not text"},
      {[](MapAnswer& a) { std::get<Entries>(a.parts[1])[0].version.dot.seq = 0; }, "number 0"},
      {[](MapAnswer& a) { std::get<Entries>(a.parts[1])[0].version.dot.seq = ~Seq{0}; },
       "18446744073709551615"},
      {[](MapAnswer& a) {
         a.parts[0] = Cells{{}, {{}}};
       },
       "not cut"},
      {[](MapAnswer& a) {
         a.parts[0] = Cells{{"b", "a"}, {{}, {}, {}}};
       },
       "cuts are not ascending"},
      {[](MapAnswer& a) {
         a.parts[0] = Cells{{""}, {{}, {}}};
       },
       "cuts are not ascending"},
      {[](MapAnswer& a) {
         Cells cells{{}, std::vector<message::RangeSum>(17)};
         while (cells.cuts.size() < 16) cells.cuts.push_back(long_key(cells.cuts.size()));
         a.parts[0] = cells;
       },
       "cells of a range 17, at most 16"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.text);
    CHECK_THAT(refusal(golden::map_answer(), row.spoil), Contains(row.text));
  }
}

TEST_CASE("the largest answer about a map fits a frame", "[engine][codec][maps][limits]") {
  MapAnswer answer = golden::map_answer();
  answer.parts.clear();
  answer.streams.clear();
  for (std::size_t part = 0; part < limits::kMapRangesPerQuestion; ++part) {
    MapAnswer::Entries entries;
    for (std::size_t i = 0; i < limits::kMapEntriesListed; ++i) {
      MapAnswer::Entry entry{
          static_cast<std::uint32_t>(answer.streams.size()), long_key(i), {}, false, {1, 1}};
      entry.version.epoch = ~std::uint32_t{0};
      entry.version.dot.seq = limits::kSeqMax;
      answer.streams.push_back(stream_of(answer.streams.size()));
      entries.push_back(entry);
    }
    answer.parts.emplace_back(std::move(entries));
  }
  const auto decoded = decode(encode(answer));
  REQUIRE(decoded.ok());
  CHECK(**decoded == Message{answer});
}
