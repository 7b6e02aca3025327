// tests/engine/node_damage_test.cc - what cannot be read here and is with a peer comes back from there.
#include <catch2/catch.hpp>

#include "tests/engine/compare_fixture.h"

namespace deltamesh::test {
namespace {

// a writes, b has it too; whoever loses some gets it back when their sessions begin anew.
struct Trio {
  Trio() {
    for (Ticks time = 1; time <= 5; ++time) REQUIRE(a.write(events(10 * time, 3)).ok());
    connect(a, b);
  }
  void connect(TestNode& one, TestNode& other) {
    links.emplace_back(net.connect(one, other), &one, &other);
    net.run();
  }
  // As drivers do, until nobody ends one any more.
  void connect_anew() {
    for (int rounds = 0;; net.run()) {
      const std::size_t ended = a.closes.size() + b.closes.size() + c.closes.size();
      if (ended == 0) break;
      REQUIRE(++rounds < 10);
      a.closes.clear();
      b.closes.clear();
      c.closes.clear();
      for (auto& [peer, one, other] : links) {
        net.disconnect(peer);
        peer = net.connect(*one, *other);
      }
    }
  }
  [[nodiscard]] static bool reads_all(const TestNode& node, const StreamId& stream) {
    Seq next = 1;
    const auto blocks = node.store().blocks(stream, {1, 15}, 1 << 20);
    for (std::size_t i = 0; blocks.ok() && i < blocks->size(); ++i) {
      if ((*blocks)[i].first != next) return false;
      next = (*blocks)[i].interval().last + 1;
    }
    return next == 16;
  }

  TestNode a{1}, b{2}, c{3};
  TestNet net;
  std::vector<std::tuple<PeerId, TestNode*, TestNode*>> links;
};

}  // namespace

TEST_CASE("a damaged block that a peer has is taken anew, and goes to who asked for it",
          "[engine][node][damage]") {
  Trio trio;
  trio.b.damage(Dot{trio.a.stream(), 5});
  trio.b.restart();
  trio.connect_anew();
  const PeerId ab = std::get<0>(trio.links[0]);
  trio.net.disconnect(ab);
  trio.links.clear();
  trio.connect(trio.a, trio.b);
  trio.connect(trio.b, trio.c);
  CHECK(trio.b.counters().events_unreadable == 3);
  CHECK_FALSE(trio.b.closes.empty());
  trio.connect_anew();
  CHECK(trio.b.counters().events_taken_anew == 3);
  CHECK(Trio::reads_all(trio.b, trio.a.stream()));
  CHECK(Trio::reads_all(trio.c, trio.a.stream()));
}

TEST_CASE("a writer gets back what was damaged of its own stream, and nothing that it has",
          "[engine][node][damage]") {
  Trio trio;
  trio.a.damage(5);
  trio.a.damage(14);
  trio.a.restart();
  trio.links.clear();
  trio.connect(trio.a, trio.b);
  trio.connect(trio.a, trio.c);
  trio.connect(trio.b, trio.c);
  trio.connect_anew();
  CHECK(trio.a.counters().events_taken_anew == 6);
  CHECK(trio.a.counters().events_received == 6);
  CHECK(trio.a.counters().redundant_events == 0);
  CHECK(Trio::reads_all(trio.a, trio.a.stream()));
  CHECK(Trio::reads_all(trio.c, trio.a.stream()));
  REQUIRE(trio.a.write(events(100, 3)).ok());
  trio.net.run();
  CHECK(trio.b.held(trio.a.stream()) == IntervalSet({1, 18}));
  CHECK(trio.c.held(trio.a.stream()) == IntervalSet({1, 18}));
  CHECK(trio.a.counters().redundant_events == 0);
}

TEST_CASE("a block that nobody else has stays where it is, damaged as it is", "[engine][node][damage]") {
  TestNode a(1), b(2);
  REQUIRE(a.write(events(10, 3)).ok());
  a.damage(2);
  a.restart();
  TestNet net;
  net.connect(a, b);
  net.run();
  CHECK(a.counters().events_unreadable == 3);
  CHECK(a.counters().events_taken_anew == 0);
  CHECK(a.held(a.stream()) == IntervalSet({1, 3}));
  CHECK(a.store().held_blocks(a.stream(), 1, 9)->size() == 1);
  CHECK(a.closes.empty());
}

TEST_CASE("what a writer lost stays known to be lost until it comes back, also over a restart",
          "[engine][node][damage]") {
  Trio trio;
  trio.a.damage(5);
  trio.a.restart();
  trio.links.clear();
  trio.connect(trio.a, trio.b);
  trio.connect(trio.a, trio.c);
  CHECK(trio.a.counters().events_taken_anew == 3);
  trio.a.restart();
  const StreamKnowledge& known = *trio.a.node().knowledge().find(trio.a.stream());
  CHECK(known.lost() == IntervalSet({4, 6}));
  CHECK(known.head() == 15);
  trio.links.clear();
  trio.connect(trio.a, trio.b);
  CHECK(Trio::reads_all(trio.a, trio.a.stream()));
  CHECK(trio.a.node().knowledge().find(trio.a.stream())->voided().empty());
}

TEST_CASE("many damaged blocks are found one by one, and come back together or not at all",
          "[engine][node][damage]") {
  const bool has_them = GENERATE(true, false);
  TestNode a(1), b(2), c(3);
  for (Ticks time = 1; time <= 400; ++time) REQUIRE(a.write(events(time, 1)).ok());
  TestNet net;
  PeerId ab = net.connect(a, b);
  net.run();
  for (Seq seq = 1; seq <= 400; seq += 2) a.damage(seq);
  if (!has_them) net.disconnect(ab);
  a.restart();
  if (has_them) {
    net.disconnect(ab);
    ab = net.connect(a, b);
    net.run();
  }
  net.connect(a, c);
  net.run();
  CHECK(a.counters().events_unreadable == 200);
  CHECK(a.counters().events_taken_anew == (has_them ? 200 : 0));
  CHECK(c.held(a.stream()).size() == 200);
  if (!has_them) return;
  net.disconnect(ab);
  net.connect(a, b);
  net.run();
  CHECK(a.held(a.stream()) == IntervalSet({1, 400}));
  CHECK(c.held(a.stream()) == IntervalSet({1, 400}));
}

TEST_CASE("sessions with those who have nothing of a damaged block go on", "[engine][node][damage]") {
  Trio trio;
  trio.b.damage(Dot{trio.a.stream(), 5});
  trio.b.restart();
  trio.links.clear();
  trio.connect(trio.a, trio.b);
  trio.b.closes.clear();
  trio.connect(trio.b, trio.c);
  CHECK(trio.b.closes.size() == 1);
  CHECK(trio.b.node().sessions().size() == 1);
  CHECK(trio.c.closes.empty());
}

TEST_CASE("a writer gets back what its peer lacked, too, when they met knowing the same",
          "[engine][node][damage]") {
  TestNode writer(1), peer(2);
  REQUIRE(writer.write(events(1, 9)).ok());
  TestNet net;
  const PeerId first = net.connect(writer, peer);
  net.run();
  net.disconnect(first);
  // As a store says it that has taken D out, and lost it.
  for (TestNode* const node : {&writer, &peer}) node->miss({writer.stream(), {1, 9}});
  net.connect(writer, peer);
  net.run();
  CHECK(writer.held(writer.stream()).empty());
  ScriptedPeer source(peer, 77);
  source.agree();
  message::Delta back = source.delta(1, 9);
  back.ref.stream = writer.stream();
  source.say(back);
  net.run();
  CHECK(peer.held(writer.stream()) == IntervalSet({1, 9}));
  CHECK(writer.held(writer.stream()) == IntervalSet({1, 9}));
}

TEST_CASE("a head as high as numbers go asks for nothing back", "[engine][node][damage][hostile]") {
  TestNode node(1);
  ScriptedPeer peer(node);
  peer.say(peer.hello());
  peer.say(message::Frontier{{{{0, peer.stream()}, {}, {}, limits::kSeqMax, 0, {}, {}}}, true, {}});
  CHECK(peer.end().empty());
  CHECK(node.node().sessions().size() == 1);
}

TEST_CASE("a block of which peers have a part only stays where it is", "[engine][node][damage]") {
  TestNode a(1);
  REQUIRE(a.write(events(10, 3)).ok());
  a.damage(2);
  a.restart();
  ScriptedPeer peer(a);
  peer.say(peer.hello());
  peer.say(message::Frontier{{{{0, a.stream()}, IntervalSet({1, 2}), {}, 3, 3, {}, {}}}, true, {}});
  CHECK(a.counters().events_unreadable == 3);
  CHECK(a.counters().events_taken_anew == 0);
  CHECK(a.counters().batches_failed == 0);
  CHECK(a.held(a.stream()) == IntervalSet({1, 3}));
}

TEST_CASE("a scrub that cannot read, or finds that there is nothing to read, has it brought anew",
          "[engine][node][damage][scrub]") {
  const bool lost = GENERATE(false, true);
  Two two(scrubbing());
  two.give_both(3'000);
  const StreamId stream = two.to_a.stream();
  const PeerId link = two.link();
  const Dot dot{stream, 1'500};
  lost ? two.a.lose(dot) : two.a.damage(dot);
  for (int passes = 0; two.a.closes.empty() && passes < 12; ++passes) pass(two, 1);
  REQUIRE(two.a.closes.size() == 1);
  CHECK_THAT(two.a.closes[0].reason, Catch::Contains("damaged, and taken anew"));
  CHECK(two.a.held(stream).size() == 2'000);
  two.net.disconnect(link);
  two.net.connect(two.a, two.b);
  two.net.run();
  CHECK(two.a.counters().events_taken_anew == 1'000);
  CHECK(two.a.held(stream) == IntervalSet({1, 3'000}));
  CHECK(two.a.store().blocks(stream, {1, 3'000}, 1 << 20)->size() == 3);
}

TEST_CASE("damage that cannot be given up is passed over, and the session goes on",
          "[engine][node][damage]") {
  Trio trio;
  trio.b.damage(Dot{trio.a.stream(), 5});
  trio.b.restart();
  trio.links.clear();
  trio.connect(trio.a, trio.b);
  trio.b.fail_next();
  trio.connect(trio.b, trio.c);
  CHECK(trio.b.counters().batches_failed == 1);
  CHECK(trio.b.counters().events_taken_anew == 0);
  CHECK(trio.c.held(trio.a.stream()) == IntervalSet({1, 15}).minus(IntervalSet({4, 6})));
  CHECK(trio.b.closes.empty());
}

}  // namespace deltamesh::test
