// transport/frame_reader.h - cuts a stream of bytes into frames.
//
// Pure: whoever reads the stream puts bytes into space() and takes frames out. It only delimits; the node
// judges. A head that cannot be right (engine/frame.h) comes out alone, as a frame that no decoder accepts,
// so that the node refuses and counts it as any other; after it there are no frames to be found in the
// stream. Memory follows the bytes that are really there, never what a head announces.
#pragma once

#include <optional>
#include <span>

#include "crdt/dot.h"
#include "engine/limits.h"

namespace deltamesh {

class FrameReader {
 public:
  FrameReader() : buffer_(limits::kLinkReadBytesFirst) {}

  // Where the next bytes go; never empty. Ends the life of what next() returned.
  [[nodiscard]] std::span<std::byte> space();
  // The first `bytes` of space() are filled.
  void filled(std::size_t bytes);
  // The next whole frame, valid until space(). nullopt: more bytes are needed.
  [[nodiscard]] std::optional<ByteView> next();

  // Bytes of a frame that is not whole yet.
  [[nodiscard]] std::size_t pending() const { return end_ - begin_; }
  [[nodiscard]] std::size_t capacity() const { return buffer_.size(); }

 private:
  void make_room();

  Bytes buffer_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

}  // namespace deltamesh
