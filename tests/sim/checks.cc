// tests/sim/checks.cc - decodes what each store holds, and compares it with the model and with each other.
#include "tests/sim/checks.h"

#include <limits>

#include "crdt/fingerprint.h"

namespace deltamesh::sim {
namespace {

// One node's store, decoded.
struct Contents {
  EventSet events;
  std::map<StreamId, IntervalSet> dots;
  std::map<StreamId, Fingerprint> fingerprints;
  std::map<DatasetId, Fingerprint> map_fingerprints;
};

class NodeChecks {
 public:
  NodeChecks(World& world, const Ledger& ledger, const SimNode& node)
      : world_(world), ledger_(ledger), node_(node) {}

  Contents run() {
    for (const auto& entry : node_.node().knowledge().entries()) read_stream(entry);
    check_events();
    for (const auto& dataset : node_.node().config().datasets) {
      if (dataset.kind == DatasetKind::kMap) check_map(dataset_id(dataset.name));
    }
    if (!(node_.node().knowledge() == *node_.store().knowledge()))
      fail("knows something else than its store");
    return std::move(contents_);
  }

 private:
  void fail(const std::string& what) { world_.fail("node " + std::to_string(node_.ix()) + " " + what); }

  static constexpr Ticks kMin = std::numeric_limits<Ticks>::min(), kMax = std::numeric_limits<Ticks>::max();

  void read_stream(const Knowledge::Entry& known) {
    const auto visit = [&](const StoredBlock& block) { return read_block(block), true; };
    const auto order = StoreReader::Order::kOldestFirst;
    if (!node_.store().visit_blocks(known.stream, kMin, kMax, order, visit).ok())
      fail("cannot read its store");
    if (!known.known.missing().empty()) fail("knows of numbers that are neither held nor void");
    if (node_.node().map(known.stream.dataset) != nullptr) return;
    if (!(contents_.dots[known.stream] == known.known.held())) fail("holds other dots than it knows");
  }

  void read_block(const StoredBlock& block) {
    IntervalSet& dots = contents_.dots[block.stream];
    if (dots.intersects(block.interval())) fail("has a dot in two blocks");
    dots.add(block.interval());
    const auto events = decode_block(*block.bytes, limits::kBlock);
    if (!events.ok()) return fail("holds a block that does not decode: " + events.error().text);
    if (events->size() != block.events) return fail("holds a block that is longer or shorter than it says");
    contents_.events.insert({block.stream, block.first}, *events);
  }

  void check_events() {
    for (const auto& [dot, event] : contents_.events.events()) check_event(dot, event);
    const auto& expected = ledger_.events().events();
    for (const auto& [dot, event] : expected) {
      if (!contents_.events.events().contains(dot)) return fail("lacks event " + std::to_string(dot.seq));
    }
    if (!(contents_.events == ledger_.events())) fail("holds other events than were written");
  }

  // As it was handed in, series by name.
  void check_event(const Dot& dot, const Event& event) {
    const NamedEvent* const written = ledger_.written(event.time);
    if (written == nullptr) return fail("holds an event that nobody wrote");
    if (written->readings.size() != event.readings.size()) return fail("holds an event with other readings");
    std::vector<const SeriesDecl*> decls;
    for (const auto& reading : event.readings) {
      decls.push_back(declaration(dot.stream, reading.series));
      if (decls.back() == nullptr) return fail("lacks a declaration");
      if (!was_written(*written, *decls.back(), reading.value))
        return fail("holds a value that nobody wrote");
    }
    contents_.fingerprints[dot.stream].add(fingerprint_event(dot, event, decls));
  }

  static bool was_written(const NamedEvent& event, const SeriesDecl& decl, const Value& value) {
    for (const auto& reading : event.readings) {
      if (reading.series == decl.name && reading.unit == decl.unit && same_value(reading.value, value))
        return true;
    }
    return false;
  }

  const SeriesDecl* declaration(const StreamId& stream, SeriesNo number) {
    if (!declarations_.contains(stream.dataset)) {
      const auto all = node_.store().series(stream.dataset, std::nullopt);
      for (const auto& [of, decl] : *all) declarations_[stream.dataset][{of, decl.number}] = decl;
    }
    const auto& known = declarations_[stream.dataset];
    const auto it = known.find({stream, number});
    return it == known.end() ? nullptr : &it->second;
  }

  void check_map(DatasetId dataset) {
    const auto model = ledger_.maps().find(dataset);
    const LwwMap nothing;
    const LwwMap& expected = model == ledger_.maps().end() ? nothing : model->second;
    if (node_.node().map(dataset)->entries() != expected.entries()) fail("has another map than was written");
    const auto stored = node_.store().entries(dataset, {});
    Fingerprint& sum = contents_.map_fingerprints[dataset];
    std::map<std::string, MapEntry, std::less<>> entries;
    for (const auto& entry : *stored) {
      sum.add(fingerprint_entry(entry));
      entries.emplace(entry.key, entry);
    }
    if (entries != expected.entries()) fail("stores another map than was written");
  }

  World& world_;
  const Ledger& ledger_;
  const SimNode& node_;
  Contents contents_;
  std::map<DatasetId, std::map<std::pair<StreamId, SeriesNo>, SeriesDecl>> declarations_;
};

}  // namespace

void check_converged(World& world, Ledger& ledger, const Nodes& nodes) {
  ledger.check_writes();
  std::optional<Contents> first;
  for (const auto& node : nodes) {
    Contents contents = NodeChecks(world, ledger, *node).run();
    if (!first) first = contents;
    if (!(node->node().knowledge() == nodes[0]->node().knowledge()))
      world.fail("two nodes know different things");
    if (contents.dots == first->dots && contents.fingerprints != first->fingerprints)
      world.fail("equal dots and different fingerprints");
    if (contents.map_fingerprints != first->map_fingerprints) world.fail("maps with different fingerprints");
  }
}

}  // namespace deltamesh::sim
