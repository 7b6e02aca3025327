// tests/sim/sim_test.cc - the simulator repeats itself, and its checks see the bugs that are put in.
#include <catch2/catch.hpp>

#include "tests/sim/network.h"

namespace deltamesh::sim {
namespace {

// All faults at once, so that every kind of event is in the trace.
Options eventful() {
  Options options = options_for(7, 6, 6);
  options.topology = Topology::kMesh;
  options.failures_per_mille = 30;
  options.cuts_per_mille = 300;
  options.stalls_per_mille = 100;
  options.crashes_per_mille = 200;
  options.clock_jumps_per_mille = 200;
  options.wrong_clocks = true;
  options.torn = true;
  options.bytes_per_second = 400'000;
  options.divisions_per_mille = options.swizzles_per_mille = options.flaps_per_mille = 100;
  options.slow_nodes_per_mille = 200;
  options.restores_per_mille = 100;
  options.drifts_per_mille = options.lost_times_per_mille = 300;
  return options;
}

enum class Checks { kAll, kEnd };  // Also during the run, or at its end alone.

Options calm(Topology topology, std::uint64_t nodes) {
  Options options;
  options.seed = 11;
  options.topology = topology;
  options.nodes = nodes;
  return options;
}

}  // namespace

TEST_CASE("equal seeds give equal traces, and other seeds other ones", "[sim]") {
  const Outcome first = run(eventful()), second = run(eventful());
  CHECK(first.failure == "");
  CHECK(first.trace == second.trace);
  Options other = eventful();
  ++other.seed;
  CHECK(run(other).trace != first.trace);
}

// Changes with every change of what nodes say; equal on every machine and from every compiler.
TEST_CASE("a run has the trace that it had on the machine of its author", "[sim]") {
  const Outcome outcome = run(eventful());
  INFO(outcome.failure);
  CHECK(outcome.trace == 0x927657f66a071708);
}

TEST_CASE("nodes with little room give up the oldest, and the centre knows all that is lost", "[sim]") {
  std::uint64_t given_up = 0, lost = 0;
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    const Options options = options_with_little_room(seed, 2, 6);
    const Outcome outcome = run(options);
    INFO(describe(options));
    REQUIRE(outcome.failure == "");
    given_up += outcome.pruned.events;
    lost += outcome.pruned.lost;
  }
  CHECK(given_up > 10'000);
  CHECK(lost > 100);
}

TEST_CASE("what rules for wrong data name is gone from all nodes in the end, and nothing else", "[sim]") {
  std::uint64_t rules = 0, forgotten = 0;
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    const Options options = options_with_rules(seed, 2, 6);
    const Outcome outcome = run(options);
    INFO(describe(options));
    REQUIRE(outcome.failure == "");
    rules += outcome.rules;
    forgotten += outcome.forgotten;
  }
  CHECK(rules > 100);
  CHECK(forgotten > 1'000);
}

TEST_CASE("every topology converges and falls silent", "[sim]") {
  const auto topology = GENERATE(Topology::kPair, Topology::kLine, Topology::kStar, Topology::kRing,
                                 Topology::kTree, Topology::kMesh);
  const Options options = calm(topology, topology == Topology::kPair ? 2 : 6);
  const Outcome outcome = run(options);
  INFO(describe(options));
  CHECK(outcome.failure == "");
  CHECK(outcome.events > 100);
  CHECK(outcome.acknowledged > 20);
}

TEST_CASE("the checks see a bug that is put in", "[sim]") {
  struct Row {
    Plant plant;
    Checks checks;
    const char* seen;
  };
  const auto row = GENERATE(values<Row>({
      {Plant::kForgedAck, Checks::kAll, "acknowledged and not durable"},
      {Plant::kForgedAck, Checks::kEnd, "neither held nor void"},
      {Plant::kEarlyAck, Checks::kAll, "acknowledged and not durable"},
      {Plant::kLyingStore, Checks::kAll, "calls durable what its store does not hold"},
      {Plant::kLyingStore, Checks::kEnd, "knows something else than its store"},
      {Plant::kAlteredEvent, Checks::kAll, "a value that nobody wrote"},
      {Plant::kAlteredEvent, Checks::kEnd, "a value that nobody wrote"},
      {Plant::kAlteredEntry, Checks::kAll, "another map than follows from what it knows"},
      {Plant::kAlteredEntry, Checks::kEnd, "another map than was written"},
      {Plant::kLostEntry, Checks::kAll, "another map than follows from what it knows"},
      {Plant::kLostEntry, Checks::kEnd, "another map than was written"},
      {Plant::kEcho, Checks::kAll, "payload flows though all is equal"},
      {Plant::kDropInterval, Checks::kAll, "a frontier claims what is not held"},
      {Plant::kTieByArrival, Checks::kAll, "another map than follows from what it knows"},
      {Plant::kOmittedWinner, Checks::kAll, "another map than follows from what it knows"},
      {Plant::kOmittedWinner, Checks::kEnd, "another map than was written"},
      {Plant::kUnremoved, Checks::kAll, "stores what a rule removes"},
  }));
  Options options = calm(Topology::kLine, 4);
  options.plant = row.plant;
  options.check_acks = options.watch = row.checks == Checks::kAll;
  // Frontiers are said when a connection is made: some must be made when there is something to say.
  if (row.plant == Plant::kDropInterval) options.cuts_per_mille = 800;
  if (row.plant == Plant::kUnremoved) options.rules_per_mille = 100;
  // Writes must meet that do not know of each other.
  if (row.plant == Plant::kTieByArrival) options.write_pause_max = Micros(100'000);
  // A run may lack the moment in which the bug does harm, and then says nothing; it never says another thing.
  std::string failure;
  for (; failure.empty() && options.seed <= 20; ++options.seed) failure = run(options).failure;
  CAPTURE(describe(options));
  CHECK_THAT(failure, Catch::Contains(row.seen));
}

// What makes a restored store and a copied one harmless, and what there would be without it.
TEST_CASE("a node that goes on after a restore as if nothing had happened is found out", "[sim]") {
  int seen = 0;
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    Options options = calm(Topology::kMesh, 5);
    options.seed = seed;
    options.restores_per_mille = 500;
    CAPTURE(describe(options));
    CHECK(run(options).failure == "");
    options.plant = Plant::kSameLife;
    seen += run(options).failure.empty() ? 0 : 1;
  }
  CHECK(seen > 5);
}

}  // namespace deltamesh::sim
