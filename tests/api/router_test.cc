// tests/api/router_test.cc - which route a request reaches, and what its path and query say.
#include "api/router.h"

#include <catch2/catch.hpp>

namespace deltamesh::testing {
namespace {

// Routes one request to handlers that repeat what they were told.
HttpResponse routed(const std::string& method, const std::string& target) {
  Router router;
  const auto repeat = [](const std::string& name) {
    return [name](const RoutedRequest& request, const Responder& respond) {
      HttpResponse response{200, name};
      for (const auto& text : request.captured) response.body += "|" + text;
      for (const auto& text : request.query.all("q")) response.body += "?" + text;
      respond(response);
    };
  };
  router.add("GET", "/maps/{dataset}", repeat("list"));
  router.add("GET", "/maps/{dataset}/{key...}", repeat("get"));
  router.add("PUT", "/maps/{dataset}/{key...}", repeat("put"));
  router.add("GET", "/t/{dataset}/samples", repeat("samples"));
  HttpResponse out;
  router.route({method, target, ""}, Responder([&out](HttpResponse response) { out = std::move(response); }));
  return out;
}

TEST_CASE("a path reaches the route whose pattern it fits", "[router]") {
  struct Row {
    const char* target;
    const char* answer;
  };
  const auto row = GENERATE(values<Row>({
      {"/maps/settings", "list|settings"},
      {"/maps/settings?q=1&q=2", "list|settings?1?2"},
      {"/maps/settings/a", "get|settings|a"},
      {"/maps/settings/a/b//c/", "get|settings|a/b//c/"},
      {"/maps/settings/a%2Fb%20c+d", "get|settings|a/b c+d"},
      {"/maps/a%2Fb/c", "get|a/b|c"},
      {"/maps/settings/%C3%A9?", "get|settings|\xc3\xa9"},
      {"/maps/settings/../x", "get|settings|../x"},
      {"/maps/settings/a?q=b+c%2Bd&q=&q", "get|settings|a?b c+d??"},
      {"/t/x/samples", "samples|x"},
  }));
  CAPTURE(row.target);
  CHECK(routed("GET", row.target).body == row.answer);
}

TEST_CASE("a path that fits nothing is not found", "[router]") {
  const auto target =
      GENERATE(as<std::string>(), "/", "", "*", "maps/settings", "/maps", "/maps/", "/maps//a",
               "/maps/settings/", "/t/x", "/t/x/samples/", "/t//samples", "/t/x/samples/y", "/T/x/samples");
  CAPTURE(target);
  const auto response = routed("GET", target);
  CHECK(response.status == 404);
  CHECK(response.body == R"({"error":{"code":"not_found","message":"nothing is at this path"}})");
}

TEST_CASE("a method that a path does not take is answered with those that it does", "[router]") {
  const auto response = routed("DELETE", "/maps/settings/a");
  CHECK(response.status == 405);
  CHECK(response.headers == std::vector<std::pair<std::string, std::string>>{{"Allow", "GET, PUT"}});
  CHECK(routed("get", "/maps/settings").status == 405);
}

TEST_CASE("broken escapes and what is not UTF-8 are refused", "[router]") {
  const auto target = GENERATE(as<std::string>(), "/maps/s/%", "/maps/s/%2", "/maps/s/%zz", "/maps/s/%ff",
                               "/maps/s/%C3", "/maps/s/%ED%A0%80", "/maps/s/%C0%AF", "/maps/s/\xff",
                               "/maps/%GG", "/maps/s?q=%", "/maps/s?%=1", "/maps/s?q=%ff");
  CAPTURE(target);
  CHECK(routed("GET", target).status == 400);
}

TEST_CASE("parameters are checked by name and number", "[uri]") {
  const auto query = QueryParameters::parse("limit=10&series=a&series=b&from=1");
  REQUIRE(query);
  CHECK(query->check({"limit", "from"}, "series"));
  CHECK(!query->check({"limit", "from", "series"}));  // Stands twice.
  CHECK(query->check({"limit"}, "series").error().text == "no parameter \"from\" is known here");
  CHECK(*query->count("limit", 5, 10) == 10);
  CHECK(*query->count("other", 5, 10) == 5);
  CHECK(!query->count("limit", 5, 9));
  for (const auto* text : {"limit=0", "limit=-1", "limit=", "limit=1x", "limit=99999999999999999999999"}) {
    CHECK(!QueryParameters::parse(text)->count("limit", 5, 10));
  }
}

}  // namespace
}  // namespace deltamesh::testing
