// tools/log.h - one line an event on stderr: time (UTC), level, part of the program, text.
//
//   2026-03-01T12:00:00.123Z info  sync: tcp to 127.0.0.1:7400: connected
//
// Thread-safe. Texts may come from peers and brokers: what could break a line or a terminal becomes '?'.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "engine/effects.h"

namespace deltamesh {

class Log {
 public:
  enum class Level : std::uint8_t { kInfo, kWarning, kError };

  explicit Log(Level least);
  ~Log();
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  void write(Level level, std::string_view part, std::string_view text);
  void info(std::string_view part, std::string_view text) { write(Level::kInfo, part, text); }
  void warning(std::string_view part, std::string_view text) { write(Level::kWarning, part, text); }
  void error(std::string_view part, std::string_view text) { write(Level::kError, part, text); }

 private:
  class Lines;  // Of spdlog.
  std::unique_ptr<Lines> lines_;
};

// How the parts of a node say it.
inline Log::Level level_of(Note::Level level) {
  return level == Note::Level::kWarning ? Log::Level::kWarning : Log::Level::kInfo;
}

}  // namespace deltamesh
