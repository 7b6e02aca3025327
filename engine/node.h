// engine/node.h - one node of the fleet, as a state machine: events in, effects out.
//
// It reads no clock, opens nothing, starts no thread, and draws no randomness; whoever holds a
// Node is its driver. After every call the driver carries out take_effects(). Three laws of the driver: a
// batch is reported durable only when it would survive a power cut; batches are committed in the order given;
// effects are carried out in the order given.
//
// What the node itself promises: a number of ours leaves only after the commit that uses it; an
// acknowledgement leaves only after the commit of what it acknowledges; nothing that a peer sends can assert.
// Not thread-safe: one thread, or one strand.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "engine/catalogue.h"
#include "engine/codec.h"
#include "engine/counters.h"
#include "engine/effects.h"
#include "engine/forget.h"
#include "engine/forgetting.h"
#include "engine/map_reconcile.h"
#include "engine/map_standing.h"
#include "engine/merging.h"
#include "engine/open_block.h"
#include "engine/range_cache.h"
#include "engine/recent_blocks.h"
#include "engine/retention.h"
#include "engine/session.h"
#include "engine/store.h"
#include "engine/stream_table.h"
#include "engine/tier_acks.h"
#include "engine/work_budget.h"

namespace deltamesh {

class Node {
 public:
  // `image` is what `reader` answers now; `reader` outlives the node and is used from the node's calls only.
  // `config` has passed check().
  Node(NodeConfig config, StoreImage image, const StoreReader& reader);
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  // Local writes. Each gets its number at once and is answered by Effects::written when it is durable.
  // Refuses: unknown dataset, bad names, NaN, too large, too much pending (kFull: try again later).
  Result<WriteId> write(DatasetId dataset, std::span<const NamedEvent> events, Instant now);
  Result<WriteId> put(DatasetId dataset, std::string key, std::string value, Instant now);
  Result<WriteId> remove(DatasetId dataset, std::string key, Instant now);
  // Writes what is there of a key once more, whatever its stamp, and so decides all its conflicts. kNotFound
  // if it was never written.
  Result<WriteId> repair(DatasetId dataset, const std::string& key, Instant now);
  // A node is gone for good: what it wrote and nobody is known to have is void, and its streams are complete.
  // Peers are told. Refuses: this node, or one in session (kInvalid); one of which nothing is known
  // (kNotFound).
  Result<WriteId> retire(const NodeId& gone);
  // Writes a rule for wrong data (engine/forget.h). Once it is durable here, it is in effect: answers hide
  // what it names, peers hear of it, and what is stored is written anew without it, some of it at a time;
  // nothing takes that back. A rule that is there is written once more, with this reason. Refuses: no
  // telemetry of that name (kNotFound, kInvalid), a bad name, range or reason (kInvalid), too many rules
  // (kLimit), too much pending (kFull). `$rules` cannot be written by put() and remove().
  Result<WriteId> forget(const ForgetRule& rule, std::string reason, Instant now);
  // Commits what is gathered without waiting for the commit interval.
  void flush(Instant now);

  // A connection was made (by either side); frames came in on it; it is gone.
  void opened(PeerId peer, Instant now);
  void received(PeerId peer, ByteView frame, Instant now);
  void closed(PeerId peer, Instant now);

  void durable(BatchId batch, Instant now);
  void failed(BatchId batch, const Error& error, Instant now);
  void tick(Instant now);

  // Compares all that is shared with a peer: telemetry stream by stream, up to what both have settled, then
  // maps; the result is in Effects::compared, also if the session ends before. Refuses: no such session, or
  // it is not live (kNotFound); one is under way with this peer (kFull).
  Result<CompareId> compare(PeerId peer, Instant now);

  [[nodiscard]] Effects take_effects();

  // What is durable here.
  [[nodiscard]] const Identity& identity() const { return identity_; }
  [[nodiscard]] const NodeConfig& config() const { return config_; }
  [[nodiscard]] const Knowledge& knowledge() const { return knowledge_; }
  [[nodiscard]] const LwwMap* map(DatasetId dataset) const;
  [[nodiscard]] const MapFloor& floor(DatasetId dataset) const;
  // The rules for wrong data that are in effect here; and whether some of what is stored is still to be
  // looked through for what they name.
  [[nodiscard]] const ForgetRules& rules() const;
  [[nodiscard]] bool is_forgetting() const;
  [[nodiscard]] const Counters& counters() const { return counters_; }
  // Streams that are over and of which nothing is held here stand in the store alone, not in knowledge().
  [[nodiscard]] std::size_t streams_aside() const;
  // Sessions for people: who, since when, how far.
  [[nodiscard]] std::vector<SessionStatus> sessions() const;
  // Nothing pending, nothing in flight, nothing that an open session lacks: the driver may stop.
  [[nodiscard]] bool quiet() const;

 private:
  using Micros = std::chrono::microseconds;

  struct OwnStream {
    StreamIx ix = 0;
    Seq next = 1;  // The number of the next event.
    OpenBlock open;
    SeriesNumbers numbers;
    std::uint64_t boot = 0;  // OwnBoot::place from which its events are counted now; 0: none yet.
    // By key: the last write to it that is not durable yet; without key and value.
    std::map<std::string, MapEntry> unsettled;
  };
  // A batch between take_effects() and durable() or failed(), and whom it concerns.
  struct InFlight {
    // A stored block without what rules remove from it.
    struct Rewritten {
      StreamIx ix = 0;
      StoredBlock block;
      std::uint64_t bytes_before = 0;
      std::uint64_t values = 0;  // That it lost.
    };
    struct Block {
      StreamIx ix = 0;
      StoredBlock block;
      bool local = false;
    };
    // Stored blocks of a cell as one, and what it takes the place of.
    struct Merged {
      Merging::Cell cell;
      StreamIx ix = 0;
      StoredBlock block;
      std::size_t blocks = 0;
      std::uint64_t bytes_before = 0;
      std::uint64_t arrival = 0;
    };
    std::vector<Block> blocks;
    std::vector<MapWrite> entries;
    std::vector<StreamSeries> declarations;
    std::vector<SeriesKey> unnamed;
    Knowledge knowledge;
    std::vector<WriteId> writes;
    std::size_t write_bytes = 0;
    bool retires = false;        // Holds what an operator says of a node that is gone.
    bool heard = false;          // Holds what frontiers told, from no peer in particular.
    std::optional<PeerId> from;  // Received from this peer: return `credit`, acknowledge `map_delta`.
    std::uint32_t credit = 0;
    std::optional<DatasetId> map_page;  // A page of a delta of this map.
    std::optional<std::uint32_t> map_delta;
    Knowledge map_rest;  // What the map delta's earlier pages justify; committed once this batch is durable.
    LwwMap::Rewritten rewritten;                         // Of the whole map delta.
    Retention::Plan plan;                                // What it gives up, for what it brings.
    std::set<StreamIx> refused;                          // Of these streams it gives up what `from` has sent.
    bool looks = false;                                  // Made for that alone, in its turn.
    bool forgets = false;                                // Made to write blocks anew, or what is obeyed.
    std::vector<std::pair<StreamIx, Interval>> damaged;  // Blocks that cannot be read, and are taken anew.
    std::optional<ArrivalMark> mark;
    std::vector<TierAck> acks;
    MapPruning pruning;
    std::optional<DatasetId> collects;  // What `pruning` erases of this map are old tombstones.
    std::vector<BootOffset> offsets;
    std::set<std::uint64_t> own_boots;     // Places of those that it has.
    bool tells_boots = false;              // Holds records of ours.
    std::optional<MapFloor> floor_before;  // Of the map that is taken anew, if the batch begins that.
    std::uint64_t generation = 0;          // Its blocks obey the rules that were in effect then.
    std::vector<Rewritten> obedient;       // Stored blocks, written anew.
    std::vector<Merged> merged;
    bool merges = false;            // Made for that alone.
    std::set<StreamIx> named_late;  // As Forgetting has them.
    std::optional<Bytes> obeyed;    // As Batch has it.
    std::vector<StreamIx> aside;    // Made to put these aside.
  };
  // Where a stream comes from.
  struct Source {
    std::optional<PeerId> from;     // The session that brought its last event, and is to bring the next.
    std::optional<Micros> look_at;  // Stands in late_: an event of it is known to be somewhere and not here.
    Seq awaited = 0;                // The newest of these when it was looked at last,
    int waits = 0;                  // and how often it had not come since then.
    Seq head = 0, settled = 0;      // As told by deltas that may not be durable here yet.
  };
  struct WriteState {
    std::uint32_t parts = 0;  // Batches that still hold some of it.
    Status status = Done{};
  };

  // node.cc: what is known, and time.
  void load(StoreImage image);
  void load_knowledge(const StoreImage& image);
  [[nodiscard]] const DatasetConfig* dataset(DatasetId id) const;
  Result<const DatasetConfig*> dataset_of_kind(DatasetId id, DatasetKind kind) const;
  OwnStream& own_stream(const DatasetConfig& config);
  StreamIx intern(const StreamId& stream);
  [[nodiscard]] const StreamKnowledge* known(StreamIx ix) const;
  Result<StreamIx> intern_remote(const StreamId& stream);
  void void_lost();
  [[nodiscard]] bool is_own(const StreamId& stream) const;
  [[nodiscard]] Status check_own(const StreamId& stream, Seq last);
  void note(Note::Level level, std::string text, std::optional<PeerId> peer = std::nullopt);

  // node_batch.cc: what is stored together.
  void gather(Micros until);
  void commit_gathered();
  void commit(InFlight batch);
  void take_unstored(InFlight& batch);
  std::vector<StreamSeries> take_undurable(const std::vector<StreamSeries>& declarations);
  void commit_heard();
  void commit_rest(Session& session, const InFlight& batch);
  void release(const InFlight& batch);
  void apply_durable(const InFlight& batch);
  [[nodiscard]] std::set<StreamId> newly_settled(const InFlight& batch) const;
  void settle_writes(const InFlight& batch, const Status& status);
  void void_failed(const InFlight& batch);
  void void_own(const StreamId& stream, Interval dots);
  void end_sessions_of(const InFlight& batch, const Error& why);
  void count_part(WriteId write);

  // node_write.cc: local events and entries.
  Status check_events(std::span<const NamedEvent> events) const;
  Status check_room(const OwnStream& own, const std::vector<const NamedReading*>& undeclared) const;
  Status check_pending(std::size_t bytes) const;
  Status check_entry(DatasetId dataset, const MapEntry& entry) const;
  Status check_not_rules(DatasetId dataset);
  Status declare_all(OwnStream& own, std::span<const NamedEvent> events);
  void append(OwnStream& own, const NamedEvent& event, WriteId write, Instant now);
  void close_block(OwnStream& own);
  Result<WriteId> write_entry(DatasetId dataset, MapEntry entry, Instant now);
  void follow_all(DatasetId dataset, MapEntry& entry);
  void take_entry(DatasetId dataset, MapEntry entry);
  void settle_entry(DatasetId dataset, const MapEntry& entry);

  // node_clock.cc: what time it is, and stamps that run ahead of it.
  struct WallTime {
    std::chrono::milliseconds at{0};
    bool trusted = false;  // By this machine;
    bool known = false;    // or told by a peer.
  };
  [[nodiscard]] WallTime wall_time(Instant now) const;
  void stamp(DatasetId dataset, MapEntry& entry, const WallTime& wall);
  void note_stamp(Session& session, const MapEntry& entry, const WallTime& wall);
  void receive(const message::ClockAhead& ahead, PeerId peer, Instant now);
  void check_clock(Instant now);
  void mend_entries(const WallTime& wall, Instant now);
  bool mend_map(DatasetId dataset, const WallTime& wall, std::size_t& left);
  [[nodiscard]] bool must_mend(const MapEntry& entry, const WallTime& wall) const;
  [[nodiscard]] bool is_believed(HlcStamp floor, Instant now) const;
  void rise_above(HlcStamp floor, Instant now);

  // node_boot.cc: times counted from a boot, and what turns them into UTC.
  struct BootStart {
    Micros at{0};  // In UTC.
    Quality quality = Quality::kGood;
  };
  // A boot of this machine, and what is known and durable of when it was.
  struct KnownBoot {
    OwnBoot boot;
    std::optional<BootStart> start = {};
  };
  void load_boots(std::vector<OwnBoot> boots, const std::vector<BootOffset>& offsets);
  [[nodiscard]] bool is_written_here(const StreamId& stream) const;
  void set_time(OwnStream& own, Event& event, Micros taken, Instant now);
  KnownBoot* own_boot(OwnStream& own, Instant now);
  [[nodiscard]] bool clock_was_set(const KnownBoot& known, Instant now) const;
  KnownBoot* begin_boot(OwnStream& own);
  [[nodiscard]] KnownBoot* boot_at(std::uint64_t place);
  [[nodiscard]] Resolution resolution(const StreamId& stream) const;
  void take_boots(InFlight& batch);
  void check_boots(Instant now);
  [[nodiscard]] std::optional<BootStart> present_start(Instant now) const;
  [[nodiscard]] std::vector<std::optional<BootStart>> starts(Instant now) const;
  [[nodiscard]] std::optional<BootStart> group_start(std::size_t begin, std::size_t end,
                                                     std::optional<Micros> next, Micros sure) const;
  [[nodiscard]] std::vector<Micros> sure_times() const;
  [[nodiscard]] bool some_boot_waits() const;
  [[nodiscard]] bool may_learn(const BootOffset& offset);
  bool tell_boot(const KnownBoot& known, const BootStart& start);
  std::vector<BootOffset> learn_offsets(StreamIx ix, const message::Delta& delta,
                                        const BlockSummary& summary);
  void offsets_durable(const InFlight& batch);
  void offsets_failed(const InFlight& batch, Instant now);
  void count_boots();

  // node_forget.cc: rules for wrong data.
  Status check_forget(const ForgetRule& rule, const std::string& reason) const;
  void load_rules(const Bytes& obeyed);
  void take_rule(const std::string& key);
  void rules_took_effect(Instant now);
  void obey(StreamIx ix, StoredBlock& block);
  [[nodiscard]] RemovedBy removed_by(StreamIx ix) const;
  [[nodiscard]] bool knows_rules(Session& session) const;
  void note_rules_known(Session& session, std::uint32_t delta);
  void series_named(StreamIx ix, const SeriesDecl& decl);
  [[nodiscard]] bool may_forget() const { return !forgetting_.under_way && merging_.under_way.empty(); }
  void check_forgetting(Instant now);
  void look_through(InFlight& batch, Instant now);
  Status look_at_stream(StreamIx ix, Seq from, std::size_t& bytes_left, InFlight& batch);
  Status pass_over(StreamIx ix, Seq from, const Error& why, std::size_t& bytes_left);
  [[nodiscard]] bool obeys_all() const;
  void apply_rewritten(const InFlight& batch);
  void forgetting_durable(const InFlight& batch, Instant now);
  void forgetting_failed(const InFlight& batch, Instant now);
  void end_stream_comparisons(Instant now);

  // node_merge.cc: blocks become one.
  [[nodiscard]] std::optional<Interval> complete_run(StreamIx ix, Seq seq) const;
  void load_merging();
  [[nodiscard]] std::vector<std::pair<StreamIx, IntervalSet>> newly_complete(const InFlight& batch) const;
  void merging_durable(const InFlight& batch, const std::vector<std::pair<StreamIx, IntervalSet>>& settled);
  void apply_merged(const InFlight::Merged& one);
  void merging_failed(const InFlight& batch, Instant now);
  [[nodiscard]] std::optional<Micros> merges_at() const;
  void check_merging(Instant now);
  Status merge_cells(InFlight& batch);
  Status merge_cell(const Merging::Cell& cell, std::size_t& bytes_left, InFlight& batch);
  Status merge_rows(const Merging::Cell& cell, const std::vector<HeldBlock>& rows, std::size_t blocks_min,
                    std::size_t& bytes_left, InFlight& batch);
  [[nodiscard]] Result<bool> may_merge(StreamIx ix, const std::vector<HeldBlock>& rows) const;
  Result<bool> merge_blocks_of(const Merging::Cell& cell, const std::vector<HeldBlock>& rows,
                               std::size_t& bytes_left, InFlight& batch);

  // node_telemetry.cc: blocks from peers.
  Status receive(Session& session, message::Delta& delta, std::size_t frame_bytes);
  Result<BlockSummary> check_delta(const Session& session, StreamIx ix, const message::Delta& delta);
  Status check_gaps(StreamIx ix, Interval dots) const;
  [[nodiscard]] IntervalSet fresh_dots(StreamIx ix, Interval dots) const;
  Result<std::vector<StoredBlock>> cut_fresh(StreamIx ix, message::Delta& delta, const BlockSummary& summary);
  void became_durable(const InFlight::Block& block);
  void acknowledge(Session& session, StreamIx ix);
  [[nodiscard]] bool is_durable(const SentDelta& delta) const;
  static Result<StoredBlock> cut(const StreamId& stream, Seq first, ByteView block, Interval run);

  // node_retention.cc: what is given up.
  void keep_within_bounds(InFlight& batch);
  void check_retention(Instant now);
  void live_on(Instant now);
  [[nodiscard]] std::optional<ArrivalMark> mark_if_due();
  void note_unable(const Status& planned);
  void declare_lost(InFlight& batch);
  bool refuse(InFlight& batch, StreamIx ix, Interval dots);
  void apply_given_up(const InFlight& batch);
  void note_given_up(Session& session, StreamIx ix, const IntervalSet& gone);
  void tell_given_up(Session& session, StreamIx ix);
  void tell_all_given_up();
  void give_up_failed(const InFlight& batch);
  [[nodiscard]] static bool owes(const Session& session, const InFlight& batch);

  // node_damage.cc: blocks that cannot be read, taken anew from a peer.
  void take_anew(StreamIx ix, const std::vector<HeldBlock>& unreadable);
  [[nodiscard]] std::vector<HeldBlock> unreadable_blocks(StreamIx ix, Interval around) const;
  [[nodiscard]] std::optional<HeldBlock> block_at(StreamIx ix, Seq seq) const;
  [[nodiscard]] IntervalSet held_by_peers(StreamIx ix) const;
  void ask_who_has(StreamIx ix, Interval dots);
  void look_again(StreamIx ix);
  void apply_damaged(const InFlight& batch);

  // node_tier.cc: what the operator's tiers have stored.
  using AckNews = std::set<std::pair<Identity, std::optional<StreamIx>>>;  // None: its life is over.
  void load_acks(const std::vector<TierAck>& acks);
  void end_other_lives(const Session& session);
  void note_acked(const Session& session, StreamIx ix, const IntervalSet& dots);
  void end_life(const Identity& acker);
  void take_ack(const Identity& acker, StreamIx ix, const IntervalSet& dots);
  Status receive(Session& session, const message::TierAck& ack);
  [[nodiscard]] const StreamKnowledge* acked(const Identity& acker, StreamIx ix) const;
  void note_news_of(const Identity& acker, std::optional<StreamIx> ix);
  void tell_acks(Instant now);
  void tell_acks(Session& session, const AckNews& news);
  [[nodiscard]] AckNews all_acks() const;
  [[nodiscard]] AckNews acks_of(StreamIx ix) const;
  std::vector<TierAck> take_unstored_acks();
  void acks_failed(const InFlight& batch);

  // node_push.cc: blocks to peers.
  Status send_telemetry(Session& session, Instant now);
  static std::deque<StreamIx>* next_lane(Session& session);
  Result<bool> send_stream(Session& session, StreamIx ix, Instant now);
  void skip_unreadable(Session& session, StreamIx ix, Seq seq, const Error& why);
  [[nodiscard]] std::size_t read_ahead() const;
  Result<std::vector<StoredBlock>> read_blocks(StreamIx ix, Interval wanted) const;
  Status send_block(Session& session, StreamIx ix, const StoredBlock& block, Interval wanted);
  [[nodiscard]] bool may_send(const Session& session, StreamIx ix) const;
  [[nodiscard]] bool is_map(StreamIx ix) const { return maps_.contains(streams_[ix].dataset); }
  enum class Age : std::uint8_t { kNew, kOld };
  void enqueue(Session& session, StreamIx ix, Age age);
  // What is read for a peer next, and how far what it lacks goes on around that: a block that reaches below
  // the part goes out as it is.
  struct Wanted {
    Interval part;
    Interval lacking;
  };
  [[nodiscard]] std::optional<Wanted> next_to_send(const Session& session, StreamIx ix) const;

  // node_source.cc: which peer brings which stream.
  void note_source(Session& session, StreamIx ix, bool fresh);
  [[nodiscard]] Session* source_of(StreamIx ix);
  [[nodiscard]] Seq newest_lacking(const Session& session, StreamIx ix) const;
  [[nodiscard]] bool all_here(StreamIx ix, const IntervalSet& dots) const;
  [[nodiscard]] bool is_here(StreamIx ix, Seq seq) const;
  [[nodiscard]] bool held_elsewhere(const Session& session, StreamIx ix) const;
  [[nodiscard]] bool waits_for_some() const;
  void want(Session& session, StreamIx ix, bool at_once, Instant now);
  void watch(StreamIx ix, Micros at);
  void check_late(Instant now);
  void check_late(StreamIx ix, Instant now);
  void subscribe(Session& session, StreamIx ix);
  void unsubscribe(Session& session, StreamIx ix);
  void lose_source(PeerId peer);
  void mute(Session& session, StreamIx ix);
  void unmute(Session& session, StreamIx ix, const IntervalSet& remote);
  void tell_have(Session& session, StreamIx ix, const IntervalSet& dots);
  void note_remote(Session& session, StreamIx ix, const IntervalSet& dots);
  Status receive_haves(Session& session, const message::Ack& ack, Instant now);
  Status receive_subscriptions(Session& session, const message::Ack& ack);

  // node_series.cc: declarations from and to peers.
  Status receive(Session& session, const message::SeriesWanted& wanted);
  Status receive(Session& session, const message::SeriesGiven& given);
  void learn_series(StreamIx ix, const std::vector<SeriesDecl>& declarations,
                    std::vector<StreamSeries>& fresh);
  std::vector<SeriesKey> ask_series(Session& session, StreamIx ix, const std::vector<SeriesNo>& used);
  void give_series(Session& session, const StreamId& stream, const std::vector<const SeriesDecl*>& decls);
  void answer_wanted(const std::vector<StreamSeries>& fresh);
  void ask_unnamed(Session& session);
  std::vector<SeriesDecl> declare_to(Session& session, StreamIx ix, const std::vector<SeriesNo>& used);

  // node_compare.cc: asking a peer whether it holds the same.
  void check_comparisons(Instant now);
  void continue_comparison(Session& session, Instant now);
  void compare_at(Session& session, std::optional<Micros> at);
  std::vector<StreamIx> comparable(const Session& session);
  [[nodiscard]] bool is_comparable(const Session& session, const StreamId& stream) const;
  bool begin_piece(const Session& session, Comparison& comparison);
  Comparison::Stream begin_stream(StreamIx ix);
  void take_aside(const Session& session, Comparison& comparison);
  void end_stream(const Session& session, Comparison& comparison);
  void ask(Session& session, Instant now);
  template <class Step>
  auto with_ranges(Comparison& comparison, Step step);
  void stop_piece(Session& session, const Error& why, Instant now);
  void name_to(Session& session, StreamIx ix);
  Status receive(Session& session, const message::RangeAnswer& answer, Instant now);
  void take_refusal(Session& session, Seq peer_settled, Instant now);
  void take_other_rules(Session& session, Instant now);
  void end_piece(Session& session, Instant now);
  void fail_stream(Session& session, Error why, Instant now);
  void end_comparison(Session& session, Status status, std::optional<Instant> now);
  void stop_waiting(Session& session, Instant now);

  // node_compare_map.cc: the same for maps, both sides.
  [[nodiscard]] std::vector<DatasetId> comparable_maps(const Session& session) const;
  [[nodiscard]] bool shares(const Session& session, DatasetId dataset) const;
  [[nodiscard]] MapSide side(DatasetId map) const { return {maps_.at(map), map_ranges_.at(map)}; }
  bool begin_map(Comparison& comparison);
  void ask_map(Session& session, Instant now);
  void end_map(Session& session, Status status, Instant now);
  void pass_maps_over(Comparison& comparison, const Error& why);
  void take_map_refusal(Session& session, message::MapAnswer::Kind kind, Instant now);
  Status receive(Session& session, const message::MapAnswer& answer, Instant now);
  Status receive(Session& session, const message::MapQuestion& question, Instant now);
  message::MapAnswer answer(const Session& session, const message::MapQuestion& question, Instant now);

  // node_answer.cc: answering questions about streams.
  Status receive(Session& session, const message::RangeQuestion& question, Instant now);
  Result<message::RangeAnswer> answer(StreamIx ix, const message::RangeQuestion& question, Instant now);
  [[nodiscard]] Seq settled(StreamIx ix) const;
  StoreRanges& ranges(StreamIx ix, Seq upto);
  void forget_ranges(const InFlight& batch);

  // node_scrub.cc: a slow comparison in the background.
  void begin_scrub(Session& session, Instant now);
  std::optional<StreamIx> next_to_scrub(const Session& session, ScrubPlace& place);
  void scrub_stream(Session& session, ScrubPlace& place, StreamIx ix, Instant now);
  bool scrub_map(Session& session, ScrubPlace& place, Instant now);
  void end_scrub(const Session& session, const Comparison& scrub);
  void end_map_scrub(const Session& session, ScrubPlace& place, const ComparedMap& result);
  void skip_scrub(ScrubPlace& place, const Comparison& scrub, const Error& why, PeerId peer);
  [[nodiscard]] bool unexpected(const Session& session, StreamIx ix, const Reconciled& found) const;

  // node_map.cc: deltas from and to peers.
  Status receive(Session& session, message::MapDelta& delta, std::size_t frame_bytes, Instant now);
  Result<DatasetId> resolve_map_delta(Session& session, message::MapDelta& delta, Knowledge& known,
                                      LwwMap::Rewritten& rewritten);
  Status check_map_stream(const Session& session, const StreamId& stream,
                          std::optional<DatasetId>& dataset) const;
  Status resolve_map_entry(Session& session, message::MapDelta::Entry& entry,
                           std::optional<DatasetId>& dataset);
  Status resolve_map_known(Session& session, const message::MapDelta::Known& item,
                           std::optional<DatasetId>& dataset, Knowledge& known, LwwMap::Rewritten& rewritten);
  Knowledge take_map_entries(Session& session, DatasetId dataset, message::MapDelta& delta, InFlight& batch,
                             Instant now);
  [[nodiscard]] bool needs_rest(const Session& session, const InFlight& batch) const;
  void map_became_durable(const InFlight& batch);
  void send_maps(Session& session, Instant now);
  [[nodiscard]] LwwMap::Delta next_map_delta(Session& session, DatasetId id);
  void start_map_delta(Session& session, DatasetId id);
  void set_pending(const InFlight& batch, bool pending);
  void send_map_pages(Session& session, Instant now);
  message::MapDelta next_map_page(Session& session);

  // node_floor.cc: floors of maps, and what they let go.
  void load_floors(std::vector<StoredFloor> floors);
  void look_at_floors(Micros at);
  void check_floors(Instant now);
  void raise_floor(DatasetId id, Instant now);
  void tell_floors(Session& session);
  void tell_floor(Session& session, DatasetId id, const MapFloor& floor);
  Status receive(Session& session, const message::Floor& told, Instant now);
  void hear_floor(DatasetId id, const MapFloor& told);
  void adopt(DatasetId id, const MapFloor& heard, Instant now);
  void collect(DatasetId id, Instant now);
  bool all_know(DatasetId id);
  void forget_held(const InFlight& batch);
  void apply_pruning(const InFlight& batch);
  void undo_pruning(const InFlight& batch, Instant now);
  void erase(const MapErasure& erasure);
  void take_floor(DatasetId id, const MapFloor& floor);

  // node_rejoin.cc: taking a map anew.
  [[nodiscard]] bool is_rejoining() const;
  void settle_maps(Session& session, const FrontierImage& told, Instant now);
  void settle_map(Session& session, DatasetId id, MapStanding stands, const Knowledge& held, Instant now);
  void forget_map(const Session& session, DatasetId id, Instant now);
  void begin_taking(Session& session, DatasetId id, const Knowledge& held, Instant now);
  [[nodiscard]] bool is_taking(const Session& session, DatasetId id) const;
  void end_taking(InFlight& batch, DatasetId id, const Knowledge& confirmed);
  void end_sessions_with(DatasetId id, const std::string& why, std::optional<PeerId> except);
  static Knowledge known_without(const Knowledge& known, const Knowledge& refused);
  bool surfaces(SessionMap& map, DatasetId id, const MapEntry& entry, InFlight& batch);

  // node_hello.cc: agreement.
  Status receive(Session& session, const message::Hello& hello, Instant now);
  [[nodiscard]] message::Hello make_hello(std::uint32_t credit) const;
  Status agree(const message::Hello& hello) const;

  // node_fork.cc: copies of a node.
  void note_clone(PeerId peer);
  void end_incarnation(const std::string& why);
  [[nodiscard]] Bytes last_cell(StreamIx ix, Seq head) const;
  Status check_forks(const message::Hello& hello);

  // node_session.cc: what may be said when, keepalive, end.
  Status dispatch(Session& session, Message& message, std::size_t frame_bytes, Instant now);
  Status receive_data(Session& session, Message& message, std::size_t frame_bytes, Instant now);
  // Tells the peer why, and ends the session; the reference is dead when it returns.
  void end(Session& session, const Error& why);
  void leave(PeerId peer);
  void lead(Session& session);
  void tell_who_leads(const Session& session);
  void check_timers(Session& session, Instant now);
  [[nodiscard]] Session* session(PeerId peer);

  // node_frontier.cc: who knows what, and streams by their numbers in a session.
  [[nodiscard]] std::shared_ptr<const FrontierImage> image();
  void take_image(Session& session);
  Status receive(Session& session, const message::Frontier& frontier, Instant now);
  void send_frontier(Session& session, const FrontierImage* base);
  Status end_frontier(Session& session, const Bytes& remembered);
  Status take_frontier_entry(Session& session, const message::Frontier::Entry& entry);
  Status take_told(Session& session, StreamIx ix, const StreamKnowledge& all);
  Status note_remote(Session& session, StreamIx ix, const StreamKnowledge& told, const IntervalSet& held);
  [[nodiscard]] message::Frontier::Entry entry_of(Session& session, StreamIx ix,
                                                  const StreamKnowledge& known);
  void tell(Session& session, message::Frontier::Entry entry);
  void tell_gone(const Knowledge::Entry& entry, std::optional<PeerId> except);
  void tell_gone(Session& session, const Knowledge::Entry& entry);
  static void forget_sum(Session& session, StreamIx ix, const StreamKnowledge& all);
  Status note_unwanted(Session& session, StreamIx ix, const IntervalSet& dots);
  void note_asked_back(Session& session, StreamIx ix, const StreamKnowledge& told);
  void tell_since(Session& session, const FrontierImage& told);
  void go_live(Session& session, Instant now);
  void start_pushing(Session& session, const FrontierImage& told);
  void start_taking(Session& session, Instant now);
  Result<StreamIx> resolve(Session& session, const message::StreamRef& ref);
  [[nodiscard]] message::StreamRef refer(Session& session, StreamIx ix);

  // node_past.cc: streams that are over.
  [[nodiscard]] bool is_past(const StreamId& stream, const StreamKnowledge& known) const;
  [[nodiscard]] bool tiers_lack(const StreamId& stream, const StreamKnowledge& known) const;
  void add_past(FrontierImage& image, std::vector<OverStream>& over, StreamIx ix,
                const StreamKnowledge& known) const;
  void number_places(const FrontierImage& image, std::vector<OverStream>& over) const;
  [[nodiscard]] bool stands_in_sum(const FrontierImage& told, StreamIx ix);
  Status take_past(Session& session, const message::Frontier::Past& past);
  Result<bool> compare_pasts(Session& session);
  static void begin_sums(Session& session, std::vector<std::uint32_t> unequal);
  Status tell_unequal(Session& session);
  Result<std::vector<StreamIx>> unequal_streams(const Session& session);
  Status take_past_base(Session& session, const Bytes& digest);
  Status take_rest_of_past(Session& session);
  void tell_all(Session& session, StreamIx ix);
  void tell_awaited(Session& session);

  // node_aside.cc: those of which nothing is held here.
  [[nodiscard]] bool is_left_behind(const StreamId& stream, const StreamKnowledge& known) const;
  void count_aside(const StreamId& stream, const StreamKnowledge& known);
  Status wake(const StreamId& stream);
  Status wake(StreamIx ix);
  Status take_back(const StreamId& stream, const StreamKnowledge& known);
  Result<std::vector<StreamIx>> wake_all(const PastOf& of, std::uint32_t parts);
  void note_left_behind(StreamIx ix);
  void check_aside(Instant now);
  [[nodiscard]] bool nobody_speaks_of(StreamIx ix) const;
  void aside_durable(const InFlight& batch);
  void forget_stream(StreamIx ix);

  // node_resume.cc: going on from what the last session with a peer began with.
  [[nodiscard]] bool shares_all(const Session& session) const;
  void remember(Session& session, Instant now);
  std::shared_ptr<const FrontierImage> heard_image(Session& session) const;
  void sort_streams(FrontierImage& image) const;
  std::shared_ptr<const FrontierImage> past_heard_image(Session& session) const;
  Bytes offer_remembered(Session& session) const;
  [[nodiscard]] std::shared_ptr<const FrontierImage> base_for(const Session& session,
                                                              const message::Hello& hello) const;
  [[nodiscard]] std::vector<std::pair<StreamIx, StreamKnowledge>> changes(const FrontierImage& base,
                                                                          const FrontierImage& now) const;
  static void number_streams(std::vector<StreamIx>& table, Session& session, const FrontierImage& image,
                             std::uint32_t SessionStream::*index);
  Status take_base(Session& session, const message::Frontier& frontier);
  Status take_rest_of_base(Session& session);

  // node_report.cc: what a peer is told, when, and in how many frames.
  void send_acks(Session& session, Instant now);
  message::Ack head_of_report(Session& session);
  std::vector<message::Ack::Have> take_haves_due(Session& session);
  std::vector<message::Ack::Stream> take_subscribed_due(Session& session);
  static std::vector<std::uint32_t> take_unsubscribed_due(Session& session);
  [[nodiscard]] bool must_report(const Session& session) const;
  [[nodiscard]] bool report_is_due(Session& session, Instant now);
  void end_report_wait(Instant now);
  [[nodiscard]] bool news_are_due(Session& session, Instant now);
  void end_news_wait(Instant now);

  // node_flow.cc: acknowledgements heard, credit, and whose turn it is.
  Status receive(Session& session, const message::Ack& ack, Instant now);
  Status take_acks(Session& session, const message::Ack& ack);
  void send(Session& session, const Message& message);
  void send_bytes(Session& session, Bytes frame);
  [[nodiscard]] std::uint32_t share() const;
  [[nodiscard]] bool overfull() const { return received_bytes_ >= config_.receive_bytes_max; }
  std::uint32_t take_credit(Session& session);
  bool has_room(Session& session, Instant now) const;
  bool link_is_free(Session& session, Instant now) const;
  void pace_at(Session& session, std::optional<Micros> at);
  void end_pace_waits(Instant now);
  void wake(const Session& session) { awake_.insert(session.peer); }
  void wake_all();
  void pump(Instant now);
  void serve(Session& session, Instant now);
  [[nodiscard]] static bool active(const Session& session) { return session.leads; }

  NodeConfig config_;
  Identity identity_;
  const StoreReader& reader_;
  std::map<DatasetId, DatasetConfig> datasets_;

  Knowledge knowledge_;
  StreamTable streams_;
  mutable std::vector<std::uint32_t> places_;            // By StreamIx: where it stands in knowledge_.
  std::vector<IntervalSet> pending_;                     // By StreamIx: in a batch that is not durable yet.
  std::vector<Source> sources_;                          // By StreamIx.
  std::set<std::pair<Micros, StreamIx>> late_;           // When to look whether a stream's source is late.
  std::shared_ptr<const FrontierImage> image_;           // Of knowledge_; null once that has changed.
  std::shared_ptr<const std::vector<OverStream>> over_;  // Of the last image.
  Catalogue catalogue_;
  std::set<std::pair<StreamIx, SeriesNo>> unnamed_;  // Of blocks that are here; at most limits::kSeriesMax.
  RecentBlocks recent_;
  std::map<DatasetId, LwwMap> maps_;
  std::map<DatasetId, MapRanges> map_ranges_;      // Of the same.
  std::map<DatasetId, MapFloor> floors_;           // Of maps that have one.
  std::map<DatasetId, MapFloor> floors_heard_;     // And not taken over yet.
  std::set<DatasetId> floors_in_flight_;           // Of which a batch with a floor, or what it lets go, is.
  std::map<DatasetId, std::string> collect_from_;  // Old tombstones are looked for from this key on.
  std::map<DatasetId, Micros> raise_at_;           // By the keeper.
  Micros floors_look_at_ = Micros::max();
  std::map<DatasetId, OwnStream> own_;
  HybridClock clock_;
  // What a peer said that the time is, and when.
  struct ToldTime {
    std::chrono::milliseconds time{0};
    Micros at{0};
  };
  std::optional<ToldTime> told_time_;
  std::vector<KnownBoot> own_boots_;        // By place; at most limits::kOwnBootsMax.
  std::set<std::uint64_t> unstored_boots_;  // Places of those that changed since a batch took them.
  std::optional<Micros> boot_began_;        // In UTC, by a trusted clock: the present boot.
  bool boots_in_flight_ = false;            // A batch with records of ours is on its way.
  std::optional<Micros> boots_look_at_;     // When to look for a trusted clock; none: nothing waits for it.
  std::optional<Micros> boot_opened_;       // For how long the machine was up when it first had this store.
  std::uint64_t last_boot_place_ = 0;
  std::size_t offsets_known_ = 0;
  // From here on, entries of our own are looked at whose stamps may run ahead; none: that is done.
  struct MendPlace {
    DatasetId dataset{};
    std::string key;
  };
  std::optional<MendPlace> mend_from_ = MendPlace{};

  InFlight gathered_;                    // Local writes that no batch holds yet.
  std::vector<StreamSeries> unstored_;   // Declarations that no batch holds yet; the next one takes them.
  std::vector<StreamSeries> undurable_;  // Our own declarations that are in a batch on its way to the disk.
  std::optional<Micros> gather_until_;
  std::size_t pending_write_bytes_ = 0;
  std::map<WriteId, WriteState> writes_;
  std::uint64_t last_write_ = 0;
  std::map<BatchId, InFlight> in_flight_;
  std::uint64_t last_batch_ = 0;
  bool stores_ = true;              // The last batch did not fail.
  std::size_t received_bytes_ = 0;  // From peers, also of sessions that have ended; not durable yet.
  Knowledge heard_;                 // Told by frontiers, news here, in no batch yet.
  bool heard_in_flight_ = false;
  bool rolled_back_ = false;  // A peer holds events of ours that we lack.

  std::map<PeerId, std::unique_ptr<Session>> sessions_;
  std::set<PeerId> awake_;                         // Sessions that may have something to say.
  std::set<PeerId> reporting_;                     // Sessions whose next Ack waits for company,
  std::optional<Micros> report_at_;                // until then.
  std::set<PeerId> telling_;                       // Sessions whose news wait for company,
  std::optional<Micros> tell_at_;                  // until then.
  std::set<std::pair<Micros, PeerId>> pacing_;     // Session::pace_next of all sessions.
  std::map<Identity, Agreement> agreements_;       // At most limits::kResumePeersMax.
  std::map<Identity, std::vector<PeerId>> links_;  // Live sessions by remote node, oldest first.
  // Damaged blocks, one of a stream, of which peers were asked whether they have them; at most
  // limits::kAskedMax.
  std::map<StreamIx, Interval> asked_;
  // Streams that the store alone knows: their sums, by writer.
  struct Aside {
    PastSums sums{};
    std::size_t streams = 0;
  };
  std::map<PastOf, Aside> aside_;
  std::set<StreamIx> left_behind_;       // May be put aside.
  bool aside_under_way_ = false;         // A batch that puts some aside.
  std::optional<Micros> aside_look_at_;  // None: nothing may be put aside.
  std::vector<bool> put_aside_;          // By StreamIx: was, in this run;
  std::size_t put_aside_count_ = 0;      // and how many of them are.
  RangeCache ranges_;
  TierAcks acks_;
  AckNews untold_acks_, unstored_acks_;
  std::optional<Micros> tell_acks_at_;
  Retention retention_;
  Forgetting forgetting_{streams_, catalogue_};
  Merging merging_;
  std::optional<Micros> look_at_;  // When something may be too old; none: a look is under way, or never.
  // For how long the store has been alive by now, when that was last told, and how it was last noted.
  Micros alive_{0};
  std::optional<Instant> alive_at_;
  ArrivalMark mark_;
  bool marked_ = false;              // In this run.
  bool came_since_mark_ = false;     // Some block did.
  std::optional<ArrivalMark> left_;  // Of the last run; none once the time since then counts.
  WorkBudget answer_work_{limits::kAnswerWorkPerSecond, limits::kAnswerWorkMax};
  std::set<std::pair<Micros, PeerId>> comparing_;  // Session::compare_next of all sessions.
  std::map<Identity, ScrubPlace> scrubs_;          // At most limits::kSessionsMax.
  std::uint64_t last_comparison_ = 0;
  Micros next_timer_ = Micros::max();  // No session's timer is earlier.
  Counters counters_;
  Effects effects_;
};

}  // namespace deltamesh
