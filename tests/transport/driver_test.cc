// tests/transport/driver_test.cc - the driver between writers, a disk with its own thread, and its own end.
#include "transport/driver.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "engine/codec.h"
#include "tests/transport/network.h"
#include "tests/transport/raw_peer.h"

namespace deltamesh::testing {
namespace {

// Reports what a memory store committed from a thread of its own, as a disk does.
class ThreadedStore final : public Store {
 public:
  explicit ThreadedStore(MemoryStore& store) : store_(store), thread_([this] { run(); }) {}
  ~ThreadedStore() override {
    add(nullptr);
    thread_.join();
  }

  void commit(Batch batch, Committed committed) override {
    store_.commit(std::move(batch), [this, committed = std::move(committed)](BatchId id, Status status) {
      add([committed, id, status] { committed(id, status); });
    });
  }

 private:
  void add(std::function<void()> report) {
    const std::lock_guard lock(mutex_);
    reports_.push_back(std::move(report));
    some_.notify_one();
  }
  void run() {
    for (auto report = next(); report; report = next()) report();
  }
  std::function<void()> next() {
    std::unique_lock lock(mutex_);
    some_.wait(lock, [this] { return !reports_.empty(); });
    auto report = std::move(reports_.front());
    reports_.pop_front();
    return report;
  }

  MemoryStore& store_;
  std::mutex mutex_;
  std::condition_variable some_;
  std::deque<std::function<void()>> reports_;
  std::thread thread_;
};

void ignore_log(Note::Level, const std::string&) {}

std::unique_ptr<Node> make_node(MemoryStore& store) {
  return std::make_unique<Node>(test_config(), *store.image(), store);
}

TEST_CASE("writes from several threads are each answered once, on the driver's thread", "[driver]") {
  boost::asio::io_context io;
  MemoryStore memory(test_identity(1), MemoryStore::Sync::kAuto);
  ThreadedStore store(memory);
  Driver driver(io, make_node(memory), store, ignore_log);
  constexpr int kThreads = 3, kEach = 200;
  std::vector<int> answers(kThreads * kEach);
  const auto here = std::this_thread::get_id();
  std::vector<std::thread> writers;
  for (int thread = 0; thread < kThreads; ++thread) {
    writers.emplace_back([&, thread] {
      for (int i = 0; i < kEach; ++i) {
        const auto slot = static_cast<std::size_t>(thread * kEach + i);
        driver.write(kMetrics, {test_event(i)}, [&answers, slot, here](const Status& status) {
          answers[slot] += status.ok() && std::this_thread::get_id() == here ? 1 : 100;
        });
      }
    });
  }
  const auto all = [&] { return std::count(answers.begin(), answers.end(), 1) == kThreads * kEach; };
  CHECK(run_until(io, all));
  for (auto& writer : writers) writer.join();
}

TEST_CASE("an answered write is in the store, and a refused one says why", "[driver]") {
  boost::asio::io_context io;
  std::vector<Error> errors;
  int successes = 0;
  const auto noted = [&](const Status& status) {
    status ? void(++successes) : errors.push_back(status.error());
  };
  TestNode node(io, 1);
  node.driver().write(dataset_id("no such dataset"), {test_event(1)}, noted);
  node.driver().write(kSettings, {test_event(1)}, noted);
  node.driver().put(kMetrics, "key", "value", noted);
  node.driver().put(kSettings, "", "empty key", noted);
  REQUIRE(run_until(io, [&] { return errors.size() == 4; }));
  CHECK(errors[0].code == ErrorCode::kNotFound);
  node.put("key", "value");
  REQUIRE(run_until(io, [&] { return node.writes_done() == 1; }));
  CHECK(node.value("key") == "value");
  node.driver().remove(kSettings, "key", noted);
  REQUIRE(run_until(io, [&] { return successes == 1; }));
  CHECK(node.value("key") == "");
  CHECK(errors.size() == 4);
}

TEST_CASE("a batch that the disk refuses fails its write, and the next one is kept", "[driver]") {
  boost::asio::io_context io;
  std::optional<Status> status;
  TestNode node(io, 1);
  node.store().fail_next({ErrorCode::kIo, "the disk is gone"});
  node.driver().write(kMetrics, {test_event(1)}, [&](const Status& outcome) { status = outcome; });
  REQUIRE(run_until(io, [&] { return status.has_value(); }));
  REQUIRE_FALSE(status->ok());
  CHECK(status->error() == Error{ErrorCode::kIo, "the disk is gone"});
  node.write(2);
  CHECK(run_until(io, [&] { return node.events() == 1; }));
}

TEST_CASE("a node restarted after a failed batch goes on with what was durable", "[driver]") {
  boost::asio::io_context io;
  std::optional<Status> status;
  TestNode node(io, 1), peer(io, 2);
  node.write(1);
  REQUIRE(run_until(io, [&] { return node.writes_done() == 1; }));
  node.store().fail_next({ErrorCode::kIo, "the disk is gone"});
  node.driver().write(kMetrics, {test_event(2)}, [&](const Status& outcome) { status = outcome; });
  REQUIRE(run_until(io, [&] { return status.has_value(); }));
  CHECK_FALSE(status->ok());
  node.write(3);
  REQUIRE(run_until(io, [&] { return node.writes_done() == 2; }));
  node.stop();
  node.start();
  peer.dial(node.listen("tcp://127.0.0.1:0"));
  node.write(4);
  REQUIRE(run_until(io, [&] { return node.writes_done() == 3; }));
  CHECK(run_until(io, [&] { return peer.events() == 3; }));
  CHECK(node.events() == 3);
}

TEST_CASE("a write is taken at once, and durable by a flush, however long the commit interval", "[driver]") {
  boost::asio::io_context io;
  MemoryStore memory(test_identity(1), MemoryStore::Sync::kAuto);
  ThreadedStore store(memory);
  NodeConfig config = test_config();
  config.commit_interval = std::chrono::seconds(60);
  Driver driver(io, std::make_unique<Node>(config, *memory.image(), memory), store, ignore_log);
  std::vector<std::string> order;
  const auto note = [&order](const char* what) { return [&order, what] { order.emplace_back(what); }; };
  const auto done = [&order](const Status& status) { order.emplace_back(status ? "durable" : "refused"); };
  driver.write(dataset_id("no such dataset"), {test_event(1)}, note("taken"), done);
  driver.write(kMetrics, {test_event(1)}, note("taken"), done);
  io.poll();
  CHECK(order == std::vector<std::string>{"refused", "taken"});
  driver.flush();
  REQUIRE(run_until(io, [&] { return order.size() == 3; }));
  CHECK(order.back() == "durable");
}

TEST_CASE("a node that starts with a gap of its own is woken at once, and declares it void", "[driver]") {
  boost::asio::io_context io;
  const Identity identity = test_identity(1);
  const StreamId stream{kMetrics, StreamClass::kMetric, identity.node, identity.incarnation};
  MemoryStore memory(identity, MemoryStore::Sync::kAuto);
  StreamKnowledge known;
  known.hold({1, 1});
  known.hold({3, 3});
  Batch batch;
  batch.knowledge.push_back({stream, known});
  memory.commit(std::move(batch), {});
  const Driver driver(io, make_node(memory), memory, ignore_log);
  CHECK(run_until(io, [&] { return memory.knowledge()->find(stream)->voided().contains(Interval{2, 2}); }));
}

TEST_CASE("stopping makes durable what was accepted, and refuses what comes after", "[driver]") {
  boost::asio::io_context io;
  MemoryStore memory(test_identity(1), MemoryStore::Sync::kAuto);
  ThreadedStore store(memory);
  NodeConfig config = test_config();
  config.commit_interval = std::chrono::seconds(60);
  Driver driver(io, std::make_unique<Node>(config, *memory.image(), memory), store, ignore_log);
  std::optional<Status> before, after;
  bool stopped = false;
  driver.write(kMetrics, {test_event(1)}, [&](const Status& status) { before = status; });
  io.poll();
  CHECK_FALSE(before);
  driver.stop(kPatience, [&] { stopped = true; });
  driver.write(kMetrics, {test_event(2)}, [&](const Status& status) { after = status; });
  REQUIRE(run_until(io, [&] { return stopped && after; }));
  CHECK(before->ok());
  CHECK(after->error().code == ErrorCode::kClosed);
}

TEST_CASE("a disk that never answers cannot hold up the end", "[driver]") {
  boost::asio::io_context io;
  MemoryStore store(test_identity(1), MemoryStore::Sync::kManual);
  Driver driver(io, make_node(store), store, ignore_log);
  std::optional<Status> status;
  bool stopped = false;
  driver.write(kMetrics, {test_event(1)}, [&](const Status& outcome) { status = outcome; });
  io.poll();
  driver.stop(std::chrono::milliseconds(10), [&] { stopped = true; });
  REQUIRE(run_until(io, [&] { return stopped; }));
  REQUIRE(status);
  CHECK(status->error().code == ErrorCode::kClosed);
  store.sync();
  io.restart();
  io.poll();
}

TEST_CASE("peers hear a goodbye before a node stops", "[driver]") {
  boost::asio::io_context io;
  TestNode node(io, 1);
  RawPeer peer(io, node.listen("tcp://127.0.0.1:0"));
  peer.send(agreeable_greeting());
  REQUIRE(run_until(io, [&] { return node.live_sessions() == 1; }));
  bool stopped = false;
  node.driver().stop(kPatience, [&] { stopped = true; });
  REQUIRE(run_until(io, [&] { return peer.ended() && stopped; }));
  CHECK_THAT(goodbye_in(peer.heard()), Catch::Equals("the node is stopping"));
  CHECK(node.driver().counters().links_closed == 1);
}

TEST_CASE("peers that do not end their side cannot hold up the end", "[driver]") {
  boost::asio::io_context io;
  TestNode node(io, 1);
  const RawPeer silent(io, node.listen("tcp://127.0.0.1:0"));
  REQUIRE(run_until(io, [&] { return node.driver().counters().links_opened == 1; }));
  bool stopped = false;
  node.driver().stop(std::chrono::milliseconds(10), [&] { stopped = true; });
  CHECK(run_until(io, [&] { return stopped; }));
}

TEST_CASE("a driver that is gone is called by nobody, and its writers are answered", "[driver]") {
  boost::asio::io_context io;
  int answers = 0;
  const auto closed = [&](const Status& status) {
    answers += !status && status.error().code == ErrorCode::kClosed;
  };
  TestNode peer(io, 2);
  MemoryStore memory(test_identity(1), MemoryStore::Sync::kManual);
  {
    Driver driver(io, make_node(memory), memory, ignore_log);
    DialerSettings settings;
    settings.peer = peer.listen("ws://127.0.0.1:0");
    const auto dialer = Dialer::start(driver, settings);
    REQUIRE(run_until(io, [&] { return peer.live_sessions() == 1; }));
    driver.write(kMetrics, {test_event(1)}, closed);
    REQUIRE(run_until(io, [&] { return memory.queued() == 1; }));
    driver.write(kMetrics, {test_event(2)}, closed);
    driver.inspect([](const Node&) { FAIL("inspected a node that is gone"); });
  }
  CHECK(answers == 1);
  memory.sync();
  CHECK(run_until(io, [&] { return answers == 2; }));
  CHECK(run_until(io, [&] { return peer.driver().counters().links_closed >= 1; }));
}

TEST_CASE("the log is told a bounded number of lines a second, and how many were left out", "[driver]") {
  boost::asio::io_context io;
  TestNode node(io, 1);
  const auto start = std::chrono::steady_clock::now();
  std::size_t told = 0;
  while (std::chrono::steady_clock::now() - start < std::chrono::milliseconds(1'100)) {
    for (int i = 0; i < 100; ++i) node.driver().log(Note::Level::kInfo, "line " + std::to_string(++told));
  }
  CHECK(node.log().size() <= 3 * (limits::kLogLinesPerSecond + 1));
  CHECK(node.logged("log lines were left out"));
  CHECK(node.driver().counters().log_lines_suppressed + node.log().size() >= told);
}

}  // namespace
}  // namespace deltamesh::testing
