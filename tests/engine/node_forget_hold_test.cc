// tests/engine/node_forget_hold_test.cc - what might hold up rules for wrong data, or let something past
// them: pages of rules, knowledge that waits, stores that cannot be read.
#include "tests/engine/forget_fixture.h"
#include "tests/engine/passing_reader.h"

namespace deltamesh::test {
namespace {

// A store of which some cannot be read.
class FaultyReader final : public testing::PassingReader {
 public:
  using PassingReader::PassingReader;

  Result<std::vector<StoredBlock>> blocks_between(const StreamId& stream, Seq first, Ticks from, Ticks to,
                                                  std::size_t bytes_max) const override {
    if (stream == unreadable) return Error{ErrorCode::kIo, "the cable is out"};
    if (stream == damaged && first <= damaged_at) return Error{ErrorCode::kCorrupt, "block 2 is damaged"};
    return PassingReader::blocks_between(stream, first, from, to, bytes_max);
  }
  // Of the damaged block the end is, too.
  Result<std::vector<HeldBlock>> held_blocks(const StreamId& stream, Seq from,
                                             std::size_t blocks_max) const override {
    auto blocks = PassingReader::held_blocks(stream, from, blocks_max);
    for (std::size_t i = 0; blocks.ok() && i < blocks->size(); ++i)
      if (stream == damaged && (*blocks)[i].dots.first == damaged_at) (*blocks)[i].dots.last = last;
    return blocks;
  }

  std::optional<StreamId> unreadable, damaged;
  Seq damaged_at = 2, last = 2;
};

// The dots of all blocks that a node on `reader` writes anew at its start.
std::map<StreamId, IntervalSet> rewritten(const TestNode& of, const StoreReader& reader) {
  Node node(config(), *of.store().image(), reader);
  Instant now = of.now;
  std::map<StreamId, IntervalSet> dots;
  for (int i = 0; i < 50; ++i) {
    now.steady += microseconds(1);
    node.tick(now);
    const Effects effects = node.take_effects();
    for (const Batch& batch : effects.persist) {
      for (const StoredBlock& block : batch.rewritten) dots[block.stream].add(block.interval());
      node.durable(batch.id, now);
    }
  }
  return dots;
}

// What the rule is about is stored, and nothing has been looked at yet.
void rule_before_a_crash(TestNode& node, const ForgetRule& what) {
  node.hold_commits();
  REQUIRE(forget(node, what).ok());
  node.sync();
}

std::vector<std::string> keys_of_rules(int count) {
  std::vector<std::string> keys;
  for (int i = 0; i < count; ++i) keys.push_back(rule_key(rule(100 + 10 * i, 100 + 10 * i)));
  std::sort(keys.begin(), keys.end());
  return keys;
}

}  // namespace

TEST_CASE("a damaged end of a block hides no block behind it from the look for what rules name",
          "[engine][forget][damage]") {
  TestNode node(1);
  for (Ticks time = 1; time <= 4; ++time) REQUIRE(node.write(events(time, 1)).ok());
  rule_before_a_crash(node, rule());
  FaultyReader reader(node.store());
  reader.damaged = node.stream();
  reader.last = GENERATE(Seq{0}, Seq{1}, Seq{3}, Seq{1} << 40);
  CAPTURE(reader.last);
  CHECK(rewritten(node, reader)[node.stream()].includes(IntervalSet({3, 4})));
}

TEST_CASE("a stream that cannot be read holds up no other", "[engine][forget]") {
  TestNode node(1);
  TestNode other(2);
  REQUIRE(node.write(events(1, 2)).ok());
  REQUIRE(other.write(events(1, 2)).ok());
  TestNet net;
  net.connect(node, other);
  net.run();
  rule_before_a_crash(node, rule());
  FaultyReader reader(node.store());
  const bool own = GENERATE(true, false);
  reader.unreadable = own ? node.stream() : other.stream();
  const StreamId sound = own ? other.stream() : node.stream();
  const auto dots = rewritten(node, reader);
  CHECK(dots.contains(sound));
  CHECK_FALSE(dots.contains(*reader.unreadable));
}

TEST_CASE("rules of a page whose dots are scattered go before telemetry, too", "[engine][forget]") {
  TestNode node(1);
  REQUIRE(node.write(events(1, 3)).ok());
  ScriptedPeer giver(node, 2);
  giver.agree();
  message::MapDelta page = rule_delta(rules_stream(identity(77)), keys_of_rules(40));
  for (auto& entry : page.entries) entry.entry.version.dot.seq *= 2;
  page.knowledge.clear();
  page.last = false;
  giver.say(page);
  REQUIRE(giver.end().empty());
  REQUIRE(node.node().rules().size() == 40);
  giver.leave();  // The rest never comes.

  ScriptedPeer peer(node);
  peer.agree();
  const auto first = peer.hear();
  CHECK(only<message::Delta>(first).empty());
  std::size_t rules = 0;
  message::Ack ack;
  for (const auto& delta : only<message::MapDelta>(first)) {
    rules += delta.entries.size();
    if (delta.last) ack.map_deltas.push_back(delta.delta);
  }
  CHECK(rules == 40);
  peer.say(ack);
  CHECK(only<message::Delta>(peer.hear()).size() == 1);
}

TEST_CASE("a rule that is written anew between two pages of rules keeps no telemetry back",
          "[engine][forget]") {
  TestNode node(1);
  REQUIRE(node.write(events(1, 3)).ok());
  const std::string reason(limits::kRuleReasonBytesMax, 'x');
  for (int i = 0; i < 400; ++i) REQUIRE(forget(node, rule(100 + 10 * i, 100 + 10 * i), reason).ok());
  ScriptedPeer peer(node);
  auto hello = peer.hello();
  hello.credit = 1'000;
  peer.say(hello);
  peer.say(message::Frontier{});
  auto heard = peer.hear();
  const auto pages = only<message::MapDelta>(heard);
  REQUIRE(pages.size() == 1);
  REQUIRE_FALSE(pages[0].last);
  std::string last_key;
  for (const auto& [key, entry] : node.node().map(rules_map())->entries()) last_key = key;
  REQUIRE(forget(node, *parse_rule_key(last_key), "another reason").ok());
  std::size_t telemetry = 0;
  for (int i = 0; i < 20 && telemetry == 0; ++i) {
    message::Ack ack;
    ack.credit = 200'000;
    for (const auto& delta : only<message::MapDelta>(heard))
      if (delta.last) ack.map_deltas.push_back(delta.delta);
    peer.say(ack);
    REQUIRE(peer.end().empty());
    heard = peer.hear();
    telemetry = only<message::Delta>(heard).size();
  }
  CHECK(telemetry == 1);
}

}  // namespace deltamesh::test
