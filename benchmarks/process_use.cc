// benchmarks/process_use.cc - reads /proc, see proc(5), and the process's clock.
#include "benchmarks/process_use.h"

#include <time.h>

#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>

namespace deltamesh::bench {
namespace {

std::string read_proc(pid_t process, const char* file) {
  std::ifstream in("/proc/" + std::to_string(process) + "/" + file);
  if (!in) throw std::runtime_error("process " + std::to_string(process) + " is gone");
  return {std::istreambuf_iterator<char>(in), {}};
}

// The number after `name` in lines of "name: number".
std::uint64_t field(const std::string& text, const std::string& name) {
  const auto at = text.find("\n" + name + ":");
  return at == std::string::npos ? 0 : std::stoull(text.substr(at + name.size() + 2));
}

// What stat has comes in ticks of 10 ms; the process's own clock does not.
double cpu_seconds(pid_t process) {
  clockid_t clock{};
  timespec time{};
  if (clock_getcpuclockid(process, &clock) != 0 || clock_gettime(clock, &time) != 0)
    throw std::runtime_error("process " + std::to_string(process) + " is gone");
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

}  // namespace

ProcessUse process_use(pid_t process) {
  const std::string status = read_proc(process, "status");
  return {cpu_seconds(process), field(status, "VmHWM") * 1024, field(status, "VmRSS") * 1024,
          field("\n" + read_proc(process, "io"), "write_bytes")};
}

ProcessUse used_since(const ProcessUse& before, pid_t process) {
  ProcessUse use = process_use(process);
  use.cpu_seconds -= before.cpu_seconds;
  use.disk_bytes -= before.disk_bytes;
  return use;
}

}  // namespace deltamesh::bench
