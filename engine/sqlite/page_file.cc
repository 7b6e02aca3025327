// engine/sqlite/page_file.cc - pages from the file, or from the log up to its last whole commit.
#include "engine/sqlite/page_file.h"

#include <algorithm>
#include <limits>
#include <span>
#include <utility>

namespace deltamesh::sqlite {
namespace {

// The log as SQLite's file format describes it: a head, and frames of a head and a page.
constexpr std::size_t kLogHead = 32, kFrameHead = 24;
constexpr std::uint32_t kMagic = 0x377f0682;  // Its last bit: sums are over big-endian words.
constexpr std::uint32_t kBigEndian = 1;

std::uint32_t big_endian(const std::byte* at) {
  std::uint32_t value = 0;
  for (int i = 0; i < 4; ++i) value = value << 8 | std::to_integer<std::uint32_t>(at[i]);
  return value;
}

std::uint32_t little_endian(const std::byte* at) {
  std::uint32_t value = 0;
  for (int i = 3; i >= 0; --i) value = value << 8 | std::to_integer<std::uint32_t>(at[i]);
  return value;
}

// The running sum over the log, by which SQLite knows where it ends.
class LogSum {
 public:
  explicit LogSum(bool big) : big_(big) {}
  void add(ByteView bytes) {
    const auto word = big_ ? big_endian : little_endian;
    for (std::size_t at = 0; at + 8 <= bytes.size(); at += 8) {
      first_ += word(bytes.data() + at) + second_;
      second_ += word(bytes.data() + at + 4) + first_;
    }
  }
  [[nodiscard]] bool equals(const std::byte* at) const {
    return first_ == big_endian(at) && second_ == big_endian(at + 4);
  }

 private:
  bool big_;
  std::uint32_t first_ = 0, second_ = 0;
};

}  // namespace

Result<PageFile> PageFile::open(const std::string& path) {
  Result<SourceFile> database = SourceFile::open(path);
  if (!database) return database.error();
  PageFile pages(std::move(*database));
  const std::uint64_t count = (pages.database_.size() + kPageBytes - 1) / kPageBytes;
  if (count >= std::numeric_limits<std::uint32_t>::max())
    return Error{ErrorCode::kLimit, path + " is larger than a database can be"};
  pages.count_ = static_cast<std::uint32_t>(count);
  Result<SourceFile> log = SourceFile::open(path + "-wal");
  if (log) pages.take_log(std::move(*log));
  if (!log && log.error().code != ErrorCode::kNotFound) return log.error();
  return pages;
}

void PageFile::take_log(SourceFile log) {
  std::array<std::byte, kLogHead> head{};
  if (log.size() == 0) return;
  log_ends_ = false;
  if (!log.read_at(0, head)) return;
  const std::uint32_t magic = big_endian(head.data());
  LogSum sum(magic == (kMagic | kBigEndian));
  sum.add(std::span(head).first(24));
  const bool known = (magic & ~kBigEndian) == kMagic && big_endian(head.data() + 8) == kPageBytes;
  if (!known || !sum.equals(head.data() + 24)) return;
  std::map<std::uint32_t, std::uint64_t> frames;  // Since the last commit.
  std::array<std::byte, kFrameHead + kPageBytes> frame;
  const auto is_ours = [&] { return std::equal(frame.begin() + 8, frame.begin() + 16, head.begin() + 16); };
  bool sound = true;
  std::uint64_t at = kLogHead;
  for (; log.read_at(at, frame) && is_ours(); at += frame.size()) {
    sum.add(std::span(frame).first(8));
    sum.add(std::span(frame).subspan(kFrameHead));
    sound = sum.equals(frame.data() + 16);
    if (!sound) break;
    frames[big_endian(frame.data())] = at + kFrameHead;
    const std::uint32_t pages = big_endian(frame.data() + 4);
    if (pages == 0) continue;
    count_ = std::min(pages, std::max(count_, frames.rbegin()->first));
    for (const auto& [number, place] : std::exchange(frames, {})) logged_[number] = place;
  }
  const bool goes_on = log.read_at(at + frame.size(), frame) && is_ours();
  log_ends_ = sound && frames.empty() && !goes_on;
  log_ = std::move(log);
}

bool PageFile::read(std::uint32_t number, Page& page) const {
  if (number == 0 || number > count_) return false;
  if (const auto at = logged_.find(number); at != logged_.end()) return log_->read_at(at->second, page);
  return database_.read_at(std::uint64_t{number - 1} * kPageBytes, page);
}

}  // namespace deltamesh::sqlite
