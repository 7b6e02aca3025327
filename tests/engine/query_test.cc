// tests/engine/query_test.cc - questions about samples: a set, whoever wrote them, in pages of any size.
#include "engine/query.h"

#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <limits>
#include <utility>

#include "engine/memory_store.h"
#include "engine/merging.h"
#include "tests/crdt/random.h"
#include "tests/engine/passing_reader.h"

namespace deltamesh {
namespace {

constexpr DatasetId kDataset{7};
constexpr std::array<std::uint8_t, 3> kNodes{1, 2, 3};
constexpr Ticks kMinute = 60'000;
constexpr Ticks kHour = 60 * kMinute;

StreamId stream_of(std::uint8_t node) {
  StreamId stream;
  stream.dataset = kDataset;
  stream.node.bytes[0] = node;
  return stream;
}

SeriesDecl decl(SeriesNo number, std::string name, std::string unit = "Cel",
                ValueType type = ValueType::kDouble) {
  return {number, std::move(name), std::move(unit), type};
}

Event event(Ticks time, Value value, std::optional<Source> source = std::nullopt, SeriesNo series = 1) {
  return {time, 0, Quality::kGood, source, {{series, std::move(value)}}};
}

// Several writers in one store.
class Telemetry {
 public:
  void declare(std::uint8_t node, SeriesDecl declaration) {
    Batch batch;
    batch.declarations.push_back({stream_of(node), std::move(declaration)});
    store_.commit(std::move(batch), nullptr);
  }

  // As one block, after all that `node` wrote before.
  void write(std::uint8_t node, const std::vector<Event>& events) {
    auto bytes = encode_block(events, limits::kBlock);
    REQUIRE(bytes);
    const auto summary = peek_block(*bytes, limits::kBlock);
    REQUIRE(summary);
    Batch batch;
    batch.blocks.push_back(stored_block(stream_of(node), next_[node] + 1, *summary, *std::move(bytes)));
    next_[node] += events.size();
    store_.commit(std::move(batch), [](BatchId, const Status& status) { REQUIRE(status); });
  }

  void write_in_blocks(std::uint8_t node, const std::vector<Event>& events, std::size_t size) {
    for (std::size_t i = 0; i < events.size(); i += size) {
      const auto end = std::min(i + size, events.size());
      write(node, {events.begin() + static_cast<std::ptrdiff_t>(i),
                   events.begin() + static_cast<std::ptrdiff_t>(end)});
    }
  }

  [[nodiscard]] SampleAnswer samples(TimeRange range, std::size_t limit = 10'000,
                                     const std::string& series = "a") const {
    SampleQuery query;
    query.dataset = kDataset;
    query.series = series;
    query.range = range;
    query.limit = limit;
    return ask(query);
  }

  [[nodiscard]] SampleAnswer ask(const SampleQuery& query) const {
    auto answer = query_samples(store_, query);
    REQUIRE(answer);
    CHECK(answer->samples.size() <= query.limit);
    return *std::move(answer);
  }

  // All pages of `limit`, one after the other.
  [[nodiscard]] std::vector<Sample> paged(TimeRange range, std::size_t limit) const {
    std::vector<Sample> all;
    for (;;) {
      auto page = samples(range, limit);
      all.insert(all.end(), page.samples.begin(), page.samples.end());
      if (!page.more) return all;
      REQUIRE(page.next > range.from);
      range.from = page.next;
    }
  }

  [[nodiscard]] std::vector<LatestSample> latest(const std::set<std::string>& only = {}) const {
    LatestQuery query;
    query.dataset = kDataset;
    query.only = only;
    auto answer = query_latest(store_, query);
    REQUIRE(answer);
    CHECK(answer->complete);
    return std::move(answer->latest);
  }

  [[nodiscard]] MemoryStore& store() { return store_; }

 private:
  MemoryStore store_{Identity{}, MemoryStore::Sync::kAuto};
  std::array<Seq, 256> next_{};
};

std::vector<std::pair<Ticks, double>> points(const std::vector<Sample>& samples) {
  std::vector<std::pair<Ticks, double>> out;
  for (const Sample& sample : samples) out.emplace_back(sample.time, std::get<double>(sample.value));
  return out;
}
using Points = std::vector<std::pair<Ticks, double>>;

constexpr TimeRange kAll{std::numeric_limits<Ticks>::min(), std::numeric_limits<Ticks>::max()};

TEST_CASE("equal samples of several writers are one, and different values of one time are all there",
          "[query]") {
  Telemetry telemetry;
  for (const std::uint8_t node : kNodes) telemetry.declare(node, decl(1, "a"));
  telemetry.write(1, {event(10, 1.0), event(20, 2.0)});
  telemetry.write(2, {event(20, 2.0), event(20, 3.0), event(5, 0.5)});
  CHECK(points(telemetry.samples(kAll).samples) == Points{{5, 0.5}, {10, 1.0}, {20, 2.0}, {20, 3.0}});
}

TEST_CASE("a range includes both its ends and nothing beyond", "[query]") {
  Telemetry telemetry;
  telemetry.declare(1, decl(1, "a"));
  telemetry.write(1, {event(9, 1.0), event(10, 2.0), event(20, 3.0), event(21, 4.0)});
  CHECK(points(telemetry.samples({10, 20}).samples) == Points{{10, 2.0}, {20, 3.0}});
  CHECK(telemetry.samples({11, 19}).samples.empty());
  CHECK(telemetry.samples({20, 10}).samples.empty());
}

TEST_CASE("times at the ends of 64 bits are answered", "[query]") {
  Telemetry telemetry;
  telemetry.declare(1, decl(1, "a"));
  telemetry.write(1, {event(kAll.from, 1.0), event(0, 2.0), event(kAll.to, 3.0)});
  CHECK(telemetry.samples(kAll).samples.size() == 3);
  CHECK(points(telemetry.paged(kAll, 1)) == Points{{kAll.from, 1.0}, {0, 2.0}, {kAll.to, 3.0}});
}

TEST_CASE("an unknown series is not found, a known one without samples is empty", "[query]") {
  Telemetry telemetry;
  telemetry.declare(1, decl(1, "a"));
  CHECK(telemetry.samples(kAll).samples.empty());
  SampleQuery query;
  query.dataset = kDataset;
  query.series = "b";
  const auto answer = query_samples(telemetry.store(), query);
  REQUIRE(!answer);
  CHECK(answer.error() == Error{ErrorCode::kNotFound, "no series b"});
  query.dataset = DatasetId{8};
  query.series = "a";
  CHECK(!query_samples(telemetry.store(), query));
}

TEST_CASE("of one message that two gateways heard, one sample is shown: the best, then the earliest",
          "[query]") {
  struct Row {
    Quality first, second;
    Ticks shown;
  };
  const auto row = GENERATE(values<Row>({
      {Quality::kGood, Quality::kGood, 1000},
      {Quality::kEstimated, Quality::kGood, 1300},
      {Quality::kGood, Quality::kEstimated, 1000},
  }));
  Telemetry telemetry;
  for (const std::uint8_t node : kNodes) telemetry.declare(node, decl(1, "a"));
  auto first = event(1000, 21.0, Source{1, 5}), second = event(1300, 21.0, Source{1, 5});
  first.quality = row.first;
  second.quality = row.second;
  telemetry.write(1, {first});
  telemetry.write(2, {second, event(1200, 22.0, Source{1, 6})});
  CHECK(points(telemetry.samples(kAll).samples) ==
        (row.shown == 1000 ? Points{{1000, 21.0}, {1200, 22.0}} : Points{{1200, 22.0}, {1300, 21.0}}));
  // Also where only one of the copies lies in the range.
  CHECK(telemetry.samples({1250, 1400}).samples.size() == (row.shown == 1300 ? 1 : 0));
  CHECK(telemetry.latest().at(0).sample.time == std::max<Ticks>(row.shown, 1200));
}

TEST_CASE("a counter that comes again after the window is another message", "[query]") {
  Telemetry telemetry;
  telemetry.declare(1, decl(1, "a"));
  telemetry.write(1, {event(0, 1.0, Source{1, 5}), event(10 * kMinute, 1.0, Source{1, 5}),
                      event(10 * kMinute + 1, 2.0, Source{1, 5})});
  CHECK(points(telemetry.samples(kAll).samples) == Points{{0, 1.0}, {10 * kMinute + 1, 2.0}});
}

TEST_CASE("pages of any size put together are the whole answer", "[query]") {
  Random random(7);
  Telemetry telemetry;
  for (const std::uint8_t node : kNodes) {
    telemetry.declare(node, decl(1, "a"));
    std::vector<Event> events;
    for (std::uint64_t i = 0; i < 4000; ++i) {
      // Half of the messages are heard by all three, up to 20 s apart.
      const Ticks sent = static_cast<Ticks>(i) * kMinute / 2;
      const auto source = i % 2 == 0 ? std::optional(Source{i / 400, i}) : std::nullopt;
      events.push_back(event(sent + static_cast<Ticks>(random.below(20'000)),
                             static_cast<double>(random.below(3)), source));
    }
    telemetry.write_in_blocks(node, events, 300);
  }
  const auto whole = telemetry.samples(kAll, 1'000'000);
  CHECK(!whole.more);
  CHECK(whole.samples.size() > 2000 * 3);
  CHECK(whole.samples.size() < 2000 * 4 + 1);
  const auto limit = GENERATE(as<std::size_t>(), 3, 100, 1000, 8001);
  CHECK(points(telemetry.paged(kAll, limit)) == points(whole.samples));
}

TEST_CASE("a crowd of copies before the range does not hide sparse samples in it", "[query]") {
  Telemetry telemetry;
  telemetry.declare(1, decl(1, "a"));
  std::vector<Event> events;
  for (std::uint64_t i = 0; i < 6000; ++i) {
    events.push_back(event(kHour - 9 * kMinute + static_cast<Ticks>(i), 1.0, Source{1, i}));
  }
  for (int hour = 1; hour <= 5; ++hour) events.push_back(event(hour * kHour, 2.0));
  telemetry.write_in_blocks(1, events, 1000);
  const auto answer = telemetry.samples({kHour, 10 * kHour}, 10);
  CHECK(answer.samples.size() == 5);
  CHECK(!answer.more);
}

TEST_CASE("a limit below the number of samples says where to go on", "[query]") {
  Telemetry telemetry;
  telemetry.declare(1, decl(1, "a"));
  telemetry.write(1, {event(1, 1.0), event(2, 1.0), event(2, 2.0), event(3, 1.0)});
  const auto answer = telemetry.samples(kAll, 2);
  CHECK(answer.more);
  CHECK(answer.next == 2);
  CHECK(points(answer.samples) == Points{{1, 1.0}});  // The two of time 2 are not torn apart...
  CHECK(points(telemetry.samples({2, 2}, 1).samples) ==
        Points{{2, 1.0}});  // ...unless there is no other way.
}

TEST_CASE("long texts cut an answer before they fill memory", "[query]") {
  Telemetry telemetry;
  telemetry.declare(1, decl(1, "a", "", ValueType::kString));
  for (Ticks time = 0; time < 40; ++time) telemetry.write(1, {event(time, std::string(1000, 'x'))});
  SampleQuery query;
  query.dataset = kDataset;
  query.series = "a";
  query.range = kAll;
  query.text_bytes_max = 4500;
  const auto answer = telemetry.ask(query);
  CHECK(answer.samples.size() == 4);
  CHECK(answer.more);
  CHECK(answer.next == 4);
  query.text_bytes_max = 1;
  CHECK(telemetry.ask(query).samples.size() == 1);
}

TEST_CASE("events that wait for a clock are not answered", "[query]") {
  Telemetry telemetry;
  telemetry.declare(1, decl(1, "a"));
  auto waiting = event(10, 1.0);
  waiting.boot = 1;
  telemetry.write(1, {waiting, event(20, 2.0)});
  telemetry.write(1, {waiting});
  CHECK(points(telemetry.samples(kAll).samples) == Points{{20, 2.0}});
  CHECK(telemetry.latest().at(0).sample.time == 20);
}

TEST_CASE("the latest of each series is by time, not by order of writing", "[query]") {
  Telemetry telemetry;
  for (const std::uint8_t node : kNodes) telemetry.declare(node, decl(1, "a"));
  telemetry.declare(1, decl(2, "b"));
  telemetry.declare(2, decl(3, "never"));
  telemetry.write(1, {event(50, 1.0)});
  telemetry.write(1, {event(90, 2.0)});
  telemetry.write(1, {event(30, 3.0), event(7, 8.0, std::nullopt, 2)});  // A backlog, written later.
  telemetry.write(2, {event(80, 4.0)});
  const auto latest = telemetry.latest();
  REQUIRE(latest.size() == 2);
  CHECK(latest[0].series.name == "a");
  CHECK(points({latest[0].sample}) == Points{{90, 2.0}});
  CHECK(latest[1].series.name == "b");
  CHECK(points({latest[1].sample}) == Points{{7, 8.0}});
  CHECK(telemetry.latest({"b"}).size() == 1);
  CHECK(telemetry.latest({"c"}).empty());
}

TEST_CASE("the latest is the last sample that the whole range has", "[query]") {
  Random random(3);
  for (int round = 0; round < 50; ++round) {
    Telemetry telemetry;
    for (const std::uint8_t node : kNodes) {
      telemetry.declare(node, decl(1, "a"));
      for (int block = 0; block < 4; ++block) {
        std::vector<Event> events;
        for (int i = 0; i < 5; ++i) {
          const auto source = random.chance(50) ? std::optional(Source{0, random.below(4)}) : std::nullopt;
          events.push_back(
              event(static_cast<Ticks>(random.below(20)), static_cast<double>(random.below(2)), source));
          events.back().quality = static_cast<Quality>(random.below(4));
        }
        telemetry.write(node, events);
      }
    }
    const auto last = telemetry.samples(kAll).samples.back();
    const auto latest = telemetry.latest().at(0).sample;
    CAPTURE(round);
    CHECK(latest.time == last.time);
    CHECK(same_value(latest.value, last.value));
    CHECK(latest.quality == last.quality);
  }
}

// Counts the blocks that are handed out.
class CountingReader final : public testing::PassingReader {
 public:
  using PassingReader::PassingReader;
  std::size_t take_count() { return std::exchange(count_, 0); }

  Status visit_blocks(const StreamId& stream, Ticks from, Ticks to, Order order,
                      const std::function<bool(const StoredBlock&)>& visit) const override {
    return PassingReader::visit_blocks(stream, from, to, order, [&](const StoredBlock& block) {
      ++count_;
      return visit(block);
    });
  }

 private:
  mutable std::size_t count_ = 0;
};

TEST_CASE("the first samples of a long history are answered without reading it all", "[query]") {
  Telemetry telemetry;
  telemetry.declare(1, decl(1, "a"));
  telemetry.declare(2, decl(1, "a"));
  std::vector<Event> events;
  for (Ticks i = 0; i < 100'000; ++i) events.push_back(event(i * kMinute, 1.0));
  telemetry.write_in_blocks(1, events, 1000);
  std::reverse(events.begin(), events.end());  // A backlog that came the other way round.
  telemetry.write_in_blocks(2, events, 1000);
  CountingReader reader(telemetry.store());
  SampleQuery query;
  query.dataset = kDataset;
  query.series = "a";
  query.range = kAll;
  query.limit = 10;
  const auto answer = query_samples(reader, query);
  REQUIRE(answer);
  CHECK(answer->samples.size() == 10);
  CHECK(answer->samples.back().time == 9 * kMinute);
  CHECK(answer->next == 10 * kMinute);
  CHECK(reader.take_count() <= 12);
}

TEST_CASE("blocks that become one while a question walks through them hide nothing from it", "[query]") {
  // The second walk finds what the first was going to look at next within a block that begins before it.
  class MergingReader : public testing::PassingReader {
   public:
    explicit MergingReader(MemoryStore& store) : PassingReader(store), store_(store) {}
    Status visit_blocks(const StreamId& stream, Ticks from, Ticks to, Order order,
                        const std::function<bool(const StoredBlock&)>& visit) const override {
      if (++walks_ == 2) merge(stream);
      return PassingReader::visit_blocks(stream, from, to, order, visit);
    }
    void merge(const StreamId& stream) const {
      Batch batch;
      batch.merged.push_back(*merge_stored(*store_.blocks(stream, {3'001, 6'010}, 1u << 20)));
      store_.commit(std::move(batch), [](BatchId, const Status& status) { REQUIRE(status); });
    }
    mutable int walks_ = 0;

   private:
    MemoryStore& store_;
  };
  Telemetry telemetry;
  telemetry.declare(1, decl(1, "a"));
  const auto from = [](Ticks time, std::size_t count) {
    std::vector<Event> events;
    for (std::size_t i = 0; i < count; ++i) events.push_back(event(time + static_cast<Ticks>(i), 1.5));
    return events;
  };
  telemetry.write(1, from(100'000, 3'000));
  telemetry.write(1, from(200'000, 3'000));
  telemetry.write(1, from(0, 10));
  const MergingReader reader(telemetry.store());
  SampleQuery query;
  query.dataset = kDataset;
  query.series = "a";
  query.range = {0, kHour};
  query.limit = 20;
  const auto answer = query_samples(reader, query);
  REQUIRE(answer);
  CHECK(reader.walks_ > 1);
  REQUIRE(answer->samples.size() == 20);
  CHECK(answer->samples[9].time == 9);
  CHECK(answer->samples[10].time == 100'000);
}

TEST_CASE("the latest of a quiet series costs the blocks since then once, and no more than allowed",
          "[query]") {
  Telemetry telemetry;
  telemetry.declare(1, decl(1, "quiet"));
  telemetry.declare(1, decl(2, "loud"));
  telemetry.write(1, {event(1, 1.0)});
  for (Ticks i = 2; i <= 500; ++i) telemetry.write(1, {event(i, 2.0, std::nullopt, 2)});
  CountingReader reader(telemetry.store());
  LatestQuery query;
  query.dataset = kDataset;
  auto answer = query_latest(reader, query);
  REQUIRE(answer);
  CHECK(answer->complete);
  CHECK(answer->latest.size() == 2);
  CHECK(reader.take_count() <= 501);
  query.blocks_max = 100;
  answer = query_latest(reader, query);
  REQUIRE(answer);
  CHECK_FALSE(answer->complete);
  REQUIRE(answer->latest.size() == 1);
  CHECK(answer->latest[0].series.name == "loud");
  CHECK(reader.take_count() <= 103);
}

TEST_CASE("what is shown of a series is what the writer says that goes on, not the larger number",
          "[query]") {
  Telemetry telemetry;
  const auto [old_life, new_life] = GENERATE(std::pair(1, 2), std::pair(2, 1));
  const auto old_node = static_cast<std::uint8_t>(old_life), new_node = static_cast<std::uint8_t>(new_life);
  telemetry.declare(old_node, decl(40, "t", "F"));
  telemetry.declare(new_node, decl(3, "t", "Cel"));
  telemetry.write(old_node, {event(1000, 70.0, std::nullopt, 40)});
  telemetry.write(new_node, {event(2000, 21.0, std::nullopt, 3)});
  const auto series = find_series(telemetry.store(), kDataset, "t");
  REQUIRE(series);
  CHECK(series->unit == "Cel");
  CHECK(series->conflict);
  CHECK(list_series(telemetry.store(), kDataset)->at(0).unit == "Cel");
  CHECK(telemetry.latest().at(0).series.unit == "Cel");
  // What a node appends continues its own stream, whatever others do.
  const Identity own{stream_of(old_node).node, stream_of(old_node).incarnation};
  CHECK(find_series(telemetry.store(), kDataset, "t", own)->unit == "F");
  CHECK(list_series(telemetry.store(), kDataset, own)->at(0).unit == "F");
}

TEST_CASE("where no writer has a time, the largest stream is shown", "[query]") {
  Telemetry telemetry;
  telemetry.declare(1, decl(9, "t", "F"));
  telemetry.declare(2, decl(1, "t", "K"));
  telemetry.declare(2, decl(2, "t", "Cel"));
  CHECK(find_series(telemetry.store(), kDataset, "t")->unit == "Cel");
}

TEST_CASE("series are listed once a name, with the newest unit and what contradicts", "[query]") {
  Telemetry telemetry;
  telemetry.declare(1, decl(1, "a", "Cel"));
  telemetry.declare(1, decl(2, "a", "K"));
  telemetry.declare(2, decl(1, "b", "V"));
  telemetry.declare(1, decl(3, "b", "V"));
  const auto list = list_series(telemetry.store(), kDataset);
  REQUIRE(list);
  REQUIRE(list->size() == 2);
  CHECK((*list)[0].name == "a");
  CHECK((*list)[0].unit == "K");
  CHECK((*list)[0].conflict);
  CHECK((*list)[1].name == "b");
  CHECK(!(*list)[1].conflict);
  CHECK(find_series(telemetry.store(), kDataset, "a")->unit == "K");
  CHECK(find_series(telemetry.store(), kDataset, "c").error().code == ErrorCode::kNotFound);
}

}  // namespace
}  // namespace deltamesh
