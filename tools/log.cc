// tools/log.cc - the one file that sees spdlog.
#include "tools/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include "engine/validate.h"

namespace deltamesh {
namespace {

constexpr std::size_t kLineBytesMax = 1024;

spdlog::level::level_enum level_of(Log::Level level) {
  switch (level) {
    case Log::Level::kInfo: return spdlog::level::info;
    case Log::Level::kWarning: return spdlog::level::warn;
    case Log::Level::kError: return spdlog::level::err;
  }
  return spdlog::level::err;
}

}  // namespace

class Log::Lines {
 public:
  explicit Lines(Level least) : logger_("", std::make_shared<spdlog::sinks::stderr_sink_mt>()) {
    logger_.set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %-7l %v", spdlog::pattern_time_type::utc);
    logger_.set_level(level_of(least));
    logger_.flush_on(spdlog::level::info);
  }
  void write(Level level, std::string_view part, const std::string& text) {
    logger_.log(level_of(level), "{}: {}", part, text);
  }

 private:
  spdlog::logger logger_;
};

Log::Log(Level least) : lines_(std::make_unique<Lines>(least)) {}
Log::~Log() = default;

void Log::write(Level level, std::string_view part, std::string_view text) {
  lines_->write(level, part, presentable(text, kLineBytesMax));
}

}  // namespace deltamesh
