// engine/node_merge.cc - blocks of a cell become one, in the background.
//
// A cell is merged from what the store reads soundly, in a batch of its own, one at a time, while no batch of
// peers or writers is under way. Until it is durable, or has failed, nothing that names stored blocks by
// their dots may be handed to the store: rules for wrong data wait, a damaged block is not taken anew, and
// retention gives up the cell as a whole (Retention::merge()).
#include <algorithm>

#include "engine/node.h"

namespace deltamesh {
namespace {

using Rows = std::vector<HeldBlock>;

// A block that lies across an end of the dots is not among them: writers end theirs at the larger cells
// alone.
Rows rows_within(const Rows& rows, Interval dots) {
  Rows within;
  for (const HeldBlock& row : rows) {
    if (dots.first <= row.dots.first && row.dots.last <= dots.last) within.push_back(row);
  }
  return within;
}

Interval dots_of(const Rows& rows) {
  return {rows.front().dots.first, rows.back().dots.last};
}

// Nobody has verified what an index tells.
bool are_neighbours(const Rows& rows) {
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (rows[i].dots.first > rows[i].dots.last) return false;
    if (i > 0 && rows[i].dots.first != rows[i - 1].dots.last + 1) return false;
  }
  return true;
}

std::uint64_t bytes_of(const Rows& rows) {
  std::uint64_t bytes = 0;
  for (const HeldBlock& row : rows) bytes += row.bytes;
  return bytes;
}

bool arrives_before(const HeldBlock& a, const HeldBlock& b) {
  return a.arrival < b.arrival;
}

}  // namespace

// --- What is complete ------------------------------------------------------------------------------------

// The run of held and settled events of a telemetry stream with event `seq`. Where a stream is closed, its
// last cells are as complete as they will ever be.
std::optional<Interval> Node::complete_run(StreamIx ix, Seq seq) const {
  const StreamKnowledge* const known = this->known(ix);
  const DatasetConfig* const config = dataset(streams_[ix].dataset);
  const bool is_telemetry = config != nullptr && config->kind == DatasetKind::kTelemetry;
  auto run = known == nullptr || !is_telemetry ? std::nullopt : known->held().run_at(seq);
  if (!run || seq > known->settled()) return std::nullopt;
  run->last = std::min(run->last, known->settled());
  if (known->closed() && run->last == known->head() && !config_.merge_levels.empty()) {
    const Seq cell = config_.merge_levels.back().events;
    run->last = (run->last + cell - 1) / cell * cell;
  }
  return run;
}

void Node::load_merging() {
  for (StreamIx ix = 0; ix < streams_.size(); ++ix) {
    const StreamKnowledge* const known = this->known(ix);
    if (known == nullptr) continue;
    for (const Interval held : known->held().intervals()) {
      if (const auto run = complete_run(ix, held.first)) merging_.take(ix, *run, *run);
    }
  }
}

// What the batch settles beyond what was known: its own blocks are looked at by themselves.
std::vector<std::pair<StreamIx, IntervalSet>> Node::newly_complete(const InFlight& batch) const {
  std::vector<std::pair<StreamIx, IntervalSet>> more;
  if (config_.merge_levels.empty()) return more;
  for (const auto& [stream, told] : batch.knowledge.entries()) {
    const auto ix = streams_.find(stream);
    if (!ix) continue;
    const StreamKnowledge* const known = this->known(*ix);
    const Seq settled = known == nullptr ? 0 : known->settled();
    const bool closes = told.closed() && told.head() >= settled && (known == nullptr || !known->closed());
    if (told.settled() <= settled && !closes) continue;
    IntervalSet dots(closes ? Interval{told.head(), told.head()} : Interval{settled + 1, told.settled()});
    if (closes && told.settled() > settled) dots.add({settled + 1, told.settled()});
    for (const auto& block : batch.blocks)
      if (block.ix == *ix) dots.remove(block.block.interval());
    if (!dots.empty()) more.emplace_back(*ix, std::move(dots));
  }
  return more;
}

void Node::merging_durable(const InFlight& batch,
                           const std::vector<std::pair<StreamIx, IntervalSet>>& settled) {
  for (const auto& block : batch.blocks) {
    const Interval dots = block.block.interval();
    if (const auto run = complete_run(block.ix, dots.first)) merging_.take_block(block.ix, dots, *run);
  }
  for (const auto& [ix, dots] : settled) {
    const StreamKnowledge* const known = this->known(ix);
    const IntervalSet held = known == nullptr ? IntervalSet() : known->held().intersect(dots);
    for (const Interval part : held.intervals()) {
      if (const auto run = complete_run(ix, part.first)) merging_.take(ix, part, *run);
    }
  }
  if (!batch.merges) return;
  merging_.under_way.clear();
  for (const auto& one : batch.merged) apply_merged(one);
}

void Node::apply_merged(const InFlight::Merged& one) {
  const Interval dots = one.block.interval();
  retention_.merge_ended(one.ix, dots, true);
  forgetting_.merged(one.ix, dots);
  recent_.forget(one.ix, dots);
  counters_.blocks_merged += one.blocks;
  counters_.bytes_merged += one.block.bytes->size();
  for (const auto& [peer, session] : sessions_) {
    const auto at = session->unreadable.find(one.ix);
    if (at == session->unreadable.end() || !at->second.intersects(dots)) continue;
    at->second.remove(dots);
    enqueue(*session, one.ix, Age::kOld);
  }
  if (const auto run = complete_run(one.ix, dots.first)) merging_.take_block(one.ix, dots, *run);
}

void Node::merging_failed(const InFlight& batch, Instant now) {
  if (!batch.merges) return;
  for (const Merging::Cell& cell : std::exchange(merging_.under_way, {})) merging_.add(cell);
  for (const auto& one : batch.merged) retention_.merge_ended(one.ix, one.block.interval(), false);
  merging_.look_at = now.steady + limits::kRetentionLook;
}

// --- What is merged --------------------------------------------------------------------------------------

std::optional<Node::Micros> Node::merges_at() const {
  if (!merging_.under_way.empty() || forgetting_.under_way || !merging_.next()) return std::nullopt;
  if (!merging_.look_at) return Micros::zero();  // The next tick says.
  return in_flight_.empty() ? *merging_.look_at : *merging_.look_at + limits::kMergePatience;
}

void Node::check_merging(Instant now) {
  const bool has_cells = merging_.next().has_value();
  if (has_cells && !merging_.look_at) merging_.look_at = now.steady + config_.merge_delay;
  if (const auto at = merges_at(); !at || now.steady < *at) return;
  InFlight batch;
  const Status looked = merge_cells(batch);
  if (!looked.ok()) note(Note::Level::kWarning, "cannot look for blocks to merge: " + looked.error().text);
  merging_.look_at = looked.ok() ? now.steady : now.steady + limits::kRetentionLook;
  if (!merging_.next()) merging_.look_at.reset();
  if (batch.merged.empty()) return;
  batch.merges = true;
  for (const auto& one : batch.merged) {
    merging_.under_way.push_back(one.cell);
    const auto bytes = static_cast<std::int64_t>(one.block.bytes->size());
    retention_.merge(one.ix, {one.block.interval(), one.block.bytes->size(), one.arrival},
                     bytes - static_cast<std::int64_t>(one.bytes_before));
  }
  commit(std::move(batch));
}

// One whose parts are merged by this batch waits until that is durable.
Status Node::merge_cells(InFlight& batch) {
  std::size_t bytes_left = limits::kMergeBytesAtOnce;
  for (std::size_t looks = limits::kMergeLooksAtOnce; looks > 0 && bytes_left > 0; --looks) {
    const auto cell = merging_.next();
    if (!cell) break;
    const auto is_part = [&](const auto& one) {
      return one.ix == cell->ix && cell->dots.first <= one.block.first && one.block.first <= cell->dots.last;
    };
    if (std::any_of(batch.merged.begin(), batch.merged.end(), is_part)) break;
    merging_.remove(*cell);
    if (const Status merged = merge_cell(*cell, bytes_left, batch); !merged.ok()) {
      merging_.add(*cell);
      return merged;
    }
  }
  return Done{};
}

// One that is left as it is waits for what changes it: more that comes, or the next start.
Status Node::merge_cell(const Merging::Cell& cell, std::size_t& bytes_left, InFlight& batch) {
  const auto run = complete_run(cell.ix, cell.dots.first);
  if (!run || run->last < cell.dots.last || retention_.planned(cell.ix).intersects(cell.dots)) return Done{};
  auto rows = reader_.held_blocks(streams_[cell.ix], cell.dots.first, limits::kMergeRowsMax + 1);
  if (!rows.ok()) return rows.error();
  const Rows within = rows_within(*rows, cell.dots);
  if (within.size() <= limits::kMergeRowsMax)
    return merge_rows(cell, within, merging_.blocks_min(cell), bytes_left, batch);
  for (const Merging::Cell& part : merging_.parts(cell)) merging_.add(part);
  return Done{};
}

// All rows of a cell; or where they make no block, those of its parts.
Status Node::merge_rows(const Merging::Cell& cell, const std::vector<HeldBlock>& rows, std::size_t blocks_min,
                        std::size_t& bytes_left, InFlight& batch) {
  if (rows.size() < blocks_min) return Done{};
  if (bytes_left == 0) return merging_.add(cell), Done{};
  if (are_neighbours(rows)) {
    const auto may = may_merge(cell.ix, rows);
    if (!may.ok()) return may.error();
    const auto merged = *may ? merge_blocks_of(cell, rows, bytes_left, batch) : Result<bool>(false);
    if (!merged.ok()) return merged.error();
    if (*merged) return Done{};
  }
  for (const Merging::Cell& part : merging_.parts(cell)) {
    const Status done =
        merge_rows(part, rows_within(rows, part.dots), limits::kMergeBlocksMin, bytes_left, batch);
    if (!done.ok()) return done;
  }
  return Done{};
}

// Not too large for what the store is bounded to, and not of very different age.
Result<bool> Node::may_merge(StreamIx ix, const std::vector<HeldBlock>& rows) const {
  const DatasetConfig& dataset = *this->dataset(streams_[ix].dataset);
  std::uint64_t bytes_max = limits::kMergedBytesMax;
  for (const std::uint64_t bound : {config_.store_bytes_max, dataset.keep_bytes})
    if (bound > 0) bytes_max = std::min(bytes_max, bound / limits::kMergeShare);
  if (bytes_of(rows) > bytes_max) return false;
  if (dataset.keep_for.count() == 0) return true;
  const auto alive = std::chrono::duration_cast<std::chrono::seconds>(alive_);
  const auto young = reader_.arrivals_before(alive - dataset.keep_for / limits::kMergeAgeShare);
  if (!young.ok()) return young.error();
  return std::min_element(rows.begin(), rows.end(), arrives_before)->arrival >= *young;
}

// False where they stay as they are: one of them is damaged, or of another codec, or there is too much in
// them for one.
Result<bool> Node::merge_blocks_of(const Merging::Cell& cell, const std::vector<HeldBlock>& rows,
                                   std::size_t& bytes_left, InFlight& batch) {
  const std::uint64_t bytes = bytes_of(rows);
  bytes_left -= std::min<std::size_t>(bytes_left, bytes);
  const Interval dots = dots_of(rows);
  const auto blocks = reader_.blocks(streams_[cell.ix], dots, bytes);
  if (!blocks.ok() && blocks.error().code != ErrorCode::kCorrupt) return blocks.error();
  auto merged = blocks.ok() ? merge_stored(*blocks) : Result<StoredBlock>(blocks.error());
  if (!merged.ok() || merged->interval() != dots) return false;
  const std::uint64_t arrival = std::max_element(rows.begin(), rows.end(), arrives_before)->arrival;
  batch.merged.push_back({cell, cell.ix, *std::move(merged), rows.size(), bytes, arrival});
  return true;
}

}  // namespace deltamesh
