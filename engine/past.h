// engine/past.h - streams that are over, told in sums.
//
// Each start of a machine may leave a closed stream behind, and a fleet has many. Where nothing is missing of
// one, there is mostly nothing left to say of it: nodes tell each other sums over such streams, and name only
// those whose sums are not the same (docs/decisions/0015-streams-that-are-over-are-told-in-sums.md).
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <vector>

#include "crdt/knowledge.h"

namespace deltamesh {

// Whose streams a group of sums is about.
struct PastOf {
  DatasetId dataset{};
  NodeId node;
  friend auto operator<=>(const PastOf&, const PastOf&) = default;
};

// The streams of one writer in one dataset fall into so many parts by their incarnations, which are random.
inline constexpr std::size_t kPastParts = 16;
using PastSums = std::array<std::uint64_t, kPastParts>;  // 0: none that is over.
using Pasts = std::map<PastOf, PastSums>;

[[nodiscard]] inline std::size_t past_part(const StreamId& stream) {
  return stream.incarnation.bytes[0] >> 4;
}

// Whether `known` is all that there will ever be of its stream: closed, and nothing is missing.
[[nodiscard]] bool is_over(const StreamKnowledge& known);

// The same, and nothing of it is held here: data of it can be given to nobody, and none is wanted.
[[nodiscard]] bool is_gone(const StreamKnowledge& known);

// What a stream that is over adds to its sum: its id, its head, and which dots are void or lost. Whether the
// rest is held or dropped does not count: neither side lacks any of it.
[[nodiscard]] std::uint64_t past_sum(const StreamId& stream, const StreamKnowledge& known);

// A stream that stands in a sum. By StreamIx there is one for each stream, most of them of none.
struct OverStream {
  Seq head = 0;  // 0: it is not over.
  std::uint64_t sum = 0;
  std::uint32_t place = 0;  // Of the sum that it stands in: that of PastOf times kPastParts, plus the part.
  std::shared_ptr<const IntervalSet> voided;  // Dots that are void; null: none.
};
[[nodiscard]] bool operator==(const OverStream& a, const OverStream& b);

// What of `now` is not as in `base`; what is gone from there, as no sums.
[[nodiscard]] Pasts changed_sums(const Pasts& base, const Pasts& now);

// Where the sums of two sides are not the same, in datasets that both share.
struct PastDiff {
  bool some = false;
  std::vector<std::uint32_t> places;  // Of ours, ascending.
};
[[nodiscard]] PastDiff differing(const Pasts& ours, const Pasts& theirs, const std::set<DatasetId>& shared);

}  // namespace deltamesh
