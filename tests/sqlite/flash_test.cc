// tests/sqlite/flash_test.cc - a gateway with a small flash and nobody to talk to, for a month: real nodes on
// real files, in virtual time.
#include <catch2/catch.hpp>
#include <deque>

#include "engine/codec.h"
#include "engine/node.h"
#include "tests/sqlite/sqlite_fixture.h"
#include "tests/support/bytes_on_disk.h"

namespace deltamesh {
namespace {

using std::chrono::seconds;

constexpr PeerId kLink{1};
const DatasetId kReadings = dataset_id("telemetry");

NodeConfig flash_config(const NodeId& cloud, SqliteOptions* options, std::uint64_t size_max) {
  NodeConfig config;
  config.datasets = {{"telemetry"}};
  config.datasets[0].keep_until = "cloud";
  config.tiers = {{"cloud", {cloud}, 1}};
  config.commit_interval = config.report_interval = config.news_interval = seconds(0);
  if (options != nullptr) config.store_bytes_max = bound_size(*options, size_max);
  return config;
}

// A node on a file, whose driver waits for each batch.
class FlashNode {
 public:
  FlashNode(const std::string& path, const NodeId& cloud, std::uint64_t size_max) : path_(path) {
    SqliteOptions options = options_for(path);
    const NodeConfig config = flash_config(cloud, size_max > 0 ? &options : nullptr, size_max);
    auto store = SqliteStore::open(options);
    if (!store) FAIL(store.error().text);
    store_ = std::move(*store);
    auto reader = store_->make_reader();
    REQUIRE(reader);
    reader_ = std::move(*reader);
    node_ = std::make_unique<Node>(config, *reader_->image(), *reader_);
  }

  template <class Call>
  void call(Call what) {
    what(*node_, now);
    carry_out();
  }
  void write(const std::vector<NamedEvent>& events) {
    call([&](Node& node, Instant at) { REQUIRE(node.write(kReadings, events, at).ok()); });
  }

  [[nodiscard]] const Identity& identity() const { return store_->identity(); }
  [[nodiscard]] const Node& node() const { return *node_; }
  [[nodiscard]] StreamKnowledge known(const Identity& writer) const {
    const StreamKnowledge* const known =
        node_->knowledge().find({kReadings, StreamClass::kMetric, writer.node, writer.incarnation});
    return known == nullptr ? StreamKnowledge() : *known;
  }
  [[nodiscard]] std::uint64_t bytes_on_disk() const { return testing::bytes_on_disk(path_); }

  Instant now{seconds(0), seconds(1'780'000'000)};
  std::deque<Send> frames;

 private:
  void carry_out() {
    for (;;) {
      Effects effects = node_->take_effects();
      frames.insert(frames.end(), effects.send.begin(), effects.send.end());
      for (const Close& close : effects.close) FAIL(close.reason);
      if (effects.persist.empty()) return;
      std::vector<std::pair<BatchId, Status>> outcomes;
      Reports reports;
      for (Batch& batch : effects.persist)
        store_->commit(std::move(batch), reports.callback([&](BatchId id, const Status& status) {
          outcomes.emplace_back(id, status);
        }));
      reports.wait();
      for (const auto& [id, status] : outcomes) {
        REQUIRE(status);
        node_->durable(id, now);
      }
    }
  }

  std::string path_;
  std::unique_ptr<SqliteStore> store_;
  std::unique_ptr<StoreReader> reader_;
  std::unique_ptr<Node> node_;
};

void connect(FlashNode& a, FlashNode& b, PeerId link) {
  for (FlashNode* const node : {&a, &b}) node->call([&](Node& one, Instant at) { one.opened(link, at); });
  while (!a.frames.empty() || !b.frames.empty()) {
    for (const auto& [from, to] : {std::pair(&a, &b), std::pair(&b, &a)}) {
      for (const Send& send : std::exchange(from->frames, {}))
        to->call([&](Node& node, Instant at) { node.received(send.peer, *send.frame, at); });
    }
  }
}

void disconnect(FlashNode& a, FlashNode& b, PeerId link) {
  for (FlashNode* const node : {&a, &b}) node->call([&](Node& one, Instant at) { one.closed(link, at); });
}

// A minute of readings, 100 a second: ten sensors that jitter in their last digits.
std::vector<NamedEvent> minute(int number) {
  std::vector<NamedEvent> events;
  Random random(static_cast<std::uint64_t>(number));
  for (int i = 0; i < 600; ++i) {
    NamedEvent event{1'780'000'000'000 + (number * 600 + i) * 100, 0, Quality::kGood, std::nullopt, {}};
    for (int sensor = 0; sensor < 10; ++sensor) {
      const double value = 20.0 + sensor + static_cast<double>(random.below(4000)) / 100;
      event.readings.push_back({"sensor-" + std::to_string(sensor), "Cel", value});
    }
    events.push_back(std::move(event));
  }
  return events;
}

// The gateway meets a neighbour once, early; then it is alone for the rest of the time; then the cloud comes,
// and later the neighbour meets the cloud.
void run_month(std::uint64_t size_max, int minutes, int met_neighbour_at) {
  const TempFolder folder;
  FlashNode cloud(folder.file("cloud"), NodeId{}, 0), neighbour(folder.file("neighbour"), NodeId{}, 0);
  FlashNode gateway(folder.file("gateway"), cloud.identity().node, size_max);
  std::uint64_t largest = 0;
  for (int at = 0; at < minutes; ++at) {
    gateway.now.steady += seconds(60);
    gateway.now.wall += seconds(60);
    gateway.write(minute(at));
    largest = std::max(largest, gateway.bytes_on_disk());
    if (at != met_neighbour_at) continue;
    connect(gateway, neighbour, kLink);
    disconnect(gateway, neighbour, kLink);
  }
  const Identity& writer = gateway.identity();
  const StreamKnowledge own = gateway.known(writer);
  const auto written = static_cast<Seq>(minutes) * 600;
  INFO("largest " << largest << " bytes, held " << own.held().size() << " of " << written << " events");
  CHECK(largest <= size_max);
  CHECK(largest > size_max / 2);
  CHECK(own.held().intervals().size() == 1);
  CHECK(own.held().last() == written);
  CHECK(own.held().size() > written / 100);
  CHECK(own.lost() == IntervalSet({1, written}).minus(own.held()));
  CHECK(gateway.node().counters().events_lost == own.lost().size());

  connect(gateway, cloud, kLink);
  StreamKnowledge there = cloud.known(writer);
  CHECK(there.held() == own.held());
  CHECK(there.lost() == own.lost());
  CHECK(there.missing().empty());

  const IntervalSet saved = neighbour.known(writer).held();
  REQUIRE(saved.size() > 0);
  connect(neighbour, cloud, PeerId{2});
  there = cloud.known(writer);
  IntervalSet all = own.held();
  all.join(saved);
  CHECK(there.held() == all);
  CHECK(there.lost() == own.lost().minus(saved));
  CHECK(gateway.known(writer).held() == own.held());
  WARN("size_max " << size_max << ", largest " << largest << ", held " << own.held().size() << " of "
                   << written << " events");
}

}  // namespace

TEST_CASE("a small flash never overflows, keeps the newest, and the cloud learns what is lost",
          "[sqlite][flash]") {
  run_month(16u << 20, 800, 100);
}

// 30 days at 100 samples a second into 64 MB; some minutes.
TEST_CASE("the same for a month", "[.flash-month]") {
  run_month(64'000'000, 30 * 24 * 60, 2'000);
}

}  // namespace deltamesh
