// engine/compared.h - what came of comparing all streams and maps that two nodes share.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "engine/config.h"
#include "engine/map_compared.h"
#include "engine/reconciled.h"

namespace deltamesh {

// One connection, numbered by the driver; never reused within a run.
enum class PeerId : std::uint64_t {};
// One comparison that somebody here asked for.
enum class CompareId : std::uint64_t {};

// One stream, up to the number that both sides have settled. A is the node that asked, B its peer.
struct ComparedStream {
  StreamId stream;
  Reconciled found;
  std::uint64_t voided = 0;  // Of its dots, declared void by their writer as far as A knows.
  std::uint64_t a_gave_up = 0, b_gave_up = 0;  // Of what each side lacks, dots that it does not want.
  Status status = Done{};                      // Why it was not compared to its end.
};

struct Compared {
  CompareId id{};
  PeerId peer{};
  Identity remote;
  std::vector<ComparedStream> streams;  // Of telemetry.
  std::vector<ComparedMap> maps;
  Status status = Done{};  // Why it ended before all was compared.

  // Of all together: what was found counts, even if not all was compared.
  [[nodiscard]] Verdict verdict() const;
};

struct SessionStatus;

// The session with the node whose id begins with `digits`, the newest if there are several; without digits,
// with the only node that there is.
Result<PeerId> session_with(const std::vector<SessionStatus>& sessions, std::string_view digits);

}  // namespace deltamesh
