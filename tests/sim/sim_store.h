// tests/sim/sim_store.h - what a simulated node asks of the thing that keeps its data, through all its lives.
//
// A MemoryStore, or a store on a simulated disk (tests/sqlite/network_store.h). Virtual time stands still in
// each call: a store with a thread of its own is waited for.
#pragma once

#include <functional>
#include <memory>
#include <utility>

#include "engine/memory_store.h"

namespace deltamesh::sim {

class SimStore {
 public:
  virtual ~SimStore() = default;

  // At the start of each life. `found` is called for each batch of the last one that was never reported, and
  // is there all the same; with who the node was then.
  using Found = std::function<void(const Identity& writer, const Batch&)>;
  virtual Result<StoreImage> open(const Found& found) = 0;
  // These two once it was opened.
  [[nodiscard]] virtual const StoreReader& reader() const = 0;
  [[nodiscard]] virtual const Identity& identity() const = 0;

  virtual void commit(Batch batch, Store::Committed committed) = 0;
  // Makes durable what is queued, and reports it; later, if it must wait for space.
  virtual void sync() = 0;
  // The power is gone, or the process ends because the store has failed.
  virtual void crash() = 0;
  // A backup of what is durable, for restore(); and one that somebody else made, taken in its place. False:
  // this store knows no such thing.
  virtual bool back_up() { return false; }
  [[nodiscard]] virtual const MemoryStore* backup() const { return nullptr; }
  // After a crash: holds what `backup` held from now on. `goes_on` is a planted bug: as if it were no copy.
  virtual void restore(const MemoryStore& /*backup*/, bool /*goes_on*/) {}
  // The next batch fails and leaves no trace.
  virtual void fail_next(Error error) = 0;

  // Faults are over.
  virtual void heal() {}

  enum class State : std::uint8_t {
    kWell,
    kFailed,  // Takes no more batches, or did not open, until it is opened again.
    kDead,    // The power is gone.
  };
  [[nodiscard]] virtual State state() const { return State::kWell; }
  // `ended` is told, last in whatever call it was, when the state has become another.
  virtual void at_end(std::function<void()> /*ended*/) {}
};

// Every other crash is one of the machine and ends the incarnation; the rest are of the process alone.
class SimMemoryStore final : public SimStore {
 public:
  explicit SimMemoryStore(std::unique_ptr<MemoryStore> store)
      : store_(std::move(store)), first_(store_->identity().incarnation) {}

  Result<StoreImage> open(const Found&) override {
    if (std::exchange(over_, false)) store_->start_incarnation(next_incarnation());
    return store_->image();
  }
  [[nodiscard]] const StoreReader& reader() const override { return *store_; }
  [[nodiscard]] const Identity& identity() const override { return store_->identity(); }
  void commit(Batch batch, Store::Committed committed) override {
    store_->commit(std::move(batch), std::move(committed));
  }
  void sync() override { store_->sync(); }
  void crash() override {
    store_->crash();
    over_ = over_ || ++crashes_ % 2 == 0;
  }
  bool back_up() override {
    backup_ = std::make_unique<MemoryStore>(*store_);
    backup_->crash();
    return true;
  }
  [[nodiscard]] const MemoryStore* backup() const override { return backup_.get(); }
  void restore(const MemoryStore& backup, bool goes_on) override {
    *store_ = backup;
    over_ = !goes_on;
  }
  void fail_next(Error error) override { store_->fail_next(std::move(error)); }

 private:
  // Of this store and of no other, whatever it was restored from.
  Incarnation next_incarnation() {
    Incarnation next = first_;
    ++lives_;
    for (std::size_t i = 0; i < 4; ++i) next.bytes[12 + i] = static_cast<std::uint8_t>(lives_ >> (8 * i));
    return next;
  }

  std::unique_ptr<MemoryStore> store_;
  std::unique_ptr<MemoryStore> backup_;
  Incarnation first_;
  std::uint32_t lives_ = 0, crashes_ = 0;
  bool over_ = false;
};

}  // namespace deltamesh::sim
