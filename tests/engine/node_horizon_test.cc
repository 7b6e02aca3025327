// tests/engine/node_horizon_test.cc - maps whose removed keys are forgotten, under long absences, cuts and
// crashes.
//
// Real nodes on memory stores; what happens is drawn from a seed. Whatever the way that writes took: a
// removed key is live again only by a write that is later than its removal, a write is lost only if it is
// listed as surfaced, and in the end all nodes hold the same and no old tombstone is left.
#include <catch2/catch.hpp>

#include "tests/crdt/random.h"
#include "tests/engine/floor_fixture.h"

namespace deltamesh::test {
namespace {

class HorizonRun {
 public:
  explicit HorizonRun(std::uint64_t seed)
      : rng_(seed), nodes_(3 + rng_.below(3)), fleet_(nodes_), removals_(nodes_) {}

  // The first thing that is wrong, or nothing.
  std::string failure() {
    for (std::size_t step = 0; step < 150 && failure_.empty(); ++step) {
      act();
      look();
    }
    meet_again();
    if (failure_.empty()) check_end();
    return failure_;
  }
  [[nodiscard]] std::size_t surfaced() const { return surfaced_.size(); }
  [[nodiscard]] std::uint64_t rejoins() const { return rejoins_; }

 private:
  void act() {
    const std::size_t node = rng_.below(nodes_), other = rng_.below(nodes_);
    switch (rng_.below(12)) {
      case 0:
      case 1: return put(node);
      case 2: return remove(node);
      case 3:
      case 4: return node == other ? void() : fleet_.dial(std::min(node, other), std::max(node, other));
      case 5: return fleet_.cut(std::min(node, other), std::max(node, other));
      case 6: return rng_.below(3) == 0 ? fleet_.isolate(node) : fleet_.run();
      case 7: return crash(node);
      case 8: return fleet_.pass(minutes(1 + rng_.below(30)));
      case 9: return fleet_.pass(hours(1 + rng_.below(30)));
      case 10: return fleet_.settle();
      default: return some_steps();
    }
  }

  void some_steps() {
    if (rng_.chance(20)) fleet_[rng_.below(nodes_)].fail_next();
    for (std::uint64_t left = rng_.below(6); left > 0; --left) fleet_.net().step();
  }
  // Counters do not outlast it.
  void crash(std::size_t node) {
    rejoins_ += fleet_[node].counters().map_rejoins;
    fleet_.crash(node);
  }

  std::string key() { return "key-" + std::to_string(rng_.below(6)); }
  void put(std::size_t node) {
    const std::string name = key(), value = std::to_string(writes_.size());
    fleet_.put(node, name, value);
    note(node, name, value);
  }
  void remove(std::size_t node) {
    const std::string name = key();
    fleet_.remove(node, name);
    note(node, name, "");
  }
  // Unless the disk said no.
  void note(std::size_t node, const std::string& name, const std::string& value) {
    const MapEntry* const entry = fleet_[node].node().map(kSettings)->find_entry(name);
    if (entry != nullptr && entry->value == value) writes_.push_back(*entry);
  }

  void look() {
    for (std::size_t node = 0; node < nodes_; ++node) {
      for (const MapEntry& entry : fleet_.surfaced(node)) surfaced_.insert(entry.version.dot);
      for (const auto& [name, entry] : fleet_[node].node().map(kSettings)->entries()) {
        if (entry.tombstone) removals_[node].insert_or_assign(entry.version.dot, entry);
      }
    }
    for (std::size_t node = 0; node < nodes_; ++node) look_for_removed(node);
  }

  // What a node has once seen removed. A removal that was surfaced counts as never made.
  void look_for_removed(std::size_t node) {
    const LwwMap& map = *fleet_[node].node().map(kSettings);
    for (const auto& [dot, removal] : removals_[node]) {
      const MapEntry* const live = map.find(removal.key);
      if (live == nullptr || wins(*live, removal)) continue;
      if (!map.knowledge().holds(dot) && is_listed(removal)) continue;
      fail("node " + std::to_string(node) + " shows " + removal.key + " = " + live->value +
           ", which it has seen removed");
    }
  }

  // Itself, or the write that its writer put in its place.
  [[nodiscard]] bool is_listed(const MapEntry& write) const {
    return std::any_of(writes_.begin(), writes_.end(), [&](const MapEntry& other) {
      return other.key == write.key && !wins(write, other) && surfaced_.contains(other.version.dot);
    });
  }

  void meet_again() {
    for (std::size_t node = 1; node < nodes_; ++node) fleet_.dial(node - 1, node);
    for (int i = 0; i < 3 && failure_.empty(); ++i) {
      fleet_.settle();
      look();
      fleet_.pass_horizon();
      look();
    }
  }

  void check_end() {
    for (std::size_t node = 0; node < nodes_; ++node) {
      rejoins_ += fleet_[node].counters().map_rejoins;
      const LwwMap& map = *fleet_[node].node().map(kSettings);
      const LwwMap& first = *fleet_[0].node().map(kSettings);
      if (map.entries() != first.entries()) fail("nodes hold different maps");
      if (!map.knowledge().includes_held(first.knowledge()) ||
          !first.knowledge().includes_held(map.knowledge()))
        fail("nodes know different things");
      if (fleet_[node].node().floor(kSettings).rejoining) fail("a node is not through with a map");
      for (const auto& [name, entry] : map.entries()) {
        if (entry.tombstone) fail("an old tombstone is left");
      }
      if (*fleet_[node].store().entries(kSettings, {}) != entries_of(map)) fail("a store has another map");
    }
    for (int name = 0; name < 6; ++name) check_key("key-" + std::to_string(name));
  }

  static std::vector<MapEntry> entries_of(const LwwMap& map) {
    std::vector<MapEntry> out;
    for (const auto& [name, entry] : map.entries()) out.push_back(entry);
    return out;
  }

  // Of the writes that are held, the latest counts; any other has lost to one, or is listed.
  void check_key(const std::string& name) {
    const LwwMap& map = *fleet_[0].node().map(kSettings);
    const MapEntry* latest = nullptr;
    for (const MapEntry& write : writes_) {
      const bool counts = write.key == name && map.knowledge().holds(write.version.dot);
      if (counts && (latest == nullptr || wins(write, *latest))) latest = &write;
    }
    for (const MapEntry& write : writes_) {
      const bool lost = latest != nullptr && !wins(write, *latest);
      if (write.key == name && !lost && !is_listed(write))
        fail(name + " has lost a write that is not listed");
    }
    const MapEntry* const live = map.find(name);
    if (latest == nullptr || latest->tombstone) return live == nullptr ? void() : fail(name + " is back");
    if (live == nullptr || !(*live == *latest))
      fail(name + " shows another write than the latest that is held");
  }

  void fail(const std::string& what) {
    if (failure_.empty()) failure_ = what;
  }

  Random rng_;
  std::size_t nodes_;
  FloorFleet fleet_;
  std::vector<MapEntry> writes_;
  std::set<Dot> surfaced_;
  std::vector<std::map<Dot, MapEntry>> removals_;  // By node: that it has ever held.
  std::uint64_t rejoins_ = 0;
  std::string failure_;
};

}  // namespace

TEST_CASE("nothing that was removed comes back, whoever was away for how long", "[node][horizon]") {
  std::uint64_t rejoins = 0;
  std::size_t surfaced = 0;
  for (std::uint64_t seed = 1; seed <= 600; ++seed) {
    CAPTURE(seed);
    HorizonRun run(seed);
    CHECK(run.failure() == "");
    rejoins += run.rejoins();
    surfaced += run.surfaced();
  }
  // Else this would have tested nothing.
  CHECK(rejoins > 300);
  CHECK(surfaced > 60);
}

}  // namespace deltamesh::test
