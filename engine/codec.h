// engine/codec.h - messages to frames and back; the only place that knows Cap'n Proto.
//
// decode() checks everything that can be judged without a node's state: sizes, counts, canonical intervals,
// names, enumerations. What it returns obeys engine/limits.h, and no byte string makes it throw or allocate
// more than a small multiple of its own size.
#pragma once

#include <optional>

#include "engine/frame.h"
#include "engine/message.h"

namespace deltamesh {

// A whole frame, head included. The message must be within limits; an oversized one is our bug. Texts for
// people (Hello::software, Goodbye::text) are cut and made readable instead.
Bytes encode(const Message& message);
// The same without copying `block` into a message first.
Bytes encode_delta(const message::Delta& delta_without_block, ByteView block);

// Upper bounds of what one item adds to a frame. A frame is within limits::kFrameBytesMax if its items sum to
// at most kFrameItemsBytesMax; whoever fills one with items that a peer may have shaped keeps to that.
inline constexpr std::size_t kFrameItemsBytesMax = limits::kFrameBytesMax - 256;
std::size_t item_bytes_max(const message::StreamRef& ref);
std::size_t item_bytes_max(const message::Frontier::Entry& entry);
std::size_t item_bytes_max(const message::Frontier::Past& past);
std::size_t item_bytes_max(const message::MapDelta::Known& known);
std::size_t item_bytes_max(const message::MapDelta::Entry& entry);
std::size_t item_bytes_max(const message::Ack::Stream& stream);
std::size_t item_bytes_max(const message::TierAck::Stream& stream);
std::size_t item_bytes_max(const SeriesDecl& decl);

// A whole frame, head included. nullopt: an unknown type that may be skipped.
Result<std::optional<Message>> decode(ByteView frame);

}  // namespace deltamesh
