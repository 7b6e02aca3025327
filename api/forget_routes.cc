// api/forget_routes.cc - rules for wrong data: one is written, and those that there are.
//
// Nothing takes a rule back, so what it shall end with must be said, and its series must be known here: most
// likely a name that is not has a slip in it.
#include <charconv>

#include "api/json_value.h"
#include "api/json_writer.h"
#include "api/limits.h"
#include "api/routes.h"
#include "engine/iso_time.h"
#include "engine/query.h"

namespace deltamesh {
namespace {

using Kind = JsonValue::Kind;

Error invalid(std::string text) {
  return {ErrorCode::kInvalid, std::move(text)};
}

// --- A new rule ------------------------------------------------------------------------------------------

struct Wanted {
  ForgetRule rule;
  std::string reason;
};

Result<Ticks> ticks_in(const JsonValue& json, Resolution resolution) {
  if (json.kind == Kind::kString) return parse_iso_time(json.text, resolution);
  Ticks ticks = 0;
  const char* const end = json.text.data() + json.text.size();
  const auto [stopped, error] = std::from_chars(json.text.data(), end, ticks);
  if (json.kind != Kind::kNumber || error != std::errc() || stopped != end)
    return invalid(std::string("not a whole number of ") + to_string(resolution) +
                   " since 1970, a text such as 2020-07-13T00:00:24.502Z, or null");
  if (in_calendar(ticks, resolution)) return ticks;
  return invalid("out of the years 1 to 9999; is it in " + std::string(to_string(resolution)) + "?");
}

// null: that end is open.
Result<Ticks> time_in(const JsonValue& json, const char* name, Ticks open, Resolution resolution) {
  if (json.kind == Kind::kNull) return open;
  const auto ticks = ticks_in(json, resolution);
  return ticks ? ticks : invalid("\"" + std::string(name) + "\": " + ticks.error().text);
}

Result<std::string> text_in(const JsonValue& json, const char* name) {
  const JsonValue* const text = json.find(name);
  if (text != nullptr && text->kind == Kind::kString && !text->text.empty()) return text->text;
  return invalid("\"" + std::string(name) + "\" is a text, and must be there");
}

Status check_members(const JsonValue& json) {
  if (json.kind != Kind::kObject) return invalid("the body is an object");
  for (const std::string& key : json.keys) {
    if (key != "series" && key != "from" && key != "to" && key != "reason")
      return invalid("no key \"" + key + "\" is known here");
  }
  if (json.find("to") != nullptr) return Done{};
  return invalid("say up to when: \"to\" is a time, or null for all that is still to come");
}

Result<Wanted> parse_wanted(const std::string& body, const DatasetConfig& dataset) {
  const auto json = parse_json(body);
  if (!json) return json.error();
  if (const Status good = check_members(*json); !good) return good.error();
  auto series = text_in(*json, "series"), reason = text_in(*json, "reason");
  if (!series) return series.error();
  if (!reason) return reason.error();
  const JsonValue* const begin = json->find("from");
  const auto from =
      time_in(begin == nullptr ? JsonValue() : *begin, "from", kTimeOpenFrom, dataset.resolution);
  if (!from) return from.error();
  const auto to = time_in(*json->find("to"), "to", kTimeOpenTo, dataset.resolution);
  if (!to) return to.error();
  Wanted wanted{{dataset.name, *std::move(series), *from, *to}, *std::move(reason)};
  if (const Status good = check_rule(wanted.rule); !good) return good.error();
  return wanted;
}

// What is shown now and will not be from then on.
struct Shown {
  std::uint64_t samples = 0;
  bool all = true;  // There are no more than that.
};

Result<Shown> count_shown(const StoreReader& reader, const NamedDataset& dataset, const ForgetRule& rule) {
  SampleQuery query;
  query.dataset = dataset.id;
  query.resolution = dataset.config.resolution;
  query.series = rule.series;
  query.range = {rule.from, rule.to};
  query.limit = limits::kSamplesMax;
  query.text_bytes_max = limits::kAnswerBytesMax;
  const auto placed = query_samples(reader, query);
  if (!placed) return placed.error();
  Shown shown{placed->samples.size(), !placed->more};
  if (rule.from != kTimeOpenFrom || rule.to != kTimeOpenTo) return shown;
  const auto unplaced = query_unplaced(reader, {dataset.id, rule.series, 1});
  if (!unplaced) return unplaced.error();
  return Shown{shown.samples + unplaced->count, shown.all && unplaced->complete};
}

// --- As JSON ---------------------------------------------------------------------------------------------

void write_time(JsonWriter& json, const char* name, Ticks time, Ticks open) {
  json.key(name);
  time == open ? json.raw("null") : json.integer(time);
}

void write_range(JsonWriter& json, const ForgetRule& rule) {
  json.key("series").text(rule.series);
  write_time(json, "from", rule.from, kTimeOpenFrom);
  write_time(json, "to", rule.to, kTimeOpenTo);
}

HttpResponse describe(const ForgetRule& rule, Resolution resolution, const Shown& shown) {
  JsonWriter json;
  json.begin_object().key("durable").boolean(true);
  write_range(json, rule);
  json.key("resolution").text(to_string(resolution));
  json.key("samples").count(shown.samples).key("complete").boolean(shown.all).end_object();
  return {200, json.take()};
}

// Who wrote it and why, where that is known.
void write_rule(JsonWriter& json, const ForgetRule& rule, const MapEntry& entry) {
  json.begin_object();
  write_range(json, rule);
  if (const auto note = parse_rule_note(entry.value)) {
    json.key("reason").text(note->reason).key("node").text(hex(note->author.bytes));
    if (note->written.count() > 0) json.key("written").integer(note->written.count());
  }
  json.key("key").text(entry.key).end_object();
}

// --- Those that there are --------------------------------------------------------------------------------

struct Listing {
  std::string series;  // Empty: of all.
  std::string after;   // A key.
  std::size_t limit = limits::kListDefault;
};

Result<Listing> parse_listing(const QueryParameters& query) {
  if (const Status good = query.check({"series", "after", "limit"}); !good) return good.error();
  const auto limit = query.count("limit", limits::kListDefault, limits::kListMax);
  if (!limit) return limit.error();
  return Listing{std::string(query.find("series").value_or("")),
                 std::string(query.find("after").value_or("")), *limit};
}

// All of one state of the node: a rule that is listed is in effect.
HttpResponse list_rules(const Node& node, const DatasetConfig& dataset, const Listing& listing) {
  JsonWriter json;
  std::size_t count = 0;
  bool more = false;
  json.begin_object().key("resolution").text(to_string(dataset.resolution)).key("rules").begin_array();
  const auto& entries = node.map(rules_map())->entries();
  for (auto at = entries.upper_bound(listing.after); at != entries.end(); ++at) {
    const auto rule = parse_rule_key(at->first);
    if (!rule || rule->dataset != dataset.name) continue;
    if (!listing.series.empty() && rule->series != listing.series) continue;
    more = count++ == listing.limit;
    if (more) break;
    write_rule(json, *rule, at->second);
  }
  json.end_array().key("more").boolean(more);
  json.key("removing").boolean(node.is_forgetting()).end_object();
  return {200, json.take()};
}

class ForgetRoutes {
 public:
  explicit ForgetRoutes(RouteContext& context) : context_(context) {}

  void forget(const RoutedRequest& request, const Responder& respond) const {
    const auto dataset = find(request, respond);
    if (!dataset) return;
    if (const Status good = request.query.check({}); !good) return respond(good.error());
    const auto wanted = parse_wanted(request.body, dataset->config);
    if (!wanted) return respond(wanted.error());
    context_.queries.ask([&context = context_, dataset = *dataset, wanted = *wanted](
                             const StoreReader& reader,
                             const Responder& answer) { write(context, reader, dataset, wanted, answer); },
                         respond);
  }

  void list(const RoutedRequest& request, const Responder& respond) const {
    const auto dataset = find(request, respond);
    if (!dataset) return;
    const auto listing = parse_listing(request.query);
    if (!listing) return respond(listing.error());
    context_.hooks.inspect([dataset = dataset->config, listing = *listing, respond](const Node& node) {
      respond(list_rules(node, dataset, listing));
    });
  }

 private:
  // Counted before, since nothing is shown after.
  static void write(const RouteContext& context, const StoreReader& reader, const NamedDataset& dataset,
                    const Wanted& wanted, const Responder& respond) {
    const auto shown = count_shown(reader, dataset, wanted.rule);
    if (!shown) {
      Error error = shown.error();
      if (error.code == ErrorCode::kNotFound) error.text += " in dataset " + dataset.config.name;
      return respond(error);
    }
    const auto done = [rule = wanted.rule, resolution = dataset.config.resolution, shown = *shown,
                       respond](const Status& status) {
      status ? respond(describe(rule, resolution, shown)) : respond(status.error());
    };
    context.hooks.forget(wanted.rule, wanted.reason, done);
  }

  // Answers if there is no such dataset.
  std::optional<NamedDataset> find(const RoutedRequest& request, const Responder& respond) const {
    auto dataset = context_.datasets.find(request.captured[0], DatasetKind::kTelemetry);
    if (dataset) return *std::move(dataset);
    respond(dataset.error());
    return std::nullopt;
  }

  RouteContext& context_;
};

}  // namespace

void add_forget_routes(Router& router, RouteContext& context) {
  const ForgetRoutes routes(context);
  router.add("POST", "/v0/telemetry/{dataset}/forget",
             [routes](const auto& request, const auto& respond) { routes.forget(request, respond); });
  router.add("GET", "/v0/telemetry/{dataset}/forgotten",
             [routes](const auto& request, const auto& respond) { routes.list(request, respond); });
}

}  // namespace deltamesh
