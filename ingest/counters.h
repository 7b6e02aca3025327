// ingest/counters.h - what came in, what became durable, and what was refused, by reason. Thread-safe.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>

#include "ingest/refusal.h"

namespace deltamesh {

struct IngestCounts {
  std::uint64_t messages = 0;          // Received from brokers.
  std::uint64_t retained_skipped = 0;  // Old values that a broker repeats, without a time of their own.
  std::uint64_t events = 0;            // Durable here, and their readings.
  std::uint64_t readings = 0;
  std::uint64_t retries = 0;                       // Writes that were repeated because the node was full.
  std::uint64_t waits = 0;                         // Times that a source was held back.
  std::array<std::uint64_t, kRefusals> refused{};  // Messages or events, by Refusal.

  [[nodiscard]] std::uint64_t refused_for(Refusal reason) const {
    return refused[static_cast<std::size_t>(reason)];
  }
  [[nodiscard]] std::uint64_t refused_total() const;
};

class IngestCounters {
 public:
  // Gets one line for a person: at most one a reason every limits::kRefusalLogInterval, without control
  // characters. Called on the thread that refuses.
  using LogHook = std::function<void(const std::string&)>;
  explicit IngestCounters(LogHook log = {});

  void received();
  void skipped_retained();
  void written(std::uint64_t events, std::uint64_t readings);
  void retried();
  void waited();
  // `origin` is the topic or series, for the log.
  void refused(const Refused& refused, std::string_view origin);

  [[nodiscard]] IngestCounts snapshot() const;

 private:
  struct LogState {
    std::chrono::steady_clock::time_point next;
    std::uint64_t hidden = 0;  // Refusals since the last line.
  };
  // The line to log for this refusal, or nothing.
  std::string line_for(const Refused& refused, std::string_view origin);

  LogHook log_;
  mutable std::mutex mutex_;
  IngestCounts counts_;
  std::array<LogState, kRefusals> log_states_{};
};

}  // namespace deltamesh
