// tools/import_files.h - the files of an import: their number as a source, and their events merged by time.
#pragma once

#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "engine/store.h"
#include "tools/import.h"

namespace deltamesh {

struct ImportFile {
  std::string path;
  std::uint64_t session = 0;  // Hash of name and first row: a moved file keeps it, a grown one too.
  std::uint64_t bytes = 0;
  std::ifstream in;
  std::unique_ptr<RowReader> rows;
  NamedEvent event;  // The next one.
};

// Opens the files and looks at their beginnings; no event is read yet.
Result<std::vector<ImportFile>> open_files(const std::vector<std::string>& paths, RowFormat format);

// For each of the sessions of `files`, the last line that `node` has durable in `dataset`.
Result<std::map<std::uint64_t, std::uint64_t>> durable_lines(const StoreReader& reader, NodeId node,
                                                             DatasetId dataset,
                                                             const std::vector<ImportFile>& files);

// The events of all files in order of time; of equal times the file that was named first goes first.
class MergedRows {
 public:
  // Every file has its reader.
  explicit MergedRows(std::vector<ImportFile>& files);
  // False at the end. What `event` held is used again.
  bool next(NamedEvent& event);

 private:
  void push(std::size_t file);
  [[nodiscard]] bool later(std::size_t a, std::size_t b) const;

  std::vector<ImportFile>& files_;
  std::vector<std::size_t> heap_;  // Of indexes, the earliest event first.
};

}  // namespace deltamesh
