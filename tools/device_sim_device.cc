// tools/device_sim_device.cc - the signals of a simulated sensor.
#include "tools/device_sim_device.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace deltamesh {
namespace {

constexpr double kPi = 3.14159265358979323846;
constexpr double kDayMs = 86'400'000.0;

// As a sensor of so many digits prints it.
std::string fixed(double value, int digits) {
  char text[32];
  std::snprintf(text, sizeof text, "%.*f", digits, value);
  return text;
}

// -1 before sunrise, 1 in the afternoon.
double sun(std::int64_t time_ms) {
  const double day = static_cast<double>(time_ms % static_cast<std::int64_t>(kDayMs)) / kDayMs;
  return -std::cos(2 * kPi * (day - 0.125));
}

std::string device_name(std::uint64_t number) {
  char text[32];
  std::snprintf(text, sizeof text, "sim-%04llu", static_cast<unsigned long long>(number));
  return text;
}

}  // namespace

std::uint64_t SimRandom::bits() {
  state_ += 0x9e3779b97f4a7c15u;
  std::uint64_t z = state_;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

double SimRandom::uniform() {
  return static_cast<double>(bits() >> 11) * 0x1p-53;
}

double SimRandom::noise() {
  double sum = -6;
  for (int i = 0; i < 12; ++i) sum += uniform();
  return sum;
}

SimulatedDevice::SimulatedDevice(std::uint64_t seed, std::uint64_t number, SimFaults faults)
    : name_(device_name(number)),
      random_(SimRandom(seed).bits() ^ (number * 0xd1342543de82ef95u)),
      faults_(faults) {
  base_celsius_ = 17 + 6 * random_.uniform();
  hectopascal_ = 1005 + 16 * random_.uniform();
  volt_ = 3.4 + 0.7 * random_.uniform();
}

void SimulatedDevice::step(std::int64_t time_ms) {
  drift_celsius_ = 0.98 * drift_celsius_ + 0.05 * random_.noise();
  celsius_ = base_celsius_ + 4.5 * sun(time_ms) + drift_celsius_;
  humidity_ = std::clamp(62 - 2.4 * (celsius_ - base_celsius_) + 0.4 * random_.noise(), 5.0, 99.9);
  hectopascal_ = std::clamp(hectopascal_ + 0.02 * random_.noise(), 960.0, 1045.0);
  volt_ = std::max(2.7, volt_ - 0.00002 * random_.uniform());
  motion_ = random_.chance(motion_ ? 0.8 : 0.03);
  if (motion_) ++count_;
}

void SimulatedDevice::maybe_fail(std::int64_t time_ms) {
  const bool falls_silent = random_.chance(faults_.drop_out);
  const bool reboots = random_.chance(faults_.reboot);
  if (falls_silent) silent_ = 1 + random_.bits() % 10;
  if (!reboots) return;
  ++reboots_;
  count_ = 0;
  silent_ = std::max<std::uint64_t>(silent_, 1);
  booted_ms_ = time_ms;
}

std::optional<SimMessage> SimulatedDevice::message(std::int64_t time_ms) {
  if (!booted_ms_) booted_ms_ = time_ms;
  step(time_ms);
  maybe_fail(time_ms);
  if (silent_ > 0) {
    --silent_;
    return std::nullopt;
  }
  const std::int64_t uptime_s = (time_ms - *booted_ms_) / 1000;
  SimMessage message;
  message.payload = "{\"ts\":" + std::to_string(time_ms) + ",\"temperature\":" + fixed(celsius_, 1) +
                    ",\"humidity\":" + fixed(humidity_, 1) + ",\"pressure\":" + fixed(hectopascal_, 2) +
                    ",\"battery\":" + fixed(volt_ + 0.004 * random_.noise(), 2) +
                    ",\"motion\":" + (motion_ ? "true" : "false") + ",\"count\":" + std::to_string(count_) +
                    ",\"uptime\":" + std::to_string(uptime_s) + "}";
  message.values = 7;
  return message;
}

}  // namespace deltamesh
