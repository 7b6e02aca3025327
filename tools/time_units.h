// tools/time_units.h - the words for units of time stamps, in settings and on command lines.
#pragma once

#include <utility>

#include "ingest/timestamp.h"

namespace deltamesh {

inline constexpr std::pair<const char*, TimeUnit> kTimeUnits[] = {{"s", TimeUnit::kSeconds},
                                                                  {"ms", TimeUnit::kMilliseconds},
                                                                  {"us", TimeUnit::kMicroseconds},
                                                                  {"ns", TimeUnit::kNanoseconds},
                                                                  {"iso8601", TimeUnit::kIso8601}};

}  // namespace deltamesh
