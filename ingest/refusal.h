// ingest/refusal.h - why a message from outside was not taken, as a word to count and a sentence to log.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <variant>

namespace deltamesh {

enum class Refusal : std::uint8_t {
  kTopicMismatch,   // No rule's template matches the topic.
  kTooLarge,        // The payload or one of its strings is longer than ingest accepts.
  kTooDeep,         // JSON nested deeper than ingest follows.
  kTooManyValues,   // More leaves than an event may have.
  kNotJson,         // Not one JSON object in UTF-8.
  kDuplicate,       // Two values for one series, or a second time stamp or device.
  kBadNumber,       // Not a number that a double (or an integer, where asked for) holds.
  kBadValue,        // A plain payload that is neither a number nor anything else that the rule allows.
  kNoDevice,        // The rule takes the device from the JSON, which has none.
  kNoTimestamp,     // The rule names a time stamp, which the JSON lacks.
  kBadTimestamp,    // Not a time of the unit that the rule names.
  kTimestampRange,  // A time outside the years 1 to 9999 or outside the dataset's resolution.
  kNoValues,        // Nothing that the rule selects.
  kNameInvalid,     // The series name is empty, too long or has control characters.
  kDatasetFull,     // The node's limits: too many series, too large an event.
  kRefusedByNode,   // Any other refusal of the node, such as an unknown dataset.
  kClosed,          // Came in while the node was shutting down.
};
inline constexpr std::size_t kRefusals = static_cast<std::size_t>(Refusal::kClosed) + 1;

// A short stable word for logs, JSON and metrics: "too_large", "not_json", ...
const char* to_string(Refusal reason);

struct Refused {
  Refusal reason = Refusal::kBadValue;
  std::string text;
};

// What a decoder makes of a message.
template <class T>
using Judged = std::variant<T, Refused>;

}  // namespace deltamesh
