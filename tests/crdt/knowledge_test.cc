// tests/crdt/knowledge_test.cc - knowledge says of each dot what any side said, and data beats all else.
#include "crdt/knowledge.h"

#include <array>
#include <catch2/catch.hpp>

#include "tests/crdt/generators.h"
#include "tests/crdt/laws.h"

namespace deltamesh {
namespace {

// Bits of what is said of a dot; held alone, or lost only if void.
constexpr std::uint8_t kVoid = 1, kLost = 2, kDropped = 4, kHeld = 8;

constexpr Seq kNumbers = 600;
using Model = std::array<std::uint8_t, kNumbers + 1>;

std::uint8_t join_dot(std::uint8_t a, std::uint8_t b) {
  const auto both = static_cast<std::uint8_t>(a | b);
  return (both & kHeld) != 0 ? kHeld : both;
}

// Reads back what is said of each number, and that no promise is broken.
Model model_of(const StreamKnowledge& known) {
  Model model{};
  for (Seq seq = 1; seq <= kNumbers; ++seq) {
    const bool held = known.held().contains(seq), dropped = known.dropped().contains(seq);
    const bool voided = known.voided().contains(seq), lost = known.lost().contains(seq);
    REQUIRE(!(held && (dropped || voided)));
    REQUIRE((voided || !lost));
    model[seq] = static_cast<std::uint8_t>((held ? kHeld : 0) | (dropped ? kDropped : 0) |
                                           (voided ? kVoid : 0) | (lost ? kLost : 0));
    if (model[seq] != 0) REQUIRE(seq <= known.head());
  }
  return model;
}

template <class Change>
void change_range(Model& model, Interval dots, Change change) {
  for (Seq seq = dots.first; seq <= dots.last; ++seq) model[seq] = change(model[seq]);
}

// One random change to both the knowledge and the model.
void change_both(Random& random, StreamKnowledge& known, Model& model) {
  const Interval dots = random_interval(random, kNumbers, 40);
  const auto say = [&](std::uint8_t what) {
    change_range(model, dots, [what](std::uint8_t old) { return join_dot(old, what); });
  };
  switch (random.below(4)) {
    case 0:
      known.hold(dots);
      say(kHeld);
      break;
    case 1:
      known.declare_void(dots);
      say(kVoid);
      break;
    case 2:
      known.declare_lost(IntervalSet(dots));
      say(kVoid | kLost);
      break;
    default:
      known.drop(dots);
      change_range(model, dots,
                   [](std::uint8_t old) { return static_cast<std::uint8_t>((old & ~kHeld) | kDropped); });
  }
}

// The slow way: one stream after the other.
bool lacks_nothing_held(const Knowledge& receiver, const Knowledge& sender) {
  return std::all_of(sender.entries().begin(), sender.entries().end(), [&](const Knowledge::Entry& entry) {
    const StreamKnowledge* known = receiver.find(entry.stream);
    return (known ? *known : StreamKnowledge()).held().includes(entry.known.held());
  });
}

}  // namespace

TEST_CASE("every change of knowledge does what it says to each single dot", "[crdt][knowledge]") {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    CAPTURE(seed);
    Random random(seed);
    StreamKnowledge known;
    Model model{};
    for (int step = 0; step < 30; ++step) change_both(random, known, model);
    REQUIRE(model_of(known) == model);
  }
}

TEST_CASE("joined knowledge says of each dot what either side said", "[crdt][knowledge]") {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    CAPTURE(seed);
    Random random(seed);
    const StreamKnowledge a = random_stream_knowledge(random), b = random_stream_knowledge(random);
    const Model x = model_of(a), y = model_of(b), both = model_of(joined(a, b));
    for (Seq seq = 1; seq <= kNumbers; ++seq) REQUIRE(both[seq] == join_dot(x[seq], y[seq]));
    REQUIRE(joined(a, b).head() == std::max(a.head(), b.head()));
  }
}

TEST_CASE("data that arrives beats a void, and a void never takes data away", "[crdt][knowledge]") {
  StreamKnowledge known;
  known.declare_void({1, 10});
  known.hold({4, 6});
  CHECK(known.held() == IntervalSet({4, 6}));
  CHECK_FALSE(known.voided().contains(5));
  known.declare_void({1, 10});
  CHECK(known.held() == IntervalSet({4, 6}));
}

TEST_CASE("what was pruned is neither missing nor told to others", "[crdt][knowledge]") {
  StreamKnowledge known;
  known.hold({1, 10});
  known.drop({1, 4});
  known.declare_head(12, 0);
  CHECK(known.missing() == IntervalSet({11, 12}));
  CHECK(known.shareable().dropped().empty());
  CHECK(known.shareable().held() == IntervalSet({5, 10}));
  CHECK(known.shareable().head() == 12);
}

TEST_CASE("what is given up is not missed, and stays void for others where it is", "[crdt][knowledge]") {
  StreamKnowledge known;
  known.declare_void({1, 2});
  known.hold({3, 4});
  known.drop({1, 9});
  CHECK(known.dropped() == IntervalSet({1, 9}));
  CHECK(known.held().empty());
  CHECK(known.missing().empty());
  known.declare_lost(IntervalSet({3, 4}));
  CHECK(known.shareable().voided() == IntervalSet({1, 4}));
  CHECK(known.shareable().lost() == IntervalSet({3, 4}));
}

TEST_CASE("a void that turns out to be a loss is news to who knew it as void", "[crdt][knowledge]") {
  StreamKnowledge sender, receiver;
  sender.declare_lost(IntervalSet({1, 4}));
  receiver.declare_void({1, 4});
  receiver.join(sender.beyond(receiver));
  CHECK(receiver == sender);
}

TEST_CASE("the head is never below what is known, and nothing shrinks it", "[crdt][knowledge]") {
  StreamKnowledge known;
  known.hold({7, 9});
  CHECK(known.head() == 9);
  known.declare_void({11, 11});
  CHECK(known.head() == 11);
  known.declare_head(5, 3);
  CHECK(known.head() == 11);
  CHECK(known.settled() == 3);
  known.declare_head(20, 25);  // A stream cannot be complete up to events that were never issued.
  CHECK(known.settled() == 20);
  known.declare_head(kSeqMax, 0);
  CHECK(known.missing().last() == kSeqMax);
}

TEST_CASE("a stream is closed until something follows its head, and joining it says so", "[crdt][knowledge]") {
  StreamKnowledge known;
  known.close();
  CHECK((!known.closed() && known == StreamKnowledge()));
  known.hold({1, 5});
  known.close();
  CHECK((known.closed() && known.settled() == 5 && known.declared() == 6));
  StreamKnowledge other;
  other.hold({1, 3});
  CHECK(other.join(known));
  CHECK(other == known);
  CHECK_FALSE(other.join(known));
  StreamKnowledge told;
  told.declare_head(known.head(), known.declared());
  CHECK(told.closed());
  StreamKnowledge lacking;
  lacking.hold({1, 5});
  CHECK(lacking.join(known.beyond(lacking)));
  CHECK(lacking.closed());
  known.hold({6, 6});
  CHECK((!known.closed() && known.settled() == 6));
  other.join(known);
  CHECK_FALSE(other.closed());
  known.declare_head(9, 20);
  CHECK((known.closed() && known.declared() == 10));
}

TEST_CASE("the part of knowledge beyond a receiver's does what all of it would, and then nothing is left",
          "[crdt][knowledge]") {
  for (std::uint64_t seed = 0; seed < 5'000; ++seed) {
    CAPTURE(seed);
    Random random(seed);
    const Knowledge sender = random_knowledge(random), receiver = random_knowledge(random);
    Knowledge shareable;
    for (const Knowledge::Entry& entry : sender.entries())
      shareable.at(entry.stream) = entry.known.shareable();
    const Knowledge after = joined(receiver, sender.beyond(receiver));
    REQUIRE(after == joined(receiver, shareable));
    REQUIRE(sender.beyond(after).empty());
    REQUIRE(after.includes_held(sender));
    REQUIRE(receiver.includes_held(sender) == lacks_nothing_held(receiver, sender));
  }
}

TEST_CASE("streams stay sorted in whatever order they are met", "[crdt][knowledge]") {
  Knowledge known;
  for (const std::uint8_t n : std::array<std::uint8_t, 5>{5, 1, 9, 3, 5}) known.hold({test_stream(n), 1});
  REQUIRE(known.entries().size() == 4);
  CHECK(std::is_sorted(known.entries().begin(), known.entries().end(),
                       [](const auto& a, const auto& b) { return a.stream < b.stream; }));
  CHECK(known.holds({test_stream(9), 1}));
  CHECK_FALSE(known.holds({test_stream(9), 2}));
  CHECK_FALSE(known.holds({test_stream(2), 1}));
  CHECK(known.find(test_stream(2)) == nullptr);
}

TEST_CASE("a stream of which nothing is known makes no difference", "[crdt][knowledge]") {
  Knowledge asked;
  asked.at(test_stream(1));
  asked.at(test_stream(3));
  CHECK(asked.empty());
  CHECK(asked == Knowledge());
  asked.hold({test_stream(2), 1});
  Knowledge plain;
  plain.hold({test_stream(2), 1});
  CHECK(asked == plain);
  CHECK_FALSE(plain.join(asked));
  plain.hold({test_stream(3), 1});
  CHECK_FALSE(asked == plain);
}

}  // namespace deltamesh
