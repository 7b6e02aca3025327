// engine/reconciled.cc - findings kept within their bound, and the verdict in words.
#include "engine/reconciled.h"

#include <algorithm>

#include "engine/limits.h"

namespace deltamesh {
namespace {

constexpr std::size_t kRunsInTextMax = 10;

std::string to_text(Interval run) {
  const std::string first = std::to_string(run.first);
  return run.first == run.last ? first : first + "-" + std::to_string(run.last);
}

std::string equal_text(const Reconciled& result, std::uint64_t voided) {
  const std::string to = std::to_string(result.dots.last);
  const std::uint64_t neither = result.neither();
  if (neither <= voided) return "equal and complete to " + to;
  return "equal to " + to + "; neither holds " + std::to_string(neither - voided) + " of the dots";
}

std::string opening(const Reconciled& result) {
  switch (result.verdict()) {
    case Verdict::kDiffer: return "differ at " + to_text(result.differ);
    case Verdict::kUndecided: return "undecided";
    default: return "equal where both hold";
  }
}

}  // namespace

std::string to_text(const DotFindings& findings) {
  const auto& runs = findings.first().intervals();
  const std::size_t shown = std::min(runs.size(), kRunsInTextMax);
  std::string text;
  for (std::size_t i = 0; i < shown; ++i) text += (i == 0 ? "" : ", ") + to_text(runs[i]);
  if (shown < runs.size() || findings.cut()) text += ", ...";
  return text + " (" + std::to_string(findings.total()) + (findings.total() == 1 ? " dot)" : " dots)");
}

void DotFindings::add(Interval dots) {
  total_ += dots.size();
  if (dots.last > named_to_) cut_ = true;
  if (dots.first > named_to_) return;
  first_.add({dots.first, std::min(dots.last, named_to_)});
  if (first_.intervals().size() <= limits::kReconcileRunsMax) return;
  const Interval last = first_.intervals().back();
  first_.remove(last);
  named_to_ = last.first - 1;
  cut_ = true;
}

void DotFindings::add(const IntervalSet& dots) {
  for (const Interval& run : dots.intervals()) add(run);
}

void DotFindings::add(const DotFindings& later) {
  const std::uint64_t total = total_ + later.total_;
  add(later.first_);
  total_ = total;
  if (!later.cut_) return;
  cut_ = true;
  named_to_ = std::min(named_to_, later.named_to_);
}

void Reconciled::add(const Reconciled& part) {
  equal += part.equal;
  a_lacks.add(part.a_lacks);
  b_lacks.add(part.b_lacks);
  differ.add(part.differ);
  undecided.add(part.undecided);
  questions += part.questions;
}

Verdict Reconciled::verdict() const {
  if (!differ.empty()) return Verdict::kDiffer;
  if (!undecided.empty()) return Verdict::kUndecided;
  return a_lacks.empty() && b_lacks.empty() ? Verdict::kEqual : Verdict::kEqualWhereBothHold;
}

std::uint64_t Reconciled::neither() const {
  return dots.size() - equal - a_lacks.total() - b_lacks.total() - differ.total();
}

std::string describe(const Reconciled& result, std::string_view a, std::string_view b, std::uint64_t voided) {
  if (result.verdict() == Verdict::kEqual) return equal_text(result, voided);
  std::string text = opening(result);
  if (!result.a_lacks.empty()) text += "; " + std::string(a) + " lacks " + to_text(result.a_lacks);
  if (!result.b_lacks.empty()) text += "; " + std::string(b) + " lacks " + to_text(result.b_lacks);
  if (!result.undecided.empty()) text += "; not compared: " + to_text(result.undecided);
  return text;
}

}  // namespace deltamesh
