// engine/node_past.cc - streams that are over: told in sums, and by name where sums are not the same.
//
// A session begins with the frontier, which has the sums. If some are not the same, which both sides see for
// themselves, each then names all of its streams that stand in those. Of the others, both know that the peer
// lacks nothing; not whether it holds them or has given them up. Who needs to know that tells all that it
// knows of the stream, and is told all.
#include <algorithm>

#include "engine/frontier_digest.h"
#include "engine/frontier_pages.h"
#include "engine/node.h"

namespace deltamesh {
namespace {

bool is_nothing(const Pasts::value_type& past) {
  return past.second == PastSums{};
}

}  // namespace

// What a tier has yet to acknowledge is named, also by those who only pass its word on: it may stand in the
// answer.
bool Node::is_past(const StreamId& stream, const StreamKnowledge& known) const {
  return !maps_.contains(stream.dataset) && is_over(known) && !is_own(stream) && !tiers_lack(stream, known);
}

bool Node::tiers_lack(const StreamId& stream, const StreamKnowledge& known) const {
  if (config_.tiers.empty()) return false;
  const IntervalSet events = IntervalSet({1, known.head()}).minus(known.voided());
  return std::any_of(config_.tiers.begin(), config_.tiers.end(),
                     [&](const TierConfig& tier) { return !acks_.awaited(tier, stream, events).empty(); });
}

void Node::add_past(FrontierImage& image, std::vector<OverStream>& over, StreamIx ix,
                    const StreamKnowledge& known) const {
  const StreamId& stream = streams_[ix];
  const std::uint64_t sum = past_sum(stream, known);
  image.pasts[{stream.dataset, stream.node}][past_part(stream)] += sum;
  if (over.size() <= ix) over.resize(ix + 1);
  over[ix] = {known.head(), sum, 0, nullptr};
  if (!known.voided().empty()) over[ix].voided = std::make_shared<const IntervalSet>(known.voided());
}

// Once all sums are there.
void Node::number_places(const FrontierImage& image, std::vector<OverStream>& over) const {
  std::map<PastOf, std::uint32_t> places;
  for (const auto& [of, sums] : image.pasts)
    places.emplace_hint(places.end(), of, static_cast<std::uint32_t>(places.size() * kPastParts));
  for (StreamIx ix = 0; ix < over.size(); ++ix) {
    const StreamId& stream = streams_[ix];
    if (over[ix].head == 0) continue;
    over[ix].place = places.at({stream.dataset, stream.node}) + static_cast<std::uint32_t>(past_part(stream));
  }
}

// Whether the stream was told in a sum, and would be told as the same.
bool Node::stands_in_sum(const FrontierImage& told, StreamIx ix) {
  if (ix >= told.over->size() || (*told.over)[ix].head == 0) return false;
  const auto& now = *image()->over;
  return ix < now.size() && now[ix].head == (*told.over)[ix].head && now[ix].sum == (*told.over)[ix].sum;
}

Status Node::take_past(Session& session, const message::Frontier::Past& past) {
  if (session.phase != SessionPhase::kFrontier)
    return Error{ErrorCode::kInvalid, "sums over streams behind the frontier"};
  if (maps_.contains(past.of.dataset) || !shares(session, past.of.dataset))
    return Error{ErrorCode::kInvalid, "sums over streams of a dataset that this session does not share"};
  session.pasts.insert_or_assign(past.of, past.sums);
  if (session.pasts.size() <= limits::kStreamsMax) return Done{};
  return Error{ErrorCode::kLimit, "sums of more than " + std::to_string(limits::kStreamsMax) + " writers"};
}

// Both frontiers are whole. True if all sums are the same; else the streams in the others are on their way,
// and awaited.
Result<bool> Node::compare_pasts(Session& session) {
  std::erase_if(session.pasts, is_nothing);
  std::set<DatasetId> shared = session.sends;
  shared.insert(session.takes.begin(), session.takes.end());
  PastDiff diff = differing(session.told->pasts, session.pasts, shared);
  begin_sums(session, std::move(diff.places));
  if (!diff.some) return true;
  session.phase = SessionPhase::kPast;
  if (Status told = tell_unequal(session); !told.ok()) return told.error();
  return false;
}

// Something may have been said of some of them by then.
void Node::begin_sums(Session& session, std::vector<std::uint32_t> unequal) {
  session.over = session.told->over;
  session.unequal = std::move(unequal);
  for (StreamIx ix = 0; ix < session.over->size(); ++ix) {
    if (SessionStream* const state = session.streams.find(ix)) session.note_in_sum(ix, *state);
  }
}

// If the peer remembers what we named when we met last, what has changed since is enough.
Status Node::tell_unequal(Session& session) {
  const auto streams = unequal_streams(session);
  if (!streams.ok()) return streams.error();
  auto now = std::make_shared<FrontierImage>();
  FrontierDigest digest;
  for (const StreamIx ix : *streams) {
    if (Status awake = wake(ix); !awake.ok()) return awake;
    now->streams.emplace_back(ix, *known(ix));
    digest.add(streams_[ix], *known(ix));
  }
  sort_streams(*now);
  now->digest = digest.bytes();
  const auto last = agreements_.find(session.remote);
  const FrontierImage* const before = last == agreements_.end() ? nullptr : last->second.past_told.get();
  const bool goes_on = before != nullptr && before->digest == session.remembered;
  FrontierPages pages([&](const message::Frontier& page) { send(session, page); },
                      goes_on ? before->digest : Bytes());
  if (goes_on) number_streams(session.out_streams, session, *before, &SessionStream::out_index);
  std::vector<std::pair<StreamIx, StreamKnowledge>> changed;
  if (goes_on) changed = changes(*before, *now);
  for (const auto& [ix, known] : goes_on ? changed : now->streams) pages.add(entry_of(session, ix, known));
  pages.end({});
  session.past_told = std::move(now);
  return Done{};
}

Status Node::take_past_base(Session& session, const Bytes& digest) {
  const auto base = std::exchange(session.past_remembered, nullptr);
  if (base == nullptr || base->digest != digest || !session.past.empty())
    return Error{ErrorCode::kInvalid, "streams in sums that go on from what is not remembered"};
  session.past_base = base;
  number_streams(session.in_streams, session, *base, &SessionStream::in_index);
  return Done{};
}

// What of them the peer did not speak of is as it was.
Status Node::take_rest_of_past(Session& session) {
  const auto base = std::exchange(session.past_base, nullptr);
  if (base == nullptr) return Done{};
  for (const auto& [ix, known] : base->streams) {
    if (!session.past.try_emplace(ix, known).second) continue;
    if (Status good = take_told(session, ix, known); !good.ok()) return good;
  }
  return Done{};
}

// Those in our sums that are not the same there; of what was put aside, all in those parts.
Result<std::vector<StreamIx>> Node::unequal_streams(const Session& session) {
  const auto& over = *session.over;
  std::vector<StreamIx> out;
  for (StreamIx ix = 0; ix < over.size(); ++ix) {
    if (over[ix].head != 0 && session.is_unequal(over[ix])) out.push_back(ix);
  }
  std::uint32_t place = 0;
  for (const auto& [of, sums] : session.told->pasts) {
    std::uint32_t parts = 0;
    for (std::uint32_t part = 0; part < kPastParts; ++part, ++place)
      parts |= std::uint32_t{std::binary_search(session.unequal.begin(), session.unequal.end(), place)}
               << part;
    if (parts == 0) continue;
    const auto woken = wake_all(of, parts);
    if (!woken.ok()) return woken.error();
    std::copy_if(woken->begin(), woken->end(), std::back_inserter(out),
                 [&](StreamIx ix) { return ix >= over.size() || over[ix].head == 0; });
  }
  return out;
}

// All that is known of a stream, to a peer that has heard of it by a sum alone. It answers with the same.
void Node::tell_all(Session& session, StreamIx ix) {
  const StreamKnowledge* const known = this->known(ix);
  if (known == nullptr) return;
  session.at(ix).in_sum = false;
  tell(session, entry_of(session, ix, *known));
  tell_acks(session, acks_of(ix));
}

// The acker of a tier may have come back in another life since the sums were made, and has not said in this
// one what it has.
void Node::tell_awaited(Session& session) {
  for (StreamIx ix = 0; ix < session.over->size(); ++ix) {
    const StreamKnowledge* const known = this->known(ix);
    if (known == nullptr || !session.is_in_sum(ix)) continue;
    if (tiers_lack(streams_[ix], *known)) tell_all(session, ix);
  }
}

}  // namespace deltamesh
