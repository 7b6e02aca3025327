// engine/half_even.h - the one rule of rounding for decimal text: to the nearest, ties to the even neighbour.
#pragma once

#include <string_view>

namespace deltamesh {

// Whether `rest`, the digits after the last one kept, lifts that one, which is `odd` or not.
inline bool rounds_up(std::string_view rest, bool odd) {
  if (rest.empty() || rest.front() < '5') return false;
  const bool tie = rest.front() == '5' && rest.find_first_not_of('0', 1) == std::string_view::npos;
  return !tie || odd;
}

}  // namespace deltamesh
