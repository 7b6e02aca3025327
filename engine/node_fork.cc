// engine/node_fork.cc - copies of a node: harmless ones with an incarnation of their own, and those that
// share one, which is what a machine makes that is copied together with its memory.
#include <set>

#include "crdt/varint.h"
#include "engine/node.h"
#include "engine/store_ranges.h"

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

// Of telemetry that is all here up to `head`, and can be read; else nothing. What differs from some number on
// differs at the head, so the cell of that is enough. A series without a declaration would stand in the sum
// by its number, which it does not at its writer.
Bytes Node::last_cell(StreamIx ix, Seq head) const {
  if (head == 0 || is_map(ix)) return {};
  const Interval cell{(head - 1) / limits::kCellEvents * limits::kCellEvents + 1, head};
  const StreamKnowledge* const known = this->known(ix);
  if (known == nullptr || !known->held().contains(cell)) return {};
  bool named = true;
  StoreRanges held(
      reader_, streams_[ix], head,
      [&](SeriesNo number) {
        const SeriesDecl* const decl = catalogue_.find(ix, number);
        named = named && (decl != nullptr || number == kBootSeries);
        return decl;
      },
      removed_by(ix));
  held.allow(limits::kComparePieceWork);
  const auto sum = held.sum(cell);
  Bytes bytes;
  if (!sum || !named || sum->count != cell.size()) return bytes;
  put_fixed64(bytes, sum->fingerprint.high());
  put_fixed64(bytes, sum->fingerprint.low());
  return bytes;
}

// One writer gives each number once. Looks at one stream a dataset, whatever a HELLO lists. Where other rules
// for wrong data are in effect, the sums leave out other values, and tell nothing.
Status Node::check_forks(const message::Hello& hello) {
  if (hello.rules != forgetting_.digest()) return Done{};
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
