// benchmarks/growth/wandering_readings.cc - devices that speak in turn.
#include "benchmarks/growth/wandering_readings.h"

namespace deltamesh::bench {

WanderingReadings::WanderingReadings(std::uint64_t series, const std::string& prefix, std::uint64_t seed)
    : devices_(series / kReadingsPerEvent), values_(series, 2'000), state_(seed) {
  for (std::uint64_t device = 0; device < devices_.size(); ++device) {
    for (std::uint64_t number = 0; number < kReadingsPerEvent; ++number)
      devices_[device].readings.push_back({series_name(prefix, device, number), "Cel", 0.0});
  }
}

std::string WanderingReadings::series_name(const std::string& prefix, std::uint64_t device,
                                           std::uint64_t number) {
  return prefix + std::to_string(device) + "/value-" + std::to_string(number);
}

void WanderingReadings::next(std::uint64_t count, std::vector<NamedEvent>& out) {
  out.resize(count);
  for (NamedEvent& event : out) {
    const std::uint64_t device = said_ % devices_.size();
    NamedEvent& said = devices_[device];
    said.time = kFirstTime + static_cast<Ticks>(said_++) * kEventPause + static_cast<Ticks>(random() % 50);
    for (std::uint64_t i = 0; i < kReadingsPerEvent; ++i) {
      std::int64_t& value = values_[device * kReadingsPerEvent + i];
      value += static_cast<std::int64_t>(random() % 41) - 20;
      said.readings[i].value = static_cast<double>(value) / 100;
    }
    event = said;
  }
}

// SplitMix64.
std::uint64_t WanderingReadings::random() {
  std::uint64_t x = state_ += 0x9e3779b97f4a7c15u;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

}  // namespace deltamesh::bench
