// ingest/event_queue.cc - numbers, and what waits and what is under way.
#include "ingest/event_queue.h"

#include <algorithm>
#include <iterator>
#include <string>
#include <utility>
#include <variant>

#include "ingest/limits.h"

namespace deltamesh {

std::size_t memory_bytes(const NamedEvent& event) {
  std::size_t bytes = sizeof(EventQueue::Item);
  for (const NamedReading& reading : event.readings) {
    bytes += sizeof(NamedReading) + reading.series.size() + reading.unit.size();
    if (const auto* text = std::get_if<std::string>(&reading.value)) bytes += text->size();
    if (const auto* raw = std::get_if<Bytes>(&reading.value)) bytes += raw->size();
  }
  return bytes;
}

std::uint64_t EventQueue::push(NamedEvent event) {
  waiting_.push_back({++last_, std::move(event)});
  return last_;
}

const EventQueue::Items* EventQueue::start_write(Time now) {
  if (waiting_.empty() || untaken_ || now < not_before_) return nullptr;
  Items items;
  std::size_t readings = 0;
  while (!waiting_.empty() && items.size() < next_events_) {
    readings += waiting_.front().event.readings.size();
    if (readings > limits::kBatchReadingsMax && !items.empty()) break;
    items.push_back(std::move(waiting_.front()));
    waiting_.pop_front();
  }
  untaken_ = items.front().number;
  return &writes_.emplace(*untaken_, std::move(items)).first->second;
}

std::optional<EventQueue::Time> EventQueue::write_due() const {
  return waiting_.empty() || untaken_ ? std::nullopt : std::optional(not_before_);
}

void EventQueue::taken(std::uint64_t write) {
  if (untaken_ == write) untaken_.reset();
  next_events_ = std::min(events_max_, next_events_ * 2);
}

EventQueue::Items EventQueue::finish(std::uint64_t write) {
  if (untaken_ == write) untaken_.reset();
  return std::move(writes_.extract(write).mapped());
}

void EventQueue::retry(Items items, Time not_before) {
  not_before_ = not_before;
  put_back(std::move(items));
}

void EventQueue::halve(Items items) {
  next_events_ = std::max<std::size_t>(1, items.size() / 2);
  put_back(std::move(items));
}

void EventQueue::put_back(Items items) {
  const auto before = static_cast<std::ptrdiff_t>(waiting_.size());
  waiting_.insert(waiting_.end(), std::make_move_iterator(items.begin()),
                  std::make_move_iterator(items.end()));
  std::inplace_merge(waiting_.begin(), waiting_.begin() + before, waiting_.end(),
                     [](const Item& a, const Item& b) { return a.number < b.number; });
}

std::uint64_t EventQueue::first_unsettled() const {
  std::uint64_t first = last_ + 1;
  if (!waiting_.empty()) first = waiting_.front().number;
  if (!writes_.empty()) first = std::min(first, writes_.begin()->first);
  return first;
}

}  // namespace deltamesh
