// tests/crdt/fingerprint_test.cc - equal sets have equal sums, and every field of a member counts.
#include "crdt/fingerprint.h"

#include <catch2/catch.hpp>
#include <functional>

#include "tests/crdt/generators.h"

namespace deltamesh {
namespace {

// An event, its dot and its declarations, as one thing to change.
struct Named {
  Dot dot{test_stream(1), 7};
  Event event;
  std::vector<SeriesDecl> decls;

  Named() {
    event.time = 1'700'000'000'000;
    event.source = Source{1, 2};
    event.readings = {{1, Value{21.5}}, {2, Value{std::string("on")}}};
    decls = {{1, "room/temperature", "Cel", ValueType::kDouble}, {2, "room/fan", "", ValueType::kString}};
  }

  [[nodiscard]] Fingerprint sum() const {
    std::vector<const SeriesDecl*> pointers;
    for (const SeriesDecl& decl : decls) pointers.push_back(&decl);
    return fingerprint_event(dot, event, pointers);
  }
};

MapEntry live_entry() {
  MapEntry entry;
  entry.key = "fan/speed";
  entry.version = {0, HlcStamp{77}, {test_stream(1), 7}};
  entry.value = "40";
  return entry;
}

Fingerprint random_sum(Random& random) {
  const Bytes member(1 + random.below(20), static_cast<std::byte>(random.below(256)));
  Fingerprint sum;
  sum.add(member);
  return sum;
}

Fingerprint plus(Fingerprint a, const Fingerprint& b) {
  a.add(b);
  return a;
}

}  // namespace

TEST_CASE("sums do not depend on order, and subtraction undoes addition", "[crdt][fingerprint]") {
  Random random(3);
  for (int i = 0; i < 2'000; ++i) {
    Fingerprint a = random_sum(random);
    for (int n = 0; n < 8; ++n) a.add(random_sum(random));
    const Fingerprint b = random_sum(random);
    REQUIRE(plus(a, b) == plus(b, a));
    Fingerprint back = plus(a, b);
    back.subtract(b);
    REQUIRE(back == a);
    back.subtract(a);
    REQUIRE(back == Fingerprint());
  }
}

TEST_CASE("a sum carries from the low half into the high half", "[crdt][fingerprint]") {
  Fingerprint minus_one;
  Fingerprint sum;
  sum.add(Bytes{std::byte{1}});
  minus_one.subtract(sum);  // 2^128 - x: adding x must give zero in both halves.
  minus_one.add(sum);
  CHECK(minus_one.high() == 0);
  CHECK(minus_one.low() == 0);
}

TEST_CASE("a member is hashed as XXH3-128 on every machine", "[crdt][fingerprint][format]") {
  Fingerprint sum;
  sum.add(ByteView());
  CHECK(sum.high() == 0x99AA06D3014798D8u);  // The published hash of no bytes.
  CHECK(sum.low() == 0x6001C324468D497Fu);
}

TEST_CASE("fingerprints of version 0 never change", "[crdt][fingerprint][format]") {
  CHECK(Named().sum().high() == 0xB7FDC6FA13819F22u);
  CHECK(Named().sum().low() == 0xC7D68615F1921308u);
  CHECK(fingerprint_entry(live_entry()).high() == 0x65F219A229546D88u);
  CHECK(fingerprint_entry(live_entry()).low() == 0x61B55EF60F071D90u);
}

TEST_CASE("every field of an event counts in its fingerprint", "[crdt][fingerprint]") {
  const std::vector<std::function<void(Named&)>> changes = {
      [](Named& n) { n.dot.seq += 1; },
      [](Named& n) { n.dot.stream.dataset = DatasetId{8}; },
      [](Named& n) { n.dot.stream.cls = StreamClass::kAlarm; },
      [](Named& n) { n.dot.stream.node.bytes[0] = 1; },
      [](Named& n) { n.dot.stream.incarnation.bytes[15] = 1; },
      [](Named& n) { n.event.time += 1; },
      [](Named& n) { n.event.boot = 1; },
      [](Named& n) { n.event.quality = Quality::kBad; },
      [](Named& n) { n.event.source.reset(); },
      [](Named& n) { n.event.source->session += 1; },
      [](Named& n) { n.event.source->counter += 1; },
      [](Named& n) { n.event.readings[0].value = Value{21.6}; },
      [](Named& n) { n.event.readings[0].value = Value{std::int64_t{21}}; },
      [](Named& n) {
        n.event.readings[1].value = Value{Bytes{std::byte{'o'}, std::byte{'n'}}};
      },
      [](Named& n) { n.event.readings[1].value = Value{std::string("off")}; },
      [](Named& n) { n.decls[0].name = "room/humidity"; },
      [](Named& n) {
        n.event.readings.pop_back();
        n.decls.pop_back();
      },
  };
  std::vector<Fingerprint> sums = {Named().sum()};
  for (const auto& change : changes) {
    Named changed;
    change(changed);
    CAPTURE(sums.size());
    CHECK(std::count(sums.begin(), sums.end(), changed.sum()) == 0);
    sums.push_back(changed.sum());
  }
}

TEST_CASE("events are told apart by the names of their series and not by the numbers",
          "[crdt][fingerprint]") {
  Named renumbered;
  renumbered.event.readings[0].series = renumbered.decls[0].number = 0;
  CHECK(renumbered.sum() == Named().sum());
}

TEST_CASE("zero and minus zero are different values", "[crdt][fingerprint]") {
  Named zero, minus_zero;
  zero.event.readings[0].value = Value{0.0};
  minus_zero.event.readings[0].value = Value{-0.0};
  CHECK_FALSE(zero.sum() == minus_zero.sum());
}

TEST_CASE("every field of a live map entry counts, and a tombstone adds nothing", "[crdt][fingerprint]") {
  const std::vector<std::function<void(MapEntry&)>> changes = {
      [](MapEntry& e) { e.key = "fan/spees"; },
      [](MapEntry& e) { e.value = "41"; },
      [](MapEntry& e) { e.version.epoch = 1; },
      [](MapEntry& e) { e.version.stamp.bits = 78; },
      [](MapEntry& e) { e.version.dot.seq = 8; },
      [](MapEntry& e) { e.version.dot.stream = test_stream(2); },
      [](MapEntry& e) { e.key += "4", e.value = "0"; },
  };
  for (const auto& change : changes) {
    MapEntry entry = live_entry();
    change(entry);
    CHECK_FALSE(fingerprint_entry(entry) == fingerprint_entry(live_entry()));
  }
  MapEntry tombstone = live_entry();
  tombstone.tombstone = true;
  tombstone.value.clear();
  CHECK(fingerprint_entry(tombstone) == Fingerprint());
}

}  // namespace deltamesh
