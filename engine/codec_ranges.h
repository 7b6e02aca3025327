// engine/codec_ranges.h - questions and answers about ranges as messages; inside the codec only, since it
// shows Cap'n Proto.
#pragma once

#include "engine/message.h"
#include "engine/protocol.capnp.h"
#include "engine/raw_part.h"

namespace deltamesh {

// What was wrong stands in `raw`. May throw kj::Exception where the control part is malformed.
Result<Message> read(wire::RangeQuestion::Reader in, RawReader& raw);
Result<Message> read(wire::RangeAnswer::Reader in, RawReader& raw);
Result<Message> read(wire::MapQuestion::Reader in, RawReader& raw);
Result<Message> read(wire::MapAnswer::Reader in, RawReader& raw);

}  // namespace deltamesh
