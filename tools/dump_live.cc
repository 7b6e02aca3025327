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

// Waits for as long as the comparison takes: the node itself bounds it.
Result<JsonValue> compare(const HttpAddress& node, const std::string& peer, std::string& body) {
  const auto begun = ask_json(node, "POST", "/v0/comparisons" + (peer.empty() ? "" : "?peer=" + peer));
  if (!begun) return begun.error();
  const std::string target = "/v0/comparisons/" + text(*begun, "comparison");
  for (auto wait = kLookFirst;; wait = std::min(wait * 2, kLookMax)) {
    std::this_thread::sleep_for(wait);
    auto result = ask_json(node, "GET", target, &body);
    if (!result || text(*result, "done") == "true") return result;
  }
}

// What is counted of streams is dots; of maps, live keys that are equal or not, and dots that one side lacks.
struct Sums {
  Sums(const std::vector<JsonValue>& streams, const std::vector<JsonValue>& maps) {
    for (const JsonValue& stream : streams) {
      dots += number(stream, "equal");
      dots_differ += number(stream, "differ");
    }
    for (const JsonValue& map : maps) {
      keys += number(map, "equal");
      keys_differ += number(map, "differ");
    }
    for (const auto* const all : {&streams, &maps}) {
      for (const JsonValue& one : *all) {
        only_a += number(one, "b_lacks");
        only_b += number(one, "a_lacks");
      }
    }
  }
  [[nodiscard]] bool different() const { return only_a + only_b + dots_differ + keys_differ > 0; }
  std::uint64_t dots = 0, keys = 0, only_a = 0, only_b = 0, dots_differ = 0, keys_differ = 0;
};

std::string verdict(const Sums& sums, bool equal, bool has_maps) {
  if (!sums.different()) {
    const std::string keys = has_maps ? fmt::format(", {} keys", sums.keys) : "";
    return fmt::format("{}: {} dots{}", equal ? "equal" : "undecided", sums.dots, keys);
  }
  std::string kinds;
  const auto list = [&](std::uint64_t count, const char* what) {
    if (count > 0) kinds += fmt::format("{}{} {}", kinds.empty() ? "" : ", ", count, what);
  };
  list(sums.only_a, "dots only in A");
  list(sums.only_b, "dots only in B");
  list(sums.dots_differ, "dots with other contents");
  list(sums.keys_differ, "keys with other contents");
  return "different: " + kinds;
}

std::string line_of(const JsonValue& one) {
  const std::string error = text(one, "error");
  return text(one, "text") + (error.empty() ? "" : "; not compared to the end: " + error);
}

std::vector<JsonValue> list_of(const JsonValue& result, std::string_view key) {
  const JsonValue* const list = result.find(key);
  return list == nullptr ? std::vector<JsonValue>() : list->items;
}

struct Found {
  std::vector<JsonValue> streams, maps;  // A node from before maps were compared tells of none.
  Sums sums{streams, maps};
};

void print(std::ostream& out, const DumpRequest& request, const JsonValue& result, const Found& found) {
  out << fmt::format("A  {}  node {}\nB  its peer  node {}\n\n", request.store, text(result, "a"),
                     text(result, "b"));
  TextTable table({"stream or map", "verdict"});
  for (const JsonValue& stream : found.streams) {
    const std::string id = text(stream, "node").substr(0, 8) + "." + text(stream, "incarnation").substr(0, 8);
    table.add({printable(text(stream, "dataset") + " " + id), printable(line_of(stream))});
  }
  for (const JsonValue& map : found.maps)
    table.add({printable(text(map, "dataset")), printable(line_of(map))});
  if (!table.empty()) table.print(out);
  if (const std::string error = text(result, "error"); !error.empty())
    out << "\nended before all was compared: " << printable(error) << '\n';
  const bool equal = text(result, "verdict") == "equal";
  out << '\n' << verdict(found.sums, equal, !found.maps.empty()) << '\n';
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
  const Found found{list_of(*result, "streams"), list_of(*result, "maps")};
  request.json ? void(out << body << '\n') : print(out, request, *result, found);
  if (found.sums.different()) return kDumpDifferent;
  return text(*result, "verdict") == "equal" ? kDumpFine : kDumpFailed;
}

}  // namespace deltamesh
