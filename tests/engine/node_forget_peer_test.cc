// tests/engine/node_forget_peer_test.cc - rules between nodes: nothing that they name comes in, goes out or
// stays, in whatever order rules and data travel; and nobody takes one for a fork.
#include "tests/engine/forget_fixture.h"

namespace deltamesh::test {
namespace {

// Until nobody has anything more to say, and all is looked through.
void settle(TestNet& net, const std::vector<TestNode*>& nodes) {
  for (int i = 0; i < 50; ++i) {
    net.run();
    for (TestNode* const node : nodes) node->wait(std::chrono::milliseconds(100));
  }
  net.run();
}

std::size_t deltas(const std::vector<Message>& said) {
  return only<message::Delta>(said).size();
}

// Acknowledges the deltas of maps that were heard.
void acknowledge_maps(ScriptedPeer& peer, const std::vector<Message>& heard) {
  message::Ack ack;
  for (const auto& delta : only<message::MapDelta>(heard)) ack.map_deltas.push_back(delta.delta);
  peer.say(ack);
}

std::string picture_of(const message::Delta& delta) {
  return picture(*decode_block(delta.block, limits::kBlock));
}

// What `node` says in its HELLO of the last cell of its stream.
Bytes last_cell(TestNode& node) {
  ScriptedPeer peer(node, 98);
  const auto hello = only<message::Hello>(peer.hear());
  peer.leave();
  REQUIRE(hello.size() == 1);
  for (const auto& own : hello[0].own)
    if (own.stream.dataset == kTelemetry) return own.last_cell;
  return {};
}

}  // namespace

TEST_CASE("a rule reaches every node, and each removes what it names", "[engine][forget]") {
  TestNode a(1), b(2), c(3);
  TestNet net;
  net.connect(a, b);
  net.connect(b, c);
  REQUIRE(a.write(events(1, 10)).ok());
  REQUIRE(c.write(events(21, 10)).ok());
  settle(net, {&a, &b, &c});
  REQUIRE(forget(b, rule(5, 25)).ok());
  settle(net, {&a, &b, &c});
  for (TestNode* const node : {&a, &b, &c}) {
    CHECK_FALSE(node->node().is_forgetting());
    CHECK(picture(*node, a.stream()) == "vvvv......");
    CHECK(picture(*node, c.stream()) == ".....vvvvv");
    CHECK(node->node().rules() == b.node().rules());
  }
}

TEST_CASE("a block that comes after the rule is stored and passed on without what it names",
          "[engine][forget]") {
  TestNode relay(1);
  REQUIRE(forget(relay, rule(kTimeOpenFrom, kTimeOpenTo, "pump/pressure")).ok());
  ScriptedPeer from(relay, 50), to(relay, 60);
  from.agree();
  to.agree();
  acknowledge_maps(to, to.hear());
  relay.hold_commits();
  from.say(from.delta(1, 5));
  const auto passed = only<message::Delta>(to.hear());
  REQUIRE(passed.size() == 1);
  CHECK(picture_of(passed[0]) == ".....");
  CHECK(passed[0].events == 5);
  relay.release_commits();
  CHECK(picture(relay, from.stream()) == ".....");
}

TEST_CASE("a peer gets no telemetry before it has the rules that are in effect here", "[engine][forget]") {
  TestNode node(1);
  REQUIRE(node.write(events(1, 5)).ok());
  REQUIRE(forget(node, rule(2, 3)).ok());
  ScriptedPeer peer(node);
  peer.agree();
  const auto first = peer.hear();
  CHECK(only<message::MapDelta>(first).size() == 1);
  CHECK(deltas(first) == 0);
  SECTION("it acknowledges them") {
    acknowledge_maps(peer, first);
    const auto then = only<message::Delta>(peer.hear());
    REQUIRE(then.size() == 1);
    CHECK(picture_of(then[0]) == "v..vv");
  }
  SECTION("it leaves, and has them when it comes again") {
    peer.leave();
    ScriptedPeer again(node);
    again.say(again.hello());
    message::Frontier knows;
    const StreamId stream = rules_stream({node.stream().node, node.stream().incarnation});
    knows.entries.push_back({{0, stream}, IntervalSet({1, 1}), {}, 1, 1});
    again.say(knows);
    CHECK(deltas(again.hear()) == 1);
  }
  SECTION("a later rule makes it wait again") {
    acknowledge_maps(peer, first);
    peer.hear();
    REQUIRE(forget(node, rule(5, 5)).ok());
    REQUIRE(node.write(events(6, 1)).ok());
    const auto later = peer.hear();
    CHECK(deltas(later) == 0);
    acknowledge_maps(peer, later);
    CHECK(deltas(peer.hear()) == 1);
  }
}

TEST_CASE("rules that a peer wrote itself it need not be sent", "[engine][forget]") {
  TestNode node(1);
  REQUIRE(node.write(events(1, 3)).ok());
  ScriptedPeer peer(node);
  peer.agree();
  peer.hear();
  peer.say(rule_delta(rules_stream(identity(99)), {rule_key(rule(2, 2))}));
  CHECK(node.node().rules().size() == 1);
  REQUIRE(node.write(events(4, 1)).ok());
  CHECK(deltas(peer.hear()) == 1);
}

TEST_CASE("rules that a peer wrote itself and others brought here make nobody wait", "[engine][forget]") {
  TestNode node(1);
  ScriptedPeer writer(node), other(node, 50);
  writer.agree();
  other.agree();
  writer.hear();
  other.say(rule_delta(rules_stream(identity(99)), {rule_key(rule(2, 2))}));
  REQUIRE(node.node().rules().size() == 1);
  REQUIRE(node.write(events(1, 3)).ok());
  const auto heard = only<message::Delta>(writer.hear());
  REQUIRE(heard.size() == 1);
  CHECK(picture_of(heard[0]) == "v.v");
}

TEST_CASE("whatever order a relay stores rules and data in, nothing stays for good that a rule names",
          "[engine][forget][relay]") {
  // a writes, the relay stands between, c gets it all.
  const int order = GENERATE(range(0, 4));
  CAPTURE(order);
  TestNode a(1), relay(2), c(3);
  TestNet net;
  net.connect(a, relay);
  net.connect(relay, c);
  REQUIRE(a.write(events(1, 3)).ok());
  settle(net, {&a, &relay, &c});
  relay.hold_commits();
  if (order == 0) {  // The rule first, and then data that does not know of it.
    REQUIRE(forget(c, rule()).ok());
    net.step();
    REQUIRE(a.write(events(4, 3)).ok());
  } else if (order == 1) {
    REQUIRE(a.write(events(4, 3)).ok());
    net.step();
    REQUIRE(forget(c, rule()).ok());
  } else if (order == 2) {  // Both on their way to the relay at once.
    REQUIRE(a.write(events(4, 3)).ok());
    REQUIRE(forget(c, rule()).ok());
  } else {  // The relay writes it, and passes blocks on while it is not durable there.
    REQUIRE(forget(relay, rule()).ok());
    REQUIRE(a.write(events(4, 3)).ok());
  }
  for (int i = 0; i < 5; ++i) net.step();
  relay.release_commits();
  settle(net, {&a, &relay, &c});
  for (TestNode* const node : {&a, &relay, &c}) {
    CHECK(picture(*node, a.stream()) == "......");
    CHECK(node->node().rules().size() == 1);
    CHECK_FALSE(node->node().is_forgetting());
  }
  CHECK(a.rolled_back.empty());
}

TEST_CASE("a relay that learns a rule while it passes blocks on leaves nothing unfiltered behind it",
          "[engine][forget][relay]") {
  TestNode relay(1);
  ScriptedPeer from(relay, 50), to(relay, 60), ruler(relay, 70);
  for (ScriptedPeer* const peer : {&from, &to, &ruler}) peer->agree();
  to.hear();
  relay.hold_commits();
  ruler.say(
      rule_delta(rules_stream(identity(70)), {rule_key(rule(kTimeOpenFrom, kTimeOpenTo, "pump/pressure"))}));
  from.say(from.delta(1, 4));  // The rule is not durable here: it goes on as it came,
  const auto early = only<message::Delta>(to.hear());
  REQUIRE(early.size() == 1);
  CHECK(picture_of(early[0]) == "vvvv");
  relay.release_commits();
  const auto heard = to.hear();  // and the rule follows it.
  CHECK(only<message::MapDelta>(heard).size() == 1);
  CHECK(picture(relay, from.stream()) == "....");
}

TEST_CASE("blocks in memory go out without what a rule names", "[engine][forget]") {
  TestNode node(1);
  ScriptedPeer peer(node);
  auto hello = peer.hello();
  hello.credit = 0;  // They wait for credit.
  peer.say(hello);
  peer.say(message::Frontier{});
  REQUIRE(node.write(events(1, 4)).ok());
  node.hold_commits();
  REQUIRE(forget(node, rule(2, 3)).ok());
  node.sync();  // In effect, and nothing is written anew yet.
  message::Ack credit;
  credit.credit = 1u << 20;
  peer.say(credit);
  auto heard = peer.hear();
  acknowledge_maps(peer, heard);
  heard = peer.hear();
  REQUIRE(deltas(heard) == 1);
  CHECK(picture_of(only<message::Delta>(heard)[0]) == "v..v");
}

TEST_CASE("a block that comes before the name of its series is looked at once that is known",
          "[engine][forget]") {
  TestNode node(1);
  REQUIRE(forget(node, rule(kTimeOpenFrom, kTimeOpenTo, "pump/pressure")).ok());
  obey(node);
  ScriptedPeer peer(node);
  peer.agree();
  auto delta = peer.delta(1, 3);
  const auto names = std::exchange(delta.declarations, {});
  peer.say(delta);
  CHECK(picture(node, peer.stream()) == "vvv");
  const bool crashes = GENERATE(false, true);
  if (crashes) node.hold_commits();
  peer.say(message::SeriesGiven{peer.stream(), names});
  if (crashes) {
    node.sync();  // The name is durable, what was written anew is not.
    node.restart();
    node.release_commits();
    CHECK(node.node().is_forgetting());
  }
  obey(node);
  CHECK(picture(node, peer.stream()) == "...");
}

TEST_CASE("a block that is fetched anew from a peer obeys the rules", "[engine][forget][damage]") {
  TestNode a(1), b(2);
  TestNet net;
  net.connect(a, b);
  REQUIRE(a.write(events(1, 4)).ok());
  settle(net, {&a, &b});
  b.miss({a.stream(), {1, 4}});
  REQUIRE(forget(b, rule(2, 3)).ok());
  obey(b);
  TestNet again;
  again.connect(a, b);
  settle(again, {&a, &b});
  CHECK(b.held(a.stream()) == IntervalSet({1, 4}));
  CHECK(picture(b, a.stream()) == "v..v");
  CHECK(picture(a, a.stream()) == "v..v");
}

TEST_CASE("rules of strangers break nothing, and those that are none are counted",
          "[engine][forget][hostile]") {
  TestNode node(1);
  REQUIRE(node.write(events(1, 3)).ok());
  ScriptedPeer peer(node);
  peer.agree();
  SECTION("keys that are no rules") {
    peer.say(
        rule_delta(rules_stream(identity(99)), {"nonsense", "room/temperature telemetry 2", "a b c d e"}));
    CHECK(peer.end().empty());
    CHECK(node.counters().rules_refused == 3);
    CHECK(node.node().rules().empty());
    CHECK(picture(node, node.stream()) == "vvv");
    node.restart();
    CHECK(node.counters().rules_refused == 3);
  }
  SECTION("a rule that was removed is there all the same") {
    peer.say(rule_delta(rules_stream(identity(99)), {rule_key(rule(2, 2))}, ""));
    obey(node);
    CHECK(picture(node, node.stream()) == "v.v");
    CHECK(list_rules(node.store())->at(0).note == RuleNote{});
  }
  SECTION("a rule for a dataset that is not here") {
    peer.say(rule_delta(rules_stream(identity(99)), {rule_key({"elsewhere", "room/temperature"})}));
    CHECK(node.node().rules().size() == 1);
    CHECK_FALSE(node.node().is_forgetting());
    CHECK(picture(node, node.stream()) == "vvv");
  }
  SECTION("a thousand rules at once") {
    std::vector<std::string> keys;
    for (Ticks i = 0; i < 1'000; ++i) keys.push_back(rule_key(rule(2 + i * 10, 2 + i * 10)));
    std::sort(keys.begin(), keys.end());
    peer.say(rule_delta(rules_stream(identity(99)), keys));
    obey(node);
    CHECK(node.node().rules().size() == 1'000);
    CHECK(picture(node, node.stream()) == "v.v");
  }
  SECTION("more beside a rule than there may be") {
    peer.say(rule_delta(rules_stream(identity(99)), {rule_key(rule(2, 2))},
                        std::string(limits::kRuleNoteBytesMax + 1, 'x')));
    CHECK_THAT(peer.end(), Catch::Contains("a rule has at most 1024 bytes beside it"));
    CHECK(node.node().rules().empty());
  }
  SECTION("words on forgetting the rules") {
    peer.say(message::Floor{rules_map(), {{1ull << 40}, {}, false}});
    CHECK_THAT(peer.end(), Catch::Contains("rules are never forgotten"));
  }
  SECTION("a HELLO that lists the map") {
    ScriptedPeer other(node, 55);
    auto hello = other.hello();
    hello.datasets.push_back({"$rules", DatasetKind::kMap});
    other.say(hello);
    CHECK_THAT(other.end(), Catch::Contains("$rules"));
  }
}

// --- Forks -----------------------------------------------------------------------------------------------

TEST_CASE("fingerprints in HELLO are equal before and after what rules remove is gone",
          "[engine][forget][fork]") {
  TestNode node(1);
  REQUIRE(node.write(events(1, 6)).ok());
  const Bytes whole = last_cell(node);
  REQUIRE(whole.size() == 16);
  node.hold_commits();
  REQUIRE(forget(node, rule(2, 4)).ok());
  node.sync();
  REQUIRE(picture(node, node.stream()) == "vvvvvv");
  const Bytes before = last_cell(node);
  node.release_commits();
  obey(node);
  REQUIRE(picture(node, node.stream()) == "v...vv");
  CHECK(before == last_cell(node));
  CHECK(before != whole);
}

TEST_CASE("where rules differ nobody is taken for a fork; where they are the same, one is found",
          "[engine][forget][fork]") {
  TestNode writer(1), holder(2);
  TestNet net;
  const PeerId link = net.connect(writer, holder);
  REQUIRE(writer.write(events(1, 6)).ok());
  settle(net, {&writer, &holder});
  net.disconnect(link);
  // The holder learns the rule alone, and has rewritten what it holds.
  REQUIRE(forget(holder, rule(2, 4)).ok());
  obey(holder);
  const PeerId second = net.connect(writer, holder);
  settle(net, {&writer, &holder});
  CHECK(holder.counters().forks_found == 0);
  CHECK(writer.rolled_back.empty());
  CHECK(picture(writer, writer.stream()) == "v...vv");
  net.disconnect(second);
  net.connect(writer, holder);
  settle(net, {&writer, &holder});
  CHECK(holder.counters().forks_found == 0);
  CHECK(writer.rolled_back.empty());

  ScriptedPeer copy(holder, 1);
  auto hello = copy.hello();
  hello.identity = {writer.stream().node, writer.stream().incarnation};
  hello.own = {{writer.stream(), 6, Bytes(16, std::byte{1})}};
  SECTION("other rules") {
    hello.rules = Bytes(16, std::byte{5});
    copy.say(hello);
    CHECK(holder.counters().forks_found == 0);
    CHECK(copy.end().empty());
  }
  SECTION("the same rules") {
    hello.rules = holder.node().rules().digest();
    copy.say(hello);
    CHECK(holder.counters().forks_found == 1);
  }
}

TEST_CASE("of three nodes, none takes another for a fork while a rule goes round", "[engine][forget][fork]") {
  TestNode writer(1), relay(2), holder(3);
  TestNet net;
  const PeerId first = net.connect(writer, relay);
  settle(net, {&writer, &relay});
  REQUIRE(writer.write(events(1, 6)).ok());
  settle(net, {&writer, &relay});
  net.disconnect(first);
  REQUIRE(forget(relay, rule(2, 4)).ok());
  obey(relay);
  // The holder gets what the relay has left, and cannot store the rule for now.
  const PeerId link = net.connect(relay, holder);
  holder.hold_commits();
  for (int i = 0; i < 10; ++i) net.step();
  holder.restart();
  holder.release_commits();
  net.disconnect(link);
  net.connect(writer, holder);
  settle(net, {&writer, &holder});
  CHECK(holder.counters().forks_found == 0);
  CHECK(writer.rolled_back.empty());
}

}  // namespace deltamesh::test
