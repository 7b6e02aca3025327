// engine/compared.cc - the verdict over many streams, and whom to compare with.
#include "engine/compared.h"

#include <algorithm>

#include "engine/session.h"

namespace deltamesh {

Verdict Compared::verdict() const {
  const auto any = [this](Verdict verdict) {
    return std::any_of(streams.begin(), streams.end(),
                       [&](const auto& one) { return one.found.verdict() == verdict; });
  };
  const auto lacks = [](const ComparedStream& one) {
    return !one.found.a_lacks.empty() || !one.found.b_lacks.empty();
  };
  const auto failed = [](const ComparedStream& one) { return !one.status.ok(); };
  if (any(Verdict::kDiffer)) return Verdict::kDiffer;
  if (std::any_of(streams.begin(), streams.end(), lacks)) return Verdict::kEqualWhereBothHold;
  const bool whole = status.ok() && std::none_of(streams.begin(), streams.end(), failed);
  return whole && !any(Verdict::kUndecided) ? Verdict::kEqual : Verdict::kUndecided;
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
