// ingest/broker_uri.cc - checks a broker's address.
#include "ingest/broker_uri.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>
#include <system_error>

namespace deltamesh {
namespace {

Error invalid(std::string_view uri, const std::string& text) {
  return {ErrorCode::kInvalid, "broker \"" + std::string(uri) + "\": " + text};
}

std::optional<std::string_view> without_scheme(std::string_view uri) {
  for (const std::string_view scheme : {"mqtt://", "tcp://"}) {
    if (uri.starts_with(scheme)) return uri.substr(scheme.size());
  }
  return std::nullopt;
}

bool is_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc{} && end == text.data() + text.size() && port != 0;
}

// Where the host ends: after the bracket of an IPv6 address, else before the colon.
std::size_t host_end(std::string_view authority) {
  const auto bracket = authority.starts_with('[') ? authority.find(']') : std::string_view::npos;
  if (bracket != std::string_view::npos) return bracket + 1;
  return std::min(authority.find(':'), authority.size());
}

}  // namespace

Result<std::string> broker_address(std::string_view uri) {
  auto authority = without_scheme(uri);
  if (!authority) return invalid(uri, "must begin with mqtt:// or tcp://");
  if (authority->ends_with('/')) authority->remove_suffix(1);
  if (authority->find_first_of("/@?# \t\r\n") != std::string_view::npos) {
    return invalid(uri, "must be host:port only");
  }
  const auto host = authority->substr(0, host_end(*authority));
  const auto rest = authority->substr(host.size());
  if (host.empty() || host == "[]" || host.front() == ']') return invalid(uri, "the host is missing");
  if (rest.empty()) return "tcp://" + std::string(host) + ":1883";
  if (!rest.starts_with(':') || !is_port(rest.substr(1))) return invalid(uri, "the port must be 1 to 65535");
  return "tcp://" + std::string(*authority);
}

}  // namespace deltamesh
