// tests/support/child_process.h - a program run beside the test, which never outlives it.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace deltamesh::testing {

class ChildProcess {
 public:
  // Starts `command`; its output goes to the file `output`, its input comes from `input` if that is not
  // empty. Throws if it cannot be started.
  ChildProcess(std::vector<std::string> command, const std::filesystem::path& output,
               const std::filesystem::path& input = {});
  ~ChildProcess();  // SIGKILL, if it still runs.
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  [[nodiscard]] pid_t pid() const { return pid_; }
  [[nodiscard]] bool running();
  void signal(int number);
  // The exit status, or 128 + signal as in a shell; nullopt if it still runs after `patience`.
  std::optional<int> wait(std::chrono::milliseconds patience = std::chrono::seconds(60));

 private:
  pid_t pid_ = -1;
  std::optional<int> status_;
};

struct Output {
  int status = -1;
  std::string text;  // Both streams.
};
// Runs a program to its end, at most two minutes; status -1 if it had to be killed.
Output run(std::vector<std::string> command, const std::filesystem::path& input = {});

std::string read_text(const std::filesystem::path& path);

}  // namespace deltamesh::testing
