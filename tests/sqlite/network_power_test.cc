// tests/sqlite/network_power_test.cc - a node on a disk, in a network: the power cut at every operation,
// every kind of error at every place, a full disk at every size.
#include <iostream>

#include "tests/sim/sanitized.h"
#include "tests/sqlite/network_run.h"

namespace deltamesh {
namespace {

using testing::DiskFaults;
using testing::DiskOp;

// A normal run takes every so many operations; [many] takes each.
constexpr std::uint64_t kStep = sim::kSanitized ? 53 : 4, kMixes = sim::kSanitized ? 5 : 30;

std::ostream& operator<<(std::ostream& out, const DiskTally& tally) {
  return out << tally.openings << " openings, " << tally.cuts << " cuts (" << tally.cuts_in_openings
             << " in openings), " << tally.errors << " errors, " << tally.failures << " failures, "
             << tally.refused_full << " openings refused and " << tally.waits << " commits held for space, "
             << tally.slow_syncs << " slow syncs (" << tally.cuts_in_syncs << " ended by a crash), "
             << tally.durable << " batches durable, " << tally.unreported_kept << " kept and "
             << tally.unreported_lost << " lost unreported";
}

std::string describe(const DiskPlan& plan) {
  return "seed " + std::to_string(plan.seed) + ", slow syncs " + std::to_string(plan.slow_syncs_per_mille) +
         ", room " + (plan.room ? std::to_string(*plan.room) : "any") + ": ";
}

void add(DiskTally& total, const DiskTally& tally) {
  total.openings += tally.openings;
  total.cuts += tally.cuts;
  total.cuts_in_openings += tally.cuts_in_openings;
  total.errors += tally.errors;
  total.failures += tally.failures;
  total.refused_full += tally.refused_full;
  total.waits += tally.waits;
  total.slow_syncs += tally.slow_syncs;
  total.cuts_in_syncs += tally.cuts_in_syncs;
  total.durable += tally.durable;
  total.unreported_kept += tally.unreported_kept;
  total.unreported_lost += tally.unreported_lost;
}

// Runs `plan` for 1, 1 + step, ... until the fault that it is for does not come any more. The first failure,
// or an empty text.
template <class PlanFor, class Came>
std::string run_all(std::uint64_t step, PlanFor plan_for, Came came, DiskTally& total) {
  for (std::uint64_t at = 1;; at += step) {
    DiskPlan plan = plan_for(at);
    plan.seed = at;
    const DiskRun run = run_on_disk(short_run(), plan);
    add(total, run.disk);
    if (!run.failure.empty()) return "place " + std::to_string(at) + ", " + describe(plan) + run.failure;
    if (!came(run.disk)) return {};
  }
}

DiskPlan cut_at(std::uint64_t operation) {
  return {.faults = [operation](DiskFaults& faults) { faults.cut_power_at(operation); }};
}

DiskPlan slow_cut_at(std::uint64_t operation) {
  DiskPlan plan = cut_at(operation);
  plan.slow_syncs_per_mille = 300;
  return plan;
}

bool was_cut(const DiskTally& tally) {
  return tally.cuts > 0;
}

bool had_errors(const DiskTally& tally) {
  return tally.errors > 0;
}

bool was_full(const DiskTally& tally) {
  return tally.refused_full + tally.waits > 0;
}

std::string run_errors(std::uint64_t step, DiskOp op, DiskTally& total) {
  const auto plan = [op](std::uint64_t number) {
    return DiskPlan{.faults = [op, number](DiskFaults& faults) { faults.fail_at(op, number); }};
  };
  return run_all(step, plan, had_errors, total);
}

std::string run_full(std::uint64_t step, DiskTally& total) {
  const auto plan = [](std::uint64_t kib) { return DiskPlan{.room = 1024 * kib}; };
  return run_all(step, plan, was_full, total);
}

// The disk fails in one way or another, and the network with it as its seed says.
std::string run_mixes(std::uint64_t first, std::uint64_t count, DiskTally& total) {
  for (std::uint64_t seed = first; seed < first + count; ++seed) {
    sim::Rng rng(seed);
    const std::uint64_t cut = rng.between(std::uint64_t{1}, std::uint64_t{3000});
    const std::uint64_t sync = rng.between(std::uint64_t{1}, std::uint64_t{600}), share = rng.below(4);
    DiskPlan plan{.seed = seed, .faults = [=](DiskFaults& faults) {
                    faults.cut_power_at(cut);
                    faults.fail_at(DiskOp::kSync, sync);
                    faults.fail_share(DiskOp::kWrite, share);
                  }};
    if (rng.chance(300)) plan.room = rng.below(400'000);
    if (rng.chance(500)) plan.slow_syncs_per_mille = rng.below(300);
    const DiskRun run = run_on_disk(sim::options_for(seed, 3, 5), plan);
    add(total, run.disk);
    if (!run.failure.empty())
      return describe(sim::options_for(seed, 3, 5)) + ", power cut at " + std::to_string(cut) +
             ", sync that fails " + std::to_string(sync) + ", writes that fail " + std::to_string(share) +
             ", " + describe(plan) + run.failure;
  }
  return {};
}

}  // namespace

TEST_CASE("a network with a node on a disk converges, and repeats itself", "[network]") {
  const DiskRun first = run_on_disk(short_run(), {}), second = run_on_disk(short_run(), {});
  CHECK(first.failure == "");
  CHECK(first.trace == second.trace);
  CHECK(first.disk.operations == second.disk.operations);
  CHECK(first.events > 50);
  CHECK(first.acknowledged > 5);
  CHECK(first.disk.durable > 20);
}

TEST_CASE("a run with a cut of the power, or slow syncs, repeats itself", "[network]") {
  const std::uint64_t operation = GENERATE(20u, 150u, 300u);
  const auto plan = GENERATE(cut_at, slow_cut_at);
  const DiskRun first = run_on_disk(short_run(), plan(operation)),
                second = run_on_disk(short_run(), plan(operation));
  CHECK(first.trace == second.trace);
  CHECK(first.disk.operations == second.disk.operations);
  CHECK(first.disk.slow_syncs == second.disk.slow_syncs);
}

TEST_CASE("the power may be cut at any operation of a node's disk", "[network]") {
  DiskTally total;
  REQUIRE(run_all(kStep, cut_at, was_cut, total) == "");
  CHECK(total.cuts > 400 / kStep);  // Each way to end was met, or the law holds of nothing.
  CHECK(total.cuts_in_openings > 0);
  if (kStep < 10) CHECK(total.unreported_kept > 0);
  CHECK(total.unreported_lost > total.cuts / 4);
}

TEST_CASE("the power may be cut at any operation of a disk whose syncs take long", "[network]") {
  DiskTally total;
  REQUIRE(run_all(kStep, slow_cut_at, was_cut, total) == "");
  CHECK(total.cuts > 200 / kStep);
  CHECK(total.slow_syncs > total.openings);
}

// A disk that is full, too: whatever a former life was held up by must not end what holds up the next.
TEST_CASE("a node may crash while its disk syncs", "[network]") {
  DiskTally total;
  for (std::uint64_t seed = 1; seed <= kMixes; ++seed) {
    sim::Options options = short_run();
    options.seed = seed;
    options.crashes_per_mille = 700;
    DiskPlan plan{.seed = seed, .slow_syncs_per_mille = 400};
    if (seed % 2 == 0) plan.room = 20'000 * seed;
    const DiskRun run = run_on_disk(options, plan);
    add(total, run.disk);
    CAPTURE(seed);
    REQUIRE(run.failure == "");
  }
  CHECK(total.cuts_in_syncs > kMixes / 4);
  CHECK(total.waits + total.refused_full > 0);
}

TEST_CASE("any operation of a node's disk may fail", "[network]") {
  const auto op = GENERATE(DiskOp::kWrite, DiskOp::kTruncate, DiskOp::kSync, DiskOp::kName, DiskOp::kOutside);
  CAPTURE(static_cast<int>(op));
  DiskTally total;
  REQUIRE(run_errors(kStep, op, total) == "");
  CHECK(total.errors > 0);
  if (op == DiskOp::kWrite || op == DiskOp::kSync) CHECK(total.failures > 0);
}

TEST_CASE("a node's disk may be full at any size, for a while", "[network]") {
  DiskTally total;
  REQUIRE(run_full(kStep, total) == "");
  CHECK(total.waits > 0);
}

TEST_CASE("a node on a disk survives every mix of faults, of its network's too", "[network]") {
  DiskTally total;
  REQUIRE(run_mixes(1, kMixes, total) == "");
  CHECK(total.openings > 2 * kMixes);
}

TEST_CASE("every place of every fault of a node's disk", "[.][many]") {
  DiskTally cut, slow, failed, full, mixed;
  CHECK(run_all(1, cut_at, was_cut, cut) == "");
  CHECK(run_all(1, slow_cut_at, was_cut, slow) == "");
  for (const DiskOp op : {DiskOp::kWrite, DiskOp::kTruncate, DiskOp::kSync, DiskOp::kName, DiskOp::kOutside})
    CHECK(run_errors(1, op, failed) == "");
  CHECK(run_full(1, full) == "");
  CHECK(run_mixes(1000, 1000, mixed) == "");
  std::cout << "cuts: " << cut << "\nwith slow syncs: " << slow << "\nerrors: " << failed
            << "\nfull: " << full << "\nmixed: " << mixed << '\n';
}

TEST_CASE("a disk that lies about syncs under a node is found out", "[network]") {
  const std::uint64_t lies_per_mille = GENERATE(1000u, 300u);
  const auto plan = [lies_per_mille](std::uint64_t operation) {
    return DiskPlan{.faults = [=](DiskFaults& faults) {
      faults.lie_about_syncs(lies_per_mille);
      faults.cut_power_at(operation);
    }};
  };
  DiskTally total;
  CHECK(run_all(23, plan, was_cut, total) != "");
}

TEST_CASE("a store that does not sync under a node is found out", "[network]") {
  const auto plan = [](std::uint64_t operation) {
    DiskPlan out = cut_at(operation);
    out.fsync = Fsync::kOff;
    return out;
  };
  DiskTally total;
  CHECK(run_all(23, plan, was_cut, total) != "");
}

}  // namespace deltamesh
