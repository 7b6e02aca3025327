// engine/sqlite/fence.cc - one name as text.
#include "engine/sqlite/fence.h"

#include "engine/sqlite/files.h"
#include "engine/sqlite/lines.h"

namespace deltamesh::sqlite {
namespace {

constexpr std::string_view kTitle = "deltamesh-fence";
constexpr std::size_t kBytesMax = 4096;

}  // namespace

std::string encode_fence(const NodeId& node) {
  return with_checksum(kTitle, "node " + hex(node.bytes) + '\n', RowKind::kFence);
}

Result<NodeId> decode_fence(std::string_view text) {
  Result<Lines> lines = Lines::open(text, kTitle, RowKind::kFence);
  if (!lines) return lines.error();
  const auto node = lines->id<NodeId>("node");
  if (lines->ok() && lines->at_end()) return node;
  return Error{ErrorCode::kCorrupt, "the deltamesh-fence has a line that is not understood"};
}

Result<std::optional<NodeId>> load_fence(const std::string& path, std::string& why) {
  const Result<std::string> text = read_file(path, kBytesMax);
  if (!text && text.error().code == ErrorCode::kIo) return text.error();
  if (!text && text.error().code == ErrorCode::kNotFound) return std::optional<NodeId>{};
  if (!text) return why = text.error().text, std::optional<NodeId>{};
  const Result<NodeId> node = decode_fence(*text);
  if (node) return std::optional<NodeId>(*node);
  if (node.error().code == ErrorCode::kUnsupported)
    return Error{node.error().code, path + ": " + node.error().text};
  return why = path + ": " + node.error().text, std::optional<NodeId>{};
}

Status save_fence(const std::string& path, const NodeId& node, bool sync) {
  return replace_file(path, encode_fence(node), sync);
}

Status adopt_node(const std::string& store, const NodeId& node) {
  const Result<LockFile> lock = LockFile::take(store + ".lock");
  if (!lock) return lock.error();
  const Result<FileFacts> facts = file_facts(store);
  if (!facts) return facts.error();
  if (facts->exists && facts->size > 0)
    return Error{ErrorCode::kInvalid, store +
                                          " is there, and is of another node or of this one: only a store "
                                          "that is not there yet can take a name"};
  std::string trouble;
  const Result<std::optional<NodeId>> fence = load_fence(store + ".fence", trouble);
  if (!fence) return fence.error();
  if (!trouble.empty()) return Error{ErrorCode::kCorrupt, trouble};
  if (*fence && **fence != node)
    return Error{ErrorCode::kInvalid, store + ".fence keeps the name of node " + hex((*fence)->bytes)};
  return save_fence(store + ".fence", node, true);
}

}  // namespace deltamesh::sqlite
