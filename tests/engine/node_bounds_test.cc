// tests/engine/node_bounds_test.cc - what peers, full disks and damaged stores may cost a node is bounded.
#include <catch2/catch.hpp>

#include "tests/engine/node_fixture.h"

namespace deltamesh::test {
namespace {

// Every second number from `first` on, `count` of them.
IntervalSet sparse(Seq first, std::size_t count) {
  IntervalSet out;
  for (std::size_t i = 0; i < count; ++i) out.add({first + 2 * i, first + 2 * i});
  return out;
}

constexpr std::size_t kText = 10'000;

// One event of a text so long that a few fill a small credit.
message::Delta wide_delta(const ScriptedPeer& peer, Seq seq) {
  message::Delta out = peer.delta(seq, 1);
  std::vector<Event> one(1);
  one[0].time = static_cast<Ticks>(seq);
  one[0].readings = {{1, std::string(kText, static_cast<char>('a' + seq % 26))}};
  out.declarations = {{1, "pump/log", "", ValueType::kString}};
  out.block = *encode_block(one, limits::kBlock);
  return out;
}

// Says `from`, `from` + 1, ... while the session lives and `bytes` last; the next number.
Seq say_wide(ScriptedPeer& peer, Seq from, std::int64_t bytes) {
  bool named = false;
  while (bytes > 0 && peer.end().empty()) {
    message::Delta delta = wide_delta(peer, from++);
    if (std::exchange(named, true)) delta.ref.stream.reset();
    bytes -= static_cast<std::int64_t>(encode(delta).size());
    peer.say(delta);
  }
  return from;
}

std::uint32_t credit_in(const std::vector<Message>& said) {
  std::uint32_t sum = 0;
  for (const auto& hello : only<message::Hello>(said)) sum += hello.credit;
  for (const auto& ack : only<message::Ack>(said)) sum += ack.credit;
  return sum;
}

NodeConfig small() {
  NodeConfig out = config();
  out.credit_bytes = 100'000;
  out.receive_bytes_max = 200'000;
  return out;
}

}  // namespace

TEST_CASE("what a peer tells in many frames adds up to no more than in one", "[engine][node]") {
  const bool map = GENERATE(false, true);
  TestNode a(1);
  ScriptedPeer peer(a);
  peer.agree();
  message::Frontier frontier;
  message::StreamRef ref{0, map ? peer.map_stream() : peer.stream()};
  for (Seq page = 0; page < 2; ++page) {
    REQUIRE(peer.end() == "");
    const IntervalSet held = sparse(1 + page * 4 * limits::kIntervalsMax, limits::kIntervalsMax);
    frontier.entries = {{ref, held, {}, held.last(), 0}};
    peer.say(frontier);
    ref.stream.reset();
  }
  CHECK_THAT(peer.end(), Catch::Contains("runs of numbers in one stream"));
}

TEST_CASE("voids in many frames add up to no more than in one, and harm no write of ours", "[engine][node]") {
  TestNode a(1);
  ScriptedPeer peer(a);
  peer.agree();
  message::StreamRef ref{0, peer.stream()};
  for (Seq page = 0; page < 2; ++page) {
    REQUIRE(peer.end() == "");
    const IntervalSet voided = sparse(1 + page * 4 * limits::kIntervalsMax, limits::kIntervalsMax);
    message::Frontier frontier;
    frontier.entries = {{ref, {}, voided, voided.last(), 0}};
    peer.say(frontier);
    ref.stream.reset();
  }
  CHECK_THAT(peer.end(), Catch::Contains("runs of numbers in one stream"));
  REQUIRE(a.write(events(1, 2)).ok());
  CHECK(a.held(a.stream()) == IntervalSet({1, 2}));
}

TEST_CASE("what a frontier told is tried again after a failure, apart from writes of ours",
          "[engine][node]") {
  TestNode a(1);
  ScriptedPeer peer(a);
  peer.agree();
  message::Frontier frontier;
  frontier.entries = {{{0, peer.stream()}, {}, IntervalSet({2, 3}), 9, 9}};
  a.fail_next();
  peer.say(frontier);
  CHECK(a.node().knowledge().find(peer.stream()) == nullptr);
  a.wait(limits::kFailedRetry);
  const StreamKnowledge* const known = a.node().knowledge().find(peer.stream());
  REQUIRE(known != nullptr);
  CHECK(known->head() == 9);
  CHECK(known->voided() == IntervalSet({2, 3}));
}

TEST_CASE("a series of ours is never stored by a batch that a peer caused", "[engine][node]") {
  NodeConfig gathering = config();
  gathering.commit_interval = seconds(1);
  TestNode a(1, gathering);
  ScriptedPeer peer(a);
  peer.agree();
  REQUIRE(a.write({event(1)}).ok());  // Declared, and waiting for company.
  a.fail_next();
  peer.say(peer.delta(1, 2));
  a.wait(seconds(1));
  a.restart();
  CHECK(a.held(a.stream()) == IntervalSet({1, 1}));
  const auto series = *a.store().series(kTelemetry, std::nullopt);
  CHECK(std::count_if(series.begin(), series.end(),
                      [&](const StreamSeries& each) { return each.stream == a.stream(); }) == 1);
}

TEST_CASE("knowledge of a map in many pages adds up to no more than in one", "[engine][node]") {
  TestNode a(1);
  ScriptedPeer peer(a);
  peer.agree();
  message::MapDelta page;
  page.delta = 1;
  page.last = false;
  message::StreamRef ref{0, peer.map_stream()};
  for (Seq i = 0; i < 2; ++i) {
    REQUIRE(peer.end() == "");
    const IntervalSet held = sparse(1 + i * 4 * limits::kIntervalsMax, limits::kIntervalsMax);
    page.knowledge = {{ref, held, held.last(), {}}};
    peer.say(page);
    ref.stream.reset();
  }
  CHECK_THAT(peer.end(), Catch::Contains("runs of numbers in one stream"));
}

TEST_CASE("blocks that we have add up to no more than a frame may tell", "[engine][node]") {
  TestNode a(1);
  for (Ticks time = 0; time < 40'000; time += 1000) REQUIRE(a.write(events(time, 1000)).ok());
  ScriptedPeer peer(a);
  peer.agree();
  auto delta = peer.delta(1, 1);
  delta.ref.stream = a.stream();
  for (Seq seq = 1; seq < 40'000 && peer.end().empty(); seq += 2) {
    delta.first = delta.head = delta.settled = seq;
    peer.say(delta);
    delta.ref.stream.reset();
  }
  CHECK_THAT(peer.end(), Catch::Contains("at most 16384"));
}

TEST_CASE("a block that the store would refuse for the voids that it cuts is not passed on",
          "[engine][node]") {
  TestNode a(1);
  ScriptedPeer peer(a), other(a, 98);
  peer.agree();
  other.agree();
  IntervalSet voided;
  for (Seq run = 0; run < limits::kIntervalsMax; ++run) voided.add({10 * run + 1, 10 * run + 5});
  peer.say(message::Frontier{{{{0, peer.stream()}, {}, voided, voided.last(), 0}}, true, {}});
  REQUIRE(peer.end() == "");
  auto delta = peer.delta(3, 1);
  delta.ref.stream.reset();
  peer.say(delta);
  CHECK_THAT(peer.end(), Catch::Contains("at most 16384"));
  CHECK(other.end() == "");
  CHECK(a.counters().batches_failed == 0);
}

TEST_CASE("a head or a void of ours that a peer claims changes nothing", "[engine][node]") {
  TestNode a(1);
  a.fail_next();
  REQUIRE(a.write(events(1, 2)).ok());
  a.wait(limits::kFailedRetry);  // Both are void now, so that a peer's block of them would be news.
  ScriptedPeer peer(a);
  peer.agree();
  message::Frontier frontier;
  frontier.entries = {{{0, a.stream()}, {}, IntervalSet({7, 9}), limits::kSeqMax, limits::kSeqMax}};
  peer.say(frontier);
  CHECK(peer.end() == "");
  auto delta = peer.delta(1, 1);
  delta.ref = {0, std::nullopt};
  delta.head = delta.settled = limits::kSeqMax;
  peer.say(delta);
  CHECK(peer.end() == "");
  peer.hear();
  REQUIRE(a.write(events(3, 1)).ok());
  const auto ours = only<message::Delta>(peer.hear());
  REQUIRE(ours.size() == 1);
  CHECK((ours[0].head == 3 && ours[0].settled <= 3));
  a.restart();
  REQUIRE(a.write(events(4, 1)).ok());
  CHECK(a.held(a.stream()).contains(4));
  CHECK(a.node().knowledge().find(a.stream())->head() == 4);
  CHECK(a.rolled_back.empty());
}

TEST_CASE("frontiers that tell much while the disk stalls wait in one batch", "[engine][node]") {
  TestNode a(1);
  a.hold_commits();
  ScriptedPeer peer(a);
  peer.agree();
  message::StreamRef ref{0, peer.stream()};
  for (Seq head = 1; head <= 100; ++head) {
    message::Frontier frontier;
    frontier.entries = {{ref, {}, {}, head, head}};
    peer.say(frontier);
    ref.stream.reset();
  }
  CHECK(a.store().queued() == 1);
  a.release_commits();
  CHECK(a.node().knowledge().find(peer.stream())->head() == 100);
  CHECK(a.node().quiet());
}

TEST_CASE("while the disk stalls, peers that come again and again fill no more than the limit",
          "[engine][node]") {
  TestNode a(1, small());
  a.hold_commits();
  Seq next = 1;
  std::uint32_t granted = 0;
  for (std::uint8_t life = 0; life < 50; ++life) {
    ScriptedPeer peer(a, static_cast<std::uint8_t>(60 + life));
    peer.agree();
    const std::uint32_t credit = credit_in(peer.hear());
    granted += credit;
    next = say_wide(peer, next, credit);
    REQUIRE(peer.end() == "");
    peer.leave();
  }
  CHECK(granted <= 300'000);  // The limit, and the one share that was given just below it.
  CHECK(granted >= 200'000);
  a.release_commits();
  ScriptedPeer peer(a, 59);
  peer.agree();
  CHECK(credit_in(peer.hear()) == 100'000);
}

TEST_CASE("a peer that was granted nothing is granted its share once the disk moves again",
          "[engine][node]") {
  NodeConfig takes = small();
  takes.datasets[0].scope = Scope::kPull;  // So that no peer hears anything for another reason.
  TestNode a(1, takes);
  a.hold_commits();
  ScriptedPeer one(a, 60), two(a, 61);
  one.agree();
  two.agree();
  say_wide(one, 1, credit_in(one.hear()));
  say_wide(two, 1, credit_in(two.hear()));
  ScriptedPeer late(a, 62);
  late.agree();
  CHECK(credit_in(late.hear()) == 0);
  a.release_commits();
  CHECK(credit_in(late.hear()) >= 200'000 / 3);
  CHECK(late.end() == "");
}

TEST_CASE("many peers share the memory that one alone may use", "[engine][node]") {
  TestNode a(1, small());
  std::vector<std::unique_ptr<ScriptedPeer>> peers;
  for (std::uint8_t i = 0; i < 10; ++i) {
    peers.push_back(std::make_unique<ScriptedPeer>(a, static_cast<std::uint8_t>(60 + i)));
    peers.back()->agree();
  }
  CHECK(credit_in(peers[0]->hear()) == 100'000);
  CHECK(credit_in(peers[9]->hear()) == limits::kCreditBytesMin);
  // The first gives up its large share as it uses it.
  say_wide(*peers[0], 1, 100'000);
  CHECK(credit_in(peers[0]->hear()) <= limits::kCreditBytesMin + kText);
}

TEST_CASE("a damaged block does not hold back what is behind it", "[engine][node]") {
  TestNode a(1), b(2);
  for (Ticks time = 1; time <= 5; ++time) REQUIRE(a.write(events(10 * time, 3)).ok());
  a.damage(5);
  a.restart();
  TestNet net;
  net.connect(a, b);
  net.run();
  CHECK(b.held(a.stream()).minus(IntervalSet({4, 6})) == IntervalSet({1, 15}).minus(IntervalSet({4, 6})));
  CHECK_FALSE(b.held(a.stream()).contains(5));
  CHECK(a.counters().events_unreadable == 3);
  CHECK(a.node().sessions().size() == 1);
}

TEST_CASE("a store that cannot be read for a moment ends the session, and the next one has everything",
          "[engine][node]") {
  TestNode a(1), b(2);
  REQUIRE(a.write(events(1, 3)).ok());
  a.restart();
  a.fail_reads(Error{ErrorCode::kIo, "not now"});
  TestNet net;
  const PeerId first = net.connect(a, b);
  net.run();
  REQUIRE(a.closes.size() == 1);
  CHECK_THAT(a.closes[0].reason, Catch::Contains("not now"));
  a.fail_reads(std::nullopt);
  net.disconnect(first);
  net.connect(a, b);
  net.run();
  CHECK(b.held(a.stream()) == IntervalSet({1, 3}));
}

TEST_CASE("more series than fit a frame are asked for, and given, in several", "[engine][node]") {
  TestNode a(1), b(2);
  NamedEvent wide{1, 0, Quality::kGood, std::nullopt, {}};
  for (int i = 0; i < 1200; ++i) wide.readings.push_back({"s" + std::to_string(i), "", std::int64_t{i}});
  REQUIRE(a.write({wide}).ok());
  ScriptedPeer source(a);
  source.agree();
  auto delta = only<message::Delta>(source.hear()).at(0);
  delta.declarations.clear();
  delta.ref = {0, a.stream()};
  ScriptedPeer mute(b);
  mute.agree();
  mute.hear();
  mute.say(delta);
  const auto wanted = only<message::SeriesWanted>(mute.hear());
  REQUIRE(wanted.size() == 3);
  CHECK(wanted[0].numbers.size() + wanted[1].numbers.size() + wanted[2].numbers.size() == 1200);
}

TEST_CASE("a relay that learns of a series later tells those that had asked for it", "[engine][node]") {
  TestNode relay(1);
  ScriptedPeer source(relay, 50), sink(relay, 60);
  source.agree();
  sink.agree();
  auto delta = source.delta(1, 2);
  const auto declarations = std::exchange(delta.declarations, {});
  source.say(delta);
  sink.say(message::SeriesWanted{source.stream(), {1}});
  CHECK(only<message::SeriesGiven>(sink.hear()).empty());
  source.say(message::SeriesGiven{source.stream(), declarations});
  const auto given = only<message::SeriesGiven>(sink.hear());
  REQUIRE(given.size() == 1);
  CHECK(given[0].declarations == declarations);
}

TEST_CASE("a write that names too many series leaves none of them behind", "[engine][node]") {
  TestNode a(1);
  const auto wide = [](int from) {
    NamedEvent event{from, 0, Quality::kGood, std::nullopt, {}};
    for (int i = 0; i < 4096; ++i)
      event.readings.push_back({"s" + std::to_string(from + i), "", std::int64_t{1}});
    return event;
  };
  std::vector<NamedEvent> many;
  for (int from = 0; from <= 65'536; from += 4096) many.push_back(wide(from));
  const auto refused = a.write(many);
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().code == ErrorCode::kLimit);
  REQUIRE(a.write({event(1)}).ok());
  CHECK(a.store().series(kTelemetry, std::nullopt)->size() == 1);
}

TEST_CASE("a disk that fails every batch makes no batch larger", "[engine][node]") {
  TestNode a(1);
  a.hold_commits();
  for (Ticks round = 0; round < 200; ++round) {
    REQUIRE(a.write({event(round)}).ok());
    a.fail_next();
    a.sync();
    a.wait(limits::kFailedRetry);
    a.fail_next();
    a.sync();
  }
  a.release_commits();
  a.wait(limits::kFailedRetry);
  const StreamKnowledge* const known = a.node().knowledge().find(a.stream());
  REQUIRE(known != nullptr);
  CHECK(known->voided().intervals().size() == 1);
  REQUIRE(a.write({event(1000)}).ok());
  CHECK(known->held().size() == 1);
}

TEST_CASE("a map page that rests on one before it counts only once that is stored", "[engine][node]") {
  TestNode a(1);
  a.hold_commits();
  ScriptedPeer peer(a);
  peer.agree();
  const auto page = [&](std::uint32_t delta, Seq seq, const char* key) {
    message::MapDelta out;
    out.delta = delta;
    if (delta == 1) out.streams = {{0, peer.map_stream()}};
    out.entries = {{0, {key, {0, HlcStamp{1u << 20}, {{}, seq}}, false, "x", false, {}}}};
    out.knowledge = {{{0, std::nullopt}, IntervalSet({1, seq}), seq, {}}};
    return out;
  };
  peer.say(page(1, 2, "a"));  // Dot 1 was superseded by this one.
  peer.say(page(2, 3, "b"));
  a.fail_next();
  a.release_commits();
  CHECK(peer.end() != "");
  const StreamKnowledge* const known = a.node().knowledge().find(peer.map_stream());
  REQUIRE(known != nullptr);
  CHECK(known->held() == IntervalSet({3, 3}));
}

}  // namespace deltamesh::test
