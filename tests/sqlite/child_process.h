// tests/sqlite/child_process.h - a process that works on a store until it is killed.
#pragma once

#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <csignal>
#include <cstdint>
#include <functional>
#include <optional>

namespace deltamesh {

// Numbers through a pipe; whole or not at all, since they are shorter than PIPE_BUF.
class NumberPipe {
 public:
  NumberPipe() { REQUIRE(::pipe(ends_) == 0); }
  NumberPipe(const NumberPipe&) = delete;
  NumberPipe& operator=(const NumberPipe&) = delete;
  ~NumberPipe() { close_reading(), close_writing(); }
  void put(std::uint64_t number) const {
    if (::write(ends_[1], &number, sizeof number) != sizeof number) ::_exit(3);
  }
  // nullopt once nobody can write any more.
  [[nodiscard]] std::optional<std::uint64_t> take() const {
    std::uint64_t number = 0;
    if (::read(ends_[0], &number, sizeof number) != sizeof number) return std::nullopt;
    return number;
  }
  void close_reading() { close_end(0); }
  void close_writing() { close_end(1); }

 private:
  void close_end(int end) {
    if (ends_[end] >= 0) ::close(ends_[end]);
    ends_[end] = -1;
  }
  int ends_[2] = {-1, -1};
};

// Runs `work(to_parent, from_parent)` in a process of its own, which ends when killed or when work returns.
class ChildProcess {
 public:
  explicit ChildProcess(const std::function<void(NumberPipe& to_parent, NumberPipe& from_parent)>& work) {
    id_ = ::fork();
    REQUIRE(id_ >= 0);
    if (id_ == 0) {
      up_.close_reading();
      down_.close_writing();
      work(up_, down_);
      ::_exit(0);
    }
    up_.close_writing();
    down_.close_reading();
  }
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;
  ~ChildProcess() { kill(); }

  [[nodiscard]] std::optional<std::uint64_t> take() const { return up_.take(); }
  void put(std::uint64_t number) const { down_.put(number); }
  void kill() {
    if (id_ <= 0) return;
    ::kill(id_, SIGKILL);
    ::waitpid(id_, nullptr, 0);
    id_ = 0;
  }

 private:
  NumberPipe up_, down_;
  pid_t id_ = 0;
};

}  // namespace deltamesh
