// api/append_route.cc - POST of events to a telemetry dataset, answered when they are durable.
//
// Parsed on the reading thread: a body of megabytes must not hold up the network, and where an event does not
// name a unit, the store knows the one in use.
#include "api/event_body.h"
#include "api/routes.h"
#include "engine/query.h"

namespace deltamesh {
namespace {

KnownUnit units_of(const StoreReader& reader, DatasetId dataset) {
  return [&reader, dataset](const std::string& name) -> Result<std::optional<std::string>> {
    const auto series = find_series(reader, dataset, name);
    if (series) return std::optional(series->unit);
    if (series.error().code == ErrorCode::kNotFound) return std::optional<std::string>{};
    return series.error();
  };
}

void append(const StoreReader& reader, const NamedDataset& dataset, const std::string& body, WriteSink& sink,
            const Responder& respond) {
  auto events = parse_events(body, dataset.config.resolution, units_of(reader, dataset.id));
  if (!events) return respond(events.error());
  sink.write(dataset.id, *std::move(events), when_durable(respond));
}

}  // namespace

void add_append_route(Router& router, RouteContext& context) {
  router.add("POST", "/v0/telemetry/{dataset}/events",
             [&context](RoutedRequest request, const Responder& respond) {
               const auto dataset = context.datasets.find(request.captured[0], DatasetKind::kTelemetry);
               if (!dataset) return respond(dataset.error());
               if (Status good = request.query.check({}); !good) return respond(good.error());
               const auto work = [&sink = context.sink, dataset = *dataset, body = std::move(request.body)](
                                     const StoreReader& reader, const Responder& answer) {
                 append(reader, dataset, body, sink, answer);
               };
               context.queries.ask(work, respond);
             });
}

}  // namespace deltamesh
