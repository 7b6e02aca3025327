// engine/batch_rules.cc - the checks on a batch that both stores share.
#include "engine/batch_rules.h"

#include <algorithm>

#include "engine/limits.h"

namespace deltamesh {
namespace {

Error invalid(std::string text) {
  return {ErrorCode::kInvalid, std::move(text)};
}

bool is_span(const BootSpan& span) {
  return span.boot_min > 0 && span.boot_min <= span.boot_max && span.ticks_min <= span.ticks_max;
}

Status check_block(const StoredBlock& block) {
  if (block.first == 0 || block.events == 0)
    return invalid("a block without events in " + describe(block.stream));
  if (block.first > limits::kSeqMax - block.events)
    return invalid("a block beyond the largest number in " + describe(block.stream));
  if (!block.bytes || block.bytes->empty())
    return invalid("a block without bytes in " + describe(block.stream, block.interval()));
  if (block.has_utc && block.time_min > block.time_max)
    return invalid("a block that ends before it starts in " + describe(block.stream, block.interval()));
  if (block.boots && !is_span(*block.boots))
    return invalid("a block of boots that are none in " + describe(block.stream, block.interval()));
  return Done{};
}

Status check_offset(const BootOffset& offset) {
  if (offset.boot > 0 && offset.boot <= limits::kBootsPerStreamMax && offset.quality <= Quality::kUncertain)
    return Done{};
  return invalid("the offset of a boot that may have none, in " + describe(offset.stream));
}

Status check_own_boot(const OwnBoot& boot) {
  if (boot.place > 0 && boot.place <= limits::kSeqMax && boot.number > 0) return Done{};
  return invalid("a boot without a number in " + describe(boot.stream));
}

Status check_declaration(const StreamSeries& series) {
  if (series.decl.number == kBootSeries) return invalid("a name for the series of records");
  if (!valid_series_name(series.decl.name)) return invalid("a series name that is not valid");
  if (series.decl.unit.size() > limits::kUnitBytesMax) return invalid("a unit of more bytes than allowed");
  if (series.decl.type > ValueType::kBytes) return invalid("a series of unknown type");
  return Done{};
}

Status check_entry(const MapWrite& write) {
  const MapEntry& entry = write.entry;
  if (entry.key.size() > limits::kMapEntry.key_bytes_max)
    return invalid("a map key of more bytes than allowed");
  if (entry.value.size() > limits::kMapEntry.value_bytes_max)
    return invalid("a map value of more bytes than allowed under key " + entry.key);
  if (entry.tombstone && !entry.value.empty())
    return invalid("a tombstone with a value under key " + entry.key);
  if (entry.past.others.size() > limits::kMapEntry.past_max)
    return invalid("a map entry with a past of more writes than allowed under key " + entry.key);
  if (entry.version.dot.seq == 0 || entry.version.dot.seq > limits::kSeqMax)
    return invalid("a map entry without a number under key " + entry.key);
  if (entry.version.dot.stream.dataset != write.dataset)
    return invalid("a map entry of another dataset under key " + entry.key);
  return Done{};
}

Status check_given_up(const GivenUp& given_up) {
  const Interval dots = given_up.dots;
  if (dots.first > 0 && dots.first <= dots.last && dots.last <= limits::kSeqMax) return Done{};
  return invalid("dots to give up that are none, in " + describe(given_up.stream));
}

template <class Items, class Check>
Status check_each(const Items& items, Check check) {
  for (const auto& item : items) {
    if (Status status = check(item); !status) return status;
  }
  return Done{};
}

bool too_many_intervals(const StreamKnowledge& known) {
  const auto exceeds = [](const IntervalSet& set) { return set.intervals().size() > limits::kIntervalsMax; };
  return exceeds(known.held()) || exceeds(known.dropped()) || exceeds(known.voided()) ||
         exceeds(known.lost());
}

Status check_floor(const StoredFloor& stored) {
  for (const Knowledge::Entry& entry : stored.floor.collected.entries()) {
    if (entry.stream.dataset != stored.dataset) return invalid("the floor of a map with dots of another one");
    if (too_many_intervals(entry.known))
      return Error{ErrorCode::kLimit,
                   "more than " + std::to_string(limits::kIntervalsMax) + " gaps in the floor of a map"};
  }
  return Done{};
}

// The stream's state in `change`, copied there from `known` at the first touch.
StreamKnowledge& touched(KnowledgeChange& change, const Knowledge& known, const StreamId& stream) {
  const auto [at, is_new] = change.try_emplace(stream);
  if (const StreamKnowledge* before = is_new ? known.find(stream) : nullptr) at->second = *before;
  return at->second;
}

void drop_held(KnowledgeChange& change, const Knowledge& known, DatasetId dataset) {
  for (const Knowledge::Entry& entry : known.entries()) {
    if (entry.stream.dataset != dataset) continue;
    touched(change, known, entry.stream).drop(entry.known.held());
  }
}

}  // namespace

Status check_batch(const Batch& batch) {
  if (Status status = check_each(batch.given_up, check_given_up); !status) return status;
  if (Status status = check_each(batch.blocks, check_block); !status) return status;
  if (Status status = check_each(batch.rewritten, check_block); !status) return status;
  if (Status status = check_each(batch.merged, check_block); !status) return status;
  if (batch.obeyed && !batch.obeyed->empty() && batch.obeyed->size() != 16)
    return invalid("a digest of rules that is none");
  if (Status status = check_each(batch.declarations, check_declaration); !status) return status;
  if (Status status = check_each(batch.offsets, check_offset); !status) return status;
  if (Status status = check_each(batch.own_boots, check_own_boot); !status) return status;
  if (Status status = check_each(batch.entries, check_entry); !status) return status;
  if (Status status = check_each(batch.pruning.surfaced, check_entry); !status) return status;
  return check_each(batch.pruning.floors, check_floor);
}

bool erase_write(std::vector<MapEntry>& writes, const MapErasure& erasure) {
  const auto is = [&](const MapEntry& write) { return write.version.dot == erasure.dot; };
  const auto at = std::find_if(writes.begin(), writes.end(), is);
  const bool hides = at == writes.begin() && writes.size() > 1;
  if (at == writes.end() || (erasure.unless_hiding && hides)) return false;
  writes.erase(at);
  return true;
}

Error across_block(const GivenUp& given_up) {
  return invalid("a block lies across an end of what is given up in " +
                 describe(given_up.stream, given_up.dots));
}

Knowledge ended_streams(const Knowledge& known, const Identity& writer) {
  Knowledge ended;
  for (const auto& [stream, before] : known.entries()) {
    if (!writes(writer, stream)) continue;
    StreamKnowledge& after = ended.at(stream);
    after = before;
    after.declare_void(before.missing());
    if (before.settled() > 0) after.close();
  }
  return ended;
}

Result<KnowledgeChange> knowledge_after(const Knowledge& known, const Batch& batch) {
  KnowledgeChange change;
  for (const GivenUp& given_up : batch.given_up) {
    StreamKnowledge& stream = touched(change, known, given_up.stream);
    given_up.wanted ? stream.miss(given_up.dots) : stream.drop(given_up.dots);
  }
  for (const DatasetId dataset : batch.pruning.forgotten) drop_held(change, known, dataset);
  for (const StoredBlock& block : batch.blocks) {
    StreamKnowledge& stream = touched(change, known, block.stream);
    if (stream.held().intersects(block.interval()))
      return invalid("a block overlaps what is held in " + describe(block.stream, block.interval()));
    stream.hold(block.interval());
  }
  for (const Knowledge::Entry& entry : batch.knowledge)
    touched(change, known, entry.stream).join(entry.known);
  for (const auto& [stream, after] : change) {
    if (too_many_intervals(after))
      return Error{ErrorCode::kLimit,
                   "more than " + std::to_string(limits::kIntervalsMax) + " gaps in " + describe(stream)};
  }
  return change;
}

std::string describe(const StreamId& stream) {
  return "the stream of dataset " + std::to_string(static_cast<std::uint64_t>(stream.dataset)) + ", class " +
         std::to_string(static_cast<unsigned>(stream.cls)) + ", node " + hex(stream.node.bytes) +
         ", incarnation " + hex(stream.incarnation.bytes);
}

std::string describe(const StreamId& stream, Interval dots) {
  return describe(stream) + ", dots " + std::to_string(dots.first) + " to " + std::to_string(dots.last);
}

}  // namespace deltamesh
