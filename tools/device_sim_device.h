// tools/device_sim_device.h - one simulated sensor: plausible signals, drop-outs and reboots from a seed.
//
// The same seed, number and times give the same messages. Temperature follows the sun, humidity falls as it
// rises, pressure wanders, the battery sags, motion comes in spells, a counter counts until the next reboot.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace deltamesh {

// Small, fast and the same everywhere (SplitMix64).
class SimRandom {
 public:
  explicit SimRandom(std::uint64_t seed) : state_(seed) {}
  std::uint64_t bits();
  double uniform();  // In [0, 1).
  double noise();    // About normal, of mean 0 and deviation 1.
  bool chance(double probability) { return uniform() < probability; }

 private:
  std::uint64_t state_;
};

struct SimFaults {
  double drop_out = 0;  // Chance a message that the device falls silent for a while.
  double reboot = 0;    // Chance a message that it starts anew: uptime and counter begin at 0.
};

struct SimMessage {
  std::string payload;
  int values = 0;  // Readings in it, besides the time.
};

class SimulatedDevice {
 public:
  SimulatedDevice(std::uint64_t seed, std::uint64_t number, SimFaults faults);

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] std::uint64_t reboots() const { return reboots_; }

  // What it sends at `time_ms` since 1970, which only grows; nullopt while it is silent.
  std::optional<SimMessage> message(std::int64_t time_ms);

 private:
  void step(std::int64_t time_ms);
  void maybe_fail(std::int64_t time_ms);

  std::string name_;
  SimRandom random_;
  SimFaults faults_;
  std::optional<std::int64_t> booted_ms_;
  std::uint64_t reboots_ = 0;
  std::uint64_t silent_ = 0;  // Messages that are still to be left out.
  std::uint64_t count_ = 0;
  double base_celsius_, drift_celsius_ = 0;
  double hectopascal_;
  double volt_;
  bool motion_ = false;
  double celsius_ = 0, humidity_ = 0;
};

}  // namespace deltamesh
