// engine/reconciled.h - what came of comparing one stream between two sides, and how to say it.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

#include "crdt/interval_set.h"

namespace deltamesh {

// Dots of one kind: all of them counted, the first runs named. What is named is exact up to its last dot.
class DotFindings {
 public:
  void add(Interval dots);  // Disjoint from all that was added.
  void add(const IntervalSet& dots);
  void add(const DotFindings& later);  // Of dots behind all that was added.
  [[nodiscard]] bool empty() const { return total_ == 0; }
  [[nodiscard]] std::uint64_t total() const { return total_; }
  [[nodiscard]] const IntervalSet& first() const { return first_; }
  [[nodiscard]] bool cut() const { return cut_; }  // There are more than first().

 private:
  IntervalSet first_;
  std::uint64_t total_ = 0;
  Seq named_to_ = std::numeric_limits<Seq>::max();
  bool cut_ = false;
};

// "5-9, 12 (6 dots)"
std::string to_text(const DotFindings& findings);

enum class Verdict : std::uint8_t {
  kEqual,               // Both hold the same dots, with the same events.
  kEqualWhereBothHold,  // One side or both lack dots of the other.
  kDiffer,     // Of some dots they hold different events. Found is found, even if not all was compared.
  kUndecided,  // Not all was compared, and no different events were found.
};

// A is the side that asked, B its peer.
struct Reconciled {
  Interval dots;            // What was to be compared.
  std::uint64_t equal = 0;  // Events that are the same on both sides.
  DotFindings a_lacks, b_lacks;
  DotFindings differ;     // Both hold an event of this dot, and not the same one.
  DotFindings undecided;  // Ranges that changed meanwhile or did not fit into the bounds.
  std::uint32_t questions = 0;

  [[nodiscard]] Verdict verdict() const;
  // Dots that neither side holds; only if nothing is undecided.
  [[nodiscard]] std::uint64_t neither() const;

  // Adds the findings of a later part of the same dots.
  void add(const Reconciled& part);
};

// The verdict in words: "equal and complete to 1000", "equal where both hold; A lacks 5-9 (5 dots)", "differ
// at 7 (1 dot)". `voided`: how many of the dots their writer has declared void; equal sides that lack no
// other are complete.
std::string describe(const Reconciled& result, std::string_view a, std::string_view b,
                     std::uint64_t voided = 0);

}  // namespace deltamesh
