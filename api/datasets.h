// api/datasets.h - the node's datasets as they are named in paths.
#pragma once

#include <string>
#include <vector>

#include "engine/config.h"

namespace deltamesh {

struct NamedDataset {
  DatasetId id{};
  DatasetConfig config;
};

class Datasets {
 public:
  explicit Datasets(std::vector<DatasetConfig> configs);

  // Not found: there is none of that name, or it is of the other kind.
  [[nodiscard]] Result<NamedDataset> find(const std::string& name, DatasetKind kind) const;

 private:
  std::vector<DatasetConfig> configs_;
};

}  // namespace deltamesh
