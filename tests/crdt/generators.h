// tests/crdt/generators.h - random states of every replicated value, and how they come apart.
//
// Sets and knowledge are drawn at will. Maps are reached: replicas write, exchange deltas, lose some and are
// cut off in the middle of others, since a dot names one write only if writers number them.
#pragma once

#include <algorithm>
#include <array>
#include <limits>
#include <string>
#include <vector>

#include "crdt/event_set.h"
#include "crdt/interval_set.h"
#include "crdt/knowledge.h"
#include "crdt/lww_map.h"
#include "tests/crdt/random.h"

namespace deltamesh {

inline constexpr Seq kSeqMax = std::numeric_limits<Seq>::max();

// Stream `n` of the test's one map or telemetry dataset.
inline StreamId test_stream(std::uint8_t n) {
  StreamId stream;
  stream.dataset = DatasetId{7};
  stream.node.bytes[15] = n;
  stream.incarnation.bytes[0] = static_cast<std::uint8_t>(0xA0 + n);
  return stream;
}

inline Interval random_interval(Random& random, Seq number_max, Seq length_max) {
  const Seq first = random.between(1, number_max);
  return {first, std::min(number_max, first + random.below(length_max))};
}

// More than 64 runs in the numbers up to 512.
inline IntervalSet fragmented_intervals(Random& random) {
  IntervalSet set;
  Seq at = random.between(1, 4);
  while (at <= 500) {
    const Interval run{at, at + random.below(2)};
    set.add(run);
    at = run.last + random.between(2, 4);
  }
  return set;
}

inline IntervalSet random_intervals(Random& random) {
  if (random.chance(5)) return fragmented_intervals(random);
  IntervalSet set;
  for (std::uint64_t n = random.below(8); n > 0; --n) set.add(random_interval(random, 64, 16));
  if (random.chance(10)) set.add({kSeqMax - random.below(8), kSeqMax});
  return set;
}

inline StreamKnowledge random_stream_knowledge(Random& random) {
  StreamKnowledge known;
  const IntervalSet runs = random.chance(5) ? fragmented_intervals(random) : IntervalSet();
  for (const Interval& run : runs.intervals()) known.hold(run);
  for (std::uint64_t n = random.below(8); n > 0; --n) {
    const Interval dots = random_interval(random, 64, 12);
    switch (random.below(8)) {
      case 7: known.close(); break;
      case 6: known.declare_lost(IntervalSet(dots)); break;
      case 0: known.declare_void(dots); break;
      case 1: known.declare_head(dots.last, dots.first); break;
      case 2: known.drop({1, dots.last}); break;
      default: known.hold(dots);
    }
  }
  return known;
}

inline Knowledge random_knowledge(Random& random) {
  Knowledge known;
  for (std::uint8_t stream = 0; stream < 4; ++stream) {
    if (random.chance(50)) known.at(test_stream(stream)) = random_stream_knowledge(random);
  }
  return known;
}

// Three replicas of one map that write and exchange as they please.
class MapWorld {
 public:
  explicit MapWorld(Random& random) : random_(random) {
    const bool is_lossy = random_.chance(3);
    for (std::uint64_t n = is_lossy ? 1000 : random_.below(20); n > 0; --n) is_lossy ? lose() : step();
  }

  [[nodiscard]] const std::array<LwwMap, 3>& maps() const { return maps_; }
  [[nodiscard]] const std::vector<MapEntry>& writes() const { return writes_; }

  // A write on replica `at`, as a node makes one: at an epoch that wins there.
  LwwMap::Delta write(std::size_t at) {
    MapEntry entry;
    entry.key = std::string(1, static_cast<char>('a' + random_.below(4)));
    entry.version.stamp = HlcStamp{random_.between(1, 6)};
    entry.version.epoch = maps_[at].epoch_for(entry.key, entry.version.stamp);
    entry.version.dot = {test_stream(static_cast<std::uint8_t>(at)), ++seqs_[at]};
    entry.tombstone = random_.chance(25);
    if (!entry.tombstone) entry.value = std::to_string(writes_.size());
    writes_.push_back(entry);
    return maps_[at].apply(entry);
  }

  void exchange(std::size_t from, std::size_t to) {
    maps_[to].join(maps_[from].delta_since(maps_[to].knowledge()));
  }

  // The link dies before the last page: some entries have joined, knowledge has not.
  void exchange_half(std::size_t from, std::size_t to) {
    const auto delta = maps_[from].delta_since(maps_[to].knowledge());
    for (const MapEntry& entry : delta.entries) {
      if (random_.chance(50)) maps_[to].join(entry);
    }
  }

 private:
  void step() {
    const auto at = random_.below(3), other = (at + random_.between(1, 2)) % 3;
    const auto roll = random_.below(100);
    if (roll < 30) {
      write(at);
    } else if (roll < 60) {
      maps_[other].join(write(at));
    } else if (roll < 85) {
      exchange(at, other);
    } else {
      exchange_half(at, other);
    }
  }

  // Every second write gets to the next replica and none is ever made up for: knowledge full of gaps.
  void lose() {
    const auto at = random_.below(3);
    const auto delta = write(at);
    if (random_.chance(50)) maps_[(at + 1) % 3].join(delta);
  }

  Random& random_;
  std::array<LwwMap, 3> maps_;
  std::array<Seq, 3> seqs_{};
  std::vector<MapEntry> writes_;
};

inline std::array<LwwMap, 3> random_maps(Random& random) {
  return MapWorld(random).maps();
}

// The event of a dot; another `variant` is what a second life of the same store would have written.
inline Event test_event(const Dot& dot, std::uint8_t variant = 0) {
  Random random(dot.seq * 31 + dot.stream.node.bytes[15]);
  Event event;
  event.time = static_cast<Ticks>(random.below(1000));
  event.boot = static_cast<std::uint32_t>(random.below(2));
  if (random.chance(20)) event.source = Source{1, dot.seq};
  event.readings.push_back({1, Value{static_cast<double>(random.below(100)) + variant}});
  if (random.chance(30)) event.readings.push_back({2, Value{std::string("on")}});
  return event;
}

inline EventSet random_events(Random& random) {
  EventSet set;
  const bool is_fragmented = random.chance(2);
  IntervalSet numbers = is_fragmented ? fragmented_intervals(random) : IntervalSet();
  for (std::uint64_t n = is_fragmented ? 0 : random.below(6); n > 0; --n) {
    numbers.add(random_interval(random, 40, 6));
  }
  for (const Interval& run : numbers.intervals()) {
    for (Seq seq = run.first; seq <= run.last; ++seq) {
      const Dot dot{test_stream(static_cast<std::uint8_t>(is_fragmented ? 0 : random.below(2))), seq};
      const Event event = test_event(dot, random.chance(5) ? 1 : 0);
      set.insert(dot, std::span(&event, 1));
    }
  }
  return set;
}

}  // namespace deltamesh
