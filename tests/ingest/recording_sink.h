// tests/ingest/recording_sink.h - a WriteSink that keeps what it is given and answers by a rule of the test.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
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

  void write(DatasetId dataset, std::vector<NamedEvent> events, DoneHandler done) override {
    set([&] { queue_.push_back({dataset, std::move(events), std::move(done)}); });
  }
  void put(DatasetId, std::string, std::string, DoneHandler done) override { done(Done{}); }
  void remove(DatasetId, std::string, DoneHandler done) override { done(Done{}); }

  // While held, writes wait for their answers.
  void hold() {
    set([this] { held_ = true; });
  }
  void let_go() {
    set([this] { held_ = false; });
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
  [[nodiscard]] std::size_t writes() const {
    const std::lock_guard lock(mutex_);
    return writes_;
  }
  [[nodiscard]] std::size_t waiting() const {
    const std::lock_guard lock(mutex_);
    return queue_.size();
  }

 private:
  struct Write {
    DatasetId dataset{};
    std::vector<NamedEvent> events;
    DoneHandler done;
  };

  template <class Change>
  void set(Change change) {
    const std::lock_guard lock(mutex_);
    change();
    changed_.notify_all();
  }

  void run() {
    std::unique_lock lock(mutex_);
    while (true) {
      changed_.wait(lock, [this] { return stopping_ || (!held_ && !queue_.empty()); });
      if (queue_.empty()) return;
      Write write = std::move(queue_.front());
      queue_.pop_front();
      ++writes_;
      const Status status = answer_(write.events);
      if (status) {
        auto& durable = durable_[write.dataset];
        durable.insert(durable.end(), write.events.begin(), write.events.end());
      }
      lock.unlock();
      write.done(status);
      lock.lock();
    }
  }

  Answer answer_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Write> queue_;
  std::map<DatasetId, std::vector<NamedEvent>> durable_;
  std::size_t writes_ = 0;
  bool held_ = false;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace deltamesh::testing
