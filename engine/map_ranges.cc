// engine/map_ranges.cc - runs of neighbouring entries, their sums, and where to cut them.
#include "engine/map_ranges.h"

#include <algorithm>

#include "engine/limits.h"

namespace deltamesh {
namespace {

using message::KeyRange;
using message::RangeSum;
using Item = MapRanges::Item;

void add(RangeSum& sum, const Fingerprint& print) {
  if (print == Fingerprint()) return;  // A tombstone.
  ++sum.count;
  sum.fingerprint.add(print);
}

void subtract(RangeSum& sum, const Fingerprint& print) {
  if (print == Fingerprint()) return;
  --sum.count;
  sum.fingerprint.subtract(print);
}

RangeSum sum_of(const std::vector<Item>& items, std::size_t first, std::size_t end) {
  RangeSum sum;
  for (std::size_t i = first; i < end; ++i) add(sum, items[i].print);
  return sum;
}

bool before(const Item& item, std::string_view key) {
  return item.entry->key < key;
}

// The shortest text that is above `below` and not above `key`.
std::string between(std::string_view below, std::string_view key) {
  const auto differ = std::mismatch(below.begin(), below.end(), key.begin(), key.end()).second;
  return std::string(key.begin(), differ + 1);
}

}  // namespace

// The last run that begins at or below the key, or the first one.
std::size_t MapRanges::run_of(std::string_view key) const {
  const auto above =
      std::upper_bound(runs_.begin(), runs_.end(), key,
                       [](std::string_view k, const auto& run) { return k < run->items.front().entry->key; });
  return above == runs_.begin() ? 0 : static_cast<std::size_t>(above - runs_.begin()) - 1;
}

// Of the first entry that is not below the key; in the run where it would stand.
MapRanges::Place MapRanges::place_of(std::string_view key) const {
  if (runs_.empty()) return {};
  const std::size_t run = run_of(key);
  const auto& items = runs_[run]->items;
  const auto at = std::lower_bound(items.begin(), items.end(), key, before);
  return {run, static_cast<std::size_t>(at - items.begin())};
}

MapRanges::Place MapRanges::end_of(const KeyRange& range) const {
  return range.to.empty() ? Place{runs_.size(), 0} : place_of(range.to);
}

void MapRanges::take(const MapEntry& entry) {
  if (runs_.empty()) runs_.push_back(std::make_unique<Run>());
  const Fingerprint print = fingerprint_entry(entry);
  const std::size_t number = runs_[0]->items.empty() ? 0 : run_of(entry.key);
  Run& run = *runs_[number];
  const auto at = std::lower_bound(run.items.begin(), run.items.end(), entry.key, before);
  if (at != run.items.end() && at->entry == &entry) {
    subtract(run.sum, at->print);
    at->print = print;
  } else {
    run.items.insert(at, {&entry, print});
  }
  add(run.sum, print);
  if (run.items.size() > limits::kMapRunItemsMax) split(number);
}

void MapRanges::drop(std::string_view key) {
  if (runs_.empty()) return;
  const std::size_t number = run_of(key);
  Run& run = *runs_[number];
  const auto at = std::lower_bound(run.items.begin(), run.items.end(), key, before);
  if (at == run.items.end() || at->entry->key != key) return;
  subtract(run.sum, at->print);
  run.items.erase(at);
  if (run.items.empty()) runs_.erase(runs_.begin() + static_cast<std::ptrdiff_t>(number));
}

void MapRanges::split(std::size_t number) {
  Run& run = *runs_[number];
  const auto middle = run.items.begin() + static_cast<std::ptrdiff_t>(run.items.size() / 2);
  auto upper = std::make_unique<Run>();
  upper->items.assign(middle, run.items.end());
  upper->sum = sum_of(upper->items, 0, upper->items.size());
  run.items.erase(middle, run.items.end());
  run.sum = sum_of(run.items, 0, run.items.size());
  runs_.insert(runs_.begin() + static_cast<std::ptrdiff_t>(number) + 1, std::move(upper));
}

template <class Each>
void MapRanges::for_each_run(const KeyRange& range, Each each) const {
  const Place from = place_of(range.from), to = end_of(range);
  for (std::size_t i = from.run; i < runs_.size() && i <= to.run; ++i) {
    const std::size_t first = i == from.run ? from.item : 0;
    const std::size_t end = i == to.run ? to.item : runs_[i]->items.size();
    if (first < end) each(*runs_[i], first, end);
  }
}

RangeSum MapRanges::sum(const KeyRange& range) const {
  RangeSum total;
  for_each_run(range, [&](const Run& run, std::size_t first, std::size_t end) {
    const bool whole = end - first == run.items.size();
    const RangeSum part = whole ? run.sum : sum_of(run.items, first, end);
    total.count += part.count;
    total.fingerprint.add(part.fingerprint);
  });
  return total;
}

std::size_t MapRanges::count(const KeyRange& range) const {
  std::size_t total = 0;
  for_each_run(range, [&](const Run&, std::size_t first, std::size_t end) { total += end - first; });
  return total;
}

std::vector<Item> MapRanges::items(const KeyRange& range) const {
  std::vector<Item> all;
  for_each_run(range, [&](const Run& run, std::size_t first, std::size_t end) {
    const auto begin = run.items.begin();
    all.insert(all.end(), begin + static_cast<std::ptrdiff_t>(first),
               begin + static_cast<std::ptrdiff_t>(end));
  });
  return all;
}

std::vector<KeyRange> MapRanges::cut(const KeyRange& range, std::size_t parts) const {
  const std::size_t total = count(range);
  const std::size_t cells = std::min(parts, total);
  std::vector<KeyRange> out{range};
  std::size_t passed = 0;
  const MapEntry* last = nullptr;  // The entry before this run.
  for_each_run(range, [&](const Run& run, std::size_t first, std::size_t end) {
    while (out.size() < cells) {
      const std::size_t next = out.size() * total / cells;  // The entry that begins the next cell.
      if (next >= passed + (end - first)) break;
      const std::size_t at = first + (next - passed);
      const MapEntry& below = at == first ? *last : *run.items[at - 1].entry;
      out.back().to = between(below.key, run.items[at].entry->key);
      out.push_back({out.back().to, range.to});
    }
    passed += end - first;
    last = run.items[end - 1].entry;
  });
  return out;
}

}  // namespace deltamesh
