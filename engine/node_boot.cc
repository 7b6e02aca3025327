// engine/node_boot.cc - events that bring no time of their own, and the records that give it to them later.
//
// While nothing vouches for the clock they are counted from the boot of the machine. Once the time is known,
// one record for each stream and boot says when that boot was: exactly for the present one; for earlier ones
// that never met a clock, that they ended no later than the next one began.
#include <algorithm>
#include <limits>
#include <tuple>
#include <utility>

#include "engine/iso_time.h"
#include "engine/node.h"

namespace deltamesh {
namespace {

using Micros = std::chrono::microseconds;

// The tick in which `time` lies.
Ticks ticks_of(Micros time, Resolution resolution) {
  const Ticks per_second = ticks_per_second(resolution);
  if (per_second >= 1'000'000) {
    constexpr Ticks kMax = std::numeric_limits<Ticks>::max();
    const Ticks scale = per_second / 1'000'000;
    return std::clamp<Ticks>(time.count(), -kMax / scale, kMax / scale) * scale;
  }
  const Ticks step = 1'000'000 / per_second;
  return time.count() / step - (time.count() % step < 0 ? 1 : 0);
}

// Records of peers may say anything: within half of the range, so that the time that a machine was up can be
// added.
Micros micros_of(Ticks ticks, Resolution resolution) {
  constexpr Ticks kMax = std::numeric_limits<Ticks>::max() / 2;
  const Ticks per_second = ticks_per_second(resolution);
  if (per_second >= 1'000'000)
    return Micros(std::clamp<Ticks>(ticks / (per_second / 1'000'000), -kMax, kMax));
  const Ticks step = 1'000'000 / per_second;
  return Micros(std::clamp<Ticks>(ticks, -kMax / step, kMax / step) * step);
}

// What rows say beyond that is not believed: a hundred thousand years.
constexpr Micros kUpMax = Micros::max() / 4;

// Not before what Micros hold, however many boots are counted back.
Micros before(Micros time, Micros span) {
  return std::max(time, -Micros::max() / 2) - span;
}

// Whether a trusted clock has said when a boot was.
template <class Start>
bool is_sure(const std::optional<Start>& start) {
  return start && start->quality == Quality::kGood;
}

const BootOffset* find_offset(const std::vector<BootOffset>& sorted, const OwnBoot& boot) {
  const auto of = [](const BootOffset& one) { return std::tie(one.stream, one.boot); };
  const auto at =
      std::lower_bound(sorted.begin(), sorted.end(), std::tie(boot.stream, boot.number),
                       [&of](const BootOffset& one, const auto& value) { return of(one) < value; });
  return at == sorted.end() || of(*at) != std::tie(boot.stream, boot.number) ? nullptr : &*at;
}

}  // namespace

// --- What is known at the start --------------------------------------------------------------------------

void Node::load_boots(std::vector<OwnBoot> boots, const std::vector<BootOffset>& offsets) {
  offsets_known_ = offsets.size();
  for (const BootOffset& offset : offsets) intern(offset.stream);
  if (!boots.empty()) last_boot_place_ = boots.back().place;
  std::erase_if(boots, [this](const OwnBoot& boot) { return !is_written_here(boot.stream); });
  const auto first = boots.size() - std::min(boots.size(), limits::kOwnBootsMax);
  for (std::size_t i = first; i < boots.size(); ++i) {
    KnownBoot known{std::move(boots[i])};
    known.boot.up_max = std::clamp(known.boot.up_max, Micros::zero(), kUpMax);
    const BootOffset* const offset = find_offset(offsets, known.boot);
    if (offset != nullptr)
      known.start = BootStart{micros_of(offset->ticks, resolution(known.boot.stream)), offset->quality};
    const bool is_now = known.boot.id == config_.boot;
    if (is_now && is_sure(known.start)) boot_began_ = known.start->at;
    if (is_now) boot_opened_ = Micros::zero();
    own_boots_.push_back(std::move(known));
  }
  count_boots();
  if (some_boot_waits()) boots_look_at_ = Micros::zero();
}

// In one of its lives, as the settings are now.
bool Node::is_written_here(const StreamId& stream) const {
  const auto own = own_.find(stream.dataset);
  if (own == own_.end() || is_map(own->second.ix)) return false;
  StreamId present = streams_[own->second.ix];
  present.incarnation = stream.incarnation;
  return present == stream;
}

Resolution Node::resolution(const StreamId& stream) const {
  const DatasetConfig* const config = dataset(stream.dataset);
  return config == nullptr ? Resolution::kMilliseconds : config->resolution;
}

Node::KnownBoot* Node::boot_at(std::uint64_t place) {
  const auto at =
      std::lower_bound(own_boots_.begin(), own_boots_.end(), place,
                       [](const KnownBoot& one, std::uint64_t value) { return one.boot.place < value; });
  return at == own_boots_.end() || at->boot.place != place ? nullptr : &*at;
}

// --- Events without a time -------------------------------------------------------------------------------

void Node::set_time(OwnStream& own, Event& event, Micros taken, Instant now) {
  if (!boot_opened_) boot_opened_ = now.up;
  const Micros age = std::max(now.steady - taken, Micros::zero());
  const Resolution resolution = this->resolution(streams_[own.ix]);
  if (wall_time(now).trusted) {
    event.time = ticks_of(now.wall - age, resolution);
    event.boot = 0;
    return;
  }
  const Micros up = std::max(now.up - age, Micros::zero());
  event.time = ticks_of(up, resolution);
  ++counters_.events_from_boot;
  KnownBoot* const known = own_boot(own, now);
  // There have been more boots than can be told apart: it stays without a place.
  event.boot = known == nullptr ? limits::kBootsPerStreamMax + 1 : known->boot.number;
  if (known == nullptr) return;
  known->boot.up_max = std::max(known->boot.up_max, std::min(up, kUpMax));
  unstored_boots_.insert(known->boot.place);
  if (!boots_look_at_ && !is_sure(known->start)) boots_look_at_ = now.steady;
}

// The present boot as `own` counts from it; null if it cannot have a number.
Node::KnownBoot* Node::own_boot(OwnStream& own, Instant now) {
  KnownBoot* known = boot_at(own.boot);
  if (known == nullptr) {
    const auto is_it = [&](const KnownBoot& one) {
      return one.boot.stream == streams_[own.ix] && one.boot.id == config_.boot;
    };
    const auto found = std::find_if(own_boots_.rbegin(), own_boots_.rend(), is_it);
    if (found == own_boots_.rend()) return begin_boot(own);
    known = &*found;
    own.boot = known->boot.place;
  }
  if (!clock_was_set(*known, now)) return known;
  KnownBoot* const begun = begin_boot(own);
  return begun == nullptr ? known : begun;
}

// By somebody of whom the system does not know: what the clock says from here on, another record must say.
bool Node::clock_was_set(const KnownBoot& known, Instant now) const {
  if (!known.start || known.start->quality != Quality::kUncertain) return false;
  const auto start = present_start(now);
  return start && start->quality == Quality::kUncertain &&
         std::chrono::abs(start->at - known.start->at) > limits::kBootClockSet;
}

// Numbers count the boots within the incarnation, and of each the times that its clock was set.
Node::KnownBoot* Node::begin_boot(OwnStream& own) {
  const StreamId& stream = streams_[own.ix];
  std::uint32_t number = 1;
  for (const auto& [boot, start] : own_boots_) {
    if (boot.stream.incarnation != identity_.incarnation) continue;
    const bool is_shared = boot.id == config_.boot && boot.stream != stream;
    number = std::max(number, boot.number + (is_shared ? 0 : 1));
  }
  if (number > limits::kBootsPerStreamMax || last_boot_place_ >= limits::kSeqMax) return nullptr;
  own.boot = ++last_boot_place_;
  own_boots_.push_back({{own.boot, stream, number, config_.boot, Micros::zero()}});
  if (own_boots_.size() > limits::kOwnBootsMax) own_boots_.erase(own_boots_.begin());
  count_boots();
  return &own_boots_.back();
}

// The rows of boots go with the events that are counted from them.
void Node::take_boots(InFlight& batch) {
  batch.own_boots.merge(unstored_boots_);
}

// --- Records ---------------------------------------------------------------------------------------------

void Node::check_boots(Instant now) {
  if (!boot_opened_) boot_opened_ = now.up;
  if (wall_time(now).trusted) {
    if (boots_look_at_ && !boot_began_) boots_look_at_ = now.steady;
    boot_began_ = now.wall - now.up;
  }
  if (!boots_look_at_ || boots_in_flight_ || now.steady < *boots_look_at_) return;
  const auto starts = this->starts(now);
  for (std::size_t i = 0; i < own_boots_.size(); ++i) {
    const auto& known = own_boots_[i].start;
    if (!starts[i] || (known && known->quality <= starts[i]->quality)) continue;
    boots_in_flight_ |= tell_boot(own_boots_[i], *starts[i]);
  }
  if (boots_in_flight_) gather(now.steady + config_.commit_interval);
  boots_look_at_.reset();
  if (!boot_began_ && some_boot_waits()) boots_look_at_ = now.steady + limits::kBootLook;
}

bool Node::some_boot_waits() const {
  return std::any_of(own_boots_.begin(), own_boots_.end(),
                     [](const KnownBoot& one) { return !is_sure(one.start); });
}

// Of the present boot, by the best clock that there is.
std::optional<Node::BootStart> Node::present_start(Instant now) const {
  if (boot_began_) return BootStart{*boot_began_, Quality::kGood};
  const WallTime wall = wall_time(now);
  if (wall.known) return BootStart{wall.at - now.up, Quality::kEstimated};
  const bool is_plausible = config_.clock == ClockTrust::kAuto && now.wall >= config_.clock_floor &&
                            config_.clock_floor.count() > 0;
  return is_plausible ? std::optional(BootStart{now.wall - now.up, Quality::kUncertain}) : std::nullopt;
}

// By place in own_boots_, latest first. A boot that met no trusted clock ended no later than the next one
// began, and than this machine had the store; what its own clock said counts within that, and not before the
// last time that was sure.
std::vector<std::optional<Node::BootStart>> Node::starts(Instant now) const {
  std::vector<std::optional<BootStart>> all(own_boots_.size());
  const std::vector<Micros> sure = sure_times();
  const Micros opened = boot_opened_.value_or(now.up);
  std::optional<Micros> next = boot_began_;
  if (next) *next += opened;
  for (std::size_t end = own_boots_.size(); end > 0;) {
    std::size_t begin = end - 1;
    while (begin > 0 && own_boots_[begin - 1].boot.id == own_boots_[begin].boot.id) --begin;
    const bool is_now = own_boots_[begin].boot.id == config_.boot;
    const std::optional<BootStart> start =
        is_now ? present_start(now) : group_start(begin, end, next, sure[begin]);
    if (start && start->quality < Quality::kUncertain) next = start->at + (is_now ? opened : Micros::zero());
    std::fill(all.begin() + static_cast<std::ptrdiff_t>(begin),
              all.begin() + static_cast<std::ptrdiff_t>(end), start);
    end = begin;
  }
  return all;
}

// Of an earlier boot, that of own_boots_[begin] up to [end), if the next one began at `next`.
std::optional<Node::BootStart> Node::group_start(std::size_t begin, std::size_t end,
                                                 std::optional<Micros> next, Micros sure) const {
  std::optional<BootStart> best;
  Micros up = Micros::zero();
  for (std::size_t i = begin; i < end; ++i) {
    const auto& start = own_boots_[i].start;
    if (start && (!best || start->quality < best->quality)) best = start;
    up = std::max(up, own_boots_[i].boot.up_max);
  }
  if (!next || (best && best->quality < Quality::kUncertain)) return best;
  const Micros latest = before(*next, up), earliest = std::min(latest, sure);
  return BootStart{best ? std::clamp(best->at, earliest, latest) : latest, Quality::kEstimated};
}

// By place in own_boots_: the last time before that boot that a trusted clock has shown.
std::vector<Node::Micros> Node::sure_times() const {
  std::vector<Micros> sure{config_.clock_floor};
  for (const auto& [boot, start] : own_boots_) {
    sure.push_back(is_sure(start) ? std::max(sure.back(), start->at + boot.up_max) : sure.back());
  }
  return sure;
}

// Its time is the end of what it places. False if there is no stream to write it in.
bool Node::tell_boot(const KnownBoot& known, const BootStart& start) {
  const auto own = own_.find(known.boot.stream.dataset);
  if (own == own_.end()) return false;
  const Resolution resolution = this->resolution(known.boot.stream);
  const Ticks ticks = ticks_of(start.at, resolution);
  Event event{ticks_of(start.at + known.boot.up_max, resolution), 0, start.quality, std::nullopt, {}};
  event.readings.push_back(
      {kBootSeries, encode(BootRecord{known.boot.stream.incarnation, known.boot.number, ticks})});
  const Dot dot{streams_[own->second.ix], own->second.next++};
  gathered_.offsets.push_back({known.boot.stream, known.boot.number, ticks, start.quality, dot});
  gathered_.tells_boots = true;
  constexpr std::size_t kBytes = 4 * sizeof(std::uint64_t);  // About; released as those of writes are.
  pending_write_bytes_ += kBytes;
  own->second.open.add(std::move(event), kBytes);
  if (own->second.open.complete()) close_block(own->second);
  return true;
}

// --- From peers, and durable -----------------------------------------------------------------------------

std::vector<BootOffset> Node::learn_offsets(StreamIx ix, const message::Delta& delta,
                                            const BlockSummary& summary) {
  auto found = offsets_in(streams_[ix], delta.first, delta.block, summary, counters_.offsets_refused);
  if (!found.ok()) return {};
  std::erase_if(*found, [this](const BootOffset& offset) {
    const bool refused = !may_learn(offset);
    counters_.offsets_refused += refused ? 1 : 0;
    return refused;
  });
  offsets_known_ += found->size();
  return *std::move(found);
}

// The boots that records name are of streams that may not have been heard of yet. Of our present one only
// we say when it was.
bool Node::may_learn(const BootOffset& offset) {
  if (offsets_known_ >= limits::kBootOffsetsMax) return false;
  if (is_own(offset.stream) && !is_own(offset.record.stream)) return false;
  return intern_remote(offset.stream).ok();
}

void Node::offsets_durable(const InFlight& batch) {
  counters_.offsets_learnt += batch.offsets.size();
  if (batch.tells_boots) boots_in_flight_ = false;
  for (const BootOffset& offset : batch.offsets) {
    for (auto& [boot, start] : own_boots_) {
      if (boot.stream != offset.stream || boot.number != offset.boot) continue;
      if (start && start->quality <= offset.quality) continue;
      start = BootStart{micros_of(offset.ticks, resolution(boot.stream)), offset.quality};
    }
  }
  if (!batch.offsets.empty()) count_boots();
}

void Node::offsets_failed(const InFlight& batch, Instant now) {
  for (const std::uint64_t place : batch.own_boots) unstored_boots_.insert(place);
  if (!batch.tells_boots) return;
  boots_in_flight_ = false;
  boots_look_at_ = now.steady + limits::kFailedRetry;
}

void Node::count_boots() {
  counters_.boots_without_offset = static_cast<std::uint64_t>(
      std::count_if(own_boots_.begin(), own_boots_.end(), [](const KnownBoot& one) { return !one.start; }));
}

}  // namespace deltamesh
