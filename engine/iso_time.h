// engine/iso_time.h - times of ISO 8601, such as 2020-07-13T00:00:24.502Z, to ticks, and which ticks make
// sense.
//
// No leap seconds, any fraction. Times outside the years 1 to 9999 are taken for a mistake of the unit
// (milliseconds read as seconds land beyond the year 50,000), wherever they come from.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "crdt/result.h"
#include "crdt/sample.h"

namespace deltamesh {

// kUtc: exactly as above. kDevice: as devices write them, too: a blank or 't' for 'T', a comma for the point,
// "z", "+02:00", "+0200", "+02" or nothing, which means UTC, for 'Z'.
enum class IsoForm : std::uint8_t { kUtc, kDevice };

struct IsoTime {
  std::int64_t seconds = 0;   // Since 1970, in UTC.
  std::string_view fraction;  // Digits of a second, within the text that was read.
};
// nullopt: not a time.
std::optional<IsoTime> read_iso_time(std::string_view text, IsoForm form);
// Exact on the digits; a fraction finer than the resolution is rounded, half to even. nullopt: out of range.
std::optional<Ticks> to_ticks(const IsoTime& time, Resolution resolution);

// Both, of a time in UTC.
Result<Ticks> parse_iso_time(std::string_view text, Resolution resolution);

// Whether the time lies in the years 1 to 9999.
bool in_calendar(Ticks time, Resolution resolution);

// Ticks a second: a power of ten.
Ticks ticks_per_second(Resolution resolution);
// "ms", "us", "ns".
const char* to_string(Resolution resolution);

}  // namespace deltamesh
