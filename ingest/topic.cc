// ingest/topic.cc - parsing and filling of topic and series templates.
#include "ingest/topic.h"

#include <algorithm>

#include "ingest/limits.h"

namespace deltamesh {
namespace {

Error invalid(std::string text) {
  return {ErrorCode::kInvalid, std::move(text)};
}

std::string quoted(std::string_view text) {
  return "\"" + std::string(text) + "\"";
}

bool is_name(std::string_view text) {
  const auto belongs = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  };
  return !text.empty() && std::all_of(text.begin(), text.end(), belongs);
}

// Takes the text before the next '/', and the '/'. `rest` becomes nullopt after the last level.
std::string_view take_level(std::optional<std::string_view>& rest) {
  const auto slash = rest->find('/');
  const auto level = rest->substr(0, slash);
  if (slash == std::string_view::npos) {
    rest.reset();
  } else {
    rest->remove_prefix(slash + 1);
  }
  return level;
}

const std::string* find_part(const TopicParts& parts, std::string_view name) {
  const auto at =
      std::find_if(parts.begin(), parts.end(), [&](const auto& part) { return part.first == name; });
  return at == parts.end() ? nullptr : &at->second;
}

}  // namespace

Result<TopicTemplate::Level> TopicTemplate::parse_level(std::string_view text) {
  if (text == "+") return Level{Level::Kind::kOne, {}};
  if (text == "#") return Level{Level::Kind::kRest, {}};
  if (text.size() > 2 && text.front() == '{' && text.back() == '}' &&
      is_name(text.substr(1, text.size() - 2))) {
    return Level{Level::Kind::kNamed, std::string(text.substr(1, text.size() - 2))};
  }
  if (text.find_first_of("+#{}") != std::string_view::npos) {
    return invalid("level " + quoted(text) + " must be plain text, {name}, + or #, and nothing beside it");
  }
  return Level{Level::Kind::kLiteral, std::string(text)};
}

Result<TopicTemplate> TopicTemplate::parse(std::string_view text) {
  if (text.empty() || text.size() > limits::kTopicBytesMax || text.find('\0') != std::string_view::npos) {
    return invalid("a topic template has 1 to " + std::to_string(limits::kTopicBytesMax) + " bytes, no NUL");
  }
  TopicTemplate result;
  std::optional<std::string_view> rest = text;
  while (rest) {
    if (!result.levels_.empty() && result.levels_.back().kind == Level::Kind::kRest) {
      return invalid("topic " + quoted(text) + ": # must be the last level");
    }
    auto level = parse_level(take_level(rest));
    if (!level) return invalid("topic " + quoted(text) + ": " + level.error().text);
    const auto names = result.names();
    if (level->kind == Level::Kind::kNamed && std::count(names.begin(), names.end(), level->text) > 0) {
      return invalid("topic " + quoted(text) + ": {" + level->text + "} stands twice");
    }
    result.levels_.push_back(*std::move(level));
  }
  return result;
}

std::string TopicTemplate::filter() const {
  std::string filter;
  for (const Level& level : levels_) {
    if (&level != &levels_.front()) filter += '/';
    switch (level.kind) {
      case Level::Kind::kLiteral: filter += level.text; break;
      case Level::Kind::kNamed:
      case Level::Kind::kOne: filter += '+'; break;
      case Level::Kind::kRest: filter += '#'; break;
    }
  }
  return filter;
}

std::vector<std::string> TopicTemplate::names() const {
  std::vector<std::string> names;
  for (const Level& level : levels_) {
    if (level.kind == Level::Kind::kNamed) names.push_back(level.text);
  }
  return names;
}

std::optional<TopicParts> TopicTemplate::match(std::string_view topic) const {
  if (topic.starts_with('$') && levels_.front().kind != Level::Kind::kLiteral) return std::nullopt;
  TopicParts parts;
  std::optional<std::string_view> rest = topic;
  for (const Level& level : levels_) {
    if (level.kind == Level::Kind::kRest) return parts;  // Also where nothing is left: a/# matches a.
    if (!rest) return std::nullopt;
    const auto text = take_level(rest);
    if (level.kind == Level::Kind::kLiteral && text != level.text) return std::nullopt;
    if (level.kind != Level::Kind::kNamed) continue;
    if (text.empty()) return std::nullopt;
    parts.emplace_back(level.text, text);
  }
  return rest ? std::nullopt : std::optional(std::move(parts));
}

Result<std::string> TopicTemplate::fill(const TopicParts& parts) const {
  std::string topic;
  for (const Level& level : levels_) {
    if (&level != &levels_.front()) topic += '/';
    if (level.kind == Level::Kind::kOne || level.kind == Level::Kind::kRest) {
      return invalid("a topic to publish to has no + or #");
    }
    const std::string* text =
        level.kind == Level::Kind::kLiteral ? &level.text : find_part(parts, level.text);
    if (!text) return invalid("nothing fills {" + level.text + "}");
    if (level.kind == Level::Kind::kNamed &&
        (text->empty() || text->find_first_of("/+#") != std::string::npos)) {
      return invalid(quoted(*text) + " cannot be one level of a topic for {" + level.text + "}");
    }
    topic += *text;
  }
  return topic;
}

Result<SeriesTemplate> SeriesTemplate::parse(std::string_view text, const std::vector<std::string>& known) {
  SeriesTemplate result;
  const std::string_view whole = text;
  while (!text.empty()) {
    const auto open = std::min(text.find_first_of("{}"), text.size());
    if (open > 0) result.pieces_.push_back({false, std::string(text.substr(0, open))});
    text.remove_prefix(open);
    if (text.empty()) break;
    const auto close = text.find('}');
    if (text.front() != '{' || close == std::string_view::npos) {
      return invalid("series " + quoted(whole) + ": { and } must stand around a name");
    }
    const std::string name(text.substr(1, close - 1));
    if (std::count(known.begin(), known.end(), name) == 0) {
      return invalid("series " + quoted(whole) + ": nothing is called {" + name + "}");
    }
    result.pieces_.push_back({true, name});
    text.remove_prefix(close + 1);
  }
  if (result.pieces_.empty()) return invalid("a series template must not be empty");
  return result;
}

bool SeriesTemplate::uses(std::string_view name) const {
  return std::any_of(pieces_.begin(), pieces_.end(),
                     [&](const Piece& piece) { return piece.named && piece.text == name; });
}

std::string SeriesTemplate::fill(const TopicParts& parts) const {
  std::string name;
  for (const Piece& piece : pieces_) {
    const std::string* text = piece.named ? find_part(parts, piece.text) : &piece.text;
    if (text) name += *text;
  }
  return name;
}

}  // namespace deltamesh
