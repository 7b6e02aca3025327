// ingest/batcher.cc - the queues behind Batcher and the thread that writes from them.
#include "ingest/batcher.h"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <iterator>
#include <map>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

namespace deltamesh {
namespace {

using Clock = std::chrono::steady_clock;

bool worth_another_try(ErrorCode code) {
  return code == ErrorCode::kFull || code == ErrorCode::kIo;
}

Refused to_refused(const Error& error) {
  switch (error.code) {
    case ErrorCode::kLimit: return {Refusal::kDatasetFull, error.text};
    case ErrorCode::kClosed: return {Refusal::kClosed, error.text};
    default: return {Refusal::kRefusedByNode, error.text};
  }
}

std::uint64_t count_readings(const std::vector<NamedEvent>& events) {
  std::uint64_t readings = 0;
  for (const NamedEvent& event : events) readings += event.readings.size();
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
    std::deque<NamedEvent> waiting;
    std::vector<NamedEvent> writing;  // Under way; kept for another try.
    Clock::time_point not_before{};
    std::size_t events_max = 0;  // Of the next write; small while an event at fault is looked for.
    std::uint64_t pushed = 0;    // Events ever taken, and of them durable or refused; both in order.
    std::uint64_t settled = 0;
  };
  struct Write {
    DatasetId dataset{};
    std::vector<NamedEvent> events;
  };
  using Lock = std::unique_lock<std::mutex>;

  Queue& queue(DatasetId dataset);
  void wait_for_room(Lock& lock);
  std::optional<Write> next_write(Clock::time_point now);
  void take_batch(Queue& queue);
  void wait_for_work(Lock& lock);
  void start(Write write);
  void finished(DatasetId dataset, const Status& status);
  void succeeded(Queue& queue);
  void refused(Queue& queue, const Error& error);
  void put_back(Queue& queue);
  void settle(Queue& queue);

  WriteSink& sink_;
  IngestCounters& counters_;
  const BatchSettings settings_;
  std::mutex mutex_;
  std::condition_variable work_;      // For the worker.
  std::condition_variable progress_;  // For whoever waits for room or durability.
  std::map<DatasetId, Queue> queues_;
  std::size_t unacknowledged_ = 0;
  bool released_ = false;
  bool closing_ = false;  // Takes nothing more.
  bool stopped_ = false;  // Touches sink and counters no more.
};

Batcher::Core::Queue& Batcher::Core::queue(DatasetId dataset) {
  Queue& queue = queues_[dataset];
  if (queue.events_max == 0) queue.events_max = settings_.events_max;
  return queue;
}

void Batcher::Core::wait_for_room(Lock& lock) {
  const auto room = [this] {
    return unacknowledged_ < settings_.unacknowledged_max || released_ || closing_;
  };
  if (room()) return;
  counters_.waited();
  progress_.wait(lock, room);
}

void Batcher::Core::push(DatasetId dataset, NamedEvent event, bool until_durable) {
  Lock lock(mutex_);
  wait_for_room(lock);
  if (closing_) {
    counters_.refused({Refusal::kClosed, "shutting down"}, event.readings.front().series);
    return;
  }
  Queue& into = queue(dataset);
  into.waiting.push_back(std::move(event));
  const std::uint64_t number = ++into.pushed;
  ++unacknowledged_;
  work_.notify_one();
  if (!until_durable) return;
  progress_.wait(lock, [&] { return into.settled >= number || released_ || stopped_; });
}

void Batcher::Core::release() {
  const std::lock_guard lock(mutex_);
  released_ = true;
  progress_.notify_all();
}

void Batcher::Core::run() {
  Lock lock(mutex_);
  while (!stopped_) {
    if (auto write = next_write(Clock::now())) {
      lock.unlock();
      start(*std::move(write));
      lock.lock();
    } else {
      wait_for_work(lock);
    }
  }
}

// The first dataset with something to write; datasets do not wait for each other.
std::optional<Batcher::Core::Write> Batcher::Core::next_write(Clock::time_point now) {
  for (auto& [dataset, queue] : queues_) {
    if (queue.waiting.empty() || !queue.writing.empty() || now < queue.not_before) continue;
    take_batch(queue);
    return Write{dataset, queue.writing};
  }
  return std::nullopt;
}

void Batcher::Core::take_batch(Queue& queue) {
  std::size_t readings = 0;
  while (!queue.waiting.empty() && queue.writing.size() < queue.events_max) {
    readings += queue.waiting.front().readings.size();
    if (readings > limits::kBatchReadingsMax && !queue.writing.empty()) return;
    queue.writing.push_back(std::move(queue.waiting.front()));
    queue.waiting.pop_front();
  }
}

void Batcher::Core::wait_for_work(Lock& lock) {
  auto until = Clock::time_point::max();
  for (const auto& [dataset, queue] : queues_) {
    if (!queue.waiting.empty() && queue.writing.empty()) until = std::min(until, queue.not_before);
  }
  if (until == Clock::time_point::max()) {
    work_.wait(lock);
  } else {
    work_.wait_until(lock, until);
  }
}

void Batcher::Core::start(Write write) {
  sink_.write(write.dataset, std::move(write.events),
              [core = shared_from_this(), dataset = write.dataset](const Status& status) {
                core->finished(dataset, status);
              });
}

void Batcher::Core::finished(DatasetId dataset, const Status& status) {
  const std::lock_guard lock(mutex_);
  if (stopped_) return;
  Queue& queue = queues_[dataset];
  if (status) {
    succeeded(queue);
  } else {
    refused(queue, status.error());
  }
  work_.notify_one();
  progress_.notify_all();
}

void Batcher::Core::succeeded(Queue& queue) {
  counters_.written(queue.writing.size(), count_readings(queue.writing));
  queue.events_max = std::min(settings_.events_max, queue.events_max * 2);
  settle(queue);
}

void Batcher::Core::refused(Queue& queue, const Error& error) {
  if (worth_another_try(error.code)) {
    counters_.retried();
    queue.not_before = Clock::now() + settings_.retry_wait;
    put_back(queue);
    return;
  }
  const bool all = error.code == ErrorCode::kClosed || error.code == ErrorCode::kNotFound;
  if (!all && queue.writing.size() > 1) {
    queue.events_max = queue.writing.size() / 2;
    put_back(queue);
    return;
  }
  for (const NamedEvent& event : queue.writing) {
    counters_.refused(to_refused(error), event.readings.front().series);
  }
  settle(queue);
}

void Batcher::Core::put_back(Queue& queue) {
  std::move(queue.writing.rbegin(), queue.writing.rend(), std::front_inserter(queue.waiting));
  queue.writing.clear();
}

void Batcher::Core::settle(Queue& queue) {
  queue.settled += queue.writing.size();
  unacknowledged_ -= queue.writing.size();
  queue.writing.clear();
}

std::size_t Batcher::Core::stop(std::chrono::milliseconds patience) {
  Lock lock(mutex_);
  closing_ = true;
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
