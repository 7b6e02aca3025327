// tests/api/compare_api_test.cc - comparisons over HTTP: begun, looked at, refused, forgotten.
#include <boost/json/serialize.hpp>
#include <catch2/catch.hpp>

#include "api/limits.h"
#include "tests/api/api_fixture.h"
#include "tests/support/tcp_proxy.h"
#include "tests/support/wait.h"

namespace deltamesh::testing {
namespace {

namespace asio = boost::asio;
namespace json = boost::json;

constexpr const char* kComparisons = "/v0/comparisons";

std::string failure(const std::string& code, const std::string& message) {
  return R"({"error":{"code":")" + code + R"(","message":")" + message + "\"}}";
}

std::size_t live_sessions(const ApiNode& node) {
  const auto health = node.get("/healthz");
  std::size_t live = 0;
  for (const auto& session : health.at("sessions").as_array()) live += session.at("phase") == "live" ? 1 : 0;
  return live;
}

std::uint64_t received(const ApiNode& node) {
  return node.get("/healthz").at("counters").at("events_received").to_number<std::uint64_t>();
}

void begin(const ApiNode& node, int number, const std::string& query = {}) {
  const auto reply = node.ask("POST", kComparisons + query);
  CHECK(reply.status == 202);
  CHECK(reply.body == R"({"comparison":)" + std::to_string(number) + "}");
}

std::string place(int number) {
  return std::string(kComparisons) + "/" + std::to_string(number);
}

json::value end_of(const ApiNode& node, int number) {
  json::value found;
  REQUIRE(wait_until([&] {
    found = node.get(place(number));
    return found.at("done").as_bool();
  }));
  return found;
}

// In session with a peer over a wire that can be held.
class Linked {
 public:
  Linked() {
    const std::uint16_t port = peer.listen().port;
    node.on_thread(
        [&] { wire_.emplace(node.io(), asio::ip::tcp::endpoint(asio::ip::address_v4::loopback(), port)); });
    node.dial(*parse_peer("tcp://127.0.0.1:" + std::to_string(wire_->port())));
    REQUIRE(wait_until([&] { return live_sessions(node) == 1 && live_sessions(peer) == 1; }));
  }
  ~Linked() {
    node.on_thread([&] { wire_.reset(); });
  }
  Linked(const Linked&) = delete;
  Linked& operator=(const Linked&) = delete;

  void hold() {
    node.on_thread([&] { wire_->hold(); });
  }
  void mend() {
    node.on_thread([&] { wire_->mend(); });
  }
  void cut() {
    node.on_thread([&] { wire_->cut(); });
  }

  ApiNode peer, node;

 private:
  std::optional<TcpProxy> wire_;
};

// One event of the node, which the peer holds, too.
struct LinkedWithEvent : Linked {
  LinkedWithEvent() {
    node.append(R"({"time":1000,"readings":{"room/temperature":20.5}})");
    REQUIRE(wait_until([&] { return received(peer) == 1; }));
  }
};

TEST_CASE("two nodes in session are compared, and what came of it can be asked for", "[api][compare]") {
  const LinkedWithEvent nodes;
  nodes.peer.append(R"({"time":1000,"readings":{"hall/temperature":19}})");
  nodes.peer.append(R"({"time":2000,"readings":{"hall/temperature":18}})");
  REQUIRE(wait_until([&] { return received(nodes.node) == 2; }));
  begin(nodes.node, 1);
  const auto found = end_of(nodes.node, 1);
  CHECK(found.at("comparison") == 1);
  CHECK(found.at("a").as_string() == nodes.node.id());
  CHECK(found.at("b").as_string() == nodes.peer.id());
  CHECK(found.at("verdict") == "equal");
  CHECK_FALSE(found.as_object().contains("error"));
  REQUIRE(found.at("streams").as_array().size() == 2);
  for (const auto& stream : found.at("streams").as_array()) {
    const bool own = stream.at("node").as_string() == nodes.node.id();
    CAPTURE(own, json::serialize(stream));
    if (!own) CHECK(stream.at("node").as_string() == nodes.peer.id());
    CHECK(stream.at("dataset") == "metrics");
    CHECK(stream.at("upto") == (own ? 1 : 2));
    CHECK(stream.at("equal") == (own ? 1 : 2));
    CHECK(stream.at("text").as_string() == (own ? "equal and complete to 1" : "equal and complete to 2"));
  }
}

TEST_CASE("a peer is named by the first digits of its id", "[api][compare]") {
  const Linked nodes;
  const std::string id = nodes.peer.id();
  begin(nodes.node, 1, "?peer=" + id.substr(0, 6));
  begin(nodes.peer, 1, "?peer=" + nodes.node.id());
  const std::string other = (id[0] == '0' ? "1" : "0") + id.substr(1, 5);
  const auto reply = nodes.node.ask("POST", kComparisons + ("?peer=" + other));
  CHECK(reply.status == 404);
  CHECK(reply.body == failure("not_found", "no node " + other + " is in session"));
}

TEST_CASE("a node that is in session with nobody compares itself with nobody", "[api][compare]") {
  const ApiNode node;
  const auto reply = node.ask("POST", kComparisons);
  CHECK(reply.status == 404);
  CHECK(reply.body == failure("not_found", "no node is in session"));
}

TEST_CASE("with two peers in session the one that is meant must be named", "[api][compare]") {
  ApiNode first, second, node;
  node.dial(first.listen());
  node.dial(second.listen());
  REQUIRE(wait_until([&] { return live_sessions(node) == 2; }));
  const auto reply = node.ask("POST", kComparisons);
  CHECK(reply.status == 400);
  CHECK(reply.body ==
        failure("invalid", "more than one node is in session: name the peer by more of its digits"));
  begin(node, 1, "?peer=" + first.id());
  begin(node, 2, "?peer=" + second.id());
  CHECK(end_of(node, 2).at("b").as_string() == second.id());
}

TEST_CASE("while a comparison is under way another one with that peer is refused", "[api][compare]") {
  LinkedWithEvent nodes;
  nodes.hold();
  begin(nodes.node, 1);
  CHECK(json::serialize(nodes.node.get(place(1))) == R"({"comparison":1,"done":false})");
  const auto refused = nodes.node.ask("POST", kComparisons);
  CHECK(refused.status == 503);
  CHECK(refused.headers.count("retry-after") == 1);
  CHECK(refused.body == failure("full", "a comparison with this peer is under way"));
  nodes.mend();
  CHECK(end_of(nodes.node, 1).at("verdict") == "equal");
  begin(nodes.node, 2);
}

TEST_CASE("a comparison whose session ends is done, and says that not all was compared", "[api][compare]") {
  LinkedWithEvent nodes;
  nodes.hold();
  begin(nodes.node, 1);
  nodes.cut();
  const auto found = end_of(nodes.node, 1);
  CHECK(found.at("verdict") == "undecided");
  CHECK_FALSE(found.at("error").as_string().empty());
}

TEST_CASE("a request about comparisons that cannot be met says why", "[api][compare]") {
  struct Row {
    std::string method, target;
    int status;
    std::string message;
  };
  const std::string all = kComparisons;
  const auto row = GENERATE_COPY(values<Row>({
      {"GET", all + "/1", 404, "no comparison 1, or no more"},
      {"GET", all + "/x", 404, "no comparison x, or no more"},
      {"GET", all + "/-1", 404, "no comparison -1, or no more"},
      {"GET", all + "/7x", 404, "no comparison 7x, or no more"},
      {"GET", all + "/99999999999999999999", 404, "no comparison 99999999999999999999, or no more"},
      {"GET", all + "/7?peer=1", 400, "no parameter \\\"peer\\\" is known here"},
      {"POST", all + "?per=1", 400, "no parameter \\\"per\\\" is known here"},
      {"POST", all + "?peer=1&peer=2", 400, "parameter \\\"peer\\\" stands twice"},
      {"GET", all, 405, "this path takes POST"},
      {"POST", all + "/7", 405, "this path takes GET"},
  }));
  ApiNode node;
  node.compare_by([](const auto&, const auto& begun, const auto&) { begun(CompareId{7}); });
  begin(node, 7);
  CAPTURE(row.method, row.target);
  const auto reply = node.ask(row.method, row.target);
  CHECK(reply.status == row.status);
  CHECK_THAT(reply.body, Catch::Contains(row.message));
}

TEST_CASE("the newest results are kept, and those before are forgotten", "[api][compare]") {
  ApiNode node;
  std::vector<Driver::ComparedHandler> waiting;
  node.compare_by([&](const auto&, const auto& begun, const auto& done) {
    waiting.push_back(done);
    begun(CompareId{waiting.size()});
  });
  const int all = static_cast<int>(limits::kComparisonsKept) + 1;
  for (int number = 1; number <= all; ++number) begin(node, number);
  CHECK(node.ask("GET", place(1)).status == 404);
  CHECK(node.get(place(2)).at("done") == false);
  node.on_thread([&] {
    for (int number = 1; number <= all; ++number) {
      Compared result;
      result.id = CompareId{static_cast<std::uint64_t>(number)};
      waiting[static_cast<std::size_t>(number - 1)](std::move(result));
    }
  });
  CHECK(node.ask("GET", place(1)).status == 404);
  CHECK(node.get(place(all)).at("done") == true);
}

// --- What was found, in words ----------------------------------------------------------------------------

ComparedStream stream_with(const std::function<void(ComparedStream&)>& change) {
  ComparedStream stream;
  stream.stream.dataset = dataset_id("metrics");
  stream.found.dots = {1, 10};
  stream.found.equal = 10;
  change(stream);
  return stream;
}

// What the API tells of a comparison that has come to `result`.
json::value told_of(Compared result) {
  result.id = CompareId{1};
  ApiNode node;
  node.compare_by([&](const auto&, const auto& begun, const auto& done) {
    begun(CompareId{1});
    done(result);
  });
  begin(node, 1);
  return node.get(place(1));
}

TEST_CASE("what was found of a stream is told in numbers and in words", "[api][compare]") {
  struct Row {
    std::function<void(ComparedStream&)> change;
    std::string stream, whole, text;
  };
  const auto row = GENERATE(values<Row>({
      {[](auto&) {}, "equal", "equal", "equal and complete to 10"},
      {[](auto& s) {
         s.found.b_lacks.add(Interval{5, 9}), s.found.equal = 5;
       },
       "equal_where_both_hold", "equal_where_both_hold", "equal where both hold; B lacks 5-9 (5 dots)"},
      {[](auto& s) {
         s.found.a_lacks.add(Interval{5, 5}), s.found.equal = 9;
       },
       "equal_where_both_hold", "equal_where_both_hold", "equal where both hold; A lacks 5 (1 dot)"},
      {[](auto& s) {
         s.found.differ.add(Interval{7, 7}), s.found.equal = 9;
       },
       "differ", "differ", "differ at 7 (1 dot)"},
      {[](auto& s) {
         s.status = Error{ErrorCode::kMismatch, "as told"};
         s.found.equal = 0;
       },
       "undecided", "undecided", "undecided"},
  }));
  Compared result;
  result.streams.push_back(stream_with(row.change));
  const auto found = told_of(result);
  CAPTURE(json::serialize(found));
  CHECK(found.at("verdict").as_string() == row.whole);
  const auto& stream = found.at("streams").at(0);
  const auto expected = stream_with(row.change);
  CHECK(stream.at("verdict").as_string() == row.stream);
  CHECK(stream.at("text").as_string() == row.text);
  CHECK(stream.at("equal").to_number<std::uint64_t>() == expected.found.equal);
  CHECK(stream.at("a_lacks").to_number<std::uint64_t>() == expected.found.a_lacks.total());
  CHECK(stream.at("b_lacks").to_number<std::uint64_t>() == expected.found.b_lacks.total());
  CHECK(stream.at("differ").to_number<std::uint64_t>() == expected.found.differ.total());
  CHECK(stream.as_object().contains("error") == !expected.status.ok());
}

ComparedMap map_with(const std::function<void(ComparedMap&)>& change) {
  ComparedMap map;
  map.dataset = dataset_id("settings");
  map.equal = 10;
  change(map);
  return map;
}

TEST_CASE("what was found of a map is told in numbers, by key and in words", "[api][compare]") {
  struct Row {
    std::function<void(ComparedMap&)> change;
    std::string map, text;
  };
  const auto row = GENERATE(values<Row>({
      {[](auto&) {}, "equal", "equal"},
      {[](auto& m) {
         LackingDots lacking;
         lacking.b.add(Interval{5, 9});
         m.lacking.add(lacking);
       },
       "equal_where_both_hold", "equal where both know; B lacks 5-9 (5 dots) of 00000000.00000000"},
      {[](auto& m) {
         m.keys = {"valve-1", "valve-2"}, m.differ = 2;
       },
       "differ", "differ at valve-1, valve-2 (2 keys)"},
      {[](auto& m) { m.undecided = 3; }, "undecided", "undecided; 3 keys or ranges were not compared"},
      {[](auto& m) {
         m.status = Error{ErrorCode::kUnsupported, "no answer within 30 s"};
       },
       "undecided", "undecided"},
  }));
  Compared result;
  result.maps.push_back(map_with(row.change));
  const auto found = told_of(result);
  CAPTURE(json::serialize(found));
  CHECK(found.at("verdict").as_string() == row.map);
  const auto& map = found.at("maps").at(0);
  const auto expected = map_with(row.change);
  CHECK(map.at("dataset") == "settings");
  CHECK(map.at("verdict").as_string() == row.map);
  CHECK(map.at("text").as_string() == row.text);
  CHECK(map.at("equal") == 10);
  CHECK(map.at("a_lacks") == 0);
  CHECK(map.at("b_lacks").to_number<std::uint64_t>() == expected.lacking.b);
  CHECK(map.at("lacking").as_array().size() == expected.lacking.first.size());
  CHECK(map.at("differ").to_number<std::uint64_t>() == expected.differ);
  CHECK(map.at("keys").as_array().size() == expected.keys.size());
  CHECK(map.at("undecided").to_number<std::uint64_t>() == expected.undecided);
  CHECK(map.as_object().contains("error") == !expected.status.ok());
}

TEST_CASE("maps of two nodes in session are compared, too", "[api][compare]") {
  const Linked nodes;
  const auto name = std::string("settings");
  REQUIRE(nodes.node.ask("PUT", "/v0/maps/" + name + "/valve", "open").status == 200);
  REQUIRE(wait_until([&] { return nodes.peer.ask("GET", "/v0/maps/" + name + "/valve").status == 200; }));
  begin(nodes.node, 1);
  const auto found = end_of(nodes.node, 1);
  CAPTURE(json::serialize(found));
  CHECK(found.at("verdict") == "equal");
  REQUIRE(found.at("maps").as_array().size() == 1);
  CHECK(found.at("maps").at(0).at("dataset").as_string() == name);
  CHECK(found.at("maps").at(0).at("text") == "equal");
  CHECK(found.at("maps").at(0).at("equal") == 1);
}

}  // namespace
}  // namespace deltamesh::testing
