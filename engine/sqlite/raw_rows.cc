// engine/sqlite/raw_rows.cc - cells and records as SQLite's file format describes them.
#include "engine/sqlite/raw_rows.h"

#include <algorithm>
#include <optional>
#include <string_view>

namespace deltamesh::sqlite {
namespace {

using Page = PageFile::Page;
constexpr std::size_t kPageBytes = PageFile::kPageBytes;
constexpr std::size_t kFileHead = 100;            // Before the first page's own head.
constexpr std::size_t kChained = kPageBytes - 4;  // Bytes of a row on a page that it has overflowed to.

// What a page may be taken for. `local_max`: bytes of a row that stay on it.
struct Form {
  std::uint8_t type = 0;
  std::size_t head_bytes = 0, child_bytes = 0, local_max = 0;
  bool numbered = false;
};
constexpr std::size_t kIndexLocal = (kPageBytes - 12) * 64 / 255 - 23;
constexpr std::size_t kLocalMin = (kPageBytes - 12) * 32 / 255 - 23;
constexpr Form kForms[] = {
    {13, 8, 0, kPageBytes - 35, true}, {10, 8, 0, kIndexLocal, false}, {2, 12, 4, kIndexLocal, false}};

// A row by its columns: n nothing (the row's number stands elsewhere), i an integer, o that or null, d 16
// bytes, t text, b bytes or text of any length. The first that fits counts.
struct Shape {
  RawKind kind{};
  bool numbered = false;
  std::string_view columns;
};
constexpr Shape kShapes[] = {
    {RawKind::kMeta, true, "nddiibi"},
    {RawKind::kIncarnation, true, "ndbi"},
    {RawKind::kStream, true, "niiddi"},
    {RawKind::kKnowledge, true, "niibbbbi"},
    {RawKind::kBlock, true, "niiiiiooooooib"},
    {RawKind::kEntry, true, "nibiiiiiiibib"},
    {RawKind::kFloor, true, "nbi"},
    {RawKind::kSurfaced, true, "nibiibi"},
    {RawKind::kOffset, false, "iiiiiii"},
    {RawKind::kOwnBoot, true, "niidii"},
    {RawKind::kSeries, false, "iiibbii"},
    {RawKind::kStreamName, false, "iiddi"},
    {RawKind::kSeriesName, false, "itii"},
    {RawKind::kEntryKey, false, "ibii"},
};
constexpr std::size_t kColumnsMax = 14;

bool is_hint(RawKind kind) {
  return kind == RawKind::kStreamName || kind == RawKind::kSeriesName || kind == RawKind::kEntryKey;
}

std::uint64_t big_endian(ByteView bytes) {
  std::uint64_t value = 0;
  for (const std::byte byte : bytes) value = value << 8 | std::to_integer<std::uint64_t>(byte);
  return value;
}

// Takes a number of 1 to 9 bytes off `in`.
bool take_number(ByteView& in, std::uint64_t& number) {
  number = 0;
  for (std::size_t i = 0; i < 9 && i < in.size(); ++i) {
    const auto byte = std::to_integer<std::uint64_t>(in[i]);
    number = i == 8 ? number << 8 | byte : number << 7 | (byte & 0x7f);
    if (i < 8 && byte >= 0x80) continue;
    in = in.subspan(i + 1);
    return true;
  }
  return false;
}

// A column's type as it stands in a record's head.
struct SerialType {
  std::uint64_t code = 0;
  [[nodiscard]] bool is_integer() const { return (code >= 1 && code <= 6) || code == 8 || code == 9; }
  [[nodiscard]] std::uint64_t bytes() const {
    constexpr std::uint64_t kIntegerBytes[] = {0, 1, 2, 3, 4, 6, 8, 8, 0, 0, 0, 0};
    return code >= 12 ? (code - 12) / 2 : kIntegerBytes[code];
  }
  [[nodiscard]] bool fits(char column) const {
    switch (column) {
      case 'n': return bytes() == 0 && code < 12;
      case 'i': return is_integer();
      case 'o': return code == 0 || is_integer();
      case 't': return code >= 13 && code % 2 == 1;
      case 'd': return code >= 12 && bytes() == 16;
      default: return code >= 12;
    }
  }
};

struct Record {
  const Shape* shape = nullptr;
  std::size_t head_bytes = 0;
  std::vector<SerialType> columns;
};

const Shape* shape_of(const std::vector<SerialType>& columns, bool numbered) {
  const auto fits = [&](const Shape& shape) {
    return shape.numbered == numbered && shape.columns.size() == columns.size() &&
           std::equal(columns.begin(), columns.end(), shape.columns.begin(),
                      [](SerialType type, char column) { return type.fits(column); });
  };
  const auto* const found = std::find_if(std::begin(kShapes), std::end(kShapes), fits);
  return found == std::end(kShapes) ? nullptr : found;
}

// The head of a record of `bytes` bytes, which begins with `local`.
std::optional<Record> read_head(ByteView local, std::uint64_t bytes, bool numbered) {
  Record record;
  ByteView in = local;
  std::uint64_t head_bytes = 0;
  if (!take_number(in, head_bytes) || head_bytes > local.size()) return std::nullopt;
  const std::size_t taken = local.size() - in.size();
  if (head_bytes < taken) return std::nullopt;
  in = local.first(static_cast<std::size_t>(head_bytes)).subspan(taken);
  std::uint64_t total = head_bytes;
  while (!in.empty()) {
    SerialType type;
    if (!take_number(in, type.code) || type.bytes() > bytes || record.columns.size() == kColumnsMax)
      return std::nullopt;
    total += type.bytes();
    record.columns.push_back(type);
  }
  record.head_bytes = static_cast<std::size_t>(head_bytes);
  record.shape = shape_of(record.columns, numbered);
  if (record.shape == nullptr || total != bytes) return std::nullopt;
  return record;
}

AnyValue value_of(SerialType type, ByteView bytes) {
  if (type.code == 0) return nullptr;
  if (type.code == 8 || type.code == 9) return static_cast<std::int64_t>(type.code - 8);
  if (type.code >= 12) return bytes;
  const bool negative = (bytes[0] & std::byte{0x80}) != std::byte{};
  const std::uint64_t sign = negative && bytes.size() < 8 ? ~std::uint64_t{0} << (8 * bytes.size()) : 0;
  return static_cast<std::int64_t>(sign | big_endian(bytes));
}

class Scan {
 public:
  Scan(const PageFile& pages, const std::set<RawKind>& kinds, const std::function<void(const RawRow&)>& visit)
      : pages_(pages), kinds_(kinds), visit_(visit) {}

  void run() {
    for (std::uint32_t number = 1; number <= pages_.count(); ++number) {
      if (!pages_.read(number, page_)) continue;
      for (const Form& form : kForms) take_page(number == 1 ? kFileHead : 0, form);
    }
  }

 private:
  void take_page(std::size_t head, const Form& form) {
    const ByteView page(page_);
    const std::size_t cells = static_cast<std::size_t>(big_endian(page.subspan(head + 3, 2)));
    const std::size_t from = head + form.head_bytes;
    const bool typed = std::to_integer<std::uint8_t>(page[head]) == form.type;
    for (std::size_t i = 0; i < cells && from + 2 * i + 2 <= kPageBytes; ++i)
      take_cell(static_cast<std::size_t>(big_endian(page.subspan(from + 2 * i, 2))), form, typed);
  }

  void take_cell(std::size_t at, const Form& form, bool typed) {
    if (at + form.child_bytes >= kPageBytes) return;
    ByteView in = ByteView(page_).subspan(at + form.child_bytes);
    std::uint64_t bytes = 0, id = 0;
    if (!take_number(in, bytes) || bytes > kRawRowBytesMax) return;
    if (form.numbered && !take_number(in, id)) return;
    const std::size_t local = local_bytes(static_cast<std::size_t>(bytes), form.local_max);
    if (in.size() < local + (local < bytes ? 4 : 0)) return;
    const auto record = read_head(in.first(local), bytes, form.numbered);
    if (!record || !kinds_.contains(record->shape->kind)) return;
    // Without a checksum, at least the page must be what it is taken for.
    if (is_hint(record->shape->kind) && !typed) return;
    if (!gather(in, local, static_cast<std::size_t>(bytes))) return;
    hand_on(*record, static_cast<std::int64_t>(id));
  }

  static std::size_t local_bytes(std::size_t bytes, std::size_t local_max) {
    if (bytes <= local_max) return bytes;
    const std::size_t local = kLocalMin + (bytes - kLocalMin) % kChained;
    return local <= local_max ? local : kLocalMin;
  }

  // The whole row into bytes_: what is here, and what has overflowed.
  bool gather(ByteView in, std::size_t local, std::size_t bytes) {
    bytes_.assign(in.begin(), in.begin() + static_cast<std::ptrdiff_t>(local));
    auto next = local < bytes ? static_cast<std::uint32_t>(big_endian(in.subspan(local, 4))) : 0;
    while (bytes_.size() < bytes) {
      if (!pages_.read(next, chained_)) return false;
      const ByteView page(chained_);
      const ByteView part = page.subspan(4, std::min(kChained, bytes - bytes_.size()));
      bytes_.insert(bytes_.end(), part.begin(), part.end());
      next = static_cast<std::uint32_t>(big_endian(page.first(4)));
    }
    return true;
  }

  void hand_on(const Record& record, std::int64_t id) {
    RawRow row{record.shape->kind, id, {}};
    ByteView rest = ByteView(bytes_).subspan(record.head_bytes);
    for (const SerialType type : record.columns) {
      const auto size = static_cast<std::size_t>(type.bytes());
      row.values.push_back(value_of(type, rest.first(size)));
      rest = rest.subspan(size);
    }
    visit_(row);
  }

  const PageFile& pages_;
  const std::set<RawKind>& kinds_;
  const std::function<void(const RawRow&)>& visit_;
  Page page_{}, chained_{};
  Bytes bytes_;
};

}  // namespace

void visit_raw_rows(const PageFile& pages, const std::set<RawKind>& kinds,
                    const std::function<void(const RawRow&)>& visit) {
  Scan(pages, kinds, visit).run();
}

}  // namespace deltamesh::sqlite
