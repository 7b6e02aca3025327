// tools/import_files.cc - sessions by hash, resuming by a look at the newest blocks, merging by a heap.
#include "tools/import_files.h"

#include <algorithm>
#include <filesystem>
#include <limits>
#include <optional>
#include <set>

#include "engine/limits.h"

namespace deltamesh {
namespace {

constexpr std::size_t kBeginningBytes = 4096;  // A first row may be longer; what lies beyond does not count.

Error cannot_read(const std::string& path) {
  return {ErrorCode::kIo, path + ": cannot be read"};
}

// Up to the end of the first row. Less than that, and files with one header would be one; more, and a small
// file that grew would be another. Without a whole row nothing is imported, so the session does not matter
// yet.
std::string_view first_row_of(std::string_view text, RowFormat format) {
  std::size_t size = 0;
  for (int lines = format == RowFormat::kNdjson ? 1 : 2; lines > 0;) {
    const std::size_t end = text.find('\n', size);
    if (end == std::string_view::npos) return text;
    const std::string_view line = text.substr(size, end - size);
    lines -= !line.empty() && line != "\r";
    size = end + 1;
  }
  return text.substr(0, size);
}

Result<std::uint64_t> session_of(ImportFile& file, RowFormat format) {
  std::string beginning(kBeginningBytes, '\0');
  file.in.read(beginning.data(), static_cast<std::streamsize>(beginning.size()));
  if (file.in.bad()) return cannot_read(file.path);
  beginning.resize(static_cast<std::size_t>(file.in.gcount()));
  file.in.clear();
  file.in.seekg(0);
  if (!file.in)
    return Error{ErrorCode::kIo, file.path + ": is no file on a disk, so an import could not be resumed"};
  return text_hash(std::filesystem::path(file.path).stem().string() + '\n' +
                   std::string(first_row_of(beginning, format)));
}

Status check_distinct(const std::vector<ImportFile>& files) {
  std::map<std::uint64_t, const std::string*> seen;
  for (const ImportFile& file : files) {
    const auto [other, added] = seen.try_emplace(file.session, &file.path);
    if (!added)
      return Error{ErrorCode::kInvalid, *other->second + " and " + file.path +
                                            " have one name and first row: the same file twice?"};
  }
  return Done{};
}

Result<ImportFile> open_file(const std::string& path, RowFormat format) {
  ImportFile file;
  file.path = path;
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) return Error{ErrorCode::kInvalid, path + ": is a folder"};
  file.in.open(path, std::ios::binary);
  if (!file.in) return cannot_read(path);
  file.bytes = std::filesystem::file_size(path, error);
  if (error) file.bytes = 0;
  const auto session = session_of(file, format);
  if (!session) return session.error();
  file.session = *session;
  return file;
}

using Sessions = std::set<std::uint64_t>;
using Lines = std::map<std::uint64_t, std::uint64_t>;

// Lines are stored in ascending order, so the newest block that names a session has its last line.
Status look_at(const StoredBlock& block, Sessions& wanted, Lines& found) {
  const auto times = block_times(*block.bytes, limits::kBlock);
  if (!times) return times.error();
  for (auto source = times->sources.rbegin(); source != times->sources.rend(); ++source) {
    if (!*source || wanted.erase((*source)->session) == 0) continue;
    std::uint64_t& last = found[(*source)->session];
    last = std::max(last, (*source)->counter);
  }
  return Done{};
}

Status look_at_stream(const StoreReader& reader, const StreamId& stream, Sessions wanted, Lines& found) {
  Status outcome = Done{};
  const auto visit = [&](const StoredBlock& block) {
    outcome = look_at(block, wanted, found);
    return outcome.ok() && !wanted.empty();
  };
  const Status visited =
      reader.visit_blocks(stream, std::numeric_limits<Ticks>::min(), std::numeric_limits<Ticks>::max(),
                          StoreReader::Order::kNewestFirst, visit);
  return outcome.ok() ? visited : outcome;
}

}  // namespace

Result<std::vector<ImportFile>> open_files(const std::vector<std::string>& paths, RowFormat format) {
  std::vector<ImportFile> files;
  for (const std::string& path : paths) {
    auto file = open_file(path, format);
    if (!file) return file.error();
    files.push_back(*std::move(file));
  }
  if (const auto distinct = check_distinct(files); !distinct) return distinct.error();
  return files;
}

// Earlier incarnations of the node count too: a store brought back from a copy still holds what it held.
Result<Lines> durable_lines(const StoreReader& reader, NodeId node, DatasetId dataset,
                            const std::vector<ImportFile>& files) {
  const auto knowledge = reader.knowledge();
  if (!knowledge) return knowledge.error();
  Sessions wanted;
  for (const ImportFile& file : files) wanted.insert(file.session);
  Lines found;
  for (const auto& entry : knowledge->entries()) {
    if (entry.stream.node != node || entry.stream.dataset != dataset) continue;
    if (const auto looked = look_at_stream(reader, entry.stream, wanted, found); !looked)
      return looked.error();
  }
  return found;
}

MergedRows::MergedRows(std::vector<ImportFile>& files) : files_(files) {
  for (std::size_t i = 0; i < files_.size(); ++i) push(i);
}

bool MergedRows::next(NamedEvent& event) {
  if (heap_.empty()) return false;
  const auto after = [this](std::size_t a, std::size_t b) { return later(a, b); };
  std::pop_heap(heap_.begin(), heap_.end(), after);
  const std::size_t file = heap_.back();
  heap_.pop_back();
  std::swap(event, files_[file].event);
  push(file);
  return true;
}

void MergedRows::push(std::size_t file) {
  if (!files_[file].rows->next(files_[file].event)) return;
  heap_.push_back(file);
  std::push_heap(heap_.begin(), heap_.end(), [this](std::size_t a, std::size_t b) { return later(a, b); });
}

bool MergedRows::later(std::size_t a, std::size_t b) const {
  const Ticks time_a = files_[a].event.time, time_b = files_[b].event.time;
  return time_a != time_b ? time_a > time_b : a > b;
}

}  // namespace deltamesh
