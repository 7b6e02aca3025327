// engine/comparison.h - a comparison with a peer under way: which stream, which piece, which question.
//
// Plain state of a session; node_compare.cc has the rules. Streams are compared one after the other, each in
// pieces, and then maps, one question at a time, so that neither side does much at once and what has been
// found is bounded.
#pragma once

#include <algorithm>
#include <optional>
#include <set>
#include <vector>

#include "engine/compared.h"
#include "engine/map_reconcile.h"
#include "engine/past.h"
#include "engine/reconcile.h"
#include "engine/stream_table.h"

namespace deltamesh {

struct Comparison {
  struct Stream {
    StreamIx ix = 0;
    ComparedStream result;
    Seq next = 1;          // The first dot that is not compared yet.
    bool lowered = false;  // The peer has told that it has settled less than we.
  };

  std::optional<CompareId> id;  // None: a scrub, which is one piece.
  std::vector<StreamIx> left;   // Not begun; the last one is next.
  std::set<StreamIx> taken;     // Were in `left`.
  std::optional<PastOf> aside;  // Of what was put aside, writers up to this one were taken.
  std::vector<DatasetId> maps_left;
  Compared compared;        // With the streams that are done.
  std::size_t unequal = 0;  // How many of them are not equal.
  std::optional<Stream> stream;
  std::optional<Reconciler> piece;
  std::optional<MapReconciler> map;  // Begun once no stream is left.
  Seq piece_dots = 0;                // How long the next piece shall be: a power of two.
  std::uint64_t work = 0;            // What this piece has cost here.
  std::uint32_t question = 0;        // The number of the question that waits for its answer; 0: none does.
  int refusals = 0;                  // Of this piece, since the peer is asked too much, or has other rules.
  Status outcome = Done{};           // What it ends with, if nothing more is found.
};

// To the next multiple of the length, so that pieces do not cut cells. There is a stream, and it is not done.
inline Interval next_piece(const Comparison& comparison) {
  const Comparison::Stream& stream = *comparison.stream;
  const Seq end = ((stream.next - 1) / comparison.piece_dots + 1) * comparison.piece_dots;
  return {stream.next, std::min(end, stream.result.found.dots.last)};
}

// Where the scrub of a peer has got to.
struct ScrubPlace {
  StreamId stream;
  Seq next = 1;
  Seq piece_dots = 0;
  bool suspect = false;  // The piece before this one was not as it should be, and is compared once more.

  DatasetId map{};        // The last one that is done with.
  bool map_turn = false;  // A map was looked at last, not a stream.
  bool map_suspect = false;
};

}  // namespace deltamesh
