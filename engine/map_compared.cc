// engine/map_compared.cc - the findings of a map kept within their bound, and the verdict in words.
#include "engine/map_compared.h"

#include <algorithm>

#include "engine/limits.h"
#include "engine/validate.h"

namespace deltamesh {
namespace {

constexpr std::size_t kWritersInTextMax = 5;
constexpr std::size_t kKeysInTextMax = 10;
constexpr std::size_t kKeyInTextBytesMax = 80;

std::string name_of(const StreamId& stream) {
  return hex(stream.node.bytes).substr(0, 8) + "." + hex(stream.incarnation.bytes).substr(0, 8);
}

// "; A lacks 5-9 (5 dots) of 3f9a1c22.a0b1c2d3, 7 (1 dot) of ..."
std::string lacks_text(const Lacking& lacking, std::string_view who, DotFindings LackingDots::*side) {
  std::string text;
  std::size_t shown = 0;
  bool more = lacking.cut;
  for (const LackingDots& one : lacking.first) {
    if ((one.*side).empty()) continue;
    more |= shown == kWritersInTextMax;
    if (shown == kWritersInTextMax) break;
    text += (shown++ == 0 ? "" : ", ") + to_text(one.*side) + " of " + name_of(one.stream);
  }
  return "; " + std::string(who) + " lacks " + text + (more ? ", ..." : "");
}

std::string keys_text(const ComparedMap& result) {
  std::string text;
  const std::size_t shown = std::min(result.keys.size(), kKeysInTextMax);
  for (std::size_t i = 0; i < shown; ++i)
    text += (i == 0 ? "" : ", ") + presentable(result.keys[i], kKeyInTextBytesMax);
  if (shown < result.differ) text += ", ...";
  return text + " (" + std::to_string(result.differ) + (result.differ == 1 ? " key)" : " keys)");
}

std::string opening(const ComparedMap& result) {
  switch (result.verdict()) {
    case Verdict::kDiffer: return "differ at " + keys_text(result);
    case Verdict::kUndecided: return "undecided";
    case Verdict::kEqual: return "equal";
    default: return "equal where both know";
  }
}

}  // namespace

void Lacking::add(LackingDots more) {
  a += more.a.total();
  b += more.b.total();
  if (first.size() < limits::kCompareWritersMax) {
    first.push_back(std::move(more));
  } else {
    cut = true;
  }
}

const LackingDots* Lacking::find(const StreamId& stream) const {
  const auto at = std::lower_bound(first.begin(), first.end(), stream,
                                   [](const LackingDots& one, const StreamId& s) { return one.stream < s; });
  return at != first.end() && at->stream == stream ? &*at : nullptr;
}

Verdict ComparedMap::verdict() const {
  if (differ > 0) return Verdict::kDiffer;
  if (undecided > 0 || !status.ok()) return Verdict::kUndecided;
  return lacking.empty() ? Verdict::kEqual : Verdict::kEqualWhereBothHold;
}

std::string describe(const ComparedMap& result, std::string_view a, std::string_view b) {
  std::string text = opening(result);
  if (result.lacking.a > 0) text += lacks_text(result.lacking, a, &LackingDots::a);
  if (result.lacking.b > 0) text += lacks_text(result.lacking, b, &LackingDots::b);
  if (result.undecided > 0)
    text += "; " + std::to_string(result.undecided) + " keys or ranges were not compared";
  return text;
}

}  // namespace deltamesh
