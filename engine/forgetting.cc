// engine/forgetting.cc - rules by names to rules by numbers, and places in streams.
#include "engine/forgetting.h"

#include <algorithm>

namespace deltamesh {

bool Forgetting::take(std::string_view key) {
  const auto rule = parse_rule_key(key);
  if (rule && rules_.add(*rule)) new_series_.emplace(dataset_id(rule->dataset), rule->series);
  return rule.has_value();
}

bool Forgetting::take_effect() {
  if (new_series_.empty()) return false;
  ++generation_;
  digest_ = rules_.digest();
  for (StreamIx ix = 0; ix < streams_.size(); ++ix) {
    for (const auto& [number, decl] : series_.of(ix)) {
      if (!new_series_.contains({streams_[ix].dataset, decl.name})) continue;
      declared(ix, decl);
      look_from(ix, 1);
    }
  }
  new_series_.clear();
  return true;
}

void Forgetting::start(const Bytes& obeyed_before) {
  take_effect();
  obeyed = obeyed_before;
  if (obeyed == digest_) places_.clear();
}

bool Forgetting::declared(StreamIx ix, const SeriesDecl& decl) {
  const SeriesRules* const rules = rules_.find(streams_[ix].dataset, decl.name);
  if (rules == nullptr) return false;
  if (by_stream_.size() <= ix) by_stream_.resize(ix + 1);
  by_stream_[ix].add(decl.number, *rules);
  return true;
}

const StreamRules* Forgetting::of(StreamIx ix) const {
  return ix < by_stream_.size() && !by_stream_[ix].empty() ? &by_stream_[ix] : nullptr;
}

void Forgetting::look_from(StreamIx ix, Seq first) {
  Seq& place = places_.try_emplace(ix, first).first->second;
  place = std::min(place, first);
}

std::optional<std::pair<StreamIx, Seq>> Forgetting::place() const {
  const auto at = std::find_if(places_.begin(), places_.end(),
                               [this](const auto& one) { return !put_off_.contains(one.first); });
  return at == places_.end() ? std::nullopt : std::optional(std::pair(at->first, at->second));
}

void Forgetting::merged(StreamIx ix, Interval dots) {
  const auto at = places_.find(ix);
  if (at != places_.end() && dots.first < at->second && at->second <= dots.last) at->second = dots.first;
}

void Forgetting::go_on(StreamIx ix, Seq next) {
  places_.insert_or_assign(ix, next);
}

}  // namespace deltamesh
