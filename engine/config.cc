// engine/config.cc - the rules that an operator's decisions must keep.
#include "engine/config.h"

#include <set>

#include "engine/validate.h"

namespace deltamesh {
namespace {

Error invalid(std::string text) {
  return {ErrorCode::kInvalid, std::move(text)};
}

std::string in_microseconds(std::chrono::microseconds duration) {
  return std::to_string(duration.count()) + " us";
}

Status check_pace(const NodeConfig& config) {
  if (config.commit_interval.count() < 0 || config.commit_interval > limits::kCommitIntervalMax) {
    return invalid("commit interval of " + in_microseconds(config.commit_interval) + " must be 0 to " +
                   in_microseconds(limits::kCommitIntervalMax));
  }
  if (config.keepalive < limits::kKeepaliveMin) {
    return invalid("keepalive of " + in_microseconds(config.keepalive) + " must be at least " +
                   in_microseconds(limits::kKeepaliveMin));
  }
  if (config.scrub_interval.count() != 0 && config.scrub_interval < limits::kScrubIntervalMin) {
    return invalid("scrub interval of " + in_microseconds(config.scrub_interval) + " must be 0 or at least " +
                   in_microseconds(limits::kScrubIntervalMin));
  }
  if (config.link_bytes_per_second != 0 && config.link_bytes_per_second < limits::kLinkBytesPerSecondMin) {
    return invalid("bandwidth of " + std::to_string(config.link_bytes_per_second) +
                   " bytes a second must be 0 or at least " + std::to_string(limits::kLinkBytesPerSecondMin));
  }
  return Done{};
}

Status check_tiers(const NodeConfig& config) {
  std::set<std::string> names;
  for (const TierConfig& tier : config.tiers) {
    const std::set<NodeId> nodes(tier.nodes.begin(), tier.nodes.end());
    if (tier.name.empty() || !names.insert(tier.name).second)
      return invalid("tier '" + tier.name + "' must have a name of its own");
    if (nodes.size() != tier.nodes.size()) return invalid("tier " + tier.name + " names a node twice");
    if (tier.copies == 0 || tier.copies > nodes.size()) {
      return invalid("tier " + tier.name + " asks for " + std::to_string(tier.copies) + " copies and names " +
                     std::to_string(nodes.size()) + " nodes");
    }
  }
  for (const DatasetConfig& dataset : config.datasets) {
    if (!dataset.keep_until.empty() && !names.contains(dataset.keep_until))
      return invalid("dataset " + dataset.name + " is kept until an unknown tier, " + dataset.keep_until);
  }
  return Done{};
}

Status check_retention(const NodeConfig& config) {
  if (config.store_bytes_max != 0 && config.store_bytes_max < limits::kStoreBytesMin) {
    return invalid("a store of at most " + std::to_string(config.store_bytes_max) +
                   " bytes must be allowed at least " + std::to_string(limits::kStoreBytesMin));
  }
  for (const DatasetConfig& dataset : config.datasets) {
    const bool is_bounded =
        dataset.keep_for.count() != 0 || dataset.keep_bytes != 0 || !dataset.keep_until.empty();
    if (is_bounded && dataset.kind == DatasetKind::kMap)
      return invalid("map " + dataset.name + " is kept whole: retention is for telemetry");
    if (dataset.keep_for.count() != 0 && dataset.keep_for < limits::kKeepForMin)
      return invalid("dataset " + dataset.name + " must be kept for at least an hour");
    if (dataset.keep_bytes != 0 && dataset.keep_bytes < limits::kKeepBytesMin) {
      return invalid("dataset " + dataset.name + " must be allowed at least " +
                     std::to_string(limits::kKeepBytesMin) + " bytes");
    }
  }
  return check_tiers(config);
}

}  // namespace

Status check_tombstones(const DatasetConfig& dataset) {
  if (dataset.tombstones.count() == 0) return Done{};
  if (dataset.kind != DatasetKind::kMap)
    return invalid("dataset " + dataset.name + " is telemetry, and has no tombstones");
  if (dataset.scope != Scope::kBoth)
    return invalid("map " + dataset.name + " must flow both ways where its tombstones are collected");
  if (dataset.tombstones >= limits::kTombstonesMin) return Done{};
  return invalid("tombstones of map " + dataset.name + " must be kept for " +
                 in_microseconds(limits::kTombstonesMin) + " at least");
}

Status check(const NodeConfig& config) {
  if (config.datasets.empty()) return invalid("a node needs at least one dataset");
  if (const Status status = check_datasets(config.datasets); !status) return status;
  if (const Status status = check_text(config.software, limits::kTextBytesMax, "software"); !status)
    return status;
  if (const Status status = check_retention(config); !status) return status;
  for (const DatasetConfig& dataset : config.datasets) {
    if (const Status status = check_tombstones(dataset); !status) return status;
  }
  return check_pace(config);
}

}  // namespace deltamesh
