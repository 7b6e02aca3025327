// tests/ingest/recording_sink.h - a WriteSink that keeps what it is given and answers by a rule of the test.
#pragma once

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "engine/sink.h"

namespace deltamesh::testing {

// Answers on a thread of its own, as the driver does. `answer` judges each write; events of writes that it
// accepts are kept in order, as if they were durable.
class RecordingSink : public WriteSink {
 public:
  using Answer = std::function<Status(const std::vector<NamedEvent>&)>;
  explicit RecordingSink(Answer answer = [](const auto&) { return Status(Done{}); })
      : answer_(std::move(answer)), thread_([this] { run(); }) {}
  ~RecordingSink() override {
    set([this] { stopping_ = true, held_ = false; });
    thread_.join();
  }

  void write(DatasetId dataset, std::vector<NamedEvent> events, TakenHandler taken,
             DoneHandler done) override {
    set([&] { queue_.push_back(Write{dataset, std::move(events), std::move(taken), std::move(done)}); });
  }
  void put(DatasetId, std::string, std::string, DoneHandler done) override { done(Done{}); }
  void remove(DatasetId, std::string, DoneHandler done) override { done(Done{}); }
  void repair(DatasetId, std::string, DoneHandler done) override { done(Done{}); }
  void flush() override {
    set([this] { queue_.push_back(std::nullopt); });
  }

  // While held, nothing is taken or answered.
  void hold() {
    set([this] { held_ = true; });
  }
  void let_go() {
    set([this] { held_ = false; });
  }
  // From now on what is taken becomes durable by flush() only, as in an endless commit interval.
  void commit_by_flush_only() {
    set([this] { by_flush_only_ = true; });
  }
  // The next `writes` that were taken fail at the disk.
  void fail_commits(int writes) {
    set([this, writes] { failing_ = writes; });
  }

  [[nodiscard]] std::vector<NamedEvent> events(DatasetId dataset) const {
    const std::lock_guard lock(mutex_);
    const auto at = durable_.find(dataset);
    return at == durable_.end() ? std::vector<NamedEvent>() : at->second;
  }
  [[nodiscard]] std::size_t count(DatasetId dataset) const {
    const std::lock_guard lock(mutex_);
    const auto at = durable_.find(dataset);
    return at == durable_.end() ? 0 : at->second.size();
  }
  // Writes looked at so far, and the events in them.
  [[nodiscard]] std::size_t writes() const {
    const std::lock_guard lock(mutex_);
    return writes_;
  }
  [[nodiscard]] std::size_t events_seen() const {
    const std::lock_guard lock(mutex_);
    return events_seen_;
  }
  // Writes handed over and not looked at; taken and not durable.
  [[nodiscard]] std::size_t waiting() const {
    const std::lock_guard lock(mutex_);
    return static_cast<std::size_t>(
        std::count_if(queue_.begin(), queue_.end(), [](const auto& next) { return next.has_value(); }));
  }
  [[nodiscard]] std::size_t uncommitted() const {
    const std::lock_guard lock(mutex_);
    return taken_.size();
  }

 private:
  struct Write {
    DatasetId dataset{};
    std::vector<NamedEvent> events;
    TakenHandler taken;
    DoneHandler done;
  };
  using Lock = std::unique_lock<std::mutex>;

  template <class Change>
  void set(Change change) {
    const std::lock_guard lock(mutex_);
    change();
    changed_.notify_all();
  }

  [[nodiscard]] bool may_commit() const { return !taken_.empty() && (!by_flush_only_ || flushed_ > 0); }

  void run() {
    Lock lock(mutex_);
    while (true) {
      changed_.wait(lock, [this] { return stopping_ || (!held_ && (!queue_.empty() || may_commit())); });
      if (may_commit()) {
        commit(lock);
      } else if (!queue_.empty()) {
        look(lock);
      } else {
        return;
      }
    }
  }

  // At the next write, or flush.
  void look(Lock& lock) {
    auto next = std::move(queue_.front());
    queue_.pop_front();
    if (!next) {
      flushed_ = taken_.size();
      return;
    }
    ++writes_;
    events_seen_ += next->events.size();
    const Status status = answer_(next->events);
    const TakenHandler taken = next->taken;
    const DoneHandler done = next->done;
    if (status) taken_.push_back(*std::move(next));
    lock.unlock();
    status ? taken() : done(status);
    lock.lock();
  }

  void commit(Lock& lock) {
    const Write write = std::move(taken_.front());
    taken_.pop_front();
    if (flushed_ > 0) --flushed_;
    const bool fails = failing_ > 0 && failing_-- > 0;
    if (!fails) {
      auto& durable = durable_[write.dataset];
      durable.insert(durable.end(), write.events.begin(), write.events.end());
    }
    lock.unlock();
    write.done(fails ? Status(Error{ErrorCode::kIo, "the disk failed"}) : Status(Done{}));
    lock.lock();
  }

  Answer answer_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::optional<Write>> queue_;  // nullopt: a flush.
  std::deque<Write> taken_;
  std::size_t flushed_ = 0;  // Of those taken, from the front.
  std::map<DatasetId, std::vector<NamedEvent>> durable_;
  std::size_t writes_ = 0;
  std::size_t events_seen_ = 0;
  int failing_ = 0;
  bool held_ = false;
  bool by_flush_only_ = false;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace deltamesh::testing
