// tests/tools/forget_test.cc - what `sync-node forget` asks of a node.
#include "tools/forget.h"

#include <catch2/catch.hpp>

namespace deltamesh {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kNow{1'714'543'200'250};

std::string body(const std::string& from, const std::string& to, bool all_times = false) {
  return forget_body({"env", "room \"1\"/t", "in the hand", from, to, all_times}, kNow);
}

TEST_CASE("a rule ends now unless something else is said", "[forget]") {
  const std::string begin = R"({"series":"room \"1\"/t","reason":"in the hand",)";
  CHECK(body("", "") == begin + R"("to":"2024-05-01T06:00:00.250Z"})");
  CHECK(body("2024-05-01T05:00:00Z", "") ==
        begin + R"("from":"2024-05-01T05:00:00Z","to":"2024-05-01T06:00:00.250Z"})");
  CHECK(body("", "", true) == begin + R"("to":null})");
}

TEST_CASE("a time that is a number goes as one, and all else as text, for the node to judge", "[forget]") {
  struct Row {
    const char *given, *sent;
  };
  const auto row = GENERATE(values<Row>({
      {"0", "0"},
      {"1594598400000", "1594598400000"},
      {"-62135596800000", "-62135596800000"},
      {"-", R"("-")"},
      {"007", R"("007")"},
      {"7.5", R"("7.5")"},
      {"99999999999999999999", R"("99999999999999999999")"},
      {"now", R"("now")"},
      {"2024-05-01T05:00:00Z", R"("2024-05-01T05:00:00Z")"},
  }));
  CHECK_THAT(body(row.given, row.given),
             Catch::Contains("\"from\":" + std::string(row.sent) + ",\"to\":" + row.sent + "}"));
}

// Nobody listens there: the clock is looked at first.
TEST_CASE("a clock that is wrong makes no end of a rule", "[forget]") {
  const HttpAddress nowhere{"127.0.0.1", 1};
  ForgetRequest request{"env", "t", "r", {}, {}};
  const milliseconds floor = kNow + milliseconds(1);
  CHECK_THAT(ask_to_forget(nowhere, request, kNow, floor).error().text,
             Catch::Contains("say up to when with --to"));
  CHECK_THAT(ask_to_forget(nowhere, request, floor, floor).error().text,
             Catch::Contains("http://127.0.0.1:1"));
  request.to = "7";
  CHECK_THAT(ask_to_forget(nowhere, request, kNow, floor).error().text,
             Catch::Contains("http://127.0.0.1:1"));
}

}  // namespace
}  // namespace deltamesh
