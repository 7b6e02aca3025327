// tests/sqlite/crash_test.cc - a process killed at any time comes back with all it acknowledged, as itself.
#include "tests/sqlite/child_process.h"
#include "tests/sqlite/sqlite_fixture.h"

namespace deltamesh {
namespace {

SqliteOptions crash_options(const std::string& path) {
  SqliteOptions options = options_for(path);
  options.reserve_chunk = 7;   // So that kills fall between the steps of a reservation too,
  options.log_pages_max = 20;  // and into checkpoints.
  return options;
}

// Commits one event after the other, a few at a time, and tells the parent of each that is acknowledged.
void commit_for_ever(const std::string& path, NumberPipe& to_parent) {
  auto store = SqliteStore::open(crash_options(path));
  if (!store) ::_exit(4);
  const Identity identity = (*store)->identity();
  const StreamId stream = local_batch(identity, 1, 1).blocks[0].stream;
  const auto known = (*(*store)->make_reader())->knowledge();
  const StreamKnowledge* held = known->find(stream);
  for (Seq next = held == nullptr ? 1 : held->held().last() + 1;;) {
    Reports reports;
    for (int i = 0; i < 5; ++i, ++next) {
      (*store)->commit(local_batch(identity, next, 1),
                       reports.callback([&to_parent](BatchId id, const Status& status) {
                         if (status) to_parent.put(static_cast<std::uint64_t>(id));
                       }));
    }
    reports.wait();
  }
}

void check_holds_up_to(SqliteStore& store, const StreamId& stream, Seq acknowledged) {
  const auto reader = store.make_reader();
  REQUIRE(reader);
  const auto knowledge = (*reader)->knowledge();
  REQUIRE(knowledge);
  const StreamKnowledge* known = knowledge->find(stream);
  REQUIRE(known != nullptr);
  CHECK(known->held().contains(Interval{1, acknowledged}));
  const auto blocks = (*reader)->blocks(stream, {1, ~Seq{0}}, ~std::size_t{0} / 2);
  REQUIRE(blocks);
  REQUIRE(blocks->size() == known->held().size());
  for (const StoredBlock& block : *blocks) {
    const Batch expected = local_batch({stream.node, stream.incarnation}, block.first, 1);
    if (!same_block(block, expected.blocks[0])) FAIL("block " << block.first << " is not what was written");
  }
}

TEST_CASE("a process killed between commits has all that it acknowledged, in the same incarnation",
          "[sqlite][crash]") {
  const TempFolder folder;
  const std::string path = folder.file("store");
  const Identity identity = open_store_at(path)->identity();
  const StreamId stream = local_batch(identity, 1, 1).blocks[0].stream;
  Seq acknowledged = 0;
  for (int round = 0; round < 25; ++round) {
    ChildProcess child([&path](NumberPipe& to_parent, NumberPipe&) { commit_for_ever(path, to_parent); });
    for (int acks = 0; acks < 3 + 7 * round % 60; ++acks) {
      const auto seq = child.take();
      REQUIRE(seq);
      acknowledged = *seq;
    }
    child.kill();
    while (const auto seq = child.take()) acknowledged = *seq;

    auto store = SqliteStore::open(crash_options(path));
    REQUIRE(store);
    INFO((*store)->opened().why);
    CHECK((*store)->identity() == identity);
    CHECK(!(*store)->opened().new_incarnation);
    if (round % 5 == 4) check_holds_up_to(**store, stream, acknowledged);
  }
}

TEST_CASE("a process killed while it opens and closes comes back in the same incarnation",
          "[sqlite][crash]") {
  const TempFolder folder;
  const std::string path = folder.file("store");
  const Identity identity = open_store_at(path)->identity();
  for (int round = 0; round < 15; ++round) {
    ChildProcess child([&path](NumberPipe& to_parent, NumberPipe&) {
      for (;;) {
        to_parent.put(1);
        const auto store = SqliteStore::open(crash_options(path));
        if (!store) ::_exit(4);
        to_parent.put(2);
      }
    });
    for (int steps = 0; steps <= round; ++steps) REQUIRE(child.take());
    child.kill();
    const auto store = SqliteStore::open(crash_options(path));
    REQUIRE(store);
    INFO((*store)->opened().why);
    CHECK((*store)->identity() == identity);
  }
}

TEST_CASE("a process killed while it makes its store leaves none or a whole one", "[sqlite][crash]") {
  const TempFolder folder;
  for (int round = 0; round < 15; ++round) {
    const std::string path = folder.file("store" + std::to_string(round));
    ChildProcess child([&path, round](NumberPipe& to_parent, NumberPipe&) {
      to_parent.put(1);
      const auto store = SqliteStore::open(crash_options(path));
      if (round % 2 == 0) to_parent.put(2);
    });
    for (int steps = 0; steps <= round % 2; ++steps) static_cast<void>(child.take());
    child.kill();
    const auto store = SqliteStore::open(crash_options(path));
    REQUIRE(store);
    INFO((*store)->opened().why);
    CHECK(!(*store)->opened().new_incarnation);
  }
}

TEST_CASE("a store that a killed process left can be read without changing it", "[sqlite][crash]") {
  const TempFolder folder;
  const std::string path = folder.file("store");
  ChildProcess child([&path](NumberPipe& to_parent, NumberPipe&) { commit_for_ever(path, to_parent); });
  Seq acknowledged = 0;
  while (acknowledged < 12) acknowledged = child.take().value_or(12);
  child.kill();
  const std::string database = slurp(path), log = slurp(path + "-wal"), fence = slurp(path + ".fence");
  REQUIRE(!log.empty());
  {
    const auto reader = SqliteReader::open_read_only(path);
    REQUIRE(reader);
    const auto image = (*reader)->image();
    REQUIRE(image);
    REQUIRE(image->knowledge.entries().size() == 1);
    CHECK(image->knowledge.entries()[0].known.held().contains(Interval{1, acknowledged}));
  }
  CHECK(slurp(path) == database);
  CHECK(slurp(path + "-wal") == log);
  CHECK(slurp(path + ".fence") == fence);
}

}  // namespace
}  // namespace deltamesh
