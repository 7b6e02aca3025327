// engine/stored_rules.h - the rules for wrong data as a store has them, for whoever answers people from it.
//
// A rule is in effect once it is durable, so a reader that looks here hides from then on. The questions of
// engine/query.h look by themselves.
#pragma once

#include <string_view>
#include <vector>

#include "engine/forget.h"
#include "engine/store.h"

namespace deltamesh {

struct StoredRule {
  ForgetRule rule;
  RuleNote note;  // Empty where the value does not tell.
};

// In the order of their keys, with what stands beside them; keys that are none are left out.
Result<std::vector<StoredRule>> list_rules(const StoreReader& reader);
// All of them; and those about series of one name, in whatever dataset.
Result<ForgetRules> read_rules(const StoreReader& reader);
Result<ForgetRules> read_rules(const StoreReader& reader, std::string_view series);

}  // namespace deltamesh
