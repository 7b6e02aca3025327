// tests/transport/network.cc - starts and stops nodes, and asks them what they hold.
#include "tests/transport/network.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <iostream>

namespace deltamesh::testing {

bool run_until(boost::asio::io_context& io, const std::function<bool()>& condition,
               std::chrono::milliseconds patience) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    if (io.stopped()) io.restart();
    io.run_one_for(std::chrono::milliseconds(20));
  }
  return true;
}

NodeConfig test_config() {
  NodeConfig config;
  config.fleet.bytes.fill(7);
  config.datasets.resize(2);
  config.datasets[0].name = "metrics";
  config.datasets[1].name = "settings";
  config.datasets[1].kind = DatasetKind::kMap;
  config.commit_interval = std::chrono::milliseconds(1);
  return config;
}

NamedEvent test_event(double value) {
  NamedEvent event;
  event.time = 1'700'000'000'000;
  event.readings.push_back({"device/temperature", "Cel", value});
  return event;
}

Identity test_identity(std::uint8_t number) {
  Identity identity;
  identity.node.bytes.fill(number);
  identity.incarnation.bytes.fill(number);
  return identity;
}

TestNode::TestNode(boost::asio::io_context& io, std::uint8_t number, NodeConfig config)
    : io_(io),
      config_(std::move(config)),
      number_(number),
      store_(test_identity(number), MemoryStore::Sync::kAuto) {
  start();
}

void TestNode::start() {
  const auto log = [this](Note::Level, const std::string& text) { log_.push_back(text); };
  driver_ =
      std::make_unique<Driver>(io_, std::make_unique<Node>(config_, *store_.image(), store_), store_, log);
}

void TestNode::stop() {
  for (const auto& listener : listeners_) listener->stop();
  for (const auto& dialer : dialers_) dialer->stop();
  listeners_.clear();
  dialers_.clear();
  driver_.reset();
}

Endpoint TestNode::listen(const std::string& address, ListenerSettings settings) {
  settings.addresses = {*parse_listen(address)};
  auto listener = Listener::start(*driver_, settings);
  if (!listener) FAIL(listener.error().text);
  listeners_.push_back(*listener);
  return (*listener)->bound().front();
}

Dialer& TestNode::dial(const Endpoint& peer, DialerSettings settings) {
  settings.peer = peer;
  settings.seed = number_ + 256 * dialers_.size();
  settings.pace.base = std::chrono::milliseconds(5);
  settings.pace.max = std::chrono::milliseconds(100);
  dialers_.push_back(Dialer::start(*driver_, settings));
  return *dialers_.back();
}

void TestNode::write(double value) {
  driver_->write(kMetrics, {test_event(value)},
                 [this](const Status& status) { writes_done_ += status.ok(); });
}

void TestNode::put(const std::string& key, const std::string& value) {
  driver_->put(kSettings, key, value, [this](const Status& status) { writes_done_ += status.ok(); });
}

bool TestNode::logged(const std::string& part) const {
  return std::any_of(log_.begin(), log_.end(),
                     [&](const std::string& line) { return line.find(part) != std::string::npos; });
}

void TestNode::look(const std::function<void(const Node&)>& look) {
  bool looked = false;
  driver_->inspect([&](const Node& node) {
    look(node);
    looked = true;
  });
  REQUIRE(run_until(io_, [&] { return looked; }));
}

Counters TestNode::counters() {
  Counters counters;
  look([&](const Node& node) { counters = node.counters(); });
  return counters;
}

std::size_t TestNode::live_sessions() {
  std::size_t live = 0;
  look([&](const Node& node) {
    for (const auto& session : node.sessions()) live += session.phase == SessionPhase::kLive;
  });
  return live;
}

std::uint64_t TestNode::events() const {
  std::uint64_t events = 0;
  const auto knowledge = store_.knowledge();
  for (const auto& [stream, known] : knowledge->entries()) {
    if (stream.dataset == kMetrics) events += known.held().size();
  }
  return events;
}

std::optional<std::string> TestNode::value(const std::string& key) const {
  const auto entry = store_.entry(kSettings, key);
  if (!*entry) return std::nullopt;
  return (*entry)->value;
}

bool has_ipv6() {
  boost::asio::io_context io;
  boost::system::error_code error;
  boost::asio::ip::tcp::acceptor acceptor(io);
  acceptor.open(boost::asio::ip::tcp::v6(), error);
  if (!error) acceptor.bind({boost::asio::ip::address_v6::loopback(), 0}, error);
  if (error) std::cout << "SKIPPED: this machine has no IPv6 loopback (" << error.message() << ")\n";
  return !error;
}

}  // namespace deltamesh::testing
