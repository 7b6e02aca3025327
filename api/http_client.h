// api/http_client.h - one question to a running node's HTTP interface, for programs that may wait.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "crdt/result.h"

namespace deltamesh {

struct HttpAddress {
  std::string host;
  std::string port;
};

// "http://127.0.0.1:8081", with or without a '/' at the end.
Result<HttpAddress> parse_http_address(std::string_view url);

struct HttpReply {
  unsigned status = 0;
  std::string body;
};

// Waits for the answer, at most a little longer than a node takes to say "not yet". An error: there is none.
Result<HttpReply> ask_http(const HttpAddress& address, const std::string& method, const std::string& target);

}  // namespace deltamesh
