// tools/store_summary.h - counts of what a store holds, taken from its contents. Pure.
//
// Every block is decoded once, so a summary without a fault also says that all of them can be read.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "engine/store.h"

namespace deltamesh {

struct StreamCounts {
  std::uint64_t blocks = 0;
  std::uint64_t bytes = 0;
  std::uint64_t events = 0;
  std::uint64_t samples = 0;
  std::uint64_t marks = 0;  // Events of which rules for wrong data have left nothing.
  std::string fault;        // What ended the count of this stream early.

  void add(const StreamCounts& other);
};

struct DatasetSummary {
  StreamCounts counts;
  std::size_t streams = 0;
  std::size_t series = 0;  // Names.
  std::uint64_t keys = 0, tombstones = 0, value_bytes = 0;
  // As far as the contents tell: "telemetry", "map", or "empty".
  [[nodiscard]] const char* kind() const;
};

// One name with all that streams declare it to be.
struct CatalogueLine {
  DatasetId dataset{};
  std::string name;
  std::vector<StreamSeries> declared;  // By stream and number.
  [[nodiscard]] bool conflict() const;
  [[nodiscard]] const SeriesDecl& newest() const;
};

struct StoreSummary {
  StoreImage image;
  std::map<StreamId, StreamCounts> streams;
  std::map<DatasetId, DatasetSummary> datasets;
  std::vector<CatalogueLine> catalogue;  // By dataset and name.
};

// Events of the block of which rules for wrong data have left nothing; they are among its readings.
// `summary`: of the block, which has been checked.
std::uint64_t marks_in(const StoredBlock& block, const BlockSummary& summary);

Result<StoreSummary> summarize(const StoreReader& reader);

std::vector<CatalogueLine> catalogue_of(const StoreImage& image);

}  // namespace deltamesh
