// api/http_client.h - one question to a running node's HTTP interface, for programs that may wait.
#pragma once

#include <string>

#include "api/http_address.h"
#include "api/json_value.h"
#include "crdt/result.h"

namespace deltamesh {

struct HttpReply {
  unsigned status = 0;
  std::string body;
};

// Waits for the answer, at most a little longer than a node takes to say "not yet". An error: there is none.
Result<HttpReply> ask_http(const HttpAddress& address, const std::string& method, const std::string& target,
                           const std::string& content = {});
// The same for answers that are JSON; what the node refuses is an error in its words. The text goes to
// `body`.
Result<JsonValue> ask_json(const HttpAddress& address, const std::string& method, const std::string& target,
                           std::string* body = nullptr, const std::string& content = {});

}  // namespace deltamesh
