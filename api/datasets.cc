// api/datasets.cc - looks datasets up by name and kind.
#include "api/datasets.h"

#include <algorithm>

namespace deltamesh {

Datasets::Datasets(std::vector<DatasetConfig> configs) : configs_(std::move(configs)) {}

Result<NamedDataset> Datasets::find(const std::string& name, DatasetKind kind) const {
  const auto it = std::find_if(configs_.begin(), configs_.end(),
                               [&name](const DatasetConfig& config) { return config.name == name; });
  if (it == configs_.end()) return Error{ErrorCode::kNotFound, "no dataset " + name};
  if (it->kind == kind) return NamedDataset{dataset_id(name), *it};
  return Error{ErrorCode::kNotFound,
               "dataset " + name +
                   (kind == DatasetKind::kMap ? " is telemetry, not a map" : " is a map, not telemetry")};
}

}  // namespace deltamesh
