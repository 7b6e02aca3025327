// engine/past.cc - what a stream adds to a sum, and where sums differ.
#include "engine/past.h"

#include "crdt/fingerprint.h"
#include "crdt/varint.h"
#include "engine/raw_part.h"

namespace deltamesh {

bool is_over(const StreamKnowledge& known) {
  return known.closed() && known.missing().empty();
}

bool is_gone(const StreamKnowledge& known) {
  return known.held().empty() && is_over(known);
}

std::uint64_t past_sum(const StreamId& stream, const StreamKnowledge& known) {
  Bytes bytes;
  put_stream_id(bytes, stream);
  put_varint(bytes, known.head());
  known.voided().encode(bytes);
  known.lost().encode(bytes);
  Fingerprint sum;
  sum.add(bytes);
  return sum.low();
}

Pasts changed_sums(const Pasts& base, const Pasts& now) {
  Pasts out;
  for (const auto& [of, sums] : base) {
    if (!now.contains(of)) out.emplace(of, PastSums{});
  }
  for (const auto& [of, sums] : now) {
    const auto before = base.find(of);
    if (before == base.end() || before->second != sums) out.emplace(of, sums);
  }
  return out;
}

bool operator==(const OverStream& a, const OverStream& b) {
  const bool same_void =
      a.voided == b.voided || (a.voided != nullptr && b.voided != nullptr && *a.voided == *b.voided);
  return a.head == b.head && a.sum == b.sum && a.place == b.place && same_void;
}

PastDiff differing(const Pasts& ours, const Pasts& theirs, const std::set<DatasetId>& shared) {
  static constexpr PastSums kNone{};
  PastDiff out;
  std::uint32_t place = 0;
  std::size_t met = 0;
  for (const auto& [of, sums] : ours) {
    const auto at = theirs.find(of);
    if (at != theirs.end()) ++met;
    const PastSums& others = at == theirs.end() ? kNone : at->second;
    for (std::size_t part = 0; part < kPastParts; ++part, ++place) {
      if (sums[part] != others[part] && shared.contains(of.dataset)) out.places.push_back(place);
    }
  }
  out.some = !out.places.empty() || met < theirs.size();
  return out;
}

}  // namespace deltamesh
