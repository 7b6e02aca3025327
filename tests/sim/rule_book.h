// tests/sim/rule_book.h - the rules for wrong data of a run, and what they leave of events: the model.
//
// By names and one event after another, without the blocks and numbers by which nodes do it.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "engine/forget.h"
#include "tests/sim/observer.h"

namespace deltamesh::sim {

class RuleBook {
 public:
  // A series has its name; a key of `$rules` is durable at its writer.
  void named(const StreamId& stream, const SeriesDecl& decl) { names_[stream][decl.number] = decl.name; }
  void written(std::string_view key);

  // All that were ever durable.
  [[nodiscard]] const ForgetRules& rules() const { return rules_; }
  // What `rules` leave of an event; a mark and an event of which nothing is left are Event().
  [[nodiscard]] Event left_of(const StreamId& stream, Event event, const ForgetRules& rules) const;
  // Whether nothing may be left of what was handed in; into which dataset that was is not known.
  [[nodiscard]] bool may_be_gone(const NamedEvent& event) const;
  // The name of a series; empty: not known.
  [[nodiscard]] std::string_view name_of(const StreamId& stream, SeriesNo number) const;

 private:
  std::map<StreamId, std::map<SeriesNo, std::string>> names_;
  ForgetRules rules_;
  std::map<std::string, TimeRanges, std::less<>> by_name_;  // Of all datasets.
};

}  // namespace deltamesh::sim
