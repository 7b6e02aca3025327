// ingest/rule.cc - checks an operator's rule and turns its paths into the form that decoders compare.
#include "ingest/rule.h"

#include <algorithm>

#include "crdt/utf8.h"
#include "ingest/limits.h"

namespace deltamesh {
namespace {

Error invalid(const IngestRule& rule, const std::string& text) {
  return {ErrorCode::kInvalid, "rule for topic \"" + rule.topic + "\": " + text};
}

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

Status check_plain(const IngestRule& rule) {
  if (!rule.select.empty()) return invalid(rule, "select needs a JSON payload");
  if (!rule.device.empty()) return invalid(rule, "device needs a JSON payload; name it in the topic");
  if (!rule.timestamp.empty()) return invalid(rule, "timestamp needs a JSON payload");
  return Done{};
}

Status check(const IngestRule& rule) {
  if (rule.qos < 0 || rule.qos > 2) return invalid(rule, "qos is 0, 1 or 2, not " + std::to_string(rule.qos));
  if (rule.dataset.empty()) return invalid(rule, "dataset is missing");
  const std::size_t paths = rule.select.size() + rule.scale.size() + rule.unit.size() + rule.integers.size();
  if (paths > limits::kSelectorsMax) {
    return invalid(rule, "more than " + std::to_string(limits::kSelectorsMax) + " paths");
  }
  return rule.payload == PayloadKind::kPlain ? check_plain(rule) : Status(Done{});
}

}  // namespace

Result<CompiledRule> CompiledRule::compile(IngestRule rule) {
  if (auto checked = check(rule); !checked) return checked.error();
  auto topic = TopicTemplate::parse(rule.topic);
  if (!topic) return topic.error();
  CompiledRule result;
  result.dataset_ = dataset_id(rule.dataset);
  result.topic_ = *std::move(topic);
  result.device_ = with_slashes(rule.device);
  result.timestamp_ = with_slashes(rule.timestamp);
  result.rule_ = std::move(rule);
  result.compile_selectors();
  if (auto series = result.compile_series(); !series) return series.error();
  if (auto leaves = result.compile_leaves(); !leaves) return leaves.error();
  return result;
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

Status CompiledRule::compile_series() {
  const bool json = rule_.payload == PayloadKind::kJson;
  std::vector<std::string> known = topic_.names();
  if (json && std::count(known.begin(), known.end(), "path") > 0) {
    return invalid(rule_, "{path} is where a value stands in the JSON; give that level another name");
  }
  if (json) known.push_back("path");
  if (!device_.empty()) known.push_back("device");
  std::string text = rule_.series;
  if (text.empty()) text = json ? "{device}/{path}" : all_names(topic_);
  auto series = SeriesTemplate::parse(text, known);
  if (!series) return invalid(rule_, series.error().text);
  series_ = *std::move(series);
  return Done{};
}

Status CompiledRule::compile_leaves() {
  // "*" goes first, because the other paths start from what it sets.
  if (auto any = apply_leaf_settings([](const std::string& path) { return path == "*"; }); !any) return any;
  return apply_leaf_settings([](const std::string& path) { return path != "*"; });
}

Status CompiledRule::apply_leaf_settings(const std::function<bool(const std::string&)>& chosen) {
  for (const auto& [path, factor] : rule_.scale) {
    const auto scale = Scale::of(factor);
    if (!scale) return invalid(rule_, "scale of \"" + path + "\" must be a number other than 0");
    if (chosen(path)) leaf_at(path).scale = *scale;
  }
  for (const auto& [path, unit] : rule_.unit) {
    const bool good = unit.size() <= limits::kUnitBytesMax && valid_utf8(unit);
    if (!good) return invalid(rule_, "unit of \"" + path + "\" is too long or not UTF-8");
    if (chosen(path)) leaf_at(path).unit = unit;
  }
  for (const std::string& path : rule_.integers) {
    if (!chosen(path)) continue;
    LeafRule& leaf = leaf_at(path);
    leaf.integer = true;
    if (!leaf.scale.exact()) {
      return invalid(rule_, "\"" + path + "\" is an integer, so its scale must be a power of ten");
    }
  }
  return Done{};
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
