// tests/transport/network.h - real nodes on real sockets of this machine, all in one thread.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/memory_store.h"
#include "transport/dialer.h"
#include "transport/driver.h"
#include "transport/listener.h"

namespace deltamesh::testing {

// Generous, because sanitizers and busy machines are slow; a test that passes does not wait for it.
inline constexpr std::chrono::seconds kPatience{60};

// Runs `io` until `condition` holds; whether it came to hold in time.
bool run_until(boost::asio::io_context& io, const std::function<bool()>& condition,
               std::chrono::milliseconds patience = kPatience);

inline const DatasetId kMetrics = dataset_id("metrics");
inline const DatasetId kSettings = dataset_id("settings");

NodeConfig test_config();
NamedEvent test_event(double value);
Identity test_identity(std::uint8_t number);

// A node with its store in memory. The store outlives stop(), as a disk would.
class TestNode {
 public:
  TestNode(boost::asio::io_context& io, std::uint8_t number, NodeConfig config = test_config());
  ~TestNode() { stop(); }
  TestNode(const TestNode&) = delete;
  TestNode& operator=(const TestNode&) = delete;

  // Listens at `address` and returns it with the port that was taken.
  Endpoint listen(const std::string& address, ListenerSettings settings = {});
  // With short waits; the rest as `settings` says.
  Dialer& dial(const Endpoint& peer, DialerSettings settings = {});
  void stop();
  void start();

  void write(double value);
  void put(const std::string& key, const std::string& value);

  [[nodiscard]] Driver& driver() { return *driver_; }
  [[nodiscard]] MemoryStore& store() { return store_; }
  [[nodiscard]] const std::vector<std::string>& log() const { return log_; }
  [[nodiscard]] bool logged(const std::string& part) const;
  [[nodiscard]] Counters counters();
  [[nodiscard]] std::size_t live_sessions();
  // Telemetry events that are durable here, of all streams.
  [[nodiscard]] std::uint64_t events() const;
  [[nodiscard]] std::optional<std::string> value(const std::string& key) const;
  [[nodiscard]] std::uint64_t writes_done() const { return writes_done_; }

 private:
  void look(const std::function<void(const Node&)>& look);

  boost::asio::io_context& io_;
  NodeConfig config_;
  std::uint8_t number_;
  MemoryStore store_;
  std::vector<std::string> log_;
  std::uint64_t writes_done_ = 0;
  std::unique_ptr<Driver> driver_;
  std::vector<std::shared_ptr<Listener>> listeners_;
  std::vector<std::shared_ptr<Dialer>> dialers_;
};

// False, visibly, where the machine has no IPv6 loopback.
bool has_ipv6();

}  // namespace deltamesh::testing
