// tests/engine/node_hello_test.cc - who may not talk to whom: each refusal names both values, and no data
// flows.
#include <catch2/catch.hpp>

#include "tests/engine/node_fixture.h"

namespace deltamesh::test {
namespace {

struct Row {
  const char* what;
  void (*change)(message::Hello&);
  std::vector<std::string> named;
};

const std::vector<Row> kRefused = {
    {"fleet",
     [](message::Hello& h) { h.fleet.bytes.fill(0xf2); },
     {"fleet f2f2f2f2f2f2f2f2f2f2f2f2f2f2f2f2", "f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1"}},
    {"protocol version",
     [](message::Hello& h) { h.version_min = 3, h.version_max = 4; },
     {"3 to 4", "0 on the other"}},
    {"dataset missing", [](message::Hello& h) { h.datasets.pop_back(); }, {"settings is map", "missing"}},
    {"dataset unknown here",
     [](message::Hello& h) { h.datasets.push_back({"extra"}); },
     {"extra", "missing"}},
    {"dataset kind",
     [](message::Hello& h) { h.datasets[0].kind = DatasetKind::kMap; },
     {"telemetry in ms", "map of class metric"}},
    {"resolution",
     [](message::Hello& h) { h.datasets[0].resolution = Resolution::kNanoseconds; },
     {"in ms", "in ns"}},
    {"class",
     [](message::Hello& h) { h.datasets[0].cls = StreamClass::kAlarm; },
     {"class metric", "class alarm"}},
    {"block codec", [](message::Hello& h) { h.codecs = {7}; }, {"codecs 7", "0 is written"}},
    {"identity", [](message::Hello& h) { h.identity = identity(1); }, {"both sides are node 0101"}},
};

}  // namespace

TEST_CASE("a HELLO that does not match is refused with both values named, before data flows",
          "[engine][node]") {
  TestNode a(1);
  REQUIRE(a.write(events(1, 3)).ok());
  REQUIRE(a.put("valve", "open").ok());
  for (const Row& row : kRefused) {
    CAPTURE(row.what);
    a.closes.clear();
    ScriptedPeer peer(a);
    auto hello = peer.hello();
    row.change(hello);
    const std::uint64_t refused = a.counters().handshakes_refused;
    peer.say(hello);
    for (const auto& name : row.named) CHECK_THAT(peer.end(), Catch::Contains(name));
    CHECK(a.counters().handshakes_refused == refused + 1);
    const auto said = peer.hear();
    REQUIRE(said.size() == 2);
    CHECK(std::holds_alternative<message::Hello>(said[0]));
    CHECK(only<message::Goodbye>(said).at(0).text == peer.end());
    CHECK(only<message::Goodbye>(said).at(0).code == ErrorCode::kMismatch);
  }
  CHECK(a.node().sessions().empty());
}

TEST_CASE("two nodes with one identity both refuse each other", "[engine][node]") {
  TestNode a(1), copy(1);
  TestNet net;
  const PeerId peer = net.connect(a, copy);
  net.run();
  CHECK(a.node().sessions().empty());
  CHECK(copy.node().sessions().empty());
  CHECK(a.closes.at(0).peer == peer);
  CHECK(copy.closes.at(0).peer == peer);
}

TEST_CASE("a peer that knows more of a node than the node itself is told that the store is an old copy",
          "[engine][node]") {
  TestNode a(1), b(2);
  TestNet net;
  net.connect(a, b);
  REQUIRE(a.write(events(1, 5)).ok());
  net.run();
  TestNode restored(1);  // Same node and incarnation, and an empty store.
  net.connect(restored, b);
  net.run();
  REQUIRE(restored.closes.size() == 1);
  CHECK_THAT(restored.closes[0].reason, Catch::Contains("holds event 5") && Catch::Contains("written 0"));
  CHECK(restored.node().sessions().empty());
  CHECK(restored.rolled_back == std::vector<std::string>{restored.closes[0].reason});
  net.connect(restored, b);
  net.run();
  CHECK(restored.rolled_back.size() == 1);  // Once is enough for its driver.
}

TEST_CASE("a peer that says no HELLO in time loses the session", "[engine][node]") {
  TestNode a(1);
  ScriptedPeer peer(a);
  a.now.steady += limits::kHandshake;
  REQUIRE(a.wake_at.has_value());
  CHECK(*a.wake_at <= a.now.steady);
  a.tick();
  CHECK_THAT(peer.end(), Catch::Contains("no HELLO within 10 s"));
}

TEST_CASE("a frontier may take longer than a HELLO, as long as the peer is heard", "[engine][node]") {
  TestNode a(1);
  ScriptedPeer peer(a);
  peer.say(peer.hello());
  for (int page = 0; page < 5; ++page) {
    a.wait(limits::kHandshake - seconds(1));
    peer.say(message::Frontier{{}, false, {}});
  }
  peer.say(message::Frontier{});
  CHECK(peer.end() == "");
  CHECK(a.node().sessions().at(0).phase == SessionPhase::kLive);
}

}  // namespace deltamesh::test
