// engine/node_series.cc - declarations of series: from peers, to peers, and asked for.
#include <algorithm>

#include "engine/node.h"

namespace deltamesh {
namespace {

// False if it was there.
bool insert_sorted(std::vector<SeriesNo>& all, SeriesNo one) {
  const auto at = std::lower_bound(all.begin(), all.end(), one);
  if (at != all.end() && *at == one) return false;
  all.insert(at, one);
  return true;
}

}  // namespace

// --- From peers ------------------------------------------------------------------------------------------

void Node::learn_series(StreamIx ix, const std::vector<SeriesDecl>& declarations,
                        std::vector<StreamSeries>& fresh) {
  const StreamId& stream = streams_[ix];
  if (is_own(stream)) return;  // Only we name our series.
  for (const auto& decl : declarations) {
    switch (catalogue_.add(ix, decl)) {
      case Catalogue::Added::kSame: break;
      case Catalogue::Added::kNew:
        fresh.push_back({stream, decl});
        series_named(ix, decl);
        break;
      case Catalogue::Added::kFull:
        note(Note::Level::kWarning, "no room for the declaration of series " + decl.name);
        break;
      case Catalogue::Added::kConflict:
        ++counters_.series_conflicts;
        note(Note::Level::kWarning, "the declaration of series " + decl.name + " contradicts an earlier one");
    }
  }
}

// A block whose series are unknown is kept all the same; queries show it once the declarations are here.
// Which are to be asked for again, should no answer come in this session.
std::vector<SeriesKey> Node::ask_series(Session& session, StreamIx ix, const std::vector<SeriesNo>& used) {
  const StreamId& stream = streams_[ix];
  message::SeriesWanted wanted{stream, {}};
  std::vector<SeriesKey> unnamed;
  for (const SeriesNo series : used) {
    if (series == kBootSeries || catalogue_.find(ix, series) != nullptr) continue;
    if (unnamed_.size() < limits::kSeriesMax && unnamed_.emplace(ix, series).second)
      unnamed.push_back({stream, series});
    wanted.numbers.push_back(series);
    if (wanted.numbers.size() == limits::kSeriesPerFrame) send(session, std::exchange(wanted, {stream, {}}));
  }
  if (!wanted.numbers.empty()) send(session, wanted);
  return unnamed;
}

void Node::ask_unnamed(Session& session) {
  std::erase_if(unnamed_, [this](const auto& one) { return catalogue_.find(one.first, one.second); });
  std::map<StreamIx, std::vector<SeriesNo>> wanted;
  for (const auto& [ix, number] : unnamed_) {
    if (session.takes.contains(streams_[ix].dataset)) wanted[ix].push_back(number);
  }
  for (const auto& [ix, numbers] : wanted) ask_series(session, ix, numbers);
}

Status Node::receive(Session& session, const message::SeriesWanted& wanted) {
  if (!session.sends.contains(wanted.stream.dataset)) {
    return Error{ErrorCode::kInvalid, "a question about a dataset that is not sent to this peer"};
  }
  const auto ix = streams_.find(wanted.stream);
  if (!ix) return Done{};
  std::vector<const SeriesDecl*> known;
  for (const SeriesNo series : wanted.numbers) {
    const SeriesDecl* const decl = catalogue_.find(*ix, series);
    if (decl != nullptr) {
      known.push_back(decl);
    } else if (session.wanted.size() < limits::kSeriesPerStreamMax) {
      session.wanted.emplace(*ix, series);
    }
  }
  give_series(session, wanted.stream, known);
  return Done{};
}

void Node::give_series(Session& session, const StreamId& stream,
                       const std::vector<const SeriesDecl*>& decls) {
  message::SeriesGiven given{stream, {}};
  for (const SeriesDecl* const decl : decls) {
    given.declarations.push_back(*decl);
    if (given.declarations.size() == limits::kSeriesPerFrame)
      send(session, std::exchange(given, {stream, {}}));
  }
  if (!given.declarations.empty()) send(session, given);
}

// A relay may hear of a series after a peer has asked it.
void Node::answer_wanted(const std::vector<StreamSeries>& fresh) {
  for (const auto& [stream, decl] : fresh) {
    const StreamIx ix = *streams_.find(stream);
    for (const auto& [peer, session] : sessions_) {
      if (session->wanted.erase({ix, decl.number}) > 0) give_series(*session, stream, {&decl});
    }
  }
}

Status Node::receive(Session& session, const message::SeriesGiven& given) {
  if (!session.takes.contains(given.stream.dataset)) {
    return Error{ErrorCode::kInvalid, "declarations of a dataset that is not taken from this peer"};
  }
  const auto ix = intern_remote(given.stream);
  if (!ix.ok()) return ix.error();
  InFlight batch;
  learn_series(*ix, given.declarations, batch.declarations);
  if (batch.declarations.empty()) return Done{};
  batch.from = session.peer;
  commit(std::move(batch));
  return Done{};
}

// --- To peers --------------------------------------------------------------------------------------------

// The declarations that the block's frame must carry; if they are too many for it, the rest goes ahead.
std::vector<SeriesDecl> Node::declare_to(Session& session, StreamIx ix, const std::vector<SeriesNo>& used) {
  std::vector<SeriesDecl> fresh;
  for (const SeriesNo series : used) {
    const auto& declared = session.at(ix).declared;
    if (std::binary_search(declared.begin(), declared.end(), series)) continue;
    const SeriesDecl* const decl = catalogue_.find(ix, series);
    if (decl == nullptr || !insert_sorted(session.at(ix).declared, series)) continue;
    fresh.push_back(*decl);
    if (fresh.size() < limits::kSeriesPerFrame) continue;
    send(session, message::SeriesGiven{streams_[ix], std::exchange(fresh, {})});
  }
  return fresh;
}

}  // namespace deltamesh
