// tools/line_reader.cc - looks for line ends in a buffer that grows up to the bound.
#include "tools/line_reader.h"

#include <algorithm>
#include <cassert>
#include <cstring>

namespace deltamesh {
namespace {

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

std::string_view without_return(std::string_view line) {
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

}  // namespace

bool LineReader::next(std::string_view& line) {
  if (too_long_) skip_rest();
  for (std::size_t searched = 0;;) {
    const std::size_t from = begin_ + searched;
    const void* const found = from == end_ ? nullptr : std::memchr(buffer_.data() + from, '\n', end_ - from);
    const std::size_t end = found == nullptr ? end_ : offset_of(found);
    searched = end - begin_;
    too_long_ = searched > line_bytes_max_;
    ended_ = found != nullptr && !too_long_;
    if (too_long_) return line = take(line_bytes_max_), true;
    if (ended_) return line = take(searched), ++begin_, true;
    if (fill()) continue;
    if (searched == 0 || failed()) return false;
    return line = take(searched), true;
  }
}

std::size_t LineReader::offset_of(const void* at) const {
  return static_cast<std::size_t>(static_cast<const char*>(at) - buffer_.data());
}

// `size` bytes are the next line.
std::string_view LineReader::take(std::size_t size) {
  ++number_;
  const std::string_view line(buffer_.data() + begin_, size);
  begin_ += size;
  const bool marked = number_ == 1 && line.starts_with(kByteOrderMark);
  return without_return(line.substr(marked ? kByteOrderMark.size() : 0));
}

// The tail of a line whose head was given already.
void LineReader::skip_rest() {
  too_long_ = false;
  for (bool ended = false; !ended && (begin_ < end_ || fill());) {
    const void* const found = std::memchr(buffer_.data() + begin_, '\n', end_ - begin_);
    ended = found != nullptr;
    begin_ = ended ? offset_of(found) + 1 : end_;
  }
}

// More bytes behind those that are there; false at the end of the stream. Waits for the next byte only:
// peek() fetches what there is, and also catches what a stream buffer throws where a disk fails.
bool LineReader::fill() {
  std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
  end_ -= begin_;
  begin_ = 0;
  if (end_ == buffer_.size()) buffer_.resize(std::min(2 * buffer_.size(), line_bytes_max_ + kBufferBytes));
  if (in_.peek() == std::istream::traits_type::eof()) return false;
  const auto got = in_.readsome(buffer_.data() + end_, static_cast<std::streamsize>(buffer_.size() - end_));
  assert(got > 0);
  end_ += static_cast<std::size_t>(got);
  bytes_ += static_cast<std::uint64_t>(got);
  return true;
}

}  // namespace deltamesh
