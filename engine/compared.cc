// engine/compared.cc - the verdict over many streams and maps, and whom to compare with.
#include "engine/compared.h"

#include <algorithm>

#include "engine/session.h"

namespace deltamesh {

Verdict Compared::verdict() const {
  bool differ = false, lack = false, whole = status.ok();
  const auto count = [&](Verdict verdict, bool lacks, bool to_the_end) {
    differ |= verdict == Verdict::kDiffer;
    lack |= lacks;
    whole &= to_the_end && verdict != Verdict::kUndecided;
  };
  for (const ComparedStream& one : streams)
    count(one.found.verdict(), !one.found.a_lacks.empty() || !one.found.b_lacks.empty(), one.status.ok());
  for (const ComparedMap& one : maps) count(one.verdict(), !one.lacking.empty(), one.status.ok());
  if (differ) return Verdict::kDiffer;
  if (lack) return Verdict::kEqualWhereBothHold;
  return whole ? Verdict::kEqual : Verdict::kUndecided;
}

Result<PeerId> session_with(const std::vector<SessionStatus>& sessions, std::string_view digits) {
  const SessionStatus* found = nullptr;
  for (const SessionStatus& session : sessions) {
    if (session.phase != SessionPhase::kLive || !hex(session.remote.node.bytes).starts_with(digits)) continue;
    if (found != nullptr && found->remote.node != session.remote.node)
      return Error{ErrorCode::kInvalid,
                   "more than one node is in session: name the peer by more of its digits"};
    found = &session;
  }
  if (found != nullptr) return found->peer;
  return Error{ErrorCode::kNotFound,
               "no node " + std::string(digits) + (digits.empty() ? "is" : " is") + " in session"};
}

}  // namespace deltamesh
