// tests/engine/floor_fixture.h - nodes with one map whose tombstones are collected, on links that come back.
#pragma once

#include <algorithm>
#include <deque>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "tests/engine/node_fixture.h"

namespace deltamesh::test {

using std::chrono::hours;
using std::chrono::minutes;

inline constexpr hours kHorizon{24};

inline NodeConfig keeper_config() {
  NodeConfig out = config();
  out.datasets[1].tombstones = kHorizon;
  return out;
}

// Node 0 is the keeper.
class FloorFleet {
 public:
  explicit FloorFleet(std::size_t nodes, const std::vector<std::pair<std::size_t, NodeConfig>>& with = {}) {
    for (std::size_t i = 0; i < nodes; ++i) {
      NodeConfig config = i == 0 ? keeper_config() : test::config();
      for (const auto& [node, its] : with) config = node == i ? its : config;
      nodes_.emplace_back(static_cast<std::uint8_t>(i + 1), std::move(config));
    }
  }

  TestNode& operator[](std::size_t node) { return nodes_[node]; }
  [[nodiscard]] std::size_t size() const { return nodes_.size(); }

  void put(std::size_t node, const std::string& key, const std::string& value) {
    require(nodes_[node].put(key, value).ok());
  }
  void remove(std::size_t node, const std::string& key) { require(nodes_[node].remove(key).ok()); }

  void link(std::size_t a, std::size_t b) {
    dial(a, b);
    run();
  }
  // The same, and nothing is carried yet.
  void dial(std::size_t a, std::size_t b) {
    if (find(a, b) == links_.end()) links_.push_back({a, b, net_.connect(nodes_[a], nodes_[b])});
  }
  void cut(std::size_t a, std::size_t b) {
    const auto at = find(a, b);
    if (at == links_.end()) return;
    net_.disconnect(at->peer);
    links_.erase(at);
  }
  void isolate(std::size_t node) {
    for (std::size_t other = 0; other < size(); ++other) {
      cut(node, other);
      cut(other, node);
    }
  }
  // The power is gone, and comes back.
  void crash(std::size_t node) {
    std::vector<std::pair<std::size_t, std::size_t>> again;
    for (const Link& link : links_) {
      if (link.a == node || link.b == node) again.emplace_back(link.a, link.b);
    }
    isolate(node);
    nodes_[node].restart();
    for (const auto& [a, b] : again) dial(a, b);
  }

  // Carries frames, and dials again what was closed, until all is quiet.
  void run() {
    do {
      net_.run();
    } while (redial());
  }
  void pass(microseconds time) {
    for (TestNode& node : nodes_) {
      node.now.wall += time;
      node.wait(time);
    }
    run();
  }
  // Long enough for a floor to be raised, told, and what it lets go to be collected.
  void settle() {
    for (int i = 0; i < 6; ++i) pass(seconds(2));
  }
  void pass_horizon() {
    pass(kHorizon + minutes(1));
    settle();
    pass(hours(2));
    settle();
  }

  // Of a node: whether anything is there of a key, removed or not.
  [[nodiscard]] bool knows_key(std::size_t node, const std::string& key) const {
    return nodes_[node].node().map(kSettings)->find_entry(key) != nullptr;
  }
  [[nodiscard]] std::string value(std::size_t node, const std::string& key) const {
    return nodes_[node].value(key);
  }
  [[nodiscard]] std::vector<std::string> values(const std::string& key) const {
    std::vector<std::string> out;
    for (const TestNode& node : nodes_) out.push_back(node.value(key));
    return out;
  }
  [[nodiscard]] std::vector<MapEntry> surfaced(std::size_t node) const {
    return *nodes_[node].store().surfaced(kSettings, {});
  }
  // What is surfaced was held once at its writer, and is not.
  [[nodiscard]] bool hold_the_same(std::size_t a, std::size_t b) const {
    const Knowledge &one = nodes_[a].node().knowledge(), &other = nodes_[b].node().knowledge();
    return one.includes_held(other) && other.includes_held(one);
  }
  TestNet& net() { return net_; }

 private:
  struct Link {
    std::size_t a, b;
    PeerId peer;
  };
  std::vector<Link>::iterator find(std::size_t a, std::size_t b) {
    return std::find_if(links_.begin(), links_.end(),
                        [&](const Link& link) { return link.a == a && link.b == b; });
  }
  bool redial() {
    bool any = false;
    for (Link& link : links_) {
      const auto closed = [&](const TestNode& node) {
        return std::any_of(node.closes.begin(), node.closes.end(),
                           [&](const Close& close) { return close.peer == link.peer; });
      };
      if (!closed(nodes_[link.a]) && !closed(nodes_[link.b])) continue;
      net_.disconnect(link.peer);
      link.peer = net_.connect(nodes_[link.a], nodes_[link.b]);
      any = true;
    }
    if (any) require(++redials_ < kRedialsMax);
    return any;
  }
  static void require(bool good) {
    if (!good) throw std::runtime_error("a write was refused, or links are closed again and again");
  }

  static constexpr int kRedialsMax = 10'000;
  std::deque<TestNode> nodes_;
  std::vector<Link> links_;
  TestNet net_;
  int redials_ = 0;
};

}  // namespace deltamesh::test
