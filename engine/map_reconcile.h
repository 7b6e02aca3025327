// engine/map_reconcile.h - one map, compared between two sides by what they know and what they have.
//
// One side asks; the other answers and remembers nothing. First each writer's dots: the asker says the digest
// of its knowledge, and hears that it is the same or what the other side knows. Then ranges of keys, each
// with the number and the fingerprint of its live entries: equal; or, of few keys, every entry with its
// version; or the sums of smaller ranges. What is unequal is cut until it is entries.
//
// A map is written all the time, and nothing of it settles. But a node that knows a write has, for its key,
// that write or a later one, and so for ever. What each side knew was asked before any entry; so whoever has
// the older of two entries, and knew the newer, has lost it: they differ, whatever came since. If it did not
// know it, that explains the difference. A key whose entries neither explains has changed meanwhile; once all
// else is compared it is looked at again, with what is known by then, and if it still moves it is undecided.
//
// No clock and no I/O, as engine/reconcile.h.
#pragma once

#include <optional>
#include <vector>

#include "engine/limits.h"
#include "engine/map_compared.h"
#include "engine/map_ranges.h"

namespace deltamesh {

// A map as it is at one moment.
struct MapSide {
  const LwwMap& map;
  const MapRanges& ranges;
};

// The digest of which dots of a map are known: equal for equal ones.
Bytes digest_of(const Knowledge& known);

// The answer to a question that codec.h has decoded. Its frame is within limits.
message::MapAnswer answer_map(const message::MapQuestion& question, const MapSide& side);
// The same without an answer.
message::MapAnswer no_answer(const message::MapQuestion& question, message::MapAnswer::Kind why);

// The side that asks: ask() and take() in turn until ask() has no more questions. However a peer answers, the
// questions end and what is kept is bounded (engine/limits.h).
class MapReconciler {
 public:
  struct Bounds {
    std::uint32_t questions = limits::kReconcileRoundsMax;
    std::uint64_t lacking = ~std::uint64_t{0};  // If both sides lack more, entries are not looked at.
  };
  MapReconciler(DatasetId dataset, Bounds bounds);

  // The next question; nullopt: all is compared.
  std::optional<message::MapQuestion> ask(const MapSide& side);
  // The answer to the last question, which is one (Kind::kAnswer). An error: the peer broke the rules.
  Status take(const message::MapAnswer& answer, const MapSide& side);
  // The last question was not answered; ask() asks it again.
  void retry();

  [[nodiscard]] const ComparedMap& result() const { return result_; }
  [[nodiscard]] DatasetId dataset() const { return result_.dataset; }
  // What comparing has cost here, as limits::kMapRangeWork counts.
  [[nodiscard]] std::uint64_t work() const { return work_; }

 private:
  struct Pending {
    message::KeyRange keys;
    bool unequal = false;
  };
  // A key with the entries that the two sides have; one of them has one at least.
  struct Pair {
    const MapRanges::Item* a = nullptr;
    const message::MapAnswer::Entry* b = nullptr;
    MapVersion b_version;
  };
  enum class Judgement : std::uint8_t { kSame, kExplained, kMoved, kDiffer };
  enum class Knows : std::uint8_t { kNo, kYes, kUnsure };

  void begin_look(const MapSide& side);
  bool look_again(const MapSide& side);
  void give_up();
  void keep_found();
  void fill(message::MapQuestion& question, const MapSide& side);

  Status take_knowledge(const message::MapAnswer& answer);
  void take_known(const message::MapAnswer& answer);
  Status take_part(const message::MapQuestion::Range& asked, const message::MapAnswer& answer,
                   const message::MapAnswer::Part& part, const MapSide& side);
  Status take_entries(const message::KeyRange& keys, const message::MapAnswer& answer,
                      const message::MapAnswer::Entries& entries, const MapSide& side);
  Status take_cells(const message::KeyRange& keys, const message::MapAnswer::Cells& cells,
                    const MapSide& side);

  [[nodiscard]] Knows a_knows(const Dot& dot) const;
  [[nodiscard]] Knows b_knows(const Dot& dot) const;
  [[nodiscard]] Judgement judge(const Pair& pair) const;
  void note(const std::string& key, Judgement judgement, bool live);

  Bounds bounds_;
  ComparedMap result_;
  std::uint64_t work_ = 0;

  // This look: what we knew at its begin, and what that and the peer's knowledge lack.
  Knowledge ours_;
  Bytes digest_;
  Lacking lacking_;
  bool knowing_ = true;            // The peer's is not told to its end yet;
  std::optional<StreamId> after_;  // it is up to here.
  bool second_ = false;

  std::vector<Pending> pending_;                    // Descending: the lowest is asked about first.
  std::vector<message::MapQuestion::Range> asked_;  // Ascending.
  std::vector<Pending> found_;                      // By this answer; ascending.
  std::vector<message::KeyRange> moved_;            // To be looked at again.
};

}  // namespace deltamesh
