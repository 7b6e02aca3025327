// engine/stored_rules.cc - keys of `$rules`, page by page.
#include "engine/stored_rules.h"

#include <algorithm>

namespace deltamesh {
namespace {

constexpr std::size_t kPageEntries = 256;

// Calls `take` for the rules whose keys begin with `prefix`, and what the store has beside each.
template <class Take>
Status each_rule(const StoreReader& reader, const std::string& prefix, Take take) {
  EntryPage page{prefix, kPageEntries};
  for (;;) {
    const auto entries = reader.entries(rules_map(), page);
    if (!entries.ok()) return entries.error();
    for (const MapEntry& entry : *entries) {
      if (!entry.key.starts_with(prefix)) return Done{};
      if (auto rule = parse_rule_key(entry.key)) take(*std::move(rule), entry);
    }
    if (entries->size() < kPageEntries) return Done{};
    page.from = entries->back().key + '\0';
  }
}

}  // namespace

Result<std::vector<StoredRule>> list_rules(const StoreReader& reader) {
  std::vector<StoredRule> found;
  const Status read = each_rule(reader, {}, [&](ForgetRule rule, const MapEntry& entry) {
    found.push_back({std::move(rule), parse_rule_note(entry.value).value_or(RuleNote{})});
  });
  if (!read.ok()) return read.error();
  return found;
}

Result<ForgetRules> read_rules(const StoreReader& reader) {
  ForgetRules rules;
  const Status read =
      each_rule(reader, {}, [&](const ForgetRule& rule, const MapEntry&) { rules.add(rule); });
  if (!read.ok()) return read.error();
  return rules;
}

Result<ForgetRules> read_rules(const StoreReader& reader, std::string_view series) {
  ForgetRules rules;
  const auto take = [&](const ForgetRule& rule, const MapEntry&) {
    if (rule.series == series) rules.add(rule);
  };
  const Status read = each_rule(reader, rule_prefix(series), take);
  if (!read.ok()) return read.error();
  return rules;
}

}  // namespace deltamesh
