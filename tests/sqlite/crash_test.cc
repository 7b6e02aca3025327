// tests/sqlite/crash_test.cc - a process killed at any time comes back with all it acknowledged, as itself.
#include <atomic>

#include "tests/sqlite/child_process.h"
#include "tests/sqlite/durable_steps.h"
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

// What a process said of its life with a store before it ended.
struct Life {
  std::optional<Identity> identity;  // nullopt: it had not come so far.
  Seq acknowledged = 0;
  bool whole = false;  // It came to its natural end.
};

SqliteOptions eager_options(const std::string& path) {
  SqliteOptions options = options_for(path);
  options.fsync = Fsync::kFull;
  options.reserve_chunk = 2;  // So that a short life has a step of every kind.
  options.log_pages_max = 6;
  return options;
}

Seq last_held(const SqliteStore& store, const Identity& identity) {
  const auto knowledge = (*store.make_reader())->knowledge();
  REQUIRE(knowledge);
  const StreamKnowledge* known = knowledge->find(local_batch(identity, 1, 1).blocks[0].stream);
  return known == nullptr || known->held().empty() ? 0 : known->held().last();
}

// Opens the store, commits five events and closes it; ends before durable step `number`.
void live(const std::string& path, int number, const Identity& node, NumberPipe& to_parent) {
  std::atomic<int> left{number};
  const StepWatch watch([&left](Step) { return --left == 0 ? ::_exit(0), 0 : 0; });
  auto store = SqliteStore::open(eager_options(path));
  if (!store) ::_exit(4);
  const Identity identity = (*store)->identity();
  if (node != Identity{} && identity.node != node.node) ::_exit(5);
  for (const auto& id : {identity.node.bytes, identity.incarnation.bytes}) {
    for (const std::uint8_t byte : id) to_parent.put(byte);
  }
  const Seq before = last_held(**store, identity);
  for (Seq seq = before + 1; seq <= before + 5; ++seq) {
    if (!commit_to(**store, local_batch(identity, seq, 1))) ::_exit(6);
    to_parent.put(seq);
  }
  store->reset();
  to_parent.put(~Seq{0});
}

Life live_until(const std::string& path, int number, const Identity& node = {}) {
  const ChildProcess child([&](NumberPipe& to_parent, NumberPipe&) { live(path, number, node, to_parent); });
  Life life;
  Identity identity;
  std::size_t said = 0;
  for (auto word = child.take(); word; word = child.take(), ++said) {
    const auto byte = static_cast<std::uint8_t>(*word);
    if (said < 16) {
      identity.node.bytes[said] = byte;
    } else if (said < 32) {
      identity.incarnation.bytes[said - 16] = byte;
    } else {
      life.whole = *word == ~Seq{0};
      if (!life.whole) life.acknowledged = *word;
    }
  }
  if (said >= 32) life.identity = identity;
  return life;
}

// All that was acknowledged is there; in the same incarnation no number of it can be given again.
void check_survived(SqliteStore& store, const Life& life) {
  if (!life.identity || life.acknowledged == 0) return;
  check_holds_up_to(store, local_batch(*life.identity, 1, 1).blocks[0].stream, life.acknowledged);
  const Seq next = last_held(store, store.identity()) + 1;
  CHECK((store.identity() != *life.identity || next > life.acknowledged));
  CHECK(commit_to(store, local_batch(store.identity(), next, 1)));
}

TEST_CASE("a process killed before any step of making its store leaves none or a whole one",
          "[sqlite][crash]") {
  for (int number = 1;; ++number) {
    CAPTURE(number);
    const TempFolder folder;
    const std::string path = folder.file("store");
    const Life life = live_until(path, number);
    const auto store = open_store_at(path);
    INFO(store->opened().why);
    CHECK(!store->opened().new_incarnation);
    CHECK((!life.identity || store->identity() == *life.identity));
    check_survived(*store, life);
    if (!life.whole) continue;
    CHECK(number > 40);
    return;
  }
}

TEST_CASE("a process killed before any step of opening, writing and closing comes back as itself",
          "[sqlite][crash]") {
  for (int number = 1;; ++number) {
    CAPTURE(number);
    const TempFolder folder;
    const std::string path = folder.file("store");
    const Life former = live_until(path, 0);
    REQUIRE(former.whole);
    const Life life = live_until(path, number, *former.identity);
    const auto store = open_store_at(path);
    INFO(store->opened().why);
    CHECK(!store->opened().new_incarnation);
    CHECK(store->identity() == *former.identity);
    check_survived(*store, former);
    check_survived(*store, life);
    if (!life.whole) continue;
    CHECK(number > 40);
    return;
  }
}

TEST_CASE("a process killed before any step of starting a new incarnation is never the former one again",
          "[sqlite][crash]") {
  for (int number = 1;; ++number) {
    CAPTURE(number);
    const TempFolder folder;
    const std::string path = folder.file("store");
    const Life former = live_until(path, 0);
    REQUIRE(former.whole);
    std::filesystem::remove(path + ".fence");
    const Life life = live_until(path, number, *former.identity);
    const auto store = open_store_at(path);
    CHECK(store->identity().node == former.identity->node);
    CHECK(store->identity().incarnation != former.identity->incarnation);
    CHECK((life.acknowledged == 0 || store->identity() == *life.identity));
    check_survived(*store, former);
    check_survived(*store, life);
    if (!life.whole) continue;
    CHECK(number > 40);
    return;
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
