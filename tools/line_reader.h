// tools/line_reader.h - the lines of a stream, numbered, without a copy of each.
//
// A byte order mark at the beginning is left out. Lines come as soon as they are there, so that a pipe can be
// followed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <istream>
#include <string_view>
#include <vector>

namespace deltamesh {

class LineReader {
 public:
  // Longer lines are refused, unless another bound is given. Larger: memory for what cannot be a row.
  // Smaller: wide tables do not fit.
  static constexpr std::size_t kLineBytesMax = 1u << 20;

  // `in` outlives the reader.
  explicit LineReader(std::istream& in, std::size_t line_bytes_max = kLineBytesMax)
      : in_(in), line_bytes_max_(line_bytes_max), buffer_(kBufferBytes) {}

  // The next line, without its end ("\n" or "\r\n"); false at the end, or if reading failed. `line` is valid
  // until the next call.
  bool next(std::string_view& line);

  // Of the line that next() gave last: its number, from 1; whether it is only the head of one that is too
  // long; and whether its end was there, without which more of it may come.
  [[nodiscard]] std::uint64_t number() const { return number_; }
  [[nodiscard]] bool too_long() const { return too_long_; }
  [[nodiscard]] bool ended() const { return ended_; }
  // The stream broke before its end.
  [[nodiscard]] bool failed() const { return in_.bad(); }
  // Read from the stream so far, for progress.
  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }

 private:
  static constexpr std::size_t kBufferBytes = 64u << 10;

  [[nodiscard]] std::size_t offset_of(const void* at) const;
  bool fill();
  std::string_view take(std::size_t size);
  void skip_rest();

  std::istream& in_;
  std::size_t line_bytes_max_;
  std::vector<char> buffer_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::uint64_t number_ = 0;
  std::uint64_t bytes_ = 0;
  bool too_long_ = false;
  bool ended_ = false;
};

}  // namespace deltamesh
