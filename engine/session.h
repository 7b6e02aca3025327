// engine/session.h - one connection's conversation with a peer: what each side has said so far.
//
// Plain state, owned by Node; node_session.cc, node_telemetry.cc and node_map.cc hold the rules. A session
// dies with its connection, and the next one starts from what is durable on both sides.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "crdt/knowledge.h"
#include "crdt/lww_map.h"
#include "engine/comparison.h"
#include "engine/config.h"
#include "engine/effects.h"
#include "engine/map_standing.h"
#include "engine/message.h"
#include "engine/past.h"
#include "engine/session_streams.h"
#include "engine/stream_table.h"

namespace deltamesh {

enum class SessionPhase : std::uint8_t {
  kHello,     // Our HELLO is out, theirs is awaited.
  kFrontier,  // Both agreed; their frontier is still coming, so we may not send data yet.
  kPast,      // It is here, and so are sums that are not ours; the streams in them are still coming.
  kLive,
};

// A DELTA as it stands in the order in which it was sent.
struct SentDelta {
  StreamIx ix = 0;
  Interval dots;
  // Of one that was received and brought no news: returned when it is acknowledged.
  std::uint32_t credit = 0;
};

// What a peer has yet to hear, by how long it has waited.
struct News {
  using Dots = std::map<StreamIx, IntervalSet>;

  void forget(StreamIx ix) {
    for (Dots* const dots : {&fresh, &ripe, &due}) dots->erase(ix);
  }

  Dots fresh;
  Dots ripe;  // Have waited one interval; on the side with the greater identity.
  Dots due;   // Go with the next Ack.
};

// All that a node can tell of its knowledge at one moment: streams in the order of StreamId, and sums over
// those that are over.
struct FrontierImage {
  std::vector<std::pair<StreamIx, StreamKnowledge>> streams;
  Pasts pasts;
  std::shared_ptr<const std::vector<OverStream>>
      over;  // By StreamIx: what stands in `pasts`. Null: a peer's.
  Bytes digest;
};

// What two nodes told each other when a session between them went live. The next begins from there.
struct Agreement {
  std::shared_ptr<const FrontierImage> told, heard;
  // Streams in sums that were not the same, as each side named them; null: there were none.
  std::shared_ptr<const FrontierImage> past_told, past_heard;
  std::chrono::microseconds since{0};
};

// What a session knows of one map at the peer.
struct SessionMap {
  Knowledge known;              // What the peer has or was sent.
  std::set<StreamIx> behind;    // Streams of which the map may hold more than `known`.
  Knowledge incoming;           // Knowledge of the peer's delta until its last page is here;
  LwwMap::Rewritten rewritten;  // and of that.
  bool paged = false;           // That delta has more than one page.
  std::uint32_t under_way = 0;  // Pages from the peer that are not durable yet.
  MapStanding standing = MapStanding::kFlows;
  bool whole = false;    // All of the map is to be sent, whatever streams have moved.
  Knowledge confirmed;   // Entries that came while we take the map anew.
  bool guarded = false;  // The peer may not know what was removed and is forgotten, and is told nothing.
  Knowledge refused;     // Entries that were surfaced because of that.
};

// A map delta under way to a peer, made into pages as credit allows.
struct OutgoingMap {
  struct Write {
    std::string key;
    Dot dot;
  };
  DatasetId dataset{};
  std::uint32_t number = 0;
  std::vector<Write> writes;
  std::size_t next_write = 0;
  Knowledge knowledge;  // Told after the entries, unless these tell it.
  LwwMap::Rewritten rewritten;
  std::size_t next_known = 0;
  Knowledge told;  // The dots of the entries.
};

struct Session {
  PeerId peer{};
  SessionPhase phase = SessionPhase::kHello;
  bool leads = false;  // Live, and the newest of the live links to this node: it carries the data.
  std::chrono::microseconds opened{0};
  std::chrono::microseconds heard{0};  // When the last frame came in, on the steady clock.
  int pings = 0;                       // Sent since then.

  Identity remote;
  std::string software;
  std::set<DatasetId> sends, takes;  // Datasets that flow from us to the peer, and to us.

  bool quiet = false;       // We told the peer to send of the streams it has only those we subscribe to.
  bool peer_quiet = false;  // It told us.
  // Until we are live: what our HELLO spoke of, which our frontier tells; and what theirs tells.
  std::shared_ptr<const FrontierImage> told;
  std::vector<std::shared_ptr<const FrontierImage>> offered;  // Frontiers that our HELLO said we remember.
  Bytes digest;                                               // Of their HELLO.
  std::map<StreamIx, StreamKnowledge> frontier;               // Their frontier so far;
  Pasts pasts;                                                // and sums.
  std::shared_ptr<const FrontierImage> frontier_base;         // where it does not say otherwise, this holds.

  std::vector<StreamIx> out_streams;  // Our table: index -> stream.
  std::vector<StreamIx> in_streams;   // Theirs.
  SessionStreams streams;
  // Streams that stood in sums when the session began, and the places of sums that were not the same.
  std::shared_ptr<const std::vector<OverStream>> over;
  std::vector<std::uint32_t> unequal;  // Ascending.
  // Until we are live: which of these streams we named; what the peer says it remembers of those that we
  // named when we met last; and the same the other way round: which it named so far, and where it does not
  // say otherwise, what holds.
  std::shared_ptr<const FrontierImage> past_told;
  Bytes remembered;
  std::shared_ptr<const FrontierImage> past_remembered;  // Those that the peer named then.
  std::map<StreamIx, StreamKnowledge> past;
  std::shared_ptr<const FrontierImage> past_base;
  // Streams that may hold something for the peer. Alarms go first, then what is new, then what is old.
  std::deque<StreamIx> alarms, live, backlog;
  std::int64_t backlog_due = 0;       // Bytes of old data that may go before new: its share of the link.
  std::deque<SentDelta> deltas_sent;  // And not yet acknowledged.
  std::deque<SentDelta> deltas_owed;  // Received, and not all before and of it are durable.
  std::map<DatasetId, SessionMap> maps;
  std::map<DatasetId, MapFloor> floors, floors_told;  // Theirs; and ours as they stood before the frontier.
  std::optional<OutgoingMap> map_delta;               // Goes before telemetry.
  std::uint32_t map_deltas = 0;                       // How many were begun; the last one's number.
  std::set<std::uint32_t> map_deltas_sent;            // And not yet acknowledged.
  std::map<std::uint32_t, Knowledge> rules_sent;      // Of these, what those of `$rules` tell.
  bool told_ahead = false;                            // That its stamps run ahead of our clock.

  // Series that the peer asked for and we could not tell it yet; at most limits::kSeriesPerStreamMax.
  std::set<std::pair<StreamIx, SeriesNo>> wanted;
  std::map<StreamIx, IntervalSet> unreadable;  // Events that the store could not read, to send them;
  std::uint32_t unreadable_count = 0;          // and in how many blocks.

  std::uint64_t unpaced_bytes = 0;           // Sent and not yet in paced_until.
  std::chrono::microseconds paced_until{0};  // When a link with a cap is through with what was sent.
  std::optional<std::chrono::microseconds> pace_next;  // When data that waits for that goes on.

  std::int64_t credit = 0;       // Bytes that we may still have in flight; may end below zero by a frame.
  std::int64_t window = 0;       // The same for the peer.
  std::uint32_t share = 0;       // What the peer may have in flight when nothing is: its part of our memory.
  std::uint32_t credit_due = 0;  // To be returned with the next Ack.

  std::unique_ptr<Comparison> comparison;                 // With this peer, if one is under way.
  std::optional<std::chrono::microseconds> compare_next;  // When it goes on, or the next scrub begins.
  std::uint32_t questions = 0;                            // How many were asked; the last one's number.
  bool answers = true;                                    // It has not yet let a question go unanswered;
  bool answers_maps = true;                               // nor one about a map.

  // What the next Ack says.
  std::uint32_t deltas_due = 0;     // So many more of the peer's deltas are durable.
  News news;                        // Dots that became durable, of streams that are muted.
  std::set<StreamIx> given_up_due;  // Told when it is looked for what is too old, since the peer has it.
  std::set<StreamIx> subscribed_due, unsubscribed_due;
  std::vector<std::uint32_t> map_acks_due;
  bool leads_due = false;   // That this link carries the data.
  bool report_now = false;  // Acknowledgements have waited for company long enough.

  [[nodiscard]] SessionStream& at(StreamIx ix) {
    if (SessionStream* const found = streams.find(ix)) return *found;
    SessionStream& added = streams.add(ix);
    note_in_sum(ix, added);
    return added;
  }
  // The stream was over on both sides when the session began, as equal sums said; its head then, or 0.
  [[nodiscard]] Seq head_in_sum(StreamIx ix) const {
    if (over == nullptr || ix >= over->size() || is_unequal((*over)[ix])) return 0;
    return (*over)[ix].head;
  }
  [[nodiscard]] bool is_unequal(const OverStream& stream) const {
    return std::binary_search(unequal.begin(), unequal.end(), stream.place);
  }
  // Neither side has said more of it since.
  [[nodiscard]] bool is_in_sum(StreamIx ix) const {
    const SessionStream* const found = streams.find(ix);
    return found != nullptr ? found->in_sum : head_in_sum(ix) != 0;
  }
  // Something about the stream is still to be said or done.
  [[nodiscard]] bool waits_for(StreamIx ix) const {
    const auto is_it = [ix](const SentDelta& delta) { return delta.ix == ix; };
    const SessionStream* const state = streams.find(ix);
    const bool is_begun = phase == SessionPhase::kLive;
    const bool compares = comparison != nullptr && (comparison->taken.contains(ix) ||
                                                    (comparison->stream && comparison->stream->ix == ix));
    return compares ||
           (state != nullptr && (!is_begun || !state->sent.empty() || state->queued || state->behind)) ||
           std::any_of(deltas_owed.begin(), deltas_owed.end(), is_it) ||
           std::any_of(deltas_sent.begin(), deltas_sent.end(), is_it) || given_up_due.contains(ix) ||
           subscribed_due.contains(ix) || unsubscribed_due.contains(ix);
  }
  // Nothing of the stream is held here any more, nor wanted. Its numbers stay.
  void forget(StreamIx ix) {
    SessionStream* const state = streams.find(ix);
    if (state == nullptr) return;
    const SessionStream before = std::exchange(*state, SessionStream());
    state->out_index = before.out_index;
    state->in_index = before.in_index;
    state->muted = before.muted;
    state->unsubscribed = before.unsubscribed;
    state->in_sum = true;
    news.forget(ix);
    unreadable.erase(ix);
    wanted.erase(wanted.lower_bound({ix, 0}), wanted.lower_bound({ix + 1, 0}));
  }
  // So the peer lacks none of what it was then, but what is void for both.
  void note_in_sum(StreamIx ix, SessionStream& stream) const {
    const Seq head = head_in_sum(ix);
    if (head == 0) return;
    const auto& voided = (*over)[ix].voided;
    const IntervalSet all({1, head});
    stream.in_sum = stream.by_sum = true;
    stream.unwanted.join(voided == nullptr ? all : all.minus(*voided));
  }
};

// For people and tests.
struct SessionStatus {
  PeerId peer{};
  SessionPhase phase = SessionPhase::kHello;
  Identity remote;
  std::string software;
  std::uint64_t events_unacknowledged = 0;  // Of telemetry sent and not yet durable there.
};

}  // namespace deltamesh
