// engine/open_block.h - local events of one own stream that are waiting to become a block.
#pragma once

#include <vector>

#include "engine/effects.h"
#include "engine/limits.h"

namespace deltamesh {

class OpenBlock {
 public:
  // Starts over with the event numbered `first`.
  void start(Seq first) { *this = OpenBlock(), first_ = first; }

  // Adds the next event of the write `write`; `bytes` is its size by the rule of limits::kOpenBlockBytesMax.
  void add(Event event, std::size_t bytes, WriteId write) {
    add(std::move(event), bytes);
    if (writes_.empty() || writes_.back() != write) writes_.push_back(write);
  }
  // The same of one that no write has asked for.
  void add(Event event, std::size_t bytes) {
    readings_ += static_cast<std::uint32_t>(event.readings.size());
    bytes_ += bytes;
    events_.push_back(std::move(event));
  }

  // True if the next event belongs to another block: the cell ends here, or this one is large enough.
  [[nodiscard]] bool complete() const {
    return !events_.empty() &&
           ((first_ + events_.size() - 1) % limits::kCellEvents == 0 ||
            readings_ >= limits::kOpenBlockReadingsMax || bytes_ >= limits::kOpenBlockBytesMax);
  }
  [[nodiscard]] bool empty() const { return events_.empty(); }
  [[nodiscard]] Seq first() const { return first_; }
  [[nodiscard]] Seq next() const { return first_ + events_.size(); }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }
  [[nodiscard]] const std::vector<Event>& events() const { return events_; }
  [[nodiscard]] const std::vector<WriteId>& writes() const { return writes_; }

 private:
  Seq first_ = 1;
  std::uint32_t readings_ = 0;
  std::size_t bytes_ = 0;
  std::vector<Event> events_;
  std::vector<WriteId> writes_;  // Each once, in order.
};

}  // namespace deltamesh
