// api/local_origin.cc - names and addresses of this machine.
#include "api/local_origin.h"

#include <algorithm>
#include <boost/asio/ip/address.hpp>
#include <string>

namespace deltamesh {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// "name:80" to "name", "[::1]:80" to "::1"; empty if what follows the name is no port.
std::string_view without_port(std::string_view host) {
  const bool bracket = host.starts_with('[');
  const auto end = std::min(host.find(bracket ? ']' : ':'), host.size());
  auto port = host.substr(std::min(end + (bracket ? 1 : 0), host.size()));
  if (port.starts_with(':')) port.remove_prefix(1);
  if (!std::all_of(port.begin(), port.end(), is_digit)) return {};
  return bracket ? host.substr(1, end - 1) : host.substr(0, end);
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

}  // namespace

bool is_local_host(std::string_view host) {
  const std::string name = lower(without_port(host));
  boost::system::error_code error;
  const auto address = boost::asio::ip::make_address(name, error);
  return name == "localhost" || (!error && address.is_loopback());
}

bool is_local_origin(std::string_view origin) {
  const auto scheme = origin.find("://");
  return scheme != std::string_view::npos && is_local_host(origin.substr(scheme + 3));
}

}  // namespace deltamesh
