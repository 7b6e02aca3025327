// benchmarks/child_run.cc - fork, a pipe, and lines of text through it.
#include "benchmarks/child_run.h"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <sstream>
#include <stdexcept>

namespace deltamesh::bench {
namespace {

constexpr const char* kEnd = "end";  // The last line; without it the child died on the way.

// The failure on one line, then a figure a line; %a keeps every bit of a value.
std::string to_text(Measured measured) {
  std::replace(measured.failure.begin(), measured.failure.end(), '\n', ' ');
  std::string text = measured.failure + "\n";
  for (const Figure& figure : measured.figures) {
    std::array<char, 64> value{};
    std::snprintf(value.data(), value.size(), "%a", figure.value);
    text += figure.metric + "\t" + value.data() + "\t" + figure.unit + "\n";
  }
  return text + kEnd + "\n";
}

Measured from_text(const std::string& text) {
  std::istringstream in(text);
  Measured measured;
  std::string line, metric, value, unit;
  std::getline(in, measured.failure);
  while (std::getline(in, line) && line != kEnd) {
    std::istringstream fields(line);
    std::getline(fields, metric, '\t');
    std::getline(fields, value, '\t');
    unit.clear();
    std::getline(fields, unit);
    measured.figures.push_back({metric, std::strtod(value.c_str(), nullptr), unit, {}});
  }
  if (line != kEnd) return {"ended before its time", {}};
  return measured;
}

void write_all(int file, const std::string& text) {
  for (std::size_t done = 0; done < text.size();) {
    const auto wrote = write(file, text.data() + done, text.size() - done);
    if (wrote < 0 && errno != EINTR) return;
    if (wrote > 0) done += static_cast<std::size_t>(wrote);
  }
}

std::string read_all(int file) {
  std::string text;
  std::array<char, 4096> piece{};
  for (;;) {
    const auto count = read(file, piece.data(), piece.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return text;
    text.append(piece.data(), static_cast<std::size_t>(count));
  }
}

Measured caught(const std::function<Measured()>& measure) {
  try {
    return measure();
  } catch (const std::exception& error) {
    return {error.what(), {}};
  }
}

}  // namespace

Measured run_in_child(const std::function<Measured()>& measure) {
  std::fflush(nullptr);  // Or the child would print it once more.
  std::array<int, 2> ends{};
  if (pipe(ends.data()) != 0) throw std::runtime_error("no pipe can be made");
  const pid_t child = fork();
  if (child < 0) throw std::runtime_error("no process can be made");
  if (child == 0) {
    close(ends[0]);
    write_all(ends[1], to_text(caught(measure)));
    std::fflush(nullptr);
    _exit(0);
  }
  close(ends[1]);
  const std::string text = read_all(ends[0]);
  close(ends[0]);
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFSIGNALED(status)) return {"killed by signal " + std::to_string(WTERMSIG(status)), {}};
  return from_text(text);
}

}  // namespace deltamesh::bench
