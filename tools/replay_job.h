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
#include "tools/mqtt_publisher.h"
#include "tools/reading_file.h"

namespace deltamesh {

struct ReplaySettings {
  PublisherSettings publisher;
  RecordFormat format = RecordFormat::kNdjson;
  std::string topic;                         // Such as `tele/{device}/SENSOR`.
  std::map<std::string, std::string> paths;  // Where a {name} comes from; else from the field of that name.
  std::map<std::string, std::string> texts;  // What a {name} is, for all messages.
  std::optional<double> speed;               // Times real time; none: as fast as it goes.
  std::string time_path = "timestamp";
  TimeUnit time_unit = TimeUnit::kIso8601;
  std::uint64_t from = 1;  // Messages, counted from 1; both ends belong to it.
  std::uint64_t to = std::numeric_limits<std::uint64_t>::max();
};

struct ReplayCount {
  std::uint64_t published = 0;
  std::uint64_t acknowledged = 0;
};

// Calls `progress` after each message. On an error `count` still says how far it came.
Status replay(std::istream& in, const ReplaySettings& settings, ReplayCount& count,
              const std::function<void(const ReplayCount&)>& progress);

}  // namespace deltamesh
