// tests/sqlite/power_loss_test.cc - what was reported durable outlives power cuts, whole; the rest is there
// whole or not at all.
#include <iostream>

#include "tests/sim/sanitized.h"
#include "tests/sqlite/power_loss_run.h"

namespace deltamesh {
namespace {

constexpr std::uint64_t kSeeds = sim::kSanitized ? 40 : 150;

void add(PowerLossTally& total, const PowerLossTally& tally) {
  total.openings += tally.openings;
  total.cuts += tally.cuts;
  total.cuts_in_openings += tally.cuts_in_openings;
  total.errors += tally.errors;
  total.full += tally.full;
  total.durable += tally.durable;
  total.unreported_kept += tally.unreported_kept;
  total.unreported_lost += tally.unreported_lost;
  total.operations += tally.operations;
}

// Runs seeds from `first` on; the first failure, or an empty text.
std::string run_seeds(std::uint64_t first, std::uint64_t count, PowerLossPlan plan, PowerLossTally& total) {
  for (plan.seed = first; plan.seed < first + count; ++plan.seed) {
    PowerLossRun run(plan);
    const std::string failure = run.run();
    add(total, run.tally());
    if (!failure.empty()) return failure;
  }
  return {};
}

TEST_CASE("a store keeps what it reported through power cuts at any operation", "[sqlite][power]") {
  PowerLossTally total;
  REQUIRE(run_seeds(1, kSeeds, {.disk_errors = false}, total) == "");
  CHECK(total.durable > 30 * kSeeds);
  CHECK(total.cuts > 3 * kSeeds);  // Each way to end was met, or the law holds of nothing.
  CHECK(total.cuts_in_openings > kSeeds / 2);
  CHECK(total.unreported_kept > 0);
  CHECK(total.unreported_lost > kSeeds);
}

TEST_CASE("a store keeps what it reported through power cuts and errors of the disk", "[sqlite][power]") {
  PowerLossTally total;
  REQUIRE(run_seeds(1, kSeeds, {}, total) == "");
  CHECK(total.durable > 30 * kSeeds);
  CHECK(total.cuts > 2 * kSeeds);
  CHECK(total.errors > kSeeds / 4);
  CHECK(total.full > kSeeds / 8);
}

// Not part of a normal run: for when the store was changed.
TEST_CASE("many seeds of power cuts and errors", "[.][many]") {
  PowerLossTally total;
  REQUIRE(run_seeds(1, 2000, {.disk_errors = false}, total) == "");
  REQUIRE(run_seeds(1, 2000, {}, total) == "");
  std::cout << total.openings << " openings, " << total.cuts << " cuts of the power, " << total.errors
            << " errors, " << total.full << " times full, " << total.durable << " batches durable\n";
}

// Commits on top of what a failed sync had lost.
TEST_CASE("seeds that once lost something hold", "[sqlite][power]") {
  for (const std::uint64_t seed : {328u, 345u, 393u, 470u, 546u}) {
    PowerLossTally tally;
    CHECK(run_seeds(seed, 1, {}, tally) == "");
  }
}

TEST_CASE("a seed repeats its operations", "[sqlite][power]") {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    PowerLossTally first, second;
    CHECK(run_seeds(seed, 1, {}, first) == run_seeds(seed, 1, {}, second));
    CHECK(first == second);
  }
}

TEST_CASE("a disk that lies about syncs is found out", "[sqlite][power]") {
  const std::uint64_t lies_per_mille = GENERATE(1000u, 200u, 30u);
  const PowerLossPlan plan{.disk_errors = false, .lies_per_mille = lies_per_mille};
  PowerLossTally tally;
  CHECK(run_seeds(1, 60, plan, tally) != "");
}

TEST_CASE("a store that does not sync is found out", "[sqlite][power]") {
  PowerLossTally tally;
  CHECK(run_seeds(1, 10, {.disk_errors = false, .fsync = Fsync::kOff}, tally) != "");
}

}  // namespace
}  // namespace deltamesh
