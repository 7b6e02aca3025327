// tests/ingest/decoder_test.cc - a message becomes one event by its rule, or is refused with the reason.
#include "ingest/decoder.h"

#include <catch2/catch.hpp>
#include <random>

#include "ingest/limits.h"

namespace deltamesh {
namespace {

constexpr std::chrono::microseconds kArrival = std::chrono::milliseconds(1'000);

CompiledRule compiled(IngestRule rule) {
  auto result = CompiledRule::compile(std::move(rule));
  if (!result) FAIL(result.error().text);
  return *std::move(result);
}

IngestRule json_rule() {
  IngestRule rule;
  rule.topic = "tele/{device}/SENSOR";
  rule.dataset = "climate";
  return rule;
}

// As messages of the env-sensor recording need it.
IngestRule env_rule() {
  IngestRule rule = json_rule();
  rule.select = {"data.*"};
  rule.device = "device";
  rule.timestamp = "ts";
  return rule;
}

IngestRule plain_rule() {
  IngestRule rule;
  rule.topic = "plant/{device}/{metric}";
  rule.dataset = "climate";
  rule.payload = PayloadKind::kPlain;
  return rule;
}

NamedEvent event_of(const IngestRule& rule, std::string_view topic, std::string_view payload) {
  auto judged = decode(compiled(rule), {topic, payload, kArrival});
  if (const auto* refused = std::get_if<Refused>(&judged)) FAIL(refused->text);
  return std::get<NamedEvent>(std::move(judged));
}

std::string reason(const IngestRule& rule, std::string_view topic, std::string_view payload) {
  const auto judged = decode(compiled(rule), {topic, payload, kArrival});
  const auto* refused = std::get_if<Refused>(&judged);
  return refused ? to_string(refused->reason) : "taken";
}

std::vector<std::string> names(const NamedEvent& event) {
  std::vector<std::string> result;
  for (const NamedReading& reading : event.readings) result.push_back(reading.series);
  return result;
}

TEST_CASE("a message of the env-sensor recording yields its seven readings at its own time",
          "[ingest][decoder]") {
  const auto event = event_of(
      env_rule(), "tele/x/SENSOR",
      R"({"data":{"co":0.011737819751470924,"humidity":73.80000305175781,"light":false,"lpg":0.014275626163619557,)"
      R"("motion":true,"smoke":0.039739889499066566,"temp":18.899999618530273},"device_id":"0e:9c:00:4c:1c:51",)"
      R"("ts":1594598424.5023336,"device":"iot-device-01"})");
  CHECK(event.time == 1'594'598'424'502);
  CHECK(event.boot == 0);
  CHECK_FALSE(event.taken);
  CHECK(names(event) == std::vector<std::string>{"iot-device-01/co", "iot-device-01/humidity",
                                                 "iot-device-01/light", "iot-device-01/lpg",
                                                 "iot-device-01/motion", "iot-device-01/smoke",
                                                 "iot-device-01/temp"});
  CHECK(event.readings[0].value == Value(0.011737819751470924));
  CHECK(event.readings[1].value == Value(73.80000305175781));
  CHECK(event.readings[2].value == Value(false));
  CHECK(event.readings[4].value == Value(true));
  CHECK(event.readings[6].value == Value(18.899999618530273));
}

TEST_CASE(
    "without a time stamp the node gives the time of arrival, and without a device path the topic counts",
    "[ingest][decoder]") {
  const auto event = event_of(json_rule(), "tele/d1/SENSOR", R"({"a":{"b":1}})");
  CHECK(event.taken == std::chrono::seconds(1));
  CHECK(names(event) == std::vector<std::string>{"d1/a/b"});
}

TEST_CASE("scale, unit, integers and strings apply to the leaves that they name", "[ingest][decoder]") {
  IngestRule rule = json_rule();
  rule.scale = {{"env.t", 0.1}};
  rule.unit = {{"env.t", "Cel"}, {"*", "1"}};
  rule.integers = {"n"};
  rule.strings = true;
  const auto event =
      event_of(rule, "tele/d/SENSOR", R"({"env":{"t":213},"n":9007199254740993,"s":"open","x":2})");
  REQUIRE(event.readings.size() == 4);
  CHECK(event.readings[0].value == Value(21.3));
  CHECK(event.readings[0].unit == "Cel");
  CHECK(event.readings[1].value == Value(std::int64_t{9007199254740993}));
  CHECK(event.readings[2].value == Value(std::string("open")));
  CHECK(event.readings[3].value == Value(2.0));
  CHECK(event.readings[3].unit == "1");
}

TEST_CASE("strings are skipped unless the rule wants them, and so are nulls", "[ingest][decoder]") {
  const auto event = event_of(json_rule(), "tele/d/SENSOR", R"({"Time":"2020","a":null,"b":1})");
  CHECK(names(event) == std::vector<std::string>{"d/b"});
}

TEST_CASE("a time stamp may be text, and of any unit", "[ingest][decoder]") {
  IngestRule rule = env_rule();
  rule.timestamp_unit = TimeUnit::kIso8601;
  CHECK(event_of(rule, "tele/x/SENSOR", R"({"ts":"2020-07-13T00:00:24.5025Z","device":"d","data":{"a":1}})")
            .time == 1'594'598'424'502);
  rule.timestamp_unit = TimeUnit::kMilliseconds;
  rule.resolution = Resolution::kMicroseconds;
  CHECK(event_of(rule, "tele/x/SENSOR", R"({"ts":"1594598424502","device":"d","data":{"a":1}})").time ==
        1'594'598'424'502'000);
}

TEST_CASE("a JSON message that cannot be used is refused with its reason", "[ingest][decoder]") {
  struct Row {
    const char* topic;
    std::string payload;
    const char* reason;
  };
  const auto row = GENERATE(values<Row>({
      {"tele/x/STATE", R"({"ts":1,"device":"d","data":{"a":1}})", "topic_mismatch"},
      {"tele/x/SENSOR", R"({"ts":1,"device":"d","data":{"a":1})", "not_json"},
      {"tele/x/SENSOR", std::string(limits::kPayloadBytesMax + 1, ' '), "too_large"},
      {"tele/x/SENSOR", R"({"device":"d","data":{"a":1}})", "no_timestamp"},
      {"tele/x/SENSOR", R"({"ts":null,"device":"d","data":{"a":1}})", "no_timestamp"},
      {"tele/x/SENSOR", R"({"ts":true,"device":"d","data":{"a":1}})", "no_timestamp"},
      {"tele/x/SENSOR", R"({"ts":{"s":1},"device":"d","data":{"a":1}})", "no_timestamp"},
      {"tele/x/SENSOR", R"({"ts":"soon","device":"d","data":{"a":1}})", "bad_timestamp"},
      {"tele/x/SENSOR", R"({"ts":1594598424502,"device":"d","data":{"a":1}})", "timestamp_range"},
      {"tele/x/SENSOR", R"({"ts":1,"ts":2,"device":"d","data":{"a":1}})", "duplicate"},
      {"tele/x/SENSOR", R"({"ts":1,"data":{"a":1}})", "no_device"},
      {"tele/x/SENSOR", R"({"ts":1,"device":"","data":{"a":1}})", "no_device"},
      {"tele/x/SENSOR", R"({"ts":1,"device":"d","device":"e","data":{"a":1}})", "duplicate"},
      {"tele/x/SENSOR", R"({"ts":1,"device":"d"})", "no_values"},
      {"tele/x/SENSOR", R"({"ts":1,"device":"d","data":{"a":"text"}})", "no_values"},
      {"tele/x/SENSOR", R"({"ts":1,"device":"d","data":{"a":1,"a":2}})", "duplicate"},
      {"tele/x/SENSOR", R"({"ts":1,"device":"d","data":{"a":{"b":1},"a/b":2}})", "duplicate"},
      {"tele/x/SENSOR", R"({"ts":1,"device":"d","data":{"a":1e999}})", "bad_number"},
      {"tele/x/SENSOR", R"({"ts":1,"device":"d","data":{"a\u0007":1}})", "name_invalid"},
      {"tele/x/SENSOR", R"({"ts":1,"device":"d\n","data":{"a":1}})", "name_invalid"},
      {"tele/x/SENSOR", R"({"ts":1,"device":")" + std::string(300, 'd') + R"(","data":{"a":1}})",
       "name_invalid"},
  }));
  CAPTURE(row.topic, row.payload.substr(0, 80));
  CHECK(reason(env_rule(), row.topic, row.payload) == row.reason);
}

TEST_CASE("a long string and a broken integer are refused where the rule wants them", "[ingest][decoder]") {
  IngestRule rule = json_rule();
  rule.strings = true;
  rule.integers = {"n"};
  CHECK(reason(rule, "tele/d/SENSOR", "{\"s\":\"" + std::string(limits::kStringBytesMax, 'x') + "\"}") ==
        "taken");
  CHECK(reason(rule, "tele/d/SENSOR", "{\"s\":\"" + std::string(limits::kStringBytesMax + 1, 'x') + "\"}") ==
        "too_large");
  CHECK(reason(rule, "tele/d/SENSOR", R"({"n":1.5})") == "bad_number");
}

TEST_CASE("a plain payload is a number, a truth value, or refused", "[ingest][decoder]") {
  struct Row {
    const char* payload;
    std::optional<Value> value;
    const char* reason;
  };
  const auto row = GENERATE(values<Row>({
      {"21.5", Value(21.5), "taken"},
      {" -3\r\n", Value(-3.0), "taken"},
      {"+.5", Value(0.5), "taken"},
      {"true", Value(true), "taken"},
      {"False", Value(false), "taken"},
      {"ON", Value(true), "taken"},
      {"off", Value(false), "taken"},
      {"1e999", std::nullopt, "bad_number"},
      {"nan", std::nullopt, "bad_value"},
      {"", std::nullopt, "bad_value"},
      {"21.5 C", std::nullopt, "bad_value"},
      {"open", std::nullopt, "bad_value"},
  }));
  CAPTURE(row.payload);
  CHECK(reason(plain_rule(), "plant/g3/temp", row.payload) == row.reason);
  if (!row.value) return;
  const auto event = event_of(plain_rule(), "plant/g3/temp", row.payload);
  CHECK(event.taken == std::chrono::seconds(1));
  REQUIRE(event.readings.size() == 1);
  CHECK(event.readings[0].series == "g3/temp");
  CHECK(event.readings[0].value == *row.value);
}

TEST_CASE("plain settings apply to the one value, and text is taken where it is allowed",
          "[ingest][decoder]") {
  IngestRule rule = plain_rule();
  rule.scale = {{"*", 0.01}};
  rule.unit = {{"*", "V"}};
  rule.on_off = false;
  CHECK(event_of(rule, "plant/g3/u", "331").readings[0].value == Value(3.31));
  CHECK(event_of(rule, "plant/g3/u", "331").readings[0].unit == "V");
  CHECK(reason(rule, "plant/g3/u", "on") == "bad_value");
  rule.strings = true;
  CHECK(event_of(rule, "plant/g3/u", "on").readings[0].value == Value(std::string("on")));
  CHECK(reason(rule, "plant/g3/u", "\xff") == "bad_value");
  CHECK(reason(rule, "plant/g3/u", std::string(limits::kStringBytesMax + 1, 'x')) == "too_large");
  rule.integers = {"*"};
  CHECK(event_of(rule, "plant/g3/u", "331e2").readings[0].value == Value(std::int64_t{331}));
}

TEST_CASE("ten thousand random messages are taken or refused and never crash", "[ingest][decoder]") {
  std::mt19937 random(2);
  const auto plain = compiled(plain_rule());
  const auto json = compiled(env_rule());
  const auto noise = [&random] {
    std::string bytes(random() % 48, '\0');
    for (char& c : bytes) c = static_cast<char>(random() & 0xff);
    return bytes;
  };
  for (int i = 0; i < 10'000; ++i) {
    const std::string topic = noise(), payload = noise();
    CHECK(std::holds_alternative<Refused>(decode(plain, {topic, payload, kArrival})));
    decode(plain, {"plant/a/b", payload, kArrival});
    CHECK(std::holds_alternative<Refused>(decode(json, {"tele/x/SENSOR", payload, kArrival})));
  }
}

}  // namespace
}  // namespace deltamesh
