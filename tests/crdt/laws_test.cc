// tests/crdt/laws_test.cc - every replicated value passes the join and delta laws on 10,000 random states.
#include "tests/crdt/laws.h"

#include <utility>

#include "crdt/hybrid_clock.h"
#include "tests/crdt/generators.h"

namespace deltamesh {
namespace {

// Three independent states.
template <class T>
auto three(T (*generate)(Random&)) {
  return [generate](Random& random) {
    T a = generate(random);
    T b = generate(random);
    T c = generate(random);
    return std::array<T, 3>{std::move(a), std::move(b), std::move(c)};
  };
}

void classify(Distribution& kinds, const std::string& of, const IntervalSet& set) {
  kinds.count(of + "empty", set.empty());
  kinds.count(of + "gaps", set.intervals().size() > 1);
  kinds.count(of + "over 64 intervals", set.intervals().size() > 64);
}

// The smallest parts of a set are single numbers; a run at the top of the range is short by construction.
std::vector<IntervalSet> decompose(const IntervalSet& set) {
  std::vector<IntervalSet> parts;
  for (const Interval& run : set.intervals()) {
    for (Seq left = run.size(); left > 0; --left) {
      const Seq seq = run.last - (left - 1);
      parts.push_back(IntervalSet({seq, seq}));
    }
  }
  return parts;
}

template <class Change>
StreamKnowledge changed(Change change) {
  StreamKnowledge known;
  change(known);
  return known;
}

std::vector<StreamKnowledge> decompose(const StreamKnowledge& known) {
  std::vector<StreamKnowledge> parts;
  const auto each = [&parts](const IntervalSet& set, auto change) {
    for (const IntervalSet& one : decompose(set)) {
      parts.push_back(changed([&](StreamKnowledge& part) { change(part, one.intervals().front()); }));
    }
  };
  each(known.held(), [](StreamKnowledge& part, Interval dot) { part.hold(dot); });
  each(known.voided(), [](StreamKnowledge& part, Interval dot) { part.declare_void(dot); });
  each(known.lost(), [](StreamKnowledge& part, Interval dot) { part.declare_lost(IntervalSet(dot)); });
  each(known.dropped(), [](StreamKnowledge& part, Interval dot) { part.drop(dot); });
  parts.push_back(changed([&](StreamKnowledge& part) { part.declare_head(known.head(), 0); }));
  parts.push_back(
      changed([&](StreamKnowledge& part) { part.declare_head(known.settled(), known.declared()); }));
  return parts;
}

// Applies one random change that is a join, to the state and to an empty one, which is then the delta.
StreamKnowledge mutate(Random& random, StreamKnowledge& known) {
  const Interval dots = random_interval(random, 80, 12);
  const auto kind = random.below(4);
  const auto change = [&](StreamKnowledge& target) {
    if (kind == 3) target.declare_lost(IntervalSet(dots));
    if (kind == 0) target.hold(dots);
    if (kind == 1) target.declare_void(dots);
    if (kind == 2) target.declare_head(dots.last, dots.first);
  };
  change(known);
  return changed(change);
}

// A clock as a state: what it observes, it joins. The wall is so late that no stamp is ahead of it.
struct LatestStamp {
  HlcStamp stamp;
  bool join(const LatestStamp& other) {
    HybridClock clock(stamp);
    clock.observe(other.stamp, std::chrono::hours(24));
    return std::exchange(stamp, clock.last()) != clock.last();
  }
  friend bool operator==(const LatestStamp&, const LatestStamp&) = default;
};

LatestStamp random_stamp(Random& random) {
  return {HlcStamp{random.below(4) << 16 | random.below(4)}};
}

bool has_concurrent_key(const LwwMap& a, const LwwMap& b) {
  return std::any_of(a.entries().begin(), a.entries().end(), [&](const auto& item) {
    const MapEntry* theirs = b.find_entry(item.first);
    return theirs != nullptr && !b.knowledge().holds(item.second.version.dot) &&
           !a.knowledge().holds(theirs->version.dot);
  });
}

bool has_tie(const LwwMap& a, const LwwMap& b) {
  return std::any_of(a.entries().begin(), a.entries().end(), [&](const auto& item) {
    const MapVersion& mine = item.second.version;
    const MapEntry* theirs = b.find_entry(item.first);
    return theirs != nullptr && !(theirs->version.dot == mine.dot) && theirs->version.stamp == mine.stamp &&
           theirs->version.epoch == mine.epoch;
  });
}

bool has_tombstone(const LwwMap& map) {
  return std::any_of(map.entries().begin(), map.entries().end(),
                     [](const auto& item) { return item.second.tombstone; });
}

bool has_gaps(const Knowledge& known, std::size_t more_than) {
  return std::any_of(known.entries().begin(), known.entries().end(),
                     [more_than](const Knowledge::Entry& entry) {
                       return entry.known.held().intervals().size() > more_than;
                     });
}

LwwMap::Delta map_write(Random& random, LwwMap& map) {
  MapEntry entry;
  entry.key = std::string(1, static_cast<char>('a' + random.below(6)));
  entry.version.stamp = HlcStamp{random.between(1, 8)};
  entry.version.epoch = random.chance(50) ? map.epoch_for(entry.key, entry.version.stamp) : 0;
  entry.version.dot = {test_stream(9), random.between(1, 3)};
  entry.value = "written";
  return map.apply(entry);
}

// An entry without knowledge, or a single dot without an entry.
std::vector<LwwMap::Delta> decompose(const LwwMap& map) {
  std::vector<LwwMap::Delta> parts;
  for (const auto& [key, entry] : map.entries()) parts.push_back({{entry}, {}, {}});
  for (const Knowledge::Entry& entry : map.knowledge().entries()) {
    for (const StreamKnowledge& known : decompose(entry.known)) {
      LwwMap::Delta part;
      part.knowledge.at(entry.stream) = known;
      parts.push_back(part);
    }
  }
  return parts;
}

bool has_common_dot(const EventSet& a, const EventSet& b) {
  return std::any_of(a.events().begin(), a.events().end(),
                     [&](const auto& item) { return b.events().count(item.first) != 0; });
}

bool has_fork(const EventSet& a, const EventSet& b) {
  return std::any_of(a.events().begin(), a.events().end(), [&](const auto& item) {
    const auto theirs = b.events().find(item.first);
    return theirs != b.events().end() && !same_event(theirs->second, item.second);
  });
}

}  // namespace

TEST_CASE("interval sets pass the join and delta laws", "[crdt][laws]") {
  const auto generate = three(random_intervals);
  check_join_laws<IntervalSet>("IntervalSet", generate,
                               [](Distribution& kinds, const IntervalSet& a, const auto& b) {
                                 classify(kinds, "", a);
                                 kinds.count("overlaps", !a.intersect(b).empty());
                                 kinds.count("largest number", a.last() == kSeqMax);
                               });
  const auto add = [](Random& random, IntervalSet& set) {
    const Interval added = random_interval(random, 600, 20);
    set.add(added);
    return IntervalSet(added);
  };
  check_delta_laws<IntervalSet>(generate, add, [](const IntervalSet& set) { return decompose(set); });
}

TEST_CASE("knowledge of one stream passes the join and delta laws", "[crdt][laws]") {
  const auto generate = three(random_stream_knowledge);
  check_join_laws<StreamKnowledge>(
      "StreamKnowledge", generate,
      [](Distribution& kinds, const StreamKnowledge& a, const StreamKnowledge& b) {
        classify(kinds, "held ", a.held());
        kinds.count("voids", !a.voided().empty());
        kinds.count("dropped", !a.dropped().empty());
        kinds.count("lost", !a.lost().empty());
        kinds.count("lost against void", !a.lost().intersect(b.voided().minus(b.lost())).empty());
        kinds.count("void against held", !a.voided().intersect(b.held()).empty());
        kinds.count("dropped against held", !a.dropped().intersect(b.held()).empty());
        kinds.count("dropped against void", !a.dropped().intersect(b.voided()).empty());
        kinds.count("missing dots", !a.missing().empty());
      });
  check_delta_laws<StreamKnowledge>(generate, mutate,
                                    [](const StreamKnowledge& known) { return decompose(known); });
}

TEST_CASE("knowledge of many streams passes the join and delta laws", "[crdt][laws]") {
  const auto generate = three(random_knowledge);
  check_join_laws<Knowledge>(
      "Knowledge", generate, [](Distribution& kinds, const Knowledge& a, const Knowledge& b) {
        kinds.count("empty", a.empty());
        kinds.count("gaps", has_gaps(a, 1));
        kinds.count("over 64 intervals", has_gaps(a, 64));
        kinds.count("same streams", !a.empty() && a.entries().size() == b.entries().size());
      });
  const auto change = [](Random& random, Knowledge& known) {
    const StreamId stream = test_stream(static_cast<std::uint8_t>(random.below(6)));
    Knowledge delta;
    delta.at(stream) = mutate(random, known.at(stream));
    return delta;
  };
  const auto parts_of = [](const Knowledge& known) {
    std::vector<Knowledge> parts;
    for (const Knowledge::Entry& entry : known.entries()) {
      for (const StreamKnowledge& part : decompose(entry.known)) parts.emplace_back().at(entry.stream) = part;
    }
    return parts;
  };
  check_delta_laws<Knowledge>(generate, change, parts_of);
}

TEST_CASE("the hybrid clock passes the join and delta laws", "[crdt][laws]") {
  const auto generate = three(random_stamp);
  check_join_laws<LatestStamp>("HybridClock", generate,
                               [](Distribution& kinds, const LatestStamp& a, const LatestStamp& b) {
                                 kinds.count("equal", a == b);
                                 kinds.count("same time", a.stamp.time() == b.stamp.time());
                               });
  const auto tick = [](Random& random, LatestStamp& latest) {
    HybridClock clock(latest.stamp);
    latest.stamp = clock.now(std::chrono::milliseconds(random.below(6)));
    return latest;
  };
  check_delta_laws<LatestStamp>(generate, tick,
                                [](const LatestStamp& latest) { return std::vector{latest}; });
}

TEST_CASE("maps pass the join and delta laws in every state that replicas reach", "[crdt][laws]") {
  check_join_laws<LwwMap>("LwwMap", random_maps, [](Distribution& kinds, const LwwMap& a, const LwwMap& b) {
    kinds.count("empty", a.entries().empty());
    kinds.count("tombstones", has_tombstone(a));
    kinds.count("ties", has_tie(a, b));
    kinds.count("concurrent keys", has_concurrent_key(a, b));
    kinds.count("gaps", has_gaps(a.knowledge(), 1));
    kinds.count("over 64 intervals", has_gaps(a.knowledge(), 64) || has_gaps(b.knowledge(), 64));
  });
  check_delta_laws<LwwMap>(random_maps, map_write, [](const LwwMap& map) { return decompose(map); });
}

TEST_CASE("event sets pass the join and delta laws, forks included", "[crdt][laws]") {
  const auto generate = three(random_events);
  check_join_laws<EventSet>("EventSet", generate,
                            [](Distribution& kinds, const EventSet& a, const EventSet& b) {
                              kinds.count("empty", a.events().empty());
                              kinds.count("overlaps", has_common_dot(a, b));
                              kinds.count("forks", has_fork(a, b));
                              kinds.count("gaps", has_gaps(a.knowledge(), 1));
                              kinds.count("over 64 intervals", has_gaps(a.knowledge(), 64));
                            });
  const auto insert = [](Random& random, EventSet& set) {
    const Dot first{test_stream(0), random.between(1, 600)};
    std::vector<Event> events;
    for (Seq n = 0; n < 3; ++n) {
      events.push_back(test_event({first.stream, first.seq + n}, static_cast<std::uint8_t>(random.below(2))));
    }
    return set.insert(first, events);
  };
  const auto parts_of = [](const EventSet& set) {
    std::vector<EventSet> parts;
    for (const auto& [dot, event] : set.events()) parts.emplace_back().insert(dot, std::span(&event, 1));
    return parts;
  };
  check_delta_laws<EventSet>(generate, insert, parts_of);
}

}  // namespace deltamesh
