// transport/endpoint.cc - reads and writes endpoints, and says what is wrong with them.
#include "transport/endpoint.h"

#include <algorithm>
#include <boost/asio/ip/address.hpp>
#include <charconv>
#include <optional>
#include <utility>

namespace deltamesh {
namespace {

using boost::asio::ip::address;

constexpr std::size_t kHostBytesMax = 253;

Error invalid(std::string_view text, const std::string& what) {
  return {ErrorCode::kInvalid, "address \"" + std::string(text) + "\": " + what};
}

std::optional<address> as_address(std::string_view host) {
  boost::system::error_code error;
  const address found = boost::asio::ip::make_address(std::string(host), error);
  return error ? std::nullopt : std::optional(found);
}

// What is left of an address while it is read from the front.
struct Rest {
  std::string_view all;
  std::string_view text;
};

std::optional<Scheme> take_scheme(Rest& rest) {
  for (const auto& [prefix, scheme] :
       {std::pair("tcp://", Scheme::kTcp), std::pair("ws://", Scheme::kWebSocket)}) {
    if (!rest.text.starts_with(prefix)) continue;
    rest.text.remove_prefix(std::string_view(prefix).size());
    return scheme;
  }
  return std::nullopt;
}

bool is_host_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' ||
         c == '_';
}

Result<std::string> take_bracketed(Rest& rest) {
  const auto end = rest.text.find(']');
  if (end == std::string_view::npos) return invalid(rest.all, "the bracket is not closed");
  const auto host = rest.text.substr(1, end - 1);
  const auto found = as_address(host);
  if (!found || !found->is_v6()) return invalid(rest.all, "no IPv6 address stands between the brackets");
  rest.text.remove_prefix(end + 1);
  return std::string(host);
}

Result<std::string> take_host(Rest& rest) {
  if (rest.text.starts_with('[')) return take_bracketed(rest);
  const auto host = rest.text.substr(0, rest.text.find_first_of(":/"));
  if (host.empty()) return invalid(rest.all, "the host is missing");
  if (host.size() > kHostBytesMax || !std::all_of(host.begin(), host.end(), is_host_char)) {
    return invalid(rest.all, "the host is neither a name nor an IPv4 address; IPv6 needs brackets");
  }
  rest.text.remove_prefix(host.size());
  return std::string(host);
}

Result<std::uint16_t> take_port(Rest& rest) {
  if (!rest.text.starts_with(':')) return invalid(rest.all, "the port is missing");
  const auto digits = rest.text.substr(1, rest.text.find('/') - 1);
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (error != std::errc{} || end != digits.data() + digits.size()) {
    return invalid(rest.all, "the port must be a number up to 65535");
  }
  rest.text.remove_prefix(1 + digits.size());
  return port;
}

bool is_path_char(char c) {
  return c > ' ' && c < '\x7f' && c != '#';
}

Result<std::string> take_path(const Rest& rest, Scheme scheme) {
  if (scheme == Scheme::kTcp && !rest.text.empty()) {
    return invalid(rest.all, "nothing may follow the port of tcp://");
  }
  if (!std::all_of(rest.text.begin(), rest.text.end(), is_path_char)) {
    return invalid(rest.all, "the path holds a character that must be escaped");
  }
  return std::string(scheme == Scheme::kWebSocket && rest.text.empty() ? kSyncPath : rest.text);
}

Result<Endpoint> parse(std::string_view text) {
  Rest rest{text, text};
  const auto scheme = take_scheme(rest);
  if (!scheme) return invalid(text, "must begin with tcp:// or ws://");
  auto host = take_host(rest);
  if (!host) return host.error();
  const auto port = take_port(rest);
  if (!port) return port.error();
  auto path = take_path(rest, *scheme);
  if (!path) return path.error();
  return Endpoint{*scheme, *std::move(host), *port, *std::move(path)};
}

}  // namespace

std::string host_and_port(std::string_view host, std::uint16_t port) {
  const bool bracketed = host.find(':') != std::string_view::npos;
  const std::string name(host);
  return (bracketed ? "[" + name + "]" : name) + ":" + std::to_string(port);
}

std::string to_string(const Endpoint& endpoint) {
  const char* const scheme = endpoint.scheme == Scheme::kTcp ? "tcp://" : "ws://";
  return scheme + host_and_port(endpoint.host, endpoint.port) + endpoint.path;
}

Result<Endpoint> parse_peer(std::string_view text) {
  auto endpoint = parse(text);
  if (endpoint && endpoint->port == 0) return invalid(text, "the port must be 1 to 65535");
  return endpoint;
}

Result<Endpoint> parse_listen(std::string_view text) {
  auto endpoint = parse(text);
  if (!endpoint) return endpoint;
  if (!as_address(endpoint->host)) {
    return invalid(text, "the host must be an IP address, such as 127.0.0.1 or [::1]");
  }
  if (endpoint->scheme == Scheme::kWebSocket && endpoint->path != kSyncPath) {
    return invalid(text, "the path must be " + std::string(kSyncPath));
  }
  return endpoint;
}

bool is_loopback(std::string_view host) {
  const auto found = as_address(host);
  if (!found) return false;
  if (found->is_v6() && found->to_v6().is_v4_mapped()) {
    return make_address_v4(boost::asio::ip::v4_mapped, found->to_v6()).is_loopback();
  }
  return found->is_loopback();
}

Status check_exposure(const Endpoint& listen, bool insecure) {
  if (insecure || is_loopback(listen.host)) return Done{};
  return Error{ErrorCode::kInvalid, "address \"" + to_string(listen) +
                                        "\": others can reach it and links are not encrypted; only loopback "
                                        "(127.0.0.1, [::1]) is allowed unless insecure = true"};
}

}  // namespace deltamesh
