// ingest/mqtt_journal.h - what a source tells of its connection: a status to look at, and lines for a log.
//
// A line is written when something has changed, never because something is still as it was, and at most
// limits::kSourceLogLines in limits::kSourceLogWindow. Thread-safe.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "engine/effects.h"

namespace deltamesh {

struct MqttStatus {
  std::string uri;                              // Of the broker.
  bool connected = false;                       // And subscribed to all that the broker allows.
  std::chrono::system_clock::time_point since;  // Of the last change of `connected`.
  std::uint64_t connects = 0;
  std::uint64_t messages = 0;
  // Subscriptions that the broker refused, or granted with less than was asked for, in words. Of the last
  // connection.
  std::vector<std::string> refused_filters;
  std::string last_error;
};

class MqttJournal {
 public:
  // Gets a line for a person, on whatever thread something happened.
  using LogHook = std::function<void(Note::Level, const std::string&)>;
  MqttJournal(std::string uri, LogHook log);

  void received();
  void connected(std::vector<std::string> refused_filters);
  void failed(const std::string& why);  // Not connected, or not any more.
  void stopped();

  [[nodiscard]] MqttStatus status() const;

 private:
  void set_connected(bool connected);
  // The line to write, or nothing.
  std::string changed_to(const std::string& state);
  void write(Note::Level level, const std::string& line) const;

  LogHook log_;
  mutable std::mutex mutex_;
  MqttStatus status_;
  std::string state_;  // As it was last told.
  std::chrono::steady_clock::time_point window_{};
  std::uint32_t lines_ = 0;  // In this window, and left out in it.
  std::uint64_t hidden_ = 0;
};

}  // namespace deltamesh
