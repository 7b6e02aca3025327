// ingest/rule.cc - checks an operator's rule and turns its paths into the form that decoders compare.
#include "ingest/rule.h"

#include <algorithm>

#include "engine/validate.h"
#include "ingest/limits.h"

namespace deltamesh {
namespace {

// `data.temp` to `data/temp`.
std::string with_slashes(std::string path) {
  if (path.find('/') == std::string::npos) std::replace(path.begin(), path.end(), '.', '/');
  return path;
}

// Whether `path` is `root` or lies below it.
bool within(std::string_view path, std::string_view root) {
  if (root.empty()) return true;
  return path.starts_with(root) && (path.size() == root.size() || path[root.size()] == '/');
}

std::string all_names(const TopicTemplate& topic) {
  std::string text;
  for (const std::string& name : topic.names()) text += (text.empty() ? "{" : "/{") + name + "}";
  return text;
}

bool is_shared(const std::string& topic) {
  return topic == "$share" || topic.starts_with("$share/");
}

}  // namespace

struct CompiledRule::Fault {
  const char* setting;
  std::string text;
};

CompiledRule::Check CompiledRule::check_plain(const IngestRule& rule) {
  if (!rule.select.empty()) return Fault{"select", "select needs a JSON payload"};
  if (!rule.device.empty()) return Fault{"device", "device needs a JSON payload; name it in the topic"};
  if (!rule.timestamp.empty()) return Fault{"timestamp", "timestamp needs a JSON payload"};
  return std::nullopt;
}

CompiledRule::Check CompiledRule::check(const IngestRule& rule) {
  if (rule.qos < 0 || rule.qos > 2) return Fault{"qos", "qos is 0, 1 or 2, not " + std::to_string(rule.qos)};
  if (rule.dataset.empty()) return Fault{"dataset", "dataset is missing"};
  const std::size_t paths = rule.select.size() + rule.scale.size() + rule.unit.size() + rule.integers.size();
  if (paths > limits::kSelectorsMax) {
    return Fault{rule.select.empty() ? "scale" : "select",
                 "more than " + std::to_string(limits::kSelectorsMax) + " paths"};
  }
  return rule.payload == PayloadKind::kPlain ? check_plain(rule) : std::nullopt;
}

Result<CompiledRule> CompiledRule::compile(IngestRule rule, std::string* at_fault) {
  CompiledRule result;
  result.rule_ = std::move(rule);
  const Check fault = result.compile_all();
  if (!fault) return result;
  if (at_fault) *at_fault = fault->setting;
  return Error{ErrorCode::kInvalid, "rule for topic \"" + result.rule_.topic + "\": " + fault->text};
}

CompiledRule::Check CompiledRule::compile_all() {
  if (auto fault = check(rule_)) return fault;
  dataset_ = dataset_id(rule_.dataset);
  device_ = with_slashes(rule_.device);
  timestamp_ = with_slashes(rule_.timestamp);
  compile_selectors();
  if (auto fault = compile_topic()) return fault;
  if (auto fault = compile_series()) return fault;
  return compile_leaves();
}

CompiledRule::Check CompiledRule::compile_topic() {
  if (is_shared(rule_.topic)) {
    return Fault{"topic",
                 "messages of a shared subscription come under their own topics, which $share/... "
                 "does not match; write the filter alone"};
  }
  auto topic = TopicTemplate::parse(rule_.topic);
  if (!topic) return Fault{"topic", topic.error().text};
  topic_ = *std::move(topic);
  return std::nullopt;
}

void CompiledRule::compile_selectors() {
  for (std::string path : rule_.select) {
    path = with_slashes(std::move(path));
    const bool strip = path == "*" || path.ends_with("/*");
    if (strip) path.resize(path.size() - std::min<std::size_t>(path.size(), 2));
    selectors_.push_back({std::move(path), strip});
  }
  if (selectors_.empty()) selectors_.push_back({{}, true});
}

CompiledRule::Check CompiledRule::compile_series() {
  const bool json = rule_.payload == PayloadKind::kJson;
  std::vector<std::string> known = topic_.names();
  if (json && std::count(known.begin(), known.end(), "path") > 0) {
    return Fault{"topic", "{path} is where a value stands in the JSON; give that level another name"};
  }
  if (json) known.push_back("path");
  if (!device_.empty()) known.push_back("device");
  const char* const setting = rule_.series.empty() ? "topic" : "series";
  std::string text = rule_.series;
  if (text.empty()) text = json ? "{device}/{path}" : all_names(topic_);
  auto series = SeriesTemplate::parse(text, known);
  if (!series) return Fault{setting, series.error().text};
  series_ = *std::move(series);
  const std::string fixed = series_.fill({});
  if (fixed.empty() || valid_series_name(fixed)) return std::nullopt;
  return Fault{setting, "the fixed part of a series' name has more than 255 bytes or control characters"};
}

CompiledRule::Check CompiledRule::compile_leaves() {
  // "*" goes first, because the other paths start from what it sets.
  if (auto any = apply_leaf_settings([](const std::string& path) { return path == "*"; })) return any;
  if (auto each = apply_leaf_settings([](const std::string& path) { return path != "*"; })) return each;
  return check_integers();
}

CompiledRule::Check CompiledRule::apply_leaf_settings(const std::function<bool(const std::string&)>& chosen) {
  for (const auto& [path, factor] : rule_.scale) {
    const auto scale = Scale::of(factor);
    if (!scale) return Fault{"scale", "scale of \"" + path + "\" must be a number other than 0"};
    if (chosen(path)) leaf_at(path).scale = *scale;
  }
  for (const auto& [path, unit] : rule_.unit) {
    const Status good = check_text(unit, limits::kUnitBytesMax, "unit");
    if (!good) return Fault{"units", "unit of \"" + path + "\": " + good.error().text};
    if (chosen(path)) leaf_at(path).unit = unit;
  }
  for (const std::string& path : rule_.integers) {
    if (chosen(path)) leaf_at(path).integer = true;
  }
  return std::nullopt;
}

// Also where one of the two comes from "*" and the other from the path itself.
CompiledRule::Check CompiledRule::check_integers() const {
  const auto fault = [](const std::string& path) {
    return Fault{"scale", "\"" + path + "\" is an integer, so its scale must be a power of ten"};
  };
  const auto wrong = [](const LeafRule& leaf) { return leaf.integer && !leaf.scale.exact(); };
  if (wrong(any_leaf_)) return fault("*");
  for (const auto& [path, leaf] : leaves_) {
    if (wrong(leaf)) return fault(path);
  }
  return std::nullopt;
}

LeafRule& CompiledRule::leaf_at(const std::string& path) {
  return path == "*" ? any_leaf_ : leaves_.try_emplace(with_slashes(path), any_leaf_).first->second;
}

std::optional<std::string_view> CompiledRule::selected(std::string_view path) const {
  for (const Selector& selector : selectors_) {
    if (!within(path, selector.path)) continue;
    if (!selector.strip || selector.path.empty()) return path;
    if (path.size() > selector.path.size()) return path.substr(selector.path.size() + 1);
  }
  return std::nullopt;
}

const LeafRule& CompiledRule::leaf(std::string_view path) const {
  const auto at = leaves_.find(path);
  return at == leaves_.end() ? any_leaf_ : at->second;
}

}  // namespace deltamesh
