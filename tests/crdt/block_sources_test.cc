// tests/crdt/block_sources_test.cc - sources within blocks: nothing is lost, little is spent, nothing is
// believed.
#include <rapidcheck.h>
#include <rapidcheck/catch.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <string>

#include "crdt/block.h"
#include "crdt/column.h"
#include "tests/crdt/golden.h"
#include "tests/crdt/random_telemetry.h"

namespace deltamesh {
namespace {

using Events = std::vector<Event>;

constexpr Ticks kStart = 1'700'000'000'000;

Bytes without_sources(Events events) {
  for (Event& event : events) event.source.reset();
  return encoded(events);
}

// What a block spends on its sources.
std::size_t spent(const Events& events) {
  return encoded(events).size() - without_sources(events).size();
}

// What three plain columns in event order would take.
std::size_t spent_plainly(const Events& events) {
  std::vector<std::int64_t> present, sessions, counters;
  for (const Event& event : events) {
    present.push_back(event.source.has_value());
    if (!event.source) continue;
    sessions.push_back(static_cast<std::int64_t>(event.source->session));
    counters.push_back(static_cast<std::int64_t>(event.source->counter));
  }
  Bytes out;
  encode_ints(out, present);
  encode_ints(out, sessions);
  encode_ints(out, counters);
  return out.size();
}

// A device sends what it measures under one session and counts its messages.
struct Device {
  SeriesNo first_series = 0;
  SeriesNo series = 1;
  Source next;
  Event message(Ticks time, std::uint64_t which) {
    Event event;
    event.time = time;
    for (SeriesNo i = 0; i < series; ++i)
      if ((which >> i & 1) != 0) event.readings.push_back({first_series + i, std::int64_t{5}});
    event.source = next;
    ++next.counter;
    return event;
  }
};

std::vector<Device> random_devices(Random& random, std::size_t count) {
  std::vector<Device> devices;
  SeriesNo next = 0;
  for (; count > 0; --count) {
    const auto series = static_cast<SeriesNo>(random.between(1, 3));
    const std::uint64_t counter =
        random.chance(20) ? ~random.below(9) : random.next() >> random.between(40, 63);
    devices.push_back({next, series, {random.next() >> random.below(64), counter}});
    if (!random.chance(15)) next += series;  // Else the next one shares series.
  }
  return devices;
}

// Devices that take turns at random, restart, lose messages, and a few events without a source.
Events random_messages(Random& random, std::size_t count) {
  auto devices = random_devices(random, random.between(1, 6));
  const auto losses = random.below(30), restarts = random.below(10),
             bare = random.chance(50) ? 0 : random.below(60);
  Events events;
  while (events.size() < count) {
    Device& device = devices[random.below(devices.size())];
    if (random.chance(losses)) device.next.counter += random.below(300);
    if (random.chance(restarts)) device.next = {random.next() >> random.below(64), 0};
    events.push_back(device.message(kStart + static_cast<Ticks>(events.size()),
                                    random.between(1, (1u << device.series) - 1)));
    if (random.chance(bare)) events.back().source.reset();
  }
  return events;
}

bool times_hold_sources(const Bytes& block, const Events& events) {
  const auto times = block_times(block, kTestLimits);
  if (!times) return false;
  if (times->sources.empty())
    return std::none_of(events.begin(), events.end(), [](const Event& e) { return e.source.has_value(); });
  return std::equal(times->sources.begin(), times->sources.end(), events.begin(), events.end(),
                    [](const auto& source, const Event& e) { return source == e.source; });
}

std::string joined(std::string hex) {
  hex.erase(std::remove(hex.begin(), hex.end(), ' '), hex.end());
  return hex;
}

}  // namespace

TEST_CASE("sources of devices that take turns come back, all or by themselves", "[crdt][block][sources]") {
  rc::prop("random messages", [](std::uint64_t seed) {
    Random random(seed);
    const Events events = random_messages(random, random.between(1, 120));
    const Bytes block = encoded(events);
    const auto decoded = decode_block(block, kTestLimits);
    RC_ASSERT(decoded.ok());
    RC_ASSERT(same_events(*decoded, events));
    RC_ASSERT(validate_block(block, kTestLimits).ok());
    RC_ASSERT(times_hold_sources(block, events));
    RC_ASSERT(block_column(block, events[0].readings[0].series, kTestLimits).ok());
  });
}

TEST_CASE("a block with sources is the merge of its parts, for every cut", "[crdt][block][sources]") {
  rc::prop("random messages", [](std::uint64_t seed) {
    Random random(seed);
    const Events events = random_messages(random, random.between(2, 40));
    const Bytes whole = encoded(events);
    for (std::size_t cut = 1; cut < events.size(); ++cut) {
      const auto left = std::span(events).first(cut), right = std::span(events).subspan(cut);
      RC_ASSERT(*merge_blocks(encoded(left), encoded(right), kTestLimits) == whole);
    }
  });
}

TEST_CASE("sources that take turns within one series take little more than three plain columns",
          "[crdt][block][sources]") {
  for (const std::uint64_t count : {2u, 3u, 8u, 50u}) {
    CAPTURE(count);
    Random random(count);
    std::vector<Device> devices;
    for (; devices.size() < count;) devices.push_back({0, 1, {random.next(), random.below(100'000)}});
    Events turns, mixed;
    for (std::size_t i = 0; i < 1000; ++i) turns.push_back(devices[i % count].message(kStart, 1));
    for (std::size_t i = 0; i < 1000; ++i) mixed.push_back(devices[random.below(count)].message(kStart, 1));
    CHECK(spent(turns) <= spent_plainly(turns) + 16);
    CHECK(spent(mixed) <= spent_plainly(mixed) + 250);
  }
}

TEST_CASE("devices that take turns, also with part of their series, cost a few bytes each",
          "[crdt][block][sources]") {
  Random random(3);
  std::vector<Device> devices;
  for (SeriesNo i = 0; i < 40; ++i) devices.push_back({10 * i, 3, {random.next(), random.below(100'000)}});
  Events whole, parts;
  for (std::size_t i = 0; i < 1000; ++i) whole.push_back(devices[random.below(40)].message(kStart, 7));
  for (std::size_t i = 0; i < 1000; ++i)
    parts.push_back(devices[random.below(40)].message(kStart, random.between(1, 7) | 2));
  CHECK(spent(whole) <= 40 * 13);
  CHECK(spent(parts) <= 40 * 13);
  CHECK(spent_plainly(whole) > 2 * spent(whole));
}

TEST_CASE("one counter over series that have nothing in common costs a few bytes", "[crdt][block][sources]") {
  Random random(4);
  Device device{0, 3, {random.next(), 5}};
  Events events;
  for (std::size_t i = 0; i < 1000; ++i)
    events.push_back(device.message(kStart, std::uint64_t{1} << random.below(3)));
  CHECK(spent(events) <= 24);
}

TEST_CASE("a restart, and a series without sources, cost a few bytes", "[crdt][block][sources]") {
  Device device{0, 1, {1'000'000'007, 5}}, gateway{5, 2, {}};
  Events events;
  for (std::size_t i = 0; i < 1000; ++i) {
    if (i == 600) device.next = {77, 0};
    const bool own = i % 3 == 0;
    events.push_back((own ? gateway : device).message(kStart, 3));
    if (own) events.back().source.reset();
  }
  CHECK(spent(events) <= 40);
}

TEST_CASE("counters go from the last number to the first", "[crdt][block][sources]") {
  const std::uint64_t all = ~std::uint64_t{0};
  Events events(5, event_at(kStart, {{1, true}}));
  const std::uint64_t counters[] = {all - 1, all, 0, std::uint64_t{1} << 63, (std::uint64_t{1} << 63) - 1};
  for (std::size_t i = 0; i < events.size(); ++i) events[i].source = Source{all, counters[i]};
  const auto decoded = decode_block(encoded(events), kTestLimits);
  REQUIRE(decoded.ok());
  CHECK(same_events(*decoded, events));
}

TEST_CASE("mutilated sources are refused or mean something, and never crash",
          "[crdt][block][sources][hostile]") {
  Random random(20261130);
  for (int round = 0; round < 100; ++round) {
    const Events events = random_messages(random, random.between(2, 30));
    const Bytes block = encoded(events);
    for (int n = 0; n < 400; ++n) {
      Bytes bytes = block;
      for (auto times = random.between(1, 3); times > 0; --times)
        bytes[random.below(bytes.size())] =
            static_cast<std::byte>(random.chance(50) ? random.below(6) : random.below(256));
      const auto read = decode_block(bytes, kTestLimits);
      REQUIRE(read.ok() == validate_block(bytes, kTestLimits).ok());
      if (!read) continue;
      REQUIRE(block_times(bytes, kTestLimits).ok());
      REQUIRE(same_events(*decode_block(encoded(*read), kTestLimits), *read));
    }
  }
}

TEST_CASE("each rule of the sources is checked", "[crdt][block][sources][hostile]") {
  // Two events of time 0 with series 1, an integer 0, of session 7 with counters 3 and 4.
  const std::string head = "00040202 0000 010902 01010000 0000 ", values = " 0000";
  struct Row {
    const char* what;
    std::string sources;
    ErrorCode code;
  };
  const std::vector<Row> rows = {
      {"cut short", "", ErrorCode::kInvalid},
      {"unknown grouping", "02 0002 0002 000e 0006 0002", ErrorCode::kUnsupported},
      {"unknown presence", "00 0006 0002 000e 0006 0002", ErrorCode::kInvalid},
      {"no source", "00 0000", ErrorCode::kInvalid},
      {"no source among some", "00 0004 0000", ErrorCode::kInvalid},
      {"some that are all", "00 0004 0002 0002 000e 0006 0002", ErrorCode::kInvalid},
      {"presence of 2 among some", "00 0004 020004 0002 000e 0006", ErrorCode::kInvalid},
      {"no run", "00 0002 0000 000e 0006 0002", ErrorCode::kInvalid},
      {"more runs than events", "00 0002 0006 0002 000e 0006", ErrorCode::kInvalid},
      {"run without an event", "00 0002 0004 0000 020e02 0006", ErrorCode::kInvalid},
      {"run that leaves none to the next", "00 0002 0004 0004 020e02 0006", ErrorCode::kInvalid},
      {"session that goes on in another run", "00 0002 0004 0002 000e 0006", ErrorCode::kInvalid},
      {"no steps", "00 0002 0002 000e 0006", ErrorCode::kInvalid},
      {"bytes after the sources", "00 0002 0002 000e 0006 0002 00", ErrorCode::kInvalid},
  };
  for (const char* good : {"00 0002 0002 000e 0006 0002", "01 0002 0002 000e 0006 0002",
                           "00 0002 0004 0002 020e02 0006", "00 0004 020002 0002 000e 0006"})
    REQUIRE(decode_block(from_hex(joined(head + good + values)), kTestLimits).ok());
  for (const Row& row : rows) {
    CAPTURE(row.what);
    const auto events = decode_block(from_hex(joined(head + row.sources + values)), kTestLimits);
    REQUIRE_FALSE(events.ok());
    CHECK(events.error().code == row.code);
  }
}

}  // namespace deltamesh
