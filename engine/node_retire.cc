// engine/node_retire.cc - a node that is gone for good, by its operator's word.
//
// What it is known to have written, and nobody in session has, is waited for no more: it is void, and its
// streams are complete. Should it come back all the same, what it brings is data, which beats a void.
#include <algorithm>

#include "engine/node.h"

namespace deltamesh {

Result<WriteId> Node::retire(const NodeId& gone) {
  if (gone == identity_.node) return Error{ErrorCode::kInvalid, "a node does not retire itself"};
  const bool is_there = std::any_of(sessions_.begin(), sessions_.end(),
                                    [&](const auto& item) { return item.second->remote.node == gone; });
  if (is_there)
    return Error{ErrorCode::kInvalid, "node " + hex(gone.bytes) + " is in session: it is not gone"};
  InFlight batch;
  batch.retires = true;
  for (const auto& [stream, durable] : knowledge_.entries()) {
    if (stream.node != gone) continue;
    const StreamIx ix = intern(stream);
    StreamKnowledge known = durable;
    if (const StreamKnowledge* const heard = heard_.find(stream)) known.join(*heard);
    known.declare_head(sources_[ix].head, 0);
    if (known.head() == 0) continue;
    StreamKnowledge& after = batch.knowledge.at(stream);
    after.declare_void(known.missing().minus(pending_[ix]).minus(held_by_peers(ix)));
    after.declare_head(known.head(), 0);
    after.close();
  }
  const bool is_past =
      std::any_of(aside_.begin(), aside_.end(), [&](const auto& item) { return item.first.node == gone; });
  if (batch.knowledge.empty() && !is_past)
    return Error{ErrorCode::kNotFound, "nothing is known here of a node " + hex(gone.bytes)};
  const WriteId write{++last_write_};
  batch.writes.push_back(write);
  ++writes_[write].parts;
  commit(std::move(batch));
  return write;
}

}  // namespace deltamesh
