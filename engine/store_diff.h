// engine/store_diff.h - what two stores hold, compared content by content, never by counters.
//
// Every block of both stores is decoded, every event met under its dot, with series by name; every map entry
// is compared with its version. A store is also compared with itself: what its knowledge says it holds must
// be there, and nothing else. So two stores are called equal only if no question could tell them apart. Where
// a block cannot be read there is no answer but the error that names it. What the rules of
// either store remove (engine/forget.h) counts for neither: one that has not removed it yet is no other for
// that, and which rules differ the entries of `$rules` show. Memory is bounded: of telemetry a
// page of blocks of each store is held at a time, of findings the first few of each kind.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/store.h"

namespace deltamesh {

// The first few of a kind, and how many there are in all.
template <class T>
struct Findings {
  std::vector<T> first;
  std::uint64_t total = 0;
  bool cut = false;  // There are more than the first.

  void add(T finding, std::size_t keep, std::uint64_t weight = 1) {
    total += weight;
    if (first.size() < keep)
      first.push_back(std::move(finding));
    else
      cut = true;
  }
};

// What a store's knowledge says of dots; kHeld without the event is a fault of that store.
enum class DotState : std::uint8_t { kUnknown, kVoid, kLost, kDropped, kHeld };

// Dots of which one store has the events; `other` is what the other store says of them.
struct LoneDots {
  StreamId stream;
  Interval dots;
  DotState other = DotState::kUnknown;
};

// One dot, two events that differ in anything but their values.
struct EventHead {
  Ticks time = 0;
  std::uint32_t boot = 0;
  Quality quality = Quality::kGood;
  std::optional<Source> source;
  friend bool operator==(const EventHead&, const EventHead&) = default;
};
struct ChangedEvent {
  Dot dot;
  EventHead a, b;
};

// One dot, two values of a series. Where one has none, the other's event has a series more.
struct ChangedSample {
  Dot dot;
  Ticks time = 0;
  std::string series;  // "(undeclared 5)" where the store does not know the name of number 5.
  std::optional<Value> a, b;
};

// A series that events use, declared differently or in one store only.
struct ChangedSeries {
  StreamId stream;
  SeriesNo number = 0;
  std::optional<SeriesDecl> a, b;
};

struct ChangedEntry {
  DatasetId dataset{};
  std::optional<MapEntry> a, b;
};

// A store whose knowledge contradicts its contents. Of telemetry alone: of a map, a write that is held may
// have been superseded, and one that is present is held only once the rest of its delta is there.
struct Disagreement {
  enum class Store : std::uint8_t { kA, kB };
  enum class Kind : std::uint8_t { kHeldWithoutEvent, kEventNotHeld };
  Store store = Store::kA;
  Kind kind = Kind::kHeldWithoutEvent;
  StreamId stream;
  Interval dots;
};

// What is equal in both.
struct DatasetCounts {
  DatasetId dataset{};
  bool map = false;
  std::uint64_t dots = 0;
  std::uint64_t samples = 0;
  std::uint64_t keys = 0;  // Live.
  std::uint64_t tombstones = 0;
};

struct StoreDiff {
  Identity a, b;
  std::vector<DatasetCounts> datasets;  // Ascending by id.
  Findings<LoneDots> only_a, only_b;    // The totals count dots.
  std::uint64_t changed_dots = 0;       // With an entry in one of the next two, or both.
  Findings<ChangedEvent> events;
  Findings<ChangedSample> samples;
  Findings<ChangedSeries> series;
  Findings<ChangedEntry> entries;
  Findings<Disagreement> disagreements;  // The total counts dots.

  [[nodiscard]] bool equal() const;
  [[nodiscard]] DatasetCounts sum() const;  // Over all datasets.
};

struct DiffOptions {
  std::size_t findings_max = 20;  // Of each kind.
  std::string name_a = "A";       // In errors.
  std::string name_b = "B";
};

Result<StoreDiff> diff_stores(const StoreReader& a, const StoreReader& b, const DiffOptions& options = {});

}  // namespace deltamesh
