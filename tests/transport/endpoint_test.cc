// tests/transport/endpoint_test.cc - addresses as people write them, rightly and wrongly.
#include "transport/endpoint.h"

#include <rapidcheck.h>
#include <rapidcheck/catch.h>

#include <catch2/catch.hpp>

namespace deltamesh {
namespace {

TEST_CASE("what can be dialled is read and written back", "[endpoint]") {
  struct Row {
    std::string text;
    Endpoint endpoint;
    std::string written;
  };
  const auto row = GENERATE(values<Row>({
      {"tcp://127.0.0.1:7400", {Scheme::kTcp, "127.0.0.1", 7400, ""}, "tcp://127.0.0.1:7400"},
      {"tcp://[::1]:7400", {Scheme::kTcp, "::1", 7400, ""}, "tcp://[::1]:7400"},
      {"tcp://gateway-3.plant_a.example:1",
       {Scheme::kTcp, "gateway-3.plant_a.example", 1, ""},
       "tcp://gateway-3.plant_a.example:1"},
      {"ws://10.0.0.1:80/sync", {Scheme::kWebSocket, "10.0.0.1", 80, "/sync"}, "ws://10.0.0.1:80/sync"},
      {"ws://10.0.0.1:65535", {Scheme::kWebSocket, "10.0.0.1", 65535, "/sync"}, "ws://10.0.0.1:65535/sync"},
      {"ws://[2001:db8::2]:80/plant/sync?a=b",
       {Scheme::kWebSocket, "2001:db8::2", 80, "/plant/sync?a=b"},
       "ws://[2001:db8::2]:80/plant/sync?a=b"},
  }));
  CAPTURE(row.text);
  const auto endpoint = parse_peer(row.text);
  REQUIRE(endpoint.ok());
  CHECK(*endpoint == row.endpoint);
  CHECK(to_string(*endpoint) == row.written);
  CHECK(*parse_peer(row.written) == row.endpoint);
}

TEST_CASE("what cannot be dialled is refused with the text and the reason", "[endpoint]") {
  struct Row {
    std::string text, reason;
  };
  const auto row = GENERATE(values<Row>({
      {"", "must begin with tcp:// or ws://"},
      {"127.0.0.1:7400", "must begin with tcp:// or ws://"},
      {"http://127.0.0.1:7400", "must begin with tcp:// or ws://"},
      {"wss://127.0.0.1:7400", "must begin with tcp:// or ws://"},
      {"TCP://127.0.0.1:7400", "must begin with tcp:// or ws://"},
      {"tcp://", "the host is missing"},
      {"tcp://:7400", "the host is missing"},
      {"tcp://host", "the port is missing"},
      {"tcp://host:", "the port must be a number up to 65535"},
      {"tcp://host:0", "the port must be 1 to 65535"},
      {"tcp://host:65536", "the port must be a number up to 65535"},
      {"tcp://host:-1", "the port must be a number up to 65535"},
      {"tcp://host:+1", "the port must be a number up to 65535"},
      {"tcp://host:80 ", "the port must be a number up to 65535"},
      {"tcp://host:80x", "the port must be a number up to 65535"},
      {"tcp://::1:7400", "the host is missing"},
      {"tcp://fe80::1:7400", "the port must be a number up to 65535"},
      {"tcp://[::1:7400", "the bracket is not closed"},
      {"tcp://[::1]", "the port is missing"},
      {"tcp://[]:1", "no IPv6 address stands between the brackets"},
      {"tcp://[127.0.0.1]:1", "no IPv6 address stands between the brackets"},
      {"tcp://[host]:1", "no IPv6 address stands between the brackets"},
      {"tcp://ho st:1", "IPv6 needs brackets"},
      {"tcp://user@host:1", "IPv6 needs brackets"},
      {"tcp://host\n:1", "IPv6 needs brackets"},
      {"tcp://" + std::string(254, 'a') + ":1", "IPv6 needs brackets"},
      {"tcp://host:80/", "nothing may follow the port of tcp://"},
      {"ws://host:80/a b", "a character that must be escaped"},
      {"ws://host:80/\r\nHost: other", "a character that must be escaped"},
      {"ws://host/sync", "the port is missing"},
  }));
  const auto endpoint = parse_peer(row.text);
  REQUIRE_FALSE(endpoint.ok());
  CHECK_THAT(endpoint.error().text, Catch::Contains(row.reason));
  CHECK_THAT(endpoint.error().text, Catch::Contains("\"" + row.text + "\""));
}

TEST_CASE("an address to listen at is an IP address, with any port and one path", "[endpoint]") {
  CHECK(parse_listen("tcp://127.0.0.1:0").ok());
  CHECK(parse_listen("tcp://[::]:7400").ok());
  CHECK(parse_listen("ws://0.0.0.0:80")->path == "/sync");
  CHECK_THAT(parse_listen("tcp://localhost:0").error().text, Catch::Contains("must be an IP address"));
  CHECK_THAT(parse_listen("ws://127.0.0.1:80/other").error().text, Catch::Contains("must be /sync"));
  CHECK_THAT(parse_listen("udp://127.0.0.1:80").error().text, Catch::Contains("must begin with"));
}

TEST_CASE("only loopback addresses are loopback", "[endpoint]") {
  struct Row {
    std::string address;
    bool loopback;
  };
  const auto row = GENERATE(values<Row>({
      {"127.0.0.1", true},
      {"127.255.255.254", true},
      {"::1", true},
      {"::ffff:127.0.0.1", true},
      {"0.0.0.0", false},
      {"::", false},
      {"::ffff:10.0.0.1", false},
      {"10.0.0.1", false},
      {"128.0.0.1", false},
      {"fe80::1", false},
      {"localhost", false},
      {"", false},
  }));
  CAPTURE(row.address);
  CHECK(is_loopback(row.address) == row.loopback);
}

TEST_CASE("listening to others needs the word insecure", "[endpoint]") {
  for (const char* const address : {"tcp://0.0.0.0:7400", "tcp://[::]:7400", "ws://192.168.1.2:80/sync"}) {
    CAPTURE(address);
    const auto endpoint = *parse_listen(address);
    const Status refused = check_exposure(endpoint, false);
    REQUIRE_FALSE(refused.ok());
    CHECK_THAT(refused.error().text, Catch::Contains(address) && Catch::Contains("insecure = true"));
    CHECK(check_exposure(endpoint, true).ok());
  }
  CHECK(check_exposure(*parse_listen("tcp://127.0.0.1:7400"), false).ok());
  CHECK(check_exposure(*parse_listen("ws://[::1]:7400"), false).ok());
}

TEST_CASE("no text makes the parser fail, and what it accepts survives writing", "[endpoint]") {
  rc::prop("any text", [](const std::string& tail) {
    const auto prefix = *rc::gen::element<std::string>("", "tcp://", "ws://", "tcp://[::1]", "ws://host:1");
    for (const auto& endpoint : {parse_peer(prefix + tail), parse_listen(prefix + tail)}) {
      if (endpoint.ok() && endpoint->port != 0) RC_ASSERT(*parse_peer(to_string(*endpoint)) == *endpoint);
    }
  });
}

}  // namespace
}  // namespace deltamesh
