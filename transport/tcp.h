// transport/tcp.h - a link over a plain TCP connection.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <memory>

#include "transport/queued_link.h"

namespace deltamesh {

// Opens a link over `socket`, which is connected, whichever side did that.
std::shared_ptr<QueuedLink> open_tcp(boost::asio::ip::tcp::socket socket, LinkSetup setup);

}  // namespace deltamesh
