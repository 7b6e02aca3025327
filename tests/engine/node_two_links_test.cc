// tests/engine/node_two_links_test.cc - two links between the same nodes of which each believes another to
// lead.
//
// The newest link carries the data; frames that cross can make that a different one at either end.
#include <catch2/catch.hpp>

#include "tests/engine/node_fixture.h"

namespace deltamesh::test {
namespace {

struct CrossedLinks {
  CrossedLinks() {
    writer.agree();
    writer.say(writer.delta(1, 1));
    for (const PeerId link : {first, second}) {
      a.opened(link);
      b.opened(link);
    }
    for (const PeerId link : {first, second}) {
      carry(a, b, link);  // HELLO
      carry(b, a, link);
    }
    // Frontiers: a goes live on the first link, then on the second; b the other way round.
    for (const PeerId link : {first, second}) carry(b, a, link);
    for (const PeerId link : {second, first}) carry(a, b, link);
    run();
  }

  static bool carry(TestNode& from, TestNode& to, PeerId link) {
    std::deque<Send> others;
    bool carried = false;
    for (auto& send : std::exchange(from.frames, {})) {
      if (send.peer != link) {
        others.push_back(std::move(send));
        continue;
      }
      to.received(link, *send.frame);
      carried = true;
    }
    for (auto& send : from.frames) others.push_back(std::move(send));
    from.frames = std::move(others);
    return carried;
  }
  void run() {
    for (bool carried = true; carried;) {
      carried = false;
      for (const PeerId link : {first, second}) {
        carried |= carry(a, b, link);
        carried |= carry(b, a, link);
      }
    }
  }

  const PeerId first{1}, second{2};
  TestNode a{1}, b{2};
  ScriptedPeer writer{a};
};

}  // namespace

TEST_CASE("news on a link that the hearer does not take for the leading one is followed all the same",
          "[engine][node][source]") {
  CrossedLinks net;
  REQUIRE(net.b.held(net.writer.stream()) == IntervalSet({1, 1}));
  net.writer.say(named_before(net.writer.delta(2, 1)));
  net.run();
  net.b.wait(limits::kLate);
  net.run();
  CHECK(net.b.held(net.writer.stream()) == IntervalSet({1, 2}));
  CHECK(net.b.node().quiet());
}

}  // namespace deltamesh::test
