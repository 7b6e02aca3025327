// ingest/topic.h - topic templates such as `plant/{device}/{metric}`, and series names built from their
// parts.
//
// A template is an MQTT filter with names: each level is literal, a `{name}`, a `+` (one level, unnamed) or,
// at the end only, a `#` (any number of levels). It yields the filter to subscribe to and takes topics apart.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "crdt/result.h"

namespace deltamesh {

// (name, text), in the order of the template.
using TopicParts = std::vector<std::pair<std::string, std::string>>;

class TopicTemplate {
 public:
  static Result<TopicTemplate> parse(std::string_view text);

  // `plant/+/+` for `plant/{device}/{metric}`.
  [[nodiscard]] std::string filter() const;
  [[nodiscard]] std::vector<std::string> names() const;

  // The named parts of `topic`; nullopt if it does not match. Levels that MQTT's wildcards match, match here;
  // an empty level never fills a name. Topics that begin with '$' need a literal first level.
  [[nodiscard]] std::optional<TopicParts> match(std::string_view topic) const;

  // The topic with the names filled in; the error names what is missing or would not be one level.
  [[nodiscard]] Result<std::string> fill(const TopicParts& parts) const;

 private:
  struct Level {
    enum class Kind : unsigned char { kLiteral, kNamed, kOne, kRest } kind = Kind::kLiteral;
    std::string text;  // The literal, or the name.
  };
  static Result<Level> parse_level(std::string_view text);
  std::vector<Level> levels_;
};

// A pattern of literal text and `{name}`s, such as `{device}/{path}`.
class SeriesTemplate {
 public:
  // Refuses a name that is not among `known`.
  static Result<SeriesTemplate> parse(std::string_view text, const std::vector<std::string>& known);

  [[nodiscard]] bool uses(std::string_view name) const;
  // Names that `parts` lacks stay empty; parse() made sure that there are none.
  [[nodiscard]] std::string fill(const TopicParts& parts) const;

 private:
  struct Piece {
    bool named = false;
    std::string text;
  };
  std::vector<Piece> pieces_;
};

}  // namespace deltamesh
