// crdt/map_conflict.cc - who had seen whom.
#include "crdt/map_conflict.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace deltamesh {
namespace {

bool has_seen(const MapEntry& writer, const SeenWrite& write) {
  const auto is = [&write](const SeenWrite& seen) {
    return seen.stream == write.stream && seen.seq >= write.seq;
  };
  const MapPast& past = writer.past;
  return std::any_of(past.others.begin(), past.others.end(), is) ||
         is({stream_hash(writer.version.dot.stream), writer.version.dot.seq});
}

SeenWrite named(const Dot& dot) {
  return {stream_hash(dot.stream), dot.seq};
}

// Up to where the stamps of trusted clocks say what the write has seen or overrules.
HlcStamp trusted_upto(const MapEntry& entry) {
  return entry.untrusted ? entry.past.trusted : std::max(entry.version.stamp, entry.past.trusted);
}

// A stamp that runs further ahead of the write's own may be of a clock that was wrong, whatever its writer
// thought: then that write is named instead.
bool is_believed(HlcStamp stamp, const MapEntry& write) {
  return stamp.time() <= write.version.stamp.time() + HybridClock::kAheadMax;
}

bool is_told_by_stamp(const MapEntry& entry, HlcStamp upto) {
  return !entry.untrusted && entry.version.stamp <= upto;
}

// What `loser` decided against must not come up again, so the winner has to have seen that, too.
bool overrules_by_time(const MapEntry& winner, const MapEntry& loser) {
  const auto seen = [&winner](const SeenWrite& write) { return has_seen(winner, write); };
  return is_told_by_stamp(loser, trusted_upto(winner)) &&
         std::all_of(loser.past.others.begin(), loser.past.others.end(), seen);
}

// Takes the entries out that the write overrules.
void take_overruled(const MapEntry& write, std::vector<MapEntry>& conflicts, std::vector<MapEntry>& dropped) {
  const auto stays = [&write](const MapEntry& entry) { return !overrules(write, entry); };
  const auto overruled = std::stable_partition(conflicts.begin(), conflicts.end(), stays);
  std::move(overruled, conflicts.end(), std::back_inserter(dropped));
  conflicts.erase(overruled, conflicts.end());
}

void insert(std::vector<MapEntry>& conflicts, MapEntry entry) {
  const auto at = std::upper_bound(conflicts.begin(), conflicts.end(), entry, wins);
  conflicts.insert(at, std::move(entry));
}

void note(std::vector<SeenWrite>& others, const SeenWrite& seen) {
  const auto of_stream = [&seen](const SeenWrite& other) { return other.stream == seen.stream; };
  const auto found = std::find_if(others.begin(), others.end(), of_stream);
  if (found == others.end()) return others.push_back(seen);
  found->seq = std::max(found->seq, seen.seq);
}

// What those before overruled by time, the write must overrule, too. None: its own stamp says it.
HlcStamp trusted_before(const MapEntry& write, std::span<const MapEntry* const> seen) {
  HlcStamp upto;
  for (const MapEntry* const entry : seen) {
    if (const HlcStamp told = trusted_upto(*entry); is_believed(told, write)) upto = std::max(upto, told);
  }
  return write.untrusted || upto > write.version.stamp ? upto : HlcStamp();
}

}  // namespace

bool overrules(const MapEntry& winner, const MapEntry& loser) {
  if (wins(loser, winner)) return false;
  return overrules_by_time(winner, loser) || has_seen(winner, named(loser.version.dot));
}

JoinedWrite join_write(MapEntry& latest, std::vector<MapEntry>& conflicts, const MapEntry& write,
                       std::size_t conflicts_max) {
  JoinedWrite joined;
  const auto overruled_by = [&write](const MapEntry& entry) { return overrules(entry, write); };
  if (overruled_by(latest) || std::any_of(conflicts.begin(), conflicts.end(), overruled_by)) return joined;
  take_overruled(write, conflicts, joined.dropped);
  joined.kept = true;
  joined.won = wins(write, latest);
  if (joined.won) {
    MapEntry before = std::exchange(latest, write);
    overrules(latest, before) ? joined.dropped.push_back(std::move(before))
                              : insert(conflicts, std::move(before));
  } else {
    insert(conflicts, write);
  }
  if (conflicts.size() <= conflicts_max) return joined;
  joined.kept = joined.won || conflicts.back().version != write.version;
  if (joined.kept) joined.dropped.push_back(std::move(conflicts.back()));
  conflicts.pop_back();
  return joined;
}

std::uint32_t epoch_over(const MapVersion& seen, HlcStamp stamp) {
  const bool is_last = seen.epoch == std::numeric_limits<std::uint32_t>::max();
  return stamp > seen.stamp || is_last ? seen.epoch : seen.epoch + 1;
}

void follow(MapEntry& write, std::span<const MapEntry* const> seen, std::size_t past_max) {
  write.past = {};
  write.past.trusted = trusted_before(write, seen);
  const HlcStamp upto = trusted_upto(write);
  auto& others = write.past.others;
  for (const MapEntry* const entry : seen) {
    write.version.epoch = std::max(write.version.epoch, epoch_over(entry->version, write.version.stamp));
    if (!is_told_by_stamp(*entry, upto)) note(others, named(entry->version.dot));
    for (const SeenWrite& other : entry->past.others) note(others, other);
  }
  // Who follows a write by an untrusted clock names it, and so the ones before it in its stream.
  if (write.untrusted) {
    const std::uint64_t own = stream_hash(write.version.dot.stream);
    std::erase_if(others, [own](const SeenWrite& other) { return other.stream == own; });
  }
  if (others.size() > past_max) others.resize(past_max);
}

}  // namespace deltamesh
