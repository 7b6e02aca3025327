// ingest/decoder.h - one message to one event, by a rule. Pure: the time of arrival is handed in.
#pragma once

#include <chrono>
#include <string_view>

#include "crdt/sample.h"
#include "ingest/refusal.h"
#include "ingest/rule.h"

namespace deltamesh {

struct Message {
  std::string_view topic;
  std::string_view payload;
  std::chrono::microseconds arrival{};  // On the steady clock.
};

// Any bytes give an event that the node takes (as far as one event can tell) or a refusal.
Judged<NamedEvent> decode(const CompiledRule& rule, const Message& message);

}  // namespace deltamesh
