// tests/sim/faults.cc - what goes wrong in a run, drawn from its seed.
#include "tests/sim/network.h"

namespace deltamesh::sim {
namespace {

constexpr Micros kFaultPause{500'000};
constexpr Micros kRestartMax{3'000'000};
constexpr Micros kSpellMin{500'000}, kSpellMax{4'000'000};  // Less and more than the keepalive stands.
constexpr Micros kFlapMin{100'000}, kFlapMax{700'000};
constexpr Micros kSwizzle{2'000'000};  // Until all are clogged, and from there until none is.
constexpr std::int64_t kYear = 365LL * 24 * 3600 * 1'000'000;

std::int64_t drift_of(Rng& rng) {
  return static_cast<std::int64_t>(rng.below(1500)) - 500;
}

}  // namespace

void Network::plan_faults() {
  if (options_.wrong_clocks) {
    for (auto& node : nodes_)
      node->jump_clock(Micros(kYear * (static_cast<std::int64_t>(world_.rng.below(60)) - 50)));
  }
  for (auto& node : nodes_) {
    if (happens(options_.slow_nodes_per_mille)) node->slow_down(kSlowness);
    if (happens(options_.drifts_per_mille)) node->drift_clock(drift_of(world_.rng));
    if (happens(options_.lost_times_per_mille)) node->lose_time();
  }
  for (Micros when = kFaultPause; when < options_.active; when += kFaultPause) {
    world_.queue.at(when, [this] { some_faults(); });
  }
}

void Network::some_faults() {
  Rng& rng = world_.rng;
  const LinkIx link = rng.below(links_.size());
  const NodeIx node = rng.below(nodes_.size());
  if (rng.chance(options_.cuts_per_mille)) links_.cut(link);
  if (rng.chance(options_.stalls_per_mille)) links_.stall(link, rng.chance(500));
  if (rng.chance(options_.crashes_per_mille)) crash(node);
  if (rng.chance(options_.clock_jumps_per_mille)) {
    const auto seconds = static_cast<std::int64_t>(rng.below(7200)) - 3600;
    nodes_[node]->jump_clock(Micros(seconds * 1'000'000));
  }
  if (happens(options_.divisions_per_mille)) divide();
  if (happens(options_.swizzles_per_mille)) swizzle();
  if (happens(options_.restores_per_mille)) back_up_or_restore(node);
  if (happens(options_.flaps_per_mille)) flap(link, world_.queue.now() + rng.between(kSpellMin, kSpellMax));
}

// Draws nothing for a fault that this run does not have.
bool Network::happens(std::uint64_t per_mille) {
  return per_mille > 0 && world_.rng.chance(per_mille);
}

void Network::crash(NodeIx ix) {
  if (!nodes_[ix]->up()) return;
  if (options_.watch) watch_.look(ix);
  end(ix);
}

// Whether it was up or has just failed to come up.
void Network::end(NodeIx ix) {
  nodes_[ix]->crash();
  links_.lose(ix, world_.rng.chance(300));
  world_.queue.in(world_.rng.between(Micros(1'000), kRestartMax), [this, ix] { start(ix); });
}

void Network::start(NodeIx ix) {
  if (nodes_[ix]->up()) return;
  nodes_[ix]->start();
  if (options_.watch && nodes_[ix]->up()) watch_.look(ix);
}

// Backups come first. Most are put back where they were made; one of another node makes a copy of it.
void Network::back_up_or_restore(NodeIx ix) {
  const NodeIx from = world_.rng.chance(700) ? ix : world_.rng.below(nodes_.size());
  if (world_.rng.chance(400) || nodes_[from]->backup() == nullptr) return void(nodes_[ix]->back_up());
  if (!nodes_[ix]->up()) return;
  crash(ix);
  const MemoryStore& backup = *nodes_[from]->backup();
  ledger_.may_be_lost(*nodes_[ix]->store().knowledge(), *backup.knowledge());
  nodes_[ix]->restore(backup, options_.plant == Plant::kSameLife);
  watch_.restored(ix, *backup.knowledge());
}

std::vector<bool> Network::some_nodes() {
  std::vector<bool> picked(nodes_.size());
  for (NodeIx node = 0; node < nodes_.size(); ++node) picked[node] = world_.rng.chance(500);
  return picked;
}

// A partition that works in one direction only.
void Network::divide() {
  const std::vector<bool> side = some_nodes();
  const bool vanishes = world_.rng.chance(500);
  const Micros spell = world_.rng.between(kSpellMin, kSpellMax);
  if (links_.divide(side, vanishes)) world_.queue.in(spell, [this] { links_.unite(); });
}

// As FoundationDB's tests do: what is in flight anywhere comes out in an order that no delay would give it.
void Network::swizzle() {
  const std::vector<bool> picked = some_nodes();
  for (NodeIx node = 0; node < nodes_.size(); ++node) {
    if (!picked[node]) continue;
    const Micros clog = world_.rng.between(Micros(0), kSwizzle);
    const Micros unclog = world_.rng.between(kSwizzle, 2 * kSwizzle);
    world_.queue.in(clog, [this, node] {
      if (!healed()) links_.clog(node);
    });
    world_.queue.in(unclog, [this, node] { links_.unclog(node); });
  }
}

void Network::flap(LinkIx link, Micros end) {
  if (healed() || world_.queue.now() > end) return;
  links_.cut(link);
  world_.queue.in(world_.rng.between(kFlapMin, kFlapMax), [this, link, end] { flap(link, end); });
}

}  // namespace deltamesh::sim
