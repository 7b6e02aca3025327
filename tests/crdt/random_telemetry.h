// tests/crdt/random_telemetry.h - random telemetry of every type, with the values that break codecs among it.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "crdt/block.h"
#include "tests/crdt/random.h"

namespace deltamesh {

inline constexpr BlockLimits kTestLimits{1u << 20, 4096, 1u << 16, 4096};

inline std::int64_t random_int(Random& random) {
  switch (random.below(4)) {
    case 0: return static_cast<std::int64_t>(random.next());
    case 1: return std::numeric_limits<std::int64_t>::min() + static_cast<std::int64_t>(random.below(2));
    case 2: return std::numeric_limits<std::int64_t>::max() - static_cast<std::int64_t>(random.below(2));
    default: return static_cast<std::int64_t>(random.below(2000)) - 1000;
  }
}

inline double random_special(Random& random) {
  using Limits = std::numeric_limits<double>;
  constexpr std::array kSpecials = {-0.0,
                                    0.0,
                                    Limits::infinity(),
                                    -Limits::infinity(),
                                    Limits::denorm_min(),
                                    -Limits::denorm_min(),
                                    Limits::max(),
                                    Limits::lowest(),
                                    Limits::min(),
                                    1e300,
                                    -1e-300,
                                    9007199254740993.0,
                                    1125899906842624.5,
                                    0.1,
                                    3.4028236e38};
  return kSpecials[random.below(kSpecials.size())];
}

inline double random_raw(Random& random) {
  for (;;) {
    const auto value = std::bit_cast<double>(random.next());
    if (!std::isnan(value)) return value;
  }
}

inline std::string random_text(Random& random, std::size_t size_max) {
  std::string text(random.below(size_max + 1), '\0');
  for (char& c : text) c = static_cast<char>(random.below(256) - 128);
  return text;
}

// Series n has its own habit for all of a test, so that the columns of a block differ.
inline constexpr SeriesNo kSeriesHabits = 13;
inline Value random_value(Random& random, SeriesNo series) {
  const auto tick = static_cast<std::int64_t>(random.below(200));
  switch (series % kSeriesHabits) {
    case 0: return random.chance(50);
    case 1: return true;
    case 2: return random_int(random);
    case 3: return tick * 1000;
    case 4: return static_cast<std::int64_t>(random.below(3)) * 1'000'003;
    case 5: return static_cast<double>(tick) / 10.0;
    case 6: return static_cast<double>(static_cast<float>(static_cast<double>(tick) / 100.0));
    case 7: return static_cast<double>(static_cast<float>(std::sqrt(static_cast<double>(tick))));
    case 8: return random_raw(random);
    case 9: return random_special(random);
    case 10: return std::string(random.chance(50) ? "running" : "stopped");
    case 11: return random_text(random, 20);
    default: break;
  }
  const std::string text = random_text(random, 6);
  const auto bytes = std::as_bytes(std::span(text));
  return Bytes(bytes.begin(), bytes.end());
}

struct EventStyle {
  std::uint64_t series_percent = 50;  // How likely each series is in an event.
  bool wild_times = false, boots = false, qualities = false, sources = false;
};

inline EventStyle random_style(Random& random) {
  return {random.between(5, 100), random.chance(20), random.chance(30), random.chance(30), random.chance(30)};
}

inline Event random_event(Random& random, const EventStyle& style, Ticks time) {
  Event event;
  event.time = style.wild_times ? random_int(random) : time;
  if (style.boots && random.chance(50))
    event.boot = static_cast<std::uint32_t>(random.next() >> random.between(32, 63));
  if (style.qualities && random.chance(30)) event.quality = static_cast<Quality>(random.below(4));
  if (style.sources && random.chance(60))
    event.source = Source{random.next() >> random.below(64), random.below(99)};
  SeriesNo number = 0;
  for (SeriesNo series = 0; series < 2 * kSeriesHabits; ++series) {
    number += series == kSeriesHabits ? 0xfffff000u / kSeriesHabits * kSeriesHabits : 1;
    if (random.chance(style.series_percent)) event.readings.push_back({number, random_value(random, number)});
  }
  if (event.readings.empty()) event.readings.push_back({5, random_value(random, 5)});
  return event;
}

inline std::vector<Event> random_telemetry(Random& random, std::size_t count) {
  const EventStyle style = random_style(random);
  std::vector<Event> events;
  Ticks time = 1'700'000'000'000;
  for (; count > 0; --count) {
    events.push_back(random_event(random, style, time));
    time += 60'000 + (random.chance(10) ? static_cast<Ticks>(random.below(5000)) : 0);
  }
  return events;
}

inline Event event_at(Ticks time, std::vector<Reading> readings) {
  Event event;
  event.time = time;
  event.readings = std::move(readings);
  return event;
}

// The events must be good.
inline Bytes encoded(std::span<const Event> events) {
  const Result<Bytes> block = encode_block(events, kTestLimits);
  if (!block) FAIL(block.error().text);
  return *block;
}

inline bool same_events(std::span<const Event> a, std::span<const Event> b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), same_event);
}

}  // namespace deltamesh
