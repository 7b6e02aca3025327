// tools/replay_job.cc - reads, waits for a message's time, names its topic, publishes.
#include "tools/replay_job.h"

#include <chrono>
#include <thread>
#include <utility>

namespace deltamesh {
namespace {

using Clock = std::chrono::steady_clock;

// Lets each message go when its recorded time has come, counted from the first.
class Pace {
 public:
  explicit Pace(double speed) : speed_(speed) {}

  void wait_for(Ticks milliseconds) {
    if (!std::exchange(begun_, true)) first_ = milliseconds;
    const double elapsed = static_cast<double>(milliseconds - first_) / speed_;
    std::this_thread::sleep_until(start_ + std::chrono::milliseconds(static_cast<std::int64_t>(elapsed)));
  }

 private:
  double speed_;
  Clock::time_point start_ = Clock::now();
  bool begun_ = false;
  Ticks first_ = 0;
};

Result<std::string> topic_of(const Record& record, const ReplaySettings& settings) {
  TopicParts parts;
  for (const std::string& name : settings.topic.names()) {
    if (const auto text = settings.texts.find(name); text != settings.texts.end()) {
      parts.emplace_back(name, text->second);
      continue;
    }
    const auto path = settings.paths.find(name);
    auto field = record_field(record, path == settings.paths.end() ? name : path->second);
    if (field) parts.emplace_back(name, *std::move(field));
  }
  return settings.topic.fill(parts);
}

Status wait_for(Pace& pace, const Record& record, const ReplaySettings& settings) {
  const auto field = record_field(record, settings.time_path);
  if (!field) return Error{ErrorCode::kInvalid, "no time at \"" + settings.time_path + "\""};
  const auto time = parse_timestamp(*field, settings.time_unit, Resolution::kMilliseconds);
  if (const auto* refused = std::get_if<Refused>(&time)) return Error{ErrorCode::kInvalid, refused->text};
  pace.wait_for(std::get<Ticks>(time));
  return Done{};
}

Error numbered(std::uint64_t number, const Error& error) {
  return {error.code, "message " + std::to_string(number) + ": " + error.text};
}

class Job {
 public:
  Job(const ReplaySettings& settings, MqttPublisher& publisher)
      : settings_(settings), publisher_(publisher), pace_(settings.speed.value_or(1)) {}

  Status send(const Record& record) {
    auto topic = topic_of(record, settings_);
    if (!topic) return topic.error();
    if (settings_.speed) {
      if (auto waited = wait_for(pace_, record, settings_); !waited) return waited;
    }
    return publisher_.publish(*topic, record.payload);
  }

 private:
  const ReplaySettings& settings_;
  MqttPublisher& publisher_;
  Pace pace_;
};

Status send_all(RecordReader& records, Job& job, const ReplaySettings& settings,
                const std::function<void()>& sent) {
  for (std::uint64_t number = 1; number <= settings.to; ++number) {
    auto record = records.next();
    if (!record) return record.error();
    if (!*record) return Done{};
    if (number < settings.from) continue;
    if (auto status = job.send(**record); !status) return numbered(number, status.error());
    sent();
  }
  return Done{};
}

}  // namespace

Status replay(std::istream& in, const ReplaySettings& settings, MqttPublisher& publisher,
              const std::function<void()>& progress) {
  auto records = read_records(in, settings.format, settings.topic.names());
  if (!records) return records.error();
  Job job(settings, publisher);
  auto sent = send_all(**records, job, settings, progress);
  auto drained = publisher.drain();
  return sent ? drained : sent;
}

}  // namespace deltamesh
