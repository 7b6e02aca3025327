// tools/forget.h - `sync-node forget`: asks a running node to write a rule for wrong data.
#pragma once

#include <chrono>
#include <string>

#include "api/http_address.h"
#include "crdt/result.h"

namespace deltamesh {

struct ForgetRequest {
  std::string dataset, series, reason;
  // As they were given: a number in the unit of the dataset, or ISO 8601. Without, from the beginning and up
  // to now: a sensor that was mended goes on.
  std::string from, to;
  bool all_times = false;  // Whatever is still to come, too, and what has no time in UTC.
};

// What the node is sent, at `now` since 1970.
std::string forget_body(const ForgetRequest& request, std::chrono::milliseconds now);

// Refuses a request whose end is now where the clock shows less than `clock_floor`. The answer is what became
// of it, for people.
Result<std::string> ask_to_forget(const HttpAddress& node, const ForgetRequest& request,
                                  std::chrono::milliseconds now, std::chrono::milliseconds clock_floor);

}  // namespace deltamesh
