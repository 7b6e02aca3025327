// crdt/knowledge.h - which events a node holds, gave up, or knows to be gone: its causal context.
//
// Of each dot it says one or more of four things, and a join says what either side said, except that data
// beats all else: joining is safe in any order. held: the node has the data (of a map: has seen the write).
// dropped: it gave the dot up, having had the data or not, and does not want it; that is local and never
// enters another node's knowledge (see shareable()). void: the writer declares that no copy is known, or an
// operator for one that is gone. lost: void, and there was an event, which its writer had to give up before
// others had it, or found damaged; other void dots were never stored. `head` is the highest dot that the
// writer is known to have issued, `settled` the dot up to which it declares its stream complete. A stream is
// closed while its writer's word is that nothing follows the head; should something follow, it is open again.
//
// Streams stand in one sorted flat vector: a node knows thousands.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "crdt/dot.h"
#include "crdt/interval_set.h"
#include "crdt/lattice.h"

namespace deltamesh {

// Nothing that is held is dropped or void; what is lost is void; head is never below a number in any set;
// settled_ is at most one more than the head.
class StreamKnowledge {
 public:
  [[nodiscard]] const IntervalSet& held() const { return held_; }
  [[nodiscard]] const IntervalSet& dropped() const { return dropped_; }
  [[nodiscard]] const IntervalSet& voided() const { return void_; }
  [[nodiscard]] const IntervalSet& lost() const { return lost_; }
  [[nodiscard]] Seq head() const { return head_; }
  [[nodiscard]] Seq settled() const { return settled_ < head_ ? settled_ : head_; }
  [[nodiscard]] bool closed() const { return settled_ > head_; }
  // What declare_head() takes to say both: settled(), or one more than the head of what is closed.
  [[nodiscard]] Seq declared() const { return settled_; }

  void hold(Interval dots);  // We have the data now.
  void hold(const IntervalSet& dots);
  void declare_void(Interval dots);  // Has no effect on dots that are held.
  void declare_void(const IntervalSet& dots);
  void declare_lost(const IntervalSet& dots);  // And void.
  // Both only grow; a settled past its head closes the stream.
  void declare_head(Seq head, Seq settled);
  void close() { declare_head(head_, head_ + 1); }

  // Retention: gives up `dots`, held or not. That is no join, and never leaves this node.
  void drop(Interval dots);
  void drop(const IntervalSet& dots);
  // Damage: of `dots` nothing can be read, and what was held of them is missing again. No join either.
  void miss(Interval dots) { held_.remove(dots); }

  bool join(const StreamKnowledge& other);

  // Dots that are known to exist (at most head) of which we have nothing and were told nothing.
  [[nodiscard]] IntervalSet missing() const;
  // All but what is dropped: what another node may learn.
  [[nodiscard]] StreamKnowledge shareable() const;
  // The part of shareable() that is news to `receiver`: joined there, it does what all of shareable() would.
  [[nodiscard]] StreamKnowledge beyond(const StreamKnowledge& receiver) const;
  [[nodiscard]] bool empty() const {
    return head_ == 0 && held_.empty() && void_.empty() && dropped_.empty();
  }

  friend bool operator==(const StreamKnowledge&, const StreamKnowledge&) = default;

 private:
  IntervalSet held_, dropped_, void_, lost_;
  Seq head_ = 0;
  Seq settled_ = 0;
};

class Knowledge {
 public:
  struct Entry {
    StreamId stream;
    StreamKnowledge known;
    friend bool operator==(const Entry&, const Entry&) = default;
  };

  // The entry of `stream`; find() gives null where nothing is known, at() makes an empty one.
  [[nodiscard]] const StreamKnowledge* find(const StreamId& stream) const;
  StreamKnowledge& at(const StreamId& stream);
  // The same at once where the entry is still at `place`, which is brought up to date.
  [[nodiscard]] const StreamKnowledge* find(const StreamId& stream, std::uint32_t& place) const;

  [[nodiscard]] bool holds(const Dot& dot) const;
  void hold(const Dot& dot) { at(dot.stream).hold({dot.seq, dot.seq}); }

  // Takes entries out, as if nothing were known of their streams. In one pass; `gone` ascending.
  void erase(const std::vector<StreamId>& gone);

  // Linear merge of the two sorted vectors; returns true if anything grew.
  bool join(const Knowledge& other);

  // True if every dot held there is held here.
  [[nodiscard]] bool includes_held(const Knowledge& other) const;

  // What `receiver` may learn from here, stream by stream; see StreamKnowledge::beyond().
  [[nodiscard]] Knowledge beyond(const Knowledge& receiver) const;

  // Ascending by stream. at() can leave an entry that says nothing.
  [[nodiscard]] const std::vector<Entry>& entries() const { return entries_; }
  [[nodiscard]] bool empty() const;

  // An entry that says nothing counts as none: equal knowledge compares equal.
  friend bool operator==(const Knowledge& a, const Knowledge& b);

 private:
  std::vector<Entry> entries_;
};

static_assert(Lattice<IntervalSet> && Lattice<StreamKnowledge> && Lattice<Knowledge>);

}  // namespace deltamesh
