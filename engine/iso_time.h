// engine/iso_time.h - times of ISO 8601 in UTC, such as 2020-07-13T00:00:24.502Z, to ticks and back.
//
// Years 1 to 9999 as far as 64 bits reach at the resolution, no leap seconds, any fraction.
#pragma once

#include <string>
#include <string_view>

#include "crdt/result.h"
#include "crdt/sample.h"

namespace deltamesh {

// Exact on the digits; a fraction finer than the resolution is rounded, half to even.
Result<Ticks> parse_iso_time(std::string_view text, Resolution resolution);

// Ticks a second: a power of ten.
Ticks ticks_per_second(Resolution resolution);
// "ms", "us", "ns".
const char* to_string(Resolution resolution);

}  // namespace deltamesh
