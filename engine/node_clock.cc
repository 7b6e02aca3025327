// engine/node_clock.cc - what time it is, and stamps that run ahead of it.
//
// The time is known if something vouches for this machine's clock, or a peer has told it. Stamps of this node
// that run ahead of it are forgotten, and what it wrote with them is written anew at the next epoch, so that
// others need not overrule it.
#include <algorithm>
#include <limits>
#include <utility>

#include "crdt/map_conflict.h"
#include "engine/node.h"

namespace deltamesh {
namespace {

using std::chrono::duration_cast;
using std::chrono::milliseconds;

// No honest clock shows a time that is later than that after this program was built.
constexpr std::chrono::hours kLifeOfBuild{100 * 365 * 24};

bool is_ahead(HlcStamp stamp, milliseconds time) {
  return stamp.time() > time + HybridClock::kAheadMax;
}

}  // namespace

Node::WallTime Node::wall_time(Instant now) const {
  const auto shown = duration_cast<milliseconds>(now.wall);
  const bool vouched =
      config_.clock == ClockTrust::kAuto ? now.trusted : config_.clock == ClockTrust::kTrusted;
  if (vouched && shown >= config_.clock_floor) return {shown, true, true};
  if (!told_time_) return {std::max(shown, config_.clock_floor), false, false};
  return {told_time_->time + duration_cast<milliseconds>(now.steady - told_time_->at), false, true};
}

void Node::stamp(DatasetId dataset, MapEntry& entry, const WallTime& wall) {
  OwnStream& own = own_.at(dataset);
  entry.version = {0, clock_.now(wall.at), {streams_[own.ix], own.next++}};
  entry.untrusted = !wall.trusted;
}

// A node that does not know the time takes it from those that do. Who has written the entry is told if it is
// the one that sent it: others cannot mend it.
void Node::note_stamp(Session& session, const MapEntry& entry, const WallTime& wall) {
  const HlcStamp stamp = entry.version.stamp;
  if (!wall.known && !entry.untrusted && stamp.time() < config_.clock_floor + kLifeOfBuild)
    clock_.adopt(stamp);
  if (clock_.observe(stamp, wall.at) || !wall.trusted) return;
  ++counters_.stamps_ahead;
  const bool is_author = entry.version.dot.stream.node == session.remote.node;
  if (!is_author || std::exchange(session.told_ahead, true)) return;
  ++counters_.clock_ahead_told;
  note(Note::Level::kWarning, "the peer's clock is ahead of ours", session.peer);
  send(session, message::ClockAhead{wall.at});
}

// Believed for what it tells us of our own stamps, by who has no better clock, and not often.
void Node::receive(const message::ClockAhead& ahead, PeerId peer, Instant now) {
  const bool is_fresh = told_time_ && now.steady < told_time_->at + limits::kClockToldInterval;
  if (wall_time(now).trusted || is_fresh || ahead.time < config_.clock_floor) return;
  if (!is_ahead(clock_.last(), ahead.time)) return;
  ++counters_.clock_ahead_heard;
  note(Note::Level::kWarning, "our clock is ahead; the time is taken from the peer", peer);
  told_time_ = ToldTime{ahead.time, now.steady};
}

// A keeper raises a floor to a time that is long past.
bool Node::is_believed(HlcStamp floor, Instant now) const {
  const WallTime wall = wall_time(now);
  return floor.time() < config_.clock_floor + kLifeOfBuild && !(wall.trusted && is_ahead(floor, wall.at));
}

// What is written here from now on is later than what was removed and is forgotten.
void Node::rise_above(HlcStamp floor, Instant now) {
  const WallTime wall = wall_time(now);
  if (wall.known) {
    clock_.observe(floor, wall.at);
  } else {
    clock_.adopt(floor);
  }
}

void Node::check_clock(Instant now) {
  const WallTime wall = wall_time(now);
  if (!wall.known) return;
  if (clock_.set_back(wall.at)) {
    ++counters_.clock_set_back;
    note(Note::Level::kWarning, "the clock was ahead: its stamps are set back, and entries written anew");
    mend_from_ = MendPlace{};
  }
  if (mend_from_) mend_entries(wall, now);
}

void Node::mend_entries(const WallTime& wall, Instant now) {
  std::size_t left = limits::kMendAtOnce;
  for (auto map = maps_.lower_bound(mend_from_->dataset); map != maps_.end(); ++map) {
    if (map->first != mend_from_->dataset) mend_from_ = MendPlace{map->first, {}};
    if (!mend_map(map->first, wall, left)) return gather(now.steady);
  }
  mend_from_.reset();
  if (left < limits::kMendAtOnce) gather(now.steady + config_.commit_interval);
}

// False if it has to go on from mend_from_ once what was written is durable.
bool Node::mend_map(DatasetId dataset, const WallTime& wall, std::size_t& left) {
  const auto& entries = maps_.at(dataset).entries();
  for (auto at = entries.lower_bound(mend_from_->key); at != entries.end(); ++at) {
    const MapEntry& old = at->second;
    if (!must_mend(old, wall)) continue;
    mend_from_->key = old.key;
    if (left == 0 || !check_pending(old.key.size() + old.value.size())) return false;
    // Nobody has decided anything: the conflicts of the key stay, and so does the doubt when it was written.
    MapEntry entry{old.key, {}, old.tombstone, old.value, false, {}};
    stamp(dataset, entry, wall);
    entry.untrusted = true;
    const MapEntry* const seen[] = {&old};
    follow(entry, seen, limits::kMapPastMax);
    take_entry(dataset, std::move(entry));
    ++counters_.entries_mended;
    --left;
  }
  return true;
}

// What is on its way to the disk has seen the entry, and overrules it.
bool Node::must_mend(const MapEntry& entry, const WallTime& wall) const {
  return entry.version.dot.stream.node == identity_.node && is_ahead(entry.version.stamp, wall.at) &&
         entry.version.epoch < std::numeric_limits<std::uint32_t>::max() &&
         !own_.at(entry.version.dot.stream.dataset).unsettled.contains(entry.key);
}

}  // namespace deltamesh
