// tests/sqlite/network_store.h - a real SqliteStore on a disk that fails, as the store of a simulated node.
//
// The store commits on its own thread; each call here waits until that thread has nothing left to do, so that
// a run repeats. What is handed in at one moment becomes two transactions, the first batch and all others:
// they are handed in from the report of the first, so that it does not depend on the clock which share one.
// While the disk is full, the thread is held in its report of that, and during a slow sync right before it;
// virtual time goes on.
//
// Whenever the store was opened it must hold exactly what was reported durable and, of what was not, the
// first so many batches, each whole. power_loss_run.h tells what the files beside the database are.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>

#include "tests/sim/sim_store.h"
#include "tests/sim/world.h"
#include "tests/sqlite/durable_steps.h"
#include "tests/sqlite/fixed_chance.h"
#include "tests/sqlite/sqlite_fixture.h"
#include "tests/support/fault_vfs.h"

namespace deltamesh {

struct DiskPlan {
  std::uint64_t seed = 1;                                 // Of what a power cut leaves.
  std::function<void(testing::DiskFaults&)> faults = {};  // To come from the first opening on.
  std::optional<std::uint64_t> room = {};                 // Bytes until the disk is full, for a while.
  Fsync fsync = Fsync::kFull;                             // kOff is a planted bug.
  std::uint64_t slow_syncs_per_mille = 0;                 // Of those of commits and their checkpoints.
};

struct DiskTally {
  std::uint64_t openings = 0, cuts = 0, cuts_in_openings = 0, errors = 0, failures = 0;
  std::uint64_t refused_full = 0, waits = 0;  // Openings; commits that were held until there was space.
  std::uint64_t slow_syncs = 0, cuts_in_syncs = 0;
  std::uint64_t durable = 0, unreported_kept = 0, unreported_lost = 0;
  std::uint64_t operations = 0, bytes = 0;
};

class NetworkStore final : public sim::SimStore {
 public:
  NetworkStore(sim::World& world, const DiskPlan& plan);
  ~NetworkStore() override;

  Result<StoreImage> open(const Found& found) override;
  [[nodiscard]] const StoreReader& reader() const override { return *reader_; }
  [[nodiscard]] const Identity& identity() const override { return *identity_; }
  void commit(Batch batch, Store::Committed committed) override;
  void sync() override;
  void crash() override;
  void fail_next(Error) override {}  // The disk does that.
  void heal() override;
  [[nodiscard]] State state() const override;
  void at_end(std::function<void()> ended) override { ended_ = std::move(ended); }

  // After the run: closes the store, opens it once more without faults, and compares.
  void finish();
  [[nodiscard]] const DiskTally& tally() const { return tally_; }

 private:
  enum class Stall : std::uint8_t { kNone, kSpace, kSlowSync };
  struct Handed {
    Batch batch;
    Store::Committed committed;
    std::optional<Status> status;
  };

  void blame(const std::string& what) { world_.fail("the store on disk: " + what); }
  SqliteOptions options();
  Error refused(const Error& error);
  void close();
  // On the store's thread.
  void hand(std::size_t index);
  void reported(std::size_t index, Status status);
  void heard(const std::string& line);
  void sync_begins();
  void stall(Stall why);
  // And on ours.
  Stall wait();
  void await();
  void deliver();
  void deliver(Handed& handed);
  void plan_space();
  void space_returns();
  void plan_end_of_sync();
  // Ends that stall, if it is still the store's.
  void go_on(std::uint64_t stall);
  // ---- network_store_checks.cc ----
  void check_opening(const Found& found);
  void check_identity();
  void check_contents(const Found& found);
  [[nodiscard]] StoreModel with_end(StoreModel model) const;
  void check_pages();

  sim::World& world_;
  DiskPlan plan_;
  TempFolder folder_;
  FixedChance chance_;
  testing::FaultVfs vfs_;
  testing::FaultDisk& disk_ = vfs_.disk();
  StepWatch watch_{[this](Step step) { return disk_.outside_step(step == Step::kSyncFolder) ? 0 : EIO; }};
  std::function<void()> ended_;
  DiskTally tally_;

  std::optional<Identity> identity_;  // Once it was opened;
  std::optional<Identity> past_;      // and the one that this opening has ended.
  bool must_be_new_ = false;          // It has failed, or the power, since it was opened last.
  bool may_be_new_ = false;           // The disk has failed at least once, or the power.
  bool full_ = false;
  StoreModel model_;              // Of what was reported, or found.
  std::deque<Batch> unreported_;  // Of the life before: first so many may be there.
  std::vector<Handed> queue_;     // Not with the store yet.
  std::vector<Handed> group_;     // With the store.
  std::unique_ptr<SqliteStore> store_;
  std::unique_ptr<StoreReader> reader_;

  sim::Rng slow_rng_;  // Of the store's thread, in the midst of commits.
  std::atomic<bool> healed_ = false;
  std::atomic<bool> failed_ = false;
  std::atomic<bool> lied_ = false;  // Something was reported durable after the power had gone.
  // Of all below. While the store's thread waits or has nothing to do, and in openings and closings, they are
  // this thread's alone.
  std::mutex mutex_;
  std::condition_variable changed_;
  bool done_ = true;              // The group was reported, and what follows a commit was done.
  Stall stalled_ = Stall::kNone;  // Why the store's thread waits;
  std::uint64_t stalls_ = 0;      // and for the how manieth time.
  bool closing_ = false;
};

}  // namespace deltamesh
