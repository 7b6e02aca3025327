// benchmarks/peers/readings.cc - reads, merges, cuts and makes up files of sensors.
#include "benchmarks/peers/readings.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <memory>
#include <stdexcept>

#include "engine/iso_time.h"
#include "tests/sim/rng.h"

namespace deltamesh::bench {
namespace {

constexpr std::uint64_t kSensors = 40;
constexpr std::int64_t kFirstTime = 1'530'000'000;  // Seconds since 1970.
constexpr std::int64_t kPause = 150;                // Seconds between two messages of a sensor.

// One file that is read, with its shorter copy.
class Sensor {
 public:
  Sensor(const std::string& path, const std::string& copy, std::uint64_t first_series)
      : in_(path), out_(copy), first_series_(first_series) {
    std::string head;
    std::getline(in_, head);
    series_ = static_cast<std::uint64_t>(std::count(head.begin(), head.end(), ','));
    out_ << head << '\n';
    advance();
  }

  [[nodiscard]] bool has_message() const { return !line_.empty(); }
  [[nodiscard]] std::int64_t time() const { return time_; }
  [[nodiscard]] std::uint64_t series() const { return series_; }

  // Copies the message; returns how many readings are in it.
  std::uint64_t take(std::ofstream& messages);

 private:
  void advance();

  std::ifstream in_;
  std::ofstream out_;
  std::uint64_t first_series_, series_ = 0;
  std::string line_;
  std::int64_t time_ = 0;
};

void Sensor::advance() {
  if (!std::getline(in_, line_)) return line_.clear();
  const auto time = read_iso_time(std::string_view(line_).substr(0, line_.find(',')), IsoForm::kDevice);
  if (!time) throw std::runtime_error("no time in \"" + line_ + "\"");
  time_ = time->seconds;
}

std::uint64_t Sensor::take(std::ofstream& messages) {
  const std::string values = line_.substr(line_.find(','));
  out_ << line_ << '\n';
  messages << first_series_ << ',' << time_ << values << '\n';
  std::uint64_t readings = 0;
  for (std::size_t i = 0; i < values.size(); ++i)
    readings += values[i] == ',' && i + 1 < values.size() && values[i + 1] != ',';
  advance();
  return readings;
}

// Of equal times, the sensor that comes first.
Sensor* earliest(const std::vector<std::unique_ptr<Sensor>>& sensors) {
  Sensor* found = nullptr;
  for (const auto& sensor : sensors) {
    if (sensor->has_message() && (found == nullptr || sensor->time() < found->time())) found = sensor.get();
  }
  return found;
}

std::string iso_text(std::int64_t seconds) {
  const std::chrono::sys_seconds time{std::chrono::seconds(seconds)};
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(time - day);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     clock.hours().count(), clock.minutes().count(), clock.seconds().count());
}

}  // namespace

std::vector<std::string> generate_sensors(std::uint64_t readings, const std::filesystem::path& folder) {
  std::filesystem::create_directories(folder);
  sim::Rng rng(1);
  std::vector<std::string> files;
  const std::uint64_t messages = readings / (2 * kSensors) + 1;
  for (std::uint64_t sensor = 0; sensor < kSensors; ++sensor) {
    files.push_back(folder / fmt::format("sensor-{:02}.csv", sensor));
    std::ofstream out(files.back());
    out << "timestamp,temperature,humidity\n";
    std::int64_t temperature = 2'000, humidity = 6'000;  // Hundredths.
    for (std::uint64_t i = 0; i < messages; ++i) {
      temperature += static_cast<std::int64_t>(rng.below(41)) - 20;
      humidity =
          std::clamp<std::int64_t>(humidity + static_cast<std::int64_t>(rng.below(201)) - 100, 0, 9'990);
      const auto time = kFirstTime + static_cast<std::int64_t>(i) * kPause +
                        static_cast<std::int64_t>(sensor + rng.below(4));
      out << fmt::format("{},{:.2f},{:.2f}\n", iso_text(time), static_cast<double>(temperature) / 100,
                         static_cast<double>(humidity) / 100);
    }
  }
  return files;
}

Extract extract_readings(const std::vector<std::string>& sensor_files, std::uint64_t readings_max,
                         const std::filesystem::path& folder) {
  std::filesystem::create_directories(folder);
  Extract extract;
  std::vector<std::unique_ptr<Sensor>> sensors;
  std::uint64_t series = 0;
  for (const std::string& file : sensor_files) {
    extract.sensor_files.push_back(folder / std::filesystem::path(file).filename());
    sensors.push_back(std::make_unique<Sensor>(file, extract.sensor_files.back(), series));
    series += sensors.back()->series();
  }
  extract.messages_file = folder / "messages";
  std::ofstream messages(extract.messages_file);
  for (Sensor* next; extract.readings < readings_max && (next = earliest(sensors)) != nullptr;
       ++extract.messages)
    extract.readings += next->take(messages);
  return extract;
}

}  // namespace deltamesh::bench
