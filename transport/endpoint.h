// transport/endpoint.h - where a peer is reached, or where peers are awaited, as people write it.
//
//   tcp://host:port            ws://host:port/path
//
// An IPv6 address stands in brackets. Pure: nothing is resolved or opened here.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "crdt/result.h"

namespace deltamesh {

enum class Scheme : std::uint8_t { kTcp, kWebSocket };

// The only path at which a node answers a WebSocket upgrade. A peer behind a proxy may be dialled at another.
inline constexpr std::string_view kSyncPath = "/sync";

struct Endpoint {
  Scheme scheme = Scheme::kTcp;
  std::string host;  // A name or an address, without brackets.
  std::uint16_t port = 0;
  std::string path;  // Of WebSocket; empty for TCP.
  friend bool operator==(const Endpoint&, const Endpoint&) = default;
};

// As parse_peer() reads it.
std::string to_string(const Endpoint& endpoint);
// "10.0.0.1:80", "[::1]:80".
std::string host_and_port(std::string_view host, std::uint16_t port);

// An address to dial: host and port are needed; without a path, a WebSocket gets kSyncPath.
Result<Endpoint> parse_peer(std::string_view text);
// An address to listen at: the host is an IP address, port 0 takes a free one, the path is none or kSyncPath.
Result<Endpoint> parse_listen(std::string_view text);

// True for 127.0.0.0/8 and ::1 (also as an IPv4-mapped address); false for all that is not an IP address.
bool is_loopback(std::string_view address);

// Links are not encrypted: only loopback may be listened at, unless the operator accepts the risk.
Status check_exposure(const Endpoint& listen, bool insecure);

}  // namespace deltamesh
