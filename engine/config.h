// engine/config.h - what an operator decides about a node: its fleet, its datasets, its pace.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "crdt/dot.h"
#include "crdt/result.h"
#include "crdt/sample.h"
#include "engine/limits.h"

namespace deltamesh {

enum class DatasetKind : std::uint8_t { kTelemetry = 0, kMap = 1 };
// Whether this node sends the dataset to peers, takes it from them, both, or keeps it to itself.
enum class Scope : std::uint8_t { kBoth = 0, kPush = 1, kPull = 2, kNeither = 3 };

struct DatasetConfig {
  std::string name;  // 1 to 64 bytes: letters, digits, '_', '-', '.'.
  DatasetKind kind = DatasetKind::kTelemetry;
  Resolution resolution = Resolution::kMilliseconds;  // Of telemetry.
  StreamClass cls = StreamClass::kMetric;
  Scope scope = Scope::kBoth;
  // Of telemetry, and of this node alone: how long its blocks are kept after they have come, how many bytes
  // of them (0: for ever, and any number), and the tier that must have them before they go; none: any time.
  std::chrono::seconds keep_for{0};
  std::uint64_t keep_bytes = 0;
  std::string keep_until = {};
  // Of a map: this node is its keeper, and lets removed keys be forgotten after this long. 0: not it. One
  // node of the fleet does it for all.
  std::chrono::milliseconds tombstones{0};
  friend bool operator==(const DatasetConfig&, const DatasetConfig&) = default;
};

// Nodes that an operator trusts to keep data: what `copies` of them have acknowledged may be pruned here.
struct TierConfig {
  std::string name;
  std::vector<NodeId> nodes;
  std::uint32_t copies = 1;
};

struct Identity {
  NodeId node;
  Incarnation incarnation;
  friend auto operator<=>(const Identity&, const Identity&) = default;
};

// Whether `stream` is one of those that `writer` writes now.
[[nodiscard]] inline bool writes(const Identity& writer, const StreamId& stream) {
  return stream.node == writer.node && stream.incarnation == writer.incarnation;
}

// Whether the wall clock is right to some seconds: as the machine says, or as its operator knows better.
enum class ClockTrust : std::uint8_t { kAuto, kTrusted, kUntrusted };

// One life of the machine between two power-ups: opaque bits, different for each.
using BootId = Id128<struct BootTag>;

struct NodeConfig {
  FleetId fleet;
  std::vector<DatasetConfig> datasets;
  std::vector<TierConfig> tiers;
  // What the store may take, its log not counted; telemetry goes so that it holds. 0: any number of bytes.
  std::uint64_t store_bytes_max = 0;
  // Local writes that wait to be stored.
  std::size_t pending_write_bytes_max = limits::kPendingWriteBytesMax;
  // Local writes are gathered for this long into one block and one commit.
  std::chrono::microseconds commit_interval{20'000};
  std::chrono::microseconds keepalive = limits::kKeepalive;
  // Acknowledgements, and news of what is held, are gathered for this long into one frame.
  std::chrono::microseconds report_interval = limits::kReportInterval;
  std::chrono::microseconds news_interval = limits::kNewsInterval;
  // What one peer, and all peers together, may have in flight to this node (limits.h).
  std::uint32_t credit_bytes = limits::kCreditBytes;
  std::size_t receive_bytes_max = limits::kReceiveBytesMax;
  // Data waits for its link once what went before would take longer than that at this rate. 0: no cap.
  std::uint64_t link_bytes_per_second = 0;
  // Recent blocks kept in memory for forwarding.
  std::size_t recent_bytes_max = limits::kRecentBytesMax;
  // Blocks are merged in cells of these sizes, each a multiple of the one before; none: not at all.
  std::vector<limits::MergeLevel> merge_levels{limits::kMergeLevels.begin(), limits::kMergeLevels.end()};
  std::chrono::microseconds merge_delay = limits::kMergeDelay;
  // With each peer one piece of a stream is compared so often, in the background. 0: never.
  std::chrono::microseconds scrub_interval{0};
  ClockTrust clock = ClockTrust::kAuto;
  // A wall clock that shows less is wrong: the time of the build.
  std::chrono::milliseconds clock_floor{0};
  BootId boot;                         // Of this machine, now.
  std::string software = "deltamesh";  // Told to peers, for their logs.
};

// A horizon is for maps that flow both ways, and not too short.
Status check_tombstones(const DatasetConfig& dataset);

// The first rule that `config` breaks, in words for its operator.
Status check(const NodeConfig& config);

}  // namespace deltamesh
