// tests/tools/replay_test.cc - what replay does with files that cannot be read or are not what they should
// be.
#include <catch2/catch.hpp>
#include <sstream>

#include "tests/support/child_process.h"
#include "tests/support/temp_dir.h"
#include "tools/line_reader.h"
#include "tools/reading_file.h"

namespace deltamesh {
namespace {

using testing::Output;
using testing::run;

const std::string kReplay = DELTAMESH_BIN_DIR "/replay";

// The error at which reading ends; empty if it ends well.
std::string error_of(std::istream& in, RecordFormat format) {
  auto reader = read_records(in, format);
  if (!reader) return reader.error().text;
  while (true) {
    const auto record = (*reader)->next();
    if (!record) return record.error().text;
    if (!*record) return {};
  }
}

TEST_CASE("a record that is too long is refused with its number", "[replay]") {
  const std::string filler(LineReader::kLineBytesMax, ' ');
  std::istringstream lines("{}\n{\"a\":" + filler + "1}\n");
  CHECK(error_of(lines, RecordFormat::kNdjson) == "line 2: is longer than 1048576 bytes");
  std::istringstream rows("a\n" + filler + "1\n");
  CHECK(error_of(rows, RecordFormat::kCsv) == "line 2: is longer than 1048576 bytes");
}

TEST_CASE("a file of CSV may begin with a byte order mark, and its quotes must close", "[replay]") {
  std::istringstream marked(
      "\xef\xbb\xbf"
      "device,v\nd,1\n");
  auto reader = read_records(marked, RecordFormat::kCsv);
  REQUIRE(reader.ok());
  const auto record = (*reader)->next();
  REQUIRE(record.ok());
  REQUIRE(record->has_value());
  CHECK(record_field(**record, "device") == "d");
  std::istringstream open("a,b\n1,\"2\n");
  CHECK(error_of(open, RecordFormat::kCsv) == "line 2: a quote is not closed where its cell ends");
}

TEST_CASE("a stream that fails is an error in every format", "[replay]") {
  struct Failing : std::streambuf {
    int_type underflow() override { throw std::ios_base::failure("input/output error"); }
  };
  const auto format = GENERATE(RecordFormat::kNdjson, RecordFormat::kJsonArray, RecordFormat::kCsv);
  Failing buffer;
  std::istream in(&buffer);
  CHECK(error_of(in, format) == "cannot be read any further");
}

TEST_CASE("replay of what cannot be read says so before it looks for a broker, and exits with 2",
          "[replay]") {
  const testing::TempDir dir;
  const std::vector<std::string> paths{dir.path().string(), (dir.path() / "none").string(), "/proc/self/mem"};
  const std::string format = GENERATE("ndjson", "json-array", "csv-wide");
  for (const std::string& path : paths) {
    CAPTURE(path, format);
    const Output output =
        run({kReplay, path, "--broker", "mqtt://127.0.0.1:1", "--format", format, "--topic", "t"});
    CHECK(output.status == 2);
    CHECK(output.text == "replay: " + path + ": cannot be read\n");
  }
}

}  // namespace
}  // namespace deltamesh
