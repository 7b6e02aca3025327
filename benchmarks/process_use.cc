// benchmarks/process_use.cc - reads /proc, see proc(5).
#include "benchmarks/process_use.h"

#include <unistd.h>

#include <fstream>
#include <iterator>
#include <sstream>
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

// Fields 14 and 15; the name of the program before them may hold blanks and brackets.
double cpu_seconds(const std::string& stat) {
  std::istringstream in(stat.substr(stat.rfind(')') + 2));
  std::string skipped;
  for (int i = 3; i < 14; ++i) in >> skipped;
  double user = 0, system = 0;
  in >> user >> system;
  return (user + system) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

}  // namespace

ProcessUse process_use(pid_t process) {
  return {cpu_seconds(read_proc(process, "stat")), field(read_proc(process, "status"), "VmHWM") * 1024,
          field("\n" + read_proc(process, "io"), "write_bytes")};
}

ProcessUse used_since(const ProcessUse& before, pid_t process) {
  ProcessUse use = process_use(process);
  use.cpu_seconds -= before.cpu_seconds;
  use.disk_bytes -= before.disk_bytes;
  return use;
}

}  // namespace deltamesh::bench
