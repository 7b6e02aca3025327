// ingest/broker_uri.h - the address of a broker, as people write it and as Paho wants it.
#pragma once

#include <string>
#include <string_view>

#include "crdt/result.h"

namespace deltamesh {

// `mqtt://host[:port]` or `tcp://host[:port]` to `tcp://host:port`; the port defaults to 1883. IPv6 addresses
// stand in brackets. User names and paths do not belong here.
Result<std::string> broker_address(std::string_view uri);

}  // namespace deltamesh
