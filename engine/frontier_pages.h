// engine/frontier_pages.h - a frontier as frames: each goes out once it is full.
#pragma once

#include <utility>

#include "engine/codec.h"
#include "engine/limits.h"

namespace deltamesh {

// `Send` takes a message::Frontier.
template <class Send>
class FrontierPages {
 public:
  // The first frame says from which frontier it goes on, if from any.
  FrontierPages(Send send, Bytes base) : send_(std::move(send)), page_{{}, false, std::move(base)} {}

  void add(message::Frontier::Entry entry) {
    bytes_ += item_bytes_max(entry);
    page_.entries.push_back(std::move(entry));
    if (page_.entries.size() == limits::kStreamsPerFrame || bytes_ >= limits::kPageBytes) turn();
  }
  void add(const message::Frontier::Past& past) {
    bytes_ += item_bytes_max(past);
    page_.pasts.push_back(past);
    if (page_.pasts.size() == limits::kPastsPerFrame || bytes_ >= limits::kPageBytes) turn();
  }
  // The last frame, which says what its sender remembers.
  void end(Bytes remembered) {
    page_.last = true;
    page_.remembered = std::move(remembered);
    turn();
  }

 private:
  void turn() {
    send_(std::exchange(page_, message::Frontier{{}, false, {}}));
    bytes_ = 0;
  }

  Send send_;
  message::Frontier page_;
  std::size_t bytes_ = 0;
};

}  // namespace deltamesh
