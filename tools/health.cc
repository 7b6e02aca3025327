// tools/health.cc - the store, the ingest counters and the brokers, as parts of /healthz.
#include "tools/health.h"

#include "api/json_writer.h"

namespace deltamesh {
namespace {

const char* word(SqliteStatus::State state) {
  switch (state) {
    case SqliteStatus::State::kHealthy: return "ok";
    case SqliteStatus::State::kWaitingForSpace: return "waiting_for_space";
    case SqliteStatus::State::kFailed: return "failed";
    case SqliteStatus::State::kClosed: return "closed";
  }
  return "unknown";
}

}  // namespace

HealthPart health_of(const SqliteStore& store) {
  const SqliteStatus status = store.status();
  JsonWriter json;
  json.begin_object().key("status").text(word(status.state)).key("detail").text(status.detail).end_object();
  return {json.take(), word(status.state)};
}

HealthPart health_of(const IngestCounters& counters) {
  const IngestCounts counts = counters.snapshot();
  JsonWriter json;
  json.begin_object();
  json.key("messages").count(counts.messages);
  json.key("events").count(counts.events);
  json.key("readings").count(counts.readings);
  json.key("retained_skipped").count(counts.retained_skipped);
  json.key("retries").count(counts.retries);
  json.key("waits").count(counts.waits);
  json.key("refused").begin_object();
  for (std::size_t i = 0; i < counts.refused.size(); ++i) {
    if (counts.refused[i] > 0) json.key(to_string(static_cast<Refusal>(i))).count(counts.refused[i]);
  }
  json.end_object().end_object();
  return {json.take(), "ok"};
}

// A broker that is away is no fault of the node, so it shows and does not turn the whole answer red. One that
// is there and will not hand out what the rules ask for does: nothing but a person can mend that.
HealthPart health_of(const std::vector<std::unique_ptr<MqttSource>>& sources) {
  JsonWriter json;
  bool all_granted = true;
  json.begin_object().key("brokers").begin_array();
  for (const auto& source : sources) {
    const MqttStatus status = source->status();
    all_granted = all_granted && status.refused_filters.empty();
    json.begin_object();
    json.key("uri").text(status.uri);
    json.key("connected").boolean(status.connected);
    json.key("connects").count(status.connects);
    json.key("messages").count(status.messages);
    json.key("last_error").text(status.last_error);
    json.key("refused_filters").begin_array();
    for (const std::string& filter : status.refused_filters) json.text(filter);
    json.end_array().end_object();
  }
  json.end_array().end_object();
  return {json.take(), all_granted ? "ok" : "subscription_refused"};
}

HealthPart health_of(const TransportCounters& counters) {
  JsonWriter json;
  json.begin_object();
  json.key("links_opened").count(counters.links_opened);
  json.key("links_closed").count(counters.links_closed);
  json.key("queues_overflowed").count(counters.queues_overflowed);
  json.key("frames_truncated").count(counters.frames_truncated);
  json.key("messages_refused").count(counters.messages_refused);
  json.key("upgrades_refused").count(counters.upgrades_refused);
  json.key("connections_refused").count(counters.connections_refused);
  json.key("accepts_failed").count(counters.accepts_failed);
  json.key("dials_failed").count(counters.dials_failed);
  json.key("log_lines_suppressed").count(counters.log_lines_suppressed);
  json.end_object();
  return {json.take(), "ok"};
}

}  // namespace deltamesh
