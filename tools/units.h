// tools/units.h - durations and sizes as people write them: "20ms", "5s", "64MB".
//
// A whole number and a unit, with nothing or blanks between. Pure and exact: what does not fit is refused,
// never rounded.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "crdt/result.h"

namespace deltamesh {

// us, ms, s, min, h, d. Not negative; at most about 292,000 years.
Result<std::chrono::microseconds> parse_duration(std::string_view text);
// B, kB, MB, GB (powers of 1000) and KiB, MiB, GiB (powers of 1024).
Result<std::uint64_t> parse_bytes(std::string_view text);

// "500ms", "10s": in the largest unit that it is a whole number of.
std::string to_text(std::chrono::microseconds duration);

}  // namespace deltamesh
