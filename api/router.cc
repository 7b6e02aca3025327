// api/router.cc - patterns against paths.
#include "api/router.h"

#include <algorithm>
#include <optional>

#include "api/problem.h"

namespace deltamesh {
namespace {

using Captured = std::vector<std::string_view>;

std::string_view take_segment(std::string_view& path) {
  const auto end = std::min(path.find('/'), path.size());
  const auto segment = path.substr(0, end);
  path.remove_prefix(std::min(end + 1, path.size()));
  return segment;
}

// What the braces of `pattern` stand for, still encoded; nullopt if `path` does not fit.
std::optional<Captured> match(std::string_view pattern, std::string_view path) {
  Captured captured;
  while (!pattern.empty()) {
    const auto wanted = take_segment(pattern);
    if (wanted.ends_with("...}")) {
      captured.push_back(path);
      return path.empty() ? std::nullopt : std::optional(captured);
    }
    const bool last = path.find('/') == std::string_view::npos;
    const auto segment = take_segment(path);
    if (last != pattern.empty()) return std::nullopt;
    const bool brace = wanted.starts_with('{');
    if (brace ? segment.empty() : segment != wanted) return std::nullopt;
    if (brace) captured.push_back(segment);
  }
  return captured;
}

Result<std::vector<std::string>> decoded(const Captured& captured) {
  std::vector<std::string> out;
  for (const auto each : captured) {
    auto text = percent_decoded(each);
    if (!text) return text.error();
    out.push_back(*std::move(text));
  }
  return out;
}

HttpResponse not_allowed(const std::vector<std::string>& methods) {
  std::string allow;
  for (const auto& method : methods) allow += (allow.empty() ? "" : ", ") + method;
  auto response = problem(405, "method_not_allowed", "this path takes " + allow);
  response.headers.emplace_back("Allow", allow);
  return response;
}

}  // namespace

void Router::add(std::string method, std::string pattern, Handler handler) {
  routes_.push_back({std::move(method), std::move(pattern), std::move(handler)});
}

void Router::route(HttpRequest request, const Responder& respond) const {
  const std::string_view target = request.target;
  const auto path = target.substr(0, target.find('?'));
  std::vector<std::string> methods;
  for (const Route& route : routes_) {
    const auto captured = match(route.pattern, path);
    if (!captured) continue;
    if (route.method != request.method) {
      methods.push_back(route.method);
      continue;
    }
    auto names = decoded(*captured);
    if (!names) return respond(names.error());
    auto query = QueryParameters::parse(target.substr(std::min(path.size() + 1, target.size())));
    if (!query) return respond(query.error());
    return route.handler({*std::move(names), *std::move(query), std::move(request.body)}, respond);
  }
  if (!methods.empty()) return respond(not_allowed(methods));
  respond(Error{ErrorCode::kNotFound, "nothing is at this path"});
}

}  // namespace deltamesh
