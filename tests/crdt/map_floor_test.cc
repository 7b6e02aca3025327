// tests/crdt/map_floor_test.cc - what a floor is above, its bytes, and what it lets go of a map.
#include "crdt/map_floor.h"

#include <catch2/catch.hpp>

#include "crdt/lww_map.h"
#include "tests/crdt/generators.h"

namespace deltamesh {
namespace {

constexpr std::size_t kConflictsMax = 4, kRunsMax = 100;

MapEntry write(std::string key, std::uint64_t stamp, std::uint8_t stream, Seq seq, bool tombstone = false) {
  MapEntry entry;
  entry.key = std::move(key);
  entry.version.stamp = HlcStamp{stamp};
  entry.version.dot = {test_stream(stream), seq};
  entry.tombstone = tombstone;
  return entry;
}
MapEntry removal(std::string key, std::uint64_t stamp, std::uint8_t stream, Seq seq) {
  return write(std::move(key), stamp, stream, seq, true);
}

LwwMap map_with(const std::vector<MapEntry>& writes) {
  LwwMap map(100, kConflictsMax);
  for (const MapEntry& entry : writes) map.apply(entry);
  return map;
}

std::vector<std::string> keys_of(const std::vector<const MapEntry*>& entries) {
  std::vector<std::string> keys;
  for (const MapEntry* const entry : entries) keys.push_back(entry->key);
  return keys;
}

using Keys = std::vector<std::string>;

}  // namespace

TEST_CASE("a floor is above what may have lost to a tombstone that is gone", "[crdt][map_floor]") {
  MapFloor floor;
  floor.stamp = HlcStamp{5};
  CHECK(floor.is_below(write("k", 5, 1, 1).version));
  CHECK_FALSE(floor.is_below(write("k", 6, 1, 1).version));
  MapEntry later = write("k", 1, 1, 1);
  later.version.epoch = 1;
  CHECK_FALSE(floor.is_below(later.version));
}

TEST_CASE("a floor has the dots up to the last old tombstone of each stream", "[crdt][map_floor]") {
  LwwMap map =
      map_with({write("a", 1, 1, 1), removal("b", 2, 1, 3), write("c", 3, 1, 4), removal("d", 9, 2, 1)});
  map.join(removal("half", 1, 3, 1));  // Of a delta that is not all here: not held.
  const MapFloor floor = map.floor_at(HlcStamp{5});
  REQUIRE(floor.collected.entries().size() == 1);
  IntervalSet dots(Interval{1, 1});
  dots.add({3, 3});
  CHECK(floor.collected.find(test_stream(1))->held() == dots);
  CHECK(keys_of(map.collectable(floor, "", 10)) == Keys{"b"});
}

TEST_CASE("a tombstone that hides a value stays, and goes where another write hides it",
          "[crdt][map_floor]") {
  MapEntry untrusted = write("k", 3, 2, 1);
  untrusted.untrusted = true;
  LwwMap map = map_with({removal("k", 4, 1, 1), untrusted});
  REQUIRE(map.conflict_count() == 1);
  MapFloor floor = map.floor_at(HlcStamp{5});
  CHECK(map.collectable(floor, "", 10).empty());
  MapEntry later = write("k", 9, 3, 1);
  later.untrusted = true;
  map.apply(later);
  REQUIRE(map.conflict_count() == 2);
  REQUIRE(map.collectable(floor, "", 10).size() == 1);
  CHECK(map.collectable(floor, "", 10)[0]->tombstone);
}

TEST_CASE("what goes is found from a key on, and not more than is asked for", "[crdt][map_floor]") {
  const LwwMap map = map_with({removal("a", 1, 1, 1), removal("b", 1, 1, 2), removal("c", 1, 1, 3)});
  const MapFloor floor = map.floor_at(HlcStamp{1});
  CHECK(keys_of(map.collectable(floor, "", 2)) == Keys{"a", "b"});
  CHECK(keys_of(map.collectable(floor, std::string("b\0", 2), 2)) == Keys{"c"});
}

TEST_CASE("a write that is taken out leaves the latest of the rest", "[crdt][map_floor]") {
  MapEntry untrusted = write("k", 3, 2, 1);
  untrusted.untrusted = true;
  LwwMap map = map_with({write("k", 4, 1, 1), untrusted});
  CHECK_FALSE(map.erase("k", {test_stream(7), 1}));
  CHECK_FALSE(map.erase("another", {test_stream(1), 1}));
  SECTION("the latest") {
    CHECK(map.erase("k", {test_stream(1), 1}));
    CHECK(*map.find("k") == untrusted);
  }
  SECTION("the other") {
    CHECK(map.erase("k", {test_stream(2), 1}));
    CHECK(map.find("k")->version.stamp == HlcStamp{4});
  }
  CHECK(map.conflict_count() == 0);
  CHECK(map.conflicts().empty());
  CHECK(map.delta_since({}).entries.size() == 1);
  CHECK(map.erase("k", map.find("k")->version.dot));
  CHECK(map.entries().empty());
  CHECK(map.delta_since({}).entries.empty());
  CHECK_FALSE(map.knowledge().empty());
}

TEST_CASE("a map that has forgotten what it holds keeps its entries, and is told all of them anew",
          "[crdt][map_floor]") {
  const LwwMap whole = map_with({write("a", 1, 1, 1), write("b", 2, 2, 1), removal("c", 3, 1, 2)});
  LwwMap map = whole;
  map.forget();
  CHECK(map.entries() == whole.entries());
  CHECK(map.unheld().size() == 3);
  CHECK(whole.delta_since(map.knowledge()).entries.size() == 3);
  CHECK(map.knowledge().find(test_stream(1))->head() == 2);
  map.join(whole.delta_since(map.knowledge()));
  CHECK(map.unheld().empty());
  CHECK(map.knowledge().find(test_stream(1))->dropped().empty());
  CHECK(map == whole);
}

TEST_CASE("floors are joined in any order, and come back from their bytes", "[crdt][map_floor]") {
  MapFloor a, b;
  a.stamp = HlcStamp{7};
  a.collected.hold({test_stream(1), 3});
  b.stamp = HlcStamp{5};
  b.collected.hold({test_stream(2), 1});
  b.rejoining = true;
  MapFloor ab = a, ba = b;
  CHECK(ab.join(b));
  CHECK(ba.join(a));
  CHECK_FALSE(ab.join(b));
  CHECK(ba.rejoining);
  ba.rejoining = false;
  CHECK(ab == ba);
  Bytes bytes;
  encode_floor(bytes, ab);
  CHECK(*decode_floor(bytes, test_stream(1).dataset, kRunsMax) == ab);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const auto cut = decode_floor(ByteView(bytes).first(size), test_stream(1).dataset, kRunsMax);
    if (cut.ok()) CHECK_FALSE(*cut == ab);
  }
  bytes.insert(bytes.end(), bytes.begin() + 9, bytes.end());
  CHECK_FALSE(decode_floor(bytes, test_stream(1).dataset, kRunsMax).ok());
}

// What killed other designs. A third of them is in tests/engine/node_floor_test.cc.

TEST_CASE("trace: a superseded dot is not seen without its winner", "[crdt][map_floor][trace]") {
  LwwMap sender = map_with({write("k", 1, 1, 1), write("k", 2, 2, 1)});
  LwwMap receiver(100, kConflictsMax);
  // Only the stream of the loser has moved, as far as this link knows.
  const auto delta = sender.delta_since(receiver.knowledge(), {test_stream(1)});
  REQUIRE(delta);
  receiver.join(*delta);
  CHECK(receiver.knowledge().holds({test_stream(1), 1}));
  REQUIRE(receiver.find("k") != nullptr);
  CHECK(receiver.find("k")->version.stamp == HlcStamp{2});
}

TEST_CASE("trace: a filter does not hide a winner", "[crdt][map_floor][trace]") {
  // The receiver is brought the stream of the winner by somebody else, who is slow, and goes on telling.
  LwwMap sender = map_with({write("k", 1, 1, 1)});
  LwwMap receiver(100, kConflictsMax), next(100, kConflictsMax);
  sender.apply(write("other", 2, 1, 2));
  sender.apply(removal("k", 3, 2, 1));
  const auto delta = sender.delta_since(receiver.knowledge(), {test_stream(1)});
  REQUIRE(delta);
  receiver.join(*delta);
  CHECK(receiver.find("k") == nullptr);
  REQUIRE(receiver.find_entry("k") != nullptr);
  next.join(write("k", 1, 1, 1));
  next.join(receiver.delta_since(next.knowledge()));
  CHECK(next.find("k") == nullptr);
}

}  // namespace deltamesh
