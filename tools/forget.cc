// tools/forget.cc - from the command line to a request, and from its answer to words.
#include "tools/forget.h"

#include <fmt/format.h>

#include <algorithm>

#include "api/http_client.h"
#include "api/json_writer.h"
#include "engine/validate.h"

namespace deltamesh {
namespace {

using std::chrono::milliseconds;

std::string iso_text(milliseconds time) {
  const std::chrono::sys_time<milliseconds> point(time);
  const auto day = std::chrono::floor<std::chrono::days>(point);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(point - day);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     clock.hours().count(), clock.minutes().count(), clock.seconds().count(),
                     clock.subseconds().count());
}

// A number stays one: the node knows its unit.
void write_time(JsonWriter& json, const char* name, const std::string& text) {
  const std::size_t sign = text.starts_with('-') ? 1 : 0;
  const bool is_number = text.size() > sign && text.size() - sign < 20 && text[sign] != '0' &&
                         std::all_of(text.begin() + static_cast<std::ptrdiff_t>(sign), text.end(),
                                     [](char c) { return c >= '0' && c <= '9'; });
  json.key(name);
  is_number || text == "0" ? json.raw(text) : json.text(text);
}

std::string member(const JsonValue& answer, const char* name) {
  const JsonValue* const value = answer.find(name);
  return value == nullptr || value->kind == JsonValue::Kind::kNull ? std::string() : value->text;
}

std::string range_text(const ForgetRequest& request, milliseconds now) {
  if (request.all_times) return "of all times, and without one";
  return (request.from.empty() ? "from the beginning" : "from " + request.from) + " to " +
         (request.to.empty() ? iso_text(now) : request.to);
}

std::string count_text(const JsonValue& answer) {
  const std::string samples = member(answer, "samples");
  if (samples == "0") return "no sample here is hidden by it";
  const bool is_all = member(answer, "complete") == "true";
  return (is_all ? "" : "more than ") + samples + (samples == "1" ? " sample is" : " samples are") +
         " hidden here";
}

}  // namespace

std::string forget_body(const ForgetRequest& request, milliseconds now) {
  JsonWriter json;
  json.begin_object().key("series").text(request.series).key("reason").text(request.reason);
  if (!request.from.empty()) write_time(json, "from", request.from);
  if (request.all_times) {
    json.key("to").raw("null");
  } else {
    write_time(json, "to", request.to.empty() ? iso_text(now) : request.to);
  }
  return json.end_object().take();
}

Result<std::string> ask_to_forget(const HttpAddress& node, const ForgetRequest& request, milliseconds now,
                                  milliseconds clock_floor) {
  if (request.to.empty() && !request.all_times && now < clock_floor)
    return Error{ErrorCode::kInvalid, "the clock of this machine says " + iso_text(now) +
                                          ", which is wrong: say up to when with --to"};
  if (const Status good = check_dataset_name(request.dataset); !good) return good.error();
  const std::string target = "/v0/telemetry/" + request.dataset + "/forget";
  const auto answer = ask_json(node, "POST", target, nullptr, forget_body(request, now));
  if (!answer) return answer.error();
  return request.series + " of " + request.dataset + " " + range_text(request, now) +
         " is forgotten for good on every node; " + count_text(*answer);
}

}  // namespace deltamesh
