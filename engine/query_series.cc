// engine/query_series.cc - what series there are, and whose word counts about them.
#include <tuple>

#include "engine/query_parts.h"

namespace deltamesh {

Result<SeriesDescriber::Weight> SeriesDescriber::weight(const StreamId& stream) {
  if (const auto known = weights_.find(stream); known != weights_.end()) return known->second;
  Weight weight;
  weight.own = own_ && stream.node == own_->node && stream.incarnation == own_->incarnation;
  const auto offsets = reader_.offsets(stream);
  if (!offsets) return offsets.error();
  const auto take_end = [&](const StoredBlock& block) -> Result<bool> {
    weight.newest = latest_in(block, *offsets);
    return false;
  };
  if (Status good = visit(reader_, stream, kAllTime, StoreReader::Order::kNewestFirst, take_end); !good)
    return good.error();
  weights_.emplace(stream, weight);
  return weight;
}

Result<SeriesInfo> SeriesDescriber::describe(const std::vector<StreamSeries>& declared, std::size_t from,
                                             std::size_t to) {
  const auto differ = [](const SeriesDecl& a, const SeriesDecl& b) {
    return a.unit != b.unit || a.type != b.type;
  };
  bool conflict = false;
  for (std::size_t i = from + 1; i < to; ++i) conflict |= differ(declared[i].decl, declared[from].decl);
  std::size_t shown = to - 1;
  for (std::size_t i = to - 1; conflict && i-- > from;) {
    if (declared[i].stream == declared[i + 1].stream) continue;  // Within a stream the last number counts.
    const auto weight_i = weight(declared[i].stream), weight_shown = weight(declared[shown].stream);
    if (!weight_i) return weight_i.error();
    if (!weight_shown) return weight_shown.error();
    if (*weight_i > *weight_shown) shown = i;
  }
  const SeriesDecl& decl = declared[shown].decl;
  return SeriesInfo{decl.name, decl.unit, decl.type, conflict};
}

Result<std::vector<SeriesInfo>> list_series(const StoreReader& reader, DatasetId dataset,
                                            const std::optional<Identity>& own) {
  const auto declared = reader.series(dataset, std::nullopt);
  if (!declared) return declared.error();
  SeriesDescriber describer(reader, own);
  std::vector<SeriesInfo> all;
  const Status good = for_each_name(*declared, [&](std::size_t from, std::size_t to) -> Status {
    auto info = describer.describe(*declared, from, to);
    if (!info) return info.error();
    all.push_back(*std::move(info));
    return Done{};
  });
  if (!good) return good.error();
  return all;
}

Result<SeriesInfo> find_series(const StoreReader& reader, DatasetId dataset, const std::string& name,
                               const std::optional<Identity>& own) {
  const auto declared = reader.series(dataset, name);
  if (!declared) return declared.error();
  if (declared->empty()) return Error{ErrorCode::kNotFound, "no series " + name};
  return SeriesDescriber(reader, own).describe(*declared, 0, declared->size());
}

}  // namespace deltamesh
