// ingest/refusal.cc - the words for refusals.
#include "ingest/refusal.h"

namespace deltamesh {

const char* to_string(Refusal reason) {
  switch (reason) {
    case Refusal::kTopicMismatch: return "topic_mismatch";
    case Refusal::kTooLarge: return "too_large";
    case Refusal::kTooDeep: return "too_deep";
    case Refusal::kTooManyValues: return "too_many_values";
    case Refusal::kNotJson: return "not_json";
    case Refusal::kDuplicate: return "duplicate";
    case Refusal::kBadNumber: return "bad_number";
    case Refusal::kBadValue: return "bad_value";
    case Refusal::kNoDevice: return "no_device";
    case Refusal::kNoTimestamp: return "no_timestamp";
    case Refusal::kBadTimestamp: return "bad_timestamp";
    case Refusal::kTimestampRange: return "timestamp_range";
    case Refusal::kNoValues: return "no_values";
    case Refusal::kNameInvalid: return "name_invalid";
    case Refusal::kDatasetFull: return "dataset_full";
    case Refusal::kRefusedByNode: return "refused_by_node";
    case Refusal::kClosed: return "closed";
  }
  return "unknown";
}

}  // namespace deltamesh
