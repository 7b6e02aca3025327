// api/api.h - questions and settings over HTTP: one server, its routes, and the thread that reads for them.
//
// What it needs of other folders comes in through interfaces of the engine and through hooks, which main()
// connects. The routes are described in docs/api.md.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "api/http_server.h"
#include "engine/node.h"
#include "engine/sink.h"
#include "engine/store.h"

namespace deltamesh {

// A part of /healthz.
struct HealthPart {
  std::string json = "{}";    // One JSON object.
  std::string status = "ok";  // Another word, such as "waiting_for_space", becomes that of the node: 503.
};

struct ApiHooks {
  // Calls its argument with the node, on whatever thread owns that, now or later; or never, if the node is
  // gone.
  std::function<void(std::function<void(const Node&)>)> inspect;
  // Begins a comparison with the node in session whose id begins with `digits`; the first function is told
  // whether, the second what came of it. Called back on whatever thread. None: there is no such route.
  std::function<void(std::string digits, std::function<void(const Result<CompareId>&)> begun,
                     std::function<void(Compared)> done)>
      compare;
  // Says that a node is gone for good (Node::retire()); called back on whatever thread, or never if the node
  // here is gone. None: there is no such route.
  std::function<void(NodeId gone, std::function<void(Status)> done)> retire;
  // Writes a rule for wrong data (Node::forget()); called back as above. None: there is no such route.
  std::function<void(ForgetRule rule, std::string reason, std::function<void(Status)> done)> forget;
  // Whose streams the writes of this node go to: an append without a unit continues what they declare.
  std::optional<Identity> own;
  // By name ("store", "ingest", ...). Called on the API's thread.
  std::map<std::string, std::function<HealthPart()>> parts;
};

class Api {
 public:
  // `io` is run by one thread; `io` and `sink` outlive this. `reader` is used from a thread of the API's own.
  static Result<std::unique_ptr<Api>> start(boost::asio::io_context& io, const HttpSettings& settings,
                                            std::vector<DatasetConfig> datasets,
                                            std::unique_ptr<const StoreReader> reader, WriteSink& sink,
                                            ApiHooks hooks);
  ~Api();  // On the thread of `io`, or when it has ended.
  Api(const Api&) = delete;
  Api& operator=(const Api&) = delete;

  [[nodiscard]] std::uint16_t port() const;
  // Lets requests under way be answered, at most for `patience`, then calls `stopped`. On the thread of `io`;
  // before the driver is stopped, so that writes under way become durable.
  void stop(std::chrono::milliseconds patience, std::function<void()> stopped);

 private:
  struct Parts;
  explicit Api(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace deltamesh
