// engine/codec_hello.h - the control part of a HELLO as a message; inside the codec only, since it shows
// Cap'n Proto.
#pragma once

#include "engine/message.h"
#include "engine/protocol.capnp.h"

namespace deltamesh {

// May throw kj::Exception where the control part is malformed.
Result<Message> read_hello(wire::Hello::Reader in);

}  // namespace deltamesh
