// engine/range_cache.h - the sums of the few streams that were asked about last, kept for the next question.
#pragma once

#include <algorithm>
#include <memory>
#include <vector>

#include "engine/limits.h"
#include "engine/store_ranges.h"

namespace deltamesh {

class RangeCache {
 public:
  explicit RangeCache(const StoreReader& reader) : reader_(reader) {}

  // Up to `upto` at least; valid until the next call. `settled`, not below it, is how far new ones reach.
  StoreRanges& at(const StreamId& stream, Seq upto, Seq settled, DeclarationOf declaration,
                  RemovedBy removed) {
    auto it = find(stream);
    if (it != kept_.end() && it->upto < upto) it = kept_.erase(it), it = kept_.end();
    if (it == kept_.end()) {
      if (kept_.size() == limits::kRangesKept) kept_.erase(kept_.begin());
      kept_.push_back({stream, settled,
                       std::make_unique<StoreRanges>(reader_, stream, settled, std::move(declaration),
                                                     std::move(removed))});
    } else {
      std::rotate(it, it + 1, kept_.end());  // The one that was asked last goes last.
    }
    return *kept_.back().ranges;
  }

  // Blocks of these dots have come; and declarations, which may change any event.
  void forget(const StreamId& stream, Interval dots) {
    if (const auto it = find(stream); it != kept_.end()) it->ranges->forget(dots);
  }
  void forget_all() { kept_.clear(); }
  void forget(const StreamId& stream) {
    if (const auto it = find(stream); it != kept_.end()) kept_.erase(it);
  }

 private:
  struct Kept {
    StreamId stream;
    Seq upto = 0;
    std::unique_ptr<StoreRanges> ranges;
  };
  std::vector<Kept>::iterator find(const StreamId& stream) {
    return std::find_if(kept_.begin(), kept_.end(), [&](const Kept& kept) { return kept.stream == stream; });
  }

  const StoreReader& reader_;
  std::vector<Kept> kept_;
};

}  // namespace deltamesh
