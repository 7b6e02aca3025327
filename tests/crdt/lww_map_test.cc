// tests/crdt/lww_map_test.cc - which write wins, and that a delta never hides the winner.
#include "crdt/lww_map.h"

#include <catch2/catch.hpp>
#include <limits>

#include "tests/crdt/generators.h"
#include "tests/crdt/laws.h"

namespace deltamesh {
namespace {

MapEntry put(std::string key, std::uint64_t stamp, std::uint8_t stream, Seq seq, std::string value = "v") {
  MapEntry entry;
  entry.key = std::move(key);
  entry.version.stamp = HlcStamp{stamp};
  entry.version.dot = {test_stream(stream), seq};
  entry.value = std::move(value);
  return entry;
}

MapEntry removal(std::string key, std::uint64_t stamp, std::uint8_t stream, Seq seq) {
  MapEntry entry = put(std::move(key), stamp, stream, seq, "");
  entry.tombstone = true;
  return entry;
}

MapEntry at_epoch(MapEntry entry, std::uint32_t epoch) {
  entry.version.epoch = epoch;
  return entry;
}

// A write that a replica has seen is present there, or has lost to one that is.
bool hides_no_write(const LwwMap& map, const std::vector<MapEntry>& writes) {
  return std::all_of(writes.begin(), writes.end(), [&map](const MapEntry& write) {
    if (!map.knowledge().holds(write.version.dot)) return true;
    const MapEntry* entry = map.find_entry(write.key);
    return entry != nullptr && (*entry == write || wins(*entry, write));
  });
}

LwwMap map_with(const std::vector<MapEntry>& writes) {
  LwwMap map;
  for (const MapEntry& write : writes) map.apply(write);
  return map;
}

}  // namespace

TEST_CASE("writes of one key are ordered by epoch, stamp, node, incarnation, number, tombstone, value",
          "[crdt][lww_map]") {
  MapEntry other_life = put("k", 5, 1, 1);
  other_life.version.dot.stream.incarnation.bytes[0] = 0xFF;
  // Ascending: each row wins over all those above it.
  const std::vector<MapEntry> rows = {
      put("k", 4, 9, 9, "z"),    put("k", 5, 1, 1, "a"), put("k", 5, 1, 1, "b"),
      put("k", 5, 1, 1, "\xFF"),  // Bytes, whatever the sign of char.
      removal("k", 5, 1, 1),     put("k", 5, 1, 2, "a"), other_life,
      put("k", 5, 2, 1, "a"),    put("k", 6, 0, 1, "a"), at_epoch(put("k", 1, 0, 1, "a"), 1),
  };
  for (std::size_t i = 0; i < rows.size(); ++i) {
    for (std::size_t j = 0; j < rows.size(); ++j) {
      CAPTURE(i, j);
      CHECK(wins(rows[i], rows[j]) == (i > j));
    }
  }
}

TEST_CASE("a removed key has no value and keeps its tombstone", "[crdt][lww_map]") {
  LwwMap map = map_with({put("k", 1, 1, 1, "on")});
  REQUIRE(map.find("k") != nullptr);
  CHECK(map.find("k")->value == "on");
  map.apply(removal("k", 2, 1, 2));
  CHECK(map.find("k") == nullptr);
  REQUIRE(map.find_entry("k") != nullptr);
  CHECK(map.find_entry("k")->tombstone);
  map.apply(put("k", 3, 1, 3, "off"));
  CHECK(map.find("k")->value == "off");
  CHECK(map.find("nothing") == nullptr);
}

TEST_CASE("a delta carries what the receiver has not seen and nothing else", "[crdt][lww_map]") {
  const LwwMap map = map_with({put("a", 1, 1, 1), put("b", 1, 1, 2), put("c", 1, 1, 3), put("d", 1, 2, 1)});
  Knowledge receiver;
  receiver.at(test_stream(1)).hold({1, 2});
  const auto delta = map.delta_since(receiver);
  REQUIRE(delta.entries.size() == 2);
  CHECK(delta.entries[0].key == "c");
  CHECK(delta.entries[1].key == "d");
  CHECK(map.delta_since(map.knowledge()) == LwwMap::Delta());
  CHECK(joined(LwwMap(), map.state()) == map);
}

TEST_CASE("a superseded write is marked as seen together with its winner", "[crdt][lww_map]") {
  // The sender saw stream 1 write the key and stream 2 overwrite it; only the second entry is left.
  const LwwMap sender = map_with({put("k", 1, 1, 1, "old"), put("k", 2, 2, 1, "new")});
  LwwMap receiver;
  receiver.join(sender.delta_since(receiver.knowledge()));
  REQUIRE(receiver.knowledge().holds({test_stream(1), 1}));
  REQUIRE(receiver.find("k") != nullptr);
  CHECK(receiver.find("k")->value == "new");
}

TEST_CASE("a winner out of half a delta is passed on although its dot is not known yet", "[crdt][lww_map]") {
  LwwMap relay = map_with({put("k", 1, 1, 1, "old")});
  relay.join(put("k", 2, 2, 1, "new"));  // The link broke before knowledge of stream 2 came.
  LwwMap receiver;
  receiver.join(relay.delta_since(receiver.knowledge()));
  CHECK(receiver.knowledge().holds({test_stream(1), 1}));
  REQUIRE(receiver.find("k") != nullptr);
  CHECK(receiver.find("k")->value == "new");
}

TEST_CASE("no history of writes, exchanges and broken exchanges hides a write", "[crdt][lww_map]") {
  for (std::uint64_t seed = 0; seed < kRandomStates; ++seed) {
    Random random(seed);
    MapWorld world(random);
    for (const LwwMap& map : world.maps())
      require_law(hides_no_write(map, world.writes()), "no hidden write", seed);
  }
}

TEST_CASE("the delta for a pair does what the whole map would", "[crdt][lww_map]") {
  for (std::uint64_t seed = 0; seed < kRandomStates; ++seed) {
    Random random(seed);
    const auto [a, b, c] = random_maps(random);
    const auto delta = a.delta_since(b.knowledge());
    for (const MapEntry& entry : delta.entries) {
      require_law(!b.knowledge().holds(entry.version.dot), "nothing the receiver has seen", seed);
    }
    require_law(joined(b, delta) == joined(b, a), "pairwise delta", seed);
    require_law(joined(c, joined(b, delta)) == joined(joined(c, a), b), "pairwise delta, relayed", seed);
  }
}

TEST_CASE("replicas that exchange both ways in any order end up equal", "[crdt][lww_map]") {
  for (std::uint64_t seed = 0; seed < 2'000; ++seed) {
    Random random(seed);
    MapWorld world(random);
    for (int round = 0; round < 2; ++round) {
      for (std::size_t at = 0; at < 3; ++at) {
        world.exchange(at, (at + 1) % 3);
        world.exchange((at + 1) % 3, at);
      }
    }
    const auto& maps = world.maps();
    require_law(maps[0] == maps[1] && maps[1] == maps[2], "convergence", seed);
  }
}

// The law that lets nodes compare knowledge instead of values, whichever streams a delta is made of.
TEST_CASE("deltas of some streams hide no write either", "[crdt][lww_map]") {
  Random random(77);
  int parts = 0, wholes = 0;
  for (int round = 0; round < 2000; ++round) {
    std::vector<LwwMap> replicas(3, LwwMap(3));
    std::vector<MapEntry> writes;
    std::vector<Seq> next(3, 1);
    for (std::uint64_t step = 2 + random.below(25); step > 0; --step) {
      const std::uint64_t at = random.below(3);
      if (random.chance(60)) {
        writes.push_back(put("k" + std::to_string(random.below(3)), random.below(6),
                             static_cast<std::uint8_t>(at), next[at]++, "v" + std::to_string(writes.size())));
        replicas[at].apply(writes.back());
        continue;
      }
      const std::uint64_t to = (at + 1 + random.below(2)) % 3;
      std::vector<StreamId> some;
      for (std::uint8_t stream = 0; stream < 3; ++stream) {
        if (random.chance(50)) some.push_back(test_stream(stream));
      }
      std::sort(some.begin(), some.end());
      const auto part = replicas[at].delta_since(replicas[to].knowledge(), some);
      replicas[to].join(part ? *part : replicas[at].delta_since(replicas[to].knowledge()));
      ++(part ? parts : wholes);
      if (!hides_no_write(replicas[to], writes)) FAIL("a write is seen and neither there nor beaten");
    }
  }
  CHECK(parts > 5 * wholes);
  CHECK(wholes > 0);
}

TEST_CASE("a delta of some streams has its entries in the order in which they were written",
          "[crdt][lww_map]") {
  LwwMap map;
  for (Seq seq = 1; seq <= 100; ++seq) map.apply(put("k" + std::to_string(seq * 37 % 101), seq, 1, seq));
  const auto delta = map.delta_since({}, {test_stream(1)});
  REQUIRE(delta);
  const auto by_dot = [](const MapEntry& a, const MapEntry& b) { return a.version.dot < b.version.dot; };
  CHECK(std::is_sorted(delta->entries.begin(), delta->entries.end(), by_dot));
}

TEST_CASE("a delta of some streams is refused once the key of a superseded write is forgotten",
          "[crdt][lww_map]") {
  LwwMap map(4000);
  for (Seq seq = 1; seq <= 5000; ++seq) {
    const std::string key = "k" + std::to_string(seq);
    map.apply(put(key, 1, 1, seq));
    map.apply(put(key, 2, 2, seq));
  }
  CHECK_FALSE(map.delta_since({}, {test_stream(1)}));
  Knowledge most;
  most.at(test_stream(1)).hold({1, 4000});
  CHECK(map.delta_since(most, {test_stream(1)}));
}

TEST_CASE("a delta of some streams needs no keys of what its writer wrote anew, not even at who never saw it",
          "[crdt][lww_map]") {
  LwwMap writer(4), relay(4);
  for (Seq seq = 1; seq <= 5000; ++seq) writer.apply(put("k" + std::to_string(seq % 2), seq, 1, seq));
  relay.join(*writer.delta_since({}, {test_stream(1)}));
  const auto passed_on = relay.delta_since({}, {test_stream(1)});
  REQUIRE(passed_on);
  CHECK(passed_on->entries.size() == 2);
  relay.apply(put("k0", 6000, 2, 1));  // What beats the last of them is another matter.
  CHECK(relay.delta_since({}, {test_stream(1)})->entries.size() == 2);
}

// A page brings a write, and is not followed by the knowledge that it is held.
TEST_CASE("what a write that is not held superseded is not told without the winner", "[crdt][lww_map]") {
  LwwMap map(100);
  map.apply(put("k", 1, 1, 1));
  map.join(put("k", 2, 1, 2));
  map.learn(
      LwwMap::Rewritten{{test_stream(1), IntervalSet(Interval{1, 1})}});  // By a peer that thinks it is.
  map.apply(put("k", 3, 2, 1));
  const auto delta = map.delta_since({}, {test_stream(1)});
  CHECK((!delta || delta->entries.size() == 1));
  map.learn(map_with({put("k", 2, 1, 2)}).knowledge());
  REQUIRE(map.delta_since({}, {test_stream(1)}));
  CHECK(map.delta_since({}, {test_stream(1)})->entries.size() == 1);
}

TEST_CASE("a write under one dot that wins over another does not count as rewritten by itself",
          "[crdt][lww_map]") {
  LwwMap map(100);
  map.apply(put("k", 1, 1, 1, "a"));
  map.apply(put("k", 1, 1, 1, "b"));
  map.apply(put("k", 3, 2, 1));
  const auto delta = map.delta_since({}, {test_stream(1)});
  REQUIRE(delta);
  CHECK(delta->entries.size() == 1);
}

TEST_CASE("pages of a delta may join in any order if knowledge comes last", "[crdt][lww_map]") {
  for (std::uint64_t seed = 0; seed < 2'000; ++seed) {
    Random random(seed);
    const auto [a, b, c] = random_maps(random);
    auto delta = a.delta_since(b.knowledge());
    random.shuffle(delta.entries);
    LwwMap paged = b;
    for (const MapEntry& entry : delta.entries) paged.join(entry);
    paged.learn(delta.knowledge);
    require_law(paged == joined(b, a), "paged delta", seed);
  }
}

TEST_CASE("two keys under one dot of a forked store both travel, and either can be overwritten",
          "[crdt][lww_map]") {
  LwwMap map = map_with({put("a", 1, 1, 1), put("b", 1, 1, 1)});
  CHECK(map.state().entries.size() == 2);
  map.apply(put("a", 2, 2, 1, "new"));
  const auto state = map.state();
  REQUIRE(state.entries.size() == 2);
  CHECK(state.entries[0].key == "b");
  CHECK(state.entries[1].value == "new");
}

TEST_CASE("a write at the epoch given for it wins where it is made", "[crdt][lww_map]") {
  constexpr std::uint32_t kEpochMax = std::numeric_limits<std::uint32_t>::max();
  const LwwMap map = map_with({at_epoch(put("k", 100, 1, 1), 3), at_epoch(removal("gone", 100, 1, 2), 3),
                               at_epoch(put("last", 100, 1, 3), kEpochMax)});
  CHECK(map.epoch_for("new", HlcStamp{1}) == 0);
  CHECK(map.epoch_for("k", HlcStamp{101}) == 3);
  CHECK(map.epoch_for("k", HlcStamp{100}) == 4);  // A tie would fall to the node; a later write must win.
  CHECK(map.epoch_for("k", HlcStamp{5}) == 4);
  CHECK(map.epoch_for("gone", HlcStamp{5}) == 4);
  CHECK(map.epoch_for("last", HlcStamp{5}) == kEpochMax);
}

}  // namespace deltamesh
