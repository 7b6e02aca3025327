// tests/crdt/map_conflict_test.cc - which writes of a key are in conflict.
#include "crdt/map_conflict.h"

#include <catch2/catch.hpp>

#include "tests/crdt/generators.h"
#include "tests/crdt/laws.h"

namespace deltamesh {
namespace {

constexpr std::size_t kPastMax = 4, kConflictsMax = 4;

enum class Trust : std::uint8_t { kYes, kNo };
using enum Trust;

// A write of "k" that has seen `seen`, the latest first.
MapEntry write(std::uint8_t stream, Seq seq, std::uint64_t stamp, Trust trust,
               const std::vector<const MapEntry*>& seen = {}) {
  MapEntry entry;
  entry.key = "k";
  entry.version.stamp = HlcStamp{stamp};
  entry.version.dot = {test_stream(stream), seq};
  entry.value = std::to_string(stream) + "." + std::to_string(seq);
  entry.untrusted = trust == kNo;
  follow(entry, seen, kPastMax);
  return entry;
}

// What is left of the writes, met in this order: their values, the latest first.
std::vector<std::string> left(const std::vector<MapEntry>& writes,
                              std::size_t conflicts_max = kConflictsMax) {
  MapEntry latest = writes[0];
  std::vector<MapEntry> conflicts;
  for (const MapEntry& entry : writes) join_write(latest, conflicts, entry, conflicts_max);
  std::vector<std::string> values{latest.value};
  for (const MapEntry& entry : conflicts) values.push_back(entry.value);
  return values;
}

using Values = std::vector<std::string>;

// Replicas whose trusted clocks are right and whose untrusted ones show anything, and that meet as they
// please.
class ClockWorld {
 public:
  explicit ClockWorld(Random& random) : random_(random) {
    for (LwwMap& map : maps_) map = LwwMap(0, kConflictsMax);
    for (std::uint64_t n = random_.below(20); n > 0; --n) step();
  }
  [[nodiscard]] const std::array<LwwMap, 3>& maps() const { return maps_; }

 private:
  void step() {
    const auto at = random_.below(3);
    if (random_.chance(50)) return write(at);
    maps_[at].join(maps_[(at + 1) % 3].delta_since(maps_[at].knowledge()));
  }

  void write(std::size_t at) {
    MapEntry entry;
    entry.key = random_.chance(70) ? "k" : "l";
    entry.untrusted = random_.chance(50);
    entry.version.stamp = HlcStamp{entry.untrusted ? untrusted_stamp(at, entry.key) : trusted_stamp(at)};
    entry.version.dot = {test_stream(static_cast<std::uint8_t>(at)), ++seqs_[at]};
    entry.value = std::to_string(now_) + "/" + std::to_string(at);
    follow(entry, maps_[at].writes(entry.key), kPastMax);
    maps_[at].apply(entry);
  }

  // Clocks are apart, but by less than what one has seen of another.
  std::uint64_t trusted_stamp(std::size_t at) {
    std::uint64_t stamp = 100 + ++now_ + 7 * at;
    for (const auto& [key, entry] : maps_[at].entries()) {
      if (!entry.untrusted) stamp = std::max(stamp, entry.version.stamp.bits + 1);
    }
    return last_[at] = std::max(stamp, last_[at] + 1);
  }

  // Whoever does not know the time takes it from those that do (engine/node_clock.cc).
  std::uint64_t untrusted_stamp(std::size_t at, const std::string& key) {
    std::uint64_t stamp = random_.between(1, 200);
    for (const MapEntry* const seen : maps_[at].writes(key)) {
      if (!seen->untrusted) stamp = std::max(stamp, seen->version.stamp.bits + 1);
    }
    return stamp;
  }

  Random& random_;
  std::array<LwwMap, 3> maps_;
  std::array<Seq, 3> seqs_{};
  std::array<std::uint64_t, 3> last_{};
  std::uint64_t now_ = 0;
};

}  // namespace

TEST_CASE("of two writes that did not see each other the loser stays if a clock was not trusted",
          "[crdt][map_conflict]") {
  struct Row {
    Trust loser, winner;
    std::size_t left;
  };
  const auto row = GENERATE(values<Row>({{kYes, kYes, 1}, {kYes, kNo, 2}, {kNo, kYes, 2}, {kNo, kNo, 2}}));
  const MapEntry loser = write(1, 1, 10, row.loser), winner = write(2, 1, 20, row.winner);
  CHECK(left({loser, winner}).size() == row.left);
  CHECK(left({winner, loser}) == left({loser, winner}));
  CHECK(left({winner, loser}).front() == "2.1");
}

TEST_CASE("a write that has seen another leaves nothing of it, whoever trusts his clock",
          "[crdt][map_conflict]") {
  const auto first = GENERATE(kYes, kNo), then = GENERATE(kYes, kNo);
  const auto stamp = GENERATE(values<std::uint64_t>({5, 10, 20}));
  CAPTURE(first == kYes, then == kYes, stamp);
  const MapEntry seen = write(1, 1, 10, first), after = write(2, 1, stamp, then, {&seen});
  CHECK(wins(after, seen));
  CHECK(left({seen, after}) == Values{"2.1"});
  CHECK(left({after, seen}) == Values{"2.1"});
}

TEST_CASE("what was seen is known without what came in between", "[crdt][map_conflict]") {
  const auto trust = GENERATE(kYes, kNo), between = GENERATE(kYes, kNo), last = GENERATE(kYes, kNo);
  CAPTURE(trust == kYes, between == kYes, last == kYes);
  const MapEntry a = write(1, 1, 10, trust), b = write(2, 1, 20, between, {&a}),
                 c = write(3, 1, 30, last, {&b});
  CHECK(left({a, c}) == Values{"3.1"});
  CHECK(left({c, a}) == Values{"3.1"});
}

TEST_CASE("a write of the same stream is seen by the later ones", "[crdt][map_conflict]") {
  const MapEntry a = write(1, 1, 10, kNo), b = write(1, 2, 20, kNo, {&a});
  CHECK(b.past.empty());
  CHECK(left({a, b}) == Values{"1.2"});
}

TEST_CASE("a write that decided against another one is not dropped for one that has not seen that",
          "[crdt][map_conflict]") {
  const MapEntry doubtful = write(1, 1, 50, kNo), decided = write(2, 1, 20, kYes, {&doubtful});
  const MapEntry doubtful_too = write(3, 1, 40, kNo), other = write(4, 1, 30, kYes, {&doubtful_too});
  CHECK(left({doubtful, decided, other}) == Values{"4.1", "2.1"});
  CHECK(left({other, decided, doubtful}) == Values{"4.1", "2.1"});
}

// It wins by epoch, and its own stamp does not tell what the one before it had overruled.
TEST_CASE("what a write has seen overrule others, it overrules too, in whatever order they come",
          "[crdt][map_conflict]") {
  const auto between = GENERATE(kYes, kNo);
  const MapEntry first = write(3, 1, 30, kYes), then = write(2, 1, 1000, between, {&first}),
                 last = write(1, 1, 20, kYes, {&then});
  REQUIRE(last.version.epoch == 1);
  CHECK(left({first, then, last}) == Values{"1.1"});
  CHECK(left({last, first, then}) == Values{"1.1"});
  CHECK(left({last, then, first}) == Values{"1.1"});
}

TEST_CASE("a stamp that runs further ahead than clocks may be apart is not believed",
          "[crdt][map_conflict]") {
  const std::uint64_t far = std::uint64_t{3'600'000} << 16;
  const MapEntry wrong = write(2, 1, far, kYes), last = write(1, 1, 20, kYes, {&wrong}),
                 other = write(3, 1, 30, kYes);
  CHECK(last.past.trusted == HlcStamp());
  CHECK(left({wrong, last, other}) == Values{"1.1", "3.1"});
}

TEST_CASE("one that follows several in conflict leaves none of them", "[crdt][map_conflict]") {
  const MapEntry a = write(1, 1, 10, kNo), b = write(2, 1, 20, kNo), c = write(3, 1, 30, kYes);
  REQUIRE(left({a, b, c}) == Values{"3.1", "2.1", "1.1"});
  const MapEntry last = write(4, 1, 5, kNo, {&c, &b, &a});
  CHECK(left({a, b, c, last}) == Values{"4.1"});
  CHECK(left({last, c, a, b}) == Values{"4.1"});
}

TEST_CASE("where an epoch decides between trusted clocks the later one in truth is not lost",
          "[crdt][map_conflict]") {
  const MapEntry poisoned = write(1, 1, 1000, kNo), repaired = write(2, 1, 20, kYes, {&poisoned});
  const MapEntry later = write(3, 1, 30, kYes);
  CHECK(left({poisoned, repaired, later}) == Values{"2.1", "3.1"});
  CHECK(left({later, poisoned, repaired}) == Values{"2.1", "3.1"});
}

TEST_CASE("a repaired key shows no conflict with the stamp from the future that a trusted clock made",
          "[crdt][map_conflict]") {
  const MapEntry poisoned = write(1, 1, 1000, kYes), repaired = write(2, 1, 20, kYes, {&poisoned});
  CHECK(repaired.version.epoch == 1);
  CHECK(left({poisoned, repaired}) == Values{"2.1"});
}

TEST_CASE("of too many conflicts the latest are kept, and of too long a past what was seen last",
          "[crdt][map_conflict]") {
  const MapEntry a = write(1, 1, 10, kNo), b = write(2, 1, 20, kNo), c = write(3, 1, 30, kNo);
  CHECK(left({a, b, c}, 1) == Values{"3.1", "2.1"});
  CHECK(left({c, b, a}, 1) == Values{"3.1", "2.1"});
  MapEntry after = write(9, 1, 40, kNo);
  const MapEntry* const seen[] = {&c, &b, &a};
  follow(after, seen, 2);
  CHECK(after.past.others ==
        std::vector<SeenWrite>{{stream_hash(test_stream(3)), 1}, {stream_hash(test_stream(2)), 1}});
}

TEST_CASE("where all clocks are trusted a write carries no past", "[crdt][map_conflict]") {
  const MapEntry a = write(1, 1, 10, kYes), b = write(2, 1, 20, kYes, {&a}), c = write(1, 2, 30, kYes, {&b});
  CHECK(b.past.empty());
  CHECK(c.past.empty());
}

TEST_CASE("maps with conflicts obey the laws, and equal knowledge leaves equal conflicts",
          "[crdt][map_conflict]") {
  std::size_t met = 0;
  for (std::uint64_t seed = 0; seed < kRandomStates; ++seed) {
    Random random(seed);
    const ClockWorld world(random);
    const auto& [a, b, c] = world.maps();
    for (const LwwMap& map : world.maps()) met += map.conflict_count();
    check_join_laws_of(a, b, c, seed);
    require_law(joined(a, b.delta_since(a.knowledge())) == joined(a, b), "a delta for the pair", seed);
  }
  CHECK(met > kRandomStates / 4);
}

}  // namespace deltamesh
