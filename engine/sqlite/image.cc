// engine/sqlite/image.cc - what is known, declared and set, in the order of their keys.
#include "engine/sqlite/image.h"

#include <algorithm>
#include <tuple>

#include "engine/sqlite/prune_rows.h"
#include "engine/sqlite/schema.h"

namespace deltamesh::sqlite {

Result<StoreImage> read_image(Database& database) {
  const Result<Meta> meta = read_meta(database);
  if (!meta) return meta.error();
  Result<Knowledge> knowledge = load_knowledge(database);
  if (!knowledge) return knowledge.error();
  auto series = collect<StreamSeries>(database.prepare(select_series("")), read_series);
  if (!series) return series.error();
  auto entries = collect<MapWrite>(database.prepare(select_entries("")), read_entry);
  if (!entries) return entries.error();
  std::sort(series->begin(), series->end(), [](const StreamSeries& a, const StreamSeries& b) {
    return std::tie(a.stream, a.decl.number) < std::tie(b.stream, b.decl.number);
  });
  std::sort(entries->begin(), entries->end(), [](const MapWrite& a, const MapWrite& b) {
    if (a.dataset != b.dataset || a.entry.key != b.entry.key)
      return std::tie(a.dataset, a.entry.key) < std::tie(b.dataset, b.entry.key);
    return wins(a.entry, b.entry);
  });
  const auto marks =
      collect<ArrivalRow>(database.prepare(select_arrivals("ORDER BY first DESC LIMIT 1")), read_arrival);
  if (!marks) return marks.error();
  auto acks = collect<TierAck>(database.prepare(select_acks()), read_ack);
  if (!acks) return acks.error();
  const auto named = [](const StreamSeries& one) { return !one.decl.name.empty(); };
  const auto rest = std::stable_partition(series->begin(), series->end(), named);
  std::vector<SeriesKey> unnamed;
  for (auto at = rest; at != series->end(); ++at) unnamed.push_back({at->stream, at->decl.number});
  series->erase(rest, series->end());
  auto floors = load_floors(database);
  if (!floors) return floors.error();
  const Result<std::int64_t> surfaced = database.integer("SELECT count(*) FROM surfaced");
  if (!surfaced) return surfaced.error();
  auto own_boots = collect<OwnBoot>(database.prepare(select_own_boots()), read_own_boot);
  if (!own_boots) return own_boots.error();
  auto offsets = collect<BootOffset>(database.prepare(select_offsets("")), read_offset);
  if (!offsets) return offsets.error();
  std::sort(offsets->begin(), offsets->end(), [](const BootOffset& a, const BootOffset& b) {
    return std::tie(a.stream, a.boot) < std::tie(b.stream, b.boot);
  });
  return StoreImage{meta->identity,
                    std::move(*knowledge),
                    std::move(*series),
                    std::move(*entries),
                    meta->clock,
                    std::move(unnamed),
                    marks->empty() ? ArrivalMark() : marks->front().mark,
                    std::move(*acks),
                    std::move(*floors),
                    static_cast<std::uint64_t>(*surfaced),
                    std::move(*own_boots),
                    std::move(*offsets),
                    meta->obeyed};
}

}  // namespace deltamesh::sqlite
