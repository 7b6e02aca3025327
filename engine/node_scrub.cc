// engine/node_scrub.cc - a slow comparison in the background: a piece of a stream, or a map, with each peer
// from time to time.
//
// Nodes differ all the time by what is under way; that is no news. News is what contradicts belief: a dot
// that this node, or the peer, is known to hold and that is not there, or an event that is not the same; of a
// map, an entry that nothing explains. A piece where that seems so is compared once more, when it is its
// kind's turn again, before anybody is told. Streams and maps take turns.
#include <algorithm>

#include "engine/batch_rules.h"
#include "engine/node.h"

namespace deltamesh {

// A node with many peers does no more of this than its budget for answers allows half of.
void Node::begin_scrub(Session& session, Instant now) {
  compare_at(session, now.steady + config_.scrub_interval);
  if (!active(session) || answer_work_.left(now.steady) < limits::kAnswerWorkMax / 2) return;
  if (scrubs_.size() >= limits::kSessionsMax && !scrubs_.contains(session.remote)) scrubs_.clear();
  ScrubPlace& place = scrubs_[session.remote];
  place.map_turn = !place.map_turn;
  if (place.map_turn && scrub_map(session, place, now)) return;
  if (const auto ix = next_to_scrub(session, place)) return scrub_stream(session, place, *ix, now);
  if (!place.map_turn) scrub_map(session, place, now);
}

void Node::scrub_stream(Session& session, ScrubPlace& place, StreamIx ix, Instant now) {
  auto scrub = std::make_unique<Comparison>();
  scrub->stream = begin_stream(ix);
  scrub->stream->next = place.next;
  scrub->piece_dots = place.piece_dots;
  session.comparison = std::move(scrub);
  continue_comparison(session, now);
}

// The map behind the last one, or the first. False if there is none.
bool Node::scrub_map(Session& session, ScrubPlace& place, Instant now) {
  if (!session.answers_maps) return false;
  const auto maps = comparable_maps(session);
  if (maps.empty()) return false;
  const auto next = std::find_if(maps.begin(), maps.end(), [&](DatasetId id) { return id > place.map; });
  const MapReconciler::Bounds bounds{limits::kScrubMapQuestionsMax, limits::kScrubMapLackingMax};
  session.comparison = std::make_unique<Comparison>();
  session.comparison->map.emplace(next == maps.end() ? maps.front() : *next, bounds);
  continue_comparison(session, now);
  return true;
}

// The stream at the place, or the first one behind it that has something to compare, or the very first.
std::optional<StreamIx> Node::next_to_scrub(const Session& session, ScrubPlace& place) {
  const auto& all = knowledge_.entries();
  const auto here =
      std::lower_bound(all.begin(), all.end(), place.stream,
                       [](const auto& entry, const StreamId& stream) { return entry.stream < stream; });
  if (place.piece_dots == 0) place.piece_dots = limits::kComparePieceFirst;
  const auto begin_at = [&](const StreamId& stream) {
    place.stream = stream;
    place.next = 1;
    place.suspect = false;
  };
  const auto fits = [&](const Knowledge::Entry& entry) {
    const Seq from = entry.stream == place.stream ? place.next : 1;
    return entry.known.settled() >= from && is_comparable(session, entry.stream);
  };
  auto found = std::find_if(here, all.end(), fits);
  if (found == all.end()) {
    begin_at({});
    found = std::find_if(all.begin(), all.end(), fits);
  }
  if (found == all.end()) return std::nullopt;
  if (found->stream != place.stream) begin_at(found->stream);
  return intern(found->stream);
}

// One piece is done, or could not be: the next scrub goes on behind it. What was cut short is begun again.
void Node::end_scrub(const Session& session, const Comparison& scrub) {
  ScrubPlace& place = scrubs_[session.remote];
  if (scrub.map) {
    answer_work_.spend(scrub.map->work());
    return end_map_scrub(session, place, scrub.map->result());
  }
  answer_work_.spend(scrub.work);
  const Comparison::Stream& stream = *scrub.stream;
  const Status& status = stream.result.status;
  if (!status && status.error().code == ErrorCode::kFull) return;
  const bool found = status.ok() && unexpected(session, stream.ix, stream.result.found);
  if (found && !std::exchange(place.suspect, true)) return;
  const Interval piece{place.next, stream.next - 1};
  place.stream = stream.result.stream;
  place.next = stream.next;
  place.piece_dots = scrub.piece_dots;
  place.suspect = false;
  if (found) {
    ++counters_.ranges_different;
    note(Note::Level::kWarning,
         describe(stream.result.stream) + ": " + describe(stream.result.found, "this node", "the peer"),
         session.peer);
    take_anew(stream.ix, unreadable_blocks(stream.ix, piece));
    answer_work_.spend(piece.size());
  }
  if (!status) skip_scrub(place, scrub, status.error(), session.peer);
}

void Node::end_map_scrub(const Session& session, ScrubPlace& place, const ComparedMap& result) {
  const bool found = result.differ > 0;
  if (found && !std::exchange(place.map_suspect, true)) return;
  place.map = result.dataset;
  place.map_suspect = false;
  if (!found) return;
  ++counters_.ranges_different;
  note(Note::Level::kWarning,
       "map " + dataset(result.dataset)->name + ": " + describe(result, "this node", "the peer"),
       session.peer);
}

// A peer that cannot tell is not asked about this stream any more until its turn comes round. What cannot be
// read here is told, and the next piece may be better.
void Node::skip_scrub(ScrubPlace& place, const Comparison& scrub, const Error& why, PeerId peer) {
  const bool by_peer = why.code == ErrorCode::kNotFound || why.code == ErrorCode::kMismatch;
  place.next = by_peer ? limits::kSeqMax : next_piece(scrub).last + 1;
  if (by_peer) return;
  note(Note::Level::kWarning, "cannot compare with the peer: " + why.text, peer);
  const Interval piece = next_piece(scrub);
  take_anew(scrub.stream->ix, unreadable_blocks(scrub.stream->ix, piece));
  answer_work_.spend(piece.size());
}

bool Node::unexpected(const Session& session, StreamIx ix, const Reconciled& found) const {
  const StreamKnowledge* const known = knowledge_.find(streams_[ix]);
  const auto some = [](const DotFindings& lacking, const IntervalSet& believed) {
    return !lacking.first().intersect(believed).empty();
  };
  if (!found.differ.empty() || (known != nullptr && some(found.a_lacks, known->held()))) return true;
  const SessionStream* const state = session.streams.find(ix);
  return state != nullptr && some(found.b_lacks, state->remote);
}

}  // namespace deltamesh
