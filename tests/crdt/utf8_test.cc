// tests/crdt/utf8_test.cc - which byte strings are UTF-8.
#include "crdt/utf8.h"

#include <catch2/catch.hpp>
#include <string>

namespace deltamesh {
namespace {

// The plain encoder, to compare the decoder with.
std::string encoded(std::uint32_t point) {
  const auto tail = [point](unsigned shift) { return static_cast<char>(0x80 | ((point >> shift) & 0x3F)); };
  if (point < 0x80) return {static_cast<char>(point)};
  if (point < 0x800) return {static_cast<char>(0xC0 | point >> 6), tail(0)};
  if (point < 0x10000) return {static_cast<char>(0xE0 | point >> 12), tail(6), tail(0)};
  return {static_cast<char>(0xF0 | point >> 18), tail(12), tail(6), tail(0)};
}

}  // namespace

TEST_CASE("every code point but the surrogates survives UTF-8", "[crdt][utf8]") {
  for (std::uint32_t point = 0; point <= 0x10FFFF; ++point) {
    const std::string text = encoded(point);
    std::string_view rest = text;
    std::uint32_t back = 0;
    const bool is_surrogate = point >= 0xD800 && point < 0xE000;
    if (take_code_point(rest, back) == is_surrogate) FAIL("code point " << point);
    if (!is_surrogate && (back != point || !rest.empty())) FAIL("code point " << point);
  }
}

TEST_CASE("bytes that are no UTF-8 are refused", "[crdt][utf8]") {
  const std::string bad = GENERATE(values<std::string>({
      "\x80",              // Continues nothing.
      "\xC3",              // Cut short.
      "\xE2\x82",          //
      "\xF0\x9F\x98",      //
      "\xC0\x80",          // Overlong.
      "\xC1\xBF",          //
      "\xE0\x9F\xBF",      //
      "\xF0\x8F\xBF\xBF",  //
      "\xED\xA0\x80",      // A surrogate.
      "\xF4\x90\x80\x80",  // Beyond U+10FFFF.
      "\xF5\x80\x80\x80",  //
      "\xFF",              //
      "\xC3\x28",          // The second byte continues nothing.
  }));
  CHECK_FALSE(valid_utf8(bad));
  CHECK_FALSE(valid_utf8("a" + bad));
  CHECK(valid_utf8(""));
  CHECK(valid_utf8("gr\xC3\xBC\xC3\x9F 20 \xE2\x84\x83"));
}

}  // namespace deltamesh
