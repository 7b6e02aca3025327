// api/http_address.h - where a running node answers HTTP.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "crdt/result.h"

namespace deltamesh {

struct HttpAddress {
  std::string host;  // A name or an address; an IPv6 one stands without its brackets.
  std::uint16_t port = 0;
};

// "http://127.0.0.1:8081" or "http://[::1]:8081", with or without a '/' at the end.
Result<HttpAddress> parse_http_address(std::string_view url);

// As in a URL: "127.0.0.1:8081", "[::1]:8081".
std::string host_and_port(const HttpAddress& address);

}  // namespace deltamesh
