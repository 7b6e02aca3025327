// engine/node_resume.cc - a session that goes on from what the last one with this peer began with.
//
// Both sides remember what they told each other then; a HELLO names, by its digest, what its sender remembers
// of anybody, since it does not know yet who hears it. Who finds its own digest there tells only what has
// changed. Memory alone: after a restart, whole frontiers are exchanged once more.
#include <algorithm>

#include "engine/frontier_digest.h"
#include "engine/node.h"

namespace deltamesh {
namespace {

constexpr std::size_t kStreamBytes = sizeof(std::pair<StreamIx, StreamKnowledge>);

std::size_t interval_bytes(const IntervalSet& set) {
  return set.intervals().size() * sizeof(Interval);
}

std::size_t memory(const StreamKnowledge& known) {
  return kStreamBytes + interval_bytes(known.held()) + interval_bytes(known.voided()) +
         interval_bytes(known.dropped()) + interval_bytes(known.lost());
}

// What a peer told, in no order yet; null if that is too much to be remembered.
std::shared_ptr<FrontierImage> image_of(std::map<StreamIx, StreamKnowledge> told, Pasts pasts,
                                        const StreamTable& streams) {
  auto image = std::make_shared<FrontierImage>();
  FrontierDigest digest;
  std::size_t bytes = pasts.size() * sizeof(Pasts::value_type);
  for (auto& [ix, known] : told) {
    if (known.empty()) continue;
    bytes += memory(known);
    digest.add(streams[ix], known);
    image->streams.emplace_back(ix, std::move(known));
  }
  if (bytes > limits::kResumeBytesMax) return nullptr;
  for (const auto& [of, sums] : pasts) digest.add(of, sums);
  image->pasts = std::move(pasts);
  image->digest = digest.bytes();
  return image;
}

}  // namespace

// --- Remembering -----------------------------------------------------------------------------------------

// All that either side knows may pass, so that what is told is all that is known.
bool Node::shares_all(const Session& session) const {
  return session.sends.size() == datasets_.size() && session.takes == session.sends;
}

// The session goes live: both frontiers are whole.
void Node::remember(Session& session, Instant now) {
  auto heard = heard_image(session);
  if (heard == nullptr || !shares_all(session)) return;
  agreements_.insert_or_assign(session.remote, Agreement{session.told, std::move(heard), session.past_told,
                                                         past_heard_image(session), now.steady});
  if (agreements_.size() <= limits::kResumePeersMax) return;
  const auto since = [](const auto& a, const auto& b) { return a.second.since < b.second.since; };
  agreements_.erase(std::min_element(agreements_.begin(), agreements_.end(), since));
}

// What the peer's frontier told, in its order; null if that is too much to be remembered, or not what its
// HELLO gave the digest of.
std::shared_ptr<const FrontierImage> Node::heard_image(Session& session) const {
  if (session.digest == session.told->digest) return session.told;
  auto image = image_of(std::exchange(session.frontier, {}), std::exchange(session.pasts, {}), streams_);
  if (image == nullptr || image->digest != session.digest) return nullptr;
  sort_streams(*image);
  return image;
}

void Node::sort_streams(FrontierImage& image) const {
  const auto by_id = [this](const auto& a, const auto& b) { return streams_[a.first] < streams_[b.first]; };
  std::sort(image.streams.begin(), image.streams.end(), by_id);
}

// The same of streams in sums that were not the same; null if there were none, or too much of them.
std::shared_ptr<const FrontierImage> Node::past_heard_image(Session& session) const {
  if (session.past.empty()) return nullptr;
  auto image = image_of(std::exchange(session.past, {}), {}, streams_);
  if (image != nullptr) sort_streams(*image);
  return image;
}

// Kept for the session: another link to the same node may go live before its frontier is here.
Bytes Node::offer_remembered(Session& session) const {
  Bytes digests;
  for (const auto& [remote, agreement] : agreements_) {
    session.offered.push_back(agreement.heard);
    digests.insert(digests.end(), agreement.heard->digest.begin(), agreement.heard->digest.end());
  }
  return digests;
}

// --- Going on --------------------------------------------------------------------------------------------

// What we told the peer when we last met, if it remembers.
std::shared_ptr<const FrontierImage> Node::base_for(const Session& session,
                                                    const message::Hello& hello) const {
  const auto last = agreements_.find(session.remote);
  if (last == agreements_.end() || !shares_all(session)) return nullptr;
  const Bytes& digest = last->second.told->digest;
  for (ByteView rest = hello.resume_token; rest.size() >= message::kDigestBytes;
       rest = rest.subspan(message::kDigestBytes)) {
    if (std::equal(digest.begin(), digest.end(), rest.begin())) return last->second.told;
  }
  return nullptr;
}

// Entries of `now` that are not the same in `base`, and an empty one for each that is gone.
std::vector<std::pair<StreamIx, StreamKnowledge>> Node::changes(const FrontierImage& base,
                                                                const FrontierImage& now) const {
  std::vector<std::pair<StreamIx, StreamKnowledge>> out;
  auto before = base.streams.begin();
  const auto gone_before = [&](const StreamId* stream) {
    for (; before != base.streams.end() && (stream == nullptr || streams_[before->first] < *stream); ++before)
      out.emplace_back(before->first, StreamKnowledge());
  };
  for (const auto& [ix, known] : now.streams) {
    gone_before(&streams_[ix]);
    const bool same_stream = before != base.streams.end() && before->first == ix;
    if (!same_stream || !(before->second == known)) out.emplace_back(ix, known);
    if (same_stream) ++before;
  }
  gone_before(nullptr);
  return out;
}

// Both sides number the streams of an image that they share in its order, before all others.
void Node::number_streams(std::vector<StreamIx>& table, Session& session, const FrontierImage& image,
                          std::uint32_t SessionStream::*index) {
  for (const auto& [ix, known] : image.streams) {
    session.at(ix).*index = static_cast<std::uint32_t>(table.size());
    table.push_back(ix);
  }
}

// The first page of a frontier says what it goes on from.
Status Node::take_base(Session& session, const message::Frontier& frontier) {
  if (frontier.base.empty()) return Done{};
  if (session.phase == SessionPhase::kPast) return take_past_base(session, frontier.base);
  if (session.phase != SessionPhase::kFrontier || !session.in_streams.empty())
    return Error{ErrorCode::kInvalid, "a frontier that goes on from another in the middle"};
  const auto same = [&](const auto& image) { return image->digest == frontier.base; };
  const auto base = std::find_if(session.offered.begin(), session.offered.end(), same);
  if (base == session.offered.end())
    return Error{ErrorCode::kInvalid, "a frontier that goes on from one that is not remembered"};
  session.frontier_base = *base;
  number_streams(session.in_streams, session, *session.frontier_base, &SessionStream::in_index);
  return Done{};
}

// What the frontier did not speak of is as it was.
Status Node::take_rest_of_base(Session& session) {
  const auto base = std::exchange(session.frontier_base, nullptr);
  if (base == nullptr) return Done{};
  session.pasts.insert(base->pasts.begin(), base->pasts.end());
  for (const auto& [ix, known] : base->streams) {
    if (!session.frontier.try_emplace(ix, known).second) continue;
    if (Status good = take_told(session, ix, known); !good.ok()) return good;
  }
  return Done{};
}

}  // namespace deltamesh
