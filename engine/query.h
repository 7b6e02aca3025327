// engine/query.h - questions about samples, answered from a StoreReader the same way for every store.
//
// A telemetry dataset is read as the *set of samples*: equal (series, time, value) are one sample, whoever
// wrote them and however often. With a source counter, equal (session, counter) within kSourceWindow are one,
// the survivor least by (quality, time, stream, seq); a query looks that window beyond each edge, then cuts.
// What rules for wrong data hide (engine/forget.h) is in no answer, whether it is still stored or not.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
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
// Unknown series: not found. Samples counted from a boot are placed by its offset, and are no better than
// that (engine/boots.h).
Result<SampleAnswer> query_samples(const StoreReader& reader, const SampleQuery& query);

// Puts a sample that is counted from a boot where it belongs in UTC, if its offset is known; `boot` is 0
// then.
void place(Sample& sample, const BootOffsets& offsets);

// Those that have no offset (yet), as they are: `boot` and `time` of each say so. In the order of their
// streams and dots, as many as fit the limits; they are counted in the blocks that are looked at.
struct UnplacedQuery {
  DatasetId dataset{};
  std::string series;
  std::size_t limit = 10'000;              // Of the answer.
  std::size_t text_bytes_max = 16u << 20;  // Of its strings and bytes.
  std::size_t blocks_max = 1'000;          // To look at; beyond, the answer is not complete.
};
struct UnplacedAnswer {
  std::vector<Sample> samples;
  std::uint64_t count = 0;
  bool complete = true;
};
Result<UnplacedAnswer> query_unplaced(const StoreReader& reader, const UnplacedQuery& query);

// The unit and type shown of a series are, where its streams differ, those of the stream whose newest block
// is latest in time (of equal ones, the largest stream): numbers of different streams cannot be compared, and
// a writer that is gone must not win over one that goes on. All nodes that hold the same data show the same.
struct SeriesInfo {
  std::string name;
  std::string unit;
  ValueType type = ValueType::kDouble;
  bool conflict = false;  // Declarations differ in unit or type.
};
// Where `own` is given, what that node's stream declares goes first: it is what its next write continues.
Result<std::vector<SeriesInfo>> list_series(const StoreReader& reader, DatasetId dataset,
                                            const std::optional<Identity>& own = {});
// Of one name; unknown: not found.
Result<SeriesInfo> find_series(const StoreReader& reader, DatasetId dataset, const std::string& name,
                               const std::optional<Identity>& own = {});

struct LatestQuery {
  DatasetId dataset{};
  std::set<std::string> only;  // Empty: every series.
  Resolution resolution = Resolution::kMilliseconds;
  // Shared out among the streams, with at least 200 each. Larger: a series that fell silent long ago costs
  // all that was written since.
  std::size_t blocks_max = 50'000;
};
struct LatestSample {
  SeriesInfo series;
  Sample sample;
};
struct LatestAnswer {
  std::vector<LatestSample> latest;  // Ordered by name.
  bool complete = true;              // Else series that were silent for long may be missing.
};
// The newest sample of each series: the last that query_samples() would give. Series without a sample that
// has a place in UTC are left out.
Result<LatestAnswer> query_latest(const StoreReader& reader, const LatestQuery& query);

}  // namespace deltamesh
