// engine/recent_blocks.h - the blocks that became durable last, so that forwarding them reads no disk.
//
// First in, first out, bounded by bytes (limits::kRecentBytesMax).
#pragma once

#include <deque>
#include <map>
#include <optional>

#include "engine/limits.h"
#include "engine/store.h"
#include "engine/stream_table.h"

namespace deltamesh {

class RecentBlocks {
 public:
  void add(StreamIx stream, const StoredBlock& block) {
    blocks_.insert_or_assign({stream, block.first}, block);
    order_.push_back({stream, block.first});
    bytes_ += block.bytes->size();
    while (bytes_ > limits::kRecentBytesMax && order_.size() > 1) forget_oldest();
  }

  // The block that holds event `seq`, if it is still here.
  [[nodiscard]] const StoredBlock* find(StreamIx stream, Seq seq) const {
    auto it = blocks_.upper_bound({stream, seq});
    if (it == blocks_.begin()) return nullptr;
    --it;
    return it->first.first == stream && it->second.interval().last >= seq ? &it->second : nullptr;
  }

 private:
  using Key = std::pair<StreamIx, Seq>;

  void forget_oldest() {
    const auto it = blocks_.find(order_.front());
    bytes_ -= it->second.bytes->size();
    blocks_.erase(it);
    order_.pop_front();
  }

  std::map<Key, StoredBlock> blocks_;
  std::deque<Key> order_;
  std::size_t bytes_ = 0;
};

}  // namespace deltamesh
