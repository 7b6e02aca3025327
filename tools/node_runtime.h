// tools/node_runtime.h - one running node: store, engine, links, API and sources, connected and taken apart.
//
// Readings flow: sources -> batcher -> driver -> node -> store; peers and the API talk to the driver. One
// thread runs the driver and all sockets; the others belong to the parts (docs/threads.md). stop() goes
// against the stream: first what brings readings, then links, then a last commit, then the store.
#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "api/api.h"
#include "engine/sqlite/sqlite_store.h"
#include "tools/settings.h"
#include "tools/sources.h"
#include "transport/dialer.h"
#include "transport/driver.h"
#include "transport/listener.h"

namespace deltamesh {

class NodeRuntime {
 public:
  // `log` and `sources` outlive this. Everything runs when it returns; the error says which part could not
  // start, and then nothing runs. `failed` is told, on any thread, when the node should be stopped and
  // started anew: the disk failed, or another life of its incarnation was met. It may be told more than once.
  using OnFailed = std::function<void(const Error&)>;
  // `in_doubt`: an earlier one in this process was told so.
  static Result<std::unique_ptr<NodeRuntime>> start(Settings settings, Log& log, Sources& sources,
                                                    OnFailed failed, bool in_doubt);
  ~NodeRuntime();  // As close().
  NodeRuntime(const NodeRuntime&) = delete;
  NodeRuntime& operator=(const NodeRuntime&) = delete;

  // Everything accepted is durable and peers are told goodbye when it returns, unless the disk or a peer
  // takes too long; at most about ten seconds.
  void stop();
  // The same, but the sources go on and hold what they get for the next node.
  void close();

 private:
  NodeRuntime(Settings settings, Log& log, Sources& sources, OnFailed failed);

  Status open_store(bool in_doubt);
  Status open_links();
  Status open_api();
  ApiHooks api_hooks();
  void run();
  void on_thread(const std::function<void(std::function<void()> done)>& action);

  void stop_api();
  void stop_driver();
  void close_store();

  Settings settings_;
  Log& log_;
  Sources& sources_;
  OnFailed failed_;
  boost::asio::io_context io_;
  std::unique_ptr<SqliteStore> store_;
  std::unique_ptr<StoreReader> reader_;  // The node's.
  std::unique_ptr<Driver> driver_;
  std::shared_ptr<Listener> listener_;
  std::vector<std::shared_ptr<Dialer>> dialers_;
  std::unique_ptr<Api> api_;
  std::optional<boost::asio::executor_work_guard<boost::asio::io_context::executor_type>> busy_;
  std::thread thread_;  // Runs io_.
};

}  // namespace deltamesh
