// tests/sqlite/durable_steps.h - looks in on the steps by which this process makes files durable.
//
// This program's own fsync(), fdatasync(), fallocate(), rename() and unlink() stand before those of the C
// library, for the store and for SQLite alike. So a test can end the process, fail a step, or hold it up,
// exactly where it says.
#pragma once

#include <functional>

namespace deltamesh {

enum class Step { kSync, kSyncFolder, kAllocate, kRename, kRemove };
inline bool is_sync(Step step) {
  return step == Step::kSync || step == Step::kSyncFolder;
}

// While it lives, `look` is called before each step, from whatever thread takes it. 0 lets the step happen (a
// sync is then left out: these tests end processes, not machines); another number fails it with that errno.
class StepWatch {
 public:
  using Look = std::function<int(Step)>;
  explicit StepWatch(Look look);
  ~StepWatch();
  StepWatch(const StepWatch&) = delete;
  StepWatch& operator=(const StepWatch&) = delete;

 private:
  Look look_;
};

}  // namespace deltamesh
