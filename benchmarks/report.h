// benchmarks/report.h - the figures of one benchmark: a table for people, one JSON object a line for
// programs.
//
// The same metric names mean the same figures from version to version, so that two files can be compared.
// Where another system was measured in the same call, the figure carries its name and value too.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace deltamesh::bench {

struct Peer {
  std::string name;
  double value = 0;
};

struct Figure {
  std::string metric;  // snake_case; says what is counted, per what: "wire_bytes_per_reading".
  double value = 0;
  std::string unit;  // "B", "s", "readings/s", or empty for a plain count.
  std::optional<Peer> peer;
};

class Report {
 public:
  using ParamValue = std::variant<double, std::string, bool>;

  explicit Report(std::string benchmark) : benchmark_(std::move(benchmark)) {}

  // What the run was made with; stands in every figure added from here on, and replaces a value set before.
  void param(std::string name, ParamValue value);
  // Forgets the parameters set so far: the figures from here on are of another run.
  void begin_case() { params_.clear(); }
  void add(Figure figure);

  [[nodiscard]] std::string table() const;
  // A value that JSON cannot say (NaN, infinity) is written as null.
  [[nodiscard]] std::string json_lines() const;

  // False, with a message on standard error, if that file cannot be written; an empty name is no file.
  [[nodiscard]] bool write_json(const std::string& json_file) const;
  // Prints the table and, unless `json_file` is empty, writes the lines there. False, with a message on
  // standard error, if that file cannot be written.
  [[nodiscard]] bool finish(const std::string& json_file) const;

 private:
  using Params = std::vector<std::pair<std::string, ParamValue>>;
  struct Row {
    Figure figure;
    Params params;
  };
  [[nodiscard]] std::string json_line(const Row& row) const;

  std::string benchmark_;
  Params params_;
  std::vector<Row> rows_;
};

// "text" with quotes, as JSON wants it; the text is UTF-8.
std::string json_string(std::string_view text);

}  // namespace deltamesh::bench
