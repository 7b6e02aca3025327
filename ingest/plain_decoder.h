// ingest/plain_decoder.h - a payload that is one value: `21.5`, `true`, `ON`, or text where a rule allows it.
#pragma once

#include "ingest/decoder.h"

namespace deltamesh {

// Blanks around the value are ignored. Its time is the time of arrival.
Judged<NamedEvent> decode_plain(const CompiledRule& rule, const TopicParts& parts, const Message& message);

}  // namespace deltamesh
