// tools/units.cc - takes number and unit apart, and multiplies without overflow.
#include "tools/units.h"

#include <array>
#include <charconv>
#include <limits>
#include <optional>
#include <span>

namespace deltamesh {
namespace {

struct Unit {
  std::string_view name;
  std::uint64_t factor;
};

constexpr std::array<Unit, 6> kDurations{{{"us", 1},
                                          {"ms", 1'000},
                                          {"s", 1'000'000},
                                          {"min", 60'000'000},
                                          {"h", 3'600'000'000},
                                          {"d", 86'400'000'000}}};
constexpr std::array<Unit, 7> kSizes{{{"B", 1},
                                      {"kB", 1'000},
                                      {"MB", 1'000'000},
                                      {"GB", 1'000'000'000},
                                      {"KiB", 1u << 10},
                                      {"MiB", 1u << 20},
                                      {"GiB", 1u << 30}}};

std::string_view without_blanks(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  return text;
}

// The product of number and unit, if both are there and it is at most `max`.
std::optional<std::uint64_t> parse(std::string_view text, std::span<const Unit> units, std::uint64_t max) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{}) return std::nullopt;
  const auto name = without_blanks(text.substr(static_cast<std::size_t>(end - text.data())));
  for (const Unit& unit : units) {
    if (unit.name == name && number <= max / unit.factor) return number * unit.factor;
  }
  return std::nullopt;
}

Error refuse(std::string_view text, const char* what) {
  return {ErrorCode::kInvalid, "\"" + std::string(text.substr(0, 64)) + "\" is not " + what};
}

}  // namespace

Result<std::chrono::microseconds> parse_duration(std::string_view text) {
  const auto count = parse(text, kDurations, std::numeric_limits<std::int64_t>::max());
  if (!count) return refuse(text, "a duration (examples: 500ms, 10s, 2min)");
  return std::chrono::microseconds(*count);
}

Result<std::uint64_t> parse_bytes(std::string_view text) {
  const auto bytes = parse(text, kSizes, std::numeric_limits<std::uint64_t>::max());
  if (!bytes) return refuse(text, "a size (examples: 512KiB, 64MB)");
  return *bytes;
}

std::string to_text(std::chrono::microseconds duration) {
  const auto count = static_cast<std::uint64_t>(duration.count());
  const Unit* best = kDurations.data();
  for (const Unit& unit : kDurations) {
    if (count > 0 && count % unit.factor == 0) best = &unit;
  }
  return std::to_string(count / best->factor) + std::string(best->name);
}

}  // namespace deltamesh
