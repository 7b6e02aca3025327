// api/uri.h - the target of a request: its path, and the parameters of its query, percent-decoded.
//
// Strict: a '%' without two hex digits, and escapes that do not add up to UTF-8, are refused. In a query, not
// in a path, '+' is a blank, as forms and most libraries write it.
#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "crdt/result.h"

namespace deltamesh {

Result<std::string> percent_decoded(std::string_view text);

class QueryParameters {
 public:
  // `text` is what follows the '?'.
  static Result<QueryParameters> parse(std::string_view text);

  // Refuses names that are not among `single`, which may stand once, or `repeated`: a misspelt "form=" must
  // not pass for "no limit".
  [[nodiscard]] Status check(std::initializer_list<std::string_view> single,
                             std::string_view repeated = {}) const;

  [[nodiscard]] std::optional<std::string_view> find(std::string_view name) const;
  [[nodiscard]] std::vector<std::string> all(std::string_view name) const;
  // A whole number from 1 to `max`, or `otherwise` if there is none.
  [[nodiscard]] Result<std::size_t> count(std::string_view name, std::size_t otherwise,
                                          std::size_t max) const;

 private:
  std::vector<std::pair<std::string, std::string>> parameters_;
};

}  // namespace deltamesh
