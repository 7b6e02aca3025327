// tests/crdt/event_set_test.cc - events by dot: union, deltas against a receiver, forks.
#include "crdt/event_set.h"

#include <catch2/catch.hpp>

#include "tests/crdt/generators.h"
#include "tests/crdt/laws.h"

namespace deltamesh {
namespace {

std::vector<Event> events_of(const Dot& first, std::size_t count, std::uint8_t variant = 0) {
  std::vector<Event> events;
  for (Seq n = 0; n < count; ++n) events.push_back(test_event({first.stream, first.seq + n}, variant));
  return events;
}

}  // namespace

TEST_CASE("inserted events lie under consecutive dots", "[crdt][event_set]") {
  const Dot first{test_stream(1), 5};
  EventSet set;
  CHECK(set.insert(first, events_of(first, 3)) == set);
  REQUIRE(set.events().size() == 3);
  CHECK(set.events().rbegin()->first == Dot{test_stream(1), 7});
  REQUIRE(set.knowledge().find(test_stream(1)) != nullptr);
  CHECK(set.knowledge().find(test_stream(1))->held() == IntervalSet({5, 7}));
}

TEST_CASE("an event that is there already is no news", "[crdt][event_set]") {
  const Dot first{test_stream(1), 1};
  EventSet set;
  set.insert(first, events_of(first, 2));
  const EventSet delta = set.insert(first, events_of(first, 3));
  CHECK(delta.events().size() == 1);
  CHECK(set.insert(first, events_of(first, 3)) == EventSet());
}

TEST_CASE("a delta is all that the receiver does not hold, and makes it hold all", "[crdt][event_set]") {
  for (std::uint64_t seed = 0; seed < 1'000; ++seed) {
    CAPTURE(seed);
    Random random(seed);
    const EventSet a = random_events(random), b = random_events(random);
    const EventSet delta = a.delta_since(b.knowledge());
    for (const auto& [dot, event] : delta.events()) REQUIRE(b.events().count(dot) == 0);
    REQUIRE(joined(b, delta).knowledge() == joined(b, a).knowledge());
  }
}

TEST_CASE("of two events under one dot every replica keeps the same", "[crdt][event_set]") {
  const Dot dot{test_stream(1), 1};
  EventSet a, b;
  a.insert(dot, events_of(dot, 1, 0));
  b.insert(dot, events_of(dot, 1, 1));
  CHECK_FALSE(a == b);
  CHECK(joined(a, b) == joined(b, a));
  CHECK(joined(a, b) == a);  // Its reading is smaller.
}

TEST_CASE("which of two forked events is smaller depends on every field", "[crdt][event_set]") {
  const Dot dot{test_stream(1), 1};
  const Event base = test_event(dot);
  std::vector<Event> others(5, base);
  others[0].time += 1;
  others[1].boot += 1;
  others[2].quality = Quality::kBad;
  others[3].source = Source{~std::uint64_t{0}, 1};
  others[4].readings.push_back({9, Value{true}});
  for (const Event& other : others) {
    EventSet a, b;
    a.insert(dot, std::span(&base, 1));
    b.insert(dot, std::span(&other, 1));
    CHECK(joined(a, b) == a);
    CHECK(joined(b, a) == a);
  }
}

}  // namespace deltamesh
