// engine/node_fork.cc - copies of a node: harmless ones with an incarnation of their own, and those that
// share one, which is what a machine makes that is copied together with its memory.
#include <algorithm>

#include "crdt/varint.h"
#include "engine/node.h"

namespace deltamesh {

// All that both write is kept apart by their incarnations; but people will not want two nodes of one name.
void Node::note_clone(PeerId peer) {
  ++counters_.clones_met;
  note(Note::Level::kWarning,
       "node " + hex(identity_.node.bytes) + " runs twice: the other end has a copy of this store", peer);
}

void Node::end_incarnation(const std::string& why) {
  if (!std::exchange(rolled_back_, true)) effects_.rolled_back = why;
}

// Nothing if some of it cannot be read, or bears no name yet: a series without a declaration would stand in
// the sum by its number, which it does not at its writer.
std::optional<Fingerprint> Node::sum_of(StreamIx ix, Interval dots) const {
  const auto blocks = reader_.blocks(streams_[ix], dots, limits::kRangeReadBytes);
  if (!blocks) return std::nullopt;
  Fingerprint sum;
  Seq summed = 0;
  for (const StoredBlock& block : *blocks) {
    const auto events = decode_block(*block.bytes, limits::kBlock);
    if (!events) return std::nullopt;
    for (std::size_t i = 0; i < events->size(); ++i) {
      const Dot dot{streams_[ix], block.first + i};
      if (dot.seq < dots.first || dot.seq > dots.last) continue;
      std::vector<const SeriesDecl*> names;
      for (const Reading& reading : (*events)[i].readings)
        names.push_back(catalogue_.find(ix, reading.series));
      if (std::find(names.begin(), names.end(), nullptr) != names.end()) return std::nullopt;
      sum.add(fingerprint_event(dot, (*events)[i], names));
      ++summed;
    }
  }
  return summed == dots.size() ? std::optional(sum) : std::nullopt;
}

// Of telemetry that is all here up to `head`; else nothing. What differs from some number on differs at the
// head, so the cell of that is enough.
Bytes Node::last_cell(StreamIx ix, Seq head) const {
  if (head == 0 || is_map(ix)) return {};
  const Interval cell{(head - 1) / limits::kCellEvents * limits::kCellEvents + 1, head};
  const StreamKnowledge* const known = this->known(ix);
  if (known == nullptr || !known->held().contains(cell)) return {};
  const auto sum = sum_of(ix, cell);
  Bytes bytes;
  if (!sum) return bytes;
  put_fixed64(bytes, sum->high());
  put_fixed64(bytes, sum->low());
  return bytes;
}

// One writer gives each number once. Looks at one stream a dataset, whatever a HELLO lists.
Status Node::check_forks(const message::Hello& hello) {
  std::set<DatasetId> seen;
  for (const auto& own : hello.own) {
    const auto ix = streams_.find(own.stream);
    if (!ix || own.last_cell.empty() || own.stream.incarnation != hello.identity.incarnation) continue;
    if (!seen.insert(own.stream.dataset).second) continue;
    const Bytes ours = last_cell(*ix, own.head);
    if (ours.empty() || ours == own.last_cell) continue;
    ++counters_.forks_found;
    return Error{ErrorCode::kForked, "node " + hex(own.stream.node.bytes) +
                                         " has written other events up to " + std::to_string(own.head) +
                                         " of its incarnation than are held here: two copies of it run"};
  }
  return Done{};
}

}  // namespace deltamesh
