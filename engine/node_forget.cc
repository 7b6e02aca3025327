// engine/node_forget.cc - rules for wrong data: written, taken into effect, and obeyed by what is stored.
//
// A rule is in effect once it is durable. From then on nothing comes into the store, and nothing goes out to
// a peer, that it names; what is stored is looked through, some of it at a time. Blocks that were on their
// way to the store when a rule took effect are looked at once they are there. A peer gets no telemetry before
// it has all rules that are in effect here: so whoever holds what rules have left holds these rules, and
// fingerprints of two nodes with equal rules can be compared, whether the one or the other has got further.
#include <algorithm>

#include "engine/node.h"
#include "engine/validate.h"

namespace deltamesh {

// --- Writing ---------------------------------------------------------------------------------------------

Result<WriteId> Node::forget(const ForgetRule& rule, std::string reason, Instant now) {
  if (Status good = check_forget(rule, reason); !good.ok()) {
    ++counters_.writes_refused;
    return good.error();
  }
  const WallTime wall = wall_time(now);
  const auto written =
      wall.known ? std::max(wall.at, std::chrono::milliseconds(0)) : std::chrono::milliseconds(0);
  const RuleNote note{identity_.node, written, std::move(reason)};
  return write_entry(rules_map(), {rule_key(rule), {}, false, encode(note), false, {}}, now);
}

Status Node::check_forget(const ForgetRule& rule, const std::string& reason) const {
  if (Status good = check_rule(rule); !good.ok()) return good;
  const auto config = dataset_of_kind(dataset_id(rule.dataset), DatasetKind::kTelemetry);
  if (!config.ok()) return config.error();
  if (Status good = check_text(reason, limits::kRuleReasonBytesMax, "the reason"); !good.ok()) return good;
  const LwwMap& map = maps_.at(rules_map());
  const std::size_t count = forgetting_.rules().size();
  if (count < limits::kRulesWrittenMax || map.find_entry(rule_key(rule)) != nullptr) return Done{};
  return Error{ErrorCode::kLimit, "there are " + std::to_string(count) +
                                      " rules, and no more are written than " +
                                      std::to_string(limits::kRulesWrittenMax)};
}

Status Node::check_not_rules(DatasetId dataset) {
  if (dataset != rules_map()) return Done{};
  ++counters_.writes_refused;
  return Error{ErrorCode::kInvalid, "rules about what is forgotten are no map to write to"};
}

// --- In effect -------------------------------------------------------------------------------------------

const ForgetRules& Node::rules() const {
  return forgetting_.rules();
}

bool Node::is_forgetting() const {
  return forgetting_.obeyed != forgetting_.digest();
}

void Node::load_rules(const Bytes& obeyed) {
  for (const auto& [key, entry] : maps_.at(rules_map()).entries()) take_rule(key);
  forgetting_.start(obeyed);
  counters_.rules_in_effect = forgetting_.rules().size();
  if (is_forgetting()) forgetting_.look_at = Micros::zero();
}

void Node::take_rule(const std::string& key) {
  if (!forgetting_.take(key)) ++counters_.rules_refused;
}

void Node::rules_took_effect(Instant now) {
  counters_.rules_in_effect = forgetting_.rules().size();
  ranges_.forget_all();
  end_stream_comparisons(now);
  for (auto& block : gathered_.blocks) obey(block.ix, block.block);
}

// A block that comes into the store.
void Node::obey(StreamIx ix, StoredBlock& block) {
  const StreamRules* const rules = forgetting_.of(ix);
  auto rest = rules == nullptr ? std::nullopt : without_forgotten(block, *rules);
  if (!rest) return;
  block = std::move(rest->block);
  counters_.values_forgotten += rest->values;
}

RemovedBy Node::removed_by(StreamIx ix) const {
  if (forgetting_.of(ix) == nullptr) return {};
  return
      [this, ix](SeriesNo number, const Event& event) { return forgetting_.of(ix)->removes(number, event); };
}

// Blocks that use the number may have come before its name did.
void Node::series_named(StreamIx ix, const SeriesDecl& decl) {
  if (!forgetting_.declared(ix, decl)) return;
  const StreamKnowledge* const known = this->known(ix);
  const bool has_some = !pending_[ix].empty() || (known != nullptr && !known->held().empty());
  if (has_some) forgetting_.named_late.insert(ix);
}

// --- What peers have of the rules ------------------------------------------------------------------------

// It has those that it wrote itself; of the others it has told us, or acknowledged ours.
bool Node::knows_rules(Session& session) const {
  if (forgetting_.rules().empty()) return true;
  const auto& all = knowledge_.entries();
  auto at = std::lower_bound(all.begin(), all.end(), rules_map(), [](const auto& entry, DatasetId dataset) {
    return entry.stream.dataset < dataset;
  });
  for (; at != all.end() && at->stream.dataset == rules_map(); ++at) {
    if (writes(session.remote, at->stream)) continue;
    if (!session.at(*streams_.find(at->stream)).remote.includes(at->known.held())) return false;
  }
  return true;
}

void Node::note_rules_known(Session& session, std::uint32_t delta) {
  const auto sent = session.rules_sent.find(delta);
  if (sent == session.rules_sent.end()) return;
  for (const auto& [stream, known] : sent->second.entries())
    note_remote(session, *streams_.find(stream), known.held());
  session.rules_sent.erase(sent);
}

// --- What is stored --------------------------------------------------------------------------------------

void Node::check_forgetting(Instant now) {
  if (!forgetting_.look_at || !may_forget() || now.steady < *forgetting_.look_at) return;
  forgetting_.look_at.reset();
  InFlight batch;
  look_through(batch, now);
  if (batch.obedient.empty()) {
    if (!is_forgetting() || !obeys_all()) return;
    batch.obeyed = forgetting_.digest();
  }
  batch.forgets = forgetting_.under_way = true;
  commit(std::move(batch));
}

// A stream that cannot be read waits for the next round and holds up no other.
void Node::look_through(InFlight& batch, Instant now) {
  std::size_t bytes_left = limits::kForgetBytesAtOnce;
  while (bytes_left > 0 && batch.obedient.size() < limits::kForgetBlocksAtOnce) {
    const auto place = forgetting_.place();
    if (!place) break;
    const Status looked = look_at_stream(place->first, place->second, bytes_left, batch);
    if (looked.ok()) continue;
    note(Note::Level::kWarning, "cannot look for what is to be forgotten: " + looked.error().text);
    forgetting_.put_off(place->first);
  }
  if (forgetting_.place()) {
    forgetting_.look_at = now.steady;
  } else if (forgetting_.begin_round()) {
    forgetting_.look_at = now.steady + limits::kRetentionLook;
  }
}

// What is on its way out is written anew, too: it may yet stay.
Status Node::look_at_stream(StreamIx ix, Seq from, std::size_t& bytes_left, InFlight& batch) {
  bytes_left -= std::min<std::size_t>(bytes_left, limits::kPageBytes);  // Also where nothing is found.
  const StreamRules& rules = *forgetting_.of(ix);
  const auto [first, last] = rules.span();
  const auto blocks = reader_.blocks_between(streams_[ix], from, first, last, bytes_left);
  if (!blocks.ok()) return pass_over(ix, from, blocks.error(), bytes_left);
  if (blocks->empty()) return forgetting_.done(ix), Done{};
  for (const StoredBlock& block : *blocks) {
    if (batch.obedient.size() == limits::kForgetBlocksAtOnce) break;
    bytes_left -= std::min(bytes_left, block.bytes->size());
    forgetting_.go_on(ix, block.interval().last + 1);
    if (auto rest = without_forgotten(block, rules))
      batch.obedient.push_back({ix, std::move(rest->block), block.bytes->size(), rest->values});
  }
  return Done{};
}

// A damaged block comes anew from a peer, and obeys then. Which one it is the store does not say, and where
// one ends nobody has verified, so that what is between is passed over one by one.
Status Node::pass_over(StreamIx ix, Seq from, const Error& why, std::size_t& bytes_left) {
  if (why.code != ErrorCode::kCorrupt) return why;
  const auto next = reader_.held_blocks(streams_[ix], from, 1);
  if (!next.ok()) return next.error();
  if (next->empty()) return why;
  bytes_left -= std::min<std::size_t>(bytes_left, limits::kPageBytes);
  forgetting_.go_on(ix, next->front().dots.first + 1);
  return Done{};
}

// Of what is stored; with nothing on its way that was made before the last rules took effect.
bool Node::obeys_all() const {
  if (!forgetting_.all_looked_at() || !forgetting_.named_late.empty()) return false;
  return std::none_of(in_flight_.begin(), in_flight_.end(), [this](const auto& item) {
    const InFlight& batch = item.second;
    const bool is_old = batch.generation != forgetting_.generation() && !batch.blocks.empty();
    return is_old || !batch.named_late.empty();
  });
}

// --- Durable ---------------------------------------------------------------------------------------------

void Node::apply_rewritten(const InFlight& batch) {
  for (const auto& [ix, block, bytes_before, values] : batch.obedient) {
    const StreamKnowledge* const known = this->known(ix);
    if (known == nullptr || !known->held().contains(block.interval())) continue;
    counters_.values_forgotten += values;
    ++counters_.blocks_rewritten;
    recent_.replace(ix, block);
    // What is given up by then counts as it was when that was planned.
    if (retention_.planned(ix).intersects(block.interval())) continue;
    retention_.rewritten(
        ix, static_cast<std::int64_t>(block.bytes->size()) - static_cast<std::int64_t>(bytes_before));
  }
}

void Node::forgetting_durable(const InFlight& batch, Instant now) {
  if (batch.forgets) forgetting_.under_way = false;
  if (batch.obeyed) forgetting_.obeyed = *batch.obeyed;
  for (const StreamIx ix : batch.named_late) forgetting_.look_from(ix, 1);
  const bool has_new = forgetting_.take_effect();
  if (has_new) rules_took_effect(now);
  for (const auto& block : batch.blocks) {
    if (batch.generation != forgetting_.generation() && forgetting_.of(block.ix) != nullptr)
      forgetting_.look_from(block.ix, block.block.first);
  }
  const bool has_work = is_forgetting() || !forgetting_.all_looked_at();
  if (has_new || (has_work && !forgetting_.look_at)) forgetting_.look_at = now.steady;
}

void Node::forgetting_failed(const InFlight& batch, Instant now) {
  forgetting_.named_late.insert(batch.named_late.begin(), batch.named_late.end());
  for (const auto& one : batch.obedient) forgetting_.look_from(one.ix, one.block.first);
  if (batch.forgets) forgetting_.under_way = false;
  if (batch.forgets || (is_forgetting() && !forgetting_.look_at))
    forgetting_.look_at = now.steady + limits::kFailedRetry;
}

}  // namespace deltamesh
