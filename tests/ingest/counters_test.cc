// tests/ingest/counters_test.cc - refusals are counted one by one and logged at a bounded rate.
#include "ingest/counters.h"

#include <catch2/catch.hpp>
#include <vector>

namespace deltamesh {
namespace {

TEST_CASE("a thousand refusals of one reason are a thousand counts and one line", "[ingest][counters]") {
  std::vector<std::string> lines;
  IngestCounters counters([&lines](const std::string& line) { lines.push_back(line); });
  for (int i = 0; i < 1000; ++i) counters.refused({Refusal::kNotJson, "syntax error"}, "plant/a");
  CHECK(counters.snapshot().refused_for(Refusal::kNotJson) == 1000);
  CHECK(counters.snapshot().refused_total() == 1000);
  REQUIRE(lines.size() == 1);
  CHECK(lines[0] == "refused \"plant/a\": syntax error (not_json)");
}

TEST_CASE("one reason does not hide another", "[ingest][counters]") {
  std::vector<std::string> lines;
  IngestCounters counters([&lines](const std::string& line) { lines.push_back(line); });
  for (std::size_t i = 0; i < kRefusals; ++i) counters.refused({static_cast<Refusal>(i), "x"}, "t");
  CHECK(lines.size() == kRefusals);
}

TEST_CASE("what a device sends cannot forge a line of the log", "[ingest][counters]") {
  std::string line;
  IngestCounters counters([&line](const std::string& text) { line = text; });
  counters.refused({Refusal::kNameInvalid, "a\nb\x1b[31m"}, "plant/\r\nINFO all is well");
  CHECK(line.find_first_of("\r\n\x1b") == std::string::npos);
}

TEST_CASE("every reason has a word of its own", "[ingest][counters]") {
  std::vector<std::string> words;
  for (std::size_t i = 0; i < kRefusals; ++i) words.emplace_back(to_string(static_cast<Refusal>(i)));
  std::sort(words.begin(), words.end());
  CHECK(std::adjacent_find(words.begin(), words.end()) == words.end());
  CHECK(std::find(words.begin(), words.end(), "unknown") == words.end());
}

}  // namespace
}  // namespace deltamesh
