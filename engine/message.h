// engine/message.h - what two nodes say to each other, as plain values.
//
// engine/codec.h turns them into frames and back; docs/protocol.md tells the conversation. Streams are named
// once a session and then by index: each side numbers the streams that it mentions (0, 1, 2, ...), and an
// acknowledgement uses the numbers of the side that sent the data.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "crdt/interval_set.h"
#include "crdt/lww_map.h"
#include "crdt/sample.h"
#include "engine/config.h"

namespace deltamesh::message {

inline constexpr std::uint16_t kProtocolVersion = 0;

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
    Bytes prefix_fingerprint;  // Reserved: 16 bytes, or empty.
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
  Bytes resume_token;  // Reserved; empty means a new conversation.
  // Digest of all that the sender knows, 16 bytes, or none. Equal digests stand for both frontiers.
  Bytes knowledge;
  // Other sessions bring the sender what it lacks: of the streams that the receiver of this knows by now, it
  // sends only those that are subscribed to.
  bool quiet = false;
  std::uint32_t credit = 0;  // Bytes that the receiver of this may have in flight to the sender.
  friend bool operator==(const Hello&, const Hello&) = default;
};

// What the sender knows, in one or several frames; live data follows the last.
struct Frontier {
  struct Entry {
    StreamRef ref;
    IntervalSet held;
    IntervalSet voided;
    Seq head = 0;
    Seq settled = 0;
    friend bool operator==(const Entry&, const Entry&) = default;
  };
  std::vector<Entry> entries;
  bool last = true;
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

// One page of a map delta. Entries join as they arrive; `knowledge` counts once the last page is there.
struct MapDelta {
  struct Known {
    StreamRef ref;
    IntervalSet held;
    Seq head = 0;
    friend bool operator==(const Known&, const Known&) = default;
  };
  struct Entry {
    std::uint32_t stream =
        0;           // Index of the stream in the sender's table, named in `streams` before its use.
    MapEntry entry;  // entry.version.dot.stream is filled in by the receiver.
    friend bool operator==(const Entry&, const Entry&) = default;
  };
  DatasetId dataset{};
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
  std::vector<Stream> streams;            // Durable, of what the receiver sent.
  std::vector<std::uint32_t> map_deltas;  // Whole deltas that are durable.
  std::uint32_t credit = 0;
  std::vector<Have> haves;                  // Durable, of streams that the receiver has unsubscribed from.
  std::vector<Stream> subscribed;           // From now on send me these; `dots` are what I hold.
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

// The last frame: why the sender ends the session.
struct Goodbye {
  ErrorCode code = ErrorCode::kClosed;
  std::string text;
  friend bool operator==(const Goodbye&, const Goodbye&) = default;
};

}  // namespace deltamesh::message

namespace deltamesh {

using Message =
    std::variant<message::Hello, message::Frontier, message::Delta, message::MapDelta, message::Ack,
                 message::SeriesWanted, message::SeriesGiven, message::Ping, message::Pong, message::Goodbye>;

}  // namespace deltamesh
