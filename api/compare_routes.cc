// api/compare_routes.cc - asks the node to compare itself with a peer, and tells what came of it.
//
// A comparison of long streams takes longer than a request may, so one request begins it and others look.
#include <charconv>
#include <map>
#include <mutex>
#include <optional>

#include "api/json_writer.h"
#include "api/limits.h"
#include "api/routes.h"

namespace deltamesh {
namespace {

const char* word(Verdict verdict) {
  switch (verdict) {
    case Verdict::kEqual: return "equal";
    case Verdict::kEqualWhereBothHold: return "equal_where_both_hold";
    case Verdict::kDiffer: return "differ";
    case Verdict::kUndecided: return "undecided";
  }
  return "unknown";
}

// Without a result it is still under way. Called on whatever thread knows something.
class Results {
 public:
  void begun(CompareId id) {
    const std::lock_guard lock(mutex_);
    kept_[id];
    if (kept_.size() > limits::kComparisonsKept) kept_.erase(kept_.begin());
  }
  void done(Compared&& result) {
    const std::lock_guard lock(mutex_);
    if (const auto it = kept_.find(result.id); it != kept_.end()) it->second = std::move(result);
  }
  template <class Tell>
  bool tell(CompareId id, Tell tell) {
    const std::lock_guard lock(mutex_);
    const auto it = kept_.find(id);
    return it != kept_.end() && (tell(it->second), true);
  }

 private:
  std::mutex mutex_;
  std::map<CompareId, std::optional<Compared>> kept_;
};

std::string name_of(const RouteContext& context, DatasetId dataset) {
  for (const std::string& name : context.dataset_names) {
    if (dataset_id(name) == dataset) return name;
  }
  return "";
}

void write(JsonWriter& json, const ComparedStream& result, const std::string& dataset) {
  const Reconciled& found = result.found;
  json.begin_object().key("dataset").text(dataset);
  json.key("node").text(hex(result.stream.node.bytes));
  json.key("incarnation").text(hex(result.stream.incarnation.bytes));
  json.key("upto").count(found.dots.last);
  const bool undecided = !result.status && found.verdict() == Verdict::kEqual;
  json.key("verdict").text(undecided ? "undecided" : word(found.verdict()));
  json.key("text").text(undecided ? "undecided" : describe(found, "A", "B", result.voided));
  json.key("equal").count(found.equal);
  json.key("a_lacks").count(found.a_lacks.total());
  json.key("b_lacks").count(found.b_lacks.total());
  json.key("a_gave_up").count(result.a_gave_up);
  json.key("b_gave_up").count(result.b_gave_up);
  json.key("differ").count(found.differ.total());
  json.key("undecided").count(found.undecided.total());
  if (!result.status) json.key("error").text(result.status.error().text);
  json.end_object();
}

void write(JsonWriter& json, const LackingDots& lacking) {
  json.begin_object().key("node").text(hex(lacking.stream.node.bytes));
  json.key("incarnation").text(hex(lacking.stream.incarnation.bytes));
  json.key("a_lacks").count(lacking.a.total());
  json.key("b_lacks").count(lacking.b.total());
  json.end_object();
}

void write(JsonWriter& json, const ComparedMap& result, const std::string& dataset) {
  json.begin_object().key("dataset").text(dataset);
  json.key("verdict").text(word(result.verdict()));
  json.key("text").text(describe(result, "A", "B"));
  json.key("equal").count(result.equal);
  json.key("a_lacks").count(result.lacking.a);
  json.key("b_lacks").count(result.lacking.b);
  json.key("differ").count(result.differ);
  json.key("undecided").count(result.undecided);
  json.key("keys").begin_array();
  for (const std::string& key : result.keys) json.text(key);
  json.end_array().key("lacking").begin_array();
  for (const LackingDots& lacking : result.lacking.first) write(json, lacking);
  json.end_array();
  if (!result.status) json.key("error").text(result.status.error().text);
  json.end_object();
}

std::string describe(const RouteContext& context, CompareId id, const std::optional<Compared>& result) {
  JsonWriter json;
  json.begin_object().key("comparison").count(static_cast<std::uint64_t>(id));
  json.key("done").boolean(result.has_value());
  if (result) {
    if (context.hooks.own) json.key("a").text(hex(context.hooks.own->node.bytes));
    json.key("b").text(hex(result->remote.node.bytes));
    json.key("verdict").text(word(result->verdict()));
    if (!result->status) json.key("error").text(result->status.error().text);
    json.key("streams").begin_array();
    for (const ComparedStream& stream : result->streams)
      write(json, stream, name_of(context, stream.stream.dataset));
    json.end_array().key("maps").begin_array();
    for (const ComparedMap& map : result->maps) write(json, map, name_of(context, map.dataset));
    json.end_array();
  }
  json.end_object();
  return json.take();
}

void begin(RouteContext& context, const std::shared_ptr<Results>& results, const RoutedRequest& request,
           const Responder& respond) {
  if (const Status good = request.query.check({"peer"}); !good) return respond(good.error());
  const auto begun = [results, respond](const Result<CompareId>& id) {
    if (!id) return respond(id.error());
    results->begun(*id);
    JsonWriter json;
    json.begin_object().key("comparison").count(static_cast<std::uint64_t>(*id)).end_object();
    respond(HttpResponse{202, json.take()});
  };
  context.hooks.compare(std::string(request.query.find("peer").value_or("")), begun,
                        [results](Compared result) { results->done(std::move(result)); });
}

void look(const RouteContext& context, Results& results, const RoutedRequest& request,
          const Responder& respond) {
  if (const Status good = request.query.check({}); !good) return respond(good.error());
  const std::string& text = request.captured[0];
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  std::string body;
  const auto write = [&](const auto& result) { body = describe(context, CompareId{number}, result); };
  const bool is_number = error == std::errc() && end == text.data() + text.size();
  if (!is_number || !results.tell(CompareId{number}, write))
    return respond(Error{ErrorCode::kNotFound, "no comparison " + text + ", or no more"});
  respond(HttpResponse{200, body});
}

}  // namespace

void add_compare_routes(Router& router, RouteContext& context) {
  const auto results = std::make_shared<Results>();
  router.add("POST", "/v0/comparisons", [&context, results](const auto& request, const auto& respond) {
    begin(context, results, request, respond);
  });
  router.add("GET", "/v0/comparisons/{number}",
             [&context, results](const auto& request, const auto& respond) {
               look(context, *results, request, respond);
             });
}

}  // namespace deltamesh
