// engine/catalogue.cc - declarations by number, and numbers by declaration.
#include "engine/catalogue.h"

#include <algorithm>

#include "engine/limits.h"

namespace deltamesh {

Catalogue::Added Catalogue::add(StreamIx stream, const SeriesDecl& decl) {
  if (const SeriesDecl* const known = find(stream, decl.number)) {
    return *known == decl ? Added::kSame : Added::kConflict;
  }
  if (size_ >= limits::kSeriesMax) return Added::kFull;
  if (streams_.size() <= stream) streams_.resize(stream + 1);
  auto& series = streams_[stream];
  if (series.size() >= limits::kSeriesPerStreamMax) return Added::kFull;
  series.emplace(decl.number, decl);
  ++size_;
  return Added::kNew;
}

void Catalogue::forget(StreamIx stream) {
  if (stream >= streams_.size()) return;
  size_ -= streams_[stream].size();
  streams_[stream].clear();
}

const SeriesDecl* Catalogue::find(StreamIx stream, SeriesNo number) const {
  if (stream >= streams_.size()) return nullptr;
  const auto it = streams_[stream].find(number);
  return it == streams_[stream].end() ? nullptr : &it->second;
}

const std::map<SeriesNo, SeriesDecl>& Catalogue::of(StreamIx stream) const {
  static const std::map<SeriesNo, SeriesDecl> kNone;
  return stream < streams_.size() ? streams_[stream] : kNone;
}

void SeriesNumbers::load(const SeriesDecl& decl) {
  by_name_[decl.name].push_back(decl);
  last_ = std::max(last_, decl.number);
  ++count_;
}

SeriesNo SeriesNumbers::find(std::string_view name, std::string_view unit, ValueType type) const {
  const auto it = by_name_.find(name);
  if (it == by_name_.end()) return 0;
  const auto same = [&](const SeriesDecl& decl) {
    return decl.type == type && (unit.empty() || decl.unit == unit);
  };
  const auto decl = std::find_if(it->second.rbegin(), it->second.rend(), same);
  return decl == it->second.rend() ? 0 : decl->number;
}

SeriesDecl SeriesNumbers::declare(std::string_view name, std::string_view unit, ValueType type) {
  const SeriesDecl decl{last_ + 1, std::string(name), std::string(unit), type};
  load(decl);
  return decl;
}

}  // namespace deltamesh
