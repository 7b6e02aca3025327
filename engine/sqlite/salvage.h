// engine/sqlite/salvage.h - what of a damaged store can be believed, found row by row.
//
// Whatever of SQLite's trees is broken: each row has a checksum that covers the name of its stream, so it
// needs nobody to vouch for it. Names of streams are found twice, in their table and in its index. Blocks are
// many and large; they are looked at one by one.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "crdt/lww_map.h"
#include "engine/sqlite/page_file.h"
#include "engine/sqlite/rows.h"
#include "engine/sqlite/schema.h"

namespace deltamesh::sqlite {

struct Salvaged {
  std::optional<Meta> meta;
  std::map<std::int64_t, std::pair<Incarnation, std::string>> incarnations;  // With the reason, by number.
  std::multimap<StreamKey, StreamId> names;
  Knowledge knowledge;  // Joined over all rows of a stream, should an older one stand somewhere.
  std::map<SeriesKey, SeriesDecl> series;
  std::set<SeriesKey> unnamed;
  std::map<DatasetId, LwwMap> maps;  // Without knowledge.
  std::map<DatasetId, MapFloor> floors;
  std::vector<MapWrite> surfaced;
  std::vector<BootOffset> offsets;
  std::vector<OwnBoot> own_boots;
  std::uint64_t nameless = 0;  // Rows of knowledge, series and maps of which no stream's name is found.

  // By an index alone: names of series, and keys. No more than hints at what may have been lost.
  std::map<SeriesKey, std::string> listed_series;
  std::set<std::pair<DatasetId, std::string>> listed_keys;

  [[nodiscard]] bool empty() const {
    return !meta && incarnations.empty() && names.empty() && series.empty() && maps.empty();
  }
};

// All but blocks.
Result<Salvaged> salvage_rows(const PageFile& pages);

// Calls `take` for each block whose columns and bytes pass their checksum; one may come twice. Returns of how
// many no stream's name is found. What `take` returns as an error ends it.
Result<std::uint64_t> salvage_blocks(const PageFile& pages, const Salvaged& rows,
                                     const std::function<Status(const StoredBlock&)>& take);

}  // namespace deltamesh::sqlite
