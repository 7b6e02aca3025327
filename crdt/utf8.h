// crdt/utf8.h - whether text from outside is well-formed UTF-8, decided the same way on every node.
//
// Well-formed excludes overlong forms, surrogates and everything above U+10FFFF.
#pragma once

#include <cstdint>
#include <string_view>

namespace deltamesh {

// Consumes one code point from a text that is not empty; false, leaving `text` unspecified, if it is not
// UTF-8.
[[nodiscard]] bool take_code_point(std::string_view& text, std::uint32_t& point);

// Empty text is well-formed.
[[nodiscard]] bool valid_utf8(std::string_view text);

}  // namespace deltamesh
