// engine/retention.cc - turns of streams, and room for batches.
#include "engine/retention.h"

#include <algorithm>

namespace deltamesh {
namespace {

// Short of that much room, it is better kept for what is new.
std::uint64_t nearly(std::uint64_t bytes_max) {
  return bytes_max - bytes_max / limits::kRoomForNew;
}

const TierConfig* tier_named(const std::vector<TierConfig>& tiers, const std::string& name) {
  const auto at =
      std::find_if(tiers.begin(), tiers.end(), [&](const auto& tier) { return tier.name == name; });
  return at == tiers.end() ? nullptr : &*at;
}

}  // namespace

Retention::Retention(const NodeConfig& config, const StoreReader& reader, const StreamTable& streams,
                     const Knowledge& knowledge, const TierAcks& acks)
    : config_(config), reader_(reader), streams_(streams), knowledge_(knowledge), acks_(acks) {
  is_bounded_ = config_.store_bytes_max > 0;
  for (const DatasetConfig& one : config_.datasets) {
    if (one.kind != DatasetKind::kTelemetry) continue;
    datasets_.emplace(dataset_id(one.name), Dataset{&one, tier_named(config_.tiers, one.keep_until), {}, 0});
    is_bounded_ = is_bounded_ || one.keep_for.count() > 0 || one.keep_bytes > 0;
  }
}

// --- Making room -----------------------------------------------------------------------------------------

Status Retention::make_room(Plan& plan) {
  for (const auto& [id, grows] : plan.bytes) {
    const auto at = datasets_.find(id);
    if (at == datasets_.end() || grows <= 0) continue;
    at->second.bytes += static_cast<std::uint64_t>(grows);
    plan.space += limits::kRoomTimes * grows;
    in_flight_ += limits::kRoomTimes * grows;
  }
  if (Status loaded = load(); !loaded.ok()) return loaded;
  for (auto& [id, dataset] : datasets_) {
    if (Status made = make_room_in(dataset, plan); !made.ok()) return made;
  }
  return config_.store_bytes_max == 0 ? Done{} : make_room_in_store(plan);
}

Status Retention::make_room_in(const Dataset& dataset, Plan& plan) {
  const std::uint64_t bytes_max = dataset.config->keep_bytes;
  while (bytes_max > 0 && dataset.bytes > bytes_max && !dataset.turns.empty()) {
    if (Status given = give_up_first(plan, dataset.turns); !given.ok()) return given;
  }
  return Done{};
}

Status Retention::make_room_in_store(Plan& plan) {
  const auto used = reader_.bytes_used();
  if (!used.ok()) return used.error();
  const auto room = [&](std::uint64_t bytes_max) {
    return static_cast<std::int64_t>(bytes_max) - static_cast<std::int64_t>(*used) - in_flight_;
  };
  is_full_ = room(nearly(config_.store_bytes_max)) <= 0;
  while (room(config_.store_bytes_max) < 0) {
    const std::set<Turn>* const turns = next_turns();
    if (turns == nullptr) break;
    if (Status given = give_up_first(plan, *turns); !given.ok()) return given;
  }
  return Done{};
}

Status Retention::give_up_old(Plan& plan, std::chrono::seconds alive) {
  if (Status loaded = load(); !loaded.ok()) return loaded;
  std::size_t left = limits::kGiveUpMax;
  for (auto& [id, dataset] : datasets_) {
    const std::chrono::seconds keep_for = dataset.config->keep_for;
    if (keep_for.count() == 0 || alive < keep_for) continue;
    const auto before = reader_.arrivals_before(alive - keep_for);
    if (!before.ok()) return before.error();
    for (; left > 0 && !dataset.turns.empty(); --left) {
      const Turn first = *dataset.turns.begin();
      if (first.awaited || first.arrival >= *before) break;
      if (Status given = give_up_first(plan, dataset.turns); !given.ok()) return given;
    }
  }
  return Done{};
}

Status Retention::give_up_first(Plan& plan, const std::set<Turn>& turns) {
  const StreamIx ix = turns.begin()->ix;
  const Dataset& dataset = *this->dataset(ix);
  const HeldBlock block = at(ix).lowest.front();
  if (IntervalSet lost = awaited(dataset, ix, block.dots); !lost.empty()) plan.unacknowledged[ix].join(lost);
  give_up(plan, ix, block.dots.last);
  return look_up(ix);
}

void Retention::give_up(Plan& plan, StreamIx ix, Seq upto) {
  Stream& stream = at(ix);
  Dataset& dataset = *this->dataset(ix);
  stream.floor = std::max(stream.floor, upto);
  plan.upto[ix] = std::max(plan.upto[ix], upto);
  leave_turn(ix);
  for (; !stream.lowest.empty() && stream.lowest.front().dots.last <= upto; stream.lowest.pop_front()) {
    const std::uint64_t bytes = stream.lowest.front().bytes + limits::kBlockRowBytes;
    plan.bytes[streams_[ix].dataset] -= static_cast<std::int64_t>(bytes);
    plan.space -= static_cast<std::int64_t>(bytes);
    in_flight_ -= static_cast<std::int64_t>(bytes);
    dataset.bytes -= std::min(dataset.bytes, bytes);
  }
  take_turn(ix);
}

void Retention::settled(const Plan& plan) {
  in_flight_ -= plan.space;
}

// What the plan gave up is there still, and goes when its turn comes again; unless a later batch gives up
// more of the same stream.
void Retention::failed(const Plan& plan, const std::vector<const Plan*>& later) {
  settled(plan);
  for (const auto& [id, grows] : plan.bytes) {
    if (const auto at = datasets_.find(id); at != datasets_.end())
      at->second.bytes = static_cast<std::uint64_t>(
          std::max<std::int64_t>(0, static_cast<std::int64_t>(at->second.bytes) - grows));
  }
  for (const auto& [ix, upto] : plan.upto) {
    const auto gives_up = [ix = ix](const Plan* other) { return other->upto.contains(ix); };
    if (std::any_of(later.begin(), later.end(), gives_up)) continue;
    at(ix).floor = 0;
    leave_turn(ix);
    at(ix).lowest.clear();
    static_cast<void>(look_up(ix));  // Else with the next block that is stored.
  }
}

// --- Turns -----------------------------------------------------------------------------------------------

Status Retention::load() {
  if (loaded_ || !is_bounded_) return Done{};
  std::map<DatasetId, std::uint64_t> bytes;
  for (const auto& [id, known] : knowledge_.entries()) {
    const auto ix = streams_.find(id);
    Dataset* const dataset = ix ? this->dataset(*ix) : nullptr;
    if (dataset == nullptr || known.held().empty()) continue;
    if (dataset->config->keep_bytes > 0) {
      const auto held = reader_.block_bytes(id);
      if (!held.ok()) return held.error();
      bytes[id.dataset] += *held;
    }
    if (Status looked = look_up(*ix); !looked.ok()) return looked;
  }
  for (const auto& [id, held] : bytes) datasets_.at(id).bytes += held;
  loaded_ = true;
  return Done{};
}

void Retention::stored(StreamIx ix, Interval dots) {
  if (!loaded_ || dataset(ix) == nullptr) return;
  Stream& stream = at(ix);
  if (!stream.lowest.empty() && dots.first > stream.lowest.back().dots.last) return;
  leave_turn(ix);
  stream.lowest.clear();
  static_cast<void>(look_up(ix));
}

void Retention::acknowledged(StreamIx ix) {
  if (!loaded_ || dataset(ix) == nullptr) return;
  leave_turn(ix);
  take_turn(ix);
}

// The next blocks of the stream above its floor, once those that were looked up before are given up.
Status Retention::look_up(StreamIx ix) {
  Stream& stream = at(ix);
  if (stream.lowest.empty()) {
    const auto blocks = reader_.held_blocks(streams_[ix], floor(ix) + 1, limits::kLowestBlocks);
    if (!blocks.ok()) return blocks.error();
    stream.lowest.assign(blocks->begin(), blocks->end());
  }
  leave_turn(ix);
  take_turn(ix);
  return Done{};
}

void Retention::take_turn(StreamIx ix) {
  Stream& stream = at(ix);
  if (stream.lowest.empty()) return;
  Dataset& dataset = *this->dataset(ix);
  const HeldBlock& block = stream.lowest.front();
  stream.turn = Turn{!awaited(dataset, ix, block.dots).empty(), block.arrival, ix};
  dataset.turns.insert(*stream.turn);
}

void Retention::leave_turn(StreamIx ix) {
  Stream& stream = at(ix);
  if (stream.turn) dataset(ix)->turns.erase(*stream.turn);
  stream.turn.reset();
}

IntervalSet Retention::awaited(const Dataset& dataset, StreamIx ix, Interval dots) const {
  if (dataset.tier == nullptr) return {};
  return acks_.awaited(*dataset.tier, streams_[ix], IntervalSet(dots));
}

// The dataset whose first turn comes before those of all others; null if nothing can be given up.
const std::set<Retention::Turn>* Retention::next_turns() const {
  const std::set<Turn>* next = nullptr;
  for (const auto& [id, dataset] : datasets_) {
    if (dataset.turns.empty()) continue;
    if (next == nullptr || *dataset.turns.begin() < *next->begin()) next = &dataset.turns;
  }
  return next;
}

Retention::Stream& Retention::at(StreamIx ix) {
  if (by_ix_.size() <= ix) by_ix_.resize(ix + 1);
  return by_ix_[ix];
}

Retention::Dataset* Retention::dataset(StreamIx ix) {
  const auto at = datasets_.find(streams_[ix].dataset);
  return at == datasets_.end() ? nullptr : &at->second;
}

// --- What is not wanted ----------------------------------------------------------------------------------

Seq Retention::floor(StreamIx ix) const {
  const Seq planned = ix < by_ix_.size() ? by_ix_[ix].floor : 0;
  const StreamKnowledge* const known = knowledge_.find(streams_[ix]);
  const auto dropped = known == nullptr ? std::nullopt : known->dropped().run_at(1);
  return std::max(planned, dropped ? dropped->last : 0);
}

bool Retention::refuses(StreamIx ix, Interval dots) const {
  const auto at = datasets_.find(streams_[ix].dataset);
  const StreamKnowledge* const known = knowledge_.find(streams_[ix]);
  if (!loaded_ || at == datasets_.end() || known == nullptr || known->held().empty()) return false;
  if (known->held().intervals().front().first <= dots.last) return false;
  const std::uint64_t keep_bytes = at->second.config->keep_bytes;
  return is_full_ || (keep_bytes > 0 && at->second.bytes >= nearly(keep_bytes));
}

}  // namespace deltamesh
