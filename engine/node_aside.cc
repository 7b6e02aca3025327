// engine/node_aside.cc - streams that are over and of which nothing is held here are put aside.
//
// Retention leaves them behind, one for each life of each node. The store keeps what is known of them; here
// stand sums alone, which is what peers are told. Whoever speaks of one, or whose sums differ from ours,
// wakes it: what the store knows is taken back, and the stream is as any other, until it is put aside again.
#include <algorithm>

#include "engine/node.h"

namespace deltamesh {

std::size_t Node::streams_aside() const {
  std::size_t count = 0;
  for (const auto& [of, aside] : aside_) count += aside.streams;
  return count;
}

// Whether what is known of a stream may be left to the store.
bool Node::is_left_behind(const StreamId& stream, const StreamKnowledge& known) const {
  if (!is_gone(known)) return false;  // Nearly always, and soon told.
  const DatasetConfig* const config = dataset(stream.dataset);
  return config != nullptr && config->kind == DatasetKind::kTelemetry && config->cls == stream.cls &&
         is_past(stream, known);
}

void Node::count_aside(const StreamId& stream, const StreamKnowledge& known) {
  Aside& aside = aside_[{stream.dataset, stream.node}];
  aside.sums[past_part(stream)] += past_sum(stream, known);
  ++aside.streams;
}

// --- Waking ----------------------------------------------------------------------------------------------

// If the stream was put aside, it is no longer. An error is the store's.
Status Node::wake(const StreamId& stream) {
  const auto aside = aside_.find({stream.dataset, stream.node});
  const bool may_be = aside != aside_.end() && aside->second.sums[past_part(stream)] != 0;
  if (!may_be || knowledge_.find(stream) != nullptr) return Done{};
  const auto known = reader_.known(stream);
  if (!known.ok()) return known.error();
  if (*known && is_gone(**known)) return take_back(stream, **known);
  return Done{};
}

Status Node::wake(StreamIx ix) {
  return known(ix) == nullptr ? wake(streams_[ix]) : Status(Done{});
}

Status Node::take_back(const StreamId& stream, const StreamKnowledge& known) {
  const auto acks = reader_.acks(stream);
  if (!acks.ok()) return acks.error();
  for (const TierAck& ack : *acks) acks_.take(ack.acker, ack.stream, ack.dots);
  const auto at = aside_.find({stream.dataset, stream.node});
  at->second.sums[past_part(stream)] -= past_sum(stream, known);
  if (--at->second.streams == 0) aside_.erase(at);
  const StreamIx ix = intern(stream);
  if (ix < put_aside_.size() && put_aside_[ix]) {
    put_aside_[ix] = false;
    --put_aside_count_;
  }
  knowledge_.at(stream) = known;
  left_behind_.insert(ix);
  image_.reset();
  if (!tiers_lack(stream, known)) return Done{};
  // A tier has lost the life that had acknowledged it.
  for (const auto& [peer, session] : sessions_) {
    if (session->phase == SessionPhase::kLive) tell_all(*session, ix);
  }
  return Done{};
}

// All streams of a writer that are put aside, in those parts: bit i for part i. Returns all that hold nothing
// here, those too that were awake before.
Result<std::vector<StreamIx>> Node::wake_all(const PastOf& of, std::uint32_t parts) {
  std::vector<StreamIx> out;
  if (!aside_.contains(of)) return out;
  const auto stored = reader_.knowledge_of(of.dataset, of.node);
  if (!stored.ok()) return stored.error();
  for (const auto& [stream, known] : stored->entries()) {
    if ((parts >> past_part(stream) & 1) == 0 || !is_gone(known)) continue;
    if (knowledge_.find(stream) == nullptr) {
      if (Status taken = take_back(stream, known); !taken.ok()) return taken.error();
    }
    out.push_back(intern(stream));
  }
  return out;
}

// --- Putting aside ---------------------------------------------------------------------------------------

void Node::note_left_behind(StreamIx ix) {
  if (const StreamKnowledge* const known = this->known(ix);
      known != nullptr && is_left_behind(streams_[ix], *known))
    left_behind_.insert(ix);
}

void Node::check_aside(Instant now) {
  if (left_behind_.empty() || aside_under_way_) return;
  if (!aside_look_at_) aside_look_at_ = now.steady + limits::kAsideLook;
  if (now.steady < *aside_look_at_) return;
  aside_look_at_.reset();
  InFlight batch;
  for (auto it = left_behind_.begin();
       it != left_behind_.end() && batch.aside.size() < limits::kAsideAtOnce;) {
    const StreamIx ix = *it;
    const StreamKnowledge* const known = this->known(ix);
    const bool is_still = known != nullptr && is_left_behind(streams_[ix], *known);
    if (is_still && nobody_speaks_of(ix)) batch.aside.push_back(ix);
    it = is_still ? std::next(it) : left_behind_.erase(it);
  }
  if (batch.aside.empty()) return;
  // Should data of one come all the same, its series are declared anew.
  for (const StreamIx ix : batch.aside) {
    catalogue_.forget(ix);
    std::erase_if(unnamed_, [ix](const auto& one) { return one.first == ix; });
  }
  aside_under_way_ = true;
  commit(std::move(batch));
}

// Nothing of the stream is on its way to the disk, or waited for by a session.
bool Node::nobody_speaks_of(StreamIx ix) const {
  const StreamId& stream = streams_[ix];
  const auto tells = [&](const InFlight& batch) { return batch.knowledge.find(stream) != nullptr; };
  const bool is_written =
      !pending_[ix].empty() || !retention_.planned(ix).empty() || tells(gathered_) ||
      heard_.find(stream) != nullptr || asked_.contains(ix) ||
      std::any_of(in_flight_.begin(), in_flight_.end(), [&](const auto& item) { return tells(item.second); });
  const auto is_news = [ix](const auto& one) { return one.second == ix; };
  if (is_written || std::any_of(untold_acks_.begin(), untold_acks_.end(), is_news) ||
      std::any_of(unstored_acks_.begin(), unstored_acks_.end(), is_news))
    return false;
  return std::none_of(sessions_.begin(), sessions_.end(),
                      [ix](const auto& item) { return item.second->waits_for(ix); });
}

void Node::aside_durable(const InFlight& batch) {
  if (batch.aside.empty()) return;
  aside_under_way_ = false;
  std::vector<StreamId> gone;
  for (const StreamIx ix : batch.aside) {
    const StreamKnowledge* const known = this->known(ix);
    if (known == nullptr || !is_left_behind(streams_[ix], *known) || !nobody_speaks_of(ix)) continue;
    count_aside(streams_[ix], *known);
    forget_stream(ix);
    gone.push_back(streams_[ix]);
  }
  std::sort(gone.begin(), gone.end());
  knowledge_.erase(gone);
  acks_.forget(gone);
}

// All that stands here of it but its number, which sessions may still use.
void Node::forget_stream(StreamIx ix) {
  left_behind_.erase(ix);
  if (put_aside_.size() <= ix) put_aside_.resize(ix + 1);
  put_aside_[ix] = true;
  ++put_aside_count_;
  if (sources_[ix].look_at) late_.erase({*sources_[ix].look_at, ix});
  sources_[ix] = {};
  retention_.forget(ix);
  ranges_.forget(streams_[ix]);
  for (auto& [peer, session] : sessions_) session->forget(ix);
}

}  // namespace deltamesh
