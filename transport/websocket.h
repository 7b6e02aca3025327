// transport/websocket.h - a link over a WebSocket: one binary message is one frame.
//
// For networks that let only HTTP through. Beast, which is costly to compile, stays behind these functions.
// Nothing is compressed: blocks are dense already, and compression of what a stranger sends costs memory.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <chrono>
#include <memory>

#include "transport/endpoint.h"
#include "transport/queued_link.h"

namespace deltamesh {

// Awaits the upgrade request at kSyncPath on `socket`, which was accepted; then opens the link. Any other
// request gets an HTTP answer that says why, and its end.
std::shared_ptr<QueuedLink> accept_websocket(boost::asio::ip::tcp::socket socket, LinkSetup setup,
                                             std::chrono::milliseconds timeout);
// Asks the peer for the upgrade on `socket`, which is connected; then opens the link.
std::shared_ptr<QueuedLink> dial_websocket(boost::asio::ip::tcp::socket socket, const Endpoint& peer,
                                           LinkSetup setup, std::chrono::milliseconds timeout);

}  // namespace deltamesh
