// engine/limits.h - every number that bounds a queue, a frame, a window or a wait, in one place.
//
// Each says what goes wrong when it is larger and when it is smaller. Formats do not depend on them; peers
// may run with others, which is why a refusal always names the number.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

#include "crdt/block.h"
#include "crdt/map_entry.h"

namespace deltamesh::limits {

// Retention. The least that a store and a dataset of telemetry may be bounded to, and to how long. Less: what
// is known takes all of the room, or blocks go before they were sent.
inline constexpr std::uint64_t kStoreBytesMin = 2u << 20;
inline constexpr std::uint64_t kKeepBytesMin = 64u << 10;
inline constexpr std::chrono::hours kKeepForMin{1};
// The last part of a bounded store is kept for what is new: 1 in so many. A larger part: history stays away
// from a store that could hold it. A smaller one: history that comes pushes out what is newer.
inline constexpr std::uint64_t kRoomForNew = 16;
// What a block takes beyond its bytes, about. More, less: the bound is kept less exactly, until it is looked
// at again.
inline constexpr std::uint64_t kBlockRowBytes = 160;
// A block on its way to the store may take so many times its bytes there: its last page is not full. More:
// more is given up before that is known. Fewer: the bound is passed by what is on its way.
inline constexpr std::int64_t kRoomTimes = 2;
// Blocks that are given up for their age at a time. More: other batches wait behind. Fewer: more commits.
inline constexpr std::size_t kGiveUpMax = 256;
// The lowest blocks of a stream are looked up so many at a time. More: 32 bytes each. Fewer: more reads.
inline constexpr std::size_t kLowestBlocks = 16;
// How often it is looked what is too old, and peers are told what was given up that they have themselves.
// More often: commits and frames. More seldom: blocks stay longer; a scrub takes for lost what was given up.
inline constexpr std::chrono::seconds kRetentionLook{30};
// How often it is noted which blocks have come by now. More often: rows. More seldom: blocks stay for that
// much longer than they were to.
inline constexpr std::chrono::seconds kArrivalMark{600};
// The longest time between two runs that counts, by clocks that both trusted. Longer: one wrong clock ages
// all that is stored by that much.
inline constexpr std::chrono::hours kAwayMax{366 * 24};
// News of what a tier has acknowledged are handed on after so long. Longer: others prune later, and what
// they must give up before they know counts as lost. Shorter: more frames.
inline constexpr std::chrono::seconds kTierNews{5};
// Lives of one node of a tier that may acknowledge, runs of what it has acknowledged of a stream, and lives
// that are known to be over. More: a peer that makes them up fills so much memory. Fewer: a node that is
// replaced often, or takes a stream in many pieces, licenses less.
inline constexpr std::size_t kAckerLivesMax = 2;
inline constexpr std::size_t kAckRunsMax = 1024;
inline constexpr std::size_t kEndedAckersMax = 1024;

// Room that retention made is given back at an opening by writing the store anew, if more than 1 page in
// kCompactShare and at least so many bytes are free. A larger share or fewer bytes: what is left is written
// again for little. A smaller share or more bytes: the file stays large for longer.
inline constexpr std::uint64_t kCompactShare = 2;
inline constexpr std::uint64_t kCompactFreeBytesMin = 4u << 20;
// What must be free on the disk beside the copy, which is as large as what is kept. More: it is not done on
// disks that could. Less: others find the disk full meanwhile.
inline constexpr std::uint64_t kCompactRoomLeft = 1u << 20;

// Frames. Larger: a peer may make us hold that much before we can judge it. Smaller: more heads a byte.
inline constexpr std::size_t kFrameBytesMax = 1u << 20;  // Payload, without the head.
inline constexpr std::size_t kControlBytesMax = 65'535;  // Packed control part.

// Blocks. Larger: slower to cut, more memory a decode. Smaller: the directory of series weighs more.
inline constexpr std::uint32_t kCellEvents = 1024;  // No writer's block crosses a multiple of this.
inline constexpr BlockLimits kBlock{
    .bytes_max = 768u << 10, .events_max = 8192, .readings_max = 1u << 18, .value_bytes_max = 16u << 10};
// A growing local block is closed at this size, well below what a peer accepts. Values count as 8 bytes or
// their length, names not at all.
inline constexpr std::size_t kOpenBlockBytesMax = 192u << 10;
inline constexpr std::uint32_t kOpenBlockReadingsMax = 1u << 16;
inline constexpr std::uint32_t kEventReadingsMax = 4096;

// Merging (engine/merging.h): blocks are merged in cells of so many events, aligned to that, once the cell is
// complete and has so many blocks at least. More levels, larger cells: each event may be written once more a
// level. Fewer, smaller: blocks of short commits stay small for longer, or for good. Fewer blocks: commits
// that gain little. More: small blocks take room that they do not need.
struct MergeLevel {
  std::uint32_t events = 0;
  std::size_t blocks_min = 0;
};
inline constexpr std::array<MergeLevel, 3> kMergeLevels{{{128, 32}, {1'024, 32}, {8'192, 8}}};
// The least number of blocks that become one where a cell of the next level is too large for one block.
inline constexpr std::size_t kMergeBlocksMin = 8;
// A cell of which the index has more blocks than this is merged part by part.
inline constexpr std::size_t kMergeRowsMax = 256;
// Of all blocks of a cell, before they are merged. Larger: a question about a short time reads more, a frame
// takes longer on a slow link, and what retention gives up at a time is more. Smaller: the last page of each
// block weighs more.
inline constexpr std::size_t kMergedBytesMax = 64u << 10;
inline constexpr std::size_t kMergedTextBytesMax = 1u << 20;  // Of decoded strings and bytes.
inline constexpr std::uint32_t kMergedReadingsMax = 1u << 16;
// And no more than one part in so many of what store or dataset are bounded to. A larger part: what is given
// up at a time is more than what comes.
inline constexpr std::uint64_t kMergeShare = 32;
// A merged block is as young as the youngest in it. Where age is bounded, all of them have come within one
// part in so many of that, and none is kept for longer by more. A larger part: it is. A smaller one: streams
// that are slow are not merged.
inline constexpr int kMergeAgeShare = 16;
// Bytes that are merged, and cells that are looked at, between two batches of peers and writers. More: these
// wait for longer. Less: more commits.
inline constexpr std::size_t kMergeBytesAtOnce = 128u << 10;
inline constexpr std::size_t kMergeLooksAtOnce = 64;
// From the first cell that is complete until cells are merged. Longer: blocks stay small. Shorter: each
// stream's are a commit of their own.
inline constexpr std::chrono::seconds kMergeDelay{10};
// Merging waits for batches of peers and writers to be through, but no longer than this. Longer: a store that
// always has something to do stays full of small blocks. Shorter: it has more to do.
inline constexpr std::chrono::seconds kMergePatience{30};

// Series a stream may declare, and streams a node tracks. Larger: a hostile peer fills memory (about 100 and
// 400 bytes each). Smaller: a large plant does not fit.
inline constexpr std::uint32_t kSeriesPerStreamMax = 65'536;
inline constexpr std::size_t kSeriesMax = 1u << 20;  // Of all streams together.
inline constexpr std::size_t kStreamsMax = 65'536;
// Streams that a node has met in one run, those among them that it has put aside. More: memory, some 300
// bytes each. Fewer: a node that runs for years refuses new ones until it is started anew.
inline constexpr std::size_t kStreamsMetMax = 1u << 20;
inline constexpr std::size_t kUnitBytesMax = 64;

// A frontier's page is closed once it is this large. Larger: other frames wait for it. Smaller: more heads.
inline constexpr std::size_t kPageBytes = 64u << 10;

// Gaps a stream. Larger: 16 bytes each in memory and frames. Smaller: lossy exchanges are refused too early.
inline constexpr std::size_t kIntervalsMax = 16'384;
// The largest number of an event. Larger: a database column, which is signed, does not hold it.
inline constexpr Seq kSeqMax = (Seq{1} << 63) - 1;

// Maps. Larger values delay telemetry behind them and must fit a frame; smaller ones do not hold a config
// file.
//
// The past of an entry: more, and each write of a key that many untrusted clocks write has more bytes; fewer,
// and a node that was away for long takes values for conflicts that were decided (crdt/map_conflict.h).
inline constexpr std::size_t kMapPastMax = 8;
inline constexpr MapEntryLimits kMapEntry{
    .key_bytes_max = 512, .value_bytes_max = 256u << 10, .past_max = kMapPastMax};
// Conflicts kept a key. More: a peer may fill so many times the memory. Fewer: values that nobody decided
// against are lost.
inline constexpr std::size_t kMapConflictsMax = 4;
inline constexpr std::size_t kMapPageBytes = 64u << 10;   // A page is closed once it is this large.
inline constexpr std::size_t kMapEntriesPerFrame = 4096;  // Or holds this many.
// The dots of a page in more runs than this count only with the last page. More: a large map has more gaps
// under way than a stream may have. Fewer: after a cut more is sent again.
inline constexpr std::size_t kMapPageRunsMax = 32;
// Keys a map, removed ones too. Larger: a map lives in memory whole, and a peer may fill it. Smaller: large
// fleets do not fit.
inline constexpr std::size_t kMapKeysMax = 1u << 20;

// Removed keys (crdt/map_floor.h). The shortest horizon: less, and a write is taken for late that is only
// under way, or of a clock that is a little off.
inline constexpr std::chrono::minutes kTombstonesMin{1};
// A keeper looks so often a horizon whether to raise the floor, but not more often and not more seldom than
// that. More often: more frames, and the whole map is looked through. More seldom: tombstones stay for
// longer.
inline constexpr int kRaisesAHorizon = 16;
inline constexpr std::chrono::milliseconds kRaiseMin{1'000}, kRaiseMax{3'600'000};
// Tombstones collected in one batch. More: other writes wait behind them. Fewer: more commits.
inline constexpr std::size_t kCollectAtOnce = 1024;
// While a peer in session does not know of them, they wait for so long. Longer: they stay for longer.
// Shorter: useless looks.
inline constexpr std::chrono::seconds kCollectRetry{1};

// Writes of a map that other streams superseded, whose keys are remembered; and of each of its streams, runs
// of writes that it superseded itself. More: memory. Fewer: after a short cut peers get deltas of the whole
// map, with all that it knows.
inline constexpr std::size_t kMapSupersededMax = 4096;

// What a node accepts from local writers before it is durable. Larger: more memory when the disk stalls.
// Smaller: a short stall of the disk already refuses writers.
inline constexpr std::size_t kPendingWriteBytesMax = 16u << 20;

// Bytes a peer may have in flight to us before we acknowledge. Larger: memory. Smaller: a long fat link
// idles.
inline constexpr std::uint32_t kCreditBytes = 8u << 20;
// What all peers together may have in flight: their credits are shares of it, and while that much waits for
// the disk nobody gets more. Larger: memory when the disk stalls. Smaller: many peers wait for each other.
inline constexpr std::size_t kReceiveBytesMax = 64u << 20;
inline constexpr std::uint32_t kCreditBytesMin = 64u << 10;  // However many the peers are.
// Credit is returned once this much is due. Larger: on a slow link the sender hears nothing for so long that
// it thinks its peer dead. Smaller: more acknowledgements.
inline constexpr std::uint32_t kCreditReturnBytes = 64u << 10;
// Blocks that one session passes over because they are damaged in the store. More: a node with a ruined store
// spends its time on finding that out. Fewer: some of them hold back all behind them.
inline constexpr std::uint32_t kUnreadableMax = 1u << 12;
// Streams with a damaged block of which peers are asked whether they have it. More: memory. Fewer: the others
// wait for the next look at them.
inline constexpr std::size_t kAskedMax = 1u << 10;
// Streams that are over and of which nothing is held are put aside so often, and so many at a time. More
// often: those that were woken by one peer are there no more for the next. More at a time: a longer batch.
inline constexpr std::chrono::seconds kAsideLook{30};
inline constexpr std::size_t kAsideAtOnce = 1'024;
// Cells of a stream sent at a time, far behind its head. More: the newest waits for longer behind them.
// Fewer: more reads.
inline constexpr Seq kBacklogCellsMax = 64;
// While new and old data wait for one link, so many bytes of new go for one of old. More: a busy link never
// catches up. Fewer: the newest comes late.
inline constexpr std::int64_t kNewPerOld = 3;
// How far data may run ahead of a link's cap. Longer: bursts. Shorter: a wake-up and a read of the store for
// every small frame.
inline constexpr std::chrono::milliseconds kPaceAhead{50};
// The least that a link may be capped to. Less: keepalives alone fill it, and a block takes longer than they
// wait.
inline constexpr std::uint64_t kLinkBytesPerSecondMin = 1'000;
// Bytes read from the store at a time to fill a link.
inline constexpr std::size_t kReadAheadBytes = 512u << 10;

// Recent blocks kept in memory for forwarding. Larger: memory. Smaller: each peer's live data is read back.
inline constexpr std::size_t kRecentBytesMax = 4u << 20;
// Encoded local blocks gathered before they are committed without waiting for the commit interval.
inline constexpr std::size_t kGatherBytesMax = 1u << 20;
// Declarations a frame. Larger: with a block they would not fit. Smaller: more frames for wide streams.
inline constexpr std::size_t kSeriesPerFrame = 512;

// Sessions. Larger: sockets and memory. Smaller: a star of 1,000 devices does not fit.
inline constexpr std::size_t kSessionsMax = 4096;
inline constexpr std::size_t kDatasetsMax = 64;
inline constexpr std::size_t kDatasetNameBytesMax = 64;
inline constexpr std::size_t kTextBytesMax = 512;                // Of a refusal's reason or a version string.
inline constexpr std::size_t kOwnStreamsMax = kDatasetsMax + 1;  // Of a HELLO: `$rules` has one, too.
inline constexpr std::size_t kStreamsPerFrame = 512;  // Of a frontier, a map page, an acknowledgement.
inline constexpr std::size_t kPastsPerFrame =
    255;  // Sums of a frontier, of one writer each; a byte counts them.
inline constexpr std::size_t kMapDeltasPerAck = 512;
inline constexpr std::size_t kResumeTokenBytesMax = 256;
// Peers whose last frontier is remembered, and the largest that is. More, larger: so much memory, and 16
// bytes each in a HELLO. Fewer, smaller: after a short cut whole frontiers are exchanged again.
inline constexpr std::size_t kResumePeersMax = 8;
inline constexpr std::size_t kResumeBytesMax = 512u << 10;

// A control part may unpack to this many times its packed size, and to no more than the second number.
// Larger: a small frame costs much memory. Smaller: a peer's sparse later fields are refused.
inline constexpr std::size_t kControlExpansionMax = 64;
inline constexpr std::size_t kControlUnpackedBytesMax = 1u << 20;

// Comparing ranges of a stream (engine/reconcile.h). Ranges a question: more, and one question keeps the
// answerer busy for longer; fewer, and many differences take more round trips.
inline constexpr std::size_t kRangesPerQuestion = 128;
// Cells that an unequal range is cut into, by who answers and by who asks on. More: each level weighs more
// bytes. Fewer: one event in 2^30 takes more than 4 round trips.
inline constexpr std::size_t kAnswerCellsMax = 32;
inline constexpr std::size_t kAskCellsMax = 16;
// Runs that a range is answered with instead of cells. More: they weigh more than the cells (about 5 bytes
// against 17 each). Fewer: gaps take more round trips.
inline constexpr std::size_t kRangeRunsMax = 64;
// Questions a comparison, and ranges it has yet to ask about. More: a peer whose answers never agree is asked
// for longer, and costs more memory. Fewer: a stream with very many differences is not compared to its end.
inline constexpr std::uint32_t kReconcileRoundsMax = 1024;
inline constexpr std::size_t kRangesPendingMax = 32'768;
// Runs of dots that a comparison names of each kind; the rest is counted. More: memory and long reports.
// Fewer: a repair has to compare again.
inline constexpr std::size_t kReconcileRunsMax = 1024;
// Cells of a stream whose sums are remembered while it is compared. More: 32 bytes each. Fewer: they are
// wider, and what lies at the edge of one is decoded again.
inline constexpr std::size_t kRangeCellsKept = 16'384;
// What reading ranges costs is counted in readings summed, about 0.1 us each: a look into the store weighs as
// many as the first number, and so many bytes as one of them. Larger, smaller: the bounds below bound
// something else.
inline constexpr std::uint64_t kRangeLookWork = 64;
inline constexpr std::uint64_t kRangeBytesAWork = 16;
// The work that a node does for the questions of all its peers: a second, and at most at once. More: peers
// slow the node down. Fewer: a comparison takes longer than it must.
inline constexpr std::uint64_t kAnswerWorkPerSecond = 1u << 20;
inline constexpr std::uint64_t kAnswerWorkMax = 1u << 20;
// Streams whose sums are kept for the next question. More: up to 1 MB each. Fewer: peers that ask about
// different streams make the node read the same blocks again.
inline constexpr std::size_t kRangesKept = 4;
// A comparison goes through a stream in pieces, one at a time, which grow and shrink to about this much work
// from the first length on; one that comes to so many times as much is begun again, shorter, but not below
// the least. More: the node does nothing else for longer. Less: more round trips.
inline constexpr std::uint64_t kComparePieceWork = 1u << 17;
inline constexpr std::uint64_t kComparePieceTimesMax = 8;
inline constexpr Seq kComparePieceMin = 16, kComparePieceFirst = 1024, kComparePieceMax = Seq{1} << 62;
// Between two pieces of a background scrub of one peer. Shorter: it is no longer in the background.
inline constexpr std::chrono::seconds kScrubIntervalMin{1};
// For an answer. Longer: a peer that knows no questions is waited for. Shorter: one behind a slow link, or
// much data, is taken for such.
inline constexpr std::chrono::seconds kCompareAnswer{30};
// A peer that is asked too much is asked again after this, and so often. Longer, fewer: comparisons end
// without a verdict. Shorter, more: useless questions.
inline constexpr std::chrono::milliseconds kCompareRetry{500};
inline constexpr int kCompareRefusalsMax = 60;
// Streams that are not equal, until a comparison ends. More: up to 64 KB of named dots each.
inline constexpr std::size_t kCompareUnequalMax = 256;
// Bytes of blocks read at a time to sum them. Larger: memory. Smaller: more reads.
inline constexpr std::size_t kRangeReadBytes = 1u << 20;

// Comparing maps (engine/map_reconcile.h). Entries of which one sum is kept: more, and the edges of a range
// cost more; fewer, and a look at all of a map costs more.
inline constexpr std::size_t kMapRunItemsMax = 128;
// Ranges a question: more, and an answer whose keys are all as long as they may be does not fit a frame;
// fewer, and many differences take more round trips.
inline constexpr std::size_t kMapRangesPerQuestion = 64;
// Cells that an unequal range is cut into, by who answers and by who asks on. More: each difference weighs
// more bytes. Fewer: one key in 10^6 takes more than 3 round trips.
inline constexpr std::size_t kMapCellsMax = 16;
// Entries that a range is answered with instead of cells, removed ones too. More: they weigh more than the
// cells (about 50 bytes against 30 each). Fewer: a round trip more.
inline constexpr std::size_t kMapEntriesListed = 16;
// Entries of the asker's that one answer may be about; of a range with more, the parts are asked about. More:
// one step takes longer. Fewer: a map that the peer lacks altogether takes more questions.
inline constexpr std::size_t kMapJudgedMax = 1024;
// Writers whose dots a comparison of a map names, and keys; the rest is counted. More: memory and long
// reports. Fewer: keys that differ by what is under way from later writers stay undecided.
inline constexpr std::size_t kCompareWritersMax = 256;
inline constexpr std::size_t kCompareKeysMax = 256;
// What a question about a map costs of the answerer's work: a range, and a writer of which it is told.
inline constexpr std::uint64_t kMapRangeWork = 256;
inline constexpr std::uint64_t kMapWriterWork = 4;
// The scrub looks into a map as long as the two sides lack no more dots than this between them, and asks so
// many questions at a time. More: it is no longer in the background. Fewer: a map that is written all the
// time is never looked into; of a damaged one fewer keys are named.
inline constexpr std::uint64_t kScrubMapLackingMax = 16;
inline constexpr std::uint32_t kScrubMapQuestionsMax = 16;

// A node that has no trusted clock believes a peer's word on the time so often. More often: a peer that lies
// makes it write its entries anew each time. More seldom: a clock that runs ahead again stays ahead for
// longer.
inline constexpr std::chrono::minutes kClockToldInterval{10};
// Entries of its own that a node writes anew at a time, once it knows that their stamps run ahead. More:
// other writes wait behind them. Fewer: more commits.
inline constexpr std::size_t kMendAtOnce = 256;

// Boots of one stream that can have an offset; events of others are kept and shown without UTC. More: a
// hostile peer fills the table of offsets. Fewer: a store whose incarnation outlives this many boots, which
// takes a memory that does, has samples without a place.
inline constexpr std::uint32_t kBootsPerStreamMax = 1'000;
// Offsets that a node takes from peers, those that it had at its start among them. More: a peer that makes
// them up fills the store, and nothing gives them up. Fewer: samples of a large fleet stay without a place.
inline constexpr std::size_t kBootOffsetsMax = 1u << 18;
// A clock that nothing vouches for has been set if it is that far from what it said before: events are
// counted anew from there. More: samples stay by so much beside their time. Less: a clock that drifts uses
// the numbers up.
inline constexpr std::chrono::minutes kBootClockSet{1};
// Boots of this machine that a node remembers, times datasets. More: memory, and one record each when the
// time becomes known. Fewer: samples of earlier boots that never met a clock are not placed.
inline constexpr std::size_t kOwnBootsMax = 4'096;
// How often it is looked whether the time has become known, where samples wait for it. Longer: they are shown
// later. Shorter: a battery is woken for nothing.
inline constexpr std::chrono::seconds kBootLook{5};

// Rules for wrong data (engine/forget.h). A node writes no more rules once so many are there; of peers it
// takes so many, and refuses more as it does any map that is too large. More: memory, and looks at each write
// and each question. Fewer: the second must leave room for what parts of a fleet write while they are apart,
// or these do not come together again.
inline constexpr std::size_t kRulesWrittenMax = 4'096;
inline constexpr std::size_t kRulesMax = 65'536;
// Of the reason, and of all that stands beside a rule. Larger: that much memory a rule.
inline constexpr std::size_t kRuleReasonBytesMax = 256;
inline constexpr std::size_t kRuleNoteBytesMax = 1'024;
// Stored blocks that are looked at between two batches of peers and writers, by their bytes, and how many of
// them are written anew in one batch. More: these wait for longer. Less: more commits.
inline constexpr std::size_t kForgetBytesAtOnce = 1u << 20;
inline constexpr std::size_t kForgetBlocksAtOnce = 64;

// After a batch has failed, what must be stored all the same is tried again after this long. Longer: numbers
// stay open. Shorter: a dead disk is asked all the time.
inline constexpr std::chrono::seconds kFailedRetry{1};

// Local writes wait this long for company at most. Longer: they sit in memory, unanswered, for that time.
inline constexpr std::chrono::seconds kCommitIntervalMax{60};

// Keepalive. Longer: a half-open link holds data back for longer. Shorter: radio and battery.
inline constexpr std::chrono::seconds kKeepalive{10};
inline constexpr std::chrono::seconds kKeepaliveMin{1};
inline constexpr int kKeepalivesMissedMax = 3;
// Deltas of telemetry and maps to one peer that it has not acknowledged. More: memory for a peer that never
// does. Fewer: links that are long and fast stand still with room left.
inline constexpr std::size_t kDeltasSentMax = 1u << 16;
// Acknowledgements wait this long for company, unless credit is short. Longer: a writer learns later who has
// its data. Shorter: frames of them outweigh the data.
inline constexpr std::chrono::milliseconds kReportInterval{100};
// The same for news of what is held, for the side of a link with the lesser identity; the other side waits
// so much longer, and then need not tell what it has heard. Longer: a lost upstream is noticed later.
// Shorter: in a mesh, news outweigh the data.
inline constexpr std::chrono::milliseconds kNewsInterval{500};
// A peer told of an event that we lack, and nobody has brought it after this long: ask that peer. Longer: a
// lost upstream holds its streams back. Shorter: two paths of unequal delay bring the same event twice.
inline constexpr std::chrono::milliseconds kLate{1'000};
// That wait doubles this often while a peer which has the event is still sending others.
inline constexpr int kLateDoublings = 4;
// Until a peer must have said HELLO.
inline constexpr std::chrono::seconds kHandshake{10};

// Links. What waits to be written to one peer, bookkeeping included. Larger: a peer that does not read costs
// that much memory. Smaller than the credit and some acknowledgements: a healthy peer is cut off.
inline constexpr std::size_t kLinkQueueBytesMax = 32u << 20;
// Handed to the network in one write. Larger: more is kept alive until all of it is out. Smaller: more calls.
inline constexpr std::size_t kLinkGatherBytes = 256u << 10;
inline constexpr std::size_t kLinkGatherFrames = 64;
// The buffer that a link reads into: it begins with the first number, doubles up to the second while reads
// fill it, and holds a whole frame while one is under way. Larger: memory a link, idle or busy. Smaller: more
// calls.
inline constexpr std::size_t kLinkReadBytesFirst = 4u << 10;
inline constexpr std::size_t kLinkReadBytes = 64u << 10;
// From close() until the connection is destroyed. Longer: a silent peer keeps a descriptor. Shorter: the
// reason does not reach a slow peer.
inline constexpr std::chrono::milliseconds kLinkCloseLinger{2'000};

// Dialling one address; and from there to an agreed WebSocket. Longer: a dead address delays the next one, an
// idle guest keeps a descriptor. Shorter: slow radio never connects.
inline constexpr std::chrono::milliseconds kConnectTimeout{10'000};
inline constexpr std::chrono::milliseconds kUpgradeTimeout{10'000};
// The HTTP request of an upgrade. Larger: memory for strangers. Smaller: proxies add headers. The answer to
// one of ours has the bounds of Beast, which cannot be set: 8 KiB of header and, where it declines, 8 MiB of
// body.
inline constexpr std::uint32_t kUpgradeHeaderBytesMax = 8u << 10;
// Addresses tried for one host name. More: one name delays for that many timeouts. Fewer: some stay unused.
inline constexpr std::size_t kDialAddressesMax = 16;
// The wait before dialling again is random up to a bound that doubles from the first to the second number.
// Larger: a healed link stays unused. Smaller: a fleet dials its restarted server all at once.
inline constexpr std::chrono::milliseconds kDialBackoffBase{200};
inline constexpr std::chrono::milliseconds kDialBackoffMax{30'000};
// A link that stood this long makes the bound small again. Longer: slow to return. Shorter: flapping is fast.
inline constexpr std::chrono::milliseconds kDialStable{30'000};
// After a failed accept, such as for want of descriptors. Longer: guests wait. Shorter: it spins.
inline constexpr std::chrono::milliseconds kAcceptRetry{200};

// Log lines of one level from one driver. More: a hostile peer fills the disk. Fewer: causes are not seen.
inline constexpr std::uint32_t kLogLinesPerSecond = 20;

}  // namespace deltamesh::limits
