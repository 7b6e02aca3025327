// crdt/knowledge.cc - pointwise maximum of what is known of each dot, and merges of sorted streams.
#include "crdt/knowledge.h"

#include <algorithm>
#include <cassert>

namespace deltamesh {
namespace {

using Entries = std::vector<Knowledge::Entry>;

bool says_nothing(const Knowledge::Entry& entry) {
  return entry.known.empty();
}

template <class Iterator>
Iterator find_stream(Iterator from, Iterator end, const StreamId& stream) {
  return std::lower_bound(
      from, end, stream, [](const Knowledge::Entry& entry, const StreamId& id) { return entry.stream < id; });
}

// As find_stream(), but at once where the two vectors list the same streams, as they mostly do.
template <class Iterator>
Iterator find_next(Iterator hint, Iterator end, const StreamId& stream) {
  return hint != end && hint->stream == stream ? hint : find_stream(hint, end, stream);
}

}  // namespace

void StreamKnowledge::hold(Interval dots) {
  held_.add(dots);
  dropped_.remove(dots);
  void_.remove(dots);
  lost_.remove(dots);
  head_ = std::max(head_, dots.last);
}

void StreamKnowledge::hold(const IntervalSet& dots) {
  held_.join(dots);
  dropped_ = dropped_.minus(dots);
  void_ = void_.minus(dots);
  lost_ = lost_.minus(dots);
  head_ = std::max(head_, dots.last());
}

void StreamKnowledge::declare_void(Interval dots) {
  declare_void(IntervalSet(dots));
}

void StreamKnowledge::declare_void(const IntervalSet& dots) {
  void_.join(dots.minus(held_));
  head_ = std::max(head_, dots.last());
}

void StreamKnowledge::declare_lost(const IntervalSet& dots) {
  declare_void(dots);
  lost_.join(dots.minus(held_));
}

void StreamKnowledge::declare_head(Seq head, Seq settled) {
  head_ = std::max(head_, head);
  settled_ = std::max(settled_, head == 0 ? 0 : std::min(settled, head + 1));
}

void StreamKnowledge::drop(Interval dots) {
  dropped_.add(dots);
  held_.remove(dots);
  head_ = std::max(head_, dots.last);
}

void StreamKnowledge::drop(const IntervalSet& dots) {
  dropped_.join(dots);
  held_ = held_.minus(dots);
  head_ = std::max(head_, dots.last());
}

bool StreamKnowledge::join(const StreamKnowledge& other) {
  bool grew = held_.join(other.held_);
  if (grew) {
    dropped_ = dropped_.minus(held_);
    void_ = void_.minus(held_);
    lost_ = lost_.minus(held_);
  }
  grew |= dropped_.join(other.dropped_.minus(held_));
  grew |= void_.join(other.void_.minus(held_));
  grew |= lost_.join(other.lost_.minus(held_));
  grew |= other.head_ > head_ || other.settled_ > settled_;
  head_ = std::max(head_, other.head_);
  settled_ = std::max(settled_, other.settled_);
  return grew;
}

IntervalSet StreamKnowledge::missing() const {
  if (head_ == 0) return {};
  return IntervalSet({1, head_}).minus(held_).minus(dropped_).minus(void_);
}

StreamKnowledge StreamKnowledge::shareable() const {
  StreamKnowledge shared = *this;
  shared.dropped_ = {};
  return shared;
}

StreamKnowledge StreamKnowledge::beyond(const StreamKnowledge& receiver) const {
  StreamKnowledge news;
  news.held_ = held_.minus(receiver.held_);
  news.lost_ = lost_.minus(receiver.held_).minus(receiver.lost_);
  news.void_ = void_.minus(receiver.held_).minus(receiver.void_);
  news.void_.join(news.lost_);
  news.head_ = std::max(news.held_.last(), news.void_.last());
  if (head_ > receiver.head_ || settled_ > receiver.settled_) news.declare_head(head_, settled_);
  return news;
}

const StreamKnowledge* Knowledge::find(const StreamId& stream) const {
  const auto found = find_stream(entries_.begin(), entries_.end(), stream);
  return found != entries_.end() && found->stream == stream ? &found->known : nullptr;
}

const StreamKnowledge* Knowledge::find(const StreamId& stream, std::uint32_t& place) const {
  if (place < entries_.size() && entries_[place].stream == stream) return &entries_[place].known;
  const auto found = find_stream(entries_.begin(), entries_.end(), stream);
  if (found == entries_.end() || !(found->stream == stream)) return nullptr;
  place = static_cast<std::uint32_t>(found - entries_.begin());
  return &found->known;
}

StreamKnowledge& Knowledge::at(const StreamId& stream) {
  const bool is_new_last = entries_.empty() || entries_.back().stream < stream;
  auto found = is_new_last ? entries_.end() : find_stream(entries_.begin(), entries_.end(), stream);
  if (is_new_last || !(found->stream == stream)) found = entries_.insert(found, Entry{stream, {}});
  return found->known;
}

void Knowledge::erase(const std::vector<StreamId>& gone) {
  auto next = gone.begin();
  std::erase_if(entries_, [&](const Entry& entry) {
    while (next != gone.end() && *next < entry.stream) ++next;
    return next != gone.end() && *next == entry.stream;
  });
}

bool Knowledge::holds(const Dot& dot) const {
  const StreamKnowledge* known = find(dot.stream);
  return known != nullptr && known->held().contains(dot.seq);
}

bool Knowledge::join(const Knowledge& other) {
  bool grew = false;
  Entries unmet;
  auto mine = entries_.begin();
  for (const Entry& theirs : other.entries_) {
    mine = find_next(mine, entries_.end(), theirs.stream);
    if (mine == entries_.end() || !(mine->stream == theirs.stream)) {
      if (!says_nothing(theirs)) unmet.push_back(theirs);
      continue;
    }
    grew |= mine->known.join(theirs.known);
    ++mine;
  }
  if (unmet.empty()) return grew;
  const auto met = static_cast<std::ptrdiff_t>(entries_.size());
  entries_.insert(entries_.end(), unmet.begin(), unmet.end());
  std::inplace_merge(entries_.begin(), entries_.begin() + met, entries_.end(),
                     [](const Entry& a, const Entry& b) { return a.stream < b.stream; });
  return true;
}

bool Knowledge::includes_held(const Knowledge& other) const {
  auto mine = entries_.begin();
  for (const Entry& theirs : other.entries_) {
    if (theirs.known.held().empty()) continue;
    mine = find_next(mine, entries_.end(), theirs.stream);
    if (mine == entries_.end() || !(mine->stream == theirs.stream)) return false;
    if (!mine++->known.held().includes(theirs.known.held())) return false;
  }
  return true;
}

Knowledge Knowledge::beyond(const Knowledge& receiver) const {
  Knowledge news;
  auto theirs = receiver.entries_.begin();
  for (const Entry& mine : entries_) {
    theirs = find_next(theirs, receiver.entries_.end(), mine.stream);
    const bool met = theirs != receiver.entries_.end() && theirs->stream == mine.stream;
    Entry entry{mine.stream, met ? mine.known.beyond(theirs++->known) : mine.known.shareable()};
    if (!says_nothing(entry)) news.entries_.push_back(std::move(entry));
  }
  return news;
}

bool Knowledge::empty() const {
  return std::all_of(entries_.begin(), entries_.end(), says_nothing);
}

bool operator==(const Knowledge& a, const Knowledge& b) {
  auto mine = a.entries_.begin(), theirs = b.entries_.begin();
  while (true) {
    mine = std::find_if_not(mine, a.entries_.end(), says_nothing);
    theirs = std::find_if_not(theirs, b.entries_.end(), says_nothing);
    if (mine == a.entries_.end() || theirs == b.entries_.end()) break;
    if (!(*mine++ == *theirs++)) return false;
  }
  return mine == a.entries_.end() && theirs == b.entries_.end();
}

}  // namespace deltamesh
