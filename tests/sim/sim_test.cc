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
  return options;
}

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
  CHECK(outcome.trace == 0x51c04f73505ec301);
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
    bool check_acks;
    const char* seen;
  };
  const auto row = GENERATE(values<Row>({
      {Plant::kForgedAck, true, "acknowledged and not durable"},
      {Plant::kForgedAck, false, "neither held nor void"},
      {Plant::kEarlyAck, true, "acknowledged and not durable"},
      {Plant::kLyingStore, true, "other dots than it knows"},
      {Plant::kAlteredEvent, true, "a value that nobody wrote"},
      {Plant::kAlteredEntry, true, "another map than was written"},
      {Plant::kLostEntry, true, "another map than was written"},
      {Plant::kEcho, true, "payload flows though all is equal"},
  }));
  Options options = calm(Topology::kLine, 4);
  options.plant = row.plant;
  options.check_acks = row.check_acks;
  CAPTURE(describe(options));
  CHECK_THAT(run(options).failure, Catch::Contains(row.seen));
}

}  // namespace deltamesh::sim
