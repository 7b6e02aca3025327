// engine/tier_acks.cc - acknowledgements, and lives that are over.
#include "engine/tier_acks.h"

#include <algorithm>

#include "engine/limits.h"

namespace deltamesh {

TierAcks::TierAcks(const std::vector<TierConfig>& tiers, const NodeId& self) : self_(self) {
  for (const TierConfig& tier : tiers) ackers_.insert(tier.nodes.begin(), tier.nodes.end());
}

bool TierAcks::take(const Identity& acker, const StreamId& stream, const IntervalSet& dots) {
  if (!is_acker(acker.node) || ended(acker)) return false;
  if (acks_.size() >= limits::kAckersMax && !acks_.contains(acker)) return false;
  StreamKnowledge& known = acks_[acker].at(stream);
  if (known.held().includes(dots)) return false;
  IntervalSet both = known.held();
  both.join(dots);
  if (both.intervals().size() > limits::kIntervalsMax) return false;
  known.hold(both);
  return true;
}

bool TierAcks::end(const Identity& acker) {
  if (!is_acker(acker.node) || ended(acker) || ended_.size() >= limits::kEndedAckersMax) return false;
  acks_.erase(acker);
  ended_.insert(acker);
  return true;
}

IntervalSet TierAcks::awaited(const TierConfig& tier, const StreamId& stream, const IntervalSet& dots) const {
  const auto is_of_tier = [&](const NodeId& node) {
    return std::find(tier.nodes.begin(), tier.nodes.end(), node) != tier.nodes.end();
  };
  // By how many copies each dot still lacks: [0] none.
  std::vector<IntervalSet> lacking(tier.copies + 1);
  lacking[tier.copies - (is_of_tier(self_) ? 1 : 0)] = dots;
  for (const auto& [acker, known] : acks_) {
    const StreamKnowledge* const acked = known.find(stream);
    if (acked == nullptr || !is_of_tier(acker.node)) continue;
    for (std::size_t copies = 1; copies < lacking.size(); ++copies) {
      const IntervalSet now = lacking[copies].intersect(acked->held());
      lacking[copies] = lacking[copies].minus(now);
      lacking[copies - 1].join(now);
    }
  }
  lacking.front() = {};
  IntervalSet all;
  for (const IntervalSet& some : lacking) all.join(some);
  return all;
}

}  // namespace deltamesh
