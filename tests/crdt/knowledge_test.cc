// tests/crdt/knowledge_test.cc - knowledge is the pointwise maximum of unknown < void < dropped < held.
#include "crdt/knowledge.h"

#include <array>
#include <catch2/catch.hpp>

#include "tests/crdt/generators.h"
#include "tests/crdt/laws.h"

namespace deltamesh {
namespace {

enum class State : std::uint8_t { kUnknown, kVoid, kDropped, kHeld };

constexpr Seq kNumbers = 600;
using Model = std::array<State, kNumbers + 1>;

// Reads the state of each number back; a number in two of the sets would be a broken promise.
Model model_of(const StreamKnowledge& known) {
  Model model{};
  for (Seq seq = 1; seq <= kNumbers; ++seq) {
    const bool held = known.held().contains(seq), dropped = known.dropped().contains(seq);
    const bool voided = known.voided().contains(seq);
    REQUIRE(held + dropped + voided <= 1);
    model[seq] = held ? State::kHeld : dropped ? State::kDropped : voided ? State::kVoid : State::kUnknown;
    if (model[seq] != State::kUnknown) REQUIRE(seq <= known.head());
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
  switch (random.below(3)) {
    case 0:
      known.hold(dots);
      change_range(model, dots, [](State) { return State::kHeld; });
      break;
    case 1:
      known.declare_void(dots);
      change_range(model, dots, [](State old) { return std::max(old, State::kVoid); });
      break;
    default:
      known.drop(dots);
      change_range(model, dots, [](State old) { return old == State::kHeld ? State::kDropped : old; });
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

TEST_CASE("joined knowledge is the larger state of each dot", "[crdt][knowledge]") {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    CAPTURE(seed);
    Random random(seed);
    const StreamKnowledge a = random_stream_knowledge(random), b = random_stream_knowledge(random);
    const Model x = model_of(a), y = model_of(b), both = model_of(joined(a, b));
    for (Seq seq = 1; seq <= kNumbers; ++seq) REQUIRE(both[seq] == std::max(x[seq], y[seq]));
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

TEST_CASE("pruning takes only what is held", "[crdt][knowledge]") {
  StreamKnowledge known;
  known.declare_void({1, 2});
  known.hold({3, 4});
  known.drop({1, 9});
  CHECK(known.dropped() == IntervalSet({3, 4}));
  CHECK(known.voided() == IntervalSet({1, 2}));
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
