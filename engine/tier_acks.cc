// engine/tier_acks.cc - acknowledgements, and lives that are over.
#include "engine/tier_acks.h"

#include <algorithm>

#include "engine/limits.h"

namespace deltamesh {

TierAcks::TierAcks(const std::vector<TierConfig>& tiers, const NodeId& self) : self_(self) {
  for (const TierConfig& tier : tiers) ackers_.insert(tier.nodes.begin(), tier.nodes.end());
}

std::vector<Identity> TierAcks::meet(const Identity& acker) {
  if (!is_acker(acker.node)) return {};
  met_.insert_or_assign(acker.node, acker);
  std::vector<Identity> others = lives_of(acker.node);
  std::erase(others, acker);
  return others;
}

bool TierAcks::take(const Identity& acker, const StreamId& stream, const IntervalSet& dots) {
  if (!is_acker(acker.node) || ended_.contains(acker)) return false;
  if (const auto met = met_.find(acker.node); met != met_.end() && met->second != acker) return false;
  if (!acks_.contains(acker) && lives_of(acker.node).size() >= limits::kAckerLivesMax) return false;
  StreamKnowledge& known = acks_[acker].at(stream);
  if (known.held().includes(dots)) return false;
  IntervalSet both = known.held();
  both.join(dots);
  if (both.intervals().size() > limits::kAckRunsMax) return false;
  known.hold(both);
  return true;
}

// What is too much to be remembered as over would count again: then the node counts no more at all.
bool TierAcks::end(const Identity& acker) {
  if (!is_acker(acker.node) || ended_.contains(acker)) return false;
  acks_.erase(acker);
  if (ended_.size() >= limits::kEndedAckersMax) {
    for (const Identity& life : lives_of(acker.node)) acks_.erase(life);
    return ackers_.erase(acker.node), false;
  }
  ended_.insert(acker);
  return true;
}

void TierAcks::forget(const std::vector<StreamId>& streams) {
  for (auto& [acker, known] : acks_) known.erase(streams);
}

std::vector<Identity> TierAcks::lives_of(const NodeId& node) const {
  std::vector<Identity> lives;
  for (auto at = acks_.lower_bound({node, {}}); at != acks_.end() && at->first.node == node; ++at)
    lives.push_back(at->first);
  return lives;
}

// In every life that may be its last.
IntervalSet TierAcks::acknowledged(const NodeId& node, const StreamId& stream) const {
  IntervalSet all;
  bool is_first = true;
  for (const Identity& life : lives_of(node)) {
    const StreamKnowledge* const known = acks_.at(life).find(stream);
    if (known == nullptr) return {};
    all = std::exchange(is_first, false) ? known->held() : all.intersect(known->held());
  }
  return all;
}

IntervalSet TierAcks::awaited(const TierConfig& tier, const StreamId& stream, const IntervalSet& dots) const {
  // By how many copies each dot still lacks: [0] none.
  std::vector<IntervalSet> lacking(tier.copies + 1);
  lacking.back() = dots;
  for (const NodeId& node : tier.nodes) {
    const IntervalSet there = node == self_ ? dots : acknowledged(node, stream);
    for (std::size_t copies = 1; copies < lacking.size(); ++copies) {
      const IntervalSet now = lacking[copies].intersect(there);
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
