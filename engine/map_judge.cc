// engine/map_judge.cc - whether the entries that two sides have of a key may be what they are.
#include "engine/map_reconcile.h"

namespace deltamesh {

MapReconciler::Knows MapReconciler::a_knows(const Dot& dot) const {
  if (ours_.holds(dot)) return Knows::kYes;
  const LackingDots* const lacking = lacking_.find(dot.stream);
  return lacking != nullptr && lacking->a.first().contains(dot.seq) ? Knows::kNo : Knows::kUnsure;
}

// Of what A does not know itself, nothing was told that would last.
MapReconciler::Knows MapReconciler::b_knows(const Dot& dot) const {
  const LackingDots* const lacking = lacking_.find(dot.stream);
  if (lacking != nullptr && lacking->b.first().contains(dot.seq)) return Knows::kNo;
  const bool named =
      lacking == nullptr ? !lacking_.cut : !lacking->b.cut() || dot.seq < lacking->b.first().last();
  return named && ours_.holds(dot) ? Knows::kYes : Knows::kUnsure;
}

MapReconciler::Judgement MapReconciler::judge(const Pair& pair) const {
  const auto by = [](Knows loser_knows, bool excused = false) {
    if (loser_knows == Knows::kNo || excused) return Judgement::kExplained;
    return loser_knows == Knows::kYes ? Judgement::kDiffer : Judgement::kMoved;
  };
  const bool a_lives = pair.a != nullptr && !pair.a->entry->tombstone;
  const bool b_lives = pair.b != nullptr && !pair.b->tombstone;
  if (!a_lives && !b_lives) return Judgement::kExplained;  // Fingerprints do not tell of tombstones either.
  // A tombstone that has removed the live entry may have been collected, if the side with the entry lacks a
  // dot.
  if (pair.b == nullptr) return by(b_knows(pair.a->entry->version.dot), lacking_.a > 0);
  if (pair.a == nullptr) return by(a_knows(pair.b_version.dot), lacking_.b > 0);
  const MapVersion& ours = pair.a->entry->version;
  if (ours.dot == pair.b_version.dot) {
    const bool same = ours == pair.b_version && a_lives == b_lives && pair.a->print == pair.b->print;
    return same ? Judgement::kSame : Judgement::kDiffer;
  }
  return ours > pair.b_version ? by(b_knows(ours.dot)) : by(a_knows(pair.b_version.dot));
}

void MapReconciler::note(const std::string& key, Judgement judgement, bool live) {
  if (judgement == Judgement::kSame && live) ++result_.equal;
  if (judgement == Judgement::kDiffer) {
    ++result_.differ;
    if (result_.keys.size() < limits::kCompareKeysMax) result_.keys.push_back(key);
  }
  if (judgement != Judgement::kMoved) return;
  if (moved_.size() < limits::kRangesPendingMax) {
    moved_.push_back({key, key + '\0'});
  } else {
    ++result_.undecided;
  }
}

}  // namespace deltamesh
