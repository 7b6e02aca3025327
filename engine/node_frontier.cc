// engine/node_frontier.cc - who knows what: frontiers, and the streams by their numbers in a session.
#include <algorithm>

#include "engine/node.h"
#include "engine/validate.h"

namespace deltamesh {

// --- Telling ---------------------------------------------------------------------------------------------

void Node::send_frontier(Session& session) {
  message::Frontier page{{}, false};
  std::size_t bytes = 0;
  for (const auto& [stream, known] : knowledge_.entries()) {
    if (!session.sends.contains(stream.dataset) && !session.takes.contains(stream.dataset)) continue;
    page.entries.push_back(
        {refer(session, intern(stream)), known.held(), known.voided(), known.head(), known.settled()});
    bytes += item_bytes_max(page.entries.back());
    if (page.entries.size() < limits::kStreamsPerFrame && bytes < limits::kPageBytes) continue;
    send(session, std::exchange(page, message::Frontier{{}, false}));
    bytes = 0;
  }
  page.last = true;
  send(session, page);
}

// Peers in session hear at once which numbers are void; others learn it from our frontier.
void Node::tell_void(const Knowledge::Entry& entry, std::optional<PeerId> except) {
  for (auto& [peer, session] : sessions_) {
    if (session->phase == SessionPhase::kHello || peer == except) continue;
    if (!session->sends.contains(entry.stream.dataset)) continue;
    const auto& [stream, known] = entry;
    message::Frontier news;
    news.entries.push_back(
        {refer(*session, intern(stream)), {}, known.voided(), known.head(), known.settled()});
    send(*session, news);
  }
}

// --- Hearing ---------------------------------------------------------------------------------------------

Status Node::receive(Session& session, const message::Frontier& frontier) {
  for (const auto& entry : frontier.entries) {
    if (Status good = take_frontier_entry(session, entry); !good.ok()) return good;
  }
  commit_heard();
  if (frontier.last && session.phase == SessionPhase::kFrontier) go_live(session);
  return Done{};
}

// What a frontier says is joined: each entry may tell all that its sender knows of a stream, or a part. Of
// our own streams nobody can tell us a head or a void: others only repeat what they were told.
Status Node::take_frontier_entry(Session& session, const message::Frontier::Entry& entry) {
  const auto ix = resolve(session, entry.ref);
  if (!ix.ok()) return ix.error();
  const StreamId& stream = streams_[*ix];
  if (Status own = check_own(stream, entry.held.last()); !own.ok()) return own;
  StreamKnowledge told;
  told.declare_void(entry.voided);
  told.declare_head(entry.head, entry.settled);
  if (Status noted = note_remote(session, *ix, told, entry.held); !noted.ok()) return noted;
  if (is_own(stream) || !session.takes.contains(stream.dataset)) return Done{};
  const StreamKnowledge* const known = knowledge_.find(stream);
  StreamKnowledge joined = known == nullptr ? StreamKnowledge{} : *known;
  if (!joined.join(told)) return Done{};
  if (const StreamKnowledge* const heard = heard_.find(stream)) joined.join(*heard);
  if (Status runs = check_runs(joined.voided()); !runs.ok()) return runs;
  heard_.at(stream).join(told);
  return Done{};
}

// Takes note of what the peer has, which decides what it is sent.
Status Node::note_remote(Session& session, StreamIx ix, const StreamKnowledge& told,
                         const IntervalSet& held) {
  const StreamId& stream = streams_[ix];
  if (!maps_.contains(stream.dataset)) {
    IntervalSet& remote = session.at(ix).remote;
    remote.join(held);
    return check_runs(remote);
  }
  StreamKnowledge& theirs = session.maps[stream.dataset].known.at(stream);
  theirs.join(told);
  theirs.hold(held);
  if (Status runs = check_runs(theirs.voided()); !runs.ok()) return runs;
  return check_runs(theirs.held());
}

void Node::go_live(Session& session) {
  session.phase = SessionPhase::kLive;
  links_[session.remote].push_back(session.peer);
  note(Note::Level::kInfo,
       "in session with node " + hex(session.remote.node.bytes) + " (" + session.software + ")",
       session.peer);
  for (const auto& [stream, known] : knowledge_.entries()) {
    if (!known.held().empty()) enqueue(session, intern(stream));
  }
  wake(session);
}

// --- Streams by index ------------------------------------------------------------------------------------

Result<StreamIx> Node::resolve(Session& session, const message::StreamRef& ref) {
  if (!ref.stream) {
    if (ref.index < session.in_streams.size()) return session.in_streams[ref.index];
    return Error{ErrorCode::kInvalid, "stream " + std::to_string(ref.index) + " was never named"};
  }
  if (ref.index != session.in_streams.size()) {
    return Error{ErrorCode::kInvalid, "stream " + std::to_string(ref.index) + " named out of turn"};
  }
  const DatasetId dataset = ref.stream->dataset;
  if (!session.sends.contains(dataset) && !session.takes.contains(dataset)) {
    return Error{ErrorCode::kInvalid, "a stream of a dataset that this session does not share"};
  }
  const auto ix = intern_remote(*ref.stream);
  if (ix.ok()) {
    session.at(*ix).in_index = ref.index;
    session.in_streams.push_back(*ix);
  }
  return ix;
}

message::StreamRef Node::refer(Session& session, StreamIx ix) {
  SessionStream& stream = session.at(ix);
  if (stream.out_index) return {*stream.out_index, std::nullopt};
  stream.out_index = static_cast<std::uint32_t>(session.out_streams.size());
  session.out_streams.push_back(ix);
  return {*stream.out_index, streams_[ix]};
}

}  // namespace deltamesh
