// engine/boots.h - what turns times counted from a boot into UTC.
//
// While nothing vouches for its clock, a node counts the events that bring no time of their own from the boot
// of its machine. Once it knows more, it writes a record: an event with a reading in series kBootSeries, in
// its present stream of the same dataset, which names the incarnation and the boot and says what is to be
// added. So the record travels, is held and compared as any event, also where the incarnation is over. Of all
// records about a boot the best one counts, whatever order they come in. docs/formats/boot_record.md.
#pragma once

#include <optional>
#include <vector>

#include "crdt/block.h"
#include "crdt/dot.h"
#include "crdt/result.h"
#include "crdt/sample.h"

namespace deltamesh {

// The series of records, and of marks (engine/forget_block.h), which have nothing in it; no series that is
// declared has this number.
inline constexpr SeriesNo kBootSeries = 0;

// What a record says: add `ticks` to times of that boot of the writer.
struct BootRecord {
  Incarnation incarnation;
  std::uint32_t boot = 0;
  Ticks ticks = 0;
  friend bool operator==(const BootRecord&, const BootRecord&) = default;
};
Bytes encode(const BootRecord& record);
// nullopt: it is none, or of no boot that may have an offset (limits::kBootsPerStreamMax).
std::optional<BootRecord> decode_boot_record(ByteView bytes);

// What is known of one boot of a stream. Quality: good, where a trusted clock was met within the boot;
// estimated, where one was met later, or a peer told the time; uncertain, where a clock says so that nothing
// vouches for.
struct BootOffset {
  StreamId stream;
  std::uint32_t boot = 0;
  Ticks ticks = 0;
  Quality quality = Quality::kGood;
  Dot record;
  friend bool operator==(const BootOffset&, const BootOffset&) = default;
};
// Whether `a` counts rather than `b`, which is about the same boot: the better quality, then the earlier dot.
bool goes_before(const BootOffset& a, const BootOffset& b);

// The offsets of one stream.
class BootOffsets {
 public:
  BootOffsets() = default;
  // One a boot, by number.
  explicit BootOffsets(std::vector<BootOffset> all) : all_(std::move(all)) {}

  [[nodiscard]] const std::vector<BootOffset>& all() const { return all_; }
  // Null: none is known.
  [[nodiscard]] const BootOffset* find(std::uint32_t boot) const;

  // Whether an event of the span may lie in [from, to]; has its latest possible time; has one, whichever it
  // is.
  [[nodiscard]] bool may_place(const BootSpan& span, Ticks from, Ticks to) const;
  [[nodiscard]] std::optional<Ticks> latest(const BootSpan& span) const;
  [[nodiscard]] bool places_all(const BootSpan& span) const;

 private:
  std::vector<BootOffset> all_;
};

// UTC of `ticks` counted from that boot; nullopt beyond the range of Ticks.
std::optional<Ticks> placed(const BootOffset& offset, Ticks ticks);

// What the records in a block of `stream` say, which begins with dot `first`; `refused` counts readings of
// their series that are none. A block without that series costs a look at `summary`.
Result<std::vector<BootOffset>> offsets_in(const StreamId& stream, Seq first, ByteView block,
                                           const BlockSummary& summary, std::uint64_t& refused);

}  // namespace deltamesh
