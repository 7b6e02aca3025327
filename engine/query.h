// engine/query.h - questions about samples, answered from a StoreReader the same way for every store.
//
// A telemetry dataset is read as the *set of samples*: equal (series, time, value) are one sample, whoever
// wrote them and however often. With a source counter, equal (session, counter) within kSourceWindow are one,
// the survivor least by (quality, time, stream, seq); a query looks that window beyond each edge, then cuts.
#pragma once

#include <chrono>
#include <cstddef>
#include <set>
#include <string>
#include <vector>

#include "crdt/sample.h"
#include "engine/store.h"

namespace deltamesh {

inline constexpr std::chrono::minutes kSourceWindow{10};

struct TimeRange {
  Ticks from = 0;  // Both ends belong to it.
  Ticks to = 0;
};

struct SampleQuery {
  DatasetId dataset{};
  Resolution resolution = Resolution::kMilliseconds;
  std::string series;
  TimeRange range;
  std::size_t limit = 10'000;              // Of the answer.
  std::size_t text_bytes_max = 16u << 20;  // Of its strings and bytes.
};

struct SampleAnswer {
  std::vector<Sample> samples;  // Ascending by (time, value).
  bool more = false;            // A limit cut the answer; ask again from `next`.
  Ticks next = 0;  // If more: samples before it are all here. Those of one time are not torn apart
                   // unless they alone pass the limit; then `next` is their time.
};
// Unknown series: not found. Only UTC times are answered; boot-relative ones need their offset first.
Result<SampleAnswer> query_samples(const StoreReader& reader, const SampleQuery& query);

struct SeriesInfo {
  std::string name;
  std::string unit;  // From the newest declaration.
  ValueType type = ValueType::kDouble;
  bool conflict = false;  // Streams declare different units or types.
};
Result<std::vector<SeriesInfo>> list_series(const StoreReader& reader, DatasetId dataset);
// Of one name; unknown: not found.
Result<SeriesInfo> find_series(const StoreReader& reader, DatasetId dataset, const std::string& name);

struct LatestSample {
  SeriesInfo series;
  Sample sample;
};
// The newest sample of each series (or of those named), ordered by name: the last that query_samples() would
// give. Series without a sample in UTC are left out.
Result<std::vector<LatestSample>> query_latest(const StoreReader& reader, DatasetId dataset,
                                               const std::set<std::string>& only = {},
                                               Resolution resolution = Resolution::kMilliseconds);

}  // namespace deltamesh
