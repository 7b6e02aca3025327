// transport/frame_reader.cc - a buffer that finds frames in what was read.
#include "transport/frame_reader.h"

#include <algorithm>
#include <cassert>

#include "engine/frame.h"

namespace deltamesh {

std::span<std::byte> FrameReader::space() {
  make_room();
  return std::span(buffer_).subspan(end_);
}

// Moves the unfinished frame to the front, if it is not there. Doubles the buffer when that alone fills it,
// or while it is small and reads fill it.
void FrameReader::make_room() {
  const bool filled_up = end_ == buffer_.size();
  if (begin_ > 0) {
    std::copy(buffer_.begin() + static_cast<std::ptrdiff_t>(begin_),
              buffer_.begin() + static_cast<std::ptrdiff_t>(end_), buffer_.begin());
    end_ -= begin_;
    begin_ = 0;
  }
  const bool small = buffer_.size() < limits::kLinkReadBytes;
  if (end_ == buffer_.size() || (filled_up && small)) buffer_.resize(buffer_.size() * 2);
  if (end_ == 0 && buffer_.size() > limits::kLinkReadBytes) buffer_ = Bytes(limits::kLinkReadBytes);
}

void FrameReader::filled(std::size_t bytes) {
  assert(bytes <= buffer_.size() - end_);
  end_ += bytes;
}

std::optional<ByteView> FrameReader::next() {
  const ByteView all = ByteView(buffer_).subspan(begin_, pending());
  ByteView rest = all;
  const auto head = take_head(rest);
  if (head.ok() && (!*head || rest.size() < (*head)->payload_bytes)) return std::nullopt;
  const std::size_t size = head.ok() ? all.size() - rest.size() + (*head)->payload_bytes
                                     : std::min(all.size(), kFrameHeadBytesMax);
  begin_ += size;
  return all.first(size);
}

}  // namespace deltamesh
