// tests/ingest/env_sensor_test.cc - a whole recording decodes to what an independent parse finds in it.
#include <algorithm>
#include <bit>
#include <catch2/catch.hpp>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <sstream>

#include "ingest/decoder.h"
#include "tests/support/child_process.h"
#include "tests/support/temp_dir.h"
#include "tools/reading_file.h"

namespace deltamesh {
namespace {

CompiledRule env_rule() {
  IngestRule rule;
  rule.topic = "tele/{device}/SENSOR";
  rule.dataset = "env";
  rule.select = {"data.*"};
  rule.device = "device";
  rule.timestamp = "ts";
  auto compiled = CompiledRule::compile(std::move(rule));
  REQUIRE(compiled.ok());
  return *std::move(compiled);
}

// The form that env_sensor_parse.py prints.
std::string line(const NamedReading& reading, Ticks time) {
  char value[24];
  if (const auto* truth = std::get_if<bool>(&reading.value)) {
    std::snprintf(value, sizeof value, "bool %d", *truth ? 1 : 0);
  } else {
    const auto bits = std::bit_cast<std::uint64_t>(std::get<double>(reading.value));
    std::snprintf(value, sizeof value, "double %016llx", static_cast<unsigned long long>(bits));
  }
  return reading.series + " " + std::to_string(time) + " " + value;
}

std::vector<std::string> decode_all(const std::string& json, std::size_t& messages) {
  std::istringstream in(json);
  auto reader = read_records(in, RecordFormat::kJsonArray);
  REQUIRE(reader.ok());
  const auto rule = env_rule();
  std::vector<std::string> lines;
  for (auto record = (*reader)->next(); record.ok() && *record; record = (*reader)->next()) {
    ++messages;
    auto judged = decode(rule, {"tele/x/SENSOR", (*record)->payload, {}});
    if (const auto* refused = std::get_if<Refused>(&judged)) FAIL(refused->text);
    const auto& event = std::get<NamedEvent>(judged);
    for (const NamedReading& reading : event.readings) lines.push_back(line(reading, event.time));
  }
  return lines;
}

std::vector<std::string> split_lines(const std::string& text) {
  std::istringstream in(text);
  std::vector<std::string> lines;
  for (std::string one; std::getline(in, one);) lines.push_back(one);
  return lines;
}

TEST_CASE("the env-sensor recording decodes to exactly what an independent parse finds", "[ingest][data]") {
  const char* data = std::getenv("DELTAMESH_DATA");
  if (!data) {
    std::cerr
        << "SKIPPED: the env-sensor recording needs DELTAMESH_DATA to name the folder with the data sets\n";
    return;
  }
  const std::string archive = std::string(data) + "/env-sensor-mqtt.tar.zst";
  const auto json = testing::run({"tar", "--zstd", "-xOf", archive, "raw_data_xlarge.json"});
  REQUIRE(json.status == 0);
  const testing::TempDir dir;
  const auto recording = dir.path() / "recording.json";
  std::ofstream(recording, std::ios::binary) << json.text;
  const std::string script = DELTAMESH_SOURCE_DIR "/tests/ingest/env_sensor_parse.py";
  const auto independent = testing::run({"python3", script}, recording);
  REQUIRE(independent.status == 0);

  std::size_t messages = 0;
  auto ours = decode_all(json.text, messages);
  CHECK(messages == 50'270);
  CHECK(ours.size() == 351'890);
  auto theirs = split_lines(independent.text);
  CHECK((ours == theirs));  // In the same order too; in brackets, so that a failure prints no megabytes.
  std::sort(ours.begin(), ours.end());
  ours.erase(std::unique(ours.begin(), ours.end()), ours.end());
  CHECK(ours.size() == 351'883);
}

}  // namespace
}  // namespace deltamesh
