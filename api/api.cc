// api/api.cc - connects the server to the routes.
#include "api/api.h"

#include "api/json_writer.h"
#include "api/routes.h"

namespace deltamesh {
namespace {

std::vector<std::string> names_of(const std::vector<DatasetConfig>& datasets) {
  std::vector<std::string> names;
  for (const auto& dataset : datasets) names.push_back(dataset.name);
  return names;
}

// What is configured, and the map that every node has.
std::vector<DatasetConfig> with_rules(std::vector<DatasetConfig> datasets) {
  datasets.push_back({std::string(kRulesMap), DatasetKind::kMap});
  return datasets;
}

HealthPart describe(const HttpCounters& counters) {
  JsonWriter json;
  json.begin_object();
  json.key("connections").count(counters.connections);
  json.key("connections_refused").count(counters.connections_refused);
  json.key("requests").count(counters.requests);
  json.key("requests_refused").count(counters.requests_refused);
  json.key("answers_late").count(counters.answers_late);
  json.end_object();
  return {json.take(), "ok"};
}

}  // namespace

// Destroyed from the last to the first: the server before what its routes use.
struct Api::Parts {
  Parts(std::vector<DatasetConfig> datasets, std::unique_ptr<const StoreReader> reader, WriteSink& sink,
        ApiHooks hooks)
      : context{Datasets(datasets), names_of(datasets), std::move(hooks), queries, sink},
        queries(std::move(reader)) {
    context.hooks.parts["http"] = [this] { return server ? describe(server->counters()) : HealthPart{}; };
    add_health_route(router, context);
    add_map_routes(router, context);
    add_telemetry_routes(router, context);
    add_append_route(router, context);
    if (context.hooks.compare) add_compare_routes(router, context);
    if (context.hooks.retire) add_node_routes(router, context);
    if (context.hooks.forget) add_forget_routes(router, context);
  }

  RouteContext context;
  Router router;
  QueryThread queries;
  std::unique_ptr<HttpServer> server;
};

Result<std::unique_ptr<Api>> Api::start(boost::asio::io_context& io, const HttpSettings& settings,
                                        std::vector<DatasetConfig> datasets,
                                        std::unique_ptr<const StoreReader> reader, WriteSink& sink,
                                        ApiHooks hooks) {
  auto parts =
      std::make_unique<Parts>(with_rules(std::move(datasets)), std::move(reader), sink, std::move(hooks));
  const auto route = [&router = parts->router](HttpRequest request, const Responder& respond) {
    router.route(std::move(request), respond);
  };
  auto server = HttpServer::listen(io, settings, route);
  if (!server) return server.error();
  parts->server = *std::move(server);
  return std::unique_ptr<Api>(new Api(std::move(parts)));
}

Api::Api(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Api::~Api() = default;

std::uint16_t Api::port() const {
  return parts_->server->port();
}

void Api::stop(std::chrono::milliseconds patience, std::function<void()> stopped) {
  parts_->server->stop(patience, std::move(stopped));
}

}  // namespace deltamesh
