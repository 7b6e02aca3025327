// engine/boots.cc - records of boots, and which of them counts.
#include "engine/boots.h"

#include <algorithm>
#include <limits>
#include <tuple>

#include "crdt/varint.h"
#include "engine/limits.h"

namespace deltamesh {
namespace {

using Limits = std::numeric_limits<Ticks>;

// The ends of a span in UTC, as far as Ticks reach.
Ticks shifted(Ticks ticks, Ticks offset) {
  if (offset > 0 && ticks > Limits::max() - offset) return Limits::max();
  if (offset < 0 && ticks < Limits::min() - offset) return Limits::min();
  return ticks + offset;
}

bool by_boot(const BootOffset& offset, std::uint32_t boot) {
  return offset.boot < boot;
}

std::optional<BootOffset> offset_at(const StreamId& stream, Seq seq, Quality quality, const Bytes& bytes) {
  const auto record = decode_boot_record(bytes);
  if (!record || quality > Quality::kUncertain) return std::nullopt;
  StreamId about = stream;
  about.incarnation = record->incarnation;
  return BootOffset{about, record->boot, record->ticks, quality, {stream, seq}};
}

}  // namespace

Bytes encode(const BootRecord& record) {
  Bytes out;
  for (const std::uint8_t byte : record.incarnation.bytes) out.push_back(static_cast<std::byte>(byte));
  put_varint(out, record.boot);
  put_varint(out, zigzag(record.ticks));
  return out;
}

std::optional<BootRecord> decode_boot_record(ByteView bytes) {
  BootRecord record;
  if (bytes.size() < record.incarnation.bytes.size()) return std::nullopt;
  std::transform(bytes.begin(), bytes.begin() + 16, record.incarnation.bytes.begin(),
                 [](std::byte byte) { return std::to_integer<std::uint8_t>(byte); });
  ByteView rest = bytes.subspan(16);
  std::uint64_t boot = 0, ticks = 0;
  if (!get_varint(rest, boot) || !get_varint(rest, ticks) || !rest.empty()) return std::nullopt;
  if (boot == 0 || boot > limits::kBootsPerStreamMax) return std::nullopt;
  record.boot = static_cast<std::uint32_t>(boot);
  record.ticks = unzigzag(ticks);
  return record;
}

bool goes_before(const BootOffset& a, const BootOffset& b) {
  return std::tie(a.quality, a.record) < std::tie(b.quality, b.record);
}

std::optional<Ticks> placed(const BootOffset& offset, Ticks ticks) {
  const Ticks time = shifted(ticks, offset.ticks);
  // What would be beyond the ends is at them.
  return time == Limits::min() || time == Limits::max() ? std::nullopt : std::optional(time);
}

const BootOffset* BootOffsets::find(std::uint32_t boot) const {
  const auto at = std::lower_bound(all_.begin(), all_.end(), boot, by_boot);
  return at == all_.end() || at->boot != boot ? nullptr : &*at;
}

bool BootOffsets::may_place(const BootSpan& span, Ticks from, Ticks to) const {
  for (auto at = std::lower_bound(all_.begin(), all_.end(), span.boot_min, by_boot);
       at != all_.end() && at->boot <= span.boot_max; ++at) {
    if (shifted(span.ticks_min, at->ticks) <= to && shifted(span.ticks_max, at->ticks) >= from) return true;
  }
  return false;
}

std::optional<Ticks> BootOffsets::latest(const BootSpan& span) const {
  std::optional<Ticks> latest;
  for (auto at = std::lower_bound(all_.begin(), all_.end(), span.boot_min, by_boot);
       at != all_.end() && at->boot <= span.boot_max; ++at)
    latest = std::max(latest, std::optional(shifted(span.ticks_max, at->ticks)));
  return latest;
}

bool BootOffsets::places_all(const BootSpan& span) const {
  const auto from = std::lower_bound(all_.begin(), all_.end(), span.boot_min, by_boot);
  const auto to = std::lower_bound(from, all_.end(), std::uint64_t{span.boot_max} + 1,
                                   [](const BootOffset& one, std::uint64_t boot) { return one.boot < boot; });
  const auto places = [&](const BootOffset& one) {
    return placed(one, span.ticks_min).has_value() && placed(one, span.ticks_max).has_value();
  };
  return static_cast<std::uint64_t>(to - from) == std::uint64_t{span.boot_max} - span.boot_min + 1 &&
         std::all_of(from, to, places);
}

Result<std::vector<BootOffset>> offsets_in(const StreamId& stream, Seq first, ByteView block,
                                           const BlockSummary& summary, std::uint64_t& refused) {
  std::vector<BootOffset> found;
  if (summary.series.empty() || summary.series.front() != kBootSeries) return found;
  const auto times = block_times(block, limits::kBlock);
  if (!times.ok()) return times.error();
  const auto column = block_column(block, kBootSeries, limits::kBlock);
  if (!column.ok()) return column.error();
  const auto* const values = std::get_if<std::vector<Bytes>>(&column->values);
  for (std::size_t i = 0; i < column->events.size(); ++i) {
    const std::uint32_t event = column->events[i];
    if (values != nullptr && (*values)[i].empty()) continue;  // A mark (engine/forget_block.h).
    auto offset = values == nullptr ? std::nullopt
                                    : offset_at(stream, first + event, times->qualities[event], (*values)[i]);
    offset ? found.push_back(*std::move(offset)) : void(++refused);
  }
  return found;
}

}  // namespace deltamesh
