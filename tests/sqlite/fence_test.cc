// tests/sqlite/fence_test.cc - a restored or copied database is told from the one that was left.
#include "engine/sqlite/fence.h"

#include <iostream>

#include "tests/sqlite/child_process.h"
#include "tests/sqlite/durable_steps.h"
#include "tests/sqlite/raw_database.h"
#include "tests/sqlite/sqlite_fixture.h"

namespace deltamesh {
namespace {

using sqlite::Fence;
using sqlite::Found;
using sqlite::load_fence;
using sqlite::Mark;
using sqlite::reason_to_distrust;

const Identity kIdentity{stream_number(1).node, stream_number(1).incarnation};

// Opens the store at `path`, commits event `seq`, closes.
Identity run_once(const std::string& path, Seq seq) {
  const auto store = open_store_at(path);
  REQUIRE(commit_to(*store, local_batch(store->identity(), seq, 1)));
  return store->identity();
}

// Writes `bytes` into the file that is there, so that it stays the same file to the system.
void restore_in_place(const std::string& path, const std::string& bytes) {
  std::filesystem::remove(path + "-wal");
  std::filesystem::remove(path + "-shm");
  spill(path, bytes);
}

bool tells_files_apart(const std::string& path) {
  const bool tells = sqlite::file_facts(path)->birth != 0;
  if (!tells) std::cout << "SKIPPED: this file system keeps no stable file numbers\n";
  return tells;
}

void check_new_life(const std::string& path, const Identity& before, const std::string& words) {
  Identity after;
  {
    const auto store = open_store_at(path);
    after = store->identity();
    CHECK(store->opened().new_incarnation);
    CHECK(!store->opened().created);
    CHECK_THAT(store->opened().why, Catch::Contains(words));
    CHECK(after.node == before.node);
    CHECK(after.incarnation != before.incarnation);
    REQUIRE(commit_to(*store, local_batch(after, 1, 1)));
    const auto old = (*store->make_reader())->knowledge();
    CHECK(old->holds({local_batch(before, 1, 1).blocks[0].stream, 1}));
  }
  const auto again = open_store_at(path);
  CHECK(again->identity() == after);
  CHECK(!again->opened().new_incarnation);
}

TEST_CASE("an unchanged store and fence keep their incarnation", "[sqlite][fence]") {
  const TempFolder folder;
  const std::string path = folder.file("store");
  const Identity first = run_once(path, 1);
  for (Seq seq = 2; seq < 5; ++seq) CHECK(run_once(path, seq) == first);
  CHECK(open_store_at(path)->opened().opens == 5);
}

TEST_CASE("a database restored from a copy starts a new incarnation", "[sqlite][fence]") {
  const TempFolder folder;
  const std::string path = folder.file("store");
  const Identity identity = run_once(path, 1);
  const std::string copy = slurp(path);
  SECTION("after another run") {
    run_once(path, 2);
    restore_in_place(path, copy);
    check_new_life(path, identity, "it was restored from a copy");
  }
  SECTION("but not if nothing was written in between") {
    restore_in_place(path, copy);
    CHECK(run_once(path, 2) == identity);
  }
  SECTION("after its fence was lost") {
    std::filesystem::remove(path + ".fence");
    check_new_life(path, identity, "does not exist");
  }
  SECTION("after its fence was damaged") {
    std::string fence = slurp(path + ".fence");
    fence[fence.size() / 2] = fence[fence.size() / 2] == '7' ? '8' : '7';
    spill(path + ".fence", fence);
    check_new_life(path, identity, "fails its checksum");
  }
  SECTION("beside the fence of another store") {
    const std::string other = folder.file("other");
    run_once(other, 1);
    spill(path + ".fence", slurp(other + ".fence"));
    check_new_life(path, identity, "belongs to another node");
  }
}

// A restore of everything, in the two ways in which tools restore: into the files, or as new ones.
TEST_CASE("a database and a fence that were restored together start a new incarnation", "[sqlite][fence]") {
  const TempFolder folder;
  const std::string path = folder.file("store"), fence = path + ".fence";
  const Identity identity = run_once(path, 1);
  if (!tells_files_apart(path)) return;
  const std::string database_then = slurp(path), fence_then = slurp(fence);
  SECTION("both in place") {
    run_once(path, 2);
    restore_in_place(path, database_then);
    spill(fence, fence_then);
    check_new_life(path, identity, "the fence is another file than the one last written");
  }
  SECTION("the database in place, the fence as a new file") {
    run_once(path, 2);
    restore_in_place(path, database_then);
    std::filesystem::remove(fence);
    spill(fence, fence_then);
    check_new_life(path, identity, "the fence is another file than the one last written");
  }
  SECTION("both as new files") {
    run_once(path, 2);
    for (const std::string& file : {path, fence}) std::filesystem::remove(file);
    restore_in_place(path, database_then);
    spill(fence, fence_then);
    check_new_life(path, identity, "another file than the one last");
  }
  SECTION("in place, but nothing had happened since") {
    restore_in_place(path, database_then);
    spill(fence, fence_then);
    CHECK(run_once(path, 2) == identity);
  }
}

TEST_CASE("a copy made in the middle of a run is known when that run ends cleanly", "[sqlite][fence]") {
  const TempFolder folder;
  const std::string path = folder.file("store"), copy = folder.file("copy");
  auto store = open_store_at(path);
  const Identity identity = store->identity();
  REQUIRE(commit_to(*store, local_batch(identity, 1, 1)));
  run_raw(path, "VACUUM INTO '" + copy + "'");
  REQUIRE(commit_to(*store, local_batch(identity, 2, 1)));
  store.reset();
  restore_in_place(path, slurp(copy));
  check_new_life(path, identity, "it was restored from a copy");
}

TEST_CASE("a copy made in the middle of a run is known once numbers were reserved, even after a kill",
          "[sqlite][fence]") {
  const TempFolder folder;
  const std::string path = folder.file("store"), copy = folder.file("copy");
  const Identity identity = open_store_at(path)->identity();
  ChildProcess child([&path](NumberPipe& to_parent, NumberPipe& from_parent) {
    SqliteOptions options = options_for(path);
    options.reserve_chunk = 10;
    const auto store = SqliteStore::open(options);
    for (Seq seq = 1; seq <= 30; ++seq) {
      if (seq == 6) to_parent.put(seq), static_cast<void>(from_parent.take());
      if (!commit_to(**store, local_batch((*store)->identity(), seq, 1))) ::_exit(4);
    }
    to_parent.put(30);
    static_cast<void>(from_parent.take());
  });
  REQUIRE(child.take() == 6u);
  run_raw(path, "VACUUM INTO '" + copy + "'", true);
  child.put(1);
  REQUIRE(child.take() == 30u);
  child.kill();

  restore_in_place(path, slurp(copy));
  check_new_life(path, identity, "it was restored from a copy");
}

TEST_CASE("another file in the database's place is known, whatever it says", "[sqlite][fence]") {
  const TempFolder folder;
  const std::string path = folder.file("store");
  const Identity identity = run_once(path, 1);
  if (!tells_files_apart(path)) return;
  std::filesystem::copy_file(path, path + ".copy");
  std::filesystem::rename(path + ".copy", path);
  check_new_life(path, identity, "another file than the one last used");
}

TEST_CASE("a fence beside no database lends the node's name to a new store", "[sqlite][fence]") {
  const TempFolder folder;
  const std::string path = folder.file("store");
  const Identity before = run_once(path, 1);
  std::filesystem::remove(path);
  const auto store = open_store_at(path);
  CHECK(store->opened().created);
  CHECK(store->identity().node == before.node);
  CHECK(store->identity().incarnation != before.incarnation);
}

TEST_CASE("the fence allows both ends of a step and nothing else", "[sqlite][fence]") {
  const Mark a{3, 2, 100}, b{3, 2, 200}, c{4, 2, 200};
  const Fence fence{kIdentity, a, b, 5, 6, 7, false};
  struct Row {
    const char* what;
    Found found;
    bool trusted;
  };
  const Identity stranger{stream_number(2).node, kIdentity.incarnation};
  const Identity later{kIdentity.node, Incarnation{{1}}};
  const Row rows[] = {
      {"before the step", {kIdentity, a, 5, 6, 7}, true},
      {"after the step", {kIdentity, b, 5, 6, 7}, true},
      {"a mark the fence does not know", {kIdentity, c, 5, 6, 7}, false},
      {"another node", {stranger, b, 5, 6, 7}, false},
      {"another incarnation", {later, b, 5, 6, 7}, false},
      {"another machine", {kIdentity, b, 9, 6, 7}, false},
      {"a machine without a name", {kIdentity, b, 0, 6, 7}, true},
      {"another file", {kIdentity, b, 5, 9, 7}, false},
      {"another fence", {kIdentity, b, 5, 6, 9}, false},
      {"a file system that does not tell", {kIdentity, b, 5, 0, 0}, true},
  };
  for (const Row& row : rows) {
    CAPTURE(row.what);
    CHECK(reason_to_distrust(fence, row.found).has_value() != row.trusted);
  }
  Fence doubted = fence;
  doubted.doubt = true;
  CHECK(reason_to_distrust(doubted, rows[0].found).has_value());
  CHECK(reason_to_distrust(std::nullopt, rows[0].found).has_value());
}

TEST_CASE("a step that stops halfway leaves a fence that allows what the database says", "[sqlite][fence]") {
  const TempFolder folder;
  const std::string path = folder.file("fence");
  const Mark a{1, 0, 0}, b{1, 0, 65'536};
  sqlite::FenceKeeper keeper(path, {kIdentity, a, a, 0, 0, 0, false}, false);
  REQUIRE(keeper.save());
  const Error killed{ErrorCode::kIo, "killed"};
  CHECK(!keeper.advance(a, b, [&killed](const Mark&) -> Status { return killed; }));
  std::string why;
  for (const Mark& mark : {a, b})
    CHECK(!reason_to_distrust(*load_fence(path, why), {kIdentity, mark, 0, 0, 0}));
  REQUIRE(keeper.advance(a, b, [](const Mark&) -> Status { return Done{}; }));
  CHECK(reason_to_distrust(*load_fence(path, why), {kIdentity, a, 0, 0, 0}));
  CHECK(!reason_to_distrust(*load_fence(path, why), {kIdentity, b, 0, 0, 0}));
}

TEST_CASE("a fence that could not settle is settled before anything goes on", "[sqlite][fence]") {
  const TempFolder folder;
  const std::string path = folder.file("fence");
  const Mark a{1, 0, 0}, b{1, 0, 10}, c{1, 0, 20};
  sqlite::FenceKeeper keeper(path, {kIdentity, a, a, 0, 0, 0, false}, false);
  const auto stored = [](const Mark&) -> Status { return Done{}; };
  int saves = 0;
  const auto second_save_fails = [&saves](Step step) {
    return step == Step::kRename && ++saves == 2 ? ENOSPC : 0;
  };
  const auto allows = [&path](const Mark& mark) {
    std::string why;
    return !reason_to_distrust(*load_fence(path, why), {kIdentity, mark, 0, 0, 0});
  };
  {
    const StepWatch watch(second_save_fails);
    const Status status = keeper.advance(a, b, stored);
    REQUIRE(!status);
    CHECK(status.error().code == ErrorCode::kFull);
  }
  CHECK(allows(a));
  SECTION("when it is asked to") {
    REQUIRE(keeper.settle());
    CHECK(!allows(a));
    CHECK(allows(b));
  }
  SECTION("when the mark moves on, even if that comes to nothing") {
    CHECK(!keeper.advance(b, c, [](const Mark&) -> Status { return Error{ErrorCode::kFull, "full"}; }));
    REQUIRE(keeper.settle());
    CHECK(!allows(a));
    CHECK(allows(b));
  }
}

TEST_CASE("a number is used only once the fence has settled on it", "[sqlite][fence]") {
  const TempFolder folder;
  const std::string path = folder.file("store");
  open_store_at(path);
  const std::string then = slurp(path);
  ChildProcess child([&path](NumberPipe& to_parent, NumberPipe& from_parent) {
    const auto store = open_store_at(path);
    int saves = 0;
    const StepWatch watch([&saves](Step step) { return step == Step::kRename && ++saves == 2 ? ENOSPC : 0; });
    if (!commit_to(*store, local_batch(store->identity(), 1, 1))) ::_exit(4);
    to_parent.put(static_cast<std::uint64_t>(saves));
    static_cast<void>(from_parent.take());
  });
  CHECK(child.take() == 3u);
  child.kill();
  std::string why;
  const auto fence = load_fence(path + ".fence", why);
  REQUIRE(fence);
  REQUIRE(*fence);
  CHECK((*fence)->from == (*fence)->to);
}

TEST_CASE("a fence reads back as it was written, and no changed byte of it passes", "[sqlite][fence]") {
  const Fence fence{kIdentity, {3, 2, 100}, {4, 2, 100}, 18'446'744'073'709'551'615u, 7, 8, true};
  const std::string text = encode_fence(fence);
  REQUIRE(sqlite::decode_fence(text));
  CHECK(*sqlite::decode_fence(text) == fence);
  for (std::size_t at = 0; at < text.size(); ++at) {
    for (const int bit : {1, 16}) {
      std::string changed = text;
      changed[at] = static_cast<char>(changed[at] ^ bit);
      const auto decoded = sqlite::decode_fence(changed);
      if (decoded) FAIL("byte " << at << " may be changed unseen");
    }
    CHECK(!sqlite::decode_fence(text.substr(0, at)));
  }
  CHECK(!sqlite::decode_fence(text + "\n"));
}

TEST_CASE("the written form of a fence is what it was", "[sqlite][fence]") {
  const std::string golden = slurp(std::string(DELTAMESH_SOURCE_DIR) + "/tests/formats/fence_v0.txt");
  const Fence fence{kIdentity, {3, 2, 65'536}, {4, 2, 65'536}, 11, 22, 33, false};
  CHECK(encode_fence(fence) == golden);
}

}  // namespace
}  // namespace deltamesh
