// ingest/timestamp.h - times as devices write them, to the ticks of a dataset.
//
// Exact on the decimal text, rounded half to even (ingest/number.h). What passes the years 1 to 9999 is
// refused (engine/iso_time.h).
#pragma once

#include <cstdint>
#include <string_view>

#include "crdt/sample.h"
#include "ingest/refusal.h"

namespace deltamesh {

enum class TimeUnit : std::uint8_t { kSeconds, kMilliseconds, kMicroseconds, kNanoseconds, kIso8601 };

// A number of `unit` since 1970, or for kIso8601 a text of IsoForm::kDevice.
Judged<Ticks> parse_timestamp(std::string_view text, TimeUnit unit, Resolution resolution);

// Powers of ten: 3, 6 or 9 ticks a second.
int decimals(Resolution resolution);

}  // namespace deltamesh
