// tests/api/api_fixture.h - a whole node with its store on disk and its HTTP interface, and how to ask it.
#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <boost/json/value.hpp>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "api/api.h"
#include "engine/sqlite/sqlite_store.h"
#include "tests/api/http_client.h"
#include "tests/support/temp_dir.h"
#include "transport/dialer.h"
#include "transport/driver.h"
#include "transport/listener.h"

namespace deltamesh::testing {

// Passes writes on, unless told to answer them itself.
class FaultySink final : public WriteSink {
 public:
  explicit FaultySink(WriteSink& next) : next_(next) {}
  // Before the request that shall meet it.
  void fail_with(std::optional<Error> error) { error_ = std::move(error); }

  void write(DatasetId dataset, std::vector<NamedEvent> events, TakenHandler taken,
             DoneHandler done) override {
    error_ ? done(*error_) : next_.write(dataset, std::move(events), std::move(taken), std::move(done));
  }
  void put(DatasetId dataset, std::string key, std::string value, DoneHandler done) override {
    error_ ? done(*error_) : next_.put(dataset, std::move(key), std::move(value), std::move(done));
  }
  void remove(DatasetId dataset, std::string key, DoneHandler done) override {
    error_ ? done(*error_) : next_.remove(dataset, std::move(key), std::move(done));
  }
  void repair(DatasetId dataset, std::string key, DoneHandler done) override {
    error_ ? done(*error_) : next_.repair(dataset, std::move(key), std::move(done));
  }
  void flush() override { next_.flush(); }

 private:
  WriteSink& next_;
  std::optional<Error> error_;
};

// Datasets: metrics (ms) and precise (ns) are telemetry, settings is a map.
class ApiNode {
 public:
  explicit ApiNode(std::map<std::string, std::function<HealthPart()>> health = {});
  ~ApiNode();
  ApiNode(const ApiNode&) = delete;
  ApiNode& operator=(const ApiNode&) = delete;

  [[nodiscard]] HttpReply ask(const std::string& method, const std::string& target,
                              const std::string& body = {}) const {
    return testing::ask(port_, method, target, body);
  }
  // The answer to a GET that must succeed, as JSON.
  [[nodiscard]] boost::json::value get(const std::string& target) const;
  // POSTs events to metrics; must succeed.
  void append(const std::string& events) const;

  // Writes past HTTP, and waits until it is durable.
  void write(const std::string& dataset, std::vector<NamedEvent> events);
  void put(const std::string& key, const std::string& value);

  [[nodiscard]] FaultySink& sink() { return *sink_; }

  // Links to other nodes: where this one listens, and one that it dials.
  Endpoint listen();
  void dial(const Endpoint& peer);
  [[nodiscard]] std::string id() const { return hex(store_->identity().node.bytes); }
  // Asked to compare, this is told instead of the node. Before the request that shall meet it.
  void compare_by(decltype(ApiHooks::compare) compare) { compare_ = std::move(compare); }

  // Runs `action` on the node's thread, and waits for its end.
  void on_thread(const std::function<void()>& action);
  [[nodiscard]] boost::asio::io_context& io() { return io_; }

 private:
  ApiHooks hooks(std::map<std::string, std::function<HealthPart()>> health);

  TempDir folder_;
  boost::asio::io_context io_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
  std::unique_ptr<SqliteStore> store_;
  std::unique_ptr<StoreReader> reader_;
  std::unique_ptr<Driver> driver_;
  std::vector<std::shared_ptr<Listener>> listeners_;
  std::vector<std::shared_ptr<Dialer>> dialers_;
  decltype(ApiHooks::compare) compare_;
  std::unique_ptr<FaultySink> sink_;
  std::unique_ptr<Api> api_;
  std::uint16_t port_ = 0;
  std::thread thread_;
};

}  // namespace deltamesh::testing
