// tests/sqlite/power_loss_run.h - several lives of one store on a disk that loses power and fails.
//
// Each life opens the store, compares what it holds with a model, hands in random batches and ends: by a
// power cut at a random operation, in an opening, a checkpoint or a close as well; by an error of the disk;
// or by itself. All of it follows from the seed. (But for the store's own random identity and SQLite's salts:
// a seed repeats its operations, not its bytes.)
//
// Fence and lock are real files and count as durable once they were renamed, which is what the store's syncs
// make of them; the power may be cut before each step of theirs, after which they stay as they are.
#pragma once

#include <future>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/sqlite/durable_steps.h"
#include "tests/sqlite/sqlite_fixture.h"
#include "tests/support/fault_vfs.h"

namespace deltamesh {

struct PowerLossPlan {
  std::uint64_t seed = 0;
  int lives = 7;
  bool disk_errors = true;  // And a full disk.
  // Planted bugs: so many of 1000 syncs are lies, in all lives but the last; a store that does not sync.
  std::uint64_t lies_per_mille = 0;
  Fsync fsync = Fsync::kFull;
};

struct PowerLossTally {
  std::uint64_t openings = 0, cuts = 0, cuts_in_openings = 0, errors = 0, full = 0, durable = 0;
  std::uint64_t unreported_kept = 0, unreported_lost = 0;
  std::uint64_t operations = 0;
  friend bool operator==(const PowerLossTally&, const PowerLossTally&) = default;
};

class PowerLossRun {
 public:
  explicit PowerLossRun(const PowerLossPlan& plan);
  // What was wrong; empty if nothing was.
  std::string run();
  [[nodiscard]] const PowerLossTally& tally() const { return tally_; }

 private:
  struct Handed {
    Batch batch;
    std::optional<Status> status;  // nullopt: not reported.
  };

  void blame(const std::string& what);
  void live();
  SqliteOptions options();
  void heard(const std::string& line);
  // ---- power_loss_faults.cc ----
  void plan_faults();
  void end_life();
  // ---- power_loss_checks.cc ----
  void check_failed_opening(const Error& error);
  void check_opening(const SqliteStore& store);
  void check_identity(const SqliteStore& store);
  void check_contents(const StoreReader& reader);
  void check_pages();
  bool settle_reported(StoreModel& model);
  [[nodiscard]] StoreModel with_end(StoreModel model) const;

  void write(SqliteStore& store);
  void hand_group(SqliteStore& store, std::uint64_t batches);
  void reported(SqliteStore& store, std::size_t index, Status status);
  void shift_reader();
  Batch next_batch();
  [[nodiscard]] StreamId own_stream() const;

  PowerLossPlan plan_;
  sim::Rng rng_;
  Random random_;  // Of batches.
  TempFolder folder_;
  testing::FaultVfs vfs_;
  testing::FaultDisk& disk_ = vfs_.disk();
  StepWatch watch_{[this](Step step) { return disk_.outside_step(step == Step::kSyncFolder) ? 0 : EIO; }};

  int life_ = 0;
  std::string failure_;
  PowerLossTally tally_;

  // What the store must hold: what openings have shown and, from the start of handed_ on, what was reported.
  StoreModel model_;
  std::vector<Handed> handed_;  // Since the last opening that was compared.
  std::optional<Identity> identity_;
  std::optional<Identity> ended_;    // By this opening.
  std::map<Incarnation, Seq> used_;  // Numbers that others may have seen.
  bool may_be_new_ = false;          // A new incarnation may, or must, start.
  bool must_be_new_ = false;
  // Of the current life.
  std::uint64_t errors_before_ = 0;
  bool full_ = false;
  bool told_of_failure_ = false;
  Seq next_ = 1;
  std::uint64_t groups_left_ = 0;
  std::unique_ptr<SqliteReader> reader_;  // Holds the log open.
  std::promise<void> done_;
};

}  // namespace deltamesh
