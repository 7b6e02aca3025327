// tests/sqlite/witness_test.cc - an incarnation goes on only where no number of it can have been forgotten.
#include "engine/sqlite/witness.h"

#include <set>

#include "tests/sqlite/child_process.h"
#include "tests/sqlite/raw_database.h"
#include "tests/sqlite/sqlite_fixture.h"

namespace deltamesh {
namespace {

using sqlite::Issued;

// Opens the store at `path`, commits event `seq`, closes.
Identity run_once(const std::string& path, Seq seq) {
  const auto store = open_store_at(path);
  REQUIRE(commit_to(*store, local_batch(store->identity(), seq, 1)));
  return store->identity();
}

void restore(const std::string& path, const std::string& database) {
  std::filesystem::remove(path + "-wal");
  std::filesystem::remove(path + "-shm");
  spill(path, database);
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
    const auto known = (*store->make_reader())->knowledge();
    CHECK(known->holds({local_batch(before, 1, 1).blocks[0].stream, 1}));
  }
  CHECK(open_store_at(path)->identity() == after);
}

TEST_CASE("a store that was closed, or killed between two commits, goes on as the same incarnation",
          "[sqlite][witness]") {
  const TempFolder folder;
  const std::string path = folder.file("store");
  const Identity first = run_once(path, 1);
  for (Seq seq = 2; seq < 5; ++seq) CHECK(run_once(path, seq) == first);
  CHECK(open_store_at(path)->opened().opens == 5);
  ChildProcess child([&path](NumberPipe& to_parent, NumberPipe& from_parent) {
    const auto store = open_store_at(path);
    to_parent.put(commit_to(*store, local_batch(store->identity(), 5, 1)) ? 1 : 0);
    static_cast<void>(from_parent.take());
  });
  REQUIRE(child.take() == 1u);
  child.kill();
  CHECK(run_once(path, 6) == first);
}

TEST_CASE("a store that was restored from a copy starts a new incarnation, with or without its fence",
          "[sqlite][witness]") {
  const TempFolder folder;
  const std::string path = folder.file("store");
  const Identity identity = run_once(path, 1);
  const std::string database = slurp(path), fence = slurp(path + ".fence");
  SECTION("after another run") {
    run_once(path, 2);
    restore(path, database);
    if (GENERATE(false, true)) spill(path + ".fence", fence);
    check_new_life(path, identity, "it was restored from a copy");
  }
  SECTION("but not if nothing was written in between") {
    restore(path, database);
    CHECK(run_once(path, 2) == identity);
  }
  SECTION("and a copy of it at another place does, too") {
    const std::string copy = folder.file("copy");
    spill(copy, database);
    spill(copy + ".fence", fence);
    check_new_life(copy, identity, "moved or copied");
    CHECK(run_once(path, 2) == identity);
  }
}

TEST_CASE("a copy made in the middle of a run is known even after a kill", "[sqlite][witness]") {
  const TempFolder folder;
  const std::string path = folder.file("store"), copy = folder.file("copy");
  const Identity identity = open_store_at(path)->identity();
  ChildProcess child([&path](NumberPipe& to_parent, NumberPipe& from_parent) {
    const auto store = open_store_at(path);
    for (Seq seq = 1; seq <= 2; ++seq) {
      if (!commit_to(*store, local_batch(store->identity(), seq, 1))) ::_exit(4);
      to_parent.put(seq);
      static_cast<void>(from_parent.take());
    }
  });
  REQUIRE(child.take() == 1u);
  run_raw(path, "VACUUM INTO '" + copy + "'", true);
  child.put(1);
  REQUIRE(child.take() == 2u);
  child.kill();
  restore(path, slurp(copy));
  check_new_life(path, identity, "it was restored from a copy");
}

TEST_CASE("a first life is over, too, when its log is lost", "[sqlite][witness]") {
  const TempFolder folder;
  const std::string path = folder.file("store");
  ChildProcess child([&path](NumberPipe& to_parent, NumberPipe& from_parent) {
    const auto store = open_store_at(path);
    for (const std::uint8_t byte : store->identity().incarnation.bytes) to_parent.put(byte);
    to_parent.put(commit_to(*store, local_batch(store->identity(), 1, 1)) ? 1 : 0);
    static_cast<void>(from_parent.take());
  });
  Incarnation first;
  for (std::uint8_t& byte : first.bytes) byte = static_cast<std::uint8_t>(child.take().value_or(0));
  REQUIRE(child.take() == 1u);
  child.kill();
  for (const char* side : {"-wal", "-shm"}) std::filesystem::remove(path + side);
  CHECK(open_store_at(path)->identity().incarnation != first);
}

TEST_CASE("what another process, or another user, has in that place vouches for nothing",
          "[sqlite][witness]") {
  const TempFolder folder;
  const SqliteOptions options = options_for(folder.file("store"));
  const Identity first = run_once(options.path, 1);
  const std::string witness = sqlite::witness_path(options.path, options.memory_folder);
  SECTION("the store is restored under the feet of a process that goes on with it") {
    const auto going_on = open_store_at(options.path);
    REQUIRE(going_on->identity() == first);
    spill(folder.file("copy"), slurp(options.path));
    for (const char* side : {"", "-wal", "-shm", ".lock"})
      std::filesystem::rename(options.path + side, options.path + side + ".moved");
    std::filesystem::rename(folder.file("copy"), options.path);
    const auto second = SqliteStore::open(options);
    if (!second) FAIL(second.error().text);
    CHECK((*second)->identity() != first);
  }
  SECTION("something that is no file") {
    const std::string text = slurp(witness);
    spill(folder.file("elsewhere"), text);
    std::filesystem::remove(witness);
    std::filesystem::create_symlink(folder.file("elsewhere"), witness);
    CHECK(open_store_at(options.path)->identity() != first);
    CHECK(slurp(folder.file("elsewhere")) == text);
  }
}

TEST_CASE("after a restart of the machine a new incarnation starts", "[sqlite][witness]") {
  const TempFolder folder;
  const std::string path = folder.file("store");
  const Identity identity = run_once(path, 1);
  empty_memory(options_for(path));
  check_new_life(path, identity, "the machine was started anew");
}

TEST_CASE("where there is no such memory each opening is a new incarnation", "[sqlite][witness]") {
  const TempFolder folder;
  SqliteOptions options = options_for(folder.file("store"));
  options.memory_folder = GENERATE(as<std::string>(), "", "/no/such/folder");
  std::set<Incarnation> all;
  for (int opening = 0; opening < 4; ++opening) {
    const auto store = SqliteStore::open(options);
    REQUIRE(store);
    all.insert((*store)->identity().incarnation);
  }
  CHECK(all.size() == 4);
}

TEST_CASE("numbers that a past incarnation lost are declared void when it is over", "[sqlite][witness]") {
  const TempFolder folder;
  const std::string path = folder.file("store");
  Identity identity;
  {
    const auto store = open_store_at(path);
    identity = store->identity();
    Batch batch = local_batch(identity, 1, 1);
    batch.knowledge.push_back({batch.blocks[0].stream, {}});
    batch.knowledge[0].known.declare_head(1, 1);
    REQUIRE(commit_to(*store, std::move(batch)));
    REQUIRE(commit_to(*store, local_batch(identity, 4, 1)));  // 2 and 3 have failed.
  }
  empty_memory(options_for(path));
  const auto store = open_store_at(path);
  const auto knowledge = (*store->make_reader())->knowledge();
  const StreamKnowledge* const known = knowledge->find(local_batch(identity, 1, 1).blocks[0].stream);
  REQUIRE(known != nullptr);
  CHECK(known->voided() == IntervalSet({2, 3}));
  CHECK(known->settled() == 4);
}

TEST_CASE("a witness reads back as it was written, and no changed byte of it passes", "[sqlite][witness]") {
  const Issued issued{
      stream_number(1).incarnation,
      {{{DatasetId{7}, StreamClass::kMetric}, 1}, {{DatasetId{~std::uint64_t{0}}, StreamClass::kLog}, 99}}};
  const std::string text = sqlite::encode_witness(issued);
  REQUIRE(sqlite::decode_witness(text));
  CHECK(*sqlite::decode_witness(text) == issued);
  for (std::size_t at = 0; at < text.size(); ++at) {
    std::string changed = text;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    if (sqlite::decode_witness(changed)) FAIL("byte " << at << " may be changed unseen");
    CHECK(!sqlite::decode_witness(text.substr(0, at)));
  }
}

TEST_CASE("the written form of a witness is what it was", "[sqlite][witness]") {
  const std::string golden = slurp(std::string(DELTAMESH_SOURCE_DIR) + "/tests/formats/witness_v0.txt");
  CHECK(sqlite::encode_witness(
            {stream_number(1).incarnation, {{{DatasetId{7}, StreamClass::kAlarm}, 1200}}}) == golden);
}

}  // namespace
}  // namespace deltamesh
