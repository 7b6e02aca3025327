// engine/map_reconcile.cc - the side that asks: what is unequal is cut until it is entries. map_judge.cc
// judges these.
#include "engine/map_reconcile.h"

#include <algorithm>
#include <cassert>
#include <utility>

namespace deltamesh {
namespace {

using message::KeyRange;
using message::MapAnswer;
using message::MapQuestion;
using Knowing = MapAnswer::Knowing;

Error invalid(const char* text) {
  return {ErrorCode::kInvalid, std::string("map answer: ") + text};
}

bool within(const std::string& key, const KeyRange& range) {
  return key >= range.from && (range.to.empty() || key < range.to);
}

DotFindings findings(const IntervalSet& dots) {
  DotFindings out;
  out.add(dots);
  return out;
}

}  // namespace

MapReconciler::MapReconciler(DatasetId dataset, Bounds bounds) : bounds_(bounds) {
  result_.dataset = dataset;
  pending_.push_back({});
}

// ---- questions ----

std::optional<MapQuestion> MapReconciler::ask(const MapSide& side) {
  assert(asked_.empty());
  if (result_.questions == 0) begin_look(side);
  if (result_.questions == bounds_.questions) give_up();
  if (!knowing_ && pending_.empty() && !look_again(side)) return std::nullopt;
  MapQuestion question{result_.dataset, ++result_.questions, {}, {}, {}};
  if (knowing_) {
    question.knowledge = digest_;
    question.after = after_;
  }
  if (!after_) fill(question, side);
  work_ += side.ranges.runs() + question.ranges.size() * limits::kMapRangeWork;
  asked_ = question.ranges;
  return question;
}

// What is known to be unequal is cut before it is asked about, while there are so few ranges that all fit
// into one question: a round trip saved.
void MapReconciler::fill(MapQuestion& question, const MapSide& side) {
  const std::size_t most = knowing_ ? 1 : limits::kMapRangesPerQuestion;
  while (!pending_.empty() && question.ranges.size() < most) {
    const std::size_t room = most - question.ranges.size();
    const bool cut = pending_.back().unequal && pending_.size() * limits::kMapCellsMax <= room &&
                     side.ranges.count(pending_.back().keys) > limits::kMapEntriesListed;
    const KeyRange keys = std::move(pending_.back().keys);
    pending_.pop_back();
    for (const KeyRange& part : side.ranges.cut(keys, cut ? limits::kMapCellsMax : 1))
      question.ranges.push_back({part, side.ranges.sum(part)});
  }
}

void MapReconciler::begin_look(const MapSide& side) {
  ours_ = side.map.knowledge();
  digest_ = digest_of(ours_);
  work_ += ours_.entries().size() * limits::kMapWriterWork;
  lacking_ = {};
  knowing_ = true;
}

bool MapReconciler::look_again(const MapSide& side) {
  if (moved_.empty()) return false;
  if (std::exchange(second_, true)) return give_up(), false;
  std::sort(moved_.begin(), moved_.end(), [](const auto& x, const auto& y) { return x.from > y.from; });
  for (KeyRange& keys : std::exchange(moved_, {})) pending_.push_back({std::move(keys), false});
  begin_look(side);
  return true;
}

void MapReconciler::give_up() {
  result_.undecided += pending_.size() + moved_.size() + (knowing_ ? 1 : 0);
  pending_.clear();
  moved_.clear();
  knowing_ = false;
}

void MapReconciler::retry() {
  for (auto range = asked_.rbegin(); range != asked_.rend(); ++range)
    pending_.push_back({std::move(range->keys), false});
  asked_.clear();
}

// What was found comes before all that waits.
void MapReconciler::keep_found() {
  for (auto next = found_.rbegin(); next != found_.rend(); ++next) {
    if (pending_.size() < limits::kRangesPendingMax) {
      pending_.push_back(std::move(*next));
    } else {
      ++result_.undecided;
    }
  }
  found_.clear();
}

// ---- answers ----

Status MapReconciler::take(const MapAnswer& answer, const MapSide& side) {
  if (answer.parts.size() != asked_.size()) return invalid("not one part for each range");
  work_ += asked_.size() * limits::kMapRangeWork;
  if (knowing_) {
    if (const Status status = take_knowledge(answer); !status) return status;
    if (knowing_) return retry(), Done{};  // Entries count once all is known that was known before them.
  }
  const auto asked = std::exchange(asked_, {});
  if (lacking_.a + lacking_.b > bounds_.lacking) return pending_.clear(), Done{};
  for (std::size_t i = 0; i < asked.size(); ++i) {
    if (const Status status = take_part(asked[i], answer, answer.parts[i], side); !status) return status;
  }
  keep_found();
  return Done{};
}

Status MapReconciler::take_knowledge(const MapAnswer& answer) {
  if (answer.knowing == Knowing::kNotAsked) return invalid("it does not tell what is known");
  if (answer.knowing == Knowing::kSame && after_) return invalid("half of the knowledge is the same");
  if (after_ && !answer.known.empty() && answer.known.front().stream <= *after_)
    return invalid("knowledge that was told before");
  take_known(answer);
  after_ = std::nullopt;
  if (answer.knowing == Knowing::kPart) {
    after_ = answer.known.back().stream;
    return Done{};
  }
  knowing_ = false;
  if (!second_) result_.lacking = lacking_;
  return Done{};
}

// Merges what we know with a part of what the peer knows, both ascending by stream.
void MapReconciler::take_known(const MapAnswer& answer) {
  if (answer.knowing == Knowing::kSame) return;
  const auto compare = [&](const StreamId& stream, const IntervalSet& a, const IntervalSet& b) {
    LackingDots lacking{stream, findings(b.minus(a)), findings(a.minus(b))};
    if (!lacking.a.empty() || !lacking.b.empty()) lacking_.add(std::move(lacking));
  };
  const auto behind = [](const StreamId& after, const auto& entry) { return after < entry.stream; };
  const auto end = ours_.entries().end();
  auto ours = ours_.entries().begin();
  if (after_) ours = std::upper_bound(ours, end, *after_, behind);
  for (const auto& [stream, held] : answer.known) {
    for (; ours != end && ours->stream < stream; ++ours) compare(ours->stream, ours->known.held(), {});
    const bool both = ours != end && ours->stream == stream;
    compare(stream, both ? (ours++)->known.held() : IntervalSet(), held);
  }
  if (answer.knowing == Knowing::kPart) return;
  for (; ours != end; ++ours) compare(ours->stream, ours->known.held(), {});
}

Status MapReconciler::take_part(const MapQuestion::Range& asked, const MapAnswer& answer,
                                const MapAnswer::Part& part, const MapSide& side) {
  if (const auto* const entries = std::get_if<MapAnswer::Entries>(&part))
    return take_entries(asked.keys, answer, *entries, side);
  if (const auto* const cells = std::get_if<MapAnswer::Cells>(&part))
    return take_cells(asked.keys, *cells, side);
  result_.equal += asked.expected.count;
  return Done{};
}

Status MapReconciler::take_cells(const KeyRange& keys, const MapAnswer::Cells& cells, const MapSide& side) {
  const bool inside = cells.cuts.front() > keys.from && within(cells.cuts.back(), keys);
  if (!inside) return invalid("cuts beyond their range");
  for (std::size_t i = 0; i < cells.sums.size(); ++i) {
    KeyRange cell{i == 0 ? keys.from : cells.cuts[i - 1], i == cells.cuts.size() ? keys.to : cells.cuts[i]};
    const message::RangeSum ours = side.ranges.sum(cell);
    if (ours == cells.sums[i]) {
      result_.equal += ours.count;
    } else {
      found_.push_back({std::move(cell), true});
    }
  }
  return Done{};
}

Status MapReconciler::take_entries(const KeyRange& keys, const MapAnswer& answer,
                                   const MapAnswer::Entries& entries, const MapSide& side) {
  if (!entries.empty() && !(within(entries.front().key, keys) && within(entries.back().key, keys)))
    return invalid("entries beyond their range");
  if (side.ranges.count(keys) > limits::kMapJudgedMax) {
    for (KeyRange& part : side.ranges.cut(keys, limits::kMapCellsMax))
      found_.push_back({std::move(part), false});
    return Done{};
  }
  const auto ours = side.ranges.items(keys);
  work_ += ours.size();
  auto a = ours.begin();
  for (auto b = entries.begin(); a != ours.end() || b != entries.end();) {
    const int order = a == ours.end() ? 1 : b == entries.end() ? -1 : a->entry->key.compare(b->key);
    Pair pair;
    if (order <= 0) pair.a = &*a++;
    if (order >= 0) {
      pair.b = &*b++;
      pair.b_version = pair.b->version;
      pair.b_version.dot.stream = answer.streams[pair.b->stream];
    }
    const bool live = pair.a != nullptr && !pair.a->entry->tombstone;
    note(pair.a != nullptr ? pair.a->entry->key : pair.b->key, judge(pair), live);
  }
  return Done{};
}

}  // namespace deltamesh
