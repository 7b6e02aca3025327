// tests/engine/node_write_test.cc - local writes: numbers, failures, restarts, and which write wins.
#include <catch2/catch.hpp>

#include <limits>

#include "tests/engine/node_fixture.h"

namespace deltamesh::test {
namespace {

const std::chrono::seconds kFiftyYears = std::chrono::hours(24 * 365 * 50);

}  // namespace

TEST_CASE("a write is answered when it is durable and not before", "[engine][node]") {
  TestNode a(1);
  a.hold_commits();
  const auto write = a.write(events(1, 3));
  REQUIRE(write.ok());
  CHECK(a.written.empty());
  CHECK(a.held(a.stream()).empty());
  CHECK_FALSE(a.node().quiet());
  a.release_commits();
  REQUIRE(a.written.size() == 1);
  CHECK(a.written[0].write == *write);
  CHECK(a.written[0].status.ok());
  CHECK(a.held(a.stream()) == IntervalSet({1, 3}));
}

TEST_CASE("nothing of ours is sent before it is durable", "[engine][node]") {
  TestNode a(1);
  ScriptedPeer peer(a);
  peer.agree();
  peer.hear();
  a.hold_commits();
  REQUIRE(a.write(events(1, 3)).ok());
  REQUIRE(a.put("valve", "open").ok());
  CHECK(peer.hear().empty());
  a.release_commits();
  const auto said = peer.hear();
  CHECK(only<message::Delta>(said).size() == 1);
  CHECK(only<message::MapDelta>(said).size() == 1);
}

TEST_CASE("writes of one interval share one commit and one block", "[engine][node]") {
  NodeConfig gathering = config();
  gathering.commit_interval = std::chrono::milliseconds(20);
  TestNode a(1, gathering);
  for (Ticks time = 1; time <= 5; ++time) REQUIRE(a.write({event(time)}).ok());
  CHECK(a.written.empty());
  CHECK_FALSE(a.node().quiet());
  REQUIRE(a.wake_at == a.now.steady + std::chrono::milliseconds(20));
  a.now.steady = *a.wake_at;
  a.tick();
  CHECK(a.written.size() == 5);
  CHECK(a.store().blocks(a.stream(), {1, 100}, 1u << 20)->size() == 1);
  CHECK(a.node().quiet());
}

TEST_CASE("a write that cannot be kept is refused with a reason and takes no number", "[engine][node]") {
  TestNode a(1);
  const auto refused = [&](const std::vector<NamedEvent>& what) {
    const auto write = a.write(what);
    REQUIRE_FALSE(write.ok());
    return write.error().text;
  };
  CHECK_THAT(refused({}), Catch::Contains("without events"));
  CHECK_THAT(refused({event(1, std::numeric_limits<double>::quiet_NaN())}), Catch::Contains("NaN"));
  CHECK_THAT(refused({event(1, 1, "")}), Catch::Contains("1 to 255 bytes"));
  CHECK_THAT(refused({event(1, 1, "bad\nname")}), Catch::Contains("control"));
  NamedEvent twice = event(1);
  twice.readings.push_back(twice.readings[0]);
  CHECK_THAT(refused({twice}), Catch::Contains("twice"));
  NamedEvent large = event(1);
  large.readings[0].value = std::string(20'000, 'x');
  CHECK_THAT(refused({large}), Catch::Contains("larger than 16384 bytes"));
  NamedEvent none = event(1);
  none.readings.clear();
  CHECK_THAT(refused({event(1), none}), Catch::Contains("not 0"));
  CHECK_FALSE(a.put("", "x").ok());
  CHECK_FALSE(a.put(std::string(600, 'k'), "x").ok());
  CHECK_FALSE(a.put("k", std::string(300'000, 'v')).ok());
  CHECK(a.counters().writes_refused == 10);

  REQUIRE(a.write({event(2)}).ok());
  CHECK(a.held(a.stream()) == IntervalSet({1, 1}));
}

TEST_CASE("a writer that is faster than the disk is told to wait, and what was accepted becomes durable",
          "[engine][node]") {
  TestNode a(1);
  a.hold_commits();
  NamedEvent large = event(1);
  large.readings.clear();
  for (int i = 0; i < 10; ++i) {
    large.readings.push_back({"s" + std::to_string(i), "", std::string(16'000, 'x')});
  }
  std::size_t accepted = 0;
  Result<WriteId> last = WriteId{};
  while ((last = a.write({large})).ok()) ++accepted;
  CHECK(last.error().code == ErrorCode::kFull);
  CHECK(accepted > 50);
  a.release_commits();
  CHECK(a.written.size() == accepted);
  CHECK(a.held(a.stream()) == IntervalSet({1, accepted}));
  CHECK(a.write({large}).ok());
}

TEST_CASE("a batch that fails is reported to its writers, and its numbers become void everywhere",
          "[engine][node]") {
  TestNode a(1), b(2), c(3);
  TestNet net;
  net.connect(a, b);
  net.connect(b, c);
  net.run();
  a.fail_next();
  REQUIRE(a.write(events(1, 3)).ok());
  REQUIRE(a.write(events(10, 2)).ok());
  net.run();
  REQUIRE(a.written.size() == 2);
  CHECK_FALSE(a.written[0].status.ok());
  CHECK_THAT(a.written[0].status.error().text, Catch::Contains("the disk said no"));
  CHECK(a.written[1].status.ok());
  CHECK(a.counters().batches_failed == 1);
  for (const TestNode* const node : {&a, &b, &c}) {
    const StreamKnowledge* const known = node->node().knowledge().find(a.stream());
    REQUIRE(known != nullptr);
    CHECK(known->held() == IntervalSet({4, 5}));
    CHECK(known->voided() == IntervalSet({1, 3}));
    CHECK(known->missing().empty());
  }
  // The declaration was in the failed batch, and is stored all the same.
  CHECK(a.store().series(kTelemetry, std::nullopt)->size() == 1);
  CHECK(c.store().series(kTelemetry, std::nullopt)->size() == 1);
  CHECK((a.node().quiet() && b.node().quiet() && c.node().quiet()));
}

TEST_CASE("numbers that a crash left without a word become void at the next start", "[engine][node]") {
  TestNode a(1);
  a.hold_commits();
  a.fail_next();
  REQUIRE(a.write(events(1, 3)).ok());
  REQUIRE(a.write(events(10, 2)).ok());
  a.sync();     // The first batch fails, the second is stored.
  a.restart();  // Before the void is stored.
  a.release_commits();
  a.tick();
  const StreamKnowledge* const known = a.node().knowledge().find(a.stream());
  CHECK(known->voided() == IntervalSet({1, 3}));
  REQUIRE(a.write({event(20)}).ok());
  CHECK(a.held(a.stream()) == IntervalSet({4, 6}));
}

// Its number would otherwise be given to another series after the power cut, and peers would mix them up.
TEST_CASE("a stored event has its series declared, though the batch that declared it first has failed",
          "[engine][node]") {
  TestNode a(1);
  a.hold_commits();
  REQUIRE(a.write({event(1, 1.5, "first")}).ok());
  REQUIRE(a.write({event(2, 2.5, "first")}).ok());
  a.fail_next();
  a.sync();
  REQUIRE(a.held(a.stream()) == IntervalSet({2, 2}));
  a.restart();
  REQUIRE(a.write({event(3, 3.5, "second")}).ok());
  a.release_commits();
  std::map<std::string, SeriesNo> numbers;
  const auto declared = *a.store().series(kTelemetry, std::nullopt);
  for (const auto& series : declared) numbers[series.decl.name] = series.decl.number;
  REQUIRE(numbers.size() == 2);
  CHECK(numbers["first"] != numbers["second"]);
}

TEST_CASE("a number that was declared void is not used again, even after a restart", "[engine][node]") {
  TestNode a(1);
  a.fail_next();
  REQUIRE(a.write(events(1, 3)).ok());
  REQUIRE(a.node().knowledge().find(a.stream()) == nullptr);
  a.wait(limits::kFailedRetry);
  REQUIRE(a.node().knowledge().find(a.stream())->voided() == IntervalSet({1, 3}));
  a.restart();
  REQUIRE(a.write({event(20)}).ok());
  CHECK(a.held(a.stream()) == IntervalSet({4, 4}));
}

TEST_CASE("a restart continues the numbers after what is durable", "[engine][node]") {
  TestNode a(1);
  REQUIRE(a.write(events(1, 3)).ok());
  REQUIRE(a.put("valve", "open").ok());
  a.hold_commits();
  REQUIRE(a.write(events(10, 4)).ok());
  a.restart();  // The last write was lost with its numbers: nobody had seen them.
  a.release_commits();
  REQUIRE(a.write(events(20, 1)).ok());
  CHECK(a.held(a.stream()) == IntervalSet({1, 4}));
  CHECK(a.store().series(kTelemetry, std::nullopt)->size() == 1);
  CHECK(a.value("valve") == "open");
  REQUIRE(a.put("valve", "shut").ok());
  CHECK(a.value("valve") == "shut");
}

TEST_CASE("a put after a removal is there, on every node", "[engine][node]") {
  TestNode a(1), b(2);
  TestNet net;
  net.connect(a, b);
  REQUIRE(a.put("valve", "open").ok());
  net.run();
  REQUIRE(b.remove("valve").ok());
  net.run();
  CHECK(a.value("valve") == "(none)");
  CHECK(a.node().map(kSettings)->find_entry("valve")->tombstone);
  REQUIRE(a.put("valve", "half").ok());
  net.run();
  CHECK(b.value("valve") == "half");
}

TEST_CASE("a write made after seeing another wins, even fifty years behind", "[engine][node]") {
  TestNode a(1), b(2);
  b.now.wall -= kFiftyYears;
  TestNet net;
  net.connect(a, b);
  REQUIRE(a.put("valve", "first").ok());
  net.run();
  REQUIRE(b.value("valve") == "first");
  REQUIRE(b.put("valve", "second").ok());
  net.run();
  CHECK(a.value("valve") == "second");
  CHECK(b.value("valve") == "second");
  REQUIRE(a.put("valve", "third").ok());
  net.run();
  CHECK(b.value("valve") == "third");
}

TEST_CASE("two writes to one key win in their order though the clock jumps between them", "[engine][node]") {
  TestNode a(1), b(2);
  a.now.wall += kFiftyYears;
  TestNet net;
  net.connect(a, b);
  REQUIRE(a.put("valve", "from the future").ok());
  net.run();
  b.hold_commits();  // Neither is durable when the other is made.
  REQUIRE(b.put("valve", "second").ok());
  b.now.wall += 2 * kFiftyYears;
  REQUIRE(b.put("valve", "third").ok());
  b.release_commits();
  net.run();
  CHECK(b.value("valve") == "third");
  CHECK(a.value("valve") == "third");
}

}  // namespace deltamesh::test
