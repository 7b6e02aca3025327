// tests/sqlite/refusal_test.cc - what is not a good store of this version is refused and stays as it is.
#include "tests/sqlite/child_process.h"
#include "tests/sqlite/raw_database.h"
#include "tests/sqlite/sqlite_fixture.h"

namespace deltamesh {
namespace {

using Contents = std::map<std::string, std::string>;

// Every file but the lock and SQLite's shared-memory index, which hold no data.
Contents contents_of(const TempFolder& folder) {
  Contents contents;
  for (const auto& entry : std::filesystem::directory_iterator(folder.path())) {
    const std::string name = entry.path().filename().string();
    if (name != "store.lock" && name != "store-shm") contents[name] = slurp(entry.path().string());
  }
  return contents;
}

void make_store(const std::string& path) {
  const auto store = open_store_at(path);
  for (Seq seq = 1; seq <= 40; ++seq)
    REQUIRE(commit_to(*store, local_batch(store->identity(), seq, 1, 3000)));
  Batch batch = local_batch(store->identity(), 41, 1);
  const StreamId stream = batch.blocks[0].stream;
  batch.declarations.push_back({stream, {1, "temperature", "Cel", ValueType::kDouble}});
  MapEntry entry;
  entry.key = "mode";
  entry.value = "auto";
  entry.version.dot = {stream, 42};
  batch.entries.push_back({stream.dataset, entry});
  const Status status = commit_to(*store, batch);
  if (!status) FAIL(status.error().text);
}

void overwrite(const std::string& path, std::size_t at, std::size_t size, char byte) {
  std::string bytes = slurp(path);
  REQUIRE(bytes.size() >= at + size);
  bytes.replace(at, size, std::string(size, byte));
  spill(path, bytes);
}

struct Row {
  const char* what;
  void (*spoil)(const std::string& path);
  ErrorCode code;
  const char* words;
};

const Row kRows[] = {
    {"a newer version", [](const std::string& path) { run_raw(path, "PRAGMA user_version = 7"); },
     ErrorCode::kUnsupported, "has store version 7, this build knows up to 0"},
    {"a newer version, in the log",
     [](const std::string& path) { run_raw(path, "PRAGMA user_version = 7", true); }, ErrorCode::kUnsupported,
     "has store version 7, this build knows up to 0"},
    {"another application's file",
     [](const std::string& path) {
       std::filesystem::remove(path);
       run_raw(path,
               "CREATE TABLE notes (text); INSERT INTO notes VALUES ('keep me'); PRAGMA application_id = 5");
     },
     ErrorCode::kInvalid, "another application (id 5"},
    {"garbage", [](const std::string& path) { spill(path, std::string(9000, 'g')); }, ErrorCode::kCorrupt,
     "cannot be read as a deltamesh store"},
    {"a few bytes", [](const std::string& path) { spill(path, "hello"); }, ErrorCode::kCorrupt,
     "cannot be read as a deltamesh store"},
    {"a corrupted header", [](const std::string& path) { overwrite(path, 0, 16, '\0'); }, ErrorCode::kCorrupt,
     "cannot be read as a deltamesh store"},
    {"corrupted pages", [](const std::string& path) { overwrite(path, 8 * 4096, 3 * 4096, '\xff'); },
     ErrorCode::kCorrupt, "is damaged"},
    {"half a file", [](const std::string& path) { std::filesystem::resize_file(path, 40960); },
     ErrorCode::kCorrupt, "disk image is malformed"},
    {"a changed identity",
     [](const std::string& path) { run_raw(path, "UPDATE meta SET opens = opens - 1"); }, ErrorCode::kCorrupt,
     "identity fails its checksum"},
    {"changed knowledge",
     [](const std::string& path) { run_raw(path, "UPDATE knowledge SET head = head + 1"); },
     ErrorCode::kCorrupt, "what is known of the stream"},
    {"a renamed stream",
     [](const std::string& path) { run_raw(path, "UPDATE streams SET class = class + 1"); },
     ErrorCode::kCorrupt, "the name of a stream"},
    {"a changed declaration", [](const std::string& path) { run_raw(path, "UPDATE series SET unit = 'K'"); },
     ErrorCode::kCorrupt, "series 1 of the stream"},
    {"a declaration that is listed elsewhere",
     [](const std::string& path) { run_raw(path, "UPDATE series SET dataset = dataset + 1"); },
     ErrorCode::kCorrupt, "series 1 of the stream"},
    {"a changed map entry",
     [](const std::string& path) { run_raw(path, "UPDATE map_entries SET value = x'00'"); },
     ErrorCode::kCorrupt, "the map entry under key mode"},
    {"a declaration of a stream that is not there",
     [](const std::string& path) { run_raw(path, "UPDATE series SET stream = 77"); }, ErrorCode::kCorrupt,
     "series 1 of the stream"},
    {"a map entry of a stream that is not there",
     [](const std::string& path) { run_raw(path, "UPDATE map_entries SET stream = 77"); },
     ErrorCode::kCorrupt, "the map entry under key mode"},
    {"knowledge of a stream that is not there",
     [](const std::string& path) { run_raw(path, "UPDATE knowledge SET stream = 77"); }, ErrorCode::kCorrupt,
     "a row of knowledge"},
    {"a fence of a newer version",
     [](const std::string& path) { spill(path + ".fence", "deltamesh-fence 3\nnews\n"); },
     ErrorCode::kUnsupported, "version 3, this build knows 0"},
};

TEST_CASE("what is not a good store is refused with a clear error and not touched", "[sqlite][refusal]") {
  for (const Row& row : kRows) {
    DYNAMIC_SECTION(row.what) {
      const TempFolder folder;
      const std::string path = folder.file("store");
      make_store(path);
      row.spoil(path);
      const Contents before = contents_of(folder);
      for (int attempt = 0; attempt < 2; ++attempt) {
        const auto store = SqliteStore::open(options_for(path));
        REQUIRE(!store);
        CHECK(store.error().code == row.code);
        CHECK_THAT(store.error().text, Catch::Contains(row.words) && Catch::Contains(path));
      }
      CHECK(contents_of(folder) == before);
    }
  }
}

// In a process of its own: the choice of SQLite's file layer holds for all of it.
TEST_CASE("where SQLite has no write-ahead log there is no store, and it says why", "[sqlite][refusal]") {
  const TempFolder folder;
  const std::string there = folder.file("store"), absent = folder.file("absent");
  make_store(there);
  run_raw(there, "PRAGMA journal_mode = DELETE");
  const std::string before = slurp(there);
  const ChildProcess child([&](NumberPipe& to_parent, NumberPipe&) {
    sqlite3_vfs_register(sqlite3_vfs_find("unix-none"), 1);  // Without shared memory.
    for (const std::string& path : {there, absent}) {
      const auto store = SqliteStore::open(options_for(path));
      to_parent.put(!store && store.error().code == ErrorCode::kUnsupported &&
                    store.error().text.find("write-ahead log") != std::string::npos &&
                    store.error().text.find(path) != std::string::npos);
    }
  });
  CHECK(child.take() == 1u);
  CHECK(child.take() == 1u);
  CHECK((slurp(there) == before));
  CHECK(!std::filesystem::exists(absent));
}

TEST_CASE("a path that cannot hold a store is refused by name", "[sqlite][refusal]") {
  const TempFolder folder;
  for (const std::string& path : {folder.file("no/such/folder/store"), folder.path().string()}) {
    const auto store = SqliteStore::open(options_for(path));
    REQUIRE(!store);
    CHECK_THAT(store.error().text, Catch::Contains(path));
  }
}

TEST_CASE("a second opening is refused while the first lasts, in this process and in another",
          "[sqlite][refusal]") {
  const TempFolder folder;
  const std::string path = folder.file("store");
  auto first = open_store_at(path);
  const auto second = SqliteStore::open(options_for(path));
  REQUIRE(!second);
  CHECK_THAT(second.error().text, Catch::Contains(path + ".lock is locked"));
  CHECK(commit_to(*first, local_batch(first->identity(), 1, 1)));
  first.reset();

  ChildProcess child([&path](NumberPipe& to_parent, NumberPipe& from_parent) {
    const auto store = SqliteStore::open(options_for(path));
    to_parent.put(store.ok() ? 1 : 0);
    static_cast<void>(from_parent.take());
  });
  REQUIRE(child.take() == 1u);
  CHECK(!SqliteStore::open(options_for(path)));
  child.kill();
  CHECK(SqliteStore::open(options_for(path)));
}

TEST_CASE("a closed store refuses batches and says so", "[sqlite][refusal]") {
  const TempFolder folder;
  const auto store = open_store_at(folder.file("store"));
  store->close();
  store->close();
  const Status status = commit_to(*store, local_batch(store->identity(), 1, 1));
  REQUIRE(!status);
  CHECK(status.error().code == ErrorCode::kClosed);
  CHECK(store->status().state == SqliteStatus::State::kClosed);
}

}  // namespace
}  // namespace deltamesh
