// ingest/mqtt_journal.cc - states under a mutex, lines outside of it.
#include "ingest/mqtt_journal.h"

#include <utility>

#include "engine/validate.h"
#include "ingest/limits.h"

namespace deltamesh {
namespace {

// Brokers and the system word some of it.
std::string printable(const std::string& text) {
  return presentable(text, limits::kTextBytesMax);
}

std::string joined(const std::vector<std::string>& texts) {
  std::string all;
  for (const auto& text : texts) all += (all.empty() ? "" : ", ") + text;
  return all;
}

}  // namespace

MqttJournal::MqttJournal(std::string uri, LogHook log) : log_(std::move(log)) {
  status_.uri = std::move(uri);
  status_.since = std::chrono::system_clock::now();
}

void MqttJournal::received() {
  const std::lock_guard lock(mutex_);
  ++status_.messages;
}

void MqttJournal::connected(std::vector<std::string> refused_filters) {
  std::string line;
  const bool all = refused_filters.empty();
  {
    const std::lock_guard lock(mutex_);
    ++status_.connects;
    set_connected(true);
    status_.refused_filters = std::move(refused_filters);
    const auto refused = joined(status_.refused_filters);
    line = changed_to("connected to " + status_.uri +
                      (all ? "" : "; the broker does not grant " + printable(refused)));
  }
  write(all ? Note::Level::kInfo : Note::Level::kWarning, line);
}

void MqttJournal::failed(const std::string& why) {
  std::string line;
  {
    const std::lock_guard lock(mutex_);
    set_connected(false);
    status_.last_error = printable(why);
    line = changed_to("no connection to " + status_.uri + ": " + status_.last_error);
  }
  write(Note::Level::kWarning, line);
}

void MqttJournal::stopped() {
  const std::lock_guard lock(mutex_);
  set_connected(false);
}

void MqttJournal::set_connected(bool connected) {
  if (status_.connected != connected) status_.since = std::chrono::system_clock::now();
  status_.connected = connected;
}

std::string MqttJournal::changed_to(const std::string& state) {
  if (std::exchange(state_, state) == state) return {};
  const auto now = std::chrono::steady_clock::now();
  if (now >= window_ + limits::kSourceLogWindow) {
    window_ = now;
    lines_ = 0;
  }
  if (lines_ >= limits::kSourceLogLines) {
    ++hidden_;
    return {};
  }
  ++lines_;
  const auto hidden = std::exchange(hidden_, 0);
  return hidden == 0 ? state : state + "; " + std::to_string(hidden) + " changes before were not told";
}

void MqttJournal::write(Note::Level level, const std::string& line) const {
  if (log_ && !line.empty()) log_(level, line);
}

MqttStatus MqttJournal::status() const {
  const std::lock_guard lock(mutex_);
  return status_;
}

}  // namespace deltamesh
