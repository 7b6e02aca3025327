// api/health_route.cc - GET /healthz: how the node is, for people and for supervisors.
#include <chrono>

#include "api/json_writer.h"
#include "api/routes.h"

namespace deltamesh {
namespace {

using Clock = std::chrono::steady_clock;

const char* word(SessionPhase phase) {
  switch (phase) {
    case SessionPhase::kHello: return "hello";
    case SessionPhase::kFrontier:
    case SessionPhase::kPast: return "frontier";
    case SessionPhase::kLive: return "live";
  }
  return "unknown";
}

void write_sessions(JsonWriter& json, const std::vector<SessionStatus>& sessions) {
  json.key("sessions").begin_array();
  for (const SessionStatus& session : sessions) {
    json.begin_object();
    json.key("peer").count(static_cast<std::uint64_t>(session.peer));
    json.key("node").text(hex(session.remote.node.bytes));
    json.key("phase").text(word(session.phase));
    json.key("software").text(session.software);
    json.key("events_unacknowledged").count(session.events_unacknowledged);
    json.end_object();
  }
  json.end_array();
}

void write_counters(JsonWriter& json, const Counters& counters) {
  json.key("counters").begin_object();
  json.key("events_written").count(counters.events_written);
  json.key("events_received").count(counters.events_received);
  json.key("redundant_events").count(counters.redundant_events);
  json.key("redundant_bytes").count(counters.redundant_bytes);
  json.key("payload_bytes_sent").count(counters.payload_bytes_sent);
  json.key("payload_bytes_received").count(counters.payload_bytes_received);
  json.key("frame_bytes_sent").count(counters.frame_bytes_sent);
  json.key("frame_bytes_received").count(counters.frame_bytes_received);
  json.key("frames_refused").count(counters.frames_refused);
  json.key("handshakes_refused").count(counters.handshakes_refused);
  json.key("forks_found").count(counters.forks_found);
  json.key("clones_met").count(counters.clones_met);
  json.key("writes_refused").count(counters.writes_refused);
  json.key("batches_failed").count(counters.batches_failed);
  json.key("events_given_up").count(counters.events_given_up);
  json.key("events_unreadable").count(counters.events_unreadable);
  json.key("events_taken_anew").count(counters.events_taken_anew);
  json.key("events_unacknowledged").count(counters.events_unacknowledged);
  json.key("events_lost").count(counters.events_lost);
  json.key("blocks_refused").count(counters.blocks_refused);
  json.key("series_conflicts").count(counters.series_conflicts);
  json.key("range_questions_answered").count(counters.range_questions_answered);
  json.key("range_questions_refused").count(counters.range_questions_refused);
  json.key("ranges_compared").count(counters.ranges_compared);
  json.key("ranges_different").count(counters.ranges_different);
  json.key("map_entries_written").count(counters.map_entries_written);
  json.key("map_entries_received").count(counters.map_entries_received);
  json.key("map_conflicts").count(counters.map_conflicts);
  json.key("map_surfaced").count(counters.map_surfaced);
  json.key("map_rejoins").count(counters.map_rejoins);
  json.key("tombstones_collected").count(counters.tombstones_collected);
  json.key("stamps_ahead").count(counters.stamps_ahead);
  json.key("clock_ahead_told").count(counters.clock_ahead_told);
  json.key("clock_ahead_heard").count(counters.clock_ahead_heard);
  json.key("clock_set_back").count(counters.clock_set_back);
  json.key("entries_mended").count(counters.entries_mended);
  json.key("events_from_boot").count(counters.events_from_boot);
  json.key("boots_without_offset").count(counters.boots_without_offset);
  json.key("offsets_learnt").count(counters.offsets_learnt);
  json.key("offsets_refused").count(counters.offsets_refused);
  json.key("rules_in_effect").count(counters.rules_in_effect);
  json.key("rules_refused").count(counters.rules_refused);
  json.key("values_forgotten").count(counters.values_forgotten);
  json.key("blocks_rewritten").count(counters.blocks_rewritten);
  json.key("blocks_merged").count(counters.blocks_merged);
  json.key("bytes_merged").count(counters.bytes_merged);
  json.end_object();
}

void write_node(JsonWriter& json, const Node& node) {
  json.key("node").text(hex(node.identity().node.bytes));
  json.key("incarnation").text(hex(node.identity().incarnation.bytes));
  json.key("software").text(node.config().software);
  json.key("forgetting").boolean(node.is_forgetting());
  write_sessions(json, node.sessions());
  write_counters(json, node.counters());
}

using Parts = std::vector<std::pair<std::string, HealthPart>>;

Parts gather(const ApiHooks& hooks) {
  Parts parts;
  for (const auto& [name, part] : hooks.parts) parts.emplace_back(name, part());
  return parts;
}

// The first word that is not "ok".
std::string status_of(const Parts& parts) {
  for (const auto& [name, part] : parts) {
    if (part.status != "ok") return part.status;
  }
  return "ok";
}

HttpResponse describe(const Node& node, const Parts& parts, const std::vector<std::string>& datasets,
                      std::chrono::seconds uptime) {
  const std::string status = status_of(parts);
  JsonWriter json;
  json.begin_object().key("status").text(status);
  json.key("uptime_s").integer(uptime.count());
  json.key("datasets").begin_array();
  for (const auto& name : datasets) json.text(name);
  json.end_array();
  write_node(json, node);
  for (const auto& [name, part] : parts) json.key(name).raw(part.json);
  json.end_object();
  return {status == "ok" ? 200u : 503u, json.take()};
}

}  // namespace

void add_health_route(Router& router, RouteContext& context) {
  router.add("GET", "/healthz",
             [&context, begin = Clock::now()](const RoutedRequest& request, const Responder& respond) {
               if (Status good = request.query.check({}); !good) return respond(good.error());
               const auto uptime = std::chrono::duration_cast<std::chrono::seconds>(Clock::now() - begin);
               auto parts = gather(context.hooks);
               auto datasets = context.dataset_names;
               context.hooks.inspect(
                   [=, parts = std::move(parts), datasets = std::move(datasets)](const Node& node) {
                     respond(describe(node, parts, datasets, uptime));
                   });
             });
}

}  // namespace deltamesh
