// tests/engine/reconcile_fixture.h - two sides of a stream without a store, and the conversation between
// them.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <stdexcept>
#include <utility>

#include "engine/codec.h"
#include "engine/reconcile.h"
#include "tests/crdt/random.h"
#include "tests/engine/golden_messages.h"

namespace deltamesh::testing {

// Any dots of a stream of any length. The sum of the events up to n is a mixed number of n and the seed, so
// that of a range is a difference; events in `altered` are others than the seed's.
class SyntheticSource final : public RangeSource {
 public:
  explicit SyntheticSource(IntervalSet held, std::uint64_t seed = 1) : held_(std::move(held)), seed_(seed) {}
  void alter(Seq seq) { altered_.add({seq, seq}); }
  void alter(const IntervalSet& dots) { altered_.join(dots); }
  void hold(Interval dots) { held_.add(dots); }
  void lose(Interval dots) { held_.remove(dots); }
  [[nodiscard]] const IntervalSet& all() const { return held_; }
  [[nodiscard]] const IntervalSet& altered() const { return altered_; }

  Result<RangeSum> sum(Interval dots) override {
    const IntervalSet here = IntervalSet(dots).intersect(held_);
    RangeSum total{here.size(), {}};
    for (const Interval& run : here.intervals()) {
      total.fingerprint.add(up_to(run.last));
      total.fingerprint.subtract(up_to(run.first - 1));
    }
    for (const Interval& run : here.intersect(altered_).intervals()) {
      for (Seq seq = run.first; seq <= run.last; ++seq) total.fingerprint.add({~seed_, seq});
    }
    return total;
  }
  Result<IntervalSet> held(Interval dots) override { return IntervalSet(dots).intersect(held_); }

 private:
  [[nodiscard]] Fingerprint up_to(Seq seq) const {
    Random mixed(seq * 0x9E3779B97F4A7C15u ^ seed_);
    const std::uint64_t high = mixed.next();
    return {high, mixed.next()};
  }

  IntervalSet held_, altered_;
  std::uint64_t seed_;
};

// What crossed between the two sides, as frames.
struct Traffic {
  std::size_t round_trips = 0;
  std::size_t bytes = 0;
};

template <class T>
T over_the_wire(const T& message, Traffic& traffic) {
  const Bytes frame = encode(message);
  traffic.bytes += frame.size();
  auto decoded = decode(frame);
  if (!decoded) throw std::runtime_error(decoded.error().text);
  return std::get<T>((*decoded).value());
}

// Asks until there is nothing more to ask; the first question introduces the stream.
inline Status converse(Reconciler& a, RangeSource& source_a, RangeSource& source_b, Seq settled_b,
                       Traffic& traffic) {
  while (true) {
    auto question = a.ask(source_a);
    if (!question) return question.error();
    if (!*question) return Done{};
    if (traffic.round_trips++ == 0) (*question)->ref.stream = golden::gateway_stream();
    const auto heard = over_the_wire(**question, traffic);
    const auto answer = answer_ranges(heard, settled_b, source_b);
    if (!answer) return answer.error();
    if (const Status status = a.take(over_the_wire(*answer, traffic), source_a); !status) return status;
  }
}

inline Reconciled compare(RangeSource& a, RangeSource& b, Interval dots, Traffic& traffic) {
  Reconciler asker(dots);
  const Status status = converse(asker, a, b, dots.last, traffic);
  if (!status) throw std::runtime_error(status.error().text);
  return asker.result();
}

inline Reconciled compare(RangeSource& a, RangeSource& b, Interval dots) {
  Traffic traffic;
  return compare(a, b, dots, traffic);
}

}  // namespace deltamesh::testing
