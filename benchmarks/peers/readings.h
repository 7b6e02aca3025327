// benchmarks/peers/readings.h - the same readings for every system: the first ones of all sensors, in order
// of time.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace deltamesh::bench {

// Writes one CSV file a sensor, `timestamp,NAME,...` with a time of ISO 8601 (csv-wide of `sync-node
// import`), of so many readings at least in all, and returns their names. They are the same on every machine:
// values of two decimals that wander, about every 150 s, as the recorded ones do.
std::vector<std::string> generate_sensors(std::uint64_t readings, const std::filesystem::path& folder);

struct Extract {
  std::vector<std::string> sensor_files;  // As they were read, shorter.
  // One line a message of a sensor, `SERIES,TIME,VALUE,...`: the number of the first value's series, those
  // of the others following, and seconds since 1970. A sensor that left out a value has none between the
  // commas.
  std::string messages_file;
  std::uint64_t messages = 0, readings = 0;
};

// The messages of all files merged by time until there are `readings_max` readings at least, or none left.
// Throws if a line is not what the form says.
Extract extract_readings(const std::vector<std::string>& sensor_files, std::uint64_t readings_max,
                         const std::filesystem::path& folder);

}  // namespace deltamesh::bench
