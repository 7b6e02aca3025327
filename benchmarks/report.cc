// benchmarks/report.cc - figures as a table and as JSON lines.
#include "benchmarks/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <fstream>

namespace deltamesh::bench {
namespace {

// The shortest text that reads back as the same double. fmt writes 1e+20, which JSON allows.
std::string json_number(double value) {
  return std::isfinite(value) ? fmt::format("{}", value) : "null";
}

struct ToJson {
  std::string operator()(double value) const { return json_number(value); }
  std::string operator()(const std::string& value) const { return json_string(value); }
  std::string operator()(bool value) const { return value ? "true" : "false"; }
};

struct ToText {
  std::string operator()(double value) const { return fmt::format("{}", value); }
  std::string operator()(const std::string& value) const { return value; }
  std::string operator()(bool value) const { return value ? "yes" : "no"; }
};

// Whole numbers in full with separators; others with four significant digits.
std::string readable(double value) {
  if (!std::isfinite(value)) return "-";
  if (std::abs(value) < 1000) return fmt::format("{:.4g}", value);
  auto text = fmt::format("{:.0f}", value);
  const std::size_t digits_from = value < 0 ? 1 : 0;
  for (auto i = text.size(); i > digits_from + 3;) text.insert(i -= 3, 1, ',');
  return text;
}

std::string peer_text(const Figure& figure) {
  return figure.peer ? fmt::format("{} {}", figure.peer->name, readable(figure.peer->value)) : "";
}

}  // namespace

std::string json_string(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    } else {
      out += c;
    }
  }
  return out + '"';
}

void Report::param(std::string name, ParamValue value) {
  const auto known =
      std::find_if(params_.begin(), params_.end(), [&](const auto& p) { return p.first == name; });
  if (known != params_.end()) {
    known->second = std::move(value);
  } else {
    params_.emplace_back(std::move(name), std::move(value));
  }
}

void Report::add(Figure figure) {
  rows_.push_back({std::move(figure), params_});
}

std::string Report::table() const {
  std::size_t widest = 0;
  for (const auto& row : rows_) widest = std::max(widest, row.figure.metric.size());
  auto out = benchmark_ + "\n";
  const Params* shown = nullptr;
  for (const auto& row : rows_) {
    if (shown == nullptr || *shown != row.params) {
      out += " ";
      for (const auto& [name, value] : row.params)
        out += fmt::format(" {}={}", name, std::visit(ToText{}, value));
      out += "\n";
      shown = &row.params;
    }
    const auto& figure = row.figure;
    auto line = fmt::format("    {:<{}}  {:>14} {:<12} {}", figure.metric, widest, readable(figure.value),
                            figure.unit, peer_text(figure));
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + "\n";
  }
  return out;
}

std::string Report::json_line(const Row& row) const {
  auto line = fmt::format(R"({{"benchmark":{},"metric":{},"value":{},"unit":{})", json_string(benchmark_),
                          json_string(row.figure.metric), json_number(row.figure.value),
                          json_string(row.figure.unit));
  if (row.figure.peer) {
    line += fmt::format(R"(,"peer":{},"peer_value":{})", json_string(row.figure.peer->name),
                        json_number(row.figure.peer->value));
  }
  line += R"(,"params":{)";
  const char* separator = "";
  for (const auto& [name, value] : row.params) {
    line += fmt::format("{}{}:{}", separator, json_string(name), std::visit(ToJson{}, value));
    separator = ",";
  }
  return line + "}}\n";
}

std::string Report::json_lines() const {
  std::string out;
  for (const auto& row : rows_) out += json_line(row);
  return out;
}

bool Report::finish(const std::string& json_file) const {
  std::fputs(table().c_str(), stdout);
  return write_json(json_file);
}

bool Report::write_json(const std::string& json_file) const {
  if (json_file.empty()) return true;
  std::ofstream out(json_file, std::ios::binary);
  out << json_lines();
  out.close();
  if (out) return true;
  fmt::print(stderr, "{}: cannot write: {}\n", json_file, std::strerror(errno));
  return false;
}

}  // namespace deltamesh::bench
