// tests/tools/line_reader_test.cc - lines, whatever their ends and lengths.
#include "tools/line_reader.h"

#include <catch2/catch.hpp>
#include <sstream>

namespace deltamesh {
namespace {

using Lines = std::vector<std::string>;

Lines lines_of(const std::string& text) {
  std::istringstream in(text);
  LineReader reader(in);
  Lines lines;
  for (std::string_view line; reader.next(line);) {
    lines.emplace_back(line);
    CHECK(reader.number() == lines.size());
  }
  CHECK(reader.bytes() == text.size());
  return lines;
}

TEST_CASE("lines end at LF or CRLF, the last one at the end", "[lines]") {
  CHECK(lines_of("").empty());
  CHECK(lines_of("a") == Lines{"a"});
  CHECK(lines_of("a\n") == Lines{"a"});
  CHECK(lines_of("a\r\nb\r\n") == Lines{"a", "b"});
  CHECK(lines_of("\n\nb") == Lines{"", "", "b"});
  CHECK(lines_of("a\rb\r") == Lines{"a\rb"});
}

TEST_CASE("lines are whole wherever the buffer ends", "[lines]") {
  std::string text;
  Lines expected;
  for (std::size_t size = 0; size < 1'000; ++size) {
    expected.emplace_back((size * 37) % 1'009, static_cast<char>('a' + size % 26));
    text += expected.back() + "\n";
  }
  CHECK(lines_of(text) == expected);
}

TEST_CASE("a byte order mark is no part of the first line", "[lines]") {
  CHECK(lines_of("\xef\xbb\xbf"
                 "a\n\xef\xbb\xbf"
                 "b\n") == Lines{"a",
                                 "\xef\xbb\xbf"
                                 "b"});
  CHECK(lines_of("\xef\xbb\xbf") == Lines{""});
}

TEST_CASE("a last line without an end is told from one with it", "[lines]") {
  std::istringstream in("a\nb");
  LineReader reader(in);
  std::string_view line;
  REQUIRE(reader.next(line));
  CHECK(reader.ended());
  REQUIRE(reader.next(line));
  CHECK_FALSE(reader.ended());
}

// Gives one line and then fails as a disk does.
class FailingBuffer : public std::streambuf {
 protected:
  int_type underflow() override {
    if (given_) throw std::ios_base::failure("input/output error");
    given_ = true;
    setg(text_, text_, text_ + sizeof text_);
    return traits_type::to_int_type(text_[0]);
  }

 private:
  char text_[2] = {'a', '\n'};
  bool given_ = false;
};

TEST_CASE("a stream that fails is not taken for one that ends", "[lines]") {
  FailingBuffer buffer;
  std::istream in(&buffer);
  LineReader reader(in);
  std::string_view line;
  CHECK(reader.next(line));
  CHECK(line == "a");
  CHECK_FALSE(reader.failed());
  CHECK_FALSE(reader.next(line));
  CHECK(reader.failed());
}

TEST_CASE("of a line that is too long the head comes, and then the next line", "[lines]") {
  const std::size_t size = LineReader::kLineBytesMax + GENERATE(0u, 1u, 70'000u, 3'000'000u);
  std::istringstream in("first\n" + std::string(size, 'x') + "\nlast");
  LineReader reader(in);
  std::string_view line;
  REQUIRE(reader.next(line));
  REQUIRE(reader.next(line));
  CHECK(line.size() == LineReader::kLineBytesMax);
  CHECK(reader.too_long() == (size > LineReader::kLineBytesMax));
  REQUIRE(reader.next(line));
  CHECK(line == "last");
  CHECK(reader.number() == 3);
  CHECK_FALSE(reader.too_long());
  CHECK_FALSE(reader.next(line));
}

}  // namespace
}  // namespace deltamesh
