// tests/api/node_api_test.cc - saying over HTTP that a node is gone for good.
#include <catch2/catch.hpp>

#include "tests/api/api_fixture.h"

namespace deltamesh::testing {
namespace {

std::string place(const std::string& node, const std::string& query = "?action=retire") {
  return "/v0/nodes/" + node + query;
}

}  // namespace

TEST_CASE("a node that nobody knows is not retired, nor this one, nor what is no node", "[api][retire]") {
  const ApiNode node;
  const std::string own{boost::json::string(node.get("/healthz").at("node").as_string())};
  CHECK(node.ask("POST", place(std::string(32, 'a'))).status == 404);
  CHECK(node.ask("POST", place(own)).status == 400);
  CHECK(node.ask("POST", place("gateway")).status == 400);
  CHECK(node.ask("POST", place(own, "")).status == 400);
  CHECK(node.ask("POST", place(own, "?action=adopt")).status == 400);
  CHECK(node.ask("POST", place(own, "?action=retire&now=1")).status == 400);
  CHECK(node.ask("GET", place(own, "")).status == 405);
}

}  // namespace deltamesh::testing
