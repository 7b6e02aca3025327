// tests/sqlite/crash_test.cc - a process killed at any time comes back with all it acknowledged, as its node.
#include <atomic>

#include "tests/sqlite/child_process.h"
#include "tests/sqlite/durable_steps.h"
#include "tests/sqlite/sqlite_fixture.h"

namespace deltamesh {
namespace {

SqliteOptions crash_options(const std::string& path) {
  SqliteOptions options = options_for(path);
  options.log_pages_max = 20;  // So that kills fall into checkpoints too.
  return options;
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

// What a process said of its life with a store before it ended.
struct Life {
  std::optional<Identity> identity;  // nullopt: it had not come so far.
  Seq acknowledged = 0;
  bool whole = false;  // It came to its natural end.
};

SqliteOptions eager_options(const std::string& path) {
  SqliteOptions options = options_for(path);
  options.fsync = Fsync::kFull;
  options.log_pages_max = 6;  // So that a short life has a step of every kind.
  return options;
}

Seq last_held(const SqliteStore& store, const Identity& identity) {
  const auto knowledge = (*store.make_reader())->knowledge();
  REQUIRE(knowledge);
  const StreamKnowledge* known = knowledge->find(local_batch(identity, 1, 1).blocks[0].stream);
  return known == nullptr || known->held().empty() ? 0 : known->held().last();
}

void say(const Identity& identity, NumberPipe& to_parent) {
  for (const auto& id : {identity.node.bytes, identity.incarnation.bytes}) {
    for (const std::uint8_t byte : id) to_parent.put(byte);
  }
}

// Opens the store, commits five events and closes it; ends before durable step `number`.
void live(const std::string& path, int number, const Identity& node, NumberPipe& to_parent) {
  std::atomic<int> left{number};
  const StepWatch watch([&left](Step) { return --left == 0 ? ::_exit(0), 0 : 0; });
  auto store = SqliteStore::open(eager_options(path));
  if (!store) ::_exit(4);
  const Identity identity = (*store)->identity();
  if (node != Identity{} && identity.node != node.node) ::_exit(5);
  say(identity, to_parent);
  const Seq before = last_held(**store, identity);
  for (Seq seq = before + 1; seq <= before + 5; ++seq) {
    if (!commit_to(**store, local_batch(identity, seq, 1))) ::_exit(6);
    to_parent.put(seq);
  }
  store->reset();
  to_parent.put(~Seq{0});
}

// Commits one event after the other, a few at a time, and tells the parent of each that is acknowledged.
void commit_for_ever(const std::string& path, NumberPipe& to_parent) {
  auto store = SqliteStore::open(crash_options(path));
  if (!store) ::_exit(4);
  const Identity identity = (*store)->identity();
  say(identity, to_parent);
  for (Seq next = last_held(**store, identity) + 1;;) {
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

// Takes what the child says from where it has got to; false at its end.
bool hear(ChildProcess& child, Life& life, std::size_t& said) {
  const auto word = child.take();
  if (!word) return false;
  const auto byte = static_cast<std::uint8_t>(*word);
  if (said == 0) life.identity.emplace();
  if (said < 16) {
    life.identity->node.bytes[said] = byte;
  } else if (said < 32) {
    life.identity->incarnation.bytes[said - 16] = byte;
  } else {
    life.whole = *word == ~Seq{0};
    if (!life.whole) life.acknowledged = *word;
  }
  ++said;
  return true;
}

Life live_until(const std::string& path, int number, const Identity& node = {}) {
  ChildProcess child([&](NumberPipe& to_parent, NumberPipe&) { live(path, number, node, to_parent); });
  Life life;
  std::size_t said = 0;
  while (hear(child, life, said)) {
  }
  if (said < 32) life.identity.reset();
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

TEST_CASE("a process killed at any time comes back with all that it acknowledged, and gives no number twice",
          "[sqlite][crash]") {
  const TempFolder folder;
  const std::string path = folder.file("store");
  std::vector<Life> lives;
  std::size_t went_on = 0;
  for (int round = 0; round < 25; ++round) {
    ChildProcess child([&path](NumberPipe& to_parent, NumberPipe&) { commit_for_ever(path, to_parent); });
    Life life;
    std::size_t said = 0;
    const auto wanted = static_cast<std::size_t>(32 + 3 + 7 * round % 60);
    while (said < wanted) REQUIRE(hear(child, life, said));
    child.kill();
    while (hear(child, life, said)) {
    }
    went_on += !lives.empty() && lives.back().identity == life.identity ? 1 : 0;
    lives.push_back(life);
    auto store = SqliteStore::open(crash_options(path));
    REQUIRE(store);
    check_survived(**store, life);
  }
  const auto store = open_store_at(path);
  for (const Life& life : lives) check_survived(*store, life);
  CHECK(went_on < 25);  // Some kills fell into a commit.
}

TEST_CASE("a process killed before any step of making its store leaves none or a whole one",
          "[sqlite][crash]") {
  for (int number = 1;; ++number) {
    CAPTURE(number);
    const TempFolder folder;
    const std::string path = folder.file("store");
    const Life life = live_until(path, number);
    const auto store = open_store_at(path);
    CHECK((!life.identity || store->identity().node == life.identity->node));
    check_survived(*store, life);
    if (!life.whole) continue;
    CHECK(number > 20);
    return;
  }
}

TEST_CASE("a process killed before any step of opening, writing and closing comes back as its node",
          "[sqlite][crash]") {
  for (int number = 1;; ++number) {
    CAPTURE(number);
    const TempFolder folder;
    const std::string path = folder.file("store");
    const Life former = live_until(path, 0);
    REQUIRE(former.whole);
    const Life life = live_until(path, number, *former.identity);
    const auto store = open_store_at(path);
    CHECK(store->identity().node == former.identity->node);
    check_survived(*store, former);
    check_survived(*store, life);
    if (!life.whole) continue;
    CHECK(store->identity() == *former.identity);
    CHECK(number > 20);
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
    empty_memory(eager_options(path));
    const Life life = live_until(path, number, *former.identity);
    const auto store = open_store_at(path);
    CHECK(store->identity().node == former.identity->node);
    CHECK(store->identity().incarnation != former.identity->incarnation);
    check_survived(*store, former);
    check_survived(*store, life);
    if (!life.whole) continue;
    CHECK(store->identity() == *life.identity);
    CHECK(number > 20);
    return;
  }
}

TEST_CASE("a store that a killed process left can be read without changing it", "[sqlite][crash]") {
  const TempFolder folder;
  const std::string path = folder.file("store");
  ChildProcess child([&path](NumberPipe& to_parent, NumberPipe&) { commit_for_ever(path, to_parent); });
  Life life;
  std::size_t said = 0;
  while (life.acknowledged < 12) REQUIRE(hear(child, life, said));
  child.kill();
  const Seq acknowledged = life.acknowledged;
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
