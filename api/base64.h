// api/base64.h - bytes as text of the standard alphabet, padded (RFC 4648, section 4).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace deltamesh {

std::string base64(std::string_view bytes);
// The bytes of which that is the text; nullopt if there are none.
std::optional<std::string> decode_base64(std::string_view text);

}  // namespace deltamesh
