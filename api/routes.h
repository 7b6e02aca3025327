// api/routes.h - the groups of routes, one source each, and what they work with.
//
// docs/api.md describes every route for its users.
#pragma once

#include <string>
#include <vector>

#include "api/api.h"
#include "api/datasets.h"
#include "api/query_thread.h"
#include "api/router.h"
#include "engine/sink.h"

namespace deltamesh {

// Outlives the routes.
struct RouteContext {
  Datasets datasets;
  std::vector<std::string> dataset_names;
  ApiHooks hooks;
  QueryThread& queries;
  WriteSink& sink;
};

void add_health_route(Router& router, RouteContext& context);
void add_map_routes(Router& router, RouteContext& context);
void add_telemetry_routes(Router& router, RouteContext& context);
void add_append_route(Router& router, RouteContext& context);
void add_compare_routes(Router& router, RouteContext& context);
void add_node_routes(Router& router, RouteContext& context);
void add_forget_routes(Router& router, RouteContext& context);

// Answers {"durable":true} or why not, once the sink has reported.
WriteSink::DoneHandler when_durable(Responder respond);

}  // namespace deltamesh
