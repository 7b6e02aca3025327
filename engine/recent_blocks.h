// engine/recent_blocks.h - the blocks that became durable last, so that forwarding them reads no disk.
//
// First in, first out, bounded by bytes.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <utility>

#include "engine/store.h"
#include "engine/stream_table.h"

namespace deltamesh {

class RecentBlocks {
 public:
  explicit RecentBlocks(std::size_t bytes_max) : bytes_max_(bytes_max) {}

  void add(StreamIx stream, const StoredBlock& block) {
    const auto [at, added] = blocks_.try_emplace({stream, block.first}, block);
    if (added) {
      order_.push_back(at->first);
    } else {
      bytes_ -= weight(std::exchange(at->second, block));
    }
    bytes_ += weight(block);
    while (bytes_ > bytes_max_ && order_.size() > 1) forget_oldest();
  }

  // Puts `block` in the place of the one with the same dots, if that is still here.
  void replace(StreamIx stream, const StoredBlock& block) {
    const auto it = blocks_.find({stream, block.first});
    if (it == blocks_.end() || it->second.events != block.events) return;
    bytes_ -= weight(it->second);
    bytes_ += weight(block);
    it->second = block;
  }

  // Forgets blocks that begin at one of these dots: the store has them as parts of a larger one.
  void forget(StreamIx stream, Interval dots) {
    const auto begin = blocks_.lower_bound({stream, dots.first}),
               end = blocks_.upper_bound({stream, dots.last});
    if (begin == end) return;
    for (auto at = begin; at != end; ++at) bytes_ -= weight(at->second);
    blocks_.erase(begin, end);
    std::erase_if(order_, [&](const Key& key) {
      return key.first == stream && dots.first <= key.second && key.second <= dots.last;
    });
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

  // A block of one event weighs less than what keeps it: about that, and the same on every machine.
  static constexpr std::size_t kKeepingBytes = 384;
  static std::size_t weight(const StoredBlock& block) { return block.bytes->size() + kKeepingBytes; }

  void forget_oldest() {
    const auto it = blocks_.find(order_.front());
    bytes_ -= weight(it->second);
    blocks_.erase(it);
    order_.pop_front();
  }

  std::map<Key, StoredBlock> blocks_;
  std::deque<Key> order_;
  std::size_t bytes_max_;
  std::size_t bytes_ = 0;
};

}  // namespace deltamesh
