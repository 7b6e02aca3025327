// tests/sim/watch.cc - knowledge that only grows and is true, maps that hold the greatest, equal contents.
#include "tests/sim/watch.h"

#include "tests/sim/contents.h"
#include "tests/sim/shown.h"

namespace deltamesh::sim {
namespace {

constexpr Micros kPause{100'000};
constexpr std::uint64_t kLooksPerDecoding = 20;

// Nothing of `part` is forgotten; but what was held may have been given up.
bool includes(const Knowledge& all, const Knowledge& part) {
  Knowledge later;
  for (const auto& [stream, known] : part.entries()) {
    const StreamKnowledge* const now = all.find(stream);
    StreamKnowledge& expected = later.at(stream);
    expected = known;
    if (now != nullptr) expected.drop(known.held().intersect(now->dropped()));
  }
  return !Knowledge(all).join(later);
}

Bytes bytes_of(const IntervalSet& dots) {
  Bytes bytes;
  dots.encode(bytes);
  return bytes;
}

}  // namespace

void Watch::begin() {
  world_.queue.in(kPause, [this] {
    if (world_.failed() || ended_) return;
    look_at_all();
    begin();
  });
}

void Watch::look_at_all() {
  for (NodeIx node = 0; node < nodes_.size(); ++node) look(node);
  if (++looks_ % kLooksPerDecoding == 0) look_inside(looks_ / kLooksPerDecoding % nodes_.size());
}

void Watch::look(NodeIx node) {
  const auto stored = nodes_[node]->store().knowledge();
  if (!stored.ok()) return fail(node, "has a store that cannot be read");
  check_stored(node, *stored);
  check_maps(node, *stored);
  if (nodes_[node]->up()) check_reported(node, *stored);
}

void Watch::fail(NodeIx node, const char* what) {
  world_.fail("node " + std::to_string(node) + " " + what);
}

void Watch::check_stored(NodeIx node, const Knowledge& stored) {
  if (!includes(stored, std::exchange(seen_[node].stored, stored))) fail(node, "forgot what it had stored");
  if (!ledger_.knowledge().includes_held(stored)) fail(node, "holds a number that no writer has stored");
  for (const auto& [stream, known] : stored.entries()) {
    const StreamKnowledge* const written = ledger_.knowledge().find(stream);
    const IntervalSet never_stored = known.voided().minus(known.lost());
    if (written != nullptr && !written->held().intersect(never_stored).empty())
      fail(node, "calls a number void that its writer holds");
    if (known.held().intervals().size() > limits::kIntervalsMax) fail(node, "has too many gaps in a stream");
  }
}

// What it called durable in an earlier life is there in this one.
void Watch::check_reported(NodeIx node, const Knowledge& stored) {
  const Knowledge reported = nodes_[node]->known();
  if (!includes(stored, reported)) fail(node, "calls durable what its store does not hold");
  if (!includes(reported, std::exchange(seen_[node].reported, reported)))
    fail(node, "lost what it had called durable");
}

// Equal knowledge gives equal maps, whatever the order of arrival.
void Watch::check_maps(NodeIx node, const Knowledge& stored) {
  for (const DatasetId dataset : ledger_.maps()) {
    const auto entries = nodes_[node]->store().entries(dataset, {});
    if (!entries.ok()) return fail(node, "has a map that cannot be read");
    Ledger::Entries held;
    for (const auto& entry : *entries) held.emplace(entry.key, entry);
    if (held != ledger_.greatest(dataset, stored))
      fail(node, "stores another map than follows from what it knows");
    if (!nodes_[node]->up()) continue;
    const LwwMap& map = *nodes_[node]->node().map(dataset);
    if (map.entries() != ledger_.greatest(dataset, map.knowledge()))
      fail(node, "has another map than follows from what it knows");
  }
}

// A block can be there before the names of its series: the batch that held them may have failed.
void Watch::look_inside(NodeIx node) {
  check_hidden(world_, *nodes_[node]);
  const auto stored = nodes_[node]->store().knowledge();
  const Contents contents = read_contents(world_, ledger_, *nodes_[node], *stored);
  for (const auto& [stream, sum] : contents.fingerprints) {
    if (contents.undeclared.contains(stream)) continue;
    Bytes held = bytes_of(contents.dots.at(stream));
    held.insert(held.end(), contents.rules.begin(), contents.rules.end());
    const auto [known, fresh] = sums_[stream].emplace(std::move(held), sum);
    if (!(known->second == sum)) fail(node, "holds equal dots and has another fingerprint");
  }
}

}  // namespace deltamesh::sim
