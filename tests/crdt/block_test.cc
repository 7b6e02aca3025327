// tests/crdt/block_test.cc - blocks: nothing is lost, the bytes follow from the events alone.
#include "crdt/block.h"

#include <rapidcheck.h>
#include <rapidcheck/catch.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <string>

#include "crdt/series_columns.h"
#include "tests/crdt/random_telemetry.h"

namespace deltamesh {
namespace {

using Events = std::vector<Event>;

// A reference for block_column: the values of one series taken from the events themselves.
struct Expected {
  std::vector<std::uint32_t> events;
  std::vector<Value> values;
};
Expected expected_column(const Events& events, SeriesNo series) {
  Expected expected;
  for (std::size_t i = 0; i < events.size(); ++i)
    for (const Reading& reading : events[i].readings)
      if (reading.series == series) {
        expected.events.push_back(static_cast<std::uint32_t>(i));
        expected.values.push_back(reading.value);
      }
  return expected;
}

std::vector<Value> as_values(const ColumnValues& column) {
  return std::visit(
      [](const auto& typed) {
        std::vector<Value> values;
        for (std::size_t i = 0; i < typed.size(); ++i)
          values.emplace_back(typename std::decay_t<decltype(typed)>::value_type(typed[i]));
        return values;
      },
      column);
}

bool holds_column(const Bytes& block, const Events& events, SeriesNo series) {
  const auto column = block_column(block, series, kTestLimits);
  const Expected expected = expected_column(events, series);
  if (!column || column->events != expected.events) return false;
  const auto values = as_values(column->values);
  return std::equal(values.begin(), values.end(), expected.values.begin(), expected.values.end(), same_value);
}

// Of every other one of the block's series, and of one that it lacks.
bool holds_columns(const Bytes& block, const std::vector<SeriesNo>& all) {
  std::vector<SeriesNo> some{4000};
  for (std::size_t i = 0; i < all.size(); i += 2) some.push_back(all[i]);
  std::sort(some.begin(), some.end());
  const auto columns = series_columns(block, some, kTestLimits);
  if (!columns || columns->size() != some.size()) return false;
  for (std::size_t i = 0; i < some.size(); ++i) {
    const auto alone = block_column(block, some[i], kTestLimits);
    if (!alone && !(*columns)[i].events.empty()) return false;
    if (!alone) continue;
    const auto values = as_values((*columns)[i].values), expected = as_values(alone->values);
    if ((*columns)[i].events != alone->events ||
        !std::equal(values.begin(), values.end(), expected.begin(), expected.end(), same_value))
      return false;
  }
  return true;
}

BlockSummary expected_summary(const Events& events) {
  BlockSummary summary;
  std::vector<Ticks> utc;
  for (const Event& event : events) {
    ++summary.events;
    if (event.boot == 0) {
      utc.push_back(event.time);
    } else {
      const BootSpan one{event.boot, event.boot, event.time, event.time};
      const BootSpan all = summary.boots.value_or(one);
      summary.boots = {std::min(all.boot_min, event.boot), std::max(all.boot_max, event.boot),
                       std::min(all.ticks_min, event.time), std::max(all.ticks_max, event.time)};
    }
    for (const Reading& reading : event.readings) {
      ++summary.readings;
      summary.series.push_back(reading.series);
    }
  }
  std::sort(summary.series.begin(), summary.series.end());
  summary.series.erase(std::unique(summary.series.begin(), summary.series.end()), summary.series.end());
  summary.has_utc = !utc.empty();
  if (!summary.has_utc) return summary;
  summary.time_min = *std::min_element(utc.begin(), utc.end());
  summary.time_max = *std::max_element(utc.begin(), utc.end());
  return summary;
}

bool holds_times(const Bytes& block, const Events& events) {
  const auto times = block_times(block, kTestLimits);
  if (!times || times->times.size() != events.size()) return false;
  const bool any_source =
      std::any_of(events.begin(), events.end(), [](const Event& e) { return e.source.has_value(); });
  if (times->sources.size() != (any_source ? events.size() : 0)) return false;
  for (std::size_t i = 0; i < events.size(); ++i) {
    const Event& event = events[i];
    if (times->times[i] != event.time || times->boots[i] != event.boot ||
        times->qualities[i] != event.quality || (any_source && times->sources[i] != event.source))
      return false;
  }
  return true;
}

ErrorCode refusal(const Events& events, const BlockLimits& limits = kTestLimits) {
  const auto block = encode_block(events, limits);
  REQUIRE_FALSE(block.ok());
  return block.error().code;
}

}  // namespace

TEST_CASE("every event comes back from a block, and every way to read it agrees", "[crdt][block]") {
  rc::prop("random telemetry", [](std::uint64_t seed) {
    Random random(seed);
    const Events events = random_telemetry(random, random.between(1, 60));
    const Bytes block = encoded(events);
    const auto decoded = decode_block(block, kTestLimits);
    RC_ASSERT(decoded.ok());
    RC_ASSERT(same_events(*decoded, events));
    const BlockSummary summary = expected_summary(events);
    RC_ASSERT(*validate_block(block, kTestLimits) == summary);
    RC_ASSERT(*peek_block(block, kTestLimits) == summary);
    RC_ASSERT(holds_times(block, events));
    for (const SeriesNo series : summary.series) RC_ASSERT(holds_column(block, events, series));
    RC_ASSERT(holds_columns(block, summary.series));
    RC_ASSERT(block_column(block, 4000, kTestLimits).error().code == ErrorCode::kNotFound);
  });
}

TEST_CASE("a block of two neighbours is their merge, for every cut", "[crdt][block]") {
  rc::prop("random telemetry", [](std::uint64_t seed) {
    Random random(seed);
    const Events events = random_telemetry(random, random.between(2, 24));
    const Bytes whole = encoded(events);
    for (std::size_t cut = 1; cut < events.size(); ++cut) {
      const auto left = std::span(events).first(cut), right = std::span(events).subspan(cut);
      RC_ASSERT(*merge_blocks(encoded(left), encoded(right), kTestLimits) == whole);
    }
  });
}

TEST_CASE("a slice of a block is the block of a slice", "[crdt][block]") {
  rc::prop("random telemetry", [](std::uint64_t seed) {
    Random random(seed);
    const Events events = random_telemetry(random, random.between(1, 40));
    const Bytes whole = encoded(events);
    const auto from = random.below(events.size()), count = random.between(1, events.size() - from);
    const auto slice =
        slice_block(whole, static_cast<std::uint32_t>(from), static_cast<std::uint32_t>(count), kTestLimits);
    RC_ASSERT(*slice == encoded(std::span(events).subspan(from, count)));
  });
}

TEST_CASE("a slice beyond the block is refused", "[crdt][block]") {
  const Bytes block = encoded(Events(3, event_at(1, {{1, 1.5}})));
  struct Row {
    std::uint32_t from, count;
  };
  for (const Row row : {Row{0, 0}, Row{0, 4}, Row{3, 1}, Row{2, 2}, Row{1, 0xffffffff}, Row{0xffffffff, 1}})
    CHECK(slice_block(block, row.from, row.count, kTestLimits).error().code == ErrorCode::kInvalid);
}

TEST_CASE("a merge of neighbours whose types disagree is refused", "[crdt][block]") {
  const Bytes a = encoded(Events{event_at(1, {{1, 1.5}})}), b = encoded(Events{event_at(2, {{1, true}})});
  CHECK(merge_blocks(a, b, kTestLimits).error().code == ErrorCode::kInvalid);
}

TEST_CASE("encoding refuses what a decoder would", "[crdt][block]") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  Event unknown_quality = event_at(0, {{1, true}});
  unknown_quality.quality = static_cast<Quality>(4);
  const Events wide = {event_at(0, {{1, true}, {2, true}, {3, std::string("0123456789")}})};
  CHECK(refusal({}) == ErrorCode::kInvalid);
  CHECK(refusal({event_at(0, {})}) == ErrorCode::kInvalid);
  CHECK(refusal({event_at(0, {{1, nan}})}) == ErrorCode::kInvalid);
  CHECK(refusal({event_at(0, {{1, -nan}})}) == ErrorCode::kInvalid);
  CHECK(refusal({event_at(0, {{2, true}, {1, true}})}) == ErrorCode::kInvalid);
  CHECK(refusal({event_at(0, {{2, true}, {2, true}})}) == ErrorCode::kInvalid);
  CHECK(refusal({event_at(0, {{1, true}}), event_at(0, {{1, 1.5}})}) == ErrorCode::kInvalid);
  CHECK(refusal({unknown_quality}) == ErrorCode::kInvalid);
  CHECK(refusal(Events(3, wide[0]), {1000, 2, 100, 100}) == ErrorCode::kLimit);
  CHECK(refusal(wide, {1000, 100, 2, 100}) == ErrorCode::kLimit);
  CHECK(refusal(wide, {1000, 100, 100, 9}) == ErrorCode::kLimit);
  CHECK(refusal(wide, {20, 100, 100, 100}) == ErrorCode::kLimit);
  CHECK(refusal(Events(500, wide[0]), {1000, 1000, 10000, 100}) == ErrorCode::kLimit);
  CHECK(encode_block(wide, {1000, 1, 3, 10}).ok());
}

TEST_CASE("a decoder holds the writer to its limits", "[crdt][block]") {
  const Bytes block = encoded(Events(500, event_at(0, {{1, true}, {3, std::string("0123456789")}})));
  CHECK(validate_block(block, {1250, 500, 1000, 10}).ok());
  for (const BlockLimits& limits :
       {BlockLimits{block.size() - 1, 500, 1000, 10}, BlockLimits{1250, 499, 1000, 10},
        BlockLimits{1250, 500, 999, 10}, BlockLimits{1249, 500, 1000, 10}})
    CHECK(validate_block(block, limits).error().code == ErrorCode::kLimit);
  CHECK_FALSE(validate_block(block, {1250, 500, 1000, 9}).ok());
}

}  // namespace deltamesh
