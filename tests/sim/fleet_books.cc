// tests/sim/fleet_books.cc - sums and percentiles over all nodes.
#include "tests/sim/fleet_books.h"

#include <algorithm>

namespace deltamesh::sim {

Seq FleetBooks::write(NodeIx node, Micros now) {
  Page& page = pages_[node];
  page.fresh.push_back(now);
  return page.written.size() + page.fresh.size();
}

void FleetBooks::arrived(NodeIx node, NodeIx writer, Seq seq, Micros now) {
  Page& page = pages_[node];
  const Micros delay = now - pages_[writer].written[seq - 1];
  (seq <= kFirstEvents ? page.first : page.later).push_back(static_cast<std::uint32_t>(delay.count()));
  page.last_arrival = now;
}

void FleetBooks::hand_over() {
  for (Page& page : pages_) {
    page.written.insert(page.written.end(), page.fresh.begin(), page.fresh.end());
    page.fresh.clear();
  }
}

std::uint64_t FleetBooks::writes() const {
  return sum([](const Page& page) { return page.written.size(); });
}

std::uint64_t FleetBooks::missing() const {
  const std::uint64_t arrived = sum([](const Page& page) { return page.first.size() + page.later.size(); });
  return writes() * (pages_.size() - 1) - arrived;
}

std::uint64_t FleetBooks::minimum_bytes() const {
  return sum([](const Page& page) { return page.bytes; }) * (pages_.size() - 1);
}

Micros FleetBooks::last_write() const {
  Micros last{0};
  for (const Page& page : pages_) {
    if (!page.written.empty()) last = std::max(last, page.written.back());
  }
  return last;
}

Micros FleetBooks::last_arrival() const {
  Micros last{0};
  for (const Page& page : pages_) last = std::max(last, page.last_arrival);
  return last;
}

Delays FleetBooks::first() const {
  return delays(&Page::first);
}

Delays FleetBooks::later() const {
  return delays(&Page::later);
}

Delays FleetBooks::delays(Column column) const {
  std::vector<std::uint32_t> all;
  for (const Page& page : pages_) all.insert(all.end(), (page.*column).begin(), (page.*column).end());
  if (all.empty()) return {};
  std::sort(all.begin(), all.end());
  const auto at = [&](std::size_t per_cent) { return Micros(all[(all.size() - 1) * per_cent / 100]); };
  return {all.size(), at(50), at(99), Micros(all.back())};
}

}  // namespace deltamesh::sim
