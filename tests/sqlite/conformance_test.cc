// tests/sqlite/conformance_test.cc - the store on disk keeps the contract of engine/store.h.
#include "tests/engine/store_conformance.h"

#include "tests/sqlite/sqlite_fixture.h"

namespace deltamesh {
namespace {

// Passes commits on and counts their reports.
class CountingStore final : public Store {
 public:
  explicit CountingStore(Reports& reports) : reports_(&reports) {}
  void aim(SqliteStore* store) { store_ = store; }
  void commit(Batch batch, Committed committed) override {
    store_->commit(std::move(batch), reports_->callback(std::move(committed)));
  }

 private:
  Reports* reports_;
  SqliteStore* store_ = nullptr;
};

class SqliteUnderTest final : public StoreUnderTest {
 public:
  SqliteUnderTest() { open(); }
  Store& store() override { return counting_; }
  const StoreReader& reader() override { return *reader_; }
  void settle() override { reports_.wait(); }
  void reopen() override {
    reader_.reset();
    store_.reset();
    open();
  }
  Identity identity() override { return identity_; }

 private:
  void open() {
    store_ = open_store_at(folder_.file("store"));
    counting_.aim(store_.get());
    auto reader = store_->make_reader();
    REQUIRE(reader);
    reader_ = std::move(*reader);
    if (identity_ == Identity{}) identity_ = store_->identity();
    CHECK(store_->identity() == identity_);
  }

  TempFolder folder_;
  Identity identity_;
  Reports reports_;
  CountingStore counting_{reports_};
  std::unique_ptr<SqliteStore> store_;
  std::unique_ptr<StoreReader> reader_;
};

TEST_CASE("the SQLite store keeps the contract of stores", "[sqlite][store]") {
  conformance::check_contract([] { return std::make_unique<SqliteUnderTest>(); });
}

}  // namespace
}  // namespace deltamesh
