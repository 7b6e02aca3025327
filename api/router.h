// api/router.h - which route answers a request: by method and by the pattern of its path.
//
// A pattern is a path whose segments in braces stand for one segment each, "/v0/maps/{dataset}"; a last one
// with dots, "{key...}", for all the rest, at least one byte, '/' included. What the braces caught is
// percent-decoded after the path is cut, so an escaped '/' does not cut it.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "api/http_message.h"
#include "api/responder.h"
#include "api/uri.h"

namespace deltamesh {

// A request for a route: `captured` is what the braces of its pattern stand for, in their order.
struct RoutedRequest {
  std::vector<std::string> captured;
  QueryParameters query;
  std::string body;
};

class Router {
 public:
  using Handler = std::function<void(RoutedRequest, Responder)>;

  void add(std::string method, std::string pattern, Handler handler);

  // Calls the route that fits, or answers 404, 405 (with Allow) or 400.
  void route(HttpRequest request, const Responder& respond) const;

 private:
  struct Route {
    std::string method;
    std::string pattern;
    Handler handler;
  };
  std::vector<Route> routes_;
};

}  // namespace deltamesh
