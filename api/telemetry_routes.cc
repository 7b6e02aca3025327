// api/telemetry_routes.cc - what series there are, samples of a time range, and the latest of each series.
#include <charconv>

#include "api/event_body.h"
#include "api/json_writer.h"
#include "api/limits.h"
#include "api/routes.h"
#include "engine/iso_time.h"
#include "engine/query.h"

namespace deltamesh {
namespace {

Error invalid(std::string text) {
  return {ErrorCode::kInvalid, std::move(text)};
}

// "no series x in dataset y" for the engine's "no series x".
Error in_dataset(Error error, const NamedDataset& dataset) {
  if (error.code == ErrorCode::kNotFound) error.text += " in dataset " + dataset.config.name;
  return error;
}

// Ticks, or ISO 8601 in UTC.
Result<Ticks> parse_time(const QueryParameters& query, std::string_view name, Ticks otherwise,
                         Resolution resolution) {
  const auto text = query.find(name);
  if (!text) return otherwise;
  Ticks ticks = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), ticks);
  if (error == std::errc{} && end == text->data() + text->size()) return ticks;
  const auto time = parse_iso_time(*text, resolution);
  if (time) return *time;
  return invalid("\"" + std::string(name) + "\" is a whole number of " + to_string(resolution) +
                 " since 1970 or a time in UTC: " + time.error().text);
}

Result<SampleQuery> parse_sample_query(const QueryParameters& parameters, const NamedDataset& dataset) {
  if (Status good = parameters.check({"series", "from", "to", "limit"}); !good) return good.error();
  SampleQuery query;
  query.dataset = dataset.id;
  query.resolution = dataset.config.resolution;
  query.series = std::string(parameters.find("series").value_or(""));
  if (query.series.empty()) return invalid("name a series: ?series=...");
  const auto limit = parameters.count("limit", limits::kSamplesDefault, limits::kSamplesMax);
  if (!limit) return limit.error();
  query.limit = *limit;
  query.text_bytes_max = limits::kAnswerBytesMax;
  const auto from = parse_time(parameters, "from", std::numeric_limits<Ticks>::min(), query.resolution);
  if (!from) return from.error();
  const auto to = parse_time(parameters, "to", std::numeric_limits<Ticks>::max(), query.resolution);
  if (!to) return to.error();
  query.range = {*from, *to};
  if (*from > *to) return invalid("\"from\" is later than \"to\"");
  return query;
}

void write_series(JsonWriter& json, const SeriesInfo& series) {
  json.key("unit").text(series.unit).key("type").text(to_string(series.type));
}

void write_sample(JsonWriter& json, const Sample& sample) {
  json.begin_array().integer(sample.time).value(sample.value);
  if (sample.quality != Quality::kGood) json.text(quality_word(sample.quality));
  json.end_array();
}

Result<HttpResponse> answer_samples(const StoreReader& reader, const SampleQuery& query) {
  const auto series = find_series(reader, query.dataset, query.series);
  if (!series) return series.error();
  const auto answer = query_samples(reader, query);
  if (!answer) return answer.error();
  JsonWriter json;
  json.begin_object().key("series").text(query.series);
  write_series(json, *series);
  json.key("resolution").text(to_string(query.resolution)).key("samples").begin_array();
  for (const Sample& sample : answer->samples) write_sample(json, sample);
  json.end_array().key("more").boolean(answer->more);
  if (answer->more) json.key("next").integer(answer->next);
  json.end_object();
  return HttpResponse{200, json.take()};
}

// Samples without a place in UTC, as they are.
Result<HttpResponse> answer_unplaced(const StoreReader& reader, const UnplacedQuery& query,
                                     Resolution resolution) {
  const auto answer = query_unplaced(reader, query);
  if (!answer) return answer.error();
  JsonWriter json;
  json.begin_object().key("series").text(query.series).key("resolution").text(to_string(resolution));
  json.key("count").integer(static_cast<std::int64_t>(answer->count));
  json.key("complete").boolean(answer->complete).key("samples").begin_array();
  for (const Sample& sample : answer->samples) {
    const StreamId& stream = sample.dot.stream;
    json.begin_object().key("node").text(hex(stream.node.bytes));
    json.key("incarnation").text(hex(stream.incarnation.bytes)).key("boot").integer(sample.boot);
    json.key("ticks").integer(sample.time).key("value").value(sample.value);
    json.key("quality").text(quality_word(sample.quality)).end_object();
  }
  json.end_array().end_object();
  return HttpResponse{200, json.take()};
}

Result<UnplacedQuery> parse_unplaced_query(const QueryParameters& parameters, const NamedDataset& dataset) {
  if (Status good = parameters.check({"series", "limit"}); !good) return good.error();
  UnplacedQuery query{dataset.id, std::string(parameters.find("series").value_or(""))};
  if (query.series.empty()) return invalid("name a series: ?series=...");
  const auto limit = parameters.count("limit", limits::kSamplesDefault, limits::kSamplesMax);
  if (!limit) return limit.error();
  query.limit = *limit;
  return query;
}

Result<HttpResponse> answer_series(const StoreReader& reader, DatasetId dataset, const std::string& after,
                                   std::size_t limit) {
  const auto all = list_series(reader, dataset);
  if (!all) return all.error();
  JsonWriter json;
  std::size_t count = 0;
  bool more = false;
  json.begin_object().key("series").begin_array();
  for (const SeriesInfo& series : *all) {
    if (!after.empty() && series.name <= after) continue;
    more = count++ == limit;
    if (more) break;
    json.begin_object().key("name").text(series.name);
    write_series(json, series);
    json.key("conflict").boolean(series.conflict).end_object();
  }
  json.end_array().key("more").boolean(more).end_object();
  return HttpResponse{200, json.take()};
}

Result<HttpResponse> write_latest(const LatestAnswer& answer, Resolution resolution) {
  JsonWriter json;
  json.begin_object().key("resolution").text(to_string(resolution)).key("latest").begin_array();
  for (const LatestSample& each : answer.latest) {
    json.begin_object().key("series").text(each.series.name);
    write_series(json, each.series);
    json.key("time").integer(each.sample.time).key("value").value(each.sample.value);
    if (each.sample.quality != Quality::kGood) json.key("quality").text(quality_word(each.sample.quality));
    json.end_object();
    if (json.size() > limits::kAnswerBytesMax) {
      return Error{ErrorCode::kLimit, "the answer passes " + std::to_string(limits::kAnswerBytesMax) +
                                          " bytes; name the series: ?series=..."};
    }
  }
  json.end_array().key("complete").boolean(answer.complete).end_object();
  return HttpResponse{200, json.take()};
}

Result<HttpResponse> answer_latest(const StoreReader& reader, const NamedDataset& dataset,
                                   const std::vector<std::string>& names) {
  for (const auto& name : names) {
    const auto declared = reader.series(dataset.id, name);
    if (!declared) return declared.error();
    if (declared->empty()) return Error{ErrorCode::kNotFound, "no series " + name};
  }
  LatestQuery query;
  query.dataset = dataset.id;
  query.only.insert(names.begin(), names.end());
  query.resolution = dataset.config.resolution;
  const auto answer = query_latest(reader, query);
  if (!answer) return answer.error();
  return write_latest(*answer, query.resolution);
}

class TelemetryRoutes {
 public:
  explicit TelemetryRoutes(RouteContext& context) : context_(context) {}

  void series(const RoutedRequest& request, const NamedDataset& dataset, const Responder& respond) const {
    if (Status good = request.query.check({"after", "limit"}); !good) return respond(good.error());
    const auto limit = request.query.count("limit", limits::kListDefault, limits::kListMax);
    if (!limit) return respond(limit.error());
    const std::string after(request.query.find("after").value_or(""));
    ask(dataset, respond, [dataset, after, limit = *limit](const StoreReader& reader) {
      return answer_series(reader, dataset.id, after, limit);
    });
  }

  void samples(const RoutedRequest& request, const NamedDataset& dataset, const Responder& respond) const {
    const auto query = parse_sample_query(request.query, dataset);
    if (!query) return respond(query.error());
    ask(dataset, respond,
        [query = *query](const StoreReader& reader) { return answer_samples(reader, query); });
  }

  void unplaced(const RoutedRequest& request, const NamedDataset& dataset, const Responder& respond) const {
    const auto query = parse_unplaced_query(request.query, dataset);
    if (!query) return respond(query.error());
    ask(dataset, respond, [query = *query, dataset](const StoreReader& reader) {
      return answer_unplaced(reader, query, dataset.config.resolution);
    });
  }

  void latest(const RoutedRequest& request, const NamedDataset& dataset, const Responder& respond) const {
    if (Status good = request.query.check({}, "series"); !good) return respond(good.error());
    ask(dataset, respond, [dataset, names = request.query.all("series")](const StoreReader& reader) {
      return answer_latest(reader, dataset, names);
    });
  }

  using Method = void (TelemetryRoutes::*)(const RoutedRequest&, const NamedDataset&, const Responder&) const;
  void add(Router& router, const std::string& name, Method method) const {
    const auto handler = [self = *this, method](const RoutedRequest& request, const Responder& respond) {
      const auto dataset = self.context_.datasets.find(request.captured[0], DatasetKind::kTelemetry);
      dataset ? (self.*method)(request, *dataset, respond) : respond(dataset.error());
    };
    router.add("GET", "/v0/telemetry/{dataset}/" + name, handler);
  }

 private:
  template <class Ask>
  void ask(const NamedDataset& dataset, const Responder& respond, Ask question) const {
    const auto answer = [dataset, question](const StoreReader& reader, const Responder& answer_to) {
      auto response = question(reader);
      response ? answer_to(*std::move(response)) : answer_to(in_dataset(response.error(), dataset));
    };
    context_.queries.ask(answer, respond);
  }

  RouteContext& context_;
};

}  // namespace

void add_telemetry_routes(Router& router, RouteContext& context) {
  const TelemetryRoutes routes(context);
  routes.add(router, "series", &TelemetryRoutes::series);
  routes.add(router, "samples", &TelemetryRoutes::samples);
  routes.add(router, "unplaced", &TelemetryRoutes::unplaced);
  routes.add(router, "latest", &TelemetryRoutes::latest);
}

}  // namespace deltamesh
