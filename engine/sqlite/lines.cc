// engine/sqlite/lines.cc - strict reading: what is not as it was written is refused.
#include "engine/sqlite/lines.h"

#include <charconv>

namespace deltamesh::sqlite {
namespace {

constexpr std::string_view kVersion = "0";
constexpr std::string_view kChecksum = "checksum ";

std::uint64_t sum_of(std::string_view text, RowKind kind) {
  Checksum sum(kind);
  sum.add(text);
  return sum.value();
}

bool is_number(std::string_view text) {
  return !text.empty() && text.size() <= 9 && text.find_first_not_of("0123456789") == std::string_view::npos;
}

}  // namespace

Result<Lines> Lines::open(std::string_view text, std::string_view title, RowKind kind) {
  const auto wrong = [title](const std::string& what) {
    return Error{ErrorCode::kCorrupt, "the " + std::string(title) + " " + what};
  };
  const std::string_view first = text.substr(0, text.find('\n'));
  if (first.size() <= title.size() || first.substr(0, title.size()) != title || first[title.size()] != ' ')
    return wrong("does not start as one");
  const std::string_view version = first.substr(title.size() + 1);
  if (version != kVersion && is_number(version))
    return Error{ErrorCode::kUnsupported, "the " + std::string(title) + " has version " +
                                              std::string(version) + ", this build knows " +
                                              std::string(kVersion)};
  const std::size_t at = text.rfind(kChecksum);
  if (at == std::string_view::npos) return wrong("fails its checksum");
  Lines last(text.substr(at));
  const bool whole = last.number("checksum") == sum_of(text.substr(0, at), kind);
  if (!whole || !last.ok() || !last.at_end()) return wrong("fails its checksum");
  Lines lines(text.substr(0, at));
  static_cast<void>(lines.value(title));
  return lines;
}

std::string_view Lines::value(std::string_view name) {
  const std::size_t end = text_.find('\n');
  const std::string_view line = text_.substr(0, end);
  ok_ = ok_ && end != std::string_view::npos && line.size() > name.size() &&
        line.substr(0, name.size()) == name && line[name.size()] == ' ';
  if (!ok_) return {};
  text_.remove_prefix(end + 1);
  return line.substr(name.size() + 1);
}

std::uint64_t Lines::number(std::string_view name) {
  std::string_view rest = value(name);
  const std::uint64_t one = take_number(rest);
  ok_ = ok_ && rest.empty();
  return one;
}

std::array<std::uint64_t, 3> Lines::three_numbers(std::string_view name) {
  std::string_view rest = value(name);
  std::array<std::uint64_t, 3> all{};
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (i > 0) {
      ok_ = ok_ && !rest.empty() && rest.front() == ' ';
      rest.remove_prefix(ok_ ? 1 : 0);
    }
    all[i] = take_number(rest);
  }
  ok_ = ok_ && rest.empty();
  return all;
}

std::uint64_t Lines::take_number(std::string_view& rest) {
  std::uint64_t parsed = 0;
  const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), parsed);
  ok_ = ok_ && error == std::errc();
  if (!ok_) return 0;
  rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));
  return parsed;
}

std::string with_checksum(std::string_view title, std::string_view lines, RowKind kind) {
  std::string text = std::string(title) + ' ' + std::string(kVersion) + '\n' + std::string(lines);
  return text + std::string(kChecksum) + std::to_string(sum_of(text, kind)) + '\n';
}

}  // namespace deltamesh::sqlite
