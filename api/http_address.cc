// api/http_address.cc - a URL that has a host and a port, and nothing else.
#include "api/http_address.h"

#include <algorithm>
#include <boost/asio/ip/address_v6.hpp>
#include <charconv>
#include <optional>

namespace deltamesh {
namespace {

constexpr std::string_view kScheme = "http://";
constexpr std::size_t kHostBytesMax = 253;  // Of a name in DNS.
constexpr std::size_t kShownBytesMax = 64;

bool is_host_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' ||
         c == '_';
}

bool is_name(std::string_view host) {
  return !host.empty() && host.size() <= kHostBytesMax && std::all_of(host.begin(), host.end(), is_host_char);
}

std::optional<std::string> host_of(std::string_view text) {
  if (is_name(text)) return std::string(text);
  if (text.size() < 2 || text.front() != '[' || text.back() != ']') return std::nullopt;
  std::string inner(text.substr(1, text.size() - 2));
  boost::system::error_code error;
  boost::asio::ip::make_address_v6(inner, error);
  return error ? std::nullopt : std::optional(std::move(inner));
}

std::optional<std::uint16_t> port_of(std::string_view text) {
  std::uint16_t port = 0;
  const char* const last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), last, port);
  return error == std::errc() && end == last && port > 0 ? std::optional(port) : std::nullopt;
}

std::optional<HttpAddress> parse(std::string_view url) {
  if (!url.starts_with(kScheme)) return std::nullopt;
  url.remove_prefix(kScheme.size());
  if (url.ends_with('/')) url.remove_suffix(1);
  const auto colon = url.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  auto host = host_of(url.substr(0, colon));
  const auto port = port_of(url.substr(colon + 1));
  if (!host || !port) return std::nullopt;
  return HttpAddress{*std::move(host), *port};
}

}  // namespace

Result<HttpAddress> parse_http_address(std::string_view url) {
  if (auto address = parse(url)) return *std::move(address);
  const std::string shown =
      std::string(url.substr(0, kShownBytesMax)) + (url.size() > kShownBytesMax ? "..." : "");
  return Error{ErrorCode::kInvalid, shown + " is not of the form http://HOST:PORT"};
}

std::string host_and_port(const HttpAddress& address) {
  const bool bracketed = address.host.find(':') != std::string::npos;
  return (bracketed ? "[" + address.host + "]" : address.host) + ":" + std::to_string(address.port);
}

}  // namespace deltamesh
