// ingest/json_leaves.cc - collects leaves from the events of Boost.JSON's tokenizer.
#include "ingest/json_leaves.h"

#include <boost/json/basic_parser_impl.hpp>
#include <optional>

#include "ingest/limits.h"

namespace deltamesh {
namespace {

namespace json = boost::json;

// Hands out refusals through `refused`; the parser only learns that it shall stop.
class LeafHandler {
 public:
  static constexpr std::size_t max_array_size = limits::kPayloadBytesMax;
  static constexpr std::size_t max_object_size = limits::kPayloadBytesMax;
  static constexpr std::size_t max_string_size = limits::kPayloadBytesMax;
  static constexpr std::size_t max_key_size = limits::kPayloadBytesMax;

  std::vector<JsonLeaf> leaves;
  std::optional<Refused> refused;

  bool on_document_begin(json::error_code&) { return true; }
  bool on_document_end(json::error_code&) { return true; }

  bool on_object_begin(json::error_code& ec) { return open(Scope::Kind::kObject, ec); }
  bool on_object_end(std::size_t, json::error_code&) { return close(); }
  bool on_array_begin(json::error_code& ec) {
    if (scopes_.empty()) return stop(ec, Refusal::kNotJson, "the payload is not a JSON object");
    return open(Scope::Kind::kArray, ec);
  }
  bool on_array_end(std::size_t, json::error_code&) { return close(); }

  bool on_key_part(json::string_view part, std::size_t, json::error_code&) { return append(part); }
  bool on_key(json::string_view last, std::size_t, json::error_code& ec) {
    append(last);
    path_.resize(scopes_.back().path_bytes);
    if (scopes_.size() > 1) path_ += '/';
    path_ += text_;
    text_.clear();
    if (path_.size() <= limits::kJsonPathBytesMax) return true;
    return stop(ec, Refusal::kNameInvalid, "a key path is longer than a series name");
  }

  bool on_string_part(json::string_view part, std::size_t, json::error_code&) { return append(part); }
  bool on_string(json::string_view last, std::size_t, json::error_code& ec) {
    append(last);
    return leaf(JsonLeaf::Kind::kString, ec);
  }
  bool on_number_part(json::string_view part, json::error_code&) { return append(part); }
  bool on_int64(std::int64_t, json::string_view last, json::error_code& ec) { return number(last, ec); }
  bool on_uint64(std::uint64_t, json::string_view last, json::error_code& ec) { return number(last, ec); }
  bool on_double(double, json::string_view last, json::error_code& ec) { return number(last, ec); }
  bool on_bool(bool value, json::error_code& ec) {
    text_ = value ? "true" : "false";
    return leaf(JsonLeaf::Kind::kBool, ec);
  }
  bool on_null(json::error_code& ec) {
    if (scopes_.empty()) return stop(ec, Refusal::kNotJson, "the payload is not a JSON object");
    next_path();
    return true;
  }
  bool on_comment_part(json::string_view, json::error_code&) { return true; }
  bool on_comment(json::string_view, json::error_code&) { return true; }

 private:
  struct Scope {
    enum class Kind : unsigned char { kObject, kArray } kind = Kind::kObject;
    std::size_t path_bytes = 0;  // Of the path of the object or array itself.
    std::size_t next_index = 0;  // Of an array.
  };

  bool append(json::string_view part) {
    text_.append(part.data(), part.size());
    return true;
  }

  bool stop(json::error_code& ec, Refusal reason, std::string text) {
    refused = Refused{reason, std::move(text)};
    ec = json::error::syntax;
    return false;
  }

  // Completes path_ for a value; in an object the key has done so.
  void next_path() {
    Scope& scope = scopes_.back();
    if (scope.kind == Scope::Kind::kObject) return;
    path_.resize(scope.path_bytes);
    path_ += '/' + std::to_string(scope.next_index++);
  }

  bool open(Scope::Kind kind, json::error_code& ec) {
    if (scopes_.size() == limits::kJsonDepthMax) {
      return stop(ec, Refusal::kTooDeep, "nested deeper than " + std::to_string(limits::kJsonDepthMax));
    }
    if (!scopes_.empty()) next_path();
    scopes_.push_back({kind, path_.size(), 0});
    return true;
  }

  bool close() {
    path_.resize(scopes_.back().path_bytes);
    scopes_.pop_back();
    return true;
  }

  bool number(json::string_view last, json::error_code& ec) {
    append(last);
    return leaf(JsonLeaf::Kind::kNumber, ec);
  }

  bool leaf(JsonLeaf::Kind kind, json::error_code& ec) {
    if (scopes_.empty()) return stop(ec, Refusal::kNotJson, "the payload is not a JSON object");
    if (leaves.size() == limits::kLeavesMax) {
      return stop(ec, Refusal::kTooManyValues, "more than " + std::to_string(limits::kLeavesMax) + " values");
    }
    next_path();
    leaves.push_back({kind, path_, std::move(text_)});
    text_.clear();
    return true;
  }

  std::vector<Scope> scopes_;
  std::string path_;
  std::string text_;  // Of the key, string or number being read.
};

Refused syntax_error(const json::error_code& ec, std::size_t at) {
  const bool number = ec == json::error::exponent_overflow || ec == json::error::not_number;
  return {number ? Refusal::kBadNumber : Refusal::kNotJson,
          ec.message() + " at byte " + std::to_string(at) + " of the payload"};
}

Judged<std::vector<JsonLeaf>> parse(std::string_view payload) {
  json::parse_options options;
  options.max_depth = limits::kJsonDepthMax + 1;  // The handler says it in our words first.
  json::basic_parser<LeafHandler> parser(options);
  json::error_code ec;
  const std::size_t used = parser.write_some(false, payload.data(), payload.size(), ec);
  if (parser.handler().refused) return *std::move(parser.handler().refused);
  if (ec) return syntax_error(ec, used);
  if (used != payload.size()) return syntax_error(json::error::extra_data, used);
  return std::move(parser.handler().leaves);
}

}  // namespace

Judged<std::vector<JsonLeaf>> json_leaves(std::string_view payload) {
  if (payload.size() > limits::kPayloadBytesMax) {
    return Refused{Refusal::kTooLarge, std::to_string(payload.size()) + " bytes of payload; at most " +
                                           std::to_string(limits::kPayloadBytesMax) + " are taken"};
  }
  return parse(payload);
}

}  // namespace deltamesh
