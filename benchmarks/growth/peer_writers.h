// benchmarks/growth/peer_writers.h - many small nodes in memory, each in session with one node, that write in
// turn and push what they write.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <vector>

#include "benchmarks/growth/memory_node.h"
#include "benchmarks/growth/stored_node.h"
#include "benchmarks/growth/wandering_readings.h"

namespace deltamesh::bench {

class PeerWriters {
 public:
  // Opens all sessions; `hub` outlives this. Each writer has kReadingsPerEvent series.
  PeerWriters(std::uint64_t count, StoredNode& hub);

  // The next writer writes so many events, the hub gets them, and a millisecond passes. `at_hub` runs each
  // call of the hub.
  using AtHub = std::function<void(const std::function<void()>& call)>;
  void write(std::uint64_t events, const AtHub& at_hub);

 private:
  struct Writer {
    explicit Writer(std::uint64_t number);
    MemoryNode node;
    WanderingReadings readings;
  };
  // Until neither says anything more.
  void talk(const AtHub& at_hub, std::size_t speaking);
  void hand_out_sent();

  StoredNode& hub_;
  std::deque<Writer> writers_;
  std::size_t next_ = 0;
  std::vector<NamedEvent> events_;
};

}  // namespace deltamesh::bench
