// api/append_route.cc - POST of events to a telemetry dataset, answered when they are durable.
//
// Parsed on the reading thread: a body of megabytes must not hold up the network, and where an event does not
// name a unit, the store knows the one in use.
#include <chrono>
#include <map>
#include <optional>

#include "api/event_body.h"
#include "api/limits.h"
#include "api/routes.h"
#include "engine/query.h"

namespace deltamesh {
namespace {

// The units that the node's next writes continue.
class UnitsInUse {
 public:
  UnitsInUse(const StoreReader& reader, DatasetId dataset, const std::optional<Identity>& own)
      : reader_(reader), dataset_(dataset), own_(own) {}

  Result<std::optional<std::string>> of(const std::string& name) {
    if (++lookups_ <= limits::kUnitLookupsMax) return look_up(name);
    if (Status listed = list(); !listed) return listed.error();
    const auto unit = units_->find(name);
    return unit == units_->end() ? std::optional<std::string>() : std::optional(unit->second);
  }

 private:
  Result<std::optional<std::string>> look_up(const std::string& name) const {
    const auto series = find_series(reader_, dataset_, name, own_);
    if (series) return std::optional(series->unit);
    if (series.error().code == ErrorCode::kNotFound) return std::optional<std::string>{};
    return series.error();
  }

  Status list() {
    if (units_) return Done{};
    const auto all = list_series(reader_, dataset_, own_);
    if (!all) return all.error();
    units_.emplace();
    for (const SeriesInfo& series : *all) units_->emplace(series.name, series.unit);
    return Done{};
  }

  const StoreReader& reader_;
  DatasetId dataset_;
  const std::optional<Identity>& own_;
  std::size_t lookups_ = 0;
  std::optional<std::map<std::string, std::string>> units_;
};

std::chrono::microseconds steady_now() {
  return std::chrono::duration_cast<std::chrono::microseconds>(
      std::chrono::steady_clock::now().time_since_epoch());
}

void append(const StoreReader& reader, const NamedDataset& dataset, const std::string& body,
            std::chrono::microseconds came, RouteContext& context, const Responder& respond) {
  UnitsInUse units(reader, dataset.id, context.hooks.own);
  auto events = parse_events(
      body, dataset.config.resolution, [&units](const std::string& series) { return units.of(series); },
      came);
  if (!events) return respond(events.error());
  context.sink.write(dataset.id, *std::move(events), when_durable(respond));
}

}  // namespace

void add_append_route(Router& router, RouteContext& context) {
  router.add("POST", "/v0/telemetry/{dataset}/events",
             [&context](RoutedRequest request, const Responder& respond) {
               const auto dataset = context.datasets.find(request.captured[0], DatasetKind::kTelemetry);
               if (!dataset) return respond(dataset.error());
               if (Status good = request.query.check({}); !good) return respond(good.error());
               const auto work = [&context, dataset = *dataset, body = std::move(request.body),
                                  came = steady_now()](const StoreReader& reader, const Responder& answer) {
                 append(reader, dataset, body, came, context, answer);
               };
               context.queries.ask_first(work, respond);
             });
}

}  // namespace deltamesh
