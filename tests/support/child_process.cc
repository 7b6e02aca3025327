// tests/support/child_process.cc - fork, exec and waitpid.
#include "tests/support/child_process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <iterator>
#include <stdexcept>

#include "tests/support/temp_dir.h"
#include "tests/support/wait.h"

namespace deltamesh::testing {
namespace {

// In the child, between fork and exec: system calls only.
[[noreturn]] void become(char* const* arguments, const char* output, const char* input) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  const int out = open(output, O_WRONLY | O_CREAT | O_APPEND, 0600);
  const int in = open(input, O_RDONLY);
  if (out < 0 || in < 0 || dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(out, 2) < 0) _exit(127);
  execvp(arguments[0], arguments);
  _exit(127);
}

int shell_status(int status) {
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace

ChildProcess::ChildProcess(std::vector<std::string> command, const std::filesystem::path& output,
                           const std::filesystem::path& input) {
  std::vector<char*> arguments;
  for (std::string& word : command) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  const std::string out = output.string();
  const std::string in = input.empty() ? "/dev/null" : input.string();
  pid_ = fork();
  if (pid_ < 0) throw std::runtime_error("cannot start " + command.front());
  if (pid_ == 0) become(arguments.data(), out.c_str(), in.c_str());
}

ChildProcess::~ChildProcess() {
  if (!running()) return;
  signal(SIGKILL);
  waitpid(pid_, nullptr, 0);
}

bool ChildProcess::running() {
  int status = 0;
  if (!status_ && waitpid(pid_, &status, WNOHANG) == pid_) status_ = shell_status(status);
  return !status_;
}

void ChildProcess::signal(int number) {
  if (running()) kill(pid_, number);
}

std::optional<int> ChildProcess::wait(std::chrono::milliseconds patience) {
  wait_until([this] { return !running(); }, patience);
  return status_;
}

Output run(std::vector<std::string> command, const std::filesystem::path& input) {
  const TempDir dir;
  const auto output = dir.path() / "output";
  ChildProcess child(std::move(command), output, input);
  const auto status = child.wait(std::chrono::minutes(2));
  return {status.value_or(-1), read_text(output)};
}

std::string read_text(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace deltamesh::testing
