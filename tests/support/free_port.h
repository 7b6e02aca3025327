// tests/support/free_port.h - ports for programs that tests start.
#pragma once

#include <cstdint>

namespace deltamesh::testing {

// A port that nothing uses on 127.0.0.1, below those that Linux gives to outgoing connections: it stays free
// while the program that is to listen there starts, is dead or starts again. No other test process gets it
// while this one runs.
std::uint16_t free_port();
// Whether something accepts connections at 127.0.0.1:port.
bool accepts_connections(std::uint16_t port);

}  // namespace deltamesh::testing
