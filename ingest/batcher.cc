// ingest/batcher.cc - the queues behind Batcher and the thread that writes from them.
#include "ingest/batcher.h"

#include <algorithm>
#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "ingest/event_queue.h"

namespace deltamesh {
namespace {

using Clock = std::chrono::steady_clock;
using Items = EventQueue::Items;

bool worth_another_try(ErrorCode code) {
  return code == ErrorCode::kFull || code == ErrorCode::kIo;
}

// The next event would be refused for the same reason.
bool concerns_all(ErrorCode code) {
  return code == ErrorCode::kClosed || code == ErrorCode::kNotFound;
}

Refused to_refused(const Error& error) {
  switch (error.code) {
    case ErrorCode::kLimit: return {Refusal::kDatasetFull, error.text};
    case ErrorCode::kClosed: return {Refusal::kClosed, error.text};
    default: return {Refusal::kRefusedByNode, error.text};
  }
}

std::vector<NamedEvent> events_of(const Items& items) {
  std::vector<NamedEvent> events;
  events.reserve(items.size());
  for (const auto& item : items) events.push_back(item.event);
  return events;
}

std::uint64_t count_readings(const Items& items) {
  std::uint64_t readings = 0;
  for (const auto& item : items) readings += item.event.readings.size();
  return readings;
}

}  // namespace

class Batcher::Core : public std::enable_shared_from_this<Batcher::Core> {
 public:
  Core(WriteSink& sink, IngestCounters& counters, BatchSettings settings)
      : sink_(sink), counters_(counters), settings_(settings) {}

  void push(DatasetId dataset, NamedEvent event, bool until_durable);
  void release();
  void run();
  std::size_t stop(std::chrono::milliseconds patience);
  std::size_t unacknowledged();

 private:
  struct Queue {
    explicit Queue(std::size_t events_max) : events(events_max) {}
    EventQueue events;
    std::uint64_t urgent = 0;  // Up to this number somebody waits for durability.
  };
  // What the worker does next, without the lock.
  struct Work {
    DatasetId dataset{};
    const Items* write = nullptr;
    bool flush = false;
  };
  using Lock = std::unique_lock<std::mutex>;

  [[nodiscard]] bool has_room() const;
  void wait_for_room(Lock& lock);
  Queue& queue(DatasetId dataset);
  std::optional<Work> next_work(Clock::time_point now);
  void wait_for_work(Lock& lock);
  void carry_out(const Work& work);
  void taken(DatasetId dataset, std::uint64_t write);
  void finished(DatasetId dataset, std::uint64_t write, const Status& status);
  void failed(EventQueue& events, Items items, const Error& error);
  void settle(const Items& items);

  WriteSink& sink_;
  IngestCounters& counters_;
  const BatchSettings settings_;
  std::mutex mutex_;
  std::condition_variable work_;      // For the worker.
  std::condition_variable progress_;  // For whoever waits for room or durability.
  std::map<DatasetId, Queue> queues_;
  std::size_t unacknowledged_ = 0;  // Events, and about the memory that they take.
  std::size_t unacknowledged_bytes_ = 0;
  bool flush_due_ = false;  // What the node has taken shall not wait for company.
  bool released_ = false;
  bool closing_ = false;  // Takes nothing more.
  bool stopped_ = false;  // Touches sink and counters no more.
};

bool Batcher::Core::has_room() const {
  return unacknowledged_ < settings_.unacknowledged_max &&
         unacknowledged_bytes_ < settings_.unacknowledged_bytes_max;
}

void Batcher::Core::wait_for_room(Lock& lock) {
  const auto room = [this] { return has_room() || released_ || closing_; };
  if (room()) return;
  counters_.waited();
  progress_.wait(lock, room);
}

Batcher::Core::Queue& Batcher::Core::queue(DatasetId dataset) {
  return queues_.try_emplace(dataset, settings_.events_max).first->second;
}

void Batcher::Core::push(DatasetId dataset, NamedEvent event, bool until_durable) {
  Lock lock(mutex_);
  wait_for_room(lock);
  if (closing_) {
    counters_.refused({Refusal::kClosed, "shutting down"}, event.readings.front().series);
    return;
  }
  ++unacknowledged_;
  unacknowledged_bytes_ += memory_bytes(event);
  Queue& into = queue(dataset);
  const std::uint64_t number = into.events.push(std::move(event));
  if (until_durable) into.urgent = number;
  work_.notify_one();
  if (until_durable) progress_.wait(lock, [&] { return into.events.first_unsettled() > number; });
}

void Batcher::Core::release() {
  const std::lock_guard lock(mutex_);
  released_ = flush_due_ = true;
  work_.notify_one();
  progress_.notify_all();
}

void Batcher::Core::run() {
  Lock lock(mutex_);
  while (!stopped_) {
    if (const auto work = next_work(Clock::now())) {
      lock.unlock();
      carry_out(*work);
      lock.lock();
    } else {
      wait_for_work(lock);
    }
  }
}

// The first dataset with something to write; datasets do not wait for each other.
std::optional<Batcher::Core::Work> Batcher::Core::next_work(Clock::time_point now) {
  for (auto& [dataset, queue] : queues_) {
    const Items* write = queue.events.start_write(now);
    if (!write) continue;
    const bool urgent = write->front().number <= queue.urgent || released_ || closing_;
    return Work{dataset, write, urgent};
  }
  if (!std::exchange(flush_due_, false)) return std::nullopt;
  return Work{{}, nullptr, true};
}

void Batcher::Core::wait_for_work(Lock& lock) {
  auto until = Clock::time_point::max();
  for (const auto& [dataset, queue] : queues_) {
    until = std::min(until, queue.events.write_due().value_or(Clock::time_point::max()));
  }
  if (until == Clock::time_point::max()) {
    work_.wait(lock);
  } else {
    work_.wait_until(lock, until);
  }
}

// The write stays where it is until finished(), which comes after this has handed it over.
void Batcher::Core::carry_out(const Work& work) {
  if (work.write) {
    const auto write = work.write->front().number;
    sink_.write(
        work.dataset, events_of(*work.write),
        [core = shared_from_this(), dataset = work.dataset, write] { core->taken(dataset, write); },
        [core = shared_from_this(), dataset = work.dataset, write](const Status& status) {
          core->finished(dataset, write, status);
        });
  }
  if (work.flush) sink_.flush();
}

void Batcher::Core::taken(DatasetId dataset, std::uint64_t write) {
  const std::lock_guard lock(mutex_);
  queue(dataset).events.taken(write);
  work_.notify_one();
}

void Batcher::Core::finished(DatasetId dataset, std::uint64_t write, const Status& status) {
  const std::lock_guard lock(mutex_);
  if (stopped_) return;
  EventQueue& events = queue(dataset).events;
  Items items = events.finish(write);
  if (status) {
    counters_.written(items.size(), count_readings(items));
    settle(items);
  } else {
    failed(events, std::move(items), status.error());
  }
  work_.notify_one();
  progress_.notify_all();
}

void Batcher::Core::failed(EventQueue& events, Items items, const Error& error) {
  if (worth_another_try(error.code)) {
    counters_.retried();
    return events.retry(std::move(items), Clock::now() + settings_.retry_wait);
  }
  if (items.size() > 1 && !concerns_all(error.code)) return events.halve(std::move(items));
  for (const auto& item : items) {
    counters_.refused(to_refused(error), item.event.readings.front().series);
  }
  settle(items);
}

void Batcher::Core::settle(const Items& items) {
  unacknowledged_ -= items.size();
  for (const auto& item : items) unacknowledged_bytes_ -= memory_bytes(item.event);
}

std::size_t Batcher::Core::stop(std::chrono::milliseconds patience) {
  Lock lock(mutex_);
  closing_ = flush_due_ = true;
  work_.notify_one();
  progress_.notify_all();
  progress_.wait_for(lock, patience, [this] { return unacknowledged_ == 0 || stopped_; });
  if (stopped_) return 0;
  for (std::size_t i = 0; i < unacknowledged_; ++i) {
    counters_.refused({Refusal::kClosed, "not durable when the node stopped"}, "shutdown");
  }
  stopped_ = true;
  work_.notify_all();
  progress_.notify_all();
  return unacknowledged_;
}

std::size_t Batcher::Core::unacknowledged() {
  const std::lock_guard lock(mutex_);
  return unacknowledged_;
}

Batcher::Batcher(WriteSink& sink, IngestCounters& counters, BatchSettings settings)
    : core_(std::make_shared<Core>(sink, counters, settings)), worker_([core = core_] { core->run(); }) {}

Batcher::~Batcher() {
  stop(std::chrono::milliseconds(0));
  worker_.join();
}

void Batcher::push(DatasetId dataset, NamedEvent event) {
  core_->push(dataset, std::move(event), false);
}

void Batcher::push_durable(DatasetId dataset, NamedEvent event) {
  core_->push(dataset, std::move(event), true);
}

void Batcher::release() {
  core_->release();
}

std::size_t Batcher::stop(std::chrono::milliseconds patience) {
  return core_->stop(patience);
}

std::size_t Batcher::unacknowledged() const {
  return core_->unacknowledged();
}

}  // namespace deltamesh
