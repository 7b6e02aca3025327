// api/event_body.h - the body of an append to events, all or none.
//
//   {"events":[{"time":1594598424502,"readings":{"greenhouse-3/temperature":21.5},
//               "units":{"greenhouse-3/temperature":"Cel"},"quality":"good"}]}
//
// Numbers become the nearest double to their text, as everywhere at the edge; strings and booleans stay what
// they are. An event without "time" gets its time from the node. The text of an error names the event by its
// index, from 0.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "crdt/result.h"
#include "crdt/sample.h"

namespace deltamesh {

// The unit that a series is known by; nullopt for a new one. Asked where an event does not say.
using KnownUnit = std::function<Result<std::optional<std::string>>(const std::string& series)>;

// `taken`: when the body came, on the steady clock.
Result<std::vector<NamedEvent>> parse_events(std::string_view body, Resolution resolution,
                                             const KnownUnit& known_unit, std::chrono::microseconds taken);

// "good", "estimated", "uncertain", "bad".
const char* quality_word(Quality quality);

}  // namespace deltamesh
