// engine/tier_acks.h - what the nodes of the operator's tiers have said that they have stored.
//
// An acknowledgement is (acker, the incarnation of its store, stream, dots). It licenses others to prune, so
// it only counts while that store lives: once the acker is met in another incarnation, what it acknowledged
// before may be lost with its disk, and never counts again. While two of its lives are heard of and nobody
// has said which is over, only what both have acknowledged counts.
#pragma once

#include <map>
#include <set>
#include <vector>

#include "crdt/knowledge.h"
#include "engine/config.h"

namespace deltamesh {

class TierAcks {
 public:
  // Only nodes of `tiers` are listened to: no peer can claim to be of one. If `self` is, then what it holds
  // is a copy, too.
  TierAcks(const std::vector<TierConfig>& tiers, const NodeId& self);

  [[nodiscard]] bool is_acker(const NodeId& node) const { return ackers_.contains(node); }
  // The acker itself is here: from now on nobody's word counts for its other lives. Returns those that were
  // listened to so far, for end().
  std::vector<Identity> meet(const Identity& acker);
  // Both return true if that is news. Beyond the bounds (limits.h) less is believed, never more.
  bool take(const Identity& acker, const StreamId& stream, const IntervalSet& dots);
  bool end(const Identity& acker);
  // What was acknowledged of streams, ascending, is no longer remembered here.
  void forget(const std::vector<StreamId>& streams);

  // Of `dots`, all of them held here, those that fewer nodes of `tier` have than it asks for.
  [[nodiscard]] IntervalSet awaited(const TierConfig& tier, const StreamId& stream,
                                    const IntervalSet& dots) const;

  // By acker; held() is what it has acknowledged.
  [[nodiscard]] const std::map<Identity, Knowledge>& all() const { return acks_; }
  [[nodiscard]] const std::set<Identity>& ended() const { return ended_; }

 private:
  [[nodiscard]] std::vector<Identity> lives_of(const NodeId& node) const;
  [[nodiscard]] IntervalSet acknowledged(const NodeId& node, const StreamId& stream) const;

  NodeId self_;
  std::set<NodeId> ackers_;
  std::map<NodeId, Identity> met_;
  std::map<Identity, Knowledge> acks_;
  std::set<Identity> ended_;
};

}  // namespace deltamesh
