// api/map_routes.cc - entries of maps: list, get, put, delete, repair; and writes in conflict with them, or
// surfaced.
#include <algorithm>

#include "api/json_writer.h"
#include "api/limits.h"
#include "api/routes.h"
#include "crdt/utf8.h"

namespace deltamesh {
namespace {

Error no_key(const std::string& key, const NamedDataset& dataset) {
  return {ErrorCode::kNotFound, "no key " + key + " in dataset " + dataset.config.name};
}

// The live entry; a tombstone is none.
Result<MapEntry> find_live(const StoreReader& reader, const NamedDataset& dataset, const std::string& key) {
  auto entry = reader.entry(dataset.id, key);
  if (!entry) return entry.error();
  if (!entry->has_value() || (*entry)->tombstone) return no_key(key, dataset);
  return **std::move(entry);
}

struct Listing {
  std::string prefix;
  std::string after;
  std::size_t limit = limits::kListDefault;
};

Result<Listing> parse_listing(const QueryParameters& query) {
  if (Status good = query.check({"prefix", "after", "limit"}); !good) return good.error();
  const auto limit = query.count("limit", limits::kListDefault, limits::kListMax);
  if (!limit) return limit.error();
  return Listing{std::string(query.find("prefix").value_or("")),
                 std::string(query.find("after").value_or("")), *limit};
}

void write_value(JsonWriter& json, const MapEntry& entry) {
  if (valid_utf8(entry.value)) {
    json.key("value").text(entry.value);
  } else {
    json.key("base64").bytes(entry.value);
  }
}

void write_entry(JsonWriter& json, const MapEntry& entry) {
  json.begin_object().key("key").text(entry.key);
  write_value(json, entry);
  json.end_object();
}

void write_conflict(JsonWriter& json, const MapEntry& entry) {
  json.begin_object().key("key").text(entry.key);
  entry.tombstone ? static_cast<void>(json.key("removed").boolean(true)) : write_value(json, entry);
  json.key("node").text(hex(entry.version.dot.stream.node.bytes));
  json.key("time").integer(entry.version.stamp.time().count());
  json.key("clock_trusted").boolean(!entry.untrusted).end_object();
}

// Where a page begins. The next key after one in the order of bytes has one more, which is zero.
std::string first_key(const Listing& listing) {
  if (listing.after.empty()) return listing.prefix;
  return std::max(listing.prefix, listing.after + '\0');
}

// What a listing is of.
struct Listed {
  const char* name;
  Result<std::vector<MapEntry>> (StoreReader::*page)(DatasetId, const EntryPage&) const;
  bool tombstones;
  void (*write)(JsonWriter&, const MapEntry&);
};
constexpr Listed kEntries{"entries", &StoreReader::entries, false, write_entry};
constexpr Listed kConflicts{"conflicts", &StoreReader::conflicts, true, write_conflict};
constexpr Listed kSurfaced{"surfaced", &StoreReader::surfaced, true, write_conflict};

// All that is listed of one key stands in one answer.
Result<HttpResponse> list_writes(const StoreReader& reader, DatasetId dataset, const Listing& listing,
                                 const Listed& what) {
  JsonWriter json;
  std::size_t count = 0;
  bool more = false;
  std::string last;
  json.begin_object().key(what.name).begin_array();
  EntryPage page{first_key(listing), limits::kEntriesPerRead, limits::kEntryBytesPerRead};
  for (bool inside = true; inside && !more;) {
    const auto entries = (reader.*what.page)(dataset, page);
    if (!entries) return entries.error();
    inside = !entries->empty() && entries->back().key.starts_with(listing.prefix);
    if (!entries->empty()) page.from = entries->back().key + '\0';
    for (const MapEntry& entry : *entries) {
      if ((entry.tombstone && !what.tombstones) || !entry.key.starts_with(listing.prefix)) continue;
      more = entry.key != last && (count >= listing.limit || json.size() > limits::kAnswerBytesMax);
      if (more) break;
      what.write(json, entry);
      last = entry.key;
      ++count;
    }
  }
  json.end_array().key("more").boolean(more).end_object();
  return HttpResponse{200, json.take()};
}

HttpResponse as_stored(MapEntry entry) {
  HttpResponse response{200, std::move(entry.value)};
  const bool text = valid_utf8(response.body);
  response.content_type = text ? "text/plain; charset=utf-8" : "application/octet-stream";
  response.headers.emplace_back("X-Content-Type-Options", "nosniff");
  return response;
}

// Rules are read as any map, and written in their own way.
Status check_written_here(DatasetId dataset) {
  if (dataset != rules_map()) return Done{};
  return Error{ErrorCode::kInvalid,
               "rules are written by POST /v0/telemetry/{dataset}/forget, and nothing takes one back"};
}

// The one thing that a POST to an entry can ask for.
Status check_repair(const QueryParameters& query) {
  if (Status good = query.check({"action"}); !good) return good;
  if (query.find("action") == "repair") return Done{};
  return Error{ErrorCode::kInvalid, "?action=repair is what can be done to an entry"};
}

class MapRoutes {
 public:
  explicit MapRoutes(RouteContext& context) : context_(context) {}

  void list(const RoutedRequest& request, const Responder& respond, const Listed& what) const {
    const auto dataset = find(request, respond);
    if (!dataset) return;
    const auto listing = parse_listing(request.query);
    if (!listing) return respond(listing.error());
    context_.queries.ask(
        [id = dataset->id, listing = *listing, &what](const StoreReader& reader, const Responder& answer) {
          auto response = list_writes(reader, id, listing, what);
          response ? answer(*std::move(response)) : answer(response.error());
        },
        respond);
  }

  void get(const RoutedRequest& request, const Responder& respond) const {
    const auto dataset = find_plain(request, respond);
    if (!dataset) return;
    context_.queries.ask(
        [dataset = *dataset, key = request.captured[1]](const StoreReader& reader, const Responder& answer) {
          auto entry = find_live(reader, dataset, key);
          entry ? answer(as_stored(*std::move(entry))) : answer(entry.error());
        },
        respond);
  }

  void put(RoutedRequest request, const Responder& respond) const {
    const auto dataset = find_writable(request, respond);
    if (!dataset) return;
    context_.sink.put(dataset->id, std::move(request.captured[1]), std::move(request.body),
                      when_durable(respond));
  }

  void remove(const RoutedRequest& request, const Responder& respond) const {
    const auto dataset = find_writable(request, respond);
    if (!dataset) return;
    context_.queries.ask_first(
        [&sink = context_.sink, dataset = *dataset, key = request.captured[1]](const StoreReader& reader,
                                                                               const Responder& answer) {
          const auto entry = find_live(reader, dataset, key);
          if (!entry) return answer(entry.error());
          sink.remove(dataset.id, key, when_durable(answer));
        },
        respond);
  }

  void repair(const RoutedRequest& request, const Responder& respond) const {
    if (const Status good = check_repair(request.query); !good) return respond(good.error());
    const auto dataset = writable(find(request, respond), respond);
    if (dataset) context_.sink.repair(dataset->id, request.captured[1], when_durable(respond));
  }

 private:
  // Answers if there is no such map.
  std::optional<NamedDataset> find(const RoutedRequest& request, const Responder& respond) const {
    auto dataset = context_.datasets.find(request.captured[0], DatasetKind::kMap);
    if (dataset) return *std::move(dataset);
    respond(dataset.error());
    return std::nullopt;
  }

  // Also if there is a query.
  std::optional<NamedDataset> find_plain(const RoutedRequest& request, const Responder& respond) const {
    const Status good = request.query.check({});
    if (good) return find(request, respond);
    respond(good.error());
    return std::nullopt;
  }

  std::optional<NamedDataset> find_writable(const RoutedRequest& request, const Responder& respond) const {
    return writable(find_plain(request, respond), respond);
  }

  // Also if there is one that is not written here.
  static std::optional<NamedDataset> writable(std::optional<NamedDataset> dataset, const Responder& respond) {
    const Status good = dataset ? check_written_here(dataset->id) : Done{};
    if (good) return dataset;
    respond(good.error());
    return std::nullopt;
  }

  RouteContext& context_;
};

}  // namespace

WriteSink::DoneHandler when_durable(Responder respond) {
  return [respond = std::move(respond)](const Status& status) {
    status ? respond(HttpResponse{200, R"({"durable":true})"}) : respond(status.error());
  };
}

void add_map_routes(Router& router, RouteContext& context) {
  const MapRoutes routes(context);
  const std::string all = "/v0/maps/{dataset}", one = "/v0/maps/{dataset}/{key...}";
  router.add("GET", all,
             [routes](const auto& request, const auto& respond) { routes.list(request, respond, kEntries); });
  router.add("GET", "/v0/conflicts/{dataset}", [routes](const auto& request, const auto& respond) {
    routes.list(request, respond, kConflicts);
  });
  router.add("GET", "/v0/surfaced/{dataset}", [routes](const auto& request, const auto& respond) {
    routes.list(request, respond, kSurfaced);
  });
  router.add("GET", one,
             [routes](const auto& request, const auto& respond) { routes.get(request, respond); });
  router.add("PUT", one,
             [routes](auto request, const auto& respond) { routes.put(std::move(request), respond); });
  router.add("DELETE", one,
             [routes](const auto& request, const auto& respond) { routes.remove(request, respond); });
  router.add("POST", one,
             [routes](const auto& request, const auto& respond) { routes.repair(request, respond); });
}

}  // namespace deltamesh
