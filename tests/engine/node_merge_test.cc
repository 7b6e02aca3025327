// tests/engine/node_merge_test.cc - blocks of complete cells become one, in the background, and nobody who
// holds on to what was there before is misled.
#include <algorithm>
#include <numeric>

#include "tests/engine/forget_fixture.h"

namespace deltamesh::test {
namespace {

constexpr Seq kSmall = 8, kLarge = 32;

NodeConfig small_cells() {
  NodeConfig out = config();
  out.merge_levels = {{kSmall, 4}, {kLarge, 3}};
  out.merge_delay = seconds(1);
  return out;
}

void write_singly(TestNode& node, std::size_t count, Ticks from = 1) {
  for (std::size_t i = 0; i < count; ++i)
    REQUIRE(node.write({event(from + static_cast<Ticks>(i), static_cast<double>(i * i % 97))}).ok());
}

// Until nothing is left to merge.
void merge(TestNode& node) {
  node.wait(seconds(1));
  for (int i = 0; i < 10'000 && node.wake_at && *node.wake_at <= node.now.steady; ++i) node.tick();
}

std::vector<HeldBlock> rows(const TestNode& node, const StreamId& stream) {
  return *node.store().held_blocks(stream, 1, 100'000);
}

std::vector<Interval> blocks(const TestNode& node, const StreamId& stream) {
  std::vector<Interval> dots;
  for (const HeldBlock& block : rows(node, stream)) dots.push_back(block.dots);
  return dots;
}
std::vector<Interval> blocks(const TestNode& node) {
  return blocks(node, node.stream());
}

std::vector<Interval> singles(Seq first, Seq last) {
  std::vector<Interval> out;
  for (Seq seq = first; seq <= last; ++seq) out.push_back({seq, seq});
  return out;
}

std::vector<Interval> operator+(std::vector<Interval> a, const std::vector<Interval>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

std::size_t failed_batches(const TestNode& node) {
  return node.counters().batches_failed;
}

}  // namespace

TEST_CASE("the blocks of a complete cell become one with the same events, which came when the last one did",
          "[engine][merge]") {
  TestNode node(1, small_cells());
  write_singly(node, 7);
  merge(node);
  CHECK(blocks(node) == singles(1, 7));  // The cell is open.
  const auto before = stored(node, node.stream());
  write_singly(node, 3, 8);
  const auto last = *node.store().held_blocks(node.stream(), 8, 1);
  node.frames.clear();
  merge(node);
  CHECK(blocks(node) == std::vector<Interval>{{1, 8}} + singles(9, 10));
  const auto after = stored(node, node.stream());
  CHECK(after.size() == 10);
  CHECK(std::equal(before.begin(), before.end(), after.begin(), same_event));
  CHECK(rows(node, node.stream()).front().arrival == last.front().arrival);
  CHECK(node.counters().blocks_merged == 8);
  CHECK(node.counters().bytes_merged == rows(node, node.stream()).front().bytes);
  CHECK(node.held(node.stream()) == IntervalSet({1, 10}));
  CHECK(node.node().quiet());
  node.restart();
  CHECK(node.held(node.stream()) == IntervalSet({1, 10}));
}

TEST_CASE("what is complete together is merged at once, and each event once a level at most",
          "[engine][merge]") {
  TestNode node(1, small_cells());
  SECTION("all of it") {
    write_singly(node, 4 * kLarge + 20);
    merge(node);
    CHECK(node.counters().blocks_merged == 4 * kLarge + 2 * kSmall);
  }
  SECTION("as it comes") {
    for (Ticks i = 0; i < static_cast<Ticks>(4 * kLarge + 20); ++i) {
      write_singly(node, 1, i);
      merge(node);
    }
    // Of the last small cell of a large one there is no need to make a block of its own.
    CHECK(node.counters().blocks_merged == 4 * (3 * kSmall + 3 + kSmall) + 2 * kSmall);
  }
  std::vector<Interval> expected;
  for (Seq cell = 0; cell < 4; ++cell) expected.push_back({cell * kLarge + 1, (cell + 1) * kLarge});
  const Seq end = 4 * kLarge;
  CHECK(blocks(node) == expected + std::vector<Interval>{{end + 1, end + 8}, {end + 9, end + 16}} +
                            singles(end + 17, end + 20));
}

TEST_CASE("the last cells of a stream are merged once it is closed, here and where it comes to be known",
          "[engine][merge][past]") {
  TestNode node(1, small_cells()), peer(2, small_cells());
  write_singly(node, kLarge + 6);
  const StreamId stream = node.stream();
  TestNet net;
  const PeerId link = net.connect(node, peer);
  net.run();
  merge(peer);
  const std::vector<Interval> open = std::vector<Interval>{{1, kLarge}} + singles(kLarge + 1, kLarge + 6);
  CHECK(blocks(peer, stream) == open);
  net.disconnect(link);
  node.reboot(3, 0xb1);
  node.tick();
  merge(node);
  const std::vector<Interval> closed{{1, kLarge}, {kLarge + 1, kLarge + 6}};
  CHECK(blocks(node, stream) == closed);
  net.connect(node, peer);
  net.run();
  merge(peer);
  CHECK(blocks(peer, stream) == closed);
  // The other copy of a card that was copied goes on with it.
  ScriptedPeer copy(peer);
  copy.agree();
  auto delta = copy.delta(kLarge + 7, 1);
  delta.ref = {0, stream};
  copy.say(delta);
  merge(peer);
  CHECK(blocks(peer, stream) == closed + singles(kLarge + 7, kLarge + 7));
}

TEST_CASE("few blocks in a cell stay as they are until a larger cell is complete", "[engine][merge]") {
  TestNode node(1, small_cells());
  for (Ticks i = 0; i < 8; ++i) {
    CHECK(node.counters().blocks_merged == 0);
    REQUIRE(node.write(events(i * 4, 4)).ok());
    merge(node);
  }
  CHECK(blocks(node) == std::vector<Interval>{{1, kLarge}});
}

TEST_CASE("a cell is merged once it has no hole and is settled, in whatever order that happens",
          "[engine][merge]") {
  TestNode node(2, small_cells());
  ScriptedPeer peer(node);
  peer.agree();
  const auto say = [&](Seq first, std::uint32_t count, Seq settled) {
    message::Delta delta = peer.delta(first, count);
    if (first != 1) delta = named_before(std::move(delta));
    delta.head = 40;
    delta.settled = settled;
    peer.say(delta);
    merge(node);
  };
  say(1, 2, 0);
  for (Seq seq = 4; seq <= 8; ++seq) say(seq, 1, 0);
  CHECK(blocks(node, peer.stream()) == std::vector<Interval>{{1, 2}} + singles(4, 8));
  SECTION("the hole is filled, then it is settled") {
    say(3, 1, 7);
    CHECK(node.counters().blocks_merged == 0);
    say(20, 1, 8);
  }
  SECTION("it is settled, then the hole is filled") {
    say(20, 1, 20);
    CHECK(node.counters().blocks_merged == 0);
    say(3, 1, 20);
  }
  CHECK(blocks(node, peer.stream()) == std::vector<Interval>{{1, 8}, {20, 20}});
}

TEST_CASE("in whatever order blocks come, no complete cell is left that should be one block",
          "[engine][merge]") {
  TestNode node(2, small_cells());
  ScriptedPeer peer(node);
  peer.agree();
  constexpr Seq kEvents = 150;
  std::vector<std::pair<Seq, std::uint32_t>> parts;
  std::uint64_t state = GENERATE(1u, 2u, 3u, 4u, 5u, 6u, 7u, 8u);
  const auto below = [&state](std::uint64_t n) {
    state = state * 6'364'136'223'846'793'005u + 1'442'695'040'888'963'407u;
    return (state >> 33) % n;
  };
  for (Seq first = 1; first <= kEvents;) {
    const auto count = static_cast<std::uint32_t>(std::min<Seq>(1 + below(3), kEvents - first + 1));
    parts.emplace_back(first, count);
    first += count;
  }
  for (std::size_t i = parts.size(); i > 1; --i) std::swap(parts[i - 1], parts[below(i)]);
  Seq settled = 0;
  bool named = false;
  for (const auto& [first, count] : parts) {
    message::Delta delta = peer.delta(first, count);
    if (std::exchange(named, true)) delta = named_before(std::move(delta));
    settled = std::min(kEvents, settled + below(6));
    delta.head = kEvents;
    delta.settled = settled;
    peer.say(delta);
    if (below(4) == 0) merge(node);
  }
  message::Ack nothing;
  peer.say(nothing);
  message::Frontier rest;
  rest.entries.push_back({{0, std::nullopt}, IntervalSet({1, kEvents}), {}, kEvents, kEvents, {}, {}});
  peer.say(rest);
  merge(node);
  CHECK(node.held(peer.stream()) == IntervalSet({1, kEvents}));
  CHECK(node.node().knowledge().find(peer.stream())->settled() == kEvents);
  const auto left = blocks(node, peer.stream());
  for (const auto& [size, most] : {std::pair(kSmall, 3u), std::pair(kLarge, 2u)}) {
    for (Seq first = 1; first + size - 1 <= kEvents; first += size) {
      CAPTURE(size, first);
      CHECK(std::count_if(left.begin(), left.end(), [&, size = size, first = first](Interval dots) {
              return first <= dots.first && dots.last < first + size;
            }) <= most);
    }
  }
  CHECK(stored(node, peer.stream()).size() == kEvents);
  CHECK(failed_batches(node) == 0);
}

TEST_CASE("while batches are under way nothing is merged, but not for ever", "[engine][merge]") {
  TestNode node(1, small_cells());
  write_singly(node, 8);
  node.hold_commits();
  write_singly(node, 1, 100);
  node.wait(seconds(5));
  CHECK(node.store().queued() == 1);
  SECTION("once they are through") {
    node.sync();
    CHECK(node.store().queued() == 1);
  }
  SECTION("after a while all the same") {
    node.wait(limits::kMergePatience);
    CHECK(node.store().queued() == 2);
  }
  node.release_commits();
  merge(node);
  CHECK(blocks(node) == std::vector<Interval>{{1, 8}, {9, 9}});
}

TEST_CASE("what is merged at a time is bounded, and other writes come between", "[engine][merge]") {
  NodeConfig with = small_cells();
  with.merge_levels = {{8, 8}};
  TestNode node(1, with);
  std::size_t bytes = 0;
  for (Ticks i = 0; i < 80; ++i) REQUIRE(node.write(noisy_events(i, 1, 6'000)).ok());
  for (const HeldBlock& block : rows(node, node.stream())) bytes += block.bytes;
  node.hold_commits();
  node.wait(seconds(1));
  CHECK(node.store().queued() == 1);
  write_singly(node, 1, 1'000);
  node.sync();
  CHECK(node.written.back().status.ok());
  CHECK(node.counters().bytes_merged >= limits::kMergeBytesAtOnce / 2);
  CHECK(node.counters().bytes_merged <= limits::kMergeBytesAtOnce + limits::kMergedBytesMax);
  CHECK(node.counters().bytes_merged < bytes / 2);
  node.release_commits();
  merge(node);
  CHECK(blocks(node).size() == 11);
}

TEST_CASE("a batch of merged blocks that fails is made again", "[engine][merge]") {
  TestNode node(1, small_cells());
  write_singly(node, 8);
  node.hold_commits();
  node.wait(seconds(1));
  node.fail_next();
  node.release_commits();
  CHECK(blocks(node) == singles(1, 8));
  CHECK(stored(node, node.stream()).size() == 8);
  node.wait(limits::kRetentionLook);
  merge(node);
  CHECK(blocks(node) == std::vector<Interval>{{1, 8}});
}

TEST_CASE("a restart goes on where it was, and reads no blocks of what is merged", "[engine][merge]") {
  TestNode node(1, small_cells());
  write_singly(node, 2 * kLarge + 9);
  node.restart();  // Before anything was merged.
  CHECK(blocks(node).size() == 2 * kLarge + 9);
  node.tick();
  merge(node);
  const std::vector<Interval> merged{{1, kLarge},
                                     {kLarge + 1, 2 * kLarge},
                                     {2 * kLarge + 1, 2 * kLarge + 8},
                                     {2 * kLarge + 9, 2 * kLarge + 9}};
  CHECK(blocks(node) == merged);
  node.fail_reads(Error{ErrorCode::kIo, "nobody was to read"});
  node.restart();
  node.tick();
  merge(node);
  node.wait(limits::kRetentionLook);
  CHECK(node.counters().blocks_merged == 0);
  CHECK(node.notes.empty());
  CHECK((!node.wake_at || *node.wake_at > node.now.steady));
}

TEST_CASE("a crash while merged blocks are on their way loses nothing", "[engine][merge][crash]") {
  TestNode node(1, small_cells());
  write_singly(node, 8);
  node.hold_commits();
  node.wait(seconds(1));
  REQUIRE(node.store().queued() == 1);
  node.restart();
  CHECK(blocks(node) == singles(1, 8));
  node.release_commits();
  node.tick();
  merge(node);
  CHECK(blocks(node) == std::vector<Interval>{{1, 8}});
  CHECK(stored(node, node.stream()).size() == 8);
}

TEST_CASE("a damaged block keeps its cell from being merged until a peer has sent it anew",
          "[engine][merge][damage]") {
  TestNode a(1), b(2, small_cells());
  TestNet net;
  write_singly(a, 8);
  PeerId link = net.connect(a, b);
  net.run();
  b.damage(Dot{a.stream(), 3});
  net.disconnect(link);
  b.restart();
  b.tick();
  merge(b);
  CHECK(blocks(b, a.stream()) == singles(1, 8));
  // Who asks b for it makes it notice.
  TestNode c(3);
  net.connect(b, a);
  net.run();
  net.connect(b, c);
  net.run();
  b.wait(seconds(1));
  REQUIRE(b.counters().events_taken_anew == 1);
  b.closes.clear();
  net.connect(a, b);
  net.run();
  merge(b);
  CHECK(blocks(b, a.stream()) == std::vector<Interval>{{1, 8}});
  CHECK(stored(b, a.stream()).size() == 8);
}

TEST_CASE("a block that is damaged while its cell is on its way to be one is healed by that",
          "[engine][merge][damage]") {
  TestNode a(1), b(2, small_cells()), c(3);
  TestNet net;
  write_singly(a, 8);
  net.connect(a, b);
  net.run();
  b.hold_commits();
  b.wait(seconds(1));
  REQUIRE(b.store().queued() == 1);
  b.restart();  // So that it has no blocks in memory,
  net.connect(a, b);
  net.run();
  b.tick();
  b.wait(seconds(1));  // and makes it anew.
  REQUIRE(b.store().queued() == 1);
  b.damage(Dot{a.stream(), 3});
  net.connect(b, c);
  net.run();
  CHECK(b.counters().events_unreadable == 1);
  CHECK(c.held(a.stream()).size() == 7);
  b.release_commits();
  net.run();
  CHECK(failed_batches(b) == 0);
  CHECK(b.counters().events_taken_anew == 0);
  CHECK(blocks(b, a.stream()) == std::vector<Interval>{{1, 8}});
  CHECK(stored(b, a.stream()).size() == 8);
  CHECK(c.held(a.stream()).size() == 8);
}

TEST_CASE("blocks of an unknown codec stay as they are, and hold up no others", "[engine][merge]") {
  TestNode node(2, small_cells());
  Batch batch;
  for (Seq seq = 1; seq <= 16; ++seq) {
    Bytes bytes =
        *encode_block(std::vector<Event>{{5, 0, Quality::kGood, std::nullopt, {{1, 2.5}}}}, limits::kBlock);
    const auto summary = peek_block(bytes, limits::kBlock);
    batch.blocks.push_back(stored_block(kFar, seq, *summary, std::move(bytes)));
    if (seq == 4) batch.blocks.back().codec = 9;
  }
  batch.knowledge.push_back({kFar, {}});
  batch.knowledge[0].known.declare_head(16, 16);
  node.store_batch(std::move(batch));
  node.restart();
  node.tick();
  merge(node);
  CHECK(blocks(node, kFar) == singles(1, 8) + std::vector<Interval>{{9, 16}});
  CHECK(node.notes.empty());
}

TEST_CASE("a store that cannot be read for a while is merged later", "[engine][merge]") {
  TestNode node(1, small_cells());
  write_singly(node, 8);
  node.fail_reads(Error{ErrorCode::kIo, "the cable is out"});
  merge(node);
  CHECK(blocks(node) == singles(1, 8));
  REQUIRE_FALSE(node.notes.empty());
  CHECK_THAT(node.notes.back().text, Catch::Contains("the cable is out"));
  node.fail_reads(std::nullopt);
  node.wait(limits::kRetentionLook);
  merge(node);
  CHECK(blocks(node) == std::vector<Interval>{{1, 8}});
}

TEST_CASE("a cell too large for one block is merged in parts", "[engine][merge]") {
  NodeConfig with = small_cells();
  SECTION("by its bytes") {
    with.merge_levels = {{8, 100}, {32, 8}};
    TestNode node(1, with);
    for (Ticks i = 0; i < 32; ++i) REQUIRE(node.write(noisy_events(i, 1, 4'000)).ok());
    merge(node);
    CHECK(blocks(node) == std::vector<Interval>{{1, 8}, {9, 16}, {17, 24}, {25, 32}});
    CHECK(node.counters().blocks_merged == 32);
  }
  SECTION("by its readings") {
    with.merge_levels = {{64, 100}, {256, 8}};
    TestNode node(1, with);
    std::vector<NamedEvent> wide = events(0, 8);
    for (NamedEvent& each : wide) {
      for (int i = 0; i < 300; ++i) each.readings.push_back({"r" + std::to_string(i), "", 1.0});
    }
    REQUIRE(256 * wide[0].readings.size() > limits::kMergedReadingsMax);
    for (Ticks i = 0; i < 32; ++i) REQUIRE(node.write(wide).ok());
    std::size_t bytes = 0;
    for (const HeldBlock& block : rows(node, node.stream())) bytes += block.bytes;
    REQUIRE(bytes < limits::kMergedBytesMax);
    merge(node);
    CHECK(blocks(node) == std::vector<Interval>{{1, 64}, {65, 128}, {129, 192}, {193, 256}});
    CHECK(node.counters().blocks_merged == 32);
  }
}

TEST_CASE("a rule that comes while blocks are on their way to be merged removes what it names",
          "[engine][merge][forget]") {
  enum class First { kRule, kMerged, kMergedIsThere };
  const auto first = GENERATE(First::kRule, First::kMerged, First::kMergedIsThere);
  CAPTURE(static_cast<int>(first));
  TestNode node(1, small_cells());
  write_singly(node, 8);
  node.hold_commits();
  const auto merge_on_its_way = [&] {
    node.wait(seconds(1) + limits::kMergePatience);
    REQUIRE(node.store().queued() == (first == First::kRule ? 2 : 1));
  };
  if (first != First::kRule) merge_on_its_way();
  if (first == First::kMergedIsThere) node.sync();
  REQUIRE(forget(node, rule(3, 4)).ok());
  if (first == First::kRule) merge_on_its_way();
  node.release_commits();
  obey(node);
  CHECK(blocks(node) == std::vector<Interval>{{1, 8}});
  CHECK(picture(node, node.stream()) == "vv..vvvv");
  CHECK(failed_batches(node) == 0);
}

TEST_CASE("what becomes one behind and before the place that rules have got to is looked at again",
          "[engine][merge][forget]") {
  NodeConfig with = small_cells();
  constexpr Seq kCell = 4 * limits::kForgetBlocksAtOnce;
  with.merge_levels = {{static_cast<std::uint32_t>(kCell), 8}};
  TestNode node(1, with);
  write_singly(node, kCell);
  node.hold_commits();
  REQUIRE(forget(node, rule()).ok());
  node.now.steady += seconds(1);
  node.sync();  // The rule is there; the first blocks are on their way, written anew.
  node.sync();  // They are there. Which comes next, more of them or the merged one?
  node.release_commits();
  merge(node);
  obey(node);
  merge(node);
  CHECK(blocks(node) == std::vector<Interval>{{1, kCell}});
  CHECK(picture(node, node.stream()) == std::string(kCell, '.'));
}

TEST_CASE("the place of rules in a stream goes back into a block that became one",
          "[engine][merge][forget]") {
  StreamTable streams;
  Catalogue series;
  const StreamIx ix = streams.intern(kFar);
  Forgetting forgetting(streams, series);
  forgetting.look_from(ix, 20);
  forgetting.merged(ix, {21, 40});
  CHECK(forgetting.place()->second == 20);
  forgetting.merged(ix, {9, 19});
  CHECK(forgetting.place()->second == 20);
  forgetting.merged(ix, {9, 20});
  CHECK(forgetting.place()->second == 9);
}

TEST_CASE("what is given up while it is on its way to be one block goes whole, and no batch fails",
          "[engine][merge][retention]") {
  NodeConfig with = small_cells();
  with.datasets[0].keep_bytes = 480'000;
  TestNode node(1, with);
  for (Ticks i = 0; i < 32; ++i) REQUIRE(node.write(noisy_events(i, 1, 400)).ok());
  node.hold_commits();
  node.wait(seconds(1));
  REQUIRE(node.store().queued() == 1);
  const bool fails = GENERATE(false, true);
  CAPTURE(fails);
  if (fails) node.fail_next();
  // Room for them is made before it is known what became of the merged block.
  for (Ticks i = 0; i < 5; ++i) REQUIRE(node.write(noisy_events(100 + i, 6, 15'700)).ok());
  node.release_commits();
  CHECK(failed_batches(node) == (fails ? 1 : 0));
  CHECK(node.written.back().status.ok());
  const Interval left = node.held(node.stream()).intervals().front();
  CHECK(left.first > 32);
  CHECK(*node.store().block_bytes(node.stream()) <= with.datasets[0].keep_bytes);
  // Its account agrees with what is there: it gives up no more than it must.
  for (Ticks i = 0; i < 40; ++i) REQUIRE(node.write(noisy_events(200 + i, 1, 15'000)).ok());
  CHECK(*node.store().block_bytes(node.stream()) <= with.datasets[0].keep_bytes);
  CHECK(*node.store().block_bytes(node.stream()) > with.datasets[0].keep_bytes - 100'000);
}

TEST_CASE("a bounded dataset has the room that merging makes", "[engine][merge][retention]") {
  NodeConfig with = small_cells();
  with.datasets[0].keep_bytes = limits::kKeepBytesMin;
  TestNode node(1, with);
  write_singly(node, 640);
  const std::uint64_t small = *node.store().block_bytes(node.stream());
  REQUIRE(node.counters().events_given_up == 0);
  merge(node);
  const std::uint64_t merged = *node.store().block_bytes(node.stream());
  REQUIRE(merged < small / 2);
  const auto value = [](Ticks i) { return std::vector<NamedEvent>{noisy_events(i, 1, 1'000)}; };
  const auto more = static_cast<Ticks>((limits::kKeepBytesMin - merged) / 1'100);
  for (Ticks i = 0; i < more; ++i) REQUIRE(node.write(value(i)).ok());
  CHECK(node.counters().events_given_up == 0);
  for (Ticks i = 0; i < more; ++i) REQUIRE(node.write(value(i)).ok());
  CHECK(node.counters().events_given_up > 0);
  CHECK(*node.store().block_bytes(node.stream()) <= limits::kKeepBytesMin);
}

TEST_CASE("blocks are no larger than a small part of what a dataset is bounded to",
          "[engine][merge][retention]") {
  NodeConfig with = small_cells();
  with.datasets[0].keep_bytes = limits::kKeepBytesMin;
  TestNode node(1, with);
  for (Ticks i = 0; i < 32; ++i) REQUIRE(node.write(noisy_events(i, 1, 400)).ok());
  merge(node);
  for (const HeldBlock& block : rows(node, node.stream()))
    CHECK(block.bytes <= limits::kKeepBytesMin / limits::kMergeShare);
}

TEST_CASE("where age is bounded, blocks that came long after each other do not become one",
          "[engine][merge][retention]") {
  constexpr std::chrono::hours kKept{160};
  NodeConfig with = small_cells();
  with.datasets[0].keep_for = kKept;
  TestNode node(1, with);
  for (Ticks i = 0; i < 24; ++i) {
    write_singly(node, 1, i);
    node.wait(std::chrono::hours(1));
    merge(node);
  }
  // 8 hours are less than a 16th of what they are kept for, 24 and 32 are not.
  CHECK(blocks(node) == std::vector<Interval>{{1, 8}, {9, 16}, {17, 24}});
  write_singly(node, 8, 100);
  merge(node);
  CHECK(blocks(node) == std::vector<Interval>{{1, 8}, {9, 16}, {17, 24}, {25, 32}});
  // None goes before its last event may, nor much later.
  node.wait(kKept - std::chrono::hours(18));
  CHECK(node.held(node.stream()).intervals().front().first == 1);
  node.wait(std::chrono::hours(2));
  CHECK(node.held(node.stream()).intervals().front().first == 9);
}

TEST_CASE("a merged block goes to a peer as it is, and what the peer has of it does not",
          "[engine][merge][push]") {
  NodeConfig with = small_cells();
  with.recent_bytes_max = 0;
  TestNode node(1, with);
  write_singly(node, 2 * kLarge);
  merge(node);
  REQUIRE(blocks(node).size() == 2);
  ScriptedPeer peer(node);
  peer.say(peer.hello());
  message::Frontier told;
  const bool has_some = GENERATE(false, true);
  CAPTURE(has_some);
  IntervalSet held;
  if (has_some) held = IntervalSet({1, 40});
  if (has_some) told.entries.push_back({{0, node.stream()}, held, {}, 40, 40, {}, {}});
  peer.say(told);
  std::vector<Interval> sent;
  for (const auto& delta : only<message::Delta>(peer.hear())) {
    const Interval dots{delta.first, delta.first + delta.events - 1};
    sent.push_back(dots);
    const auto whole = node.store().blocks(node.stream(), dots, 1u << 20);
    if (dots == whole->front().interval()) CHECK(delta.block == *whole->front().bytes);
    CHECK(decode_block(delta.block, limits::kBlock)->size() == dots.size());
  }
  std::sort(sent.begin(), sent.end());
  CHECK(sent == (has_some ? std::vector<Interval>{{41, 64}} : std::vector<Interval>{{1, 32}, {33, 64}}));
}

TEST_CASE("the newest block goes out whole, however many cells of a writer are in it",
          "[engine][merge][push]") {
  NodeConfig with = small_cells();
  with.merge_levels = {{8 * limits::kCellEvents, 8}};
  TestNode node(1, with);
  for (Ticks i = 0; i < 8; ++i) REQUIRE(node.write(events(i, limits::kCellEvents)).ok());
  merge(node);
  REQUIRE(blocks(node).size() == 1);
  ScriptedPeer peer(node);
  peer.agree();
  const auto sent = only<message::Delta>(peer.hear());
  REQUIRE(sent.size() == 1);
  CHECK(sent[0].events == 8 * limits::kCellEvents);
}

TEST_CASE("what is too large for one block at first is one once its parts are merged", "[engine][merge]") {
  NodeConfig with = small_cells();
  with.merge_levels = {{8, 100}, {64, 8}};
  TestNode node(1, with);
  NamedEvent wide = event(0);
  for (int i = 0; i < 400; ++i) wide.readings.push_back({"r" + std::to_string(i), "", 1.0});
  for (Ticks i = 0; i < 64; ++i) {
    wide.time = i;
    REQUIRE(node.write({wide}).ok());
  }
  std::size_t bytes = 0;
  for (const HeldBlock& block : rows(node, node.stream())) bytes += block.bytes;
  REQUIRE(bytes > limits::kMergedBytesMax);
  merge(node);
  REQUIRE(blocks(node).size() == 8);
  merge(node);
  CHECK(blocks(node) == std::vector<Interval>{{1, 64}});
  CHECK(node.counters().blocks_merged == 64 + 8);
}

TEST_CASE("nodes that have merged differently hold the same, also while they compare",
          "[engine][merge][compare]") {
  TestNode a(1), b(2, small_cells());
  TestNet net;
  write_singly(a, 100);
  const PeerId link = net.connect(a, b);
  net.run();
  REQUIRE(b.held(a.stream()) == IntervalSet({1, 100}));
  REQUIRE(a.call([&](Node& node, Instant now) { return node.compare(link, now); }).ok());
  net.step();
  merge(b);
  REQUIRE(blocks(b, a.stream()).size() < 10);
  net.run();
  REQUIRE(a.call([&](Node& node, Instant now) { return node.compare(link, now); }).ok());
  net.run();
  REQUIRE(a.compared.size() == 2);
  for (const Compared& compared : a.compared) {
    CHECK(compared.status.ok());
    REQUIRE(compared.streams.size() == 1);
    CHECK(compared.streams[0].found.equal == 100);
    CHECK(compared.streams[0].found.differ.total() == 0);
  }
}

TEST_CASE("peers hear nothing of what is merged", "[engine][merge]") {
  TestNode a(1, small_cells()), b(2);
  TestNet net;
  const PeerId link = net.connect(a, b);
  write_singly(a, 40);
  net.run();
  a.frames.clear();
  merge(a);
  REQUIRE(a.counters().blocks_merged > 0);
  CHECK(a.frames.empty());
  CHECK(a.closes.empty());
  net.disconnect(link);
}

}  // namespace deltamesh::test
