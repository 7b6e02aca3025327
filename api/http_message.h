// api/http_message.h - requests and answers as plain values, so that routes need not know the HTTP library.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace deltamesh {

struct HttpRequest {
  std::string method;  // "GET"; a HEAD reaches routes as GET.
  std::string target;  // Path and query as they came, still percent-encoded.
  std::string body;
};

struct HttpResponse {
  unsigned status = 200;
  std::string body;
  std::string content_type = "application/json";
  std::vector<std::pair<std::string, std::string>> headers{};  // Beside those that the server adds.
};

}  // namespace deltamesh
