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
    if (!first_) first_ = milliseconds;
    const double elapsed = static_cast<double>(milliseconds - *first_) / speed_;
    std::this_thread::sleep_until(start_ + std::chrono::milliseconds(static_cast<std::int64_t>(elapsed)));
  }

 private:
  double speed_;
  Clock::time_point start_ = Clock::now();
  std::optional<Ticks> first_;
};

Result<std::string> topic_of(const TopicTemplate& topic, const Record& record,
                             const ReplaySettings& settings) {
  TopicParts parts;
  for (const std::string& name : topic.names()) {
    if (const auto text = settings.texts.find(name); text != settings.texts.end()) {
      parts.emplace_back(name, text->second);
      continue;
    }
    const auto path = settings.paths.find(name);
    auto field = record_field(record, path == settings.paths.end() ? name : path->second);
    if (field) parts.emplace_back(name, *std::move(field));
  }
  return topic.fill(parts);
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
  Job(const ReplaySettings& settings, TopicTemplate topic, MqttPublisher& publisher)
      : settings_(settings),
        topic_(std::move(topic)),
        publisher_(publisher),
        pace_(settings.speed.value_or(1)) {}

  Status send(const Record& record) {
    auto topic = topic_of(topic_, record, settings_);
    if (!topic) return topic.error();
    if (settings_.speed) {
      if (auto waited = wait_for(pace_, record, settings_); !waited) return waited;
    }
    return publisher_.publish(*topic, record.payload);
  }

 private:
  const ReplaySettings& settings_;
  TopicTemplate topic_;
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

Status replay(std::istream& in, const ReplaySettings& settings, ReplayCount& count,
              const std::function<void(const ReplayCount&)>& progress) {
  auto topic = TopicTemplate::parse(settings.topic);
  if (!topic) return topic.error();
  auto records = read_records(in, settings.format, topic->names());
  if (!records) return records.error();
  auto publisher = MqttPublisher::connect(settings.publisher);
  if (!publisher) return publisher.error();
  const auto take_count = [&] { count = {(*publisher)->published(), (*publisher)->acknowledged()}; };
  Job job(settings, *std::move(topic), **publisher);
  auto sent = send_all(**records, job, settings, [&] {
    take_count();
    progress(count);
  });
  auto drained = (*publisher)->drain();
  take_count();
  return sent ? drained : sent;
}

}  // namespace deltamesh
