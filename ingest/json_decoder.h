// ingest/json_decoder.h - a JSON object to one event, a series for each selected leaf.
//
// Two values for one series are refused, and so are two time stamps or devices: which of them the device
// meant is anybody's guess, and "the last" differs between JSON libraries.
#pragma once

#include "ingest/decoder.h"

namespace deltamesh {

Judged<NamedEvent> decode_json(const CompiledRule& rule, TopicParts parts, const Message& message);

}  // namespace deltamesh
