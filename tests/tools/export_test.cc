// tests/tools/export_test.cc - a store as text, and a store of that: the same in every row.
#include <fcntl.h>
#include <rapidcheck.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <map>
#include <set>

#include "engine/sqlite/repair.h"
#include "engine/store_diff.h"
#include "tests/support/wait.h"
#include "tests/tools/dump_fixture.h"
#include "tests/tools/export_fixture.h"

namespace deltamesh::testing {
namespace {

using Catch::Contains;

constexpr const char* kGolden = DELTAMESH_SOURCE_DIR "/tests/formats/export_v0.jsonl";

std::unique_ptr<SqliteReader> reader_of(const std::string& path) {
  auto reader = SqliteReader::open_read_only(path);
  REQUIRE(reader);
  return std::move(*reader);
}

bool equal_by_contents(const std::string& a, const std::string& b) {
  const auto diff = diff_stores(*reader_of(a), *reader_of(b));
  REQUIRE(diff);
  return diff->equal();
}

TEST_CASE("the text of version 0 is what it was, out and in", "[export][format]") {
  const TempFolder folder;
  const std::string golden = slurp(kGolden);
  CHECK(exported(make_golden(folder, "made")) == golden);
  const auto report = import_text(golden, folder.file("read"));
  INFO((report ? "" : report.error().text));
  REQUIRE(report);
  CHECK(exported(folder.file("read")) == golden);
  CHECK(all_rows(folder.file("made")) == all_rows(folder.file("read")));
  std::set<std::string> kinds;
  for (const std::string& line : lines_of(golden)) kinds.insert(line.substr(0, line.find(',')));
  CHECK(kinds.size() == 18);  // One of each.
}

TEST_CASE("the stores of which texts are made at random have rows of every kind, and of some kinds many",
          "[export]") {
  std::map<std::string, int> kinds;
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    const TempFolder folder;
    for (const std::string& line : lines_of(exported(random_store(folder, seed))))
      ++kinds[line.substr(0, line.find(','))];
  }
  CHECK(kinds.size() == 18);
  for (const auto& [kind, count] : kinds) {
    CAPTURE(kind);
    CHECK(count >= 5);
  }
}

TEST_CASE("a store that is made of the text of any other has the same rows, contents and text", "[export]") {
  CHECK(rc::check("round trip", [](std::uint64_t seed) {
    const TempFolder folder;
    const std::string path = random_store(folder, seed), copy = folder.file("copy");
    const std::string text = exported(path);
    const auto report = import_text(text, copy);
    if (!report) RC_FAIL(report.error().text);
    RC_ASSERT(all_rows(copy) == all_rows(path));
    RC_ASSERT(exported(copy) == text);
    RC_ASSERT(equal_by_contents(path, copy));
  }));
}

TEST_CASE("whoever opens an imported store begins another life, also beside the original and in its place",
          "[export]") {
  const TempFolder folder;
  const std::string path = folder.file("store"), copy = folder.file("copy");
  auto store = open_store_at(path);
  const Identity before = store->identity();
  const StreamId stream{kTelemetry, StreamClass::kMetric, before.node, before.incarnation};
  Batch batch;
  batch.blocks = blocks_of(stream, some_events(40), 10);
  REQUIRE(commit_to(*store, batch));
  const std::string text = exported(path);
  REQUIRE(import_text(text, copy));
  {
    const auto other = open_store_at(copy);
    CHECK(other->identity().node == before.node);
    CHECK(other->identity().incarnation != before.incarnation);
    CHECK(store->identity() == before);
    CHECK_FALSE(import_text(text, copy));
  }
  store.reset();
  // Memory still vouches for just these numbers.
  for (const char* side : {"", ".fence", ".lock"}) std::filesystem::remove(path + side);
  REQUIRE(import_text(text, path));
  CHECK(open_store_at(path)->identity().incarnation != before.incarnation);
}

TEST_CASE("an import takes no place that is taken", "[export]") {
  const TempFolder folder;
  const std::string path = folder.file("store"), text = slurp(kGolden);
  for (const char* side : {"", "-wal", "-journal", ".repaired"}) {
    spill(path + side, "something dear");
    const auto report = import_text(text, path);
    REQUIRE_FALSE(report);
    CHECK_THAT(report.error().text, Contains(std::string(side) + " exists, and nothing is written over"));
    CHECK(slurp(path + side) == "something dear");
    std::filesystem::remove(path + side);
  }
  const auto lock = sqlite::LockFile::take(path + ".lock");
  REQUIRE(lock);
  CHECK_THAT(import_text(text, path).error().text, Contains("another process has this store open"));
  CHECK_FALSE(std::filesystem::exists(path));
}

TEST_CASE("nothing is exported of what is damaged, or of nothing; and no file is written over", "[export]") {
  const TempFolder folder;
  const std::string path = make_golden(folder, "store"), file = folder.file("file");
  spill(file, "something dear");
  CHECK_THAT(export_to_file(path, file).error().text, Contains("nothing is written over"));
  CHECK(slurp(file) == "something dear");
  std::filesystem::remove(file);
  REQUIRE(export_to_file(path, file));
  CHECK(slurp(file) == slurp(kGolden));
  std::filesystem::remove(file);

  run_raw(path, "UPDATE blocks SET checksum = 0 WHERE first = 11");
  const auto refused = export_to_file(path, file);
  REQUIRE_FALSE(refused);
  CHECK_THAT(refused.error().text, Contains("is damaged: ") && Contains("dots 11 to 13"));
  CHECK(export_to_file(folder.file("nothing"), file).error().code == ErrorCode::kNotFound);
  CHECK_FALSE(std::filesystem::exists(file));
  CHECK_FALSE(std::filesystem::exists(file + ".part"));
}

TEST_CASE("a repaired store can be exported and imported like any other", "[export]") {
  const TempFolder folder;
  const std::string path = make_golden(folder, "store"), copy = folder.file("copy");
  run_raw(path, "UPDATE blocks SET checksum = 0 WHERE first = 11");
  REQUIRE(repair_store(path));
  REQUIRE(import_text(exported(path), copy));
  CHECK(all_rows(copy) == all_rows(path));
}

TEST_CASE("the program exports to a pipe and imports from one, and says how much that was", "[export]") {
  const TempFolder folder;
  const std::string path = make_golden(folder, "store"), copy = folder.file("copy"),
                    file = folder.file("file");
  const Output text = dump({"export", path});
  CHECK(text.status == 0);
  CHECK(text.text == slurp(kGolden));
  const Output saved = dump({"export", path, "--out", file});
  CHECK(saved.status == 0);
  CHECK_THAT(saved.text, Contains("bytes; 6 streams, 3 series, 3 blocks of 9 events, 4 map entries\n"));
  const Output made = run({DELTAMESH_BIN_DIR "/crdt-dump", "import", "-", copy}, file);
  INFO(made.text);
  CHECK(made.status == 0);
  CHECK(made.text == copy + ": 6 streams, 3 series, 3 blocks of 9 events, 4 map entries, sound\n");
  CHECK(slurp(kGolden) == dump({"export", copy}).text);
  const Output again = dump({"import", file, copy});
  CHECK(again.status == 2);
  CHECK_THAT(again.text, Contains("copy exists, and nothing is written over"));
  const Output json = dump({"import", file, folder.file("other"), "--json"});
  CHECK_THAT(json.text, Contains("\"streams\":6,\"series\":3,\"blocks\":3,\"events\":9,\"entries\":4}"));
  CHECK(dump({"import", folder.file("nothing"), folder.file("third")}).status == 2);
}

TEST_CASE("an import that is killed on its way leaves no store, and the next one makes it", "[export]") {
  const TempFolder folder;
  const std::string text = slurp(kGolden), path = folder.file("store"), pipe = folder.file("pipe");
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  // Our end stays open, so that the rest of the text never comes.
  const int both_ends = ::open(pipe.c_str(), O_RDWR | O_CLOEXEC);
  REQUIRE(both_ends >= 0);
  {
    ChildProcess import({DELTAMESH_BIN_DIR "/crdt-dump", "import", "-", path}, folder.file("output"), pipe);
    const std::size_t half = text.size() / 2;
    REQUIRE(::write(both_ends, text.data(), half) == static_cast<ssize_t>(half));
    REQUIRE(wait_until([&] { return std::filesystem::exists(path + ".part"); }));
    CHECK_FALSE(std::filesystem::exists(path));
    import.signal(SIGKILL);
    CHECK(import.wait() == 128 + SIGKILL);
  }
  ::close(both_ends);
  CHECK_FALSE(std::filesystem::exists(path));
  REQUIRE(import_text(text, path));
  CHECK_FALSE(std::filesystem::exists(path + ".part"));
  CHECK(exported(path) == text);
}

}  // namespace
}  // namespace deltamesh::testing
