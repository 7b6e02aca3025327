// crdt/sample.cc - equality and order of values by their bits, and which names a series may have.
#include "crdt/sample.h"

#include <algorithm>
#include <bit>

#include "crdt/utf8.h"

namespace deltamesh {
namespace {

std::uint64_t bits(double value) {
  return std::bit_cast<std::uint64_t>(value);
}

bool is_control(std::uint32_t point) {
  return point < 0x20 || (point >= 0x7f && point < 0xa0);
}

}  // namespace

const char* to_string(ValueType type) {
  switch (type) {
    case ValueType::kBool: return "bool";
    case ValueType::kInt: return "int";
    case ValueType::kDouble: return "double";
    case ValueType::kString: return "string";
    case ValueType::kBytes: return "bytes";
  }
  return "unknown";
}

bool same_value(const Value& a, const Value& b) {
  const auto* x = std::get_if<double>(&a);
  const auto* y = std::get_if<double>(&b);
  return x && y ? bits(*x) == bits(*y) : a == b;
}

bool value_less(const Value& a, const Value& b) {
  const auto* x = std::get_if<double>(&a);
  const auto* y = std::get_if<double>(&b);
  return x && y ? bits(*x) < bits(*y) : a < b;
}

bool same_event(const Event& a, const Event& b) {
  const auto same_reading = [](const Reading& x, const Reading& y) {
    return x.series == y.series && same_value(x.value, y.value);
  };
  return a.time == b.time && a.boot == b.boot && a.quality == b.quality && a.source == b.source &&
         std::equal(a.readings.begin(), a.readings.end(), b.readings.begin(), b.readings.end(), same_reading);
}

bool valid_series_name(std::string_view name) {
  if (name.empty() || name.size() > 255) return false;
  while (!name.empty()) {
    std::uint32_t point = 0;
    if (!take_code_point(name, point) || is_control(point)) return false;
  }
  return true;
}

}  // namespace deltamesh
