// engine/message.h - what two nodes say to each other, as plain values.
//
// engine/codec.h turns them into frames and back; docs/protocol.md tells the conversation. Streams are named
// once a session and then by index: each side numbers the streams that it mentions (0, 1, 2, ...), and an
// acknowledgement uses the numbers of the side that sent the data.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "crdt/fingerprint.h"
#include "crdt/interval_set.h"
#include "crdt/lww_map.h"
#include "crdt/map_floor.h"
#include "crdt/sample.h"
#include "engine/config.h"
#include "engine/past.h"

namespace deltamesh::message {

inline constexpr std::uint16_t kProtocolVersion = 0;
inline constexpr std::size_t kDigestBytes = 16;  // Of what a node knows.

// The index of a stream in the sender's table; carries the stream itself at its first mention.
struct StreamRef {
  std::uint32_t index = 0;
  std::optional<StreamId> stream;
  friend bool operator==(const StreamRef&, const StreamRef&) = default;
};

// The first frame of each side. A mismatch is answered with Goodbye that names both values.
struct Hello {
  struct OwnStream {
    StreamId stream;
    Seq head = 0;
    Bytes last_cell;  // Fingerprint of its events in the cell of the head, 16 bytes; or empty.
    friend bool operator==(const OwnStream&, const OwnStream&) = default;
  };
  std::uint16_t version_min = kProtocolVersion;
  std::uint16_t version_max = kProtocolVersion;
  FleetId fleet;
  Identity identity;
  std::string software;
  std::vector<std::uint8_t> codecs;  // Block codecs that the sender can read.
  std::vector<DatasetConfig> datasets;
  std::vector<OwnStream> own;
  Bytes resume_token;  // Digests of HELLOs whose frontiers the sender remembers, 16 bytes each.
  // Digest of all that the sender knows, 16 bytes, or none. Equal digests stand for both frontiers.
  Bytes knowledge;
  // Other sessions bring the sender what it lacks: of the streams that the receiver of this knows by now, it
  // sends only those that are subscribed to.
  bool quiet = false;
  std::uint32_t credit = 0;  // Bytes that the receiver of this may have in flight to the sender.
  // Digest of the rules for wrong data that are in effect at the sender (engine/forget.h), 16 bytes or none:
  // what they name stands in no sum.
  Bytes rules = {};
  friend bool operator==(const Hello&, const Hello&) = default;
};

// What the sender knows, in one or several frames, the last of which says so. Where sums over streams are not
// the same on both sides, those streams follow, up to another last frame.
struct Frontier {
  struct Entry {
    StreamRef ref;
    IntervalSet held;
    IntervalSet voided;
    Seq head = 0;
    Seq settled = 0;
    IntervalSet dropped = {};  // The sender holds none of it, and wants none.
    IntervalSet lost = {};     // Of `voided`.
    friend bool operator==(const Entry&, const Entry&) = default;
  };
  std::vector<Entry> entries;
  bool last = true;
  Bytes base;  // 16 bytes or none: the digest of a HELLO, to whose frontier the entries are changes.
  // Sums over streams that are over, which are not among the entries.
  struct Past {
    PastOf of;
    PastSums sums{};
    friend bool operator==(const Past&, const Past&) = default;
  };
  std::vector<Past> pasts = {};  // Ascending.
  // In the last frame, 16 bytes or none: the digest of the streams in sums that the receiver named when the
  // two were in session last.
  Bytes remembered = {};
  friend bool operator==(const Frontier&, const Frontier&) = default;
};

// One block of a telemetry stream. `declarations` are those that this peer may not have yet.
struct Delta {
  StreamRef ref;
  Seq first = 1;
  std::uint32_t events = 0;
  std::uint8_t codec = 0;
  Seq head = 0;
  Seq settled = 0;
  std::vector<SeriesDecl> declarations;
  Bytes block;
  friend bool operator==(const Delta&, const Delta&) = default;
};

// One page of a map delta, which has an entry or a known stream at least. Entries join as they arrive, and
// are known from then on; `knowledge` counts once the last page is there.
struct MapDelta {
  struct Known {
    StreamRef ref;
    IntervalSet held;
    Seq head = 0;
    // Of `held`: superseded by later writes of the same stream, which the receiver is told or knows.
    IntervalSet rewritten;
    friend bool operator==(const Known&, const Known&) = default;
  };
  struct Entry {
    std::uint32_t stream =
        0;           // Index of the stream in the sender's table, named in `streams` before its use.
    MapEntry entry;  // entry.version.dot.stream is filled in by the receiver.
    friend bool operator==(const Entry&, const Entry&) = default;
  };
  std::uint32_t delta = 0;  // Number of the delta; the acknowledgement repeats it.
  bool last = true;
  std::vector<StreamRef> streams;  // First mentions that the entries need.
  std::vector<Known> knowledge;
  std::vector<Entry> entries;
  friend bool operator==(const MapDelta&, const MapDelta&) = default;
};

// What is durable at the sender of this, and which streams it wants from the receiver. `credit` more bytes
// may be sent to it.
struct Ack {
  struct Stream {
    std::uint32_t index = 0;  // In the table of the side that receives this Ack.
    IntervalSet dots;
    friend bool operator==(const Stream&, const Stream&) = default;
  };
  struct Have {
    StreamRef ref;  // In the table of the side that sends this Ack.
    IntervalSet dots;
    friend bool operator==(const Have&, const Have&) = default;
  };
  // So many more of the Deltas that the receiver sent, in their order, are durable.
  std::uint32_t deltas = 0;
  std::vector<std::uint32_t> map_deltas;  // Whole deltas that are durable.
  std::uint32_t credit = 0;
  std::vector<Have> haves;                  // Durable, of streams that the receiver has unsubscribed from.
  std::vector<Stream> subscribed;           // From now on send me these; `dots` are what I hold.
  bool leads = false;                       // Of our links, this one carries the data.
  std::vector<std::uint32_t> unsubscribed;  // Send me these no more: another peer was first.
  friend bool operator==(const Ack&, const Ack&) = default;
};

// Asks for, and gives, declarations of series that a held block uses.
struct SeriesWanted {
  StreamId stream;
  std::vector<SeriesNo> numbers;
  friend bool operator==(const SeriesWanted&, const SeriesWanted&) = default;
};
struct SeriesGiven {
  StreamId stream;
  std::vector<SeriesDecl> declarations;
  friend bool operator==(const SeriesGiven&, const SeriesGiven&) = default;
};

// Asks for a Pong; a link that answers none is dead.
struct Ping {
  friend bool operator==(const Ping&, const Ping&) = default;
};
struct Pong {
  friend bool operator==(const Pong&, const Pong&) = default;
};

// What a node of a tier has acknowledged, in its own words or handed on; or that the life of its store is
// over, and nothing that it has acknowledged counts any more.
struct TierAck {
  struct Stream {
    std::uint32_t index = 0;  // In the table of the sender of this, which has named it before.
    IntervalSet dots;
    friend bool operator==(const Stream&, const Stream&) = default;
  };
  Identity acker;
  bool ended = false;
  std::vector<Stream> streams;
  friend bool operator==(const TierAck&, const TierAck&) = default;
};

// The time, from a sender that trusts its clock: the receiver wrote an entry whose stamp is far ahead of it.
// May be skipped by who does not know it.
struct ClockAhead {
  std::chrono::milliseconds time{0};
  friend bool operator==(const ClockAhead&, const ClockAhead&) = default;
};

// Of one map, what of it the sender has forgotten; or a part of that: what several say is joined.
struct Floor {
  DatasetId dataset{};
  MapFloor floor;
  friend bool operator==(const Floor&, const Floor&) = default;
};

// The last frame: why the sender ends the session.
struct Goodbye {
  ErrorCode code = ErrorCode::kClosed;
  std::string text;
  friend bool operator==(const Goodbye&, const Goodbye&) = default;
};

// Of a range of dots: how many of its events are held, and the sum of their fingerprints; none, no sum.
struct RangeSum {
  std::uint64_t count = 0;
  Fingerprint fingerprint;
  friend bool operator==(const RangeSum&, const RangeSum&) = default;
};

// Asks whether the receiver holds of a stream what the sender believes it to hold; engine/reconcile.h. May be
// skipped by who does not know it.
struct RangeQuestion {
  struct Range {
    Interval dots;
    RangeSum expected;
    bool runs_known =
        false;  // The sender knows which of the dots the receiver holds and asks for sums alone.
    friend bool operator==(const Range&, const Range&) = default;
  };
  StreamRef ref;
  std::uint32_t number = 0;   // The answer repeats it.
  Seq upto = 0;               // Both have settled that much.
  std::vector<Range> ranges;  // At least one; ascending, disjoint, at most `upto`.
  Bytes rules = {};           // Of the sender, as in its Hello.
  friend bool operator==(const RangeQuestion&, const RangeQuestion&) = default;
};

struct RangeAnswer {
  struct Equal {
    friend bool operator==(const Equal&, const Equal&) = default;
  };
  // The range, cut at the multiples of 2^shift: cell n has the dots n * 2^shift + 1 to (n + 1) * 2^shift.
  struct Cells {
    std::uint8_t shift = 0;
    std::vector<RangeSum> sums;  // Of the part of each cell that lies in the range, ascending.
    friend bool operator==(const Cells&, const Cells&) = default;
  };
  using Part = std::variant<Equal, IntervalSet, Cells>;  // The set: the dots of the range that are held.

  std::uint32_t index = 0;  // Of the stream, in the table of the side that asked.
  std::uint32_t number = 0;
  Seq upto = 0;  // As in the question; without parts, what the sender has settled (0: nothing to tell).
  std::vector<Part> parts;   // One for each range, or none: the question cannot be answered,
  bool other_rules = false;  // as other rules for wrong data are in effect at the sender.
  friend bool operator==(const RangeAnswer&, const RangeAnswer&) = default;
};

// Keys from `from` on and below `to`, in the order of their bytes; an empty `to` is behind them all.
struct KeyRange {
  std::string from, to;
  friend bool operator==(const KeyRange&, const KeyRange&) = default;
};

// Asks whether the receiver knows the same of a map, and has in ranges of its keys what the sender has;
// engine/map_reconcile.h. May be skipped by who does not know it.
struct MapQuestion {
  struct Range {
    KeyRange keys;
    RangeSum expected;  // Of the live entries.
    friend bool operator==(const Range&, const Range&) = default;
  };
  DatasetId dataset{};
  std::uint32_t number = 0;  // The answer repeats both.
  Bytes knowledge;           // Digest of the sender's knowledge, 16 bytes; or none: it is not asked about.
  std::optional<StreamId> after;  // Of an unequal one, tell the part behind this stream.
  std::vector<Range> ranges;      // Ascending, disjoint; one at most if there is a digest.
  friend bool operator==(const MapQuestion&, const MapQuestion&) = default;
};

struct MapAnswer {
  enum class Kind : std::uint8_t { kAnswer, kLater, kUnable };
  enum class Knowing : std::uint8_t { kNotAsked, kSame, kPart, kLastPart };
  struct Known {
    StreamId stream;   // Of the map, as all here.
    IntervalSet held;  // Not empty.
    friend bool operator==(const Known&, const Known&) = default;
  };
  using Equal = RangeAnswer::Equal;
  // Of every key of the range, removed ones too: who wrote it last, and what.
  struct Entry {
    std::uint32_t stream = 0;  // Of `streams`.
    std::string key;
    MapVersion version;  // The receiver fills in version.dot.stream.
    bool tombstone = false;
    Fingerprint print;  // None of a tombstone.
    friend bool operator==(const Entry&, const Entry&) = default;
  };
  using Entries = std::vector<Entry>;  // Ascending by key.
  // The range, cut before each of these keys.
  struct Cells {
    std::vector<std::string> cuts;  // At least one; ascending.
    std::vector<RangeSum> sums;     // One more.
    friend bool operator==(const Cells&, const Cells&) = default;
  };
  using Part = std::variant<Equal, Entries, Cells>;

  DatasetId dataset{};
  std::uint32_t number = 0;
  Kind kind = Kind::kAnswer;  // Anything else has no parts: ask again later, or never.
  Knowing knowing = Knowing::kNotAsked;
  std::vector<Known> known;  // Ascending by stream.
  std::vector<StreamId> streams;
  std::vector<Part> parts;  // One for each range.
  friend bool operator==(const MapAnswer&, const MapAnswer&) = default;
};

}  // namespace deltamesh::message

namespace deltamesh {

using Message =
    std::variant<message::Hello, message::Frontier, message::Delta, message::MapDelta, message::Ack,
                 message::SeriesWanted, message::SeriesGiven, message::Ping, message::Pong, message::Goodbye,
                 message::RangeQuestion, message::RangeAnswer, message::MapQuestion, message::MapAnswer,
                 message::ClockAhead, message::TierAck, message::Floor>;

}  // namespace deltamesh
