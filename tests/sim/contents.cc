// tests/sim/contents.cc - from blocks to events, each compared with what was handed in.
#include "tests/sim/contents.h"

#include <algorithm>
#include <limits>

#include "engine/forget_block.h"
#include "engine/stored_rules.h"

namespace deltamesh::sim {
namespace {

class Reading {
 public:
  Reading(World& world, const Ledger& ledger, const SimNode& node)
      : world_(world), ledger_(ledger), node_(node) {}

  Contents run(const Knowledge& known) {
    if (const auto rules = read_rules(node_.store()); rules.ok()) rules_ = *rules;
    contents_.rules = rules_.digest();
    for (const auto& entry : known.entries()) read_stream(entry);
    for (const auto& [dot, event] : contents_.events.events()) check_event(dot, event);
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
    if (ledger_.is_map(known.stream.dataset)) return;
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

  // As it was handed in, series by name.
  void check_event(const Dot& dot, const Event& event) {
    if (is_mark(event)) {
      if (!ledger_.may_be_gone(dot)) fail("has lost an event that no rule removes");
      return;
    }
    if (event.readings.front().series == kBootSeries) return;
    const NamedEvent* const written = ledger_.written(Ledger::mark_of(event));
    if (written == nullptr) return fail("holds an event that nobody wrote");
    for (const auto& reading : event.readings) {
      const SeriesDecl* const decl = declaration(dot.stream, reading.series);
      if (decl == nullptr) return void(contents_.undeclared.insert(dot.stream));
      if (!was_written(*written, *decl, reading.value)) return fail("holds a value that nobody wrote");
    }
    if (!rest_was_removed(dot.stream, event, *written)) return fail("holds an event with other readings");
    add_sum(dot, ledger_.book().left_of(dot.stream, event, rules_));
  }

  void add_sum(const Dot& dot, const Event& left) {
    if (left.readings.empty()) return;
    std::vector<const SeriesDecl*> decls;
    for (const auto& reading : left.readings) decls.push_back(declaration(dot.stream, reading.series));
    contents_.fingerprints[dot.stream].add(fingerprint_event(dot, left, decls));
  }

  // Each value that was handed in is there, or some rule removes it.
  bool rest_was_removed(const StreamId& stream, const Event& event, const NamedEvent& written) {
    if (event.readings.size() > written.readings.size()) return false;
    std::set<std::string, std::less<>> there;
    for (const auto& reading : event.readings) there.insert(declaration(stream, reading.series)->name);
    return std::all_of(written.readings.begin(), written.readings.end(), [&](const auto& reading) {
      if (there.contains(reading.series)) return true;
      const SeriesRules* const rules = ledger_.book().rules().find(stream.dataset, reading.series);
      return rules != nullptr && rules->removes(event);
    });
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

  World& world_;
  const Ledger& ledger_;
  const SimNode& node_;
  ForgetRules rules_;  // That the store has.
  Contents contents_;
  std::map<DatasetId, std::map<std::pair<StreamId, SeriesNo>, SeriesDecl>> declarations_;
};

}  // namespace

Contents read_contents(World& world, const Ledger& ledger, const SimNode& node, const Knowledge& known) {
  return Reading(world, ledger, node).run(known);
}

}  // namespace deltamesh::sim
