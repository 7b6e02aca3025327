// tools/replay_job.h - recorded messages to a broker, in their order and at their pace.
#pragma once

#include <cstdint>
#include <functional>
#include <iosfwd>
#include <limits>
#include <map>
#include <optional>
#include <string>

#include "crdt/result.h"
#include "ingest/timestamp.h"
#include "ingest/topic.h"
#include "tools/mqtt_publisher.h"
#include "tools/reading_file.h"

namespace deltamesh {

struct ReplaySettings {
  RecordFormat format = RecordFormat::kNdjson;
  TopicTemplate topic;                       // Such as `tele/{device}/SENSOR`.
  std::map<std::string, std::string> paths;  // Where a {name} comes from; else from the field of that name.
  std::map<std::string, std::string> texts;  // What a {name} is, for all messages.
  std::optional<double> speed;               // Times real time; none: as fast as it goes.
  std::string time_path = "timestamp";
  TimeUnit time_unit = TimeUnit::kIso8601;
  std::uint64_t from = 1;  // Messages, counted from 1; both ends belong to it.
  std::uint64_t to = std::numeric_limits<std::uint64_t>::max();
};

// Returns when all is acknowledged, or at the first that cannot be published. Calls `progress` after each
// message.
Status replay(std::istream& in, const ReplaySettings& settings, MqttPublisher& publisher,
              const std::function<void()>& progress);

}  // namespace deltamesh
