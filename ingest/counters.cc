// ingest/counters.cc - counting under a mutex (64-bit atomics are not free everywhere), logging outside of
// it.
#include "ingest/counters.h"

#include <numeric>
#include <utility>

#include "ingest/limits.h"

namespace deltamesh {
namespace {

// What a device sends must not forge lines of a log.
std::string printable(std::string_view text) {
  std::string result(text.substr(0, 256));
  for (char& c : result) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte >= 0x7f) c = '?';
  }
  return result;
}

}  // namespace

std::uint64_t IngestCounts::refused_total() const {
  return std::accumulate(refused.begin(), refused.end(), std::uint64_t{0});
}

IngestCounters::IngestCounters(LogHook log) : log_(std::move(log)) {}

void IngestCounters::received() {
  const std::lock_guard lock(mutex_);
  ++counts_.messages;
}

void IngestCounters::skipped_retained() {
  const std::lock_guard lock(mutex_);
  ++counts_.retained_skipped;
}

void IngestCounters::written(std::uint64_t events, std::uint64_t readings) {
  const std::lock_guard lock(mutex_);
  counts_.events += events;
  counts_.readings += readings;
}

void IngestCounters::retried() {
  const std::lock_guard lock(mutex_);
  ++counts_.retries;
}

void IngestCounters::waited() {
  const std::lock_guard lock(mutex_);
  ++counts_.waits;
}

void IngestCounters::refused(const Refused& refused, std::string_view origin) {
  const std::string line = line_for(refused, origin);
  if (log_ && !line.empty()) log_(line);
}

std::string IngestCounters::line_for(const Refused& refused, std::string_view origin) {
  const auto index = static_cast<std::size_t>(refused.reason);
  const auto now = std::chrono::steady_clock::now();
  std::uint64_t hidden = 0;
  {
    const std::lock_guard lock(mutex_);
    ++counts_.refused[index];
    LogState& state = log_states_[index];
    if (now < state.next) {
      ++state.hidden;
      return {};
    }
    state.next = now + limits::kRefusalLogInterval;
    hidden = std::exchange(state.hidden, 0);
  }
  std::string line = "refused \"" + printable(origin) + "\": " + printable(refused.text) + " (" +
                     to_string(refused.reason) + ")";
  if (hidden > 0) line += "; " + std::to_string(hidden) + " more like it since the last line";
  return line;
}

IngestCounts IngestCounters::snapshot() const {
  const std::lock_guard lock(mutex_);
  return counts_;
}

}  // namespace deltamesh
