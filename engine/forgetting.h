// engine/forgetting.h - the rules for wrong data that are in effect at a node, and how far it has come with
// them.
//
// Plain state with its own invariants; node_forget.cc reads and writes blocks by it. A rule is about names
// and blocks use numbers, so for each stream the rules are kept by number, too. What is still to be looked
// through is a place in each stream concerned: all blocks before it obey the rules. Once nothing is left, the
// store notes the digest of the rules, and the next run begins with nothing to do.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/catalogue.h"
#include "engine/forget_block.h"
#include "engine/stream_table.h"

namespace deltamesh {

class Forgetting {
 public:
  // `streams` and `series` outlive it.
  Forgetting(const StreamTable& streams, const Catalogue& series) : streams_(streams), series_(series) {}

  // A key of `$rules` is durable. It counts from the next take_effect() on. False if it is no rule.
  bool take(std::string_view key);
  // True if there is something new since the last time; all streams that it concerns are to be looked
  // through.
  bool take_effect();
  // What the store says at the start: if `obeyed` is the digest of these rules, nothing is to be looked
  // through.
  void start(const Bytes& obeyed);
  // A series has got its name; true if a rule is about it.
  bool declared(StreamIx ix, const SeriesDecl& decl);

  [[nodiscard]] const ForgetRules& rules() const { return rules_; }
  [[nodiscard]] const Bytes& digest() const { return digest_; }
  // How often rules took effect: what was filtered before that may hold what the latest remove.
  [[nodiscard]] std::uint64_t generation() const { return generation_; }
  // Null if no rule is about any series of the stream.
  [[nodiscard]] const StreamRules* of(StreamIx ix) const;

  // Blocks of the stream from `first` on are to be looked at.
  void look_from(StreamIx ix, Seq first);
  // The first place to go on from in this round; and that it is behind the blocks before `next`, or the
  // stream is done, or waits for the next round.
  [[nodiscard]] std::optional<std::pair<StreamIx, Seq>> place() const;
  void go_on(StreamIx ix, Seq next);
  // Blocks with these dots have become one: if the place is among them, it goes back.
  void merged(StreamIx ix, Interval dots);
  void done(StreamIx ix) { places_.erase(ix); }
  void put_off(StreamIx ix) { put_off_.insert(ix); }
  // False if nothing was put off.
  bool begin_round() { return !std::exchange(put_off_, {}).empty(); }
  [[nodiscard]] bool all_looked_at() const { return places_.empty(); }

  // Streams of which a series got its name after blocks that use it may have come: the next batch says that
  // the store obeys nothing, until they are looked through.
  std::set<StreamIx> named_late;
  // The last that the store was told, durable.
  Bytes obeyed;
  bool under_way = false;  // A batch with blocks written anew, or with what is obeyed.
  // When to go on; none: nothing to do, or a batch is under way.
  std::optional<std::chrono::microseconds> look_at;

 private:
  const StreamTable& streams_;
  const Catalogue& series_;
  ForgetRules rules_;
  Bytes digest_;
  std::uint64_t generation_ = 0;
  std::vector<StreamRules> by_stream_;                      // By StreamIx.
  std::set<std::pair<DatasetId, std::string>> new_series_;  // That rules since take_effect() are about.
  std::map<StreamIx, Seq> places_;
  std::set<StreamIx> put_off_;
};

}  // namespace deltamesh
