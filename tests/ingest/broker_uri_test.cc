// tests/ingest/broker_uri_test.cc - a broker's address is completed, or refused in words.
#include "ingest/broker_uri.h"

#include <catch2/catch.hpp>

namespace deltamesh {
namespace {

TEST_CASE("an address of a broker becomes one for Paho", "[ingest][broker]") {
  struct Row {
    const char* uri;
    const char* address;
  };
  const auto row = GENERATE(values<Row>({
      {"mqtt://127.0.0.1:1883", "tcp://127.0.0.1:1883"},
      {"tcp://broker.local:2000/", "tcp://broker.local:2000"},
      {"mqtt://broker", "tcp://broker:1883"},
      {"mqtt://[::1]", "tcp://[::1]:1883"},
      {"mqtt://[fe80::1]:1884", "tcp://[fe80::1]:1884"},
  }));
  CAPTURE(row.uri);
  const auto address = broker_address(row.uri);
  REQUIRE(address.ok());
  CHECK(*address == row.address);
}

TEST_CASE("what is not an address of a broker is refused", "[ingest][broker]") {
  const auto* uri =
      GENERATE("", "127.0.0.1:1883", "http://x", "mqtts://x", "mqtt://", "mqtt://:1883", "mqtt://x:0",
               "mqtt://x:65536", "mqtt://x:", "mqtt://x:1a", "mqtt://u:p@x", "mqtt://x/y", "mqtt://[]",
               "mqtt://[::1", "mqtt://[::1]x", "mqtt://]", "mqtt://a b");
  CAPTURE(uri);
  const auto address = broker_address(uri);
  REQUIRE_FALSE(address.ok());
  CHECK_THAT(address.error().text, Catch::Contains("broker \""));
}

}  // namespace
}  // namespace deltamesh
