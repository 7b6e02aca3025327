// tests/sim/traffic.h - what went over links, counted.
#pragma once

#include <cstdint>

#include "engine/frame.h"

namespace deltamesh::sim {

inline FrameType type_of(ByteView frame) {
  return (*take_head(frame))->type;
}
inline bool is_keepalive(FrameType type) {
  return type == FrameType::kPing || type == FrameType::kPong;
}
inline bool is_keepalive(ByteView frame) {
  return is_keepalive(type_of(frame));
}

struct Traffic {
  std::uint64_t frames = 0;
  std::uint64_t frame_bytes = 0;
  std::uint64_t keepalives = 0;     // Of those: PING and PONG,
  std::uint64_t deltas = 0;         // and blocks and pages of map deltas.
  std::uint64_t payload_bytes = 0;  // Blocks and map entries, where they are read along.

  void count(ByteView frame) {
    const FrameType type = type_of(frame);
    ++frames;
    frame_bytes += frame.size();
    if (is_keepalive(type)) ++keepalives;
    if (type == FrameType::kDelta || type == FrameType::kMapDelta) ++deltas;
  }
  Traffic& operator+=(const Traffic& other) {
    frames += other.frames;
    frame_bytes += other.frame_bytes;
    keepalives += other.keepalives;
    deltas += other.deltas;
    payload_bytes += other.payload_bytes;
    return *this;
  }
};

}  // namespace deltamesh::sim
