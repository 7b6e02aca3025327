// api/json_value.cc - builds the tree from the events of Boost.JSON's tokenizer.
#include "api/json_value.h"

#include <algorithm>
#include <boost/json/basic_parser_impl.hpp>

#include "api/limits.h"

namespace deltamesh {
namespace {

namespace json = boost::json;
using Kind = JsonValue::Kind;

std::string_view duplicate_key(const JsonValue& object) {
  std::vector<std::string_view> keys(object.keys.begin(), object.keys.end());
  std::sort(keys.begin(), keys.end());
  const auto twice = std::adjacent_find(keys.begin(), keys.end());
  return twice == keys.end() ? std::string_view{} : *twice;
}

// Says what is wrong through `refused`; the parser only learns that it shall stop.
class TreeHandler {
 public:
  static constexpr std::size_t max_array_size = limits::kBodyValuesMax;
  static constexpr std::size_t max_object_size = limits::kBodyValuesMax;
  static constexpr std::size_t max_string_size = limits::kHttpBodyBytesMax;
  static constexpr std::size_t max_key_size = limits::kHttpBodyBytesMax;

  JsonValue root;
  std::string refused;

  bool on_document_begin(json::error_code&) { return true; }
  bool on_document_end(json::error_code&) { return true; }
  bool on_object_begin(json::error_code& ec) { return open(Kind::kObject, ec); }
  bool on_object_end(std::size_t, json::error_code& ec) {
    const auto twice = duplicate_key(open_.back().value);
    if (!twice.empty()) return stop(ec, "the key \"" + std::string(twice) + "\" stands twice in one object");
    return close(ec);
  }
  bool on_array_begin(json::error_code& ec) { return open(Kind::kArray, ec); }
  bool on_array_end(std::size_t, json::error_code& ec) { return close(ec); }

  bool on_key_part(json::string_view part, std::size_t, json::error_code&) { return append(part); }
  bool on_key(json::string_view last, std::size_t, json::error_code&) {
    append(last);
    open_.back().key = std::exchange(text_, {});
    return true;
  }
  bool on_string_part(json::string_view part, std::size_t, json::error_code&) { return append(part); }
  bool on_string(json::string_view last, std::size_t, json::error_code& ec) {
    return leaf(Kind::kString, last, ec);
  }
  bool on_number_part(json::string_view part, json::error_code&) { return append(part); }
  bool on_int64(std::int64_t, json::string_view last, json::error_code& ec) {
    return leaf(Kind::kNumber, last, ec);
  }
  bool on_uint64(std::uint64_t, json::string_view last, json::error_code& ec) {
    return leaf(Kind::kNumber, last, ec);
  }
  bool on_double(double, json::string_view last, json::error_code& ec) {
    return leaf(Kind::kNumber, last, ec);
  }
  bool on_bool(bool value, json::error_code& ec) { return leaf(Kind::kBool, value ? "true" : "false", ec); }
  bool on_null(json::error_code& ec) { return leaf(Kind::kNull, "", ec); }
  bool on_comment_part(json::string_view, json::error_code&) { return true; }
  bool on_comment(json::string_view, json::error_code&) { return true; }

 private:
  struct Open {
    JsonValue value;
    std::string key;  // Of the member that comes next.
  };

  bool append(json::string_view part) {
    text_.append(part.data(), part.size());
    return true;
  }

  bool stop(json::error_code& ec, std::string why) {
    refused = std::move(why);
    ec = json::error::syntax;
    return false;
  }

  bool leaf(Kind kind, json::string_view last, json::error_code& ec) {
    append(last);
    return add({kind, std::exchange(text_, {}), {}, {}}, ec);
  }

  bool open(Kind kind, json::error_code& ec) {
    if (open_.size() == limits::kBodyDepthMax) {
      return stop(ec, "nested deeper than " + std::to_string(limits::kBodyDepthMax));
    }
    open_.push_back({{kind, {}, {}, {}}, {}});
    return true;
  }

  bool close(json::error_code& ec) {
    JsonValue value = std::move(open_.back().value);
    open_.pop_back();
    return add(std::move(value), ec);
  }

  bool add(JsonValue value, json::error_code& ec) {
    if (++values_ > limits::kBodyValuesMax) {
      return stop(ec, "more than " + std::to_string(limits::kBodyValuesMax) + " values");
    }
    if (open_.empty()) {
      root = std::move(value);
      return true;
    }
    Open& in = open_.back();
    in.value.items.push_back(std::move(value));
    if (in.value.kind == Kind::kObject) in.value.keys.push_back(std::move(in.key));
    return true;
  }

  std::vector<Open> open_;
  std::string text_;  // Of the key, string or number being read.
  std::size_t values_ = 0;
};

Error not_json(std::string_view what, const json::error_code& ec, std::size_t at) {
  return {ErrorCode::kInvalid,
          std::string(what) + " is not JSON: " + ec.message() + " at byte " + std::to_string(at)};
}

}  // namespace

const JsonValue* JsonValue::find(std::string_view key) const {
  const auto it = std::find(keys.begin(), keys.end(), key);
  return it == keys.end() ? nullptr : &items[static_cast<std::size_t>(it - keys.begin())];
}

Result<JsonValue> parse_json(std::string_view text, std::string_view what) {
  json::parse_options options;
  options.max_depth = limits::kBodyDepthMax + 1;  // The handler says it in our words first.
  json::basic_parser<TreeHandler> parser(options);
  json::error_code ec;
  const std::size_t used = parser.write_some(false, text.data(), text.size(), ec);
  TreeHandler& handler = parser.handler();
  if (!handler.refused.empty())
    return Error{ErrorCode::kInvalid, std::string(what) + " is refused: " + handler.refused};
  if (ec) return not_json(what, ec, used);
  if (used != text.size()) return not_json(what, json::error::extra_data, used);
  return std::move(handler.root);
}

}  // namespace deltamesh
