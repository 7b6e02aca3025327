// tests/api/http_address_test.cc - where a running node is asked: which addresses are, and which are not.
#include <catch2/catch.hpp>

#include "api/http_address.h"

namespace deltamesh {
namespace {

TEST_CASE("an address is a host and a port, as they stand in a URL", "[api][address]") {
  struct Row {
    std::string url, host;
    std::uint16_t port;
  };
  const std::string longest(253, 'h');
  const auto row = GENERATE_COPY(values<Row>({
      {"http://127.0.0.1:8081", "127.0.0.1", 8081},
      {"http://127.0.0.1:8081/", "127.0.0.1", 8081},
      {"http://localhost:1", "localhost", 1},
      {"http://cloud-7.example_net:65535", "cloud-7.example_net", 65535},
      {"http://[::1]:8081", "::1", 8081},
      {"http://[fe80::1%lo]:8081/", "fe80::1%lo", 8081},
      {"http://[::ffff:127.0.0.1]:8081", "::ffff:127.0.0.1", 8081},
      {"http://" + longest + ":80", longest, 80},
  }));
  CAPTURE(row.url);
  const auto address = parse_http_address(row.url);
  REQUIRE(address);
  CHECK(address->host == row.host);
  CHECK(address->port == row.port);
}

TEST_CASE("what is no address of a node is refused", "[api][address]") {
  const auto url = GENERATE(
      as<std::string>(), "", "http://", "http://:8081", "http://127.0.0.1",
      "http://127.0.0.1:", "http://127.0.0.1:0", "http://127.0.0.1:65536",
      "http://127.0.0.1:99999999999999999999", "http://127.0.0.1:-1", "http://127.0.0.1:+80",
      "http://127.0.0.1: 80", "http://127.0.0.1:80x", "http://127.0.0.1:http", "http://127.0.0.1:80//",
      "http://127.0.0.1:80/healthz", "http://a/b:80", "http://127.0.0.1:80?x", "https://127.0.0.1:80",
      "HTTP://127.0.0.1:80", "127.0.0.1:80", "http://user@host:80", "http://a host:80",
      "http://host\r\nX-Y: 1:80", std::string("http://h\0t:80", 13), "http://::1:80", "http://[::1]",
      "http://[::1]80", "http://[::1:80", "http://::1]:80", "http://[]:80", "http://[127.0.0.1]:80",
      "http://[localhost]:80", "http://[::1]x:80", "http://[[::1]]:80",
      "http://" + std::string(254, 'h') + ":80", "http://h:" + std::string(100'000, '8'));
  CAPTURE(url.substr(0, 80));
  const auto address = parse_http_address(url);
  REQUIRE_FALSE(address);
  CHECK(address.error().code == ErrorCode::kInvalid);
}

TEST_CASE("an address that is refused is told, a long one by its beginning", "[api][address]") {
  CHECK(parse_http_address("http://127.0.0.1").error().text ==
        "http://127.0.0.1 is not of the form http://HOST:PORT");
  CHECK(parse_http_address("http://" + std::string(100'000, 'h')).error().text ==
        "http://" + std::string(57, 'h') + "... is not of the form http://HOST:PORT");
}

TEST_CASE("an address is told as it was written, an IPv6 one in its brackets", "[api][address]") {
  for (const std::string url : {"http://127.0.0.1:8081", "http://[::1]:8081"}) {
    const auto address = parse_http_address(url);
    REQUIRE(address);
    CHECK("http://" + host_and_port(*address) == url);
  }
}

}  // namespace
}  // namespace deltamesh
