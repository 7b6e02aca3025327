// tools/dump_live.cc - crdt-dump diff of a running node: it is asked to compare itself with a peer.
#include <fmt/format.h>

#include <chrono>
#include <ostream>
#include <thread>

#include "api/http_client.h"
#include "api/json_value.h"
#include "tools/dump.h"
#include "tools/text_table.h"

namespace deltamesh {
namespace {

constexpr std::chrono::milliseconds kLookFirst{20}, kLookMax{1'000};

std::string text(const JsonValue& object, std::string_view key) {
  const JsonValue* const value = object.find(key);
  return value == nullptr ? "" : value->text;
}

std::uint64_t number(const JsonValue& object, std::string_view key) {
  return std::strtoull(text(object, key).c_str(), nullptr, 10);
}

// What the node says to one request; its own refusals are errors in its words.
Result<JsonValue> ask(const HttpAddress& node, const std::string& method, const std::string& target,
                      std::string* body = nullptr) {
  const auto reply = ask_http(node, method, target);
  if (!reply) return reply.error();
  if (body != nullptr) *body = reply->body;
  auto json = parse_json(reply->body);
  if (reply->status < 300) return json;
  const JsonValue* const error = json ? json->find("error") : nullptr;
  return Error{ErrorCode::kIo, error == nullptr
                                   ? fmt::format("the node answers with status {}", reply->status)
                                   : text(*error, "message")};
}

// Waits for as long as the comparison takes: the node itself bounds it.
Result<JsonValue> compare(const HttpAddress& node, const std::string& peer, std::string& body) {
  const auto begun = ask(node, "POST", "/v0/comparisons" + (peer.empty() ? "" : "?peer=" + peer));
  if (!begun) return begun.error();
  const std::string target = "/v0/comparisons/" + text(*begun, "comparison");
  for (auto wait = kLookFirst;; wait = std::min(wait * 2, kLookMax)) {
    std::this_thread::sleep_for(wait);
    auto result = ask(node, "GET", target, &body);
    if (!result || text(*result, "done") == "true") return result;
  }
}

struct Sums {
  explicit Sums(const std::vector<JsonValue>& streams) {
    for (const JsonValue& stream : streams) {
      equal += number(stream, "equal");
      only_a += number(stream, "b_lacks");
      only_b += number(stream, "a_lacks");
      differ += number(stream, "differ");
    }
  }
  [[nodiscard]] bool different() const { return only_a + only_b + differ > 0; }
  std::uint64_t equal = 0, only_a = 0, only_b = 0, differ = 0;
};

std::string verdict(const Sums& sums, bool equal) {
  if (!sums.different()) return fmt::format("{}: {} dots", equal ? "equal" : "undecided", sums.equal);
  std::string kinds;
  const auto list = [&](std::uint64_t count, const char* what) {
    if (count > 0) kinds += fmt::format("{}{} {}", kinds.empty() ? "" : ", ", count, what);
  };
  list(sums.only_a, "dots only in A");
  list(sums.only_b, "dots only in B");
  list(sums.differ, "dots with other contents");
  return "different: " + kinds;
}

std::string line_of(const JsonValue& stream) {
  const std::string error = text(stream, "error");
  return text(stream, "text") + (error.empty() ? "" : "; not compared to the end: " + error);
}

void print(std::ostream& out, const DumpRequest& request, const JsonValue& result,
           const std::vector<JsonValue>& streams) {
  out << fmt::format("A  {}  node {}\nB  its peer  node {}\n\n", request.store, text(result, "a"),
                     text(result, "b"));
  TextTable table({"stream", "verdict"});
  for (const JsonValue& stream : streams) {
    const std::string id = text(stream, "node").substr(0, 8) + "." + text(stream, "incarnation").substr(0, 8);
    table.add({printable(text(stream, "dataset") + " " + id), printable(line_of(stream))});
  }
  if (!table.empty()) table.print(out);
  if (const std::string error = text(result, "error"); !error.empty())
    out << "\nended before all was compared: " << printable(error) << '\n';
  out << '\n' << verdict(Sums(streams), text(result, "verdict") == "equal") << '\n';
}

}  // namespace

bool is_live(const std::string& store) {
  return store.starts_with("http://");
}

Result<int> dump_live_diff(const DumpRequest& request, std::ostream& out) {
  if (!request.other.empty())
    return Error{ErrorCode::kInvalid, "a running node is compared with a peer of its own: --with NODE"};
  if (request.peer.find_first_not_of("0123456789abcdef") != std::string::npos)
    return Error{ErrorCode::kInvalid, "--with takes the first hexadecimal digits of a node"};
  const auto node = parse_http_address(request.store);
  if (!node) return node.error();
  std::string body;
  const auto result = compare(*node, request.peer, body);
  if (!result) return result.error();
  const JsonValue* const streams = result->find("streams");
  const std::vector<JsonValue> all = streams == nullptr ? std::vector<JsonValue>() : streams->items;
  request.json ? void(out << body << '\n') : print(out, request, *result, all);
  if (Sums(all).different()) return kDumpDifferent;
  return text(*result, "verdict") == "equal" ? kDumpFine : kDumpFailed;
}

}  // namespace deltamesh
