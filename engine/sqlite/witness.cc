// engine/sqlite/witness.cc - the text, and where in memory it lies.
#include "engine/sqlite/witness.h"

#include <algorithm>
#include <cstdlib>

#include "engine/sqlite/files.h"
#include "engine/sqlite/lines.h"

namespace deltamesh::sqlite {
namespace {

constexpr std::string_view kTitle = "deltamesh-witness";
constexpr std::size_t kBytesMax = 16'384;  // limits::kDatasetsMax lines, and room.

std::optional<std::string> memory_folder() {
  for (const char* variable : {"RUNTIME_DIRECTORY", "XDG_RUNTIME_DIR"}) {
    const char* const folder = std::getenv(variable);
    if (folder != nullptr && is_memory(folder)) return folder;
  }
  for (const char* folder : {"/run", "/dev/shm"}) {
    if (is_memory(folder)) return folder;
  }
  return std::nullopt;
}

}  // namespace

std::string encode_witness(const Issued& issued) {
  std::string lines = "incarnation " + hex(issued.incarnation.bytes) + '\n';
  for (const auto& [stream, last] : issued.last) {
    const auto& [dataset, cls] = stream;
    lines += "issued " + std::to_string(static_cast<std::uint64_t>(dataset)) + ' ' +
             std::to_string(static_cast<unsigned>(cls)) + ' ' + std::to_string(last) + '\n';
  }
  return with_checksum(kTitle, lines, RowKind::kWitness);
}

Result<Issued> decode_witness(std::string_view text) {
  Result<Lines> lines = Lines::open(text, kTitle, RowKind::kWitness);
  if (!lines) return lines.error();
  Issued issued;
  issued.incarnation = lines->id<Incarnation>("incarnation");
  while (lines->ok() && !lines->at_end()) {
    const auto [dataset, cls, last] = lines->three_numbers("issued");
    issued.last.emplace(std::pair(DatasetId{dataset}, static_cast<StreamClass>(cls)), last);
  }
  if (lines->ok()) return issued;
  return Error{ErrorCode::kCorrupt, "the deltamesh-witness has a line that is not understood"};
}

Witness Witness::at(const std::string& path) {
  if (path.empty() || !is_ours_or_absent(path)) return {};
  Result<LockFile> lock = LockFile::take(path + ".lock");
  return lock ? Witness(path, *std::move(lock)) : Witness();
}

std::optional<Issued> Witness::recall() const {
  if (path_.empty()) return std::nullopt;
  const Result<std::string> text = read_file(path_, kBytesMax);
  const Result<Issued> issued = text ? decode_witness(*text) : Result<Issued>(text.error());
  return issued ? std::optional(*issued) : std::nullopt;
}

Status Witness::begin(Issued issued) {
  issued_ = std::move(issued);
  return save();
}

Status Witness::issue(const LastNumbers& last) {
  bool more = false;
  for (const auto& [stream, seq] : last) {
    Seq& known = issued_.last[stream];
    more = more || seq > known;
    known = std::max(known, seq);
  }
  return more ? save() : Status(Done{});
}

// A witness that cannot be kept is none; one that can be neither kept nor removed would tell an old story.
Status Witness::save() {
  if (path_.empty() || replace_file(path_, encode_witness(issued_), false)) return Done{};
  return forget();
}

Status Witness::forget() {
  if (path_.empty()) return Done{};
  Status gone = remove_file(path_);
  if (gone) path_.clear();
  return gone;
}

std::string witness_path(const std::string& store_path, const std::optional<std::string>& folder) {
  const std::optional<std::string> place = folder ? folder : memory_folder();
  if (!place || place->empty()) return {};
  Checksum sum(RowKind::kFile);
  sum.add(std::string_view(absolute_path(store_path)));
  return *place + "/deltamesh-" + std::to_string(sum.value()) + ".witness";
}

}  // namespace deltamesh::sqlite
