// engine/node_frontier.cc - who knows what: frontiers, and the streams by their numbers in a session.
#include <algorithm>

#include "engine/frontier_digest.h"
#include "engine/frontier_pages.h"
#include "engine/node.h"
#include "engine/validate.h"

namespace deltamesh {

// --- Telling ---------------------------------------------------------------------------------------------

// What there is to tell. Copied once for all sessions that begin before it changes.
std::shared_ptr<const FrontierImage> Node::image() {
  if (image_ != nullptr) return image_;
  auto image = std::make_shared<FrontierImage>();
  auto over = std::make_shared<std::vector<OverStream>>();
  FrontierDigest digest;
  for (const auto& [of, aside] : aside_) image->pasts.emplace(of, aside.sums);
  for (const auto& [stream, known] : knowledge_.entries()) {
    const DatasetConfig* const config = dataset(stream.dataset);
    if (config == nullptr || config->cls != stream.cls || known.empty()) continue;
    const StreamIx ix = intern(stream);
    if (is_past(stream, known)) {
      add_past(*image, *over, ix, known);
      continue;
    }
    digest.add(stream, known);
    image->streams.emplace_back(ix, known);
  }
  number_places(*image, *over);
  for (const auto& [of, sums] : image->pasts) digest.add(of, sums);
  // Mostly it is the same as before, and shared by many sessions.
  if (over_ == nullptr || *over_ != *over) over_ = std::move(over);
  image->over = over_;
  image->digest = digest.bytes();
  return image_ = std::move(image);
}

// What our HELLO spoke of, or what in it is new to a peer that remembers `base`.
void Node::send_frontier(Session& session, const FrontierImage* base) {
  if (base != nullptr) number_streams(session.out_streams, session, *base, &SessionStream::out_index);
  FrontierPages pages([&](const message::Frontier& page) { send(session, page); },
                      base == nullptr ? Bytes() : base->digest);
  const FrontierImage& told = *session.told;
  std::vector<std::pair<StreamIx, StreamKnowledge>> changed;
  Pasts changed_pasts;
  if (base != nullptr) changed = changes(*base, told);
  if (base != nullptr) changed_pasts = changed_sums(base->pasts, told.pasts);
  for (const auto& [ix, known] : base == nullptr ? told.streams : changed) {
    if (shares(session, streams_[ix].dataset)) pages.add(entry_of(session, ix, known));
  }
  for (const auto& [of, sums] : base == nullptr ? told.pasts : changed_pasts) {
    if (shares(session, of.dataset)) pages.add(message::Frontier::Past{of, sums});
  }
  if (const auto last = agreements_.find(session.remote); last != agreements_.end())
    session.past_remembered = last->second.past_heard;
  pages.end(session.past_remembered == nullptr ? Bytes() : session.past_remembered->digest);
}

// All that is known of it.
message::Frontier::Entry Node::entry_of(Session& session, StreamIx ix, const StreamKnowledge& known) {
  return {refer(session, ix), known.held(),    known.voided(), known.head(),
          known.declared(),   known.dropped(), known.lost()};
}

// A word on one stream, beside the frontier.
void Node::tell(Session& session, message::Frontier::Entry entry) {
  message::Frontier news{{}, false, {}};
  news.entries.push_back(std::move(entry));
  send(session, news);
}

// Peers in session hear at once which numbers are void; others learn it from our frontier, or once they are.
void Node::tell_gone(const Knowledge::Entry& entry, std::optional<PeerId> except) {
  for (auto& [peer, session] : sessions_) {
    if (session->phase == SessionPhase::kLive && peer != except) tell_gone(*session, entry);
  }
}

void Node::tell_gone(Session& session, const Knowledge::Entry& entry) {
  const auto& [stream, known] = entry;
  const bool tells = session.sends.contains(stream.dataset) ||
                     (!known.dropped().empty() && session.takes.contains(stream.dataset));
  if (!tells) return;
  tell(session, {refer(session, intern(stream)),
                 {},
                 known.voided(),
                 known.head(),
                 known.declared(),
                 known.dropped(),
                 known.lost()});
}

// Our HELLO stood for our frontier. It did not tell what has become void since then, nor that a stream is
// complete of which no delta will follow that says so.
void Node::tell_since(Session& session, const FrontierImage& told) {
  if (image_.get() == &told) return;
  std::map<StreamIx, const StreamKnowledge*> then;
  for (const auto& [ix, known] : told.streams) then.emplace(ix, &known);
  const StreamKnowledge nothing;
  for (const auto& entry : knowledge_.entries()) {
    const StreamIx ix = intern(entry.stream);
    if (stands_in_sum(told, ix)) continue;
    const auto found = then.find(ix);
    const StreamKnowledge& before = found == then.end() ? nothing : *found->second;
    const bool follows = !session.peer_quiet && !(entry.known.held() == before.held());
    const bool completed = entry.known.declared() > before.declared() && !follows;
    const bool gave_up = !(entry.known.voided() == before.voided() && entry.known.lost() == before.lost() &&
                           entry.known.dropped() == before.dropped());
    if (completed || gave_up) tell_gone(session, entry);
  }
}

// --- Hearing ---------------------------------------------------------------------------------------------

void Node::take_image(Session& session) {
  number_streams(session.out_streams, session, *session.told, &SessionStream::out_index);
  number_streams(session.in_streams, session, *session.told, &SessionStream::in_index);
  begin_sums(session, {});
  for (const auto& [ix, known] : session.told->streams) {
    const DatasetId dataset = streams_[ix].dataset;
    session.at(ix).remote = known.held();
    note_acked(session, ix, known.held());
    if (maps_.contains(dataset)) {
      session.maps[dataset].known.at(streams_[ix]) = known;
    } else {
      session.at(ix).unwanted = known.dropped();
      note_asked_back(session, ix, known);
    }
  }
}

Status Node::receive(Session& session, const message::Frontier& frontier, Instant now) {
  if (Status good = take_base(session, frontier); !good.ok()) return good;
  for (const auto& entry : frontier.entries) {
    if (Status good = take_frontier_entry(session, entry); !good.ok()) return good;
  }
  for (const auto& past : frontier.pasts) {
    if (Status good = take_past(session, past); !good.ok()) return good;
  }
  const Status good = frontier.last ? end_frontier(session, frontier.remembered) : Status(Done{});
  if (!good.ok()) return good;
  commit_heard();
  if (frontier.last && session.phase == SessionPhase::kFrontier) {
    const auto equal = compare_pasts(session);
    if (!equal.ok()) return equal.error();
    if (*equal) go_live(session, now);
  } else if (frontier.last && session.phase == SessionPhase::kPast) {
    go_live(session, now);
  }
  return Done{};
}

// What its frames did not speak of is as it was when the two met last.
Status Node::end_frontier(Session& session, const Bytes& remembered) {
  if (session.phase == SessionPhase::kPast) return take_rest_of_past(session);
  if (session.phase != SessionPhase::kFrontier) return Done{};
  session.remembered = remembered;
  return take_rest_of_base(session);
}

Status Node::take_frontier_entry(Session& session, const message::Frontier::Entry& entry) {
  const auto ix = resolve(session, entry.ref);
  if (!ix.ok()) return ix.error();
  StreamKnowledge told;
  told.hold(entry.held);
  told.drop(entry.dropped);
  told.declare_void(entry.voided);
  told.declare_lost(entry.lost);
  told.declare_head(entry.head, entry.settled);
  if (Status good = take_told(session, *ix, told); !good.ok()) return good;
  if (session.phase == SessionPhase::kFrontier) session.frontier.insert_or_assign(*ix, std::move(told));
  if (session.phase == SessionPhase::kPast) session.past.insert_or_assign(*ix, std::move(told));
  if (session.phase == SessionPhase::kLive) {
    if (session.is_in_sum(*ix)) tell_all(session, *ix);
    look_again(*ix);
  }
  return Done{};
}

// What a frontier says is joined: each entry may tell all that its sender knows of a stream, or a part. Of
// our own streams nobody can tell us a head or a void: others only repeat what they were told.
Status Node::take_told(Session& session, StreamIx ix, const StreamKnowledge& all) {
  if (Status awake = wake(ix); !awake.ok()) return awake;
  const StreamId& stream = streams_[ix];
  const Seq last = std::max(all.held().last(), all.dropped().last());
  if (Status own = check_own(stream, last); !own.ok()) return own;
  if (session.phase != SessionPhase::kLive) note_asked_back(session, ix, all);
  forget_sum(session, ix, all);
  StreamKnowledge told;
  told.declare_void(all.voided());
  told.declare_lost(all.lost());
  told.declare_head(all.head(), all.declared());
  if (Status noted = note_remote(session, ix, told, all.held()); !noted.ok()) return noted;
  if (Status noted = note_unwanted(session, ix, all.dropped()); !noted.ok()) return noted;
  note_acked(session, ix, all.held());
  if (is_own(stream) || !session.takes.contains(stream.dataset)) return Done{};
  const StreamKnowledge* const known = knowledge_.find(stream);
  StreamKnowledge joined = known == nullptr ? StreamKnowledge{} : *known;
  if (!joined.join(told)) return Done{};
  if (const StreamKnowledge* const heard = heard_.find(stream)) joined.join(*heard);
  if (Status runs = check_runs(joined.voided()); !runs.ok()) return runs;
  if (Status runs = check_runs(joined.lost()); !runs.ok()) return runs;
  heard_.at(stream).join(told);
  return Done{};
}

// Takes note of what the peer has, which decides what it is sent.
Status Node::note_remote(Session& session, StreamIx ix, const StreamKnowledge& told,
                         const IntervalSet& held) {
  IntervalSet& remote = session.at(ix).remote;
  remote.join(held);
  if (Status runs = check_runs(remote); !runs.ok() || !is_map(ix)) return runs;
  StreamKnowledge& theirs = session.maps[streams_[ix].dataset].known.at(streams_[ix]);
  theirs.join(told);
  theirs.hold(held);
  return check_runs(theirs.voided());
}

// A sum told that the peer lacks nothing. This tells what it has.
void Node::forget_sum(Session& session, StreamIx ix, const StreamKnowledge& all) {
  SessionStream* const state = session.streams.find(ix);
  if (state == nullptr || !state->by_sum || all.head() == 0 || !all.missing().empty()) return;
  state->by_sum = false;
  state->unwanted = {};
}

// The peer has it no longer, or never had it, and wants none of it. What it forgot of a map it wants anew.
Status Node::note_unwanted(Session& session, StreamIx ix, const IntervalSet& dots) {
  if (dots.empty() || is_map(ix)) return Done{};
  SessionStream& state = session.at(ix);
  state.remote = state.remote.minus(dots);
  state.unwanted.join(dots);
  if (Status runs = check_runs(state.remote); !runs.ok()) return runs;
  return check_runs(state.unwanted);
}

// Of its own stream a writer lacks only what was damaged. Beyond what it had written by then, it gets nothing
// back.
void Node::note_asked_back(Session& session, StreamIx ix, const StreamKnowledge& told) {
  if (is_map(ix) || !writes(session.remote, streams_[ix]) || told.head() == 0) return;
  const IntervalSet never_stored = told.voided().minus(told.lost());
  const IntervalSet had = IntervalSet({1, told.head()}).minus(told.dropped()).minus(never_stored);
  if (told.held().includes(had)) return;
  SessionStream& state = session.at(ix);
  state.asks_back = true;
  if (told.head() < limits::kSeqMax) state.unwanted.add({told.head() + 1, limits::kSeqMax});
}

void Node::go_live(Session& session, Instant now) {
  session.phase = SessionPhase::kLive;
  links_[session.remote].push_back(session.peer);
  lead(session);
  note(Note::Level::kInfo,
       "in session with node " + hex(session.remote.node.bytes) + " (" + session.software + ")",
       session.peer);
  remember(session, now);
  session.offered.clear();
  const auto told = std::exchange(session.told, nullptr);
  settle_maps(session, *told, now);
  tell_since(session, *told);
  start_pushing(session, *told);
  start_taking(session, now);
  ask_unnamed(session);
  tell_awaited(session);
  AckNews acks = all_acks();
  std::erase_if(acks, [&](const auto& one) { return one.second && session.is_in_sum(*one.second); });
  tell_acks(session, acks);
  if (config_.scrub_interval > Micros::zero()) compare_at(session, now.steady + config_.scrub_interval);
  wake(session);
}

// A peer that others supply was told which streams there are, and hears only what is new in them; other
// streams it gets.
void Node::start_pushing(Session& session, const FrontierImage& told) {
  if (session.peer_quiet) {
    for (const auto& [ix, then] : told.streams) {
      if (!may_send(session, ix) || streams_[ix].dataset == rules_map()) continue;
      session.at(ix).muted = true;
      const StreamKnowledge* const now = known(ix);
      if (now != nullptr) tell_have(session, ix, now->held().minus(then.held()));
    }
    for (StreamIx ix = 0; ix < told.over->size(); ++ix) {
      const OverStream& then = (*told.over)[ix];
      if (then.head == 0 || !session.is_unequal(then) || !may_send(session, ix)) continue;
      session.at(ix).muted = true;
      const StreamKnowledge* const now = known(ix);
      if (now != nullptr && !stands_in_sum(told, ix)) tell_have(session, ix, now->held());
    }
  }
  for (const auto& [stream, known] : knowledge_.entries()) {
    if (known.held().empty()) continue;
    const StreamIx ix = intern(stream);
    const bool lacks_none = session.head_in_sum(ix) != 0 && stands_in_sum(told, ix);
    if (!lacks_none) enqueue(session, ix, Age::kOld);
  }
}

// The same from our side: of what the peer has, we ask for what nobody else in session has; and for what it
// writes itself, which nobody can have sooner.
void Node::start_taking(Session& session, Instant now) {
  if (!session.quiet) return;
  const bool others_follow = std::any_of(sessions_.begin(), sessions_.end(), [](const auto& item) {
    return item.second->phase != SessionPhase::kLive;
  });
  for (const StreamIx ix : session.in_streams) {
    const StreamId& stream = streams_[ix];
    if (!session.takes.contains(stream.dataset) || stream.dataset == rules_map()) continue;
    session.at(ix).unsubscribed = true;
    const bool theirs = writes(session.remote, stream);
    const bool lacking = newest_lacking(session, ix) != 0;
    if (!theirs && !lacking) continue;
    const bool elsewhere = held_elsewhere(session, ix);
    if (theirs && !elsewhere) subscribe(session, ix);
    if (lacking) want(session, ix, !elsewhere && !others_follow, now);
  }
}

// --- Streams by index ------------------------------------------------------------------------------------

Result<StreamIx> Node::resolve(Session& session, const message::StreamRef& ref) {
  if (!ref.stream) {
    if (ref.index < session.in_streams.size()) {
      const StreamIx ix = session.in_streams[ref.index];
      if (Status awake = wake(ix); !awake.ok()) return awake.error();
      return ix;
    }
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
  if (stream.out_index != SessionStream::kUnnamed) return {stream.out_index, std::nullopt};
  stream.out_index = static_cast<std::uint32_t>(session.out_streams.size());
  session.out_streams.push_back(ix);
  return {stream.out_index, streams_[ix]};
}

}  // namespace deltamesh
