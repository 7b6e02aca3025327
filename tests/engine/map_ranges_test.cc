// tests/engine/map_ranges_test.cc - sums of ranges of keys are what adding up their entries gives.
#include "engine/map_ranges.h"

#include <rapidcheck.h>
#include <rapidcheck/catch.h>
#include <catch2/catch.hpp>

#include "engine/limits.h"
#include "tests/engine/map_fixture.h"

using namespace deltamesh;
using namespace deltamesh::testing;
using message::KeyRange;
using message::RangeSum;

namespace {

bool within(const std::string& key, const KeyRange& range) {
  return key >= range.from && (range.to.empty() || key < range.to);
}

RangeSum added_up(const LwwMap& map, const KeyRange& range) {
  RangeSum sum;
  for (const auto& [key, entry] : map.entries()) {
    if (!within(key, range) || entry.tombstone) continue;
    ++sum.count;
    sum.fingerprint.add(fingerprint_entry(entry));
  }
  return sum;
}

std::size_t counted(const LwwMap& map, const KeyRange& range) {
  return static_cast<std::size_t>(std::count_if(map.entries().begin(), map.entries().end(),
                                                [&](const auto& one) { return within(one.first, range); }));
}

std::string random_key(Random& random) {
  static const std::vector<std::string> parts{"a", "b", "room/", "valve-", "\x01", "\u20ac"};
  std::string key;
  for (std::uint64_t n = random.between(1, 6); n > 0; --n) key += parts[random.below(parts.size())];
  return key;
}

KeyRange random_range(Random& random) {
  KeyRange range{random.chance(20) ? "" : random_key(random), random.chance(20) ? "" : random_key(random)};
  if (!range.to.empty() && range.to < range.from) std::swap(range.from, range.to);
  if (range.from == range.to) range.to.clear();
  return range;
}

void write_some(Random& random, MapReplica& replica, std::uint64_t writes) {
  for (std::uint64_t i = 0; i < writes; ++i)
    replica.write(1, random_key(random), std::to_string(random.below(9)), random.chance(20));
}

// Takes some keys out, or all.
void drop_some(Random& random, MapReplica& replica) {
  const bool all = random.chance(20);
  for (const auto& [key, entry] : std::map(replica.map.entries().begin(), replica.map.entries().end())) {
    if (!all && random.chance(70)) continue;
    replica.ranges.drop(key);
    replica.map.erase(key, entry.version.dot);
  }
  replica.ranges.drop("no such key");
}

}  // namespace

TEST_CASE("the sum of a range of keys is that of its live entries, whatever was written before",
          "[engine][maps][compare]") {
  rc::prop("sums and counts", [](std::uint64_t seed) {
    Random random(seed);
    MapReplica replica;
    for (int round = 0; round < 4; ++round) {
      write_some(random, replica, random.chance(50) ? 20 : 600);
      if (random.chance(50)) drop_some(random, replica);
      for (int i = 0; i < 10; ++i) {
        const KeyRange range = i == 0 ? KeyRange{} : random_range(random);
        RC_ASSERT(replica.ranges.sum(range) == added_up(replica.map, range));
        RC_ASSERT(replica.ranges.count(range) == counted(replica.map, range));
        RC_ASSERT(replica.ranges.items(range).size() == counted(replica.map, range));
      }
    }
  });
}

TEST_CASE("a range is cut into parts of about as many entries, which leave nothing out",
          "[engine][maps][compare]") {
  rc::prop("cuts", [](std::uint64_t seed) {
    Random random(seed);
    MapReplica replica;
    write_some(random, replica, random.chance(50) ? 30 : 1'000);
    const KeyRange range = random_range(random);
    const std::size_t parts = random.between(1, 20), total = replica.ranges.count(range);
    const auto cut = replica.ranges.cut(range, parts);
    RC_ASSERT(cut.size() == std::max<std::size_t>(1, std::min(parts, total)));
    RC_ASSERT(cut.front().from == range.from);
    RC_ASSERT(cut.back().to == range.to);
    for (std::size_t i = 0; i < cut.size(); ++i) {
      if (i > 0) RC_ASSERT(cut[i].from == cut[i - 1].to);
      RC_ASSERT(cut[i].to.empty() || cut[i].from < cut[i].to);
      const std::size_t here = replica.ranges.count(cut[i]);
      RC_ASSERT((here == total / cut.size() || here == (total + cut.size() - 1) / cut.size()));
    }
  });
}

TEST_CASE("no choice of keys makes one sum stand for many entries", "[engine][maps][compare][limits]") {
  MapReplica replica;
  for (int i = 0; i < 3'000; ++i) replica.write(1, std::string(400, 'k') + std::to_string(i), "v");
  CHECK(replica.ranges.runs() >= 3'000 / limits::kMapRunItemsMax);
  CHECK(replica.ranges.runs() <= 3'000 / limits::kMapRunItemsMax * 2 + 1);
}
