// tests/sim/checks.cc - decodes what each store holds, and compares it with the model and with each other.
#include "tests/sim/checks.h"

#include <algorithm>
#include <limits>
#include <tuple>

#include "engine/forget_block.h"
#include "engine/iso_time.h"
#include "engine/query.h"
#include "tests/sim/contents.h"
#include "tests/sim/shown.h"

namespace deltamesh::sim {
namespace {

using MapFingerprints = std::map<DatasetId, Fingerprint>;

// Times are cut to the ticks of their dataset twice: when they are written, and their offset is.
constexpr Micros kTick{2'000};

using Shown = std::vector<std::tuple<Ticks, std::string, Quality>>;

// What a node shows of events that brought no time, of all datasets. Exact ones must be right.
Shown shown_untimed(World& world, const Ledger& ledger, const SimNode& node) {
  Shown shown;
  for (const auto& dataset : node.node().config().datasets) {
    SampleQuery query;
    query.dataset = dataset_id(dataset.name);
    query.series = kUntimed;
    query.range = {std::numeric_limits<Ticks>::min(), std::numeric_limits<Ticks>::max()};
    query.limit = 1'000'000;
    const auto answer = query_samples(node.store(), query);
    if (!answer) continue;
    for (const Sample& sample : answer->samples) {
      const auto text = std::get<std::string>(sample.value);
      const NamedEvent* const written = ledger.written(std::stoll(text));
      if (written == nullptr) continue;  // Somebody else says so.
      const Micros truth = kToday + *written->taken;
      const Micros shown_at(sample.time * (1'000'000 / ticks_per_second(dataset.resolution)));
      if (sample.quality == Quality::kGood && std::chrono::abs(shown_at - truth) > kTick)
        world.fail("node " + std::to_string(node.ix()) + " shows event " + text + " at " +
                   std::to_string(sample.time) + " rather than " + std::to_string(truth.count()));
      shown.emplace_back(sample.time, text, sample.quality);
    }
  }
  std::sort(shown.begin(), shown.end());
  return shown;
}

class NodeChecks {
 public:
  NodeChecks(World& world, const Ledger& ledger, const SimNode& node)
      : world_(world), ledger_(ledger), node_(node) {}

  Contents contents() {
    const Knowledge known = node_.known();
    if (!(known == *node_.store().knowledge())) fail("knows something else than its store");
    for (const auto& entry : known.entries()) {
      if (!entry.known.missing().minus(ledger_.forgotten(entry.stream)).empty())
        fail("knows of numbers that are neither held nor void");
    }
    Contents contents = read_contents(world_, ledger_, node_, known);
    if (!contents.undeclared.empty()) fail("lacks a declaration");
    ledger_.book().rules().empty() ? check_complete(contents.events) : check_left(contents.events);
    return contents;
  }

  MapFingerprints maps() {
    MapFingerprints sums;
    for (const auto& dataset : node_.node().config().datasets) {
      const DatasetId id = dataset_id(dataset.name);
      if (dataset.kind == DatasetKind::kMap) sums[id] = check_map(id);
    }
    sums[rules_map()] = check_map(rules_map());
    return sums;
  }

 private:
  void fail(const std::string& what) { world_.fail("node " + std::to_string(node_.ix()) + " " + what); }

  void check_complete(const EventSet& events) {
    for (const auto& [dot, event] : ledger_.events().events()) {
      if (!events.events().contains(dot))
        return fail("lacks event " + std::to_string(dot.seq) + " of node " +
                    std::to_string(node_of(dot.stream.node)));
    }
    if (!(events == ledger_.events())) fail("holds other events than were written");
  }

  // The same where rules have removed some of it.
  void check_left(const EventSet& events) {
    const ForgetRules rules = ledger_.rules_left();
    if (!(node_.node().rules() == rules)) fail("has other rules than were written");
    if (node_.node().is_forgetting()) fail("is not done with removing");
    EventSet left;
    for (const auto& [dot, event] : events.events()) {
      const Event rest = ledger_.book().left_of(dot.stream, event, rules);
      if (!is_mark(event) && rest.readings.size() != event.readings.size())
        return fail("stores what a rule removes: event " + std::to_string(dot.seq) + " of node " +
                    std::to_string(node_of(dot.stream.node)));
      left.insert(dot, {&rest, 1});
    }
    const EventSet expected = ledger_.events_left(rules);
    for (const auto& [dot, event] : expected.events()) {
      if (!left.events().contains(dot)) return fail("lacks an event");
    }
    if (!(left == expected)) fail("holds other events than rules have left");
  }

  Fingerprint check_map(DatasetId dataset) {
    const auto expected = ledger_.greatest(dataset, ledger_.knowledge());
    if (node_.node().map(dataset)->entries() != expected) fail("has another map than was written");
    const auto stored = node_.store().entries(dataset, {});
    Fingerprint sum;
    std::map<std::string, MapEntry, std::less<>> entries;
    for (const auto& entry : *stored) {
      sum.add(fingerprint_entry(entry));
      entries.emplace(entry.key, entry);
    }
    if (entries != expected) fail("stores another map than was written");
    return sum;
  }

  World& world_;
  const Ledger& ledger_;
  const SimNode& node_;
};

void check_bound(World& world, const SimNode& node) {
  std::map<DatasetId, std::uint64_t> bytes;
  const auto known = node.store().knowledge();
  for (const auto& entry : known->entries())
    bytes[entry.stream.dataset] += *node.store().block_bytes(entry.stream);
  for (const auto& dataset : node.node().config().datasets) {
    if (dataset.keep_bytes > 0 && bytes[dataset_id(dataset.name)] > dataset.keep_bytes)
      world.fail("node " + std::to_string(node.ix()) + " keeps more than its bound");
  }
}

// Of a stream of which a store has forgotten some, others may have heard more or less.
bool all_known(const Ledger& ledger, const Knowledge& part, const Knowledge& all) {
  return std::all_of(part.entries().begin(), part.entries().end(), [&](const Knowledge::Entry& entry) {
    const StreamKnowledge* const there = all.find(entry.stream);
    if (ledger.forgotten(entry.stream).empty())
      return entry.known.empty() || (there != nullptr && *there == entry.known);
    return entry.known.held().empty() || (there != nullptr && there->held() == entry.known.held());
  });
}

bool alike(const Ledger& ledger, const Knowledge& a, const Knowledge& b) {
  return all_known(ledger, a, b) && all_known(ledger, b, a);
}

}  // namespace

void check_kept(World& world, const Ledger& ledger, const Nodes& nodes) {
  for (const auto& node : nodes) {
    const std::string name = "node " + std::to_string(node->ix());
    const Knowledge known = node->known();
    const Contents contents = read_contents(world, ledger, *node, known);
    for (const auto& [dot, event] : contents.events.events()) {
      if (!ledger.events().events().contains(dot)) world.fail(name + " holds an event that nobody wrote");
    }
    EventSet both = ledger.events();
    both.join(contents.events);
    if (!(both == ledger.events())) world.fail(name + " holds other events than were written");
    for (const auto& [stream, one] : known.entries()) {
      if (!one.missing().empty()) world.fail(name + " knows of numbers and not what became of them");
      const StreamKnowledge* const written = ledger.knowledge().find(stream);
      if (!one.lost().empty() && (written == nullptr || !written->held().includes(one.lost())))
        world.fail(name + " calls lost what was never stored");
    }
    for (const auto& [dot, event] : ledger.events().events()) {
      const StreamKnowledge* const one = known.find(dot.stream);
      const bool is_there = contents.events.events().contains(dot);
      const bool is_lost = one != nullptr && one->lost().contains(dot.seq);
      const bool is_given_up = one != nullptr && one->dropped().contains(dot.seq);
      if (!is_there && !is_lost && (node->ix() == 0 || !is_given_up))
        world.fail(name + " lacks an event that was written");
    }
    check_bound(world, *node);
  }
}

Pruned pruned(const Nodes& nodes) {
  Pruned out;
  for (const auto& node : nodes) {
    const auto stored = node->store().knowledge();
    if (!stored.ok()) continue;
    for (const auto& entry : stored->entries()) {
      out.events += entry.known.dropped().size();
      if (node->ix() == 0) out.lost += entry.known.lost().size();
    }
  }
  return out;
}

void check_converged(World& world, Ledger& ledger, const Nodes& nodes) {
  ledger.check_writes();
  std::vector<Knowledge> stores;
  for (const auto& node : nodes) stores.push_back(*node->store().knowledge());
  ledger.forget_lost(stores);
  std::optional<Contents> first;
  std::optional<MapFingerprints> first_maps;
  std::optional<Shown> first_shown;
  for (const auto& node : nodes) {
    NodeChecks checks(world, ledger, *node);
    const Contents contents = checks.contents();
    const MapFingerprints maps = checks.maps();
    const Shown shown = shown_untimed(world, ledger, *node);
    if (!first_shown) first_shown = shown;
    if (shown != *first_shown) world.fail("two nodes show different times");
    if (!ledger.book().rules().empty()) check_shown(world, ledger, *node);
    if (!first) first = contents;
    if (!first_maps) first_maps = maps;
    if (!alike(ledger, node->known(), nodes[0]->known())) world.fail("two nodes know different things");
    if (contents.dots == first->dots && contents.fingerprints != first->fingerprints)
      world.fail("equal dots and different fingerprints");
    if (maps != *first_maps) world.fail("maps with different fingerprints");
  }
}

}  // namespace deltamesh::sim
