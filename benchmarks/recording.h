// benchmarks/recording.h - recorded telemetry unpacked, programs run around a measurement, medians.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace deltamesh::bench {

// Of at least one value; of an even number, the mean of the middle two.
double median(std::vector<double> values);

// The files of a recorded archive, unpacked into `folder`, in the order of their names. Throws if it is
// damaged.
std::vector<std::string> unpack(const std::filesystem::path& archive, const std::filesystem::path& folder);

// Those of them whose names end in ".csv".
std::vector<std::string> csv_files(const std::filesystem::path& archive, const std::filesystem::path& folder);

// Runs a program that must succeed; throws with what it said. Not bounded in time.
std::string run_or_throw(std::vector<std::string> command);

}  // namespace deltamesh::bench
