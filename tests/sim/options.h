// tests/sim/options.h - everything that decides how a simulated run goes.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "tests/sim/rng.h"

namespace deltamesh::sim {

enum class Topology : std::uint8_t { kPair, kLine, kStar, kRing, kTree, kMesh };
inline constexpr std::uint64_t kTopologies = 6;

// A bug put in on purpose, to see that the checks see it.
enum class Plant : std::uint8_t {
  kNone,
  kForgedAck,      // One delta vanishes and is acknowledged all the same.
  kEarlyAck,       // A delta is acknowledged when it arrives instead of when it is durable.
  kLyingStore,     // One local batch is reported durable and is not stored.
  kAlteredEvent,   // One delta arrives with other values under the same dots.
  kAlteredEntry,   // Map entries arrive with other values under the same versions.
  kLostEntry,      // Map pages arrive with their knowledge and without their entries.
  kEcho,           // A delta is sent again after all is quiet.
  kDropInterval,   // One frontier claims an interval that only the peer holds, and that therefore stays away.
  kTieByArrival,   // At one node, map entries that lose win because they arrive later.
  kOmittedWinner,  // A relay leaves out the winner of one key of a delta whose knowledge covers it.
  kUnremoved,      // A store leaves blocks as they were that rules want written anew.
  kSameLife,       // Nodes whose store was restored, or is another's, go on in the incarnation found there.
};

// How many times as long the commits of slow nodes take.
inline constexpr int kSlowness = 20;

struct Options {
  std::uint64_t seed = 0;
  std::uint64_t nodes = 2;
  Topology topology = Topology::kPair;
  std::uint64_t datasets = 1;            // Of telemetry.
  Micros active{6'000'000};              // Writes and faults happen up to here.
  Micros write_pause_max{500'000};       // Between two writes of a node.
  std::uint64_t burst_per_mille = 20;    // Writes that span several blocks, or a page of a map delta.
  Micros delay_max{40'000};              // Of a link; its jitter adds up to as much again.
  Micros commit_max{30'000};             // Until a batch is durable.
  std::uint64_t failures_per_mille = 0;  // Commits of which the first batch fails.
  std::uint64_t cuts_per_mille = 0;      // Chances of each fault at each of its moments.
  std::uint64_t stalls_per_mille = 0;    // Half-open: the connection stays and carries nothing.
  std::uint64_t crashes_per_mille = 0;
  std::uint64_t clock_jumps_per_mille = 0;
  bool wrong_clocks = false;
  std::uint64_t credit = 0;  // Bytes a peer may have in flight, and four times that all peers; 0: as usual.
  bool torn = false;         // Of what is in flight at a cut, some arrives: up to a byte within some frame.
  std::uint64_t bytes_per_second = 0;     // Of the fastest links, the slowest have half of it; 0: no limit.
  std::uint64_t divisions_per_mille = 0;  // For a spell, frames from some nodes to the others wait or vanish.
  std::uint64_t swizzles_per_mille = 0;   // Some nodes are clogged one by one, then unclogged one by one.
  std::uint64_t flaps_per_mille = 0;      // For a spell, a link is cut again and again.
  std::uint64_t slow_nodes_per_mille = 0;  // Nodes whose commits take 20 times as long.
  std::uint64_t drifts_per_mille = 0;      // Nodes whose clocks go at half to twice their pace.
  std::uint64_t lost_times_per_mille = 0;  // Nodes that start in 1970, until their clocks are set.
  Micros merge_delay{0};                   // Blocks become one after so long; no fault.
  std::uint64_t restores_per_mille = 0;    // Backups, and crashes after which one of them is there.
  // All nodes but the first keep so many bytes of each dataset, what the first does not have yet last; 0:
  // all.
  std::uint64_t keep_bytes = 0;
  std::uint64_t rules_per_mille = 0;  // Writes that are rules for wrong data.
  bool check_acks = true;             // Off only to see that other checks find what follows.
  bool watch = true;                  // The same of what is looked at during the run.
  Plant plant = Plant::kNone;
};

// The run that belongs to `seed`, with a number of nodes between the two given.
Options options_for(std::uint64_t seed, std::uint64_t nodes_min, std::uint64_t nodes_max);

// The same with little room: a star around a node that keeps everything.
Options options_with_little_room(std::uint64_t seed, std::uint64_t nodes_min, std::uint64_t nodes_max);

// The same with rules for wrong data among the writes.
Options options_with_rules(std::uint64_t seed, std::uint64_t nodes_min, std::uint64_t nodes_max);

// Takes kinds of faults out of a run, by their names in describe() and with commas between: to find out which
// of them a failure needs. False if there is none of some name.
bool leave_out(Options& options, const std::string& faults);

// "pair", "line", "star", "ring", "tree", "mesh".
std::optional<Topology> topology_named(std::string_view name);

// One line with all of it.
std::string describe(const Options& options);

}  // namespace deltamesh::sim
