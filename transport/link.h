// transport/link.h - one connection to a peer as the driver sees it: frames in order, until it breaks.
#pragma once

#include <memory>
#include <string>

#include "crdt/dot.h"

namespace deltamesh {

class Link {
 public:
  virtual ~Link() = default;

  // Queues one whole frame. A queue over limits::kLinkQueueBytesMax closes the link: its peer does not read.
  virtual void send(std::shared_ptr<const Bytes> frame) = 0;
  // Writes what is queued (for a bounded time), then ends the connection.
  virtual void close(const std::string& reason) = 0;
  // For logs: "tcp to 127.0.0.1:7400", "ws from [::1]:51234".
  [[nodiscard]] virtual std::string name() const = 0;
};

}  // namespace deltamesh
