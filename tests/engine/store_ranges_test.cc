// tests/engine/store_ranges_test.cc - sums of a store's events do not depend on its blocks, and are read
// once.
#include "engine/store_ranges.h"

#include <catch2/catch.hpp>

#include "engine/memory_store.h"
#include "engine/merging.h"
#include "tests/crdt/random.h"
#include "tests/engine/diff_fixture.h"
#include "tests/engine/forged_reader.h"
#include "tests/engine/passing_reader.h"
#include "tests/engine/reconcile_fixture.h"

using namespace deltamesh;
using namespace deltamesh::testing;
using Catch::Contains;

namespace {

const StreamId kStream = stream_of(kTelemetry, 1);

void commit(MemoryStore& store, Batch batch) {
  store.commit(std::move(batch), [](BatchId, const Status& status) { REQUIRE(status.ok()); });
}

// The runs of `events` under `held`, in blocks of at most `cut`.
std::vector<StoredBlock> blocks_with(const std::vector<Event>& events, const IntervalSet& held, Seq cut) {
  std::vector<StoredBlock> blocks;
  for (const Interval& run : held.intervals()) {
    for (Seq first = run.first; first <= run.last; first += cut) {
      const Seq count = std::min(cut, run.last - first + 1);
      blocks.push_back(block_of(kStream, first, std::span(events).subspan(first - 1, count)));
    }
  }
  return blocks;
}

// A store with some events of one stream, and its ranges.
struct Side {
  MemoryStore store{Identity{}, MemoryStore::Sync::kAuto};
  std::vector<SeriesDecl> decls;
  StoreRanges ranges;

  Side(const std::vector<Event>& events, const IntervalSet& held, Seq cut)
      : ranges(store, kStream, events.size(), [this](SeriesNo number) { return find(number); }) {
    Batch batch;
    batch.blocks = blocks_with(events, held, cut);
    commit(store, std::move(batch));
    for (const StreamSeries& one : series_of(kStream)) decls.push_back(one.decl);
  }
  [[nodiscard]] const SeriesDecl* find(SeriesNo number) const {
    const auto found = std::find_if(decls.begin(), decls.end(), [&](auto& d) { return d.number == number; });
    return found == decls.end() ? nullptr : &*found;
  }
};

// Event by event.
RangeSum summed(const std::vector<Event>& events, const IntervalSet& held, Interval dots) {
  RangeSum sum;
  for (const Interval& run : IntervalSet(dots).intersect(held).intervals()) {
    for (Seq seq = run.first; seq <= run.last; ++seq) {
      std::vector<SeriesDecl> decls;
      for (const StreamSeries& one : series_of(kStream)) decls.push_back(one.decl);
      std::vector<const SeriesDecl*> used;
      for (const Reading& reading : events[seq - 1].readings) used.push_back(&decls[reading.series - 1]);
      sum.fingerprint.add(fingerprint_event({kStream, seq}, events[seq - 1], used));
      ++sum.count;
    }
  }
  return sum;
}

IntervalSet all_of(const std::vector<Event>& events) {
  return IntervalSet(Interval{1, events.size()});
}

}  // namespace

TEST_CASE("the sum of a range is that of its events, however they are cut into blocks",
          "[engine][reconcile][store]") {
  const auto events = some_events(5'000);
  const Seq cut = GENERATE(values<Seq>({1, 37, 1'000, 1'024, 4'999}));
  IntervalSet held = all_of(events);
  held.remove({1'020, 1'030});
  held.remove({3'000, 4'100});
  Side side(events, held, cut);
  Random random(cut);
  for (int i = 0; i < 60; ++i) {
    const Seq first = random.between(1, events.size());
    const Interval dots{first, random.between(first, events.size())};
    CAPTURE(cut, dots.first, dots.last);
    REQUIRE(*side.ranges.sum(dots) == summed(events, held, dots));
    REQUIRE(*side.ranges.held(dots) == IntervalSet(dots).intersect(held));
  }
  CHECK(side.ranges.sum({1, 1u << 20})->count == held.size());
}

TEST_CASE("which dots are held is told without a sum before it", "[engine][reconcile][store]") {
  const auto events = some_events(3'000);
  Side side(events, IntervalSet(Interval{100, 2'900}), 500);
  CHECK(*side.ranges.held({50, 150}) == IntervalSet(Interval{100, 150}));
  CHECK(side.ranges.held({3'001, 4'000})->empty());
}

TEST_CASE("two stores with unequal blocks are compared over the wire", "[engine][reconcile][store]") {
  auto events = some_events(30'000);
  const Interval hole{12'345, 17'000};
  IntervalSet held = all_of(events);
  held.remove(hole);
  Side a(events, held, 1'024);
  events[25'000 - 1].readings[0].value = 0.5;
  Side b(events, all_of(events), 700);
  Traffic traffic;
  const Reconciled result = compare(a.ranges, b.ranges, {1, events.size()}, traffic);
  CHECK(describe(result, "A", "B") == "differ at 25000 (1 dot); A lacks 12345-17000 (4656 dots)");
  CHECK(result.equal == held.size() - 1);
  CHECK(traffic.round_trips <= 5);
}

TEST_CASE("a comparison decodes a stream once, and again only the edges", "[engine][reconcile][store]") {
  auto events = some_events(40'960);
  Side a(events, all_of(events), 1'024), b(events, all_of(events), 1'000);
  events[20'000].readings[0].value = 0.5;
  Side c(events, all_of(events), 1'024);
  CHECK(compare(b.ranges, c.ranges, {1, events.size()}).differ.total() == 1);
  CHECK(compare(a.ranges, c.ranges, {1, events.size()}).differ.total() == 1);
  CHECK(a.ranges.blocks_decoded() <= 40 + 3);
  CHECK(b.ranges.blocks_decoded() <= 41 + 6);
  CHECK(c.ranges.blocks_decoded() <= 40 + 6);
}

TEST_CASE("new blocks count once the source was told to forget", "[engine][reconcile][store]") {
  const auto events = some_events(3'000);
  IntervalSet held = all_of(events);
  held.remove({1'100, 1'200});
  Side side(events, held, 1'024);
  CHECK(side.ranges.sum({1, 3'000})->count == 2'899);
  Batch batch;
  batch.blocks = blocks_with(events, IntervalSet(Interval{1'100, 1'200}), 1'024);
  commit(side.store, std::move(batch));
  CHECK(side.ranges.sum({1, 3'000})->count == 2'899);
  side.ranges.forget({1'100, 1'200});
  CHECK(*side.ranges.sum({1, 3'000}) == summed(events, all_of(events), {1, 3'000}));
  CHECK(*side.ranges.held({1, 3'000}) == all_of(events));
}

TEST_CASE("an event without a declaration differs from one with it, until it has come",
          "[engine][reconcile][store]") {
  const auto events = some_events(2'000);
  const Interval all{1, 2'000};
  Side a(events, all_of(events), 1'000), b(events, all_of(events), 300), c(events, all_of(events), 300);
  a.decls.pop_back();
  b.decls.pop_back();
  const Reconciled result = compare(a.ranges, c.ranges, all);
  CHECK(result.equal == 666);  // Those without the series.
  CHECK(result.differ.total() == 1'334);
  CHECK(*a.ranges.sum(all) == *b.ranges.sum(all));
  a.decls = c.decls;
  a.ranges.forget(all);
  CHECK(*a.ranges.sum(all) == *c.ranges.sum(all));
}

TEST_CASE("a block that cannot be read is the error of the comparison, by name",
          "[engine][reconcile][store]") {
  const auto events = some_events(3'000);
  Side side(events, all_of(events), 1'000);
  side.store.damage({kStream, 1'500});
  REQUIRE(side.ranges.sum({1, 1'000}).ok());
  const auto sum = side.ranges.sum({1, 3'000});
  REQUIRE_FALSE(sum.ok());
  CHECK(sum.error().code == ErrorCode::kCorrupt);
  Reconciler asker({1, 3'000});
  CHECK_FALSE(asker.ask(side.ranges).ok());
}

TEST_CASE("what was forgotten is read again, also the block that was read last",
          "[engine][reconcile][store]") {
  const auto events = some_events(3'000);
  Side side(events, all_of(events), 1'000);
  REQUIRE(side.ranges.sum({1, 3'000}).ok());
  side.store.damage({kStream, 2'900});
  CHECK(side.ranges.sum({2'800, 2'950}).ok());
  side.ranges.forget({2'900, 2'900});
  CHECK_FALSE(side.ranges.sum({2'800, 2'950}).ok());
}

TEST_CASE("blocks that are not where they should be are an error", "[engine][reconcile][store]") {
  const auto events = some_events(300);
  const auto block = [&](Seq first, Seq count) {
    return block_of(kStream, first, std::span(events).subspan(first - 1, count));
  };
  StoredBlock longer = block(101, 50);
  longer.events = 60;
  StoredBlock foreign = block(101, 50);
  foreign.codec = 9;
  struct Row {
    std::vector<StoredBlock> blocks;
    const char* text;
  };
  const std::vector<Row> rows{{{block(1, 100), block(91, 100)}, "overlaps another"},
                              {{block(101, 100), block(1, 50)}, "overlaps another"},
                              {{block(1, 100), longer}, "another number of events"},
                              {{block(1, 100), foreign}, "codec 9"}};
  for (const Row& row : rows) {
    CAPTURE(row.text);
    MemoryStore store{Identity{}};
    const Forged reader(store, row.blocks);
    StoreRanges ranges(reader, kStream, 300, [](SeriesNo) { return nullptr; });
    const auto sum = ranges.sum({1, 300});
    REQUIRE_FALSE(sum.ok());
    CHECK_THAT(sum.error().text, Contains(row.text));
  }
}

TEST_CASE("blocks that become one between two pages are no overlap", "[engine][reconcile][store]") {
  class MergingReader : public testing::PassingReader {
   public:
    explicit MergingReader(MemoryStore& store) : PassingReader(store), store_(store) {}
    Result<std::vector<StoredBlock>> blocks(const StreamId& stream, Interval dots,
                                            std::size_t) const override {
      if (++pages_ == 3) merge(stream);
      return PassingReader::blocks(stream, dots, 0);
    }
    void merge(const StreamId& stream) const {
      Batch batch;
      batch.merged.push_back(*merge_stored(*store_.blocks(stream, {1, 500}, 1u << 20)));
      store_.commit(std::move(batch), [](BatchId, const Status& status) { REQUIRE(status); });
    }
    mutable int pages_ = 0;

   private:
    MemoryStore& store_;
  };
  const auto events = some_events(700);
  Side side(events, all_of(events), 100);
  const MergingReader reader(side.store);
  StoreRanges ranges(reader, kStream, 700, [&](SeriesNo number) { return side.find(number); });
  REQUIRE(ranges.sum({1, 700}).ok());
  CHECK(reader.pages_ > 3);
  CHECK(*ranges.sum({1, 700}) == *side.ranges.sum({1, 700}));
  CHECK(*ranges.held({1, 700}) == all_of(events));
}

TEST_CASE("what was allowed ends a question, and asking again gets to its end with nothing left out",
          "[engine][reconcile][store]") {
  const auto events = some_events(5'000);
  Side side(events, all_of(events), 100);
  int refused = 0;
  for (side.ranges.allow(2'000); !side.ranges.held({1, 5'000}); side.ranges.allow(4'000)) {
    REQUIRE(++refused < 20);
    side.ranges.allow_all();
    REQUIRE(*side.ranges.held({1, 1'500}) == IntervalSet(Interval{1, 1'500}));
  }
  CHECK(refused > 0);
  CHECK(*side.ranges.held({1, 5'000}) == all_of(events));
  CHECK(*side.ranges.sum({1, 5'000}) == summed(events, all_of(events), {1, 5'000}));
}
