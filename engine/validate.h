// engine/validate.h - rules for single values, the same for what an operator writes and what a peer sends.
//
// Pure. A refusal names the value and the bound that it breaks.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "crdt/interval_set.h"
#include "engine/config.h"

namespace deltamesh {

// "513 streams, at most 512".
Status check_at_most(std::uint64_t value, std::uint64_t max, const char* what);

// At most `bytes_max` bytes of UTF-8 without control characters; `what` names the text in the refusal.
Status check_text(std::string_view text, std::size_t bytes_max, const char* what);

// 1 to limits::kDatasetNameBytesMax letters, digits, '_', '-', '.'.
Status check_dataset_name(std::string_view name);

// The place of a stream in a session's table; below limits::kStreamsMax.
Status check_stream_index(std::uint64_t index);

// The number of an event; at most limits::kSeqMax.
Status check_seq(Seq seq);

// A stream is complete up to `settled` at most as far as it is declared.
Status check_settled(Seq settled, Seq head);

// At most limits::kIntervalsMax runs: a peer may tell of a stream in many frames, and they add up.
Status check_runs(const IntervalSet& dots);

// Number, name and unit of a declaration; its type is checked where a number becomes a ValueType.
Status check_series(const SeriesDecl& decl);

// Names valid and unique, no two with one id, not too many.
Status check_datasets(std::span<const DatasetConfig> datasets);

// The enumeration value with this number; `last` is the largest known.
template <class Enum>
Result<Enum> check_enum(std::uint64_t number, Enum last, const char* what) {
  if (number <= static_cast<std::uint64_t>(last)) return static_cast<Enum>(number);
  return Error{ErrorCode::kUnsupported, std::string(what) + " " + std::to_string(number) +
                                            ", the largest known is " +
                                            std::to_string(static_cast<std::uint64_t>(last))};
}

// `text` as check_text() would accept it: cut before `bytes_max`, with '?' for what people could not read.
std::string presentable(std::string_view text, std::size_t bytes_max);

}  // namespace deltamesh
