// engine/sqlite/fence.cc - the fence as lines of text, and the comparison with the database.
#include "engine/sqlite/fence.h"

#include <charconv>
#include <vector>

#include "engine/sqlite/checksum.h"

namespace deltamesh::sqlite {
namespace {

constexpr std::string_view kTitle = "deltamesh-fence ";
constexpr std::string_view kVersion = "0";
constexpr std::size_t kFenceBytesMax = 4096;

std::string to_text(const Mark& mark) {
  return std::to_string(mark.opens) + ' ' + std::to_string(mark.closes) + ' ' + std::to_string(mark.reserved);
}

std::uint64_t sum_of(std::string_view lines) {
  Checksum sum(RowKind::kFence);
  sum.add(lines);
  return sum.value();
}

// Reads "name a b ..." lines in their fixed order; after the first surprise everything reads as absent.
class Lines {
 public:
  explicit Lines(std::string_view text) : text_(text) {}

  // The rest of the next line, which must start with `name` and a space.
  std::string_view value(std::string_view name) {
    const std::size_t end = text_.find('\n');
    const std::string_view line = text_.substr(0, end);
    ok_ = ok_ && end != std::string_view::npos && line.size() > name.size() &&
          line.substr(0, name.size()) == name && line[name.size()] == ' ';
    if (!ok_) return {};
    text_.remove_prefix(end + 1);
    return line.substr(name.size() + 1);
  }

  template <std::size_t N>
  std::array<std::uint64_t, N> numbers(std::string_view name) {
    std::array<std::uint64_t, N> values{};
    std::string_view rest = value(name);
    for (std::size_t i = 0; i < N; ++i) values[i] = number(rest, i + 1 == N ? std::string_view() : " ");
    ok_ = ok_ && rest.empty();
    return values;
  }

  template <class Id>
  Id id(std::string_view name) {
    const auto bytes = parse_hex128(value(name));
    ok_ = ok_ && bytes.has_value();
    return bytes ? Id{*bytes} : Id{};
  }

  [[nodiscard]] bool ok() const { return ok_ && text_.empty(); }

 private:
  std::uint64_t number(std::string_view& rest, std::string_view after) {
    std::uint64_t parsed = 0;
    const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), parsed);
    ok_ = ok_ && error == std::errc();
    if (!ok_) return 0;
    rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));
    ok_ = rest.substr(0, after.size()) == after;
    if (ok_) rest.remove_prefix(after.size());
    return parsed;
  }

  std::string_view text_;
  bool ok_ = true;
};

Mark mark_of(const std::array<std::uint64_t, 3>& values) {
  return {values[0], values[1], values[2]};
}

Error not_a_fence(const std::string& what) {
  return {ErrorCode::kCorrupt, "the fence " + what};
}

// Cuts the last line, which must be the checksum of all before it.
bool cut_checksum(std::string_view& text) {
  const std::size_t at = text.rfind("checksum ");
  if (at == std::string_view::npos) return false;
  Lines last(text.substr(at));
  const auto sum = last.numbers<1>("checksum");
  text = text.substr(0, at);
  return last.ok() && sum[0] == sum_of(text);
}

bool differ(std::uint64_t a, std::uint64_t b) {
  return a != 0 && b != 0 && a != b;
}

}  // namespace

std::optional<std::string> reason_to_distrust(const std::optional<Fence>& fence, const Found& found) {
  if (!fence) return "the fence is missing";
  if (fence->identity.node != found.identity.node) return "the fence belongs to another node";
  if (fence->identity.incarnation != found.identity.incarnation)
    return "the fence knows another incarnation than the database";
  if (!(found.mark == fence->from) && !(found.mark == fence->to))
    return "the database bears the mark " + to_text(found.mark) + ", the fence " + to_text(fence->to) +
           " (openings, clean closes, reserved numbers): it was restored from a copy";
  if (fence->doubt)
    return "the last run ended in doubt: a sync failed, or a peer held more of this node than it did";
  if (differ(fence->machine, found.machine)) return "the store was moved to, or cloned on, another machine";
  if (differ(fence->birth, found.birth))
    return "the database file is another file than the one last used: a copy";
  if (differ(fence->self, found.self))
    return "the fence is another file than the one last written: it was restored from a copy";
  return std::nullopt;
}

std::string encode_fence(const Fence& fence) {
  std::string text = std::string(kTitle) + std::string(kVersion) + '\n';
  text += "node " + hex(fence.identity.node.bytes) + '\n';
  text += "incarnation " + hex(fence.identity.incarnation.bytes) + '\n';
  text += "from " + to_text(fence.from) + '\n';
  text += "to " + to_text(fence.to) + '\n';
  text += "machine " + std::to_string(fence.machine) + '\n';
  text += "birth " + std::to_string(fence.birth) + '\n';
  text += "self " + std::to_string(fence.self) + '\n';
  text += std::string("doubt ") + (fence.doubt ? "1" : "0") + '\n';
  return text + "checksum " + std::to_string(sum_of(text)) + '\n';
}

Result<Fence> decode_fence(std::string_view text) {
  if (text.substr(0, kTitle.size()) != kTitle) return not_a_fence("does not start as one");
  const std::string_view version = text.substr(kTitle.size(), text.find('\n') - kTitle.size());
  const bool is_number =
      !version.empty() && version.find_first_not_of("0123456789") == std::string_view::npos;
  if (version != kVersion && is_number && version.size() <= 9)
    return Error{ErrorCode::kUnsupported,
                 "the fence has version " + std::string(version) + ", this build knows 0"};
  if (!cut_checksum(text)) return not_a_fence("fails its checksum");

  Lines lines(text);
  Fence fence;
  lines.value(kTitle.substr(0, kTitle.size() - 1));
  fence.identity.node = lines.id<NodeId>("node");
  fence.identity.incarnation = lines.id<Incarnation>("incarnation");
  fence.from = mark_of(lines.numbers<3>("from"));
  fence.to = mark_of(lines.numbers<3>("to"));
  fence.machine = lines.numbers<1>("machine")[0];
  fence.birth = lines.numbers<1>("birth")[0];
  fence.self = lines.numbers<1>("self")[0];
  fence.doubt = lines.numbers<1>("doubt")[0] != 0;
  if (!lines.ok()) return not_a_fence("has a line that is not understood");
  return fence;
}

Result<std::optional<Fence>> load_fence(const std::string& path, std::string& why) {
  const Result<std::string> text = read_file(path, kFenceBytesMax);
  if (!text && text.error().code == ErrorCode::kIo) return text.error();
  if (!text) return why = text.error().text, std::optional<Fence>{};
  Result<Fence> fence = decode_fence(*text);
  if (fence) return std::optional<Fence>(*fence);
  if (fence.error().code == ErrorCode::kUnsupported)
    return Error{fence.error().code, path + ": " + fence.error().text};
  return why = path + ": " + fence.error().text, std::optional<Fence>{};
}

Status FenceKeeper::save() {
  const auto contents = [this](std::uint64_t birth) {
    fence_.self = birth;
    return encode_fence(fence_);
  };
  return replace_file(path_, contents, sync_);
}

Status FenceKeeper::advance(const Mark& from, const Mark& to,
                            const std::function<Status(const Mark&)>& store) {
  if (Status status = settle(); !status) return status;
  fence_.from = from;
  fence_.to = to;
  if (Status status = save(); !status) return status;
  if (Status status = store(to); !status) return status;
  settled_ = false;
  return settle();
}

Status FenceKeeper::settle() {
  if (settled_) return Done{};
  fence_.from = fence_.to;
  Status status = save();
  settled_ = status.ok();
  return status;
}

Status FenceKeeper::start(const Identity& identity, const Mark& mark) {
  fence_.identity = identity;
  fence_.from = fence_.to = mark;
  return save();
}

Status FenceKeeper::doubt() {
  fence_.doubt = true;
  return save();
}

}  // namespace deltamesh::sqlite
