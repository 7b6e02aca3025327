// engine/retention.cc - turns of streams, and room for batches.
#include "engine/retention.h"

#include <algorithm>

namespace deltamesh {
namespace {

// Short of that much room, it is better kept for what is new.
std::int64_t nearly(std::uint64_t bytes_max) {
  return static_cast<std::int64_t>(bytes_max - bytes_max / limits::kRoomForNew);
}

const TierConfig* tier_named(const std::vector<TierConfig>& tiers, const std::string& name) {
  const auto at =
      std::find_if(tiers.begin(), tiers.end(), [&](const auto& tier) { return tier.name == name; });
  return at == tiers.end() ? nullptr : &*at;
}

// A plan that has given up this much has done its share.
bool is_enough(const Retention::Plan& plan, std::size_t blocks, std::int64_t bytes) {
  return blocks >= limits::kGiveUpMax && bytes >= 2 * limits::kRoomTimes * plan.brought;
}

}  // namespace

Retention::Retention(const RetentionSight& sight) : sight_(sight) {
  is_bounded_ = sight_.config.store_bytes_max > 0;
  for (const DatasetConfig& one : sight_.config.datasets) {
    if (one.kind != DatasetKind::kTelemetry) continue;
    datasets_.emplace(dataset_id(one.name),
                      Dataset{&one, tier_named(sight_.config.tiers, one.keep_until), {}, 0});
    is_bounded_ = is_bounded_ || one.keep_for.count() > 0 || one.keep_bytes > 0;
  }
}

// --- Making room -----------------------------------------------------------------------------------------

void Retention::bring(Plan& plan, const StoredBlock& block) {
  const auto bytes = static_cast<std::int64_t>(block.bytes->size());
  plan.bytes[block.stream.dataset] += bytes;
  if (const auto at = datasets_.find(block.stream.dataset); at != datasets_.end()) at->second.bytes += bytes;
  bring(plan, block.bytes->size() + limits::kBlockRowBytes);
}

void Retention::bring(Plan& plan, std::size_t bytes) {
  const std::int64_t space = limits::kRoomTimes * static_cast<std::int64_t>(bytes);
  plan.brought += static_cast<std::int64_t>(bytes);
  plan.space += space;
  in_flight_ += space;
}

Status Retention::make_room(Plan& plan) {
  if (Status loaded = load(); !loaded.ok()) return loaded;
  for (auto& [id, dataset] : datasets_) {
    if (Status made = make_room_in(dataset, plan); !made.ok()) return made;
  }
  return sight_.config.store_bytes_max == 0 ? Status(Done{}) : make_room_in_store(plan);
}

Status Retention::make_room_in(const Dataset& dataset, Plan& plan) {
  const auto bytes_max = static_cast<std::int64_t>(dataset.config->keep_bytes);
  if (bytes_max == 0) return Done{};
  const std::int64_t before = dataset.bytes;
  for (std::size_t blocks = 0; dataset.bytes > bytes_max && !dataset.turns.empty(); ++blocks) {
    if (is_enough(plan, blocks, before - dataset.bytes)) break;
    if (Status given = give_up_first(plan, dataset.turns); !given.ok()) return given;
  }
  return Done{};
}

Status Retention::make_room_in_store(Plan& plan) {
  const auto used = sight_.reader.bytes_used();
  if (!used.ok()) return used.error();
  const auto planned = [&] { return static_cast<std::int64_t>(*used) + in_flight_; };
  const auto bytes_max = static_cast<std::int64_t>(sight_.config.store_bytes_max);
  const std::int64_t before = planned();
  is_full_ = before >= nearly(sight_.config.store_bytes_max);
  for (std::size_t blocks = 0; planned() > bytes_max; ++blocks) {
    const std::set<Turn>* const turns = next_turns();
    if (turns == nullptr || is_enough(plan, blocks, before - planned())) break;
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
    const auto before = sight_.reader.arrivals_before(alive - keep_for);
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
  const Turn turn = *turns.begin();
  Stream& stream = at(turn.ix);
  const HeldBlock block = stream.next.front();
  drop_bytes(plan, turn.ix, block.bytes);
  if (IntervalSet lost = awaited(turn.ix, IntervalSet(block.dots)); !lost.empty())
    plan.unacknowledged[turn.ix].join(lost);
  give_up(plan, turn.ix, with_below(turn.ix, block.dots));
  stream.next.pop_front();
  return look_up(turn.ix);
}

void Retention::take_out(Plan& plan, StreamIx ix, const HeldBlock& block) {
  drop_bytes(plan, ix, block.bytes);
  plan.taken_out[ix].add(block.dots);
  at(ix).planned.add(block.dots);
  look_up_anew(ix);
}

void Retention::drop_bytes(Plan& plan, StreamIx ix, std::uint64_t bytes) {
  const auto space = static_cast<std::int64_t>(bytes + limits::kBlockRowBytes);
  plan.bytes[sight_.streams[ix].dataset] -= static_cast<std::int64_t>(bytes);
  if (Dataset* const whole = dataset(ix)) whole->bytes -= static_cast<std::int64_t>(bytes);
  plan.space -= space;
  in_flight_ -= space;
}

void Retention::give_up(Plan& plan, StreamIx ix, Interval dots) {
  plan.given_up[ix].add(dots);
  at(ix).planned.add(dots);
}

// With all that lies below if that is no more than gaps: then it is not worth to wait for.
Interval Retention::with_below(StreamIx ix, Interval dots) const {
  const StreamKnowledge* const known = sight_.knowledge.find(sight_.streams[ix]);
  IntervalSet held = known->held().minus(planned(ix));
  if (ix < sight_.pending.size()) held.join(sight_.pending[ix]);
  if (dots.first == 1 || held.intersects({1, dots.first - 1})) return dots;
  const auto dropped = known->dropped().run_at(1);
  const Seq from = dropped ? dropped->last + 1 : 1;
  const auto below = planned(ix).run_at(from);
  return {std::min(dots.first, below ? below->last + 1 : from), dots.last};
}

void Retention::settled(const Plan& plan) {
  in_flight_ -= plan.space;
  for (const auto* const all : {&plan.given_up, &plan.taken_out})
    for (const auto& [ix, dots] : *all) at(ix).planned = at(ix).planned.minus(dots);
}

// What the plan gave up is there still, and goes when its turn comes again.
void Retention::failed(const Plan& plan) {
  settled(plan);
  for (const auto& [id, grows] : plan.bytes) {
    if (const auto at = datasets_.find(id); at != datasets_.end()) at->second.bytes -= grows;
  }
  for (const auto* const all : {&plan.given_up, &plan.taken_out})
    for (const auto& [ix, dots] : *all) look_up_anew(ix);
}

// --- Turns -----------------------------------------------------------------------------------------------

Status Retention::load() {
  if (loaded_ || !is_bounded_) return Done{};
  std::map<DatasetId, std::uint64_t> bytes;
  for (const auto& [id, known] : sight_.knowledge.entries()) {
    const auto ix = sight_.streams.find(id);
    const Dataset* const dataset = ix ? this->dataset(*ix) : nullptr;
    if (dataset == nullptr || known.held().empty()) continue;
    if (dataset->config->keep_bytes > 0) {
      const auto held = sight_.reader.block_bytes(id);
      if (!held.ok()) return held.error();
      bytes[id.dataset] += *held;
    }
    if (Status looked = look_up(*ix); !looked.ok()) return looked;
  }
  for (const auto& [id, held] : bytes) datasets_.at(id).bytes += static_cast<std::int64_t>(held);
  loaded_ = true;
  return Done{};
}

void Retention::stored(StreamIx ix, Interval dots) {
  if (ix < by_ix_.size() && !at(ix).next.empty() && dots.first >= at(ix).next.back().dots.last) return;
  look_up_anew(ix);
}

void Retention::rewritten(StreamIx ix, std::int64_t grows) {
  if (!loaded_) return;
  if (Dataset* const whole = dataset(ix)) whole->bytes += grows;
  look_up_anew(ix);
}

void Retention::merge(StreamIx ix, const HeldBlock& block, std::int64_t grows) {
  Dataset* const whole = dataset(ix);
  if (!is_bounded_ || whole == nullptr) return;
  at(ix).merged.push_back({block, loaded_ ? grows : 0});
  whole->bytes += at(ix).merged.back().grows;
  look_up_anew(ix);
}

// What is given up by then was counted as merged.
void Retention::merge_ended(StreamIx ix, Interval dots, bool stored) {
  if (ix >= by_ix_.size()) return;
  Stream& stream = at(ix);
  const auto found = std::find_if(stream.merged.begin(), stream.merged.end(),
                                  [&](const Merged& one) { return one.block.dots == dots; });
  if (found == stream.merged.end()) return;
  if (!stored && !stream.planned.intersects(dots)) dataset(ix)->bytes -= found->grows;
  stream.merged.erase(found);
  look_up_anew(ix);
}

// What the tier has goes before what it lacks.
void Retention::acknowledged(StreamIx ix) {
  if (at(ix).turn && !at(ix).turn->awaited) return;
  look_up_anew(ix);
}

// If the store does not answer, it does so with the next block that is stored.
void Retention::look_up_anew(StreamIx ix) {
  if (!loaded_ || dataset(ix) == nullptr) return;
  at(ix).next.clear();
  static_cast<void>(look_up(ix));
}

// The stream takes its turn with the first block that the tier has; with the first of all, if there is none.
Status Retention::look_up(StreamIx ix) {
  leave_turn(ix);
  Stream& stream = at(ix);
  Dataset& dataset = *this->dataset(ix);
  const StreamKnowledge* const known = sight_.knowledge.find(sight_.streams[ix]);
  if (known == nullptr) return Done{};
  if (stream.next.empty()) {
    const IntervalSet held = known->held().minus(stream.planned);
    if (Status found = find_next(ix, held.minus(awaited(ix, held))); !found.ok()) return found;
    if (stream.next.empty()) {
      if (Status found = find_next(ix, held); !found.ok()) return found;
    }
  }
  if (stream.next.empty()) return Done{};
  const HeldBlock& block = stream.next.front();
  stream.turn = Turn{!awaited(ix, IntervalSet(block.dots)).empty(), block.arrival, ix};
  dataset.turns.insert(*stream.turn);
  return Done{};
}

// Blocks that lie wholly in `among`, from its first on. Of many small runs only the first are looked at.
Status Retention::find_next(StreamIx ix, const IntervalSet& among) {
  std::size_t left = limits::kLowestBlocks;
  for (const Interval& run : among.intervals()) {
    if (left-- == 0) break;
    const HeldBlock* const merged = merged_at(ix, run.first);
    const bool is_cut = merged != nullptr && merged->dots.first < run.first;
    const auto blocks = sight_.reader.held_blocks(
        sight_.streams[ix], is_cut ? merged->dots.last + 1 : run.first, limits::kLowestBlocks);
    if (!blocks.ok()) return blocks.error();
    std::deque<HeldBlock>& next = at(ix).next;
    for (const HeldBlock& stored : *blocks) {
      const HeldBlock* const whole = merged_at(ix, stored.dots.first);
      const HeldBlock& block = whole == nullptr ? stored : *whole;
      if (block.dots.last <= run.last && (next.empty() || next.back() != block)) next.push_back(block);
    }
    if (!next.empty()) break;
  }
  return Done{};
}

void Retention::forget(StreamIx ix) {
  if (ix >= by_ix_.size()) return;
  leave_turn(ix);
  by_ix_[ix] = {};
}

// The block with event `seq` that is on its way to the store in the place of others; null: none is.
const HeldBlock* Retention::merged_at(StreamIx ix, Seq seq) const {
  if (ix >= by_ix_.size()) return nullptr;
  for (const Merged& one : by_ix_[ix].merged) {
    if (one.block.dots.first <= seq && seq <= one.block.dots.last) return &one.block;
  }
  return nullptr;
}

void Retention::leave_turn(StreamIx ix) {
  Stream& stream = at(ix);
  if (stream.turn) dataset(ix)->turns.erase(*stream.turn);
  stream.turn.reset();
}

IntervalSet Retention::awaited(StreamIx ix, const IntervalSet& dots) const {
  const Dataset* const dataset = this->dataset(ix);
  if (dataset == nullptr || dataset->tier == nullptr) return {};
  return sight_.acks.awaited(*dataset->tier, sight_.streams[ix], dots);
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
  const auto at = datasets_.find(sight_.streams[ix].dataset);
  return at == datasets_.end() ? nullptr : &at->second;
}

const Retention::Dataset* Retention::dataset(StreamIx ix) const {
  const auto at = datasets_.find(sight_.streams[ix].dataset);
  return at == datasets_.end() ? nullptr : &at->second;
}

// --- What is not wanted ----------------------------------------------------------------------------------

const IntervalSet& Retention::planned(StreamIx ix) const {
  static const IntervalSet none;
  return ix < by_ix_.size() ? by_ix_[ix].planned : none;
}

bool Retention::is_full(const Dataset& dataset) const {
  const std::uint64_t keep_bytes = dataset.config->keep_bytes;
  return is_full_ || (keep_bytes > 0 && dataset.bytes >= nearly(keep_bytes));
}

std::optional<Interval> Retention::refused(StreamIx ix, Interval dots) const {
  const Dataset* const dataset = loaded_ ? this->dataset(ix) : nullptr;
  if (dataset == nullptr || !is_full(*dataset)) return std::nullopt;
  const auto comes = [&](Interval run) {
    return ix < sight_.pending.size() && sight_.pending[ix].intersects(run);
  };
  const std::set<Turn>* const turns = is_full_ ? next_turns() : &dataset->turns;
  const bool only_awaited_left = turns != nullptr && !turns->empty() && turns->begin()->awaited;
  const bool has_tier = dataset->tier != nullptr;
  const bool tier_has_it = has_tier && awaited(ix, IntervalSet(dots)).empty();
  const StreamKnowledge* const known = sight_.knowledge.find(sight_.streams[ix]);
  const bool holds_some = known != nullptr && !known->held().empty();
  const bool is_history = holds_some && known->held().intervals().front().first > dots.last;
  if (is_history && (!has_tier || tier_has_it) && !comes({1, dots.last})) return Interval{1, dots.last};
  const bool is_new = !comes(dots) && !(holds_some && known->held().intersects(dots));
  if (only_awaited_left && tier_has_it && is_new) return dots;
  return std::nullopt;
}

}  // namespace deltamesh
