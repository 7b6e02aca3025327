// ingest/rule.h - what an operator says about messages of one kind: where they come from, what becomes of
// them.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "crdt/dot.h"
#include "crdt/result.h"
#include "crdt/sample.h"
#include "ingest/number.h"
#include "ingest/timestamp.h"
#include "ingest/topic.h"

namespace deltamesh {

enum class PayloadKind : std::uint8_t { kJson, kPlain };

// Paths name leaves of a JSON payload: `data.temp`, `list.0`. A path with a '/' is taken as it stands, so
// that keys with dots can be named: `data/a.b`. In `scale`, `unit` and `integers`, "*" stands for every leaf
// (and for the one value of a plain payload).
struct IngestRule {
  std::string topic;  // Such as `plant/{device}/SENSOR`; see ingest/topic.h.
  int qos = 1;
  std::string dataset;
  Resolution resolution = Resolution::kMilliseconds;  // Of the dataset.
  PayloadKind payload = PayloadKind::kJson;

  // Names what the topic names, {path} (JSON) and {device}. Empty: `{device}/{path}` for JSON, else all names
  // of the topic, joined with '/'.
  std::string series;

  // Leaves that become readings. `data.temp`: that leaf, or all below it. `data.*`: all below `data`, and
  // {path} leaves `data/` out. Empty: every leaf. The first that fits counts.
  std::vector<std::string> select;
  std::string device;     // Path of {device}; else it comes from the topic.
  std::string timestamp;  // Path of the time; else the node gives it that of arrival.
  TimeUnit timestamp_unit = TimeUnit::kSeconds;

  std::map<std::string, double> scale;      // Readings are multiplied by it.
  std::map<std::string, std::string> unit;  // Such as "Cel"; SenML's or free text.
  std::vector<std::string> integers;        // Integers of 64 bits; the other numbers are doubles.
  bool strings = false;                     // Off: JSON skips strings, plain refuses them.
  bool on_off = true;                       // Plain payloads: on and off, in any case, are booleans.
};

struct LeafRule {
  Scale scale;
  std::string unit;
  bool integer = false;
};

// An IngestRule that was checked, in the form that decoders use. Paths are joined with '/'.
class CompiledRule {
 public:
  // The error says what is wrong. `at_fault`, if given, becomes the setting that is to be changed, by its key
  // in a settings file: "topic", "scale", "units", ... A rule that is taken can take messages: none is
  // refused for what the rule itself says.
  static Result<CompiledRule> compile(IngestRule rule, std::string* at_fault = nullptr);

  [[nodiscard]] const IngestRule& rule() const { return rule_; }
  [[nodiscard]] DatasetId dataset() const { return dataset_; }
  [[nodiscard]] const TopicTemplate& topic() const { return topic_; }
  [[nodiscard]] const SeriesTemplate& series() const { return series_; }
  [[nodiscard]] const std::string& device() const { return device_; }
  [[nodiscard]] const std::string& timestamp() const { return timestamp_; }

  // What {path} is for the leaf at `path`; nullopt if it is not selected.
  [[nodiscard]] std::optional<std::string_view> selected(std::string_view path) const;
  [[nodiscard]] const LeafRule& leaf(std::string_view path) const;

 private:
  struct Selector {
    std::string path;    // Without the '*'; empty selects all.
    bool strip = false;  // Written with '*'.
  };
  struct Fault;
  using Check = std::optional<Fault>;  // Nothing: good.
  static Check check(const IngestRule& rule);
  static Check check_plain(const IngestRule& rule);
  Check compile_all();
  Check compile_topic();
  Check compile_series();
  Check compile_leaves();
  Check apply_leaf_settings(const std::function<bool(const std::string&)>& chosen);
  [[nodiscard]] Check check_integers() const;
  LeafRule& leaf_at(const std::string& path);
  void compile_selectors();

  IngestRule rule_;
  DatasetId dataset_{};
  TopicTemplate topic_;
  SeriesTemplate series_;
  std::string device_, timestamp_;
  std::vector<Selector> selectors_;
  std::map<std::string, LeafRule, std::less<>> leaves_;
  LeafRule any_leaf_;
};

}  // namespace deltamesh
