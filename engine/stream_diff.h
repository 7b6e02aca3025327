// engine/stream_diff.h - one stream of two stores, walked side by side in dot order; part of store_diff.
//
// The stores may have cut the stream into blocks differently. Where both have the same bytes at the same
// place and their series have the same names, the events are the same and are not looked at one by one.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "engine/block_cursor.h"
#include "engine/forget.h"
#include "engine/store_diff.h"

namespace deltamesh {

// The declarations of one stream in both stores, and which of them events use.
class SeriesPairs {
 public:
  struct Pair {
    const SeriesDecl* a = nullptr;
    const SeriesDecl* b = nullptr;
    bool used = false;
    [[nodiscard]] bool same_name() const;
  };
  void declare_a(const SeriesDecl& decl) { pairs_[decl.number].a = &decl; }
  void declare_b(const SeriesDecl& decl) { pairs_[decl.number].b = &decl; }
  // Notes that events use `numbers`; true if each has a name and both stores agree on it.
  bool use(const std::vector<SeriesNo>& numbers);
  [[nodiscard]] const std::map<SeriesNo, Pair>& pairs() const { return pairs_; }

 private:
  std::map<SeriesNo, Pair> pairs_;
};

class StreamDiff {
 public:
  // Findings go into `out`, what is equal into `counts`; the declarations and the rules must outlive this.
  // What the rules remove counts for neither store, whether it is still there or not.
  StreamDiff(const StreamId& stream, SeriesPairs pairs, const ForgetRules& rules, const DiffOptions& options,
             StoreDiff& out, DatasetCounts& counts)
      : stream_(stream),
        pairs_(std::move(pairs)),
        rules_(rules),
        keep_(options.findings_max),
        out_(out),
        counts_(counts) {}

  // Meets all events of both.
  Status walk(BlockCursor& a, BlockCursor& b);

  // After walk(): the dots that each store has, and the findings about them. `check_held`: whether each held
  // dot must have its event.
  void judge_dots(const StreamKnowledge& known_a, const StreamKnowledge& known_b, bool check_held);
  void judge_series();

 private:
  Status step(BlockCursor& a, BlockCursor& b);
  Status meet(BlockCursor& a, BlockCursor& b);
  Status enter_block(const BlockCursor& cursor, IntervalSet& dots, bool& agreed);
  void compare(Seq seq, Event a, Event b);
  bool is_forgotten(const SeriesDecl* decl, const Event& event) const;
  void strip(Event& event, const SeriesDecl* SeriesPairs::Pair::*side) const;
  [[nodiscard]] bool may_forget(const BlockSummary& summary) const;
  std::uint64_t compare_values(const Dot& dot, const Event& a, const Event& b);
  void add_lone(Findings<LoneDots>& findings, const IntervalSet& lone, const StreamKnowledge& other);
  void add_disagreements(Disagreement::Store store, const IntervalSet& dots, const IntervalSet& held);

  StreamId stream_;
  SeriesPairs pairs_;
  const ForgetRules& rules_;
  std::size_t keep_;
  StoreDiff& out_;
  DatasetCounts& counts_;
  IntervalSet dots_a_, dots_b_;
  bool agreed_a_ = false, agreed_b_ = false;  // On the names of the series of the block under each cursor.
};

}  // namespace deltamesh
