// tests/crdt/block_golden_test.cc - blocks of version 0 keep their bytes for ever.
#include <catch2/catch.hpp>
#include <limits>
#include <map>
#include <string>

#include "crdt/block.h"
#include "tests/crdt/golden.h"
#include "tests/crdt/random_telemetry.h"

namespace deltamesh {
namespace {

using Events = std::vector<Event>;

constexpr Ticks kStart = 1'700'000'000'000;

Bytes bytes_of(std::string_view text) {
  const auto view = std::as_bytes(std::span(text));
  return {view.begin(), view.end()};
}

// The worked example of docs/formats/block.md.
Events example() {
  return {event_at(kStart, {{1, 21.5}, {2, std::int64_t{60}}}), event_at(kStart + 60'000, {{1, 21.6}}),
          event_at(kStart + 120'000, {{1, 21.4}, {2, std::int64_t{61}}})};
}

Events every_type() {
  Events events;
  for (std::int64_t i = 0; i < 3; ++i)
    events.push_back(event_at(kStart + 1000 * i, {{0, i == 1},
                                                  {3, 1000 * i},
                                                  {4, 0.25 * static_cast<double>(i)},
                                                  {100, std::string("state ") + (i < 2 ? "on" : "off")},
                                                  {4294967295, bytes_of("ab")}}));
  return events;
}

Events event_columns() {
  Events events(4, event_at(kStart, {{7, true}}));
  events[0].boot = 3, events[1].boot = 4294967295;
  events[1].quality = Quality::kBad;
  events[2].source = Source{0x0123456789abcdef, 65535};
  events[3].source = Source{0xffffffffffffffff, 0};
  return events;
}

// The second example: two devices take turns, the second of them loses a message and restarts at the end.
Events sources() {
  Events events;
  const Source second[] = {{9, 2000}, {9, 2001}, {9, 2003}, {10, 0}};
  for (std::uint64_t i = 0; i < 4; ++i) {
    events.push_back(event_at(kStart + 2000 * static_cast<Ticks>(i), {{1, std::int64_t{20}}}));
    events.back().source = Source{7, 100 + i};
    events.push_back(event_at(kStart + 2000 * static_cast<Ticks>(i) + 1000, {{2, std::int64_t{60}}}));
    events.back().source = second[i];
  }
  return events;
}

Events extremes() {
  using Ints = std::numeric_limits<std::int64_t>;
  using Doubles = std::numeric_limits<double>;
  return {event_at(Ints::max(), {{1, Ints::min()}, {2, -0.0}}),
          event_at(Ints::min(), {{1, Ints::max()}, {2, Doubles::infinity()}}),
          event_at(0, {{1, std::int64_t{0}}, {2, Doubles::denorm_min()}})};
}

// Long enough for each way to write integers and doubles to be the best for one series.
Events every_codec() {
  Events events;
  Random random(42);
  for (std::int64_t i = 0; i < 40; ++i) {
    const auto noise = static_cast<std::int64_t>(random.below(4));
    const auto number = static_cast<double>(noise);
    events.push_back(
        event_at(kStart + 1007 * i + (i == 20 ? 1'000'000'001 : 0),
                 {{1, std::int64_t{5}},
                  {2, 7 * i},
                  {3, i / 2 + (i > 20 ? 1'000'000'000 : 0)},
                  {4, noise},
                  {5, 100 * i + noise},
                  {6, noise * 1'000'000'007},
                  {7, 20.1 + number},
                  {8, static_cast<double>(static_cast<float>(0.1 * number))},
                  {9, static_cast<double>(static_cast<float>(1e-20 * static_cast<double>(i + 1)))},
                  {10, 1e-20 * static_cast<double>(i + 1)},
                  {11, 1e-20 * (number + 1)}}));
  }
  return events;
}

}  // namespace

TEST_CASE("blocks of version 0 keep their bytes", "[crdt][block][golden]") {
  const std::map<std::string, Events> cases = {
      {"example", example()}, {"every type", every_type()}, {"event columns", event_columns()},
      {"sources", sources()}, {"extremes", extremes()},     {"every codec", every_codec()}};
  const auto golden = golden_cases("block_v0.hex");
  CHECK(golden.size() == cases.size());
  for (const auto& [name, events] : cases) {
    CAPTURE(name);
    REQUIRE(golden.count(name) == 1);
    CHECK(to_hex(encoded(events)) == golden.at(name));
    const auto decoded = decode_block(from_hex(golden.at(name)), kTestLimits);
    REQUIRE(decoded.ok());
    CHECK(same_events(*decoded, events));
  }
}

}  // namespace deltamesh
