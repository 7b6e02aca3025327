// tools/row_ndjson.cc - a JSON object a line, taken apart by the rules of ingest.
#include "ingest/decoder.h"
#include "tools/row_readers.h"

namespace deltamesh {
namespace {

class NdjsonReader final : public RowReader {
 public:
  NdjsonReader(std::istream& in, const RowSettings& settings, CompiledRule rule)
      : lines_(in, settings), rule_(std::move(rule)), prefix_(settings.prefix) {}

  bool next(NamedEvent& event) override {
    std::string_view row;
    while (lines_.next(row)) {
      if (!take(row, event)) continue;
      event.source = lines_.source();
      return true;
    }
    return false;
  }

  [[nodiscard]] const RowCounts& counts() const override { return lines_.counts(); }
  [[nodiscard]] std::uint64_t bytes_read() const override { return lines_.bytes(); }
  [[nodiscard]] bool failed() const override { return lines_.failed(); }

 private:
  bool take(std::string_view row, NamedEvent& event) {
    auto judged = decode(rule_, {"import", row, {}});
    if (const auto* refused = std::get_if<Refused>(&judged)) {
      lines_.refuse(to_string(refused->reason), refused->text);
      return false;
    }
    event = std::move(std::get<NamedEvent>(judged));
    for (NamedReading& reading : event.readings) {
      reading.series.insert(0, prefix_);
      if (valid_series_name(reading.series)) continue;
      lines_.refuse(to_string(Refusal::kNameInvalid), "with its prefix, a series name is too long");
      return false;
    }
    return true;
  }

  RowLines lines_;
  CompiledRule rule_;
  std::string prefix_;
};

}  // namespace

Result<std::unique_ptr<RowReader>> read_ndjson(std::istream& in, RowSettings settings) {
  IngestRule rule;
  rule.topic = "import";
  rule.dataset = "import";  // Not looked at: the caller knows where events go.
  rule.resolution = settings.resolution;
  rule.series = "{path}";
  rule.timestamp = "time";
  rule.timestamp_unit = settings.time_unit;
  rule.strings = true;
  auto compiled = CompiledRule::compile(std::move(rule));
  if (!compiled) return compiled.error();
  return std::unique_ptr<RowReader>(std::make_unique<NdjsonReader>(in, settings, *std::move(compiled)));
}

}  // namespace deltamesh
