// tests/sqlite/compact_test.cc - room that retention has made is given back at the next opening, where it
// pays and where it can be done; else nothing changes.
#include "engine/sqlite/compact.h"

#include <sys/mount.h>

#include <iostream>

#include "engine/limits.h"
#include "engine/sqlite/check.h"
#include "engine/store_diff.h"
#include "tests/sqlite/child_process.h"
#include "tests/sqlite/durable_steps.h"
#include "tests/sqlite/emptied_store.h"
#include "tests/sqlite/pages.h"

namespace deltamesh {
namespace {

using sqlite::check_present;
using sqlite::compact;
using sqlite::compacted_part;
using sqlite::compacting_pays;

// A store at `path` that was closed; who it is.
Identity emptied_store(const std::string& path, const Emptied& plan = {}) {
  const auto store = open_store_at(path);
  fill_and_empty(*store, plan);
  return store->identity();
}

// Opens with what the opening says.
std::unique_ptr<SqliteStore> open_telling(SqliteOptions options, std::string& told) {
  options.log = [&told](const std::string& line) { told += line + '\n'; };
  auto store = SqliteStore::open(options);
  if (!store) FAIL(store.error().text);
  return std::move(*store);
}

SqliteOptions eager(const std::string& path) {
  SqliteOptions options = options_for(path);
  options.free_bytes_min = 64u << 10;
  return options;
}
constexpr Emptied kSmall{.events = 20, .kept = 2, .bytes = 12'000};

TEST_CASE("a store that is mostly free pages is small after its opening, with every row and under its name",
          "[sqlite][compact]") {
  const TempFolder folder;
  const std::string path = folder.file("store");
  const Identity identity = emptied_store(path);
  const std::uint64_t before = size_of(path);
  REQUIRE(before > 60 * 96'000);
  const std::string rows = all_rows(path);
  REQUIRE(rows.size() > 4 * 96'000);
  std::string told;
  auto store = open_telling(options_for(path), told);
  CHECK_THAT(told, Catch::Contains("mostly free pages"));  // Before it takes its time.
  told.clear();
  CHECK(size_of(path) < 500'000);
  CHECK(store->opened().given_back == before - size_of(path));
  CHECK(store->opened().opens == 2);
  CHECK_FALSE(store->opened().new_incarnation);
  CHECK(store->identity() == identity);
  CHECK_FALSE(exists(compacted_part(path)));
  CHECK_FALSE(commit_to(*store, large_event(identity, 60, 100)));  // That number is taken.
  CHECK(commit_to(*store, large_event(identity, 61, 100)));
  CHECK(commit_to(*store, give_up(own_stream_of(identity), {61, 61})));
  store.reset();
  store = open_telling(options_for(path), told);
  CHECK(store->opened().given_back == 0);  // Once.
  store.reset();
  CHECK(require_sound(path));
  run_raw(path, "UPDATE knowledge SET head = 60 WHERE head = 61");
  const auto but_knowledge = [&](std::string of) { return of.substr(of.find("\nseries\n")); };
  CHECK(but_knowledge(all_rows(path)) == but_knowledge(rows));
}

TEST_CASE("the file that takes the place has the same rows under the same numbers", "[sqlite][compact]") {
  const TempFolder folder;
  const std::string path = folder.file("store");
  {
    const auto store = SqliteStore::open(eager(path));
    REQUIRE(store);
    fill_and_empty(**store, kSmall);
    Random random(3);  // All tables have rows.
    for (std::uint64_t i = 0; i < 60; ++i) static_cast<void>(commit_to(**store, random_batch(random, i)));
    Batch acks;
    acks.id = BatchId{61};
    acks.acks.push_back({{NodeId{{4}}, Incarnation{{5}}}, false, stream_number(2), IntervalSet({1, 9})});
    REQUIRE(commit_to(**store, acks));
  }
  const std::string rows = all_rows(path) + ask_raw(path, "SELECT * FROM meta");
  const std::uint64_t bytes = size_of(path);
  const auto given_back = compact(eager(path), *check_present(path, {}));
  REQUIRE(given_back);
  CHECK(*given_back > bytes / 2);
  CHECK(all_rows(path) + ask_raw(path, "SELECT * FROM meta") == rows);
  for (const std::string& table : tables_of(path)) {
    if (table == "ended_ackers" || table == "incarnations") continue;
    INFO(table);
    CHECK(ask_raw(path, "SELECT count(*) > 0 FROM " + table) == "1:1|\n");
  }
}

// SQLite may give other numbers to rows that have none of their own when it copies them.
TEST_CASE("no table has rows whose numbers are not among its columns", "[sqlite][compact]") {
  const TempFolder folder;
  const std::string path = folder.file("store");
  open_store_at(path).reset();
  const std::vector<std::string> tables = tables_of(path);
  REQUIRE(tables.size() > 12);
  for (const std::string& table : tables) {
    INFO(table);
    const std::string numbered =
        "SELECT count(*) = 1 AND max(type) = 'INTEGER' FROM pragma_table_info('" + table + "') WHERE pk > 0";
    const std::string without = "SELECT wr FROM pragma_table_list('" + table + "')";
    CHECK((ask_raw(path, numbered) == "1:1|\n" || ask_raw(path, without) == "1:1|\n"));
  }
}

TEST_CASE("a file that was written anew is set up as a new one is", "[sqlite][compact]") {
  const TempFolder folder;
  const std::string path = folder.file("store"), fresh = folder.file("fresh");
  emptied_store(path, kSmall);
  std::filesystem::permissions(path,
                               std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  REQUIRE(*compact(eager(path), *check_present(path, {})) > 0);
  open_store_at(fresh).reset();
  for (const char* what : {"page_size", "auto_vacuum", "application_id", "user_version", "journal_mode",
                           "encoding", "max_page_count", "secure_delete"}) {
    INFO(what);
    const std::string pragma = std::string("PRAGMA ") + what;
    CHECK(ask_raw(path, pragma) == ask_raw(fresh, pragma));
  }
  const std::string schema = "SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY name";
  CHECK(ask_raw(path, schema) == ask_raw(fresh, schema));
  CHECK(std::filesystem::status(path).permissions() ==
        (std::filesystem::perms::owner_read | std::filesystem::perms::owner_write));
}

TEST_CASE("a store is written anew only if more than half of it, and enough, is free", "[sqlite][compact]") {
  struct Row {
    std::uint64_t bytes, free;
    bool pays;
  };
  constexpr std::uint64_t kMin = limits::kCompactFreeBytesMin;
  const auto row = GENERATE_COPY(values<Row>({{kMin + 4096, kMin, true},
                                              {kMin + 4096, kMin - 4096, false},
                                              {2 * kMin, kMin, false},
                                              {10 * kMin, 5 * kMin, false},
                                              {10 * kMin, 5 * kMin + 4096, true},
                                              {0, 0, false}}));
  CAPTURE(row.bytes, row.free);
  CHECK(compacting_pays({row.bytes, row.free}, SqliteOptions{}) == row.pays);
}

TEST_CASE("a store of which less is free stays as it is, byte for byte", "[sqlite][compact]") {
  const TempFolder folder;
  const std::string path = folder.file("store");
  const auto plan = GENERATE(Emptied{.events = 20, .kept = 2},                      // All of it is small.
                             Emptied{.events = 20, .kept = 14, .bytes = 400'000});  // Most of it is in use.
  emptied_store(path, plan);
  const std::string bytes = slurp(path);
  const auto given_back = compact(options_for(path), *check_present(path, {}));
  REQUIRE(given_back);
  CHECK(*given_back == 0);
  CHECK((slurp(path) == bytes));
}

TEST_CASE("a log that a killed process left goes into the file before that is written anew",
          "[sqlite][compact]") {
  const TempFolder folder;
  const std::string path = folder.file("store"), copy = folder.file("copy");
  const auto store = SqliteStore::open(eager(path));
  REQUIRE(store);
  fill_and_empty(**store, kSmall);
  for (const char* side : {"", "-wal"})
    std::filesystem::copy_file(path + side, copy + side);  // As a kill leaves them.
  REQUIRE(size_of(copy + "-wal") > 0);
  std::string told;
  const auto opened = open_telling(eager(copy), told);
  CHECK(opened->opened().given_back > 0);
  const auto ours = (*store)->make_reader(), theirs = opened->make_reader();
  const auto found = diff_stores(**ours, **theirs);
  REQUIRE(found);
  CHECK(found->equal());
  CHECK(found->sum().dots == 200 + 2);
}

TEST_CASE(
    "a store behind a symbolic link is written anew where it lies, with the log that a killed process left",
    "[sqlite][compact]") {
  const TempFolder folder, elsewhere;
  const std::string path = folder.file("store"), real = elsewhere.file("real"), link = folder.file("link");
  const auto store = SqliteStore::open(eager(path));
  REQUIRE(store);
  fill_and_empty(**store, kSmall);
  for (const char* side : {"", "-wal"}) std::filesystem::copy_file(path + side, real + side);
  REQUIRE(size_of(real + "-wal") > 0);
  std::filesystem::create_symlink(real, link);
  std::string told;
  const auto opened = open_telling(eager(link), told);
  CHECK(opened->opened().given_back > 0);
  CHECK(std::filesystem::is_symlink(link));
  CHECK(size_of(real) < 200'000);
  const auto ours = (*store)->make_reader(), theirs = opened->make_reader();
  const auto found = diff_stores(**ours, **theirs);
  REQUIRE(found);
  CHECK(found->equal());
}

TEST_CASE("after a copy that was interrupted a store opens as it is, and is written anew at the start after",
          "[sqlite][compact]") {
  const TempFolder folder;
  const std::string path = folder.file("store");
  emptied_store(path, kSmall);
  const std::uint64_t before = size_of(path);
  spill(compacted_part(path), "half a page");
  std::string told;
  CHECK(open_telling(eager(path), told)->opened().given_back == 0);
  CHECK_THAT(told, Catch::Contains("was not finished"));
  CHECK(size_of(path) == before);
  CHECK(open_telling(eager(path), told)->opened().given_back > 0);
}

TEST_CASE("nobody may read the copy who may not read the store", "[sqlite][compact]") {
  using std::filesystem::perms;
  const TempFolder folder;
  const std::string path = folder.file("store");
  emptied_store(path, kSmall);
  const auto mode = GENERATE(perms::owner_read | perms::owner_write,
                             perms::owner_read | perms::owner_write | perms::group_read | perms::group_write);
  std::filesystem::permissions(path, mode);
  int looks = 0;
  {
    const StepWatch watch([&](Step) {
      if (!exists(compacted_part(path))) return 0;
      ++looks;
      CHECK((std::filesystem::status(compacted_part(path)).permissions() & ~mode) == perms::none);
      return 0;
    });
    const auto store = SqliteStore::open(eager(path));
    REQUIRE(store);
    CHECK((*store)->opened().given_back > 0);
  }
  CHECK(looks > 0);
  CHECK(std::filesystem::status(path).permissions() == mode);
}

TEST_CASE("a copy that was interrupted is removed at the next opening", "[sqlite][compact]") {
  const TempFolder folder;
  const std::string path = folder.file("store"), part = compacted_part(path);
  const Identity identity = open_store_at(path)->identity();
  for (const char* end : {"", "-wal", "-shm", "-journal"}) spill(part + end, "half a page");
  CHECK(open_store_at(path)->identity() == identity);
  for (const char* end : {"", "-wal", "-shm", "-journal"}) CHECK_FALSE(exists(part + end));
}

TEST_CASE("a store that another program reads is written anew once it does not", "[sqlite][compact]") {
  const TempFolder folder;
  const std::string path = folder.file("store");
  emptied_store(path, kSmall);
  const std::uint64_t bytes = size_of(path);
  sqlite3* reader = nullptr;
  REQUIRE(sqlite3_open(path.c_str(), &reader) == SQLITE_OK);
  REQUIRE(sqlite3_exec(reader, "BEGIN; SELECT * FROM meta", nullptr, nullptr, nullptr) == SQLITE_OK);
  std::string told;
  open_telling(eager(path), told).reset();
  CHECK_THAT(told, Catch::Contains("was left as it is") && Catch::Contains("in use"));
  CHECK(size_of(path) >= bytes);
  CHECK(sqlite3_exec(reader, "SELECT * FROM meta; COMMIT", nullptr, nullptr, nullptr) == SQLITE_OK);
  sqlite3_close(reader);
  told.clear();
  CHECK(open_telling(eager(path), told)->opened().given_back > bytes / 2);
  CHECK_THAT(told, !Catch::Contains("was left as it is"));
}

TEST_CASE("a damaged store is not written anew", "[sqlite][compact]") {
  const TempFolder folder;
  const std::string path = folder.file("store");
  emptied_store(path, kSmall);
  overwrite_page(path, root_page(path, "blocks"), '\x55');
  const std::string bytes = slurp(path);
  const auto store = SqliteStore::open(eager(path));
  REQUIRE_FALSE(store);
  CHECK(store.error().code == ErrorCode::kCorrupt);
  CHECK((slurp(path) == bytes));
  CHECK_FALSE(exists(compacted_part(path)));
}

TEST_CASE("a store that cannot be copied is opened as it is", "[sqlite][compact]") {
  const TempFolder folder;
  const std::string path = folder.file("store");
  emptied_store(path, kSmall);
  std::filesystem::create_directories(compacted_part(path) + "/in/the/way");
  std::string told;
  const auto store = open_telling(eager(path), told);
  CHECK_THAT(told, Catch::Contains("was left as it is"));
  CHECK(store->opened().given_back == 0);
  CHECK_FALSE(store->opened().new_incarnation);
  CHECK(exists(compacted_part(path) + "/in/the/way"));
}

TEST_CASE("where the disk has no room for the copy nothing is tried", "[sqlite][compact]") {
  const TempFolder folder;
  const auto size = [&folder](const char* bytes, unsigned long how) {
    const std::string option = std::string("size=") + bytes;
    return ::mount("tmpfs", folder.path().c_str(), "tmpfs", how, option.c_str()) == 0;
  };
  if (!size("16m", 0)) {
    std::cout << "SKIPPED: no right to mount a small file system\n";
    return;
  }
  const std::string path = folder.file("store");
  emptied_store(path);
  const std::string bytes = slurp(path);
  REQUIRE(size("7m", MS_REMOUNT));
  std::string told;
  auto options = options_for(path);
  options.memory_folder = "";
  open_telling(options, told).reset();
  CHECK_THAT(told, Catch::Contains("was left as it is: that takes"));
  CHECK(size_of(path) == bytes.size());
  CHECK_FALSE(exists(compacted_part(path)));
  REQUIRE(size("16m", MS_REMOUNT));
  CHECK(open_telling(options, told)->opened().given_back > bytes.size() / 2);
  ::umount2(folder.path().c_str(), MNT_DETACH);
}

TEST_CASE("names that were taken away are durable before the copy takes its name, and that before it is used",
          "[sqlite][compact]") {
  const TempFolder folder;
  const std::string path = folder.file("store");
  emptied_store(path, kSmall);
  SqliteOptions options = eager(path);
  options.fsync = Fsync::kFull;
  std::vector<Step> steps;
  {
    const StepWatch watch([&steps](Step step) { return steps.push_back(step), 0; });
    REQUIRE(*compact(options, *check_present(path, {})) > 0);
  }
  REQUIRE(steps.size() > 4);
  const std::vector<Step> last(steps.end() - 3, steps.end());
  CHECK((last == std::vector{Step::kSyncFolder, Step::kRename, Step::kSyncFolder}));
}

// Opens the store and closes it; ends before step `number`. Tells when it has come through.
bool opened_until(const std::string& path, int number) {
  ChildProcess child([&](NumberPipe& to_parent, NumberPipe&) {
    int left = number;
    const StepWatch watch([&left](Step) { return --left == 0 ? ::_exit(0), 0 : 0; });
    SqliteOptions options = eager(path);
    options.fsync = Fsync::kFull;
    const auto store = SqliteStore::open(options);
    if (store) to_parent.put(1);
  });
  return child.take().has_value();
}

TEST_CASE("killed before any step of writing a store anew it goes on where it was",
          "[sqlite][compact][crash]") {
  const bool logged = GENERATE(false, true);
  for (int number = 1;; ++number) {
    CAPTURE(logged, number);
    const TempFolder folder;
    const std::string path = folder.file("store");
    const Identity identity = emptied_store(path, kSmall);
    if (logged) run_raw(path, "DELETE FROM arrivals", true);
    const std::string rows = all_rows(path);
    const bool whole = opened_until(path, number);
    for (int start = 0; start < 2; ++start) {  // The first of them may find an unfinished copy.
      const auto store = SqliteStore::open(eager(path));
      REQUIRE(store);
      CHECK((*store)->identity() == identity);
      CHECK_FALSE(exists(compacted_part(path)));
    }
    CHECK(size_of(path) < 200'000);
    CHECK((all_rows(path) == rows));
    if (!whole) continue;
    CHECK(number > 8);
    return;
  }
}

}  // namespace
}  // namespace deltamesh
