// tests/sqlite/durable_steps.cc - functions of the C library, taken over by this program.
#include "tests/sqlite/durable_steps.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cassert>
#include <cerrno>
#include <cstdio>

namespace deltamesh {
namespace {

// The one thing that functions without an object can find.
std::atomic<const StepWatch::Look*> current_look{nullptr};

// What the watch says of this step; nullopt-like -1 without one.
int verdict(Step step) {
  const StepWatch::Look* look = current_look.load();
  return look != nullptr ? (*look)(step) : -1;
}

Step sync_of(int file) {
  struct stat facts {};
  return ::fstat(file, &facts) == 0 && S_ISDIR(facts.st_mode) ? Step::kSyncFolder : Step::kSync;
}

// 0, or -1 with errno set, or what `really` returns.
template <class Really>
int take(Step step, bool leave_out, Really really) {
  const int said = verdict(step);
  if (said > 0) return errno = said, -1;
  return said == 0 && leave_out ? 0 : really();
}

}  // namespace

StepWatch::StepWatch(Look look) : look_(std::move(look)) {
  assert(current_look == nullptr);
  current_look = &look_;
}

StepWatch::~StepWatch() {
  current_look = nullptr;
}

}  // namespace deltamesh

extern "C" {

int fsync(int file) {
  return deltamesh::take(deltamesh::sync_of(file), true,
                         [&] { return static_cast<int>(::syscall(SYS_fsync, file)); });
}

int fdatasync(int file) {
  return deltamesh::take(deltamesh::Step::kSync, true,
                         [&] { return static_cast<int>(::syscall(SYS_fdatasync, file)); });
}

// What it would do is of no interest to a process that goes on.
int fallocate(int, int, off_t, off_t) {
  return deltamesh::take(deltamesh::Step::kAllocate, true, [] { return 0; });
}

int rename(const char* from, const char* to) noexcept {
  return deltamesh::take(deltamesh::Step::kRename, false,
                         [&] { return ::renameat(AT_FDCWD, from, AT_FDCWD, to); });
}

int unlink(const char* path) noexcept {
  return deltamesh::take(deltamesh::Step::kRemove, false, [&] { return ::unlinkat(AT_FDCWD, path, 0); });
}
}
