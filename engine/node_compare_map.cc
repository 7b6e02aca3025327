// engine/node_compare_map.cc - maps compared with a peer: which comes next, what is asked, what is answered.
//
// engine/map_reconcile.h has the rules. A map on which nothing is known here, not even by hearsay, is not
// asked about: so a peer that has some of it has not told us of its streams.
#include <algorithm>

#include "engine/node.h"

namespace deltamesh {

using Kind = message::MapAnswer::Kind;

bool Node::shares(const Session& session, DatasetId dataset) const {
  return session.sends.contains(dataset) || session.takes.contains(dataset);
}

std::vector<DatasetId> Node::comparable_maps(const Session& session) const {
  std::vector<DatasetId> out;
  for (const auto& [id, map] : maps_) {
    const auto& all = knowledge_.entries();
    const auto known = std::lower_bound(all.begin(), all.end(), id, [](const auto& entry, DatasetId dataset) {
      return entry.stream.dataset < dataset;
    });
    const auto said = std::find_if(known, all.end(), [&, id = id](const auto& entry) {
      return entry.stream.dataset != id || !entry.known.empty();
    });
    if (said != all.end() && said->stream.dataset == id && shares(session, id)) out.push_back(id);
  }
  return out;
}

// --- Asking ----------------------------------------------------------------------------------------------

// Ascending by id. False if all are done.
bool Node::begin_map(Comparison& comparison) {
  if (comparison.maps_left.empty()) return false;
  comparison.map.emplace(comparison.maps_left.front(), MapReconciler::Bounds{});
  comparison.maps_left.erase(comparison.maps_left.begin());
  return true;
}

void Node::ask_map(Session& session, Instant now) {
  Comparison& comparison = *session.comparison;
  auto question = comparison.map->ask(side(comparison.map->dataset()));
  if (!question) return end_map(session, Done{}, now);
  question->number = comparison.question = ++session.questions;
  send(session, *question);
  compare_at(session, now.steady + limits::kCompareAnswer);
}

// An answer that nobody waits for any more is none.
Status Node::receive(Session& session, const message::MapAnswer& answer, Instant now) {
  Comparison* const comparison = session.comparison.get();
  if (comparison == nullptr || comparison->question == 0 || answer.number != comparison->question ||
      !comparison->map)
    return Done{};
  if (answer.dataset != comparison->map->dataset())
    return Error{ErrorCode::kInvalid, "map answer: about another map"};
  comparison->question = 0;
  if (answer.kind != Kind::kAnswer) return take_map_refusal(session, answer.kind, now), Done{};
  comparison->refusals = 0;
  if (Status taken = comparison->map->take(answer, side(answer.dataset)); !taken) return taken;
  ask_map(session, now);
  return Done{};
}

void Node::take_map_refusal(Session& session, Kind kind, Instant now) {
  Comparison& comparison = *session.comparison;
  if (kind == Kind::kUnable)
    return end_map(session, Error{ErrorCode::kNotFound, "the peer cannot tell what it has"}, now);
  if (++comparison.refusals > limits::kCompareRefusalsMax)
    return end_map(session, Error{ErrorCode::kFull, "the peer is asked too much"}, now);
  comparison.map->retry();
  compare_at(session, now.steady + limits::kCompareRetry);
}

void Node::end_map(Session& session, Status status, Instant now) {
  Comparison& comparison = *session.comparison;
  comparison.refusals = 0;
  if (status.ok()) ++counters_.ranges_compared;
  if (!comparison.id) return end_comparison(session, std::move(status), now);
  ComparedMap result = comparison.map->result();
  comparison.map.reset();
  result.status = std::move(status);
  comparison.compared.maps.push_back(std::move(result));
  compare_at(session, now.steady);
}

void Node::pass_maps_over(Comparison& comparison, const Error& why) {
  for (const DatasetId id : std::exchange(comparison.maps_left, {})) {
    ComparedMap passed;
    passed.dataset = id;
    passed.status = why;
    comparison.compared.maps.push_back(std::move(passed));
  }
}

// --- Answering -------------------------------------------------------------------------------------------

Status Node::receive(Session& session, const message::MapQuestion& question, Instant now) {
  const message::MapAnswer said = answer(session, question, now);
  ++(said.kind == Kind::kAnswer ? counters_.range_questions_answered : counters_.range_questions_refused);
  send(session, said);
  return Done{};
}

message::MapAnswer Node::answer(const Session& session, const message::MapQuestion& question, Instant now) {
  if (!maps_.contains(question.dataset) || !shares(session, question.dataset))
    return no_answer(question, Kind::kUnable);
  if (answer_work_.left(now.steady) == 0) return no_answer(question, Kind::kLater);
  const MapSide ours = side(question.dataset);
  answer_work_.spend(ours.ranges.runs() + question.ranges.size() * limits::kMapRangeWork);
  if (!question.knowledge.empty())
    answer_work_.spend(ours.map.knowledge().entries().size() * limits::kMapWriterWork);
  return answer_map(question, ours);
}

}  // namespace deltamesh
