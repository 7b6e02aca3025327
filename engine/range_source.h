// engine/range_source.h - what a comparison of ranges asks of the side that it runs on: the events of one
// stream.
#pragma once

#include "crdt/interval_set.h"
#include "crdt/result.h"
#include "engine/message.h"

namespace deltamesh {

using message::RangeSum;

// The answers of one source must fit each other: a sum counts the dots that held() names, and the sum of a
// range is the sum of its parts. Where the events change meanwhile, a comparison says that it is undecided
// there, and nothing worse.
class RangeSource {
 public:
  virtual ~RangeSource() = default;

  // Of the events that are held among `dots`.
  virtual Result<RangeSum> sum(Interval dots) = 0;
  // Which of `dots` are held.
  virtual Result<IntervalSet> held(Interval dots) = 0;
};

// The sum over several runs.
Result<RangeSum> sum_of(RangeSource& source, const IntervalSet& dots);

}  // namespace deltamesh
