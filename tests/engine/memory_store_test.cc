// tests/engine/memory_store_test.cc - the store in memory keeps the contract, and loses what a crash would.
#include "engine/memory_store.h"

#include "tests/engine/store_conformance.h"

namespace deltamesh {
namespace {

class MemoryUnderTest final : public StoreUnderTest {
 public:
  Store& store() override { return store_; }
  const StoreReader& reader() override { return store_; }
  void settle() override { store_.sync(); }
  void reopen() override { store_.sync(); }
  Identity identity() override { return store_.identity(); }

 private:
  MemoryStore store_{Identity{stream_number(1).node, stream_number(1).incarnation}};
};

Batch one_block(Seq first) {
  Random random(first);
  Batch batch;
  batch.id = BatchId{first};
  batch.blocks.push_back(random_block(random, stream_number(1), first, 1));
  return batch;
}

TEST_CASE("the memory store keeps the contract of stores", "[store]") {
  conformance::check_contract([] { return std::make_unique<MemoryUnderTest>(); });
}

TEST_CASE("a crash takes what was queued and nothing else", "[store]") {
  MemoryStore store{Identity{}};
  int reported = 0;
  store.commit(one_block(1), [&reported](BatchId, const Status&) { ++reported; });
  store.sync();
  store.commit(one_block(2), [&reported](BatchId, const Status&) { ++reported; });
  CHECK(store.queued() == 1);
  store.crash();
  store.sync();
  CHECK(reported == 1);
  CHECK(store.knowledge()->holds({stream_number(1), 1}));
  CHECK(!store.knowledge()->holds({stream_number(1), 2}));
}

TEST_CASE("nothing is durable in memory before a sync, unless each commit syncs", "[store]") {
  const auto mode = GENERATE(MemoryStore::Sync::kManual, MemoryStore::Sync::kAuto);
  MemoryStore store{Identity{}, mode};
  store.commit(one_block(1), nullptr);
  CHECK(store.knowledge()->holds({stream_number(1), 1}) == (mode == MemoryStore::Sync::kAuto));
}

TEST_CASE("a failure on demand fails one batch and leaves no trace", "[store]") {
  MemoryStore store{Identity{}, MemoryStore::Sync::kAuto};
  store.fail_next({ErrorCode::kIo, "the disk failed"});
  std::vector<Status> seen;
  const auto note = [&seen](BatchId, Status status) { seen.push_back(std::move(status)); };
  store.commit(one_block(1), note);
  store.commit(one_block(2), note);
  REQUIRE(seen.size() == 2);
  CHECK(seen[0].error() == Error{ErrorCode::kIo, "the disk failed"});
  CHECK(seen[1]);
  CHECK(!store.knowledge()->holds({stream_number(1), 1}));
}

TEST_CASE("a crash in a callback ends the sync", "[store]") {
  MemoryStore store{Identity{}};
  int reported = 0;
  for (Seq first = 1; first <= 3; ++first) {
    store.commit(one_block(first), [&](BatchId, const Status&) {
      ++reported;
      store.crash();
    });
  }
  store.sync();
  CHECK(reported == 1);
  CHECK(store.queued() == 0);
}

}  // namespace
}  // namespace deltamesh
