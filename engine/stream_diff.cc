// engine/stream_diff.cc - dots, events and values of one stream.
#include "engine/stream_diff.h"

#include <algorithm>
#include <tuple>

#include "engine/forget_block.h"

namespace deltamesh {
namespace {

bool same_bytes(const StoredBlock& a, const StoredBlock& b) {
  return a.first == b.first && a.events == b.events && *a.bytes == *b.bytes;
}

EventHead head_of(const Event& event) {
  return {event.time, event.boot, event.quality, event.source};
}

// A reading under its name; undeclared ones, under their number, stand apart from all names.
struct NamedValue {
  std::string_view name;
  SeriesNo undeclared = 0;
  const Value* value = nullptr;

  [[nodiscard]] auto key() const { return std::tie(name, undeclared); }
  [[nodiscard]] std::string text() const {
    if (name.empty() && undeclared == kBootSeries) return "(records of boots)";
    return undeclared == 0 ? std::string(name) : "(undeclared " + std::to_string(undeclared) + ")";
  }
};

using Declared = const SeriesDecl* SeriesPairs::Pair::*;

std::vector<NamedValue> named_values(const Event& event, const SeriesPairs& pairs, Declared side) {
  std::vector<NamedValue> values;
  values.reserve(event.readings.size());
  for (const Reading& reading : event.readings) {
    const bool named = reading.series != kBootSeries;
    const SeriesDecl* decl = named ? pairs.pairs().at(reading.series).*side : nullptr;
    values.push_back({decl != nullptr ? std::string_view(decl->name) : std::string_view(),
                      decl != nullptr ? 0 : reading.series, &reading.value});
  }
  std::sort(values.begin(), values.end(), [](const NamedValue& x, const NamedValue& y) {
    if (x.key() != y.key()) return x.key() < y.key();
    return value_less(*x.value, *y.value);
  });
  return values;
}

std::optional<SeriesDecl> copy_of(const SeriesDecl* decl) {
  return decl != nullptr ? std::optional<SeriesDecl>(*decl) : std::nullopt;
}

// All of `dots`, of which the other store says `state`.
void classify(std::vector<LoneDots>& out, const StreamId& stream, const IntervalSet& dots, DotState state) {
  for (const Interval& interval : dots.intervals()) out.push_back({stream, interval, state});
}

}  // namespace

bool SeriesPairs::Pair::same_name() const {
  return a != nullptr && b != nullptr && (a == b || a->name == b->name);
}

bool SeriesPairs::use(const std::vector<SeriesNo>& numbers) {
  bool agreed = true;
  for (const SeriesNo number : numbers) {
    if (number == kBootSeries) continue;  // Nobody declares that.
    Pair& pair = pairs_[number];
    pair.used = true;
    agreed &= pair.same_name();
  }
  return agreed;
}

Status StreamDiff::walk(BlockCursor& a, BlockCursor& b) {
  if (Status status = a.enter(); !status) return status;
  if (Status status = b.enter(); !status) return status;
  while (!a.at_end() || !b.at_end()) {
    if (Status status = enter_block(a, dots_a_, agreed_a_); !status) return status;
    if (Status status = enter_block(b, dots_b_, agreed_b_); !status) return status;
    if (Status status = step(a, b); !status) return status;
  }
  return Done{};
}

// Takes note of a block when the cursor stands at its start.
Status StreamDiff::enter_block(const BlockCursor& cursor, IntervalSet& dots, bool& agreed) {
  if (cursor.at_end() || !cursor.at_block_start()) return Done{};
  dots.add(cursor.block().interval());
  agreed = pairs_.use(cursor.summary().series);
  return Done{};
}

// Passes the dots that only the store behind has, or goes on to compare.
Status StreamDiff::step(BlockCursor& a, BlockCursor& b) {
  if (!a.at_end() && !b.at_end() && a.seq() == b.seq()) return meet(a, b);
  const bool a_first = b.at_end() || (!a.at_end() && a.seq() < b.seq());
  BlockCursor& behind = a_first ? a : b;
  const BlockCursor& ahead = a_first ? b : a;
  std::uint64_t alone = behind.events_left();
  if (!ahead.at_end()) alone = std::min<std::uint64_t>(alone, ahead.seq() - behind.seq());
  return behind.skip(static_cast<std::uint32_t>(alone));
}

Status StreamDiff::meet(BlockCursor& a, BlockCursor& b) {
  std::uint32_t common = std::min(a.events_left(), b.events_left());
  const bool whole = a.at_block_start() && b.at_block_start() && same_bytes(a.block(), b.block());
  if (whole && agreed_a_ && agreed_b_ && !may_forget(a.summary())) {
    counts_.dots += common;
    counts_.samples += a.summary().readings;
  } else {
    common = 1;
    const auto event_a = a.event();
    if (!event_a) return event_a.error();
    const auto event_b = b.event();
    if (!event_b) return event_b.error();
    compare(a.seq(), **event_a, **event_b);
  }
  if (Status status = a.skip(common); !status) return status;
  return b.skip(common);
}

bool StreamDiff::is_forgotten(const SeriesDecl* decl, const Event& event) const {
  const SeriesRules* const rules = decl == nullptr ? nullptr : rules_.find(stream_.dataset, decl->name);
  return rules != nullptr && rules->removes(event);
}

// Nothing is left of a mark.
void StreamDiff::strip(Event& event, Declared side) const {
  if (is_mark(event)) event.readings.clear();
  std::erase_if(event.readings, [&](const Reading& reading) {
    return reading.series != kBootSeries && is_forgotten(pairs_.pairs().at(reading.series).*side, event);
  });
  if (is_mark(event)) event.readings.clear();
  if (event.readings.empty()) event = Event();
}

// Whether a block may hold a mark, or something that a rule removes.
bool StreamDiff::may_forget(const BlockSummary& summary) const {
  return std::any_of(summary.series.begin(), summary.series.end(), [this](SeriesNo number) {
    if (number == kBootSeries) return true;
    const SeriesDecl* const decl = pairs_.pairs().at(number).a;
    return decl != nullptr && rules_.find(stream_.dataset, decl->name) != nullptr;
  });
}

void StreamDiff::compare(Seq seq, Event a, Event b) {
  strip(a, &SeriesPairs::Pair::a);
  strip(b, &SeriesPairs::Pair::b);
  if (agreed_a_ && agreed_b_ && same_event(a, b)) {
    ++counts_.dots;
    counts_.samples += a.readings.size();
    return;
  }
  const Dot dot{stream_, seq};
  const bool same_head = head_of(a) == head_of(b);
  if (!same_head) out_.events.add({dot, head_of(a), head_of(b)}, keep_);
  const bool same_values = compare_values(dot, a, b) == 0;
  if (same_head && same_values) {
    ++counts_.dots;
  } else {
    ++out_.changed_dots;
  }
}

// Merges the values of both events by name; returns how many differ.
std::uint64_t StreamDiff::compare_values(const Dot& dot, const Event& a, const Event& b) {
  const auto left = named_values(a, pairs_, &SeriesPairs::Pair::a);
  const auto right = named_values(b, pairs_, &SeriesPairs::Pair::b);
  std::uint64_t changed = 0;
  for (auto x = left.begin(), y = right.begin(); x != left.end() || y != right.end();) {
    const bool use_x = x != left.end() && (y == right.end() || x->key() <= y->key());
    const bool use_y = y != right.end() && (x == left.end() || y->key() <= x->key());
    if (use_x && use_y && same_value(*x->value, *y->value)) {
      ++counts_.samples;
    } else {
      ChangedSample finding{dot, a.time, use_x ? x->text() : y->text(), {}, {}};
      if (use_x) finding.a = *x->value;
      if (use_y) finding.b = *y->value;
      out_.samples.add(std::move(finding), keep_);
      ++changed;
    }
    if (use_x) ++x;
    if (use_y) ++y;
  }
  return changed;
}

void StreamDiff::judge_dots(const StreamKnowledge& known_a, const StreamKnowledge& known_b, bool check_held) {
  add_lone(out_.only_a, dots_a_.minus(dots_b_), known_b);
  add_lone(out_.only_b, dots_b_.minus(dots_a_), known_a);
  if (!check_held) return;
  add_disagreements(Disagreement::Store::kA, dots_a_, known_a.held());
  add_disagreements(Disagreement::Store::kB, dots_b_, known_b.held());
}

void StreamDiff::add_lone(Findings<LoneDots>& findings, const IntervalSet& lone,
                          const StreamKnowledge& other) {
  std::vector<LoneDots> found;
  classify(found, stream_, lone.intersect(other.held()), DotState::kHeld);
  classify(found, stream_, lone.intersect(other.dropped()), DotState::kDropped);
  const IntervalSet rest = lone.minus(other.held()).minus(other.dropped());
  classify(found, stream_, rest.intersect(other.lost()), DotState::kLost);
  classify(found, stream_, rest.minus(other.lost()).intersect(other.voided()), DotState::kVoid);
  classify(found, stream_, rest.minus(other.voided()), DotState::kUnknown);
  std::sort(found.begin(), found.end(),
            [](const LoneDots& x, const LoneDots& y) { return x.dots.first < y.dots.first; });
  for (LoneDots& dots : found) findings.add(dots, keep_, dots.dots.size());
}

void StreamDiff::add_disagreements(Disagreement::Store store, const IntervalSet& dots,
                                   const IntervalSet& held) {
  const auto add = [&](Disagreement::Kind kind, const IntervalSet& wrong) {
    for (const Interval& interval : wrong.intervals()) {
      out_.disagreements.add({store, kind, stream_, interval}, keep_, interval.size());
    }
  };
  add(Disagreement::Kind::kHeldWithoutEvent, held.minus(dots));
  add(Disagreement::Kind::kEventNotHeld, dots.minus(held));
}

void StreamDiff::judge_series() {
  for (const auto& [number, pair] : pairs_.pairs()) {
    if (!pair.used) continue;
    const auto a = copy_of(pair.a), b = copy_of(pair.b);
    if (a != b) out_.series.add({stream_, number, a, b}, keep_);
  }
}

}  // namespace deltamesh
