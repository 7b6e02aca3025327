// tests/ingest/mqtt_journal_test.cc - what is told of a broker's connection, and what is not told again.
#include "ingest/mqtt_journal.h"

#include <catch2/catch.hpp>

#include "ingest/limits.h"

namespace deltamesh {
namespace {

struct Told {
  std::vector<std::string> lines;
  MqttJournal journal{"mqtt://b:1", [this](Note::Level, const std::string& line) { lines.push_back(line); }};
};

TEST_CASE("a connection is told of when it changes, not while it stays as it is", "[ingest][journal]") {
  Told told;
  for (int i = 0; i < 3; ++i) told.journal.failed("connection refused");
  told.journal.failed("the broker does not answer");
  told.journal.connected({});
  told.journal.connected({});
  told.journal.stopped();
  CHECK(told.lines == std::vector<std::string>{"no connection to mqtt://b:1: connection refused",
                                               "no connection to mqtt://b:1: the broker does not answer",
                                               "connected to mqtt://b:1"});
  const auto status = told.journal.status();
  CHECK_FALSE(status.connected);
  CHECK(status.connects == 2);
  CHECK(status.last_error == "the broker does not answer");
}

TEST_CASE("a flapping connection does not fill the log", "[ingest][journal]") {
  Told told;
  for (int i = 0; i < 1000; ++i) {
    told.journal.failed("connection lost");
    told.journal.connected({});
  }
  CHECK(told.lines.size() == limits::kSourceLogLines);
  CHECK(told.journal.status().connects == 1000);
}

TEST_CASE("what a broker grants not, or only in part, is told and kept", "[ingest][journal]") {
  Told told;
  told.journal.connected({"a/# (refused)", "b/# (QoS 1, only 0)\n"});
  CHECK(told.lines ==
        std::vector<std::string>{
            "connected to mqtt://b:1; the broker does not grant a/# (refused), b/# (QoS 1, only 0)?"});
  told.journal.failed("connection lost");
  CHECK(told.journal.status().refused_filters.size() == 2);
  told.journal.connected({});
  CHECK(told.journal.status().refused_filters.empty());
}

}  // namespace
}  // namespace deltamesh
