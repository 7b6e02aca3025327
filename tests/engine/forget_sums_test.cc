// tests/engine/forget_sums_test.cc - sums and comparisons do not tell a store that has removed what rules
// name from one that has yet to do so.
#include <rapidcheck/catch.h>

#include <catch2/catch.hpp>

#include "engine/forget_block.h"
#include "engine/memory_store.h"
#include "engine/store_diff.h"
#include "engine/store_ranges.h"
#include "tests/engine/diff_fixture.h"
#include "tests/engine/random_message.h"

using namespace deltamesh;
using namespace deltamesh::testing;

namespace {

const StreamId kStream = stream_of(kTelemetry, 1);
const std::vector<std::string> kNames{"a", "b", "c"};

using random::below;

// Some of a boot, some marks already, records of boots, a series without a name.
std::vector<Event> random_events() {
  std::vector<Event> events(below<std::size_t>(60) + 1);
  for (Event& event : events) {
    event.time = below<Ticks>(40);
    event.boot = below(4) == 0 ? 1 : 0;
    if (below(5) == 0) event.source = Source{7, below<std::uint64_t>(3)};
    if (below(10) == 0) {
      event.readings = {{kBootSeries, Bytes(below<std::size_t>(3), std::byte{1})}};
      continue;
    }
    for (SeriesNo number = 1; number <= 4; ++number)
      if (below(2) == 0) event.readings.push_back({number, static_cast<double>(below(5))});
    if (event.readings.empty()) event.readings = {{1, 0.5}};
  }
  return events;
}

ForgetRules random_rules() {
  ForgetRules rules;
  for (int n = below(5); n > 0; --n) {
    const Ticks from = below<Ticks>(40);
    ForgetRule rule{"telemetry", *rc::gen::elementOf(kNames), from, from + below<Ticks>(20)};
    if (below(5) == 0) rule.from = kTimeOpenFrom;
    if (below(5) == 0) rule.to = kTimeOpenTo;
    rules.add(rule);
  }
  return rules;
}

std::vector<SeriesDecl> declared() {
  std::vector<SeriesDecl> out;
  for (SeriesNo number = 1; number <= kNames.size(); ++number)
    out.push_back({number, kNames[number - 1], "", ValueType::kDouble});
  return out;
}

StreamRules by_number(const ForgetRules& rules) {
  StreamRules out;
  for (const SeriesDecl& decl : declared()) {
    const SeriesRules* const found = rules.find(kTelemetry, decl.name);
    if (found != nullptr) out.add(decl.number, *found);
  }
  return out;
}

std::unique_ptr<MemoryStore> store_of(const std::vector<Event>& events, std::size_t cut,
                                      const StreamRules& obeyed, int chance, const std::string& rule = {}) {
  auto store = std::make_unique<MemoryStore>(Identity{}, MemoryStore::Sync::kAuto);
  Batch batch;
  for (const SeriesDecl& decl : declared()) batch.declarations.push_back({kStream, decl});
  batch.blocks = blocks_of(kStream, events, cut);
  if (!rule.empty()) {
    MapWrite write = write_of(rule, "", 1);
    write.dataset = write.entry.version.dot.stream.dataset = rules_map();
    batch.entries.push_back(write);
  }
  Batch second;
  for (const StoredBlock& block : batch.blocks) {
    const auto rest = below(100) < chance ? without_forgotten(block, obeyed) : std::nullopt;
    if (rest) second.rewritten.push_back(rest->block);
  }
  const auto stored = [](BatchId, const Status& status) { RC_ASSERT(status.ok()); };
  store->commit(std::move(batch), stored);
  store->commit(std::move(second), stored);
  return store;
}

}  // namespace

TEST_CASE("sums of ranges are equal before, while and after what rules name is removed",
          "[engine][forget][reconcile][law]") {
  rc::prop("whatever the events, the rules and the blocks", [] {
    const auto events = random_events();
    const ForgetRules rules = random_rules();
    const StreamRules numbered = by_number(rules);
    const auto decls = declared();
    const auto named = [&](SeriesNo number) {
      return number >= 1 && number <= decls.size() ? &decls[number - 1] : nullptr;
    };
    const auto removed = [&](SeriesNo number, const Event& event) { return numbered.removes(number, event); };
    const auto before = store_of(events, 1 + below<std::size_t>(20), numbered, 0);
    const auto within = store_of(events, 1 + below<std::size_t>(20), numbered, 50);
    const auto after = store_of(events, 1 + below<std::size_t>(20), numbered, 100);
    StoreRanges a(*before, kStream, events.size(), named, removed);
    StoreRanges b(*within, kStream, events.size(), named, removed);
    StoreRanges c(*after, kStream, events.size(), named, removed);
    StoreRanges d(*after, kStream, events.size(), named);  // Nothing is left to leave out.
    for (int i = 0; i < 10; ++i) {
      const Seq first = 1 + below<Seq>(events.size());
      const Interval dots{first, first + below<Seq>(events.size() - first + 1)};
      const auto sum = *a.sum(dots);
      RC_ASSERT(sum.count == dots.size());
      RC_ASSERT(sum == *b.sum(dots));
      RC_ASSERT(sum == *c.sum(dots));
      RC_ASSERT(sum == *d.sum(dots));
    }
  });
}

TEST_CASE("a comparison of stores goes by the rules of both", "[engine][forget][diff][law]") {
  rc::prop("whatever the events and the blocks", [] {
    const auto events = random_events();
    const ForgetRule rule{"telemetry", "a", below<Ticks>(20), 20 + below<Ticks>(20)};
    ForgetRules rules;
    rules.add(rule);
    const StreamRules numbered = by_number(rules);
    const auto plain = store_of(events, 1 + below<std::size_t>(20), numbered, 0);
    const auto ruled = store_of(events, 1 + below<std::size_t>(20), numbered, 50, rule_key(rule));
    const auto other = store_of(events, 1 + below<std::size_t>(20), numbered, 100, rule_key(rule));
    const auto same = diff_stores(*ruled, *other);
    RC_ASSERT(same.ok());
    RC_ASSERT(same->equal());
    const auto found = diff_stores(*plain, *other);
    RC_ASSERT(found.ok());
    RC_ASSERT(found->changed_dots == 0u);
    RC_ASSERT(found->entries.total == 1u);  // The rule itself.
    RC_ASSERT(found->sum().dots == events.size());
  });
}

TEST_CASE("a comparison of stores finds what differs beside what rules remove", "[engine][forget][diff]") {
  auto events = some_events(20);
  StreamRules none;
  const std::string key = rule_key({"telemetry", "a", 0, 9'000});
  rc::check([&] {
    const auto a = store_of(events, 7, none, 0, key);
    auto others = events;
    others[3].readings[0].value = -1.0;   // Is removed.
    others[15].readings[0].value = -1.0;  // Is not.
    const auto b = store_of(others, 5, none, 0, key);
    const auto found = diff_stores(*a, *b);
    RC_ASSERT(found.ok());
    RC_ASSERT(found->changed_dots == 1u);
    RC_ASSERT(found->samples.first.at(0).dot.seq == 16u);
  });
}
