// tests/sim/fleet_books.h - when each write of a fleet was made, and when it arrived where.
//
// While worlds run, each on any thread, a node touches its own page only, and reads of others what stood
// there when the window began: nothing arrives sooner than that.
#pragma once

#include <vector>

#include "tests/sim/fleet.h"
#include "tests/sim/observer.h"

namespace deltamesh::sim {

// The first two events of a stream find the way, and are kept apart.
inline constexpr Seq kFirstEvents = 2;

class FleetBooks {
 public:
  explicit FleetBooks(NodeIx nodes) : pages_(nodes) {}

  // `node` writes. Returns the number of the write, from 1 on.
  Seq write(NodeIx node, Micros now);
  void arrived(NodeIx node, NodeIx writer, Seq seq, Micros now);
  // What `node` wrote is durable there, in so many bytes.
  void durable(NodeIx node, std::uint64_t bytes) { pages_[node].bytes += bytes; }

  // The rest between windows. What was written within the last one can be read by all.
  void hand_over();
  [[nodiscard]] std::uint64_t writes() const;
  // Deliveries that are still to come.
  [[nodiscard]] std::uint64_t missing() const;
  // Each write as its writer first encoded it, once for each other node.
  [[nodiscard]] std::uint64_t minimum_bytes() const;
  [[nodiscard]] Micros last_write() const;
  [[nodiscard]] Micros last_arrival() const;
  [[nodiscard]] Delays first() const;
  [[nodiscard]] Delays later() const;

 private:
  struct Page {
    std::vector<Micros> written, fresh;       // By number of the event; fresh: in this window.
    std::vector<std::uint32_t> first, later;  // Delays of what arrived here, in microseconds.
    Micros last_arrival{0};
    std::uint64_t bytes = 0;
  };
  using Column = std::vector<std::uint32_t> Page::*;
  [[nodiscard]] Delays delays(Column column) const;
  template <class Part>
  [[nodiscard]] std::uint64_t sum(Part part) const {
    std::uint64_t all = 0;
    for (const Page& page : pages_) all += part(page);
    return all;
  }

  std::vector<Page> pages_;  // By node.
};

}  // namespace deltamesh::sim
