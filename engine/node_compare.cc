// engine/node_compare.cc - asking a peer, stream by stream and piece by piece, whether it holds the same.
// Maps follow; node_compare_map.cc has these.
//
// engine/reconcile.h compares a range; here is which range comes next, how long an answer is waited for, and
// what becomes of the findings. Each tick does one piece of one comparison at most, so that nothing else
// waits for long. A peer from before there were such questions skips them without a word, hence the wait.
#include <algorithm>

#include "engine/node.h"
#include "engine/reconcile.h"

namespace deltamesh {
namespace {

using std::to_string;

Seq next_size(Seq dots, std::uint64_t work) {
  if (work > limits::kComparePieceWork) return std::max(dots / 2, limits::kComparePieceMin);
  if (work < limits::kComparePieceWork / 4) return std::min(dots * 2, limits::kComparePieceMax);
  return dots;
}

bool done(const Comparison::Stream& stream) {
  return !stream.result.status.ok() || stream.next > stream.result.found.dots.last;
}

}  // namespace

// --- Begin and end ---------------------------------------------------------------------------------------

Result<CompareId> Node::compare(PeerId peer, Instant now) {
  Session* const with = session(peer);
  if (with == nullptr || with->phase != SessionPhase::kLive)
    return Error{ErrorCode::kNotFound, "no such peer is in session"};
  if (with->comparison != nullptr && with->comparison->id)
    return Error{ErrorCode::kFull, "a comparison with this peer is under way"};
  auto comparison = std::make_unique<Comparison>();  // In place of a scrub, which can wait.
  const CompareId id{++last_comparison_};
  comparison->id = id;
  comparison->compared = {id, peer, with->remote, {}, {}, Done{}};
  comparison->left = comparable(*with);
  comparison->taken.insert(comparison->left.begin(), comparison->left.end());
  comparison->maps_left = comparable_maps(*with);
  comparison->piece_dots = limits::kComparePieceFirst;
  with->comparison = std::move(comparison);
  compare_at(*with, now.steady);
  tick(now);
  return id;
}

bool Node::is_comparable(const Session& session, const StreamId& stream) const {
  const DatasetConfig* const config = dataset(stream.dataset);
  return shares(session, stream.dataset) && config != nullptr && config->cls == stream.cls &&
         config->kind == DatasetKind::kTelemetry;
}

// The last one is first, to be taken from the end.
std::vector<StreamIx> Node::comparable(const Session& session) {
  std::vector<StreamIx> all;
  for (const auto& [stream, known] : knowledge_.entries()) {
    if (!known.empty() && is_comparable(session, stream)) all.push_back(intern(stream));
  }
  std::reverse(all.begin(), all.end());
  return all;
}

// Without a time, the session is over.
void Node::end_comparison(Session& session, Status status, std::optional<Instant> now) {
  const auto comparison = std::exchange(session.comparison, nullptr);
  if (comparison->id) {
    if (comparison->stream) end_stream(session, *comparison);
    if (comparison->map) {
      comparison->compared.maps.push_back(comparison->map->result());
      comparison->compared.maps.back().status = status;
    }
    comparison->compared.status = std::move(status);
    effects_.compared.push_back(std::move(comparison->compared));
  } else if (now) {
    end_scrub(session, *comparison);
  }
  const bool scrubs = now && config_.scrub_interval > Micros::zero() && session.answers;
  compare_at(session, scrubs ? std::optional(now->steady + config_.scrub_interval) : std::nullopt);
}

// --- Time ------------------------------------------------------------------------------------------------

void Node::compare_at(Session& session, std::optional<Micros> at) {
  if (session.compare_next) comparing_.erase({*session.compare_next, session.peer});
  session.compare_next = at;
  if (at) comparing_.emplace(*at, session.peer);
}

void Node::check_comparisons(Instant now) {
  if (comparing_.empty() || comparing_.begin()->first > now.steady) return;
  Session& session = *sessions_.at(comparing_.begin()->second);
  compare_at(session, std::nullopt);
  session.comparison == nullptr ? begin_scrub(session, now) : continue_comparison(session, now);
}

void Node::continue_comparison(Session& session, Instant now) {
  Comparison& comparison = *session.comparison;
  if (comparison.question != 0) return stop_waiting(session, now);
  if (comparison.map) return ask_map(session, now);
  if (comparison.piece || begin_piece(session, comparison)) return ask(session, now);
  if (!comparison.left.empty()) {
    const std::string many = to_string(limits::kCompareUnequalMax) + " streams are not equal";
    return end_comparison(session, Error{ErrorCode::kLimit, many + ", no more was compared"}, now);
  }
  if (begin_map(comparison)) return ask_map(session, now);
  end_comparison(session, comparison.outcome, now);
}

// Who does not know one kind of question may know the other.
void Node::stop_waiting(Session& session, Instant now) {
  const Error silent{ErrorCode::kUnsupported,
                     "no answer within " + to_string(limits::kCompareAnswer.count()) + " s"};
  if (!session.comparison->map) {
    session.answers = false;
    return end_comparison(session, silent, now);
  }
  session.answers_maps = false;
  session.comparison->question = 0;
  pass_maps_over(*session.comparison, silent);
  end_map(session, silent, now);
}

// --- Pieces ----------------------------------------------------------------------------------------------

// False if all is done. Streams of which nothing can be asked are passed over at once.
bool Node::begin_piece(const Session& session, Comparison& comparison) {
  while (!comparison.stream || done(*comparison.stream)) {
    if (comparison.stream) end_stream(session, comparison);
    if (comparison.left.empty()) take_aside(session, comparison);
    if (comparison.left.empty() || comparison.unequal >= limits::kCompareUnequalMax) return false;
    comparison.stream = begin_stream(comparison.left.back());
    comparison.left.pop_back();
  }
  comparison.piece.emplace(next_piece(comparison));
  comparison.work = 0;
  return true;
}

// What was put aside comes last, writer by writer, where everything is compared.
void Node::take_aside(const Session& session, Comparison& comparison) {
  if (!comparison.id) return;
  while (comparison.left.empty()) {
    const auto next = comparison.aside ? aside_.upper_bound(*comparison.aside) : aside_.begin();
    if (next == aside_.end()) return;
    comparison.aside = next->first;
    if (!shares(session, next->first.dataset)) continue;
    const auto woken = wake_all(next->first, (1u << kPastParts) - 1);
    if (!woken.ok()) return void(comparison.outcome = woken.error());
    for (const StreamIx ix : *woken) {
      if (comparison.taken.insert(ix).second) comparison.left.push_back(ix);
    }
  }
}

Comparison::Stream Node::begin_stream(StreamIx ix) {
  if (Status awake = wake(ix); !awake.ok())
    note(Note::Level::kWarning, "cannot read what is known of a stream: " + awake.error().text);
  Comparison::Stream stream;
  stream.ix = ix;
  stream.result.stream = streams_[ix];
  stream.result.found.dots = {1, settled(ix)};
  if (settled(ix) == 0)
    stream.result.status = Error{ErrorCode::kNotFound, "nothing of it is known to be settled"};
  return stream;
}

void Node::end_stream(const Session& session, Comparison& comparison) {
  const StreamIx ix = comparison.stream->ix;
  ComparedStream result = std::exchange(comparison.stream, std::nullopt)->result;
  comparison.piece.reset();
  if (const StreamKnowledge* const known = knowledge_.find(result.stream); known != nullptr && result.status)
    result.voided = IntervalSet(result.found.dots).intersect(known->voided()).size();
  if (const StreamKnowledge* const known = this->known(ix))
    result.a_gave_up = result.found.a_lacks.first().intersect(known->dropped()).size();
  if (const SessionStream* const state = session.streams.find(ix); state != nullptr && !state->by_sum)
    result.b_gave_up = result.found.b_lacks.first().intersect(state->unwanted).size();
  if (!result.status || result.found.verdict() != Verdict::kEqual) ++comparison.unequal;
  comparison.compared.streams.push_back(std::move(result));
}

void Node::end_piece(Session& session, Instant now) {
  Comparison& comparison = *session.comparison;
  ++counters_.ranges_compared;
  comparison.stream->result.found.add(comparison.piece->result());
  comparison.stream->next = comparison.piece->result().dots.last + 1;
  comparison.piece.reset();
  comparison.refusals = 0;
  comparison.piece_dots = next_size(comparison.piece_dots, comparison.work);
  if (!comparison.id) return end_comparison(session, Done{}, now);
  compare_at(session, now.steady);
}

void Node::fail_stream(Session& session, Error why, Instant now) {
  Comparison& comparison = *session.comparison;
  comparison.stream->result.status = std::move(why);
  comparison.piece.reset();
  comparison.refusals = 0;
  if (!comparison.id) return end_comparison(session, Done{}, now);
  compare_at(session, now.steady);
}

// --- Questions and answers -------------------------------------------------------------------------------

// One step of the piece, which may read what a piece may.
template <class Step>
auto Node::with_ranges(Comparison& comparison, Step step) {
  StoreRanges& held = ranges(comparison.stream->ix, comparison.stream->result.found.dots.last);
  const std::uint64_t before = held.work();
  if (comparison.piece_dots > limits::kComparePieceMin)
    held.allow(limits::kComparePieceTimesMax * limits::kComparePieceWork);
  auto result = step(held);
  held.allow_all();
  comparison.work += held.work() - before;
  return result;
}

void Node::ask(Session& session, Instant now) {
  Comparison& comparison = *session.comparison;
  auto question = with_ranges(comparison, [&](StoreRanges& held) { return comparison.piece->ask(held); });
  if (!question) return stop_piece(session, question.error(), now);
  if (!*question) return end_piece(session, now);
  name_to(session, comparison.stream->ix);
  (*question)->ref = refer(session, comparison.stream->ix);
  (*question)->number = comparison.question = ++session.questions;
  (*question)->rules = forgetting_.digest();
  send(session, **question);
  compare_at(session, now.steady + limits::kCompareAnswer);
}

// The source has failed; if only for the length of the piece, a shorter one may do.
void Node::stop_piece(Session& session, const Error& why, Instant now) {
  Comparison& comparison = *session.comparison;
  if (why.code != ErrorCode::kFull) return fail_stream(session, why, now);
  comparison.piece.reset();
  comparison.piece_dots =
      std::max(comparison.piece_dots / limits::kComparePieceTimesMax, limits::kComparePieceMin);
  compare_at(session, now.steady);
}

// Whoever skips a question would miss a stream that is named in it for the first time.
void Node::name_to(Session& session, StreamIx ix) {
  if (session.at(ix).out_index != SessionStream::kUnnamed) return;
  const StreamKnowledge nothing;
  const StreamKnowledge* const found = this->known(ix);
  const StreamKnowledge& known = found == nullptr ? nothing : *found;
  tell(session, {refer(session, ix), {}, {}, known.head(), known.declared()});
}

// An answer that nobody waits for any more is none.
Status Node::receive(Session& session, const message::RangeAnswer& answer, Instant now) {
  Comparison* const comparison = session.comparison.get();
  if (comparison == nullptr || comparison->question == 0 || answer.number != comparison->question ||
      comparison->map)
    return Done{};
  if (answer.index != session.at(comparison->stream->ix).out_index)
    return Error{ErrorCode::kInvalid, "range answer: about another stream"};
  comparison->question = 0;
  session.answers = true;
  if (answer.other_rules) return take_other_rules(session, now), Done{};
  if (answer.parts.empty()) return take_refusal(session, answer.upto, now), Done{};
  message::RangeAnswer ours = answer;
  ours.number = comparison->piece->result().questions;  // A piece counts its own.
  const Status taken =
      with_ranges(*comparison, [&](StoreRanges& held) { return comparison->piece->take(ours, held); });
  if (!taken && taken.error().code == ErrorCode::kInvalid) return taken;
  taken ? ask(session, now) : stop_piece(session, taken.error(), now);
  return Done{};
}

// The peer cannot tell (0), has settled less, or is asked too much: then the piece begins anew after a while.
void Node::take_refusal(Session& session, Seq peer_settled, Instant now) {
  Comparison& comparison = *session.comparison;
  const Seq asked = comparison.piece->result().dots.last;
  if (peer_settled == 0)
    return fail_stream(session, {ErrorCode::kNotFound, "the peer cannot tell what it holds"}, now);
  comparison.piece.reset();
  if (peer_settled >= asked) {
    if (++comparison.refusals > limits::kCompareRefusalsMax)
      return fail_stream(session, {ErrorCode::kFull, "the peer is asked too much"}, now);
    return compare_at(session, now.steady + limits::kCompareRetry);
  }
  if (std::exchange(comparison.stream->lowered, true))
    return fail_stream(session, {ErrorCode::kMismatch, "the peer settles less and less"}, now);
  comparison.stream->result.found.dots.last = peer_settled;
  if (!comparison.id && done(*comparison.stream))
    return fail_stream(session, {ErrorCode::kNotFound, "the peer has not settled that much"}, now);
  compare_at(session, now.steady);
}

// --- Rules for wrong data --------------------------------------------------------------------------------

// They are on their way, from one side or the other: a piece begins anew after a while. Where that does not
// help, no stream can be compared, and maps show which rules differ.
void Node::take_other_rules(Session& session, Instant now) {
  Comparison& comparison = *session.comparison;
  const std::string differ = "other rules about what is forgotten are in effect at the peer";
  if (!comparison.id) return fail_stream(session, {ErrorCode::kFull, differ}, now);
  comparison.piece.reset();
  if (++comparison.refusals <= limits::kCompareRefusalsMax)
    return compare_at(session, now.steady + limits::kCompareRetry);
  comparison.left.clear();
  comparison.outcome = Error{ErrorCode::kMismatch, differ};
  fail_stream(session, comparison.outcome.error(), now);
}

// What was summed before and after rules took effect does not go together.
void Node::end_stream_comparisons(Instant now) {
  const Error why{ErrorCode::kFull, "the rules about what is forgotten have changed: compare again"};
  for (const auto& [peer, session] : sessions_) {
    Comparison* const comparison = session->comparison.get();
    if (comparison == nullptr || comparison->map || (!comparison->stream && comparison->left.empty()))
      continue;
    if (comparison->stream) comparison->stream->result.status = why;
    end_comparison(*session, why, now);
  }
}

}  // namespace deltamesh
