// api/node_routes.cc - other nodes: one of them is gone for good.
#include "api/routes.h"

namespace deltamesh {
namespace {

void retire(const RouteContext& context, const RoutedRequest& request, const Responder& respond) {
  if (const Status good = request.query.check({"action"}); !good) return respond(good.error());
  if (request.query.find("action") != "retire")
    return respond(Error{ErrorCode::kInvalid, "?action=retire is what can be done to a node"});
  const auto node = parse_hex128(request.captured[0]);
  if (!node)
    return respond(
        Error{ErrorCode::kInvalid, "\"" + request.captured[0] + "\" is not 32 hexadecimal digits"});
  context.hooks.retire(NodeId{*node}, when_durable(respond));
}

}  // namespace

void add_node_routes(Router& router, RouteContext& context) {
  router.add("POST", "/v0/nodes/{node}",
             [&context](const auto& request, const auto& respond) { retire(context, request, respond); });
}

}  // namespace deltamesh
