// engine/store.h - what a node asks of the thing that keeps its data.
//
// Two sides. A StoreReader answers questions about what is durable; any thread may own one of its own. A
// Store takes batches, in order, and reports each once it is durable or has failed. A batch is atomic: its
// blocks, declarations, map entries and knowledge are all there after a crash, or none is. Kept narrow, so
// that a shared database can be a second implementation. tests/engine/store_conformance.h is the contract as
// code.
#pragma once

#include <chrono>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "crdt/block.h"
#include "crdt/knowledge.h"
#include "crdt/lww_map.h"
#include "crdt/map_floor.h"
#include "crdt/result.h"
#include "engine/boots.h"
#include "engine/config.h"

namespace deltamesh {

enum class BatchId : std::uint64_t {};

// A block with its place. The bytes are shared, never changed.
struct StoredBlock {
  StreamId stream;
  Seq first = 1;
  std::uint32_t events = 0;
  std::uint8_t codec = kBlockCodec;
  bool has_utc = false;  // If so, the next two span its UTC times.
  Ticks time_min = 0;
  Ticks time_max = 0;
  std::optional<BootSpan> boots;  // Of its other events.
  std::shared_ptr<const Bytes> bytes;
  [[nodiscard]] Interval interval() const { return {first, first + events - 1}; }
};

// A block whose encoding is `bytes`, described by `summary`.
inline StoredBlock stored_block(const StreamId& stream, Seq first, const BlockSummary& summary, Bytes bytes) {
  return {stream,           first,           summary.events,
          kBlockCodec,      summary.has_utc, summary.time_min,
          summary.time_max, summary.boots,   std::make_shared<const Bytes>(std::move(bytes))};
}

struct StreamSeries {
  StreamId stream;
  SeriesDecl decl;
  friend bool operator==(const StreamSeries&, const StreamSeries&) = default;
};

// A series by what blocks say of it.
struct SeriesKey {
  StreamId stream;
  SeriesNo number = 0;
  friend auto operator<=>(const SeriesKey&, const SeriesKey&) = default;
};

struct MapWrite {
  DatasetId dataset{};
  MapEntry entry;
};

// Events of a stream that a node gives up. Their blocks are deleted; none lies across an end of `dots`.
struct GivenUp {
  StreamId stream;
  Interval dots;
  bool wanted = false;  // They cannot be read and are missing from now on; else they are dropped.
};

// All blocks that are stored by now came before the store had been alive for so long: while it was open, and
// between two openings where trusted clocks tell.
struct ArrivalMark {
  std::chrono::seconds alive{0};
  std::optional<std::chrono::milliseconds> wall;  // Since 1970, if that is known.
  friend bool operator==(const ArrivalMark&, const ArrivalMark&) = default;
};

// What a node of a tier has acknowledged of a stream, all of it; or that the life of its store is over, and
// all that it has ever acknowledged is void.
struct TierAck {
  Identity acker;
  bool ended = false;
  StreamId stream;   // Of one that has not ended,
  IntervalSet dots;  // and this.
  friend bool operator==(const TierAck&, const TierAck&) = default;
};

// A write that is taken out of a map.
struct MapErasure {
  DatasetId dataset{};
  std::string key;
  Dot dot;
  // Unless it is the latest and hides others.
  bool unless_hiding = false;
};

struct StoredFloor {
  DatasetId dataset{};
  MapFloor floor;
};

// What is no join of maps (docs/decisions/0010-floors-of-maps.md).
struct MapPruning {
  std::vector<DatasetId> forgotten;  // All that is held of these is dropped, before anything is joined.
  std::vector<MapErasure> erased;    // After all entries are joined.
  std::vector<MapWrite> surfaced;    // Listed, and no part of their map any more.
  std::vector<StoredFloor> floors;   // In the place of the former ones.
  [[nodiscard]] bool empty() const {
    return forgotten.empty() && erased.empty() && surfaced.empty() && floors.empty();
  }
};

// A boot of this node's machine from which events of one of its streams are counted.
struct OwnBoot {
  std::uint64_t place = 0;  // Ascending in the order of boots, and of streams within one.
  StreamId stream;
  std::uint32_t number = 0;
  BootId id;
  std::chrono::microseconds up_max{0};  // The machine was up for so long at least.
  friend bool operator==(const OwnBoot&, const OwnBoot&) = default;
};

struct Batch {
  BatchId id{};
  std::vector<GivenUp> given_up;            // Goes first.
  std::vector<StreamSeries> declarations;   // An already declared (stream, number) is left as it is.
  std::vector<StoredBlock> blocks;          // Disjoint from each other and from all that is held.
  std::vector<MapWrite> entries;            // Joined as LwwMap does it.
  std::vector<Knowledge::Entry> knowledge;  // Joined. The blocks' own dots need not be repeated here.
  HlcStamp clock;                           // The last stamp issued so far; none: as it was.
  // Series that blocks use and nobody has declared here: to be asked for, until a declaration comes.
  std::vector<SeriesKey> unnamed;
  std::optional<ArrivalMark> mark;  // Its blocks have come by then, too.
  std::vector<TierAck> acks;        // Each takes the place of what was there of its acker and stream.
  MapPruning pruning;
  std::vector<BootOffset> offsets;   // Of each boot the best stays, by goes_before().
  std::vector<OwnBoot> own_boots;    // Each takes the place of what was there.
  std::uint64_t own_boots_from = 0;  // Those before this place go.
  // Each takes the place of the block with the same stream and dots, and keeps its arrival; one that finds no
  // such block (it was given up meanwhile) is left out. Goes after `given_up`, before `blocks`.
  std::vector<StoredBlock> rewritten;
  // Each takes the place of the blocks that lie within its dots, and has the arrival of the last of them; one
  // whose dots they do not have between them, all and no others (some were given up meanwhile), is left out.
  // Goes after `rewritten`, before `blocks`.
  std::vector<StoredBlock> merged;
  // ForgetRules::digest() of the rules that all stored blocks obey from now on; empty: not known. None: as it
  // was.
  std::optional<Bytes> obeyed;
  // Streams that are over and of which nothing is held in the end: what is declared of their series goes, and
  // what is known of their boots. One that holds something is left as it is.
  std::vector<StreamId> put_aside;
};

// Whether some event of the block may lie in [from, to]; in all of the range, whether it has a place yet or
// not.
[[nodiscard]] inline bool may_hold(const StoredBlock& block, const BootOffsets& offsets, Ticks from,
                                   Ticks to) {
  if (!block.has_utc && !block.boots) return true;
  if (block.has_utc && block.time_min <= to && block.time_max >= from) return true;
  if (!block.boots) return false;
  const bool is_all = from == std::numeric_limits<Ticks>::min() && to == std::numeric_limits<Ticks>::max();
  return is_all || offsets.may_place(*block.boots, from, to);
}
// The same by the UTC times that stand in the block alone.
[[nodiscard]] inline bool may_hold_utc(const StoredBlock& block, Ticks from, Ticks to) {
  const bool is_all = from == std::numeric_limits<Ticks>::min() && to == std::numeric_limits<Ticks>::max();
  return is_all || (block.has_utc && block.time_min <= to && block.time_max >= from);
}
// No event of the block has a later place in UTC; none: it has no event with one.
[[nodiscard]] inline std::optional<Ticks> latest_in(const StoredBlock& block, const BootOffsets& offsets) {
  const auto utc = block.has_utc ? std::optional(block.time_max) : std::nullopt;
  return block.boots ? std::max(utc, offsets.latest(*block.boots)) : utc;
}
[[nodiscard]] inline bool may_hold_unplaced(const StoredBlock& block, const BootOffsets& offsets) {
  return block.boots && !offsets.places_all(*block.boots);
}

// Everything a node needs to start.
struct StoreImage {
  Identity identity;
  Knowledge knowledge;
  std::vector<StreamSeries> series;
  std::vector<MapWrite> entries;  // Conflicts too.
  HlcStamp clock;
  std::vector<SeriesKey> unnamed;
  ArrivalMark mark;  // The last one.
  std::vector<TierAck> acks;
  std::vector<StoredFloor> floors;  // One a map, of those that have one.
  std::uint64_t surfaced = 0;       // Writes.
  std::vector<OwnBoot> own_boots;   // By place.
  std::vector<BootOffset> offsets;  // By stream and boot.
  Bytes obeyed;                     // The last Batch::obeyed; 16 bytes or none.
};

// A block as far as retention looks at it.
struct HeldBlock {
  Interval dots;
  std::uint64_t bytes = 0;
  std::uint64_t arrival = 0;  // Ascending in the order in which blocks came.
  friend bool operator==(const HeldBlock&, const HeldBlock&) = default;
};

// A part of a map: from the first key that is not less than `from` on. It ends once it has `entries_max`
// entries, or more bytes of keys and values than `bytes_max` (but has one entry at least, if there is one).
struct EntryPage {
  std::string from;
  std::size_t entries_max = std::numeric_limits<std::size_t>::max();
  std::size_t bytes_max = std::numeric_limits<std::size_t>::max();
};

class StoreReader {
 public:
  virtual ~StoreReader() = default;

  virtual Result<StoreImage> image() const = 0;
  virtual Result<Knowledge> knowledge() const = 0;
  // The same of one stream, none if nothing is known of it; and of all streams of one writer in a dataset.
  virtual Result<std::optional<StreamKnowledge>> known(const StreamId& stream) const = 0;
  virtual Result<Knowledge> knowledge_of(DatasetId dataset, const NodeId& writer) const = 0;
  // What nodes of tiers have acknowledged of a stream.
  virtual Result<std::vector<TierAck>> acks(const StreamId& stream) const = 0;

  // Blocks that overlap `dots`, ascending, until `bytes_max` is passed (at least one, if there is one). A
  // block that cannot be read ends the answer; if it is the first, the answer is why (kCorrupt: it is
  // damaged).
  virtual Result<std::vector<StoredBlock>> blocks(const StreamId& stream, Interval dots,
                                                  std::size_t bytes_max) const = 0;

  // Calls `visit` for the blocks of `stream` that may hold an event in [from, to], by their UTC times and by
  // offsets() (may_hold()), in order of their first dot, or the reverse; all blocks, if that is the range of
  // Ticks. Stops when visit returns false.
  enum class Order : std::uint8_t { kOldestFirst, kNewestFirst };
  virtual Status visit_blocks(const StreamId& stream, Ticks from, Ticks to, Order order,
                              const std::function<bool(const StoredBlock&)>& visit) const = 0;

  // Blocks of `stream` that begin at `first` or later and may hold a UTC time in [from, to], in order; of the
  // range of Ticks, all. Until `bytes_max` is passed (at least one, if there is one). A block that cannot be
  // read ends the answer; if it is the first, the answer is why.
  virtual Result<std::vector<StoredBlock>> blocks_between(const StreamId& stream, Seq first, Ticks from,
                                                          Ticks to, std::size_t bytes_max) const = 0;

  // What is known of the boots of `stream`, by number.
  virtual Result<BootOffsets> offsets(const StreamId& stream) const = 0;
  // The same for the blocks that may hold an event without a place in UTC (may_hold_unplaced()), in order.
  virtual Status visit_unplaced(const StreamId& stream,
                                const std::function<bool(const StoredBlock&)>& visit) const = 0;

  // The first blocks of `stream` that begin at `from` or later, at most so many; and the bytes of all its
  // blocks.
  virtual Result<std::vector<HeldBlock>> held_blocks(const StreamId& stream, Seq from,
                                                     std::size_t blocks_max) const = 0;
  virtual Result<std::uint64_t> block_bytes(const StreamId& stream) const = 0;
  // Every block whose arrival is less came before the store had been alive for so long.
  virtual Result<std::uint64_t> arrivals_before(std::chrono::seconds alive) const = 0;
  // Bytes that all that is stored takes, without a log.
  virtual Result<std::uint64_t> bytes_used() const = 0;

  // Declarations in `dataset`, ordered by (name, stream, number): of one name, or of all.
  virtual Result<std::vector<StreamSeries>> series(DatasetId dataset,
                                                   std::optional<std::string_view> name) const = 0;

  // The latest writes of a map in the order of their keys' bytes, tombstones too; and one.
  virtual Result<std::vector<MapEntry>> entries(DatasetId dataset, const EntryPage& page) const = 0;
  virtual Result<std::optional<MapEntry>> entry(DatasetId dataset, std::string_view key) const = 0;
  // Writes in conflict with these (crdt/map_conflict.h), in the same order; of one key, all and the latest
  // first, also where that is more than the page has room for.
  virtual Result<std::vector<MapEntry>> conflicts(DatasetId dataset, const EntryPage& page) const = 0;
  // Writes that were surfaced, in the order of their keys' bytes and then of their dots; all or none of a
  // key.
  virtual Result<std::vector<MapEntry>> surfaced(DatasetId dataset, const EntryPage& page) const = 0;
};

class Store {
 public:
  virtual ~Store() = default;

  // Called once a batch, in the order of commit(), possibly on the store's own thread. A batch that fails has
  // left no trace and the store goes on. A lack of space is no failure: the store waits and tries again.
  using Committed = std::function<void(BatchId, Status)>;
  virtual void commit(Batch batch, Committed committed) = 0;
};

}  // namespace deltamesh
