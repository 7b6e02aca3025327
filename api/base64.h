// api/base64.h - bytes as text of the standard alphabet, padded (RFC 4648, section 4).
#pragma once

#include <string>
#include <string_view>

namespace deltamesh {

std::string base64(std::string_view bytes);

}  // namespace deltamesh
